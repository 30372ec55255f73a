"""Recovers answers from the rows of an earlier build, for a journal that has lost them.

Only what is certain: rows.parquet records the settings (a fingerprint) of each of its backends. If a backend still has
them, the text of a row that was asked as one piece and is unchanged is its exact answer. Texts of several pieces, texts
changed by people, alternatives, failures and costs cannot be recovered.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from polyrefuse_data.languages import SOURCE_LANGUAGE, language
from polyrefuse_data.rows import NORMALISED
from polyrefuse_data.system.files import atomic_path
from polyrefuse_data.system.input_files import regular_file
from polyrefuse_data.translation.base import Request, Translation, Translator, fingerprint, identity
from polyrefuse_data.translation.documents import Document
from polyrefuse_data.translation.journal import Entry, answer_entry, engine_entry

_KEY = b"polyrefuse.backends"
_COLUMNS = ("language", "text", "text_en", "origin", "translator", "back_translation", "back_translator", "flags")


def describe_backends(backends: Sequence[Translator]) -> dict[bytes, bytes]:
    """Metadata for rows.parquet: the fingerprint of each backend, by its name in the rows.

    Names shared by several backends are left out, because their rows could not be attributed.
    """
    prints = {(backend.name, fingerprint(backend.settings)) for backend in backends}
    counts = Counter(name for name, _ in prints)
    return {_KEY: json.dumps({name: print for name, print in sorted(prints) if counts[name] == 1}).encode()}


def entries_of_rows(path: Path, backends: Sequence[Translator]) -> Iterator[Entry]:
    """Entries for the journal: answers of `backends` found in rows.parquet. None if it cannot be read."""
    try:
        with pq.ParquetFile(regular_file(path)) as file:
            made_by = json.loads((file.schema_arrow.metadata or {}).get(_KEY, b"{}"))
            same = {
                backend.name: backend
                for backend in backends
                if made_by.get(backend.name) == fingerprint(backend.settings)
            }
            if not same:
                return
            yield from (engine_entry(identity(backend)) for backend in same.values())
            for batch in file.iter_batches(columns=list(_COLUMNS)):
                for row in batch.to_pylist():
                    yield from _entries(row, same)
    except (pa.ArrowException, OSError, ValueError):
        return


def disown(path: Path, names: Collection[str]) -> None:
    """Remove from rows.parquet the record that its rows show answers of these backends, because those answers are
    dropped. Does nothing without rows, or none of theirs."""
    if not path.exists():
        return
    with pq.ParquetFile(regular_file(path)) as file:
        metadata = dict(file.schema_arrow.metadata or {})
        made_by = json.loads(metadata.get(_KEY, b"{}"))
        left = {name: print for name, print in made_by.items() if name not in names}
        if left == made_by:
            return
        schema = file.schema_arrow.with_metadata({**metadata, _KEY: json.dumps(left).encode()})
        with atomic_path(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
            for number in range(file.num_row_groups):
                writer.write_table(file.read_row_group(number).replace_schema_metadata(schema.metadata))


def _entries(row: dict[str, Any], backends: dict[str, Translator]) -> Iterator[Entry]:
    if row["origin"] != "machine" or not row["text"]:
        return
    given = None if NORMALISED in (row["flags"] or []) else row["text"]
    english, other = language(SOURCE_LANGUAGE), language(str(row["language"]))
    for name, request, answer in (
        (row["translator"], Request(str(row["text_en"]), english, other), given),
        (row["back_translator"], Request(row["text"], other, english), row["back_translation"]),
    ):
        backend = backends.get(str(name))
        if backend is not None and answer:
            translation = Translation(answer)
            document = Document(request, backend.units)
            if document.asks() == [request] and not document.asks_again({request: translation}):
                yield answer_entry(identity(backend), request, translation)
