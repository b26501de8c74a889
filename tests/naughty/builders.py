"""Build good files of every format by hand, so that each byte can be made to lie."""

import io
import json
import sqlite3
import struct
import zipfile

import openpyxl

BOX = (114.3, 30.1, 115.1, 30.9)


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
    "<Placemark><name>甲村</name><ExtendedData><Data name='code'><value>420703100001</value></Data></ExtendedData><Polygon>"
    "<outerBoundaryIs><LinearRing><coordinates>114.7,30.4,0 114.8,30.4,0 114.8,30.5,0 114.7,30.4,0</coordinates></LinearRing>"
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


PRJ = 'GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'


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
        "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF; PRAGMA application_id=1196444487; CREATE TABLE gpkg_contents(table_name TEXT, data_type TEXT, srs_id INTEGER);"
        "CREATE TABLE gpkg_spatial_ref_sys(srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER, definition TEXT);"
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


def old_workbook(rows, *, password=False, name="Workbook"):
    """Write a BIFF8 workbook of one sheet in a compound file."""

    def record(kind, body=b""):
        return struct.pack("<HH", kind, len(body)) + body

    def text(value):
        return struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")

    start = record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 6))
    start += record(0x002F, bytes(54)) if password else b""
    sheet_name = struct.pack("<BB", 1, 1) + "表".encode("utf-16-le")
    body = record(0x0809, struct.pack("<HHHHII", 0x0600, 0x10, 0, 0, 0, 6))
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            at = struct.pack("<HHH", i, j, 0)
            body += (
                record(0x0203, at + struct.pack("<d", cell))
                if isinstance(cell, int | float)
                else record(0x0204, at + text(cell))
            )
    body += record(0x000A)
    place = len(start) + 4 + 6 + len(sheet_name) + 4
    stream = start + record(0x0085, struct.pack("<IBB", place, 0, 0) + sheet_name) + record(0x000A) + body
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    sectors = len(stream) // 512
    fat = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]

    def entry(title, kind, first, size, child=0xFFFFFFFF):
        wide = (title + "\0").encode("utf-16-le")
        return wide.ljust(64, b"\0") + struct.pack(
            "<HBBIII16sI8s8sIQ", len(wide), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child, b"", 0, b"", b"", first, size
        )

    directory = entry("Root Entry", 5, 0xFFFFFFFE, 0, 1) + entry(name, 2, 2, len(stream)) + bytes(256)
    head = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    )
    head += struct.pack("<I", 0) + b"\xff" * 432
    table = struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff")
    return head + table[:512] + directory + stream


def table(layer_rows, encoding="utf-8", delimiter=",", end="\n"):
    """Write rows as CSV."""
    return (end.join(delimiter.join(map(str, row)) for row in layer_rows) + end).encode(encoding)
