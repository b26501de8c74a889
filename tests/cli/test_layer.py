"""``layer import`` and ``convert``: the counts add up, the same file twice changes nothing, all or nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import geopandas
import openpyxl
import pytest
from desk import Desk

ROOT = Path(__file__).resolve().parents[2]
FIELDS = {"file", "rows", "accepted", "refused", "ignored", "unchanged", "stored", "faults"}
FAULT = {"file", "sheet", "row", "column", "value", "code", "severity", "message"}
HEADS = ["仓库编号", "仓库名称", "行政村代码", "经度", "纬度", "联系人", "联系电话"]
VILLAGE = "420703100001"


def _import(desk: Desk, *words: object, code: int = 0) -> list[dict[str, Any]]:
    said = desk.run("layer", "import", *words)
    assert said.code == code, said
    told = said.json
    for row in told:
        assert set(row) == FIELDS
        assert row["rows"] == row["accepted"] + row["refused"] + row["ignored"] + row["unchanged"], row
        assert all(set(f) == FAULT and f["message"] and f["severity"] in {"error", "warning"} for f in row["faults"])
        assert (row["refused"] > 0) <= any(f["severity"] == "error" for f in row["faults"])
    return list(told)


def _rows(desk: Desk, layer: str) -> int:
    return int(next(r["rows"] for r in desk.do("layer", "list") if r["layer"] == layer))


def _known() -> list[list[str]]:
    with (ROOT / "data" / "demo" / "warehouse.csv").open(encoding="gbk", newline="") as file:
        return list(csv.reader(file))


def _file(path: Path, rows: list[list[str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def _changed(rows: list[list[str]], ident: str) -> list[list[str]]:
    """A warehouse like the first one under another id."""
    return [rows[0], [ident, *rows[1][1:]]]


CRS = ("--crs", "EPSG:4490")


def test_the_same_file_twice_changes_nothing(desk, tmp_path):
    file = _file(tmp_path / "new.csv", _changed(_known(), "CKX1"), "gbk")
    before = _rows(desk, "warehouse")
    (dry,) = _import(desk, "warehouse", file, *CRS, "--dry-run")
    assert (dry["accepted"], dry["stored"]) == (1, 0) and _rows(desk, "warehouse") == before
    head = desk.do("audit", "list", "--limit", 1)
    (first,) = _import(desk, "warehouse", file, *CRS)
    assert (first["accepted"], first["stored"], first["unchanged"]) == (1, 1, 0)
    assert desk.do("audit", "list", "--limit", 1) != head
    (second,) = _import(desk, "warehouse", file, *CRS)
    assert (second["accepted"], second["stored"], second["unchanged"]) == (0, 0, 1)
    assert _rows(desk, "warehouse") == before + 1


def test_several_files_go_in_together_or_not_at_all(desk, tmp_path):
    rows = _known()
    good = _file(tmp_path / "good.csv", _changed(rows, "CKX2"))
    bad_rows = _changed(rows, "CKX3")
    bad_rows[1][rows[0].index(next(h for h in rows[0] if "经度" in h or "lon" in h.lower()))] = "nan"
    bad = _file(tmp_path / "bad.csv", bad_rows)
    before, head = _rows(desk, "warehouse"), desk.do("audit", "list", "--limit", 1)
    for order in ((good, bad), (bad, good)):
        told = _import(desk, "warehouse", *order, *CRS, code=1)
        assert [t["stored"] for t in told] == [0, 0] and sum(t["refused"] for t in told) == 1
    assert _rows(desk, "warehouse") == before and desk.do("audit", "list", "--limit", 1) == head
    fault = next(f for t in told for f in t["faults"] if f["severity"] == "error")
    assert fault["row"] == 2 and fault["column"] and "bad.csv" in fault["file"]
    told = _import(desk, "warehouse", good, _file(tmp_path / "more.csv", _changed(rows, "CKX4")), *CRS)
    assert [t["stored"] for t in told] == [1, 1]


def test_every_fault_of_a_file_is_told_in_one_pass(desk, tmp_path):
    rows = _known()
    place = {h: k for k, h in enumerate(rows[0])}
    lon = next(k for h, k in place.items() if "经度" in h)
    code = next(k for h, k in place.items() if "代码" in h)
    bad = [rows[0], *([f"CKY{k}", *rows[1][1:]] for k in range(3)), ["CKY0", *rows[1][1:]]]
    bad[1][lon], bad[2][code] = "999", "420703999999"
    (told,) = _import(desk, "warehouse", _file(tmp_path / "bad.csv", bad), *CRS, code=1)
    codes = {f["code"] for f in told["faults"] if f["severity"] == "error"}
    assert len(codes) >= 3 and told["stored"] == 0, told
    assert {f["row"] for f in told["faults"]} >= {2, 3}


def test_a_file_without_a_system_is_asked_for_one(desk, tmp_path):
    (told,) = _import(desk, "warehouse", _file(tmp_path / "w.csv", _changed(_known(), "CKX5")), code=1)
    assert told["stored"] == 0 and any("crs" in f["code"] for f in told["faults"]), told


def test_gcj02_is_converted_and_named_columns_are_mapped(desk, tmp_path):
    rows = _changed(_known(), "CKX6")
    rows[0][0] = "我的编号"
    file = _file(tmp_path / "mapped.csv", rows)
    (told,) = _import(desk, "warehouse", file, "--crs", "gcj02", "--map", "warehouse_id=我的编号")
    assert told["stored"] == 1
    assert desk.refused("layer", "import", "warehouse", file, "--map", "nonsense")["error"] == "imports.bad_mapping"
    assert desk.refused("layer", "import", "no_such_layer", file)["error"] == "imports.unknown_layer"


@pytest.mark.parametrize("name", ["missing.csv", "folder", "empty.csv", "words.geojson", "zip.zip"])
def test_files_that_are_none_are_refused_with_a_sentence(desk, tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.csv").touch()
    (tmp_path / "words.geojson").write_text("这不是数据")
    (tmp_path / "zip.zip").write_bytes(b"PK\x03\x04nonsense")
    (told,) = _import(desk, "warehouse", tmp_path / name, *CRS, code=1)
    assert told["stored"] == 0 and told["faults"]


def test_a_stock_sheet_in_the_wrong_unit_or_of_an_unknown_item_is_refused(desk, tmp_path):
    from openpyxl import load_workbook

    book = load_workbook(ROOT / "data" / "demo" / "stock_lot.xlsx")
    sheet = book.worksheets[0]
    cell = next(c for row in sheet.iter_rows() for c in row if c.value == "升")
    cell.value, row = "毫升", cell.row
    book.save(tmp_path / "wrong.xlsx")
    (told,) = _import(desk, "stock_lot", tmp_path / "wrong.xlsx", code=1)
    assert any(f["code"] == "wrong_unit" and f["row"] == row and f["value"] == "毫升" for f in told["faults"]), told


def test_the_opening_sheet_again_does_not_put_stock_back_on_the_shelf(desk):
    lot = next(r for r in desk.do("stock", "list") if r["movable"] > 1)
    desk.do("stock", "issue", lot["warehouse"], 1, "--lot", lot["lot_no"], "--voucher", "V-again")
    before = desk.do("stock", "list")
    (told,) = _import(desk, "stock_lot", ROOT / "data" / "demo" / "stock_lot.xlsx")
    assert told["stored"] == 0 and told["unchanged"] > 40, told
    assert desk.do("stock", "list") == before
    assert desk.do("verify")["ledger"] == "ok"


def test_a_footprint_says_what_it_counted_once(desk, tmp_path):
    ring = [[114.80, 30.45], [114.82, 30.45], [114.82, 30.47], [114.80, 30.47], [114.80, 30.45]]
    shape = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    file = tmp_path / "water.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [shape, shape]}))
    desk.do("incident", "declare", "水", "--incident", "W1")
    told = desk.do("incident", "footprint", file, "--incident", "W1")
    assert {"polygons", "duplicates", "repaired", "area_km2"} <= set(told)
    assert told["duplicates"] == 1
    assert told["area_km2"] == pytest.approx(1.920 * 2.217, rel=0.01)
    bad = tmp_path / "lines.geojson"
    bad.write_text(
        json.dumps({"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [1, 2]}})
    )
    desk.refused("incident", "footprint", bad, "--incident", "W1")
    desk.refused("incident", "footprint", tmp_path / "missing.geojson", "--incident", "W1")


def test_convert_writes_the_stores_system(desk, tmp_path):
    source = tmp_path / "in.geojson"
    point = {"type": "Feature", "properties": {"a": 1}, "geometry": {"type": "Point", "coordinates": [114.9, 30.5]}}
    source.write_text(json.dumps({"type": "FeatureCollection", "features": [point]}))
    told = desk.do("layer", "convert", source, tmp_path / "out.geojson", "--crs", "gcj02")
    assert told["rows"] == 1
    found = json.loads((tmp_path / "out.geojson").read_text())["features"][0]["geometry"]["coordinates"]
    assert found != [114.9, 30.5] and abs(found[0] - 114.9) < 0.01 and abs(found[1] - 30.5) < 0.01
    desk.refused("layer", "convert", tmp_path / "none.geojson", tmp_path / "o.geojson", "--crs", "gcj02")
    desk.refused("layer", "convert", source, tmp_path / "o.geojson", "--crs", "mars")
    assert desk.run("layer", "convert", source).code == 2


@pytest.mark.parametrize(("layer", "ending"), [("warehouse", "xlsx"), ("village", "gpkg")])
def test_a_layer_is_exported_with_its_places_and_where_it_holds(demo_home, tmp_path, layer, ending):
    desk = Desk(demo_home)
    out = tmp_path / f"a.{ending}"
    told = desk.do("layer", "export", layer, "--out", out)
    assert told["file"] == str(out)
    if ending == "gpkg":
        assert len(geopandas.read_file(out)) == told["rows"] == 100
        return
    sheet = openpyxl.load_workbook(out).worksheets[0]
    assert sheet.max_row == told["rows"] + 5
    assert "2026年7月3日" in sheet["A3"].value


def test_geodata_of_a_layer_without_places_and_an_unknown_suffix_are_refused(demo_home, tmp_path):
    desk = Desk(demo_home)
    for layer, name in (("household", "a.gpkg"), ("village", "a.exe")):
        assert desk.refused("layer", "export", layer, "--out", tmp_path / name)["error"] == "tables.format_unknown"
        assert not (tmp_path / name).exists()
