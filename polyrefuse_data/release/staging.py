"""A release folder in the making: invisible until it is complete, and never written over anything."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.system.disk import disk_errors
from polyrefuse_data.system.unfinished_files import part_of


@contextlib.contextmanager
def staged_folder(out: Path, *, keep: bool = True) -> Iterator[Path]:
    """A folder to write to. It becomes `out` if the block succeeds, and is removed otherwise or without `keep`.

    `out` may be an empty folder. Raises ReleaseError if it contains something or cannot be written.
    """
    in_place = _must_stay(out)
    with disk_errors(out), contextlib.ExitStack() as stack:
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            # The part itself is private, and in its folder the release is not.
            part = stack.enter_context(part_of(out / "release" if in_place else out.absolute(), is_folder=True))
            folder = part / "release"
            folder.mkdir()
        except OSError as error:
            where = out if in_place else out.parent
            raise ReleaseError(
                f"{where}: cannot write here ({error.strerror or error}); choose another --out"
            ) from error
        _refuse_filled(out, part)
        try:
            yield folder
            _refuse_filled(out, part)
            if not keep:
                return
            if in_place:
                _move_contents(folder, out)
            else:
                folder.replace(out)
        except OSError as error:  # among them: another process put a release there since we looked
            raise ReleaseError(f"{out} cannot be written ({error.strerror or error}): choose another --out") from error


def _must_stay(out: Path) -> bool:
    """Whether the folder itself must be kept, because people or mounts may be in it."""
    here = Path.cwd()
    return out.is_dir() and (out.is_mount() or out.resolve() in (here, *here.parents))


def _refuse_filled(out: Path, part: Path) -> None:
    if out.exists() and (not out.is_dir() or any(path.name != part.name for path in out.iterdir())):
        raise ReleaseError(f"{out} already exists and a release is never overwritten: choose another --out")


def _move_contents(folder: Path, out: Path) -> None:
    """Move everything, the manifest last: until it is there, there is no release."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name == layout.MANIFEST):
        path.rename(out / path.name)
