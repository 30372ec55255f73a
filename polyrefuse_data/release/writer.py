"""Writes a release from a workspace: every file beside the target, then moved into place complete."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version as library_version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from polyrefuse_data.config import Config, config_hash, load_config
from polyrefuse_data.errors import ConfigError, ReleaseError
from polyrefuse_data.release import layout
from polyrefuse_data.release.annex import write_annex
from polyrefuse_data.release.card import render_card
from polyrefuse_data.release.changelog import first_changelog, next_changelog
from polyrefuse_data.release.content import content_sha256, merged_rows
from polyrefuse_data.release.croissant import render_croissant
from polyrefuse_data.release.diff import diff_folders
from polyrefuse_data.release.eval_tasks import render_eval_tasks
from polyrefuse_data.release.licences import overall_licence
from polyrefuse_data.release.manifest import FileEntry, Manifest, read_manifest
from polyrefuse_data.release.partition import Plan, plan_rows, read_keys, write_partitions
from polyrefuse_data.release.provenance import (
    checked_under,
    count_rows,
    engine_entries,
    quality_by_language,
    source_entries,
)
from polyrefuse_data.release.publication import publication_of
from polyrefuse_data.release.staging import staged_folder
from polyrefuse_data.release.subsets import subset_rows
from polyrefuse_data.release.versions import check_step, parse_version, step_between
from polyrefuse_data.system.input_files import regular_file
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.workspace import Workspace

# What decides the bytes of a release besides the rows.
_LIBRARIES = ("polyrefuse-data", "pyarrow", "jinja2")


def write_release(
    workspace: Workspace,
    *,
    version: str,
    out: Path,
    subset: str | None = None,
    previous: Path | None = None,
    allow_smaller_step: bool = False,
    with_scores: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Path:
    """Write the rows of a workspace as release `version` into the folder `out`. Returns `out`.

    The same workspace and settings give the same bytes. `subset` is `parallel` or `matched` (release/subsets.py).
    `previous` is the release before this one: its changelog is continued, and a version step smaller than the changes
    require is refused unless `allow_smaller_step`. The report is made from the rows of the release. `with_scores` adds
    every score of every check. `settings` override those of `[release]` in the config: `{"doi": "10.5281/zenodo.1"}`.

    Raises ReleaseError if `out` is not empty, or the rows cannot be released (not checked under the current config,
    none accepted, a prompt in two splits, licences that differ without a stated one, too small a step); ConfigError for
    an invalid version or subset, or a workspace without rows. Nothing is left behind.
    """
    _make_release(workspace, version, out, subset, previous, allow_smaller_step, with_scores, settings)
    return out


def preview_release(
    workspace: Workspace,
    *,
    version: str,
    out: Path,
    subset: str | None = None,
    previous: Path | None = None,
    allow_smaller_step: bool = False,
    with_scores: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Manifest:
    """The manifest of the release that `write_release` would write, with the same errors. Nothing is kept."""
    return _make_release(
        workspace, version, out, subset, previous, allow_smaller_step, with_scores, settings, keep=False
    )


def _make_release(
    workspace: Workspace,
    version: str,
    out: Path,
    subset: str | None,
    previous: Path | None,
    allow_smaller_step: bool,
    with_scores: bool,
    settings: Mapping[str, Any] | None,
    keep: bool = True,
) -> Manifest:
    parse_version(version)
    overrides = {f"release.{name}": value for name, value in (settings or {}).items()}
    config = load_config(workspace.config if workspace.config.exists() else None, overrides)
    if not workspace.rows.exists():
        raise ConfigError(f"{workspace.rows} does not exist: run `polyrefuse build` or `polyrefuse import` first")
    with workspace.lock():  # a build may not rewrite the rows between two looks at them
        keys = read_keys(workspace.rows)
        provenance = checked_under(workspace.rows, config.quality)
        plan = plan_rows(keys, subset_rows(subset, keys, workspace.rows) if subset else None)
        if not plan.keep.any():
            raise ReleaseError(
                f"{workspace.rows} has no accepted rows{f' of the subset {subset}' if subset else ''}: "
                f"`polyrefuse report {shell_word(workspace.path)}` shows why"
            )
        with staged_folder(out, keep=keep) as folder:
            write_partitions(workspace.rows, plan, folder)
            write_annex(workspace, folder, title=config.release.name, with_scores=with_scores)
            manifest = _describe(workspace, config, keys, plan, folder, version, subset, provenance.signature)
            _write_text(folder / layout.CHANGELOG, _changelog(manifest, folder, previous, allow_smaller_step))
            _write_text(folder / layout.CROISSANT, render_croissant(manifest))
            if eval_tasks := render_eval_tasks(manifest):
                _write_text(folder / layout.EVAL_TASKS, eval_tasks)
            quality = quality_by_language(workspace.rows, plan.keep)
            _write_text(folder / layout.CARD, render_card(manifest, quality, config.release.gated_fields))
            manifest = manifest.model_copy(update={"files": _file_entries(folder)}).sealed()
            (folder / layout.MANIFEST).write_bytes(manifest.to_bytes())
    return manifest


def _changelog(manifest: Manifest, folder: Path, previous: Path | None, allow_smaller_step: bool) -> str:
    if previous is None:
        return first_changelog(manifest)
    before = read_manifest(previous)
    step_between(before.version, manifest.version)
    diff = diff_folders(previous, before, folder, manifest)
    if not allow_smaller_step:
        check_step(before.version, manifest.version, diff.step)
    return next_changelog(previous, diff)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _describe(
    workspace: Workspace,
    config: Config,
    keys: pa.Table,
    plan: Plan,
    folder: Path,
    version: str,
    subset: str | None,
    signature: str,
) -> Manifest:
    """The manifest of the Parquet files in `folder`, before the card and the other text files exist."""
    files = _file_entries(folder)
    data = [folder / path for path in files if path.startswith(f"{layout.DATA}/")]
    kept = keys.filter(pa.array(plan.keep))
    sources = source_entries(kept, config, is_import=workspace.imports.exists())
    return Manifest(
        name=config.release.name,
        version=version,
        license=overall_licence(config.release.license, [source.license for source in sources]),
        subset=subset,
        languages=sorted(pc.unique(kept["language"]).to_pylist()),
        counts=count_rows(keys, plan.keep),
        content_sha256=content_sha256(merged_rows(data)),
        config_sha256=config_hash(config),
        sources=sources,
        engines=engine_entries(kept),
        check_signature=signature,
        libraries={name: library_version(name) for name in _LIBRARIES},
        files=files,
        published=publication_of(config.release),
    )


def _file_entries(folder: Path) -> dict[str, FileEntry]:
    return {path: file_entry(folder / path) for path in layout.release_files(folder)}


def file_entry(path: Path) -> FileEntry:
    """sha256, size and, for Parquet, number of rows of a file."""
    rows = pq.read_metadata(regular_file(path)).num_rows if path.suffix == ".parquet" else None
    return FileEntry(sha256=layout.sha256_file(path), bytes=path.stat().st_size, rows=rows)
