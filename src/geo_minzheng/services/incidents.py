"""Incidents and their footprints: declared, drawn or imported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import water_parts
from geo_minzheng.errors import InputError, RefusedError
from geo_minzheng.layers.footprint import read_footprint
from geo_minzheng.layers.raster import read_raster
from geo_minzheng.model.incident import Incident
from geo_minzheng.services import imports, places, settings_of
from geo_minzheng.store import incidents as incident_store
from geo_minzheng.store import records
from geo_minzheng.store.tables_flood import Footprint
from geo_minzheng.store.tables_flood import Incident as IncidentRow

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import geopandas as gpd
    from sqlalchemy.orm import Session

    from geo_minzheng.layers.options import ReadOptions
    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text

FAR_KM = 20.0
RASTERS = (".tif", ".tiff", ".asc")


@dataclass(frozen=True)
class Declaration:
    """What is known when an incident is declared; the id is made when none is given."""

    name: str
    hazard: str
    occurred_at: datetime
    subtype: str = ""
    exercise: bool = False
    incident_id: str = ""
    note: str = ""


def declare_incident(session: Session, act: Act, policy: Policy, told: Declaration) -> Incident:
    """Declare a disaster process 灾害过程.

    Raises
    ------
    InputError
        ``incident.unknown_hazard``, ``incident.unknown_subtype``, ``incident.in_future``, ``incident.no_name``.
    RefusedError
        ``store.duplicate``: the id is taken.
    """
    if not told.name.strip():
        raise InputError("incident.no_name")
    if told.hazard not in policy.hazards:
        raise InputError("incident.unknown_hazard", hazard=told.hazard, allowed=sorted(policy.hazards))
    subtype = policy.subtypes.get(told.subtype)
    if told.subtype and (subtype is None or subtype.hazard != told.hazard):
        allowed = sorted(s.subtype for s in policy.subtypes.values() if s.hazard == told.hazard)
        raise InputError("incident.unknown_subtype", subtype=told.subtype, hazard=told.hazard, allowed=allowed)
    if told.occurred_at > act.at:
        raise InputError("incident.in_future", at=told.occurred_at.isoformat(), now=act.at.isoformat())
    number = len(records.find(session, IncidentRow)) + 1
    row = IncidentRow(
        incident_id=told.incident_id or f"{act.at:%Y%m%d}-{number:02d}",
        name=told.name.strip(),
        hazard=told.hazard,
        subtype=told.subtype,
        occurred_at=told.occurred_at,
        exercise=told.exercise,
        note=told.note,
    )
    act = replace(act, incident=row.incident_id, exercise=told.exercise)
    records.add(session, act, "incident.declare", row)
    return _incident(row)


def _incident(row: IncidentRow) -> Incident:
    return Incident(row.incident_id, row.name, row.hazard, row.subtype, row.occurred_at, row.exercise)


def get_incident(session: Session, incident: str) -> Incident:
    """Look an incident up.

    Raises
    ------
    NotFoundError
        ``store.not_found``.
    """
    return _incident(records.one(session, IncidentRow, incident_id=incident))


def list_incidents(session: Session) -> list[Incident]:
    """List the incidents, newest first."""
    return [_incident(row) for row in reversed(records.find(session, IncidentRow))]


def add_footprint_file(
    session: Session, act: Act, policy: Policy, incident: str, path: Path, options: ReadOptions
) -> dict[str, Any]:
    """Store a footprint from a file: polygons, or a depth raster cut into depth classes.

    Returns
    -------
    ``polygons, duplicates, repaired, area_km2``: the area is counted once, in the district's metres; ``footprint``, its
    id; ``faults``, what was mended; ``nearest``, the village it comes nearest to.
    """
    box = settings_of.read(session, "box")
    options = replace(options, box=tuple(box) if box else None)
    if path.suffix.lower() in RASTERS:
        raster = read_raster(path, options)
        edges = _depth_edges(policy, get_incident(session, incident).hazard)
        frame = water_parts.from_raster(raster.array, raster.affine, raster.crs, edges)
        told = add_footprint(session, act, incident, frame, source=path.name)
        return told | {"duplicates": 0, "repaired": 0, "faults": ()}
    read = read_footprint(path, options)
    return add_footprint(session, act, incident, read.frame, source=path.name) | read.stats | {"faults": read.faults}


def _depth_edges(policy: Policy, hazard: str) -> list[float]:
    """List every depth at which some rule of the policy changes its mind [m]."""
    rules = policy.impact_assumptions(hazard)
    limits = [d.from_m for d in rules.displaced] + [d.from_m for d in rules.damage]
    return limits + [v.passable_depth_m for v in policy.vehicles.values()]


def add_drawn_footprint(session: Session, act: Act, incident: str, drawn: dict[str, Any]) -> dict[str, Any]:
    """Store a footprint drawn on the map (GeoJSON in WGS-84).

    Raises
    ------
    InputError
        ``incident.not_drawn``: nothing with an area was drawn.
    """
    frame = water_parts.from_geojson(drawn)
    if frame.empty:
        raise InputError("incident.not_drawn")
    return add_footprint(session, act, incident, frame, source="drawn")


def add_footprint(session: Session, act: Act, incident: str, frame: gpd.GeoDataFrame, *, source: str) -> dict[str, Any]:
    """Store a footprint; it replaces the one before as the incident's present footprint, which stays on record.

    Parameters
    ----------
    frame
        Polygons in CGCS2000, optionally ``depth_m``.

    Raises
    ------
    RefusedError
        ``incident.closed``.
    """
    row = records.one(session, IncidentRow, incident_id=incident)
    if row.state == "closed":
        raise RefusedError("incident.closed", incident=incident)
    metres = frame.to_crs(settings_of.require(session, "metres"))
    area = water_parts.covered_km2(metres)
    number = len({f.footprint_id for f in records.find(session, Footprint, incident=incident)}) + 1
    footprint_id = f"{incident}/F{number}"
    act = replace(act, incident=incident, exercise=row.exercise)
    parts = frame.assign(area_km2=area)
    incident_store.write_footprint(session, act, footprint_id, parts, source=source)
    return {
        "footprint": footprint_id, "polygons": len(frame), "area_km2": area,
        "nearest": nearest_village(session, metres),
    }  # fmt: skip


def nearest_village(session: Session, footprint: gpd.GeoDataFrame) -> dict[str, Any]:
    """Give the village that a footprint in metres comes nearest to: ``village, name, km`` (0 inside)."""
    villages = places.in_metres(session, "village")
    code, km = water_parts.nearest(footprint, villages)
    names = dict(zip(villages["code"].astype(str), villages["name"].astype(str), strict=True))
    return {"village": code, "name": names.get(code, ""), "km": km if code else None}


def miss_line(nearest: dict[str, Any], text: Text) -> str:
    """Say that a footprint touches nobody, and how far it is from the nearest village."""
    if nearest["km"] is None:
        return text("incident.hits_nothing")
    return text("incident.hits_nothing_near", name=nearest["name"], km=text.number(nearest["km"], digits=1))


def footprint_notes(told: dict[str, Any], text: Text) -> list[str]:
    """Write what was mended in a stored footprint, and whether it misses every village by far."""
    lines = [imports.fault_sentence(fault, text) for fault in told.get("faults", ())]
    if (told["nearest"]["km"] or 0) > FAR_KM:
        lines.append(text("incident.footprint_far", **told["nearest"]))
    return lines


def footprint_of(session: Session, incident: str) -> tuple[str, gpd.GeoDataFrame]:
    """Give the id and the parts of the present footprint, in the district's metres; empty when there is none."""
    rows = records.find(session, Footprint, incident=incident)
    latest = rows[-1].footprint_id if rows else ""
    kept = [row for row in rows if row.footprint_id == latest]
    frame = water_parts.as_frame([row.geom for row in kept if row.geom is not None], [row.depth_m for row in kept])
    return latest, frame.to_crs(settings_of.require(session, "metres"))


def declared(session: Session, incident: str) -> dict[str, Any]:
    """Describe an incident for machines and pages."""
    row = records.one(session, IncidentRow, incident_id=incident)
    footprint, _ = footprint_of(session, incident)
    return {
        "incident": row.incident_id, "name": row.name, "hazard": row.hazard, "subtype": row.subtype,
        "occurred_at": row.occurred_at.isoformat(), "state": row.state, "exercise": row.exercise,
        "footprint": footprint, "synthetic": places.has_synthetic(session, "village"),
    }  # fmt: skip
