"""What the three degrees of verbosity let through, of this package and of the libraries that it uses."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.faults.launcher import ROOT

SPEAKING = """
import logging, os, sys, warnings
from polyrefuse_data.system.verbosity import Verbosity, note, set_verbosity
set_verbosity(Verbosity.NORMAL)
set_verbosity(Verbosity[sys.argv[1]])
note("a note")
for name in ("polyrefuse_data.x", "library"):
    for level in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger(name), level)(f"{level} of {name}")
warnings.warn("python's warning")
print(*(os.environ.get(name, "-") for name in ("TRANSFORMERS_VERBOSITY", "HF_HUB_DISABLE_PROGRESS_BARS")))
"""


@pytest.mark.parametrize(
    ("level", "said", "unsaid", "variables"),
    [
        ("QUIET", ["error: error of polyrefuse_data.x"], ["note", "warning", "info", "debug"], "error 1"),
        (
            "NORMAL",
            ["a note", "warning: warning of polyrefuse_data.x", "warning of library", "python's warning"],
            ["info", "debug"],
            "- 1",
        ),
        ("VERBOSE", ["a note", "debug of polyrefuse_data.x", "info of library"], ["debug of library"], "info 1"),
    ],
)
def test_degrees(level: str, said: list[str], unsaid: list[str], variables: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "TRANSFORMERS"))}
    command = [sys.executable, "-c", SPEAKING, level]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
    assert all(text in done.stderr for text in said), done.stderr
    assert not any(text in done.stderr for text in unsaid), done.stderr
    assert done.stdout == f"{variables}\n"


def test_what_the_user_has_set_stays() -> None:
    environment = {**os.environ, "TRANSFORMERS_VERBOSITY": "debug", "HF_HUB_DISABLE_PROGRESS_BARS": "0"}
    command = [sys.executable, "-c", SPEAKING, "QUIET"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
    assert done.stdout == "debug 0\n"
