"""How much a command prints to stderr besides errors. Its stdout does not depend on that.

QUIET: nothing. NORMAL: progress, notes and warnings. VERBOSE: also debug messages of this package, messages of its
libraries, and the traceback of an error.
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
    """The requested verbosity; NORMAL when used as a library."""
    return _current


def note(text: str) -> None:
    """Report on stderr what is being done."""
    if _current > Verbosity.QUIET:
        print(text, file=sys.stderr, flush=True)


def set_verbosity(level: Verbosity) -> None:
    """Set the verbosity of this process, including the logs and bars of libraries. For the command line.

    Libraries are told by environment variables, because they are not loaded yet. The user's own settings stay.
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
    """Formats messages like git: `warning: journal.sqlite is damaged ...`."""

    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record).replace("\n", "\n  ")  # no line of it can pass for another message
        return f"{record.levelname.lower()}: {message}"


_handler: logging.StreamHandler[TextIO] = logging.StreamHandler()
