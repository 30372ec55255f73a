"""Whether two lists of prompts are parallel, row by row: each text translates the prompt in the same position.

Translations published without their English are useful only if the English can be restored by row position, and
position alone proves nothing: a file may hold other prompts, the same ones in another order, or lack a row, which
shifts all others. So three readings compete for every row: it translates the prompt in its position, a prompt some rows
away, or none that the list shows (other prompts, no order). `evidence` measures how well each text fits each prompt,
and `runs` lets rows with strong evidence speak for their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from polyrefuse_data.languages.lexicon import Lexicon
from polyrefuse_data.sources.evidence import pair_odds
from polyrefuse_data.sources.runs import follow
from polyrefuse_data.text.bags import Matrix
from polyrefuse_data.text.counts import counted

# A row is parallel from this probability on, not parallel from one less it down, and unproven between the two.
PROVEN = 0.95

# What no neighbour can outweigh: two rows that both gain by exchanging their texts, so many nats together over the log
# of the number of rows to choose from. In parallel files at most 14 in 10,000 rows do, with a lexicon or without; of
# neighbours exchanged 97 in 100 and more, without a lexicon 78 and more.
_EXCHANGED = 3.0

_PART_ROWS = (
    1000  # that are compared with each other: time and memory grow with their square, to 50 MB and a second here
)
_MOST_RUNS = 6  # that a description names

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Alignment:
    """The result for each text.

    `parallel` is the probability that it translates the prompt in its position, given its neighbours too. `shift` is
    how many rows further down its prompt is, if it is elsewhere, 0 if the list has none. `exchanged` says whether it
    and another text would fit far better in each other's positions.
    """

    parallel: npt.NDArray[np.float64]
    shift: npt.NDArray[np.int64]
    exchanged: Mask

    @property
    def proven(self) -> Mask:
        return (self.parallel >= PROVEN) & ~self.exchanged

    @property
    def refuted(self) -> Mask:
        return self.parallel <= 1 - PROVEN

    def __str__(self) -> str:
        """The rows as runs with the same reading: `rows 1-99 parallel, rows 100-200 fit 1 row further down`."""
        runs = list(self._runs())
        rest = len(runs) - _MOST_RUNS
        shown = [*runs[:_MOST_RUNS], *([f"and {counted(rest, 'more run')}"] if rest > 0 else [])]
        if count := int((self.exchanged & ~self.refuted).sum()):
            shown.append(f"except {count} that seem swapped")
        return ", ".join(shown)

    def _runs(self) -> Iterator[str]:
        readings = [
            "parallel" if probability >= PROVEN else _elsewhere(int(shift)) if probability <= 1 - PROVEN else "unproven"
            for probability, shift in zip(self.parallel, self.shift, strict=True)
        ]
        first = 1
        for reading, members in groupby(readings):
            last = first + len(list(members)) - 1
            yield f"{f'rows {first}-{last}' if last > first else f'row {first}'} {reading}"
            first = last + 1


def alignment(english: Sequence[str], texts: Sequence[str], lexicon: Lexicon | None = None) -> Alignment:
    """Weigh the pairing of two lists by position against every other pairing that neighbours share. The lists may
    differ in length.

    Texts past the end of the English list are not parallel. Long lists are compared in parts, because every row is
    compared with every other.
    """
    found = []
    for part in np.array_split(np.arange(len(texts)), max(1, -(-len(texts) // _PART_ROWS))):
        start, stop = (part[0], part[-1] + 1) if len(part) else (0, 0)
        beyond = _PART_ROWS if stop == len(texts) else 0  # prompts past the last text: rows may be missing before it
        odds = pair_odds(english[start : stop + beyond], texts[start:stop], lexicon)
        found.append((*follow(odds), _exchanged(odds)))
    parallel, shift, exchanged = map(np.concatenate, zip(*found, strict=True))
    return Alignment(parallel, shift, np.pad(exchanged, (0, len(texts) - len(exchanged))))


def _exchanged(odds: Matrix) -> Mask:
    """Rows that would fit far better with each other's texts."""
    rows = min(odds.shape)
    if not rows:
        return np.zeros(0, dtype=bool)
    gains = odds[:rows, :rows] - odds.diagonal()
    both = np.where((gains > 0) & (gains.T > 0), gains + gains.T, 0)
    return np.asarray(both.max(axis=0) > _EXCHANGED + np.log(rows))


def _elsewhere(shift: int) -> str:
    if not shift:
        return "fit no run of the list (other prompts, or another order)"
    return f"fit {counted(abs(shift), 'row')} further {'down' if shift > 0 else 'up'}"
