"""Processes that write one file at once: one wins whole, none fails, and none takes another's unfinished file for one
that a dead process has left. FAULTS_KILLS says how often they try (`make faults`: 3,000 times).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_kills import KILLS

WRITERS = 3
ROUNDS = 20 * KILLS  # of each of three writers: 1,000 where FAULTS_KILLS is 50

# Writes its own letter over and over; what it cannot do, it says. It also reads, and a whole file has one letter.
WRITER = """
import sys
from pathlib import Path
from polyrefuse_data.system.files import atomic_write, write_beside
from polyrefuse_data.system.unfinished_files import part_of

target, letter, rounds, way = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
content = letter * 70_000
print("ready", flush=True)
sys.stdin.readline()
for number in range(rounds):
    try:
        if way == "folder":
            with part_of(target, is_folder=True) as part:
                (part / "within").write_text(content)
                assert (part / "within").read_text() == content
        elif way == "new file":
            path = write_beside(target.with_name(f"{number}.txt"), content)
            assert path.read_text() == content, path
        else:
            atomic_write(target, content)
            found = target.read_text()
            assert len(found) == len(content) and len(set(found)) == 1, "a part was read"
    except BaseException as error:
        print(f"{letter} {number}: {error!r}", flush=True)
"""


@pytest.mark.parametrize("way", ["file", "folder", "new file"])
def test_at_once(tmp_path: Path, way: str) -> None:
    target = tmp_path / "target.json"
    pipe = subprocess.PIPE
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, target, "abc"[number], str(ROUNDS), way], stdin=pipe, stdout=pipe, text=True
        )
        for number in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout and writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    said = [writer.communicate()[0] for writer in writers]
    assert said == [""] * WRITERS
    left = sorted(path.name for path in tmp_path.iterdir())
    assert not [name for name in left if name.endswith(".part")]
    if way == "file":
        assert left == ["target.json"]
    elif way == "new file":
        assert len(left) == ROUNDS * WRITERS  # each found a name of its own for its content
    print(
        f"\n{WRITERS * ROUNDS} times a {way} was written by {WRITERS} processes at once; all of them whole, none failed"
    )
