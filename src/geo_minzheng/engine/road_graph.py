"""Roads become a graph: cut at shared vertices, joined there, bridges kept above what they cross."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo_minzheng.errors import InputError, ManyInputError
from geo_minzheng.model.network import Network

JOIN_M = 0.01
MINUTES_PER_KM = 60.0
SHOWN_FAULTS = 200

_FLAGS = {1: 1, "1": 1, "yes": 1, "true": 1, "是": 1, 0: 0, "0": 0, "no": 0, "false": 0, "否": 0, "": 0}
_AGAINST = {-1: -1, "-1": -1, "reverse": -1}

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def build(roads: gpd.GeoDataFrame, *, access_m: float = 0.0) -> Network:
    """Build the network of the roads.

    Lines are joined where they share a vertex (within 0.01 m), at their ends or along the way; lines that merely
    cross are not. A vertex inside a bridge and a vertex inside a road below it stay apart even at the same place;
    a road that ends on the bridge is joined. Repeated vertices are dropped, lines of several parts taken apart.
    Driving time of an edge: ``minutes = length_m / 1000 / kmh * 60``.

    Parameters
    ----------
    roads
        LineStrings in a metric system with ``road_id`` (the same id on several rows is one road), ``kmh`` [km/h],
        ``oneway`` (yes or no, also in words; along the digitised direction, ``-1`` against it; absent or empty: both
        ways) and optionally ``is_bridge``, ``structure_id`` (what falls together).
    access_m
        Points further reach every road within this walking distance [m], not only the nearest.

    Raises
    ------
    InputError
        ``network.not_lines`` for what is no GeoDataFrame.
    ManyInputError
        ``network.roads`` with one fault per missing column and bad row.
    """
    _check(roads, access_m)
    direction = _flags(roads, "oneway")
    lines = shapely.force_2d(np.asarray(roads.geometry.array, dtype=object))
    lines[direction < 0] = shapely.reverse(lines[direction < 0])
    parts, row = shapely.get_parts(lines, return_index=True)
    bridge = _flags(roads, "is_bridge") > 0
    xy, place, starts, ends, line = _cut(parts, bridge[row])
    places, node = np.unique(np.concatenate([place[starts], place[ends]]), return_inverse=True)
    edge_from, edge_to = node[: len(starts)], node[len(starts) :]
    node_xy = np.zeros((len(places), 2))
    node_xy[node] = xy[np.concatenate([starts, ends])]
    row = row[line]
    edge_line = _edge_lines(xy, starts, ends)
    edge_m = shapely.length(edge_line)
    oneway = direction[row] != 0
    road, road_ids, structure, structures = _structures(roads)
    is_bridge = np.zeros(len(structures), bool)
    is_bridge[structure[road[bridge]]] = True
    arc_start, arc_head, arc_edge = _arcs(edge_from, edge_to, oneway, len(places))
    return Network(
        node_xy=node_xy,
        component=_components(edge_from, edge_to, len(places)),
        edge_from=edge_from,
        edge_to=edge_to,
        edge_line=edge_line,
        edge_m=edge_m,
        edge_minutes=edge_m / 1000.0 * MINUTES_PER_KM / roads["kmh"].to_numpy(float)[row],
        edge_oneway=oneway,
        edge_road=road[row],
        road_ids=road_ids,
        road_structure=structure,
        structures=structures,
        structure_is_bridge=is_bridge,
        arc_start=arc_start,
        arc_head=arc_head,
        arc_edge=arc_edge,
        tree=shapely.STRtree(edge_line),
        crs=roads.crs,
        access_m=float(access_m),
    )


def walking(
    roads: gpd.GeoDataFrame, *, walk_kmh: float, barred: tuple[str, ...] = ("motorway",), access_m: float = 0.0
) -> Network:
    """Build the network of the same roads on foot: one speed, both directions, no motorways.

    Parameters
    ----------
    walk_kmh
        Walking speed [km/h].
    barred
        Values of ``road_class`` that may not be walked; without that column all roads may.
    """
    on_foot = roads.assign(kmh=float(walk_kmh), oneway=False)
    if "road_class" not in roads.columns:
        return build(on_foot, access_m=access_m)
    network = build(on_foot[~roads["road_class"].isin(barred)], access_m=access_m)
    # The ids of barred roads stay known, so that the closures of the day fit both networks.
    more = [r for r in dict.fromkeys(roads["road_id"].tolist()) if r not in set(network.road_ids)]
    extra = len(network.structures) + np.arange(len(more))
    return replace(
        network,
        road_ids=(*network.road_ids, *more),
        road_structure=np.concatenate([network.road_structure, extra]),
        structures=(*network.structures, *more),
        structure_is_bridge=np.concatenate([network.structure_is_bridge, np.zeros(len(more), bool)]),
    )


def _check(roads: gpd.GeoDataFrame, access_m: float) -> None:
    if not isinstance(roads, gpd.GeoDataFrame) or roads.active_geometry_name is None:
        raise InputError("network.not_lines", found=type(roads).__name__)
    missing = [c for c in ("road_id", "kmh") if c not in roads.columns]
    faults = [InputError("network.missing_column", column=c) for c in missing]
    if roads.crs is not None and roads.crs.is_geographic:
        faults.append(InputError("network.not_metres", crs=roads.crs.to_string()))
    if not (np.isfinite(access_m) and access_m >= 0):
        faults.append(InputError("network.bad_distance", value=access_m))
    if not missing:
        faults += _row_faults(roads)
    if faults:
        raise ManyInputError("network.roads", tuple(faults[:SHOWN_FAULTS]))


def _row_faults(roads: gpd.GeoDataFrame) -> list[InputError]:
    ids = roads["road_id"].tolist()
    faults = [InputError("network.no_road_id", row=i) for i in np.flatnonzero(roads["road_id"].isna().to_numpy())]
    geometry = np.asarray(roads.geometry.array, dtype=object)
    is_line = np.isin(shapely.get_type_id(geometry), (1, 5)) & ~shapely.is_empty(geometry)
    xy, of = shapely.get_coordinates(geometry, return_index=True)
    is_line[of[~np.isfinite(xy).all(axis=1)]] = False
    faults += [InputError("network.bad_line", road=ids[i]) for i in np.flatnonzero(~is_line)]
    speed = pd.to_numeric(roads["kmh"], errors="coerce").to_numpy(float, na_value=np.nan)
    slow = ~(np.isfinite(speed) & (speed > 0))
    faults += [InputError("network.bad_speed", road=ids[i], value=roads["kmh"].iloc[i]) for i in np.flatnonzero(slow)]
    for column in ("oneway", "is_bridge"):
        unread = np.flatnonzero(np.isnan(_flags(roads, column)))
        faults += [
            InputError("network.bad_flag", road=ids[i], column=column, value=roads[column].iloc[i]) for i in unread
        ]
    return faults


def _flags(roads: gpd.GeoDataFrame, column: str) -> Floats:
    """Read 1 for yes, 0 for no or nothing, -1 for one way against the line; NaN where it is neither."""
    if column not in roads.columns:
        return np.zeros(len(roads))
    words = _FLAGS | (_AGAINST if column == "oneway" else {})
    place, told = pd.factorize(roads[column].astype(object))
    read = [words.get(v.strip().lower() if isinstance(v, str) else v, np.nan) for v in told.tolist()]
    return np.array([*read, 0.0])[place]


def _clusters(xy: Floats) -> Ints:
    """Number the places: vertices within the joining tolerance share one."""
    places, of = np.unique(xy, axis=0, return_inverse=True)
    pairs = cKDTree(places).query_pairs(JOIN_M, output_type="ndarray") if len(places) else np.empty((0, 2), int)
    if not len(pairs):
        return of.astype(np.int64)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(places), len(places)))
    return connected_components(graph, directed=False)[1].astype(np.int64)[of]


def _cut(parts: NDArray[np.object_], bridge: Bools) -> tuple[Floats, Ints, Ints, Ints, Ints]:
    """Find where lines are cut: vertices, their place, first and last vertex and line of every edge."""
    xy, line = shapely.get_coordinates(parts, return_index=True)
    place = _clusters(xy)
    fresh = np.ones(len(line), bool)
    fresh[1:] = (line[1:] != line[:-1]) | (place[1:] != place[:-1])
    fresh &= np.bincount(line, weights=fresh, minlength=len(parts))[line] > 1
    xy, line, place = xy[fresh], line[fresh], place[fresh]
    first, last = np.ones(len(line), bool), np.ones(len(line), bool)
    first[1:] = last[:-1] = line[1:] != line[:-1]
    ends = np.zeros(int(place.max()) + 1 if len(place) else 0, bool)
    ends[place[first | last]] = True
    place = place * 2 + (bridge[line] & ~ends[place])
    is_node = first | last | (np.bincount(place)[place] > 1 if len(place) else first)
    starts = np.flatnonzero(is_node & ~last)
    return xy, place, starts, np.flatnonzero(is_node & ~first), line[starts]


def _edge_lines(xy: Floats, starts: Ints, ends: Ints) -> NDArray[np.object_]:
    count = ends - starts + 1
    offset = np.cumsum(count) - count
    at = np.arange(count.sum()) + np.repeat(starts - offset, count)
    lines = shapely.linestrings(xy[at], indices=np.repeat(np.arange(len(starts)), count))
    return np.asarray(lines, dtype=object)


def _structures(roads: gpd.GeoDataFrame) -> tuple[Ints, tuple[Any, ...], Ints, tuple[Any, ...]]:
    """Number roads and structures: (road of each row, road ids, structure of each road, structure ids)."""
    road, ids = pd.factorize(roads["road_id"])
    road_ids = tuple(ids.tolist())
    names: list[Any] = list(road_ids)
    if "structure_id" in roads.columns:
        for r, name in zip(road[::-1], roads["structure_id"].tolist()[::-1], strict=True):
            if not pd.isna(name) and name != "":
                names[r] = ("structure", name)
    number: dict[Any, int] = {}
    structure = np.array([number.setdefault(n, len(number)) for n in names], np.int64)
    shown = tuple(n[1] if isinstance(n, tuple) else n for n in number)
    return road.astype(np.int64), road_ids, structure, shown


def _arcs(edge_from: Ints, edge_to: Ints, oneway: Bools, nodes: int) -> tuple[Ints, Ints, Ints]:
    edge = np.arange(len(edge_from))
    both = np.flatnonzero(~oneway)
    tail = np.concatenate([edge_from, edge_to[both]])
    head = np.concatenate([edge_to, edge_from[both]])
    order = np.argsort(tail, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=nodes))])
    return start.astype(np.int64), head[order], np.concatenate([edge, both])[order]


def _components(edge_from: Ints, edge_to: Ints, nodes: int) -> Ints:
    graph = coo_array((np.ones(len(edge_from)), (edge_from, edge_to)), shape=(nodes, nodes))
    if not nodes:
        return np.empty(0, np.int64)
    count, label = connected_components(graph, directed=False)
    size = np.bincount(label, minlength=count)
    rank = np.empty(count, np.int64)
    rank[np.argsort(-size, kind="stable")] = np.arange(count)
    return rank[label]
