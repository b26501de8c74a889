import json

import geopandas as gpd
import pytest
import shapely

from geo_minzheng.errors import InputError
from geo_minzheng.layers import shapefile
from geo_minzheng.layers.detect import Format, Limits, detect
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.read import check_sheet, choose_sheet, geometry_bounds, read_sheets
from geo_minzheng.layers.vector import geojson_crs, read_features

BOX = (114.3, 30.1, 115.1, 30.9)
# What GeoPandas and GDAL say when they cut a shapefile's column names.
CUTS = (
    "ignore:Column names longer",
    "ignore:Normalized/laundered",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
AREA = shapely.box(114.7, 30.4, 114.8, 30.5)


@pytest.fixture(autouse=True)
def all_drivers(monkeypatch):
    """These tests read in their own process, whose GDAL knows every driver; the worker's is tested elsewhere."""
    monkeypatch.setattr(shapefile, "_check_drivers", lambda: None)


def read_here(path, spec, options):
    sheets = read_features(path, detect(path), options.encoding, Limits())
    return check_sheet(choose_sheet(sheets, options.sheet, path.name), path, spec, options)


def frame(count=3, **columns):
    data = {"code": [f"4207031000{i:02d}" for i in range(1, count + 1)], "name": ["庙岭村"] * count, **columns}
    return gpd.GeoDataFrame(
        data, geometry=[shapely.box(114.5 + i / 10, 30.4, 114.58 + i / 10, 30.5) for i in range(count)], crs=4490
    )


def zipped(tmp_path, shapes, name="村界", **options):
    import zipfile

    folder = tmp_path / "parts"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    shapes.to_file(folder / f"{name}.shp", engine="pyogrio", **options)
    path = tmp_path / "layer.zip"
    with zipfile.ZipFile(path, "w") as target:
        for part in folder.iterdir():
            target.write(part, part.name)
    return path, folder


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".kml", ".zip"])
def test_the_same_shapes_come_out_of_every_format(tmp_path, catalogue, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".zip":
        path, _ = zipped(tmp_path, frame(), encoding="utf-8")
    elif suffix == ".kml":
        frame().to_crs(4326).to_file(path, driver="KML", engine="pyogrio")
    else:
        frame().to_file(path, driver="GPKG" if suffix == ".gpkg" else "GeoJSON", engine="pyogrio")
    checked = read_here(path, catalogue["village_area"], ReadOptions(box=BOX))
    assert not checked.is_refused, checked.faults
    assert list(checked.frame["code"]) == list(frame()["code"])
    assert list(checked.frame["name"]) == ["庙岭村"] * 3
    for found, wanted in zip(checked.frame["geometry"], frame().geometry, strict=True):
        assert found.geom_type == "MultiPolygon"
        assert found.symmetric_difference(wanted).area < 1e-12
    assert geometry_bounds(checked) == pytest.approx((114.5, 30.4, 114.78, 30.5))


@pytest.mark.parametrize(("encoding", "page"), [("GBK", True), ("GBK", False), ("UTF-8", True), ("UTF-8", False)])
def test_shapefile_texts_are_decoded_by_page_or_content(tmp_path, catalogue, encoding, page):
    import zipfile

    path, folder = zipped(tmp_path, frame(), encoding=encoding)
    with zipfile.ZipFile(path, "w") as target:
        for part in folder.iterdir():
            if page or part.suffix != ".cpg":
                target.write(part, part.name)
    checked = read_here(path, catalogue["village_area"], ReadOptions(box=BOX))
    assert set(checked.frame["name"]) == {"庙岭村"}


def test_a_shapefile_beside_its_parts_is_read_and_a_lonely_one_refused(tmp_path, catalogue):
    _, folder = zipped(tmp_path, frame(), name="part", encoding="utf-8")
    spec = catalogue["village_area"]
    assert len(read_here(folder / "part.shp", spec, ReadOptions(box=BOX)).frame) == 3
    (folder / "part.prj").unlink()
    assert "crs_missing" in {f.code for f in read_here(folder / "part.shp", spec, ReadOptions(box=BOX)).faults}
    (folder / "part.dbf").unlink()
    with pytest.raises(InputError, match="shapefile_part"):
        read_here(folder / "part.shp", spec, ReadOptions(box=BOX))


@pytest.mark.parametrize("epsg", [4547, 4526, 4490, 32650])
def test_prj_files_say_the_system(tmp_path, catalogue, epsg):
    path, _ = zipped(tmp_path, frame().to_crs(epsg), encoding="utf-8")
    checked = read_here(path, catalogue["village_area"], ReadOptions(box=BOX))
    assert not checked.is_refused, checked.faults
    assert next(iter(checked.frame["geometry"])).symmetric_difference(frame().geometry[0]).area < 1e-9


def test_old_geojson_may_name_its_system_and_a_declaration_wins(tmp_path, catalogue):
    path = tmp_path / "p.geojson"
    frame().to_crs(4547).to_file(path, driver="GeoJSON", engine="pyogrio")
    spec = catalogue["village_area"]
    assert "4547" in path.read_text(encoding="utf-8")
    assert not read_here(path, spec, ReadOptions(box=BOX)).is_refused
    assert {f.code for f in read_here(path, spec, ReadOptions(box=BOX, crs="gcj02")).faults} == {"not_degrees"}
    for member, name in (
        (None, "EPSG:4326"),
        ({"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}, "EPSG:4326"),
        ({"type": "name", "properties": {"name": "EPSG:4490"}}, "EPSG:4490"),
        ({"type": "name", "properties": {"name": "http://www.opengis.net/def/crs/EPSG/0/4547"}}, "EPSG:4547"),
        ({"type": "link", "properties": {"href": "x"}}, ""),
        ({"type": "name", "properties": {"name": "no_such"}}, ""),
        ("no_such", ""),
    ):
        assert geojson_crs(member) == name


def test_kml_extended_data_and_archives(tmp_path, catalogue, naughty):
    path = tmp_path / "a.kmz"
    path.write_bytes(naughty.archive([("doc.kml", naughty.kml(naughty.PLACEMARK)), ("files/icon.png", b"x")]))
    checked = read_here(path, catalogue["village_area"], ReadOptions(box=BOX))
    assert list(checked.frame["code"]) == ["420703100001"]
    schema = "<Placemark><name>乙</name><ExtendedData><SchemaData><SimpleData name='code'>420703100009</SimpleData></SchemaData></ExtendedData>"  # noqa: E501
    schema += (
        "<MultiGeometry>"
        + (
            "<Polygon><outerBoundaryIs><LinearRing><coordinates>114.7,30.4 114.8,30.4 114.8,30.5 114.7,30.4</coordinates>"  # noqa: E501
            "</LinearRing></outerBoundaryIs><innerBoundaryIs><LinearRing><coordinates>114.74,30.42 114.76,30.42 114.76,30.44 114.74,30.42</coordinates>"  # noqa: E501
            "</LinearRing></innerBoundaryIs></Polygon>"
        )
        + "</MultiGeometry></Placemark>"
    )
    kml = tmp_path / "b.kml"
    kml.write_text(naughty.kml(schema), encoding="utf-8")
    shape = next(iter(read_here(kml, catalogue["village_area"], ReadOptions(box=BOX)).frame["geometry"]))
    assert len(shape.geoms[0].interiors) == 1


def test_features_whose_properties_differ_line_up(tmp_path, naughty):
    path = tmp_path / "d.geojson"
    features = [naughty.feature("1", a=1), naughty.feature("2", b=[1, {"x": 2}]), naughty.feature("3", a=2.5, c=True)]
    path.write_text(naughty.collection(*features), encoding="utf-8")
    sheet = read_features(path, Format.GEOJSON, "", Limits())[0]
    cells = dict(zip(sheet.headings, sheet.columns, strict=True))
    assert cells["a"] == ["1", None, "2.5"]
    assert cells["b"] == [None, '[1, {"x": 2}]', None]
    assert cells["c"] == [None, None, "true"]


def test_bare_shapes_and_z_values_are_taken(tmp_path):
    path = tmp_path / "z.geojson"
    path.write_text(json.dumps({"type": "Point", "coordinates": [114.7, 30.4, 12.5]}), encoding="utf-8")
    sheet = read_features(path, Format.GEOJSON, "", Limits())[0]
    assert not shapely.from_wkb(sheet.wkb[0]).has_z


def test_geopackage_layers_are_listed_and_chosen(tmp_path, catalogue, naughty):
    path = naughty.geopackage(tmp_path / "m.gpkg", layers=2, rows=1)
    sheets = read_features(path, Format.GPKG, "", Limits())
    assert [s.name for s in sheets] == ["layer0", "layer1"]
    checked = check_sheet(
        choose_sheet(sheets, "layer1", "m.gpkg"), path, catalogue["village_area"], ReadOptions(box=BOX)
    )
    assert len(checked.frame) == 1
    assert set(checked.frame["source_crs"]) == {"EPSG:4490"}


def test_lines_and_points_take_their_stored_form(tmp_path, catalogue):
    path = tmp_path / "r.geojson"
    roads = gpd.GeoDataFrame(
        {"road_id": ["a", "b"], "highway": ["residential", "track"], "oneway": ["yes", "no"]},
        geometry=[
            shapely.LineString([(114.7, 30.4), (114.8, 30.4)]),
            shapely.MultiLineString([[(114.7, 30.4), (114.8, 30.5)]]),
        ],
        crs=4326,
    )
    roads.to_file(path, driver="GeoJSON", engine="pyogrio")
    checked = read_here(path, catalogue["road"], ReadOptions(box=BOX))
    assert [s.geom_type for s in checked.frame["geometry"]] == ["MultiLineString"] * 2
    assert list(checked.frame["oneway"]) == [True, False]


def test_tables_inside_geojson_without_shapes_may_bring_columns(tmp_path, catalogue):
    path = tmp_path / "t.geojson"
    rows = [
        {
            "type": "Feature",
            "geometry": None,
            "properties": {"code": "420703100001", "name": "甲", "人口": 5, "户数": 2, "lon": 114.7, "lat": 30.4},
        }
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": rows}), encoding="utf-8")
    checked = read_here(path, catalogue["village"], ReadOptions(box=BOX))
    assert next(iter(checked.frame["geometry"])).x == 114.7


@pytest.mark.filterwarnings(*CUTS)
@pytest.mark.parametrize("has_page", [True, False])
def test_shapefile_names_cut_after_ten_bytes_are_still_understood(tmp_path, catalogue, has_page):
    """GeoPandas writes 房屋编号 as 房屋编 and half a character, village_code as village_co."""
    import zipfile

    shapes = gpd.GeoDataFrame(
        {"房屋编号": ["F1", "F2"], "village_code": ["420703100001"] * 2, "结构形式": ["砖混"] * 2},
        geometry=[shapely.Point(114.72, 30.48)] * 2,
        crs=4490,
    )
    path, folder = zipped(tmp_path, shapes, encoding="utf-8")
    if not has_page:
        with zipfile.ZipFile(path, "w") as target:
            for part in (p for p in folder.iterdir() if p.suffix != ".cpg"):
                target.write(part, part.name)
    checked = read_here(path, catalogue["house"], ReadOptions(box=BOX))
    assert not checked.is_refused
    assert list(checked.frame["house_id"]) == ["F1", "F2"]
    assert list(checked.frame["structure_type"]) == ["brick_concrete"] * 2
    told = {f.column: f.value for f in checked.faults if f.code == "heading_clipped"}
    assert told == {"house_id": "房屋编", "village_code": "village_co", "structure_type": "结构形"}


@pytest.mark.filterwarnings(*CUTS)
def test_a_cut_name_that_may_mean_two_columns_is_not_guessed(tmp_path, catalogue):
    """``household_`` is the beginning of the code and of the size: the person says which."""
    shapes = gpd.GeoDataFrame(
        {
            "household_id": ["H1"], "village_code": ["420703100001"], "户主姓名": ["王示"], "id_type": ["demo"],
            "id_no": ["DEMO-1"], "household_size": [3], "救助类别": ["dibao"],
        },
        geometry=[shapely.Point(114.72, 30.48)],
        crs=4490,
    )  # fmt: skip
    path, _ = zipped(tmp_path, shapes, encoding="utf-8")
    checked = read_here(path, catalogue["household"], ReadOptions(box=BOX))
    assert {f.code for f in checked.faults if f.severity == "error"} == {"column_missing"}
    names = {f.value for f in checked.faults if f.code == "columns_ignored"}
    first, second = next(iter(names)).split("、")
    mapped = ReadOptions(box=BOX, mapping={"household_id": first, "household_size": second})
    assert not read_here(path, catalogue["household"], mapped).is_refused


@pytest.mark.parametrize(("part", "at"), [(".shp", 32), (".dbf", 43)])
def test_kinds_that_no_shapefile_has_are_refused(tmp_path, naughty, part, at):
    parts = naughty.builders.shapefile()
    data = bytearray(parts[part])
    data[at] = 77 if part == ".shp" else 0xFF
    path = tmp_path / "k.zip"
    path.write_bytes(naughty.builders.shape_zip({**parts, part: bytes(data)}))
    with pytest.raises(InputError, match="file_broken") as found:
        read_sheets(path)
    assert found.value.facts["reason"].endswith(part)


def test_a_torn_prj_is_an_unknown_system(tmp_path, naughty):
    path = tmp_path / "p.zip"
    path.write_bytes(
        naughty.builders.shape_zip(naughty.builders.shapefile(), prj=False, extra=[("村界.prj", "GEOGCS[")])
    )
    with pytest.raises(InputError, match="crs_unknown"):
        read_sheets(path)
