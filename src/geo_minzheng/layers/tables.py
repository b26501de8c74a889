"""Read CSV, XLSX and XLS into grids of text; runs inside the limited worker."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.parsers import expat

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import ARCHIVE_ERRORS, Format, Limits
from geo_minzheng.layers.transfer import RawFault, RawSheet, plain_text

Row = list[str | None]
_DELIMITERS = ",\t;|，"
_EXCEL_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"}
_WIDEST = 500


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
            wide = "gb18030" if name in ("gbk", "gb2312") else name
            return data.decode("utf-8-sig" if wide == "utf-8" else wide), name
        except LookupError as error:
            raise InputError("layers.encoding_unknown", value=encoding) from error
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise InputError("layers.encoding_wrong", value=encoding, line=line) from error
    if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        trials: tuple[str, ...] = ("utf-16",)
    else:
        trials = ("utf-8-sig", "gb18030")
    line = 0
    for trial in trials:
        try:
            return data.decode(trial), "utf-8" if trial == "utf-8-sig" else trial
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
    if width > _WIDEST:
        raise InputError("layers.too_many_columns", count=width, limit=_WIDEST)
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
    return [_to_sheet("", rows, (), encoding=used, guessed=guessed, preview=preview)]


def refuse_doctype(chunks: Iterator[bytes]) -> None:
    """Scan XML and refuse any document type declaration, whatever its encoding.

    Raises
    ------
    InputError
        ``layers.xml_dtd`` or ``layers.file_broken``.
    """

    def refuse(*_: object) -> None:
        raise InputError("layers.xml_dtd")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise InputError("layers.file_broken", reason=str(error)) from error


def _chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    with archive.open(name) as member:
        while chunk := member.read(1 << 20):
            yield chunk


_NOT_PLAIN = re.compile(rb"<(?:\w+:)?f[\s>/]|\st=[\"']e[\"']")
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")


def _column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _fill_merges(rows: dict[int, Row], merges: list[tuple[int, int, int, int]]) -> None:
    """Give every cell of a merged block the value that the person sees in it."""
    for top, left, bottom, right in merges:
        value = rows[top][left - 1] if top in rows and left <= len(rows[top]) else None
        if value is None:
            continue
        for number in (n for n in range(top, bottom + 1) if n in rows) if bottom - top < 10_000 else ():
            row = rows[number]
            if number == top or any(cell is not None for cell in row):
                row.extend([None] * (min(right, _WIDEST) - len(row)))
                row[left - 1 : min(right, _WIDEST)] = [value] * (min(right, _WIDEST) - left + 1)


def _cell_text(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta | time):
        return str(value)
    return plain_text(value)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _formula_parts(path: Path) -> dict[str, bytes]:
    """Scan every XML part for declarations; return, by name, the sheets with formulas or error values."""
    with zipfile.ZipFile(path) as archive:
        names = {i.filename.lower(): i.filename for i in archive.infolist()}
        for name in names.values():
            if name.lower().endswith((".xml", ".rels", ".vml")):
                refuse_doctype(_chunks(archive, name))
        book = ET.fromstring(archive.read(names["xl/workbook.xml"]))  # noqa: S314  declarations were refused above
        links = names.get("xl/_rels/workbook.xml.rels")
        targets = {}
        for link in ET.fromstring(archive.read(links)) if links else ():  # noqa: S314
            target = link.get("Target", "").lstrip("/").lower()
            targets[link.get("Id", "")] = names.get(target if target.startswith("xl/") else f"xl/{target}", "")
        found = {}
        for sheet in (e for e in book.iter() if _local(e.tag) == "sheet"):
            key = next((v for k, v in sheet.attrib.items() if _local(k) == "id"), "")
            xml = archive.read(targets[key]) if targets.get(key) else b""
            if _NOT_PLAIN.search(xml):
                found[sheet.get("name", "")] = xml
        return found


def _formula_faults(xml: bytes) -> list[RawFault]:
    """List error values, and formulas without a computed value: what the person sees is not in the file."""
    faults = []
    for _, cell in ET.iterparse(io.BytesIO(xml)):  # noqa: S314  declarations were refused before
        if _local(cell.tag) != "c":
            continue
        parts = {_local(child.tag): child.text or "" for child in cell}
        place = _CELL.fullmatch(cell.get("r", ""))
        if place:
            at = int(place.group(2)), str(_column_number(place.group(1)) - 1)
            if cell.get("t") == "e":
                faults.append(RawFault("excel_error", *at, parts.get("v", "")))
            elif "f" in parts and not parts.get("v") and "is" not in parts:
                faults.append(RawFault("formula_without_value", *at, "=" + parts["f"][:60]))
        cell.clear()
    return faults


def _error_cells(rows: list[tuple[int, Row]]) -> list[RawFault]:
    return [
        RawFault("excel_error", number, str(j), cell)
        for number, row in rows
        for j, cell in enumerate(row)
        if cell is not None and cell[0] == "#" and cell in _EXCEL_ERRORS
    ]


def _book_sheets(path: Path, formulas: dict[str, bytes], limits: Limits) -> list[RawSheet]:
    from python_calamine import CalamineWorkbook  # noqa: PLC0415  CSV files need not load it

    book = CalamineWorkbook.from_path(str(path))
    sheets = []
    for name in book.sheet_names:
        sheet = book.get_sheet_by_name(name)
        _check_size(sheet.total_height, sheet.total_width, limits)
        faults = _formula_faults(formulas[name]) if name in formulas else []
        rows: dict[int, Row] = {}
        for number, cells in enumerate(sheet.to_python(skip_empty_area=False), 1):
            row = [_cell_text(None if cell == "" else cell) for cell in cells]
            if any(cell is not None for cell in row):
                rows[number] = row
        for fault in faults:
            rows.setdefault(fault.row or 1, [])
        merged = [(a[0] + 1, a[1] + 1, b[0] + 1, b[1] + 1) for a, b in sheet.merged_cell_ranges or []]
        _fill_merges(rows, merged)
        ordered = sorted(rows.items())
        sheets.append(_to_sheet(name, ordered, faults + _error_cells(ordered)))
    return sheets


def read_xlsx(path: Path, limits: Limits) -> list[RawSheet]:
    """Read every sheet of a workbook as a grid of computed values; merged blocks are filled.

    Raises
    ------
    InputError
        A document type declaration, a broken part, too many rows or columns.
    """
    try:
        formulas = _formula_parts(path)
    except ARCHIVE_ERRORS as error:
        raise InputError("layers.file_broken", reason=type(error).__name__) from error
    return _book_sheets(path, formulas, limits)


def read_xls(path: Path, limits: Limits) -> list[RawSheet]:
    """Read every sheet of an old workbook as a grid; merged blocks are filled."""
    return _book_sheets(path, {}, limits)


def read_tables(path: Path, kind: Format, encoding: str, limits: Limits) -> list[RawSheet]:
    """Read a table file of a known format; every sheet is returned."""
    if kind is Format.CSV:
        return read_csv(path, encoding, limits)
    return read_xlsx(path, limits) if kind is Format.XLSX else read_xls(path, limits)
