"""Files as offices write them: each of these was once read wrongly, or refused with a misleading word."""

import csv
import json
import sqlite3
import zipfile
from pathlib import Path

import openpyxl
import pytest
import shapely

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Format, Limits, detect
from geo_minzheng.layers.faults import reason_key
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.read import check_sheet, choose_sheet
from geo_minzheng.layers.tables import read_tables
from geo_minzheng.layers.values import parse
from geo_minzheng.layers.vector import read_features
from geo_minzheng.layers.xls_errors import error_cells
from geo_minzheng.model.layer import ColumnSpec

BOX = (114.3, 30.1, 115.1, 30.9)
HEADS = ["代码", "村名", "常住人口", "户数", "经度", "纬度"]
ROW = ["420703100001", "甲村", "12", "3", "114.7", "30.4"]
CGCS = {"crs": "EPSG:4490", "box": BOX}


def read_here(path, spec, **options):
    """Read and check in this process: the worker is tested elsewhere."""
    kind = detect(path)
    reader = read_tables if kind in (Format.CSV, Format.XLSX) else read_features
    sheet = choose_sheet(reader(path, kind, options.get("encoding", ""), Limits()), options.pop("sheet", ""), path.name)
    return check_sheet(sheet, path, spec, ReadOptions(**{"box": BOX, **options}))


def write_csv(path, *rows, encoding="utf-8"):
    with path.open("w", newline="", encoding=encoding) as handle:
        csv.writer(handle).writerows(rows)
    return path


def write_book(path, *rows, **cells):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for at, value in cells.items():
        book.active[at] = value
    book.save(path)
    return path


def codes(checked):
    return [f.code for f in checked.faults if f.code != "columns_ignored"]


def collection(*geometries, **properties):
    features = [
        {"type": "Feature", "properties": {"code": f"42070310000{i}", "name": "甲", **properties}, "geometry": g}
        for i, g in enumerate(geometries, 1)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def ring(*points):
    return {"type": "Polygon", "coordinates": [[[114.7 + x, 30.4 + y] for x, y in points]]}


SQUARE = ring((0, 0), (0.01, 0), (0.01, 0.01), (0, 0.01), (0, 0))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "gb18030", "gbk", "utf-8-sig"])
@pytest.mark.parametrize("first", ["一", "甲"])
def test_tables_and_features_are_read_in_every_encoding_of_an_office(tmp_path, catalogue, encoding, first):
    name = first + "村"
    path = write_csv(tmp_path / "t.csv", HEADS, [ROW[0], name, *ROW[2:]], encoding=encoding)
    assert read_here(path, catalogue["village"], **CGCS).frame["name"].tolist() == [name]
    path = tmp_path / "t.geojson"
    path.write_bytes(collection(SQUARE).replace("甲", name).encode(encoding))
    assert read_here(path, catalogue["village_area"]).frame["name"].tolist() == [name]


@pytest.mark.parametrize("encoding", ["UTF-16", "GBK", "GB2312", "UTF-8"])
def test_kml_is_read_in_every_encoding_of_an_office(tmp_path, catalogue, encoding):
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><!--{"x" * 5000}--><kml><Folder><Placemark><name>甲村</name>'
        "<ExtendedData><Data name='code'><value>420703100001</value></Data></ExtendedData><Polygon><outerBoundaryIs>"
        "<LinearRing><coordinates>114.7,30.4 114.71,30.4 114.71,30.41 114.7,30.4</coordinates></LinearRing>"
        "</outerBoundaryIs></Polygon></Placemark></Folder></kml>"
    )
    path = tmp_path / "a.kml"
    path.write_bytes(text.encode(encoding))
    assert read_here(path, catalogue["village_area"]).frame["name"].tolist() == ["甲村"]
    path.write_bytes(text.replace("<!--", "<!DOCTYPE kml []><!--").encode(encoding))
    with pytest.raises(InputError, match="xml_dtd"):
        read_here(path, catalogue["village_area"])


@pytest.mark.parametrize("content", [b" \r\n ", b"\xef\xbb\xbf", b"\t"])
def test_a_file_of_blanks_is_empty(tmp_path, content):
    (tmp_path / "a.geojson").write_bytes(content)
    with pytest.raises(InputError, match="file_empty"):
        detect(tmp_path / "a.geojson")


@pytest.mark.parametrize(("cell", "value"), [("XFD1048576", "x"), ("A1048576", "x"), ("XFD3", 1), ("SG2", 1)])
def test_a_lost_cell_is_named(tmp_path, cell, value):
    path = write_book(tmp_path / "b.xlsx", HEADS, ROW, **{cell: value})
    with pytest.raises(InputError) as found:
        read_tables(path, Format.XLSX, "", Limits())
    assert (found.value.key, found.value.facts["cell"]) == ("layers.stray_cell", cell)


def test_a_table_that_is_too_wide_or_too_long_says_so(tmp_path):
    with pytest.raises(InputError, match="too_many_columns"):
        read_tables(write_book(tmp_path / "w.xlsx", list(range(600))), Format.XLSX, "", Limits())
    far = {f"A{n}": 1 for n in range(100_001, 100_040)}
    with pytest.raises(InputError, match="too_many_rows"):
        read_tables(write_book(tmp_path / "l.xlsx", HEADS, **far), Format.XLSX, "", Limits(features=100_000))


def test_hidden_sheets_are_left_aside_and_told(tmp_path, catalogue):
    book = openpyxl.Workbook()
    book.active.append(HEADS)
    book.active.append(ROW)
    for state in ("hidden", "veryHidden"):
        book.create_sheet(state).append(["词", "义"])
        book[state].sheet_state = state
    book.save(tmp_path / "b.xlsx")
    checked = read_here(tmp_path / "b.xlsx", catalogue["village"], **CGCS)
    assert (len(checked.frame), codes(checked)) == (1, ["sheets_hidden"])
    assert checked.faults[0].value == "hidden、veryHidden"
    assert (
        choose_sheet(read_tables(tmp_path / "b.xlsx", Format.XLSX, "", Limits()), "hidden", "b.xlsx").name == "hidden"
    )


def test_a_formula_that_says_nothing_is_not_a_formula_without_value(tmp_path, catalogue):
    path = write_book(tmp_path / "b.xlsx", [*HEADS, "残疾人"], [*ROW, '=IF(1,"","")'])
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    parts["xl/worksheets/sheet1.xml"] = sheet.replace('<c r="G2">', '<c r="G2" t="str">').encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert codes(read_here(path, catalogue["village"], **CGCS)) == []


def test_a_day_number_is_read_as_the_day_and_told(tmp_path, catalogue):
    heads = ["信息员编号", "姓名", "行政村代码", "岗位", "培训日期"]
    days = [45474, "45474", 45474.5, 4547]
    path = write_book(tmp_path / "o.xlsx", heads, *([f"Z{i}", "张", ROW[0], "A岗", d] for i, d in enumerate(days)))
    checked = read_here(path, catalogue["officer"])
    assert [str(d) for d in checked.frame["trained_on"]] == ["2024-07-01"] * 3
    assert codes(checked) == ["not_a_date", "date_serial", "date_serial", "date_serial"]


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        (["", "合计", "12", "3", "", "", ""], 0),
        (["合 计", "", "12", "3", "", "", ""], 0),
        (["1", "庙岭镇小计", "12", "3", "", "", ""], 0),
        (["420703100", "庙岭镇小计", "12", "3", "", "", ""], 0),
        (["", "", "", "", "", "", "合计"], 0),
        ([*ROW, "合计"], 1),
        ([*ROW, "含本页小计"], 1),
    ],
)
def test_totals_are_ignored_and_remarks_are_not_totals(tmp_path, catalogue, row, kept):
    path = write_csv(tmp_path / "t.csv", [*HEADS, "备注"], row)
    checked = read_here(path, catalogue["village"], **CGCS)
    assert (len(checked.frame), checked.ignored, checked.refused) == (kept, 1 - kept, 0)


@pytest.mark.parametrize(
    ("title", "heading", "code"),
    [
        ("单位：万元", "估算造价", ["heading_unit"]),
        ("（单位:万元、人）", "估算造价", ["heading_unit"]),
        ("单位：元", "估算造价", []),
        ("填报单位：民政局", "估算造价", []),
        ("单位：万元", "估算造价（元）", []),
        ("", "估算造价（千元）", ["heading_unit"]),
        ("", "估算造价（元）", []),
    ],
)
def test_a_unit_in_the_title_holds_for_every_column(tmp_path, catalogue, title, heading, code):
    heads = ["申请编号", "改造项目", "家庭编号", "房屋编号", "申请日期", "改造方式", heading]
    row = ["Z1", "消坯", "H1", "F1", "2026-01-01", "原址翻建", "3.5"]
    path = write_csv(tmp_path / "t.csv", ["改造申请表"], [title], heads, row)
    assert codes(read_here(path, catalogue["renovation_application"])) == code


def test_a_quantity_counts_in_the_unit_of_its_row(tmp_path, catalogue):
    heads = ["仓库编号", "批次号", "品种编码", "数量（吨）", "计量单位", "权属", "动用权限", "入库日期"]
    rows = [["W", f"L{i}", "rice", "1", u, "区级", "局", "2026-01-01"] for i, u in enumerate(("吨", "千克", "公斤"))]
    checked = read_here(write_csv(tmp_path / "t.csv", heads, *rows), catalogue["stock_lot"])
    assert codes(checked) == ["units_differ", "units_differ"]


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("4207 0310 0001", []), ("420703100\u3000001", []), ("420703100000", ["code_not_village"]),
        ("420703100", ["code_not_village"]), ("420703", ["code_not_village"]), ("999999", ["reference_unknown"]),
        ("420703999001", ["reference_unknown"]),
    ],
)  # fmt: skip
def test_a_village_is_a_known_division_that_nothing_stands_below(tmp_path, catalogue, code, fault):
    known = {"division.code": {"420703100", "420703100001"}}
    path = write_csv(tmp_path / "t.csv", HEADS, [code, *ROW[1:]])
    assert codes(read_here(path, catalogue["village"], known=known, **CGCS)) == fault


def test_a_code_of_six_digits_is_no_village_of_a_household(tmp_path, catalogue):
    heads = ["户编号", "村代码", "户主", "证件类型", "身份证号", "家庭人口", "救助类别"]
    path = write_csv(tmp_path / "t.csv", heads, ["H1", "999999", "甲", "其他", "X", "2", "一般户"])
    assert codes(read_here(path, catalogue["household"], known={"village.code": {ROW[0]}})) == ["reference_unknown"]


def test_twelve_digits_of_a_town_are_its_nine(tmp_path, catalogue):
    rows = [["420703000000", "区", ""], ["420703100000", "镇", "420703000000"], [ROW[0], "村", "420703100000"]]
    checked = read_here(write_csv(tmp_path / "t.csv", ["区划代码", "名称", "上级代码"], *rows), catalogue["division"])
    assert checked.frame["code"].tolist() == ["420703", "420703100", ROW[0]]
    assert not checked.is_refused


@pytest.mark.parametrize(
    ("spans", "fault"),
    [
        ([("2020-01-01", "2010-01-01")], ["dates_crossed"]),
        ([("", "2015-01-01"), ("2015-01-01", "")], []),
        ([("", ""), ("2015-01-01", "")], ["code_twice_in_force"]),
        ([("2010-01-01", "2016-01-01"), ("2015-01-01", "")], ["code_twice_in_force"]),
    ],
)
def test_a_division_is_in_force_once(tmp_path, catalogue, spans, fault):
    heads = ["区划代码", "名称", "启用日期", "撤销日期"]
    path = write_csv(tmp_path / "t.csv", heads, *([ROW[0], "村", *span] for span in spans))
    assert codes(read_here(path, catalogue["division"])) == fault


def test_a_road_has_a_length(tmp_path, catalogue):
    lines = ([[114.7, 30.4], [114.7, 30.4]], [[114.7, 30.4], [114.7, 30.4], [114.71, 30.4]])
    text = collection(*({"type": "LineString", "coordinates": c} for c in lines), road_class="县道")
    path = tmp_path / "r.geojson"
    path.write_text(text.replace('"code"', '"road_id"'), encoding="utf-8")
    checked = read_here(path, catalogue["road"])
    assert ([f.row for f in checked.faults if f.code == "line_without_length"], len(checked.frame)) == ([1], 1)


@pytest.mark.parametrize(
    ("wkt", "code", "reason"),
    [
        ("POLYGON EMPTY", "geometry_missing", ""),
        ("POLYGON((114.7 30.4, 114.8 30.4, nan 30.5, 114.7 30.4))", "coordinate_not_finite", ""),
        ("CURVEPOLYGON(CIRCULARSTRING(0 0,4 0,4 4,0 4,0 0))", "geometry_malformed", "arcs"),
        ("GEOMETRYCOLLECTION(" * 5000 + "POINT(1 1)" + ")" * 5000, "geometry_malformed", "nesting"),
        ("POLYGON((1 1", "geometry_malformed", "not_wkt"),
        ("POLYGON((114.7 30.4, 114.8 30.4, 114.7 30.4))", "geometry_hopeless", "too_few_points"),
    ],
)
def test_a_shape_in_words_that_is_none_is_named(tmp_path, catalogue, wkt, code, reason):
    path = write_csv(tmp_path / "t.csv", ["代码", "名称", "wkt"], [ROW[0], "甲", wkt])
    (fault,) = read_here(path, catalogue["village_area"], **CGCS).faults
    assert (fault.code, fault.row, reason_key(fault).rpartition(".")[2]) == (code, 2, reason)


def test_a_long_outline_in_words_is_read_and_millions_of_points_are_not(tmp_path, catalogue):
    outline = shapely.Point(114.7, 30.4).buffer(0.02, quad_segs=2000).wkt
    assert len(outline) > 131_072
    path = write_csv(tmp_path / "t.csv", ["代码", "名称", "wkt"], [ROW[0], "甲", outline])
    assert codes(read_here(path, catalogue["village_area"], **CGCS)) == []
    many = "POLYGON((" + ",".join(["1 1"] * 1_000_001) + "))"
    path = write_csv(tmp_path / "m.csv", ["代码", "名称", "wkt"], [ROW[0], "甲", many])
    assert codes(read_here(path, catalogue["village_area"], **CGCS)) == ["too_many_vertices"]


def test_arcs_in_a_geopackage_are_named(tmp_path, catalogue):
    import geopandas as gpd

    path = tmp_path / "a.gpkg"
    data = {"code": [ROW[0]], "name": ["甲"]}
    gpd.GeoDataFrame(data, geometry=[shapely.geometry.shape(SQUARE)], crs=4490).to_file(path, layer="v")
    base = sqlite3.connect(path)
    for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        base.execute(f'DROP TRIGGER "{name}"')
    arc = b"\x01\x08\x00\x00\x00\x00\x00\x00\x00"
    base.execute("UPDATE v SET geom = ?", (b"GP\0\1\0\0\0\0" + arc,))
    base.commit()
    base.close()
    (fault,) = (f for f in read_here(path, catalogue["village_area"]).faults if f.severity == "error")
    assert reason_key(fault) == "layers.reason.arcs"


@pytest.mark.parametrize("crs", ["EPSG:4547", "EPSG:4526"])
def test_north_and_east_exchanged_are_called_so_in_every_zone(tmp_path, catalogue, crs):
    east = "567621.2" if crs == "EPSG:4547" else "38567621.2"
    heads = [*HEADS[:4], "东坐标", "北坐标"]
    path = write_csv(tmp_path / "t.csv", heads, [*ROW[:4], "3374555.4", east])
    assert codes(read_here(path, catalogue["village"], crs=crs)) == ["swapped_axes"]
    repaired = read_here(path, catalogue["village"], crs=crs, repair=True)
    assert codes(repaired) == ["axes_swapped"]
    assert abs(repaired.frame["geometry"].iloc[0].x - 114.704) < 0.001
    path = write_csv(tmp_path / "t.csv", heads, [*ROW[:4], "39567621.2", "3374555.4"])
    assert "zone_mismatch" in codes(read_here(path, catalogue["village"], crs="EPSG:4547"))


@pytest.mark.parametrize(
    ("lon", "lat", "found"),
    [
        ("114.7°", "30.4N", (114.7, 30.4)), ("东经114°42′", "北纬30度24分", (114.7, 30.4)),
        ("114.7E", "N30.4", (114.7, 30.4)),
        ("114°42'36.0\"", "30°24'00″", (114.71, 30.4)),
    ],
)  # fmt: skip
def test_degrees_are_read_as_they_are_written(tmp_path, catalogue, lon, lat, found):
    point = read_here(write_csv(tmp_path / "t.csv", HEADS, [*ROW[:4], lon, lat]), catalogue["village"], **CGCS)
    assert point.frame["geometry"].iloc[0].coords[0] == pytest.approx(found)


def test_the_west_is_not_the_east(tmp_path, catalogue):
    path = write_csv(tmp_path / "t.csv", HEADS, [*ROW[:4], "西经114.7°", "30.4"])
    assert codes(read_here(path, catalogue["village"], **CGCS)) == ["outside_district"]


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (ring((0.01, 0), (0.01, 0.01), (0, 0.01), (0, 0), (0.01, 0)), True),
        (ring((0, 0), (0, 0.01), (0.01, 0.01), (0.01, 0), (0, 0)), True),
        (ring((0, 0), (0.004, 0), (0.01, 0), (0.01, 0.01), (0, 0.01), (0, 0)), True),
        (ring((0, 0), (0.01, 0), (0.01, 0.01), (0.0001, 0.01), (0, 0)), False),
    ],
)
def test_the_same_ground_is_the_same_polygon(tmp_path, catalogue, other, is_same):
    path = tmp_path / "d.geojson"
    path.write_text(collection(SQUARE, other), encoding="utf-8")
    assert codes(read_here(path, catalogue["village_area"])) == (["duplicate_shape"] if is_same else ["areas_overlap"])


def test_a_column_that_the_file_lacks_is_not_in_the_frame(tmp_path, catalogue):
    checked = read_here(write_csv(tmp_path / "t.csv", HEADS, ROW), catalogue["village"], **CGCS)
    assert "elderly_60" not in checked.frame
    assert not checked.frame["coord_source"].any()


@pytest.mark.parametrize(("word", "kind"), [("洪涝", "flood"), ("洪涝灾害", "flood"), ("Flood", "flood"), ("水", None)])
def test_a_hazard_is_understood_without_the_word_disaster(word, kind):
    spec = ColumnSpec(
        "hazard_kind", "enum", values={"flood": ("洪涝灾害", "Flood"), "drought": ("干旱灾害", "Drought")}
    )
    found = parse(word, spec)
    assert (found if isinstance(found, str) else None) == kind


def test_error_values_of_an_old_workbook_are_named(tmp_path, catalogue):
    path = Path(__file__).parent / "files" / "errors.xls"
    sheets = read_tables(path, Format.XLS, "", Limits())
    checked = check_sheet(sheets[0], path, catalogue["village"], ReadOptions(**CGCS))
    (fault,) = (f for f in checked.faults if f.code == "excel_error")
    assert (fault.row, fault.column, fault.value) == (3, "常住人口", "#N/A")
    assert [(f.row, f.value) for f in sheets[1].faults] == [(2, "#REF!")]
    data = path.read_bytes()
    formula = data.index(bytes.fromhex("030003001100")) + 6
    computed = data[:formula] + b"\x02\x00\x07\x00\x00\x00\xff\xff" + data[formula + 8 :]
    (tmp_path / "f.xls").write_bytes(computed)
    assert [f.value for f in error_cells(tmp_path / "f.xls")[0]] == ["#N/A", "#DIV/0!"]
    for cut in (100, 600, 3000, 5000):
        (tmp_path / "c.xls").write_bytes(data[:cut])
        error_cells(tmp_path / "c.xls")
