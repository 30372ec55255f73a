"""CHANGELOG.md of a release: one entry per version, newest first, continued from the previous release."""

from __future__ import annotations

from pathlib import Path

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.release.card import accepted_rows
from polyrefuse_data.release.diff import ReleaseDiff
from polyrefuse_data.release.manifest import Manifest
from polyrefuse_data.system.input_files import read_input_text, reason
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.text.counts import counted
from polyrefuse_data.text.printable import printable

_HEAD = (
    "# Changelog\n\nMajor: existing rows changed or removed. Minor: rows or languages added. Patch: the same rows.\n"
)


def first_changelog(manifest: Manifest) -> str:
    """The changelog of a first release."""
    rows, languages = counted(accepted_rows(manifest), "row"), counted(len(manifest.languages), "language")
    entry = f"- First release: {rows} in {languages}."
    return f"{_HEAD}\n## {manifest.version}\n\n{entry}\n"


def next_changelog(previous: Path, diff: ReleaseDiff) -> str:
    """The changelog of the release in `previous`, with an entry for `diff` on top.

    Raises ReleaseError if the existing changelog is not text.
    """
    file = previous / layout.CHANGELOG
    try:
        old = read_input_text(file).removeprefix(_HEAD)
    except FileNotFoundError:
        old = ""
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseError(
            f"{file} cannot be read as UTF-8 ({reason(error)}): see `polyrefuse verify {shell_word(previous)}`"
        ) from error
    return f"{_HEAD}\n## {diff.new.version} ({diff.step})\n\n{diff.to_markdown()}\n{printable(old)}"
