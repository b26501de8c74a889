"""Shapely in Python, a GeoPackage blob on SQLite, a PostGIS geometry on PostgreSQL; always CGCS2000, x = longitude."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from math import isnan
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

from geo_minzheng.errors import StoreError
from geo_minzheng.geo import STORE_CRS

SRID = int(STORE_CRS.removeprefix("EPSG:"))
KINDS = {"POINT": "Point", "MULTILINESTRING": "MultiLineString", "MULTIPOLYGON": "MultiPolygon"}

_LITTLE, _EMPTY, _XY_BOX = 0x01, 0x10, 0x02
_BOX_DOUBLES = {0: 0, 1: 4, 2: 6, 3: 6, 4: 8}
_POINT_HEAD = struct.pack("<2sBBi", b"GP", 0, _LITTLE, SRID)
_EMPTY_HEAD = struct.pack("<2sBBi", b"GP", 0, _LITTLE | _EMPTY, SRID)


def fit(shape: BaseGeometry | None, kind: str) -> BaseGeometry | None:
    """Bring a shape to a column's kind: two dimensions, single parts promoted to ``Multi*``."""
    if shape is None:
        return None
    if shape.has_z:
        shape = shapely.force_2d(shape)
    if kind == "MULTIPOLYGON" and isinstance(shape, shapely.Polygon):
        return shapely.MultiPolygon([shape] if not shape.is_empty else [])
    if kind == "MULTILINESTRING" and isinstance(shape, shapely.LineString):
        return shapely.MultiLineString([shape] if not shape.is_empty else [])
    return shape


def to_blob(shape: BaseGeometry) -> bytes:
    """Encode a shape as a GeoPackage binary with its envelope (points have none)."""
    wkb: bytes = shapely.to_wkb(shape, byte_order=1)
    if shape.is_empty:
        return _EMPTY_HEAD + wkb
    if shape.geom_type == "Point":
        return _POINT_HEAD + wkb
    minx, miny, maxx, maxy = shape.bounds
    return struct.pack("<2sBBi4d", b"GP", 0, _LITTLE | _XY_BOX, SRID, minx, maxx, miny, maxy) + wkb


def _wkb_of(blob: bytes) -> bytes:
    if len(blob) < 8 or blob[:2] != b"GP":
        raise StoreError("store.bad_geometry")
    doubles = _BOX_DOUBLES.get((blob[3] >> 1) & 0x07)
    if doubles is None:
        raise StoreError("store.bad_geometry")
    return blob[8 + 8 * doubles :]


def from_blob(blob: bytes) -> BaseGeometry:
    """Decode a GeoPackage binary.

    Raises
    ------
    StoreError
        ``store.bad_geometry``: no GeoPackage header, or what follows is no shape.
    """
    try:
        return shapely.from_wkb(_wkb_of(blob))
    except shapely.errors.GEOSException as error:
        raise StoreError("store.bad_geometry") from error


def blob_box(blob: bytes | None) -> tuple[float, float, float, float] | None:
    """Read ``(minx, maxx, miny, maxy)`` [deg] of a GeoPackage binary, from its envelope where it has one."""
    if blob is None or blob[3] & _EMPTY:
        return None
    order = "<" if blob[3] & _LITTLE else ">"
    if (blob[3] >> 1) & 0x07:
        minx, maxx, miny, maxy = struct.unpack_from(f"{order}4d", blob, 8)
        return minx, maxx, miny, maxy
    if len(blob) == 29:
        x, y = struct.unpack_from("<2d" if blob[8] else ">2d", blob, 13)
        return None if isnan(x) else (x, x, y, y)
    minx, miny, maxx, maxy = from_blob(blob).bounds
    return None if isnan(minx) else (minx, maxx, miny, maxy)


def decode_many(values: Sequence[Any], dialect: str) -> Any:
    """Decode a column of raw driver values into an object array of shapes or ``None``, shape (n,)."""
    if dialect == "sqlite":
        raw: list[Any] = [None if v is None else _wkb_of(v) for v in values]
    else:
        raw = list(values)
    return shapely.set_srid(shapely.from_wkb(raw), 0)


class Geometry(UserDefinedType[BaseGeometry]):
    """A geometry column of one kind in CGCS2000.

    Parameters
    ----------
    kind
        ``POINT``, ``MULTILINESTRING`` or ``MULTIPOLYGON``.
    """

    cache_ok = True
    render_bind_cast = True

    def __init__(self, kind: str) -> None:
        if kind not in KINDS:
            raise ValueError(f"no such geometry kind: {kind}")
        self.kind = kind

    def get_col_spec(self, **_: Any) -> str:
        """Name the type as GeoPackage does; PostgreSQL has its own compilation below."""
        return self.kind

    def bind_processor(self, dialect: Dialect) -> Callable[[BaseGeometry | None], Any]:
        """Encode for the driver: blob on SQLite, hexadecimal EWKB on PostgreSQL."""
        is_sqlite = dialect.name == "sqlite"

        def encode(shape: BaseGeometry | None) -> Any:
            fitted = fit(shape, self.kind)
            if fitted is None:
                return None
            if is_sqlite:
                return to_blob(fitted)
            return shapely.to_wkb(shapely.set_srid(fitted, SRID), hex=True, include_srid=True)

        return encode

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], BaseGeometry | None]:
        """Decode what the driver returns."""
        is_sqlite = dialect.name == "sqlite"

        def decode(value: Any) -> BaseGeometry | None:
            if value is None:
                return None
            return from_blob(value) if is_sqlite else shapely.set_srid(shapely.from_wkb(value), 0)

        return decode


@compiles(Geometry, "postgresql")
def _postgis_type(kind: Geometry, _compiler: Any, **_: Any) -> str:
    return f"geometry({KINDS[kind.kind]},{SRID})"
