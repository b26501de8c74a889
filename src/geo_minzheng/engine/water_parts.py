"""A footprint as rows: its parts for the store, its frame for the engine, its area counted once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from geo_minzheng.geo import STORE_CRS


def covered_km2(footprint: gpd.GeoDataFrame) -> float:
    """Measure a footprint, overlaps counted once [km²].

    Parameters
    ----------
    footprint
        Polygons in metres.
    """
    return round(float(shapely.union_all(footprint.geometry.to_numpy()).area) / 1e6, 6) if len(footprint) else 0.0


def nearest(footprint: gpd.GeoDataFrame, villages: gpd.GeoDataFrame) -> tuple[str, float]:
    """Find the village that a footprint comes nearest to, and how near [km].

    Parameters
    ----------
    footprint
        Polygons in metres.
    villages
        ``code`` and a point in the same metres; of several as near the smallest code.

    Returns
    -------
    tuple
        Code and km, 0 where the village lies inside; ``("", inf)`` where either is empty.
    """
    if footprint.empty or villages.empty:
        return "", np.inf
    sorted_ = villages.sort_values("code")
    water = shapely.union_all(footprint.geometry.to_numpy())
    shapely.prepare(water)
    away = shapely.distance(sorted_.geometry.to_numpy(), water)
    first = int(np.argmin(away))
    return str(sorted_["code"].iloc[first]), round(float(away[first]) / 1000, 1)


def parts(footprint: gpd.GeoDataFrame) -> Iterator[tuple[shapely.Geometry, float | None]]:
    """Give each polygon with its depth [m], ``None`` where it states none."""
    depth = footprint["depth_m"].astype(float) if "depth_m" in footprint.columns else [np.nan] * len(footprint)
    for shape, metres in zip(footprint.geometry, depth, strict=True):
        yield shape, None if np.isnan(metres) else float(metres)


def as_frame(shapes: Sequence[shapely.Geometry], depths: Sequence[float | None]) -> gpd.GeoDataFrame:
    """Build a footprint in CGCS2000 from its parts.

    Parameters
    ----------
    depths
        Depth of each part [m], ``None`` where unknown.
    """
    metres = np.array([np.nan if depth is None else depth for depth in depths], float)
    return gpd.GeoDataFrame({"depth_m": metres}, geometry=gpd.GeoSeries(list(shapes), crs=STORE_CRS), crs=STORE_CRS)


def from_raster(
    array: NDArray[np.float32],
    affine: tuple[float, float, float, float, float, float],
    crs: str,
    edges_m: Sequence[float],
) -> gpd.GeoDataFrame:
    """Cut a depth raster into areas of one depth class each.

    Each class is given the mean depth of its own cells, which lies inside the class: every rule whose limits are among
    the edges judges the area as it would judge each of its cells.

    Parameters
    ----------
    array
        Depth, shape (rows, columns) [m]; dry where 0, negative or NaN.
    affine
        ``(a, b, c, d, e, f)``: x = a * column + c, y = e * row + f at the upper left corner of a cell.
    crs
        System of the raster.
    edges_m
        Lower limits of the classes [m].

    Returns
    -------
    GeoDataFrame
        ``depth_m`` and geometry in CGCS2000, shallowest first; empty when all is dry.
    """
    edges = np.unique(np.array([e for e in edges_m if e > 0], float))
    wet = np.nan_to_num(np.asarray(array, float), nan=0.0)
    level = np.where(wet > 0, np.searchsorted(edges, wet, side="right"), -1)
    shapes, depths = [], []
    for k in range(len(edges) + 1):
        inside = level == k
        if inside.any():
            shapes.append(shapely.union_all(_runs(inside, affine)))
            depths.append(round(float(wet[inside].mean()), 3))
    frame = gpd.GeoDataFrame({"depth_m": np.array(depths, float)}, geometry=gpd.GeoSeries(shapes, crs=crs), crs=crs)
    return frame.to_crs(STORE_CRS)


def _runs(inside: NDArray[np.bool_], affine: tuple[float, float, float, float, float, float]) -> NDArray[np.object_]:
    """Draw each row's runs of neighbouring cells as one box."""
    a, _, c, _, e, f = affine
    padded = np.zeros((inside.shape[0], inside.shape[1] + 2), np.int8)
    padded[:, 1:-1] = inside
    change = np.diff(padded, axis=1)
    row, start = np.nonzero(change == 1)
    _, stop = np.nonzero(change == -1)
    x0, x1, y0, y1 = a * start + c, a * stop + c, e * row + f, e * (row + 1) + f
    boxes: NDArray[np.object_] = shapely.box(
        np.minimum(x0, x1), np.minimum(y0, y1), np.maximum(x0, x1), np.maximum(y0, y1)
    )
    return boxes


def from_geojson(document: dict[str, object]) -> gpd.GeoDataFrame:
    """Build a footprint in CGCS2000 from drawn GeoJSON features (WGS-84 by its standard); only areas count."""
    features = document.get("features", [document])
    assert isinstance(features, list)
    found = [shapely.from_geojson(_text(feature)) for feature in features]
    areas = [g for g in shapely.get_parts(found) if g.geom_type in {"Polygon", "MultiPolygon"} and not g.is_empty]
    shapes = [shapely.make_valid(area, method="structure") for area in areas]
    return as_frame(shapes, [None] * len(shapes))


def _text(feature: dict[str, object]) -> str:
    return json.dumps(feature.get("geometry", feature))
