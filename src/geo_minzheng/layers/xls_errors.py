"""Find what the reader of old workbooks (BIFF8 in a compound file) passes over: error values, and encryption.

Layout: [MS-CFB] for the container, [MS-XLS] for the records BoundSheet8, BOF, BoolErr, Formula and FilePass.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from geo_minzheng.layers.transfer import RawFault

_ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
_LAST_SECTOR = 0xFFFFFFFA
_FORMULA, _BOOL_ERROR, _BOF, _BOUND_SHEET, _EOF, _FILE_PASS = 0x0006, 0x0205, 0x0809, 0x0085, 0x000A, 0x002F
_NAMES = ("Workbook", "Book")


class _Compound:
    """The streams of a compound file."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = 1 << int(struct.unpack_from("<H", data, 30)[0])
        directory = int(struct.unpack_from("<I", data, 48)[0])
        heads = [s for s in struct.unpack_from("<109I", data, 76) if s < _LAST_SECTOR]
        more, count = struct.unpack_from("<II", data, 68)
        for _ in range(count):
            sectors = struct.unpack(f"<{self.size // 4}I", self._sector(more))
            heads += [s for s in sectors[:-1] if s < _LAST_SECTOR]
            more = sectors[-1]
        self.fat = [n for s in heads for n in struct.unpack(f"<{self.size // 4}I", self._sector(s))]
        self.entries = self._chain(directory)

    def _sector(self, number: int) -> bytes:
        return self.data[(number + 1) * self.size : (number + 2) * self.size].ljust(self.size, b"\0")

    def _chain(self, start: int) -> bytes:
        parts = [self._sector(n) for n in _follow(self.fat, start)]
        return b"".join(parts)

    def stream(self, names: tuple[str, ...]) -> bytes:
        """Return the first stream of one of the names, empty where there is none; a workbook is never a short one."""
        entries = [self.entries[i : i + 128] for i in range(0, len(self.entries) - 127, 128)]
        for entry in entries:
            length = struct.unpack_from("<H", entry, 64)[0]
            if entry[: max(0, length - 2)].decode("utf-16-le", errors="replace") not in names:
                continue
            start, size = struct.unpack_from("<II", entry, 116)
            return self._chain(start)[:size]
        return b""


def _follow(table: list[int], start: int) -> Iterator[int]:
    for _ in range(len(table)):
        if start >= len(table):
            return
        yield start
        start = table[start]


def _records(book: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 4 <= len(book):
        kind, size = struct.unpack_from("<HH", book, at)
        yield at, kind, book[at + 4 : at + 4 + size]
        at += 4 + size


def _error_code(kind: int, body: bytes) -> int | None:
    if kind == _BOOL_ERROR and len(body) >= 8 and body[7]:
        return body[6]
    if kind == _FORMULA and len(body) >= 14 and body[12:14] == b"\xff\xff" and body[6] == 2:
        return body[8]
    return None


def _workbook(path: Path) -> bytes:
    """Return the stream of records, empty for a file that cannot be followed."""
    try:
        return _Compound(path.read_bytes()).stream(_NAMES)
    except (struct.error, ValueError, IndexError, MemoryError):
        return b""


def is_encrypted(path: Path) -> bool:
    """Tell whether the workbook names an encryption of its cells (record FilePass), of whatever kind."""
    for _, kind, _ in _records(_workbook(path)):
        if kind in (_FILE_PASS, _EOF):
            return kind == _FILE_PASS
    return False


def error_cells(path: Path) -> dict[int, list[RawFault]]:
    """List the error values by the sheet's place in the workbook; a file that cannot be followed has none.

    Returns
    -------
    dict of int to list of RawFault
        ``excel_error`` with row (from 1), column (from 0) and the value as the person sees it.
    """
    starts: dict[int, int] = {}
    found: dict[int, list[RawFault]] = {}
    sheet = -1
    for at, kind, body in _records(_workbook(path)):
        if kind == _BOUND_SHEET and len(body) >= 4:
            starts[struct.unpack_from("<I", body)[0]] = len(starts)
        elif kind == _BOF:
            sheet = starts.get(at, sheet)
        elif sheet >= 0 and (code := _error_code(kind, body)) is not None:
            row, column = struct.unpack_from("<HH", body)
            found.setdefault(sheet, []).append(RawFault("excel_error", row + 1, str(column), _ERRORS.get(code, "#")))
    return found
