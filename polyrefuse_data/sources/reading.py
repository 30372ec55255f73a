"""Reads files of prompts and translations as records that know their position."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from polyrefuse_data.errors import SourceError
from polyrefuse_data.rows import COLUMNS, EXPECTATIONS, HARMFUL, LABELS
from polyrefuse_data.sources.field_paths import value_at, values_at
from polyrefuse_data.sources.json_records import Found, json_lines, json_list, kind, parse
from polyrefuse_data.sources.tables import delimited_records, excel_records, parquet_records
from polyrefuse_data.system.input_files import WHOLE_FILE_BYTES, read_input, reason

# What files call the prompt: ours, the reference pipeline's (and upstream PolyRefuse's), and the commonest other name.
TEXT_FIELDS = ("text", "instruction", "prompt")

_MENDS = {
    **dict.fromkeys((".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), "save it as .xlsx or .csv"),
    **dict.fromkeys((".zip", ".bz2", ".xz", ".zst", ".7z"), "unpack it"),
    ".txt": "name it .tsv if tabs part its columns, as in Excel's Unicode text, else save it as .csv",
}
FORMATS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".xlsx", ".parquet")

# What programs write for "nothing here", and spreadsheets for a formula that failed (#VALUE!, in Germany #WERT!) or a
# column that is too narrow (####). None of it is a text.
NOTHING = re.compile(r"nan|null|none|n/a|<na>|#+|#nv|#[^\W_]/[^\W_]!?|#[¡¿]?[^\W_]+(?:/0)?[!?]", re.IGNORECASE)
_LABEL_OF = {expected: label for label, expected in EXPECTATIONS.items()}


@dataclass(frozen=True)
class Reading:
    """How a file calls things, where that is not as we do: `columns` is our name of a column -> the file's, or a path
    into it (field_paths.py), `labels` a value of its label -> ours, `encoding` that of CSV and TSV (default: found
    out)."""

    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None


AS_WE_DO = Reading()


@dataclass(frozen=True)
class Record:
    """One object of a file: its fields, and its position `where` (`prompts.jsonl:12`, `prompts.json item 3`)."""

    where: str
    fields: Mapping[str, Any]

    @property
    def place(self) -> str:
        """`where` without folders, i.e. the same on every machine."""
        return Path(self.where).name

    def string(self, name: str) -> str | None:
        """A field as a string; None if it is missing, null, blank, or one of the words for that (nan, N/A, #NAME?).

        Raises SourceError for another type, and for a lone surrogate, which UTF-8 cannot represent.
        """
        value = value_at(self.where, self.fields, name)
        if value is None or value != value:  # NaN
            return None
        if not isinstance(value, str):
            raise SourceError(
                f"{self.where}: {name} is {kind(value)}, not text: put it in quotes (in a spreadsheet, format the cell "
                "as text and type it again), or omit it"
            )
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise SourceError(
                f"{self.where}: {name} contains half a character (a lone surrogate, U+{ord(value[error.start]):04X}, "
                f"at character {error.start + 1}): write the whole character"
            ) from None
        text = value.strip()
        return None if NOTHING.fullmatch(text) else text or None

    def word(self, name: str) -> str | None:
        """A field as a string, whether it is a text or a whole number: for labels and categories."""
        value = value_at(self.where, self.fields, name)
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else self.string(name)

    def text(self, names: tuple[str, ...] = TEXT_FIELDS) -> str:
        """The first of the fields `names` that the record has. Raises SourceError if it is missing or empty, or if
        another of them says something else."""
        for place, name in enumerate(names):
            if values_at(self.fields, name):
                text = self.string(name)
                if text is None:
                    value = value_at(self.where, self.fields, name)
                    is_said = isinstance(value, str) and value.strip()
                    what = f"{value.strip()!r}, which is not a prompt" if is_said else "empty"
                    raise SourceError(f"{self.where}: {name} is {what}: write the prompt, or remove the record")
                for other in names[place + 1 :]:
                    said = self.fields.get(other)
                    if isinstance(said, str) and self.string(other) not in (None, text):
                        raise SourceError(
                            f"{self.where}: {name} and {other} say different things: say which is the prompt, e.g. "
                            f'columns = {{ text = "{other}" }}'
                        )
                return text
        raise SourceError(
            f"{self.where}: no prompt, only {', '.join(self.fields) or 'an empty record'}: "
            f"name the field {' or '.join(names)}, or say which it is (columns)"
        )


def read_records(path: Path, reading: Reading = AS_WE_DO) -> list[Record]:
    """Read a whole file of one of FORMATS; all but .xlsx and .parquet also with .gz.

    Raises SourceError naming the file and line if it is missing, broken, empty or of another kind;
    MissingPrerequisite for a workbook without openpyxl.
    """
    records = [Record(where, _ours(where, fields, reading)) for where, fields in _found(path, reading.encoding)]
    if not records:
        raise SourceError(f"{path}: no records: give a file with at least one prompt")
    return records


def is_readable(path: Path) -> bool:
    """Whether a file's name says that it is of one of FORMATS."""
    return Path(path.name.lower().removesuffix(".gz")).suffix in FORMATS


def _found(path: Path, encoding: str | None) -> Iterator[Found]:
    name = path.name.lower()
    suffix = Path(name.removesuffix(".gz")).suffix
    if suffix not in FORMATS or (name.endswith(".gz") and suffix in (".xlsx", ".parquet")):
        raise SourceError(
            f"{path}: cannot read {path.suffix or 'a file without an extension'}: "
            f"{_MENDS.get(path.suffix.lower()) or 'give ' + ', '.join(FORMATS)}"
        )
    if encoding and suffix not in (".csv", ".tsv"):
        raise SourceError(f"{path}: an encoding is only for CSV and TSV; JSON is UTF-8")
    if suffix == ".parquet":
        return parquet_records(path)
    if suffix == ".xlsx":
        return excel_records(str(path), read_bytes(path))
    if suffix in (".csv", ".tsv"):
        return delimited_records(str(path), read_bytes(path), encoding, "\t" if suffix == ".tsv" else None)
    return (json_list if suffix == ".json" else json_lines)(str(path), read_text(path))


def _ours(where: str, fields: Mapping[str, Any], reading: Reading) -> Mapping[str, Any]:
    """The fields under our names, with our labels."""
    for name, theirs in reading.columns.items():
        if not values_at(fields, theirs):
            raise SourceError(f"{where}: no column {theirs!r} (for {name}), only {', '.join(fields)}")
    named = {name: value_at(where, fields, theirs) for name, theirs in reading.columns.items()}
    taken = set(reading.columns.values())
    if "text" in named:  # whatever else is called like a prompt is none
        taken |= set(TEXT_FIELDS)
    ours = {**{name: value for name, value in fields.items() if name not in taken}, **named}
    label = _label(where, ours, reading.labels)
    return ours if label is None else {**ours, "label": label}


def _label(where: str, fields: Mapping[str, Any], labels: Mapping[str, str]) -> str | None:
    """Our label of a record whose own is another word or a number; None if it needs no translation."""
    value = fields.get("label")
    if value is None or value != value or (isinstance(value, str) and not value.strip()):
        return None
    said = str(int(value) if isinstance(value, float) and value.is_integer() else value).strip().casefold()
    if said in LABELS:
        return None
    known = {word.strip().casefold(): label for word, label in labels.items()}
    if said in known:
        return known[said]
    if said in ("0", "1") and not labels:
        # A release's own rows: the class index says nothing by itself, since other sets call harmful 1.
        if str(fields.get("expected")) in _LABEL_OF:
            return _LABEL_OF[fields["expected"]]
        if fields.keys() >= set(COLUMNS):
            return LABELS[int(said)]
    if isinstance(value, (str, bool, int, float)) and (labels or not isinstance(value, str)):
        raise SourceError(
            f"{where}: label {value!r} is unknown: say what it means, e.g. labels = "
            f'{{ "{said}" = "{HARMFUL}" }} ({", ".join(known) or "harmful and harmless"} are known)'
        )
    return None


def read_text(path: Path) -> str:
    """A UTF-8 file (with or without a byte-order mark) as text. Raises SourceError naming the file and the fix."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not UTF-8 (byte {error.start + 1}): save the file as UTF-8") from None


def read_bytes(path: Path) -> bytes:
    """A whole file as bytes, unpacked if its name ends in .gz. Raises SourceError if it is missing or unreadable."""
    try:
        content = read_input(path)
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist: check the path") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({reason(error)})") from error
    except ValueError as error:  # a null character in the path
        raise SourceError(f"{path}: cannot be read ({error})") from error
    return _unpacked(path, content) if path.suffix.lower() == ".gz" else content


def _unpacked(path: Path, content: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            unpacked = packed.read(WHOLE_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"{path}: cannot be unpacked ({error}): pack it with gzip again") from error
    if len(unpacked) > WHOLE_FILE_BYTES:
        raise SourceError(f"{path}: larger than {WHOLE_FILE_BYTES >> 30} GiB when unpacked: give it in parts")
    return unpacked


def parse_json(path: Path) -> Any:
    """Parse a JSON file. Raises SourceError naming the file, line and column if it is broken."""
    return parse(str(path), read_text(path))
