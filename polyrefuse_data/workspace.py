"""Where the files of a build live.

WORKSPACE/  polyrefuse.toml  prompts.parquet  journal.sqlite  rows.parquet  scores.parquet  attempts.parquet
            report/{index.html,summary.json}  review/
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.files import read_table
from polyrefuse_data.system.locks import lock_folder

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Workspace:
    """The paths of a workspace folder; nothing is created until something is written."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))  # a string will do

    @property
    def config(self) -> Path:
        return self.path / "polyrefuse.toml"

    @property
    def prompts(self) -> Path:
        return self.path / "prompts.parquet"

    @property
    def journal(self) -> Path:
        return self.path / "journal.sqlite"

    @property
    def shards(self) -> Path:
        """The finished parts of a build that is under way (shards/store.py); gone when it is done."""
        return self.path / "shards"

    @property
    def rows(self) -> Path:
        return self.path / "rows.parquet"

    @property
    def scores(self) -> Path:
        """Every score of every check of the rows, in their order (quality/score_table.py)."""
        return self.path / "scores.parquet"

    @property
    def checking(self) -> Path:
        """Scores of a check or import that is under way (quality/scoring.py); gone when it is done."""
        return self.path / "checking"

    @property
    def attempts(self) -> Path:
        """Every try of a build at every row, with its outcome and reasons (translation/attempts.py)."""
        return self.path / "attempts.parquet"

    @property
    def imports(self) -> Path:
        """What an import found out about every file: where its English came from, how many rows have none."""
        return self.path / "import.json"

    @property
    def report(self) -> Path:
        return self.path / "report"

    @property
    def review(self) -> Path:
        return self.path / "review"

    def read_rows(self) -> pa.Table:
        """The rows of the last build or import. Raises ConfigError where there are none, or they are no rows."""
        from polyrefuse_data.rows import conform

        mend = "run `polyrefuse build` or `polyrefuse import` first"
        try:
            return conform(read_table(self.rows, mend))
        except ValueError as error:
            raise ConfigError(f"{self.rows} holds no rows of a dataset ({error}): {mend}") from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for writing; a second writer gets a ConfigError at once. Released by the system if we die."""
        with lock_folder(self.path):
            yield
