"""Read GeoJSON and KML into raw sheets, and call the readers of other feature files; runs inside the limited worker."""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import shapely
from shapely.geometry import shape

from geo_minzheng.errors import InputError
from geo_minzheng.layers import geopackage
from geo_minzheng.layers.detect import Format, Limits
from geo_minzheng.layers.doctype import refuse_doctype
from geo_minzheng.layers.features import Budget, Rows
from geo_minzheng.layers.tables import decode
from geo_minzheng.layers.transfer import RawFault, RawSheet

_DEPTH = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


class _NotFiniteError(ValueError):
    """A coordinate is NaN or infinite."""


def _shape_fault(number: int, error: Exception) -> RawFault:
    if isinstance(error, _NotFiniteError):
        return RawFault("coordinate_not_finite", number, value=str(error))
    return RawFault("geometry_malformed", number, facts={"reason": str(error)[:120]})


def _positions(value: Any, depth: int, budget: Budget) -> Any:
    """Copy coordinates as pairs of finite numbers; ``ValueError`` says what is wrong."""
    if not isinstance(value, list):
        raise ValueError("coordinates")
    if depth:
        return [_positions(v, depth - 1, budget) for v in value]
    budget.spend(vertices=1)
    if len(value) < 2:
        raise ValueError("position")
    x, y = value[0], value[1]
    if isinstance(x, bool) or isinstance(y, bool) or not isinstance(x, int | float) or not isinstance(y, int | float):
        raise ValueError("number")
    x, y = float(x), float(y)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise _NotFiniteError(f"{x}, {y}")
    return (x, y)


def _closed(ring: Any) -> None:
    if ring and ring[0] != ring[-1]:
        raise ValueError("open ring")


def _geojson_shape(raw: Any, budget: Budget) -> Any:
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind == "GeometryCollection" and isinstance(raw.get("geometries"), list):
        parts = [_geojson_shape(part, budget) for part in raw["geometries"]]
        return shapely.GeometryCollection([part for part in parts if part is not None])
    if kind not in _DEPTH:
        raise ValueError(f"type {kind}")
    coordinates = raw.get("coordinates")
    if coordinates == []:
        return None
    positions = _positions(coordinates, _DEPTH[kind], budget)
    for part in [positions] if kind == "Polygon" else positions if kind == "MultiPolygon" else []:
        for ring in part:
            _closed(ring)
    return shape({"type": kind, "coordinates": positions})


def _geojson_geometry(raw: Any, budget: Budget) -> bytes | None:
    built = None if raw is None else _geojson_shape(raw, budget)
    return bytes(shapely.to_wkb(built)) if built is not None and not built.is_empty else None


_GEOJSON_CRS84 = re.compile(r"^(urn:ogc:def:crs:OGC:(1\.3)?:?CRS84h?|.*/OGC/(1\.3|0)/CRS84h?)$", re.IGNORECASE)
_GEOJSON_EPSG = re.compile(r"^(?:urn:ogc:def:crs:)?EPSG:[\d.]*:?(\d{4,6})$|.*/EPSG/[\d.]+/(\d{4,6})$", re.IGNORECASE)


def geojson_crs(member: Any) -> str:
    """Read the ``crs`` member of older GeoJSON; without one the standard's WGS-84 holds.

    Returns
    -------
    str
        ``"EPSG:n"``, or empty when the member names something that cannot be known offline (it is then asked for).
    """
    if member is None:
        return "EPSG:4326"
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or member.get("type") != "name":
        return ""
    if _GEOJSON_CRS84.match(name):
        return "EPSG:4326"
    match = _GEOJSON_EPSG.match(name)
    return f"EPSG:{match.group(1) or match.group(2)}" if match else ""


def _no_constant(name: str) -> float:
    return math.nan if name == "NaN" else math.inf


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a member named twice: each reader would believe another one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise InputError("layers.json_key_twice", value=next(n for n in names if names.count(n) > 1)[:80])
    return found


def _load_json(path: Path, encoding: str) -> Any:
    text, _ = decode(path.read_bytes(), encoding)
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_members)
    except json.JSONDecodeError as error:
        raise InputError("layers.json_broken", line=error.lineno, column_no=error.colno) from error
    except ValueError as error:  # integers of thousands of digits
        raise InputError("layers.file_broken", reason=str(error)[:80]) from error


def read_geojson(path: Path, encoding: str, limits: Limits) -> list[RawSheet]:
    """Read a GeoJSON feature collection, feature or geometry.

    Raises
    ------
    InputError
        Broken JSON, not GeoJSON, too many features or vertices.
    """
    data = _load_json(path, encoding)
    kind = data.get("type") if isinstance(data, dict) else None
    if kind == "FeatureCollection" and isinstance(data.get("features"), list):
        features = data["features"]
    elif kind == "Feature":
        features = [data]
    elif kind in _DEPTH or kind == "GeometryCollection":
        features = [{"type": "Feature", "properties": {}, "geometry": data}]
    else:
        raise InputError("layers.not_geojson", found=str(kind or "—")[:40])
    budget, rows = Budget(limits), Rows()
    for number, feature in enumerate(features, 1):
        budget.spend(features=1)
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            rows.faults.append(RawFault("feature_malformed", number))
            rows.add({}, None)
            continue
        properties = feature.get("properties")
        try:
            wkb = _geojson_geometry(feature.get("geometry"), budget)
        except (ValueError, TypeError, OverflowError, AttributeError, shapely.errors.ShapelyError) as error:
            rows.faults.append(_shape_fault(number, error))
            wkb = None
        rows.add(properties if isinstance(properties, dict) else {}, wkb)
    return [rows.sheet("", geojson_crs(data.get("crs")))]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _child(element: ET.Element, name: str) -> ET.Element | None:
    return next((c for c in element if _local(c.tag) == name), None)


def _kml_points(element: ET.Element, budget: Budget) -> list[tuple[float, float]]:
    node = _child(element, "coordinates")
    pairs = []
    for chunk in ((node.text or "") if node is not None else "").split():
        parts = chunk.split(",")
        budget.spend(vertices=1)
        if len(parts) < 2:
            raise ValueError("position")
        x, y = float(parts[0]), float(parts[1])
        if not (math.isfinite(x) and math.isfinite(y)):
            raise _NotFiniteError(f"{x}, {y}")
        pairs.append((x, y))
    return pairs


def _kml_ring(element: ET.Element | None, budget: Budget) -> list[tuple[float, float]]:
    ring = _child(element, "LinearRing") if element is not None else None
    points = _kml_points(ring, budget) if ring is not None else []
    _closed(points)
    return points


def _kml_shapes(element: ET.Element, budget: Budget) -> Iterator[Any]:
    for node in element:
        kind = _local(node.tag)
        if kind == "Point":
            yield from (shapely.Point(p) for p in _kml_points(node, budget)[:1])
        elif kind == "LineString":
            yield shapely.LineString(_kml_points(node, budget))
        elif kind == "Polygon":
            outer = _kml_ring(_child(node, "outerBoundaryIs"), budget)
            holes = [_kml_ring(c, budget) for c in node if _local(c.tag) == "innerBoundaryIs"]
            yield shapely.Polygon(outer, [h for h in holes if h])
        elif kind == "MultiGeometry":
            yield from _kml_shapes(node, budget)


def _collect(shapes: list[Any]) -> Any:
    if len(shapes) == 1:
        return shapes[0]
    kinds = {s.geom_type for s in shapes}
    if len(kinds) > 1:
        raise ValueError("mixed " + "+".join(sorted(kinds)))
    many: dict[str, Any] = {
        "Point": shapely.MultiPoint,
        "LineString": shapely.MultiLineString,
        "Polygon": shapely.MultiPolygon,
    }
    return many[kinds.pop()](shapes)


def _kml_properties(placemark: ET.Element) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for node in placemark.iter():
        kind = _local(node.tag)
        if kind == "SimpleData":
            found[node.get("name", "")] = node.text
        elif kind == "Data":
            value = _child(node, "value")
            found[node.get("name", "")] = value.text if value is not None else None
    for name in ("name", "description"):
        node_of = _child(placemark, name)
        if node_of is not None and name not in found:
            found[name] = node_of.text
    return found


_XML_HEAD = re.compile(r"""^\s*<\?xml[^>]*?(?:\sencoding\s*=\s*["']([\w.-]+)["'])?[^>]*?\?>""")


def _utf8_xml(data: bytes) -> bytes:
    """Write XML anew in UTF-8: the parser knows no Chinese encodings, which many a KML is in."""
    found = _XML_HEAD.match(data[:400].decode("latin-1").removeprefix("\xef\xbb\xbf"))
    named = (found.group(1) or "").lower() if found else ""
    text, _ = decode(data, "" if named in ("", "utf-8", "utf8", "utf-16", "utf16") else named)
    return _XML_HEAD.sub("", text.lstrip(), count=1).encode("utf-8", errors="replace")


def read_kml(path: Path, limits: Limits) -> list[RawSheet]:
    """Read the placemarks of a KML file with their extended data; links are never followed.

    Raises
    ------
    InputError
        A document type declaration, a link to another document, broken XML, another root, too many features or
        vertices.
    """
    data = _utf8_xml(path.read_bytes())
    refuse_doctype(iter([data]))
    budget, rows = Budget(limits), Rows()
    root = ET.fromstring(data)  # noqa: S314  any declaration was refused above
    if _local(root.tag) != "kml":
        raise InputError("layers.content_mismatch", suffix=".kml", found=_local(root.tag)[:40], allowed=".kml")
    if any(_local(e.tag) == "NetworkLink" for e in root.iter()):
        raise InputError("layers.kml_link")
    for number, placemark in enumerate((e for e in root.iter() if _local(e.tag) == "Placemark"), 1):
        budget.spend(features=1)
        try:
            shapes = [s for s in _kml_shapes(placemark, budget) if not s.is_empty]
            wkb = bytes(shapely.to_wkb(_collect(shapes))) if shapes else None
        except (ValueError, shapely.errors.ShapelyError) as error:
            rows.faults.append(_shape_fault(number, error))
            wkb = None
        rows.add(_kml_properties(placemark), wkb)
    return [rows.sheet("", "EPSG:4326")]


def _unpack(path: Path, member: str, target: Path, limits: Limits) -> None:
    left = limits.unpacked_bytes
    with zipfile.ZipFile(path) as archive, archive.open(member) as source, target.open("wb") as sink:
        while chunk := source.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise InputError("layers.zip_too_big", size_mb="", limit_mb=limits.unpacked_bytes // 1_000_000)
            sink.write(chunk)


def read_kmz(path: Path, limits: Limits) -> list[RawSheet]:
    """Read the first KML document of a KMZ archive."""
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.lower().endswith(".kml")]
    main = "doc.kml" if "doc.kml" in names else names[0]
    target = path.parent / "unpacked.kml"
    _unpack(path, main, target, limits)
    return read_kml(target, limits)


def read_features(path: Path, kind: Format, encoding: str, limits: Limits) -> list[RawSheet]:
    """Read a feature file of a known format; every layer is returned."""
    if kind is Format.GEOJSON:
        return read_geojson(path, encoding, limits)
    if kind is Format.KML:
        return read_kml(path, limits)
    if kind is Format.KMZ:
        return read_kmz(path, limits)
    if kind is Format.GPKG:
        return geopackage.read_gpkg(path, limits)
    from geo_minzheng.layers import shapefile  # noqa: PLC0415  the only one that needs GDAL

    return shapefile.read_shapefiles(path, kind, encoding, limits)
