import csv
import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import box as square

from geo_minzheng.geo import wgs84_to_gcj02
from geo_minzheng.layers.detect import Format, Limits
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.read import check_sheet, read_layer, read_layers, records
from geo_minzheng.layers.tables import read_tables
from geo_minzheng.model.layer import Fault

BOX = (114.3, 30.1, 115.1, 30.9)
HEADS = ["代码", "村名", "常住人口", "户数", "经度", "纬度"]


def checked_csv(tmp_path, spec, text, **options):
    """Check a table in this process: the worker is tested elsewhere."""
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return check_sheet(
        read_tables(path, Format.CSV, "", Limits())[0],
        path,
        spec,
        ReadOptions(**{"crs": "EPSG:4490", "box": BOX, **options}),
    )


CELLS = st.sampled_from(
    [
        "",
        "合计",
        "420703100001",
        "420703100002",
        "甲村",
        "12",
        "-3",
        "nan",
        "x",
        "114.7",
        "30.4",
        "999",
        "小计",
        "1e9",
        "是",
        "—",
    ]
)


@given(st.lists(st.lists(CELLS, min_size=6, max_size=6), max_size=25), st.booleans())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_are_accepted_refused_or_ignored(tmp_path, catalogue, rows, repair):
    buffer = io.StringIO()
    csv.writer(buffer).writerows([HEADS, *rows])
    checked = checked_csv(tmp_path, catalogue["village"], buffer.getvalue(), repair=repair)
    assert checked.rows == len(checked.frame) + checked.refused + checked.ignored
    assert checked.rows == sum(1 for row in rows if any(row))
    named = {f.row for f in checked.faults if f.severity == "error" and f.row is not None}
    assert not named & set(checked.frame.index)
    assert checked.refused == 0 or checked.is_refused
    again = checked_csv(tmp_path, catalogue["village"], buffer.getvalue(), repair=repair)
    assert again.faults == checked.faults


def test_all_faults_come_in_one_pass_with_their_place(tmp_path, catalogue):
    text = "代码,村名,常住人口,户数,经度,纬度,备注\n4207,,x,1.5,999,30.4,a\n420703100201,乙,-1,,114.7,30.4,b\n"
    checked = checked_csv(tmp_path, catalogue["village"], text)
    found = {(f.row, f.column, f.code) for f in checked.faults}
    assert found == {
        (None, "", "columns_ignored"),
        (2, "代码", "code_length"),
        (2, "村名", "value_missing"),
        (2, "常住人口", "not_a_number"),
        (2, "户数", "not_a_whole_number"),
        (2, "", "not_degrees"),
        (3, "常住人口", "out_of_range"),
        (3, "户数", "value_missing"),
    }


def test_a_missing_column_names_the_headings_that_would_do(tmp_path, catalogue):
    checked = checked_csv(tmp_path, catalogue["village"], "代码,村名,户数,经度,纬度\n420703100201,甲,1,114.7,30.4\n")
    assert [f.code for f in checked.faults] == ["column_missing"]
    assert "常住人口数" in checked.faults[0].facts["allowed"]
    mapped = checked_csv(
        tmp_path,
        catalogue["village"],
        "代码,村名,户数,人数,经度,纬度\n420703100201,甲,1,5,114.7,30.4\n",
        mapping={"resident_population": "人数"},
    )
    assert list(mapped.frame["resident_population"]) == [5]
    wrong = checked_csv(
        tmp_path,
        catalogue["village"],
        "代码,村名,户数\n1,2,3\n",
        mapping={"resident_population": "no_such", "bad": "户数"},
    )
    assert {"mapping_unknown", "mapping_target"} <= {f.code for f in wrong.faults}


def test_another_unit_in_the_heading_is_refused(tmp_path, catalogue):
    text = "选址编号,名称,行政村代码,现状用途,用地面积（亩）,经度,纬度\nA,甲,420703100201,闲置校舍,5,114.7,30.4\n"
    checked = checked_csv(tmp_path, catalogue["candidate_site"], text)
    assert [(f.code, f.value) for f in checked.faults] == [("heading_unit", "亩")]
    assert not checked_csv(tmp_path, catalogue["candidate_site"], text.replace("亩", "㎡")).faults


def test_second_rows_of_a_key_name_the_first(tmp_path, catalogue):
    text = "代码,名称\n420703100,甲\n420703100,乙\n420703100,甲\n"
    checked = checked_csv(tmp_path, catalogue["division"], text)
    assert [(f.row, f.facts["first_row"]) for f in checked.faults] == [(3, 2), (4, 2)]
    mended = checked_csv(tmp_path, catalogue["division"], text, repair=True)
    assert (mended.refused, mended.ignored) == (1, 1)


def test_references_are_checked_against_store_and_file(tmp_path, catalogue):
    text = "代码,村名,常住人口,户数,经度,纬度\n420703100201,甲,1,1,114.7,30.4\n420703100999,乙,1,1,114.7,30.4\n"
    known = {"division.code": {"420703100201"}}
    checked = checked_csv(tmp_path, catalogue["village"], text, known=known)
    assert [(f.row, f.code, f.facts["layer"]) for f in checked.faults] == [(3, "reference_unknown", "division")]
    assert not checked_csv(tmp_path, catalogue["village"], text).faults


def test_a_parent_must_begin_its_child(tmp_path, catalogue):
    text = "代码,名称,上级代码\n420703100,甲,420703\n420703100201,乙,420703101\n"
    checked = checked_csv(tmp_path, catalogue["division"], text)
    assert [(f.row, f.code) for f in checked.faults] == [(3, "parent_mismatch")]


def test_the_nearest_parent_column_wins(catalogue, shared_data):
    checked = read_layer(shared_data / "huarong" / "villages_420703_codes.csv", catalogue["division"])
    assert len(checked.frame) == 100
    assert (checked.frame["parent_code"].str.len() == 9).all()


def test_stated_and_actual_village_are_compared(tmp_path, catalogue):
    areas = {"420703100201": square(114.6, 30.3, 114.7, 30.5), "420703100202": square(114.7, 30.3, 114.8, 30.5)}
    rows = "".join(f"S{i},点{i},安置点,420703100201,{114.65 + i / 100:.3f},30.4\n" for i in range(9))
    checked = checked_csv(
        tmp_path, catalogue["site"], "场所编号,场所名称,场所类型,行政村代码,经度,纬度\n" + rows, village_areas=areas
    )
    wrong = [f for f in checked.faults if f.code == "village_mismatch"]
    assert len(checked.frame) == 9
    assert [f.row for f in wrong] == [8, 9, 10]
    assert wrong[-1].facts["actual"] == "420703100202"


def test_a_shift_that_would_explain_the_villages_is_suggested(tmp_path, catalogue):
    import numpy as np

    areas = {f"4207031002{i:02d}": square(114.6 + i / 100, 30.4, 114.606 + i / 100, 30.406) for i in range(1, 12)}
    lon, lat = wgs84_to_gcj02(np.array([114.602 + i / 100 for i in range(1, 12)]), np.array([30.4055] * 11))
    rows = "".join(
        f"S{i},点,安置点,{code},{x},{y}\n" for i, (code, x, y) in enumerate(zip(areas, lon, lat, strict=True))
    )
    head = "场所编号,场所名称,场所类型,行政村代码,经度,纬度\n"
    raw = checked_csv(tmp_path, catalogue["site"], head + rows, village_areas=areas)
    declared = checked_csv(tmp_path, catalogue["site"], head + rows, village_areas=areas, crs="gcj02")
    assert [f.value for f in raw.faults if f.code == "looks_shifted"] == ["gcj02"]
    assert not declared.faults


def test_further_checks_join_the_list(tmp_path, catalogue):
    def odd_names(frame):
        return [
            Fault("not_in_list", row=row, column="村名", value=name, facts={"allowed": "甲"})
            for row, name in frame["name"].items()
            if name != "甲"
        ]

    text = "代码,村名,常住人口,户数,经度,纬度\n420703100201,甲,1,1,114.7,30.4\n420703100202,乙,1,1,114.7,30.4\n"
    checked = checked_csv(tmp_path, catalogue["village"], text, extra_checks=odd_names)
    assert (checked.rows, len(checked.frame), checked.refused) == (2, 1, 1)


def test_records_are_plain_values(tmp_path, catalogue):
    text = "代码,村名,常住人口,户数,经度,纬度,坐标来源\n420703100201,甲,1,2,114.7,30.4,合成\n"
    row = records(checked_csv(tmp_path, catalogue["village"], text))[0]
    assert row["coord_source"] == "synthetic"
    assert type(row["household_count"]) is int
    assert row["geometry"].geom_type == "Point"


def test_long_lists_of_faults_are_counted_whole(tmp_path, catalogue):
    text = "代码,名称\n" + "x,y\n" * 10_050
    checked = checked_csv(tmp_path, catalogue["division"], text)
    assert len(checked.faults) == 10_001
    assert checked.faults[-1].code == "more_faults"
    assert checked.faults[-1].facts["count"] == 50
    assert checked.refused == 10_050


@pytest.mark.parametrize("heads", [["代码", "名称"], ["名称", "代码"]])
def test_the_order_of_columns_does_not_matter(tmp_path, catalogue, heads):
    row = {"代码": "420703100", "名称": "华容镇"}
    checked = checked_csv(
        tmp_path, catalogue["division"], ",".join(heads) + "\n" + ",".join(row[h] for h in heads) + "\n"
    )
    assert list(checked.frame["code"]) == ["420703100"]


def test_two_files_must_agree_on_a_key(tmp_path, catalogue):
    """The later file may repeat a row of the earlier one, not contradict it: nobody may win by being last."""
    head = "区划代码,名称,上级代码\n"
    (tmp_path / "a.csv").write_text(head + "420703100201,庙岭村,420703100\n420703100202,大湾村,420703100\n", "utf-8")
    (tmp_path / "b.csv").write_text(head + "420703100201,庙岭村,420703100\n420703100202,小湾村,420703100\n", "utf-8")
    first, second = read_layers((tmp_path / "a.csv", tmp_path / "b.csv"), catalogue["division"])
    assert (first.refused, len(first.frame)) == (0, 2) and not first.is_refused
    assert (second.rows, second.refused, len(second.frame)) == (2, 1, 1) and second.is_refused
    (fault,) = second.faults
    assert (fault.code, fault.file, fault.row) == ("key_in_other_file", "b.csv", 3)
    assert fault.facts == {"first_row": 3, "first_file": "a.csv"}
    assert len(read_layers((tmp_path / "a.csv", tmp_path / "a.csv"), catalogue["division"])[1].frame) == 2
