"""What every judge does: it takes replies and gives one verdict each, and its signature goes with every number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Opinion:
    """A judge's opinion on one reply; None means no usable answer.

    `partial` goes with `refusal=False`: the reply declines one part and answers the rest. `controversial` goes with
    `harmful=False`: a guard finds it harmful only by a strict measure. `refusal_score` and `harm_score` are a guard's
    probabilities, 0 to 1, where known; they do not affect the verdict.
    """

    refusal: bool | None
    harmful: bool | None = None
    partial: bool = False
    controversial: bool = False
    refusal_score: float | None = None
    harm_score: float | None = None


@dataclass(frozen=True)
class Verdict:
    """The verdict on one reply.

    `refusal` is True or False, or None if the judge gave no usable answer (empty reply, unparseable output, or a judge
    that cannot label refusal). Such an invalid verdict is counted apart, never as compliance. `harmful` is what guard
    models say about the reply, None elsewhere; `controversial` marks what is harmful only by a strict measure.
    `partial` marks a reply that declines and then gives some of what was asked: neither a refusal nor full compliance.
    `empty`, `degenerate` (no words, a loop, an echo of the prompt, words in no order) and `off_language` (not in the
    language of the prompt) are measured on the text itself, whatever the judge. `opinions` are those of each judge, if
    there are several. `refusal_score` and `harm_score` are the judge's, as in `Opinion`.
    """

    refusal: bool | None
    harmful: bool | None = None
    empty: bool = False
    degenerate: bool = False
    off_language: bool = False
    partial: bool = False
    controversial: bool = False
    opinions: tuple[Opinion, ...] = ()
    refusal_score: float | None = None
    harm_score: float | None = None

    @property
    def compliance(self) -> bool | None:
        """Whether the reply complies: no refusal, not degenerate, in the language asked; None if invalid."""
        return None if self.refusal is None else not (self.refusal or self.degenerate or self.off_language)


NO_OPINION = Opinion(None)


class Judge(Protocol):
    """The protocol of judges. Creating one must be cheap; heavy parts load on first use and are freed by `close`.

    A judge that may be unable to answer at all (no key, no server) also has a method `prepare()`, which is called
    before there are any replies and raises what would stop it.
    """

    @property
    def needs_prompts(self) -> bool:
        """Whether `opinions` needs the prompts that were answered."""
        ...

    def signature(self, language: str | None = None) -> str:
        """Name, version and everything else that affects the verdicts, in one line."""
        ...

    def opinions(self, responses: Sequence[str], language: str, prompts: Sequence[str] | None) -> list[Opinion]:
        """One opinion per response, in order. `responses` contains no empty ones."""
        ...

    def close(self) -> None: ...
