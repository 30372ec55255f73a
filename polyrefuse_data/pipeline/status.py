"""`polyrefuse status`: what a workspace holds, the progress of a build, import or check, and what to do next."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from polyrefuse_data.config import Config, load_config
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.pipeline.build import shard_prompts
from polyrefuse_data.quality.batch import texts
from polyrefuse_data.quality.checked_rows import CheckedRows, read_checked
from polyrefuse_data.system.input_files import read_input, regular_file
from polyrefuse_data.system.shell import shell_word
from polyrefuse_data.text import printable
from polyrefuse_data.text.counts import counted, each_counted
from polyrefuse_data.workspace import Workspace

CURRENT, OLDER, NONE = "current", "older than the rows", "none"


@dataclass(frozen=True)
class Status:
    """What a workspace holds; None for what it lacks. `next_step` is the command to run next."""

    workspace: Path
    prompts: int | None
    shards: tuple[int, int] | None  # finished and total, for a build under way
    scored: int | None  # rows scored by an import or check under way
    rows: int | None
    languages: dict[str, dict[str, int]]  # rows by status
    signature: str | None  # the one that the rows were checked under
    notice: str  # why the rows have no verdicts, or not those that the config asks for
    report: str  # CURRENT, OLDER or NONE
    reviews: list[str]  # files in review/
    next_step: str

    def to_text(self) -> str:
        """As text."""
        lines = [str(self.workspace)]
        if self.prompts is not None:
            lines.append(f"  prompts: {self.prompts}")
        if self.shards is not None:
            lines.append(f"  build in progress: {self.shards[0]} of {self.shards[1]} shards finished")
        if self.scored is not None:
            lines.append(f"  check in progress: {counted(self.scored, 'row')} scored")
        if self.rows is not None:
            lines.append(f"  rows: {self.rows}, {self.notice or 'checked under the current config'}")
            lines += [f"    {code}: {each_counted(counts)}" for code, counts in self.languages.items()]
            lines.append(f"  report: {self.report}")
        if self.reviews:
            lines.append(f"  review: {', '.join(self.reviews)}")
        return printable.lines([*lines, f"next: {self.next_step}"])

    def to_json(self) -> str:
        """As JSON."""
        return json.dumps({**asdict(self), "workspace": str(self.workspace)}, ensure_ascii=False, indent=1)


def workspace_status(workspace: Workspace) -> Status:
    """The status of a workspace, or of a folder that may become one.

    Raises ConfigError if there is no such folder, or its config or files cannot be read.
    """
    if not workspace.path.is_dir():
        raise ConfigError(
            f"{workspace.path} does not exist: create it with `polyrefuse init {shell_word(workspace.path)}`"
        )
    config = load_config(workspace.config if workspace.config.exists() else None)
    prompts = _row_count(workspace.prompts) if workspace.prompts.exists() else None
    checked = read_checked(workspace, config.quality) if workspace.rows.exists() else None
    shards, scored, report = _shards(workspace, config, prompts), _scored(workspace), _report(workspace, checked)
    return Status(
        workspace=workspace.path,
        prompts=prompts,
        shards=shards,
        scored=scored,
        rows=checked.rows.num_rows if checked else None,
        languages=_languages(checked) if checked else {},
        signature=checked.provenance.signature if checked and checked.provenance and not checked.unchecked else None,
        notice=checked.notice if checked else "",
        report=report,
        reviews=sorted(path.name for path in workspace.review.glob("*")),
        next_step=_next_step(workspace, checked, is_building=shards is not None, report=report),
    )


def _next_step(workspace: Workspace, checked: CheckedRows | None, *, is_building: bool, report: str) -> str:
    path, config = shell_word(workspace.path), shell_word(workspace.config)
    if is_building:
        return f"polyrefuse build -c {config}   (resumes)"
    if checked is None:
        if workspace.imports.exists():
            return f"run the same `polyrefuse import ... --out {path}` again   (resumes)"
        if workspace.config.exists():
            return f"polyrefuse build -c {config}"
        return f"polyrefuse init {path}, or polyrefuse import PATH --out {path}"
    if checked.notice or workspace.checking.exists():
        return f"polyrefuse check {path}"
    if report != CURRENT:
        return f"polyrefuse report {path}"
    return f"polyrefuse release {path} --version X.Y.Z --out DIR"


def _shards(workspace: Workspace, config: Config, prompts: int | None) -> tuple[int, int] | None:
    """Finished shards, and how many there will be; None if no build is in progress."""
    if prompts is None or not workspace.shards.is_dir():
        return None
    return len(list(workspace.shards.glob("[0-9]*.json"))), -(-prompts // shard_prompts(config))


def _scored(workspace: Workspace) -> int | None:
    if not workspace.checking.is_dir():
        return None
    return sum(map(_row_count, workspace.checking.glob("[0-9]*.parquet")))


def _row_count(path: Path) -> int:
    try:
        return int(pq.read_metadata(regular_file(path)).num_rows)
    except (pa.ArrowException, OSError):  # damaged, or gone since; whoever really reads it will say so
        return 0


def _languages(checked: CheckedRows) -> dict[str, dict[str, int]]:
    """Language -> status -> rows; rows without a verdict have no status."""
    codes, status = texts(checked.rows, "language"), texts(checked.rows, "status")
    if checked.unchecked:
        status = ["not checked"] * len(codes)
    counts: dict[str, Counter[str]] = {}
    for code, own in zip(codes, status, strict=True):
        counts.setdefault(code, Counter())[own] += 1
    return {code: dict(sorted(own.items())) for code, own in sorted(counts.items())}


class _Summary(BaseModel):
    """The part of summary.json that is read."""

    rows_sha256: str | None


def _report(workspace: Workspace, checked: CheckedRows | None) -> str:
    try:
        summary = _Summary.model_validate_json(read_input(workspace.report / "summary.json"))
    except OSError:
        return NONE
    except ValidationError:
        return OLDER
    if checked is None or checked.provenance is None or checked.unchecked:
        return OLDER
    return CURRENT if checked.provenance.seal == summary.rows_sha256 else OLDER
