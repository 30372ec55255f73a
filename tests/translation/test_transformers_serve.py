"""Chat models behind a real server of another project: `transformers serve` with the bundled chat model.

That model answers in plain words whatever it is asked. A translator that trusted raw text would take its answers for
translations; here every row has to fail with the reason, be counted, and keep the key to itself.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyrefuse_data.config import OpenAIBackend
from polyrefuse_data.languages import language
from polyrefuse_data.translation import Failure, Request, translate_requests
from polyrefuse_data.translation.base import identity
from polyrefuse_data.translation.journal import Journal
from polyrefuse_data.translation.openai import OpenAITranslator

MODEL = Path(__file__).parents[2] / "polyrefuse_data" / "demo" / "models" / "demo-chat"
KEY = "sk-served-0123456789abcdef"
SERVING = ("fastapi", "uvicorn", "accelerate", "openai")
PATIENCE = 180.0  # seconds to start in; a busy machine needs many

missing = [name for name in SERVING if importlib.util.find_spec(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing), reason=f"transformers serve needs {' '.join(missing)}: pip install them"),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a server in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log"
    run = "from transformers.cli.transformers import main; main()"
    command = [sys.executable, "-c", run, "serve", str(MODEL), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("wb") as output:
        server = subprocess.Popen([*command, "--device", "cpu"], stdout=output, stderr=output, env=environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert server.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.terminate()
        server.wait(30)
    assert KEY not in log.read_text()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_answers_of_a_chat_model_are_never_taken_for_translations(
    served: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setenv("SERVED_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    config = OpenAIBackend(
        model=str(MODEL), base_url=served, api_key_env="SERVED_KEY", max_output_tokens=24, concurrency=2,
        timeout_seconds=120, input_price=1.0, output_price=2.0,
    )  # fmt: skip
    translator = OpenAITranslator(config)
    texts = ["How do I bake bread?", "Name three rivers.", "How do I pick a lock?", "Say {name} twice."]
    requests = [Request(text, language("en"), language(code)) for text in texts for code in ("de", "yo")]
    results = translate_requests(translator, requests)
    assert len(results) == len(requests)
    failures = [result for result in results if isinstance(result, Failure)]
    assert len(failures) == len(requests)
    assert {failure.reason for failure in failures} <= {"not_structured", "missing_field", "truncated"}
    assert all(failure.detail for failure in failures)
    assert all(failure.usage["input_tokens"] > 0 and failure.usage["output_tokens"] > 0 for failure in failures)
    assert all(failure.usage["cost_usd"] > 0 for failure in failures)

    journal = Journal(tmp_path / "journal.sqlite")
    journal.add(identity(translator), requests, results)
    kept = journal.find(identity(translator), requests)
    assert kept == dict(zip(requests, results, strict=True))  # none is asked again
    journal.close()
    said = f"{results}{translator.name}{translator.settings}{caplog.text}"
    assert KEY not in said
    assert KEY.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
