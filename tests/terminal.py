"""Python processes on a terminal or on pipes, and what is on the screen when they end."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
import threading
import time

import pyarrow as pa

# Everything but the bars of tqdm: a carriage return at the start of a line of its own, and the way up over such lines.
FORBIDDEN = re.compile(r"(?!\x1b\[A)[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Screen:
    """A terminal that knows line feeds, carriage returns and the way up, and writes over what stands there."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = [[]]
        self.row = self.column = 0

    def write(self, text: str) -> None:
        for piece in re.findall(r"\x1b\[A|.", text, re.DOTALL):
            if piece == "\n":
                self.row, self.column = self.row + 1, 0
                self.lines += [[]] if self.row == len(self.lines) else []
            elif piece == "\r":
                self.column = 0
            elif piece == "\x1b[A":
                self.row = max(self.row - 1, 0)
            else:
                line = self.lines[self.row]
                line += [" "] * (self.column + 1 - len(line))
                line[self.column] = piece
                self.column += 1

    def text(self) -> list[str]:
        return ["".join(line) for line in self.lines]


def run(*arguments: object, tty: bool, **environment: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a Python process; both are the same terminal where `tty`."""
    command = [sys.executable, *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    if not tty:
        done = subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    ours, theirs = pty.openpty()
    settings = termios.tcgetattr(theirs)
    settings[1] &= ~termios.OPOST  # what is written, not what a terminal makes of it
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    termios.tcsetwinsize(theirs, (24, 200))
    said = bytearray()

    def listen() -> None:
        try:
            while part := os.read(ours, 1 << 16):
                said.extend(part)
        except OSError:  # how Linux says that nobody writes any more
            pass

    listener = threading.Thread(target=listen)
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        listener.start()
        code = process.wait(300)
    listener.join()
    os.close(ours)
    return code, said.decode(), said.decode()


def check(said: str) -> None:
    assert not (found := FORBIDDEN.search(said)), repr(said[max(found.start() - 200, 0) : found.end() + 50])
    screen = Screen()
    screen.write(said)
    # Nothing that came after a line has written into it: each message is on the screen as it was sent.
    shown = [line.rstrip() for line in screen.text()]
    for line in said.split("\n"):
        if line and not line.startswith(("\r", "\x1b[A")):
            assert line.split("\r")[0].rstrip() in shown, repr(line)


def tell(table: pa.Table) -> pa.Table:
    """Work for other processes, that has something to say of its rows."""
    if sys.argv[0] == "-c" and len(sys.argv) == 2 and sys.argv[1].startswith("["):  # the list of folders of a worker
        print("told", table["text"][0].as_py(), file=sys.stderr)
    else:
        time.sleep(1)  # the others are to begin
    return table
