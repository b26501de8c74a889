"""Shapefile sets: parts missing, lengths that lie, nonsense beside them."""

import struct

from .builders import PRJ, archive, shape_zip, shapefile
from .case import case


def _patched(data, at, form, *values):
    changed = bytearray(data)
    struct.pack_into(form, changed, at, *values)
    return bytes(changed)


def cases(rng, bait):
    good = shapefile(3)
    one = shapefile(1)
    for part in (".dbf", ".shx"):
        yield case(
            f"no_{part[1:]}.zip",
            shape_zip({k: v for k, v in good.items() if k != part}),
            "shapefile_part",
            kind="damage",
        )
    yield case(
        "no_shp.zip", shape_zip({k: v for k, v in good.items() if k != ".shp"}), "content_mismatch", kind="damage"
    )
    for part in (".shp", ".shx", ".dbf"):
        for cut in (2, 40, 130):
            yield case(
                f"short_{part[1:]}_{cut}.zip",
                shape_zip({**good, part: good[part][:-cut]}),
                "file_truncated",
                "file_broken",
                kind="damage",
            )
        yield case(f"empty_{part[1:]}.zip", shape_zip({**good, part: b""}), kind="damage")
        yield case(f"noise_{part[1:]}.zip", shape_zip({**good, part: rng.randbytes(300)}), kind="damage")
        yield case(
            f"longer_{part[1:]}.zip",
            shape_zip({**good, part: good[part] + bytes(400)}),
            kind="damage" if part != ".dbf" else "any",
        )
    yield case("fewer_rows.zip", shape_zip({**good, ".dbf": one[".dbf"]}), "shapefile_count", kind="damage")
    yield case("more_rows.zip", shape_zip({**one, ".dbf": good[".dbf"]}), "shapefile_count", kind="damage")
    yield case("fewer_index.zip", shape_zip({**good, ".shx": one[".shx"]}), "shapefile_count", kind="damage")
    yield case("lying_points.zip", shape_zip(shapefile(lie=10_000_000)), kind="attack")
    yield case("minus_points.zip", shape_zip(shapefile(lie=-5)), kind="attack")
    yield case(
        "lying_parts.zip", shape_zip({**one, ".shp": _patched(one[".shp"], 108 + 36, "<i", 0x7FFFFFFF)}), kind="attack"
    )
    yield case(
        "lying_record.zip", shape_zip({**one, ".shp": _patched(one[".shp"], 104, ">i", 0x7FFFFFFF)}), kind="attack"
    )
    yield case(
        "index_outside.zip",
        shape_zip({**one, ".shx": _patched(one[".shx"], 100, ">2i", 0x3FFFFFFF, 64)}),
        kind="attack",
    )
    yield case(
        "index_minus.zip", shape_zip({**one, ".shx": _patched(one[".shx"], 100, ">2i", -100, 64)}), kind="attack"
    )
    yield case(
        "index_length.zip", shape_zip({**one, ".shx": _patched(one[".shx"], 104, ">i", 0x7FFFFFF0)}), kind="attack"
    )
    yield case("unknown_type.zip", shape_zip({**one, ".shp": _patched(one[".shp"], 32, "<i", 77)}), kind="damage")
    yield case(
        "nan_points.zip",
        shape_zip({**one, ".shp": _patched(one[".shp"], 108 + 48, "<2d", float("nan"), float("nan"))}),
        kind="damage",
    )
    yield case(
        "dbf_many.zip",
        shape_zip({**one, ".dbf": _patched(one[".dbf"], 4, "<I", 0x7FFFFFFF)}),
        "file_truncated",
        "shapefile_count",
        kind="attack",
    )
    yield case("dbf_width.zip", shape_zip({**one, ".dbf": _patched(one[".dbf"], 10, "<H", 0xFFFF)}), kind="attack")
    yield case("dbf_zero_width.zip", shape_zip({**one, ".dbf": _patched(one[".dbf"], 10, "<H", 0)}), kind="attack")
    yield case("dbf_head.zip", shape_zip({**one, ".dbf": _patched(one[".dbf"], 8, "<H", 33)}), kind="attack")
    yield case(
        "dbf_field_type.zip", shape_zip({**one, ".dbf": _patched(one[".dbf"], 32 + 11, "c", b"\xff")}), kind="damage"
    )
    for number, text in enumerate((
        "nonsense", "", "GEOGCS[", "[" * 20_000, 'GEOGCS["a"]', PRJ * 2, "+proj=longlat +datum=WGS84 +nadgrids=" + bait.file,
        f'GEOGCS["a",DATUM["b",SPHEROID["c",6378137,298]],PRIMEM["d",0],UNIT["e",0.0174],EXTENSION["PROJ4","+proj=longlat +nadgrids={bait.file} +type=crs"]]',
        bait.url, '{"type":"GeographicCRS"}', 'VERT_CS["x",VERT_DATUM["y",2005],UNIT["metre",1]]', 'LOCAL_CS["x"]', "EPSG:4490 +x", PRJ[:-30],
    )):  # fmt: skip
        data = shape_zip(one, prj=False, extra=[("村界.prj", text)])
        yield case(f"prj{number}.zip", data, "crs_unknown", "crs_missing", kind="attack")
    yield case("no_prj.zip", shape_zip(one, prj=False), "crs_missing", kind="damage")
    yield case(
        "two.zip",
        archive([(stem + s, d) for stem in ("a", "b") for s, d in one.items()] + [("a.prj", PRJ), ("b.prj", PRJ)]),
        "sheet_needed",
        kind="damage",
    )
    for number, page in enumerate(
        (b"zlib", b"hex", b"rot13", b"\xff\xfe", b"no-such", b"../../etc/passwd", b"A" * 5000, b"")
    ):
        yield case(f"page{number}.zip", shape_zip(one, extra=[("村界.cpg", page)]), kind="harmless", rows=1)
    yield case("wrong_page.zip", shape_zip(one, extra=[("村界.cpg", b"UTF-8")]), kind="damage")
    yield case("alone.shp", good[".shp"], "shapefile_part", kind="damage")
    yield case(
        "plain.shp",
        one[".shp"],
        kind="harmless",
        rows=1,
        beside=((".shx", one[".shx"]), (".dbf", one[".dbf"]), (".prj", PRJ.encode())),
    )
    yield case(
        "cut.shp",
        one[".shp"][:120],
        "file_truncated",
        kind="damage",
        beside=((".shx", one[".shx"]), (".dbf", one[".dbf"]), (".prj", PRJ.encode())),
    )
    yield case(
        "resource_fork.zip", shape_zip(one, extra=[("__MACOSX/._村界.shp", b"\0\5\x16\7")]), kind="harmless", rows=1
    )
    yield case(
        "shapes_beside.zip",
        shape_zip(
            one,
            extra=[
                ("村界.qix", rng.randbytes(80)),
                ("村界.sbn", rng.randbytes(80)),
                ("村界.shp.xml", "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9'><a/>"),
            ],
        ),
        kind="harmless",
        rows=1,
    )
