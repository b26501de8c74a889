from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from geo_minzheng.model.incident import Band
from geo_minzheng.present import write
from geo_minzheng.present.write import (
    SheetColumn,
    json_text,
    neutralise,
    printable,
    write_bytes,
    write_csv,
    write_json,
    write_xlsx,
)

COLUMNS = (
    SheetColumn("a", "名称", 20),
    SheetColumn("b", "数量（千克）"),
    SheetColumn("c", "时间", 18, "yyyy-mm-dd hh:mm"),
)
ROWS = [
    {"a": "=1+1", "b": 4750, "c": datetime(2026, 7, 3, 21, 40)},
    {"a": "＠SUM", "b": -3.5, "c": None},
    {"a": "大米", "b": float("nan")},
]


class Grade(Enum):
    A = "A"


@pytest.mark.parametrize("head", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
@pytest.mark.parametrize("blank", ["", " ", "\u3000", "\ufeff", "\x1f", "\u2060\u200e", "\u2028"])
def test_a_formula_is_made_a_text(head: str, blank: str) -> None:
    assert str(neutralise(f"{blank}{head}cmd")).startswith("'")


@given(st.text())
def test_neutralised_text_never_starts_a_formula(words: str) -> None:
    safe = neutralise(words)
    assert isinstance(safe, str)
    shown = safe.lstrip(
        "".join(map(chr, (*range(0x20), 0x20, 0x7F, 0xA0, 0xAD, 0x3000, 0x200B, 0x200E, 0x2060, 0xFEFF)))
    )
    assert not shown.startswith(tuple("=+-@＝＋－＠"))


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none(), st.dates()))
def test_what_is_no_text_stays_what_it_is(value: object) -> None:
    assert neutralise(value) is value


def test_values_of_other_libraries_become_plain() -> None:
    assert neutralise(np.float64("inf")) is None
    assert neutralise(np.int64(-4)) == -4
    assert neutralise(Grade.A) == "A"
    assert neutralise("大米-25千克") == "大米-25千克"


def test_printable_takes_out_what_paper_cannot_carry() -> None:
    assert printable("甲\x00\x1b乙\r\n丙\u202e\u2009丁\ud83d") == "甲乙\n丙丁"


def test_xlsx_keeps_numbers_and_disarms_texts(tmp_path: Path) -> None:
    sheet = load_workbook(write_xlsx(ROWS, COLUMNS, tmp_path / "a.xlsx")).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert rows == [
        ("名称", "数量（千克）", "时间"), ("'=1+1", 4750, datetime(2026, 7, 3, 21, 40)),
        ("'＠SUM", -3.5, None), ("大米", None, None),
    ]  # fmt: skip
    assert write_xlsx(ROWS, COLUMNS, tmp_path / "b.xlsx").read_bytes() == (tmp_path / "a.xlsx").read_bytes()


def test_csv_opens_as_chinese_and_disarms_texts(tmp_path: Path) -> None:
    data = write_csv(ROWS, COLUMNS, tmp_path / "a.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[1] == ["'=1+1", "4750", "2026-07-03 21:40:00"]
    assert rows[2][1] == "-3.5"


def test_json_is_sorted_readable_and_has_no_nan(tmp_path: Path) -> None:
    data = {"b": Band(1, 2, 3), "a": {"村", "镇"}, "d": date(2026, 7, 3), "t": datetime(2026, 7, 3, tzinfo=UTC),
            "n": np.int64(3), "v": np.array([1.5]), "e": Grade.A, "p": Path("x")}  # fmt: skip
    words = write_json(data, tmp_path / "a.json").read_text(encoding="utf-8")
    assert list(json.loads(words)) == sorted(data)
    assert "村" in words
    assert json_text(dict(reversed(data.items()))) == words
    with pytest.raises(ValueError, match="JSON"):
        json_text({"x": float("nan")})
    with pytest.raises(TypeError, match="cannot write"):
        json_text({"x": object()})


def test_a_broken_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_bytes(b"old", tmp_path / "a.bin")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(b"new", path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]
