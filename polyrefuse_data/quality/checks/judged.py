"""judged: the marks that a chat model gives a translation on five axes (rubric.py).

Optional (`quality.judge`): it sends every prompt and text to a server, and takes seconds a row.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from polyrefuse_data.quality import rubric
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Check, Scores
from polyrefuse_data.quality.thresholds import Threshold

_SUSPECT = 3  # a mark below: an error that a reader would notice


def judged(judge: str | None) -> Check:
    """The check with the judge MODEL@URL; without one, a check that scores nothing.

    Raises ConfigError for a name that is none.
    """
    if judge is not None:
        rubric.judge_of(judge)
    return Check(
        name="judged",
        description="A chat model gave the translation a low mark. Only with `quality.judge`.",
        score=None if judge is None else partial(marks, judge=judge),
        settings=lambda: rubric.signature(judge) if judge else "",
        scores={
            f"judge_{axis}": f"{meaning}: {rubric.LEAST} to {rubric.MOST}" for axis, meaning in rubric.AXES.items()
        },
        thresholds=[
            Threshold(
                "judged",
                f"judge_{axis}",
                at_least=_SUSPECT,
                source="a remark only: no judge has been measured against people",
                rejects=False,
                name=f"judged_{axis}",
            )
            for axis in rubric.AXES
        ],
    )


def marks(batch: Batch, judge: str) -> Scores:
    """The five marks of each translated row; not computed where the model gives none."""
    rows = [row for row, translated in enumerate(batch.translated) if translated]
    given = rubric.marks(judge, [(batch.text[row], batch.text_en[row], batch.language[row]) for row in rows])
    found = {axis: np.full(len(batch), np.nan) for axis in rubric.AXES}
    for row, one in zip(rows, given, strict=True):
        for axis, mark in (one or {}).items():
            found[axis][row] = mark
    return {f"judge_{axis}": values for axis, values in found.items()}


JUDGED = judged(None)
