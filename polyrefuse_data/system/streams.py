"""The standard streams of a command: wherever they lead, its work and its exit code stay the same.

If a reader goes away (`| head`) or a stream is closed (`>&-`), nobody wants the rest. Output to stdout that is lost on
a full or failing disk is remembered for the command line to report; on stderr it is dropped. Secrets are masked, and
terminal control characters are shown instead of obeyed.
"""

from __future__ import annotations

import codecs
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from polyrefuse_data.system.redaction import redact
from polyrefuse_data.system.terminal import UNENCODABLE, TerminalText

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def take_over_streams() -> None:
    """Replace sys.stdout and sys.stderr: data, logs and tracebacks go through the new streams.

    For the command line, before importing libraries that keep a reference to the stream they find.
    """
    _fill_closed_descriptors()
    os.environ.setdefault("NO_COLOR", "1")  # colours are escape sequences: they would be shown, not obeyed
    terminals: dict[tuple[int, int], TerminalText] = {}  # one where both streams are the same terminal or file
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if hasattr(stream, "buffer") and not isinstance(stream, _Stream):
            file = os.fstat(stream.fileno())
            setattr(sys, name, _Stream(stream, terminals.setdefault((file.st_dev, file.st_ino), TerminalText())))


def lost_output() -> OSError | None:
    """Why output to stdout since the last call was lost; None if all of it arrived, or nobody reads it."""
    if not isinstance(sys.stdout, _Stream):
        return None
    sys.stdout.flush()
    fault, sys.stdout.outlet.fault = sys.stdout.outlet.fault, None
    return fault


def _fill_closed_descriptors() -> None:
    """Fill closed descriptors, because the next opened file would get a closed stream's number and output."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: PTH123, SIM115


class _Outlet(io.RawIOBase):
    """The outlet of a standard stream. Writing never fails; `fault` is the first reason why bytes are lost."""

    def __init__(self, stream: TextIO) -> None:
        self._raw = getattr(stream.buffer, "raw", stream.buffer)
        self._is_read = True
        self.fault: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        while rest and self._is_read:
            try:
                rest = rest[self._raw.write(rest) or self._wait() :]
            except BrokenPipeError:
                self._is_read = False
            except OSError as error:
                self.fault = self.fault or error
                break
        return size

    def _wait(self) -> int:
        """Wait for room in a stream that another process sharing it has made non-blocking."""
        select.select([], [self.fileno()], [])
        return 0

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())


class _Stream(io.TextIOWrapper):
    def __init__(self, stream: TextIO, terminal: TerminalText) -> None:
        stream.flush()
        self.outlet = _Outlet(stream)
        is_unbuffered = bool(getattr(stream, "write_through", False))  # PYTHONUNBUFFERED
        super().__init__(
            self.outlet if is_unbuffered else io.BufferedWriter(self.outlet),  # type: ignore[arg-type]
            # click goes round a stream that claims ASCII, and writes UTF-8 to what is under it.
            "utf-8" if codecs.lookup(stream.encoding).name == "ascii" else stream.encoding,
            UNENCODABLE,
            line_buffering=bool(stream.line_buffering),
            write_through=is_unbuffered,
        )
        self._replaced = stream  # it would close the descriptor when collected
        self._terminal = terminal

    def write(self, text: str) -> int:
        super().write(self._terminal.safe(redact(text)))
        return len(text)
