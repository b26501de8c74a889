"""Read depth rasters (GeoTIFF, ASCII grid) in a limited worker of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from geo_minzheng.errors import InputError
from geo_minzheng.layers import crs as systems
from geo_minzheng.layers.detect import RASTER_FORMATS, RASTER_LIMITS, Limits, detect
from geo_minzheng.layers.launch import Job, work
from geo_minzheng.layers.options import NEAR_KM, ReadOptions

# As deep as a footprint of polygons may say; a mark for no data that nobody declared is deeper.
_DEEPEST_M = 200
_DRIVERS = {"tif": "GTiff", "asc": "AAIGrid"}


@dataclass(frozen=True)
class Raster:
    """One band of numbers on a grid.

    Parameters
    ----------
    array
        Values, shape (rows, columns), float32; NaN where the raster says nothing.
    affine
        ``(a, b, c, d, e, f)``: x = a * column + c, y = e * row + f, for the upper left corner of a cell.
    crs
        ``"EPSG:n"`` or WKT of the grid's system.
    nodata
        The file's own mark for no data, already NaN in the array.
    """

    array: NDArray[np.float32]
    affine: tuple[float, float, float, float, float, float]
    crs: str
    nodata: float | None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in the grid's system."""
        rows, columns = self.array.shape
        a, _, c, _, e, f = self.affine
        return c, f + e * rows, c + a * columns, f


def _check_place(raster: Raster, source: systems.SourceCrs, options: ReadOptions, file: str) -> None:
    """A raster may miss the district, as any footprint may; one that lies quite elsewhere is refused."""
    west, south, east, north = raster.bounds
    x = np.linspace(west, east, 9).repeat(9)
    y = np.tile(np.linspace(south, north, 9), 9)
    lon, lat = systems.to_store(x, y, source)
    box = (-180.0, -90.0, 180.0, 90.0) if options.box is None else systems.around(options.box, NEAR_KM)
    outside = not np.isfinite(lon).any() or (
        np.nanmax(lon) < box[0] or np.nanmin(lon) > box[2] or np.nanmax(lat) < box[1] or np.nanmin(lat) > box[3]
    )
    if outside:
        value = f"{west:.10g}, {south:.10g} – {east:.10g}, {north:.10g}"
        raise InputError("layers.raster_outside", file=file, value=value, crs=source.name)


def read_raster(path: Path, options: ReadOptions | None = None, limits: Limits = RASTER_LIMITS) -> Raster:
    """Read the first band of a depth raster [m].

    Parameters
    ----------
    path
        GeoTIFF or ASCII grid; a ``.prj`` beside an ASCII grid is read with it.
    options
        ``crs`` for files that do not say theirs, ``box`` of the district.

    Raises
    ------
    InputError
        Refused as a file, no system declared, elsewhere, infinite or negative depths, nothing but no data.
    """
    options = options or ReadOptions()
    kind = detect(path, RASTER_FORMATS, limits)
    beside = tuple(p for p in (path.with_suffix(".prj"),) if str(kind) == "asc" and p.is_file())
    with work(Job("raster", path, limits, beside, (_DRIVERS[str(kind)],), f".{kind}")) as (folder, answer):
        array = np.load(folder / "band.npy", allow_pickle=False)
    text = options.crs or answer["crs"]
    if not text:
        west, south, east, north = Raster(array, tuple(answer["affine"]), "", answer["nodata"]).bounds
        fitting = "、".join(systems.candidates(np.array([west, east]), np.array([south, north]), options.box)) or "—"
        raise InputError("layers.crs_missing", file=path.name, value=f"{west:.10g}, {north:.10g}", fitting=fitting)
    try:
        source = systems.declared(text)
    except InputError as error:
        raise InputError("layers.crs_unknown", file=path.name, value=error.facts["value"]) from error
    if source.crs is None:
        raise InputError("layers.raster_shifted", file=path.name, value=source.name)
    crs = source.name if source.name.startswith("EPSG:") else source.crs.to_wkt()
    raster = Raster(array, tuple(answer["affine"]), crs, answer["nodata"])
    if np.isinf(array).any():
        raise InputError("layers.raster_infinite", file=path.name)
    if not np.isfinite(array).any():
        raise InputError("layers.raster_empty", file=path.name)
    low = float(np.nanmin(array))
    if low < 0:
        raise InputError("layers.raster_negative", file=path.name, value=f"{low:g}", count=int((array < 0).sum()))
    high = float(np.nanmax(array))
    if high > _DEEPEST_M:
        count = int((array > _DEEPEST_M).sum())
        raise InputError("layers.raster_too_deep", file=path.name, value=f"{high:g}", count=count, limit=_DEEPEST_M)
    _check_place(raster, source, options, path.name)
    return raster
