"""Grow a synthetic road network: least-cost paths over a triangular mesh, from the trunk road down to the lanes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import Delaunay
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from geo_minzheng.engine.synthesise_ground import Points, Rng, chaikin, scatter

CLASSES = ("trunk", "primary", "secondary", "tertiary", "residential", "unclassified", "track")
_BRIDGE_COST_M = 2600.0
_REUSE = 0.45


@dataclass
class Mesh:
    """The lattice roads grow on: nodes [m], edges, their cost [m], and the road class laid on each (-1 none)."""

    nodes: Points
    edges: NDArray[np.int64]
    cost: NDArray[np.float64]
    is_bridge: NDArray[np.bool_]
    laid: NDArray[np.int64]
    index: dict[tuple[int, int], int] = field(default_factory=dict)

    def nearest(self, point: Sequence[float]) -> int:
        """Return the node nearest to a point [m]."""
        return int(((self.nodes - np.asarray(point, float)) ** 2).sum(axis=1).argmin())

    def graph(self, reuse: float = _REUSE) -> csr_matrix:
        """Build the cost matrix; edges that carry a road already cost ``reuse`` of their length [1]."""
        cost = np.where(self.laid >= 0, np.minimum(self.cost, self.length() * 1.1) * reuse, self.cost)
        u, v = self.edges.T
        n = len(self.nodes)
        return csr_matrix((np.r_[cost, cost], (np.r_[u, v], np.r_[v, u])), shape=(n, n))

    def length(self) -> NDArray[np.float64]:
        """Return the length of every edge [m]."""
        return np.asarray(np.hypot(*(self.nodes[self.edges[:, 0]] - self.nodes[self.edges[:, 1]]).T), float)

    def used(self) -> NDArray[np.int64]:
        """Return the nodes that carry a road."""
        return np.unique(self.edges[self.laid >= 0])


def lay_mesh(land: BaseGeometry, barriers: BaseGeometry, spans: BaseGeometry, fixed: Points, rng: Rng) -> Mesh:
    """Lay the mesh: no node in water, no edge through a lake; an edge over a canal is a bridge and dear.

    Parameters
    ----------
    land
        The district [m].
    barriers
        Lakes and the river: nothing crosses them [m].
    spans
        Canals: bridges cross them [m].
    fixed
        Nodes that must exist (villages, dykes), shape (k, 2) [m].
    """
    wet = shapely.union_all([barriers, spans]).buffer(45)
    free = scatter(land.buffer(-60).difference(wet), 285.0, rng)
    tree = shapely.STRtree([shapely.Point(p) for p in fixed])
    near = np.unique(tree.query(shapely.points(free), predicate="dwithin", distance=170.0)[0])
    nodes = np.vstack([fixed, np.delete(free, near, axis=0)]).round(2)
    simplices = Delaunay(nodes).simplices
    pairs = np.sort(np.vstack([simplices[:, [0, 1]], simplices[:, [1, 2]], simplices[:, [0, 2]]]), axis=1)
    edges = np.unique(pairs, axis=0).astype(np.int64)
    lines = np.asarray(shapely.linestrings(nodes[edges]))
    inner = land.buffer(1)
    shapely.prepare(inner)
    shapely.prepare(barriers)
    shapely.prepare(spans)
    keep = shapely.contains(inner, lines) & ~shapely.intersects(barriers, lines) & (shapely.length(lines) < 900)
    edges, lines = edges[keep], lines[keep]
    bridge = shapely.intersects(spans, lines)
    wave = 1 + 0.28 * np.sin(nodes[:, 0] / 910.0 + 2.0 * np.sin(nodes[:, 1] / 1370.0)) * np.cos(nodes[:, 1] / 830.0)
    cost = shapely.length(lines) * wave[edges].mean(axis=1) + np.where(bridge, _BRIDGE_COST_M, 0.0)
    mesh = Mesh(nodes, edges, cost, bridge, np.full(len(edges), -1, np.int64))
    mesh.index = {(int(u), int(v)): k for k, (u, v) in enumerate(edges)}
    return mesh


def _walk(mesh: Mesh, before: NDArray[np.int32], start: int, end: int) -> list[int]:
    steps, here = [], end
    while here != start:
        last = int(before[here])
        if last < 0:
            return []
        steps.append(mesh.index[(min(last, here), max(last, here))])
        here = last
    return steps


def _lay(mesh: Mesh, steps: Iterable[int], rank: int) -> None:
    for step in steps:
        mesh.laid[step] = rank if mesh.laid[step] < 0 else min(int(mesh.laid[step]), rank)


def _search(graph: csr_matrix, node: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Return distance to and node before every node, from one node."""
    reach, before = dijkstra(graph, indices=np.array([node]), return_predecessors=True)
    return np.asarray(reach[0], float), np.asarray(before[0], np.int32)


def connect(mesh: Mesh, points: Sequence[Sequence[float]], road_class: str, reuse: float = _REUSE) -> None:
    """Lay a road through points in order, joining roads that are there where that is cheaper."""
    ends = [mesh.nearest(p) for p in points]
    for start, end in itertools.pairwise(ends):
        _, before = _search(mesh.graph(reuse), start)
        _lay(mesh, _walk(mesh, before, start, end), CLASSES.index(road_class))


def attach(mesh: Mesh, node: int, road_class: str) -> None:
    """Lay the cheapest road from a node to the network."""
    used = mesh.used()
    if node in used:
        return
    reach, before = _search(mesh.graph(1.0), node)
    _lay(mesh, _walk(mesh, before, node, int(used[reach[used].argmin()])), CLASSES.index(road_class))


def close_loops(mesh: Mesh, nodes: NDArray[np.int64], road_class: str, *, detour: float = 2.3) -> None:
    """Join neighbouring places whose way by road is a long detour, over land; a bridge only for a very long one.

    Parameters
    ----------
    nodes
        Mesh nodes of the places.
    detour
        Ratio of road to straight distance from which a link is laid [1].
    """
    triangles = Delaunay(mesh.nodes[nodes]).simplices
    pairs = {tuple(sorted((int(t[i]), int(t[j])))) for t in triangles for i, j in ((0, 1), (1, 2), (0, 2))}
    straight = {p: float(np.hypot(*(mesh.nodes[nodes[p[0]]] - mesh.nodes[nodes[p[1]]]))) for p in pairs}
    for pair in sorted(pairs, key=lambda p: (straight[p], p)):
        if straight[pair] > 3800:
            continue
        a, b = int(nodes[pair[0]]), int(nodes[pair[1]])
        by_road = _laid_distance(mesh, a)[b]
        if by_road < detour * straight[pair]:
            continue
        _, before = _search(mesh.graph(0.55), a)
        steps = _walk(mesh, before, a, b)
        new_bridge = any(mesh.is_bridge[s] and mesh.laid[s] < 0 for s in steps)
        if not new_bridge or by_road > 7.5 * straight[pair]:
            _lay(mesh, steps, CLASSES.index(road_class))


def _laid_distance(mesh: Mesh, node: int) -> NDArray[np.float64]:
    on = mesh.laid >= 0
    u, v = mesh.edges[on].T
    length = mesh.length()[on]
    n = len(mesh.nodes)
    graph = csr_matrix((np.r_[length, length], (np.r_[u, v], np.r_[v, u])), shape=(n, n))
    reach, _ = _search(graph, node)
    return reach


def sprout_lanes(mesh: Mesh, places: Points, per_place: int, rng: Rng) -> None:
    """Lay dead-end lanes from the network to hamlets around every place."""
    for place in places:
        away = np.hypot(*(mesh.nodes - place).T)
        ring = np.flatnonzero((away > 380) & (away < 1150))
        for node in ring[rng.permutation(len(ring))[:per_place]]:
            attach(mesh, int(node), "residential")


@dataclass(frozen=True)
class _Graph:
    nodes: Points
    edges: list[tuple[int, int, int, bool]]


def _split_bridges(mesh: Mesh, spans: BaseGeometry) -> _Graph:
    nodes, edges = [tuple(p) for p in mesh.nodes.tolist()], []
    for step in np.flatnonzero(mesh.laid >= 0).tolist():
        u, v = (int(n) for n in mesh.edges[step])
        rank = int(mesh.laid[step])
        if not mesh.is_bridge[step]:
            edges.append((u, v, rank, False))
            continue
        line = LineString([nodes[u], nodes[v]])
        at = [line.project(p) for p in map(shapely.Point, shapely.get_coordinates(line.intersection(spans)))]
        low, high = max(4.0, min(at) - 12), min(line.length - 4.0, max(at) + 12)
        nodes += [tuple(round(c, 2) for c in line.interpolate(d).coords[0]) for d in (low, high)]
        p, q = len(nodes) - 2, len(nodes) - 1
        edges += [(u, p, rank, False), (p, q, rank, True), (q, v, rank, False)]
    return _Graph(np.array(nodes, float), edges)


def _largest(graph: _Graph) -> _Graph:
    u, v = np.array([e[:2] for e in graph.edges]).T
    n = len(graph.nodes)
    _, label = connected_components(csr_matrix((np.ones(len(u)), (u, v)), shape=(n, n)), directed=False)
    main = np.bincount(label[u]).argmax()
    return _Graph(graph.nodes, [e for e in graph.edges if label[e[0]] == main])


def _chains(graph: _Graph, fixed: set[int]) -> list[tuple[list[int], int, bool]]:
    touching: dict[int, list[int]] = {}
    for k, (u, v, _, _) in enumerate(graph.edges):
        touching.setdefault(u, []).append(k)
        touching.setdefault(v, []).append(k)

    def ends_here(node: int) -> bool:
        mine = touching[node]
        return len(mine) != 2 or node in fixed or graph.edges[mine[0]][2:] != graph.edges[mine[1]][2:]

    seen: set[int] = set()
    chains = []
    for start in sorted(touching):
        if not ends_here(start):
            continue
        for first in touching[start]:
            if first in seen:
                continue
            path, step, here = [start], first, start
            while True:
                seen.add(step)
                u, v, rank, bridge = graph.edges[step]
                here = v if here == u else u
                path.append(here)
                if ends_here(here):
                    break
                step = next(k for k in touching[here] if k != step)
            chains.append((path, rank, bridge))
    return chains


def _pieces(path: list[int], nodes: Points, longest: float) -> list[list[int]]:
    xy = nodes[path]
    along = np.r_[0.0, np.hypot(*np.diff(xy, axis=0).T).cumsum()]
    count = max(1, int(np.ceil(along[-1] / longest)))
    cuts = sorted({0, len(path) - 1, *(int(np.abs(along - along[-1] * k / count).argmin()) for k in range(1, count))})
    return [path[a : b + 1] for a, b in itertools.pairwise(cuts)]


def _smooth(graph: _Graph, chains: list[tuple[list[int], int, bool]], wet: BaseGeometry) -> Points:
    moved = graph.nodes.copy()
    near = np.asarray(shapely.dwithin(shapely.points(graph.nodes), wet, 70.0))
    for _ in range(4):
        for path, _, _ in chains:
            for a, b, c in zip(path, path[1:], path[2:], strict=False):
                if not near[b]:
                    moved[b] = 0.5 * moved[b] + 0.25 * (moved[a] + moved[c])
    return moved.round(2)


def draw(
    mesh: Mesh, water: tuple[BaseGeometry, BaseGeometry], places: int, profile: Mapping[str, Mapping[str, object]]
) -> gpd.GeoDataFrame:
    """Draw the roads that were laid: chains between junctions, smoothed, bridges as pieces of their own.

    A bridge of the trunk road has two carriageways with one ``structure_id``.

    Parameters
    ----------
    water
        Canals, which bridges span, and the water that nothing crosses [m].
    places
        The first so many mesh nodes are places: segments end there.
    profile
        By road class: ``kmh`` [km/h], ``name``, ``bridge_limit_t`` [t].

    Returns
    -------
    Frame of road segments in the columns of the ``road`` layer, geometry in metres.
    """
    graph = _largest(_split_bridges(mesh, water[0]))
    chains = _chains(graph, set(range(places)))
    longest = 1500.0
    pieces = [(p, rank, b) for path, rank, b in chains for p in ([path] if b else _pieces(path, graph.nodes, longest))]
    smooth = _smooth(graph, chains, shapely.union_all(water))
    rows: list[dict[str, object]] = []
    structure = 0
    for path, rank, bridge in pieces:
        name = CLASSES[rank]
        row: dict[str, object] = {"road_class": name, **profile[name], "oneway": False, "is_bridge": bridge}
        limit = row.pop("bridge_limit_t")
        line = chaikin(smooth[path]).round(2)
        if not bridge:
            rows.append({**row, "structure_id": None, "limit_t": None, "geometry": LineString(line)})
            continue
        structure += 1
        row |= {"structure_id": f"QL{structure:04d}", "limit_t": limit}
        rows += [{**row, **extra} for extra in _carriageways(line, name)]
    frame = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry")
    frame.insert(0, "road_id", [f"R{n:05d}" for n in range(1, len(frame) + 1)])
    return frame


def _carriageways(line: Points, road_class: str) -> list[dict[str, object]]:
    if road_class != "trunk":
        return [{"geometry": LineString(line)}]
    along = line[-1] - line[0]
    across = np.array([-along[1], along[0]]) / np.hypot(*along) * 6
    thirds = [line[0] + along / 4, line[0] + 3 * along / 4]
    right = np.vstack([line[0], *(t - across for t in thirds), line[-1]]).round(2)
    left = np.vstack([line[-1], *(t + across for t in reversed(thirds)), line[0]]).round(2)
    return [{"oneway": True, "geometry": LineString(xy)} for xy in (right, left)]
