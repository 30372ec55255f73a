"""Records what rows were checked under, in the metadata of their schema and therefore of rows.parquet.

Report, release and card quote this, whatever the config says now. A seal over the rows shows whether they are still
what was checked: a row that was added or changed since has no verdict.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from polyrefuse_data.config import QualityConfig, config_hash
from polyrefuse_data.errors import ConfigError, PluginError
from polyrefuse_data.quality.batch import slices, texts
from polyrefuse_data.quality.inputs import Inputs, inputs_of, listed
from polyrefuse_data.quality.suite import Settings, Suite, suite_of
from polyrefuse_data.quality.thresholds import Threshold, Thresholds

_KEY = b"polyrefuse.checked"


class Provenance(BaseModel):
    """The signature of the checks, the hash of `[quality]`, every bound, the meaning of each flag, and the seal of the
    rows."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")  # a bound may be infinite

    signature: str
    config_sha256: str
    thresholds: dict[str, Threshold]
    legend: dict[str, str]
    seal: str

    @property
    def bounds(self) -> Thresholds:
        return Thresholds(self.thresholds)


class Seal:
    """A sum of one hash per row, over its content and its verdict. Rows can be added in portions.

    The order of the rows does not matter. It detects accidents, not forgery.
    """

    def __init__(self) -> None:
        self._sum = 0

    def add(self, rows: pa.Table, inputs: Inputs | None = None) -> None:
        """Add rows; `inputs` are those of `inputs_of`, if known."""
        known = inputs_of(rows) if inputs is None else inputs
        said = rows.select(["id", "language", "status", "flags"]).append_column("inputs", pa.array(known))
        for part in slices(said):
            columns = [*(texts(part, name) for name in ("id", "language", "status")), part["flags"].to_pylist()]
            for *row, flags, number in zip(*columns, part["inputs"].to_pylist(), strict=True):
                content = f"{listed(row)[:-1]}, {listed(flags or [])}, {number}]".encode("ascii")
                self._sum += int.from_bytes(hashlib.sha256(content).digest())

    def hexdigest(self) -> str:
        return f"{self._sum % 2**256:064x}"


def metadata_of(suite: Suite, seal: Seal) -> dict[bytes, bytes]:
    """The metadata for the schema of rows that were checked by `suite`."""
    flags = {threshold.flag for threshold in suite.bounds.table.values()}
    provenance = Provenance(
        signature=suite.signature,
        config_sha256=config_hash(suite.config),
        thresholds=dict(suite.bounds.table),
        legend={flag: meaning for flag, meaning in suite.legend.items() if flag in flags},
        seal=seal.hexdigest(),
    )
    return {_KEY: provenance.model_dump_json().encode()}


def sealed(rows: pa.Table, config: Settings, inputs: Inputs | None = None) -> pa.Table:
    """Add the note to rows that were checked under `config`; other metadata stays."""
    seal = Seal()
    seal.add(rows, inputs)
    return rows.replace_schema_metadata({**(rows.schema.metadata or {}), **metadata_of(suite_of(config), seal)})


def provenance_of(schema: pa.Schema) -> Provenance | None:
    """What rows with this schema were checked under; None if there is no readable note."""
    try:
        return Provenance.model_validate_json((schema.metadata or {}).get(_KEY, b""))
    except (ValidationError, ConfigError):  # the latter: a threshold that is none
        return None


def unchecked(provenance: Provenance | None, seal: Seal) -> str:
    """Why rows with this seal have no verdicts; empty if they have."""
    if provenance is None:
        return "the rows have not been checked"
    return "" if seal.hexdigest() == provenance.seal else "rows were added or changed since they were checked"


def outdated(provenance: Provenance, settings: QualityConfig) -> str:
    """How the verdicts differ from those that `settings` would give; empty if they do not."""
    try:
        same = provenance.signature == suite_of(settings).signature
    except PluginError as error:  # the verdicts stand, whether or not they can be given again here
        return str(error)
    return "" if same else "the rows were checked under a [quality] config other than the current one"
