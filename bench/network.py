"""Roads against networkx in the same run: seconds and the same minutes."""

from __future__ import annotations

import time
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import shapely

from geo_minzheng.engine import network


def grid_roads(side: int, seed: int) -> gpd.GeoDataFrame:
    """A wobbly grid of side x side junctions, one road per street between two of them [m]."""
    rng = np.random.default_rng(seed)
    at = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1) * 500.0
    at += rng.uniform(-150, 150, at.shape)
    pairs = np.concatenate(
        [
            np.stack([at[:-1], at[1:]], axis=2).reshape(-1, 2, 2),
            np.stack([at[:, :-1], at[:, 1:]], axis=2).reshape(-1, 2, 2),
        ]
    )
    pairs = pairs[rng.random(len(pairs)) < 0.85]
    columns = {"road_id": np.arange(len(pairs)), "kmh": rng.choice([30.0, 50.0, 80.0], len(pairs)), "oneway": False}
    return gpd.GeoDataFrame(columns, geometry=shapely.linestrings(pairs), crs="EPSG:4547")


def timed(work: Any) -> tuple[Any, float]:
    """Run and measure."""
    begin = time.perf_counter()
    out = work()
    return out, time.perf_counter() - begin


def _peer(roads: gpd.GeoDataFrame, origins: gpd.GeoSeries, places: gpd.GeoSeries) -> np.ndarray:
    """Search with networkx between junctions."""
    graph = nx.Graph()
    for line, kmh in zip(roads.geometry, roads.kmh, strict=True):
        a, b = line.coords
        graph.add_edge(a, b, minutes=line.length * 0.06 / kmh)
    found = [nx.single_source_dijkstra_path_length(graph, (o.x, o.y), weight="minutes") for o in origins]
    return np.array([[row.get((d.x, d.y), np.inf) for d in places] for row in found])


def _junctions(roads: gpd.GeoDataFrame, count: int, seed: int) -> gpd.GeoSeries:
    ends = shapely.get_coordinates(roads.geometry.array)
    rows = np.random.default_rng(seed).integers(len(ends), size=count)
    return gpd.GeoSeries(gpd.points_from_xy(*ends[rows].T), crs=roads.crs)


def run() -> list[dict]:
    """Measure every job of the room; one row each."""
    rows = []
    for side, many, few in ((60, 300, 10), (300, 1000, 10)):
        roads = grid_roads(side, side)
        origins, places = _junctions(roads, few, 1), _junctions(roads, many, 2)
        size = f"{side * side} junctions, {len(roads)} roads"
        net, seconds = timed(lambda r=roads: network.build(r))
        rows.append({"job": f"build, {size}", "seconds": round(seconds, 4)})
        times, seconds = timed(lambda n=net, o=origins, d=places: network.travel_times(n, o, d))
        peer, peer_s = timed(lambda r=roads, o=origins, d=places: _peer(r, o, d))
        rows.append(
            {
                "job": f"travel times {few} x {many}, {size}",
                "seconds": round(seconds, 4),
                "peer": "networkx",
                "peer_seconds": round(peer_s, 2),
                "ratio": round(peer_s / seconds, 1),
                "same": bool(np.allclose(times, peer)),
            }
        )
        shut = roads.road_id.iloc[:50].tolist()
        _, seconds = timed(lambda n=net, o=origins, d=places, c=shut: network.travel_times(n, o, d, closed=c))
        rows.append({"job": f"the same with 50 closures, {size}", "seconds": round(seconds, 4)})
        network.isolating(net, origins.iloc[:1], places.iloc[:2])
        found, seconds = timed(lambda n=net, o=origins, d=places: network.isolating(n, o, d))
        rows.append({"job": f"structures that isolate, {size}", "seconds": round(seconds, 4), "found": len(found)})
    return rows


if __name__ == "__main__":
    for line in run():
        print(line)
