"""The rows whose meaning is least certain, with the words marked in which prompt and back-translation differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.quality.batch import texts
from polyrefuse_data.quality.columns import Mask, Rows
from polyrefuse_data.quality.probability.evidence import P_GOOD, pulls_on
from polyrefuse_data.quality.report.scores import Scores
from polyrefuse_data.quality.report.view import View
from polyrefuse_data.quality.report.worst import LONGEST_SHOWN, rank_within
from polyrefuse_data.rows import REJECTED

# What a person may see otherwise than a check: rejected rows with another reason are no question of meaning.
_ABOUT_MEANING = ("changed_negation", "opposite_words", "replaced_names", "mismatched", "back_translation", "semantic")
_OF_EACH_LANGUAGE = {"accepted": 12, "rejected": 6}
_MOST_PULLS = 4  # signs that are named, on each row
_WORD = re.compile(r"\w+(?:['’-]\w+)*")

Part = tuple[str, bool]  # some of a text, and whether it is marked


def least_certain(view: View, scores: Scores) -> list[dict[str, Any]]:
    """The cells of rows that a person should look at: of each language the least probable of those that would be
    released, then the most probable of those rejected for their meaning. Empty without `p_good`."""
    if P_GOOD not in scores:
        return []
    p = np.asarray(scores[P_GOOD], dtype=np.float64)
    known = ~np.isnan(p) & ~view.language.is_(SOURCE_LANGUAGE)
    released = _first(view, known & ~view.status.is_(REJECTED), p, _OF_EACH_LANGUAGE["accepted"])
    rejected = _first(view, known & _rejected_for_meaning(view), -p, _OF_EACH_LANGUAGE["rejected"])
    rows = np.concatenate([released, rejected])
    part = view.table.take(pa.array(rows, pa.int64()))
    names = ("id", "language", "label", "text", "text_en", "back_translation", "translator", "status")
    cells: dict[str, list[Any]] = {name: [text[:LONGEST_SHOWN] for text in texts(part, name)] for name in names}
    marked = [differences(*both) for both in zip(cells["text_en"], cells["back_translation"], strict=True)]
    cells |= {"prompt_parts": [one for one, _ in marked], "back_parts": [other for _, other in marked]}
    cells["flags"] = [flags or [] for flags in part["flags"].to_pylist()]
    cells["p_good"] = [round(float(value), 3) for value in p[rows]]
    cells["pulls"] = [_pulls(view, scores, row) for row in rows.tolist()]
    return [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def differences(prompt: str, back: str) -> tuple[list[Part], list[Part]]:
    """Both texts in parts; marked is what the other one lacks at that place. Without a back-translation nothing is."""
    from rapidfuzz.distance import Indel

    ours, theirs = (list(_WORD.finditer(text)) for text in (prompt, back))
    if not theirs:
        return [(prompt, False)], []
    steps = Indel.opcodes(*([word.group().casefold() for word in words] for words in (ours, theirs)))
    lost = {place for step in steps if step.tag == "delete" for place in range(step.src_start, step.src_end)}
    gained = {place for step in steps if step.tag == "insert" for place in range(step.dest_start, step.dest_end)}
    return _parts(prompt, ours, lost), _parts(back, theirs, gained)


def _parts(text: str, words: Sequence[re.Match[str]], marked: set[int]) -> list[Part]:
    """The text cut where marked words begin and end; what stands between two of them is marked too."""
    parts: list[Part] = []
    end = 0
    for place in sorted(marked):
        start = words[place].start()
        if parts and place - 1 in marked:
            parts[-1] = (text[end - len(parts[-1][0]) : words[place].end()], True)
        else:
            parts += [(text[end:start], False), (words[place].group(), True)]
        end = words[place].end()
    return [part for part in (*parts, (text[end:], False)) if part[0]]


def _first(view: View, mask: Mask, order: npt.NDArray[np.float64], most: int) -> Rows:
    """Rows of the mask in order, so many of each language."""
    rows = np.flatnonzero(mask)
    rows = rows[np.lexsort((rows, order[rows]))]
    return np.asarray(rows[rank_within(view.language.codes[rows]) < most])


def _rejected_for_meaning(view: View) -> Mask:
    reasons = [view.reason_of(row) for row in np.flatnonzero(view.status.is_(REJECTED)).tolist()]
    found = np.zeros(view.size, dtype=bool)
    found[view.status.is_(REJECTED)] = [reason in _ABOUT_MEANING for reason in reasons]
    return found


def _pulls(view: View, scores: Scores, row: int) -> list[tuple[str, float]]:
    """The strongest pulls on a row: (score, nats)."""
    code = view.language.values[view.language.codes[row]]
    found = pulls_on({name: float(values[row]) for name, values in scores.items()}, code)
    return [(name, round(nats, 1)) for name, nats in list(found.items())[:_MOST_PULLS]]
