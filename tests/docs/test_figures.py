"""The figures of the documentation are measured by commands that exist, and one that fails does not stop the others."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import figures
import pytest

from tests.documents import ROOT

LISTED = figures.read_list()


@pytest.mark.parametrize("name", LISTED)
def test_a_listed_figure_has_a_command_with_options_that_it_knows_and_a_page(name: str) -> None:
    figure = LISTED[name]
    page, _, section = figure.page.partition("#")
    titles = re.findall(r"^#+ (.*)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert section in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
    for command in filter(None, (figure.command, figure.quick)):
        script, *arguments = shlex.split(command)
        program = (ROOT / script).read_text(encoding="utf-8")
        options = [word for word in arguments if word.startswith("--")]
        assert [option for option in options if f'"{option}"' not in program] == []


def test_the_minutes_of_all_figures_are_less_than_an_hour_and_a_half() -> None:
    assert sum(figure.minutes for figure in LISTED.values()) < 90


def measure(kept: Path, program: str, at: str = "abc", seconds: float = 60) -> figures.Measured:
    return figures.measure("one", f"-c {shlex.quote(program)}", {"outside": kept / "no"}, at, seconds, kept)


def test_a_figure_is_measured_once_at_a_commit_and_again_at_another_or_with_changes(tmp_path: Path) -> None:
    program = (
        f"import pathlib; out = pathlib.Path({str(tmp_path / 'runs')!r}); out.open('a').write('x'); print('7 rows')"
    )
    for at, runs in (("abc", 1), ("abc", 1), ("def", 2), ("def+", 3), ("def+", 4)):
        assert measure(tmp_path, program, at).printed == "7 rows"
        assert (tmp_path / "runs").read_text() == "x" * runs


def test_a_command_that_fails_or_hangs_is_told_and_tried_again(tmp_path: Path) -> None:
    failed = measure(tmp_path, "import sys; print('half'); sys.exit('no such prompts')")
    assert (failed.ok, failed.printed) == (False, "no such prompts")
    assert not measure(tmp_path, "import time; time.sleep(60)", seconds=0.3).ok
    assert measure(tmp_path, "print('{outside}')").printed.startswith("not there: ")
    assert measure(tmp_path, "print('well')").ok


def test_the_table_has_the_goal_beside_the_last_number_that_was_printed() -> None:
    figure = figures.Figure(
        "Rows per second", "9", "scale.md#ray", "x.py {outside}", 1, take={"in one": r"(\d+) rows", "not": "(never)"}
    )
    later = replace(figure, what="Rows of `p_good`, ms")
    done = figures.Measured("x.py {outside}", "abc", "2026-01-01", 3, True, "15 rows\n8 rows", "a machine")
    page = figures.page({"rows": figure, "later": later}, {"rows": done}, quick=False)
    assert "| [Rows per second](#rows-per-second) | 9 | in one 8 | 3 s |" in page
    assert "| [Rows of `p_good`, ms](#rows-of-p_good-ms) | 9 | not measured |  |" in page
    assert "Explained in [scale](scale.md#ray)" in page and "python x.py OUTSIDE" in page and "8 rows" in page
    assert "at commit `abc`" in page and "2026-01-01, commit `abc`, a machine" in page
    failed = figures.page({"rows": figure}, {"rows": replace(done, ok=False, commit="abc+")}, quick=False)
    assert "| failed |" in failed and "Failed (2026-01-01" in failed and "not committed" in failed
    assert figures.numbers(replace(figure, span=True), done.printed) == "in one 8 to 15"
    assert figures.numbers(replace(figure, span=True), "8 rows, 8 rows") == "in one 8"


def test_what_a_figure_reads_of_the_tests_is_what_it_is_measured_from() -> None:
    scripts = {word for figure in LISTED.values() for word in figure.command.split() if word.endswith(".py")}
    read = set()
    for script in scripts:
        program = (ROOT / script).read_text(encoding="utf-8")
        read |= set(re.findall(r'"(tests/[\w/.]+)"', program))
        read |= {
            f"{module.replace('.', '/')}.py" for module in re.findall(r"(?m)^ *from (tests[\w.]+) import", program)
        }
    assert read == {name for name in figures.MEASURED_FROM if name.startswith("tests/")}


def test_time_in_which_a_measurement_is_stopped_does_not_count(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    inner = f"import time; open({str(begun)!r}, 'w').close(); [time.sleep(0.1) for _ in range(10)]; print('well')"
    program = f"import sys; import figures; print(figures._run([sys.executable, '-c', {inner!r}], 4))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "benchmarks")}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True) as outer:
        while not begun.exists() and outer.poll() is None:
            time.sleep(0.05)
        os.killpg(outer.pid, signal.SIGSTOP)
        time.sleep(4.5)
        os.killpg(outer.pid, signal.SIGCONT)
        assert outer.communicate(timeout=60)[0].strip() == "(True, 'well')"


def test_a_page_keeps_the_figures_that_are_not_measured_again() -> None:
    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    before = figures.read_page(page, LISTED)
    assert len(before) == page.count(", commit `") > 20
    assert figures.page(LISTED, before, False) == page
    failed = {"audit": replace(before["audit"], ok=False, printed="no such\n\n## folder")}
    assert figures.read_page(figures.page(LISTED, failed, False), LISTED) == failed


def test_no_two_figures_have_the_same_heading() -> None:
    assert len({figure.what for figure in LISTED.values()}) == len(LISTED)


def test_the_commit_is_the_last_that_changed_what_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that figures stay when only a page changes, and are measured again when the code does."""
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    measured = [name if Path(name).suffix else f"{name}/code.py" for name in figures.MEASURED_FROM]
    for path in measured:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("one")

    def git(*arguments: str) -> str:
        told = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(tmp_path), *told, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def written(path: str, text: str) -> str:
        (tmp_path / path).write_text(text)
        git("add", ".")
        git("commit", "-q", "-m", path)
        return git("rev-parse", "--short", "HEAD")

    git("init", "-q")
    first = written("constraints.txt", "first")
    for page in ("README.md", "benchmarks/figures.toml"):
        written(page, "two")
        assert figures.commit() == first
    for path in measured:
        latest = written(path, "two")
        assert figures.commit() == latest
    (tmp_path / measured[0]).write_text("three")
    assert figures.commit().endswith("+")
