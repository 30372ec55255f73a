"""Scores are the same bits on every processor: rows checked on one machine are complete on another."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.installation import ROOT

_PRINT = """
from polyrefuse_data.quality.auditing import audit_rows
from tests.quality.score_versions import fixed_rows

scores = audit_rows(fixed_rows())[1]
for name in scores.column_names:
    print(name, scores[name].to_pylist())
"""


def test_another_processor_gives_the_same_bits() -> None:
    here, there = (
        scores_on(kernels) for kernels in ("", "Prescott")
    )  # of OpenBLAS: this processor's, a very old one's
    assert len(here) > 20
    assert [ours.split()[0] for ours, theirs in zip(here, there, strict=True) if ours != theirs] == []


def scores_on(kernels: str) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **({"OPENBLAS_CORETYPE": kernels} if kernels else {})}
    ran = subprocess.run([sys.executable, "-c", _PRINT], env=environment, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()
