"""The water of one hazard: how deep at a place, how much of an area, counted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_minzheng.engine.exposure import hazard_locator
from geo_minzheng.engine.locate import OUTSIDE, Floats, Ints, Locator, build_locator, locate, raster_at, subdivide
from geo_minzheng.errors import InputError
from geo_minzheng.model.impact import Raster

if TYPE_CHECKING:
    import geopandas as gpd


@dataclass(frozen=True, eq=False)
class Water:
    """A footprint of polygons or a depth raster, ready for points and areas.

    Parameters
    ----------
    depth
        Depth of each polygon of ``locator`` [m], deepest first; unknown ones already hold the assumed depth.
    """

    locator: Locator | None
    depth: Floats
    raster: Raster | None


def build_water(footprint: gpd.GeoDataFrame | None, raster: Raster | None, *, unknown_depth_m: float) -> Water:
    """Prepare the water of a footprint or of a raster, exactly one of the two.

    Parameters
    ----------
    footprint
        Polygons [m] with an optional ``depth_m``; where they overlap, the deepest counts.
    raster
        Water depth [m]; dry where 0, negative or unknown.
    unknown_depth_m
        Depth of polygons that state none [m].

    Raises
    ------
    InputError
        ``impact.one_footprint`` when both or none are given, ``impact.bad_depth`` for a negative depth.
    """
    if (footprint is None) == (raster is None):
        raise InputError("impact.one_footprint")
    if footprint is None:
        return Water(None, np.zeros(0), raster)
    stated = footprint.assign(depth_m=footprint["depth_m"] if "depth_m" in footprint.columns else np.nan)
    depth = stated["depth_m"].to_numpy(dtype=float, na_value=np.nan)
    if (depth < 0).any():
        raise InputError("impact.bad_depth", value=float(np.nanmin(depth)))
    locator, ordered = hazard_locator(stated.assign(depth_m=np.where(np.isnan(depth), unknown_depth_m, depth)))
    return Water(locator, ordered, None)


def depths(water: Water, x: Floats, y: Floats) -> Floats:
    """Tell how deep the water stands at points.

    Parameters
    ----------
    x, y
        Finite coordinates [m], shape (n,).

    Returns
    -------
    Depth [m], NaN where dry, shape (n,).
    """
    if water.raster is not None:
        found = raster_at(water.raster, x, y)
        return np.where(found > 0, found, np.nan)
    assert water.locator is not None
    polygon = locate(water.locator, x, y)
    return np.append(water.depth, np.nan)[np.where(polygon == OUTSIDE, len(water.depth), polygon)]


def depth_at(points: gpd.GeoSeries, raster: Raster) -> pd.Series[float]:
    """Read a raster at points.

    Parameters
    ----------
    points
        Points in the raster's system [m].

    Returns
    -------
    Values in the raster's unit with the index of ``points``; NaN outside, where nothing is known and for empty points.
    """
    there = ~(points.is_empty | points.isna()).to_numpy()
    values = np.full(len(points), np.nan)
    values[there] = raster_at(raster, points.x.to_numpy()[there], points.y.to_numpy()[there])
    return pd.Series(values, index=points.index, name="depth_m")


def wet_areas(areas: NDArray[Any], water: Water, from_m: tuple[float, ...]) -> NDArray[np.float64]:
    """Measure the water in areas by depth class, counted once.

    Parameters
    ----------
    areas
        Polygons [m], shape (n,).
    from_m
        Ascending lower ends of the classes [m].

    Returns
    -------
    Wet area [m²], shape (n, classes); raster pixels belong to the first area that holds their centre.
    """
    if water.raster is not None:
        return _wet_pixels(areas, water.raster, from_m)
    at_least = np.zeros((len(areas), len(from_m) + 1))
    for k, whole in enumerate(_unions(water, from_m)):
        pieces, _ = subdivide(np.array([whole], dtype=object))
        owner, piece = shapely.STRtree(pieces).query(areas, predicate="intersects")
        shared = shapely.area(shapely.intersection(areas[owner], pieces[piece]))
        at_least[:, k] = np.bincount(owner, weights=shared, minlength=len(areas))
    return np.maximum(at_least[:, :-1] - at_least[:, 1:], 0.0)


def area_km2(water: Water) -> float:
    """Measure the water, overlaps counted once [km²]."""
    if water.raster is not None:
        a, b, _, d, e, _ = water.raster.affine
        return float(np.count_nonzero(_wet(water.raster))) * abs(a * e - b * d) / 1e6
    return float(shapely.area(_unions(water, (-np.inf,))[0])) / 1e6


def count_duplicates(polygons: NDArray[Any]) -> int:
    """Count the polygons that repeat an earlier one exactly."""
    return len(polygons) - len({shapely.to_wkb(p) for p in shapely.normalize(polygons)})


def _unions(water: Water, from_m: tuple[float, ...]) -> list[Any]:
    assert water.locator is not None
    return [shapely.union_all(water.locator.polygons[water.depth >= low]) for low in from_m]


def _wet(raster: Raster) -> NDArray[np.bool_]:
    wet = np.asarray(raster.array > 0)
    return wet if raster.nodata is None else wet & (raster.array != raster.nodata)


def _wet_pixels(areas: NDArray[Any], raster: Raster, from_m: tuple[float, ...]) -> NDArray[np.float64]:
    a, b, c, d, e, f = raster.affine
    row, column = np.nonzero(_wet(raster))
    x, y = a * (column + 0.5) + b * (row + 0.5) + c, d * (column + 0.5) + e * (row + 0.5) + f
    owner = locate(build_locator(areas), x, y)
    level: Ints = np.searchsorted(from_m, raster.array[row, column], side="right").astype(np.int64) - 1
    inside = (owner != OUTSIDE) & (level >= 0)
    flat = np.bincount(owner[inside] * len(from_m) + level[inside], minlength=len(areas) * len(from_m))
    return np.asarray(flat.reshape(len(areas), len(from_m)) * abs(a * e - b * d), np.float64)
