"""Files for people and machines: same content, same bytes; no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import json
import math
import os
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from geo_minzheng.present.style import ACCENT

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_UNSEEN = frozenset({"Zs", "Zl", "Zp", "Cf"})
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_THIN = re.compile("[\u2009\u200a\u202f\u2007]")
_LINE_ENDS = re.compile("\r\n|[\r\x85\u2028\u2029]")
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EDGE = Side(style="thin", color="999999")


@dataclass(frozen=True)
class SheetColumn:
    """Column of a written table: key in the row, heading (with its unit), width [characters], number format."""

    key: str
    title: str
    width: float = 12.0
    number_format: str = ""


@dataclass(frozen=True)
class SheetSpec:
    """One worksheet: rows are mappings by column key; ``has_total`` sets the last row in bold.

    Parameters
    ----------
    head
        Lines above the headings: the title first.
    """

    title: str
    columns: tuple[SheetColumn, ...]
    rows: Sequence[Mapping[str, Any]]
    has_total: bool = False
    frozen_columns: int = 1
    head: tuple[str, ...] = ()


def printable(value: str) -> str:
    """Take out what paper cannot carry: control characters, half surrogates, direction overrides, thin spaces."""
    return _THIN.sub("", _UNPRINTABLE.sub("", _LINE_ENDS.sub("\n", value)))


def neutralise(value: object) -> object:
    """Make a cell harmless: a text that a spreadsheet could take for a formula gets an apostrophe in front.

    Numbers, days and truth values stay what they are; NaN and infinity become an empty cell. Full-width signs and signs
    behind blanks count too, since spreadsheets and their importers normalise them.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Enum):
        value = value.value
    if not isinstance(value, str):
        return value
    words = printable(value)
    head = next((c for c in words if c in _FORMULA or unicodedata.category(c) not in _UNSEEN), "")
    return f"'{words}" if head in _FORMULA else words


def write_bytes(data: bytes, path: Path) -> Path:
    """Write a file whole or not at all: readers never meet half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def steady_zip(data: bytes) -> bytes:
    """Rewrite an Office package with fixed times, so that the same content gives the same bytes."""
    stamp = _EPOCH.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for info in source.infolist():
            part = source.read(info.filename)
            if info.filename == "docProps/core.xml":
                part = _MODIFIED.sub(rb"\g<1>" + stamp + rb"\g<2>", part)
            fixed = zipfile.ZipInfo(info.filename, (2000, 1, 1, 0, 0, 0))
            target.writestr(fixed, part, compress_type=zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot write {type(value).__name__}")


def json_text(data: object) -> str:
    """Write data as JSON: keys sorted, Chinese readable, NaN and infinity refused (``ValueError``)."""
    return json.dumps(data, default=_plain, sort_keys=True, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def write_json(data: object, path: Path) -> Path:
    """Write data as UTF-8 JSON, the same bytes for the same data."""
    return write_bytes(json_text(data).encode("utf-8"), path)


def write_csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[SheetColumn], path: Path) -> Path:
    """Write rows as CSV that office programs open as Chinese (UTF-8 with mark); cells are neutralised."""
    return write_bytes(csv_bytes(rows, columns), path)


def csv_bytes(rows: Sequence[Mapping[str, Any]], columns: Sequence[SheetColumn], *, foot: Sequence[str] = ()) -> bytes:
    """Build the CSV of :func:`write_csv`; lines of a foot stand below an empty line."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([neutralise(c.title) for c in columns])
    for row in rows:
        cells = [neutralise(row.get(c.key)) for c in columns]
        writer.writerow([v.isoformat(sep=" ") if isinstance(v, datetime) else v for v in cells])
    writer.writerows([[], *([neutralise(line)] for line in foot)] if foot else [])
    return out.getvalue().encode("utf-8-sig")


def write_xlsx(rows: Sequence[Mapping[str, Any]], columns: Sequence[SheetColumn], path: Path) -> Path:
    """Write rows as a workbook of one sheet; see ``write_workbook``."""
    return write_workbook([SheetSpec("Sheet1", tuple(columns), rows)], path)


def write_workbook(sheets: Sequence[SheetSpec], path: Path) -> Path:
    """Write a workbook: headings in row 1, numbers as numbers, cells neutralised, ready to print on A4 or A3 across."""
    return write_bytes(workbook_bytes(sheets), path)


def workbook_bytes(sheets: Sequence[SheetSpec]) -> bytes:
    """Build the workbook of :func:`write_workbook`."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for spec in sheets:
        _fill(book.create_sheet(str(neutralise(spec.title))[:31]), spec)
    book.properties.creator = "geo_minzheng"
    book.properties.created = book.properties.modified = _EPOCH.replace(tzinfo=None)
    out = BytesIO()
    book.save(out)
    return steady_zip(out.getvalue())


def _cell_value(value: object) -> Any:
    safe = neutralise(value)
    return safe.replace(tzinfo=None) if isinstance(safe, datetime) else safe


def _fill(sheet: Worksheet, spec: SheetSpec) -> None:
    for line in spec.head:
        sheet.append([_cell_value(line)])
    sheet.append([_cell_value(c.title) for c in spec.columns])
    for row in spec.rows:
        sheet.append([_cell_value(row.get(c.key)) for c in spec.columns])
    _dress_head(sheet, spec)
    _dress(sheet, spec)
    _set_print(sheet, spec)


def _dress_head(sheet: Worksheet, spec: SheetSpec) -> None:
    for number in range(1, len(spec.head) + 1):
        cell: Any = sheet.cell(number, 1)
        cell.font = Font(name="宋体", bold=number == 1, size=14 if number == 1 else 10)
        cell.alignment = Alignment(horizontal="left", vertical="center", wrap_text=False)


def _dress(sheet: Worksheet, spec: SheetSpec) -> None:
    top = len(spec.head) + 1
    border = Border(left=_EDGE, right=_EDGE, top=_EDGE, bottom=_EDGE)
    for number, column in enumerate(spec.columns, start=1):
        head: Any = sheet.cell(top, number)
        sheet.column_dimensions[get_column_letter(number)].width = column.width
        head.font = Font(name="宋体", bold=True, color=ACCENT[1:])
        head.fill = PatternFill("solid", fgColor="EAF0F6")
        head.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        head.border = border
    longest = max((len(c.title) / max(c.width / 2, 1) for c in spec.columns), default=1)
    sheet.row_dimensions[top].height = 16 * min(8, math.ceil(longest) + 0.5)
    for number, cells in enumerate(sheet.iter_rows(min_row=top + 1, max_col=len(spec.columns) or None), start=top + 1):
        is_total = spec.has_total and number == sheet.max_row
        for column, cell in zip(spec.columns, cells, strict=True):
            is_number = isinstance(cell.value, int | float) and not isinstance(cell.value, bool)
            cell.font = Font(name="宋体", bold=is_total)
            cell.border = border
            cell.alignment = Alignment(horizontal="right" if is_number else "left", vertical="center", wrap_text=True)
            if column.number_format:
                cell.number_format = column.number_format


def _set_print(sheet: Worksheet, spec: SheetSpec) -> None:
    sheet.freeze_panes = f"{get_column_letter(spec.frozen_columns + 1)}{len(spec.head) + 2}"
    page = sheet.page_setup
    page.orientation = "landscape"
    page.paperSize = 8 if sum(c.width for c in spec.columns) > 160 else 9
    page.fitToWidth, page.fitToHeight = max(1, math.ceil(sum(c.width for c in spec.columns) / 260)), 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"{len(spec.head) + 1}:{len(spec.head) + 1}"
    if spec.frozen_columns:
        sheet.print_title_cols = f"A:{get_column_letter(spec.frozen_columns)}"
    foot: Any = sheet.oddFooter
    foot.center.text = "&P / &N"
