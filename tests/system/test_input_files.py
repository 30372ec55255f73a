"""Only regular files are read, whole ones only up to a bound, and by one home for that."""

from __future__ import annotations

import ast
import os
import socket
from pathlib import Path

import pytest

import polyrefuse_data
from polyrefuse_data.system import input_files
from polyrefuse_data.system.input_files import open_input, read_input, read_input_text, regular_file, sha256_of

# Calls that open what they are given; as a method, or as a function of these modules.
_METHODS = {"read_text", "read_bytes", "open"}
_FUNCTIONS = {"open", "read_table", "ParquetFile", "read_schema", "read_metadata", "load_file", "safe_open"}
# Where files of this package itself are read, or of a folder that this process has just made.
_OF_THE_PACKAGE = {
    "benchmark/judges/phrases.py",
    "benchmark/labels/page.py",
    "benchmark/report.py",
    "config.py",
    "demo/seeds.py",
    "languages/lexicon/model.py",
    "languages/packs.py",
    "languages/registry.py",
    "languages/replies.py",
    "quality/report/page.py",
    "quality/review/page.py",
    "release/card.py",
    "sources/loading.py",
}


def test_every_other_module_reads_paths_by_this_one() -> None:
    """`pq.read_table(regular_file(path))`, `open_input(path)`: what opens a path by itself is named here."""
    found = set()
    root = Path(polyrefuse_data.__path__[0])
    for path in sorted(root.rglob("*.py")):
        module = path.relative_to(root).as_posix()
        if module.startswith("system/") or module in _OF_THE_PACKAGE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _opens(node):
                found.add(f"{module}:{node.lineno} {ast.unparse(node)[:80]}")
    assert found == set()


def _opens(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if isinstance(call.func, ast.Attribute) and name in _METHODS:
        return not (call.args and _is_made_safe(call.args[0]))
    of_the_package = isinstance(call.func, ast.Name) and name == "read_table"  # system/files.py: it asks itself
    return name in _FUNCTIONS and bool(call.args) and not of_the_package and not _is_made_safe(call.args[0])


def _is_made_safe(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Call) and getattr(argument.func, "id", "") in {"regular_file", "open_input"}


def test_a_regular_file_is_read_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes("\ufeffHallo".encode())
    link = tmp_path / "link"
    link.symlink_to("file")
    assert read_input_text(link) == "Hallo"
    assert regular_file(link) == link
    assert sha256_of(link) == sha256_of(tmp_path / "file")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("pipe", "it is a pipe"),
        ("socket", "it is a socket"),
        ("device", "it is a device"),
        ("folder", "it is a folder"),
    ],
)
def test_anything_else_is_refused_by_name(tmp_path: Path, kind: str, reason: str) -> None:
    path = tmp_path / "special"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    for read in (regular_file, open_input, read_input):
        with pytest.raises(OSError, match=f"it is a {kind}") as refused:
            read(path)
        assert refused.value.filename == str(path)


def test_a_pipe_that_takes_the_place_of_a_file_meanwhile_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    os.mkfifo(path)
    monkeypatch.setattr(input_files, "regular_file", lambda path: path)
    with pytest.raises(OSError, match="it is a pipe"):
        open_input(path)


def test_a_file_is_read_whole_up_to_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert len(read_input(path, at_most=100)) == 100
    with pytest.raises(OSError, match="larger than"):
        read_input(path, at_most=99)
    with path.open("wb") as file:
        file.truncate(2**40)  # a hole: it takes no room on the disk, and a terabyte of memory
    with pytest.raises(OSError, match="larger than the limit of 1 GiB"):
        read_input(path)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs a file that says that it is empty")
def test_a_file_that_says_that_it_is_empty_is_read(tmp_path: Path) -> None:
    assert b"Pid:" in read_input(Path("/proc/self/status"))
    with pytest.raises(OSError, match="larger than"):
        read_input(Path("/proc/self/status"), at_most=10)
