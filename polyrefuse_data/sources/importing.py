"""Reads existing translations as rows, with everything their workspace needs; pipeline/importing.py writes it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from polyrefuse_data import rows as schema
from polyrefuse_data.errors import ConfigError, SourceError
from polyrefuse_data.languages import SOURCE_LANGUAGE
from polyrefuse_data.sources import upstream
from polyrefuse_data.sources.hub import hub_files as hub_files_of
from polyrefuse_data.sources.imported import Imported, ImportSummary, count_flags, languages_of
from polyrefuse_data.sources.prompts import prompt_table
from polyrefuse_data.sources.reading import AS_WE_DO, FORMATS, Reading
from polyrefuse_data.sources.translation_files import read_translations
from polyrefuse_data.system.input_files import sha256_of
from polyrefuse_data.text.counts import counted
from polyrefuse_data.text.printable import printable_line

_QUOTED = '"\\'


@dataclass(frozen=True)
class ImportedDataset:
    """The result of reading an import: unchecked rows sorted by (id, language), and what goes with them:
    prompts.parquet, the texts of polyrefuse.toml and import.json, and the summary (still without a workspace)."""

    rows: pa.Table
    prompts: pa.Table
    config: str
    reports: str
    summary: ImportSummary


def read_import(
    path: Path | str,
    *,
    hub_files: str | None = None,
    english: Path | None = None,
    language: str | None = None,
    label: str | None = None,
    split: str | None = None,
    license: str | None = None,
    reading: Reading = AS_WE_DO,
) -> ImportedDataset:
    """Read the upstream PolyRefuse folder, a TMX file, one of `reading.FORMATS`, or a Hub dataset `ORG/NAME@COMMIT`, of
    which `hub_files` is a pattern of paths. Every translation gets origin "imported".

    Writes nothing and runs no check. `language`, `label`, `split` and `license` apply to records that have none;
    `reading` maps the file's names to ours. Raises SourceError for input that cannot be used, ConfigError for options
    that do not apply to it.
    """
    if hub_files is not None:
        return _of_the_hub(str(path), hub_files, english, language, label, split, license, reading)
    path = Path(path)
    name, overall = schema.slug(path.stem), license
    if path.is_dir() and (label or split or license):
        raise ConfigError("--label, --split and --license work only with a file: the upstream folder has its own")
    if (path.is_dir() or path.suffix.lower() == ".tmx") and (language or reading != AS_WE_DO):
        raise ConfigError("--language, --columns, --labels and --encoding work only with a table or JSON")
    if not path.is_dir() and english:
        raise ConfigError("--english works only with the upstream folder: in a file, give the records text_en")
    if path.is_dir():
        files = [file.path for file in upstream.translated_files(path)]
        if not files:
            raise SourceError(
                f"{path}: contains no upstream PolyRefuse files (such as harmful_val_translated_de.json): "
                f"give that folder, or a file: .tmx, {', '.join(FORMATS)}"
            )
        name, overall = upstream.NAME, upstream.RELEASE_LICENSE
        imported = upstream.read_upstream(path, english)
    else:
        files = [path]
        imported = read_translations(
            path, language=language, label=label, split=split, license=license, reading=reading
        )
    return _dataset(imported, name, overall, _origin(path.resolve().name, files))


def _of_the_hub(
    hub: str,
    pattern: str,
    english: Path | None,
    language: str | None,
    label: str | None,
    split: str | None,
    license: str | None,
    reading: Reading,
) -> ImportedDataset:
    """An import of files of a Hub dataset, whose name is that of the dataset."""
    if english:
        raise ConfigError("--english works only with the upstream folder: in a file, give the records text_en")
    files = hub_files_of(hub, pattern, "PATH")
    name = schema.slug(hub.partition("@")[0].rpartition("/")[2])
    imported = read_translations(
        *files, language=language, label=label, split=split, license=license, reading=reading, source=name
    )
    return _dataset(imported, name, license, _origin(hub, files))


def _dataset(imported: Imported, name: str, overall: str | None, origin: str) -> ImportedDataset:
    reports = json.dumps([asdict(report) for report in imported.files], ensure_ascii=False, indent=1)
    return ImportedDataset(
        rows=schema.sort_rows(schema.table_from_rows(imported.rows)),
        prompts=prompt_table(imported.prompts.values()),
        config=_config_text(imported, name, overall, origin),
        reports=reports + "\n",
        summary=_summary(imported, overall),
    )


def _summary(imported: Imported, license: str | None) -> ImportSummary:
    return ImportSummary(
        workspace="",
        settings="",
        rows=len(imported.rows),
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


def _origin(name: str, files: Iterable[Path]) -> str:
    """Where an import came from, so that it can be verified: the name, and one hash over the files and their names."""
    digest = hashlib.sha256()
    paths = sorted(files)
    for file in paths:
        digest.update(os.fsencode(f"{file.name} {sha256_of(file)}\n"))
    where = f"{printable_line(name)} ({counted(len(paths), 'file')})"
    return f"Imported from {where}; sha256 of their names and hashes: {digest.hexdigest()}"


def _config_text(imported: Imported, name: str, license: str | None, origin: str) -> str:
    """polyrefuse.toml of an import."""
    languages = [code for code in languages_of(imported.rows) if code != SOURCE_LANGUAGE]
    sources = sorted({(row["source"], row["license"]) for row in imported.rows})
    lines = [f"# {origin}", f"languages = [{', '.join(map(_toml, languages))}]"]
    for source, terms in sources:
        lines += ["", "[[sources]]", f"name = {_toml(source)}", f"license = {_toml(terms)}"]
    lines += ["", "[release]", f"name = {_toml(name)}"]
    if license:
        lines.append(f"license = {_toml(license)}")
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """A TOML string. Almost JSON, but JSON writes emoji as surrogates and DEL unescaped, and TOML forbids both."""
    characters = text.encode("utf-8", "replace").decode()
    written = (c if c.isprintable() and c not in _QUOTED else f"\\U{ord(c):08x}" for c in characters)
    return f'"{"".join(written)}"'
