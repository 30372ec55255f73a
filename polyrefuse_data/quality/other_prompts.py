"""Does a text fit another prompt of its set better than its own? A row mix-up, told by the lexicon of its language.

Only rows that do not answer to their own prompt are looked at. The words of a text point, by the lexicon, to the
prompts that hold their translations; the few that most words point to are weighed exactly. `tables` are gone through
twice: every distinct prompt is held, and the rows that are looked at, never the rows of the set.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from polyrefuse_data.languages.lexicon import Lexicon, lexicon_for
from polyrefuse_data.languages.lexicon.units import english_stems
from polyrefuse_data.quality.batch import LONGEST_TEXT, make_batch, slices, texts_en
from polyrefuse_data.quality.duplicates import is_near_duplicate
from polyrefuse_data.quality.thresholds import Score

# Nats of `correspondence` above which a text answers to its own prompt. Of published texts that were put to another
# row, all but a few in ten thousand lie below; of good translations of other fields, a third.
_ANSWERS = 0.0
_CANDIDATES = 8  # prompts that are weighed exactly
# Of how many prompts the bound is good: the best of more is better by chance alone, so each e-fold costs a nat.
_PROMPTS = 500
_MOST_HOLDERS = 5_000  # prompts that hold a stem: a commoner one points nowhere

Places = npt.NDArray[np.int32]


def fits_another_prompt(tables: Iterable[pa.Table], scores: Iterable[pa.Table]) -> Score:
    """(rows of all tables,): nats by which the text fits another prompt of the set better than its own, 0 where it does
    not; NaN for rows that are no translations, or in languages without a lexicon."""
    found: list[Score] = []
    prompts: set[str] = set()
    doubtful = False
    for table, scored in zip(tables, scores, strict=True):
        odds = scored["correspondence"].to_numpy(zero_copy_only=False).astype(np.float64)
        found.append(np.where(np.isnan(odds), np.nan, 0.0))
        prompts.update(source for part in slices(table) for source in texts_en(part) if source.strip())
        doubtful = doubtful or bool((odds < _ANSWERS).any())
    if doubtful and len(prompts) > 1:
        index = _Index(sorted(prompts))
        for values, table, scored in zip(found, tables, scores, strict=True):
            odds = scored["correspondence"].to_numpy(zero_copy_only=False).astype(np.float64)
            rows = np.flatnonzero(odds < _ANSWERS)
            for place, better in zip(rows.tolist(), _better(table.take(pa.array(rows)), index), strict=True):
                values[place] = better
    return np.concatenate([np.empty(0), *found])


def _better(rows: pa.Table, index: _Index) -> Iterator[float]:
    for part in slices(rows):
        batch = make_batch(part)
        for text, source, code in zip(batch.text, batch.text_en, batch.language, strict=True):
            lexicon = lexicon_for(code)
            yield math.nan if lexicon is None else index.better(text[:LONGEST_TEXT], source[:LONGEST_TEXT], lexicon)


class _Index:
    """The prompts of a set, found by the words of translations."""

    def __init__(self, prompts: Sequence[str]) -> None:
        self._prompts = prompts
        holders: defaultdict[str, list[int]] = defaultdict(list)
        for place, prompt in enumerate(prompts):
            for stem in english_stems(prompt[:LONGEST_TEXT]):
                holders[stem].append(place)
        self._holders = {stem: np.array(own, np.int32) for stem, own in holders.items() if len(own) <= _MOST_HOLDERS}
        self._pointed: dict[tuple[str, str], _Pointed] = {}  # (language, unit)
        self._cost = max(0.0, math.log(len(prompts) / _PROMPTS))

    def better(self, text: str, source: str, lexicon: Lexicon) -> float:
        """Nats by which `text` fits the best other prompt better than `source`; 0 where none fits better."""
        own = lexicon.log_odds(text, source)
        best = max(
            (
                lexicon.log_odds(text, other[:LONGEST_TEXT])
                for other in self._candidates(text, lexicon)
                if not is_near_duplicate(source, other)
            ),
            default=0.0,
        )
        return max(0.0, min(best, best - own) - self._cost)

    def _candidates(self, text: str, lexicon: Lexicon) -> list[str]:
        """The prompts that the words of a text point to most, the best first."""
        points = np.zeros(len(self._prompts), np.float32)
        for unit in sorted(lexicon.units(text)):  # the order of a set must not show
            pointed = self._points_to(unit, lexicon)
            points[pointed.places] += pointed.weight
        some = min(_CANDIDATES, len(points))
        best = np.argpartition(-points, some - 1)[:some] if some < len(points) else np.arange(len(points))
        order = best[np.lexsort((best, -points[best]))]
        return [self._prompts[place] for place in order if points[place] > 0]

    def _points_to(self, unit: str, lexicon: Lexicon) -> _Pointed:
        key = lexicon.language.code, unit
        if key not in self._pointed:
            stems, weight = lexicon.points(unit)
            holders = [self._holders[stem] for stem in stems if stem in self._holders]
            places = np.unique(np.concatenate(holders)) if holders else np.empty(0, np.int32)
            self._pointed[key] = _Pointed(places, weight)
        return self._pointed[key]


@dataclass(frozen=True)
class _Pointed:
    """The prompts that a unit of a translation points to, and how strongly."""

    places: Places
    weight: float
