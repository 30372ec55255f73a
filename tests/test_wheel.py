"""The wheel works alone: every file is in it, and what needs no extra runs from it where no extra is installed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tests.cases import every_second
from tests.installation import Installation, build_wheel, working_tree

HEAVY = ("ctranslate2", "matplotlib", "ray", "scipy", "sklearn", "tokenizers", "torch", "transformers")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("base") / "venv", wheel)


def test_every_file_of_the_package_is_in_the_wheel_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == {name for name in working_tree() if name.startswith("polyrefuse_data/")}


def test_what_is_imported_is_the_wheel(base: Installation, tmp_path: Path) -> None:
    done = base.run("python", "-c", "import polyrefuse_data; print(polyrefuse_data.__file__)", cwd=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(base.packages), done.stderr


@pytest.mark.slow
def test_no_extra_is_needed_from_import_to_a_loaded_release(base: Installation, tmp_path: Path) -> None:
    records = [
        {"text_en": f"How do I bake {kind} bread?", "text": f"Wie backe ich {kind} Brot?", "language": "de"}
        for kind in ("rye", "oat", "corn")
    ]
    rows = "\n".join(json.dumps({**record, "label": "harmless", "split": "test"}) for record in records)
    (tmp_path / "rows.jsonl").write_text(rows, encoding="utf-8")
    for command in (
        "import rows.jsonl --out ws --license MIT",
        "report ws",
        "release ws --version 1.0.0 --out rel",
        "verify rel",
        "publish rel --repo-id org/name --dry-run",
    ):
        done = base.run("polyrefuse", *command.split(), cwd=tmp_path)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    program = (
        "import sys; from polyrefuse_data import load_release; from polyrefuse_data.benchmark import judge_refusal; "
        "print(len(load_release('rel')['test']), judge_refusal(['I cannot help with that.'], 'en'), "
        f"[name for name in {HEAVY} if name in sys.modules])"
    )
    done = base.run("python", "-c", program, cwd=tmp_path, HF_HOME=str(tmp_path / "hf"))
    assert done.stdout == "6 [True] []\n", done.stderr


def test_a_build_by_a_program_and_a_memory_needs_no_extra(base: Installation, tmp_path: Path) -> None:
    german = {"How do I bake rye bread?": "Wie backe ich Roggenbrot?", "How do I bake buns?": "Wie backe ich Brot?"}
    (rye, roggen), *_ = german.items()
    (tmp_path / "memory.jsonl").write_text(json.dumps({"en": rye, "de": roggen}), encoding="utf-8")
    prompts = "\n".join(json.dumps({"text": prompt}) for prompt in german)
    (tmp_path / "prompts.jsonl").write_text(prompts, encoding="utf-8")
    programs = {"en-de": german, "de-en": {text: prompt for prompt, text in german.items()}}
    commands = {
        pair: ["python", "-c", f"for line in open(0): print({known}.get(line.strip(), ''))"]
        for pair, known in programs.items()
    }
    config = f"""\
languages = ["de"]
sources = [{{ name = "own", path = "prompts.jsonl", label = "harmless", split = "test", license = "MIT" }}]

[translation]
backends = [
    {{ engine = "memory", paths = ["memory.jsonl"] }},
    {{ engine = "command", name = "buns 1", commands = {{ {_toml(commands)} }} }},
]
"""
    (tmp_path / "polyrefuse.toml").write_text(config, encoding="utf-8")
    done = base.run("polyrefuse", "build", cwd=tmp_path, PATH=str(base.binaries))
    assert done.returncode == 0, done.stderr
    assert "4 rows of 2 prompts in ., 4 accepted" in done.stdout


def _toml(commands: dict[str, list[str]]) -> str:
    return ", ".join(f"{pair} = {json.dumps(command)}" for pair, command in commands.items())


@pytest.fixture(scope="module")
def started(base: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the workspace that `polyrefuse init ws` makes."""
    folder = tmp_path_factory.mktemp("started")
    assert base.run("polyrefuse", "init", "ws", cwd=folder).returncode == 0
    return folder


@pytest.mark.parametrize(
    ("command", "extras"),
    every_second(
        [
            ("demo --out out", "nllb,benchmark"),
            ("benchmark run --model m --dataset d --out run", "benchmark"),
            ("benchmark report run", "benchmark"),
            ("build -c ws/polyrefuse.toml", "nllb"),
            ("build -c ws/polyrefuse.toml --engine ray", "ray"),
            ("fetch-model", "nllb"),
        ]
    ),
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    base: Installation, started: Path, command: str, extras: str
) -> None:
    done = base.run("polyrefuse", *command.split(), cwd=started)
    assert done.returncode == 3
    assert f'`pip install "polyrefuse-data[{extras}]"`' in done.stderr
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1
