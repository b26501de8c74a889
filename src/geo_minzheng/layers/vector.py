"""Read GeoJSON, KML, GeoPackage and shapefile into raw sheets; runs inside the limited worker."""

from __future__ import annotations

import json
import math
import re
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import shapely
from shapely.geometry import shape

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Format, Limits
from geo_minzheng.layers.tables import decode, refuse_doctype
from geo_minzheng.layers.transfer import RawFault, RawSheet, plain_text

_DEPTH = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


class _Budget:
    """Counts features and vertices of one file against the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.vertices = 0
        self.features = 0

    def spend(self, vertices: int = 0, features: int = 0) -> None:
        self.vertices += vertices
        self.features += features
        if self.vertices > self.limits.vertices:
            raise InputError("layers.too_many_vertices", limit=self.limits.vertices)
        if self.features > self.limits.features:
            raise InputError("layers.too_many_rows", limit=self.limits.features)


class _Rows:
    """Gathers features whose properties differ from row to row."""

    def __init__(self) -> None:
        self.headings: dict[str, list[str | None]] = {}
        self.wkb: list[bytes | None] = []
        self.faults: list[RawFault] = []

    def add(self, properties: dict[str, Any], wkb: bytes | None) -> None:
        done = len(self.wkb)
        for name, value in properties.items():
            cells = self.headings.setdefault(name, [None] * done)
            if len(cells) == done:
                nested = isinstance(value, dict | list)
                cells.append(json.dumps(value, ensure_ascii=False) if nested else plain_text(value))
        self.wkb.append(wkb)
        for cells in self.headings.values():
            if len(cells) == done:
                cells.append(None)

    def sheet(self, name: str, crs: str, **notes: object) -> RawSheet:
        count = len(self.wkb)
        return RawSheet(
            name,
            tuple(self.headings),
            tuple(self.headings.values()),
            tuple(range(1, count + 1)),
            tuple(self.wkb),
            crs,
            tuple(self.faults),
            notes,
        )


def _positions(value: Any, depth: int, budget: _Budget) -> Any:
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
        raise ValueError("finite")
    return (x, y)


def _geojson_shape(raw: Any, budget: _Budget) -> Any:
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind == "GeometryCollection" and isinstance(raw.get("geometries"), list):
        parts = [_geojson_shape(part, budget) for part in raw["geometries"]]
        return shapely.GeometryCollection([part for part in parts if part is not None])
    if kind not in _DEPTH:
        raise ValueError(f"type {kind}")
    coordinates = raw.get("coordinates")
    if coordinates == []:
        return None
    return shape({"type": kind, "coordinates": _positions(coordinates, _DEPTH[kind], budget)})


def _geojson_geometry(raw: Any, budget: _Budget) -> bytes | None:
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
    name = member.get("properties", {}).get("name") if isinstance(member, dict) else None
    if not isinstance(name, str) or member.get("type") != "name":
        return ""
    if _GEOJSON_CRS84.match(name):
        return "EPSG:4326"
    match = _GEOJSON_EPSG.match(name)
    return f"EPSG:{match.group(1) or match.group(2)}" if match else ""


def _no_constant(name: str) -> float:
    return math.nan if name == "NaN" else math.inf


def _load_json(path: Path, encoding: str) -> Any:
    text, _ = decode(path.read_bytes(), encoding)
    try:
        return json.loads(text, parse_constant=_no_constant)
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
    budget, rows = _Budget(limits), _Rows()
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
            code = "coordinate_not_finite" if str(error) == "finite" else "geometry_malformed"
            rows.faults.append(RawFault(code, number, facts={"reason": str(error)[:120]}))
            wkb = None
        rows.add(properties if isinstance(properties, dict) else {}, wkb)
    return [rows.sheet("", geojson_crs(data.get("crs")))]


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _child(element: ET.Element, name: str) -> ET.Element | None:
    return next((c for c in element if _local(c.tag) == name), None)


def _kml_points(element: ET.Element, budget: _Budget) -> list[tuple[float, float]]:
    node = _child(element, "coordinates")
    pairs = []
    for chunk in ((node.text or "") if node is not None else "").split():
        parts = chunk.split(",")
        budget.spend(vertices=1)
        if len(parts) < 2:
            raise ValueError("position")
        x, y = float(parts[0]), float(parts[1])
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError("finite")
        pairs.append((x, y))
    return pairs


def _kml_ring(element: ET.Element | None, budget: _Budget) -> list[tuple[float, float]]:
    ring = _child(element, "LinearRing") if element is not None else None
    return _kml_points(ring, budget) if ring is not None else []


def _kml_shapes(element: ET.Element, budget: _Budget) -> Iterator[Any]:
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


def _file_chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            yield chunk


def read_kml(path: Path, limits: Limits) -> list[RawSheet]:
    """Read the placemarks of a KML file with their extended data; links are never followed.

    Raises
    ------
    InputError
        A document type declaration, broken XML, another root, too many features or vertices.
    """
    refuse_doctype(_file_chunks(path))
    budget, rows = _Budget(limits), _Rows()
    root = ET.parse(path).getroot()  # noqa: S314  any declaration was refused above
    if _local(root.tag) != "kml":
        raise InputError("layers.content_mismatch", suffix=".kml", found=_local(root.tag)[:40], allowed=".kml")
    for number, placemark in enumerate((e for e in root.iter() if _local(e.tag) == "Placemark"), 1):
        budget.spend(features=1)
        try:
            shapes = [s for s in _kml_shapes(placemark, budget) if not s.is_empty]
            wkb = bytes(shapely.to_wkb(_collect(shapes))) if shapes else None
        except (ValueError, shapely.errors.ShapelyError) as error:
            code = "coordinate_not_finite" if str(error) == "finite" else "geometry_malformed"
            rows.faults.append(RawFault(code, number, facts={"reason": str(error)[:120]}))
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


_ENVELOPE = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}


def _gpkg_wkb(blob: Any) -> bytes | None:
    if blob is None:
        return None
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP":
        raise ValueError("GeoPackage header")
    size = _ENVELOPE.get((blob[3] >> 1) & 7)
    if size is None:
        raise ValueError("GeoPackage envelope")
    built = shapely.force_2d(shapely.from_wkb(blob[8 + size :]))
    return bytes(shapely.to_wkb(built)) if not built.is_empty else None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _gpkg_crs(base: sqlite3.Connection, srs_id: int) -> str:
    query = "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?"
    found = base.execute(query, (srs_id,)).fetchone()
    if found is None or srs_id in (-1, 0):
        return ""
    if str(found[0]).upper() == "EPSG":
        return f"EPSG:{found[1]}"
    return str(found[2]) if found[2] and found[2] != "undefined" else ""


def _gpkg_layer(base: sqlite3.Connection, table: str, budget: _Budget) -> RawSheet:
    found = base.execute(
        "SELECT column_name, srs_id FROM gpkg_geometry_columns WHERE table_name = ?", (table,)
    ).fetchone()
    geometry, srs_id = found or ("", -1)
    cursor = base.execute(f"SELECT * FROM {_quoted(table)}")  # noqa: S608  a name from the table list, quoted
    names = [d[0] for d in cursor.description]
    place = names.index(geometry) if geometry in names else -1
    rows = _Rows()
    for name in (n for i, n in enumerate(names) if i != place):
        rows.headings[name] = []
    for number, values in enumerate(cursor, 1):
        budget.spend(features=1)
        try:
            wkb = _gpkg_wkb(values[place]) if place >= 0 else None
            budget.spend(vertices=int(shapely.get_num_coordinates(shapely.from_wkb(wkb))) if wkb else 0)
        except (ValueError, shapely.errors.ShapelyError) as error:
            rows.faults.append(RawFault("geometry_malformed", number, facts={"reason": str(error)[:120]}))
            wkb = None
        cells = {n: v for i, (n, v) in enumerate(zip(names, values, strict=True)) if i != place}
        rows.add({n: v if not isinstance(v, bytes) else v.hex()[:60] for n, v in cells.items()}, wkb)
    return rows.sheet(table, _gpkg_crs(base, srs_id))


def read_gpkg(path: Path, limits: Limits) -> list[RawSheet]:
    """Read every real table of a GeoPackage; views, virtual tables and triggers are never trusted.

    Raises
    ------
    InputError
        ``layers.gpkg_view`` when a layer is a view or a virtual table, ``layers.file_broken`` when damaged.
    """
    base = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        base.execute("PRAGMA trusted_schema = OFF")
        kinds = dict(base.execute("SELECT name, type FROM sqlite_master").fetchall())
        sql = dict(base.execute("SELECT name, coalesce(sql, '') FROM sqlite_master").fetchall())
        for name in ("gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"):
            if kinds.get(name) != "table":
                raise InputError("layers.gpkg_view", layer=name)
        query = "SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes') ORDER BY table_name"
        tables = [str(name) for (name,) in base.execute(query)]
        for table in tables:
            if kinds.get(table) != "table" or sql[table].upper().lstrip().startswith("CREATE VIRTUAL"):
                raise InputError("layers.gpkg_view", layer=table)
        budget = _Budget(limits)
        return [_gpkg_layer(base, table, budget) for table in tables]
    except sqlite3.Error as error:
        raise InputError("layers.file_broken", reason=str(error)[:120]) from error
    finally:
        base.close()


def read_features(path: Path, kind: Format, encoding: str, limits: Limits) -> list[RawSheet]:
    """Read a feature file of a known format; every layer is returned."""
    if kind is Format.GEOJSON:
        return read_geojson(path, encoding, limits)
    if kind is Format.KML:
        return read_kml(path, limits)
    if kind is Format.KMZ:
        return read_kmz(path, limits)
    if kind is Format.GPKG:
        return read_gpkg(path, limits)
    from geo_minzheng.layers import shapefile  # noqa: PLC0415  the only one that needs GDAL

    return shapefile.read_shapefiles(path, kind, encoding, limits)


def count_vertices(wkb: list[bytes | None]) -> int:
    """Count the coordinate pairs of encoded geometries."""
    return int(np.sum(shapely.get_num_coordinates(shapely.from_wkb(np.array(wkb, dtype=object)))))
