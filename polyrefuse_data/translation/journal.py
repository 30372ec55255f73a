"""The journal: every answer of every backend, written as it arrives, so that nothing is translated or paid for twice.

SQLite in WAL mode: a process killed at any moment leaves whole batches or nothing of them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.translation.base import USAGE, Failure, Identity, Request, Result, Translation
from polyrefuse_data.workspace import make_folder

FORMAT = 1

_TABLES = """
CREATE TABLE IF NOT EXISTS engines (fingerprint TEXT PRIMARY KEY, name TEXT NOT NULL, settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
    engine TEXT NOT NULL, source TEXT NOT NULL, target TEXT NOT NULL, text TEXT NOT NULL, answer TEXT NOT NULL,
    PRIMARY KEY (engine, source, target, text)
) WITHOUT ROWID;
"""


class Journal:
    """Answers by engine fingerprint, languages and text. One process writes (the workspace's lock sees to it)."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self.path = path
        with self._readable():
            # One caller at a time, from whichever thread.
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            # With NORMAL a commit is in the file when the call returns; only a power cut can lose the last ones.
            self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
            found = self._database.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, FORMAT):
                raise ConfigError(f"{path}: written by another version of this package; move it away to start anew")
            self._database.executescript(f"{_TABLES} PRAGMA user_version = {FORMAT};")

    def find(self, backend: Identity, requests: Sequence[Request]) -> dict[Request, Result]:
        """The known answers among `requests`."""
        engine = backend.fingerprint
        found: dict[Request, Result] = {}
        query = "SELECT answer FROM answers WHERE engine = ? AND source = ? AND target = ? AND text = ?"
        with self._readable():
            for request in requests:
                row = self._database.execute(query, (engine, *_languages(request), request.text)).fetchone()
                if row is not None:
                    found[request] = _result(json.loads(row[0]))
        return found

    def add(self, backend: Identity, requests: Sequence[Request], results: Sequence[Result]) -> None:
        """Keep the answers of one batch, all or none; transient failures are left out, so that they are asked again."""
        engine = backend.fingerprint
        settings = json.dumps(backend.settings, sort_keys=True, ensure_ascii=False)
        answers = [
            (engine, *_languages(request), request.text, json.dumps(_record(result), ensure_ascii=False))
            for request, result in zip(requests, results, strict=True)
            if isinstance(result, Translation) or not result.transient
        ]
        with self._readable():
            self._database.execute("BEGIN IMMEDIATE")
            with self._database:
                self._database.execute(
                    "INSERT OR IGNORE INTO engines VALUES (?, ?, ?)", (engine, backend.name, settings)
                )
                self._database.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?)", answers)

    def usage(self) -> dict[str, dict[str, float]]:
        """What each backend that counts used over all runs of this workspace: input_tokens, output_tokens, cost_usd."""
        sums = ", ".join(f"SUM(json_extract(answer, '$.usage.{key}'))" for key in USAGE)
        query = f"SELECT name, {sums} FROM answers JOIN engines ON engine = fingerprint GROUP BY name ORDER BY name"
        with self._readable():
            found = self._database.execute(query).fetchall()
        used = {
            name: {key: total for key, total in zip(USAGE, totals, strict=True) if total is not None}
            for name, *totals in found
        }
        return {name: totals for name, totals in used.items() if totals}

    def close(self) -> None:
        self._database.close()

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError) as error:
            raise ConfigError(
                f"{self.path}: cannot be used as a journal ({error}); move it away to translate everything anew"
            ) from error


def _languages(request: Request) -> tuple[str, str]:
    return request.source.flores, request.target.flores


def _record(result: Result) -> dict[str, Any]:
    if isinstance(result, Translation):
        return {
            "text": result.text,
            "origin": result.origin,
            "alternatives": list(result.alternatives),
            "usage": result.usage,
        }
    return {"failure": result.reason, "detail": result.detail, "usage": result.usage}


def _result(record: dict[str, Any]) -> Result:
    if "failure" in record:
        return Failure(record["failure"], record["detail"], usage=record["usage"])
    return Translation(record["text"], record["origin"], tuple(record["alternatives"]), record["usage"])
