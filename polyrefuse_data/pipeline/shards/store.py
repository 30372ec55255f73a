"""Finished shards on disk, each with a completion record, so that a stopped run only does the rest.

WORKSPACE/shards/ 000012.{rows,scores,attempts}.parquet 000012.json (written last: without it the shard does not count)
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.pipeline.shards.work import FinishedShard, Shard
from polyrefuse_data.system.files import atomic_write, remove_own, write_table
from polyrefuse_data.system.input_files import read_input, regular_file, sha256_of

_PARTS = ("rows", "scores", "attempts")  # the tables in a FinishedShard
_SHARD_FILE = re.compile(rf"\d{{6}}\.(json|({'|'.join(_PARTS)})\.parquet)|\..*\.part")


class CompletionRecord(BaseModel):
    """What a finished shard was made from (`key`), the sha256 of its files, and the counts of `FinishedShard`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    files: dict[str, str]
    unanswered: int
    missing: int


class ShardStore:
    """The shards of one build. `settings` is everything that affects their rows; shards made under others are done
    again."""

    def __init__(self, folder: Path, settings: object) -> None:
        self.folder = folder
        self._settings = json.dumps(settings, sort_keys=True, ensure_ascii=False)

    def holds(self, shard: Shard) -> bool:
        """Whether this shard is finished, its files are complete, and nothing in it is worth asking again."""
        try:
            record = self._record(shard.number)
            return (
                record.unanswered == 0
                and record.key == self.key(shard)
                and record.files == {part: sha256_of(self._table(shard.number, part)) for part in _PARTS}
            )
        except (OSError, ValidationError):
            return False

    def key(self, shard: Shard) -> str:
        """sha256 of the settings, the prompts and the languages of a shard."""
        prompts = json.dumps([list(prompt.values()) for prompt in shard.prompts], ensure_ascii=False)
        return hashlib.sha256(f"{self._settings}\n{prompts}".encode("utf-8", "surrogatepass")).hexdigest()

    def add(self, shard: FinishedShard, key: str) -> None:
        """Store a finished shard: its files, then its completion record."""
        for part in _PARTS:
            write_table(getattr(shard, part), self._table(shard.number, part))
        record = CompletionRecord(
            key=key,
            files={part: sha256_of(self._table(shard.number, part)) for part in _PARTS},
            unanswered=shard.unanswered,
            missing=shard.missing,
        )
        atomic_write(self._record_path(shard.number), record.model_dump_json())

    def rows(self, number: int) -> pa.Table:
        return _read(self._table(number, "rows"))

    def scores(self, number: int) -> pa.Table:
        return _read(self._table(number, "scores"))

    def attempts(self, number: int) -> pa.Table:
        return _read(self._table(number, "attempts"))

    def unanswered(self, number: int) -> tuple[int, int]:
        """Rows of a finished shard that some backend did not answer, and those without another translation."""
        record = self._record(number)
        return record.unanswered, record.missing

    def clear(self) -> None:
        """Remove the shards after merging. Anything else in the folder stays."""
        remove_own(self.folder, _SHARD_FILE)

    def _record(self, number: int) -> CompletionRecord:
        return CompletionRecord.model_validate_json(read_input(self._record_path(number)))

    def _table(self, number: int, part: str) -> Path:
        return self.folder / f"{number:06d}.{part}.parquet"

    def _record_path(self, number: int) -> Path:
        return self.folder / f"{number:06d}.json"


def _read(path: Path) -> pa.Table:
    try:
        return pq.ParquetFile(regular_file(path)).read()
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path} cannot be read ({error}): run `polyrefuse build` again to redo it") from error
