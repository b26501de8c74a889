"""Imports of stock: every word of a unit, and no second opening of a lot that is on the books."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
from desk import Desk

HEADS = ["仓库编号", "批次号", "物资编码", "数量", "计量单位", "权属", "动用权限", "入库日期"]


def _sheet(path: Path, *rows: tuple[str, float, str]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADS)
    for lot, quantity, unit in rows:
        sheet.append(["CK01", lot, "大米", quantity, unit, "区级", "区应急局", datetime(2026, 5, 1)])
    book.save(path)
    return path


def _import(desk: Desk, file: Path, code: int = 0) -> dict[str, Any]:
    said = desk.run("layer", "import", "stock_lot", file)
    assert said.code == code, said
    (told,) = said.json
    return dict(told)


def test_a_kilogram_has_several_words(desk, tmp_path):
    told = _import(desk, _sheet(tmp_path / "a.xlsx", ("R-1", 500, "kg"), ("R-2", 250, "公斤"), ("R-3", 100, "千克")))
    assert told["stored"] == 3
    lots = {r["lot_no"]: r for r in desk.do("stock", "list")}
    assert {lots[f"R-{k}"]["unit"] for k in (1, 2, 3)} == {"千克"}
    assert _import(desk, tmp_path / "a.xlsx")["unchanged"] == 3


def test_a_lot_on_the_books_is_not_opened_again_with_another_quantity(desk, tmp_path):
    """Every such row is named in the file's own report, like any other fault."""
    _import(desk, _sheet(tmp_path / "b.xlsx", ("R-4", 500, "千克"), ("R-5", 500, "千克")))
    before = desk.do("stock", "list")
    wrong = _sheet(tmp_path / "c.xlsx", ("R-4", 600, "千克"), ("R-5", 700, "千克"), ("R-6", 10, "千克"))
    told = _import(desk, wrong, code=1)
    assert (told["rows"], told["refused"], told["stored"]) == (3, 2, 0)
    faults = [f for f in told["faults"] if f["severity"] == "error"]
    assert [(f["row"], f["code"]) for f in faults] == [(2, "lot_changed"), (3, "lot_changed")]
    assert "500" in faults[0]["message"] and "600" in faults[0]["message"]
    assert desk.do("stock", "list") == before
