"""A table taken along: exactly the rows shown, formulas disarmed, numbers kept, and where the rows hold."""

import csv
import io
import json
import sqlite3
from datetime import datetime

import geopandas as gpd
import openpyxl
import pytest
import shapely

from geo_minzheng.errors import InputError
from geo_minzheng.present.taken import TakenTable, file_name, table_bytes

FACTS = ("华容区 · 平时", "数据时间 2026年7月3日 22:30", "含合成数据，仅供演示，不得作为依据。")
NASTY = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠x")
ROWS = [{"村": word, "水深（米）": -1.5, "个数": k, "geom": None} for k, word in enumerate(NASTY)]
SHAPES = [shapely.Point(114.5 + k / 100, 30.4) if k % 2 else None for k in range(len(ROWS))]
TAKEN = TakenTable("道路 中断道路", ROWS, FACTS, SHAPES)


@pytest.fixture
def taken(tmp_path):
    def write(ending, table=TAKEN):
        path = tmp_path / f"a.{ending}"
        path.write_bytes(table_bytes(table, ending))
        return path

    return write


def test_a_workbook_says_what_it_is_and_keeps_numbers(taken):
    sheet = openpyxl.load_workbook(taken("xlsx")).worksheets[0]
    lines = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert [line[0] for line in lines[:4]] == ["道路 中断道路", *FACTS]
    assert lines[4] == ["村", "水深（米）", "个数", "geom"]
    assert len(lines) == 5 + len(ROWS)
    for k, (village, depth, number, none) in enumerate(lines[5:]):
        assert village.startswith("'"), village
        assert (depth, number, none) == (-1.5, k, None)
    assert sheet.freeze_panes == "B6"
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_a_csv_has_its_headings_first_and_the_facts_below(taken):
    lines = list(csv.reader(io.StringIO(taken("csv").read_bytes().decode("utf-8-sig"))))
    assert lines[0] == ["村", "水深（米）", "个数", "geom"]
    assert [line[1] for line in lines[1 : 1 + len(ROWS)]] == ["-1.5"] * len(ROWS)
    assert all(line[0].startswith("'") for line in lines[1 : 1 + len(ROWS)])
    assert [line[0] for line in lines[2 + len(ROWS) :]] == ["道路 中断道路", *FACTS]


def test_geodata_have_the_rows_with_their_places(taken):
    told = json.loads(taken("geojson").read_text(encoding="utf-8"))
    assert (told["name"], told["notes"]) == ("道路 中断道路", list(FACTS))
    assert [f["geometry"] is None for f in told["features"]] == [k % 2 == 0 for k in range(len(ROWS))]
    package = taken("gpkg")
    frame = gpd.read_file(package)
    assert frame.crs.to_epsg() == 4490
    assert list(frame["水深（米）"]) == [-1.5] * len(ROWS)
    assert all(word.startswith("'") for word in frame["村"])
    assert [s is None for s in frame.geometry] == [k % 2 == 0 for k in range(len(ROWS))]
    with sqlite3.connect(package) as base:
        (about,) = base.execute("SELECT description FROM gpkg_contents").fetchone()
    assert about.splitlines() == ["道路 中断道路", *FACTS]


def test_a_table_of_nothing_and_a_table_without_places(taken):
    assert json.loads(taken("geojson", TakenTable("空", [])).read_text())["features"] == []
    assert openpyxl.load_workbook(taken("xlsx", TakenTable("空", [], FACTS))).worksheets[0].max_row == 4
    frame = gpd.read_file(taken("gpkg", TakenTable("无", [{"名": "甲"}], (), [None])))
    assert list(frame["名"]) == ["甲"]


def test_the_same_table_gives_the_same_bytes_and_no_other_format(taken):
    for ending in ("xlsx", "csv", "gpkg", "geojson"):
        assert table_bytes(TAKEN, ending) == table_bytes(TAKEN, ending)
    with pytest.raises(InputError, match="format_unknown"):
        table_bytes(TAKEN, "exe")


def test_a_file_is_named_by_page_table_and_time():
    at = datetime(2026, 7, 3, 22, 30)
    assert file_name("道路 中断道路", at, "xlsx") == "道路_中断道路_20260703_2230.xlsx"
    assert file_name("../../x\x00<b>", at, "csv") == "x_b_20260703_2230.csv"
