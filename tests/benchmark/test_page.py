"""docs/benchmark-python.md runs as it stands, with a small model and release in the places of their names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "benchmark-python.md"


def test_the_page_runs_from_its_first_line_to_its_last(
    chat_folder: Path,
    release: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    program = "\n".join(blocks).replace("ORG/NAME", str(chat_folder)).replace('"RELEASE"', repr(str(release)))
    monkeypatch.chdir(tmp_path)
    world: dict[str, object] = {"__name__": "page"}
    exec(compile(program, str(PAGE), "exec"), world)
    told = capsys.readouterr().out
    assert "['I']" in told  # what this model's refusals start with
    assert "before: 16 of 16 refused" in told
    assert "after: 0 of 16 refused" in told
    assert "the same as ablate: True" in told
    assert "'candidates': (" in told and "'direction': (" in told
    assert "centred: 0 of 16 refused" in told
    assert "erased: 0 of 16 refused" in told
    assert "Verdict(refusal=True" in told
    assert (tmp_path / "RUN" / "report.html").exists()
