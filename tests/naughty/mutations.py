"""Good files of every format, and seeded ways to hurt them."""

from .archives import GOOD_ROW, TABLE
from .arrays import _cover, _npy, rng_matrix
from .broken import ROWS
from .builders import (
    PLACEMARK,
    VILLAGE,
    archive,
    collection,
    feature,
    kml,
    old_workbook,
    shape_zip,
    shapefile,
    village_csv,
    workbook,
)
from .case import case
from .databases import _built
from .extracts import NODES, WAY, _osm, _pbf
from .photos import picture
from .rasters import _asc, tif

SPICE = (
    b"<!DOCTYPE a>",
    b"\x00",
    b"\xff\xff\xff\xff",
    b"-1",
    b"NaN",
    b"1e999",
    b"../",
    b"{",
    b"]",
    b"&a;",
    b"=1+1",
    b"\xef\xbb\xbf",
    b"9" * 30,
    b"\n",
)


def good_files(rng):
    import numpy as np
    from scipy import sparse

    depth = np.full((9, 9), 1.5, dtype="float32")
    yield case("a.csv", village_csv(*ROWS[:6]), **TABLE)
    yield case("b.csv", village_csv(*ROWS[:6]).encode("gbk"), **TABLE)
    yield case("c.csv", village_csv(*ROWS[:6]).encode("utf-16"), **TABLE)
    yield case("a.xlsx", workbook([VILLAGE, GOOD_ROW]), **TABLE)
    yield case("a.xls", old_workbook([VILLAGE, *ROWS[:6]]), **TABLE)
    yield case("a.geojson", collection(feature()))
    yield case("a.kml", kml(PLACEMARK))
    yield case("a.kmz", archive([("doc.kml", kml(PLACEMARK))]))
    yield case("a.gpkg", _built())
    yield case("a.npy", _npy(rng_matrix(rng)), route="cost")
    yield case("a.npz", _cover(sparse.csr_array(np.eye(3))), route="cover")
    yield case("a.jpg", picture(), route="photo")
    yield case("a.png", picture(form="PNG"), route="photo")
    yield case("a.webp", picture(form="WEBP"), route="photo")
    yield case("w.geojson", collection(feature()), route="footprint")
    yield case("a.zip", shape_zip(shapefile()))
    yield case("a.tif", tif(depth), route="footprint")
    yield case("a.asc", _asc(), route="footprint", crs="EPSG:4490")
    yield case("a.osm", _osm(NODES + WAY), route="district")
    yield case("a.osm.pbf", _pbf(), route="district")


def hurt(data, rng):
    """Change a few bytes, cut, double, drop or move a piece, or put something spicy in."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        size = max(1, len(changed))
        at, length = rng.randrange(size), rng.randrange(1, max(2, min(200, size)))
        way = rng.randrange(8)
        if way == 0:
            changed[at : at + 1] = bytes([rng.randrange(256)])
        elif way == 1 and changed:
            changed[at % len(changed)] ^= 1 << rng.randrange(8)
        elif way == 2:
            del changed[at : len(changed) if rng.random() < 0.2 else at + length]
        elif way == 3:
            changed[at:at] = changed[at : at + length]
        elif way == 4:
            changed[at : at + length] = bytes(min(length, 8))
        elif way == 5:
            changed[at:at] = rng.choice(SPICE)
        elif way == 6:
            changed[at : at + 4] = rng.choice((b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\0\0\0"))
        else:
            other = rng.randrange(size)
            changed[at : at + length] = changed[other : other + length]
    return bytes(changed)
