"""Runs the benchmarks one after the other and writes docs/figures.md: goal, what was printed, command, commit.

    python benchmarks/figures.py UPSTREAM [--quick] [--only report check] [--out docs/figures.md]

UPSTREAM is a folder with PolyRefuse/ and english/ as published. `--quick` runs each on little data, which shows that
the commands work and nothing else; the page says so. What is printed is kept as it is, so no figure is typed by hand.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Figure:
    """What is measured, its goal, and the command: its arguments, and those that make it quick."""

    name: str
    goal: str
    arguments: tuple[str, ...]
    quick: tuple[str, ...]


UPSTREAM = "UPSTREAM"
FIGURES = {
    "audit_speed": Figure(
        "rows audited a second",
        "2,000 in one process, 2,500 in two",
        (UPSTREAM, "--rows", "10000", "--workers", "1", "2"),
        (UPSTREAM, "--rows", "300", "--workers", "1"),
    ),
    "check": Figure("verdicts after a change of bounds", "seconds", (UPSTREAM,), (UPSTREAM, "--rows", "1000")),
    "report": Figure("quality report", "flat memory", (UPSTREAM,), (UPSTREAM, "--rows", "1000")),
    "held_out": Figure("rows that no lexicon has seen", "good rows lost: at most 0.010", (UPSTREAM,), ()),
    "quality": Figure("planted faults", "gross kinds at least 0.98", (UPSTREAM,), ()),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure everything that docs/figures.md lists.")
    parser.add_argument("upstream", type=Path)
    parser.add_argument("--quick", action="store_true", help="little data; leaves out what has no quick form")
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "figures.md")
    options = parser.parse_args()
    chosen = {name: FIGURES[name] for name in options.only if FIGURES[name].quick or not options.quick}
    sections = [_measured(name, figure, options) for name, figure in chosen.items()]
    options.out.write_text("\n".join([_head(options.quick), *sections]), encoding="utf-8")


def _head(quick: bool) -> str:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    kind = "A trial on little data, whose numbers mean nothing. " if quick else ""
    day = time.strftime("%Y-%m-%d")
    return f"# Figures\n\n{kind}Made by `make figures` on {day} at commit `{commit.stdout.strip()}`.\n"


def _measured(name: str, figure: Figure, options: argparse.Namespace) -> str:
    """A section of the page; what the command prints is in it as it stands."""
    arguments = figure.quick if options.quick else figure.arguments
    real = [str(options.upstream) if argument == UPSTREAM else argument for argument in arguments]
    command = [sys.executable, f"benchmarks/{name}.py", *real]
    print(f"{name}: {figure.name}", file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr[-2000:]}")
    printed = re.sub(re.escape(tempfile.gettempdir()) + r"/\w+", "a workspace", done.stdout.strip())
    shown = " ".join(["python", f"benchmarks/{name}.py", *arguments])
    return f"## {figure.name}\n\nGoal: {figure.goal}. `{shown}`\n\n```text\n{printed}\n```\n"


if __name__ == "__main__":
    main()
