"""The extent of a district: its box on the globe and the metres it is measured in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from geo_minzheng.geo import metres_crs

if TYPE_CHECKING:
    import geopandas as gpd

MARGIN_KM = 20.0
_KM_PER_DEGREE = 111.32


def extent_of(frame: gpd.GeoDataFrame) -> dict[str, Any] | None:
    """Find box and metric system of shapes in CGCS2000; ``None`` without any shape.

    Returns
    -------
    ``box`` (west, south, east, north with 20 km margin [deg]) and ``metres`` (``EPSG:n`` or WKT).
    """
    shapes = frame.geometry[~(frame.geometry.is_empty | frame.geometry.isna())]
    if shapes.empty:
        return None
    west, south, east, north = (float(v) for v in shapes.total_bounds)
    up = MARGIN_KM / _KM_PER_DEGREE
    aside = up / max(0.05, math.cos(math.radians((south + north) / 2)))
    crs = metres_crs((west + east) / 2, (south + north) / 2)
    code = crs.to_epsg()
    box = [west - aside, south - up, east + aside, north + up]
    return {"box": box, "metres": f"EPSG:{code}" if code else crs.to_wkt()}
