import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from geo_minzheng.errors import InputError
from geo_minzheng.geo import gcj02_to_bd09, wgs84_to_gcj02
from geo_minzheng.layers import crs
from geo_minzheng.layers.detect import Format, Limits
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.read import check_sheet
from geo_minzheng.layers.tables import read_tables

BOX = (114.3, 30.1, 115.1, 30.9)
LON = np.array([114.71, 114.82, 114.65])
LAT = np.array([30.41, 30.52, 30.47])


def metres_off(lon, lat):
    return np.hypot((lon - LON) * 111320 * np.cos(np.radians(30.4)), (lat - LAT) * 110950).max()


def table(path, heads, x, y):
    rows = [
        f"42070310020{i},村{i},10,3,{a!r},{b!r}" for i, (a, b) in enumerate(zip(x.tolist(), y.tolist(), strict=True))
    ]
    path.write_text("\n".join([f"代码,村名,常住人口,户数,{heads}", *rows]), encoding="utf-8")
    return path


def read(path, catalogue, **options):
    """Check in this process: the worker is tested elsewhere."""
    sheet = read_tables(path, Format.CSV, "", Limits())[0]
    return check_sheet(sheet, path, catalogue["village"], ReadOptions(box=BOX, **options))


def places(checked):
    shapes = list(checked.frame["geometry"])
    return np.array([s.x for s in shapes]), np.array([s.y for s in shapes])


@pytest.mark.parametrize("epsg", [4547, 4526, 4508, 4497, 4490, 4326, 32650, 3857])
@pytest.mark.parametrize("heads", ["X,Y", "东坐标,北坐标", "横坐标,纵坐标", "经度,纬度"])
def test_declared_systems_land_on_the_spot(tmp_path, catalogue, epsg, heads):
    """X is north where the system's own definition says so; named columns mean what they say."""
    forward = Transformer.from_crs(4490, epsg, always_xy=True)
    east, north = forward.transform(LON, LAT)
    x_north = heads == "X,Y" and epsg in (4547, 4526, 4508, 4497)
    path = table(tmp_path / "v.csv", heads, *((north, east) if x_north else (east, north)))
    checked = read(path, catalogue, crs=f"EPSG:{epsg}")
    assert not checked.is_refused, checked.faults[:2]
    assert metres_off(*places(checked)) < 0.1
    assert set(checked.frame["source_crs"]) == {f"EPSG:{epsg}"}


@pytest.mark.parametrize(("declared", "true"), [(4547, 4526), (4526, 4547), (4508, 4497), (4497, 4508)])
def test_zone_numbers_are_recognised(tmp_path, catalogue, declared, true):
    east, north = Transformer.from_crs(4490, true, always_xy=True).transform(LON, LAT)
    checked = read(table(tmp_path / "z.csv", "X,Y", north, east), catalogue, crs=f"EPSG:{declared}")
    assert metres_off(*places(checked)) < 0.1
    assert {f.code for f in checked.faults} in ({"zone_removed"}, {"zone_added"})
    assert checked.faults[0].facts["zone"] in (38, 20, 19)


def test_a_zone_of_another_meridian_is_refused(tmp_path, catalogue):
    east, north = Transformer.from_crs(4490, 4526, always_xy=True).transform(LON, LAT)
    checked = read(table(tmp_path / "z.csv", "X,Y", north, east + 1e6), catalogue, crs="EPSG:4547")
    assert [f.code for f in checked.faults] == ["zone_mismatch"]
    assert len(checked.frame) == 0


@pytest.mark.parametrize("system", ["gcj02", "bd09", "GCJ-02"])
def test_shifted_systems_are_undone_within_a_decimetre(tmp_path, catalogue, system):
    lon, lat = wgs84_to_gcj02(LON, LAT)
    if system == "bd09":
        lon, lat = gcj02_to_bd09(lon, lat)
    checked = read(table(tmp_path / "s.csv", "经度,纬度", lon, lat), catalogue, crs=system)
    assert metres_off(*places(checked)) < 0.1
    assert set(checked.frame["source_crs"]) == {"bd09" if system == "bd09" else "gcj02"}


def test_a_missing_system_is_asked_for_and_candidates_are_shown(tmp_path, catalogue):
    checked = read(table(tmp_path / "m.csv", "经度,纬度", LON, LAT), catalogue)
    assert [f.code for f in checked.faults] == ["crs_missing"]
    assert "gcj02" in checked.faults[0].facts["fitting"]
    east, north = Transformer.from_crs(4490, 4547, always_xy=True).transform(LON, LAT)
    asked = read(table(tmp_path / "n.csv", "X,Y", north, east), catalogue)
    assert "EPSG:4547" in asked.faults[0].facts["fitting"]
    assert (checked.rows, checked.refused, len(checked.frame)) == (3, 3, 0)


def test_swapped_axes_are_named_and_mended_on_request(tmp_path, catalogue):
    path = table(tmp_path / "w.csv", "经度,纬度", LAT, LON)
    assert {f.code for f in read(path, catalogue, crs="EPSG:4490").faults} == {"swapped_axes"}
    mended = read(path, catalogue, crs="EPSG:4490", repair=True)
    assert metres_off(*places(mended)) < 0.1
    named = read(path, catalogue, crs="EPSG:4490", mapping={"lon": "纬度", "lat": "经度"})
    assert metres_off(*places(named)) < 0.1
    assert not named.faults


def test_degrees_minutes_seconds_are_read(tmp_path, catalogue):
    path = tmp_path / "d.csv"
    path.write_text("代码,村名,常住人口,户数,东经,北纬\n420703100201,村,1,1,114°42′36″,30°24'36\"\n", encoding="utf-8")
    checked = read(path, catalogue, crs="cgcs2000")
    assert (places(checked)[0][0], places(checked)[1][0]) == pytest.approx((114.71, 30.41))


def test_wkt_columns_carry_shapes_and_may_name_their_system(tmp_path, catalogue):
    path = tmp_path / "k.csv"
    path.write_text(
        "代码,村名,常住人口,户数,wkt\n420703100201,村,1,1,SRID=4490;POINT (114.71 30.41)\n", encoding="utf-8"
    )
    checked = read(path, catalogue)
    assert places(checked)[0][0] == 114.71


def test_unknown_systems_are_refused():
    twofold = crs.declared("EPSG:4490").crs.to_wkt() + "\n" + crs.declared("EPSG:4547").crs.to_wkt()
    for text in ("EPSG:999999", "EPSG:x", "no_such", "EPSG:4978", 'LOCAL_CS["x"]', "+proj=longlat", twofold):
        with pytest.raises(InputError, match="crs_unknown"):
            crs.declared(text)


def test_old_datums_carry_their_accuracy():
    assert crs.accuracy_m(crs.declared("EPSG:4490")) == 0.0
    assert crs.accuracy_m(crs.declared("EPSG:4547")) == 0.0
    old = crs.accuracy_m(crs.declared("EPSG:2383"))
    assert old is None or old > 0.5


@given(st.floats(113.5, 115.5), st.floats(20, 45), st.sampled_from(["gcj02", "bd09"]))
@settings(max_examples=200)
def test_every_shift_comes_back(lon, lat, system):
    x, y = wgs84_to_gcj02(np.array([lon]), np.array([lat]))
    if system == "bd09":
        x, y = gcj02_to_bd09(x, y)
    back = crs.to_store(x, y, crs.declared(system))
    assert abs(back[0][0] - lon) < 1e-6
    assert abs(back[1][0] - lat) < 1e-6
