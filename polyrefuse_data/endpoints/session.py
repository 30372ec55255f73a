"""HTTP to one origin over one connection: complete answers within a deadline, and never a redirect to another origin.

Requests contain prompts and a key, and a server that redirects elsewhere would get both. urllib3 makes the connections,
with a ninth of the OpenAI client's processor time per request.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from polyrefuse_data.endpoints.proxies import open_pool

_CONNECT_SECONDS = 10.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_CHUNK_BYTES = 1 << 16
MOST_BYTES = 64 << 20  # of an answer; the longest a chat model gives is a thousandth of it
_PORTS = {"http": 80, "https": 443}
_NO_RETRIES = urllib3.Retry.from_int(False, redirect=False)


class LostConnection(Exception):
    """The connection broke before the answer was complete."""


class NotReached(LostConnection):
    """No connection could be made: connection refused, unknown host, no route, no common TLS."""

    @property
    def mend(self) -> str:
        if "CERTIFICATE_VERIFY_FAILED" in str(self):
            return "have its certificate renewed, or name the authority that signed it in SSL_CERT_FILE"
        return "start the server, or fix the address"


class TooSlow(LostConnection):
    """The answer was not complete in time."""


class OversizedAnswer(LostConnection):
    """The answer is longer than any legitimate one."""


class RedirectRefused(Exception):
    """The server redirects to another origin."""


@dataclass(frozen=True)
class Response:
    status: int
    headers: Mapping[str, str]  # case-insensitive
    content: bytes


class Transport(Protocol):
    """Requests to one origin. For one thread, except for `cut`."""

    deadline: float | None

    def request(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Response: ...

    def cut(self) -> None: ...

    def close(self) -> None: ...


class Session:
    """A connection to the origin of `url`, opened on first use and kept open. For one thread, except for `cut`."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self._url = url
        self._headers = dict(headers)
        self._connection: Any = None
        self._pool = self._open_pool()
        self._is_cut = False
        self.deadline: float | None = None  # of the request under way, on the monotonic clock

    def request(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> Response:
        """The answer to one request, whatever its status. Raises LostConnection (or a subclass) or RedirectRefused."""
        target = f"{self._url}{path}"
        sent = {**self._headers, **(headers or {})}
        self.deadline, self._is_cut = time.monotonic() + seconds, False
        try:
            for _ in range(_MOST_REDIRECTS):
                response = self._send(method, target, body, sent, most_bytes)
                location = response.headers.get("location")
                if response.status not in _REDIRECTS or not location:
                    return response
                target = self._followed(target, location)
                if response.status == 303:
                    method, body = "GET", None
            raise RedirectRefused(f"more than {_MOST_REDIRECTS} redirects, the last to {target}")
        finally:
            self.deadline = None

    def cut(self) -> None:
        """Cut the connection from another thread; whoever waits for an answer on it stops waiting."""
        self._is_cut = True
        sock = getattr(self._connection, "sock", None)
        if isinstance(sock, socket.socket):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # beneath TLS, which would wait for the other side

    def close(self) -> None:
        self._pool.close()

    def _send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], most_bytes: int
    ) -> Response:
        with self._explained():
            left = max(self._seconds_left(), 0.001)
            reply = self._pool.urlopen(
                method,
                target if self._pool.proxy and urlsplit(target).scheme == "http" else _path(target),
                body=body,
                headers=headers,
                retries=_NO_RETRIES,
                redirect=False,
                assert_same_host=False,
                timeout=urllib3.Timeout(connect=min(_CONNECT_SECONDS, left), read=left),
                preload_content=False,
            )
            try:
                content = self._read(reply, most_bytes)
            except BaseException:
                reply.close()
                raise
            reply.release_conn()
            if self._is_cut:  # headers that break off look like their end
                raise TooSlow
            return Response(reply.status, reply.headers, content)

    def _read(self, reply: Any, most_bytes: int) -> bytes:
        """Read the whole body, chunk by chunk, because a socket's time-out restarts with every byte."""
        chunks = []
        size = 0
        while chunk := reply.read1(_CHUNK_BYTES):
            chunks.append(chunk)
            size += len(chunk)
            if size > most_bytes:
                raise OversizedAnswer(f"more than {most_bytes >> 20} MiB")
            if self._seconds_left() <= 0:
                raise TooSlow
        return b"".join(chunks)

    def _seconds_left(self) -> float:
        return (self.deadline or 0.0) - time.monotonic()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn errors of the libraries underneath into ours, in a few words."""
        try:
            yield
        except (NewConnectionError, ConnectTimeoutError, ProxyError, SSLError) as error:
            raise NotReached(_words(error)) from None
        except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            if isinstance(error, ReadTimeoutError) or self._seconds_left() <= 0:
                raise TooSlow from None
            raise LostConnection(_words(error)) from None

    def _followed(self, target: str, location: str) -> str:
        """The target of a redirect on the same origin."""
        try:
            led = urljoin(target, location)
            same = origin(led) == origin(self._url)
        except ValueError:
            led, same = location, False
        if not same:
            raise RedirectRefused(f"it redirects to {led}")
        return led

    def _open_pool(self) -> urllib3.HTTPConnectionPool:
        """A pool of one connection, observed while it is being opened so that it can be cut."""
        pool = open_pool(self._url)
        made = pool.ConnectionCls

        def keep(*arguments: Any, **options: Any) -> Any:
            self._connection = made(*arguments, **options)
            return self._connection

        pool.ConnectionCls = keep  # type: ignore[assignment]
        return pool


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port. Raises ValueError for what is not a URL."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _words(error: BaseException) -> str:
    """The innermost reason; the outer ones name our own objects."""
    inner = error
    while (cause := inner.__cause__ or inner.__context__) is not None and isinstance(cause, OSError):
        inner = cause
    if isinstance(inner, OSError) and inner.strerror:
        return inner.strerror.strip()
    nested = next((item for item in reversed(inner.args) if isinstance(item, BaseException)), None)
    return _words(nested) if nested is not None else str(inner).rpartition(": ")[2] or type(inner).__name__
