"""Other programs open the store: GDAL's ogrinfo lists it, finds by box through the R-tree, and agrees on extents."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing

import geopandas as gpd
import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from store_play import ACT

from geo_minzheng.store import gpkg
from geo_minzheng.store.session import make_engine, store_session
from geo_minzheng.store.tables import METADATA
from geo_minzheng.store.upsert import write_layer
from geo_minzheng.store.verify import verify_index


@pytest.fixture
def written(file_url, specs):
    rng = np.random.default_rng(3)
    n = 200
    houses = gpd.GeoDataFrame(
        {"house_id": [f"房{i}" for i in range(n)], "village_code": "420704100201", "structure_type": "adobe"},
        geometry=shapely.points(114 + rng.random(n), 30 + rng.random(n)),
    )
    water = gpd.GeoDataFrame({"water_id": ["湖"], "water_kind": "lake"}, geometry=[shapely.box(114, 30, 114.5, 30.25)])
    engine = make_engine(file_url)
    with store_session(engine) as session:
        write_layer(session, specs["house"], houses, ACT)
        write_layer(session, specs["water"], water, ACT)
        session.commit()
    engine.dispose()
    return file_url.removeprefix("sqlite:///"), houses


def ogrinfo(*words):
    if shutil.which("ogrinfo") is None:
        pytest.skip("ogrinfo is not installed: apt-get install gdal-bin")
    done = subprocess.run(["ogrinfo", "-ro", *map(str, words)], capture_output=True, text=True, check=True)
    assert "Warning" not in done.stderr, done.stderr
    assert "ERROR" not in done.stderr, done.stderr
    return done.stdout


def test_gdal_lists_every_table_and_nothing_else(written):
    listed = re.findall(r"^\d+: (\w+) \(", ogrinfo(written[0]), re.MULTILINE)
    assert sorted(listed) == sorted(METADATA.tables)


def test_gdal_reads_rows_crs_and_extent(written):
    path, houses = written
    said = ogrinfo("-so", path, "house")
    assert "Feature Count: 200" in said
    assert "China Geodetic Coordinate System 2000" in said
    assert "house_id: String" in said
    assert "is_occupied: Integer(Boolean)" in said
    assert "grade_date: Date" in said
    assert "imported_at: DateTime" in said
    numbers = [float(x) for x in re.search(r"Extent: \(([\d.]+), ([\d.]+)\) - \(([\d.]+), ([\d.]+)\)", said).groups()]
    assert numbers == pytest.approx(houses.total_bounds.tolist(), abs=1e-6)
    assert "2026/07/15 02:30:00+00" in ogrinfo(path, "water")


def test_gdal_finds_by_box(written):
    path, houses = written
    said = ogrinfo("-so", "-spat", 114.2, 30.2, 114.6, 30.4, path, "house")
    inside = houses.geometry.x.between(114.2, 114.6) & houses.geometry.y.between(30.2, 30.4)
    assert f"Feature Count: {inside.sum()}" in said


def test_header_and_metadata(written):
    with closing(sqlite3.connect(written[0])) as link:
        assert link.execute("PRAGMA application_id").fetchone()[0] == 0x47504B47
        assert link.execute("PRAGMA user_version").fetchone()[0] == 10300
        systems = {row[0] for row in link.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")}
        assert systems == {-1, 0, 4326, 4490}
        spatial = {t.name for t in METADATA.sorted_tables if "geom" in t.columns}
        assert {row[0] for row in link.execute("SELECT table_name FROM gpkg_geometry_columns")} == spatial
        indexed = link.execute("SELECT table_name FROM gpkg_extensions WHERE extension_name = 'gpkg_rtree_index'")
        assert {row[0] for row in indexed} == spatial
        assert link.execute("SELECT rtreecheck('rtree_house_geom')").fetchone()[0] == "ok"


def test_the_index_follows_every_kind_of_change(file_url):
    engine = make_engine(file_url)
    blob = gpkg.blob_box
    assert blob(None) is None
    steps = [
        "INSERT INTO water (fid, geom, water_id, water_kind, coord_source, source_crs, source_file, imported_at) "
        "VALUES (1, :a, 'A', 'lake', '', '', '', '')",
        "UPDATE water SET geom = :b WHERE fid = 1",
        "UPDATE water SET fid = 7 WHERE fid = 1",
        "UPDATE water SET geom = NULL WHERE fid = 7",
        "UPDATE water SET geom = :a WHERE fid = 7",
        "UPDATE water SET geom = :empty WHERE fid = 7",
        "UPDATE water SET fid = 8 WHERE fid = 7",
        "UPDATE water SET geom = :b WHERE fid = 8",
        "DELETE FROM water WHERE fid = 8",
    ]
    from geo_minzheng.store.geometry import to_blob

    shapes = {
        "a": to_blob(shapely.MultiPolygon([shapely.box(1, 2, 3, 4)])),
        "b": to_blob(shapely.MultiPolygon([shapely.box(5, 6, 7, 8)])),
        "empty": to_blob(shapely.MultiPolygon()),
    }
    with store_session(engine) as session:
        for step in steps:
            session.execute(sa.text(step), {k: v for k, v in shapes.items() if f":{k}" in step})
            assert verify_index(session.connection()).is_ok, step
    engine.dispose()


def test_a_recreated_table_gets_its_index_back(written):
    engine = make_engine(f"sqlite:///{written[0]}")
    with store_session(engine) as session:
        bind = session.connection()
        bind.exec_driver_sql("CREATE TABLE other AS SELECT * FROM water")
        bind.exec_driver_sql("DROP TABLE water")
        bind.exec_driver_sql("CREATE TABLE water AS SELECT * FROM other")
        assert verify_index(bind).key == "store.verify.index"
        gpkg.create_spatial_index(bind, "water")
        assert verify_index(bind).is_ok
    engine.dispose()
