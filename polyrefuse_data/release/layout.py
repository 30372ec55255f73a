"""Which files belong to a release folder, and which paths a manifest may name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.rows import LABELS, SPLITS
from polyrefuse_data.system.input_files import reason, sha256_of

MANIFEST = "manifest.json"
CARD = "README.md"
CHANGELOG = "CHANGELOG.md"
CROISSANT = "croissant.json"
EVAL_TASKS = "eval.yaml"
REPORT = "report"
SCORES = "scores.parquet"
DATA, REJECTED = "data", "rejected"

# Languages name folders, files and configs: nothing else may get there, and no other config has such a name.
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
EVERY_LANGUAGE = "all"  # the config of all languages

_DATA_FILE = re.compile(
    rf"{DATA}/(?P<language>[^/]+)/((?P<label>{'|'.join(LABELS)})-)?(?P<split>{'|'.join(SPLITS)})\.parquet"
)
# How data files are named, for people: today, and in releases that 0.1.0 wrote.
BY_LABEL, BY_SPLIT = f"{DATA}/<language>/<label>-<split>.parquet", f"{DATA}/<language>/<split>.parquet"

# What git, the Hub and huggingface_hub put into a folder of their own accord; no part of a release.
_FOREIGN_FILES = (".gitattributes",)
_FOREIGN_FOLDERS = (".git", ".cache")


@dataclass(frozen=True)
class Place:
    """Which rows a data file holds. `label` is None in the first layout, whose files hold both labels."""

    language: str
    label: str | None
    split: str


def data_file(language: str, label: str | None, split: str) -> str:
    """`data/<language>/<label>-<split>.parquet`; without a label, the name that 0.1.0 gave."""
    return f"{DATA}/{language}/{f'{label}-' if label else ''}{split}.parquet"


def data_place(path: str) -> Place | None:
    """What a data file of this name holds, in either layout; None if no data file is called that."""
    match = _DATA_FILE.fullmatch(path)
    return Place(match["language"], match["label"], match["split"]) if match else None


def data_layout(paths: Iterable[str]) -> str:
    """BY_SPLIT if a data file among the paths is named as 0.1.0 named them, else BY_LABEL."""
    places = map(data_place, paths)
    return BY_SPLIT if any(place and place.label is None for place in places) else BY_LABEL


def config_name(code: str, label: str | None = None) -> str:
    """The config of a language, or of all, with both labels or one: `yo`, `yo-harmful`, `all-harmless`."""
    return f"{code}-{label}" if label else code


def rejected_file(language: str) -> str:
    """`rejected/<language>.parquet`."""
    return f"{REJECTED}/{language}.parquet"


def is_foreign(path: str) -> bool:
    """Whether git, the Hub or its client put the path beside a release's own files."""
    return path in _FOREIGN_FILES or path.split("/")[0] in _FOREIGN_FOLDERS


def release_files(folder: Path) -> Iterator[str]:
    """Every file, link, pipe and the like under `folder` that is not foreign, as sorted POSIX paths relative to it."""
    paths = (
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    )
    yield from sorted(path for path in paths if not is_foreign(path))


def is_language(code: str) -> bool:
    """Whether the code may be used for a language in paths and configs: a BCP-47 code such as en or zh-Hant."""
    return bool(_LANGUAGE.fullmatch(code)) and code != EVERY_LANGUAGE and code.rpartition("-")[2] not in LABELS


def is_safe(path: str) -> bool:
    """Whether `path` is a plain relative POSIX path that stays inside its folder."""
    parts = path.split("/")
    return (
        bool(path)
        and not PurePosixPath(path).is_absolute()
        and "\\" not in path
        and "\0" not in path
        and ":" not in parts[0]
        and not any(part in ("", ".", "..") for part in parts)
    )


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, in hex. Raises ReleaseError if it cannot be read."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise ReleaseError(f"{path} cannot be read: {reason(error)}") from error
