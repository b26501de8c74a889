"""Files cut off, empty, flipped or out of proportion, of every format."""

from .archives import GOOD_ROW, TABLE
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

ANY_TABLE = {"kind": "damage", **TABLE}
# Codes of villages that the demo district has.
CODES = [f"420703100{i:03d}" for i in (1, 2, 3, 201, 202, 204, *range(207, 213), 214, *range(216, 224))]
ROWS = [[code, f"村{i}", 10 + i, 3, 114.7, 30.4 + i / 1000] for i, code in enumerate(CODES, 1)]


def cases(rng, bait):
    whole = collection(*(feature(f"4207031000{i:02d}") for i in range(10, 40))).encode()
    book, old = workbook([VILLAGE, *ROWS]), old_workbook([VILLAGE, *ROWS])
    files = {
        "geojson": whole, "kml": kml(PLACEMARK).encode(), "kmz": archive([("doc.kml", kml(PLACEMARK))]),
        "zip": shape_zip(shapefile(3)), "xlsx": book, "xls": old,
    }  # fmt: skip
    for suffix, data in files.items():
        table = {"layer": "village", "crs": "EPSG:4490"} if suffix in ("xlsx", "xls") else {}
        for share in (3, 50, 90, 99):
            cut = data[: max(6, len(data) * share // 100)]
            if not (suffix == "xls" and share > 50):
                yield case(f"cut{share}.{suffix}", cut, kind="damage", **table)
        yield case(f"empty.{suffix}", b"", "file_empty", kind="damage", **table)
        yield case(f"zeros.{suffix}", bytes(3000), "content_mismatch", "file_empty", kind="damage", **table)
        yield case(f"noise.{suffix}", rng.randbytes(3000), kind="damage", **table)
        yield case(f"head_then_zeros.{suffix}", data[:40] + bytes(len(data) - 40), kind="damage", **table)
    lines = village_csv(*ROWS).encode()
    yield case("empty.csv", b"", "file_empty", **ANY_TABLE)
    yield case("blank.csv", b"\n\n  \n", "file_empty", **ANY_TABLE)
    yield case("heading_only.csv", village_csv(), "no_rows", **ANY_TABLE)
    yield case("zeros.csv", bytes(3000), "content_mismatch", "file_empty", **ANY_TABLE)
    yield case("noise.csv", rng.randbytes(3000), **ANY_TABLE)
    yield case("cut_in_row.csv", lines[: lines.rfind(b",30.4") - 8], "row_cut", **ANY_TABLE)
    yield case("open_quote.csv", village_csv(('"420703100001', "甲", 1, 1, 114.7, 30.4)), "csv_broken", **ANY_TABLE)
    yield case(
        "quote_in_word.csv", village_csv(("420703100001", '"甲"村"', 1, 1, 114.7, 30.4)), "csv_broken", **ANY_TABLE
    )
    yield case("nul_tail.csv", lines + b"\x00" * 5000, "content_mismatch", **ANY_TABLE)
    yield case(
        "nul_cell.csv", lines.replace("村1,".encode(), b"\x00,"), "content_mismatch", "text_unreadable", **ANY_TABLE
    )
    yield case("one_cell.csv", "a", "column_missing", "no_rows", **ANY_TABLE)
    yield case("commas.csv", "," * 100_000, **ANY_TABLE)
    yield case("long_line.csv", b"a" * 10_000_000, **ANY_TABLE)
    yield case(
        "long_cell.csv",
        village_csv(("420703100001", "甲" * 3_000_000, 1, 1, 114.7, 30.4)),
        "text_too_long",
        **ANY_TABLE,
    )
    yield case("wide.csv", ",".join(f"c{i}" for i in range(600)) + "\n1\n", "too_many_columns", **ANY_TABLE)
    yield case("rows.csv", "代码\n" + "1\n" * 200_500, "too_many_rows", **ANY_TABLE)
    yield case("quotes.csv", '"' * 2_000_001, "csv_broken", "column_missing", "no_rows", **ANY_TABLE)
    yield case(
        "newlines_in_cell.csv",
        village_csv(("420703100001", '"甲\n\n\n村', 1, 1, 114.7, 30.4)),
        "csv_broken",
        **ANY_TABLE,
    )
    yield case("too_big.csv", b"1,2,3\n" * 8_700_000, "file_too_big", **ANY_TABLE)
    deep = {"kind": "damage"}
    yield case(
        "deep.geojson",
        b'{"type":"FeatureCollection","features":' + b"[" * 100_000,
        "file_broken",
        "json_broken",
        **deep,
    )
    yield case(
        "deep_objects.geojson", b'{"type":"FeatureCollection","a":' * 50_000, "file_broken", "json_broken", **deep
    )
    yield case(
        "deep_property.geojson",
        collection(feature(a="@")).replace('"@"', "[" * 5000 + "]" * 5000),
        "file_broken",
        **deep,
    )
    yield case(
        "deep_property_ok_json.geojson",
        collection(feature(a="@")).replace('"@"', "[" * 400 + "]" * 400),
        kind="harmless",
        rows=1,
    )
    nest = '{"type":"GeometryCollection","geometries":[' * 300 + "]}" * 300
    yield case(
        "deep_collection.geojson",
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"420703100001","name":"甲"},"geometry":'
        + nest
        + "}]}",
        "file_broken",
        "geometry_missing",
        "geometry_malformed",
        "geometry_not_area",
        **deep,
    )
    yield case(
        "long_number.geojson",
        b'{"type":"FeatureCollection","features":[' + b"9" * 100_000 + b"]}",
        "file_broken",
        "feature_malformed",
        **deep,
    )
    yield case("two_documents.geojson", whole + whole, "json_broken", **deep)
    yield case("lines.geojson", b"\n".join([collection(feature()).encode()] * 3), "json_broken", **deep)
    yield case("trailing_comma.geojson", whole[:-2] + b",]}", "json_broken", **deep)
    yield case("comment.geojson", b"{/* a */" + whole[1:], "json_broken", **deep)
    yield case("single_quotes.geojson", whole.replace(b'"', b"'"), "json_broken", **deep)
    yield case(
        "twice_key.geojson",
        whole.replace(b'"name": ', b'"code": "420703100099", "name": ', 1),
        "json_key_twice",
        kind="attack",
    )
    yield case("twice_features.geojson", whole[:-1] + b', "features": []}', "json_key_twice", kind="attack")
    yield case("no_features.geojson", collection(), "no_rows", "column_missing", **deep)
    yield case("features_object.geojson", '{"type":"FeatureCollection","features":{}}', "not_geojson", **deep)
    ring = ",".join("[114.7,30.4]" for _ in range(1_000_001))
    yield case("vertices.geojson", f'{{"type":"LineString","coordinates":[{ring}]}}', "too_many_vertices", **deep)
    yield case(
        "many_features.geojson",
        '{"type":"FeatureCollection","features":[' + ",".join(["1"] * 200_001) + "]}",
        "too_many_rows",
        **deep,
    )
    yield case(
        "encrypted.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + rng.randbytes(5000), "file_encrypted", **ANY_TABLE
    )
    yield case("old_in_new.xlsx", old, "file_encrypted", "content_mismatch", **ANY_TABLE)
    yield case("password.xls", old_workbook([VILLAGE, *ROWS], password=True), "file_encrypted", **ANY_TABLE)
    yield case("document.xls", old_workbook([VILLAGE], name="WordDocument"), "file_broken", **ANY_TABLE)
    loop = bytearray(old)
    loop[512 + 8 : 512 + 12] = b"\x02\x00\x00\x00"
    yield case("loop.xls", bytes(loop), **ANY_TABLE)
    for number in range(4):
        torn = bytearray(old)
        for _ in range(30):
            torn[rng.randrange(8, 1536)] = rng.randrange(256)
        yield case(f"torn{number}.xls", bytes(torn), **ANY_TABLE)
    yield case("whole.xls", old, kind="harmless", rows=len(ROWS), **TABLE)
    yield case("ragged_right.csv", village_csv(*[[*r, ""] for r in ROWS]), kind="harmless", rows=len(ROWS), **TABLE)
    yield case("no_last_newline.csv", lines.rstrip(), kind="harmless", rows=len(ROWS), **TABLE)
    yield case(
        "shifted.csv",
        village_csv(*ROWS[:3], ["420703100009", "戊村", "注", 5, 6, 114.7, 30.4]),
        "row_width",
        "not_a_number",
        kind="mistake",
        **TABLE,
    )
    yield case("shifted_end.csv", village_csv(*ROWS[:3], [*GOOD_ROW, 7]), "row_width", kind="mistake", **TABLE)
