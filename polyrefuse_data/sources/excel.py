"""Excel workbooks (.xlsx) as records: the values of the one sheet that has any, under the names in its first row.

A workbook is XML in a zip file: it is measured before anything is unpacked, and its XML may declare nothing. Nothing is
written to disk, no formula is run and no link followed: a formula's value is the one that was saved with it. Formulas
that a program wrote without a value are refused, because they would read as empty cells; so are merged cells, which
show one value for all of them, but only the first has it.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from polyrefuse_data.errors import SourceError
from polyrefuse_data.system.extras import not_installed
from polyrefuse_data.text.office import unescaped
from polyrefuse_data.text.xml_reading import ERRORS, XmlReader

Row = tuple[int, tuple[Any, ...]]

# Of everything in the file, unpacked: a million prompts of a few hundred characters.
_MOST_BYTES = 2**28
_MOST_PARTS = 10_000  # an empty workbook has ten

_SHEETS = "xl/worksheets/"
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?\bref=[\"']([^\"']+)")
# A formula and no value after it, or an empty one: that is no value either, except of type "str", which is "".
_UNKNOWN = re.compile(
    rb"<(?:\w+:)?c\b(?P<about>[^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)\s*"
    rb"(?P<value><(?:\w+:)?v(?:\s*/>|></(?:\w+:)?v>)\s*)?</(?:\w+:)?c>"
)
_PLACE = re.compile(rb"\br=[\"'](\w+)")
_OLE = b"\xd0\xcf\x11\xe0"  # how files of the older format begin, and encrypted ones of this one


def excel_rows(where: str, content: bytes) -> Iterator[Row]:
    """The rows of a workbook with their numbers, from 1; empty ones too.

    Raises SourceError if it is no workbook, is larger than it may be, declares XML entities, has rows on two sheets,
    merged cells or formulas without a value; MissingPrerequisite without openpyxl.
    """
    _check(where, content)
    try:
        import openpyxl
    except ModuleNotFoundError:
        raise not_installed(f"reading {where}", "polyrefuse-data[excel]") from None
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        filled = [
            sheet for sheet in book.worksheets if any(any(_is_value(cell) for cell in row) for row in _values(sheet))
        ]
        if len(filled) > 1:
            titles = ", ".join(sheet.title for sheet in filled)
            raise SourceError(
                f"{where}: rows on {len(filled)} sheets ({titles}): keep one, or save the one you mean as CSV"
            )
        yield from enumerate(_values(filled[0]), start=1) if filled else ()
    except SourceError:
        raise
    except Exception as error:
        raise SourceError(f"{where}: cannot be read as an Excel workbook ({error}): save it as .xlsx again") from error


def _values(sheet: Any) -> Iterator[tuple[Any, ...]]:
    sheet.reset_dimensions()  # a sheet says its size, and may say a million empty columns
    for row in sheet.iter_rows(values_only=True):
        yield tuple(unescaped(cell) if isinstance(cell, str) else cell for cell in row)


def _is_value(cell: Any) -> bool:
    return cell is not None and cell != ""


def _check(where: str, content: bytes) -> None:
    """Refuse what would fill the memory when unpacked, makes an XML parser do more than read, or has merged cells."""
    if content.startswith(_OLE):
        raise SourceError(f"{where}: an old .xls, or protected by a password: save it as .xlsx without one")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            # A part never unpacks to more than it says here: zipfile stops there.
            size = sum(part.file_size for part in parts)
            if size > _MOST_BYTES or len(parts) > _MOST_PARTS:
                raise SourceError(
                    f"{where}: {size >> 20} MiB in {len(parts)} parts when unpacked, more than the limit of "
                    f"{_MOST_BYTES >> 20} MiB in {_MOST_PARTS}: save it as .csv"
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    xml = archive.read(part)
                    _check_xml(f"{where} ({part.filename})", xml)
                    if part.filename.startswith(_SHEETS):
                        _check_cells(where, xml)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise SourceError(f"{where}: not an Excel workbook ({error}): save it as .xlsx again") from error


def _check_cells(where: str, sheet: bytes) -> None:
    """Refuse cells that do not hold the value that people see in them."""
    if merged := _MERGED.search(sheet):
        raise SourceError(
            f"{where}: the cells {merged[1].decode(errors='replace')} are merged, and only the first has their value: "
            "unmerge them and fill in each, or delete the row if it is a title above the header"
        )
    for cell in _UNKNOWN.finditer(sheet):
        if not (cell["value"] and b'"str"' in cell["about"]):
            place = _PLACE.search(cell["about"])
            raise SourceError(
                f"{where}: the formula in {place[1].decode() if place else 'a cell'} was saved without its value: open "
                "the file in a spreadsheet program and save it there"
            )


def _check_xml(where: str, content: bytes) -> None:
    try:
        XmlReader().parse(content)
    except ERRORS as error:
        raise SourceError(f"{where}: {error}: save the workbook again") from None
