"""How a command stops: SIGINT, SIGTERM or SIGHUP end it within seconds, whatever its main thread is doing.

The first signal raises Stopped in the main thread, so that work in progress is undone on the way out. Python does that
only between two of its own instructions, and a long library call delays it. Therefore the system's handler also writes
to a socket, and a thread that reads it ends the process after a grace period. That is as safe as kill -9, which every
command survives. A second signal ends the process at once.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import threading
import time
from types import FrameType

from polyrefuse_data.system.subprocesses import end_programs

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
SIGNALS = tuple(signal.Signals[name] for name in _NAMES if hasattr(signal, name))  # Windows knows no SIGHUP
EXIT_CODE = 4
GRACE_SECONDS = 3.0

_MESSAGE = b"stopped; run again to resume\n"
_stopping = threading.Event()
_told = threading.Lock()


class Stopped(SystemExit):
    """A signal asked this process to stop. A SystemExit, because libraries let that through."""

    def __init__(self) -> None:
        super().__init__(EXIT_CODE)


def stop_on_signals() -> None:
    """Make the signals stop this process with EXIT_CODE. Called once, by the main thread.

    A signal that the parent told us to ignore stays ignored (`nohup`, a shell's `&`). Forked processes have the
    system's handlers again.
    """
    reader, writer = socket.socketpair()  # not a pipe: Windows can wait for sockets only
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)
    threading.Thread(target=_watch, args=(reader,), name="polyrefuse-stop", daemon=True).start()


def is_stopping() -> bool:
    """Whether a signal has come; anything that fails afterwards fails because of it."""
    return _stopping.is_set()


def tell_stopped(before: bytes = b"") -> None:
    """Report on stderr that we stopped, once, whichever thread comes first."""
    if _told.acquire(blocking=False):
        with contextlib.suppress(OSError):
            os.write(2, before + _MESSAGE)  # not through sys.stderr: the main thread may be writing to it


def _stop(number: int, frame: FrameType | None) -> None:
    if not _stopping.is_set():
        _stopping.set()
        raise Stopped


def _watch(signalled: socket.socket) -> None:
    _await_signal(signalled, None)
    _await_signal(signalled, GRACE_SECONDS)
    end_programs()
    tell_stopped(before=b"\n")  # there may be a progress bar
    os._exit(EXIT_CODE)


def _await_signal(signalled: socket.socket, seconds: float | None) -> None:
    """Return when one of SIGNALS has come, or after `seconds`."""
    end = None if seconds is None else time.monotonic() + seconds
    while select.select([signalled], [], [], None if end is None else max(end - time.monotonic(), 0.0))[0]:
        if signalled.recv(1)[0] in SIGNALS:
            return


def _forget() -> None:
    signal.set_wakeup_fd(-1)
    for number in SIGNALS:
        if signal.getsignal(number) is _stop:
            signal.signal(number, signal.SIG_DFL)
