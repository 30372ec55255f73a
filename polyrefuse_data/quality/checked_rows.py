"""The rows of a workspace with their scores and the state of their verdicts, for report, show and status."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from polyrefuse_data.config import QualityConfig
from polyrefuse_data.quality.inputs import inputs_of
from polyrefuse_data.quality.kept_scores import scores_of
from polyrefuse_data.quality.provenance import Provenance, Seal, outdated, provenance_of, unchecked
from polyrefuse_data.workspace import Workspace


@dataclass(frozen=True)
class CheckedRows:
    """Rows and what is known about their verdicts.

    `unchecked` says why the rows have no verdicts (empty if they have). `outdated` says how these verdicts differ from
    those that the current config would give. `scores` has one line per row; None if there are none.
    """

    rows: pa.Table
    provenance: Provenance | None
    unchecked: str
    outdated: str
    scores: pa.Table | None

    @property
    def notice(self) -> str:
        """What users should know before they rely on the verdicts; empty if nothing."""
        return self.unchecked or self.outdated


def read_checked(workspace: Workspace, settings: QualityConfig) -> CheckedRows:
    """Read the rows and scores of a workspace. Raises ConfigError if it has no rows."""
    rows = workspace.read_rows()
    inputs, provenance, seal = inputs_of(rows), provenance_of(rows.schema), Seal()
    seal.add(rows, inputs)
    reason = unchecked(provenance, seal)
    older = outdated(provenance, settings) if provenance and not reason else ""
    return CheckedRows(rows, provenance, reason, older, scores_of(workspace.scores, inputs))
