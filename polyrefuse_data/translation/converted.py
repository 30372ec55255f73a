"""The files of a model that CTranslate2 has converted, and a copy of one with fewer tokens.

`model.bin`, as the converter of CTranslate2 writes it (`ModelSpec._serialize`, version 6): version, name, revision and
number of variables; of each variable name, dimensions, type, size and values; then the aliases. Names end with a zero
byte and begin with their length. The vocabulary is a list in the order of the rows.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Iterable
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import IO

from polyrefuse_data.system.input_files import open_input, read_input_text

_VERSION = 6
_VOCABULARY = "shared_vocabulary.json"

# What has a row for each token: embeddings and output layer, and the factor by which each row was made int8.
_HAS_A_ROW_PER_TOKEN = re.compile(rb"(?:en|de)coder/(?:embeddings(?:_\d+)?|projection)/(?:weight(?:_scale)?|bias)\0")

_BLOCK = 1 << 22  # bytes that are copied at once


def cut_vocabulary(model: Path, tokens: Iterable[int], folder: Path) -> None:
    """Write to `folder`, which is made, the converted model with only these of its tokens, ascending.

    It computes the same numbers for them. Raises ValueError if the files are not as expected.
    """
    vocabulary = json.loads(read_input_text(model / _VOCABULARY))
    rows = [token for token in tokens if token < len(vocabulary)]  # the converter leaves out Marian's last, <pad>
    folder.mkdir(parents=True)
    with open_input(model / "model.bin") as source, BufferedWriter(FileIO(folder / "model.bin", "x")) as target:
        _cut(source, target, len(vocabulary), rows)
    shutil.copyfile(model / "config.json", folder / "config.json")
    kept = json.dumps([vocabulary[row] for row in rows], ensure_ascii=False)
    (folder / _VOCABULARY).write_text(kept, encoding="utf-8")


def _cut(source: IO[bytes], target: IO[bytes], size: int, rows: list[int]) -> None:
    (version,) = struct.unpack("<I", _copied(source, target, 4))
    if version != _VERSION:
        raise ValueError(f"model.bin is of version {version}, not {_VERSION}")
    _copy_name(source, target)
    _, variables = struct.unpack("<II", _copied(source, target, 8))
    cut = 0
    for _ in range(variables):
        name = _copy_name(source, target)
        (rank,) = _copied(source, target, 1)
        shape = list(struct.unpack(f"<{rank}I", _read(source, 4 * rank)))
        kind = _read(source, 1)
        (length,) = struct.unpack("<I", _read(source, 4))
        if not _HAS_A_ROW_PER_TOKEN.fullmatch(name):
            target.write(struct.pack(f"<{rank}I", *shape) + kind + struct.pack("<I", length))
            _copy(source, target, length)
            continue
        if shape[:1] != [size] or length % size:
            raise ValueError(f"{name[:-1].decode()} has other rows than the {size} tokens")
        width = length // size  # bytes
        target.write(struct.pack(f"<{rank}I", len(rows), *shape[1:]) + kind + struct.pack("<I", width * len(rows)))
        _copy_rows(source, target, width, size, rows)
        cut += 1
    if not cut:
        raise ValueError("model.bin has no embeddings of tokens")
    shutil.copyfileobj(source, target)  # the aliases


def _copy_rows(source: IO[bytes], target: IO[bytes], width: int, size: int, rows: list[int]) -> None:
    """Copy these of the next `size` rows of `width` bytes."""
    start = source.tell()
    for row in rows:
        source.seek(start + row * width)
        target.write(_read(source, width))
    source.seek(start + size * width)


def _copy_name(source: IO[bytes], target: IO[bytes]) -> bytes:
    (length,) = struct.unpack("<H", _copied(source, target, 2))
    return _copied(source, target, length)


def _copied(source: IO[bytes], target: IO[bytes], length: int) -> bytes:
    content = _read(source, length)
    target.write(content)
    return content


def _copy(source: IO[bytes], target: IO[bytes], length: int) -> None:
    while length:
        length -= len(_copied(source, target, min(length, _BLOCK)))


def _read(source: IO[bytes], length: int) -> bytes:
    content = source.read(length)
    if len(content) != length:
        raise ValueError("model.bin ends too early")
    return content
