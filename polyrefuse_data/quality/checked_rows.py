"""The rows of a workspace with what is known of their verdicts: what report, show and status read."""

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
    """`unchecked`: why the rows have no verdicts, empty where they have. `outdated`: what tells these verdicts from
    those that the config asks for now. `scores`: a line for each row, None where they are not kept."""

    rows: pa.Table
    provenance: Provenance | None
    unchecked: str
    outdated: str
    scores: pa.Table | None

    @property
    def notice(self) -> str:
        """What people should know before they use the verdicts; empty where there is nothing."""
        return self.unchecked or self.outdated


def read_checked(workspace: Workspace, settings: QualityConfig) -> CheckedRows:
    """Read the rows and scores of a workspace. Raises ConfigError where it has no rows."""
    rows = workspace.read_rows()
    inputs, provenance, seal = inputs_of(rows), provenance_of(rows.schema), Seal()
    seal.add(rows, inputs)
    reason = unchecked(provenance, seal)
    older = outdated(provenance, settings) if provenance and not reason else ""
    return CheckedRows(rows, provenance, reason, older, scores_of(workspace.scores, inputs))
