"""Semantic versions of a dataset: which step a change requires, and whether a version takes it.

major: existing rows changed or removed; minor: rows or languages added, or data files with
other names; patch: the same rows (scores, card, report).
"""

from __future__ import annotations

import re
from typing import Literal

from polyrefuse_data.errors import ConfigError, ReleaseError

Step = Literal["major", "minor", "patch"]
STEPS: tuple[Step, ...] = ("major", "minor", "patch")

_VERSION = re.compile(r"(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})")
Version = tuple[int, int, int]


def parse_version(text: str) -> Version:
    """`1.2.0` -> (1, 2, 0). Raises ConfigError for anything but three numbers (`datasets` knows no others)."""
    match = _VERSION.fullmatch(text)
    if not match:
        raise ConfigError(f"{text!r} is not a version: give three numbers, e.g. --version 1.0.0")
    major, minor, patch = map(int, match.groups())
    return major, minor, patch


def step_between(old: str, new: str) -> Step:
    """The step from one version to a higher one. Raises ReleaseError if `new` is not higher."""
    before, after = parse_version(old), parse_version(new)
    if after <= before:
        raise ReleaseError(
            f"version {new} does not follow {old}: choose a higher one, e.g. {next_version(old, 'patch')}"
        )
    return next(step for step, one, other in zip(STEPS, before, after, strict=True) if one != other)


def next_version(old: str, step: Step) -> str:
    """The next version after `old` by a step."""
    major, minor, patch = parse_version(old)
    steps = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    return ".".join(map(str, steps[step]))


def check_step(old: str, new: str, needed: Step) -> None:
    """Raise ReleaseError if the step from `old` to `new` is smaller than the changes require."""
    if STEPS.index(step_between(old, new)) > STEPS.index(needed):
        raise ReleaseError(
            f"the changes since {old} need a {needed} step: release them as {next_version(old, needed)} or higher, "
            f"or pass --allow-smaller-step to release them as {new}"
        )
