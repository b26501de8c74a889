from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from geo_minzheng.model.document import Estimate, FormContent, FormEstimate, FormRow
from geo_minzheng.present.forms import total_values, unknown_regions, write_form
from geo_minzheng.present.text import Text

HEADINGS = (
    ("区域", "region_name"), ("灾种", "hazard_text"), ("隶属区域", "parent_region"), ("灾害发生时间", "occurred_at"),
    ("受灾人口(人)", "affected_population"), ("因灾死亡人口(人)", "deaths"),
    ("直接经济损失(万元)", "direct_economic_loss_wan"),
    ("倒塌房屋间数(间)", "collapsed_rooms"),
)  # fmt: skip


def _row(name: str, **values: float | None) -> FormRow:
    return FormRow(name, "洪涝灾害-江河洪水", "湖北省-鄂州市-华容区", datetime(2026, 7, 3, 2, tzinfo=UTC), values)


CONTENT = FormContent(
    HEADINGS,
    (
        _row("华容镇", affected_population=1200, deaths=0, direct_economic_loss_wan=10.1),
        _row("=cmd|' /C calc'!A0", affected_population=300, deaths=None, direct_economic_loss_wan=0.2),
    ),
    datetime(2026, 7, 3, 21, 40),
    estimates=(FormEstimate("华容镇", Estimate("受灾人口", 900.0, 99999.0, 100000.0, "人", "淹没相交")),),
    synthetic=True,
)


def test_form_has_the_exact_headings_towns_and_total(zh: Text, tmp_path: Path) -> None:
    book = load_workbook(write_form(CONTENT, tmp_path / "form.xlsx", zh))
    sheet = book.worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert list(rows[0]) == [heading for heading, _ in HEADINGS]
    assert rows[1][4:] == (1200, 0, 10.1, None)
    assert rows[2][4:] == (300, None, 0.2, None)
    assert rows[3] == ("合计", None, None, None, 1500, 0, 10.3, None)
    assert rows[1][3] == datetime(2026, 7, 3, 2)
    assert sheet.max_row == 4


def test_the_form_of_a_part_says_so(zh: Text, tmp_path: Path) -> None:
    book = load_workbook(write_form(replace(CONTENT, part="华容镇"), tmp_path / "form.xlsx", zh))
    assert [r[0] for r in book.worksheets[0].iter_rows(values_only=True)][-1] == "华容镇合计"
    notes = [r[0] for r in book.worksheets[2].iter_rows(values_only=True)]
    assert zh("present.form.note_part", place="华容镇") in notes


def test_estimates_never_enter_the_form(zh: Text, tmp_path: Path) -> None:
    book = load_workbook(write_form(CONTENT, tmp_path / "form.xlsx", zh))
    assert book.sheetnames == ["灾情统计表", "模型估算（不入统计表）", "填表说明"]
    assert not [c for row in book.worksheets[0].iter_rows(values_only=True) for c in row if c == 99999]
    assert list(book.worksheets[1].iter_rows(values_only=True))[1] == (
        "华容镇",
        "受灾人口",
        900,
        99999,
        100000,
        "人",
        "淹没相交",
    )


def test_unknown_is_said_not_counted_as_zero(zh: Text, tmp_path: Path) -> None:
    assert dict(unknown_regions(CONTENT)) == {"因灾死亡人口(人)": ("=cmd|' /C calc'!A0",)}
    book = load_workbook(write_form(CONTENT, tmp_path / "form.xlsx", zh))
    notes = [row[0] for row in book.worksheets[2].iter_rows(values_only=True)]
    assert any("因灾死亡人口(人)" in n and "未掌握" in n for n in notes)
    assert any("示范数据" in n for n in notes)


def test_no_cell_is_a_formula_and_numbers_stay_numbers(zh: Text, tmp_path: Path) -> None:
    book = load_workbook(write_form(CONTENT, tmp_path / "form.xlsx", zh))
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert not [c for c in cells if c.data_type == "f"]
    assert book.worksheets[0]["A3"].value == "'=cmd|' /C calc'!A0"
    assert book.worksheets[0]["E2"].data_type == "n"


def test_form_is_the_same_for_the_same_content(zh: Text, tmp_path: Path) -> None:
    first = write_form(CONTENT, tmp_path / "a.xlsx", zh).read_bytes()
    assert write_form(CONTENT, tmp_path / "b.xlsx", zh).read_bytes() == first


def test_form_prints_with_headings_frozen(zh: Text, tmp_path: Path) -> None:
    sheet = load_workbook(write_form(CONTENT, tmp_path / "form.xlsx", zh)).worksheets[0]
    assert sheet.freeze_panes == "B2"
    assert sheet.page_setup.orientation == "landscape"
    assert sheet.print_title_rows == "$1:$1"


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**7)), min_size=1, max_size=30), st.randoms())
def test_total_is_the_sum_of_what_is_known_in_any_order(values: list[int | None], rng: object) -> None:
    rows = tuple(_row(f"镇{i}", deaths=v) for i, v in enumerate(values))
    known = [v for v in values if v is not None]
    total = total_values(rows, ("deaths",))["deaths"]
    assert total == (sum(known) if known else None)
    mixed = list(rows)
    rng.shuffle(mixed)  # type: ignore[attr-defined]
    assert total_values(tuple(mixed), ("deaths",))["deaths"] == total
