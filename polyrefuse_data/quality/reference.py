"""Generates docs/checks.md: every check with its scores and thresholds, from the check objects.

python -m polyrefuse_data.quality.reference > docs/checks.md
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from polyrefuse_data.quality.checks.base import Check
from polyrefuse_data.quality.suite import Suite, suite_of
from polyrefuse_data.quality.thresholds import Threshold

_HEAD = """\
# Checks

Every check with its flag, scores and thresholds. This page is generated from the checks
(`python -m polyrefuse_data.quality.reference > docs/checks.md`). [Quality](quality.md) is the guide to them,
[quality figures](quality-figures.md) says how well they work, and [extending](extending.md) how to add one.

A score that is out of bounds gives the row the flag of the threshold; "rejects" says whether that rejects the row.
Change a bound by the name of its threshold, for all languages or for some, or switch off a flag:

```toml
[quality]
disable = ["punctuation"]

[quality.thresholds]
back_translation = { yo = 25 }
script = 0.5
```
"""


def reference(suite: Suite | None = None) -> str:
    """The page as Markdown, for a suite (default: the built-in checks)."""
    suite = suite or suite_of()
    overview = _table(
        ("flag", "meaning", "rejects"),
        ((f"[`{flag}`](#{flag})", meaning, _rejects(suite, flag)) for flag, meaning in suite.legend.items()),
    )
    return "\n".join([_HEAD, overview, *(_section(suite, check) for check in suite.checks)])


def _rejects(suite: Suite, flag: str) -> str:
    found = {threshold.rejects for threshold in suite.bounds.table.values() if threshold.flag == flag}
    return {True: "yes", False: "no"}[found.pop()] if len(found) == 1 else "depends on the threshold"


def _section(suite: Suite, check: Check) -> str:
    thresholds = [suite.bounds.table[threshold.name] for threshold in check.thresholds]
    bounds = (
        (f"`{row.name}`", f"`{row.score}` {_bound(row)}", _by_language(row), "yes" if row.rejects else "no", row.source)
        for row in thresholds
    )
    scores = ((f"`{name}`", meaning) for name, meaning in check.scores.items())
    parts = [
        f"## {check.name}\n\n{check.description}\n",
        _table(("score", "meaning"), scores),
        _table(("threshold", "bound", "by language", "rejects", "source"), bounds),
    ]
    return "\n".join(parts)


def _bound(threshold: Threshold) -> str:
    if not math.isfinite(threshold.default):
        return "has no bound"
    return f"{'at least' if threshold.is_floor else 'at most'} {threshold.default:g}"


def _by_language(threshold: Threshold) -> str:
    return ", ".join(f"{code} {bound:g}" for code, bound in sorted(threshold.by_language.items()))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
