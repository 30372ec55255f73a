"""Files and folders in the making: held by who lives, taken away after who was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from polyrefuse_data.system.unfinished_files import part_of

WRITER = """
import sys
from pathlib import Path
from polyrefuse_data.system.unfinished_files import part_of
with part_of(Path(sys.argv[1]), is_folder=sys.argv[2] == "folder") as part:
    (part / "half" if part.is_dir() else part).write_text("half")
    print(part, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_goes_with_the_next_write_and_not_before(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "target"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", WRITER, target, kind], stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout
        theirs = Path(writer.stdout.readline().strip())
        with part_of(target, is_folder=kind == "folder") as ours:
            assert theirs.exists() and ours != theirs  # its writer is at work
        assert not ours.exists()
        writer.kill()
    assert theirs.exists()
    with part_of(tmp_path / "other"):
        assert theirs.exists()  # no business of another target's writer
    with part_of(target, is_folder=kind == "folder"):
        assert not theirs.exists()
    assert list(tmp_path.iterdir()) == []
