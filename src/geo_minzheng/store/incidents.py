"""An incident's footprint and closed roads: histories of which the last entry counts."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import pandas as pd
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from geo_minzheng.errors import NotFoundError, RefusedError
from geo_minzheng.geo import STORE_CRS
from geo_minzheng.model.act import Act
from geo_minzheng.store.audit import Change, record
from geo_minzheng.store.geometry import fit
from geo_minzheng.store.gpkg import note_change
from geo_minzheng.store.tables_flood import Closure, Footprint

_PART = ("depth_m", "area_km2", "note", "coord_source", "source_crs", "source_file")


def write_footprint(session: Session, act: Act, footprint_id: str, frame: pd.DataFrame, *, source: str) -> int:
    """Store the parts of a new footprint of the act's incident; the newest set is the one in force.

    Parameters
    ----------
    frame
        ``geometry`` (CGCS2000) and, where known, ``depth_m`` [m], ``area_km2`` [km2], ``note`` and provenance.
    source
        How it came: ``drawn``, ``imported``, ``raster``.

    Returns
    -------
    The number of parts.

    Raises
    ------
    RefusedError
        ``store.duplicate``: there is a footprint of that id.
    """
    if session.scalar(select(func.count()).where(Footprint.footprint_id == footprint_id)):
        raise RefusedError("store.duplicate", table="footprint", key=footprint_id)
    parts = [_part(row, footprint_id, no, act, source) for no, row in enumerate(_records(frame), start=1)]
    with session.begin_nested():
        if parts:
            session.execute(insert(Footprint), parts)
        note_change(session.connection(), "footprint", act.at)
        after = {"incident": act.incident, "source": source, "parts": [part["geom"] for part in parts]}
        record(session, act, Change("incident.footprint", "footprint", footprint_id, None, after))
    return len(parts)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = [n for n in (*_PART, "geometry") if n in frame]
    rows = zip(*(frame[n].tolist() for n in names), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _part(row: dict[str, Any], footprint_id: str, no: int, act: Act, source: str) -> dict[str, Any]:
    def number(name: str) -> float | None:
        value = row.get(name)
        return None if pd.isna(value) else float(value)

    def words(name: str) -> str:
        value = row.get(name)
        return "" if pd.isna(value) else str(value)

    own = {"footprint_id": footprint_id, "part_no": no, "incident": act.incident, "source": source}
    made = {"who": act.who, "role": act.role, "at": act.at, "geom": fit(row["geometry"], "MULTIPOLYGON")}
    told = {name: words(name) for name in ("note", "coord_source", "source_crs", "source_file")}
    return own | made | told | {"depth_m": number("depth_m"), "area_km2": number("area_km2")}


def read_footprint(session: Session, incident: str, footprint_id: str = "") -> gpd.GeoDataFrame:
    """Read the footprint in force, or the one named: ``geometry``, ``depth_m`` [m], ``area_km2``, provenance.

    Raises
    ------
    NotFoundError
        ``store.no_footprint``.
    """
    query = select(Footprint).where(Footprint.incident == incident).order_by(Footprint.fid)
    rows = list(session.scalars(query))
    wanted = footprint_id or (rows[-1].footprint_id if rows else "")
    parts = [row for row in rows if row.footprint_id == wanted]
    if not parts:
        raise NotFoundError("store.no_footprint", incident=incident)
    names = ("footprint_id", "part_no", "source", *_PART)
    data = {name: [getattr(part, name) for part in parts] for name in names}
    frame = gpd.GeoDataFrame(data, geometry=[part.geom for part in parts], crs=STORE_CRS)
    return frame.astype({"depth_m": "float64", "area_km2": "float64"})


def closed_roads(session: Session, incident: str) -> dict[str, Closure]:
    """Give the road segments closed now, by road id, with the entry that closed each."""
    newest = select(func.max(Closure.fid)).where(Closure.incident == incident).group_by(Closure.road_id)
    rows = session.scalars(select(Closure).where(Closure.fid.in_(newest), Closure.state == "closed"))
    return {row.road_id: row for row in sorted(rows, key=lambda row: row.road_id)}
