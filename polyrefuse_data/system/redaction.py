"""Secrets stay out of what people read and what is kept: API keys, tokens, passwords in addresses.

A secret is the value of an environment variable that is named like one (OPENAI_API_KEY, HF_TOKEN) or that a config
names (`api_key_env`), and whatever looks like a key, wherever it stands. Servers like to repeat a key in their errors,
libraries in their logs and tracebacks; all of that ends in our messages, in the details that the journal keeps, or on
the standard streams, and each of the three goes through `redact`.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from typing import TextIO
from urllib.parse import urlsplit

from polyrefuse_data.system.terminal import UNENCODABLE, TerminalText

_MASK = "***"
_SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$", re.IGNORECASE)
_SHORTEST = 8  # characters; shorter values are switches and words, and would mask half of a text

# What a key looks like without its variable, as (before, secret): the part before is kept.
_SHAPES = tuple(
    re.compile(shape, re.IGNORECASE)
    for shape in (
        r"(\b)(?:hf_[a-z0-9]{16,}|sk-[\w-]{16,})",
        r"(://)[^/\s:@]*:[^/\s@]+(?=@)",
        r"([?&](?:api[-_]?key|key|token|access[-_]token|password|secret|signature|sig)=)[^&#\s\"'<>]+",
        r"(\b(?:bearer|basic) )[\w.~+/=-]{8,}",
    )
)

_declared: set[str] = set()  # names of environment variables


def declare_secret(variable: str) -> None:
    """Count the value of this environment variable as a secret from now on, whatever it is called."""
    _declared.add(variable)


def without_credentials(address: str) -> str:
    """The URL itself, which results may name: it has a host, and no user, password or query.

    Raises ValueError for any other, without repeating it.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("no address such as http://localhost:8000/v1")
    if "@" in parts.netloc or parts.query:
        raise ValueError("no user, password or query in the address: the key goes into an environment variable")
    return address


def redact(text: str) -> str:
    """The same text with every secret masked."""
    for secret in _secrets():
        text = text.replace(secret, _MASK)
    for shape in _SHAPES:
        text = shape.sub(rf"\1{_MASK}", text)
    return text


def redact_standard_streams() -> None:
    """Mask secrets, and show what a terminal would obey, in all that is written to sys.stdout and sys.stderr from now
    on: data, logs, tracebacks.

    For the command line, before libraries are imported that keep the stream which they find.
    """
    os.environ.setdefault("NO_COLOR", "1")  # colours are escape sequences: they would be shown, not obeyed
    terminals: dict[tuple[int, int], TerminalText] = {}  # one where both streams are the same terminal or file
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if hasattr(stream, "buffer") and not isinstance(stream, _RedactedStream):
            file = os.fstat(stream.fileno())
            terminal = terminals.setdefault((file.st_dev, file.st_ino), TerminalText())
            setattr(sys, name, _RedactedStream(stream, terminal))


class _RedactedStream(io.TextIOWrapper):
    """The one way to the standard streams of a command."""

    def __init__(self, stream: TextIO, terminal: TerminalText) -> None:
        stream.flush()
        super().__init__(
            stream.buffer,
            # click goes round a stream that claims ASCII, and writes UTF-8 to what is under it.
            "utf-8" if codecs.lookup(stream.encoding).name == "ascii" else stream.encoding,
            UNENCODABLE,
            line_buffering=bool(stream.line_buffering),
            write_through=bool(getattr(stream, "write_through", False)),  # PYTHONUNBUFFERED
        )
        self._replaced = stream  # it would close the buffer if it went away
        self._terminal = terminal

    def write(self, text: str) -> int:
        super().write(self._terminal.safe(redact(text)))
        return len(text)


def _secrets() -> list[str]:
    """The longest first, so that one that holds another is masked whole."""
    values = {value.strip() for name, value in os.environ.items() if name in _declared or _SECRET_VARIABLE.search(name)}
    return sorted((value for value in values if len(value) >= _SHORTEST), key=len, reverse=True)
