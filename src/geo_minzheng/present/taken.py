"""A table taken along from a page: the rows as shown, with where they come from, as a workbook, CSV or geodata."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import shapely

from geo_minzheng import geo
from geo_minzheng.errors import InputError
from geo_minzheng.present import write
from geo_minzheng.present.tables import project
from geo_minzheng.present.tables_geo import gpkg_bytes

_NO_FILE_NAME = re.compile(r"[^\w\u4e00-\u9fff-]+")
_WIDEST, _NARROWEST = 48, 9
_LOOKED_AT = 300


@dataclass(frozen=True, eq=False)
class TakenTable:
    """A table as a page shows it.

    Parameters
    ----------
    title
        Name of the page and of the table.
    rows
        Cells by heading, units in the heading; every row has the same headings.
    facts
        Where and when the rows hold, one sentence each: district, incident, data time, synthetic data.
    shapes
        Place of each row, CGCS2000, ``None`` where a row has none; empty where rows have no place.
    """

    title: str
    rows: Sequence[Mapping[str, Any]]
    facts: Sequence[str] = ()
    shapes: Sequence[Any] = ()


def file_name(title: str, moment: datetime, ending: str) -> str:
    """Name the file by the page, the table and the time of the data."""
    words = _NO_FILE_NAME.sub("_", write.printable(title)).strip("_")[:60]
    return f"{words}_{moment:%Y%m%d_%H%M}.{ending}"


def table_bytes(taken: TakenTable, ending: str) -> bytes:
    """Write a table in the format of a file ending: ``xlsx csv gpkg geojson``; the same table gives the same bytes.

    Raises
    ------
    InputError
        ``tables.format_unknown``.
    """
    writers: dict[str, Callable[[TakenTable], bytes]] = {
        "xlsx": _xlsx, "csv": _csv, "gpkg": _gpkg, "geojson": _geojson,
    }  # fmt: skip
    if ending not in writers:
        raise InputError("tables.format_unknown", file=f"*.{ending}", allowed=" ".join(sorted(writers)))
    return writers[ending](taken)


def _heads(taken: TakenTable) -> list[str]:
    return list(taken.rows[0]) if taken.rows else []


def _columns(taken: TakenTable) -> tuple[write.SheetColumn, ...]:
    def width(head: str) -> float:
        longest = max((_wide(str(row[head])) for row in taken.rows[:_LOOKED_AT] if row[head] is not None), default=0)
        return float(min(_WIDEST, max(_NARROWEST, _wide(head) + 2, longest + 2)))

    return tuple(write.SheetColumn(head, head, width(head)) for head in _heads(taken))


def _wide(words: str) -> int:
    return sum(1 if c.isascii() else 2 for c in words)


def _xlsx(taken: TakenTable) -> bytes:
    sheet = write.SheetSpec(
        _NO_FILE_NAME.sub(" ", taken.title), _columns(taken), taken.rows, head=(taken.title, *taken.facts)
    )
    return write.workbook_bytes([sheet])


def _csv(taken: TakenTable) -> bytes:
    """Headings stay the first line, so that programs read the file; what the rows hold for stands below them."""
    return write.csv_bytes(taken.rows, _columns(taken), foot=(taken.title, *taken.facts))


def _fields(taken: TakenTable) -> dict[str, list[Any]]:
    """Lay the cells out by column; headings that a database would take for the same are numbered."""
    fields: dict[str, list[Any]] = {}
    for head in _heads(taken):
        name, known = str(write.neutralise(head)), {f.lower() for f in (*fields, "fid", "geom")}
        number = 2
        while name.lower() in known:
            name, number = f"{write.neutralise(head)}_{number}", number + 1
        fields[name] = [_plain(row[head]) for row in taken.rows]
    return fields


def _plain(value: Any) -> Any:
    safe = write.neutralise(value)
    if isinstance(safe, date):
        return safe.isoformat()
    return int(safe) if isinstance(safe, bool) else safe


def _shapes(taken: TakenTable) -> Any:
    """Give one place a row, rounded to a tenth of a metre; ``None`` stays ``None``."""
    given = np.array([*taken.shapes, None], dtype=object)[:-1]
    there = np.array([s is not None and not s.is_empty for s in given], dtype=bool)
    shapes = np.full(len(given), None, dtype=object)
    shapes[there] = project(given[there], geo.STORE_CRS, 6)
    return shapes


def _gpkg(taken: TakenTable) -> bytes:
    facts = "\n".join((taken.title, *taken.facts))
    name = _NO_FILE_NAME.sub("_", taken.title)
    return gpkg_bytes(name, _fields(taken), _shapes(taken), geo.STORE_CRS, description=facts)


def _geojson(taken: TakenTable) -> bytes:
    fields = _fields(taken)
    lines = []
    for k, shape in enumerate(_shapes(taken)):
        place = None if shape is None else json.loads(shapely.to_geojson(shape))
        feature = {"type": "Feature", "properties": {n: cells[k] for n, cells in fields.items()}, "geometry": place}
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    head = json.dumps({"name": taken.title, "notes": list(taken.facts)}, ensure_ascii=False)[1:-1]
    body = ",\n".join(lines)
    return f'{{"type":"FeatureCollection",{head},"features":[\n{body}\n]}}\n'.encode()
