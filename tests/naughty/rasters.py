"""Depth rasters that are huge, hollow, wrong or something else."""

import struct

import numpy as np

from .case import case


def tif(array, crs="EPSG:4490", transform=(114.7, 0.001, 30.5, 0.001), **profile):
    import rasterio
    from rasterio.io import MemoryFile
    from rasterio.transform import Affine

    west, dx, north, dy = transform
    array = np.asarray(array)
    bands = array if array.ndim == 3 else array[None]
    profile = {"driver": "GTiff", "height": bands.shape[1], "width": bands.shape[2], "count": len(bands), "dtype": bands.dtype.name,
               "crs": crs, "transform": profile.pop("affine", Affine(dx, 0, west, 0, -dy, north)), **profile}  # fmt: skip
    scale = profile.pop("scale", None)
    with MemoryFile() as memory:
        with rasterio.Env(), memory.open(**profile) as sink:
            sink.write(bands)
            if scale:
                sink.scales = (scale,) * len(bands)
        return memory.read()


def _asc(columns=4, rows=4, cells=None, west=114.7, south=30.4, size=0.01, nodata=-9999):
    head = (
        f"ncols {columns}\nnrows {rows}\nxllcorner {west}\nyllcorner {south}\ncellsize {size}\nNODATA_value {nodata}\n"
    )
    if cells is None:
        cells = "\n".join(" ".join(["1.5"] * 4) for _ in range(4))
    return head + cells + "\n"


def _sparse(width, height):
    """Write the head of a TIFF of any size whose one strip is not there."""
    tags = [
        (256, 4, width),
        (257, 4, height),
        (258, 3, 32),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 0),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, 0),
        (339, 3, 3),
    ]
    body = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", len(tags))
    for tag, kind, value in tags:
        body += struct.pack("<HHI", tag, kind, 1) + (
            struct.pack("<I", value) if kind == 4 else struct.pack("<HH", value, 0)
        )
    return body + bytes(4)


def cases(rng, bait):
    from rasterio.transform import Affine

    to = {"route": "footprint"}
    depth = np.full((20, 20), 1.5, dtype="float32")
    good = tif(depth, nodata=-9999.0)
    hurt = {"kind": "damage", **to}
    for share in (5, 40, 70, 95):
        yield case(f"cut{share}.tif", good[: len(good) * share // 100], **hurt)
    yield case("sparse_huge.tif", _sparse(2_000_000, 2_000_000), "raster_too_big", **to)
    yield case("sparse_wide.tif", _sparse(4_000_000_000, 1), **to)
    yield case("sparse_zero.tif", _sparse(0, 0), **to)
    yield case("sparse_hollow.tif", _sparse(100, 100), **to)
    loop = bytearray(good)
    first = struct.unpack_from("<I", loop, 4)[0]
    count = struct.unpack_from("<H", loop, first)[0]
    struct.pack_into("<I", loop, first + 2 + 12 * count, first)
    yield case("loop.tif", bytes(loop), kind="harmless", rows=1, **to)
    for number in range(5):
        torn = bytearray(good)
        for _ in range(25):
            torn[rng.randrange(8, 400)] = rng.randrange(256)
        yield case(f"torn{number}.tif", bytes(torn), kind="any", **to)
    yield case("nan.tif", tif(np.full((9, 9), np.nan, "float32")), "raster_empty", **hurt)
    yield case("infinite.tif", tif(np.full((9, 9), np.inf, "float32")), "raster_infinite", **hurt)
    yield case("negative.tif", tif(-depth), "raster_negative", **hurt)
    yield case(
        "undeclared_nodata.tif", tif(np.where(np.eye(20) > 0, np.float32(9999), depth)), "raster_too_deep", **hurt
    )
    yield case("elevation.tif", tif(depth * 1000), "raster_too_deep", **hurt)
    yield case("no_crs.tif", tif(depth, crs=None), "crs_missing", **hurt)
    yield case("elsewhere.tif", tif(depth, transform=(10, 0.001, 50, 0.001)), "raster_outside", **hurt)
    yield case("degrees_in_metres.tif", tif(depth, crs="EPSG:4547"), "raster_outside", **hurt)
    yield case(
        "rotated.tif", tif(depth, affine=Affine(0.001, 0.0005, 114.7, 0.0005, -0.001, 30.5)), "raster_rotated", **hurt
    )
    yield case("upside_down.tif", tif(depth, affine=Affine(0.001, 0, 114.7, 0, 0.001, 30.4)), "raster_rotated", **hurt)
    yield case("nan_place.tif", tif(depth, affine=Affine(0.001, 0, float("nan"), 0, -0.001, 30.5)), **hurt)
    yield case("complex.tif", tif(depth.astype("complex64")), "raster_kind", **hurt)
    yield case("whole_world.tif", tif(depth, transform=(-180, 18, 90, 9)), kind="any", **to)
    yield case("centimetres.tif", tif((depth * 100).astype("int16"), scale=0.01), kind="harmless", rows=1, **to)
    yield case("three_bands.tif", tif(np.stack([depth] * 3)), kind="harmless", rows=1, **to)
    yield case("picture.tif", tif(np.zeros((3, 9, 9), "uint8")), kind="any", **to)
    yield case("plain.asc", _asc(), crs="EPSG:4490", kind="harmless", rows=1, **to)
    yield case("no_crs.asc", _asc(), "crs_missing", **hurt)
    for name, text, *codes in (
        ("huge", _asc(2_000_000, 2_000_000), "raster_too_big", "file_broken"), ("minus", _asc(-4, 4)), ("zero", _asc(0, 0)),
        ("short", _asc(10, 10)), ("words", _asc(cells="a b c d\n" * 4)), ("nan", _asc(cells="nan nan nan nan\n" * 4), "raster_empty"),
        ("infinite", _asc(cells="inf inf inf inf\n" * 4), "raster_infinite"), ("far", _asc(west=10), "raster_outside"),
        ("cellsize", _asc(size=0)), ("cellsize_minus", _asc(size=-1)), ("cellsize_nan", _asc(size="nan")), ("head_only", "ncols 4\n"),
        ("nodata_all", _asc(nodata=1.5), "raster_empty"), ("overflow", _asc(99999999999999999999, 4)), ("place_words", _asc(west="x")),
    ):  # fmt: skip
        yield case(f"{name}.asc", text, *codes, crs="EPSG:4490", **hurt)
    yield case("prj_beside.asc", _asc(), "crs_unknown", "crs_missing", beside=((".prj", b"nonsense[" * 50),), **hurt)
    yield case("as_footprint.csv", "depth_m,wkt\n1,POLYGON EMPTY\n", crs="EPSG:4490", **hurt)
    yield case(
        "deep_water.geojson",
        '{"type":"Feature","properties":{"depth_m":9999},"geometry":{"type":"Polygon","coordinates":[[[114.7,30.4],[114.8,30.4],[114.8,30.5],[114.7,30.4]]]}}',
        "out_of_range",
        "refused",
        **hurt,
    )
    yield case("elsewhere.geojson", '{"type":"Polygon","coordinates":[[[10,50],[11,50],[11,51],[10,50]]]}', **hurt)
    yield case("line_water.geojson", '{"type":"LineString","coordinates":[[114.7,30.4],[114.8,30.4]]}', **hurt)
