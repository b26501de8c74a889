"""Whom the loss of a bridge or road would cut off, before the storm and during it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo_minzheng.engine.access import Access, attach
from geo_minzheng.engine.solve import compiled
from geo_minzheng.engine.travel import travel_times
from geo_minzheng.model.network import CriticalStructure

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_minzheng.engine.road_graph import Bools, Ints
    from geo_minzheng.model.network import Network

_FREE = -1


def isolated(
    network: Network, sources: gpd.GeoSeries, places: gpd.GeoSeries, closed: Iterable[Hashable] = ()
) -> NDArray[np.bool_]:
    """Tell which places no source reaches while the roads in ``closed`` may not be used.

    Returns
    -------
    ndarray
        True where cut off, shape (place,).
    """
    return np.asarray(np.isinf(travel_times(network, sources, places, closed=closed)).all(axis=0))


def isolating(network: Network, sources: gpd.GeoSeries, places: gpd.GeoSeries) -> tuple[CriticalStructure, ...]:
    """Find every bridge and road whose loss alone would leave a place without any source.

    A structure is all roads of one ``structure_id`` (both carriageways of a bridge fall together), else all rows of
    one ``road_id``. Places that no source reaches today are not counted. Points meet the network as in
    ``travel_times``, so the answer equals closing each structure in turn and asking `isolated`.

    Method: roads are cut where points meet them and joined to one super-source; a structure that two-way traffic can
    cross from any of its ends to any other becomes one vertex, which changes no reachability; the structures that
    every way to a place must pass are then its dominators in the flow graph (Cooper, Harvey, Kennedy, "A simple,
    fast dominance algorithm", 2001). One-way structures of several edges are tried one by one, but only those on a
    tree path to a place.

    Returns
    -------
    tuple of CriticalStructure
        Most places first, then by id.
    """
    graph = _flow_graph(network, attach(network, sources), attach(network, places))
    losses: dict[int, list[int]] = {}
    for place, structure in zip(*_dominated(graph), strict=True):
        losses.setdefault(int(structure), []).append(int(place))
    for place, structure in _tried(graph):
        losses.setdefault(structure, []).append(place)
    return _ranked(network, places, losses)


@dataclass(frozen=True, eq=False)
class _FlowGraph:
    """Arcs with the structure they belong to (-1: none).

    Vertex 0 is the super-source, then come the places, then nodes and meeting points. ``is_vertex`` marks the
    structures that may stand as one vertex.
    """

    tail: Ints
    head: Ints
    structure: Ints
    places: int
    vertices: int
    is_vertex: Bools


def _flow_graph(network: Network, sources: Access, places: Access) -> _FlowGraph:
    n_places = len(places.xy)
    first = 1 + n_places
    nodes = len(network.node_xy)
    meets = np.unique(
        np.column_stack(
            [np.concatenate([sources.edge, places.edge]), np.concatenate([sources.at_m, places.at_m])]
        ).reshape(-1, 2),
        axis=0,
    )
    where = {(int(e), float(m)): first + nodes + k for k, (e, m) in enumerate(meets)}
    tail, head, edge = _split_edges(network, meets, first)
    structure = network.road_structure[network.edge_road[edge]]
    both = ~network.edge_oneway[edge]
    is_vertex = _crossable(tail, head, structure, both, len(network.structures))
    source = _meeting_vertices(sources, where, first)
    place = _meeting_vertices(places, where, first)
    free = np.full(len(source) + len(place), _FREE)
    return _FlowGraph(
        tail=np.concatenate([tail, head[both], np.zeros(len(source), np.int64), place]),
        head=np.concatenate(
            [head, tail[both], source, 1 + np.concatenate([places.at_node, places.on_edge]).astype(np.int64)]
        ),
        structure=np.concatenate([structure, structure[both], free]),
        places=n_places,
        vertices=first + nodes + len(meets),
        is_vertex=is_vertex,
    )


def _meeting_vertices(access: Access, where: dict[tuple[int, float], int], first: int) -> Ints:
    along = [where[int(e), float(m)] for e, m in zip(access.edge, access.at_m, strict=True)]
    return np.concatenate([access.node + first, np.array(along, np.int64)])


def _split_edges(network: Network, meets: NDArray[np.float64], first: int) -> tuple[Ints, Ints, Ints]:
    """Cut edges where points meet them: tail, head and edge of every part, along the digitised direction."""
    nodes, edges = len(network.node_xy), len(network.edge_from)
    at_edge = meets[:, 0].astype(np.int64)
    vertex = first + nodes + np.arange(len(meets))
    # Every edge opens with its own start; meetings follow in order of distance; each part ends where the next begins.
    edge = np.concatenate([np.arange(edges), at_edge])
    tail = np.concatenate([network.edge_from + first, vertex])
    order = np.lexsort((np.concatenate([np.full(edges, -1.0), meets[:, 1]]), edge))
    edge, tail = edge[order], tail[order]
    head = np.append(tail[1:], 0)
    ends = np.append(edge[1:] != edge[:-1], True) if len(edge) else np.empty(0, bool)
    head = head[: len(edge)]
    head[ends] = network.edge_to[edge[ends]] + first
    return tail, head, edge


def _crossable(tail: Ints, head: Ints, structure: Ints, both: Bools, structures: int) -> Bools:
    """Mark structures inside which every end reaches every other: in one piece, two-way (or a single arc)."""
    count = np.bincount(structure, minlength=structures)
    oneway = np.bincount(structure, weights=~both, minlength=structures)
    ends = np.column_stack([np.tile(structure, 2), np.concatenate([tail, head])])
    local, of = np.unique(ends, axis=0, return_inverse=True)
    of = of.reshape(2, -1)
    if not len(local):
        return np.zeros(structures, bool)
    graph = coo_array((np.ones(of.shape[1]), (of[0], of[1])), shape=(len(local), len(local)))
    label = connected_components(graph, directed=False)[1]
    pieces = np.unique(np.column_stack([local[:, 0], label]), axis=0)[:, 0]
    in_one = np.bincount(pieces, minlength=structures) == 1
    return np.asarray((in_one & (oneway == 0)) | ((count == 1) & (oneway == 1)), bool)


def _rows(tail: Ints, head: Ints, vertices: int) -> tuple[Ints, Ints, Ints]:
    order = np.lexsort((head, tail))
    start = np.concatenate([[0], np.cumsum(np.bincount(tail, minlength=vertices))])
    return start.astype(np.int64), head[order].astype(np.int64), order


def _dominated(graph: _FlowGraph) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pair places with the structures (as vertices) that every way to them passes."""
    through = (graph.structure != _FREE) & graph.is_vertex[graph.structure]
    middle = graph.vertices + graph.structure[through]
    tail = np.concatenate([graph.tail[~through], graph.tail[through], middle])
    head = np.concatenate([graph.head[~through], middle, graph.head[through]])
    arcs = np.unique(np.column_stack([tail, head]), axis=0)
    vertices = graph.vertices + len(graph.is_vertex)
    start, heads, _ = _rows(arcs[:, 0], arcs[:, 1], vertices)
    back_start, back_heads, _ = _rows(arcs[:, 1], arcs[:, 0], vertices)
    above = _dominators(start, heads, back_start, back_heads)
    pairs: list[tuple[int, int]] = []
    for place in range(graph.places):
        v = int(above[1 + place])
        while v > 0:
            if v >= graph.vertices:
                pairs.append((place, v - graph.vertices))
            v = int(above[v])
    found = np.array(pairs, np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _tried(graph: _FlowGraph) -> list[tuple[int, int]]:
    """Pair places with the structures that cannot stand as one vertex, by leaving each out in turn."""
    start, heads, order = _rows(graph.tail, graph.head, graph.vertices)
    structure = graph.structure[order]
    came_by = _came_by(start, heads, structure, _FREE - 1)
    used = structure[_on_tree_paths(start, heads, came_by, graph.places)]
    places = 1 + np.arange(graph.places)
    pairs: list[tuple[int, int]] = []
    for s in np.unique(used[used != _FREE]):
        if not graph.is_vertex[s]:
            lost = (came_by[places] >= 0) & (_came_by(start, heads, structure, s)[places] < 0)
            pairs += [(int(p), int(s)) for p in np.flatnonzero(lost)]
    return pairs


def _on_tree_paths(start: Ints, heads: Ints, came_by: Ints, places: int) -> Ints:
    """List the arcs of the search tree that lead to some place."""
    arc_tail = np.repeat(np.arange(len(start) - 1), np.diff(start))
    arcs: set[int] = set()
    for place in range(1, 1 + places):
        v = place
        while v > 0 and came_by[v] >= 0 and int(came_by[v]) not in arcs:
            arcs.add(int(came_by[v]))
            v = int(arc_tail[came_by[v]])
    return np.array(sorted(arcs), np.int64)


def _ranked(network: Network, places: gpd.GeoSeries, losses: dict[int, list[int]]) -> tuple[CriticalStructure, ...]:
    roads: dict[int, list[Any]] = {s: [] for s in losses}
    for r, s in enumerate(network.road_structure.tolist()):
        if s in roads:
            roads[s].append(network.road_ids[r])
    found = [
        CriticalStructure(
            structure=network.structures[s],
            road_ids=tuple(roads[s]),
            is_bridge=bool(network.structure_is_bridge[s]),
            places=tuple(places.index[p] for p in sorted(lost)),
        )
        for s, lost in losses.items()
    ]
    return tuple(sorted(found, key=lambda c: (-len(c.places), str(c.structure))))


@compiled
def _came_by(start: Ints, heads: Ints, structure: Ints, banned: int) -> Ints:  # pragma: no cover
    """Search breadth first from vertex 0 without a structure: arc that first reached each vertex, -1 if none did."""
    n = len(start) - 1
    came = np.full(n, -1, np.int64)
    queue = np.empty(n, np.int64)
    came[0] = len(heads)
    queue[0] = 0
    lo, hi = 0, 1
    while lo < hi:
        v = queue[lo]
        lo += 1
        for a in range(start[v], start[v + 1]):
            w = heads[a]
            if structure[a] != banned and came[w] < 0:
                came[w] = a
                queue[hi] = w
                hi += 1
    return came


@compiled
def _dominators(start: Ints, heads: Ints, back_start: Ints, back_heads: Ints) -> Ints:  # pragma: no cover
    """Immediate dominator of every vertex from vertex 0; -1 where not reached, 0 at the root."""
    n = len(start) - 1
    number = np.full(n, -1, np.int64)
    post = np.empty(n, np.int64)
    stack = np.empty(n, np.int64)
    at = start[:n].copy()
    seen = np.zeros(n, np.bool_)
    stack[0] = 0
    seen[0] = True
    depth, count = 1, 0
    while depth:
        v = stack[depth - 1]
        if at[v] < start[v + 1]:
            w = heads[at[v]]
            at[v] += 1
            if not seen[w]:
                seen[w] = True
                stack[depth] = w
                depth += 1
        else:
            number[v] = count
            post[count] = v
            count += 1
            depth -= 1
    above = np.full(n, -1, np.int64)
    above[0] = 0
    changed = True
    while changed:
        changed = False
        for k in range(count - 2, -1, -1):
            v = post[k]
            new = -1
            for a in range(back_start[v], back_start[v + 1]):
                u = back_heads[a]
                if above[u] < 0:
                    continue
                if new < 0:
                    new = u
                    continue
                while u != new:
                    while number[u] < number[new]:
                        u = above[u]
                    while number[new] < number[u]:
                        new = above[new]
            if above[v] != new:
                above[v] = new
                changed = True
    return above
