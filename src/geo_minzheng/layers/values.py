"""Turn one cell's text into a typed value, or say why not."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from geo_minzheng.model.layer import ColumnSpec


@dataclass(frozen=True)
class BadValue:
    """Why a cell cannot be taken: fault code and the values its sentence names."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Parsed = Any
_BLANK = {"", "-", "--", "—", "——", "–", "/", "\\", "null", "none", "nil"}
_NOT_FINITE = {"nan", "inf", "-inf", "+inf", "infinity", "-infinity", "+infinity"}
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?"
_DAYS = (
    r"(\d{4})-(\d{1,2})-(\d{1,2})",
    r"(\d{4})/(\d{1,2})/(\d{1,2})",
    r"(\d{4})\.(\d{1,2})\.(\d{1,2})",
    r"(\d{4})年(\d{1,2})月(\d{1,2})日?",
    r"(\d{4})(\d{2})(\d{2})",
)
_DATES = (
    *(re.compile(rf"{day}(?:[T ]{_CLOCK})?") for day in _DAYS),
    re.compile(rf"(\d{{4}})年(\d{{1,2}})月(\d{{1,2}})日{_CLOCK}"),
)
_SERIAL = re.compile(r"([2-6]\d{4}|7[0-2]\d{3})(?:\.\d+)?")
_TRUE = {"是", "有", "√", "✓", "✔", "1", "1.0", "true", "t", "yes", "y", "对", "已"}
_FALSE = {"否", "无", "×", "✗", "✘", "0", "0.0", "false", "f", "no", "n", "不是", "没有", "未"}
_LONGEST_TEXT = 2000
_UNREADABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffd\U000e0000-\U000e007f]"
)


def folded(text: str) -> str:
    """Fold widths and trim: full-width digits, letters and signs become plain ones."""
    return unicodedata.normalize("NFKC", text).strip().strip("\u200b\ufeff").strip()


_UNIT_WORDS = {
    "kg": "千克", "公斤": "千克", "g": "克", "t": "吨", "公吨": "吨", "l": "升", "公升": "升", "ml": "毫升",
    "m": "米", "公尺": "米", "km": "千米", "公里": "千米",
}  # fmt: skip


def unit_word(text: str) -> str:
    """Name a unit by one of its words: kg, 公斤 and 千克 are the same."""
    word = folded(text).lower()
    return _UNIT_WORDS.get(word, word)


def is_blank(text: str | None) -> bool:
    """Whether a cell says nothing: empty, or a dash as Chinese forms use it."""
    return text is None or folded(text).lower() in _BLANK


def _plain_number(text: str, spec: ColumnSpec) -> float | BadValue:
    body = folded(text)
    if spec.unit and body.endswith(folded(spec.unit)):
        body = body.removesuffix(folded(spec.unit)).strip()
    if body.lower() in _NOT_FINITE:
        return BadValue("not_finite")
    if _THOUSANDS.fullmatch(body):
        body = body.replace(",", "")
    if not _NUMBER.fullmatch(body):
        return BadValue("not_a_number")
    number = float(body)
    return number if math.isfinite(number) else BadValue("not_finite")


def _in_range(number: float, spec: ColumnSpec) -> BadValue | None:
    if (spec.min is not None and number < spec.min) or (spec.max is not None and number > spec.max):
        low = "" if spec.min is None else f"{spec.min:.15g}"
        high = "" if spec.max is None else f"{spec.max:.15g}"
        return BadValue("out_of_range", {"low": low, "high": high, "unit": spec.unit})
    return None


def _float(text: str, spec: ColumnSpec) -> Parsed:
    number = _plain_number(text, spec)
    if isinstance(number, BadValue):
        return number
    return _in_range(number, spec) or number


def _int(text: str, spec: ColumnSpec) -> Parsed:
    number = _plain_number(text, spec)
    if isinstance(number, BadValue):
        return number
    if not number.is_integer():
        return BadValue("not_a_whole_number", {"unit": spec.unit})
    if abs(number) > 2**53:
        return BadValue("out_of_range", {"low": "", "high": f"{2**53}", "unit": spec.unit})
    return _in_range(number, spec) or int(number)


def parse_date(text: str) -> date | None:
    """Read a day as offices write it; ``None`` when it is none."""
    body = re.sub(r"\s*([年月日])\s*", r"\1", folded(text))
    for pattern in _DATES:
        match = pattern.fullmatch(body)
        if match:
            try:
                day = date(*(int(g) for g in match.groups()[:3]))
            except ValueError:
                return None
            return day if 1900 <= day.year <= 2200 else None
    return None


def serial_date(text: str) -> date | None:
    """Read a day that a spreadsheet shows as its number because the cell has no date format; 1954 to 2100."""
    match = _SERIAL.fullmatch(folded(text))
    return date(1899, 12, 30) + timedelta(days=int(match.group(1))) if match else None


def _date(text: str, _spec: ColumnSpec) -> Parsed:
    return parse_date(text) or serial_date(text) or BadValue("not_a_date")


def _bool(text: str, _spec: ColumnSpec) -> Parsed:
    body = folded(text).lower()
    if body in _TRUE:
        return True
    return False if body in _FALSE else BadValue("not_yes_or_no")


def _enum(text: str, spec: ColumnSpec) -> Parsed:
    body = folded(text).lower()
    for code, aliases in spec.values.items():
        words = (folded(alias).lower() for alias in aliases)
        if body == code.lower() or any(body in (word, word.removesuffix("灾害")) for word in words):
            return code
    allowed = "、".join(aliases[0] if aliases else code for code, aliases in spec.values.items())
    return BadValue("not_in_list", {"allowed": allowed})


_CODE_LENGTHS = {"code": (6, 9, 12), "code6": (6,), "code9": (9,), "code12": (12,)}


def _code(text: str, spec: ColumnSpec) -> Parsed:
    body = re.sub(r"\s+", "", folded(text)).lstrip("'`")
    if _SCIENTIFIC.fullmatch(body):
        return BadValue("code_scientific")
    body = re.sub(r"^(\d+)\.0+$", r"\1", body)
    lengths = _CODE_LENGTHS[spec.type]
    if not body.isascii() or not body.isdigit():
        return BadValue("code_not_digits", {"lengths": "、".join(map(str, lengths))})
    if spec.type == "code":  # 420703100000 in a list of twelve digits is the town 420703100
        body = re.sub(r"^(\d{6})(?:0{6}|0{3})$|^(\d{9})0{3}$", lambda m: m[1] or m[2], body)
    if len(body) not in lengths:
        return BadValue("code_length", {"length": len(body), "lengths": "、".join(map(str, lengths))})
    return body


def _text(text: str, _spec: ColumnSpec) -> Parsed:
    body = text.strip().strip("\u200b\ufeff").strip()
    if len(body) > _LONGEST_TEXT:
        return BadValue("text_too_long", {"length": len(body), "limit": _LONGEST_TEXT})
    if _UNREADABLE.search(body):
        return BadValue("text_unreadable")
    if _SCIENTIFIC.fullmatch(body) and "." in body:
        return BadValue("text_scientific")
    return body


_PARSERS: Mapping[str, Callable[[str, ColumnSpec], Parsed]] = {
    "text": _text,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "date": _date,
    "enum": _enum,
    "code": _code,
    "code6": _code,
    "code9": _code,
    "code12": _code,
}


def parse(text: str, spec: ColumnSpec) -> Parsed:
    """Read one cell by the type of its column.

    Parameters
    ----------
    text
        What stands in the cell.
    spec
        The column: type, range, allowed values.

    Returns
    -------
    str, int, float, bool, datetime.date or BadValue
    """
    return _PARSERS[spec.type](text, spec)


def default_of(spec: ColumnSpec) -> Any:
    """Return the column's default in its own type, ``None`` without one."""
    if spec.default is None:
        return None
    return parse_date(str(spec.default)) if spec.type == "date" else spec.default
