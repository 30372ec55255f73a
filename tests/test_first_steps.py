"""What the README and the template of a config tell people to do works."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from huggingface_hub import constants

from polyrefuse_data.cli import command
from polyrefuse_data.config import NllbBackend, load_config
from polyrefuse_data.errors import MissingPrerequisite
from polyrefuse_data.languages import language
from polyrefuse_data.models.pins import PINS
from polyrefuse_data.translation import Pair, open_backend
from tests.documents import PAGES, ROOT, commands, shell_blocks
from tests.faults.launcher import Call

TEMPLATE = ROOT / "polyrefuse_data" / "template.toml"
# How the blocks of the README begin that build, publish and measure, one after the other.
FIRST_STEPS = [["polyrefuse", command] for command in ("init", "verify", "benchmark")]


def first_steps(polyrefuse: Call, folder: Path, **variables: str) -> dict[str, str]:
    """What each command of the README prints, run as it stands."""
    blocks = shell_blocks(ROOT / "README.md")
    printed = {}
    for program, *arguments in [step for block in blocks if block[0][:2] in FIRST_STEPS for step in block]:
        assert program == "polyrefuse"
        done = polyrefuse(*arguments, cwd=folder, POLYREFUSE_CACHE=str(folder / "cache"), **variables)
        assert done.returncode == 0, f"{arguments}: {done.stderr[-3000:]}"
        printed[arguments[0]] = done.stdout
    return printed


def test_the_first_steps_of_the_readme_run_offline_as_they_stand(polyrefuse: Call, tmp_path: Path) -> None:
    """The commands are the README's; only the languages are fewer, for time."""
    printed = first_steps(polyrefuse, tmp_path, POLYREFUSE_LANGUAGES='["de"]')
    assert "288 rows of 144 prompts in ws" in printed["build"] and printed["verify"] == "rel: verified\n"
    assert "would publish my-dataset 1.0.0" in printed["publish"]
    rows = json.loads((tmp_path / "run" / "scores.json").read_text())["rows"]
    assert {row["target_language"] for row in rows} == {"en", "de"}


@pytest.mark.slow
def test_the_readme_shows_what_its_commands_print(polyrefuse: Call, tmp_path: Path) -> None:
    printed = "\n".join(first_steps(polyrefuse, tmp_path).values()).splitlines()
    shown = re.findall(r"^```text\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert shown and [line for line in "".join(shown).splitlines() if line not in printed] == []
    rows = json.loads((tmp_path / "run" / "scores.json").read_text())["rows"]
    refused = {
        (row["intervention"], row["target_language"]): row["refusal"] for row in rows if row["label"] == "harmful"
    }
    assert refused == {
        ("baseline", "en"): 1,
        ("baseline", "de"): 1,
        ("ablation", "en"): 0,
        ("ablation", "de"): 1,
        ("random", "en"): 1,
        ("random-covariance", "en"): 1,
        ("random-shuffled", "en"): 1,
    }


def test_the_template_names_the_real_model_in_a_line_that_takes_the_place_of_the_bundled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    bundled, real = re.findall(r'^(?:# )?model = ".*"$', text, flags=re.MULTILINE)
    config = tmp_path / "polyrefuse.toml"
    config.write_text(text.replace(f"{bundled}\n", "").replace(real, real.removeprefix("# ")), encoding="utf-8")
    (backend,) = load_config(config).translation.backends
    assert isinstance(backend, NllbBackend) and backend.model == NllbBackend().model
    assert backend.model in PINS  # fetch-model's default, too
    monkeypatch.setenv("POLYREFUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(MissingPrerequisite, match=f"fetch it with `polyrefuse fetch-model {backend.model}`"):
        open_backend(backend).prepare([Pair(language("en"), language("de"))])
    assert f"polyrefuse fetch-model` once ({_gigabytes()} GB)" in text


def _gigabytes() -> str:
    """Of the download, as the README says it too."""
    (told,) = re.findall(r"polyrefuse fetch-model .*: ([\d.]+) GB, once", (ROOT / "README.md").read_text())
    return str(told)


def test_every_commented_line_of_the_template_is_toml_that_a_config_may_hold(tmp_path: Path) -> None:
    """Each block of commented keys, put in the place of what stands before it."""
    text = TEMPLATE.read_text(encoding="utf-8")
    lines = [re.sub(r"^# (?=\[|[\w.]+ = )", "", line) for line in text.splitlines()]
    assert lines.count("[engine]") == 1 and lines.count("[[sources]]") == 2
    uncommented = "\n".join(line for line in lines if not line.startswith('model = "bundled:'))
    config = tmp_path / "polyrefuse.toml"
    config.write_text(uncommented, encoding="utf-8")
    (tmp_path / "prompts.jsonl").touch()
    assert tomllib.loads(uncommented) and load_config(config).engine.workers == 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_is_one(page: Path) -> None:
    assert [words for words in commands(page) if not _is_known(words)] == []


def test_commands_are_found_and_a_wrong_one_would_be() -> None:
    assert len(commands(ROOT / "README.md")) > 10
    assert not _is_known(["polyrefuse", "rebuild"]) and not _is_known(["polyrefuse", "build", "--fast"])


def _is_known(words: list[str]) -> bool:
    """Whether there is such a command, with such options. Nothing runs."""
    with pytest.raises(SystemExit) as ended:
        command().main([*words[1:], "--help"], prog_name="polyrefuse")
    return ended.value.code == 0
