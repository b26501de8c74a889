"""Which roads stand under water too deep to pass; a bridge over the water stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_minzheng.errors import InputError

if TYPE_CHECKING:
    from geo_minzheng.engine.road_graph import Floats

_MAX_VERTICES = 512


def cut_by_flood(roads: gpd.GeoDataFrame, flood: gpd.GeoDataFrame, *, passable_depth_m: float) -> gpd.GeoDataFrame:
    """Find the roads that a vehicle can no longer pass.

    A road is cut where it runs through water deeper than the vehicle passes. Rows with ``is_bridge`` are never cut.
    Water of unknown depth counts as too deep. Where flood polygons overlap, the water is counted once.

    Parameters
    ----------
    roads
        LineStrings in metres with ``road_id`` and optionally ``is_bridge``.
    flood
        Polygons in the same system with ``depth_m`` [m].
    passable_depth_m
        Greatest depth that the vehicle class passes [m].

    Returns
    -------
    GeoDataFrame
        One row per cut road in the order of ``roads``: ``road_id``, ``wet_m`` (length under too deep water [m]),
        ``depth_m`` (greatest depth met [m], NaN where none is known), ``geometry`` (the wet part). Its ``road_id``
        is what ``closed`` takes.

    Raises
    ------
    InputError
        ``network.missing_column``, ``network.crs_differs``, ``network.bad_depth``.
    """
    depth = _checked_depth(roads, flood, passable_depth_m)
    deep = ~(depth <= passable_depth_m)
    pieces, depth = _pieces(np.asarray(flood.geometry.array, dtype=object)[deep], depth[deep])
    dry = roads["is_bridge"].fillna(False).astype(bool).to_numpy() if "is_bridge" in roads.columns else False
    row = np.flatnonzero(~(dry | roads["road_id"].isna().to_numpy()))
    lines = np.asarray(roads.geometry.array, dtype=object)[row]
    hit, piece = shapely.STRtree(pieces).query(lines, predicate="intersects")[:, :] if len(pieces) else ([], [])
    hit, piece = np.asarray(hit, np.int64), np.asarray(piece, np.int64)
    wet = shapely.intersection(lines[hit], pieces[piece])
    is_long = shapely.length(wet) > 0
    ids = roads["road_id"].to_numpy()[row[hit]]
    found: dict[object, list[int]] = {i: [] for i in roads["road_id"].tolist()}
    for k in np.flatnonzero(is_long):
        found[ids[k]].append(int(k))
    rows = [(i, shapely.union_all(wet[ks]), _deepest(depth[piece[ks]])) for i, ks in found.items() if ks]
    geometry = gpd.GeoSeries([shapely.multilinestrings(_lines(g)) for _, g, _ in rows], crs=roads.crs)
    columns = {
        "road_id": [i for i, _, _ in rows],
        "wet_m": np.array([g.length for g in geometry], float),
        "depth_m": np.array([d for _, _, d in rows], float),
    }
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=roads.crs)


def _checked_depth(roads: gpd.GeoDataFrame, flood: gpd.GeoDataFrame, passable_depth_m: float) -> Floats:
    for frame, column in ((roads, "road_id"), (flood, "depth_m")):
        if column not in frame.columns:
            raise InputError("network.missing_column", column=column)
    if roads.crs is not None and flood.crs is not None and roads.crs != flood.crs:
        raise InputError("network.crs_differs", points=flood.crs.to_string(), roads=roads.crs.to_string())
    depth = flood["depth_m"].to_numpy(float, na_value=np.nan)
    if not passable_depth_m >= 0 or (depth < 0).any():
        raise InputError("network.bad_depth", value=passable_depth_m)
    return np.asarray(depth, float)


def _deepest(depth: Floats) -> float:
    known = depth[np.isfinite(depth)]
    return float(known.max()) if len(known) else float("nan")


def _lines(geometry: shapely.Geometry) -> NDArray[np.object_]:
    parts = shapely.get_parts(geometry)
    return np.asarray(parts[shapely.get_type_id(parts) == 1], dtype=object)


def _pieces(polygons: NDArray[np.object_], depth: Floats) -> tuple[NDArray[np.object_], Floats]:
    """Cut big polygons into tiles of at most 512 vertices: an overlay then looks at the water nearby only."""
    valid = np.array([p if p.is_valid else shapely.make_valid(p) for p in polygons if p is not None], dtype=object)
    depth = depth[[p is not None for p in polygons]]
    out: list[shapely.Geometry] = []
    deep: list[float] = []
    todo = list(zip(valid.tolist(), depth.tolist(), strict=True))
    while todo:
        polygon, d = todo.pop()
        if polygon.is_empty:
            continue
        x0, y0, x1, y1 = polygon.bounds
        if shapely.get_num_coordinates(polygon) <= _MAX_VERTICES or max(x1 - x0, y1 - y0) < 1.0:
            out.append(polygon)
            deep.append(d)
        elif x1 - x0 >= y1 - y0:
            middle = (x0 + x1) / 2
            todo += [(shapely.clip_by_rect(polygon, x0, y0, middle, y1), d)]
            todo += [(shapely.clip_by_rect(polygon, middle, y0, x1, y1), d)]
        else:
            middle = (y0 + y1) / 2
            todo += [(shapely.clip_by_rect(polygon, x0, y0, x1, middle), d)]
            todo += [(shapely.clip_by_rect(polygon, x0, middle, x1, y1), d)]
    pieces = np.empty(len(out), dtype=object)
    pieces[:] = out
    return pieces, np.array(deep, float)
