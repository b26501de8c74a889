from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_minzheng.layers.values import BadValue, parse, unit_word
from geo_minzheng.model.layer import ColumnSpec


def spec(kind, **more):
    return ColumnSpec("c", kind, **more)


GRADE = spec("enum", values={"A": ("A级",), "none": ("完全不具备", "不具备")})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "12.0", 12), ("int", "１２", 12), ("int", "1,234", 1234), ("int", "1，234，567", 1234567), ("int", " 7 ", 7),  # noqa: E501
        ("float", "1.5e3", 1500.0), ("float", "－2.5", -2.5), ("float", ".5", 0.5),
        ("date", "2024-07-01", date(2024, 7, 1)), ("date", "2024/7/1", date(2024, 7, 1)), ("date", "20240701", date(2024, 7, 1)),  # noqa: E501
        ("date", "2024年7月1日", date(2024, 7, 1)), ("date", "2024.7.1", date(2024, 7, 1)), ("date", "2024-07-01 08:30:00", date(2024, 7, 1)),  # noqa: E501
        ("date", "2024年7月1日 12:30", date(2024, 7, 1)), ("date", "2024.07.01 08:00", date(2024, 7, 1)), ("date", "20240701T08:00:00Z", date(2024, 7, 1)),  # noqa: E501
        ("bool", "是", True), ("bool", "√", True), ("bool", "Y", True), ("bool", "1.0", True), ("bool", "否", False), ("bool", "无", False),  # noqa: E501
        ("code", "420703100201.0", "420703100201"), ("code", "'420703", "420703"), ("code", "010203004", "010203004"),
        ("text", "　庙岭镇 ", "庙岭镇"), ("text", "013800000000", "013800000000"),
    ],
)  # fmt: skip
def test_office_spellings_are_understood(kind, text, value):
    found = parse(text, spec(kind))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        ("int", "12.5", "not_a_whole_number"), ("int", "nan", "not_finite"), ("float", "∞", "not_a_number"), ("float", "inf", "not_finite"),  # noqa: E501
        ("float", "1e999", "not_finite"), ("int", "1,23", "not_a_number"), ("int", "1_000", "not_a_number"), ("int", "十", "not_a_number"),  # noqa: E501
        ("int", "99999999999999999999", "out_of_range"), ("date", "2024-13-01", "not_a_date"), ("date", "24-7-1", "not_a_date"),  # noqa: E501
        ("date", "4547", "not_a_date"), ("date", "2023-02-29", "not_a_date"), ("date", "2024-7-112:30", "not_a_date"),
        ("bool", "也许", "not_yes_or_no"),
        ("code", "4.20703E+11", "code_scientific"), ("code", "42070310020", "code_length"), ("code", "no_such", "code_not_digits"),  # noqa: E501
        ("text", "4.2070319900101E+17", "text_scientific"), ("text", "a\x00b", "text_unreadable"), ("text", "x" * 3000, "text_too_long"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_is_wrong_has_a_name(kind, text, code):
    assert parse(text, spec(kind)).code == code


def test_lists_take_codes_and_words_only():
    assert parse("a级", GRADE) == "A"
    assert parse("Ａ", GRADE) == "A"
    assert parse("NONE", GRADE) == "none"
    assert parse("丙", GRADE).facts["allowed"] == "A级、完全不具备"


def test_ranges_are_closed_and_units_are_stripped():
    column = spec("int", min=0, max=5, unit="人")
    assert parse("5人", column) == 5
    assert parse("0", column) == 0
    assert parse("6", column).facts == {"low": "0", "high": "5", "unit": "人"}
    assert parse("3户", column).code == "not_a_number"


@given(st.integers(-(10**12), 10**12))
@settings(max_examples=200)
def test_whole_numbers_survive_every_spelling(number):
    for text in (
        str(number),
        f"{number}.0",
        f"{number:,}",
        str(number).translate(str.maketrans("0123456789", "０１２３４５６７８９")),
    ):
        assert parse(text, spec("int")) == number


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)))
@settings(max_examples=200)
def test_days_survive_every_spelling(day):
    for text in (
        day.isoformat(),
        f"{day.year}/{day.month}/{day.day}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y%m%d}",
    ):
        assert parse(text, spec("date")) == day


@given(st.text(max_size=30), st.sampled_from(["text", "int", "float", "bool", "date", "code", "code12"]))
@settings(max_examples=300)
def test_any_text_gives_a_value_or_a_reason(text, kind):
    found = parse(text, spec(kind))
    assert isinstance(found, BadValue | str | int | float | bool | date)
    assert found == found  # noqa: PLR0124


def test_a_unit_has_several_words():
    assert unit_word("KG") == unit_word("公斤") == unit_word("千克 ") == "千克"
    assert unit_word("Ｌ") == unit_word("升")
    assert unit_word("箱") == "箱"
    assert unit_word("吨") != unit_word("千克")
