"""The records of a damaged SQLite file: all that stand on pages that can be read, whatever happened to the others.

Pages are read one by one (https://www.sqlite.org/fileformat2.html), from the file and from its write-ahead log, and the
tree above them is not followed: a damaged page costs the records on it, a damaged header none. What is found may be
stale or garbage: whoever asks has to know his records by something they carry.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path

from polyrefuse_data.system.input_files import open_input

PAGE_BYTES = 4096  # a damaged header cannot say it, so that the files read here have to be made with this

MAGIC = b"SQLite format 3\0"

Record = tuple[str | bytes, ...]

_LOG_HEADER, _FRAME_HEADER = 32, 24
_LITTLE_ENDIAN = bytes.fromhex("377f0682")  # how a log begins whose checksums are over little-endian numbers
# Kinds of pages that hold records of tables WITHOUT ROWID: bytes before the cell pointers, bytes before each cell.
_KINDS = {0x0A: (8, 0), 0x02: (12, 4)}
# How much of a record stays on its page where it does not fit (section 1.6 of the format).
_MOST_LOCAL = (PAGE_BYTES - 12) * 64 // 255 - 23
_LEAST_LOCAL = (PAGE_BYTES - 12) * 32 // 255 - 23
_PER_OVERFLOW = PAGE_BYTES - 4


def read_records(path: Path) -> Iterator[Record]:
    """Records of text and blobs of every table WITHOUT ROWID, some of them twice."""
    with _mapped(path) as content, _mapped(path.with_name(f"{path.name}-wal")) as log:
        frames = _frames(log)
        logged = {int.from_bytes(log[frame : frame + 4]): frame + _FRAME_HEADER for frame in frames}

        def newest(number: int) -> bytes:
            start = logged.get(number)
            return _page(content, (number - 1) * PAGE_BYTES) if start is None else _page(log, start)

        for start in range(0, len(content), PAGE_BYTES):
            yield from _records(_page(content, start), newest, is_first=start == 0)
        for frame in frames:
            is_first = int.from_bytes(log[frame : frame + 4]) == 1
            yield from _records(_page(log, frame + _FRAME_HEADER), newest, is_first)


def application_ids(path: Path) -> set[int]:
    """Every application id (section 1.3.15 of the format) on a first page, in the file or its log, but for 0."""
    with _mapped(path) as content, _mapped(path.with_name(f"{path.name}-wal")) as log:
        logged = [frame + _FRAME_HEADER for frame in _frames(log) if log[frame : frame + 4] == b"\0\0\0\1"]
        firsts = [content[:PAGE_BYTES], *(log[start : start + PAGE_BYTES] for start in logged)]
        return {int.from_bytes(first[68:72]) for first in firsts if first.startswith(MAGIC)} - {0}


def log_is_broken(path: Path) -> bool:
    """Whether the write-ahead log goes on behind a place that SQLite will not read past.

    SQLite leaves out the rest and says nothing. A process that was killed leaves no such log, only one that ends in the
    middle of a page.
    """
    with _mapped(path.with_name(f"{path.name}-wal")) as log:
        order = "<" if log[:4] == _LITTLE_ENDIAN else ">"
        sums = _checksum(order, log[:24], (0, 0))
        is_readable = not log or sums == struct.unpack(">2I", log[24:_LOG_HEADER])
        for frame in _frames(log):
            is_current = log[frame + 8 : frame + 16] == log[16:24]  # frames of an earlier log have other salts
            page = frame + _FRAME_HEADER
            sums = _checksum(order, log[frame : frame + 8] + log[page : page + PAGE_BYTES], sums)
            if not is_readable and (is_current or frame == _LOG_HEADER):
                return True
            is_readable &= is_current and sums == struct.unpack(">2I", log[frame + 16 : page])
    return False


def _frames(log: mmap | bytes) -> range:
    """Where the frames of a log begin, each a header and a page."""
    return range(_LOG_HEADER, len(log) - _FRAME_HEADER - PAGE_BYTES + 1, _FRAME_HEADER + PAGE_BYTES)


def _checksum(order: str, content: bytes, sums: tuple[int, int]) -> tuple[int, int]:
    """SQLite's running checksum of a log (section 4.2 of the format)."""
    first, second = sums
    for one, other in struct.iter_unpack(f"{order}2I", content):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


@contextmanager
def _mapped(path: Path) -> Iterator[mmap | bytes]:
    """The content of a file, not in memory; nothing where there is none."""
    if not path.exists() or path.stat().st_size == 0:
        yield b""
        return
    with open_input(path) as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        yield content


def _page(content: mmap | bytes, start: int) -> bytes:
    if not 0 <= start < len(content):
        raise IndexError("there is no such page")
    return content[start : start + PAGE_BYTES].ljust(PAGE_BYTES, b"\0")


def _records(page: bytes, newest: Callable[[int], bytes], is_first: bool) -> Iterator[Record]:
    for cell in _cells(page, 100 if is_first else 0):  # the first page begins with the file's header
        record = _record(page, cell, newest)
        if record:
            yield record


def _cells(page: bytes, start: int) -> list[int]:
    """Where the records of a page begin; none for pages of another kind."""
    if page[start] not in _KINDS:
        return []
    header, child = _KINDS[page[start]]
    pointers = page[start + header :][: 2 * int.from_bytes(page[start + 3 : start + 5])]
    return [int.from_bytes(pointers[at : at + 2]) + child for at in range(0, len(pointers) - 1, 2)]


def _record(page: bytes, cell: int, newest: Callable[[int], bytes]) -> Record | None:
    """The record of a cell, put together with what lies on other pages; None where it makes no sense."""
    try:
        size, start = _varint(page, cell)
        local = size
        if size > _MOST_LOCAL:
            local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % _PER_OVERFLOW
            local = local if local <= _MOST_LOCAL else _LEAST_LOCAL
        payload = bytearray(page[start : start + local])
        following = int.from_bytes(page[start + local : start + local + 4])
        seen: set[int] = set()
        while len(payload) < size:
            if following in seen:
                return None
            seen.add(following)
            overflow = newest(following)
            payload += overflow[4 : 4 + size - len(payload)]
            following = int.from_bytes(overflow[:4])
        return _values(bytes(payload))
    except (IndexError, UnicodeDecodeError):
        return None


def _values(payload: bytes) -> Record | None:
    end, at = _varint(payload, 0)
    values: list[str | bytes] = []
    start = end
    while at < end:
        kind, at = _varint(payload, at)
        if kind < 12:  # a number or NULL
            return None
        value = payload[start : start + (kind - 12) // 2]
        values.append(value.decode() if kind % 2 else value)
        start += len(value)
    return tuple(values)


def _varint(content: Sequence[int], at: int) -> tuple[int, int]:
    """A number of up to nine bytes, most significant first, and where it ends."""
    value = 0
    for place in range(at, at + 8):
        value = value << 7 | content[place] & 0x7F
        if content[place] < 0x80:
            return value, place + 1
    return value << 8 | content[at + 8], at + 9
