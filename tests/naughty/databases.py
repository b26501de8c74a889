"""GeoPackages: SQLite files whose schema is an attack, or whose pages are torn."""

import sqlite3
import struct
import tempfile
from pathlib import Path

from .builders import geopackage
from .case import case


def _built(change=None, **options):
    with tempfile.TemporaryDirectory() as folder:
        path = geopackage(Path(folder) / "a.gpkg", **options)
        if change is not None:
            base = sqlite3.connect(path, isolation_level=None)
            base.execute("PRAGMA synchronous=OFF")
            change(base)
            base.close()
        return path.read_bytes()


def _script(*lines):
    return lambda base: base.executescript(";".join(lines))


def _schema(old, new):
    def change(base):
        base.executescript("PRAGMA writable_schema=ON")
        base.execute("UPDATE sqlite_master SET sql = replace(sql, ?, ?)", (old, new))
        base.executescript("PRAGMA writable_schema=RESET")

    return change


def _renamed(name):
    def change(base):
        base.execute(f'ALTER TABLE layer0 RENAME TO "{name}"')
        base.execute("UPDATE gpkg_contents SET table_name = ?", (name,))
        base.execute("UPDATE gpkg_geometry_columns SET table_name = ?", (name,))

    return change


def _computed(expression):
    return _script(
        "ALTER TABLE layer0 RENAME TO old0",
        f"CREATE TABLE layer0(fid INTEGER PRIMARY KEY, code TEXT, name TEXT GENERATED ALWAYS AS ({expression}) VIRTUAL, geom BLOB)",
        "INSERT INTO layer0(fid, code, geom) SELECT fid, code, geom FROM old0", "DROP TABLE old0",
    )  # fmt: skip


def cases(rng, bait):
    yield case("view.gpkg", _built(view=True), "gpkg_view")
    yield case("virtual.gpkg", _built(virtual=True), "gpkg_view")
    view = _script("ALTER TABLE gpkg_contents RENAME TO c", "CREATE VIEW gpkg_contents AS SELECT * FROM c")
    yield case("view_contents.gpkg", _built(view), "gpkg_view")
    srs = _script(
        "DROP TABLE gpkg_spatial_ref_sys",
        "CREATE VIEW gpkg_spatial_ref_sys AS SELECT 4490 srs_id, 'EPSG' organization, 4490 organization_coordsys_id, '' definition",
    )
    yield case("view_srs.gpkg", _built(srs), "gpkg_view")
    for table in ("gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"):
        yield case(f"without_{table}.gpkg", _built(_script(f"DROP TABLE {table}")), "gpkg_view")
    yield case(
        "other_view.gpkg",
        _built(_script("CREATE VIEW layer9 AS SELECT 1", "UPDATE gpkg_contents SET table_name='layer9'")),
        "gpkg_view",
    )
    yield case(
        "schema_listed.gpkg", _built(_script("UPDATE gpkg_contents SET table_name='sqlite_master'")), "gpkg_view"
    )
    yield case(
        "temp_listed.gpkg", _built(_script("UPDATE gpkg_contents SET table_name='sqlite_temp_master'")), "gpkg_view"
    )
    yield case(
        "function_listed.gpkg",
        _built(_script("UPDATE gpkg_contents SET table_name='pragma_database_list'")),
        "gpkg_view",
    )
    yield case("missing_layer.gpkg", _built(_script("UPDATE gpkg_contents SET table_name='nothing'")), "gpkg_view")
    yield case("null_layer.gpkg", _built(_script("UPDATE gpkg_contents SET table_name=NULL")), "gpkg_view")
    yield case("blob_layer.gpkg", _built(_script("UPDATE gpkg_contents SET table_name=x'ff00'")), kind="attack")
    for name, expression in {
        "computed": "code || 'x'", "computed_bomb": "hex(zeroblob(400000000))", "computed_print": "printf('%.*c', 900000000, 'x')",
    }.items():  # fmt: skip
        yield case(f"{name}.gpkg", _built(_computed(expression)), "gpkg_computed")
    yield case(
        "disguised_view.gpkg",
        _built(
            lambda b: (
                b.executescript("PRAGMA writable_schema=ON"),
                b.execute(
                    "UPDATE sqlite_master SET type='table', rootpage=0, sql='CREATE VIEW layer0 AS SELECT 1 code' WHERE name='layer0'"
                ),
            )
        ),
        kind="attack",
    )
    yield case(
        "broken_schema.gpkg",
        _built(
            lambda b: (
                b.executescript("PRAGMA writable_schema=ON"),
                b.execute("UPDATE sqlite_master SET sql='CREATE TABLE layer0(' WHERE name='layer0'"),
            )
        ),
        "file_broken",
    )
    yield case(
        "wrong_root.gpkg",
        _built(
            lambda b: (
                b.executescript("PRAGMA writable_schema=ON"),
                b.execute("UPDATE sqlite_master SET rootpage=9999 WHERE name='layer0'"),
            )
        ),
        "file_broken",
    )
    yield case(
        "shared_root.gpkg",
        _built(
            lambda b: (
                b.executescript("PRAGMA writable_schema=ON"),
                b.execute("UPDATE sqlite_master SET rootpage=2 WHERE name='layer0'"),
            )
        ),
        kind="damage",
    )
    plain = bytearray(_built())
    plain[68:72] = b"\0\0\0\0"
    yield case("no_application.gpkg", bytes(plain), "content_mismatch")
    for number, mark in enumerate((b"GPKX", b"MPBX", b"\xff\xff\xff\xff")):
        plain[68:72] = mark
        yield case(f"application{number}.gpkg", bytes(plain), "content_mismatch")
    whole = _built(rows=40)
    for share in (10, 50, 80, 95):
        yield case(
            f"cut{share}.gpkg",
            whole[: len(whole) * share // 100],
            "file_broken",
            "file_truncated",
            "content_mismatch",
            kind="damage",
        )
    yield case("cut_page.gpkg", whole[:-4096], "file_broken", "file_truncated", kind="damage")
    for number in range(5):
        torn = bytearray(whole)
        for _ in range(400):
            torn[rng.randrange(100, len(torn))] = rng.randrange(256)
        yield case(f"torn{number}.gpkg", bytes(torn), kind="damage")
    page = bytearray(whole)
    page[16:18] = b"\x00\x07"
    yield case("page_size.gpkg", bytes(page), "file_broken", kind="damage")
    yield case("header_only.gpkg", whole[:100], kind="damage")
    yield case("unsaved.gpkg", whole, "gpkg_unsaved", kind="damage", beside=((".gpkg-wal", bytes(4000)),))
    yield case("layers.gpkg", _built(layers=3), "sheet_needed", kind="damage")
    yield case("no_layers.gpkg", _built(_script("DELETE FROM gpkg_contents")), "no_rows", kind="damage")
    yield case("no_crs.gpkg", _built(srs=0), "crs_missing", kind="damage")
    yield case("odd_crs.gpkg", _built(srs=77), "crs_missing", kind="damage")
    for number, text in enumerate(
        (
            f'GEOGCS["a",EXTENSION["PROJ4","+proj=longlat +nadgrids={bait.file} +no_defs"]]',
            "[" * 5000,
            "PROJCS[" * 3000,
            f'BOUNDCRS["{bait.url}"]',
        )
    ):
        yield case(
            f"definition{number}.gpkg",
            _built(lambda b, t=text: b.execute("UPDATE gpkg_spatial_ref_sys SET organization='X', definition=?", (t,))),
            "crs_unknown",
        )
    shape = {"kind": "mistake"}
    yield case("bad_blob.gpkg", _built(blob=b"GPxx"), "geometry_malformed", **shape)
    yield case("bad_wkb.gpkg", _built(blob=b"GP\x00\x01\x8a\x11\x00\x00garbage"), "geometry_malformed", **shape)
    yield case("text_blob.gpkg", _built(_script("UPDATE layer0 SET geom='POLYGON'")), "geometry_malformed", **shape)
    yield case("null_blob.gpkg", _built(_script("UPDATE layer0 SET geom=NULL")), "geometry_missing", **shape)
    head = b"GP\x00\x01\x8a\x11\x00\x00"
    yield case(
        "lying_wkb.gpkg", _built(blob=head + struct.pack("<BII", 1, 3, 0x7FFFFFFF)), "geometry_malformed", **shape
    )
    yield case(
        "deep_wkb.gpkg",
        _built(blob=head + struct.pack("<BII", 1, 7, 1) * 20_000),
        "geometry_malformed",
        "file_broken",
        "worker_died",
        kind="attack",
    )
    yield case(
        "curve_wkb.gpkg",
        _built(blob=head + struct.pack("<BII", 1, 10, 0)),
        "geometry_malformed",
        "geometry_missing",
        **shape,
    )
    nan = struct.pack("<BIII", 1, 3, 1, 5) + struct.pack("<10d", *([float("nan")] * 10))
    yield case("nan_wkb.gpkg", _built(blob=head + nan), **shape)
    trigger = "CREATE TRIGGER t AFTER INSERT ON layer0 BEGIN DELETE FROM layer0; END"
    yield case("trigger.gpkg", _built(_script(trigger)), kind="harmless", rows=1)
    yield case(
        "function_trigger.gpkg",
        _built(_script("CREATE TRIGGER t AFTER INSERT ON layer0 BEGIN SELECT load_extension('x'); END")),
        kind="harmless",
        rows=1,
    )
    for number, name in enumerate(('a"b', "a'; DROP TABLE village;--", "select", "x" * 200, "层 一", "%s{row}")):
        if '"' not in name:
            yield case(f"table_name{number}.gpkg", _built(_renamed(name)), kind="harmless", rows=1)
    yield case(
        "extension.gpkg",
        _built(
            _script(
                "CREATE TABLE gpkg_extensions(table_name, column_name, extension_name, definition, scope)",
                f"INSERT INTO gpkg_extensions VALUES('layer0','geom','evil','{bait.url}','read-write')",
            )
        ),
        kind="harmless",
        rows=1,
    )
    yield case(
        "attached.gpkg", _built(_script(f"CREATE TABLE a(b DEFAULT 'ATTACH {bait.file}')")), kind="harmless", rows=1
    )
