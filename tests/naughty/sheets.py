"""Sheets of villages, households and stock that are right but for one value."""

from .archives import TABLE
from .broken import ROWS
from .builders import VILLAGE, old_workbook, village_csv, workbook
from .case import case

HOUSEHOLD = ["家庭编号", "行政村代码", "户主姓名", "证件类型", "证件号码", "家庭人口", "救助类别", "残疾人", "独居老人"]
LOT = ["仓库编号", "批次号", "品种编码", "数量", "计量单位", "物资权属", "动用权限", "生产日期", "保质期至", "入库日期"]


def _households():
    return [[f"NH{i}", "420703100201", f"张{i}", "示范证件", f"DEMO-{i:05d}", 3, "低保户", 0, "否"] for i in range(12)]


def _lots():
    return [
        [
            "CK01",
            f"NL{i}",
            "drinking_water",
            100 + i,
            "升",
            "区",
            "区应急管理局",
            "2026-01-01",
            "2027-01-01",
            "2026-01-05",
        ]
        for i in range(12)
    ]


def _spoilt(rows, head, column, value, at=6):
    rows = [list(row) for row in rows]
    rows[at][head.index(column)] = value
    return [head, *rows]


def _csv(rows):
    def cell(value):
        text = str(value)
        return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n') else text

    return "\n".join(",".join(cell(c) for c in row) for row in rows) + "\n"


def cases(rng, bait):
    for column, value, *codes in (
        ("家庭编号", "", "value_missing"), ("家庭编号", "NH0", "duplicate_key"), ("行政村代码", "420703999999", "reference_unknown"),
        ("行政村代码", "4207031002", "code_length"), ("行政村代码", "4.20703E+11", "code_scientific"), ("行政村代码", "42070310020O", "code_not_digits"),
        ("户主姓名", "", "value_missing"), ("户主姓名", "张\x01", "text_unreadable"), ("户主姓名", "长" * 2001, "text_too_long"),
        ("证件类型", "护照本", "not_in_list"), ("证件号码", "4.20703E+17", "text_scientific"), ("家庭人口", "三", "not_a_number"),
        ("家庭人口", "0", "out_of_range"), ("家庭人口", "31", "out_of_range"), ("家庭人口", "2.5", "not_a_whole_number"),
        ("家庭人口", "-3", "out_of_range"), ("家庭人口", "NaN", "not_finite"), ("家庭人口", "1e400", "not_finite", "out_of_range"),
        ("家庭人口", "", "value_missing"), ("救助类别", "低保户、五保户", "not_in_list"), ("残疾人", "约1", "not_a_number"),
        ("独居老人", "可能", "not_yes_or_no"), ("家庭人口", "3；4", "not_a_number"), ("家庭人口", "0x3", "not_a_number"),
    ):  # fmt: skip
        name = f"{'_'.join(codes[:1])}_{len(str(value))}_{HOUSEHOLD.index(column)}_{abs(hash_of(value))}"
        rows = _spoilt(_households(), HOUSEHOLD, column, value)
        yield case(f"household_{name}.csv", _csv(rows), *codes, "content_mismatch", kind="mistake", layer="household")
        if "\x01" not in str(value):
            yield case(f"household_{name}.xlsx", workbook(rows), *codes, kind="mistake", layer="household")
    for column, value, *codes in (
        ("仓库编号", "CK99", "reference_unknown"), ("批次号", "NL0", "duplicate_key"), ("品种编码", "no_such_item", "not_in_list"),
        ("数量", "-5", "out_of_range"), ("数量", "一百", "not_a_number"), ("数量", "1e12", "out_of_range"), ("数量", "", "value_missing"),
        ("计量单位", "箱", "wrong_unit"), ("物资权属", "别人", "not_in_list"), ("生产日期", "2026-02-30", "not_a_date"),
        ("保质期至", "2025-01-01", "dates_crossed"), ("入库日期", "昨天", "not_a_date"), ("入库日期", "", "value_missing"),
        ("数量", "12,34", "not_a_number"), ("数量", "１２。５", "not_a_number"), ("数量", "1/0", "not_a_number"), ("入库日期", "0000-00-00", "not_a_date"),
    ):  # fmt: skip
        name = f"{codes[0]}_{LOT.index(column)}_{abs(hash_of(value))}"
        yield case(
            f"lot_{name}.csv", _csv(_spoilt(_lots(), LOT, column, value)), *codes, kind="mistake", layer="stock_lot"
        )
    table = {"kind": "mistake", **TABLE}
    for column, value, *codes in (
        ("常住人口", "NaN", "not_finite"), ("常住人口", "∞", "not_a_number"), ("总户数", "一", "not_a_number"),
        ("行政村代码", "42070310000", "code_length"), ("行政村代码", "420703100", "code_not_village", "code_length"),
        ("行政村代码", "420704100001", "reference_unknown"), ("行政村名称", "", "value_missing"), ("常住人口", "99999999999999999999", "out_of_range"),
    ):  # fmt: skip
        data = _spoilt(ROWS[:12], VILLAGE, column, value)
        stem = f"village_{codes[0]}_{abs(hash_of(value))}"
        yield case(f"{stem}.csv", _csv(data), *codes, **table)
        yield case(f"{stem}.xls", old_workbook(data), *codes, **table)
    yield case("headless.csv", "a,b\n1,2\n", "column_missing", kind="damage", **TABLE)
    yield case("headless.xlsx", workbook([[1, 2], [3, 4]]), "column_missing", kind="damage", **TABLE)
    yield case("heading_only.xlsx", workbook([VILLAGE]), "no_rows", kind="damage", **TABLE)
    yield case("nothing.xlsx", workbook([]), "no_rows", kind="damage", **TABLE)
    yield case(
        "only_total.csv", village_csv(["合计", "", 1, 1, "", ""]), "no_rows", "column_missing", kind="damage", **TABLE
    )
    yield case(
        "ten_thousand_units.csv",
        village_csv(*ROWS[:2]).replace("常住人口", "常住人口（万人）"),
        "heading_unit",
        kind="damage",
        **TABLE,
    )
    yield case(
        "bad_map.csv", village_csv(*ROWS[:2]), "mapping_unknown", kind="damage", options=("--map", "code=没有"), **TABLE
    )
    yield case(
        "bad_target.csv",
        village_csv(*ROWS[:2]),
        "mapping_target",
        kind="damage",
        options=("--map", "nothing=行政村名称"),
        **TABLE,
    )
    yield case(
        "sql_name.csv",
        village_csv(["420703100001", "'; DROP TABLE village;--", 1, 1, 114.7, 30.4]),
        kind="harmless",
        rows=1,
        **TABLE,
    )
    yield case(
        "script_name.csv",
        village_csv(["420703100001", "<img src=x onerror=alert(1)>${1}`", 1, 1, 114.7, 30.4]),
        kind="harmless",
        rows=1,
        **TABLE,
    )
    yield case(
        "format_name.csv",
        village_csv(["420703100001", "{row}{0.__class__}%s%n", 1, 1, 114.7, 30.4]),
        kind="harmless",
        rows=1,
        **TABLE,
    )
    yield case(
        "format_fault.csv", village_csv(["{row.__class__}", "甲", 1, 1, 114.7, 30.4]), "code_not_digits", **table
    )
    yield case("total.csv", village_csv(*ROWS[:3], ["合计", "", 33, 9, "", ""]), kind="harmless", rows=3, **TABLE)


def hash_of(value):
    """A number that is the same in every process."""
    return sum(ord(c) * (i + 1) for i, c in enumerate(str(value))) % 9973
