"""The review sheet as an Excel workbook: text cells only, and a list to choose the verdict from."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from polyrefuse_data.errors import ConfigError
from polyrefuse_data.quality.review.decisions import BAD, GOOD
from polyrefuse_data.quality.review.spreadsheet import COLUMNS
from polyrefuse_data.system.extras import not_installed
from polyrefuse_data.text.office import escaped

_LONGEST_CELL = 32_767  # characters that Excel takes
_WIDTHS = {"text_en": 50, "text": 50, "back_translation": 50, "edit": 50}  # in characters; the others have 14


def to_workbook(records: Sequence[Mapping[str, str]]) -> bytes:
    """Records of SHOWN and SEAL as a workbook, with empty columns to fill in.

    Raises MissingPrerequisite without openpyxl; ConfigError for a text that is longer than a cell.
    """
    try:
        import openpyxl
        from openpyxl.styles import Alignment, Font
        from openpyxl.worksheet.datavalidation import DataValidation
    except ModuleNotFoundError:
        raise not_installed("a review as .xlsx", "polyrefuse-data[excel]") from None
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "review"
    for number, record in enumerate([dict(zip(COLUMNS, COLUMNS, strict=True)), *records], start=1):
        for place, name in enumerate(COLUMNS, start=1):
            text = escaped(record.get(name, ""))
            if len(text) > _LONGEST_CELL:
                raise ConfigError(f"{record['id']} {record['language']}: its {name} is too long for Excel: export .csv")
            cell = sheet.cell(number, place, text)
            cell.data_type = "s"  # what begins with = would else become a formula
            cell.number_format = "@"  # and what looks like a number or date would become one when edited
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(bold=number == 1)
    for place, name in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[openpyxl.utils.get_column_letter(place)].width = _WIDTHS.get(name, 14)
    letter = openpyxl.utils.get_column_letter(COLUMNS.index("verdict") + 1)
    verdicts = DataValidation(type="list", formula1=f'"{GOOD},{BAD}"', allow_blank=True, showErrorMessage=True)
    verdicts.add(f"{letter}2:{letter}{len(records) + 1}")
    sheet.add_data_validation(verdicts)
    sheet.freeze_panes = "A2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
