"""Share goods fairly where the items of a warehouse share lorry hours: linear programmes, then rounding to packages.

Without packages the fair shares are exact. For each need layer in order, over all villages and items at once, the cover
of the pairs (village, item) rises together, ``z = base + t * direction``, as far as stock and hours allow; then the
pairs that no solution can raise keep their cover, not their flow, and the rest goes on.

Hours are all that ties items together, and there are few warehouses. So each rise is solved by items (Dantzig and
Wolfe 1960): a small master programme mixes deliveries of single items under the hours, its prices of hours ``h`` are
handed to one transportation problem per item, and with ``y`` the least price of serving a pair,

    t <= (h @ hours + sum of stock prices * stock - sum of base * y) / (sum of direction * y)

bounds the rise for any prices ``h >= 0``. A pair with ``y > 0`` at the end cannot rise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from geo_minzheng.engine.arcs import Arcs, list_arcs
from geo_minzheng.engine.fleet import Column, Fleet, ItemWays, list_fleet
from geo_minzheng.engine.leximin import blame, max_flow
from geo_minzheng.engine.packing import trip_hours
from geo_minzheng.engine.rounding import round_down_and_fill
from geo_minzheng.engine.solve import BoolArray, FloatArray, IntArray, LinearModel, LinearSession
from geo_minzheng.engine.transport import carry
from geo_minzheng.model.allocation import AllocationProblem, Lorries

ROUND_LIMIT = 400
PROOF = 1e-9
RISE_GAP = 1e-8
MINUTES_GAP = 1e-6
STALL_LIMIT = 30
PRICE_NOISE = 1e-6


@dataclass(frozen=True)
class Rise:
    """A cover that is delivered.

    Parameters
    ----------
    cover
        Shape (item, village) [package].
    mix
        Flow of each item that delivers it, shape (row, village) [package].
    level
        How far the last rise went, from 0 to 1.
    stuck
        Pairs that no solution can raise further, shape (item, village).
    """

    cover: FloatArray
    mix: list[FloatArray]
    level: float
    stuck: BoolArray


def _price_item(ways: ItemWays, cost: FloatArray, cover: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Deliver a cover at least cost: flow [package], least price of a pair (village,), price of stock (row,)."""
    demand = np.floor(cover * (ways.unit * (1 - 1e-13))).astype(np.int64)
    flow, price, _ = carry(cost, ways.supply * ways.unit, demand)
    least = np.min(cost + price[:, None], axis=0, initial=np.inf)
    return flow / ways.unit, np.where(np.isfinite(least), least, 0.0), price


def _stock_limit(ways: ItemWays, base: FloatArray, direction: FloatArray, top: float) -> tuple[float, BoolArray]:
    """Find how far one item rises by its stock alone, and the villages that its bottleneck holds (Newton on cuts)."""
    reach = np.isfinite(ways.hours) & (ways.supply > 0)[:, None]
    held, level = np.zeros(len(base), dtype=np.bool_), top
    flow = np.zeros(reach.shape, dtype=np.int64)
    w_blamed, g_blamed = np.zeros(len(reach), dtype=np.bool_), np.zeros(len(base), dtype=np.bool_)
    while True:
        demand = np.floor((base + level * direction) * ways.unit * (1 - 1e-13)).astype(np.int64)
        lack = max_flow(ways.supply * ways.unit, demand, reach, flow)
        if lack.sum() <= len(base):
            return level, held
        blame(lack, reach, flow, w_blamed, g_blamed)
        slope = float(direction[g_blamed].sum())
        if slope <= 0.0:
            return 0.0, g_blamed.copy()
        limit = max(0.0, (float(ways.supply[w_blamed].sum()) - float(base[g_blamed].sum())) / slope)
        held = g_blamed.copy()
        if limit >= level * (1 - 1e-13):
            return limit, held
        level = limit


class Master:
    """The small programme that mixes columns of single items under the hours; kept in the solver as columns come.

    Column 0 is the common level; rows are hours, shares of each item (sum 1), level of each item (at least the common).
    """

    def __init__(self, fleet: Fleet, start: list[Column], *, is_rise: bool) -> None:
        self.fleet, self.is_rise = fleet, is_rise
        self.columns, self.items = list(start), list(range(len(start)))
        n_limits, n_items = len(fleet.limit), len(start)
        # The start is kept feasible even where earlier rounding errors of the solver overdrew the hours by a hair.
        limit = np.maximum(fleet.limit, sum((column.hours for column in start), np.zeros(n_limits)))
        self.size = np.maximum(1e-9, limit)
        self.scale = max(1e-300, sum(abs(column.cost) for column in start))
        common = np.r_[np.zeros(n_limits + n_items), -np.ones(n_items)][:, None]
        self.session = LinearSession(
            LinearModel(
                cost=np.r_[float(is_rise), np.zeros(n_items) if is_rise else self._costs(start)],
                lower=np.zeros(1 + n_items),
                upper=np.r_[0.0, np.full(n_items, np.inf)],
                matrix=sparse.csc_array(np.hstack([common, self._matrix(start, self.items)])),
                row_lower=np.r_[np.full(n_limits, -np.inf), np.ones(n_items), np.zeros(n_items)],
                row_upper=np.r_[limit / self.size + 1e-10, np.ones(n_items), np.full(n_items, np.inf)],
                maximise=is_rise,
            )
        )

    def _costs(self, columns: list[Column]) -> FloatArray:
        return np.array([column.cost for column in columns]) / self.scale

    def _matrix(self, columns: list[Column], items: list[int]) -> FloatArray:
        n_limits, n_items, at = len(self.fleet.limit), len(self.fleet.ways), np.arange(len(columns))
        matrix = np.zeros((n_limits + 2 * n_items, len(columns)))
        matrix[:n_limits] = np.array([column.hours for column in columns]).T / self.size[:, None]
        matrix[n_limits + np.array(items), at] = 1.0
        matrix[n_limits + n_items + np.array(items), at] = [column.level for column in columns]
        return matrix

    def add(self, columns: list[Column]) -> None:
        """Take in one column of each item."""
        items = list(range(len(columns)))
        costs = np.zeros(len(columns)) if self.is_rise else self._costs(columns)
        matrix = sparse.csc_array(self._matrix(columns, items))
        self.session.add_columns(costs, np.full(len(columns), np.inf), matrix)
        self.columns += columns
        self.items += items

    def solve(self, top: float = 0.0) -> tuple[float, FloatArray, FloatArray]:
        """Maximise the common level up to ``top``, or minimise cost: value, shares of columns, prices of hours."""
        self.session.set_column(0, 0.0, top)
        found = self.session.solve()
        scale = 1.0 if self.is_rise else self.scale
        worth = np.abs(found.dual[: len(self.size)])
        prices = np.where(worth > PRICE_NOISE * worth.max(initial=0.0), worth, 0.0) / self.size * scale
        return found.objective * scale, np.maximum(0.0, found.x[1:]), prices

    def mix(self, shares: FloatArray) -> list[FloatArray]:
        """Add the columns up in their shares."""
        flows = [np.zeros(ways.hours.shape) for ways in self.fleet.ways]
        total = np.bincount(self.items, shares)
        for item, column, share in zip(self.items, self.columns, shares.tolist(), strict=True):
            if share > 0.0:
                flows[item].ravel()[column.place] += share / total[item] * column.flow
        return flows


def _with_hours(fleet: Fleet, item: int, prices: FloatArray, cost: FloatArray | None = None) -> FloatArray:
    """Cost of a package by way when hours have prices, shape (row, village); ``inf`` where there is no way."""
    hours = fleet.ways[item].hours
    is_way = np.isfinite(hours)
    charge = np.where(is_way, hours, 0.0) * np.append(prices, 0.0)[fleet.row_limit][:, None]
    return np.where(is_way, charge if cost is None else charge + cost, np.inf)


def _stock_limits(fleet: Fleet, base: FloatArray, direction: FloatArray, top: float) -> tuple[float, BoolArray]:
    """Find how far all items rise by stock alone, and whom that holds, shape (item, village)."""
    limits, held = np.full(len(base), top), np.zeros(base.shape, dtype=np.bool_)
    for k, ways in enumerate(fleet.ways):
        if direction[k].any():
            limits[k], held[k] = _stock_limit(ways, base[k], direction[k], top)
    ceiling = float(limits.min(initial=top))
    held[limits > ceiling * (1 + 1e-7)] = False
    return ceiling, held


def rise(fleet: Fleet, start: Rise, direction: FloatArray, *, is_all_or_nothing: bool) -> Rise:
    """Raise ``base + t * direction`` from ``t = 0`` as far as stock and hours allow, at most to 1.

    Parameters
    ----------
    start
        What is delivered now: ``cover`` is the base.
    direction
        Shape (item, village) [package].
    is_all_or_nothing
        Whether to give up, with level 0, as soon as it is certain that 1 cannot be reached.
    """
    base = start.cover
    ceiling, held = _stock_limits(fleet, base, direction, 1.0)
    moves = np.asarray(direction.any(axis=1))
    master = Master(
        fleet, [fleet.column(k, f, 0.0 if moves[k] else 1.0) for k, f in enumerate(start.mix)], is_rise=True
    )
    usual = 1.0 / np.maximum(1e-9, fleet.limit)
    prices, pair_price, level = usual, np.zeros(base.shape), 0.0
    shares, stalled = np.ones(len(base)), 0
    for _ in range(ROUND_LIMIT):
        if is_all_or_nothing and ceiling < 1.0 - PROOF:
            return start
        worth, least, new = float(prices @ fleet.limit), np.zeros(base.shape), []
        for k, ways in enumerate(fleet.ways):
            flow, least[k], stock_price = _price_item(
                ways, _with_hours(fleet, k, prices), base[k] + ceiling * direction[k]
            )
            worth += float(stock_price @ ways.supply) - float(base[k] @ least[k])
            new.append(fleet.column(k, flow, ceiling if moves[k] else 1.0))
        master.add(new)
        significant = np.where(least > PRICE_NOISE * least.max(initial=0.0), least, 0.0)
        slope, noise = float((direction * significant).sum()), PROOF * float(prices @ fleet.limit)
        if slope > 0.0 and worth < slope * ceiling - noise:
            ceiling, pair_price = max(0.0, worth / slope), significant
            held[:] = False
        last = level
        level, shares, prices = master.solve(ceiling)
        stalled = stalled + 1 if level <= last + 1e-12 else 0
        if level >= ceiling * (1 - RISE_GAP) - 1e-12 or stalled > STALL_LIMIT:
            break
        if not prices.any():
            prices = usual
    stuck = held | (pair_price > 0.0)
    return Rise(base + level * direction, master.mix(shares), level, stuck & (direction > 0))


def minimise(fleet: Fleet, start: list[FloatArray], cover: FloatArray) -> tuple[list[FloatArray], float]:
    """Deliver a cover (item, village) at least cost under the hours: flows by item and a lower bound of the cost.

    ``start`` delivers at least the cover and keeps the hours.
    """
    master = Master(fleet, [fleet.column(k, flow, 0.0) for k, flow in enumerate(start)], is_rise=False)
    best, prices = 0.0, np.zeros(len(fleet.limit))
    shares = np.ones(len(start))
    for _ in range(ROUND_LIMIT):
        bound, new = -float(prices @ fleet.limit), []
        for k, ways in enumerate(fleet.ways):
            cost = _with_hours(fleet, k, prices, np.where(np.isfinite(ways.minutes), ways.minutes, 0.0))
            flow, least, stock_price = _price_item(ways, cost, cover[k])
            bound += float(cover[k] @ least) - float(stock_price @ ways.supply)
            new.append(fleet.column(k, flow, 0.0))
        master.add(new)
        best = max(best, bound)
        value, shares, prices = master.solve()
        if value - best <= MINUTES_GAP * max(1.0, value):
            break
    return master.mix(shares), best


def fair_cover(problem: AllocationProblem, arcs: Arcs, fleet: Fleet) -> tuple[FloatArray, Rise]:
    """Find the fair shares without packages, shape (layer, item, village) [package], and deliveries that make them."""
    n_rows, n_villages = problem.minutes.shape
    n_items = problem.shape[2]
    can = np.zeros((n_items, n_villages), dtype=np.bool_)
    can[arcs.item, arcs.village] = True
    now = Rise(np.zeros(can.shape), [np.zeros((n_rows, n_villages)) for _ in range(n_items)], 0.0, can)
    weight = np.ascontiguousarray(problem.weights.T)
    layers = []
    for demand in np.where(can, problem.demand.transpose(0, 2, 1), 0).astype(np.float64):
        before = now.cover
        now = _fill_layer(fleet, now, demand, weight)
        layers.append(now.cover - before)
    return np.array(layers), now


def _fill_layer(fleet: Fleet, now: Rise, demand: FloatArray, weight: FloatArray) -> Rise:
    """Raise one layer: as many levels at which somebody is full as can be passed, then to where somebody is stuck."""
    base, active, ratio = now.cover, np.asarray(demand > 0), 0.0
    while active.any():
        levels = np.unique(1.0 / weight[active])
        levels = levels[levels > ratio * (1 + 1e-7)]
        if not len(levels):
            break

        def target(level: float, now: Rise = now, active: BoolArray = active) -> FloatArray:
            cover = base + np.minimum(demand, demand * weight * level)
            return np.where(active, np.maximum(cover, now.cover), now.cover)

        low, high, middle = -1, len(levels), len(levels) - 1
        while high - low > 1:
            found = rise(fleet, now, target(levels[middle]) - now.cover, is_all_or_nothing=True)
            if found.level >= 1.0 - 2 * RISE_GAP and found is not now:
                low, now, ratio = middle, found, float(levels[middle])
            else:
                high = middle
            middle = (low + high) // 2
        active = active & (1.0 / weight > ratio * (1 + 1e-7))
        if not active.any():
            break
        goal = np.where(
            active, np.maximum(base + np.minimum(demand, demand * weight * levels[high]), now.cover), now.cover
        )
        found = rise(fleet, now, goal - now.cover, is_all_or_nothing=False)
        ratio += found.level * float(levels[high] - ratio)
        stuck = active & found.stuck
        active = active & ~(stuck if stuck.any() else active)
        now = found
    return now


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


def share_hours(problem: AllocationProblem, lorries: Lorries, weight: FloatArray) -> HoursAnswer:
    """Share goods under lorry hours.

    Parameters
    ----------
    weight
        What a package counts in the minutes, shape (item,).
    """
    arcs = list_arcs(problem, lorries)
    at = (arcs.pair_village, arcs.pair_item)
    got = np.zeros_like(problem.demand)
    if not len(arcs.row):
        none = np.zeros(0, dtype=np.int64)
        return HoursAnswer(none, none, none, none, got, np.zeros(problem.demand.shape), 0.0)
    fleet = list_fleet(problem, lorries, arcs, weight)
    cover, reached = fair_cover(problem, arcs, fleet)
    flows, _ = minimise(fleet, reached.mix, np.floor(reached.cover + 1e-6))
    flow = np.array(flows)[arcs.item, arcs.row, arcs.village]
    packages, got[:, at[0], at[1]] = round_down_and_fill(problem, arcs, flow)
    whole = np.zeros((problem.shape[2], *problem.minutes.shape))
    whole[arcs.item, arcs.row, arcs.village] = packages
    _, least = minimise(fleet, list(whole), whole.sum(axis=1))
    used = np.nonzero(packages)[0]
    rows, villages, items = arcs.row[used], arcs.village[used], arcs.item[used]
    return HoursAnswer(rows, villages, items, packages[used], got, cover.transpose(0, 2, 1), least)


def hours_used(
    problem: AllocationProblem, lorries: Lorries, row: IntArray, village: IntArray, item: IntArray, packages: IntArray
) -> FloatArray:
    """Sum the lorry hours of deliveries by warehouse, shape (warehouse,) [h]."""
    per_kg, kg = trip_hours(problem, lorries)
    hours = per_kg[row, village] * kg[item] * packages
    return np.bincount(problem.row_warehouse[row], weights=hours, minlength=problem.shape[0]).astype(np.float64)
