"""Cells of a frame as the database holds them, and back: one plain type per column, ``None`` for empty."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd
from sqlalchemy import BigInteger, Boolean, Column, Date, Double

from geo_minzheng.errors import InputError
from geo_minzheng.store.columns import Moment

_TRUE = {True, "1", "true", "True"}
_FALSE = {False, "0", "false", "False"}


def _to_int(value: Any) -> int:
    whole = int(value)
    if isinstance(value, float) and whole != value:
        raise ValueError(value)
    return whole


def _to_float(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _to_bool(value: Any) -> bool:
    plain = value.item() if hasattr(value, "item") else value
    if plain in _TRUE:
        return True
    if plain in _FALSE:
        return False
    raise ValueError(value)


def _to_date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    return date.fromisoformat(value) if isinstance(value, str) else pd.Timestamp(value).date()


def _to_text(value: Any) -> str:
    return str(value)


def _converter(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, BigInteger):
        return _to_int
    if isinstance(column.type, Double):
        return _to_float
    if isinstance(column.type, Boolean):
        return _to_bool
    return _to_date if isinstance(column.type, Date) else _to_text


def write_cells(values: pd.Series[Any], column: Column[Any], default: Any = None) -> list[Any]:
    """Turn a frame's column into what the database holds; empty cells take the default.

    Raises
    ------
    InputError
        ``store.missing_value``: empty where the table needs a value; ``store.bad_value``: of another kind.
    """
    convert = _converter(column)
    empty = values.isna().to_numpy()
    cells: list[Any] = []
    fill = None if default is None else convert(default)
    for value, is_empty in zip(values.tolist(), empty, strict=True):
        if is_empty:
            cells.append(fill)
            continue
        try:
            cells.append(convert(value))
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError("store.bad_value", detail=f"{column.table.name}.{column.name}: {value!r}") from error
    if not column.nullable and any(cell is None for cell in cells):
        raise InputError("store.missing_value", layer=column.table.name, column=column.name, row=cells.index(None) + 1)
    return cells


def read_cells(values: Sequence[Any], column: Column[Any]) -> pd.Series[Any]:
    """Turn a database column into a frame's: int64 (float64 with gaps), float64, bool, datetime64[s], str."""
    if isinstance(column.type, Moment):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object), utc=True).astype("datetime64[ms, UTC]"))
    if isinstance(column.type, BigInteger):
        return pd.Series(values, dtype="float64" if None in values else "int64")
    if isinstance(column.type, Double):
        return pd.Series(values, dtype="float64")
    if isinstance(column.type, Boolean):
        return pd.Series(values, dtype=object if None in values else "bool")
    if isinstance(column.type, Date):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object))).astype("datetime64[s]")
    return pd.Series(values, dtype="str")
