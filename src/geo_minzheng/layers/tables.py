"""Read CSV, XLSX and XLS into grids of text; runs inside the limited worker."""

from __future__ import annotations

import codecs
import csv
import io
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from pathlib import Path

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import ARCHIVE_ERRORS, Format, Limits, wide_encoding
from geo_minzheng.layers.transfer import RawFault, RawSheet, plain_text
from geo_minzheng.layers.xls_errors import error_cells, is_encrypted
from geo_minzheng.layers.xlsx_parts import WIDEST, formula_faults, special_sheets

Row = list[str | None]
_DELIMITERS = ",\t;|，"
_EXCEL_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"}


def decode(data: bytes, encoding: str) -> tuple[str, str]:
    """Decode bytes as declared, else by their mark, else UTF-8 strictly, else GB18030.

    Returns
    -------
    (text, encoding)
        The encoding that was used; ``gb18030`` when it was the last resort.

    Raises
    ------
    InputError
        ``layers.encoding_unknown`` or ``layers.encoding_wrong``.
    """
    if encoding:
        try:
            name = codecs.lookup(encoding).name
            return data.decode("gb18030" if name in ("gbk", "gb2312") else name).removeprefix("\ufeff"), name
        except LookupError as error:
            raise InputError("layers.encoding_unknown", value=encoding) from error
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise InputError("layers.encoding_wrong", value=encoding, line=line) from error
    wide = wide_encoding(data[:4096])
    trials = (wide,) if wide else ("utf-8-sig", "gb18030")
    line = 0
    for trial in trials:
        try:
            return data.decode(trial).removeprefix("\ufeff"), "utf-8" if trial == "utf-8-sig" else trial
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
    raise InputError("layers.encoding_wrong", value="、".join(trials), line=line)


def _delimiter(text: str) -> str:
    lines = [line for line in text.splitlines()[:20] if line.strip()]
    return max(
        _DELIMITERS, key=lambda d: (sorted(line.count(d) for line in lines)[len(lines) // 2], -_DELIMITERS.index(d))
    )


def _to_sheet(name: str, rows: list[tuple[int, Row]], faults: Iterable[RawFault], **notes: object) -> RawSheet:
    width = max((len(r) for _, r in rows), default=0)
    columns = tuple([row[j] if j < len(row) else None for _, row in rows] for j in range(width))
    return RawSheet(name, (), columns, tuple(n for n, _ in rows), faults=tuple(faults), notes=notes)


def _check_size(count: int, width: int, limits: Limits) -> None:
    if count > limits.features:
        raise InputError("layers.too_many_rows", limit=limits.features)
    if width > WIDEST:
        raise InputError("layers.too_many_columns", count=width, limit=WIDEST)
    if count * width > limits.cells:
        raise InputError("layers.too_many_cells", limit=limits.cells)


def read_csv(path: Path, encoding: str, limits: Limits) -> list[RawSheet]:
    """Read a CSV or TSV file as one grid.

    Raises
    ------
    InputError
        Undecodable, NUL bytes, an open quote, too many rows or columns.
    """
    text, used = decode(path.read_bytes(), encoding)
    if "\x00" in text:
        raise InputError("layers.content_mismatch", suffix=path.suffix, found="binary", allowed=".csv")
    if not text.strip():
        raise InputError("layers.file_empty")
    rows: list[tuple[int, Row]] = []
    csv.field_size_limit(limits.file_bytes)  # a village's outline as WKT is longer than the usual limit
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            row = [plain_text(cell) for cell in cells]
            if any(cell is not None for cell in row):
                rows.append((number, row))
                _check_size(len(rows), len(row), limits)
    except csv.Error as error:
        raise InputError("layers.csv_broken", line=number + 1, reason=str(error)) from error
    guessed = not encoding and used == "gb18030"
    preview = " ".join(c for c in rows[0][1] if c)[:60] if rows and guessed else ""
    return [_to_sheet("", rows, _cut_off(rows, text), is_csv=True, encoding=used, guessed=guessed, preview=preview)]


def _cut_off(rows: list[tuple[int, Row]], text: str) -> list[RawFault]:
    """Report a last row that lacks both its line end and cells that the row before has: the file was cut off in it."""
    if len(rows) < 2 or text.endswith(("\n", "\r")) or len(rows[-1][1]) >= len(rows[-2][1]):
        return []
    return [RawFault("row_cut", rows[-1][0], value=str(len(rows[-1][1])), facts={"width": len(rows[-2][1])})]


def _fill_merges(rows: dict[int, Row], merges: list[tuple[int, int, int, int]], limits: Limits) -> None:
    """Give every cell of a merged block the value that the person sees in it, however large the block is."""
    numbers, filled = sorted(rows), 0
    for top, left, bottom, last in merges:
        value = rows[top][left - 1] if top in rows and left <= len(rows[top]) else None
        if value is None:
            continue
        right = min(last, WIDEST)
        within = numbers[bisect_left(numbers, top) : bisect_right(numbers, bottom)]
        filled += len(within) * (right - left + 1)
        if filled > limits.cells:  # only blocks that lie over each other come to so many
            raise InputError("layers.too_many_cells", limit=limits.cells)
        for number in within:
            row = rows[number]
            if number == top or any(cell is not None for cell in row):
                row.extend([None] * (right - len(row)))
                row[left - 1 : right] = [value] * (right - left + 1)


def _cell_text(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta | time):
        return str(value)
    return plain_text(value)


def _error_cells(rows: list[tuple[int, Row]]) -> list[RawFault]:
    return [
        RawFault("excel_error", number, str(j), cell)
        for number, row in rows
        for j, cell in enumerate(row)
        if cell is not None and cell[0] == "#" and cell in _EXCEL_ERRORS
    ]


def _book_sheets(path: Path, found: dict[str, list[RawFault]], limits: Limits) -> list[RawSheet]:
    from python_calamine import CalamineWorkbook, SheetVisibleEnum  # noqa: PLC0415  CSV files need not load it

    book = CalamineWorkbook.from_path(str(path))
    hidden = {s.name for s in book.sheets_metadata if s.visible != SheetVisibleEnum.Visible}
    sheets = []
    for name in book.sheet_names:
        sheet = book.get_sheet_by_name(name)
        _check_size(sheet.total_height, sheet.total_width, limits)
        faults = found.get(name, [])
        rows: dict[int, Row] = {}
        for number, cells in enumerate(sheet.to_python(skip_empty_area=False), 1):
            row = [_cell_text(None if cell == "" else cell) for cell in cells]
            if any(cell is not None for cell in row):
                rows[number] = row
        for fault in faults:
            rows.setdefault(fault.row or 1, [])
        merged = [(a[0] + 1, a[1] + 1, b[0] + 1, b[1] + 1) for a, b in sheet.merged_cell_ranges or []]
        _fill_merges(rows, merged, limits)
        ordered = sorted(rows.items())
        sheets.append(_to_sheet(name, ordered, faults + _error_cells(ordered), hidden=name in hidden))
    return sheets


def read_xlsx(path: Path, limits: Limits) -> list[RawSheet]:
    """Read every sheet of a workbook as a grid of computed values; merged blocks are filled.

    Raises
    ------
    InputError
        A document type declaration, a broken part, too many rows or columns.
    """
    try:
        formulas = special_sheets(path, limits)
    except ARCHIVE_ERRORS as error:
        raise InputError("layers.file_broken", reason=type(error).__name__) from error
    return _book_sheets(path, {name: formula_faults(xml) for name, xml in formulas.items()}, limits)


def read_xls(path: Path, limits: Limits) -> list[RawSheet]:
    """Read every sheet of an old workbook as a grid; merged blocks are filled."""
    from python_calamine import CalamineWorkbook, PasswordError  # noqa: PLC0415

    try:
        CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise InputError("layers.file_encrypted") from error
    if is_encrypted(path):
        raise InputError("layers.file_encrypted")
    names = CalamineWorkbook.from_path(str(path)).sheet_names
    return _book_sheets(path, {names[i]: faults for i, faults in error_cells(path).items() if i < len(names)}, limits)


def read_tables(path: Path, kind: Format, encoding: str, limits: Limits) -> list[RawSheet]:
    """Read a table file of a known format; every sheet is returned."""
    if kind is Format.CSV:
        return read_csv(path, encoding, limits)
    return read_xlsx(path, limits) if kind is Format.XLSX else read_xls(path, limits)
