"""Writes what was fitted as probability.toml of the language packs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from polyrefuse_data.languages import LANGUAGES, SOURCE_LANGUAGE
from polyrefuse_data.quality.probability.fit import LENGTH, Curve, Fitted
from polyrefuse_data.quality.thresholds import Score
from polyrefuse_data.system.files import atomic_write

FILE = "probability.toml"
_DIGITS = 3


def write_tables(fitted: Fitted, source: str) -> list[Path]:
    """Write the table of every language and those of single ones. Returns their paths."""
    written = []
    for code, calibration in fitted.calibration.items():
        curves = {LENGTH: fitted.curves.lengths[code]} if code in fitted.curves.lengths else {}
        if not code:
            curves = fitted.curves.common
        pack = LANGUAGES[code or SOURCE_LANGUAGE].pack
        assert pack is not None
        text = table_text(curves, calibration, f"{fitted.rows[code]} rows of {source}", is_common=not code)
        atomic_write(pack / FILE, text)
        written.append(pack / FILE)
    return written


def table_text(
    curves: Mapping[str, Curve],
    calibration: tuple[float, float],
    source: str,
    *,
    is_common: bool,
    command: str = "python benchmarks/calibration.py",
) -> str:
    """The contents of a table, with the command that fitted it; the one of all languages `is_common`."""
    said = "of every language" if is_common else "of this language"
    lines = [
        f"# What the scores of rows {said} say, in nats. Fitted: `{command}` (docs/meaning.md).",
        f'source = "{source}"',
        f"intercept = {calibration[0]:.3f}",
        f"slope = {calibration[1]:.3f}",
    ]
    for name, curve in curves.items():
        lines += ["", f"[curves.{name}]", f"at = {_numbers(curve.at)}", f"nats = {_numbers(curve.nats)}"]
    return "\n".join(lines) + "\n"


def _numbers(values: Score) -> str:
    return f"[{', '.join(f'{value:.{_DIGITS}g}' for value in values.tolist())}]"
