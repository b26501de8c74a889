"""Bring coordinates from a declared system to CGCS2000; never guess a system that nobody named."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import TransformerGroup

from geo_minzheng.errors import InputError
from geo_minzheng.geo import STORE_CRS, bd09_to_wgs84, gcj02_to_wgs84, transform

Array = NDArray[np.float64]
Box = tuple[float, float, float, float]
SHIFTED: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {"gcj02": gcj02_to_wgs84, "bd09": bd09_to_wgs84}
_ALIASES = {
    "gcj-02": "gcj02",
    "gcj_02": "gcj02",
    "火星坐标": "gcj02",
    "高德": "gcj02",
    "腾讯": "gcj02",
    "bd-09": "bd09",
    "bd_09": "bd09",
    "bd09ll": "bd09",
    "百度": "bd09",
    "wgs84": "EPSG:4326",
    "wgs-84": "EPSG:4326",
    "cgcs2000": STORE_CRS,
    "天地图": STORE_CRS,
}
# Systems that coincide with CGCS2000 at the scale of a village map.
_SAME_DATUM = (
    "china geodetic coordinate system 2000",
    "china 2000",
    "world geodetic system 1984",
    "wgs 84",
    "cgcs2000",
)


@dataclass(frozen=True)
class SourceCrs:
    """The system a file is in.

    Parameters
    ----------
    name
        ``"EPSG:n"``, ``"gcj02"``, ``"bd09"`` or the name of a system given as WKT; what ``source_crs`` records.
    crs
        The system for pyproj; ``None`` for the two shifted ones.
    """

    name: str
    crs: CRS | None

    @property
    def is_projected(self) -> bool:
        """Whether coordinates are metres."""
        return self.crs is not None and self.crs.is_projected


_LONGEST_WKT, _DEEPEST_WKT = 20_000, 30
_NAMES_FILES = re.compile(r"extension|parameterfile|grids|proj4|file:|https?:", re.IGNORECASE)


def _is_hostile(text: str) -> bool:
    """Whether a text that should be WKT is too long, nests too deep, or names a file or an address to be opened."""
    depth = deepest = 0
    for sign in text[: _LONGEST_WKT + 1]:
        depth += (sign == "[") - (sign == "]")
        deepest = max(deepest, depth)
    return len(text) > _LONGEST_WKT or deepest > _DEEPEST_WKT or bool(_NAMES_FILES.search(text))


@lru_cache(maxsize=64)
def _is_twofold(text: str) -> bool:
    """Tell whether another definition follows the first, which PROJ would pass over."""
    bare = re.sub(r'"[^"]*"|\s+', "", text)
    return re.search(r"\][^\],]", bare) is not None


def declared(text: str) -> SourceCrs:
    """Read what a person or a file says of the system.

    Parameters
    ----------
    text
        ``EPSG:n``, ``gcj02``, ``bd09``, a common name, or WKT.

    Raises
    ------
    InputError
        ``layers.crs_unknown``.
    """
    word = text.strip()
    word = _ALIASES.get(word.lower(), word)
    if word.lower() in SHIFTED:
        return SourceCrs(word.lower(), None)
    if not re.fullmatch(r"(?i)epsg:\d{4,6}", word) and ("[" not in word or _is_hostile(word) or _is_twofold(word)):
        raise InputError("layers.crs_unknown", value=text[:80])
    try:
        crs = CRS.from_user_input(word)
    except (CRSError, ProjError, UnicodeError) as error:
        raise InputError("layers.crs_unknown", value=text[:80]) from error
    if crs.is_bound or crs.is_compound:
        crs = crs.source_crs or crs.sub_crs_list[0] if crs.is_bound else crs.sub_crs_list[0]
    if not (crs.is_geographic or crs.is_projected) or crs.is_geocentric:
        raise InputError("layers.crs_unknown", value=text[:80])
    if word.upper().startswith("EPSG:"):
        return SourceCrs(word.upper(), crs)
    code = crs.to_epsg(min_confidence=70)
    # An ESRI .prj and an EPSG entry that agree are the same system; the number is what people recognise.
    return SourceCrs(f"EPSG:{code}" if code else crs.name[:60], crs)


def x_is_north(source: SourceCrs) -> bool:
    """Whether the system's own definition names X the north axis, as Chinese survey tables do (EPSG:4547)."""
    if source.crs is None or not source.is_projected:
        return False
    first = source.crs.axis_info[0]
    return first.direction.lower() == "north" and first.abbrev.upper() == "X"


def _transverse_mercator(crs: CRS) -> tuple[float, float] | None:
    """Return central meridian [deg] and false easting [m] of a Gauss-Krueger system."""
    operation = crs.coordinate_operation
    if operation is None or "transverse mercator" not in operation.method_name.lower():
        return None
    parameters = {p.name.lower(): p.value for p in operation.params}
    meridian = parameters.get("longitude of natural origin")
    easting = parameters.get("false easting")
    return None if meridian is None or easting is None else (float(meridian), float(easting))


def mend_zone(east: Array, source: SourceCrs) -> tuple[Array, str]:
    """Recognise a Gauss-Krueger zone number before the easting, present or absent against the declared system.

    A declared system without zone number (false easting 500 km) and eastings such as 38 512 345 m mean zone 38; the
    zone must belong to the declared central meridian (3-degree zone = meridian / 3, 6-degree = (meridian + 3) / 6).

    Parameters
    ----------
    east
        Eastings [m], shape (n,).

    Returns
    -------
    (east, note)
        Eastings that fit the declared system [m]; ``"removed"``, ``"added"`` or empty.

    Raises
    ------
    InputError
        ``layers.zone_mismatch``: the zone number belongs to another meridian.
    """
    if source.crs is None or not source.is_projected or not len(east):
        return east, ""
    found = _transverse_mercator(source.crs)
    if found is None or not 73 <= found[0] <= 136:
        return east, ""
    meridian, false_easting = found
    if false_easting < 1e6 and np.all(east >= 1e6):
        zones = np.unique(np.floor(east / 1e6).astype(int))
        expected = {meridian / 3, (meridian + 3) / 6}
        if len(zones) > 1 or float(zones[0]) not in expected:
            shown = "、".join(str(z) for z in zones[:4])
            raise InputError("layers.zone_mismatch", zone=shown, meridian=f"{meridian:g}", value=source.name)
        return east - zones[0] * 1e6, "removed"
    if false_easting > 1e6 and np.all((east > 0) & (east < 1e6)):
        return east + (false_easting - 500_000.0), "added"
    return east, ""


def accuracy_m(source: SourceCrs) -> float | None:
    """Return how well the way to CGCS2000 is known [m]: 0 for the same datum, ``None`` when nobody can say."""
    if source.crs is None:
        return 0.0
    geodetic = source.crs.geodetic_crs
    names = f"{geodetic.name} {geodetic.datum.name if geodetic.datum else ''}".lower() if geodetic else ""
    if any(name in names for name in _SAME_DATUM):
        return 0.0
    group = TransformerGroup(source.crs, STORE_CRS, always_xy=True, allow_ballpark=True)
    best = group.transformers[0].accuracy if group.transformers else -1.0
    return best if best >= 0 else None


def to_store(x: Array, y: Array, source: SourceCrs) -> tuple[Array, Array]:
    """Transform to CGCS2000 longitude and latitude.

    Parameters
    ----------
    x, y
        East or longitude, north or latitude in the source system [m or deg], shape (n,).

    Returns
    -------
    (lon, lat)
        Degrees; ``inf`` where the system does not reach.
    """
    if source.crs is None:
        return SHIFTED[source.name](x, y)
    if source.name in ("EPSG:4326", STORE_CRS):
        return np.asarray(x, float), np.asarray(y, float)
    try:
        return transform(x, y, source.crs, STORE_CRS)
    except (ProjError, CRSError) as error:
        raise InputError("layers.crs_unknown", value=source.name) from error


def in_box(lon: Array, lat: Array, box: Box | None) -> NDArray[np.bool_]:
    """Tell which points lie in a box, or on the globe where there is none; NaN and inf never do."""
    west, south, east, north = box or (-180.0, -90.0, 180.0, 90.0)
    with np.errstate(invalid="ignore"):
        found = np.isfinite(lon) & np.isfinite(lat) & (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return np.asarray(found, dtype=bool)


def around(box: Box, km: float) -> Box:
    """Widen a box by so many km on every side [deg]."""
    west, south, east, north = box
    up = km / 110.95
    aside = up / math.cos(math.radians(min(85.0, max(abs(south), abs(north)))))
    return west - aside, south - up, east + aside, north + up


def candidates(x: Array, y: Array, box: Box | None) -> list[str]:
    """Name the systems under which most points would lie in the district: offered to the person, never applied."""
    if box is None or not len(x):
        return []
    west, east = box[0], box[2]
    meridian = round((west + east) / 2 / 3) * 3
    names = [STORE_CRS, "gcj02", "bd09"]
    if 75 <= meridian <= 135:
        names += [f"EPSG:{4534 + (meridian - 75) // 3}", f"EPSG:{4513 + (meridian - 75) // 3}"]
    fitting = []
    for name in names:
        source = declared(name)
        big = np.maximum(np.abs(x), np.abs(y)).max() > 400
        if big != source.is_projected:
            continue
        if max(_share_inside(x, y, source, box), _share_inside(y, x, source, box)) > 0.5:
            fitting.append(name)
    return fitting


def _share_inside(east: Array, north: Array, source: SourceCrs, box: Box) -> float:
    try:
        lon, lat = to_store(mend_zone(east, source)[0], north, source)
    except InputError:
        return 0.0
    return float(in_box(lon, lat, box).mean())
