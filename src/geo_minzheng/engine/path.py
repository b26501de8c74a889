"""The way itself: which roads in which order, drawn on the map and printed in the order."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from shapely.ops import substring

from geo_minzheng.engine.access import Access, Legs, attach, legs, open_minutes
from geo_minzheng.engine.travel import along_one_edge, search
from geo_minzheng.errors import InputError

if TYPE_CHECKING:
    from geo_minzheng.engine.road_graph import Floats, Ints
    from geo_minzheng.model.network import Network


@dataclass(frozen=True)
class _Piece:
    """A part of an edge, driven from one place to another [m from the edge's start]."""

    edge: int
    from_m: float
    to_m: float


@dataclass(frozen=True)
class _Drive:
    minutes: float
    pieces: tuple[_Piece, ...] = ()


@dataclass(frozen=True, eq=False)
class _Ground:
    """Everything one trace needs: network, weights, meetings of both sides and their legs."""

    network: Network
    minutes: Floats
    start: Access
    end: Access
    away: Legs
    home: Legs
    direct: dict[tuple[int, int], _Drive]


def paths(
    network: Network,
    origins: gpd.GeoSeries,
    destinations: gpd.GeoSeries,
    *,
    closed: Iterable[Hashable] = (),
    pairs: Sequence[tuple[int, int]] | None = None,
) -> gpd.GeoDataFrame:
    """Find the way of least driving time between points.

    Parameters
    ----------
    origins, destinations, closed
        As in ``travel_times``; the minutes are the same.
    pairs
        Positions (origin, destination) wanted; all pairs when omitted.

    Returns
    -------
    GeoDataFrame
        One row per pair in the order of ``pairs`` (else by origin, then destination): ``origin``, ``destination``
        (index labels), ``minutes`` [min], ``length_m`` [m], ``road_ids`` (tuple, in driving order), ``geometry``
        (LineString along the roads; ``None`` where there is no way or nothing to drive).

    Raises
    ------
    InputError
        ``network.unknown_pair`` and those of ``travel_times``.
    """
    ground = _ground(network, origins, destinations, open_minutes(network, closed))
    if pairs is None:
        pairs = [(o, d) for o in range(len(origins)) for d in range(len(destinations))]
    for o, d in pairs:
        if not (0 <= o < len(origins) and 0 <= d < len(destinations)):
            raise InputError("network.unknown_pair", origin=int(o), destination=int(d))
    drives = _drives(ground, pairs)
    columns = {
        "origin": [origins.index[o] for o, _ in pairs],
        "destination": [destinations.index[d] for _, d in pairs],
        "minutes": np.array([d.minutes for d in drives], float),
        "length_m": np.array([sum(abs(p.to_m - p.from_m) for p in d.pieces) for d in drives], float),
        "road_ids": [_roads_along(network, d) for d in drives],
    }
    coords: dict[int, Floats] = {}
    lines = [_line(coords, network, d) for d in drives]
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(lines, crs=network.crs))


def _ground(network: Network, origins: gpd.GeoSeries, destinations: gpd.GeoSeries, minutes: Floats) -> _Ground:
    start, end = attach(network, origins), attach(network, destinations)
    direct: dict[tuple[int, int], _Drive] = {}
    s, e, times = along_one_edge(network, minutes, start, end)
    for a, b, time in zip(s.tolist(), e.tolist(), times.tolist(), strict=True):
        key = int(start.on_edge[a]), int(end.on_edge[b])
        if time < direct.get(key, _Drive(np.inf)).minutes:
            piece = _Piece(int(start.edge[a]), float(start.at_m[a]), float(end.at_m[b]))
            direct[key] = _Drive(time, (piece,))
    for o, d in zip(*np.nonzero((start.xy[:, None, :] == end.xy[None, :, :]).all(axis=2)), strict=True):
        direct[int(o), int(d)] = _Drive(0.0)
    away = legs(network, start, minutes, outwards=True)
    home = legs(network, end, minutes, outwards=False)
    return _Ground(network, minutes, start, end, away, home, direct)


def _drives(ground: _Ground, pairs: Sequence[tuple[int, int]]) -> list[_Drive]:
    wanted: dict[int, list[int]] = {}
    for row, (o, _) in enumerate(pairs):
        wanted.setdefault(o, []).append(row)
    home_of: dict[int, list[int]] = {}
    for leg, d in enumerate(ground.home.point.tolist()):
        home_of.setdefault(d, []).append(leg)
    drives = [_Drive(np.inf)] * len(pairs)
    for block in search(ground.network, ground.minutes, ground.away, len(ground.start.xy), trace=True):
        assert block.before is not None
        for times, before, o in zip(block.minutes, block.before, block.origins.tolist(), strict=True):
            for row in wanted.get(o, []):
                d = pairs[row][1]
                drive = _by_nodes(ground, times, before, o, home_of.get(d, []))
                drives[row] = min(ground.direct.get((o, d), _Drive(np.inf)), drive, key=lambda x: x.minutes)
    return drives


def _by_nodes(ground: _Ground, times: Floats, before: Ints, origin: int, home_legs: list[int]) -> _Drive:
    home, away, network = ground.home, ground.away, ground.network
    if not home_legs:
        return _Drive(np.inf)
    through = times[home.node[home_legs]] + home.minutes[home_legs]
    leg = home_legs[int(np.argmin(through))]
    if not np.isfinite(through.min()):
        return _Drive(np.inf)
    back: list[_Piece] = []
    node, source = int(home.node[leg]), len(network.node_xy) + origin
    while int(before[node]) != source:
        tail = int(before[node])
        back.append(_arc_piece(ground, tail, node))
        node = tail
    outs = np.flatnonzero((away.point == origin) & (away.node == node))
    out = int(outs[np.argmin(away.minutes[outs])])
    pieces = [_Piece(int(away.edge[out]), float(away.at_m[out]), float(away.end_m[out])), *back[::-1]]
    pieces.append(_Piece(int(home.edge[leg]), float(home.end_m[leg]), float(home.at_m[leg])))
    return _Drive(float(through.min()), tuple(p for p in pieces if p.edge >= 0))


def _arc_piece(ground: _Ground, tail: int, head: int) -> _Piece:
    network = ground.network
    arcs = np.arange(network.arc_start[tail], network.arc_start[tail + 1])
    edges = network.arc_edge[arcs[network.arc_head[arcs] == head]]
    edge = int(edges[np.argmin(ground.minutes[edges])])
    length = float(network.edge_m[edge])
    return _Piece(edge, 0.0, length) if network.edge_from[edge] == tail else _Piece(edge, length, 0.0)


def _roads_along(network: Network, drive: _Drive) -> tuple[Hashable, ...]:
    roads = [int(network.edge_road[p.edge]) for p in drive.pieces]
    turns = [r for k, r in enumerate(roads) if k == 0 or roads[k - 1] != r]
    return tuple(network.road_ids[r] for r in turns)


def _line(coords: dict[int, Floats], network: Network, drive: _Drive) -> shapely.LineString | None:
    driven = [p for p in drive.pieces if p.from_m != p.to_m]
    if not driven:
        return None
    xy = np.concatenate([_piece_xy(coords, network, p) for p in driven])
    fresh = np.ones(len(xy), bool)
    fresh[1:] = (xy[1:] != xy[:-1]).any(axis=1)
    return shapely.LineString(xy[fresh]) if fresh.sum() > 1 else None


def _piece_xy(coords: dict[int, Floats], network: Network, piece: _Piece) -> Floats:
    line, length = network.edge_line[piece.edge], float(network.edge_m[piece.edge])
    if {piece.from_m, piece.to_m} != {0.0, length}:
        return shapely.get_coordinates(substring(line, piece.from_m, piece.to_m))
    if piece.edge not in coords:
        coords[piece.edge] = shapely.get_coordinates(line)
    return coords[piece.edge] if piece.to_m > 0 else coords[piece.edge][::-1]
