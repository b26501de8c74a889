"""How far points are threatened by hazard zones."""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_minzheng.errors import InputError
from geo_minzheng.model.housing_rules import Ranking

Floats = NDArray[np.float64]

RISK_LEVELS = ("high", "mid_high", "mid", "low")


def level_weights(ranking: Ranking) -> dict[str, float]:
    """Read the weight of each risk level of a hazard zone [1]."""
    return {level: ranking.param(f"level_{level}") for level in RISK_LEVELS}


def hazard_exposure(
    points: gpd.GeoSeries, zones: gpd.GeoDataFrame, level_weights: Mapping[str, float], buffer_m: float
) -> pd.Series:
    """Measure how far points are threatened: ``max over zones of level_weight * hit``.

    ``hit`` is 1 inside a zone and falls linearly to 0 at ``buffer_m`` outside.

    Parameters
    ----------
    points
        Points in metres.
    zones
        Polygons in the same system with ``risk_level``; a level without weight counts 0.
    level_weights
        Weight by risk level [1].
    buffer_m
        Distance at which the threat ends [m].

    Returns
    -------
    pandas.Series
        Exposure [1], index of ``points``.

    Raises
    ------
    InputError
        ``prioritise.need_metres``: degrees, or two systems.
    """
    _check_metres(points, zones)
    exposure = np.zeros(len(points))
    for level, weight in level_weights.items():
        distance = _distance(points, zones, frozenset({level}), buffer_m)
        # A buffer of 0 leaves the zone itself.
        fall = np.where(distance <= 0, 1.0, np.clip(1 - distance / buffer_m, 0, 1) if buffer_m > 0 else 0.0)
        exposure = np.maximum(exposure, weight * fall)
    return pd.Series(exposure, index=points.index, name="hazard_exposure")


def inside_zone(points: gpd.GeoSeries, zones: gpd.GeoDataFrame, levels: frozenset[str]) -> pd.Series:
    """Tell which points lie inside (or on the edge of) a zone of one of the levels."""
    _check_metres(points, zones)
    return pd.Series(_distance(points, zones, levels, 0.0) <= 0, index=points.index, name="in_high_zone")


def _check_metres(points: gpd.GeoSeries, zones: gpd.GeoDataFrame) -> None:
    if points.crs is None or zones.crs is None or not points.crs.is_projected or points.crs != zones.crs:
        raise InputError("prioritise.need_metres", points=str(points.crs), zones=str(zones.crs))


def _distance(points: gpd.GeoSeries, zones: gpd.GeoDataFrame, levels: frozenset[str], limit_m: float) -> Floats:
    """Distance to the nearest zone of the levels [m], ``inf`` beyond the limit."""
    distance = np.full(len(points), np.inf)
    chosen = zones.loc[zones["risk_level"].isin(list(levels))].geometry
    chosen = chosen[~(chosen.is_empty | chosen.isna())]
    if chosen.empty or not len(points):
        return distance
    # The nearest part of a multipolygon is as near as the whole, and its box is smaller.
    tree = shapely.STRtree(shapely.get_parts(chosen.to_numpy()))
    (at, _), metres = tree.query_nearest(
        points.to_numpy(), max_distance=max(limit_m, 1e-6), return_distance=True, all_matches=False
    )
    distance[at] = metres
    return np.where(distance <= limit_m, distance, np.inf)
