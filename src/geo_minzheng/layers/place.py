"""Put the rows of a file on the map: read or build shapes, bring them to CGCS2000, refuse what lies elsewhere."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_minzheng.errors import InputError
from geo_minzheng.layers import crs as systems
from geo_minzheng.layers.crs import Array, Box, SourceCrs
from geo_minzheng.layers.detect import Limits
from geo_minzheng.layers.faults import FaultList
from geo_minzheng.layers.geometry import Shapes, swap_axes
from geo_minzheng.layers.headings import PLACE_HEADS, Table
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.values import BadValue, folded, is_blank, parse
from geo_minzheng.model.layer import ColumnSpec

_NUMBER = ColumnSpec("coordinate", "float")
_PAIRS = (("lon", "lat"), ("east", "north"), ("x", "y"))
_HEMISPHERE = re.compile(r"([东西南北EWNS]?)[经纬]?\s*(.*?)\s*([东西南北EWNS]?)[经纬]?", re.IGNORECASE)
# Folding widths turns the sign for seconds into two signs for minutes.
_DEGREES = re.compile(r"(\d{1,3}(?:\.\d+)?)[°度]?(?:(\d{1,2})['′分](?:([\d.]+)(?:[\"″秒]|['′]{2})?)?)?")
_EWKT = re.compile(r"^\s*SRID\s*=\s*(\d+)\s*;", re.IGNORECASE)
_DEEPEST = 8


@dataclass(frozen=True)
class Placed:
    """Shapes in CGCS2000, ``None`` where a row has none, and the system they came from."""

    shapes: Shapes
    source_crs: str


def _coordinate(text: str) -> float | BadValue:
    found: float | BadValue = parse(text, _NUMBER)
    if not isinstance(found, BadValue) or found.code == "not_finite":
        return found
    sides = _HEMISPHERE.fullmatch(folded(text))
    match = _DEGREES.fullmatch(sides.group(2)) if sides else None
    if sides is None or match is None:
        return found
    try:
        degrees, minutes, seconds = (float(part or 0) for part in match.groups())
    except ValueError:
        return found
    sign = -1 if set((sides.group(1) + sides.group(3)).upper()) & set("西南WS") else 1
    return sign * (degrees + minutes / 60 + seconds / 3600)


def _numbers(table: Table, column: int, faults: FaultList) -> Array:
    values = np.full(len(table.rows), np.nan)
    for i, (row, text) in enumerate(zip(table.rows, table.columns[column], strict=True)):
        if text is None or is_blank(text):
            faults.add("coordinate_missing", row, table.headings[column])
            continue
        found = _coordinate(text)
        if isinstance(found, BadValue):
            code = "coordinate_not_finite" if found.code == "not_finite" else "coordinate_not_a_number"
            faults.add(code, row, table.headings[column], text)
        else:
            values[i] = found
    return values


def _wkt_shape(text: str) -> Any:
    """Build one plain shape; ``None`` for an empty one."""
    if text.upper().count("COLLECTION") > _DEEPEST:
        raise ValueError("nesting")
    try:
        with np.errstate(invalid="ignore", over="ignore"):  # a number too large is refused by its name, later
            shape = shapely.from_wkt(text)
    except NotImplementedError as error:
        raise ValueError("arcs") from error
    return None if shape.is_empty else shapely.force_2d(shape)


def _from_wkt(table: Table, column: int, faults: FaultList) -> tuple[Shapes, str]:
    shapes = np.full(len(table.rows), None, dtype=object)
    if sum(text.count(",") + 1 for text in table.columns[column] if text) > (limit := Limits().vertices):
        faults.add("too_many_vertices", limit=limit)
        return shapes, ""
    declared: set[str] = set()
    for i, (row, text) in enumerate(zip(table.rows, table.columns[column], strict=True)):
        if text is None or is_blank(text):
            faults.add("geometry_missing", row, table.headings[column])
            continue
        match = _EWKT.match(text)
        declared.add(f"EPSG:{match.group(1)}" if match else "")
        try:
            shapes[i] = _wkt_shape(text[match.end() :] if match else text)
        except (shapely.errors.ShapelyError, ValueError, TypeError) as error:
            faults.add("geometry_malformed", row, table.headings[column], text, reason=str(error)[:120])
            continue
        if shapes[i] is None:
            faults.add("geometry_missing", row, table.headings[column], text)
    return shapes, declared.pop() if len(declared) == 1 else ""


def table_shapes(
    table: Table, assigned: Mapping[str, int], source: SourceCrs | None, faults: FaultList
) -> tuple[Shapes, str] | None:
    """Build shapes from the coordinate columns of a table.

    X and Y follow the declared system: north and east where its definition says so (EPSG:4547 and its kin), else
    east and north.

    Returns
    -------
    (shapes, crs) or None
        Shapes with x east, the system that the cells themselves declare; ``None`` when there are no such columns.
    """
    if "wkt" in assigned:
        return _from_wkt(table, assigned["wkt"], faults)
    pair = next((p for p in _PAIRS if p[0] in assigned and p[1] in assigned), None)
    if pair is None:
        heads = "；".join("、".join(PLACE_HEADS[name][:3]) for name in ("lon", "lat", "x", "y", "wkt"))
        faults.add("coordinates_absent", allowed=heads)
        return None
    x, y = (_numbers(table, assigned[name], faults) for name in pair)
    if pair[0] == "x" and source is not None and systems.x_is_north(source):
        x, y = y, x
    shapes = np.full(len(table.rows), None, dtype=object)
    good = np.isfinite(x) & np.isfinite(y)
    shapes[good] = shapely.points(x[good], y[good])
    return shapes, ""


def feature_shapes(wkb: tuple[bytes | None, ...], keep: tuple[int, ...]) -> Shapes:
    """Decode the shapes of the kept features."""
    return np.asarray(shapely.from_wkb(np.array([wkb[i] for i in keep], dtype=object)), dtype=object)


def _source(text: str, faults: FaultList, shapes: Shapes, options: ReadOptions) -> SourceCrs | None:
    if text:
        try:
            return systems.declared(text)
        except InputError as error:
            faults.add("crs_unknown", value=str(error.facts["value"]))
            return None
    points = shapely.get_coordinates(shapes)[:10_000]
    points = points[np.isfinite(points).all(axis=1)]
    sample = f"{points[0][0]:.10g}, {points[0][1]:.10g}" if len(points) else ""
    fitting = systems.candidates(points[:, 0], points[:, 1], options.box)
    faults.add("crs_missing", value=sample, fitting="、".join(fitting) or "—")
    return None


def _transform(shapes: Shapes, source: SourceCrs, faults: FaultList) -> Shapes:
    points = shapely.get_coordinates(shapes)
    east, note = systems.mend_zone(points[:, 0], source)
    if note:
        zone = int(abs(points[0, 0] - east[0]) // 1e6)
        faults.warn("zone_" + note, value=source.name, zone=zone)
    lon, lat = systems.to_store(east, points[:, 1], source)
    return np.asarray(shapely.set_coordinates(shapes.copy(), np.column_stack([lon, lat])), dtype=object)


def _outside(shapes: Shapes, options: ReadOptions) -> NDArray[np.bool_]:
    points, owner = shapely.get_coordinates(shapes, return_index=True)
    is_loose = options.box is not None and options.near_km is not None
    good = systems.in_box(points[:, 0], points[:, 1], None if is_loose else options.box)
    if options.box is None or is_loose:
        good &= ~((points[:, 0] == 0) & (points[:, 1] == 0))
    found = np.zeros(len(shapes), dtype=bool)
    found[owner[~good]] = True
    if options.box is not None and options.near_km is not None:
        found |= ~shapely.is_missing(shapes) & ~_is_near(shapes, options.box, options.near_km)
    return found


def _is_another_zone(shapes: Shapes, moved: Shapes, source: SourceCrs, options: ReadOptions) -> bool:
    """Tell whether a hazard misses the district, but would lie in it if its metres were the district's own."""
    if options.box is None or options.near_km is None or not source.is_projected or not len(shapes):
        return False
    points = shapely.get_coordinates(shapes)
    return not _is_near(moved, options.box, 0.0).any() and bool(
        systems.candidates(points[:, 0], points[:, 1], options.box)
    )


def _is_near(shapes: Shapes, box: Box, km: float) -> NDArray[np.bool_]:
    """Tell which shapes have a part within so many km of the box."""
    area = shapely.box(*systems.around(box, km))
    # A shape crossed by itself is not mended yet; its envelope always has an answer.
    return np.asarray(shapely.intersects(shapely.envelope(shapes), area), dtype=bool)


def _moved_swapped(shapes: Shapes, source: SourceCrs) -> Shapes:
    try:
        return _transform(swap_axes(shapes), source, FaultList(""))
    except InputError:
        return np.full(len(shapes), None, dtype=object)


def _kilometres_off(lon: float, lat: float, options: ReadOptions) -> float | None:
    if options.box is None or not (math.isfinite(lon) and math.isfinite(lat)):
        return None
    west, south, east, north = options.box
    dx = max(west - lon, 0.0, lon - east) * 111.32 * math.cos(math.radians(min(89.0, max(-89.0, lat))))
    return round(math.hypot(dx, max(south - lat, 0.0, lat - north) * 110.95), 1)


def _name_outside(
    raw: Any, moved: Any, swap_fits: bool, source: SourceCrs, options: ReadOptions
) -> tuple[str, dict[str, Any], str]:
    points, there = shapely.get_coordinates(raw), shapely.get_coordinates(moved)
    bad = int(np.argmin(systems.in_box(there[:, 0], there[:, 1], options.box)))
    x, y = points[bad]
    lon, lat = there[bad]
    shown = f"{x:.10g}, {y:.10g}"
    facts: dict[str, Any] = {
        "lon": round(float(lon), 6),
        "lat": round(float(lat), 6),
        "km": _kilometres_off(lon, lat, options),
        "crs": source.name,
    }
    if not (math.isfinite(x) and math.isfinite(y)):
        return "coordinate_not_finite", facts, shown
    if swap_fits:
        return "swapped_axes", facts, shown
    if (x == 0 and y == 0) or (lon == 0 and lat == 0):
        return "coordinate_zero", facts, shown
    if not source.is_projected and max(abs(x), abs(y)) > 400:
        return "not_degrees", facts, shown
    if source.is_projected and abs(x) <= 180 and abs(y) <= 90:
        return "not_metres", facts, shown
    return "outside_district" if facts["km"] is not None else "coordinate_nowhere", facts, shown


def place(table: Table, shapes: Shapes, crs_text: str, options: ReadOptions, faults: FaultList) -> Placed:
    """Bring shapes to CGCS2000 and refuse those outside the district's box, saying what would make them fit.

    Parameters
    ----------
    table
        The rows; ``table.rows`` names the row of each shape.
    shapes
        Shapes as in the file, x east.
    crs_text
        The declared system, empty when nobody declared one.

    Returns
    -------
    Placed
        Shapes with ``None`` where a row was refused.
    """
    nothing = np.full(len(shapes), None, dtype=object)
    source = _source(crs_text, faults, shapes, options)
    if source is None or not len(shapes):
        return Placed(nothing, source.name if source else "")
    accuracy = systems.accuracy_m(source)
    if accuracy is None or accuracy > 1.0:
        faults.warn("datum_shift", value=source.name, accuracy_m="—" if accuracy is None else accuracy)
    try:
        moved = _transform(shapes, source, faults)
    except InputError as error:
        # Northings read as eastings look like another zone; only when the other order does not fit either is it one.
        other = _moved_swapped(shapes, source)
        if shapely.is_missing(other).all() or _outside(other, options).any():
            facts: dict[str, Any] = dict(error.facts)
            faults.add(error.key.rpartition(".")[2], **facts)
            return Placed(nothing, source.name)
        moved = shapes.copy()
    bad = _outside(moved, options)
    if _is_another_zone(shapes, moved, source, options):
        bad |= ~shapely.is_missing(moved)
    if not bad.any():
        return Placed(moved, source.name)
    swapped = _moved_swapped(shapes, source)
    swap_fits = ~shapely.is_missing(swapped) & ~_outside(swapped, options)
    present = ~shapely.is_missing(shapes)
    # Without a district a latitude above 90 is the only proof that axes were exchanged.
    if options.repair and swap_fits[present].all() and bad[present].all():
        faults.warn("axes_swapped", value=source.name)
        return Placed(swapped, source.name)
    for i in np.flatnonzero(bad):
        code, facts, shown = _name_outside(shapes[i], moved[i], bool(swap_fits[i]), source, options)
        faults.add(code, table.rows[i], value=shown, **facts)
    moved[bad] = None
    return Placed(moved, source.name)
