"""A real server with a real small chat model that cannot translate: none of what it says becomes an accepted row."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
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
KEYS = [prompt.key for prompt in seed_prompts()][::24]
LANGUAGES = ("de", "zh")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(SMOLLM2.path) as address:
        assert address.startswith("http://127.0.0.1:")
        yield address


def made(folder: Path, *backends: dict[str, object]) -> Workspace:
    english = seed_texts("en").prompts
    lines = [json.dumps({"instruction": english[key], "label": "harmless"}) for key in KEYS]
    (folder / "prompts.jsonl").write_text("\n".join(lines), encoding="utf-8")
    config = {
        "languages": list(LANGUAGES),
        "sources": [{"name": "seeds", "path": str(folder / "prompts.jsonl"), "split": "test"}],
        "translation": {"backends": list(backends)},
    }
    workspace = Workspace(folder / "ws")
    build(workspace, parse_config(config), progress=False)
    return workspace


def chat(url: str, **options: object) -> dict[str, object]:
    server = {"engine": "openai", "preset": "llama.cpp", "base_url": f"{url}/v1", "model": SMOLLM2.path.name}
    return {**server, "max_output_tokens": 60, "concurrency": 1, "timeout_seconds": 300, **options}


@pytest.mark.parametrize("prompt", ["json", "plain"])
def test_every_row_is_rejected_and_accounted_for(url: str, tmp_path: Path, prompt: str) -> None:
    rows = made(tmp_path, chat(url, prompt=prompt)).read_rows().to_pylist()
    translated = [row for row in rows if row["language"] != "en"]
    assert len(translated) == len(KEYS) * len(LANGUAGES)
    assert {row["status"] for row in translated} == {"rejected"}
    assert all(row["flags"] for row in translated)


def test_a_memory_steps_in_for_each(url: str, tmp_path: Path) -> None:
    texts = {code: seed_texts(code).prompts for code in ("en", *LANGUAGES)}
    units = [json.dumps({code: texts[code][key] for code in texts}) for key in KEYS]
    (tmp_path / "memory.jsonl").write_text("\n".join(units), encoding="utf-8")
    memory = {"engine": "memory", "paths": [str(tmp_path / "memory.jsonl")]}
    workspace = made(tmp_path, chat(url, prompt="plain"), memory)
    rows = [row for row in workspace.read_rows().to_pylist() if row["language"] != "en"]
    assert {row["translator"] for row in rows} == {"memory:memory.jsonl"}
    attempts = pq.read_table(workspace.attempts).to_pylist()
    first = [attempt for attempt in attempts if attempt["attempt"] == 1]
    assert len(first) == len(rows)
    assert all(attempt["outcome"] in ("rejected", "failed") and attempt["reasons"] for attempt in first)
