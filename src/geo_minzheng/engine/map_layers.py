"""Frames for the map: graded, picked, brought to the store's system."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_minzheng.engine import small_cells
from geo_minzheng.geo import STORE_CRS

# One ramp for severity, safe for colour blindness and in grey print.
SEVERITY = {"none": "#D9D9D9", "low": "#FEE8C8", "medium": "#FDBB84", "high": "#E34A33", "extreme": "#7F0000"}
_EDGES = (0.0, 0.1, 0.3, 0.6)


def graded(
    villages: gpd.GeoDataFrame, key: str, values: Mapping[str, Mapping[str, Any]], least: int
) -> gpd.GeoDataFrame:
    """Grade villages by the share of their people affected: none, below 10 %, 30 %, 60 %, above.

    The number beside it is withheld where it is below ``least`` [persons], as in every wide map.

    Parameters
    ----------
    values
        By village code: ``affected_population, population`` [persons].
    """
    rows = [values.get(str(code), {}) for code in villages[key]]
    affected = np.array([float(row.get("affected_population", 0)) for row in rows])
    people = np.array([float(row.get("population", 0)) for row in rows])
    share = np.divide(affected, people, out=np.zeros_like(affected), where=people > 0)
    names = np.array(list(SEVERITY), dtype=object)
    level = np.searchsorted(_EDGES, share, side="left")
    told = small_cells.by_division(dict(zip(villages[key].astype(str), affected.astype(int), strict=True)), least)
    shown = [small_cells.written(told[str(code)]) for code in villages[key]]
    return villages.assign(severity=names[level], affected=pd.Series(shown, index=villages.index, dtype=object))


def pick(frame: gpd.GeoDataFrame, key: str, wanted: Collection[Hashable]) -> gpd.GeoDataFrame:
    """Keep the rows whose key is wanted."""
    return frame[frame[key].isin(list(wanted))]


def to_store(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Bring a frame to CGCS2000."""
    return frame.to_crs(STORE_CRS)


def loads(lines: Sequence[Mapping[str, Any]], kg: Mapping[str, float]) -> dict[tuple[str, str], float]:
    """Sum plan lines by warehouse and receiver [kg].

    Parameters
    ----------
    kg
        Weight of one unit by item [kg].
    """
    sums: dict[tuple[str, str], float] = {}
    for line in lines:
        key = (line["warehouse"], line["receiver"])
        sums[key] = sums.get(key, 0.0) + line["quantity"] * kg[line["item"]]
    return dict(sorted(sums.items()))


def nearest(frame: gpd.GeoDataFrame, key: str, lon: float, lat: float, *, within_m: float) -> str:
    """Find the row nearest to a place that was clicked (ties by the smaller id); empty where none is near.

    Parameters
    ----------
    frame
        Rows in metres.
    lon, lat
        The place [deg].
    within_m
        How far away it may be [m].
    """
    if frame.empty:
        return ""
    place = gpd.GeoSeries([shapely.Point(lon, lat)], crs=STORE_CRS).to_crs(frame.crs).iloc[0]
    away = shapely.distance(frame.geometry.to_numpy(), place)
    least = away.min()
    return min(str(name) for name in frame[key][away == least]) if least <= within_m else ""
