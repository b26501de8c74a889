"""Frames for the planning day's maps: houses by what became of their case, villages by count, sites, service areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_minzheng.engine import small_cells
from geo_minzheng.geo import STORE_CRS

# The classes a wide audience sees; in the first a village is not singled out.
COUNT_CLASSES = ("few", "some", "many")


def case_points(verdicts: Sequence[Mapping[str, Any]], cases: Mapping[str, Mapping[str, Any]], crs: Any) -> Any:
    """Place cases at their houses.

    Parameters
    ----------
    verdicts
        Rows with ``case``; every other key becomes a column.
    cases
        ``x, y`` [m of ``crs``] by case; a case without a place is left out.

    Returns
    -------
    geopandas.GeoDataFrame
        In CGCS2000, with ``coord_source``.
    """
    placed = [row for row in verdicts if cases.get(row["case"], {}).get("x") is not None]
    x = [float(cases[row["case"]]["x"]) for row in placed]
    y = [float(cases[row["case"]]["y"]) for row in placed]
    columns: list[str] = sorted({name for row in placed for name in row})
    data = {name: [row.get(name) for row in placed] for name in columns}
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries.from_xy(x, y, crs=crs), crs=crs).to_crs(STORE_CRS)


def count_villages(villages: gpd.GeoDataFrame, counts: Mapping[str, int], least: int) -> gpd.GeoDataFrame:
    """Grade the villages that have cases by their number.

    A number below ``least`` is withheld, and with it as many others as are needed so that the sums of towns and
    district do not give it away: all of them stand as ``few``.

    Returns
    -------
    The villages counted, with ``cases`` (the mark for ``few``) and ``size``: ``few``, ``some`` (below twice ``least``),
    ``many``.
    """
    told = small_cells.by_division({str(code): int(counts.get(str(code), 0)) for code in villages["code"]}, least)
    number = np.array([counts.get(str(code), 0) for code in villages["code"]], dtype=np.int64)
    is_few = np.array([told[str(code)] is None for code in villages["code"]], dtype=np.bool_)
    size = np.where(is_few, COUNT_CLASSES[0], np.where(number < 2 * least, *COUNT_CLASSES[1:])).astype(object)
    cases = [small_cells.written(told[str(code)]) for code in villages["code"]]
    return villages.assign(cases=pd.Series(cases, index=villages.index, dtype=object), size=size)[number > 0]


def site_marks(candidates: gpd.GeoDataFrame, chosen: Sequence[str]) -> gpd.GeoDataFrame:
    """Mark the candidate sites that were chosen, by name."""
    marks = np.where(candidates["name"].astype(str).isin(list(chosen)), "chosen", "candidate")
    return candidates.assign(mark=marks)


def area_frame(area: gpd.GeoSeries, name: str) -> gpd.GeoDataFrame:
    """Make one layer of a mode's service areas, merged so that overlaps are not drawn twice, in CGCS2000."""
    merged = area.union_all()
    return gpd.GeoDataFrame({"mode": [name]}, geometry=[merged], crs=area.crs).to_crs(STORE_CRS)


def uncovered_villages(villages: gpd.GeoDataFrame, beyond: Sequence[Mapping[str, Any]]) -> gpd.GeoDataFrame:
    """Keep the villages beyond reach, with the minutes of their way."""
    far = {row["code"]: row["minutes"] for row in beyond}
    kept = villages[villages["code"].astype(str).isin(far)]
    return kept.assign(minutes=[far[str(code)] for code in kept["code"]])


def by_case(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Index judged cases by their id."""
    return {str(row["case"]): row for row in rows}
