"""A real server with a real small chat model that cannot translate: none of what it says becomes an accepted row."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from polyrefuse_data.config import parse_config
from polyrefuse_data.demo.seeds import seed_prompts, seed_texts
from polyrefuse_data.pipeline.build import build
from polyrefuse_data.workspace import Workspace
from tests.benchmark.real_models import SMOLLM2
from tests.translation.real_server import serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("xllamacpp") is None or not SMOLLM2.is_here,
        reason="the real server is not here: `make real` installs it and fetches its model",
    ),
]
ALL_KEYS = [prompt.key for prompt in seed_prompts()]
KEYS, MANY = ALL_KEYS[::24], ALL_KEYS[::3][:44]  # MANY: 88 rows in two languages
LANGUAGES = ("de", "zh")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(SMOLLM2.path) as address:
        assert address.startswith("http://127.0.0.1:")
        yield address


def made(
    folder: Path,
    *backends: dict[str, object],
    keys: Sequence[str] = KEYS,
    languages: Sequence[str] = LANGUAGES,
    **translation: object,
) -> Workspace:
    english = seed_texts("en").prompts
    lines = [json.dumps({"instruction": english[key], "label": "harmless"}) for key in keys]
    (folder / "prompts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    config = {
        "languages": list(languages),
        "sources": [{"name": "seeds", "path": str(folder / "prompts.jsonl"), "split": "test"}],
        "translation": {"backends": list(backends), **translation},
    }
    workspace = Workspace(folder / "ws")
    build(workspace, parse_config(config), progress=False)
    return workspace


def chat(url: str, **options: object) -> dict[str, object]:
    server = {"engine": "openai", "preset": "llama.cpp", "base_url": f"{url}/v1", "model": SMOLLM2.path.name}
    return {**server, "max_output_tokens": 60, "concurrency": 1, "timeout_seconds": 300, **options}


@pytest.mark.parametrize("prompt", ["json", "plain"])
def test_every_row_is_rejected_and_accounted_for(url: str, tmp_path: Path, prompt: str) -> None:
    rows = made(tmp_path, chat(url, prompt=prompt), keys=MANY).read_rows().to_pylist()
    translated = [row for row in rows if row["language"] != "en"]
    assert len(translated) == 88
    assert {row["status"] for row in translated} == {"rejected"}
    assert all(row["flags"] for row in translated)


def test_a_memory_steps_in_for_each(url: str, tmp_path: Path) -> None:
    texts = {code: seed_texts(code).prompts for code in ("en", *LANGUAGES)}
    units = [json.dumps({code: texts[code][key] for code in texts}) for key in KEYS]
    (tmp_path / "memory.jsonl").write_text("\n".join(units), encoding="utf-8")
    memory = {"engine": "memory", "paths": [str(tmp_path / "memory.jsonl")]}
    workspace = made(tmp_path, chat(url, prompt="plain"), memory)
    rows = [row for row in workspace.read_rows().to_pylist() if row["language"] != "en"]
    # The bad model also translates back, so that some of the memory's rows are rejected too; of its own, all are.
    accepted = [row["translator"] for row in rows if row["status"] == "accepted"]
    assert set(accepted) == {"memory:memory.jsonl"}
    assert len(accepted) >= len(rows) / 2
    attempts = pq.read_table(workspace.attempts).to_pylist()
    for number, outcomes in ((1, {"rejected", "failed"}), (2, {"accepted", "rejected"})):
        tries = [attempt for attempt in attempts if attempt["attempt"] == number]
        assert len(tries) == len(rows)
        assert {attempt["outcome"] for attempt in tries} <= outcomes
        assert all(attempt["reasons"] for attempt in tries if attempt["outcome"] != "accepted")


@pytest.mark.skipif(shutil.which("apertium") is None, reason="no apertium: apt-get install apertium apertium-eng-spa")
def test_apertium_steps_in_and_translates_back(url: str, tmp_path: Path) -> None:
    """A real bad model first, a real program second, which also translates back."""
    commands = {"en-es": ["apertium", "-u", "eng-spa"], "es-en": ["apertium", "-u", "spa-eng"]}
    apertium = {"engine": "command", "name": "apertium-eng-spa", "commands": commands}
    small = chat(url, prompt="plain", max_output_tokens=30)
    workspace = made(tmp_path, small, apertium, languages=["es"], back_translation=apertium)
    rows = [row for row in workspace.read_rows().to_pylist() if row["language"] == "es"]
    attempts = pq.read_table(workspace.attempts).to_pylist()
    assert len(rows) == len(KEYS)
    for row in rows:
        own = sorted((one for one in attempts if one["id"] == row["id"]), key=lambda one: one["attempt"])
        assert [one["translator"].partition(":")[0] for one in own] == ["openai", "command"]
        assert all(one["outcome"] in ("rejected", "failed") and one["reasons"] for one in own[:1])
    accepted = [row for row in rows if row["status"] == "accepted"]
    assert len(accepted) >= len(rows) / 2
    for row in accepted:
        assert row["translator"] == row["back_translator"] == "command:apertium-eng-spa"
        assert row["back_translation"]
