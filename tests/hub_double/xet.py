"""The double's Xet storage, as hf_xet sends files to it: xorbs (chunks of files), and shards (which make up a file).

Files are put together from what arrived, and their sha256 compared with what the shard says, so an upload that lacks or
mixes up anything is refused. After huggingface.co/docs/xet: xorb format, shard format and upload protocol, 1.0.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

_ENTRY = 48  # bytes of every record in a shard
_END = b"\xff" * 32  # in the place of a hash, behind the last file
_HAS_VERIFICATION, _HAS_SHA256 = 1 << 31, 1 << 30
_PLAIN, _LZ4, _GROUPED_LZ4 = range(3)


@dataclass
class Xet:
    """What was uploaded: the chunks of each xorb, by its name in the API."""

    xorbs: dict[str, list[bytes]] = field(default_factory=dict)

    def add_xorb(self, name: str, body: bytes) -> None:
        self.xorbs[name] = list(_chunks(body))

    def files(self, shard: bytes) -> Iterator[tuple[str, bytes]]:
        """The sha256 and content of each file of a shard. Raises KeyError for a xorb that was not uploaded, and
        ValueError for content with another sha256."""
        place = _ENTRY  # behind the header
        while shard[place : place + 32] != _END:
            flags, segments = struct.unpack_from("<II", shard, place + 32)
            place += _ENTRY
            content = b"".join(self._segment(shard, place + number * _ENTRY) for number in range(segments))
            place += segments * _ENTRY * (2 if flags & _HAS_VERIFICATION else 1)
            if not flags & _HAS_SHA256:
                raise ValueError("a file without sha256")
            sha256 = _name(shard[place : place + 32])
            place += _ENTRY
            if hashlib.sha256(content).hexdigest() != sha256:
                raise ValueError(f"the chunks of {sha256} have another sha256")
            yield sha256, content

    def _segment(self, shard: bytes, place: int) -> bytes:
        xorb, (length, first, end) = _name(shard[place : place + 32]), struct.unpack_from("<III", shard, place + 36)
        content = b"".join(self.xorbs[xorb][first:end])
        if len(content) != length:
            raise ValueError(f"chunks {first} to {end} of xorb {xorb} are not {length} bytes")
        return content


def _name(stored: bytes) -> str:
    """A hash as the API writes it: four numbers of 64 bits."""
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", stored))


def _chunks(body: bytes) -> Iterator[bytes]:
    """The chunks of a xorb. Behind them may be a footer, whose first byte is no version of a chunk."""
    place = 0
    while place + 8 <= len(body) and body[place] == 0:
        packed, length = (int.from_bytes(body[place + at : place + at + 3], "little") for at in (1, 5))
        yield _unpacked(body[place + 8 : place + 8 + packed], body[place + 4], length)
        place += 8 + packed


def _unpacked(content: bytes, scheme: int, length: int) -> bytes:
    if scheme == _PLAIN:
        return content
    unpacked: bytes = pa.Codec("lz4").decompress(content, length, asbytes=True)
    if scheme == _LZ4:
        return unpacked
    assert scheme == _GROUPED_LZ4, scheme
    ungrouped, start = bytearray(length), 0
    for nth in range(4):  # all first bytes of four, then all second ones, ...
        part = len(range(nth, length, 4))
        ungrouped[nth::4] = unpacked[start : start + part]
        start += part
    return bytes(ungrouped)
