"""`polyrefuse import`: existing translations become a workspace, whole or not at all. The checks run afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from polyrefuse_data import rows as schema
from polyrefuse_data.config import load_config
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.sources import upstream
from polyrefuse_data.sources.imported import Imported, ImportSummary, count_flags, languages_of
from polyrefuse_data.sources.prompts import prompt_table
from polyrefuse_data.sources.translation_files import read_translations
from polyrefuse_data.system.files import atomic_write, write_beside, write_table
from polyrefuse_data.system.input_files import sha256_of
from polyrefuse_data.workspace import Workspace


def import_path(
    path: Path,
    workspace: Workspace,
    *,
    english: Path | None = None,
    label: str | None = None,
    split: str | None = None,
    license: str | None = None,
    dry_run: bool = False,
) -> ImportSummary:
    """Import the upstream PolyRefuse folder, or a JSONL, CSV or TMX file, into an empty workspace.

    Writes prompts.parquet, polyrefuse.toml (polyrefuse-2.toml where a person has written one), import.json (what was
    found out about every file) and, last, rows.parquet, sorted by (id, language), every translation of origin
    "imported". No check is run, and with `dry_run` nothing is
    written. `label`, `split` and `license` are for records of a file that do not say.
    Raises SourceError for input that cannot be used (nothing is written then), ConfigError for a workspace that
    already holds rows.
    """
    if workspace.rows.exists():
        raise ConfigError(f"{workspace.path} already holds rows: choose another --out, or remove the folder")
    if workspace.config.exists():
        load_config(workspace.config)  # the checks go by it: a broken one is said before anything is done
    if path.absolute() in {file.absolute() for file in (workspace.prompts, workspace.imports)}:
        raise ConfigError(f"{path} has the name of a file that the import writes: rename it, or choose another --out")
    name, overall = schema.slug(path.stem), license
    if path.is_dir() and (label or split or license):
        raise ConfigError("--label, --split and --license are for a file: the upstream folder says its own")
    if not path.is_dir() and english:
        raise ConfigError("--english is for the upstream folder: in a file, give the records text_en")
    if path.is_dir():
        files = [file.path for file in upstream.translated_files(path)]
        if not files:
            raise SourceError(
                f"{path}: no upstream PolyRefuse files in it (harmful_val_translated_de.json and the like): "
                "give that folder, or a .jsonl, .csv or .tmx file"
            )
        name, overall = upstream.NAME, upstream.RELEASE_LICENSE
        imported = upstream.read_upstream(path, english)
    else:
        files = [path]
        imported = read_translations(path, label=label, split=split, license=license)
    return _write(imported, workspace, name, overall, _origin(path, files), dry_run)


def _write(
    imported: Imported, workspace: Workspace, name: str, license: str | None, origin: str, dry_run: bool
) -> ImportSummary:
    table = schema.sort_rows(schema.table_from_rows(imported.rows))
    config = _config_text(imported, name, license, origin)
    reports = json.dumps([asdict(report) for report in imported.files], ensure_ascii=False, indent=1)
    settings = workspace.config
    if not dry_run:
        with workspace.lock():
            write_table(prompt_table(imported.prompts.values()), workspace.prompts)
            settings = write_beside(workspace.config, config)  # where a person has written one, it stays
            atomic_write(workspace.imports, reports + "\n")
            write_table(table, workspace.rows)
    return ImportSummary(
        workspace=str(workspace.path),
        settings=settings.name,
        rows=table.num_rows,
        prompts=len(imported.prompts),
        languages=languages_of(imported.rows),
        flagged=count_flags(imported.rows),
        license=license,
        files=imported.files,
        repeats=_repeats(imported),
        ignored=imported.ignored,
    )


def _repeats(imported: Imported) -> int:
    translations = sum(1 for row in imported.rows if row["language"] != SOURCE_LANGUAGE)
    return sum(report.rows for report in imported.files if report.language != SOURCE_LANGUAGE) - translations


def _origin(path: Path, files: Iterable[Path]) -> str:
    """Where an import came from, so that it can be checked: the name, and one hash over the files and their names."""
    digest = hashlib.sha256()
    paths = sorted(files)
    for file in paths:
        digest.update(f"{file.name} {sha256_of(file)}\n".encode())
    where = f"{path.resolve().name} ({len(paths)} file{'s' if len(paths) > 1 else ''})"
    return f"Imported from {where}; sha256 of their names and hashes: {digest.hexdigest()}"


def _config_text(imported: Imported, name: str, license: str | None, origin: str) -> str:
    """polyrefuse.toml of an import. JSON strings and lists of them are TOML too."""
    languages = [code for code in languages_of(imported.rows) if code != SOURCE_LANGUAGE]
    sources = sorted({(row["source"], row["license"]) for row in imported.rows})
    lines = [f"# {origin}", f"languages = {json.dumps(languages)}"]
    for source, terms in sources:
        lines += ["", "[[sources]]", f"name = {json.dumps(source)}", f"license = {json.dumps(terms)}"]
    lines += ["", "[release]", f"name = {json.dumps(name)}"]
    if license:
        lines.append(f"license = {json.dumps(license)}")
    return "\n".join(lines) + "\n"
