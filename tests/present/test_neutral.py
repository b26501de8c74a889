"""One test over every sheet and CSV file the product writes: nothing in it runs, and numbers stay numbers."""

import ast
import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from geo_minzheng.bootstrap import text_of
from geo_minzheng.layers import convert
from geo_minzheng.model.document import FormContent, FormRow
from geo_minzheng.present import forms, tables, write

SOURCE = Path(write.__file__).parent.parent
DANGEROUS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "\n=1+1", "＝1+1", "＋1", "－1", "＠A1",
             " =1+1", "\u3000=1+1", "\ufeff=1+1", "=cmd|'/c calc'!A0", '=HYPERLINK("http://127.0.0.1")')  # fmt: skip
SIGNS = set("=+-@\t\r\n＝＋－＠")


def cells_of(path):
    if path.suffix == ".csv":
        rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        return [(cell, "n" if is_number(cell) else "s") for row in rows for cell in row if cell]
    book = openpyxl.load_workbook(path)
    return [(c.value, c.data_type) for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]


def is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _sheets(folder, suffix):
    columns = (write.SheetColumn("a", "=A1"), write.SheetColumn("n", "数"))
    rows = [{"a": text, "n": -1.5} for text in DANGEROUS]
    return [(write.write_xlsx if suffix == ".xlsx" else write.write_csv)(rows, columns, folder / f"a{suffix}")]


def _layer(folder, suffix, spec):
    frame = pd.DataFrame(
        {"household_id": [f"H{i}" for i in range(len(DANGEROUS))], "head_of_household": DANGEROUS, "household_size": 3}
    )
    tables.write_layer(frame, spec, folder / f"b{suffix}")
    return [folder / f"b{suffix}"]


def _form(folder):
    row = FormRow(
        values={"dead": -3.0},
        region_name="=1+1",
        hazard_text="@x",
        parent_region="＝1",
        occurred_at=datetime(2026, 7, 3, tzinfo=UTC),
    )
    content = FormContent(
        (
            ("=区域", "region_name"),
            ("灾种", "hazard_text"),
            ("隶属", "parent_region"),
            ("时间", "occurred_at"),
            ("人", "dead"),
        ),
        (row,),
        datetime(2026, 7, 3, tzinfo=UTC),
    )
    path = folder / "form.xlsx"
    forms.write_form(content, path, text_of("zh"))
    return [path]


def _converted(folder):
    source, target = folder / "in.csv", folder / "out.csv"
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["=名称", "数", "lon", "lat"])
    writer.writerows([text, "-1.5e-05", "114.7", "30.4"] for text in DANGEROUS if text.strip())
    source.write_text(out.getvalue(), encoding="utf-8", newline="")
    convert.convert_file(source, target, "EPSG:4490")
    return [target]


@pytest.fixture
def written(tmp_path, catalogue):
    spec = catalogue["household"]
    return [
        *_sheets(tmp_path, ".xlsx"), *_sheets(tmp_path, ".csv"), *_layer(tmp_path, ".xlsx", spec),
        *_layer(tmp_path, ".csv", spec), *_form(tmp_path), *_converted(tmp_path),
    ]  # fmt: skip


def test_no_cell_runs_and_numbers_stay_numbers(written):
    for path in written:
        cells = cells_of(path)
        assert sum(1 for value, _ in cells if str(value).startswith("'")) >= 3, path.name
        for value, kind in cells:
            assert kind != "f", (path.name, value)
            if kind == "s":
                assert str(value).lstrip(" \u3000\ufeff")[:1] not in SIGNS, (path.name, value)
        assert any(kind == "n" and float(value) in (-1.5, -1.5e-05, 3, -3) for value, kind in cells if kind == "n"), (
            path.name
        )


def test_every_writer_of_sheets_is_known():
    """A new place that writes cells must be added to the test above."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "csv.writer",
                "csv.DictWriter",
                "Workbook",
                "pd.ExcelWriter",
            ):
                found.add(path.relative_to(SOURCE).as_posix())
    assert found == {"present/write.py", "present/tables.py", "layers/convert.py"}
