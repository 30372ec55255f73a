"""Repairs a damaged journal: detected before a build, set aside, and replaced by one with every answer that can still
be read.

SQLite notices damage to its own structure but not to stored values; those have digests. What SQLite cannot read is
asked again, unless finished shards or the rows of an earlier build have it.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.files import atomic_path
from polyrefuse_data.system.input_files import open_input, regular_file
from polyrefuse_data.translation.journal import FORMAT, KEYS, TABLES, Entry, create, digest, explained

_logger = logging.getLogger(__name__)

_MAGIC = b"SQLite format 3\0"  # how every SQLite file begins

# What SQLite says of a file that is not what it was; anything else is no fault of the file.
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


def mend_journal(path: Path, from_elsewhere: Iterable[Entry] = ()) -> None:
    """Replace a damaged journal by one with all readable answers; an intact one is left alone.

    `from_elsewhere` are entries to use if the journal has lost them. The damaged file is kept as
    journal.sqlite.corrupt-1 (-2, ...). The build asks again for what is lost. The caller holds the workspace lock.
    Raises ConfigError for a journal of another version of this package.
    """
    if not path.exists():
        return
    with explained(path):
        damage = _damage(regular_file(path))
    if damage is None:
        return
    log = path.with_name(f"{path.name}-wal")
    aside = next(name for n in count(1) if not (name := path.with_name(f"{path.name}.corrupt-{n}")).exists())
    with atomic_path(path) as new:
        readable, kept = _write(new, _readable(path), from_elsewhere)
        if readable == 0 and _version(path) not in (None, 0, FORMAT):
            raise ConfigError(f"{path}: written by another version of this package; move it away to start over")
        shutil.copyfile(path, aside)
        if log.exists():
            shutil.copyfile(log, aside.with_name(f"{aside.name}-wal"))
            log.unlink()  # it would be played back into the new file
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    _logger.warning(
        "%s is damaged (%s): kept %s readable answers and took %s from the rows; the others are requested again. "
        "The damaged file is now %s",
        path,
        damage,
        readable,
        kept - readable,
        aside.name,
    )


def _damage(path: Path) -> str | None:
    """What is wrong with a journal; None if nothing."""
    log = path.with_name(f"{path.name}-wal")
    if path.with_name(f"{path.name}-journal").exists():
        return None  # killed while it was being made: SQLite takes that back by itself
    if path.stat().st_size == 0:
        return "it is empty, but its write-ahead log is not" if log.exists() and log.stat().st_size else None
    try:
        with _opened(path) as database:
            return _damage_inside(database)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF not in _DAMAGE:
            raise
        return str(error)


def _damage_inside(database: sqlite3.Connection) -> str | None:
    structure = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if structure != "ok":
        return str(structure).splitlines()[-1]
    if database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0:
        return None  # made, and killed before anything else
    if database.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
        return "its format is unknown"
    database.create_function("digest", -1, digest, deterministic=True)
    for table, columns in TABLES.items():
        named = ", ".join(columns)
        query = f"SELECT count(*) FROM {table} WHERE digest IS NOT digest({named})"
        wrong = database.execute(query).fetchone()[0]
        if wrong:
            return f"{wrong} entries of the table {table} were changed after they were written"
    return None


def _readable(path: Path) -> Iterator[Entry]:
    """The entries that SQLite can reach from either end of a table, without altered ones.

    It stops at a damaged page: one costs the entries on it, several cost what is between the first and the last.
    """
    if path.stat().st_size == 0:
        return  # SQLite would delete the log beside it
    for table, columns in TABLES.items():
        for direction in ("ASC", "DESC"):
            order = ", ".join(f"{key} {direction}" for key in KEYS[table])
            query = f"SELECT {', '.join(columns)}, digest FROM {table} ORDER BY {order}"
            with contextlib.suppress(sqlite3.DatabaseError), _opened(path) as database:
                for *entry, known in database.execute(query):
                    if all(isinstance(text, str) for text in entry) and known == digest(*entry):
                        yield tuple(entry)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the journal read-only. Closing a normal connection would play its log back into the file, damaged or not."""
    with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        database.text_factory = lambda text: text.decode(errors="replace")  # a damaged text is no reason to stop
        yield database


def _write(path: Path, *sources: Iterable[Entry]) -> list[int]:
    """Write a journal of these entries, the first of each. Returns how many answers it has after each source."""
    tables = {len(columns): table for table, columns in TABLES.items()}
    counts = []
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        create(database)
        for entries in sources:
            database.execute("BEGIN")
            for entry in entries:
                places = "?, " * len(entry)
                insert = f"INSERT OR IGNORE INTO {tables[len(entry)]} VALUES ({places}?)"
                database.execute(insert, (*entry, digest(*entry)))
            database.execute("COMMIT")
            counts.append(int(database.execute("SELECT count(*) FROM answers").fetchone()[0]))
    return counts


def _version(path: Path) -> int | None:
    """The format version in the header of a SQLite file; None if it is not one."""
    with open_input(path) as file:
        header = file.read(100)
    return int.from_bytes(header[60:64]) if header.startswith(_MAGIC) else None
