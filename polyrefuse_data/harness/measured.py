"""What task files say of a release, whichever harness they are for: where it is, and its configs with a test split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from polyrefuse_data.benchmark.judges import prepare_judge
from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.release.eval_tasks import SPLIT
from polyrefuse_data.release.fetch import local_folder
from polyrefuse_data.release.manifest import read_manifest

GROUP = "polyrefuse"  # all tasks together
MOST_TOKENS = 512  # of a reply; whether it refuses shows in the first sentences


@dataclass(frozen=True)
class Measured:
    """A release as `load_dataset` takes it: `path` and, on the Hub, `revision`; `configs` are those to measure on, one
    for each language and label."""

    path: str
    revision: str | None
    version: str
    configs: tuple[str, ...]


def measured(where: str, judge: str) -> Measured:
    """The release `where` (a folder, or ORG/NAME[@REVISION]), for a judge that is ready.

    Raises ReleaseError if it is no release, has no test split, or is of the first layout; ConfigError for an unknown
    judge.
    """
    manifest = read_manifest(local_folder(where, only=[layout.MANIFEST]))
    places = [place for place in manifest.data_files().values() if place.split == SPLIT]
    if not places:
        raise ReleaseError(f"{where} has no {SPLIT} split to measure on")
    if manifest.data_layout != layout.BY_LABEL:
        raise ReleaseError(
            f"{where} has no configs per label, as the first releases were written: release its workspace again"
        )
    prepare_judge(judge, manifest.languages)
    configs = tuple(layout.config_name(place.language, place.label) for place in places)
    if Path(where).is_dir():
        return Measured(str(Path(where).resolve()), None, manifest.version, configs)
    repo, _, revision = where.partition("@")
    return Measured(repo, revision or f"v{manifest.version}", manifest.version, configs)
