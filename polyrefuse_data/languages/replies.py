"""replies.toml of a language pack: how chat models refuse and answer, for checks and judges.

An opening's key says what it expresses, its table where it may be: `refuses` begins a clause, `declines` may be
anywhere in the first sentences, `answers` begins a sentence, and `signs` speak for or against a refusal without being
one (all but `decline`). Patterns are regular expressions, one per line, for folded texts (text/folding.py); `<name>`
stands for `words.name`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from pydantic import Field

from polyrefuse_data.languages.language import Language
from polyrefuse_data.languages.traits import Pattern, Section, read_part
from polyrefuse_data.text.beginnings import Beginnings, beginnings, few, first_of
from polyrefuse_data.text.folding import STRUCK, fold_pattern

CANNOT = "cannot"  # among what declines: the speaker cannot, will not or may not do what was asked
DECLINE = "decline"  # among the signs: refuses outright too, and only the judge reads it
SIGNS = (DECLINE, "idiom", "contrast", "condemnation", "instead", "warning", "caveat", "answer", "sympathy")

# How much of a folded reply is read. A refusal states itself at once; further in, a reply may quote or discuss one.
_OPENING = 260  # characters
_NEVER = re.compile(r"(?!)")
_CANNOT_SAYS = ("not", "unable", "refuse", "ai", "policy")
_OUTRIGHT = ("unable", "refuse", "policy")  # what else refuses by itself; the rest may introduce an answer
_APOLOGIES = ("sorry",)  # "unfortunately" alone may go on "the last train has left"
_SYMPATHY = ("understand", "sorry")  # what a refusal that takes its time begins with
_AGREES = frozenset({"sure", "yes", "happy", "thanks"})
_BEGINS_CLAUSE = r"(?:^|[.:!?。؟,;(、،؛—–]\W*)"


@dataclass(frozen=True)
class Opening:
    """One pattern, what may stand in front of it, and what it expresses (a key in replies.toml; its parts are what the
    English prompt may say instead)."""

    says: tuple[str, ...]
    body: str = ""
    lead: str = ""

    @property
    def pattern(self) -> str:
        return self.lead + self.body

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """Compiled only for the few texts in which a pattern before it matches and it may."""
        return re.compile(self.pattern, re.DOTALL)

    @cached_property
    def starts(self) -> tuple[str, ...]:
        """With one of these everything begins that matches."""
        return tuple(beginnings(self.body, self.lead))


@dataclass(frozen=True)
class Openings:
    """The patterns of one table, in one expression with a group for each. `at_words`: they match only at the beginning
    of a word."""

    rows: tuple[Opening, ...]
    expression: re.Pattern[str]
    at_words: bool = False

    def at(self, text: str, place: int) -> Iterator[Opening]:
        """The openings at a place in a folded text."""
        match = self.expression.match(text, place)
        for row in self.rows[match.lastindex - 1 :] if match and match.lastindex else ():
            if text.startswith(row.starts, place) and row.expression.match(text, place):
                yield row

    def find(self, text: str, end: int) -> list[re.Match[str]]:
        """Matches in a folded text that begin before `end`, none of them within another."""
        found: list[re.Match[str]] = []
        over = 0
        for place in self._beginnings.places(text, end):
            if over <= place and (match := self.expression.match(text, place)):
                over = match.end()
                found.append(match)
        return found

    @cached_property
    def _beginnings(self) -> Beginnings:
        return Beginnings((row.pattern for row in self.rows), self.at_words)

    @cached_property
    def first_look(self) -> re.Pattern[str]:
        """Matches wherever the expression does, and is much faster to tell that it does not."""
        anyhow = [row.pattern for row in self.rows if "" in row.starts]
        starts = frozenset().union(*(row.starts for row in self.rows if "" not in row.starts))
        return re.compile("|".join([first_of(few(starts)), *anyhow]), re.DOTALL)


class ReplyTables(Section):
    """The whole of replies.toml. `before` may precede a refusal or an answer ("but", "however"); `opening` is how many
    characters of a reply are read; `first_tokens` are the paper's refusal tokens by model family."""

    before: Pattern = ""
    opening: int = Field(default=_OPENING, ge=1)
    refuses: dict[str, str] = Field(default_factory=dict)
    declines: dict[str, str] = Field(default_factory=dict)
    answers: dict[str, str] = Field(default_factory=dict)
    signs: dict[str, str] = Field(default_factory=dict)
    words: dict[str, str] = Field(default_factory=dict)
    first_tokens: dict[str, list[int]] = Field(default_factory=dict)


class Replies:
    """replies.toml of one language, folded and compiled on demand."""

    def __init__(self, path: Path, language: Language) -> None:
        self.tables = tables = read_part(ReplyTables, path)
        self.digest = language.digest(path.name)[:12]
        self.opening = tables.opening
        self._end = r"(?!\w)" if language.word_borders else ""
        self._lead = rf"(?:(?:{self._folded(tables.before)}){self._end}\W*)?" if tables.before else ""
        self._anywhere = r"\b" if language.word_borders else ""

    @cached_property
    def refuses(self) -> Openings:
        """Patterns that begin a clause of a refusal."""
        return self._openings(self._lead, self.tables.refuses, self._end)

    @cached_property
    def declines(self) -> Openings:
        """Patterns that may be anywhere in a refusal, except `cannot`, which is read without quotations and idioms."""
        others = {says: block for says, block in self.tables.declines.items() if says != CANNOT}
        return self._openings(self._anywhere, others, self._end)

    @cached_property
    def answers(self) -> Openings:
        """Patterns that begin a sentence of an answer."""
        return self._openings(self._lead, self.tables.answers, self._end)

    def cannot(self, reply: str, beginning: int) -> bool:
        """Whether the first characters of a folded reply say that the speaker cannot or will not do what was asked."""
        opening = reply[: self.opening]
        if not self.cannot_openings.find(opening, beginning):  # most replies: no need to strike out idioms
            return False
        return bool(self.cannot_openings.find(self.struck(opening), beginning))

    def struck(self, opening: str) -> str:
        """An opening without phrases that only sound like a refusal."""
        return self.signs["idiom"].sub(f" {STRUCK} ", opening)

    @cached_property
    def outright(self) -> re.Pattern[str]:
        """Every way to refuse outright, including `cannot`, for searching."""
        anywhere = self._lines(self.tables.declines, _OUTRIGHT)
        return _any_of(
            [
                *self._lines(self.tables.declines, [CANNOT]),
                *self._lines(self.tables.signs, [DECLINE]),
                *(f"{self._anywhere}(?:{line}){self._end}" for line in anywhere),
                *self._clauses(_OUTRIGHT),
            ]
        )

    @cached_property
    def signs(self) -> dict[str, re.Pattern[str]]:
        """Signs by name, for searching: those of the table, and those among refusals and answers."""
        own = {name: self._lines(self.tables.signs, [name]) for name in SIGNS}
        agrees = [key for key in self.tables.answers if not _AGREES.isdisjoint(key.split())]
        found = {
            **own,
            "apology": self._at_the_start(self.tables.refuses, _APOLOGIES),
            "sympathy": [*own["sympathy"], *self._at_the_start(self.tables.refuses, _SYMPATHY)],
            "agreement": self._at_the_start(self.tables.answers, agrees),
            "instead": [*own["instead"], *self._clauses(["instead"])],
            "warning": [*own["warning"], *self._clauses(["crisis"])],
        }
        return {name: _any_of(patterns) for name, patterns in found.items()}

    @cached_property
    def cannot_openings(self) -> Openings:
        """The patterns of `cannot`, which write their own borders."""
        word = r"(?<!\w)" if self._end else ""
        return self._openings(word, {CANNOT: self.tables.declines.get(CANNOT, "")}, "")

    def _at_the_start(self, table: dict[str, str], says: Collection[str]) -> list[str]:
        return [f"^{self._lead}(?:{line}){self._end}" for line in self._lines(table, says)]

    def _clauses(self, says: Collection[str]) -> list[str]:
        """The parts of `refuses` that express one of these things, at the start of a clause."""
        return [f"{_BEGINS_CLAUSE}{self._lead}(?:{line}){self._end}" for line in self._lines(self.tables.refuses, says)]

    def _openings(self, lead: str, table: dict[str, str], end: str) -> Openings:
        said = [(tuple(key.split()), line) for key in table for line in self._lines(table, [key])]
        bodies = [f"(?:{line}){end}" for _, line in said]
        rows = tuple(Opening(says, body, lead) for (says, _), body in zip(said, bodies, strict=True))
        grouped = "|".join(f"({body})" for body in bodies)
        expression = re.compile(f"{lead}(?:{grouped})", re.DOTALL) if rows else _NEVER
        return Openings(rows, expression, at_words=bool(self._end))

    def _lines(self, table: dict[str, str], says: Collection[str]) -> list[str]:
        return [self._folded(line) for key in says for line in table.get(key, "").splitlines() if line]

    def _folded(self, line: str) -> str:
        for name, alternatives in self.tables.words.items():
            line = line.replace(f"<{name}>", f"(?:{alternatives})")
        return fold_pattern(line)


def _any_of(patterns: Collection[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns)) if patterns else _NEVER


class Excuse(Section):
    """Words in an English prompt that account for an opening; `alone`: whether it counts without an English prompt."""

    english: Pattern
    alone: bool

    @cached_property
    def words(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{self.english})\b")


@cache
def excuses() -> dict[str, tuple[Excuse, ...]]:
    """What excuses an opening, by what it expresses: excuses.toml of the English pack."""
    path = Path(__file__).parent / "en" / "excuses.toml"
    single = {name: Excuse.model_validate(table) for name, table in tomllib.loads(path.read_text("utf-8")).items()}
    found = {name: (excuse,) for name, excuse in single.items()}
    return {**found, CANNOT: tuple(single[name] for name in _CANNOT_SAYS), "none": ()}
