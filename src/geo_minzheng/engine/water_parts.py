"""A footprint as rows: its parts for the store, its frame for the engine, its area counted once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import geopandas as gpd
import numpy as np
import shapely

from geo_minzheng.geo import STORE_CRS


def covered_km2(footprint: gpd.GeoDataFrame) -> float:
    """Measure a footprint, overlaps counted once [km²].

    Parameters
    ----------
    footprint
        Polygons in metres.
    """
    return round(float(shapely.union_all(footprint.geometry.to_numpy()).area) / 1e6, 6) if len(footprint) else 0.0


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
