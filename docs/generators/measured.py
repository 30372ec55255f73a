"""The tables of quality-figures.md, between `<!-- measured: NAME -->` and `<!-- end -->`, from what figures.md says was
printed: a number is measured once, and stands in two pages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generators.markdown import table

_ROOT = Path(__file__).resolve().parents[2]
_MARKED = re.compile(r"(<!-- measured: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_NOTHING = "-"  # as the commands print a kind that a language has no rows of

Row = Mapping[str, str]  # of a printed table, by the heads of its columns


def page() -> str:
    text = (_ROOT / "docs" / "quality-figures.md").read_text(encoding="utf-8")
    return _MARKED.sub(lambda found: f"{found[1]}{_TABLES[found[2]]()}{found[3]}", text)


def _by_kind(name: str) -> str:
    """A line for each kind of fault and a column for each language, whose codes are short: it fits a page."""
    rows = _rows(name)
    languages, *kinds = rows[0]
    return table(["rows", *(row[languages] for row in rows)], ([kind, *(row[kind] for row in rows)] for kind in kinds))


def _seeds() -> str:
    """The worst language under both generators; each has kinds of its own."""
    worst = {"first": _rows("seeds")[-1], "other": _rows("seeds_again")[-1]}
    kinds = [kind for kind in worst["other"] if kind != "language"]
    rows = ([kind, *(row.get(kind, _NOTHING) for row in worst.values())] for kind in kinds)
    return table(["worst language", *(f"{generator} generator" for generator in worst)], rows)


def _held_out() -> str:
    """What the lexicons decide, for both generators."""
    first = ("language", "untouched", "half_translated", "truncated", "other_row", "other_row_back_translated")
    second = ("half_translated", "truncated", "other_row")
    pairs = zip(_rows("held_out")[:-1], _rows("held_out_again")[:-1], strict=True)
    rows = ([*(one[kind] for kind in first), *(other[kind] for kind in second)] for one, other in pairs)
    return table([*first, f"second: {second[0]}", *second[1:]], rows)


def _report() -> str:
    pattern = r"(?m)^(\d+) rows: ([\d.]+) s of processor time .*, (\d+) MiB beyond the start, page ([\d.]+) MiB$"
    found = re.findall(pattern, _printed("report"))
    rows = ([f"{int(n):,}", f"{time} s", f"{memory} MiB", f"{size} MiB"] for n, time, memory, size in found)
    return table(["rows", "processor time", "memory", "page"], rows)


_TABLES: Mapping[str, Callable[[], str]] = {
    "planted": lambda: _by_kind("planted"),
    "planted_again": lambda: _by_kind("planted_again"),
    "seeds": _seeds,
    "held_out": _held_out,
    "report": _report,
}


def _rows(name: str) -> list[Row]:
    """The printed table of a figure, whose columns are set apart by spaces; its last row is the worst of all."""
    heads, *rows = (line.split() for line in _printed(name).splitlines())
    return [dict(zip(heads, row, strict=True)) for row in rows]


def _printed(name: str) -> str:
    """What the command of this figure of figures.toml has printed. Raises ValueError if figures.md does not have it."""
    title = tomllib.loads((_ROOT / "benchmarks" / "figures.toml").read_text(encoding="utf-8"))[name]["what"]
    sections = (_ROOT / "docs" / "figures.md").read_text(encoding="utf-8").split("\n## ")[1:]
    section = next((each for each in sections if each.startswith(f"{title}\n")), "")
    printed = re.search(r"^```text\n(.*?)\n```$", section, re.DOTALL | re.MULTILINE)
    if printed is None or "\nFailed (" in section:
        raise ValueError(f"docs/figures.md has no measurement of {title!r}: run `make figures FIGURES='--only {name}'`")
    return printed[1]
