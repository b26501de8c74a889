"""Layers as frames: read whole, by box, by division code, by scope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import Select, Table, case, false, func, literal, or_, select, text, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary

from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.geo import STORE_CRS
from geo_minzheng.model.ledger import from_milli
from geo_minzheng.store.cells import read_cells
from geo_minzheng.store.columns import Base
from geo_minzheng.store.geometry import SRID, Geometry, decode_many
from geo_minzheng.store.seal import SEALED, WITHHELD, index_columns, open_cell, ring_of
from geo_minzheng.store.tables_layers import LAYERS, StockLot
from geo_minzheng.store.tables_stock import LotBalance

Box = tuple[float, float, float, float]


def layer_table(name: str) -> tuple[type[Base], Table]:
    """Give the model and the table of a layer.

    Raises
    ------
    NotFoundError
        ``store.no_layer``.
    """
    if name not in LAYERS:
        raise NotFoundError("store.no_layer", layer=name)
    model = LAYERS[name]
    table = model.__table__
    assert isinstance(table, Table)
    return model, table


def read_layer(
    session: Session,
    name: str,
    *,
    bounds: Box | None = None,
    codes: Collection[str] | None = None,
    scope: str = "",
    opened: bool = False,
) -> gpd.GeoDataFrame | pd.DataFrame:
    """Read a layer, ordered by its business key: a GeoDataFrame in CGCS2000, or a DataFrame for a table.

    Columns: those of the catalogue, ``geometry``, ``coord_source``, ``source_crs``, ``source_file``, ``imported_at``.
    Whole numbers are int64 (float64 where cells are empty), dates datetime64[s], text the string dtype, missing NaN.
    ``stock_lot.quantity`` is what the lot holds now by the ledger. Sealed columns read ``***``: most work needs no
    names, and none of it stops when the keys are away.

    Parameters
    ----------
    bounds
        ``(minx, miny, maxx, maxy)`` [deg]: rows whose box touches it, found through the spatial index.
    codes
        Division codes: rows of exactly these villages (``village_code``, else ``code``).
    scope
        Division-code prefix: rows below it.
    opened
        Open the sealed columns with the district's keys; what is shown of them is the caller's duty.

    Raises
    ------
    NotFoundError
        ``store.no_layer``.
    StoreError
        ``keys.missing``, ``keys.wrong`` and others of :mod:`geo_minzheng.store.seal`, only where ``opened``.
    InputError
        ``store.no_geometry`` or ``store.no_division``: the layer cannot be narrowed that way.
    """
    model, table = layer_table(name)
    query = select(*selected(table, session, opened=opened))
    if bounds is not None:
        query = _within(query, table, bounds, session)
    if codes is not None or scope:
        query = _of_division(query, table, codes, scope)
    rows = session.execute(query).all()
    frame = _frame(table, rows, session)
    if opened and name in SEALED:
        _open(session, name, model.KEY[0], frame)
    if bounds is not None:
        box = frame.geometry.bounds
        touches = (box.minx <= bounds[2]) & (box.maxx >= bounds[0]) & (box.miny <= bounds[3]) & (box.maxy >= bounds[1])
        frame = frame[touches]
    if name == "stock_lot":
        _put_balances(session, frame)
    return frame.sort_values(list(model.KEY), kind="stable", ignore_index=True)


def count_rows(session: Session, name: str, *, coord_source: str = "") -> int:
    """Count the rows of a layer, or those of one origin such as ``synthetic``, without reading any of them [1].

    Raises
    ------
    NotFoundError
        ``store.no_layer``.
    """
    _, table = layer_table(name)
    query = select(func.count()).select_from(table)
    if coord_source:
        query = query.where(table.columns["coord_source"] == coord_source)
    return int(session.scalar(query) or 0)


def divisions_on(session: Session, day: date) -> pd.DataFrame:
    """Read the division codes in force on a day: from ``valid_from`` up to, not including, ``valid_to``."""
    frame = read_layer(session, "division")
    moment = pd.Timestamp(day)
    in_force = (frame.valid_from <= moment) & (frame.valid_to.isna() | (moment < frame.valid_to))
    return frame[in_force].reset_index(drop=True)


def selected(table: Table, session: Session, *, opened: bool = False) -> list[Any]:
    """Select raw geometry: a column of shapes is decoded at once, not cell by cell; sealed cells stay in the store."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    columns: list[Any] = []
    for column in _shown(table):
        if column.name in SEALED.get(table.name, ()) and not opened:
            columns.append(case((column.is_not(None), literal(WITHHELD))).label(column.name))
        elif isinstance(column.type, Geometry):
            raw = type_coerce(column, LargeBinary()) if is_sqlite else func.ST_AsBinary(column, type_=LargeBinary())
            columns.append(raw.label(column.name))
        else:
            columns.append(column)
    return columns


def _shown(table: Table) -> list[Any]:
    """List the columns of a layer that its readers know: neither the row number nor a blind index."""
    return [c for c in table.columns if c.name != "fid" and c.name not in index_columns(table.name)]


def _open(session: Session, name: str, key: str, frame: pd.DataFrame) -> None:
    ring = ring_of(session) if len(frame) else None
    if ring is None:
        return
    keys = frame[key].tolist()
    for column in SEALED[name]:
        cells = zip(keys, frame[column].tolist(), frame[column].notna().tolist(), strict=True)
        told = [open_cell(ring, name, column, of, cell) if there else None for of, cell, there in cells]
        frame[column] = pd.Series(told, dtype="str", index=frame.index)


def _within(query: Select[Any], table: Table, bounds: Box, session: Session) -> Select[Any]:
    if "geom" not in table.columns:
        raise InputError("store.no_geometry", layer=table.name)
    minx, miny, maxx, maxy = bounds
    box = {"minx": minx, "miny": miny, "maxx": maxx, "maxy": maxy}
    if session.get_bind().dialect.name == "sqlite":
        found = text(
            f"{table.name}.fid IN (SELECT id FROM rtree_{table.name}_geom "  # noqa: S608  (name from the register)
            "WHERE maxx >= :minx AND minx <= :maxx AND maxy >= :miny AND miny <= :maxy)"
        )
    else:
        found = text(f"{table.name}.geom && ST_MakeEnvelope(:minx, :miny, :maxx, :maxy, {SRID})")
    return query.where(found.bindparams(**box))


def _of_division(query: Select[Any], table: Table, codes: Collection[str] | None, scope: str) -> Select[Any]:
    name = next((n for n in ("village_code", "code") if n in table.columns), None)
    if name is None:
        raise InputError("store.no_division", layer=table.name)
    column = table.columns[name]
    if codes is not None:
        parts = sorted(set(codes))
        # SQLite binds at most 32 766 values in one statement and 1 000 terms in one expression.
        query = query.where(or_(false(), *(column.in_(parts[i : i + 500]) for i in range(0, len(parts), 500))))
    return query.where(column.startswith(scope, autoescape=True)) if scope else query


def _frame(table: Table, rows: Sequence[Any], session: Session) -> Any:
    names = [c.name for c in _shown(table)]
    cells: dict[str, Any] = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    data = {n: read_cells(cells[n], table.columns[n]) for n in names if n != "geom"}
    if "geom" not in names:
        return pd.DataFrame(data)
    shapes = decode_many(cells["geom"], session.get_bind().dialect.name)
    return gpd.GeoDataFrame(data, geometry=shapes, crs=STORE_CRS)


def _put_balances(session: Session, frame: pd.DataFrame) -> None:
    query = select(StockLot.warehouse_id, StockLot.lot_no, LotBalance.quantity_milli)
    held = {
        (warehouse, lot): from_milli(milli)
        for warehouse, lot, milli in session.execute(
            query.join(LotBalance, LotBalance.lot_fid == StockLot.fid)
        ).tuples()
    }
    keys = zip(frame["warehouse_id"], frame["lot_no"], strict=True)
    frame["quantity"] = pd.array([held[key] for key in keys], dtype="float64")
