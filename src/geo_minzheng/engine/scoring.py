"""Columns as numbers, codes and flags, and scores whose parts add up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_minzheng.model.housing_rules import Ranking

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def numbers(frame: pd.DataFrame, name: str) -> Floats:
    """Read a column as numbers; unknown and missing count 0."""
    if name not in frame:
        return np.zeros(len(frame))
    return np.asarray(np.nan_to_num(pd.to_numeric(frame[name], errors="coerce").to_numpy(float, na_value=np.nan)))


def codes(frame: pd.DataFrame, name: str) -> NDArray[np.object_]:
    """Read a column as codes; unknown and missing are empty."""
    if name not in frame:
        return np.full(len(frame), "", dtype=object)
    return frame[name].astype(object).where(frame[name].notna(), "").to_numpy(object)


def flags(frame: pd.DataFrame, name: str) -> Flags:
    """Read a column as yes or no; unknown and missing are no."""
    if name not in frame:
        return np.zeros(len(frame), dtype=bool)
    column = frame[name].astype(object)
    return column.where(column.notna(), False).to_numpy(object).astype(bool)


def looked_up(values: NDArray[np.object_], table: Mapping[str, float]) -> Floats:
    """Look codes up; an unknown code counts 0."""
    return np.array([table.get(str(value), 0.0) for value in values], dtype=float)


def ratio(top: Floats, bottom: Floats, *, when_zero: Floats | float = 0.0) -> Floats:
    """Divide where the divisor is positive."""
    safe = np.where(bottom > 0, bottom, 1.0)
    return np.asarray(np.where(bottom > 0, top / safe, when_zero), dtype=float)


def joined(conditions: Mapping[str, Flags], rows: int) -> list[str]:
    """Join the codes that hold in each row by ``|``."""
    return ["|".join(code for code, holds in conditions.items() if holds[row]) for row in range(rows)]


def points(index: pd.Index, parts: Mapping[str, Floats], ranking: Ranking) -> pd.DataFrame:
    """Weigh parts clipped to [0, 1] into points and sum them.

    Counted in whole hundredths of a point: the parts add up to the score on paper, and two equal cases tie.

    Parameters
    ----------
    parts
        Value of every part [1], unclipped, shape (n,).

    Returns
    -------
    pandas.DataFrame
        ``score`` [points] and one column per part of the ranking, in its order [points].

    Raises
    ------
    KeyError
        The ranking names a part nobody defines.
    """
    hundredths = {
        part.part: np.rint(np.clip(np.nan_to_num(parts[part.part]), 0.0, 1.0) * part.weight * 100).astype(np.int64)
        for part in ranking.parts
    }
    total = np.sum(list(hundredths.values()), axis=0) if hundredths else np.zeros(len(index), np.int64)
    frame = pd.DataFrame({"score": total / 100}, index=index)
    for part, value in hundredths.items():
        frame[part] = value / 100
    return frame
