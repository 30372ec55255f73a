"""The published dataset is fetched by hash, and a run without it says in one line what was skipped and what to do."""

from __future__ import annotations

import hashlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests import published
from tests.documents import ROOT


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def origins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A server on loopback with two files, which are all that is listed."""
    files = {"PolyRefuse/a.json": b"[1]", "english/harmless_b.json": b"[2]"}
    for path, content in files.items():
        (tmp_path / "served" / path).parent.mkdir(parents=True)
        (tmp_path / "served" / path).write_bytes(content)
    listed = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    monkeypatch.setattr(published, "hashes", lambda: listed)
    monkeypatch.delenv(published.VARIABLE, raising=False)
    handler = partial(Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        yield {prefix: f"{address}/{prefix}" for prefix in published.ORIGINS}
        server.shutdown()
        thread.join()


def test_it_is_fetched_once_and_found(origins: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(published.VARIABLE, str(tmp_path / "fetched"))
    assert published.find() is None
    published.fetch(tmp_path / "fetched", origins)
    assert published.find() == tmp_path / "fetched"
    assert (tmp_path / "fetched" / "english" / "harmless_b.json").read_bytes() == b"[2]"


def test_another_file_than_the_listed_one_is_refused(origins: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "served" / "PolyRefuse" / "a.json").write_bytes(b"[3]")
    with pytest.raises(OSError, match=r"a\.json is not the file that published\.sha256 lists"):
        published.fetch(tmp_path / "fetched", origins)
    assert not (tmp_path / "fetched" / "PolyRefuse" / "a.json").exists()


def test_without_a_network_it_says_so(
    origins: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(published.VARIABLE, str(tmp_path / "nowhere"))
    monkeypatch.setattr(published, "ORIGINS", dict.fromkeys(origins, "http://127.0.0.1:1/"))
    with pytest.raises(SystemExit):
        published.main()
    assert capsys.readouterr().out.startswith("the published dataset cannot be fetched (")


def test_every_file_has_an_origin() -> None:
    assert len(published.hashes()) == 59
    for path in published.hashes():
        assert sum(path.startswith(prefix) for prefix in published.ORIGINS) == 1


def test_what_is_skipped_is_said_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--basetemp",
            tmp_path / "pytest",
            "tests/sources/test_upstream.py",
            "-k",
            "published",
        ],
        cwd=ROOT,
        env={**os.environ, published.VARIABLE: str(tmp_path / "nowhere")},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if "skipped:" in line]
    assert lines == [f"2 tests skipped: {published.MISSING}"], done.stdout
