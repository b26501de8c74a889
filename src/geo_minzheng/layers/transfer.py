"""Carry raw sheets from the limited worker to the caller: Arrow files and JSON, never a pickle."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc

from geo_minzheng.errors import InputError

Cells = list[str | None]


@dataclass(frozen=True)
class RawFault:
    """What the reader itself found wrong at one place, in the reader's own words."""

    code: str
    row: int | None = None
    column: str = ""
    value: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RawSheet:
    """One sheet or layer as it stands in the file, every cell as text.

    Parameters
    ----------
    name
        Sheet or layer name; empty where the format has none.
    headings
        Column headings of a feature layer; empty for a grid, whose headings are still among its rows.
    columns
        Cells by column, ``None`` where empty, each of length n.
    rows
        Row as the person counts it (1 = first line or first feature), length n.
    wkb
        Geometry by row (x first), or ``None`` for a grid.
    crs
        What the file says of its system: ``"EPSG:4326"``, WKT, or empty.
    faults
        Cells and features that could not be read.
    notes
        What the reader had to decide, e.g. ``encoding``.
    """

    name: str
    headings: tuple[str, ...]
    columns: tuple[Cells, ...]
    rows: tuple[int, ...]
    wkb: tuple[bytes | None, ...] | None = None
    crs: str = ""
    faults: tuple[RawFault, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_grid(self) -> bool:
        """Whether the headings are still among the rows."""
        return self.wkb is None and not self.headings


def plain_text(value: object) -> str | None:
    """Write one foreign value as text: whole numbers without a point, dates in ISO, nothing as ``None``."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):
            return "nan"
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    text = value if isinstance(value, str) else str(value)
    return text if text.strip() else None


def _readable(cells: Cells) -> Cells:
    """Replace half surrogates, which no file can carry, by the sign for unreadable; the row is refused by it."""
    return [None if c is None else c.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for c in cells]


def _text_array(cells: Cells) -> Any:
    try:
        return pa.array(cells, pa.large_string())
    except UnicodeEncodeError:
        return pa.array(_readable(cells), pa.large_string())


def save_sheets(folder: Path, sheets: list[RawSheet]) -> None:
    """Write sheets as ``sheet<i>.arrow`` and ``sheets.json``."""
    heads = []
    for i, sheet in enumerate(sheets):
        arrays: dict[str, Any] = {"row": pa.array(sheet.rows, pa.int64())}
        arrays |= {f"c{j}": _text_array(cells) for j, cells in enumerate(sheet.columns)}
        if sheet.wkb is not None:
            arrays["wkb"] = pa.array(sheet.wkb, pa.large_binary())
        table = pa.table(arrays)
        with ipc.new_file(str(folder / f"sheet{i}.arrow"), table.schema) as writer:
            writer.write_table(table)
        faults = [[f.code, f.row, f.column, f.value, dict(f.facts)] for f in sheet.faults]
        heads.append(
            {
                "name": sheet.name,
                "headings": sheet.headings,
                "width": len(sheet.columns),
                "crs": sheet.crs,
                "faults": faults,
                "notes": dict(sheet.notes),
            }
        )
    (folder / "sheets.json").write_text(json.dumps(heads, ensure_ascii=False), encoding="utf-8", errors="replace")


def load_sheets(folder: Path) -> list[RawSheet]:
    """Read what :func:`save_sheets` wrote.

    Raises
    ------
    InputError
        ``layers.worker_answer`` if the worker left something else.
    """
    try:
        heads = json.loads((folder / "sheets.json").read_text(encoding="utf-8"))
        sheets = []
        for i, head in enumerate(heads):
            with pa.memory_map(str(folder / f"sheet{i}.arrow")) as source:
                table = ipc.open_file(source).read_all()
            wkb = table.column("wkb").to_pylist() if "wkb" in table.column_names else None
            sheets.append(
                RawSheet(
                    name=head["name"],
                    headings=tuple(head["headings"]),
                    columns=tuple(table.column(f"c{j}").to_pylist() for j in range(head["width"])),
                    rows=tuple(table.column("row").to_pylist()),
                    wkb=tuple(wkb) if wkb is not None else None,
                    crs=head["crs"],
                    faults=tuple(RawFault(*f) for f in head["faults"]),
                    notes=head["notes"],
                )
            )
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise InputError("layers.worker_answer", file="") from error
    return sheets
