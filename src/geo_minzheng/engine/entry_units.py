"""Units people count in on the spot, and the form's units they become: 亩 and 斤."""

from __future__ import annotations

# 1 ha = 15 mu; 1 kg = 2 jin (both legal and exact).
PER_UNIT = {"公顷": ("亩", 15), "千克": ("斤", 2), "公斤": ("斤", 2)}


def entered_unit(unit: str) -> str:
    """Name the unit a figure is entered in: 亩 for 公顷, 斤 for 千克, else the unit itself."""
    return PER_UNIT.get(unit, (unit, 1))[0]


def to_form(value: float | None, unit: str) -> float | None:
    """Turn an entered figure into the form's unit; 未掌握 stays ``None``."""
    return None if value is None else _whole(round(value / PER_UNIT.get(unit, (unit, 1))[1], 6))


def to_entered(value: float | None, unit: str) -> float | None:
    """Turn a figure of the form into the unit it is entered in, to a hundredth."""
    return None if value is None else _whole(round(value * PER_UNIT.get(unit, (unit, 1))[1], 2))


def _whole(value: float) -> float:
    return int(value) if float(value).is_integer() else value
