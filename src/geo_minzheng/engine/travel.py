"""Driving times and paths between points; a closure is a change of weights."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from geo_minzheng.engine.access import Access, Legs, attach, legs, open_minutes
from geo_minzheng.engine.road_graph import Floats, Ints

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_minzheng.model.network import Network

# Dijkstra's rows are made in blocks of at most this many numbers (64 MB).
_BLOCK = 8_000_000
_FINITE = 1e300


def travel_times(
    network: Network, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, *, closed: Iterable[Hashable] = ()
) -> Floats:
    """Measure the least driving time between points.

    ``time[o, d] = min over meetings of o and d (walk + drive + walk)``. Points meet the network at the nearest place
    on the nearest road, whatever is closed, so that closing a road never shortens a trip; the way from the point to
    that place is not counted. A closed road carries nobody: a point met only along a closed road is cut off, a point
    met at a junction leaves by any open road there. A point reaches itself in 0.

    Parameters
    ----------
    origins, destinations
        Points in the system of the roads.
    closed
        Road ids that may not be used.

    Returns
    -------
    ndarray
        Minutes [min], shape (origin, destination); ``inf`` where there is no way.

    Raises
    ------
    InputError
        ``network.unknown_road``, ``network.crs_differs``, ``network.bad_point``.
    """
    minutes = open_minutes(network, closed)
    start, end = attach(network, origins), attach(network, destinations)
    if len(start.xy) > len(end.xy):
        # As many searches as there are points on the shorter side: against the arcs from the destinations.
        times = _through_nodes(network, minutes, end, start, backwards=True).T
    else:
        times = _through_nodes(network, minutes, start, end, backwards=False)
    s, e, direct = along_one_edge(network, minutes, start, end)
    times = np.ascontiguousarray(times)
    np.minimum.at(times, (start.on_edge[s], end.on_edge[e]), direct)
    times[(start.xy[:, None, :] == end.xy[None, :, :]).all(axis=2)] = 0.0
    return times


@dataclass(frozen=True, eq=False)
class Search:
    """One block of searches: origins searched, minutes to every node [min] and the node before it."""

    origins: Ints
    minutes: Floats
    before: Ints | None


def search(
    network: Network, minutes: Floats, ways: Legs, origins: int, *, backwards: bool = False, trace: bool = False
) -> Iterator[Search]:
    """Search from each origin through the whole network, block by block.

    Origins are appended to the graph as nodes ``len(node_xy) + origin``; the arrays of the network are not rebuilt.
    """
    nodes = len(network.node_xy)
    order = np.argsort(ways.point, kind="stable")
    start, head, weight = network.arc_start, network.arc_head, minutes[network.arc_edge]
    if backwards:
        turned = csr_array((weight, head, start), shape=(nodes, nodes)).T.tocsr()
        start, head = turned.indptr.astype(np.int64), turned.indices.astype(np.int64)
        weight = np.asarray(turned.data, np.float64)
    more = start[-1] + np.cumsum(np.bincount(ways.point, minlength=origins))
    graph = csr_array(
        (
            np.concatenate([weight, ways.minutes[order]]),
            np.concatenate([head, ways.node[order]]).astype(np.int32),
            np.concatenate([start, more]).astype(np.int32),
        ),
        shape=(nodes + origins, nodes + origins),
    )
    step = max(1, _BLOCK // max(1, nodes + origins))
    for first in range(0, origins, step):
        which = np.arange(first, min(first + step, origins))
        if trace:
            found, before = dijkstra(graph, indices=nodes + which, limit=_FINITE, return_predecessors=True)
            yield Search(which, found, before.astype(np.int64))
        else:
            yield Search(which, dijkstra(graph, indices=nodes + which, limit=_FINITE), None)


def _through_nodes(network: Network, minutes: Floats, start: Access, end: Access, *, backwards: bool) -> Floats:
    times = np.full((len(start.xy), len(end.xy)), np.inf)
    away = legs(network, start, minutes, outwards=not backwards)
    home = legs(network, end, minutes, outwards=backwards)
    if not len(away.point) or not len(home.point):
        return times
    order = np.argsort(home.point, kind="stable")
    reached, first = np.unique(home.point[order], return_index=True)
    for block in search(network, minutes, away, len(start.xy), backwards=backwards):
        through = block.minutes[:, home.node[order]] + home.minutes[order]
        times[np.ix_(block.origins, reached)] = np.minimum.reduceat(through, first, axis=1)
    return times


def along_one_edge(network: Network, minutes: Floats, start: Access, end: Access) -> tuple[Ints, Ints, Floats]:
    """Find trips that stay on one edge: meeting of the origin, of the destination, minutes [min]."""
    by_edge = np.argsort(end.edge, kind="stable")
    lo = np.searchsorted(end.edge[by_edge], start.edge, "left")
    count = np.searchsorted(end.edge[by_edge], start.edge, "right") - lo
    s = np.repeat(np.arange(len(start.edge)), count)
    e = by_edge[np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(lo, count)]
    edge, way = start.edge[s], end.at_m[e] - start.at_m[s]
    allowed = (way >= 0) | ~network.edge_oneway[edge]
    drive = np.zeros(len(s))
    moves = way != 0
    drive[moves] = np.abs(way[moves]) / network.edge_m[edge[moves]] * minutes[edge[moves]]
    drive[~allowed] = np.inf
    return s, e, drive + start.edge_walk[s] + end.edge_walk[e]
