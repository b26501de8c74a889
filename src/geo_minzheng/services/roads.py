"""Roads on the night: what the water cuts, what people closed, who is cut off, and which bridges matter."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents, map_layers, road_layer
from geo_minzheng.engine import network as roads_engine
from geo_minzheng.errors import InputError
from geo_minzheng.services import incidents, places
from geo_minzheng.store import records
from geo_minzheng.store.scope import whole
from geo_minzheng.store.tables_flood import Closure

if TYPE_CHECKING:
    from collections.abc import Hashable

    import geopandas as gpd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy, VehicleClass


# How far from a road a click may be and still mean it [m]: a finger's width at the district's scale.
CLICK_M = 250.0


@dataclass(frozen=True, eq=False)
class RoadState:
    """What is open tonight for one vehicle class.

    Parameters
    ----------
    flooded
        Cut by water: ``road_id, wet_m, depth_m, geometry``.
    declared
        Closed by people, by road id with the reason.
    closed
        All of them and the roads too weak for the vehicle, as the engine takes them.
    """

    ways: places.Ways
    vehicle: VehicleClass
    flooded: gpd.GeoDataFrame
    declared: dict[str, str]
    opened: frozenset[str]
    closed: list[Hashable]


def vehicle_of(policy: Policy, vehicle: str = "") -> VehicleClass:
    """Choose the vehicle class a plan is made for; the first of the policy's list when none is named.

    Raises
    ------
    InputError
        ``road.unknown_vehicle``.
    """
    name = vehicle or next(iter(policy.vehicles))
    if name not in policy.vehicles:
        raise InputError("road.unknown_vehicle", vehicle=name, allowed=sorted(policy.vehicles))
    return policy.vehicles[name]


def road_state(session: Session, policy: Policy, incident: str, *, vehicle: str = "") -> RoadState:
    """Tell what is open: water by depth and vehicle class, closures by people, bridges by load limit.

    A road somebody reported open again on the spot is open even where the footprint says water.
    """
    kind = vehicle_of(policy, vehicle)
    ways = places.ways(session, policy)
    _, footprint = incidents.footprint_of(session, incident)
    flooded = roads_engine.cut_by_flood(ways.roads, footprint, passable_depth_m=kind.passable_depth_m)
    states = latest_closures(session, incident)
    declared = {road: row.reason for road, row in states.items() if row.state == "closed"}
    opened = frozenset(road for road, row in states.items() if row.state == "open")
    cut = {*flooded["road_id"].astype(str), *declared, *road_layer.too_weak(ways.roads, kind.gross_t)} - opened
    return RoadState(ways, kind, flooded, declared, opened, road_layer.known_roads(ways.roads, cut))


def latest_closures(session: Session, incident: str) -> dict[str, Closure]:
    """Give the last word on every road somebody reported in the incident."""
    return {row.road_id: row for row in records.find(session, Closure, incident=incident)}


def close_road(session: Session, act: Act, incident: str, road: str, *, reason: str, source: str = "") -> None:
    """Report a road as cut.

    Raises
    ------
    InputError
        ``road.unknown_road``, ``road.no_reason``.
    """
    _set(session, act, incident, road, "closed", reason=reason, source=source)


def open_road(session: Session, act: Act, incident: str, road: str, *, reason: str, source: str = "") -> None:
    """Report a road as open again.

    Raises
    ------
    InputError
        ``road.unknown_road``, ``road.no_reason``.
    """
    _set(session, act, incident, road, "open", reason=reason, source=source)


def _set(session: Session, act: Act, incident: str, road: str, state: str, *, reason: str, source: str) -> None:
    found = incidents.get_incident(session, incident)
    if road not in set(places.table(session, "road")["road_id"].astype(str)):
        raise InputError("road.unknown_road", road=road)
    if not reason.strip():
        raise InputError("road.no_reason", road=road)
    row = Closure(
        incident=incident, road_id=road, state=state, reason=reason.strip(), source=source, exercise=found.exercise
    )
    records.add(session, replace(act, incident=incident, exercise=found.exercise), f"road.{state}", row)


def isolated_villages(session: Session, state: RoadState) -> list[str]:
    """List the villages no warehouse reaches any more."""
    villages = places.require_metres(session, "village")
    with whole(session):
        warehouses = places.require_metres(session, "warehouse")
    lost = roads_engine.isolated(state.ways.network, warehouses.geometry, villages.geometry, state.closed)
    return [str(code) for code in villages["code"][lost]]


def critical_structures(session: Session, policy: Policy) -> list[dict[str, Any]]:
    """List the bridges and roads whose loss alone would cut a village off from every warehouse, before the storm."""
    ways = places.ways(session, policy)
    villages = places.require_metres(session, "village").set_index("code")
    warehouses = places.require_metres(session, "warehouse")
    names = villages["name"].to_dict()
    found = roads_engine.isolating(ways.network, warehouses.geometry, villages.geometry)
    road_names = places.table(session, "road").set_index("road_id")["name"].to_dict()
    return [
        {
            "structure": str(s.structure), "roads": [str(r) for r in s.road_ids], "is_bridge": s.is_bridge,
            "name": next((str(road_names[r]) for r in s.road_ids if isinstance(road_names.get(r), str)), ""),
            "villages": [{"code": str(c), "name": names[c]} for c in s.places],
        }
        for s in found
    ]  # fmt: skip


def describe(session: Session, policy: Policy, incident: str, *, vehicle: str = "") -> dict[str, Any]:
    """Describe the roads of the night: flooded, closed by people, who is cut off."""
    incidents.get_incident(session, incident)
    state = road_state(session, policy, incident, vehicle=vehicle)
    return {
        "vehicle": state.vehicle.vehicle,
        "flooded": [str(road) for road in state.flooded["road_id"]],
        "declared": state.declared,
        "opened": sorted(state.opened),
        "closed": [str(road) for road in state.closed],
        "isolated": isolated_villages(session, state),
    }


def road_at(session: Session, policy: Policy, lon: float, lat: float) -> str:
    """Find the road somebody clicked on the map; empty where no road is near."""
    return map_layers.nearest(places.ways(session, policy).roads, "road_id", lon, lat, within_m=CLICK_M)


def road_names(session: Session) -> dict[str, str]:
    """Map road ids to names; a road without a name has an empty one."""
    frame = places.table(session, "road")
    return {str(r): documents.words(n) for r, n in zip(frame["road_id"], frame["name"], strict=True)}


def closed_list(session: Session, policy: Policy, incident: str, *, vehicle: str = "") -> list[dict[str, Any]]:
    """List what is closed tonight: reported by people first, then cut by water, the deepest first.

    Returns
    -------
    ``road, name, cause`` (``declared``, ``flooded``, ``weak``), ``reason, source, who, at, depth_m, length_m``.
    """
    state = road_state(session, policy, incident, vehicle=vehicle)
    reports = latest_closures(session, incident)
    names = road_names(session)
    water = {str(r["road_id"]): r for r in documents.rows(state.flooded, ["road_id", "wet_m", "depth_m"])}
    found = []
    for road in map(str, state.closed):
        told, wet = reports.get(road) if road in state.declared else None, water.get(road, {})
        cause = "declared" if told else "flooded" if wet else "weak"
        found.append(
            {
                "road": road, "name": names.get(road, ""), "cause": cause, "reason": told.reason if told else "",
                "source": told.source if told else "", "who": told.who if told else "",
                "at": told.at.isoformat() if told else "", "depth_m": wet.get("depth_m"), "wet_m": wet.get("wet_m"),
            }
        )  # fmt: skip
    order = ("declared", "flooded", "weak")
    return sorted(found, key=lambda r: (order.index(r["cause"]), -(r["depth_m"] or 0.0), r["road"]))
