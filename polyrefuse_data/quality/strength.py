"""How strong the checks are for a language: what its pack has, what it lacks, and what the checks do without that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from polyrefuse_data.languages import Language
from polyrefuse_data.quality.checks import THRESHOLDS
from polyrefuse_data.quality.thresholds import bounds_of
from polyrefuse_data.text.mojibake import SPACED_SCRIPTS
from polyrefuse_data.text.naive_bayes import model

FULL = "full"
_LATIN = "Latn"


@dataclass(frozen=True)
class Part:
    """A part of a pack, the flags that it strengthens, what they do without it, and whether a language has it (None:
    not needed)."""

    name: str
    flags: str
    without: str
    has: Callable[[Language], bool | None]


def _has_letters(language: Language) -> bool | None:
    own = language.traits.writing
    if language.script in SPACED_SCRIPTS:
        return own.letters is not None
    return bool(own.encodings) or None


def _bound(name: str) -> Part:
    threshold = THRESHOLDS[name]
    without = f"the bound of every language, {threshold.default:g}"
    return Part(f"traits.toml: bounds.{name}", threshold.flag, without, lambda known: name in known.traits.bounds)


_PARTS = (
    Part(
        "(the identifier)",
        "language_id, mixed_languages",
        "py3langid does not know the language: not checked; name another `quality.identifier`",
        lambda known: bool(model().columns(known.identifiers)),
    ),
    Part(
        "traits.toml: writing.letters, encodings",
        "hidden_characters",
        "letters that the language does not write pass; mojibake shows in signs and capitals alone",
        _has_letters,
    ),
    Part(
        "traits.toml: labels",
        "debris",
        "labels and notes in English are found, those in the language only by their position",
        lambda known: bool(known.traits.labels.own),
    ),
    Part(
        "traits.toml: relatives",
        "related_language",
        "not checked: what language_id and mixed_languages do not find passes",
        lambda known: known.traits.relatives is not None,
    ),
    Part(
        "traits.toml: english.homographs",
        "partly_translated",
        "words that both languages have count as English",
        lambda known: bool(known.traits.english.homographs) if known.script == _LATIN else None,
    ),
    Part(
        "numbers.toml",
        "preserved",
        "numbers in digits are compared, numbers in words are not",
        lambda known: known.numbers is not None and bool(known.numbers.words),
    ),
    Part(
        "replies.toml",
        "translator_refused, translator_answered",
        "English replies alone are found, and the judge `phrases` cannot judge the language",
        lambda known: known.replies is not None and bool(known.replies.refuses.rows),
    ),
    Part(
        "polarity.toml",
        "changed_negation, unsaid_negation",
        "the back-translation alone tells of a changed negation",
        lambda known: known.negation is not None,
    ),
    Part(
        "names.toml",
        "lost_names",
        "names of the prompt are looked for in no text",
        lambda known: None if known.script == _LATIN else known.name_letters is not None,
    ),
    Part(
        "lexicon.tsv",
        "unverified_meaning, mismatched, duplicate_target",
        "a text that answers to another prompt is found by its back-translation alone",
        lambda known: known.lexicon is not None,
    ),
    Part(
        "probability.toml",
        "improbable",
        "p_good is calibrated as for all languages together, and lengths say nothing in it",
        lambda known: known.probability is not None,
    ),
    *map(_bound, ("length_ratio_min", "length_ratio_max", "unverified_meaning", "back_translation", "script")),
    *map(_bound, ("related_language", "mixed_languages", "partly_translated_run")),
)


def strength(language: Language) -> list[dict[str, str]]:
    """The table of `polyrefuse languages --check`: each part of the pack, the flags that rely on it, and how strong
    they are.

    Raises ConfigError if a file of the pack is broken.
    """
    bounds_of(language, THRESHOLDS)
    rows = []
    for part in _PARTS:
        has = part.has(language)
        if has is not None:
            rows.append({"part": part.name, "flags": part.flags, "strength": FULL if has else part.without})
    return rows
