from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from polyrefuse_data.errors import MissingPrerequisite, SourceError
from polyrefuse_data.sources import fetch as fetching
from polyrefuse_data.sources.fetch import fetch


class Server:
    """A loopback HTTP server that answers from `answers`: per path, the (status, body) of each request in turn."""

    def __init__(self) -> None:
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.requests: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append(self.path)
                answers = server.answers.get(self.path, [(404, b"")])
                status, body = answers.pop(0) if len(answers) > 1 else answers[0]
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", body.decode())
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("POLYREFUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(fetching, "_FIRST_PAUSE_SECONDS", 0.0)
    running = Server()
    yield running
    running.close()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_fetched_once_and_kept(server: Server) -> None:
    server.answers["/a/b.csv"] = [(200, b"content")]
    path = fetch(f"{server.url}/a/b.csv", sha256(b"content"))
    assert path.read_bytes() == b"content"
    assert fetch(f"{server.url}/a/b.csv", sha256(b"content")) == path
    assert server.requests == ["/a/b.csv"]


def test_another_content_than_pinned_is_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    server.answers["/b.csv"] = [(200, b"changed")]
    with pytest.raises(SourceError, match=rf"b\.csv: sha256 is {sha256(b'changed')}, expected {sha256(b'content')}"):
        fetch(f"{server.url}/b.csv", sha256(b"content"))
    assert not (tmp_path / "cache").exists()


def test_a_kept_file_that_was_changed_is_refused(server: Server) -> None:
    server.answers["/b.csv"] = [(200, b"content")]
    path = fetch(f"{server.url}/b.csv", sha256(b"content"))
    path.write_bytes(b"tampered")
    with pytest.raises(SourceError, match=r"expected .*: remove .*b\.csv and run again"):
        fetch(f"{server.url}/b.csv", sha256(b"content"))


def test_an_unknown_hash_is_told_recorded_and_held_to(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.answers["/b.csv"] = [(200, b"content"), (200, b"changed")]
    path = fetch(f"{server.url}/b.csv", None)
    assert f"recorded the one of this first use: {sha256(b'content')}" in caplog.text
    path.unlink()
    with pytest.raises(SourceError, match=f"expected {sha256(b'content')}"):
        fetch(f"{server.url}/b.csv", None)


def test_a_server_that_is_busy_is_asked_again(server: Server) -> None:
    server.answers["/b.csv"] = [(503, b""), (429, b""), (200, b"content")]
    assert fetch(f"{server.url}/b.csv", sha256(b"content")).read_bytes() == b"content"
    assert len(server.requests) == 3


def test_a_file_that_is_gone_is_not_asked_for_again(server: Server) -> None:
    with pytest.raises(SourceError, match=r"the server answered 404 Not Found: .*put the file at"):
        fetch(f"{server.url}/gone.csv", None)
    assert len(server.requests) == 1


def test_a_server_that_stays_busy_is_given_up_with_the_mend(server: Server) -> None:
    server.answers["/b.csv"] = [(503, b"")]
    with pytest.raises(MissingPrerequisite, match=r"cannot be fetched .*put the file at .*b\.csv"):
        fetch(f"{server.url}/b.csv", None)
    assert len(server.requests) == 3


def test_nobody_there_is_a_missing_prerequisite(server: Server) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(MissingPrerequisite, match="refused"):
        fetch(f"http://127.0.0.1:{port}/b.csv", None)


def test_offline_uses_the_cache_and_asks_nobody(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["/b.csv"] = [(200, b"content")]
    fetch(f"{server.url}/b.csv", None)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert fetch(f"{server.url}/b.csv", None).read_bytes() == b"content"
    with pytest.raises(MissingPrerequisite, match="HF_HUB_OFFLINE is set: run this once online, or put the file at"):
        fetch(f"{server.url}/c.csv", None)
    assert server.requests == ["/b.csv"]


def test_a_public_set_may_come_from_another_origin_if_it_is_the_one_that_is_known(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Public sets lie behind content delivery networks. Nothing of ours is sent along, and the sha256 decides."""
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijklmnop")
    network = Server()
    try:
        network.answers["/real"] = [(200, b"content")]
        server.answers["/set.csv"] = server.answers["/other.csv"] = [(302, f"{network.url}/real".encode())]
        assert fetch(f"{server.url}/set.csv", sha256(b"content")).read_bytes() == b"content"
        with pytest.raises(SourceError, match="sha256"):
            fetch(f"{server.url}/other.csv", sha256(b"what was published"))
        assert network.requests == ["/real"] * 2
    finally:
        network.close()


def test_a_redirect_to_a_file_of_this_machine_is_not_followed(server: Server, tmp_path: Path) -> None:
    (tmp_path / "private").write_text("content")
    server.answers["/set.csv"] = [(302, (tmp_path / "private").as_uri().encode())]
    with pytest.raises(SourceError, match="302"):
        fetch(f"{server.url}/set.csv", sha256(b"content"))
