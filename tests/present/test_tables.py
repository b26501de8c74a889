"""What is written can be read by others, in the form a bureau knows, and twice the same."""

from __future__ import annotations

import io
import zipfile
from datetime import date

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_minzheng import geo
from geo_minzheng.errors import InputError
from geo_minzheng.model.layer import ColumnSpec, LayerSpec
from geo_minzheng.present.tables import Form, write_footprint, write_layer
from geo_minzheng.present.tables_geo import gpkg_bytes

COLUMNS = (
    ColumnSpec("code", "code", ("区划代码",), required=True),
    ColumnSpec("name", "text", ("名称",)),
    ColumnSpec("people", "int", ("常住人口",), unit="人"),
    ColumnSpec("share", "float", ("占比",)),
    ColumnSpec("grade", "enum", ("房屋安全等级", "等级"), values={"A": ("A级",), "B": ("B级",)}),
    ColumnSpec("occupied", "bool", ("是否有人居住", "住人")),
    ColumnSpec("seen_on", "date", ("日期",)),
)


def _spec(geometry="Point"):
    return LayerSpec("sample", geometry, ("code",), "wide", "合成", "ours", COLUMNS)


def _rows(n=3):
    return pd.DataFrame({
        "code": [f"0{k:011d}" for k in range(n)], "name": ["示范村", "粑铺村", None][:n], "people": [10, 20, 5][:n],
        "share": [0.5, 2.0, np.nan][:n], "grade": ["A", None, "B"][:n], "occupied": [True, False, True][:n],
        "seen_on": [date(2026, 7, 3), None, date(2025, 1, 9)][:n], "extra": [1, 2, 3][:n],
    })  # fmt: skip


def _layer(shapes=None):
    shapes = shapes if shapes is not None else shapely.points([[114.7, 30.5], [114.71, 30.51], [114.72, 30.52]])
    return gpd.GeoDataFrame(_rows(len(shapes)), geometry=shapes, crs=geo.STORE_CRS).assign(coord_source="synthetic")


SQUARES = [
    shapely.box(114.7, 30.5, 114.71, 30.51),
    shapely.box(114.71, 30.5, 114.72, 30.51).difference(shapely.box(114.712, 30.502, 114.714, 30.504)),
]


def test_xlsx_has_title_merged_headings_and_a_sum_row(tmp_path):
    form = Form("示范表", "填报单位：示范", {"人口": ("people", "share")}, ("people",))
    write_layer(_rows(), _spec("none"), tmp_path / "t.xlsx", form)
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx").active
    rows = [list(r) for r in sheet.iter_rows(values_only=True)]
    assert rows[0][0] == "示范表"
    assert rows[2][:4] == ["区划代码", "名称", "人口", None]
    assert rows[3][2:4] == ["常住人口（人）", "占比"]
    assert rows[4][:7] == ["000000000000", "示范村", 10, 0.5, "A级", "是", rows[4][6]]
    assert rows[4][6].date() == date(2026, 7, 3)
    assert rows[-1][:3] == ["合计", None, 35]
    assert {str(m) for m in sheet.merged_cells.ranges} >= {"A1:G1", "C3:D3", "A3:A4"}


def test_xlsx_without_groups_has_one_heading_row(tmp_path):
    write_layer(_rows(), _spec("none"), tmp_path / "t.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "t.xlsx").active.iter_rows(values_only=True))
    assert rows[0][0] == "区划代码"
    assert len(rows) == 4


def test_csv_in_gbk_keeps_zeros_and_places(tmp_path):
    write_layer(_layer(), _spec(), tmp_path / "t.csv", Form(encoding="gbk"))
    lines = (tmp_path / "t.csv").read_bytes().decode("gbk").splitlines()
    assert lines[0] == "区划代码,名称,常住人口,占比,房屋安全等级,是否有人居住,日期,经度,纬度,坐标来源"
    assert lines[1] == "000000000000,示范村,10,0.5,A级,是,2026-07-03,114.7,30.5,synthetic"
    with pytest.raises(UnicodeDecodeError):
        (tmp_path / "t.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("crs", ["gcj02", "bd09"])
def test_shifted_coordinates_come_back(tmp_path, crs):
    write_layer(_layer(), _spec(), tmp_path / "t.csv", Form(crs=crs))
    found = pd.read_csv(tmp_path / "t.csv")
    back = geo.gcj02_to_wgs84 if crs == "gcj02" else geo.bd09_to_wgs84
    lon, lat = back(found["经度"].to_numpy(), found["纬度"].to_numpy())
    assert np.allclose([lon[1], lat[1]], [114.71, 30.51], atol=2e-6)
    assert abs(found["经度"][1] - 114.71) > 1e-3


@pytest.mark.parametrize("crs", [geo.STORE_CRS, "EPSG:4547"])
def test_shapefile_opens_elsewhere_in_gbk(tmp_path, crs):
    write_layer(_layer(np.array(SQUARES)), _spec("Polygon"), tmp_path / "t.zip", Form(crs=crs, encoding="gbk"))
    found = pyogrio.read_dataframe(f"/vsizip/{tmp_path / 't.zip'}")
    assert found["名称"].tolist() == ["示范村", "粑铺村"]
    assert found["等级"].fillna("").tolist() == ["A级", ""]
    assert found["区划代码"].tolist() == ["000000000000", "000000000001"]
    assert found["常住人口"].tolist() == [10, 20]
    same = found.to_crs(geo.STORE_CRS).geometry
    assert np.allclose(shapely.area(same.to_numpy()), shapely.area(SQUARES), rtol=1e-4)
    assert len(shapely.get_parts(same.iloc[1])[0].interiors) == 1


def test_shapefile_of_lines_and_points(tmp_path):
    line = shapely.linestrings([[114.7, 30.5], [114.8, 30.6], [114.9, 30.55]])
    write_layer(_layer(np.array([line, line])), _spec("LineString"), tmp_path / "l.zip", Form(encoding="gbk"))
    write_layer(_layer(), _spec(), tmp_path / "p.zip", Form(encoding="gbk"))
    assert shapely.equals_exact(pyogrio.read_dataframe(f"/vsizip/{tmp_path / 'l.zip'}").geometry[0], line, 1e-9)
    assert len(pyogrio.read_dataframe(f"/vsizip/{tmp_path / 'p.zip'}")) == 3


def test_heading_too_long_for_a_shapefile_is_refused(tmp_path):
    column = ColumnSpec("far_too_long_a_name", "text", ("一个放不下的标题",))
    spec = LayerSpec("sample", "Point", ("code",), "wide", "", "", (column,))
    frame = gpd.GeoDataFrame({"far_too_long_a_name": ["x"]}, geometry=[shapely.Point(114, 30)], crs=geo.STORE_CRS)
    with pytest.raises(InputError) as error:
        write_layer(frame, spec, tmp_path / "t.zip", Form(encoding="gbk"))
    assert error.value.key == "tables.heading_too_long"


def test_geopackage_and_geojson_open_elsewhere(tmp_path):
    mixed = np.array([SQUARES[0], shapely.MultiPolygon(SQUARES)])
    for name in ("t.gpkg", "t.geojson"):
        write_layer(_layer(mixed), _spec("Polygon"), tmp_path / name)
        found = pyogrio.read_dataframe(tmp_path / name)
        assert found["名称"].tolist() == ["示范村", "粑铺村"]
        assert found["坐标来源"].tolist() == ["synthetic"] * 2
        assert np.allclose(shapely.area(found.geometry.to_numpy()), shapely.area(mixed))
    assert pyogrio.read_info(tmp_path / "t.gpkg")["crs"] == "EPSG:4490"


def test_footprint_keeps_its_columns(tmp_path):
    frame = gpd.GeoDataFrame({"depth_m": [0.4, 1.5]}, geometry=SQUARES, crs=geo.STORE_CRS)
    write_footprint(frame, tmp_path / "f.geojson")
    assert pyogrio.read_dataframe(tmp_path / "f.geojson")["depth_m"].tolist() == [0.4, 1.5]


def test_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(InputError) as error:
        write_layer(_rows(), _spec(), tmp_path / "t.doc")
    assert error.value.key == "tables.format_unknown"


@pytest.mark.parametrize("name", ["t.xlsx", "t.csv", "t.geojson", "t.zip", "t.gpkg"])
def test_same_rows_same_bytes(tmp_path, name):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    for folder in ("a", "b"):
        write_layer(_layer(), _spec(), tmp_path / folder / name, Form(encoding="gbk"))
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_workbook_carries_no_time(tmp_path):
    write_layer(_rows(), _spec("none"), tmp_path / "t.xlsx")
    with zipfile.ZipFile(io.BytesIO((tmp_path / "t.xlsx").read_bytes())) as archive:
        assert {i.date_time[0] for i in archive.infolist()} == {1980}
        assert archive.read("docProps/core.xml").count(b"1980-01-01T00:00:00Z") == 2


_TEXT = st.text(st.characters(codec="gbk", exclude_categories=("Cc", "Cs", "Zs")), max_size=12)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(_TEXT, st.integers(-(10**6), 10**6), st.floats(-1e4, 1e4)), min_size=1, max_size=8))
def test_geopackage_holds_any_cell(tmp_path_factory, rows):
    texts, whole, real = (list(c) for c in zip(*rows, strict=True))
    shapes = shapely.points(np.column_stack([np.arange(len(rows)) + 110.0, np.full(len(rows), 30.0)]))
    path = tmp_path_factory.mktemp("g") / "t.gpkg"
    path.write_bytes(gpkg_bytes("t", {"文": texts, "int": whole, "real": real}, shapes, "EPSG:4490"))
    found = pyogrio.read_dataframe(path)
    assert found["文"].tolist() == texts
    assert found["int"].tolist() == whole
    assert found["real"].tolist() == pytest.approx(real)
