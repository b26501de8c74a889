"""Policy files as typed rows; every fault of every file in one pass."""

from __future__ import annotations

import csv
import io
import math
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from geo_minzheng.errors import InputError
from geo_minzheng.model.policy import Scalar
from geo_minzheng.policy.schema import BOOL, DATE, FLOAT, INT, LIST, PROVENANCE, Column, Table
from geo_minzheng.policy.tables import TABLES

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_YES = frozenset({"yes", "true", "1", "是"})
_NO = frozenset({"no", "false", "0", "否"})
_HEADER_ROW = 1


@dataclass(frozen=True)
class Row:
    """One checked row; empty cells are ``None``, empty lists ``()``."""

    table: Table
    line: int
    cells: Mapping[str, Scalar | None]
    bad: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        """Return a text cell, empty where there is none."""
        value = self.cells.get(name)
        return "" if value is None else str(value)

    def number(self, name: str) -> float | None:
        """Return a number cell."""
        value = self.cells.get(name)
        return None if value is None else float(value)  # type: ignore[arg-type]

    def parts(self, name: str) -> tuple[str, ...]:
        """Return a list cell."""
        value = self.cells.get(name)
        return value if isinstance(value, tuple) else ()

    @property
    def valid_from(self) -> date | None:
        """First day in force."""
        value = self.cells.get("valid_from")
        return value if isinstance(value, date) else None

    @property
    def valid_to(self) -> date | None:
        """Last day in force."""
        value = self.cells.get("valid_to")
        return value if isinstance(value, date) else None

    @property
    def is_dated(self) -> bool:
        """Whether the bureau has given the row dates."""
        return self.valid_from is not None or self.valid_to is not None

    def holds_on(self, day: date) -> bool:
        """Tell whether the row is in force on a day, first and last day included."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)

    def key_of(self, names: Iterable[str]) -> tuple[Scalar | None, ...]:
        """Return the cells of some columns."""
        return tuple(self.cells.get(name) for name in names)

    def fault(self, key: str, column: str = "", **facts: object) -> InputError:
        """Name a fault of this row."""
        value = self.cells.get(column)
        shown = "|".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        place = {"file": self.table.file, "row": self.line, "column": column, "value": shown}
        return InputError(f"policy.{key}", **(place | facts))


@dataclass
class Reading:
    """Rows by table, the files that could not be read whole, and the faults found so far.

    A row with a fault is kept, its bad columns named and empty, so that rules between rows find the other faults too.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    faults: list[InputError] = field(default_factory=list)


def read_folder(folder: Path) -> Reading:
    """Read every policy file of a folder; unknown, missing and unreadable files are faults."""
    reading = Reading({table.name: [] for table in TABLES})
    files = {table.file for table in TABLES}
    if not folder.is_dir():
        reading.faults.append(InputError("policy.missing_folder", folder=str(folder)))
        return reading
    found = {p.relative_to(folder).as_posix() for suffix in ("csv", "toml") for p in folder.rglob(f"*.{suffix}")}
    reading.faults += [InputError("policy.unknown_file", file=name, allowed=sorted(files)) for name in found - files]
    for file in sorted(files):
        if file not in found:
            reading.broken.add(file)
            reading.faults.append(InputError("policy.missing_file", file=file))
        else:
            _read_file(folder / file, file, reading)
    return reading


def _read_file(path: Path, file: str, reading: Reading) -> None:
    tables = [table for table in TABLES if table.file == file]
    try:
        text = _decode(path.read_bytes())
        if file.endswith(".csv"):
            _read_csv(text, tables[0], reading)
        else:
            _read_toml(text, tables, reading)
    except (OSError, UnicodeDecodeError, csv.Error, tomllib.TOMLDecodeError) as error:
        reading.broken.add(file)
        reading.faults.append(InputError("policy.unreadable_file", file=file, reason=str(error)))


def _decode(data: bytes) -> str:
    # Office spreadsheets save CSV in the system code page: UTF-8 strictly first, else GB18030.
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def _read_csv(text: str, table: Table, reading: Reading) -> None:
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    heads = [head.strip() for head in next(lines, [])]
    columns = {column.name: column for column in (*table.columns, *PROVENANCE)}
    missing = [name for name in columns if name not in heads and not (name == "unit" and not table.needs_unit)]
    reading.faults += [
        InputError("policy.missing_column", file=table.file, row=_HEADER_ROW, column=name) for name in missing
    ]
    reading.faults += _unknown_columns(heads, columns, table.file, _HEADER_ROW)
    if missing:
        reading.broken.add(table.file)
        return
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(heads):
            facts = {"file": table.file, "row": lines.line_num, "found": len(cells), "expected": len(heads)}
            reading.broken.add(table.file)
            reading.faults.append(InputError("policy.ragged_row", **facts))
            continue
        _take_row(dict(zip(heads, cells, strict=True)), table, lines.line_num, reading)


def _unknown_columns(names: Iterable[str], columns: Mapping[str, Column], file: str, line: int) -> list[InputError]:
    return [
        InputError("policy.unknown_column", file=file, row=line, column=name, allowed=list(columns))
        for name in names
        if name not in columns
    ]


def _read_toml(text: str, tables: list[Table], reading: Reading) -> None:
    data = tomllib.loads(text)
    arrays = {table.array: table for table in tables}
    for name, entries in data.items():
        table = arrays.get(name)
        if table is None or not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            facts = {"file": tables[0].file, "column": name, "allowed": sorted(arrays)}
            reading.faults.append(InputError("policy.unknown_table", **facts))
            continue
        places = [n for n, line in enumerate(text.splitlines(), 1) if line.strip().startswith(f"[[{name}]]")]
        columns = {column.name: column for column in (*table.columns, *PROVENANCE)}
        for index, entry in enumerate(entries):
            line = places[index] if len(places) == len(entries) else index + 1
            reading.faults += _unknown_columns(entry, columns, table.file, line)
            _take_row(entry, table, line, reading)


def _take_row(raw: Mapping[str, object], table: Table, line: int, reading: Reading) -> None:
    cells: dict[str, Scalar | None] = {}
    faults: list[InputError] = []
    bad: set[str] = set()
    for column in (*table.columns, *PROVENANCE):
        value, problem = parse_cell(raw.get(column.name), column)
        cells[column.name] = value
        needs_unit = column.name == "unit" and table.needs_unit
        if problem is None and value in (None, ()) and (column.required or needs_unit):
            problem = ("unit_missing" if needs_unit else "required_cell", {})
        if problem is not None:
            place = {"file": table.file, "row": line, "column": column.name, "value": str(raw.get(column.name) or "")}
            faults.append(InputError(f"policy.{problem[0]}", **(place | problem[1])))
            bad.add(column.name)
            cells[column.name] = () if column.kind == LIST else None
    row = Row(table, line, cells, frozenset(bad))
    if row.valid_from and row.valid_to and row.valid_from > row.valid_to:
        faults.append(row.fault("dates_crossed", "valid_to", valid_from=row.valid_from.isoformat()))
        row = replace(row, bad=row.bad | {"valid_from", "valid_to"})
    reading.faults += faults
    reading.rows[table.name].append(row)


Problem = tuple[str, dict[str, object]]


def parse_cell(raw: object, column: Column) -> tuple[Scalar | None, Problem | None]:
    """Turn a cell into its value, or say what is wrong with it."""
    if isinstance(raw, list):
        raw = "|".join(str(part) for part in raw)
    if isinstance(raw, bool):
        raw = "yes" if raw else "no"
    if isinstance(raw, datetime):
        raw = raw.date()
    text = "" if raw is None else unicodedata.normalize("NFKC", str(raw)).strip()
    if column.kind == LIST:
        parts = tuple(part.strip() for part in text.split("|") if part.strip())
        return _checked_codes(parts, column)
    if not text:
        return None, None
    if column.kind in (INT, FLOAT):
        return _parse_number(text, column)
    if column.kind == BOOL:
        word = text.lower()
        return (word in _YES, None) if word in _YES | _NO else (None, ("bad_bool", {}))
    if column.kind == DATE:
        try:
            return date.fromisoformat(text), None
        except ValueError:
            return None, ("bad_date", {})
    if not isinstance(raw, str):
        return None, ("bad_text", {})
    # Sentences keep their own punctuation; only codes are compared in normal form.
    kept = str(raw).strip()
    return (kept, None) if not column.choices else _checked_code(text, column)


def _checked_code(text: str, column: Column) -> tuple[Scalar | None, Problem | None]:
    return (text, None) if text in column.choices else (None, ("unknown_code", {"allowed": column.choices}))


def _checked_codes(parts: tuple[str, ...], column: Column) -> tuple[Scalar | None, Problem | None]:
    wrong = [part for part in parts if column.choices and part not in column.choices]
    return (None, ("unknown_code", {"value": wrong[0], "allowed": column.choices})) if wrong else (parts, None)


def _parse_number(text: str, column: Column) -> tuple[Scalar | None, Problem | None]:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        return None, ("bad_number", {})
    number = float(text)
    if column.kind == INT and number != int(number):
        return None, ("bad_integer", {})
    if (column.low is not None and number < column.low) or (column.high is not None and number > column.high):
        low, high = ("-∞" if column.low is None else column.low), ("∞" if column.high is None else column.high)
        return None, ("out_of_range", {"low": low, "high": high})
    return (int(number) if column.kind == INT else number), None
