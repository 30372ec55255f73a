"""The journal: every answer of every backend, written as it arrives, so that nothing is translated or paid for twice.

SQLite in WAL mode: a process killed at any moment leaves complete batches or nothing of them. Each entry has a digest,
which detects what a failing disk or a careless copy did to it (mending.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import ConfigError, TranslationError
from polyrefuse_data.languages import Language
from polyrefuse_data.system.disk import disk_errors
from polyrefuse_data.system.files import make_folder, make_private_file
from polyrefuse_data.system.input_files import reason, regular_file
from polyrefuse_data.translation.base import USAGE, Failure, Identity, Request, Result, Translation

FORMAT = 2

TABLES = {
    "engines": ("fingerprint", "name", "settings"),
    "answers": ("engine", "source", "target", "text", "answer"),
}
KEYS = {"engines": ("fingerprint",), "answers": ("engine", "source", "target", "text")}

# What SQLite says where it gets no lock, from another program or from the file system.
_UNLOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL}

Entry = tuple[str, ...]  # the columns of a table, without the digest


def digest(*entry: str) -> bytes:
    """The digest of an entry: eight bytes over all its columns."""
    return hashlib.blake2b(json.dumps(entry).encode(), digest_size=8).digest()


def engine_entry(backend: Identity) -> Entry:
    settings = json.dumps(backend.settings, sort_keys=True, ensure_ascii=False)
    return backend.fingerprint, backend.name, settings


def answer_entry(backend: Identity, request: Request, result: Result) -> Entry:
    answer = json.dumps(_record(result), ensure_ascii=False)
    return backend.fingerprint, *_languages(request), request.text, answer


def create(database: sqlite3.Connection) -> None:
    """Create missing tables."""
    database.execute("BEGIN")
    for table, columns in TABLES.items():
        fields = ", ".join(f"{column} TEXT NOT NULL" for column in columns)
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {table} ({fields}, digest BLOB NOT NULL, "
            f"PRIMARY KEY ({', '.join(KEYS[table])})) WITHOUT ROWID"
        )
    database.execute(f"PRAGMA user_version = {FORMAT}")
    database.execute("COMMIT")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors on a journal into readable ones."""
    with disk_errors(path):
        try:
            yield
        except (sqlite3.Error, ValueError, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise TranslationError(
                    f"{path} is damaged ({error}): run `polyrefuse build` again; it sets the damaged file aside and "
                    "keeps the answers that can be read"
                ) from error
            if code == sqlite3.SQLITE_CANTOPEN:
                _make_some_file(path.parent)
            mend = (
                ": close other programs that have it open, and keep the workspace on a local disk"
                if code in _UNLOCKED
                else ""
            )
            raise ConfigError(f"{path}: cannot be used as a journal ({reason(error)}){mend}") from error


def _make_some_file(folder: Path) -> None:
    """Raise OSError if that is impossible, for SQLite does not say why it cannot make its log: no space for another
    file, or too many open ones."""
    with contextlib.suppress(PermissionError):
        tempfile.TemporaryFile(dir=folder).close()


class Journal:
    """Answers by backend fingerprint, languages and text. One process writes (ensured by the workspace's lock)."""

    def __init__(self, path: Path) -> None:
        make_folder(path.parent)
        self.path = path
        with explained(path):
            if path.exists():
                regular_file(path)  # SQLite would wait for a pipe
            make_private_file(path)  # it holds every prompt and answer; SQLite gives its log the same mode
            # One caller at a time, from whichever thread.
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            found = self._database.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, FORMAT):
                raise ConfigError(f"{path}: written by another version of this package; move it away to start over")
            # With NORMAL a commit is in the file when the call returns; only a power cut can lose the last ones.
            self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
            if found == 0:
                create(self._database)

    def find(self, backend: Identity, requests: Sequence[Request]) -> dict[Request, Result]:
        """The known answers among `requests`."""
        engine = backend.fingerprint
        found: dict[Request, Result] = {}
        query = "SELECT answer FROM answers WHERE engine = ? AND source = ? AND target = ? AND text = ?"
        with explained(self.path):
            for request in requests:
                row = self._database.execute(query, (engine, *_languages(request), request.text)).fetchone()
                if row is not None:
                    found[request] = _result(json.loads(row[0]))
        return found

    def add(self, backend: Identity, requests: Sequence[Request], results: Sequence[Result]) -> None:
        """Store the answers of one batch, all or none. Failures with `ask_again` are not stored."""
        engine = engine_entry(backend)
        answers = [
            answer_entry(backend, request, result)
            for request, result in zip(requests, results, strict=True)
            if isinstance(result, Translation) or not result.ask_again
        ]
        with explained(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            with self._database:
                self._database.execute("INSERT OR IGNORE INTO engines VALUES (?, ?, ?, ?)", (*engine, digest(*engine)))
                self._database.executemany(
                    "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)",
                    [(*answer, digest(*answer)) for answer in answers],
                )

    def engines(self) -> dict[str, str]:
        """The names of the backends that have answered, by fingerprint."""
        with explained(self.path):
            return dict(self._database.execute("SELECT fingerprint, name FROM engines").fetchall())

    def forget(self, engines: Sequence[str], language: Language | None) -> int:
        """Drop the answers of these backends, all or (from or into it) for one language. Returns their number."""
        only = " AND ? IN (source, target)" if language else ""
        of_language = [language.flores] if language else []
        with explained(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            with self._database:
                dropped = [
                    self._database.execute(
                        f"DELETE FROM answers WHERE engine = ?{only}", [engine, *of_language]
                    ).rowcount
                    for engine in engines
                ]
        return sum(dropped)

    def usage(self) -> dict[str, dict[str, float]]:
        """What each backend has used over all runs of this workspace, if it counts: input_tokens, output_tokens,
        cost_usd."""
        sums = ", ".join(f"SUM(json_extract(answer, '$.usage.{key}'))" for key in USAGE)
        query = f"SELECT name, {sums} FROM answers JOIN engines ON engine = fingerprint GROUP BY name ORDER BY name"
        with explained(self.path):
            found = self._database.execute(query).fetchall()
        used = {
            name: {key: total for key, total in zip(USAGE, totals, strict=True) if total is not None}
            for name, *totals in found
        }
        return {name: totals for name, totals in used.items() if totals}

    def close(self) -> None:
        self._database.close()


def _languages(request: Request) -> tuple[str, str]:
    return request.source.flores, request.target.flores


def _record(result: Result) -> dict[str, Any]:
    if isinstance(result, Translation):
        noted = {"notes": list(result.notes)} if result.notes else {}
        return {
            "text": result.text,
            "origin": result.origin,
            "alternatives": list(result.alternatives),
            "usage": result.usage,
            **noted,
        }
    return {"failure": result.reason, "detail": result.detail, "usage": result.usage}


def _result(record: dict[str, Any]) -> Result:
    if "failure" in record:
        return Failure(record["failure"], record["detail"], usage=record["usage"])
    notes = tuple(record.get("notes", ()))
    return Translation(record["text"], record["origin"], tuple(record["alternatives"]), record["usage"], notes)
