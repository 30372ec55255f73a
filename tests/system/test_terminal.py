"""Nothing that a file, a server or a name says steers the terminal, on one or in a pipe, in text or in JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polyrefuse_data.system.terminal import TerminalText
from tests.hostile import TERMINAL
from tests.patience import LONG_ENOUGH
from tests.terminal import FORBIDDEN, Screen, check, run

ATTACK = "".join(TERMINAL)
pieces = st.sampled_from(["\r", "\n", "\n\n", "\x1b[A", "\x1b[A\x1b[A", "\rbar", "\r   \r", "text", "text\n", "\rx\n"])
series = st.lists(st.lists(pieces, max_size=3).map("".join), max_size=8)


@given(series, st.sampled_from([("a message\n",), ("a message", "\n"), ("a mess", "age", "\n")]), series)
@example(["\n", "\n"], ("a message\n",), ["\x1b[A", "\rbar"])
@example(["\rbar"], ("a message\n",), ["\x1b[A", "\rbar"])
@example([], ("a message", "\n"), ["\x1b[A", "\rbar"])
@example([], ("a mess", "\rbar", "age\n"), [])
def test_no_write_changes_a_line_that_holds_a_message(
    before: list[str], message: tuple[str, ...], after: list[str]
) -> None:
    """Whatever was written before and comes after, a message stays on the screen as it was printed."""
    stream, screen = TerminalText(), Screen()
    for text in [*before, *message]:
        screen.write(stream.safe(text))
    row, line = screen.row - 1, screen.text()[screen.row - 1]
    for text in after:
        screen.write(stream.safe(text))
    assert "mess" in line and screen.text()[row] == line


# Runs in a process of its own, on streams as the command line makes them.
BARS = """
import sys
from polyrefuse_data.system.streams import take_over_streams
take_over_streams()
from tqdm import tqdm
attack = sys.argv[1]
print("kept above" + attack, file=sys.stderr)
with tqdm(total=4, desc="outer" + attack, ncols=60) as outer, tqdm(total=4, desc="inner", ncols=60) as inner:
    for _ in range(4):
        outer.update()
        inner.update()
        outer.set_postfix_str(attack)
        tqdm.write("told " + attack, file=sys.stderr)
print("kept below" + attack, file=sys.stderr)
"""


@pytest.mark.parametrize("tty", [False, True], ids=["pipe", "terminal"])
def test_bars_move_and_what_was_said_stays(tty: bool) -> None:
    _, _, said = run("-c", BARS, ATTACK, tty=tty)
    check(said)
    assert "\r" in said and "\x1b[A" in said and "outer" in said
    screen = Screen()
    screen.write(said)
    text = "\n".join(screen.text())
    for place in ("above", "below"):
        assert re.search(rf"^kept {place}\\u001b\[2J\\u001b\[H", text, re.MULTILINE)


def test_a_bar_on_one_stream_does_not_go_over_a_message_on_the_other() -> None:
    code = (
        "import sys\n"
        "from polyrefuse_data.system.streams import take_over_streams\n"
        "take_over_streams()\n"
        "for name, text in (('err', '\\n'), ('out', 'told\\n'), ('err', '\\x1b[A'), ('err', '\\rbar')):\n"
        "    print(text, end='', file=getattr(sys, 'std' + name), flush=True)\n"
    )
    _, said, _ = run("-c", code, tty=True)
    check(said)
    assert "told\n" in said


def test_workers_that_check_rows_write_as_the_command_does() -> None:
    code = (
        "import sys, pyarrow as pa\n"
        "from polyrefuse_data.system.workers import map_batches\n"
        "from tests.terminal import tell\n"
        "list(map_batches(tell, [pa.table({'text': [sys.argv[1]]})] * 8, 2))\n"
    )
    folder = str(Path(__file__).parents[2])
    _, _, said = run("-c", code, ATTACK, tty=False, PYTHONPATH=folder)
    assert "told" in said and not FORBIDDEN.search(said)


def test_a_line_break_belongs_to_no_bar() -> None:
    assert TerminalText().safe("\rone\ntwo\n") == "\\rone\ntwo\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_an_encoding_lacks_is_written_out_and_json_stays_json(encoding: str) -> None:
    code = (
        "import json, sys, typer\n"
        "from polyrefuse_data.system.streams import take_over_streams\n"
        "take_over_streams()\n"
        "typer.echo(json.dumps(sys.argv[1], ensure_ascii=False), color=True)\n"
    )
    value = f"ẹ̀kọ́ 日本 \ud800{ATTACK}"
    command = [sys.executable, "-c", code, value.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=LONG_ENOUGH, check=True)
    text = done.stdout.decode("utf-8" if encoding == "ascii" else encoding)
    assert json.loads(text).startswith("ẹ̀kọ́ 日本 ") and json.loads(text).endswith(ATTACK)
    assert not FORBIDDEN.search(text)
