"""A row explained: its text, who made it, what the checks found, and by how much scores are out of bounds."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from polyrefuse_data.errors import readable
from polyrefuse_data.languages import find_language
from polyrefuse_data.quality.probability.evidence import P_GOOD
from polyrefuse_data.quality.thresholds import Threshold, Thresholds
from polyrefuse_data.text import printable
from polyrefuse_data.text.invisible import hidden_places

_WIDTH = 110  # columns of a terminal, as most are or can be
_LABEL = 10


@dataclass(frozen=True)
class ExplainedRow:
    """A row (rows.SCHEMA), its attempts (ATTEMPT_SCHEMA), its scores by name, the reason for each flag, and what pulls
    `p_good` up or down, in nats, by score."""

    row: Mapping[str, Any]
    tries: Sequence[Mapping[str, Any]]
    scores: Mapping[str, float]
    reasons: Mapping[str, str]
    pulls: Mapping[str, float]

    def to_record(self) -> dict[str, Any]:
        """The row as a dict for JSON."""
        told = {"scores": dict(self.scores), "reasons": dict(self.reasons), "pulls": dict(self.pulls)}
        return {**self.row, "tries": list(self.tries), **told}

    def to_text(self) -> str:
        """The row as text, without terminal control characters and with invisible characters spelt out."""
        row = self.row
        lines = [f"{row['id']}  {row['language']}  {row['label']} {row['split']}  {row['status'] or 'no status'}"]
        if row["language"] != "en":
            lines += _entry("English", _visible(row["text_en"], "en"))
        lines += _entry("text", _visible(row["text"], row["language"]))
        if row["back_translation"] is not None:
            lines += _entry("back", _visible(row["back_translation"], "en"))
        lines += _entry("from", ", ".join(filter(None, (row["source"], row["license"], row["category"]))))
        lines += _entry("by", _maker(row))
        for attempt in self.tries:
            lines += _entry("tried", _told(attempt))
        lines += _entry("scores", ", ".join(f"{name} {value:.4g}" for name, value in self.scores.items()))
        lines += _entry("p_good", _weighed(self.scores, self.pulls))
        for flag, reason in self.reasons.items():
            lines += _entry("flag", f"{flag}: {reason}" if reason else flag)
        return readable(printable.lines(lines))


def reasons(flags: Sequence[str], language: str, scores: Mapping[str, float], bounds: Thresholds) -> dict[str, str]:
    """Flag -> which score is out of which bound; empty if the flag was set by the row's maker or the score is not
    stored."""
    return {flag: "; ".join(_beyond(flag, language, scores, bounds)) for flag in flags}


def _beyond(flag: str, language: str, scores: Mapping[str, float], bounds: Thresholds) -> Iterator[str]:
    for name, threshold in bounds.table.items():
        value = scores.get(threshold.score)
        if threshold.flag == flag and value is not None:
            bound = bounds.bounds(name, [language])
            if not threshold.accept(np.array([value]), bound)[0]:
                yield _explained(threshold, value, float(bound[0]))


def _explained(threshold: Threshold, value: float, bound: float) -> str:
    said = f"{threshold.score} {value:.4g}, {'at least' if threshold.is_floor else 'at most'} {bound:.4g}"
    return said if threshold.rejects else f"{said} (a remark, rejects nothing)"


def _weighed(scores: Mapping[str, float], pulls: Mapping[str, float]) -> str:
    """The probability, and the signs that make it so."""
    if P_GOOD not in scores:
        return ""
    sides = {"against": [item for item in pulls.items() if item[1] < 0], "for": [i for i in pulls.items() if i[1] > 0]}
    told = [
        f"{side} it: {', '.join(f'{name} {nats:+.1f}' for name, nats in own)}" for side, own in sides.items() if own
    ]
    return "; ".join([f"{scores[P_GOOD]:.2f}", *told])


def _maker(row: Mapping[str, Any]) -> str:
    made = [row["origin"] or "unknown", row["translator"] or ""]
    back = f"back by {row['back_translator']}" if row["back_translator"] else ""
    return ", ".join(filter(None, (*made, back)))


def _told(attempt: Mapping[str, Any]) -> str:
    reasons = ", ".join(attempt["reasons"] or ())
    kept = "; its text is the row's" if attempt["kept"] else ""
    detail = f" ({attempt['detail']})" if attempt.get("detail") else ""
    return f"{attempt['attempt']}. {attempt['translator']}: {attempt['outcome']} {reasons}".rstrip() + detail + kept


def _entry(label: str, text: str) -> list[str]:
    """A label and its folded text; nothing if the text is empty."""
    if not text:
        return []
    first = f"  {label:<{_LABEL}}"
    lines: list[str] = []
    for part in text.splitlines() or [""]:
        lines += textwrap.wrap(part, _WIDTH, initial_indent="", break_on_hyphens=False) or [""]
    return [f"{first if place == 0 else ' ' * len(first)}{line}" for place, line in enumerate(lines)]


def _visible(text: str | None, language: str) -> str:
    """The text with invisible characters written as escapes."""
    known = find_language(language)
    places = set(hidden_places(text or "", known.orthography if known else None))
    return "".join(
        printable.escaped(character) if place in places else character for place, character in enumerate(text or "")
    )
