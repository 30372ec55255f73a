"""A damaged journal: found out before a build, set aside, and a new one made of every answer that can still be read.

SQLite notices damage to its own structure and none to what is stored in it; for that each entry carries a digest.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.system.files import atomic_path
from polyrefuse_data.system.input_files import open_input, regular_file
from polyrefuse_data.translation.journal import FORMAT, TABLES, Entry, create, digest, explained
from polyrefuse_data.translation.sqlite_pages import MAGIC, PAGE_BYTES, application_ids, log_is_broken, read_records

_logger = logging.getLogger(__name__)

# What SQLite says of a file that is not what it was; anything else is no fault of the file.
_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


def mend_journal(path: Path, from_elsewhere: Iterable[Entry] = ()) -> None:
    """Replace a damaged journal by one of the answers that can be read in it; a whole one is left alone.

    `from_elsewhere` are entries to take where the journal has lost them. The damaged file is kept as
    journal.sqlite.corrupt-1 (-2, ...). What is lost is asked again by the build. The caller holds the workspace. Raises
    ConfigError for a journal of another version of this package.
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
            raise ConfigError(f"{path}: written by another version of this package; move it away to start anew")
        shutil.copyfile(path, aside)
        if log.exists():
            shutil.copyfile(log, aside.with_name(f"{aside.name}-wal"))
            log.unlink()  # it would be played back into the new file
        path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    _logger.warning(
        "%s is damaged (%s): %s answers can be read and are kept, %s are taken from the rows, the others are asked "
        "again; the damaged file is now %s",
        path,
        damage,
        readable,
        kept - readable,
        aside.name,
    )


def _damage(path: Path) -> str | None:
    """What is wrong with a journal; None where nothing is."""
    log = path.with_name(f"{path.name}-wal")
    if path.with_name(f"{path.name}-journal").exists():
        return None  # killed while it was being made: SQLite takes that back by itself
    if path.stat().st_size == 0:
        return "it is empty, its write-ahead log is not" if log.exists() and log.stat().st_size else None
    if log_is_broken(path):
        return "its write-ahead log is broken"
    if len(application_ids(path)) > 1:
        return "its write-ahead log is another journal's"
    try:
        # Read-only: closing another connection would play the log back into the file, be it the log of another file.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
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
            return f"{wrong} entries of the table {table} are not what was written"
    return None


def _readable(path: Path) -> Iterator[Entry]:
    for record in read_records(path):
        *texts, last = record
        entry = tuple(text for text in texts if isinstance(text, str))
        if len(entry) == len(texts) and last == digest(*entry):
            yield entry


def _write(path: Path, *sources: Iterable[Entry]) -> list[int]:
    """Write a journal of these entries, of each the first; how many answers it has after each of the sources."""
    tables = {len(columns): table for table, columns in TABLES.items()}
    counts = []
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(f"PRAGMA page_size = {PAGE_BYTES}; PRAGMA journal_mode = OFF;")
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
    """The format that the header of a SQLite file states; None where it is no SQLite file."""
    with open_input(path) as file:
        header = file.read(100)
    return int.from_bytes(header[60:64]) if header.startswith(MAGIC) else None
