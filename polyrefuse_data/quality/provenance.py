"""What rows were checked under, kept with them: in the metadata of their schema, and so of rows.parquet.

Report, release and card say this, whatever the config says by now. A seal over the rows tells whether they still are
what was checked: a row that was added or changed since has no verdict.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from polyrefuse_data.config import QualityConfig, config_hash
from polyrefuse_data.quality.batch import slices, texts
from polyrefuse_data.quality.inputs import Inputs, inputs_of
from polyrefuse_data.quality.signatures import signature
from polyrefuse_data.quality.thresholds import Threshold, Thresholds, thresholds

_KEY = b"polyrefuse.checked"


class Provenance(BaseModel):
    """The signature of the checks, the hash of `[quality]`, every bound in force, and the seal of the rows."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")  # a bound may be infinite

    signature: str
    config_sha256: str
    thresholds: dict[str, Threshold]
    seal: str

    @property
    def bounds(self) -> Thresholds:
        return Thresholds(self.thresholds)


class Seal:
    """A sha256 over the texts of rows and what was decided of them, fed some rows at a time."""

    def __init__(self) -> None:
        self._inputs, self._verdicts = hashlib.sha256(), hashlib.sha256()

    def add(self, rows: pa.Table, inputs: Inputs | None = None) -> None:
        """Take in more rows; `inputs` are those of `inputs_of`, where they are known."""
        known = inputs_of(rows) if inputs is None else inputs
        self._inputs.update(known.astype("<u8").tobytes())
        encode = json.JSONEncoder().encode
        for part in slices(rows.select(["id", "language", "status", "flags"])):
            columns = (texts(part, name) for name in ("id", "language", "status"))
            for *row, flags in zip(*columns, part["flags"].to_pylist(), strict=True):
                self._verdicts.update(encode([*row, flags or []]).encode("ascii"))

    def hexdigest(self) -> str:
        return hashlib.sha256(self._inputs.digest() + self._verdicts.digest()).hexdigest()


def metadata_of(settings: QualityConfig, seal: Seal) -> dict[bytes, bytes]:
    """For the schema of rows that were checked under `settings`."""
    provenance = Provenance(
        signature=signature(settings),
        config_sha256=config_hash(settings),
        thresholds=dict(thresholds(settings).table),
        seal=seal.hexdigest(),
    )
    return {_KEY: provenance.model_dump_json().encode()}


def sealed(rows: pa.Table, settings: QualityConfig, inputs: Inputs | None = None) -> pa.Table:
    """Rows that were checked under `settings`, with a note of it in their schema; other metadata stays."""
    seal = Seal()
    seal.add(rows, inputs)
    return rows.replace_schema_metadata({**(rows.schema.metadata or {}), **metadata_of(settings, seal)})


def provenance_of(schema: pa.Schema) -> Provenance | None:
    """What the rows of this schema were checked under; None where nothing readable says so."""
    try:
        return Provenance.model_validate_json((schema.metadata or {}).get(_KEY, b""))
    except ValidationError:
        return None


def doubt(provenance: Provenance | None, tables: Iterable[pa.Table], settings: QualityConfig | None = None) -> str:
    """Why the verdicts of these rows are none, or (given `settings`) not those that these ask for; else empty."""
    if provenance is None:
        return "the rows have not been checked"
    seal = Seal()
    for table in tables:
        seal.add(table)
    if seal.hexdigest() != provenance.seal:
        return "rows were added or changed since they were checked"
    if settings is not None and provenance.signature != signature(settings):
        return "the rows were checked under other checks or bounds than the config asks for now"
    return ""
