"""Read GeoPackage as the SQLite file it is; runs inside the limited worker."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import shapely

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Limits
from geo_minzheng.layers.features import Budget, Rows
from geo_minzheng.layers.transfer import RawFault, RawSheet

_CATALOGUE = ("gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys")
_ENVELOPE = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}


def _gpkg_wkb(blob: Any) -> bytes | None:
    if blob is None:
        return None
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP":
        raise ValueError("GeoPackage header")
    size = _ENVELOPE.get((blob[3] >> 1) & 7)
    if size is None:
        raise ValueError("GeoPackage envelope")
    try:
        built = shapely.force_2d(shapely.from_wkb(blob[8 + size :]))
    except NotImplementedError as error:
        raise ValueError("arcs") from error
    return bytes(shapely.to_wkb(built)) if not built.is_empty else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _gpkg_crs(base: sqlite3.Connection, srs_id: int) -> str:
    query = "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?"
    found = base.execute(query, (srs_id,)).fetchone()
    if found is None or srs_id in (-1, 0):
        return ""
    if str(found[0]).upper() == "EPSG":
        return f"EPSG:{found[1]}"
    return str(found[2]) if found[2] and found[2] != "undefined" else ""


def _gpkg_layer(base: sqlite3.Connection, table: str, budget: Budget) -> RawSheet:
    found = base.execute(
        "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?", (table,)
    ).fetchone()
    geometry, srs_id = found or ("", -1)
    cursor = base.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608  a name from the table list, quoted
    names = [d[0] for d in cursor.description]
    place = names.index(geometry) if geometry in names else -1
    rows = Rows()
    for name in (n for i, n in enumerate(names) if i != place):
        rows.headings[name] = []
    for number, values in enumerate(cursor, 1):
        budget.spend(features=1)
        try:
            wkb = _gpkg_wkb(values[place]) if place >= 0 else None
            budget.spend(vertices=int(shapely.get_num_coordinates(shapely.from_wkb(wkb))) if wkb else 0)
        except (ValueError, shapely.errors.ShapelyError) as error:
            rows.faults.append(RawFault("geometry_malformed", number, facts={"reason": str(error)[:120]}))
            wkb = None
        cells = {n: v for i, (n, v) in enumerate(zip(names, values, strict=True)) if i != place}
        rows.add({n: v if not isinstance(v, bytes) else v.hex()[:60] for n, v in cells.items()}, wkb)
    return rows.sheet(table, _gpkg_crs(base, srs_id))


def _check_pages(base: sqlite3.Connection, path: Path) -> None:
    """Refuse a file with fewer pages than its header counts, and one whose pages do not hang together."""
    pages, size = (int(base.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "page_size"))
    stated = int.from_bytes(path.read_bytes()[28:32], "big")
    if max(pages, stated) * size > path.stat().st_size:
        raise InputError("layers.file_truncated", member=path.name)
    try:
        told = base.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError:
        return  # a check that names functions of the program that wrote it
    if told is not None and told[0] != "ok":
        raise InputError("layers.file_broken", reason=str(told[0])[:80])


def _refuse_computed(base: sqlite3.Connection, table: str) -> None:
    """Refuse columns whose values are no data but SQL of the file's own."""
    for row in base.execute(f"PRAGMA table_xinfo({_quoted(table)})").fetchall():
        if row[6] in (2, 3):
            raise InputError("layers.gpkg_computed", layer=table, column=str(row[1]))


def read_gpkg(path: Path, limits: Limits) -> list[RawSheet]:
    """Read every real table of a GeoPackage; views, virtual tables and triggers are never trusted.

    Raises
    ------
    InputError
        ``layers.gpkg_view`` when a layer is a view or a virtual table, ``layers.gpkg_computed`` when a column is SQL,
        ``layers.file_truncated`` or ``layers.file_broken`` when damaged.
    """
    base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        base.execute("PRAGMA trusted_schema = OFF")
        kinds = dict(base.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'main'").fetchall())
        for name in _CATALOGUE:
            if kinds.get(name) != "table":
                raise InputError("layers.gpkg_view", layer=name)
        query = "SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes') ORDER BY table_name"
        tables = ["" if name is None else str(name) for (name,) in base.execute(query)]
        for table in tables:
            if kinds.get(table) != "table" or table.lower().startswith("sqlite_"):
                raise InputError("layers.gpkg_view", layer=table)
        for table in (*_CATALOGUE, *tables):
            _refuse_computed(base, table)
        _check_pages(base, path)
        budget = Budget(limits)
        return [_gpkg_layer(base, table, budget) for table in tables]
    except sqlite3.Error as error:
        raise InputError("layers.file_broken", reason=str(error)[:120]) from error
    finally:
        base.close()
