"""Draw synthetic hazards: zones along water and hills, and the footprint of one flood in depth classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from geo_minzheng.engine.synthesise_ground import EMPTY, Rng, as_areas, blob

_CELL_M = 120.0


def hazard_zones(plan: Mapping[str, Any], land: BaseGeometry, water: gpd.GeoDataFrame, rng: Rng) -> gpd.GeoDataFrame:
    """Draw flood zones along river, lakes and canals, and landslide zones on hills; zones of one kind do not overlap.

    Parameters
    ----------
    plan
        ``flood`` (``near_river_m`` two distances, ``near_lake_m``, ``near_canal_m``) and ``hill`` (name, centre,
        radius_m).
    land
        The district [m].
    water
        The ``water`` layer in metres.
    """
    dry = land.difference(shapely.union_all(water.geometry))
    kinds = water["water_kind"]
    river = shapely.union_all(water.geometry[kinds == "river"])
    lakes = shapely.union_all(water.geometry[kinds.isin(["lake", "reservoir", "pond"])])
    canals = shapely.union_all(water.geometry[kinds == "canal"])
    near, far = plan["flood"]["near_river_m"]
    rings = [
        ("沿江高风险区（示意）", "high", river.buffer(near)),
        ("湖泊低洼区（示意）", "mid_high", lakes.buffer(plan["flood"]["near_lake_m"])),
        ("沿江中风险区（示意）", "mid", river.buffer(far)),
        ("港渠沿线（示意）", "low", canals.buffer(plan["flood"]["near_canal_m"])),
    ]
    rows: list[dict[str, Any]] = []
    taken = EMPTY
    for name, level, area in rings:
        shape = as_areas(area.simplify(6).intersection(dry).difference(taken))
        taken = taken.union(shape)
        rows.append({"name": name, "hazard_kind": "flood", "risk_level": level, "geometry": shape})
    for hill in plan["hill"]:
        outer = blob(hill["centre"], hill["radius_m"], rng)
        inner = outer.buffer(-hill["radius_m"] * 0.35)
        for level, part in (("high", inner), ("mid", outer.difference(inner))):
            shape = as_areas(part.intersection(dry))
            rows.append({"name": hill["name"], "hazard_kind": "geological", "risk_level": level, "geometry": shape})
    rows = [row for row in rows if not row["geometry"].is_empty]
    frame = gpd.GeoDataFrame(rows, geometry="geometry")
    frame.insert(0, "zone_id", [f"HZ{n:03d}" for n in range(1, len(frame) + 1)])
    return frame


def _waves(x: NDArray[np.float64], y: NDArray[np.float64], rng: Rng) -> NDArray[np.float64]:
    out = np.zeros(len(x))
    for length, height in ((5200, 0.55), (2600, 0.35), (1300, 0.2), (700, 0.1)):
        for _ in range(3):
            angle, phase = rng.random() * 2 * np.pi, rng.random() * 2 * np.pi
            out += height / 1.7 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / length + phase)
    return out


def flood_depth(
    breach: Sequence[float], reach_m: float, deepest_m: float, land: BaseGeometry, low: BaseGeometry, rng: Rng
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Model water depth on a grid: falling with the way from the breach over rolling ground, deeper along ``low``.

    Returns
    -------
    Grid points, shape (n, 2) [m], and depth, shape (n,) [m].
    """
    x0, y0, x1, y1 = land.buffer(0).bounds
    gx, gy = np.meshgrid(np.arange(x0, x1, _CELL_M) + 60, np.arange(y0, y1, _CELL_M) + 60)
    inside = shapely.contains_xy(land, gx.ravel(), gy.ravel())
    x, y = gx.ravel()[inside], gy.ravel()[inside]
    index = np.full(gx.size, -1)
    index[inside] = np.arange(inside.sum())
    index = index.reshape(gx.shape)
    hills = _waves(x, y, rng)
    close = shapely.dwithin(low, shapely.points(x, y), 260.0)
    effort = np.clip(1 + 0.7 * hills - 0.45 * close, 0.25, 3)
    pairs = [
        (index[:, :-1], index[:, 1:], 1.0),
        (index[:-1], index[1:], 1.0),
        (index[:-1, :-1], index[1:, 1:], 1.4142),
        (index[1:, :-1], index[:-1, 1:], 1.4142),
    ]
    u = np.concatenate([a.ravel() for a, _, _ in pairs])
    v = np.concatenate([b.ravel() for _, b, _ in pairs])
    stretch = np.concatenate([np.full(a.size, s) for a, _, s in pairs])
    ok = (u >= 0) & (v >= 0)
    u, v, stretch = u[ok], v[ok], stretch[ok]
    graph = csr_matrix((_CELL_M * stretch * (effort[u] + effort[v]) / 2, (u, v)), shape=(len(x), len(x)))
    start = int(((x - breach[0]) ** 2 + (y - breach[1]) ** 2).argmin())
    way = np.asarray(dijkstra(graph, directed=False, indices=np.array([start])))[0]
    return np.column_stack([x, y]), deepest_m * (1 - way / reach_m)


def footprint(
    grid: NDArray[np.float64], depth: NDArray[np.float64], bands: Sequence[Sequence[float]], land: BaseGeometry
) -> gpd.GeoDataFrame:
    """Turn depths into disjoint polygons, one per depth class.

    Parameters
    ----------
    bands
        Rows (lower bound, upper bound, representative depth) [m]; half-open.

    Returns
    -------
    Columns ``depth_m`` (representative), ``depth_from_m``, ``depth_to_m``, geometry in metres.
    """
    rows: list[dict[str, Any]] = []
    deeper = EMPTY
    for low, high, middle in sorted(bands, key=lambda b: -b[0]):
        cells = grid[depth >= low]
        half = _CELL_M / 2
        area = shapely.union_all([box(x - half, y - half, x + half, y + half) for x, y in cells])
        soft = area.buffer(90).buffer(-170).buffer(80).simplify(12).intersection(land).union(deeper)
        shape = as_areas(soft.difference(deeper))
        deeper = soft
        if not shape.is_empty:
            rows.append({"depth_m": middle, "depth_from_m": low, "depth_to_m": high, "geometry": shape})
    return gpd.GeoDataFrame(rows[::-1], geometry="geometry")
