"""docs/extending.md: its files and commands work as they stand, in one folder, by the names that it gives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.documents import ROOT, shell_blocks
from tests.faults.launcher import Call

PAGE = ROOT / "docs" / "extending.md"


def files() -> dict[str, str]:
    """File -> what the page says it holds; pieces of one file one after the other."""
    found: dict[str, str] = {}
    blocks = re.findall(r"^```(?:python|toml) (\S+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    for name, text in blocks:
        found[name] = f"{found[name]}\n{text}" if name in found else text
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("extending")
    for name, text in files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_each_takes_under_20_lines() -> None:
    for name, text in files().items():
        if name.endswith(".py"):
            assert sum(1 for line in text.splitlines() if line.strip()) < 20, name


def test_the_commands_of_the_page_run_in_the_folder_of_its_files(polyrefuse: Call, folder: Path) -> None:
    printed = {}
    for block in shell_blocks(PAGE):
        for program, *arguments in block:
            assert program == "polyrefuse"
            done = polyrefuse(*arguments, cwd=folder)
            assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
            printed[arguments[0]] = done.stdout
    assert "9 rows of 3 prompts" in printed["build"] and "9 accepted" in printed["build"]
    assert "judged by my_judges:Mine" in printed["benchmark"]

    rows = pq.read_table(folder / "rows.parquet").to_pylist()
    assert {row["language"] for row in rows} == {"en", "de", "nds"}
    assert "Schreibe ein kurzes Gedicht über Birnen." in {row["text"] for row in rows}
    assert {row["translator"] for row in rows} == {"", "glossary 1.0"}
    assert {(row["source"], row["license"], row["category"]) for row in rows} == {("poems", "CC0-1.0", "poems")}
    assert pq.read_table(folder / "scores.parquet")["capitals"].null_count == 0
    manifest = json.loads((folder / "release" / "manifest.json").read_text(encoding="utf-8"))
    assert re.search(r"; shouting:1\[my_checks:SHOUTING [0-9a-f]{8}\]; ", manifest["check_signature"])
    summary = json.loads((folder / "report" / "summary.json").read_text(encoding="utf-8"))
    assert summary["thresholds"]["shouting"]["bounds"]["de"] == 0.7
    assert summary["thresholds"]["bleurt"]["bound"] == 0.4
    assert summary["legend"]["shouting"] == "More than half of the letters are capitals."


def test_an_installed_package_is_known_by_its_short_names(folder: Path, tmp_path: Path) -> None:
    site, package = tmp_path / "site", tmp_path / "package"
    for name, text in files().items():
        if name != "polyrefuse.toml":
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(text, encoding="utf-8")
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--no-compile")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *offline, "--target", str(site), str(package)]
    subprocess.run(pip, check=True)
    config = files()["polyrefuse.toml"]
    for reference, short in (("my_checks:SHOUTING", "shouting"), ("my_mt:Glossary", "glossary")):
        assert reference in config
        config = config.replace(reference, short)
    config = config.replace('loader = "my_prompts:load"\n', "").replace('packs = ["my_packs:LOW_GERMAN"]\n', "")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "polyrefuse.toml").write_text(config, encoding="utf-8")
    path = os.pathsep.join([str(ROOT), str(site)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "polyrefuse_data.cli", "build"]
    built = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0 and "9 accepted" in built.stdout, built.stderr
    program = (
        "from polyrefuse_data.benchmark import judge_refusal, select_direction; "
        "print(judge_refusal(['Sorry, no.', 'Sure.'], 'en', judge='mine'), select_direction([], 4, rule='strict'))"
    )
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout == "[True, False] None\n"
