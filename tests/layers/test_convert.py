import csv
import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo_minzheng.errors import InputError, ManyInputError
from geo_minzheng.geo import gcj02_to_bd09, wgs84_to_gcj02
from geo_minzheng.layers.convert import convert_file

LON, LAT = np.array([114.71, 114.82]), np.array([30.41, 30.52])


def points(path, lon, lat):
    gpd.GeoDataFrame({"名称": ["甲", "=乙"]}, geometry=gpd.points_from_xy(lon, lat), crs=4326).to_file(
        path, driver="GeoJSON", engine="pyogrio"
    )
    return path


def read_back(out):
    if out.suffix == ".csv":
        with out.open(encoding="utf-8-sig", newline="") as handle:
            rows = list(csv.DictReader(handle))
        return np.array([float(r["lon"]) for r in rows]), np.array([float(r["lat"]) for r in rows])
    frame = gpd.read_file(out)
    assert frame.crs.to_epsg() == 4490
    return frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".csv"])
@pytest.mark.parametrize("system", ["gcj02", "bd09"])
def test_shifted_files_come_out_in_the_stores_system(tmp_path, suffix, system):
    lon, lat = wgs84_to_gcj02(LON, LAT)
    if system == "bd09":
        lon, lat = gcj02_to_bd09(lon, lat)
    out = tmp_path / f"out{suffix}"
    out.write_text("old", encoding="utf-8")
    found = convert_file(points(tmp_path / "in.geojson", lon, lat), out, system)
    assert (found.rows, found.source_crs, found.target_crs) == (2, system, "EPSG:4490")
    x, y = read_back(out)
    assert np.hypot((x - LON) * 96000, (y - LAT) * 111000).max() < 0.1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.geojson", out.name]


def test_survey_tables_are_converted_with_x_north(tmp_path):
    from pyproj import Transformer

    east, north = Transformer.from_crs(4490, 4547, always_xy=True).transform(LON, LAT)
    source = tmp_path / "survey.csv"
    source.write_text(f"点名,X,Y\nA,{north[0]},{east[0]}\nB,{north[1]},{east[1]}\n", encoding="gbk")
    convert_file(source, tmp_path / "o.csv", "EPSG:4547")
    x, y = read_back(tmp_path / "o.csv")
    assert np.allclose(x, LON, atol=1e-7)
    assert np.allclose(y, LAT, atol=1e-7)


def test_areas_keep_their_shape_and_cells_cannot_run(tmp_path):
    source = tmp_path / "a.geojson"
    gpd.GeoDataFrame({"名称": ["=1+1"]}, geometry=[shapely.box(114.7, 30.4, 114.8, 30.5)], crs=4326).to_file(
        source, driver="GeoJSON", engine="pyogrio"
    )
    convert_file(source, tmp_path / "a.csv", "EPSG:4326")
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as handle:
        row = next(csv.DictReader(handle))
    assert row["名称"] == "'=1+1"
    assert shapely.from_wkt(row["wkt"]).equals(shapely.box(114.7, 30.4, 114.8, 30.5))
    convert_file(source, tmp_path / "b.json", "EPSG:4326")
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))["features"][0]["properties"] == {
        "名称": "=1+1"
    }


def test_nothing_is_written_when_anything_is_wrong(tmp_path):
    source = tmp_path / "s.csv"
    source.write_text("点名,经度,纬度\nA,114.7,30.4\nB,nan,30.4\nC,114.7,95\n", encoding="utf-8")
    with pytest.raises(ManyInputError) as found:
        convert_file(source, tmp_path / "o.csv", "EPSG:4490")
    assert [f.facts["row"] for f in found.value.faults] == [3, 4]
    source.write_text("点名,值\nA,1\n", encoding="utf-8")
    with pytest.raises(ManyInputError):
        convert_file(source, tmp_path / "o.csv", "EPSG:4490")
    with pytest.raises(InputError, match="output_format"):
        convert_file(source, tmp_path / "o.dxf", "EPSG:4490")
    with pytest.raises(InputError, match="crs_unknown"):
        convert_file(source, tmp_path / "o.csv", "no_such")
    assert not (tmp_path / "o.csv").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    source = tmp_path / "in.csv"
    source.write_text("名称,经度,纬度\n甲,114.7,30.4\n", "utf-8")
    (tmp_path / "folder.csv").mkdir()
    for target in (tmp_path / "nowhere" / "out.csv", tmp_path / "folder.csv"):
        with pytest.raises(InputError) as refused:
            convert_file(source, target, "gcj02")
        assert refused.value.key == "layers.output_unwritable"
    with pytest.raises(InputError) as refused:
        convert_file(source, tmp_path / "out.csv", "mars")
    assert refused.value.facts["file"] == "in.csv"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.csv", "in.csv"]
