"""Check shapes: kind, place, validity, duplicates and overlaps; mend what can be mended."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from geo_minzheng.geo import STORE_CRS, metres_crs, transform

Shapes = NDArray[Any]
_FAMILY = {
    "Point": ("Point", "MultiPoint"),
    "LineString": ("LineString", "MultiLineString"),
    "Polygon": ("Polygon", "MultiPolygon"),
}
_PLACE = re.compile(r"^(.*?)\[([-\d.eE+]+) ([-\d.eE+]+)\]$")
_BLOCKS = 100_000
_SAME_DEG, _SAME_SHARE = 1e-8, 1e-6


def local_metres(shapes: Shapes) -> CRS:
    """Choose metres for measuring a set of shapes in longitude and latitude: the zone of their middle."""
    bounds = shapely.total_bounds(shapes[~shapely.is_missing(shapes)])
    if not np.isfinite(bounds).all():
        return metres_crs(114.0, 30.0)
    return metres_crs(float(bounds[0] + bounds[2]) / 2, float(bounds[1] + bounds[3]) / 2)


def to_metres(shapes: Shapes, metres: CRS) -> Shapes:
    """Transform shapes from CGCS2000 to a metric system."""

    def move(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = transform(points[:, 0], points[:, 1], STORE_CRS, metres)
        return np.column_stack([x, y])

    return np.asarray(shapely.transform(shapes, move))


def areas_m2(shapes: Shapes, metres: CRS) -> NDArray[np.float64]:
    """Measure areas [m2] of shapes in longitude and latitude, each by itself."""
    return np.asarray(shapely.area(to_metres(shapes, metres)), dtype=float)


def union_area_km2(shapes: Shapes, metres: CRS) -> float:
    """Measure the area that shapes cover together [km2]: where they overlap, the ground counts once.

    Parameters
    ----------
    shapes
        Valid polygons in CGCS2000 longitude and latitude, shape (n,).
    metres
        The district's metric system.
    """
    present = shapes[~shapely.is_missing(shapes)]
    if not len(present):
        return 0.0
    return float(shapely.area(shapely.union_all(to_metres(present, metres)))) / 1e6


def single_family(shape: Any, kind: str) -> Any:
    """Return the shape in the layer's stored form, or ``None`` when it is of another kind.

    Points stay single (a multi-point of one point is one), lines and areas become ``Multi*``; a collection of one
    kind only, as repair tools leave it, is taken for what it holds.
    """
    if shape.geom_type == "GeometryCollection":
        shape = _one_kind(shape, kind)
    if shape is None or shape.geom_type not in _FAMILY[kind]:
        return None
    if kind == "Point":
        if shape.geom_type == "Point":
            return shape
        return shape.geoms[0] if len(shape.geoms) == 1 else None
    if shape.geom_type.startswith("Multi"):
        return shape
    return shapely.MultiPolygon([shape]) if kind == "Polygon" else shapely.MultiLineString([shape])


def _one_kind(collection: Any, kind: str) -> Any:
    parts = [q for p in shapely.get_parts(collection) for q in shapely.get_parts(p) if not q.is_empty]
    if not parts or any(p.geom_type != kind for p in parts):
        return None
    many: dict[str, Any] = {
        "Point": shapely.MultiPoint,
        "LineString": shapely.MultiLineString,
        "Polygon": shapely.MultiPolygon,
    }
    return many[kind](parts)


def polygonal_part(shape: Any) -> Any:
    """Keep the areas of a mended shape; lines and points that fell out are dropped."""
    if shape.geom_type == "Polygon":
        return shapely.MultiPolygon([shape])
    if shape.geom_type == "MultiPolygon":
        return shape
    parts = [p for p in shapely.get_parts(shape) if p.geom_type in ("Polygon", "MultiPolygon")]
    flat = [q for p in parts for q in shapely.get_parts(p)]
    return shapely.MultiPolygon(flat) if flat else shapely.MultiPolygon()


@dataclass(frozen=True)
class Flaw:
    """Why a polygon is invalid and what mending it would change.

    Parameters
    ----------
    reason
        GEOS' reason, e.g. ``"Self-intersection"``.
    lon, lat
        Place of the flaw [deg].
    area_before_m2, area_after_m2
        Area as drawn and after mending [m2].
    mended
        The mended shape; empty when nothing polygonal is left.
    """

    reason: str
    lon: float
    lat: float
    area_before_m2: float
    area_after_m2: float
    mended: Any


def find_flaw(shape: Any, metres: CRS) -> Flaw | None:
    """Explain an invalid polygon; ``None`` for a valid one."""
    if shapely.is_valid(shape):
        return None
    text = shapely.is_valid_reason(shape)
    match = _PLACE.match(text)
    reason, lon, lat = (
        (match.group(1), float(match.group(2)), float(match.group(3))) if match else (text, *shape.centroid.coords[0])
    )
    mended = polygonal_part(shapely.make_valid(shape, method="structure", keep_collapsed=False))
    before, after = areas_m2(np.array([shape, mended], dtype=object), metres)
    return Flaw(reason, lon, lat, float(before), float(after), mended)


def first_twin(shapes: Shapes) -> NDArray[np.int64]:
    """Find for each shape the first earlier one that covers exactly the same points; -1 where there is none.

    Ring start, direction, order of parts and points along a straight edge do not matter; coordinates count to 1e-9
    degrees (0.1 mm).
    """
    seen: dict[bytes, int] = {}
    twins = np.full(len(shapes), -1, dtype=np.int64)
    present = ~shapely.is_missing(shapes)
    keys = shapely.to_wkb(shapely.normalize(shapely.set_precision(shapes, 1e-9, mode="pointwise")))
    for i in np.flatnonzero(present):
        first = seen.setdefault(keys[i], int(i))
        if first != i:
            twins[i] = first
    for later, earlier in _same_ground(shapes):
        if twins[later] < 0:
            twins[later] = earlier if twins[earlier] < 0 else twins[earlier]
    return twins


def _same_ground(shapes: Shapes) -> list[tuple[int, int]]:
    """List pairs (later, earlier) of valid polygons that differ by less than a millionth of their area."""
    bounds = shapely.bounds(shapes)
    there = np.flatnonzero(~shapely.is_missing(shapes))
    later, earlier = there[shapely.STRtree(shapes[there]).query(shapely.box(*bounds[there].T))]
    close = (later > earlier) & (np.abs(bounds[later] - bounds[earlier]) < _SAME_DEG).all(axis=1)
    later, earlier = later[close], earlier[close]
    apart = shapely.area(shapely.symmetric_difference(shapes[later], shapes[earlier]))
    same = apart < _SAME_SHARE * shapely.area(shapes[earlier])
    return sorted((int(i), int(j)) for i, j in zip(later[same], earlier[same], strict=True))


def overlaps(shapes: Shapes, metres: CRS, share: float = 0.01) -> list[tuple[int, int, float]]:
    """List pairs of polygons that share more than a share of the smaller one.

    Returns
    -------
    list of (i, j, area_m2)
        ``i < j``; shared area [m2].
    """
    flat = to_metres(shapes, metres)
    tree = shapely.STRtree(flat)
    left, right = tree.query(flat, predicate="intersects")
    keep = left < right
    left, right = left[keep][:_BLOCKS], right[keep][:_BLOCKS]
    shared = shapely.area(shapely.intersection(flat[left], flat[right]))
    smaller = np.minimum(shapely.area(flat[left]), shapely.area(flat[right]))
    big = shared > share * smaller
    return [(int(i), int(j), float(a)) for i, j, a in zip(left[big], right[big], shared[big], strict=True)]


def swap_axes(shapes: Shapes) -> Shapes:
    """Exchange x and y of every vertex."""
    return np.asarray(shapely.transform(shapes, lambda points: points[:, ::-1]))
