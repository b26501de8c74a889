"""Lay out where each item may go and the lorry hours that its deliveries use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo_minzheng.engine.arcs import Arcs
from geo_minzheng.engine.packing import trip_hours
from geo_minzheng.engine.solve import FloatArray, IntArray
from geo_minzheng.model.allocation import AllocationProblem, Lorries


@dataclass(frozen=True)
class ItemWays:
    """Where one item may go.

    Parameters
    ----------
    hours
        Lorry hours of a package, shape (row, village) [h]; ``inf`` where there is no way.
    minutes
        What a package counts in the last stage, shape (row, village).
    supply
        Packages, shape (row,).
    unit
        Whole numbers per package in which flows are computed (a power of two).
    """

    hours: FloatArray
    minutes: FloatArray
    supply: IntArray
    unit: int


@dataclass(frozen=True)
class Column:
    """One way to deliver one item: sparse flow [package], its hours by limit [h], its level and cost."""

    place: IntArray
    flow: FloatArray
    hours: FloatArray
    level: float
    cost: float


@dataclass(frozen=True)
class Fleet:
    """All items and the limited warehouses.

    Parameters
    ----------
    ways
        By item.
    row_limit
        Index of the limited warehouse of each row, or the number of limits where there is none, shape (row,).
    limit
        Hours, shape (limited warehouse,) [h].
    """

    ways: tuple[ItemWays, ...]
    row_limit: IntArray
    limit: FloatArray

    def hours_by_limit(self, item: int, flow: FloatArray) -> FloatArray:
        """Sum the hours of a flow by limited warehouse."""
        hours = self.ways[item].hours
        by_row = np.where(flow > 0, np.where(np.isfinite(hours), hours, 0.0) * flow, 0.0).sum(axis=1)
        return np.bincount(self.row_limit, by_row, len(self.limit) + 1)[: len(self.limit)].astype(np.float64)

    def column(self, item: int, flow: FloatArray, level: float) -> Column:
        """Store a flow."""
        place = np.flatnonzero(flow)
        values = flow.ravel()[place]
        cost = float((self.ways[item].minutes.ravel()[place] * values).sum())
        return Column(place, values, self.hours_by_limit(item, flow), level, cost)


def list_fleet(problem: AllocationProblem, lorries: Lorries, arcs: Arcs, weight: FloatArray) -> Fleet:
    """Lay the ways out by item."""
    n_rows, n_villages = problem.minutes.shape
    per_kg, kg = trip_hours(problem, lorries)
    ways = []
    for k in range(problem.shape[2]):
        here = arcs.item == k
        at = (arcs.row[here], arcs.village[here])
        hours, minutes = np.full((n_rows, n_villages), np.inf), np.full((n_rows, n_villages), np.inf)
        hours[at], minutes[at] = per_kg[at] * kg[k], problem.minutes[at] * weight[k]
        total = max(1, int(problem.supply[:, k].sum()), int(problem.demand[:, :, k].sum()))
        unit = 2 ** max(0, 50 - total.bit_length())
        ways.append(ItemWays(hours, minutes, np.ascontiguousarray(problem.supply[:, k]), unit))
    limited = np.isfinite(lorries.hours)
    place = np.where(limited, np.cumsum(limited) - 1, limited.sum())
    return Fleet(tuple(ways), place[problem.row_warehouse], lorries.hours[limited])
