"""Archives that climb out, explode, repeat, lie or hide."""

import gzip
import io
import stat
import struct
import warnings
import zipfile

from .builders import PLACEMARK, VILLAGE, archive, kml, rezip, shape_zip, shapefile, workbook
from .case import case

GOOD_ROW = ["420703100001", "甲村", 10, 3, 114.7, 30.4]
TABLE = {"layer": "village", "crs": "EPSG:4490"}


def _link(kind):
    info = zipfile.ZipInfo("link.shp")
    info.external_attr = (kind | 0o777) << 16
    buffer = io.BytesIO(shape_zip(shapefile()))
    with zipfile.ZipFile(buffer, "a") as target:
        target.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def _twice(members):
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as target:
        warnings.simplefilter("ignore")
        for name, data in members:
            target.writestr(name, data)
    return buffer.getvalue()


def _patched(data, mark, at, form, *values):
    broken = bytearray(data)
    place = broken.rfind(mark)
    struct.pack_into(form, broken, place + at, *values)
    return bytes(broken)


def _overlapping(count=40):
    """Many directory entries over one body: the modern bomb."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("a00.shp", bytes(900_000))
    data = body.getvalue()
    place = data.find(b"PK\x01\x02")
    end = data.rfind(b"PK\x05\x06")
    entry = data[place:end]
    entries = b"".join(entry.replace(b"a00.shp", b"a%02d.shp" % i) for i in range(count))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(entries), place, 0)
    return data[:place] + entries + tail


def cases(rng, bait):
    good = shapefile()
    for name, member in {
        "slip": "../../evil.shp", "absolute": "/etc/cron.d/x", "drive": "C:\\x.shp", "backslash": "..\\..\\x.shp",
        "deep_slip": "a/b/../../../x.shp", "newline": "a\nb.shp", "bell": "a\x07.shp", "unc": "\\\\host\\share\\a.shp",
        "home": "a/../../../home/.ssh/authorized_keys", "stream": "C:a.shp",
    }.items():  # fmt: skip
        yield case(f"{name}.zip", shape_zip(good, extra=[(member, b"x")]), "zip_path")
    yield case("slip.kmz", archive([("doc.kml", kml(PLACEMARK)), ("../evil.kml", "x")]), "zip_path")
    yield case(
        "slip.xlsx",
        rezip(workbook([VILLAGE, GOOD_ROW]), lambda n, d: d)[:0]
        or _with(workbook([VILLAGE, GOOD_ROW]), "../evil.xml", "<a/>"),
        "zip_path",
        **TABLE,
    )
    yield case("many.zip", shape_zip(good, extra=[(f"n{i}.txt", b"x") for i in range(60)]), "zip_entries")
    yield case(
        "crowd.zip", shape_zip(good, extra=[(f"n{i}.txt", b"") for i in range(66_000)]), "zip_entries", "file_broken"
    )
    yield case("nested.zip", shape_zip(good, extra=[("inner.zip", archive([("a", b"b")]))]), "zip_nested")
    yield case("nested_renamed.zip", shape_zip(good, extra=[("photo.jpg", archive([("a", b"b")]))]), "zip_nested")
    yield case("nested_gz.zip", shape_zip(good, extra=[("inner.txt", gzip.compress(b"b"))]), "zip_nested")
    yield case("nested_7z.zip", shape_zip(good, extra=[("inner", b"7z\xbc\xaf\x27\x1cxx")]), "zip_nested")
    yield case("nested_empty.zip", shape_zip(good, extra=[("inner", archive([]))]), "zip_nested")
    yield case("nested_xz.zip", shape_zip(good, extra=[("inner", b"\xfd7zXZ\x00xx")]), "zip_nested")
    yield case("bomb.zip", shape_zip({**good, ".dbf": bytes(30_000_000)}), "zip_ratio")
    yield case("bomb.kmz", archive([("doc.kml", b" " * 30_000_000)]), "zip_ratio")
    yield case(
        "bomb.xlsx", _with(workbook([VILLAGE, GOOD_ROW]), "xl/media/a.bin", bytes(30_000_000)), "zip_ratio", **TABLE
    )
    yield case("huge.zip", archive([(f"a{i}.shp", bytes(45_000_000)) for i in range(5)]), "zip_too_big", "zip_ratio")
    yield case("overlap.zip", _overlapping(), "zip_overlap")
    yield case("link.zip", _link(stat.S_IFLNK), "zip_link")
    yield case("pipe.zip", _link(stat.S_IFIFO), "zip_link")
    yield case("device.zip", _link(stat.S_IFCHR), "zip_link")
    yield case("twice.zip", _twice([("a.shp", b"x"), ("a.shp", b"y")]), "zip_overlap")
    yield case(
        "twice_case.zip", _twice([("a" + s, d) for s, d in good.items()] + [("A.DBF", good[".dbf"])]), "zip_overlap"
    )
    data = shape_zip(good)
    yield case("encrypted.zip", _patched(data, b"PK\x01\x02", 8, "<H", 1), "zip_encrypted")
    yield case(
        "lying_size.zip", _patched(data, b"PK\x01\x02", 24, "<I", 10), "file_broken", "file_truncated", "crs_unknown"
    )
    yield case("lying_big.zip", _patched(data, b"PK\x01\x02", 24, "<I", 3_000_000_000), "zip_too_big")
    yield case("lying_place.zip", _patched(data, b"PK\x01\x02", 42, "<I", 7), "file_broken", "zip_overlap")
    yield case("lying_method.zip", _patched(data, b"PK\x01\x02", 10, "<H", 99), "file_broken")
    yield case("lying_count.zip", _patched(data, b"PK\x05\x06", 10, "<H", 40_000), "zip_entries", "file_broken")
    yield case("lying_directory.zip", _patched(data, b"PK\x05\x06", 16, "<I", 0), "file_broken")
    wrong = _patched(data, b"PK\x01\x02", 16, "<I", 0xDEADBEEF)
    yield case("wrong_sum.zip", wrong, "file_broken")
    book = workbook([VILLAGE, GOOD_ROW])
    place = book.find(b"xl/worksheets/sheet1.xml", book.find(b"PK\x01\x02")) - 46
    crc = bytearray(book)
    struct.pack_into("<I", crc, place + 16, 1)
    yield case("wrong_sum.xlsx", bytes(crc), "file_broken", **TABLE)
    yield case("text.zip", archive([("readme.txt", b"x")]), "content_mismatch")
    yield case("empty.zip", archive([]), "content_mismatch")
    yield case("bytes_before.zip", b"GIF89a" + data, "content_mismatch")
    yield case("end_only.zip", b"PK\x05\x06" + b"\xff" * 18, "file_broken", "zip_entries")
    yield case("xlsx_in.zip", book, "content_mismatch", **TABLE)
    yield case("shape_in.xlsx", data, "content_mismatch", **TABLE)
    yield case("shape_in.kmz", data, "content_mismatch")
    yield case(
        "word.xlsx",
        archive([("[Content_Types].xml", "<Types/>"), ("word/document.xml", "<a/>")]),
        "content_mismatch",
        **TABLE,
    )
    for number in range(6):
        broken = bytearray(data)
        for _ in range(40):
            broken[rng.randrange(60, len(broken) - 400)] = rng.randrange(256)
        yield case(f"flipped{number}.zip", bytes(broken), kind="damage")
    yield case("comment.zip", data[:-2] + struct.pack("<H", 5) + b"hello", kind="harmless", rows=1)
    yield case(
        "folder.zip",
        shape_zip(good, extra=[("文档/", b""), ("文档/说明.txt", "说明".encode())]),
        kind="harmless",
        rows=1,
    )


def _with(data, name, content):
    buffer = io.BytesIO(data)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as target:
        target.writestr(name, content)
    return buffer.getvalue()
