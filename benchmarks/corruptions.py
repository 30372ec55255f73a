"""Planted corruptions: what goes wrong in translated prompts, made on purpose on good rows, to measure the checks.

Each kind takes a good row and a seeded random source and returns what it changes, or None where it cannot apply (a row
without a number has none to lose). The rows given are plain dicts of the row schema.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from corruption_texts import ANSWERS, REFUSALS, RELATED

Row = Mapping[str, Any]
Change = dict[str, Any] | None
_SAYS = ("text", "text_en")
_UNSPACED = frozenset({"ja", "th", "zh"})
_ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"


@dataclass(frozen=True)
class Corpus:
    """The good rows to draw from: by (id, language), and the rows of each language in order."""

    by_key: Mapping[tuple[str, str], Row]
    by_language: Mapping[str, Sequence[Row]]

    def another(self, row: Row, rng: random.Random) -> Row | None:
        """A row of the same language whose English prompt differs."""
        others = self.by_language[row["language"]]
        for _ in range(20):
            other = rng.choice(others)
            if other["text_en"] != row["text_en"] and other["text"] != row["text"]:
                return other
        return None


@dataclass(frozen=True)
class Corruption:
    """A kind of corruption; `gross` ones have to be caught nearly always, the others nine times in ten."""

    name: str
    change: Callable[[Row, Corpus, random.Random], Change]
    gross: bool = True


def corpus(rows: Sequence[Row]) -> Corpus:
    """Index good rows. Rows without English are left out: nothing can be planted on them."""
    rows = [row for row in rows if row["text_en"] and row["text"]]
    by_language: dict[str, list[Row]] = {}
    for row in rows:
        by_language.setdefault(row["language"], []).append(row)
    return Corpus({(row["id"], row["language"]): row for row in rows}, by_language)


def plant(source: Corpus, corruption: Corruption, language: str, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Every row of `language` that `corruption` applies to, corrupted; none that it leaves as it is ("x for x" in
    another language). The same seed gives the same rows."""
    for row in source.by_language.get(language, ()):
        change = corruption.change(row, source, random.Random(f"{seed}-{corruption.name}-{row['id']}-{language}"))
        if change is not None and any(row.get(name) != value for name, value in change.items() if name in _SAYS):
            yield {**row, **change}


def _words(row: Row) -> list[str]:
    return list(row["text"]) if row["language"] in _UNSPACED else row["text"].split(" ")


def _join(row: Row, parts: Sequence[str]) -> str:
    return ("" if row["language"] in _UNSPACED else " ").join(parts)


def _wrong_language(row: Row, source: Corpus, rng: random.Random) -> Change:
    """The same prompt in another language of the set."""
    others = [code for code in source.by_language if code not in (row["language"], "en")]
    others = [code for code in others if (row["id"], code) in source.by_key]
    return {"text": source.by_key[row["id"], rng.choice(sorted(others))]["text"]} if others else None


def _related_language(row: Row, source: Corpus, rng: random.Random) -> Change:
    """A language that a model slips into: the same prompt where the set has it, else a prompt of its own."""
    own = RELATED.get(row["language"])
    if own is None:
        return None
    if isinstance(own, str):
        other = source.by_key.get((row["id"], own))
        return {"text": other["text"]} if other else None
    return {"text": rng.choice(own)}


def _untranslated(row: Row, source: Corpus, rng: random.Random) -> Change:
    return {"text": row["text_en"]} | _backed(row, row["text_en"])


def _half_translated(row: Row, source: Corpus, rng: random.Random) -> Change:
    """One half of the translation and the other half of the English."""
    english, own = row["text_en"].split(" "), _words(row)
    if len(english) < 4:
        return None
    middle, own_middle = len(english) // 2, len(own) // 2
    if rng.random() < 0.5:
        return {"text": _join(row, own[:own_middle]) + " " + " ".join(english[middle:])}
    return {"text": " ".join(english[:middle]) + " " + _join(row, own[own_middle:])}


def _truncated(row: Row, source: Corpus, rng: random.Random) -> Change:
    return {"text": row["text"][: max(1, len(row["text"]) // 3)].rstrip()}


def _other_row(row: Row, source: Corpus, rng: random.Random) -> Change:
    """Another row's translation; without a back-translation."""
    other = source.another(row, rng)
    return {"text": other["text"], "back_translation": None} if other else None


def _other_row_back_translated(row: Row, source: Corpus, rng: random.Random) -> Change:
    """Another row's translation, with its own back-translation."""
    other = source.another(row, rng)
    if other is None or not other["back_translation"]:
        return None
    return {"text": other["text"], "back_translation": other["back_translation"]}


def _looped(row: Row, source: Corpus, rng: random.Random) -> Change:
    """A few words over and over: the whole, the end, or an opening that fills the length."""
    parts = _words(row)
    kind = rng.randrange(3)
    if kind == 0:
        return {"text": _join(row, parts * rng.randint(3, 6))}
    few = max(1, len(parts) // 5)
    if kind == 1:
        return {"text": _join(row, parts + parts[-few:] * rng.randint(8, 15))}
    return {"text": _join(row, parts[: few * 2] * rng.randint(4, 8))}


def _refusal(row: Row, source: Corpus, rng: random.Random) -> Change:
    text, english = rng.choice(list(zip(REFUSALS[row["language"]], REFUSALS["en"], strict=True)))
    return {"text": text} | _backed(row, english)


def _answer(row: Row, source: Corpus, rng: random.Random) -> Change:
    text, english = rng.choice(list(zip(ANSWERS[row["language"]], ANSWERS["en"], strict=True)))
    return {"text": text} | _backed(row, english)


def _backed(row: Row, english: str) -> dict[str, Any]:
    """The back-translation of a text that reads `english`, where the row has one."""
    return {"back_translation": english} if row["back_translation"] else {}


def _dropped_number(row: Row, source: Corpus, rng: random.Random) -> Change:
    numbers = re.findall(r"\d+", row["text"])
    shared = [number for number in numbers if re.search(rf"(?<!\w){number}(?!\w)", row["text_en"])]
    if not shared:
        return None
    return {"text": re.sub(rf"(?<!\d){rng.choice(shared)}(?!\d)", "", row["text"])}


def _zero_width(row: Row, source: Corpus, rng: random.Random) -> Change:
    letters = list(row["text"])
    for _ in range(rng.randint(1, 4)):
        letters.insert(rng.randint(1, len(letters)), rng.choice(_ZERO_WIDTH))
    return {"text": "".join(letters)}


def _mojibake(row: Row, source: Corpus, rng: random.Random) -> Change:
    broken = row["text"].encode("utf-8").decode(rng.choice(["latin-1", "cp1252"]), "replace")
    return None if broken == row["text"] else {"text": broken}


_PLACEHOLDERS = ("{name}", "{{user}}", "%s", "https://example.org/page", "<b>", "[NAME]", "${CITY}")


def _lost_placeholder(row: Row, source: Corpus, rng: random.Random) -> Change:
    """A field that the English prompt has and the translation does not."""
    return {"text_en": f"{row['text_en'].rstrip()} {rng.choice(_PLACEHOLDERS)}"}


CORRUPTIONS: tuple[Corruption, ...] = (
    Corruption("wrong_language", _wrong_language),
    Corruption("related_language", _related_language, gross=False),
    Corruption("untranslated", _untranslated),
    Corruption("half_translated", _half_translated, gross=False),
    Corruption("truncated", _truncated),
    Corruption("other_row", _other_row),
    Corruption("other_row_back_translated", _other_row_back_translated),
    Corruption("looped", _looped),
    Corruption("refusal", _refusal),
    Corruption("answer", _answer),
    Corruption("dropped_number", _dropped_number),
    Corruption("zero_width", _zero_width),
    Corruption("mojibake", _mojibake),
    Corruption("lost_placeholder", _lost_placeholder),
)
