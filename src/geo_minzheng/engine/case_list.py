"""Renovation cases in the official order, with scores and money as exact whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_minzheng.engine.locate import Ints
from geo_minzheng.errors import InputError
from geo_minzheng.model.housing import ChosenCase, SkipKind, SkippedCase

MICRO = 1_000_000
FEN = 100
# In fen this is still a whole number without rounding.
MOST_YUAN = 10**13
PART_PREFIX = "part_"

_LAST = np.iinfo(np.int64).max
_TEXT = ("case", "programme", "town", "source", "year", "method", "gate_reason", "missing_key", "rule")


@dataclass(frozen=True, eq=False)
class CaseList:
    """Cases sorted by (tier, -score, applied_at, case, method, year, source).

    Parameters
    ----------
    frame
        The rows in that order, texts without empty cells.
    tier, points, persons, fen
        Tier, score [millionths of a point], people, subsidy [fen, -1 where the policy lacks the figure], shape (n,).
    is_open
        Whether a row passed its gates and has a subsidy, shape (n,).
    """

    frame: pd.DataFrame
    tier: Ints
    points: Ints
    persons: Ints
    fen: Ints
    is_open: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def ids(self) -> list[str]:
        """Case of each row."""
        return [str(case) for case in self.frame["case"]]

    def describe(self, rows: list[int], *, target: int | None = None) -> tuple[ChosenCase, ...]:
        """Describe chosen rows in their order; those beyond the ``target`` are marked."""
        names = [str(name) for name in self.frame.columns if str(name).startswith(PART_PREFIX)]
        columns = [*("case", "town", "rule", "method"), *(["parts"] if "parts" in self.frame.columns else []), *names]
        texts = self.frame[columns].iloc[rows].to_dict("records")
        return tuple(
            ChosenCase(
                rank=rank,
                case=str(values["case"]),
                tier=int(self.tier[row]),
                score=int(self.points[row]) / MICRO,
                persons=int(self.persons[row]),
                town=str(values["town"]),
                subsidy_yuan=int(self.fen[row]) / FEN,
                rule=str(values["rule"]),
                parts=_parts(values, names),
                method=str(values["method"]),
                beyond_target=target is not None and rank > target,
            )
            for rank, (row, values) in enumerate(zip(rows, texts, strict=True), start=1)
        )

    def closed(self) -> list[SkippedCase]:
        """List the rows a gate or a missing figure keeps out, each case once and only if no row of it is open."""
        open_cases = set(self.frame["case"][self.is_open])
        found: dict[str, SkippedCase] = {}
        for row in np.flatnonzero(~self.is_open):
            case = str(self.frame["case"].iloc[row])
            if case in open_cases or case in found:
                continue
            is_gate = not self.frame["eligible"].iloc[row]
            column, kind = ("gate_reason", SkipKind.GATE) if is_gate else ("missing_key", SkipKind.MISSING_VALUE)
            found[case] = SkippedCase(case, kind, str(self.frame[column].iloc[row]))
        return list(found.values())


def read_cases(cases: pd.DataFrame) -> CaseList:
    """Check cases and put them in the official order.

    Parameters
    ----------
    cases
        ``case, tier, score, subsidy_yuan`` and, where known, ``programme, town, persons, applied_at, eligible,
        gate_reason, missing_key, rule, method, source, year`` and the score's parts (a column ``parts`` of mappings or
        columns ``part_<name>``). A row that fails a gate may lack tier and score.

    Raises
    ------
    InputError
        ``programme.not_table``, ``programme.missing_column``, ``programme.no_case``; ``programme.bad_case`` and
        ``programme.bad_date`` name the case and column that no number or date can be read of.
    """
    if not isinstance(cases, pd.DataFrame):
        raise InputError("programme.not_table", found=type(cases).__name__)
    lacking = [name for name in ("case", "tier", "score", "subsidy_yuan") if name not in cases.columns]
    if lacking:
        raise InputError("programme.missing_column", columns=", ".join(lacking))
    frame = cases.copy()
    for name in _TEXT:
        frame[name] = _text(frame, name)
    nameless = np.flatnonzero(frame["case"].str.strip() == "")
    if len(nameless):
        raise InputError("programme.no_case", row=int(nameless[0]))
    frame["eligible"] = _flags(frame)
    frame["missing_key"] = frame["missing_key"].where(frame["missing_key"] != "", "subsidies." + frame["programme"])
    numbers = {
        "tier": _number(frame, "tier", 1),
        "points": _number(frame, "score", MICRO),
        "persons": _number(frame.assign(persons=frame.get("persons", 0)), "persons", 1),
        "fen": _number(frame, "subsidy_yuan", FEN),
    }
    keys = [frame[name].astype(str).to_numpy(dtype=object) for name in ("source", "year", "method", "case")]
    order = np.lexsort([*keys, _applied(frame), -numbers["points"], numbers["tier"]])
    numbers = {name: values[order] for name, values in numbers.items()}
    frame = frame.iloc[order].reset_index(drop=True)
    return CaseList(frame, **numbers, is_open=frame["eligible"].to_numpy(bool) & (numbers["fen"] >= 0))


def is_amount(value: Any, least: float = 0) -> bool:
    """Whether this is a number from ``least`` up that money or households can be; NaN and text are none."""
    try:
        return bool(least <= value < MOST_YUAN)
    except (TypeError, ValueError, ArithmeticError):
        return False


def is_count(value: Any, least: float = 0) -> bool:
    """Whether this is a whole number of households from ``least`` up."""
    return is_amount(value, least) and value == int(value)


def _text(frame: pd.DataFrame, name: str) -> pd.Series[str]:
    if name not in frame.columns:
        return pd.Series("", index=frame.index, dtype=object)
    column = frame[name].astype(object)
    return column.where(column.notna(), "").map(str).astype(object)


def _flags(frame: pd.DataFrame) -> pd.Series[bool]:
    if "eligible" not in frame.columns:
        return pd.Series(data=True, index=frame.index)
    return frame["eligible"].map(lambda flag: bool(flag) if pd.notna(flag) else False).astype(bool)


def _number(frame: pd.DataFrame, name: str, scale: int) -> Ints:
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    may_lack = np.ones(len(frame), bool) if name == "subsidy_yuan" else ~frame["eligible"].to_numpy(bool)
    wrong = ~(np.isnan(values) & may_lack) & ~((values >= 0) & (values * scale < 2**53))
    if scale == 1:
        wrong |= np.isfinite(values) & (values != np.rint(values))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise InputError(
            "programme.bad_case", case=frame["case"].iloc[at], column=name, value=str(frame[name].iloc[at])
        )
    missing = {"tier": float(2**31), "subsidy_yuan": -1.0 / scale}.get(name, 0.0)
    return np.asarray(np.rint(np.where(np.isnan(values), missing, values) * scale), np.int64)


def _applied(frame: pd.DataFrame) -> Ints:
    if "applied_at" not in frame.columns:
        return np.zeros(len(frame), np.int64)
    told = frame["applied_at"]
    when = pd.to_datetime(told, errors="coerce", utc=True, format="mixed")
    unread = np.flatnonzero(when.isna() & told.notna() & (told.astype(str).str.strip() != ""))
    if len(unread):
        case, value = frame["case"].iloc[unread[0]], str(told.iloc[unread[0]])
        raise InputError("programme.bad_date", case=case, column="applied_at", value=value)
    stamp = when.astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    return np.asarray(np.where(when.isna(), _LAST, stamp), np.int64)


def _parts(values: dict[Any, Any], names: list[str]) -> dict[str, float]:
    stated = values.get("parts")
    if isinstance(stated, dict):
        return {str(name): float(points) for name, points in stated.items()}
    return {name.removeprefix(PART_PREFIX): float(values[name]) for name in names if pd.notna(values[name])}
