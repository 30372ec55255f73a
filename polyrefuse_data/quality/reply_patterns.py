"""How chat models open a refusal or an answer, in fourteen languages: the rows of openings/<language>.tsv.

A row is a kind (`refusal`, `answer`), a regular expression for the beginning of a sentence or clause, and the names of
what excuses it: words of the English prompt (openings/unless.tsv) of which a faithful translation may begin so as well.
Rows of the kind `before` are words that may precede an opening ("but", "however").
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

REFUSAL, ANSWER = "refusal", "answer"
_BEFORE = "before"
_FOLDER = files(__package__) / "openings"
_UNSPACED = frozenset({"ja", "ko", "th", "zh"})  # a word goes on without a space: marks are letters, no word ends

_MARKS = re.compile("[\u0300-\u036f\u064b-\u0655\u0670]")
_APOSTROPHES = str.maketrans("‘’ʼ`", "''''")
# Where a reply may begin. A refusal also after a preface ("I see, but"); Thai writes a space where others have a stop.
_SENTENCE = re.compile(r"(?:^|[.:!?\n。؟])\W*")
_CLAUSE = re.compile(r"(?:^|[.,:;!?(\n。、،؛؟—–])\W*")
_THAI_CLAUSE = re.compile(r"(?:^|[.,:;!?(\s—–])\W*")


@dataclass(frozen=True)
class Excuse:
    """Words of an English prompt; `alone`: whether what they excuse counts where there is no English prompt."""

    english: re.Pattern[str]
    alone: bool


@dataclass(frozen=True)
class Opening:
    """One row. `expression` matches at the beginning of a clause of a folded text."""

    kind: str
    expression: re.Pattern[str]
    unless: tuple[Excuse, ...]

    def counts(self, source: str) -> bool:
        """Whether it speaks against a translation of `source`, a folded English prompt, empty where there is none."""
        if source:
            return not any(excuse.english.search(source) for excuse in self.unless)
        return all(excuse.alone for excuse in self.unless)


@dataclass(frozen=True)
class Openings:
    """The rows of one language and kind, in one expression that has a group for each."""

    language: str
    kind: str
    rows: tuple[Opening, ...]
    expression: re.Pattern[str]

    def found(self, text: str, source: str) -> Iterator[Opening]:
        """Those of a folded text that its folded English prompt does not excuse; without one, of its first words."""
        for start in starts(text, self.language, self.kind)[: None if source else 1]:
            if not (match := self.expression.match(text, start)):
                continue
            for row in self.rows[match.lastindex - 1 :] if match.lastindex else ():
                if row.counts(source) and row.expression.match(text, start):
                    yield row


def fold(text: str, language: str) -> str:
    """Lower case, compatibility forms, plain apostrophes; where words are spaced, without marks and vowel signs."""
    return _fold_marks(text, language).lower()


def _fold_marks(text: str, language: str) -> str:
    if text.isascii():
        return text
    if language in _UNSPACED:
        return unicodedata.normalize("NFKC", text)
    return _MARKS.sub("", unicodedata.normalize("NFKD", text).translate(_APOSTROPHES))


def starts(text: str, language: str, kind: str) -> list[int]:
    """Where in a folded text a reply of a kind may begin: answers with a sentence, refusals with a clause as well."""
    pattern = _THAI_CLAUSE if language == "th" else _CLAUSE if kind == REFUSAL else _SENTENCE
    return [match.end() for match in pattern.finditer(text)]


@cache
def openings(language: str, kind: str) -> Openings | None:
    """The rows of a language and kind; None for a language without a table."""
    path = _FOLDER / f"{language}.tsv"
    if not path.is_file():
        return None
    table = _table(path.read_text(encoding="utf-8"))
    before = "|".join(_fold_marks(row["opening"], language) for row in table if row["kind"] == _BEFORE)
    words = "" if language in _UNSPACED else r"(?!\w)"
    wanted = [row for row in table if row["kind"] == kind]
    bodies = [f"(?:{_fold_marks(row['opening'], language)}){words}" for row in wanted]
    lead = rf"(?:(?:{before}){words}\W*)?"
    excuses = _excuses()
    return Openings(
        language,
        kind,
        tuple(
            Opening(kind, re.compile(lead + body, re.DOTALL), tuple(excuses[name] for name in row["unless"].split()))
            for row, body in zip(wanted, bodies, strict=True)
        ),
        re.compile(lead + "(?:" + "|".join(f"({body})" for body in bodies) + ")", re.DOTALL),
    )


@cache
def _excuses() -> dict[str, Excuse]:
    table = _table((_FOLDER / "unless.tsv").read_text(encoding="utf-8"))
    return {row["name"]: Excuse(re.compile(rf"\b(?:{row['english']})\b"), row["alone"] == "yes") for row in table}


def _table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
