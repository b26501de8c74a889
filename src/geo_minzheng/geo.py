"""Coordinates: the store's CGCS2000, a district's metres, and the two shifted Chinese systems."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer

STORE_CRS = "EPSG:4490"
WGS84 = "EPSG:4326"

Array = NDArray[np.float64]

# GCJ-02 as published in open implementations: Krasovsky 1940 semi-major axis [m] and first eccentricity squared.
_A = 6378245.0
_EE = 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0


def metres_crs(lon: float, lat: float) -> CRS:
    """Choose the metric system of a district.

    China: the CGCS2000 3-degree Gauss-Krueger zone by central meridian (75 E ... 135 E, EPSG:4534-4554; 114 E is 4547).
    Elsewhere: a local transverse Mercator on the centre.

    Parameters
    ----------
    lon, lat
        Centre of the district [deg].
    """
    meridian = round(lon / 3) * 3
    if 73.5 <= lon <= 136.5 and 3 <= lat <= 54:
        return CRS.from_epsg(4534 + (meridian - 75) // 3)
    return CRS.from_proj4(
        f"+proj=tmerc +lat_0={lat:.4f} +lon_0={lon:.4f} +k=1 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m +no_defs"
    )


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def transform(x: Array, y: Array, source: CRS | str, target: CRS | str) -> tuple[Array, Array]:
    """Transform coordinates between systems, x always east or longitude.

    Parameters
    ----------
    x, y
        Coordinates in ``source`` [deg or m], shape (n,).
    """
    names = [crs if isinstance(crs, str) else crs.to_wkt() for crs in (source, target)]
    px, py = _transformer(*names).transform(np.asarray(x, float), np.asarray(y, float))
    return np.asarray(px, float), np.asarray(py, float)


def _shift(lon: Array, lat: Array) -> tuple[Array, Array]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    d_lat += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    d_lat += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    d_lon += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    d_lon += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    rad = lat / 180.0 * np.pi
    magic = 1.0 - _EE * np.sin(rad) ** 2
    d_lat = d_lat * 180.0 / ((_A * (1.0 - _EE)) / (magic * np.sqrt(magic)) * np.pi)
    d_lon = d_lon * 180.0 / (_A / np.sqrt(magic) * np.cos(rad) * np.pi)
    return d_lon, d_lat


def _in_china(lon: Array, lat: Array) -> NDArray[np.bool_]:
    return (lon >= 72.004) & (lon <= 137.8347) & (lat >= 0.8293) & (lat <= 55.8271)


def wgs84_to_gcj02(lon: Array, lat: Array) -> tuple[Array, Array]:
    """Shift WGS-84 to GCJ-02; points outside the shifted area stay.

    Parameters
    ----------
    lon, lat
        Coordinates [deg], shape (n,).
    """
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    d_lon, d_lat = _shift(lon, lat)
    inside = _in_china(lon, lat)
    return np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)


def gcj02_to_wgs84(lon: Array, lat: Array) -> tuple[Array, Array]:
    """Undo the GCJ-02 shift by fixed-point iteration, residual far below 0.1 m.

    Parameters
    ----------
    lon, lat
        GCJ-02 coordinates [deg], shape (n,).
    """
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    x, y = lon.copy(), lat.copy()
    for _ in range(10):
        px, py = wgs84_to_gcj02(x, y)
        x, y = x + (lon - px), y + (lat - py)
    return x, y


def gcj02_to_bd09(lon: Array, lat: Array) -> tuple[Array, Array]:
    """Shift GCJ-02 to BD-09.

    Parameters
    ----------
    lon, lat
        GCJ-02 coordinates [deg], shape (n,).
    """
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    theta = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return radius * np.cos(theta) + 0.0065, radius * np.sin(theta) + 0.006


def bd09_to_wgs84(lon: Array, lat: Array) -> tuple[Array, Array]:
    """Undo BD-09 and GCJ-02, both by fixed-point iteration.

    Parameters
    ----------
    lon, lat
        BD-09 coordinates [deg], shape (n,).
    """
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    x, y = lon - 0.0065, lat - 0.006
    for _ in range(10):
        px, py = gcj02_to_bd09(x, y)
        x, y = x + (lon - px), y + (lat - py)
    return gcj02_to_wgs84(x, y)
