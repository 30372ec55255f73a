"""HTTP to one origin: real servers on the loopback that redirect, drip, cut and stay away."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from polyrefuse_data.endpoints.session import (
    LostConnection,
    NotReached,
    OversizedAnswer,
    RedirectRefused,
    Response,
    Session,
    TooSlow,
    origin,
)
from polyrefuse_data.errors import MissingPrerequisite
from tests.patience import in_time


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads each request and does with the connection what it is told; and the requests that it got."""
    server = socket.create_server(("127.0.0.1", 0))
    got: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(20)
            while request := whole_request(connection):
                got.append(request)
                answer(connection)

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}", got
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def whole_request(connection: socket.socket) -> bytes:
    """Head and body; nothing where the client has gone away."""
    request = b""
    while b"\r\n\r\n" not in request:
        if not (more := connection.recv(65536)):
            return b""
        request += more
    length = re.search(rb"(?i)content-length: (\d+)", request)
    while length and len(request.partition(b"\r\n\r\n")[2]) < int(length[1]):
        request += connection.recv(65536)
    return request


def saying(text: str) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(text.encode())


def redirecting(location: str, status: int = 307) -> Callable[[socket.socket], None]:
    return saying(f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")


OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def ask(url: str, seconds: float = 5.0, **options: int) -> Response:
    with closing(Session(url, {"Authorization": "Bearer key"})) as session:
        return session.request("POST", "/ask", seconds=seconds, body=b"a prompt", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_refused_and_nothing_is_sent_there(status: int) -> None:
    with listening(saying(OK)) as (elsewhere, got):
        for location in (f"{elsewhere}/ask", elsewhere.replace("http:", "")):
            refused = pytest.raises(RedirectRefused, match="redirects to http")
            with listening(redirecting(location, status)) as (url, _), refused:
                ask(url)
        with listening(redirecting("https://127.0.0.1:1/", status)) as (url, _), pytest.raises(RedirectRefused):
            ask(url)
    assert not got


def test_the_same_host_on_another_port_or_scheme_is_another_origin() -> None:
    assert origin("http://Host/a") == origin("http://host:80/b") == origin("http://host./")
    assert len({origin("http://h/"), origin("https://h/"), origin("http://h:8080/"), origin("http://h.x/")}) == 4


@pytest.mark.parametrize(("status", "method"), [(301, b"POST"), (307, b"POST"), (308, b"POST"), (303, b"GET")])
def test_a_redirect_on_the_same_origin_is_followed(status: int, method: bytes) -> None:
    answers = iter([redirecting("/elsewhere?a=b", status), saying(OK)])
    with listening(lambda connection: next(answers)(connection)) as (url, got):
        assert ask(url).content == b"ok"
    assert got[1].startswith(method + b" /elsewhere?a=b HTTP/1.1")
    assert b"Authorization: Bearer key" in got[1]


def test_redirects_that_do_not_end_are_not_followed_for_ever() -> None:
    with listening(redirecting("/ask")) as (url, got), pytest.raises(RedirectRefused, match="more than 5"):
        ask(url)
    assert len(got) == 5


def test_a_connection_is_kept_and_made_anew_where_the_server_closed_it() -> None:
    with listening(saying(OK)) as (url, _), closing(Session(url, {})) as session:
        session.request("GET", "/", seconds=5)
        first = session._connection
        session.request("GET", "/", seconds=5)
        assert session._connection is first
        first.sock.shutdown(socket.SHUT_RDWR)
        assert session.request("GET", "/", seconds=5).content == b"ok"


def test_nobody_there_is_told_from_an_answer_that_breaks_off() -> None:
    for url, reason in (("http://127.0.0.1:9", "Connection refused"), ("http://no-such-host.invalid", ".")):
        with pytest.raises(NotReached, match=reason):
            ask(url)
    for broken in ("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{", "", "nonsense\r\n\r\n"):

        def cut(connection: socket.socket, said: str = broken) -> None:
            connection.sendall(said.encode())
            connection.shutdown(socket.SHUT_RDWR)

        with listening(cut) as (url, _), pytest.raises(LostConnection) as raised:
            ask(url)
        assert not isinstance(raised.value, NotReached | TooSlow)


@pytest.mark.parametrize("begin", ["", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"], ids=["silence", "half"])
def test_silence_ends_with_the_time(begin: str) -> None:
    def hang(connection: socket.socket) -> None:
        connection.sendall(begin.encode())
        time.sleep(3)

    with listening(hang) as (url, _):
        started = time.monotonic()
        with pytest.raises(TooSlow):
            ask(url, seconds=0.3)
        assert in_time(started, 2)


def test_a_body_that_drips_ends_with_the_time_all_the_same() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" " * 7)
            time.sleep(0.05)

    with listening(drip) as (url, _):
        started = time.monotonic()
        with pytest.raises(TooSlow):
            ask(url, seconds=0.4)
        assert in_time(started, 2)


def test_an_answer_in_chunks_is_whole() -> None:
    chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
    with listening(saying(chunked)) as (url, _):
        assert ask(url).content == b"abcde"
    with listening(saying(chunked[:-12])) as (url, _), pytest.raises(LostConnection):
        ask(url, seconds=0.3)


def test_an_endless_answer_is_given_up() -> None:
    endless = saying("HTTP/1.1 200 OK\r\n\r\n" + "x" * 100_000)
    with listening(endless) as (url, _), pytest.raises(OversizedAnswer):
        ask(url, most_bytes=50_000)


def test_another_thread_can_cut_a_wait_short() -> None:
    with listening(lambda _: time.sleep(5)) as (url, _), closing(Session(url, {})) as session:
        threading.Timer(0.2, session.cut).start()
        started = time.monotonic()
        with pytest.raises(LostConnection):
            session.request("GET", "/", seconds=30)
        assert in_time(started, 2)


def test_requests_go_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(saying(OK)) as (proxy, got):
        monkeypatch.setenv("http_proxy", proxy.replace("http://", "http://me:word@"))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert ask("http://api.example/v1").content == b"ok"
        with listening(saying(OK)) as (url, direct):
            ask(url)
    assert got[0].startswith(b"POST http://api.example/v1/ask HTTP/1.1\r\nHost: api.example\r\n")
    assert b"proxy-authorization: Basic bWU6d29yZA==" in got[0]
    assert direct


@pytest.mark.parametrize("proxy", ["socks4://127.0.0.1:1", "http://", "http://[::1", "ftp://127.0.0.1"])
def test_a_proxy_that_is_none_is_said_without_being_repeated(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy.replace("://", "://me:hunter2@"))
    with pytest.raises((MissingPrerequisite, NotReached)) as raised:
        ask("http://api.example/v1")
    assert "hunter2" not in str(raised.value)


def test_a_server_that_speaks_no_tls_is_not_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(OK.encode())
                connection.recv(65536)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(NotReached):
            ask(f"https://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
