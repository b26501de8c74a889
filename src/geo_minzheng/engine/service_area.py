"""How far one gets: the roads reached within some minutes, as areas for the map."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from numbers import Real
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from shapely.ops import substring

from geo_minzheng.engine.access import Access, attach, legs, open_minutes
from geo_minzheng.engine.travel import search
from geo_minzheng.errors import InputError

if TYPE_CHECKING:
    from geo_minzheng.engine.road_graph import Floats
    from geo_minzheng.model.network import Network

ROADSIDE_M = 100.0


def service_area(
    network: Network,
    origins: gpd.GeoSeries,
    *,
    minutes: float,
    closed: Iterable[Hashable] = (),
    roadside_m: float = ROADSIDE_M,
) -> gpd.GeoSeries:
    """Draw the area reached from each origin: the roads within ``minutes``, cut exactly, and their roadside.

    Who is inside is not asked of the drawing but of ``travel_times(...) <= minutes``.

    Parameters
    ----------
    minutes
        Driving (or walking) time [min]; directions of one-way roads are kept.
    roadside_m
        Width of the strip on each side of the roads reached [m]; drawn to a twentieth of it.

    Returns
    -------
    GeoSeries
        Polygon or MultiPolygon per origin, index of ``origins``; empty where the origin is cut off or has no road.

    Raises
    ------
    InputError
        ``network.bad_minutes``, ``network.bad_distance`` and those of ``travel_times``.
    """
    if not (isinstance(minutes, Real) and np.isfinite(minutes) and minutes >= 0):
        raise InputError("network.bad_minutes", value=minutes)
    if not (isinstance(roadside_m, Real) and np.isfinite(roadside_m) and roadside_m > 0):
        raise InputError("network.bad_distance", value=roadside_m)
    lines = reached_roads(network, origins, minutes=minutes, closed=closed)
    return gpd.GeoSeries([_strip(line, roadside_m) for line in lines], index=origins.index, crs=network.crs)


def _strip(lines: shapely.Geometry, roadside_m: float) -> shapely.Geometry:
    # Widening road by road and joining is twenty times faster than widening all at once; bends below a twentieth of
    # the strip's width do not show.
    parts = shapely.simplify(shapely.get_parts(lines), roadside_m / 20)
    area = shapely.union_all(shapely.buffer(parts, roadside_m, quad_segs=4))
    return shapely.Polygon() if area.is_empty else area


def reached_roads(
    network: Network, origins: gpd.GeoSeries, *, minutes: float, closed: Iterable[Hashable] = ()
) -> gpd.GeoSeries:
    """Cut out the roads that each origin reaches within ``minutes`` [min].

    Returns
    -------
    GeoSeries
        One MultiLineString per origin (a point where nothing but its own place is reached), index of ``origins``.
    """
    weight = open_minutes(network, closed)
    access = attach(network, origins)
    ways = legs(network, access, weight, outwards=True)
    out = np.full(len(origins), shapely.MultiLineString(), dtype=object)
    for block in search(network, weight, ways, len(origins)):
        for times, o in zip(block.minutes, block.origins.tolist(), strict=True):
            own = _along_own_edges(network, weight, access, o, minutes)
            out[o] = _drawn(network, weight, minutes - times[: len(network.node_xy)], own)
    return gpd.GeoSeries(out, index=origins.index, crs=network.crs)


def _along_own_edges(
    network: Network, weight: Floats, access: Access, origin: int, minutes: float
) -> dict[int, list[tuple[float, float]]]:
    """Measure the parts of its own edges that a point reaches directly [m from the edge's start]."""
    parts: dict[int, list[tuple[float, float]]] = {}
    for k in np.flatnonzero(access.on_edge == origin):
        edge, at, left = int(access.edge[k]), float(access.at_m[k]), minutes - float(access.edge_walk[k])
        if np.isfinite(weight[edge]) and left >= 0:
            far = left / weight[edge] * network.edge_m[edge]
            first = at if network.edge_oneway[edge] else max(0.0, at - far)
            parts.setdefault(edge, []).append((first, min(float(network.edge_m[edge]), at + far)))
    return parts


def _drawn(
    network: Network, weight: Floats, left: Floats, own: dict[int, list[tuple[float, float]]]
) -> shapely.Geometry:
    """Join whole edges, edges cut where time runs out, and the origin's own ones; ``left`` [min] at every node."""
    ahead = _reach_m(network, weight, left[network.edge_from])
    back = np.where(network.edge_oneway, 0.0, _reach_m(network, weight, left[network.edge_to]))
    whole = ahead + back >= network.edge_m
    lines = network.edge_line[whole].tolist()
    for e in np.union1d(np.flatnonzero(~whole & (ahead + back > 0)), np.array(list(own), np.int64)):
        if not whole[e]:
            length = float(network.edge_m[e])
            parts = [(0.0, float(ahead[e])), (length - float(back[e]), length), *own.get(int(e), [])]
            lines += [substring(network.edge_line[e], a, b) for a, b in _merged(parts)]
    at = network.node_xy[left >= 0]
    lines = [line for line in lines if line.length > 0]
    return shapely.MultiLineString(lines) if lines or not len(at) else shapely.MultiPoint(at)


def _reach_m(network: Network, weight: Floats, left: Floats) -> Floats:
    open_ = np.isfinite(weight) & (left > 0)
    reach = np.zeros(len(weight))
    reach[open_] = np.minimum(1.0, left[open_] / weight[open_]) * network.edge_m[open_]
    return reach


def _merged(parts: list[tuple[float, float]]) -> list[tuple[float, float]]:
    out: list[tuple[float, float]] = []
    for a, b in sorted(parts):
        if out and a <= out[-1][1]:
            out[-1] = out[-1][0], max(b, out[-1][1])
        elif b > a:
            out.append((a, b))
    return out
