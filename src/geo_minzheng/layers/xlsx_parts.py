"""Look at the XML parts of a workbook before it is read: declarations, lost cells, formulas and error values."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from string import ascii_uppercase, digits
from xml.etree import ElementTree as ET

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Limits
from geo_minzheng.layers.doctype import refuse_doctype
from geo_minzheng.layers.transfer import RawFault


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


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


_FAR_COLUMN = re.compile(rb'<(?:\w+:)?c\b[^>]*?\sr="([A-Z]{3,}\d+|(?:S[G-Z]|[T-Z][A-Z])\d+)"[^>]*(?<!/)>(?!</)')
_FAR_ROW = re.compile(rb'<(?:\w+:)?c\b[^>]*?\sr="([A-Z]+[1-9]\d{5,})"[^>]*(?<!/)>(?!</)')
WIDEST = 500
_FEW_CELLS = 20
_MACROS = re.compile(r"(^|/)vbaproject\.bin$|^xl/macrosheets/")


def _check_extent(xml: bytes, sheet: str, limits: Limits) -> None:
    """Refuse cells with content beyond the limits before a reader lays out the whole block up to them."""
    wide = [m.group(1).decode() for m in islice(_FAR_COLUMN.finditer(xml), _FEW_CELLS + 1)]
    rows = (m.group(1).decode() for m in _FAR_ROW.finditer(xml))
    deep = list(islice((r for r in rows if int(r.lstrip(ascii_uppercase)) > limits.features), _FEW_CELLS + 1))
    if 0 < len(wide) + len(deep) <= _FEW_CELLS:
        raise InputError("layers.stray_cell", sheet=sheet, cell="、".join(dict.fromkeys(wide + deep)))
    if deep:
        raise InputError("layers.too_many_rows", limit=limits.features)
    if wide:
        count = max(_column_number(cell.rstrip(digits)) for cell in wide)
        raise InputError("layers.too_many_columns", count=count, limit=WIDEST)


def special_sheets(path: Path, limits: Limits) -> dict[str, bytes]:
    """Scan every XML part for declarations and lost cells; return, by name, the sheets with formulas or error values.

    Raises
    ------
    InputError
        ``layers.xml_dtd``, ``layers.file_broken``, ``layers.workbook_macros`` (under a name without), or a cell so far
        out that no reader could hold what lies between:
        ``layers.stray_cell``, ``layers.too_many_rows``, ``layers.too_many_columns``.
    """
    with zipfile.ZipFile(path) as archive:
        names = {i.filename.lower(): i.filename for i in archive.infolist()}
        if path.suffix.lower() == ".xlsx" and any(_MACROS.search(name) for name in names):
            raise InputError("layers.workbook_macros")
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
            _check_extent(xml, sheet.get("name", ""), limits)
            if _NOT_PLAIN.search(xml):
                found[sheet.get("name", "")] = xml
        return found


def formula_faults(xml: bytes) -> list[RawFault]:
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
            elif "f" in parts and not parts.get("v") and "is" not in parts and cell.get("t") != "str":
                faults.append(RawFault("formula_without_value", *at, "=" + parts["f"][:60]))
        cell.clear()
    return faults
