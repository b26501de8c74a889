"""A seeded corpus of files that nobody should trust: attacks, damage, and honest mistakes."""

import gzip
import io
import json
import random
import sqlite3
import stat
import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl

BOX = (114.3, 30.1, 115.1, 30.9)
VRT = '<OGRVRTDataSource><OGRVRTLayer name="passwd"><SrcDataSource>CSV:/etc/passwd</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'  # noqa: E501
VRT_NET = '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/vsicurl/http://127.0.0.1:9/a.geojson</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
LAUGHS = '<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
XXE = '<?xml version="1.0"?><!DOCTYPE k [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@dataclass(frozen=True)
class Case:
    """One file: an ``attack`` or ``damage`` must be refused with one of the codes; a ``mistake`` names its rows."""

    name: str
    kind: str
    codes: frozenset
    layer: str = "village_area"
    options: dict = field(default_factory=dict, compare=False)


def feature(code="420703100001", shape=None, **properties):
    ring = [[114.7, 30.4], [114.8, 30.4], [114.8, 30.5], [114.7, 30.5], [114.7, 30.4]]
    geometry = {"type": "Polygon", "coordinates": [ring]} if shape is None else shape
    return {"type": "Feature", "properties": {"code": code, "name": "甲村", **properties}, "geometry": geometry}


def collection(*features, **members):
    return json.dumps({"type": "FeatureCollection", "features": list(features), **members}, ensure_ascii=False)


def point(x, y):
    return {"type": "Point", "coordinates": [x, y]}


def archive(members, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members:
            target.writestr(name, data, **options)
    return buffer.getvalue()


def workbook(rows, title="表"):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def rezip(data, change):
    """Rewrite the members of an archive."""
    members = []
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        for info in source.infolist():
            members.append((info.filename, change(info.filename, source.read(info))))
    return archive(members)


VILLAGE = ["行政村代码", "行政村名称", "常住人口", "总户数", "经度", "纬度"]


def village_csv(*rows):
    return "\n".join(",".join(map(str, r)) for r in (VILLAGE, *rows)) + "\n"


def kml(body, head='<?xml version="1.0" encoding="UTF-8"?>'):
    return f'{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{body}</Document></kml>'


PLACEMARK = (
    "<Placemark><name>甲村</name><ExtendedData><Data name='code'><value>420703100001</value></Data></ExtendedData><Polygon>"  # noqa: E501
    "<outerBoundaryIs><LinearRing><coordinates>114.7,30.4,0 114.8,30.4,0 114.8,30.5,0 114.7,30.4,0</coordinates></LinearRing>"  # noqa: E501
    "</outerBoundaryIs></Polygon></Placemark>"
)


def shapefile(count=1, points=5, lie=None):
    """Write a polygon shapefile by hand; ``lie`` puts another point count into the record."""
    ring = [(114.7, 30.4), (114.7, 30.5), (114.8, 30.5), (114.8, 30.4), (114.7, 30.4)][:points]
    body = struct.pack("<i4d2i", 5, 114.7, 30.4, 114.8, 30.5, 1, lie or len(ring)) + struct.pack("<i", 0)
    body += b"".join(struct.pack("<2d", *p) for p in ring)
    records, index, place = b"", b"", 100
    for i in range(count):
        record = struct.pack(">2i", i + 1, len(body) // 2) + body
        index += struct.pack(">2i", place // 2, len(body) // 2)
        records += record
        place += len(record)

    def head(length):
        return struct.pack(">7i", 9994, 0, 0, 0, 0, 0, length // 2) + struct.pack(
            "<2i8d", 1000, 5, 114.7, 30.4, 114.8, 30.5, 0, 0, 0, 0
        )

    fields = [(b"code", 12), (b"name", 20)]
    width = 1 + sum(w for _, w in fields)
    table = struct.pack("<4BIHH20x", 3, 124, 1, 1, count, 32 + 32 * len(fields) + 1, width)
    for name, size in fields:
        table += struct.pack("<11sc4xBB14x", name, b"C", size, 0)
    table += b"\r"
    for i in range(count):
        table += b" " + f"4207031000{i + 1:02d}".encode() + "甲村".encode("gb18030").ljust(20)
    table += b"\x1a"
    return {".shp": head(100 + len(records)) + records, ".shx": head(100 + len(index)) + index, ".dbf": table}


PRJ = 'GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'  # noqa: E501


def shape_zip(parts, stem="村界", prj=True, extra=()):
    members = [(stem + suffix, data) for suffix, data in parts.items()]
    if prj:
        members.append((stem + ".prj", PRJ))
    return archive([*members, *extra])


def geopackage(path, *, view=False, virtual=False, srs=4490, layers=1, rows=1, blob=None):
    import shapely

    path.unlink(missing_ok=True)
    base = sqlite3.connect(path)
    base.executescript(
        "PRAGMA application_id=1196444487; CREATE TABLE gpkg_contents(table_name TEXT, data_type TEXT, srs_id INTEGER);"
        "CREATE TABLE gpkg_spatial_ref_sys(srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER, definition TEXT);"  # noqa: E501
        "CREATE TABLE gpkg_geometry_columns(table_name TEXT, column_name TEXT, srs_id INTEGER);"
        "INSERT INTO gpkg_spatial_ref_sys VALUES (4490,'EPSG',4490,''),(0,'NONE',0,'undefined')"
    )
    wkb = shapely.to_wkb(shapely.box(114.7, 30.4, 114.8, 30.5))
    good = b"GP\x00\x01" + struct.pack("<i", srs) + wkb
    for k in range(layers):
        name = f"layer{k}"
        if view:
            base.execute("CREATE TABLE secret(code TEXT, name TEXT, geom BLOB)")
            base.execute(f"CREATE VIEW {name} AS SELECT * FROM secret")
        elif virtual:
            base.execute(f"CREATE VIRTUAL TABLE {name} USING fts5(code, name, geom)")
        else:
            base.execute(f"CREATE TABLE {name}(fid INTEGER PRIMARY KEY, code TEXT, name TEXT, geom BLOB)")
            for i in range(rows):
                base.execute(
                    f"INSERT INTO {name}(code, name, geom) VALUES (?, '甲村', ?)",
                    (f"4207031000{i + 1:02d}", blob or good),
                )
        base.execute("INSERT INTO gpkg_contents VALUES (?, 'features', ?)", (name, srs))
        base.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?)", (name, srs))
    base.commit()
    base.close()
    return path


def _disguises():
    for name in ("a.geojson", "a.kml", "a.gpkg", "a.shp", "a.csv", "a.xlsx", "a.xls", "a.zip", "a.json"):
        yield "vrt_" + name, VRT.encode(), "attack", {"content_mismatch", "format_unknown"}
    yield "vrt_net.geojson", VRT_NET.encode(), "attack", {"content_mismatch"}
    yield "vrt_bom.geojson", b"\xef\xbb\xbf  \n" + VRT.encode(), "attack", {"content_mismatch"}
    yield "vrt_utf16.csv", VRT.encode("utf-16"), "attack", {"content_mismatch"}
    yield "vrt_with_kml_word.kml", VRT.replace("passwd", "<kml").encode(), "attack", {"content_mismatch", "file_broken"}
    yield (
        "vrt_in.zip",
        archive([("a.shp", VRT), ("a.shx", VRT), ("a.dbf", VRT)]),
        "attack",
        {"file_broken", "content_mismatch"},
    )
    yield "raster_vrt.kml", b"<VRTDataset rasterXSize='1'></VRTDataset>", "attack", {"content_mismatch"}
    yield "program.csv", b"\x7fELF\x02\x01\x01" + bytes(64), "attack", {"content_mismatch"}
    yield "page.xls", b"<html><table><tr><td>1</td></tr></table></html>", "attack", {"content_mismatch"}
    yield "tiff.geojson", b"II*\x00" + bytes(64), "attack", {"content_mismatch"}
    yield "database.gpkg", b"SQLite format 3\x00" + bytes(200), "attack", {"content_mismatch"}
    yield "connection.geojson", b"PG:host=127.0.0.1 dbname=x", "attack", {"content_mismatch"}
    yield "link.csv.lnk", b"L\x00\x00\x00", "attack", {"format_unknown"}
    yield "topology.geojson", b'{"type":"Topology","objects":{}}', "attack", {"not_geojson"}
    yield (
        "esri.json",
        b'{"displayFieldName":"","geometryType":"esriGeometryPolygon","features":[]}',
        "attack",
        {"not_geojson"},
    )
    yield "array.geojson", b"[1,2,3]", "attack", {"not_geojson"}


def _archives(rng):
    good = shapefile()
    yield "slip.zip", shape_zip(good, extra=[("../../evil.shp", b"x")]), {"zip_path"}
    yield "absolute.zip", shape_zip(good, extra=[("/etc/cron.d/x", b"x")]), {"zip_path"}
    yield "drive.zip", shape_zip(good, extra=[("C:\\x.shp", b"x")]), {"zip_path"}
    yield "backslash.zip", shape_zip(good, extra=[("..\\..\\x.shp", b"x")]), {"zip_path"}
    yield "many.zip", shape_zip(good, extra=[(f"n{i}.txt", b"x") for i in range(60)]), {"zip_entries"}
    yield "nested.zip", shape_zip(good, extra=[("inner.zip", archive([("a", b"b")]))]), {"zip_nested"}
    yield "nested_gz.zip", shape_zip(good, extra=[("inner.txt", gzip.compress(b"b"))]), {"zip_nested"}
    yield "bomb.zip", shape_zip({**good, ".dbf": bytes(30_000_000)}), {"zip_ratio"}
    yield "huge.zip", archive([(f"a{i}.shp", bytes(45_000_000)) for i in range(5)]), {"zip_too_big", "zip_ratio"}
    link = zipfile.ZipInfo("link.shp")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO(shape_zip(good))
    with zipfile.ZipFile(buffer, "a") as target:
        target.writestr(link, "/etc/passwd")
    yield "link.zip", buffer.getvalue(), {"zip_link"}
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as target:
        for _ in range(2):
            import warnings

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                target.writestr("a.shp", b"x")
    yield "twice.zip", twice.getvalue(), {"zip_overlap"}
    data = bytearray(shape_zip(good))
    place = data.rfind(b"PK\x01\x02")
    data[place + 8] |= 1
    yield "encrypted.zip", bytes(data), {"zip_encrypted"}
    yield "text.zip", archive([("readme.txt", b"x")]), {"content_mismatch"}
    broken = bytearray(shape_zip(good))
    for _ in range(40):
        broken[rng.randrange(60, 200)] = rng.randrange(256)
    yield "flipped.zip", bytes(broken), None
    lying = bytearray(shape_zip(good))
    place = lying.find(b"PK\x01\x02")
    struct.pack_into("<I", lying, place + 24, 10)
    yield "lying_size.zip", bytes(lying), {"file_broken", "file_truncated", "content_mismatch"}


def _xml():
    yield "laughs.kml", kml(PLACEMARK, LAUGHS).encode(), {"xml_dtd"}
    yield "xxe.kml", kml(PLACEMARK, XXE).encode(), {"xml_dtd"}
    yield (
        "xxe_utf16.kml",
        kml(PLACEMARK, XXE.replace('"1.0"', '"1.0" encoding="utf-16"')).encode("utf-16"),
        {"content_mismatch", "xml_dtd"},
    )
    yield "laughs.kmz", archive([("doc.kml", kml(PLACEMARK, LAUGHS))]), {"xml_dtd"}
    book = workbook([VILLAGE, ["420703100001", "甲村", 1, 1, 114.7, 30.4]])
    sheet = rezip(book, lambda n, d: XXE.encode() + d.partition(b"?>")[2] if n.endswith("sheet1.xml") else d)
    yield "xxe_sheet.xlsx", sheet, {"xml_dtd"}
    shared = rezip(book, lambda n, d: LAUGHS.encode() + d if n.endswith("workbook.xml") else d)
    yield "laughs_book.xlsx", shared, {"xml_dtd", "file_broken"}


def _damage(rng):
    whole = collection(*(feature(f"4207031000{i:02d}") for i in range(10, 40)))
    yield "truncated.geojson", whole.encode()[: len(whole) // 2], {"json_broken"}
    yield "truncated.kml", kml(PLACEMARK).encode()[:150], {"file_broken"}
    book = workbook([VILLAGE] + [["420703100001", "甲村", 1, 1, 114.7, 30.4]] * 50)
    yield "truncated.xlsx", book[: len(book) // 2], {"file_broken"}
    yield "truncated.zip", shape_zip(shapefile())[:400], {"file_broken"}
    good = shapefile(3)
    yield "short_shp.zip", shape_zip({**good, ".shp": good[".shp"][:-60]}), {"file_truncated"}
    yield "short_dbf.zip", shape_zip({**good, ".dbf": good[".dbf"][:-40]}), {"file_truncated"}
    yield "no_dbf.zip", shape_zip({k: v for k, v in good.items() if k != ".dbf"}), {"shapefile_part"}
    yield "no_shx.zip", shape_zip({k: v for k, v in good.items() if k != ".shx"}), {"shapefile_part"}
    yield "empty.geojson", b"", {"file_empty"}
    yield "blank.csv", b"\n\n  \n", {"file_empty"}
    yield "open_quote.csv", village_csv(('"420703100001', "甲", 1, 1, 114.7, 30.4)).encode(), {"csv_broken"}
    yield (
        "nul.csv",
        village_csv(("420703100001", "甲", 1, 1, 114.7, 30.4)).encode() + b"\x00" * 5000,
        {"content_mismatch"},
    )
    yield "undecodable.csv", village_csv().encode() + b"\xff\xff\xff\xff,\x80\n", {"encoding_wrong"}
    yield "deep.geojson", b'{"type":"FeatureCollection","features":' + b"[" * 100_000, {"file_broken", "json_broken"}
    yield (
        "long_number.geojson",
        b'{"type":"FeatureCollection","features":[' + b"9" * 100_000 + b"]}",
        {"file_broken", "feature_malformed"},
    )
    yield "noise.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + rng.randbytes(5000), {"file_broken"}
    yield "encrypted.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + rng.randbytes(5000), {"file_encrypted"}
    yield "wide.csv", (",".join(f"c{i}" for i in range(600)) + "\n1\n").encode(), {"too_many_columns"}
    yield "rows.csv", ("代码\n" + "1\n" * 200_500).encode(), {"too_many_rows"}
    ring = ",".join("[114.7,30.4]" for _ in range(1_000_001))
    yield "vertices.geojson", f'{{"type":"LineString","coordinates":[{ring}]}}'.encode(), {"too_many_vertices"}
    yield (
        "lying_points.zip",
        shape_zip(shapefile(lie=10_000_000)),
        {"geometry_missing", "geometry_malformed", "file_broken", "worker_died", "worker_memory"},
    )


def write(folder: Path, seed: int = 0) -> list[Case]:
    """Write the corpus into a folder and describe it."""
    rng = random.Random(seed)
    cases = []

    def put(name, data, kind, codes, **more):
        (folder / name).write_bytes(data)
        cases.append(Case(name, kind, frozenset(codes or ()), **more))

    for name, data, kind, codes in _disguises():
        put(name, data, kind, codes)
    for name, data, codes in _archives(rng):
        put(name, data, "attack" if codes else "damage", codes)
    for name, data, codes in _xml():
        layer = "village" if name.endswith(".xlsx") else "village_area"
        put(name, data, "attack", codes, layer=layer, options={"crs": "EPSG:4490"} if layer == "village" else {})
    for name, data, codes in _damage(rng):
        layer = "village" if name.endswith((".csv", ".xlsx", ".xls")) else "village_area"
        put(name, data, "damage", codes, layer=layer, options={"crs": "EPSG:4490"} if layer == "village" else {})
    for name, extra, codes in (
        ("view.gpkg", {"view": True}, {"gpkg_view"}),
        ("virtual.gpkg", {"virtual": True}, {"gpkg_view"}),
    ):
        geopackage(folder / name, **extra)
        cases.append(Case(name, "attack", frozenset(codes)))
    for name, extra, codes in (
        ("layers.gpkg", {"layers": 3}, {"sheet_needed"}),
        ("no_crs.gpkg", {"srs": 0}, {"crs_missing"}),
        ("bad_blob.gpkg", {"blob": b"GPxx"}, {"geometry_malformed"}),
        ("bad_wkb.gpkg", {"blob": b"GP\x00\x01\x8a\x11\x00\x00garbage"}, {"geometry_malformed"}),
    ):
        geopackage(folder / name, **extra)
        cases.append(Case(name, "mistake", frozenset(codes)))
    base = geopackage(folder / "whole.gpkg", rows=40).read_bytes()
    (folder / "whole.gpkg").unlink()
    put("cut.gpkg", base[: len(base) // 2], "damage", {"file_broken"})
    torn = bytearray(base)
    for _ in range(400):
        torn[rng.randrange(100, len(torn))] = rng.randrange(256)
    put("torn.gpkg", bytes(torn), "damage", None)
    for name, data, codes, more in _mistakes():
        put(name, data, "mistake", codes, **more)
    return cases


def _mistakes():
    table = {"layer": "village", "options": {"crs": "EPSG:4490"}}
    good = ("420703100001", "甲村", 10, 3, 114.7, 30.4)
    yield "nan.csv", village_csv(("420703100001", "甲村", "NaN", "inf", 114.7, 30.4)).encode(), {"not_finite"}, table
    yield (
        "nan_place.csv",
        village_csv(("420703100001", "甲村", 1, 1, "NaN", 30.4)).encode(),
        {"coordinate_not_finite"},
        table,
    )
    yield "swapped.csv", village_csv(("420703100001", "甲村", 1, 1, 30.4, 114.7)).encode(), {"swapped_axes"}, table
    yield "far.csv", village_csv(("420703100001", "甲村", 1, 1, 121.4, 31.2)).encode(), {"outside_district"}, table
    yield (
        "zero.csv",
        village_csv(("420703100001", "甲村", 1, 1, 0, 0)).encode(),
        {"coordinate_zero", "outside_district"},
        table,
    )
    yield "metres.csv", village_csv(("420703100001", "甲村", 1, 1, 567000, 3370000)).encode(), {"not_degrees"}, table
    yield (
        "degrees.csv",
        village_csv(good).encode(),
        {"not_metres"},
        {"layer": "village", "options": {"crs": "EPSG:4547"}},
    )
    yield "unsaid.csv", village_csv(good).encode(), {"crs_missing"}, {"layer": "village"}
    yield (
        "unknown_crs.csv",
        village_csv(good).encode(),
        {"crs_unknown"},
        {"layer": "village", "options": {"crs": "EPSG:999999"}},
    )
    yield (
        "words.csv",
        village_csv(("42070310000", "甲村", "约十人", "3.5", 114.7, 30.4)).encode(),
        {"code_length"},
        table,
    )
    yield "scientific.csv", village_csv(("4.20703E+11", "甲村", 1, 1, 114.7, 30.4)).encode(), {"code_scientific"}, table
    yield "twice_row.csv", village_csv(good, good).encode(), {"duplicate_key"}, table
    yield "negative.csv", village_csv(("420703100001", "甲村", -5, 1, 114.7, 30.4)).encode(), {"out_of_range"}, table
    yield "headless.csv", b"a,b\n1,2\n", {"column_missing"}, table
    book = workbook([VILLAGE, ["420703100001", "甲村", "=1+1", 1, 114.7, 30.4]])
    yield "formula.xlsx", book, {"formula_without_value"}, table
    yield "na.xlsx", workbook([VILLAGE, ["420703100001", "甲村", "#N/A", 1, 114.7, 30.4]]), {"excel_error"}, table
    book = openpyxl.load_workbook(io.BytesIO(workbook([VILLAGE, list(good)])))
    book.create_sheet("二").append(VILLAGE)
    buffer = io.BytesIO()
    book.save(buffer)
    yield "two.xlsx", buffer.getvalue(), {"sheet_needed"}, table
    ring = [[114.7, 30.4], [114.8, 30.5], [114.8, 30.4], [114.7, 30.5], [114.7, 30.4]]
    bow = feature(shape={"type": "Polygon", "coordinates": [ring]})
    yield "bow.geojson", collection(bow).encode(), {"geometry_invalid"}, {}
    yield "same_shape.geojson", collection(feature(), feature("420703100002")).encode(), {"duplicate_shape"}, {}
    yield "no_shape.geojson", collection(dict(feature(), geometry=None)).encode(), {"geometry_missing"}, {}
    yield "point.geojson", collection(feature(shape=point(114.7, 30.4))).encode(), {"geometry_not_area"}, {}
    yield "nan.geojson", collection(feature(shape=point(float("nan"), 30.4))).encode(), {"coordinate_not_finite"}, {}
    yield "text_place.geojson", collection(feature(shape=point("114", "30"))).encode(), {"geometry_malformed"}, {}
    yield (
        "two_points.geojson",
        collection(feature(shape={"type": "Polygon", "coordinates": [ring[:2]]})).encode(),
        {"geometry_malformed"},
        {},
    )
    mixed = {
        "type": "GeometryCollection",
        "geometries": [point(114.7, 30.4), {"type": "LineString", "coordinates": [[114.7, 30.4], [114.8, 30.5]]}],
    }
    yield "mixed.geojson", collection(feature(shape=mixed)).encode(), {"geometry_not_area", "geometry_not_point"}, {}
    yield (
        "linked_crs.geojson",
        collection(feature(), crs={"type": "link", "properties": {"href": "http://x"}}).encode(),
        {"crs_missing"},
        {},
    )
    yield "not_feature.geojson", collection(3, feature()).encode(), {"feature_malformed"}, {}
    yield "no_prj.zip", shape_zip(shapefile(), prj=False), {"crs_missing"}, {}
