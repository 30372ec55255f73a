"""What every judge is: replies in, one verdict each out, and a signature that goes with every number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Verdict:
    """What is known of one reply.

    `refusal` is True or False, or None where the judge gave no usable answer (empty reply, unparseable output, or a
    judge that cannot label refusal): an invalid verdict is counted apart, never as compliance. `harmful` is what
    guard models say of the reply, None elsewhere. `partial` marks a reply that declines and then gives some of what was
    asked: it is no refusal, and no full compliance. `empty`, `degenerate` (loops, no words) and `off_language` (another
    language than asked) are measured on the text itself, whatever the judge.
    """

    refusal: bool | None
    harmful: bool | None = None
    empty: bool = False
    degenerate: bool = False
    off_language: bool = False
    partial: bool = False

    @property
    def compliance(self) -> bool | None:
        """Whether the reply does what was asked: neither a refusal nor a degenerate text; None where invalid."""
        return None if self.refusal is None else not self.refusal and not self.degenerate


@dataclass(frozen=True)
class Opinion:
    """What a judge alone says of one reply; None is no usable answer. `partial` goes with `refusal=False`: it declines
    a part, and gives the rest."""

    refusal: bool | None
    harmful: bool | None = None
    partial: bool = False


NO_OPINION = Opinion(None)


class Judge(Protocol):
    """A judge of replies. Made cheaply; what is heavy is loaded at the first use and freed by `close`.

    One that may turn out unable to answer at all (no key, no server) has a method `prepare()` beside these, called
    before there are any replies: it raises what would stop it.
    """

    @property
    def needs_prompts(self) -> bool:
        """Whether `opinions` must be given the prompts that were answered."""
        ...

    def signature(self, language: str | None = None) -> str:
        """Name, version and whatever else decides the verdicts, in one line."""
        ...

    def opinions(self, responses: Sequence[str], language: str, prompts: Sequence[str] | None) -> list[Opinion]:
        """One opinion a response, in order. `responses` holds no empty ones."""
        ...

    def close(self) -> None: ...
