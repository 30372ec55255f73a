"""What a release states about its rows: counts and gaps, sources, backends, quality, and what they were checked
under."""

from __future__ import annotations

import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from polyrefuse_data.config import Config, QualityConfig
from polyrefuse_data.errors import ReleaseError
from polyrefuse_data.quality.provenance import Provenance, Seal, outdated, provenance_of, unchecked
from polyrefuse_data.release.content import UNREADABLE
from polyrefuse_data.release.manifest import EngineEntry, LanguageCounts, SourceEntry, nested_counts
from polyrefuse_data.release.partition import Mask
from polyrefuse_data.rows import conform
from polyrefuse_data.sources.public_set import HUB
from polyrefuse_data.sources.registry import REGISTRY
from polyrefuse_data.system.input_files import reason, regular_file
from polyrefuse_data.system.shell import shell_word

# What a seal is over, and what no row is without.
_SEALED = (
    "id",
    "language",
    "label",
    "split",
    "text",
    "text_en",
    "back_translation",
    "back_translator",
    "status",
    "flags",
)

_ENGINE = re.compile(r"(?P<engine>[^:@]+)(:(?P<model>.+?))?(@(?P<revision>[^@]+))?")
_Tally = Counter[tuple[str, str]]


def count_rows(keys: pa.Table, keep: Mask) -> dict[str, LanguageCounts]:
    """Accepted, rejected and missing rows of every language that has rows."""
    kept, left = keys.filter(pa.array(keep)), keys.filter(pa.array(~keep))
    of_kept_prompts = keys.filter(pc.is_in(keys["id"], value_set=pc.unique(kept["id"])))
    accepted, present = _tally(kept), _tally(of_kept_prompts)
    prompts = _tally(kept.select(["id", "label", "split"]).group_by(["id", "label", "split"]).aggregate([]))[""]
    rejected = Counter(left["language"].to_pylist())
    return {
        code: LanguageCounts(
            accepted=nested_counts(accepted.get(code, _Tally())),
            rejected=rejected[code],
            missing=nested_counts(prompts - present[code]) if code in accepted else {},
        )
        for code in sorted(pc.unique(keys["language"]).to_pylist())
    }


def _tally(table: pa.Table) -> dict[str, _Tally]:
    """Language -> (split, label) -> rows; under "" if the table has no language."""
    by = [name for name in ("language", "split", "label") if name in table.schema.names]
    tallies: dict[str, _Tally] = {}
    for row in table.select(by).group_by(by).aggregate([([], "count_all")]).to_pylist():
        tallies.setdefault(row.get("language", ""), _Tally())[row["split"], row["label"]] = row["count_all"]
    return tallies


def source_entries(kept: pa.Table, config: Config, *, is_import: bool) -> list[SourceEntry]:
    """The sources of the accepted prompts, with revision and address if a build took them from the registry or the
    Hub."""
    local = {source.name for source in config.sources if source.path or source.hub or source.loader}
    chosen = {source.name: source.revision for source in config.sources}  # commits of sets that are not pinned
    hubs = {} if is_import else {source.name: source.hub.partition("@") for source in config.sources if source.hub}
    prompts = kept.select(["id", "source", "license"]).group_by(["id", "source", "license"]).aggregate([])
    entries = []
    for row in prompts.group_by(["source", "license"]).aggregate([([], "count_all")]).to_pylist():
        name = row["source"] or "unknown"
        known = None if is_import or name in local else REGISTRY.get(name)
        repo, _, commit = hubs.get(name, ("", "", ""))
        entries.append(
            SourceEntry(
                name=name,
                license=row["license"] or "",
                revision=known.revision or chosen.get(name) if known else commit or None,
                url=known.address if known else f"{HUB}/{repo}" if repo else None,
                prompts=row["count_all"],
            )
        )
    return sorted(entries, key=lambda entry: (entry.name, entry.license))


def engine_entries(kept: pa.Table) -> list[EngineEntry]:
    """What wrote `text` and `back_translation`, from the columns with its name."""
    translated, back = (
        Counter({row["values"]: row["counts"] for row in pc.value_counts(kept[column]).to_pylist() if row["values"]})
        for column in ("translator", "back_translator")
    )
    return [_engine(name, translated[name], back[name]) for name in sorted({*translated, *back})]


def _engine(name: str, translated: int, back_translated: int) -> EngineEntry:
    match = _ENGINE.fullmatch(name)
    parts: dict[str, Any] = match.groupdict() if match else {"engine": name}
    return EngineEntry(name=name, **parts, translated=translated, back_translated=back_translated)


def quality_by_language(rows: Path, keep: Mask) -> dict[str, dict[str, float]]:
    """Language -> mean of each score over the accepted rows that have it, and how many were back-translated."""
    scores = ("chrf", "language_confidence")
    table = pq.read_table(regular_file(rows), columns=["language", *scores]).filter(pa.array(keep))
    quality: dict[str, dict[str, float]] = {}
    for code in sorted(pc.unique(table["language"]).to_pylist()):
        of_language = table.filter(pc.equal(table["language"], code))
        values = {name: _numbers(of_language[name]) for name in scores}
        # fsum does not depend on the order of the rows.
        means = {name: math.fsum(numbers) / len(numbers) for name, numbers in values.items() if numbers}
        quality[code] = {**means, "back_translated": len(values["chrf"])}
    return quality


def _numbers(column: pa.ChunkedArray) -> list[float]:
    return [value for value in column.to_pylist() if value is not None and not math.isnan(value)]


def checked_under(rows: Path, settings: QualityConfig) -> Provenance:
    """What the rows of a workspace were checked under.

    Raises ReleaseError, with the command that fixes it, if rows were not checked, were changed since, or were checked
    under other `settings`.
    """
    seal = Seal()
    try:
        with pq.ParquetFile(regular_file(rows)) as file:
            provenance = provenance_of(file.schema_arrow)
            for batch in file.iter_batches(columns=list(_SEALED)) if provenance else ():
                seal.add(conform(pa.Table.from_batches([batch])))
    except UNREADABLE as error:
        raise ReleaseError(f"{rows} cannot be read ({reason(error)}): build or import the workspace again") from error
    fault = unchecked(provenance, seal)
    if provenance and not fault:
        fault = outdated(provenance, settings)
    if provenance is None or fault:
        raise ReleaseError(f"{rows}: {fault}: run `polyrefuse check {shell_word(rows.parent)}` first")
    return provenance
