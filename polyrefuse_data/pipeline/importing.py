"""`polyrefuse import`: turns existing translations into a workspace of checked rows. Can be resumed.

rows.parquet appears only once its rows are checked. It records which import it is, so repeating that import changes
nothing and another one is refused.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from polyrefuse_data.config import load_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.batch import slices
from polyrefuse_data.quality.checking import write_checked
from polyrefuse_data.quality.scoring import PartialScores
from polyrefuse_data.quality.suite import suite_of
from polyrefuse_data.sources import ImportedDataset, ImportSummary, read_import
from polyrefuse_data.sources.reading import AS_WE_DO, Reading
from polyrefuse_data.system.files import atomic_write, write_beside, write_table
from polyrefuse_data.system.input_files import read_input_text, reason, regular_file
from polyrefuse_data.workspace import Workspace

_KEY = b"polyrefuse.import"


def import_path(
    path: Path | str,
    workspace: Workspace,
    *,
    hub_files: str | None = None,
    english: Path | None = None,
    language: str | None = None,
    label: str | None = None,
    split: str | None = None,
    license: str | None = None,
    reading: Reading = AS_WE_DO,
    dry_run: bool = False,
    progress: bool = True,
) -> ImportSummary:
    """Import the upstream PolyRefuse folder, a TMX file, a table or JSON, or `hub_files` of a Hub dataset, and check
    every row.

    Writes import.json (what was found out about each file), polyrefuse.toml (polyrefuse-2.toml if a person has written
    one), prompts.parquet, scores.parquet and, last, rows.parquet. Rows are checked under the `[quality]` in
    polyrefuse.toml. `language`, `label`, `split` and `license` apply to records that have none; `reading`
    maps the file's names to ours. With `dry_run`, nothing is written.

    Raises SourceError for input that cannot be used (nothing is written then); ConfigError if the workspace holds
    anything other than this import, finished or not.
    """
    if workspace.config.exists():
        load_config(workspace.config)  # the checks depend on it, so a broken one is reported before anything is done
    if Path(path).absolute() in {file.absolute() for file in (workspace.prompts, workspace.imports)}:
        raise ConfigError(f"the import would overwrite {path}: rename your file, or choose another --out")
    found = read_import(
        path,
        hub_files=hub_files,
        english=english,
        language=language,
        label=label,
        split=split,
        license=license,
        reading=reading,
    )
    summary = replace(found.summary, workspace=str(workspace.path), settings=workspace.config.name)
    if dry_run:
        return replace(summary, already=_is_there(workspace, found), dry_run=True)
    with workspace.lock():
        if _is_there(workspace, found):
            PartialScores(workspace.checking).clear()  # left by an import that was killed when it was all but done
            return replace(summary, already=True)
        return replace(summary, settings=_write(workspace, found, progress).name)


def _is_there(workspace: Workspace, found: ImportedDataset) -> bool:
    """Whether the workspace already holds exactly these rows. Raises ConfigError if it holds others."""
    if not workspace.rows.exists():
        if workspace.imports.exists() and _text(workspace.imports) != found.reports:
            raise ConfigError(
                f"{workspace.path} holds another, unfinished import: finish that one, choose another --out, or "
                "remove the folder"
            )
        return False
    try:
        key = (pq.read_schema(regular_file(workspace.rows)).metadata or {}).get(_KEY, b"").decode()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ConfigError(f"{workspace.rows} cannot be read ({reason(error)}): remove it and run this again") from error
    if key != _key(found.rows):
        raise ConfigError(f"{workspace.path} already holds other rows: choose another --out, or remove the folder")
    return True


def _text(path: Path) -> str:
    try:
        return read_input_text(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read ({reason(error)}): remove it and run this again") from error


def _write(workspace: Workspace, found: ImportedDataset, progress: bool) -> Path:
    """Write the workspace. Returns the file with the settings of the import."""
    atomic_write(workspace.imports, found.reports)
    settings = write_beside(workspace.config, found.config)  # one that a person has written stays
    write_table(found.prompts, workspace.prompts)
    rows = found.rows.replace_schema_metadata({_KEY: _key(found.rows)})
    write_checked(workspace, rows, suite_of(load_config(workspace.config).quality), progress=progress)
    return settings


def _key(rows: pa.Table) -> str:
    """A hash of everything that an import contributes to its rows."""
    digest = hashlib.sha256()
    for part in slices(rows):
        for row in part.to_pylist():
            digest.update(json.dumps(row).encode("ascii"))
    return digest.hexdigest()
