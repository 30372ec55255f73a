"""What every translation backend is: batches in, one result a row out, and a fingerprint that keys the journal."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

from polyrefuse_data.languages import Language
from polyrefuse_data.system.redaction import one_line


class Request(NamedTuple):
    """One text to translate. A batch may mix language pairs."""

    text: str
    source: Language
    target: Language


class Pair(NamedTuple):
    """A direction of translation."""

    source: Language
    target: Language


@dataclass(frozen=True)
class Units:
    """How much text a backend takes at once: single sentences, or whole texts up to a length in characters.

    `unknown` gives the characters of a text that it cannot read, but for those of words: they are carried over, as
    placeholders are.
    """

    max_chars: int
    sentences: bool
    unknown: Callable[[Request], frozenset[str]] | None = field(default=None, compare=False)


# Models that were trained on sentence pairs leave out what follows the first sentence, and lose long ones' thread.
SENTENCES = Units(max_chars=400, sentences=True)


@dataclass(frozen=True)
class Translation:
    """A text that a backend gave; `alternatives` are its next best ones, best first, where it was asked for several."""

    text: str
    origin: str = "machine"
    alternatives: tuple[str, ...] = ()
    usage: dict[str, float] = field(default_factory=dict)  # by the keys of USAGE
    notes: tuple[str, ...] = ()  # what the backend had to do to find the text in the answer


@dataclass(frozen=True)
class Failure:
    """Why a backend gave no text: `reason` is a short name that is counted, `detail` is for people.

    With `ask_again` it is no answer (a time-out, a busy API, a broken program): the journal does not keep it, and the
    next run asks again.
    """

    reason: str
    detail: str = ""
    ask_again: bool = False
    usage: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", one_line(self.detail))  # it is kept in the journal, and goes into reports


Result = Translation | Failure

USAGE = ("input_tokens", "output_tokens", "cost_usd")  # the keys of `usage`


def total_usage(usages: Iterable[dict[str, float]]) -> dict[str, float]:
    """What several answers took together."""
    total: Counter[str] = Counter()
    for usage in usages:
        total.update(usage)
    return dict(total)


NO_MATCH = "no_match"  # a backend that only looks up does not hold this text: not counted as a try


class Translator(Protocol):
    """A translation backend. Making one is cheap; models are loaded and connections opened when they are first needed.

    `name` is what the `translator` column says (engine, model, revision, e.g. `nllb:org/model@abc123`); `settings` is
    everything that decides the output (engine, model, revision, decoding): its fingerprint keys the journal.
    """

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> dict[str, Any]: ...

    @property
    def units(self) -> Units | None:
        """How texts are cut before this backend sees them; None: not at all (a memory matches whole texts)."""
        ...

    def prepare(self, pairs: Iterable[Pair]) -> None:
        """Find what would stop every row: a missing program, model, extra or credential, a language it does not know.

        Raises ConfigError, MissingPrerequisite or ModelError with the mend. Called before the first row is translated.
        """
        ...

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        """The batches, as indices of `requests`, that this backend does best. The same requests give the same batches:
        what a model says of a text may depend on the texts beside it, so a resumed run must not re-deal them."""
        ...

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        """Yield (index of the batch, one result a request in order), each batch once, whichever is ready first.

        A text that fails is a Failure in its place; it never fails the others. Raises TranslationError only where
        nothing more can be translated at all; what was yielded before stands.
        """
        ...

    def close(self) -> None:
        """Free the model, process or connections; `translate` opens them again."""
        ...


@runtime_checkable
class Particular(Protocol):
    """A backend that knows beforehand which directions it is not made for: it is not asked for those."""

    def takes(self, pair: Pair) -> bool: ...


@runtime_checkable
class Local(Protocol):
    """A backend that is a model on this machine: `prepare` may fetch and convert gigabytes of it."""

    checkpoint: Any


@runtime_checkable
class Provable(Protocol):
    """A backend of which only an answer shows that it can answer, and an answer costs something."""

    def prove(self, pair: Pair) -> None:
        """Have a plain sentence translated. Raises what `prepare` raises."""
        ...


@runtime_checkable
class SeveralCandidates(Protocol):
    """A backend that can give more than one text a row."""

    def with_candidates(self, candidates: int) -> Translator:
        """The same backend, model and connections shared, asked for that many texts a row."""
        ...


@dataclass(frozen=True)
class Price:
    """What so many texts take: tokens and US dollars where the backend counts them, seconds (or `at_most` so many)."""

    input_tokens: int | None
    output_tokens: int | None
    usd: float | None
    seconds: float
    at_most: bool = False


@runtime_checkable
class Priced(Protocol):
    """A backend that costs money, and can say how much without being asked for a text."""

    def price(self, requests: Sequence[Request]) -> Price: ...


class Identity(NamedTuple):
    """What the journal knows a backend by; unlike the backend itself, nothing to send to another process."""

    name: str
    settings: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.settings)


def identity(translator: Translator) -> Identity:
    return Identity(translator.name, translator.settings)


def translate_requests(translator: Translator, requests: Sequence[Request]) -> list[Result]:
    """Results of `requests` in their order, straight from the backend."""
    plan = translator.plan(requests)
    results: dict[int, Result] = {}
    for number, batch in translator.translate([[requests[index] for index in indices] for indices in plan]):
        results.update(zip(plan[number], batch, strict=True))
    return [results[index] for index in range(len(requests))]


def fingerprint(settings: dict[str, Any]) -> str:
    """16 hex digits of the sha256 of the settings' canonical JSON."""
    canonical = json.dumps(settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]
