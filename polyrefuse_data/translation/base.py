"""The type of translation backends: batches in, one result per row out, and a fingerprint that is the key in the
journal."""

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
    """How much text a backend takes at once: single sentences, or whole texts, up to a length in characters.

    `unknown` returns the characters of a text that the backend cannot read and that are not part of a word. They are
    carried over like placeholders.
    """

    max_chars: int
    sentences: bool
    unknown: Callable[[Request], frozenset[str]] | None = field(default=None, compare=False)


# Models that were trained on sentence pairs leave out what follows the first sentence, and lose long ones' thread.
SENTENCES = Units(max_chars=400, sentences=True)


@dataclass(frozen=True)
class Translation:
    """A translated text. `alternatives` are the next best ones, best first, if several were requested."""

    text: str
    origin: str = "machine"
    alternatives: tuple[str, ...] = ()
    usage: dict[str, float] = field(default_factory=dict)  # by the keys of USAGE
    notes: tuple[str, ...] = ()  # what the backend had to do to find the text in the answer


@dataclass(frozen=True)
class Failure:
    """Why a backend returned no text: `reason` is a short name for statistics, `detail` a message.

    With `ask_again` there was no answer (a time-out, a busy API, a broken program): the journal does not keep it, and
    the next run asks again.
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
    """The total usage of several answers."""
    total: Counter[str] = Counter()
    for usage in usages:
        total.update(usage)
    return dict(total)


NO_MATCH = "no_match"  # a backend that only looks up does not hold this text: not counted as a try


class Translator(Protocol):
    """A translation backend. Creating one is cheap; models are loaded and connections opened on first use.

    `name` goes into the `translator` column (engine, model, revision, e.g. `nllb:org/model@abc123`). `settings` is
    everything that affects the output (engine, model, revision, decoding); its fingerprint is the key in the journal.
    """

    @property
    def name(self) -> str: ...

    @property
    def settings(self) -> dict[str, Any]: ...

    @property
    def units(self) -> Units | None:
        """How texts are split for this backend; None if not at all (a memory matches whole texts)."""
        ...

    def prepare(self, pairs: Iterable[Pair]) -> None:
        """Check for problems that would affect every row: a missing program, model, extra or credential, or an unknown
        language.

        Called before the first row is translated. Raises ConfigError, MissingPrerequisite or ModelError with the fix.
        """
        ...

    def plan(self, requests: Sequence[Request]) -> list[list[int]]:
        """The batches that suit this backend best, as indices of `requests`. The same requests must give the same
        batches: a model's answer may depend on the other texts in its batch, so a resumed run must form the same
        ones."""
        ...

    def translate(self, batches: Sequence[Sequence[Request]]) -> Iterator[tuple[int, list[Result]]]:
        """Yield (index of the batch, one result per request in order), each batch once, in any order.

        A text that fails is a Failure in its place and does not affect the others. Raises TranslationError only if
        nothing more can be translated; what was yielded before counts.
        """
        ...

    def close(self) -> None:
        """Free the model, process or connections; `translate` reopens them."""
        ...


@runtime_checkable
class Particular(Protocol):
    """A backend that knows which directions it is not made for, and is not asked for those."""

    def takes(self, pair: Pair) -> bool: ...


@runtime_checkable
class Local(Protocol):
    """A backend with a local model. Its `prepare` may fetch and convert gigabytes."""

    checkpoint: Any


@runtime_checkable
class Provable(Protocol):
    """A backend that can only prove that it answers by answering, which costs something."""

    def prove(self, pair: Pair) -> None:
        """Translate a plain sentence. Raises what `prepare` raises."""
        ...


@runtime_checkable
class SeveralCandidates(Protocol):
    """A backend that can give more than one text per row."""

    def with_candidates(self, candidates: int) -> Translator:
        """The same backend, with model and connections shared, asked for that many texts per row."""
        ...


@dataclass(frozen=True)
class Price:
    """The price of some texts: tokens and US dollars if the backend counts them, and seconds (or, with `at_most`, at
    most that many)."""

    input_tokens: int | None
    output_tokens: int | None
    usd: float | None
    seconds: float
    at_most: bool = False


@runtime_checkable
class Priced(Protocol):
    """A backend that can estimate its cost without being asked for a text."""

    def price(self, requests: Sequence[Request]) -> Price: ...


class Identity(NamedTuple):
    """A backend's identity in the journal; unlike the backend itself, it can be sent to another process."""

    name: str
    settings: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.settings)


def identity(translator: Translator) -> Identity:
    return Identity(translator.name, translator.settings)


def translate_requests(translator: Translator, requests: Sequence[Request]) -> list[Result]:
    """Results of `requests` in order, directly from the backend."""
    plan = translator.plan(requests)
    results: dict[int, Result] = {}
    for number, batch in translator.translate([[requests[index] for index in indices] for indices in plan]):
        results.update(zip(plan[number], batch, strict=True))
    return [results[index] for index in range(len(requests))]


def fingerprint(settings: dict[str, Any]) -> str:
    """16 hex digits of the sha256 of the settings' canonical JSON."""
    canonical = json.dumps(settings, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]
