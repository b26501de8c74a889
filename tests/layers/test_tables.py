import io
from pathlib import Path

import openpyxl
import pytest
from naughty.builders import old_workbook
from openpyxl.styles import Font

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Format, Limits
from geo_minzheng.layers.headings import find_table, match_headings
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.read import check_sheet, read_layer
from geo_minzheng.layers.tables import decode, read_tables, read_xlsx


def bureau_book(path):
    """A register as a bureau hands it over: title, unit line, two heading rows, column numbers, totals, notes."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "花名册"
    rows = [
        ["华容区行政村基本情况表"],
        ["填报单位：华容镇", None, None, None, None, None, "2024年7月1日"],
        ["乡镇", "行政村", None, "人口", None, "户数", "备注"],
        [None, "行政村代码", "行政村名称", "常住人口", "其中：60岁以上人口", None, None],
        ["甲", "乙", "丙", 1, 2, 3, 4],
        ["华容镇", 420703100201, "王岗村", 1200, 230, 310, None],
        [None, 420703100202.0, "陈岗村", "1,150", 220, 290, "含*号"],
        [None, "小  计", None, 2350, 450, 600, None],
        ["合 计", None, None, 2350, 450, 600, None],
        ["注：数据截至2024年6月30日。"],
        ["填表人：张三", None, "审核人：李四"],
    ]
    for row in rows:
        sheet.append(row)
    for block in ("A1:G1", "A2:F2", "A3:A4", "B3:C3", "D3:E3", "F3:F4", "G3:G4", "A6:A8", "A9:C9", "A10:G10"):
        sheet.merge_cells(block)
    sheet["A1"].font = Font(bold=True)
    book.save(path)
    return path


def test_a_bureau_table_is_read_as_people_see_it(tmp_path, catalogue):
    path = bureau_book(tmp_path / "行政村.xlsx")
    spec = catalogue["village"]
    raw = read_tables(path, Format.XLSX, "", Limits())[0]
    table = find_table(raw, spec, {})
    assigned, _ = match_headings(table.parts, spec, {})
    assert {"code", "name", "resident_population", "household_count", "elderly_60"} <= set(assigned)
    assert table.rows == (6, 7)
    assert table.ignored == (5, 8, 9, 10, 11)
    checked = check_sheet(raw, path, catalogue["village_area"], ReadOptions())
    assert checked.rows == 7


def test_totals_are_ignored_and_counted(tmp_path, catalogue):
    path = tmp_path / "d.csv"
    path.write_text("代码,名称\n420703100,华容镇\n合计,\n420703101,葛店镇\n,小计\n总计：,2\n\n", encoding="utf-8")
    checked = read_layer(path, catalogue["division"], ReadOptions())
    assert (checked.rows, len(checked.frame), checked.refused, checked.ignored) == (5, 2, 0, 3)
    assert list(checked.frame.index) == [2, 4]


def test_a_table_of_nothing_but_totals_has_no_rows(tmp_path, catalogue):
    path = tmp_path / "t.csv"
    path.write_text("代码,名称\n合计,2\n", encoding="utf-8")
    checked = read_layer(path, catalogue["division"], ReadOptions())
    assert (checked.rows, checked.ignored, [f.code for f in checked.faults]) == (1, 1, ["no_rows"])


def test_one_stray_zero_makes_no_two_byte_encoding(tmp_path, catalogue):
    path = tmp_path / "z.csv"
    path.write_text("代码,名称\n" + "420703100,华容镇\n" * 3 + "420703101,\x00\n", encoding="utf-8")
    assert [f.code for f in read_layer(path, catalogue["division"], ReadOptions()).faults] == ["content_mismatch"]


def test_a_block_merged_over_the_whole_sheet_holds_one_value(tmp_path):
    book = openpyxl.Workbook()
    book.active.merge_cells("A1:C40000")
    book.active["A1"] = "甲"
    book.save(tmp_path / "m.xlsx")
    book = openpyxl.load_workbook(tmp_path / "m.xlsx")
    book.active.unmerge_cells("A1:C40000")
    book.active.append(["一", "二", "三"])
    book.active.merged_cells.add("A1:C40000")
    book.save(tmp_path / "m.xlsx")
    sheet = read_xlsx(tmp_path / "m.xlsx", Limits())[0]
    assert [set(column) for column in sheet.columns] == [{"甲"}] * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_encodings_and_delimiters_are_found(tmp_path, encoding, delimiter):
    path = tmp_path / "t.csv"
    path.write_bytes(f"代码{delimiter}名称\n420703100{delimiter}庙岭镇\n".encode(encoding))
    sheet = read_tables(path, Format.CSV, "", Limits())[0]
    assert [c[1] for c in sheet.columns] == ["420703100", "庙岭镇"]
    assert sheet.notes["guessed"] == (encoding in ("gbk", "gb18030"))


def test_a_guessed_encoding_is_shown_and_a_wrong_one_refused(tmp_path, catalogue):
    path = tmp_path / "g.csv"
    path.write_bytes("代码,名称\n420703100,庙岭镇\n".encode("gbk"))
    checked = read_layer(path, catalogue["division"], ReadOptions())
    assert [f.code for f in checked.faults] == ["encoding_guessed"]
    assert "代码" in checked.faults[0].value
    with pytest.raises(InputError, match="encoding_wrong"):
        decode("庙".encode("gbk"), "utf-8")
    with pytest.raises(InputError, match="encoding_unknown"):
        decode(b"a", "no_such")


def test_quoted_line_breaks_keep_the_row_number(tmp_path, catalogue):
    path = tmp_path / "q.csv"
    path.write_text('代码,名称\n420703100,"华容\n镇"\n4207031,坏\n', encoding="utf-8")
    checked = read_layer(path, catalogue["division"], ReadOptions())
    assert [(f.row, f.code) for f in checked.faults] == [(3, "code_length")]


def test_dates_truths_and_formulas_come_from_the_workbook(tmp_path):
    from datetime import datetime

    book = openpyxl.Workbook()
    book.active.append(["日期", "是否", "数", "公式"])
    book.active.append([datetime(2024, 7, 1), True, 3.5, "=C2*2"])
    path = tmp_path / "f.xlsx"
    book.save(path)
    sheet = read_xlsx(path, Limits())[0]
    assert [c[1] for c in sheet.columns] == ["2024-07-01", "true", "3.5", None]
    assert [(f.code, f.row, f.value) for f in sheet.faults] == [("formula_without_value", 2, "=C2*2")]


def test_computed_formulas_are_taken_by_value(tmp_path):
    import zipfile

    book = openpyxl.Workbook()
    book.active.append(["a", "=1+1"])
    buffer = io.BytesIO()
    book.save(buffer)
    path = tmp_path / "c.xlsx"
    with zipfile.ZipFile(buffer) as source, zipfile.ZipFile(path, "w") as target:
        for info in source.infolist():
            data = source.read(info)
            target.writestr(
                info.filename,
                data.replace(b"<v></v>", b"<v>2</v>").replace(b"<v />", b"<v>2</v>").replace(b"<v/>", b"<v>2</v>"),
            )
    sheet = read_xlsx(path, Limits())[0]
    assert sheet.columns[1][0] == "2"
    assert not sheet.faults


def test_one_sheet_is_asked_for_and_named(tmp_path, catalogue):
    book = openpyxl.Workbook()
    book.active.title = "一"
    book.active.append(["代码", "名称"])
    book.active.append(["420703100", "华容镇"])
    book.create_sheet("空")
    path = tmp_path / "s.xlsx"
    book.save(path)
    assert len(read_layer(path, catalogue["division"]).frame) == 1
    book["空"].append(["代码", "名称"])
    book["空"].append(["420703101", "葛店镇"])
    book.save(path)
    refused = read_layer(path, catalogue["division"])
    assert refused.faults[0].facts["allowed"] == "一、空"
    chosen = read_layer(path, catalogue["division"], ReadOptions(sheet="空"))
    assert list(chosen.frame["code"]) == ["420703101"]
    assert read_layer(path, catalogue["division"], ReadOptions(sheet="无")).faults[0].code == "sheet_unknown"


def test_old_workbooks_are_read():
    """A workbook of the old format that an office program wrote; its third row is empty."""
    path = Path(__file__).parent / "files" / "old.xls"
    sheet = read_tables(path, Format.XLS, "", Limits())[0]
    assert sheet.rows == (1, 2, 4)
    assert sheet.columns[0] == ["代码", "420703100", "420703101"]


def test_old_workbooks_with_a_password_are_refused(tmp_path):
    path = tmp_path / "p.xls"
    path.write_bytes(old_workbook([["代码"], ["420703100"]], password=True))
    with pytest.raises(InputError, match="file_encrypted"):
        read_tables(path, Format.XLS, "", Limits())


def test_limits_of_rows_and_columns_hold(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text("a\n" * 30, encoding="utf-8")
    with pytest.raises(InputError, match="too_many_rows"):
        read_tables(path, Format.CSV, "", Limits(features=20))
    path.write_text(
        ",".join(map(str, range(30))) + "\n" + "\n".join([",".join(map(str, range(30)))] * 3), encoding="utf-8"
    )
    with pytest.raises(InputError, match="too_many_cells"):
        read_tables(path, Format.CSV, "", Limits(cells=50))
