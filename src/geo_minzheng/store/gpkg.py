"""What makes an SQLite file a GeoPackage that QGIS and GDAL open, and what PostGIS needs in its place."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from sqlalchemy import Connection, text

from geo_minzheng.errors import StoreError
from geo_minzheng.store.canonical import moment_text
from geo_minzheng.store.geometry import KINDS, SRID, blob_box

APPLICATION_ID = 0x47504B47
VERSION = 10300
BOX_FUNCTIONS = {"ST_MinX": 0, "ST_MaxX": 1, "ST_MinY": 2, "ST_MaxY": 3}

_UNIT = 'PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]]'
_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    f'AUTHORITY["EPSG","6326"]],{_UNIT},AUTHORITY["EPSG","4326"]]'
)
_CGCS2000 = (
    'GEOGCS["China Geodetic Coordinate System 2000",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101,'
    f'AUTHORITY["EPSG","1024"]],AUTHORITY["EPSG","1043"]],{_UNIT},AUTHORITY["EPSG","4490"]]'
)
_SYSTEMS = (
    ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined"),
    ("Undefined geographic SRS", 0, "NONE", 0, "undefined"),
    ("WGS 84", 4326, "EPSG", 4326, _WGS84),
    ("China Geodetic Coordinate System 2000", 4490, "EPSG", 4490, _CGCS2000),
)

_TABLES = (
    """CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT)""",
    """CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))""",
    """CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))""",
    """CREATE TABLE gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))""",
)

_BOX = "ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)"
_NEW_HAS = "(NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))"
_NEW_LACKS = "(NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))"
# ruff: noqa: S608  (table names come from our own register)
# Trigger names and conditions of the GeoPackage 1.3 R-tree extension.
_TRIGGERS = {
    "insert": f"AFTER INSERT ON {{t}} WHEN {_NEW_HAS} BEGIN INSERT OR REPLACE INTO {{r}} VALUES (NEW.fid, {_BOX}); END",
    "update1": f"AFTER UPDATE OF geom ON {{t}} WHEN OLD.fid = NEW.fid AND {_NEW_HAS} "
    f"BEGIN INSERT OR REPLACE INTO {{r}} VALUES (NEW.fid, {_BOX}); END",
    "update2": f"AFTER UPDATE OF geom ON {{t}} WHEN OLD.fid = NEW.fid AND {_NEW_LACKS} "
    "BEGIN DELETE FROM {r} WHERE id = OLD.fid; END",
    "update3": f"AFTER UPDATE ON {{t}} WHEN OLD.fid != NEW.fid AND {_NEW_HAS} "
    f"BEGIN DELETE FROM {{r}} WHERE id = OLD.fid; INSERT OR REPLACE INTO {{r}} VALUES (NEW.fid, {_BOX}); END",
    "update4": f"AFTER UPDATE ON {{t}} WHEN OLD.fid != NEW.fid AND {_NEW_LACKS} "
    "BEGIN DELETE FROM {r} WHERE id IN (OLD.fid, NEW.fid); END",
    "delete": "AFTER DELETE ON {t} WHEN OLD.geom NOT NULL BEGIN DELETE FROM {r} WHERE id = OLD.fid; END",
}
_RTREE_SPEC = "http://www.geopackage.org/spec120/#extension_rtree"


def register_functions(connection: sqlite3.Connection) -> None:
    """Give a connection the five functions that the R-tree triggers call."""

    def corner(place: int, blob: bytes | None) -> float | None:
        box = blob_box(blob)
        return None if box is None else box[place]

    for name, place in BOX_FUNCTIONS.items():
        connection.create_function(name, 1, lambda blob, place=place: corner(place, blob), deterministic=True)
    connection.create_function("ST_IsEmpty", 1, lambda blob: None if blob is None else int(blob_box(blob) is None))


def prepare(bind: Connection) -> None:
    """Make an empty database ready for layers: GeoPackage tables on SQLite, the PostGIS extension on PostgreSQL.

    Raises
    ------
    StoreError
        ``store.no_postgis``: the server has no PostGIS 3.
    """
    if bind.dialect.name == "postgresql":
        if not bind.scalar(text("SELECT count(*) FROM pg_available_extensions WHERE name = 'postgis'")):
            raise StoreError("store.no_postgis")
        bind.execute(text("CREATE EXTENSION IF NOT EXISTS postgis"))
        return
    bind.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    bind.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
    for statement in _TABLES:
        bind.exec_driver_sql(statement)
    for system in _SYSTEMS:
        bind.exec_driver_sql("INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, NULL)", system)


def create_spatial_index(bind: Connection, table: str) -> None:
    """Create the spatial index of a table's ``geom``; on SQLite also after a recreated table lost its triggers."""
    if bind.dialect.name == "postgresql":
        bind.exec_driver_sql(f'CREATE INDEX "gix_{table}_geom" ON "{table}" USING gist (geom)')
        return
    rtree = f"rtree_{table}_geom"
    bind.exec_driver_sql(f'DROP TABLE IF EXISTS "{rtree}"')
    bind.exec_driver_sql(f'CREATE VIRTUAL TABLE "{rtree}" USING rtree(id, minx, maxx, miny, maxy)')
    for name, body in _TRIGGERS.items():
        bind.exec_driver_sql(f'DROP TRIGGER IF EXISTS "{rtree}_{name}"')
        bind.exec_driver_sql(f'CREATE TRIGGER "{rtree}_{name}" ' + body.format(t=f'"{table}"', r=f'"{rtree}"'))
    bind.exec_driver_sql(
        f'INSERT INTO "{rtree}" SELECT fid, ST_MinX(geom), ST_MaxX(geom), ST_MinY(geom), ST_MaxY(geom) '
        f'FROM "{table}" WHERE geom NOTNULL AND NOT ST_IsEmpty(geom)'
    )


def register(bind: Connection, table: str, kind: str | None = None) -> None:
    """Enter a new table in the GeoPackage's contents; with ``kind`` as a feature table with its spatial index."""
    if kind is not None and kind not in KINDS:
        raise ValueError(f"no such geometry kind: {kind}")
    if bind.dialect.name == "sqlite":
        bind.exec_driver_sql(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, ?, ?, ?)",
            (table, "features" if kind else "attributes", table, SRID if kind else None),
        )
    if kind is None:
        return
    if bind.dialect.name == "sqlite":
        bind.exec_driver_sql("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)", (table, kind, SRID))
        bind.exec_driver_sql(
            "INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index', ?, 'write-only')", (table, _RTREE_SPEC)
        )
    create_spatial_index(bind, table)


def note_change(bind: Connection, table: str, at: datetime) -> None:
    """Write a table's extent and time of change into the contents; nothing to do on PostGIS."""
    if bind.dialect.name != "sqlite":
        return
    where = (moment_text(at), table)
    bind.exec_driver_sql("UPDATE gpkg_contents SET last_change = ? WHERE table_name = ?", where)
    spatial = "SELECT count(*) FROM gpkg_geometry_columns WHERE table_name = ?"
    if bind.exec_driver_sql(spatial, (table,)).scalar():
        extent = "SELECT min(ST_MinX(geom)), min(ST_MinY(geom)), max(ST_MaxX(geom)), max(ST_MaxY(geom))"
        box = bind.exec_driver_sql(f'{extent} FROM "{table}"').one()
        bind.exec_driver_sql(
            "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?", (*box, table)
        )
