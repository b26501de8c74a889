"""Read one band of a depth raster; runs inside the limited worker."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf
from pathlib import Path
from typing import Any

import numpy as np

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Limits

DRIVERS = ("GTiff", "AAIGrid")
_GRID_HEAD = frozenset(b"ncols nrows xllcorner xllcenter yllcorner yllcenter cellsize dx dy nodata_value".split())
_OF_NUMBERS = b"0123456789+-.,eE \t\r\n"
_PIECE = 1 << 20


def _pieces(path: Path) -> Iterator[bytes]:
    """Read a text in pieces that end between two words."""
    with path.open("rb") as handle:
        while piece := bytearray(handle.read(_PIECE)):
            while (sign := handle.read(1)) and not sign.isspace():
                piece += sign
            yield bytes(piece)


def _behind_head(piece: bytes) -> bytes:
    while (parts := piece.split(None, 2)) and parts[0].lower() in _GRID_HEAD:
        piece = parts[2] if len(parts) == 3 else b""
    return piece


def _check_cells(path: Path) -> None:
    """Refuse an ASCII grid with a word among its cells: GDAL reads it as 0, or as the digits it begins with."""
    for number, piece in enumerate(_pieces(path)):
        cells = piece if number else _behind_head(piece)
        if cells.translate(None, _OF_NUMBERS):
            _check_words(cells.split())


def _check_words(words: list[bytes]) -> None:
    for word in words:
        try:
            value = float(b"_" if b"_" in word else word.replace(b",", b"."))
        except ValueError as error:
            raise InputError("layers.file_broken", reason=word[:20].decode("utf-8", errors="replace")) from error
        if isinf(value):
            raise InputError("layers.raster_infinite")


def extract(path: Path, folder: Path, limits: Limits) -> dict[str, Any]:
    """Write the first band as ``band.npy`` (float32, NaN where the raster has no data).

    Returns
    -------
    dict
        ``affine`` (a, b, c, d, e, f), ``crs``, ``nodata``, ``bands``.

    Raises
    ------
    InputError
        ``layers.raster_too_big``, ``layers.raster_rotated``, ``layers.raster_kind``, ``layers.raster_infinite``.
    """
    import rasterio  # noqa: PLC0415  GDAL is loaded only here

    driver = "AAIGrid" if path.suffix == ".asc" else "GTiff"
    told = {}
    if driver == "AAIGrid":
        _check_cells(path)
        told["DATATYPE"] = "Float32"  # guessed from the first cells, it would be whole numbers, and nan 0
    with rasterio.open(path, driver=driver, sharing=False, **told) as source:
        if source.count < 1 or source.dtypes[0].startswith("complex"):
            raise InputError("layers.raster_kind", found=str(source.dtypes[:1]))
        if source.width * source.height > limits.cells:
            raise InputError("layers.raster_too_big", width=source.width, height=source.height, limit=limits.cells)
        affine = tuple(source.transform)[:6]
        if affine[1] or affine[3] or affine[0] <= 0 or affine[4] >= 0:
            raise InputError("layers.raster_rotated")
        band = source.read(1, masked=True, out_dtype="float32")
        scale, offset = source.scales[0], source.offsets[0]
        if (scale, offset) != (1.0, 0.0):
            band = band * np.float32(scale) + np.float32(offset)
        crs = source.crs.to_wkt() if source.crs else ""
        nodata = None if source.nodata is None or np.isnan(source.nodata) else float(source.nodata)
        bands = source.count
    np.save(folder / "band.npy", np.ma.filled(band, np.float32(np.nan)), allow_pickle=False)
    return {"affine": affine, "crs": crs, "nodata": nodata, "bands": bands}
