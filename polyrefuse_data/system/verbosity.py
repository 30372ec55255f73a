"""How much a command says on stderr besides errors. What it prints on stdout is the same however much that is.

QUIET: nothing. NORMAL: progress, notes and warnings. VERBOSE: also debug messages of this package, messages of the
libraries that it uses, and the traceback of an error.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from enum import IntEnum
from typing import TextIO


class Verbosity(IntEnum):
    QUIET, NORMAL, VERBOSE = range(3)


_NO_BARS = ("HF_HUB_DISABLE_PROGRESS_BARS", "HF_DATASETS_DISABLE_PROGRESS_BARS")  # transformers goes by the first
_LIBRARY_LOGS = ("TRANSFORMERS_VERBOSITY", "DATASETS_VERBOSITY", "HF_HUB_VERBOSITY")

_current = Verbosity.NORMAL


def verbosity() -> Verbosity:
    """What was asked for; NORMAL where this package is used as a library."""
    return _current


def note(text: str) -> None:
    """Say what is being done, on stderr."""
    if _current > Verbosity.QUIET:
        print(text, file=sys.stderr, flush=True)


def set_verbosity(level: Verbosity) -> None:
    """For the command line: how this process speaks from now on, logs and bars of libraries included.

    The libraries are told by their environment variables, for they are not loaded yet. What the user has set stays.
    """
    global _current
    _current = level
    _set_up_logging(level)
    if level == Verbosity.QUIET:
        warnings.simplefilter("ignore")
    for name in _LIBRARY_LOGS if level != Verbosity.NORMAL else ():
        os.environ.setdefault(name, "error" if level == Verbosity.QUIET else "info")
    if level == Verbosity.QUIET or not sys.stderr.isatty():
        for name in _NO_BARS:
            os.environ.setdefault(name, "1")


def _set_up_logging(level: Verbosity) -> None:
    everyone, ours = logging.getLogger(), logging.getLogger("polyrefuse_data")
    for logger in (everyone, ours):
        logger.removeHandler(_handler)
    _handler.setStream(sys.stderr)
    if level == Verbosity.VERBOSE:
        _handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        everyone.addHandler(_handler)
        everyone.setLevel(logging.INFO)
        ours.setLevel(logging.DEBUG)
    else:
        _handler.setFormatter(_Plain())
        ours.addHandler(_handler)
    if level == Verbosity.QUIET:
        everyone.setLevel(logging.ERROR)


class _Plain(logging.Formatter):
    """`warning: journal.sqlite is damaged ...`, as git says it."""

    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record).replace("\n", "\n  ")  # no line of it can pass for another message
        return f"{record.levelname.lower()}: {message}"


_handler: logging.StreamHandler[TextIO] = logging.StreamHandler()
