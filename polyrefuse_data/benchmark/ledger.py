"""What a run has done: every output with its digest and the digests of its inputs, stored in run.json.

An output counts as done if its file is what the run wrote and its inputs are unchanged. Anything else (a truncated
file, one from another run, changed inputs) is done again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from polyrefuse_data.benchmark import store
from polyrefuse_data.benchmark.store import RunFolder
from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.files import atomic_write
from polyrefuse_data.system.input_files import sha256_of

_logger = logging.getLogger(__name__)


class Ledger:
    """The outputs of one run folder. Its run.json must exist and have no other writer."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._run = store.read_json(folder.run)
        self._outputs: dict[str, dict[str, Any]] = self._run.get("outputs", {})
        self._used: set[str] = set()

    def is_done(self, output: Path, *inputs: Path) -> bool:
        """Whether the file is what the run wrote from these inputs. Logs it if there is another file."""
        name = self._name(output)
        record = self._outputs.get(name)
        if not output.exists():
            return False
        if record is None or record["sha256"] != _digest_or_none(output):
            _logger.warning("%s was changed after this run wrote it: making it again", output)
            return False
        if record["inputs"] != self._digests(inputs):
            _logger.info("%s was made from files that have changed since: making it again", output)
            return False
        self._used.add(name)
        return True

    def add(self, output: Path, *inputs: Path) -> None:
        """Record that the run has just written this file from these inputs."""
        name = self._name(output)
        self._outputs[name] = {"sha256": digest(output), "inputs": self._digests(inputs)}
        self._used.add(name)
        self._write()

    def is_judged(self, replies: Path) -> bool:
        """Whether the verdicts in a file of replies were written by this run."""
        kept = self._outputs[self._name(replies)].get("verdicts_sha256")
        return kept is not None and kept == _verdicts_digest(replies)

    def add_verdicts(self, replies: Path) -> None:
        """Record that the run has just written verdicts into this file."""
        self._outputs[self._name(replies)]["verdicts_sha256"] = _verdicts_digest(replies)
        self._write()

    def close(self) -> None:
        """Forget outputs that were not used in this pass through all stages."""
        self._outputs = {name: record for name, record in self._outputs.items() if name in self._used}
        self.tidy()

    def tidy(self) -> None:
        """Write run.json for people to read."""
        store.write_json(self._folder.run, self._record)

    def _digests(self, inputs: Sequence[Path]) -> dict[str, str]:
        return {self._name(path): self._outputs[self._name(path)]["sha256"] for path in inputs}

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder.path).as_posix()

    @property
    def _record(self) -> dict[str, Any]:
        return {**self._run, "outputs": self._outputs}

    def _write(self) -> None:
        """On one line, because it is written hundreds of times, and indenting takes fifteen times as long."""
        atomic_write(self._folder.run, json.dumps(self._record, ensure_ascii=False, allow_nan=False))


def digest(path: Path) -> str:
    """sha256 of an output. For a file of replies, of the replies alone, because verdicts change."""
    if path.suffix != ".parquet":
        return sha256_of(path)
    rows = store.reply_columns(store.read_completions(path)).to_pylist()
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def _verdicts_digest(path: Path) -> str | None:
    """sha256 of the verdicts in a file of replies; None if there are none."""
    table = store.read_completions(path)
    names = [field.name for field in store.VERDICT_FIELDS]
    if not set(names) <= set(table.column_names):
        return None
    return hashlib.sha256(json.dumps(table.select(names).to_pylist()).encode()).hexdigest()


def _digest_or_none(path: Path) -> str | None:
    """The digest of a file; None if it is missing or unreadable."""
    try:
        return digest(path)
    except (ConfigError, KeyError, OSError, ValueError):
        return None
