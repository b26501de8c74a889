"""Share goods fairly where the items of a warehouse share lorry hours: linear programmes, then rounding to packages.

Without packages the fair shares are exact: for each need layer in order, over all villages and items at once,

    maximise t  where  sum_r x[r, v, k] >= base[v, k] + scale[v, k] * t   for pairs that can still rise,
                       sum_r x[r, v, k] >= cover[v, k]                    for pairs that cannot,
                       sum_v x[r, v, k] <= supply[r, k],  sum hours * x <= hours of the warehouse.

After each programme the pairs with a price (a dual unequal 0 is a proof that they cannot rise) and the pairs that are
full keep their cover, not their flow, and the rest goes on. Columns are few: nearest rows first, others when their
price calls for them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from geo_minzheng.engine.arcs import Arcs, list_arcs
from geo_minzheng.engine.packing import item_minutes, trip_hours
from geo_minzheng.engine.rounding import round_down_and_fill
from geo_minzheng.engine.solve import (
    FloatArray,
    IntArray,
    LinearModel,
    LinearSession,
    LinearSolution,
)
from geo_minzheng.engine.transport import carry
from geo_minzheng.model.allocation import AllocationProblem, Lorries

START_ROWS = 3
PRICE_TOLERANCE = 1e-7
SLACK = 1e-9


class ColumnPool:
    """A linear programme over some of the arcs that takes in others when their price calls for them.

    Column 0 is the common level ``t``; the pairs' rows come first.
    """

    def __init__(self, arcs: Arcs, guide: FloatArray) -> None:
        self.arcs = arcs
        self.chosen = _cheapest(arcs, guide)
        self.cost = np.zeros(len(arcs.row))
        n_pairs, n_columns = len(arcs.pair_village), len(self.chosen) + 1
        matrix = sparse.hstack([sparse.csc_array((arcs.n_rows, 1)), arcs.columns(self.chosen)], format="csc")
        model = LinearModel(
            cost=np.zeros(n_columns),
            lower=np.zeros(n_columns),
            upper=np.full(n_columns, np.inf),
            matrix=matrix,
            row_lower=np.concatenate([np.zeros(n_pairs), np.full(arcs.n_rows - n_pairs, -np.inf)]),
            row_upper=np.concatenate([np.full(n_pairs, np.inf), arcs.stock_limit, arcs.hour_limit]),
        )
        self.session = LinearSession(model)

    def keep(self, pairs: IntArray, cover: FloatArray) -> None:
        """Let pairs have at least a cover, whatever the level."""
        self.session.set_coefficients(pairs, 0, np.zeros(len(pairs)))
        self.session.set_rows(pairs, np.maximum(0.0, cover - SLACK), np.full(len(pairs), np.inf))

    def raise_together(self, pairs: IntArray, base: FloatArray, scale: FloatArray) -> None:
        """Let pairs have their base and ``scale`` times the level, which is to be maximised."""
        self.session.set_coefficients(pairs, 0, -scale)
        self.session.set_rows(pairs, np.maximum(0.0, base - SLACK), np.full(len(pairs), np.inf))
        goal = np.zeros(len(self.chosen) + 1)
        goal[0] = scale.sum()
        self.session.set_cost(goal, maximise=True)

    def minimise(self, cost: FloatArray) -> None:
        """Look for the least cost of the arcs from now on, shape (arc,)."""
        self.cost = cost / max(1e-300, float(cost.mean()))
        self.session.set_column(0, 0.0, 0.0)
        self.session.set_cost(np.concatenate([[0.0], self.cost[self.chosen]]), maximise=False)

    def solve(self) -> LinearSolution:
        """Solve, price all arcs that are out, take in those that help, until none does."""
        while True:
            found = self.session.solve()
            value, charge = self.arcs.prices(found.dual)
            gain = value[self.arcs.pair] - charge - self.cost
            gain[self.chosen] = 0.0
            wanted = np.nonzero(gain > PRICE_TOLERANCE)[0]
            if not len(wanted):
                return found
            self.session.add_columns(self.cost[wanted], np.full(len(wanted), np.inf), self.arcs.columns(wanted))
            self.chosen = np.concatenate([self.chosen, wanted])

    def flows(self, found: LinearSolution) -> FloatArray:
        """Spread the answer over all arcs, shape (arc,) [package]."""
        flow = np.zeros(len(self.arcs.row))
        flow[self.chosen] = np.maximum(0.0, found.x[1:])
        return flow


def _cheapest(arcs: Arcs, guide: FloatArray) -> IntArray:
    """Choose the few arcs of each pair that look cheapest, and the one that uses least hours."""
    chosen = []
    for value, count in ((guide, START_ROWS), (arcs.hours, 1)):
        order = np.lexsort((arcs.row, value, arcs.pair))
        pair = arcs.pair[order]
        chosen.append(order[np.arange(len(pair)) - np.searchsorted(pair, pair) < count])
    return np.unique(np.concatenate(chosen))


def guide_by_prices(problem: AllocationProblem, arcs: Arcs, got: IntArray) -> FloatArray:
    """Guess what arcs cost, stock included, from the plan that knows no hours, shape (arc,) [min]."""
    guide = problem.minutes[arcs.row, arcs.village]
    for k in np.unique(arcs.item).tolist():
        supply = np.ascontiguousarray(problem.supply[:, k])
        _, price, _ = carry(item_minutes(problem, k), supply, got[:, :, k].sum(axis=0))
        here = arcs.item == k
        guide[here] += price[arcs.row[here]]
    return guide


def fair_cover(problem: AllocationProblem, arcs: Arcs, pool: ColumnPool) -> FloatArray:
    """Find the fair shares without packages, shape (layer, pair) [package]."""
    at = (arcs.pair_village, arcs.pair_item)
    weight = problem.weights[at]
    total, cover = np.zeros(len(weight)), np.zeros((len(problem.demand), len(weight)))
    for layer, demand in enumerate(problem.demand[:, at[0], at[1]].astype(np.float64)):
        active = demand > 0
        pool.keep(np.nonzero(~active)[0], total[~active])
        scale = demand * weight
        while active.any():
            rising = np.nonzero(active)[0]
            pool.raise_together(rising, total[rising], scale[rising])
            pool.session.set_column(0, 0.0, float((1.0 / weight[rising]).min()))
            found = pool.solve()
            level = float(found.x[0])
            price = np.abs(found.dual[: len(weight)])
            stuck = active & ((price > PRICE_TOLERANCE) | (level * weight >= 1.0 - SLACK))
            if not stuck.any():
                stuck = active
            cover[layer, stuck] = np.minimum(demand, scale * level)[stuck]
            pool.keep(np.nonzero(stuck)[0], (total + cover[layer])[stuck])
            active &= ~stuck
        total += cover[layer]
    return cover


@dataclass(frozen=True)
class HoursAnswer:
    """Packages in sparse form, by layer, and what linear programming proves about them.

    Parameters
    ----------
    fair_cover
        Fair shares without packages, shape (layer, village, item) [package].
    least_minutes
        Lower bound of the minutes of these deliveries, packages weighed by ``weight`` [package weight * min].
    """

    row: IntArray
    village: IntArray
    item: IntArray
    packages: IntArray
    got: IntArray
    fair_cover: FloatArray
    least_minutes: float


def share_hours(problem: AllocationProblem, lorries: Lorries, got_without: IntArray, weight: FloatArray) -> HoursAnswer:
    """Share goods under lorry hours.

    Parameters
    ----------
    got_without
        Fair shares that know no hours, shape (layer, village, item) [package]: a guide to the columns.
    weight
        What a package counts in the minutes, shape (item,).
    """
    arcs = list_arcs(problem, lorries)
    at = (arcs.pair_village, arcs.pair_item)
    got, fair = np.zeros_like(problem.demand), np.zeros(problem.demand.shape)
    if not len(arcs.row):
        none = np.zeros(0, dtype=np.int64)
        return HoursAnswer(none, none, none, none, got, fair, 0.0)
    pool = ColumnPool(arcs, guide_by_prices(problem, arcs, got_without))
    cover = fair_cover(problem, arcs, pool)
    fair[:, at[0], at[1]] = cover
    everyone = np.arange(len(at[0]))
    cost = problem.minutes[arcs.row, arcs.village] * weight[arcs.item]
    pool.keep(everyone, np.floor(cover.sum(axis=0) + 1e-6))
    pool.minimise(cost)
    packages, shares = round_down_and_fill(problem, arcs, pool.flows(pool.solve()))
    got[:, at[0], at[1]] = shares
    pool.keep(everyone, shares.sum(axis=0).astype(np.float64))
    least = pool.solve().objective * max(1e-300, float(cost.mean()))
    used = np.nonzero(packages)[0]
    return HoursAnswer(arcs.row[used], arcs.village[used], arcs.item[used], packages[used], got, fair, least)


def hours_used(
    problem: AllocationProblem, lorries: Lorries, row: IntArray, village: IntArray, item: IntArray, packages: IntArray
) -> FloatArray:
    """Sum the lorry hours of deliveries by warehouse, shape (warehouse,) [h]."""
    per_kg, kg = trip_hours(problem, lorries)
    hours = per_kg[row, village] * kg[item] * packages
    return np.bincount(problem.row_warehouse[row], weights=hours, minlength=problem.shape[0]).astype(np.float64)
