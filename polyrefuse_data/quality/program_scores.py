"""Scores that a program of the user's gives: a metric whose packages cannot live beside ours (COMETKiwi, MetricX).

The program reads a JSON object a line (language, text, text_en, back_translation), and prints a number a line, or null.
It is started once for every batch of rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import subprocess
from collections.abc import Sequence

import numpy as np

from polyrefuse_data.errors import MissingPrerequisite, PluginError
from polyrefuse_data.quality.batch import Batch
from polyrefuse_data.quality.checks.base import Scores
from polyrefuse_data.system.redaction import one_line
from polyrefuse_data.system.subprocesses import run_program
from polyrefuse_data.text.counts import counted

_LAST_WORDS = 200  # characters of what a program said last


def program_scores(batch: Batch, name: str, command: Sequence[str], timeout_seconds: float) -> Scores:
    """One score for each translated row; not computed for others, and where the program says null.

    Raises MissingPrerequisite if there is no such program, PluginError if it fails or prints anything else.
    """
    values = np.full(len(batch), np.nan)
    rows = np.flatnonzero(batch.translated).tolist()
    if rows:
        fed = "".join(f"{_line(batch, row)}\n" for row in rows)
        values[rows] = _numbers(_run(name, command, fed, timeout_seconds), len(rows), name)
    return {name: values}


def program_signature(command: Sequence[str]) -> str:
    """Of the whole command, without telling it: it holds paths of this machine."""
    return f"program-{hashlib.sha256(json.dumps([*command]).encode()).hexdigest()[:8]}"


def _line(batch: Batch, row: int) -> str:
    told = {
        "language": batch.language[row],
        "text": batch.text[row],
        "text_en": batch.text_en[row],
        "back_translation": batch.back_translation[row],
    }
    return json.dumps(told)  # in ASCII: no line of it breaks, and any program can read it


def _run(name: str, command: Sequence[str], fed: str, timeout_seconds: float) -> str:
    where = f"quality.scores.{name}.command"
    if shutil.which(command[0]) is None:
        raise MissingPrerequisite(f"{where}: {command[0]} is not on the PATH: install it, or give its whole path")
    try:
        done = run_program(command, fed.encode(), timeout_seconds)
    except subprocess.TimeoutExpired:
        raise PluginError(
            f"{where}: still running after {timeout_seconds:g} seconds: raise timeout_seconds, or fix the program"
        ) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-_LAST_WORDS:]
        raise PluginError(f"{where}: exit code {done.returncode}: {one_line(said)}")
    return done.stdout.decode(errors="replace")


def _numbers(printed: str, rows: int, name: str) -> list[float]:
    lines = printed.splitlines()
    if len(lines) != rows:
        raise PluginError(
            f"quality.scores.{name}.command: printed {counted(len(lines), 'line')} for {counted(rows, 'row')}: "
            "print one each"
        )
    return [_number(line, name) for line in lines]


def _number(line: str, name: str) -> float:
    if line.strip() == "null":
        return math.nan
    try:
        return float(line)
    except ValueError:
        raise PluginError(
            f"quality.scores.{name}.command: printed {one_line(line[:40])!r}: print a number, or null for none"
        ) from None
