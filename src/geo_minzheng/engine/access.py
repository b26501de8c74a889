"""Points reach the roads: the nearest place on the nearest road, whatever is closed today."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_minzheng.engine.road_graph import JOIN_M, MINUTES_PER_KM, Bools, Floats, Ints
from geo_minzheng.errors import InputError

if TYPE_CHECKING:
    from geo_minzheng.model.network import Network

WALK_KMH = 4.8


@dataclass(frozen=True, eq=False)
class Access:
    """Where each point meets the network.

    Parameters
    ----------
    xy
        The points [m], shape (point, 2).
    at_node, node, node_walk
        Point, node and walking time [min] of each meeting at a junction.
    on_edge, edge, at_m, edge_walk
        Point, edge, distance from the edge's start [m] and walking time [min] of each meeting along an edge.
    """

    xy: Floats
    at_node: Ints
    node: Ints
    node_walk: Floats
    on_edge: Ints
    edge: Ints
    at_m: Floats
    edge_walk: Floats


@dataclass(frozen=True, eq=False)
class Legs:
    """Ways between points and nodes, shape (leg,) each.

    Parameters
    ----------
    point, node, minutes
        What is joined and how long it takes [min].
    edge, at_m, end_m
        Edge driven (-1 for none), where the point and where the node lies on it [m from the edge's start].
    """

    point: Ints
    node: Ints
    minutes: Floats
    edge: Ints
    at_m: Floats
    end_m: Floats


def attach(network: Network, points: gpd.GeoSeries) -> Access:
    """Find where points meet the network, without regard to closures.

    A point meets the nearest edge (all of them when several are equally near within 0.01 m) at no cost; with
    ``network.access_m`` also every other edge within that distance, at walking pace (4.8 km/h). A meeting within
    0.01 m of a junction is a meeting with the junction, hence with every road that leaves it.
    """
    geometry = checked_points(network, points)
    xy = shapely.get_coordinates(geometry)
    if not len(network.edge_line) or not len(geometry):
        none, zero = np.empty(0, np.int64), np.empty(0)
        return Access(xy, none, none, zero, none, none, zero, zero)
    (point, _), found = network.tree.query_nearest(geometry, all_matches=False, return_distance=True)
    nearest = np.zeros(len(geometry))
    nearest[point] = found
    reach = np.maximum(nearest + JOIN_M, network.access_m)
    point, edge = network.tree.query(geometry, predicate="dwithin", distance=reach)
    order = np.lexsort((edge, point))
    point, edge = point[order].astype(np.int64), edge[order].astype(np.int64)
    line = network.edge_line[edge]
    away = shapely.distance(line, geometry[point])
    at_m = np.round(shapely.line_locate_point(line, geometry[point]), 6)
    walk = np.where(away <= nearest[point] + JOIN_M, 0.0, away / 1000.0 * MINUTES_PER_KM / WALK_KMH)
    first, last = at_m <= JOIN_M, at_m >= network.edge_m[edge] - JOIN_M
    along = ~(first | last)
    node = np.where(first, network.edge_from[edge], network.edge_to[edge])[~along]
    at_node, node, node_walk = _least(point[~along], node, walk[~along])
    return Access(xy, at_node, node, node_walk, point[along], edge[along], at_m[along], walk[along])


def _least(point: Ints, node: Ints, walk: Floats) -> tuple[Ints, Ints, Floats]:
    order = np.lexsort((walk, node, point))
    point, node, walk = point[order], node[order], walk[order]
    fresh = np.ones(len(point), bool)
    fresh[1:] = (point[1:] != point[:-1]) | (node[1:] != node[:-1])
    return point[fresh], node[fresh], walk[fresh]


def legs(network: Network, access: Access, minutes: Floats, *, outwards: bool) -> Legs:
    """List the ways from points to nodes (``outwards``) or from nodes to points.

    Parameters
    ----------
    minutes
        Driving time per edge [min], ``inf`` where closed.
    """
    edge = access.edge
    share = access.at_m / network.edge_m[edge]
    towards_to, towards_from = minutes[edge] * (1.0 - share), minutes[edge] * share
    both = ~network.edge_oneway[edge]
    # A point is left along the edge's direction towards its end, and entered along it from its start.
    ahead, back = (towards_to, towards_from) if outwards else (towards_from, towards_to)
    ahead_node, back_node = network.edge_to[edge], network.edge_from[edge]
    if not outwards:
        ahead_node, back_node = back_node, ahead_node
    ahead_end, back_end = (network.edge_m[edge], np.zeros(len(edge)))[:: 1 if outwards else -1]
    cost = np.concatenate([access.node_walk, access.edge_walk + ahead, (access.edge_walk + back)[both]])
    point = np.concatenate([access.at_node, access.on_edge, access.on_edge[both]])
    node = np.concatenate([access.node, ahead_node, back_node[both]])
    here = np.zeros(len(access.node))
    driven = np.concatenate([np.full(len(access.node), -1), edge, edge[both]])
    at_m = np.concatenate([here, access.at_m, access.at_m[both]])
    end_m = np.concatenate([here, ahead_end, back_end[both]])
    return _only_open(Legs(point, node, cost, driven, at_m, end_m))


def _only_open(ways: Legs) -> Legs:
    open_ = np.isfinite(ways.minutes)
    return Legs(
        point=ways.point[open_],
        node=ways.node[open_],
        minutes=ways.minutes[open_],
        edge=ways.edge[open_],
        at_m=ways.at_m[open_],
        end_m=ways.end_m[open_],
    )


def checked_points(network: Network, points: gpd.GeoSeries) -> NDArray[np.object_]:
    """Return the point geometries; refuse other systems, missing and infinite ones, and what is no layer of points."""
    if not isinstance(points, gpd.GeoSeries | gpd.GeoDataFrame):
        raise InputError("network.not_points", found=type(points).__name__)
    if points.crs is not None and network.crs is not None and points.crs != network.crs:
        raise InputError("network.crs_differs", points=points.crs.to_string(), roads=network.crs.to_string())
    geometry = shapely.force_2d(np.asarray(points.geometry.array, dtype=object))
    good = (shapely.get_type_id(geometry) == 0) & ~shapely.is_empty(geometry)
    good[good] = np.isfinite(shapely.get_coordinates(geometry[good])).all(axis=1)
    if not good.all():
        raise InputError("network.bad_point", points=points.index[~good].tolist()[:20], count=int((~good).sum()))
    return np.asarray(geometry, dtype=object)


def snap(network: Network, points: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Tell where each point meets its nearest road.

    Returns
    -------
    GeoDataFrame
        Index of ``points``; ``road_id``, ``dist_m`` [m] (``inf`` without roads), ``geometry`` on the road.
    """
    geometry = checked_points(network, points)
    road: list[Hashable] = [None] * len(geometry)
    away, place = np.full(len(geometry), np.inf), geometry.copy()
    if len(network.edge_line) and len(geometry):
        point, edge = network.tree.query_nearest(geometry, all_matches=True)
        for p, e in zip(point[::-1], edge[::-1], strict=True):
            road[p] = network.road_ids[network.edge_road[e]]
            line = network.edge_line[e]
            away[p] = shapely.distance(line, geometry[p])
            place[p] = shapely.line_interpolate_point(line, shapely.line_locate_point(line, geometry[p]))
    columns = {"road_id": road, "dist_m": away}
    return gpd.GeoDataFrame(columns, geometry=place, index=points.index, crs=points.crs or network.crs)


def open_edges(network: Network, closed: Iterable[Hashable]) -> Bools:
    """Mark the edges that may be driven while the roads in ``closed`` may not.

    Raises
    ------
    InputError
        ``network.unknown_road`` when a closed id is no road of the network, ``network.not_ids``.
    """
    try:
        ids = {closed} if isinstance(closed, str) else set(closed)
    except TypeError as error:
        raise InputError("network.not_ids", found=str(closed)[:80]) from error
    unknown = ids.difference(network.road_ids)
    if unknown:
        raise InputError("network.unknown_road", roads=sorted(map(str, unknown))[:20], count=len(unknown))
    shut = np.array([r in ids for r in network.road_ids], bool)
    return ~shut[network.edge_road] if len(shut) else np.ones(len(network.edge_road), bool)


def open_minutes(network: Network, closed: Iterable[Hashable]) -> Floats:
    """Driving time per edge [min], ``inf`` on closed roads: a closure is a change of weights."""
    return np.where(open_edges(network, closed), network.edge_minutes, np.inf)
