"""Write the two binary geodata formats byte for byte: ESRI shapefile (1998) and OGC GeoPackage 1.3."""

from __future__ import annotations

import sqlite3
import struct
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from pyproj import CRS

_POINT, _POLYLINE, _POLYGON = 1, 3, 5
_LONG_AGO = "1980-01-01T00:00:00.000Z"


def shapefile_parts(fields: Mapping[str, Sequence[Any]], shapes: Any, crs: str, encoding: str) -> dict[str, bytes]:
    """Build the parts of a shapefile by suffix: ``.shp .shx .dbf .prj .cpg``.

    Parameters
    ----------
    fields
        Cells by field name of at most ten bytes, each of length n.
    shapes
        Points, (multi)lines or (multi)polygons, one kind, shape (n,).
    """
    kind = _POINT if shapes[0].geom_type == "Point" else _POLYGON if "Polygon" in shapes[0].geom_type else _POLYLINE
    if kind == _POLYGON:
        shapes = shapely.orient_polygons(shapes, exterior_cw=True)
    records = [_record(kind, s) for s in shapes]
    box = shapely.total_bounds(shapes)
    shp, shx, offset = [], [], 50
    for number, body in enumerate(records, 1):
        head = struct.pack(">ii", number, len(body) // 2)
        shp.append(head + body)
        shx.append(struct.pack(">ii", offset, len(body) // 2))
        offset += 4 + len(body) // 2
    return {
        ".shp": _header(kind, offset, box) + b"".join(shp),
        ".shx": _header(kind, 50 + 4 * len(records), box) + b"".join(shx),
        ".dbf": _dbf(fields, encoding, len(records)),
        ".prj": CRS.from_user_input(crs).to_wkt("WKT1_ESRI").encode("ascii"),
        ".cpg": encoding.upper().encode("ascii"),
    }


def _header(kind: int, words: int, box: Any) -> bytes:
    return struct.pack(">i20xi", 9994, words) + struct.pack("<ii8d", 1000, kind, *box, 0, 0, 0, 0)


def _record(kind: int, shape: Any) -> bytes:
    if kind == _POINT:
        return struct.pack("<idd", kind, shape.x, shape.y)
    parts = shapely.get_parts(shape)
    rings = [r for p in parts for r in (p.exterior, *p.interiors)] if kind == _POLYGON else list(parts)
    xy = [shapely.get_coordinates(r) for r in rings]
    starts = np.cumsum([0, *(len(c) for c in xy[:-1])]).astype("<i4")
    body = np.vstack(xy).astype("<f8")
    return struct.pack("<i4dii", kind, *shape.bounds, len(xy), len(body)) + starts.tobytes() + body.tobytes()


def _dbf(fields: Mapping[str, Sequence[Any]], encoding: str, count: int) -> bytes:
    columns = [_dbf_column(cells, encoding) for cells in fields.values()]
    heads = []
    for name, (mark, width, decimals, _) in zip(fields, columns, strict=True):
        heads.append(struct.pack("<11sc4xBB14x", name.encode(encoding), mark, width, decimals))
    size = 1 + sum(c[1] for c in columns)
    start = struct.pack("<B3BIHH17xB2x", 3, 80, 1, 1, count, 33 + 32 * len(columns), size, 0x4D)
    rows = [b" " + b"".join(cells) for cells in zip(*(c[3] for c in columns), strict=True)]
    return start + b"".join(heads) + b"\r" + b"".join(rows) + b"\x1a"


def _dbf_column(cells: Sequence[Any], encoding: str) -> tuple[bytes, int, int, list[bytes]]:
    present = [c for c in cells if c is not None]
    if present and all(isinstance(c, date) for c in present):
        return b"D", 8, 0, [(c.strftime("%Y%m%d") if c else " " * 8).encode() for c in cells]
    if present and all(isinstance(c, int | float) for c in present):
        decimals = 0 if all(isinstance(c, int) for c in present) else 2
        texts = ["" if c is None else f"{c:.{decimals}f}" for c in cells]
        width = max(map(len, texts))
        return b"N", width, decimals, [t.rjust(width).encode() for t in texts]
    raw = [b"" if c is None else str(c).encode(encoding) for c in cells]
    width = max(1, max(map(len, raw), default=1))
    return b"C", width, 0, [r.ljust(width) for r in raw]


def gpkg_bytes(
    name: str, fields: Mapping[str, Sequence[Any]], shapes: Any, crs: str, *, description: str = ""
) -> bytes:
    """Build a GeoPackage with one feature table.

    Parameters
    ----------
    fields
        Cells by column, each of length n.
    shapes
        One kind of geometry, shape (n,); a single one becomes multi where any is multi; ``None`` where a row has none.
    description
        What stands in the list of contents about the table.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one.gpkg"
        base = sqlite3.connect(path)
        try:
            base.execute("PRAGMA page_size = 4096")
            base.execute("PRAGMA application_id = 1196444487")
            base.execute("PRAGMA user_version = 10300")
            with base:
                _tables(base, (name, description), fields, shapes, crs)
        finally:
            base.close()
        return path.read_bytes()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _tables(
    base: sqlite3.Connection, named: tuple[str, str], fields: Mapping[str, Sequence[Any]], shapes: Any, crs: str
) -> None:
    name, description = named
    system = CRS.from_user_input(crs)
    number = system.to_epsg() or 0
    base.execute(
        "CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,"
        " organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL,"
        " description TEXT)"
    )
    base.execute(
        "CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT"
        " UNIQUE, description TEXT DEFAULT '', last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE,"
        " max_y DOUBLE, srs_id INTEGER)"
    )
    base.execute(
        "CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name"
        " TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,"
        " PRIMARY KEY (table_name, column_name))"
    )
    known = [
        ("Undefined cartesian", -1, "NONE", -1, "undefined", None),
        ("Undefined geographic", 0, "NONE", 0, "undefined", None),
        (system.name, number, "EPSG", number, system.to_wkt("WKT1_GDAL"), None),
    ]
    base.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,?,?,?,?)", known)
    there = [s for s in shapes if s is not None]
    kinds = {s.geom_type for s in there}
    multi = any(k.startswith("Multi") for k in kinds)
    kind = max(kinds, key=len).upper() if kinds else "GEOMETRY"
    columns = "".join(f", {_quoted(head)} {_affinity(cells)}" for head, cells in fields.items())
    base.execute(f"CREATE TABLE {_quoted(name)} (fid INTEGER PRIMARY KEY, geom {kind}{columns})")
    box = [float(v) for v in shapely.total_bounds(there)] if there else [None] * 4
    base.execute(
        "INSERT INTO gpkg_contents VALUES (?,?,?,?,?,?,?,?,?,?)",
        (name, "features", name, description, _LONG_AGO, *box, number),
    )
    base.execute("INSERT INTO gpkg_geometry_columns VALUES (?,?,?,?,0,0)", (name, "geom", kind, number))
    marks = ",".join("?" * (len(fields) + 2))
    base.executemany(
        f"INSERT INTO {_quoted(name)} VALUES ({marks})",  # noqa: S608  quoted identifier, bound values
        (
            (k, None if s is None else _blob(s, number, multi), *map(_plain, row))
            for k, (s, row) in enumerate(zip(shapes, _rows(fields), strict=True), 1)
        ),
    )


def _rows(fields: Mapping[str, Sequence[Any]]) -> Iterable[tuple[Any, ...]]:
    return zip(*fields.values(), strict=True)


def _affinity(cells: Sequence[Any]) -> str:
    present = [c for c in cells if c is not None]
    if present and all(isinstance(c, int) for c in present):
        return "INTEGER"
    return "REAL" if present and all(isinstance(c, int | float) for c in present) else "TEXT"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _blob(shape: Any, number: int, multi: bool) -> bytes:
    if multi and not shape.geom_type.startswith("Multi"):
        build: dict[str, Callable[[Any], Any]] = {
            "Polygon": shapely.multipolygons,
            "LineString": shapely.multilinestrings,
            "Point": shapely.multipoints,
        }
        shape = build[shape.geom_type]([shape])
    return b"GP\x00\x01" + struct.pack("<i", number) + bytes(shapely.to_wkb(shape, byte_order=1))
