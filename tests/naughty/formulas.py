"""Cells that a spreadsheet would run, and cells whose value is not in the file."""

import io

import openpyxl

from .archives import TABLE
from .builders import VILLAGE, rezip, village_csv, workbook
from .case import case

STARTS = ("=cmd|'/c calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1+1", "＝1+1", "＋1", "－1", "＠A1", '=HYPERLINK("http://127.0.0.1:9")',
          "=WEBSERVICE(\"http://127.0.0.1:9\")", "'=1+1")  # fmt: skip


def _raw_sheet(cell, at="C2"):
    """Put a cell of our own into a workbook's XML."""
    book = workbook([VILLAGE, ["420703100001", "甲村", 77, 3, 114.7, 30.4]])

    def change(name, data):
        if not name.endswith("sheet1.xml"):
            return data
        return data.replace(b'<c r="C2" t="n"><v>77</v></c>', cell.encode())

    return rezip(book, change)


def cases(rng, bait):
    for number, text in enumerate(STARTS):
        quoted = '"' + text.replace('"', '""') + '"'
        yield case(
            f"text{number}.csv",
            village_csv(["420703100001", quoted, 10, 3, 114.7, 30.4]),
            kind="harmless",
            rows=1,
            **TABLE,
        )
        yield case(
            f"number{number}.csv",
            village_csv(["420703100001", "甲村", quoted, 3, 114.7, 30.4]),
            "not_a_number",
            "out_of_range",
            kind="harmless" if text == "＋1" else "mistake",
            rows=int(text == "＋1"),
            **TABLE,
        )
    bad = {"kind": "mistake", **TABLE}
    yield case(
        "uncomputed.xlsx",
        workbook([VILLAGE, ["420703100001", "甲村", "=1+1", 1, 114.7, 30.4]]),
        "formula_without_value",
        **bad,
    )
    yield case(
        "uncomputed_name.xlsx",
        workbook([VILLAGE, ["420703100001", "=A1", 1, 1, 114.7, 30.4]]),
        "formula_without_value",
        **bad,
    )
    for number, word in enumerate(("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!")):
        yield case(
            f"error{number}.xlsx",
            workbook([VILLAGE, ["420703100001", "甲村", word, 1, 114.7, 30.4]]),
            "excel_error",
            **bad,
        )
        yield case(
            f"error{number}.csv",
            village_csv(["420703100001", "甲村", word, 1, 114.7, 30.4]),
            "not_a_number",
            "excel_error",
            **bad,
        )
    for name, cell, *codes in (
        ("shared_range", '<c r="C2" t="s"><v>99999</v></c>', "file_broken", "value_missing", "worker_died"),
        ("shared_minus", '<c r="C2" t="s"><v>-1</v></c>', "file_broken", "value_missing", "worker_died"),
        ("shared_words", '<c r="C2" t="s"><v>abc</v></c>', "file_broken", "value_missing", "worker_died"),
        ("dde", "<c r=\"C2\"><f>cmd|'/c calc'!A0</f></c>", "formula_without_value"),
        ("external", '<c r="C2"><f>[1]Sheet1!$A$1</f></c>', "formula_without_value"),
        ("error", '<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "excel_error"),
        ("text_result", '<c r="C2" t="str"><f>A1&amp;B1</f><v>甲</v></c>', "not_a_number"),
        ("nan", '<c r="C2"><v>NaN</v></c>', "not_finite", "not_a_number", "file_broken"),
        ("infinite", '<c r="C2"><v>1e999</v></c>', "not_finite", "not_a_number", "out_of_range", "file_broken"),
        ("truth", '<c r="C2" t="b"><v>1</v></c>', "not_a_number"),
        ("day", '<c r="C2" t="d"><v>2024-01-01</v></c>', "not_a_number"),
        ("far_column", '<c r="C2"><v>77</v></c><c r="XFD2"><v>1</v></c>', "stray_cell"),
        ("bad_place", '<c r="ZZZZ9999999999"><v>77</v></c>', "file_broken", "value_missing", "worker_died", "stray_cell", "too_many_rows"),
        ("no_place", '<c r=""><v>77</v></c>', "file_broken", "value_missing", "worker_died"),
    ):  # fmt: skip
        yield case(f"cell_{name}.xlsx", _raw_sheet(cell), *codes, **{**bad, "kind": "damage"})
    yield case("computed.xlsx", _raw_sheet('<c r="C2"><f>70+7</f><v>77</v></c>'), kind="harmless", rows=1, **TABLE)
    yield case(
        "inline.xlsx", _raw_sheet('<c r="C2" t="inlineStr"><is><t>77</t></is></c>'), kind="harmless", rows=1, **TABLE
    )
    far = rezip(
        workbook([VILLAGE, ["420703100001", "甲村", 1, 1, 114.7, 30.4]]),
        lambda n, d: (
            d.replace(b"</sheetData>", b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>')
            if n.endswith("sheet1.xml")
            else d
        ),
    )
    yield case("far_row.xlsx", far, "stray_cell", **{**bad, "kind": "damage"})
    lying = rezip(
        workbook([VILLAGE, ["420703100001", "甲村", 1, 1, 114.7, 30.4]]),
        lambda n, d: d.replace(b'ref="A1:F2"', b'ref="A1:XFD1048576"') if n.endswith("sheet1.xml") else d,
    )
    yield case("lying_dimension.xlsx", lying, kind="harmless", rows=1, **TABLE)
    merged = rezip(
        workbook([VILLAGE, ["420703100001", "甲村", 1, 1, 114.7, 30.4]]),
        lambda n, d: (
            d.replace(
                b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
            )
            if n.endswith("sheet1.xml")
            else d
        ),
    )
    yield case("merged_all.xlsx", merged, **{**bad, "kind": "damage"})
    many = "".join(f'<mergeCell ref="A{i}:Z{i + 9000}"/>' for i in range(3, 3000)).encode()
    yield case(
        "merged_many.xlsx",
        rezip(
            workbook([VILLAGE, ["420703100001", "甲村", 1, 1, 114.7, 30.4]]),
            lambda n, d: (
                d.replace(b"</sheetData>", b"</sheetData><mergeCells>" + many + b"</mergeCells>")
                if n.endswith("sheet1.xml")
                else d
            ),
        ),
        kind="harmless",
        rows=1,
        **TABLE,
    )
    book = openpyxl.load_workbook(io.BytesIO(workbook([VILLAGE, ["420703100001", "甲村", 1, 1, 114.7, 30.4]])))
    for title, state in (("二", "visible"), ("藏", "hidden"), ("深藏", "veryHidden")):
        sheet = book.create_sheet(title)
        sheet.append(VILLAGE)
        sheet.append(["420703100002", "藏村", 1, 1, 114.7, 30.4])
        sheet.sheet_state = state
        buffer = io.BytesIO()
        book.save(buffer)
        if state == "visible":
            yield case("two_sheets.xlsx", buffer.getvalue(), "sheet_needed", **{**bad, "kind": "damage"})
        else:
            yield case(f"{state}_sheet.xlsx", buffer.getvalue(), kind="harmless", rows=1, **TABLE)
        del book[title]
