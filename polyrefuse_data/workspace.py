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
from polyrefuse_data.system.files import read_batches, read_table
from polyrefuse_data.system.locks import lock_folder

if TYPE_CHECKING:
    import pyarrow as pa

_MEND_ROWS = "run `polyrefuse build` or `polyrefuse import` first"
_PART_ROWS = 8192  # read at once where rows stream


@dataclass(frozen=True)
class Workspace:
    """The paths in a workspace folder. Creating a Workspace creates no files."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))  # accepts a string too

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
        """Finished shards of an unfinished build (shards/store.py); removed at the end."""
        return self.path / "shards"

    @property
    def rows(self) -> Path:
        return self.path / "rows.parquet"

    @property
    def scores(self) -> Path:
        """Every score of every check, in the order of the rows (quality/score_table.py)."""
        return self.path / "scores.parquet"

    @property
    def checking(self) -> Path:
        """Scores of an unfinished check or import (quality/scoring.py); removed at the end."""
        return self.path / "checking"

    @property
    def attempts(self) -> Path:
        """Every attempt of a build at a row, with outcome and reasons (translation/attempts.py)."""
        return self.path / "attempts.parquet"

    @property
    def imports(self) -> Path:
        """What an import found out about each file: where its English comes from, how many rows have none."""
        return self.path / "import.json"

    @property
    def report(self) -> Path:
        return self.path / "report"

    @property
    def review(self) -> Path:
        return self.path / "review"

    def read_rows(self) -> pa.Table:
        """The rows of the last build or import. Raises ConfigError if the file is missing or holds something else."""
        from polyrefuse_data.rows import conform

        try:
            return conform(read_table(self.rows, _MEND_ROWS))
        except ValueError as error:
            raise ConfigError(f"{self.rows} does not hold dataset rows ({error}): {_MEND_ROWS}") from error

    def row_parts(self) -> Iterator[pa.Table]:
        """The same rows in parts, read on demand: of a million rows, a few thousand are in memory."""
        import pyarrow as pa

        from polyrefuse_data.rows import conform

        for batch in read_batches(self.rows, _MEND_ROWS, _PART_ROWS):
            try:
                yield conform(pa.Table.from_batches([batch]))
            except ValueError as error:
                raise ConfigError(f"{self.rows} does not hold dataset rows ({error}): {_MEND_ROWS}") from error

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Lock the folder for writing. A second writer gets a ConfigError at once. The lock ends with the process."""
        with lock_folder(self.path):
            yield
