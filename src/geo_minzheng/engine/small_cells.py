"""What a wide audience sees of counts by place: small ones withheld, in maps, tables and files alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from geo_minzheng.engine.suppress import publish_counts
from geo_minzheng.model.map import WITHHELD

TOWN_DIGITS, DISTRICT_DIGITS = 9, 6
MODES = ("walk", "drive")


def written(value: int | None) -> int | str:
    """Write a count, or the mark where it is withheld."""
    return WITHHELD if value is None else int(value)


def by_division(counts: Mapping[str, int], limit: int) -> dict[str, int | None]:
    """Withhold small counts by village together with their sums by town and district.

    Parameters
    ----------
    counts
        By village code [persons, households].
    limit
        Counts from 1 to ``limit`` - 1 are withheld, and others as far as subtraction needs it.

    Returns
    -------
    By code of village, town and district; ``None`` where withheld.
    """
    codes = sorted(counts)
    frame = pd.DataFrame({"count": [int(counts[code]) for code in codes]}, index=pd.Index(codes, dtype=object))
    groups = [[code[:digits] for code in codes] for digits in (TOWN_DIGITS, DISTRICT_DIGITS)]
    told: dict[str, int | None] = {}
    for table in reversed(publish_counts(frame, groups, limit=limit).tables):
        told |= {str(code): _whole(value) for code, value in table["count"].items()}
    return told


def homes(frame: gpd.GeoDataFrame, limit: int) -> gpd.GeoDataFrame:
    """Withhold small numbers of a welfare home's residents, by care and by support, and of those who wait.

    The residents of a home are those without self-care, those with partial, and the rest; they are also those who are
    supported by the state, and the rest: what is left over is reckoned with, so that it gives nothing away either.
    """
    names = ["resident_count", "tekun_count", "self_care_total_loss", "self_care_partial_loss", "waiting_count"]
    if frame.empty:
        return frame
    counts = frame[names].fillna(0).astype("int64")
    rest = {
        "able": ("resident_count", ("self_care_total_loss", "self_care_partial_loss")),
        "other": ("resident_count", ("tekun_count",)),
    }
    wholes = []
    for name, (whole, parts) in rest.items():
        left = counts[whole] - counts[list(parts)].sum(axis=1)
        if bool((left >= 0).all()):
            counts[name] = left
            wholes.append((whole, (*parts, name)))
    shown = publish_counts(counts, [["all"] * len(counts)], limit=limit, wholes=wholes).tables[0]
    return frame.assign(**{name: _column(shown[name]) for name in names})


def district_totals(numbers: Mapping[str, float], limit: int) -> dict[str, float | None]:
    """Withhold the dibao households of a district, and their persons, where they are few."""
    is_few = 1 <= numbers["dibao_households"] < limit
    return {name: None if is_few and name.startswith("dibao_") else value for name, value in numbers.items()}


def reach(
    by_town: Mapping[str, Sequence[Mapping[str, Any]]], limit: int
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, dict[str, int | None]]]:
    """Withhold small numbers of persons within and beyond reach, on foot and by car at once.

    Parameters
    ----------
    by_town
        By mode rows ``town, persons, covered, uncovered`` [persons].

    Returns
    -------
    The same rows and their totals by mode, ``None`` where withheld.
    """
    modes = [mode for mode in MODES if mode in by_town]
    names = ("persons", "covered", "uncovered")
    columns = {mode: {n: n if n == "persons" else f"{mode}_{n}" for n in names} for mode in modes}
    towns = [str(row["town"]) for row in by_town[modes[0]]]
    cells = {columns[mode][n]: [int(row[n]) for row in by_town[mode]] for mode in modes for n in names}
    wholes = [("persons", (columns[mode]["covered"], columns[mode]["uncovered"])) for mode in modes]
    frame = pd.DataFrame(cells, index=pd.Index(towns, dtype=object), dtype="int64")
    found = publish_counts(frame, [["all"] * len(towns)], limit=limit, wholes=wholes).tables
    rows = {
        mode: [{"town": t} | {n: _whole(found[0].loc[t, columns[mode][n]]) for n in names} for t in towns]
        for mode in modes
    }
    totals: dict[str, dict[str, int | None]] = {
        mode: {n: _whole(found[1].loc["all", columns[mode][n]]) if towns else 0 for n in names} for mode in modes
    }
    return rows, totals


def has_withheld(frame: pd.DataFrame, columns: Sequence[str]) -> bool:
    """Tell whether one of the columns carries the mark."""
    return any(bool((frame[name].astype(object) == WITHHELD).any()) for name in columns if name in frame)


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _column(values: pd.Series[Any]) -> list[int | str]:
    return [written(_whole(value)) for value in values]
