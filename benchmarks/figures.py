"""Measures what figures.toml lists, one after the other, and writes docs/figures.md: the goal beside each number.

    python benchmarks/figures.py PUBLISHED [--only audit report] [--quick] [--again] [--out docs/figures.md]

PUBLISHED is a folder with PolyRefuse/ and english/ as published; `outside/` beside it has the public sets of
outside_sets.py. What is printed is kept as it is, so no figure is typed by hand. It is also kept in build/figures: what
was measured at this commit is not measured again, so that a stopped run goes on (`--again` starts afresh). A command
that fails is said on the page, and the others go on; the exit code is 1 then.

`--quick` tries the commands on little data, and writes build/figures/trial.md.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LIST = Path(__file__).with_suffix(".toml")
# What a figure depends on, but for what names the figures, which changes none.
MEASURED_FROM = (
    *("polyrefuse_data", "benchmarks", "constraints.txt"),
    *("tests/benchmark/real_models.py", "tests/benchmark/judges/replies.json"),
)
NOT_MEASURED_FROM = ":(exclude)benchmarks/figures.*"
# Times the minutes of the list, and an hour more: the command hangs, for no machine is as busy as that.
FAR_TOO_LONG = 6
AN_HOUR = 60


@dataclass(frozen=True)
class Figure:
    """An entry of figures.toml."""

    what: str
    goal: str
    page: str
    command: str
    minutes: float
    quick: str = ""
    take: Mapping[str, str] = field(default_factory=dict)
    span: bool = False


@dataclass(frozen=True)
class Measured:
    """What a command printed, or, with `ok` false, how it failed."""

    command: str
    commit: str
    day: str
    seconds: float
    ok: bool
    printed: str
    machine: str = ""


def read_list(path: Path = LIST) -> dict[str, Figure]:
    return {name: Figure(**entry) for name, entry in tomllib.loads(path.read_text(encoding="utf-8")).items()}


def commit() -> str:
    """The last commit that changed what is measured, with a + if there are changes since that are not committed."""
    return _git("log", "-1", "--format=%h") + ("+" if _git("status", "--porcelain") else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments, "--", *MEASURED_FROM, NOT_MEASURED_FROM]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def measure(name: str, command: str, folders: Mapping[str, Path], at: str, seconds: float, kept: Path) -> Measured:
    """Runs the command, or reads what it printed at this commit. Its progress goes to stderr as it comes."""
    stored = kept / f"{name}.json"
    if stored.exists():
        before = Measured(**json.loads(stored.read_text(encoding="utf-8")))
        if before.ok and before.command == command and before.commit == at and not at.endswith("+"):
            return before
    missing = [str(folders[key]) for key in re.findall(r"\{(\w+)\}", command) if not folders[key].exists()]
    started = time.monotonic()
    if missing:
        ok, printed = False, f"not there: {', '.join(missing)}"
    else:
        ok, printed = _run([sys.executable, *shlex.split(command.format(**folders))], seconds)
    for folder in (tempfile.gettempdir(), *map(str, folders.values())):
        printed = printed.replace(folder, Path(folder).name)
    printed = printed.replace(str(Path.home()), "~")
    took = round(time.monotonic() - started, 1)
    measured = Measured(command, at, time.strftime("%Y-%m-%d"), took, ok, printed, _machine())
    kept.mkdir(parents=True, exist_ok=True)
    stored.write_text(json.dumps(asdict(measured)), encoding="utf-8")
    return measured


def _machine() -> str:
    """The processor as Linux names it, elsewhere its kind; and the Python."""
    listed = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*: (.*)$", listed.read_text("utf-8") if listed.exists() else "", re.MULTILINE)
    processor = named[1].strip() if named else platform.machine()
    return f"{os.cpu_count()} cores of {processor}, Python {platform.python_version()}"


def _run(command: list[str], seconds: float) -> tuple[bool, str]:
    """Whether it worked, and what it printed or why it failed."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'benchmarks'}"}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        with subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as running:
            printed = _printed(running, seconds)
        if printed is None:
            return False, f"stopped after {seconds / 60:.0f} minutes"
        errors.seek(0)
        said = errors.read().strip()
    return running.returncode == 0, printed.strip() if running.returncode == 0 else said[-1000:]


def _printed(running: subprocess.Popen[str], seconds: float) -> str | None:
    """What the process has printed at its end; None where it took longer, and was killed. Time in which this process
    was stopped does not count: the other one was stopped with it."""
    step = min(1.0, seconds)
    for _ in range(math.ceil(seconds / step)):
        try:
            return running.communicate(timeout=step)[0]
        except subprocess.TimeoutExpired:
            continue
    running.kill()
    running.wait()
    return None


def numbers(figure: Figure, printed: str) -> str:
    """The cell of the table: the last match of each pattern, or the lowest and the highest of all, with its name."""
    found = []
    for name, pattern in figure.take.items():
        if matches := re.findall(pattern, printed):
            ends = dict.fromkeys([min(matches, key=_value), max(matches, key=_value)]) if figure.span else matches[-1:]
            found.append(f"{name} {' to '.join(map(_short, ends))}".strip())
    return ", ".join(found) or "see below"


def _short(number: str) -> str:
    """Without the digits that nobody reads."""
    return f"{float(number):.2f}" if re.fullmatch(r"\d+\.\d{4,}", number) else number


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _anchor(title: str) -> str:
    """What mkdocs and GitHub make of a heading."""
    return re.sub(r"[^\w\s-]", "", title.lower()).replace(" ", "-")


def page(figures: Mapping[str, Figure], measured: Mapping[str, Measured], quick: bool) -> str:
    """The table, and below it what each command printed."""
    head = [
        "# Figures",
        "",
        *(["A trial on little data: the commands work, and the numbers mean nothing.", ""] if quick else []),
        "The measured figures of this documentation beside their goals, for those who quote one or want to know if",
        "a change made something slower or worse. The table has the main numbers. The sections below have the command,",
        "the day, the commit, the machine and all that was printed, with a link to the page that explains it.",
        "",
        f"Made by `make figures`{_of_one_commit(measured)}, and never edited by hand.",
        "",
        "| figure | goal | measured | command took |",
        "|---|---|---|---|",
    ]
    sections = []
    for name, figure in figures.items():
        each = measured.get(name)
        value = "not measured" if each is None else numbers(figure, each.printed) if each.ok else "failed"
        took = f"{each.seconds:,.0f} s" if each else ""
        head.append(f"| [{figure.what}](#{_anchor(figure.what)}) | {figure.goal} | {value} | {took} |")
        sections += ["", f"## {figure.what}", "", f"Goal: {figure.goal}. Explained in {_link(figure.page)}."]
        shown = re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), each.command if each else figure.command)
        sections += ["", f"```sh\npython {shown}\n```"]
        if each:
            when = f"{each.day}, commit `{each.commit}`, {each.machine}"
            sections += ["", f"{when}:" if each.ok else f"Failed ({when}):", "", f"```text\n{each.printed}\n```"]
    return "\n".join([*head, *sections]) + "\n"


def read_page(text: str, figures: Mapping[str, Figure]) -> dict[str, Measured]:
    """What a page says was measured: where only some figures are measured again, the others stay as they are."""
    found = {}
    for name, figure in figures.items():
        what = re.escape(figure.what)
        row = re.search(rf"^\| \[{what}\]\(.*\| ([\d,]+) s \|$", text, re.MULTILINE)
        section = re.search(
            rf"^## {what}\n\nGoal: .*\n\n```sh\npython (.*)\n```\n\n"
            r"(Failed \()?(\d{4}-\d\d-\d\d), commit `(.*?)`, (.*?)\)?:\n\n```text\n([\s\S]*?)\n```$",
            text,
            re.MULTILINE,
        )
        if row and section:
            command, failed, day, at, machine, printed = section.groups()
            found[name] = Measured(command, at, day, float(row[1].replace(",", "")), not failed, printed, machine)
    return found


def _of_one_commit(measured: Mapping[str, Measured]) -> str:
    commits = {each.commit for each in measured.values()}
    changed = " (+: with changes that are not committed)" if any(name.endswith("+") for name in commits) else ""
    return f" at commit `{commits.pop()}`{changed}" if len(commits) == 1 else f" at several commits{changed}"


def _link(page: str) -> str:
    """[performance](performance.md#audit)"""
    return f"[{Path(page.partition('#')[0]).stem.replace('-', ' ')}]({page})"


def main() -> int:
    figures = read_list()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path)
    parser.add_argument("--only", nargs="+", choices=figures, default=list(figures), metavar="NAME")
    parser.add_argument("--quick", action="store_true", help="little data; leaves out what has no quick form")
    parser.add_argument("--again", action="store_true", help="measure what was measured at this commit too")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    kept = ROOT / "build" / "figures" / ("trial" if options.quick else "kept")
    out = options.out or (kept.with_suffix(".md") if options.quick else ROOT / "docs" / "figures.md")
    folders = _folders(options.published.resolve())
    chosen = [name for name in options.only if figures[name].quick or not options.quick]
    before = read_page(out.read_text("utf-8"), figures) if out.exists() and not options.quick else {}
    at, started = commit(), time.monotonic()
    for place, name in enumerate(chosen, 1):
        figure = figures[name]
        if options.again:
            (kept / f"{name}.json").unlink(missing_ok=True)
        left = sum(figures[each].minutes for each in chosen[place - 1 :])
        hint = "" if options.quick else f", about {left:.0f} minutes left on a quiet machine"
        print(f"{place}/{len(chosen)} {name}: {figure.what}{hint}", file=sys.stderr, flush=True)
        command = figure.quick if options.quick else figure.command
        found = measure(name, command, folders, at, 60 * (figure.minutes * FAR_TOO_LONG + AN_HOUR), kept)
        print(f"    {'done' if found.ok else 'FAILED'}, {found.seconds:.0f} s", file=sys.stderr, flush=True)
        out.write_text(page(figures, before | _known(figures, kept), options.quick), encoding="utf-8")
    failed = [name for name, each in _known(figures, kept).items() if name in chosen and not each.ok]
    print(f"{out}: {len(chosen) - len(failed)} of {len(chosen)} in {time.monotonic() - started:.0f} s", *failed)
    return 1 if failed else 0


def _folders(published: Path) -> dict[str, Path]:
    return {"published": published, "outside": published.parent / "outside"}


def _known(figures: Mapping[str, Figure], kept: Path) -> dict[str, Measured]:
    paths = {name: kept / f"{name}.json" for name in figures}
    return {name: Measured(**json.loads(path.read_text("utf-8"))) for name, path in paths.items() if path.exists()}


if __name__ == "__main__":
    sys.exit(main())
