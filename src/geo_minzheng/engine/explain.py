"""Tell why a village does not get more, what one change would do, and how two plans differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from geo_minzheng.engine.allocate import allocate_fairly, fair_shares
from geo_minzheng.engine.packing import item_minutes
from geo_minzheng.engine.solve import BoolArray, FloatArray, IntArray
from geo_minzheng.model.allocation import (
    AllocationPlan,
    AllocationProblem,
    Moves,
    MovesDifference,
    Shortfall,
    WhatIf,
)


@dataclass(frozen=True)
class _Item:
    """One item of a plan, laid out for explanations; packages, rows of stock by village."""

    problem: AllocationProblem
    index: int
    size: float
    reach: BoolArray
    supply: IntArray
    left: IntArray
    loose: FloatArray
    closure: BoolArray
    serves: BoolArray


def _lay_out(plan: AllocationPlan, item: int) -> _Item:
    """Find what is left where, and which rows could stand in for each other by re-routing."""
    problem, moves = plan.problem, plan.moves
    n_rows, n_villages = problem.minutes.shape
    place = np.full((problem.shape[0], int(problem.row_period.max(initial=-1)) + 2), -1)
    place[problem.row_warehouse, problem.row_period + 1] = np.arange(n_rows)
    here = moves.item == item
    row = place[moves.warehouse[here], moves.period[here] + 1]
    flow = np.zeros((n_rows, n_villages))
    np.add.at(flow, (row, moves.village[here]), moves.quantity[here])
    size = float(problem.package[item])
    supply = problem.supply[:, item]
    reach = np.isfinite(item_minutes(problem, item))
    serves = flow > 0
    step = (serves.astype(np.float32) @ reach.T.astype(np.float32)) > 0
    closure = step & (supply > 0)[None, :] | np.eye(n_rows, dtype=bool)
    while True:
        wider = (closure.astype(np.float32) @ closure.astype(np.float32)) > 0
        if (wider == closure).all():
            break
        closure = wider
    on_hand = np.where(problem.row_period < 0, problem.stock[problem.row_warehouse, item], 0.0)
    return _Item(
        problem=problem,
        index=item,
        size=size,
        reach=reach,
        supply=supply,
        left=supply - np.rint(flow.sum(axis=1) / size).astype(np.int64),
        loose=np.maximum(0.0, on_hand - supply * size),
        closure=closure,
        serves=serves,
    )


def explain(plan: AllocationPlan) -> tuple[Shortfall, ...]:
    """Name for every village and item that is short what stands against more.

    The bottleneck of a village is the smallest set of warehouses that reach it, are used up, and serve nobody whom
    another warehouse with goods could serve instead; it is read off the plan's own deliveries.

    Returns
    -------
    tuple of Shortfall
        Sorted by (item, village); codes as in :class:`~geo_minzheng.model.allocation.Shortfall`.
    """
    missing = plan.need_packed - plan.got
    is_short = missing > 1e-9 * np.maximum(1.0, plan.need_packed)
    found: list[Shortfall] = []
    for item in range(plan.problem.shape[2]):
        villages = np.nonzero(is_short[:, :, item].any(axis=0))[0]
        if not len(villages):
            continue
        laid = _lay_out(plan, item)
        known: dict[bytes, tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {}
        for v in villages.tolist():
            key = np.packbits(laid.reach[:, v] & (laid.supply > 0)).tobytes()
            is_reached = bool((laid.reach[:, v] & (laid.supply > 0)).any())
            if is_reached and key in known:
                cause = known[key]
            else:
                cause = _shared_cause(plan, laid, v) if is_reached else _no_way(laid, v)
                if is_reached:
                    known[key] = cause
            code, warehouses, sharers, facts = cause
            layer = int(np.argmax(is_short[:, v, item]))
            short = float(missing[:, v, item].sum())
            found.append(Shortfall(v, item, layer, short, code, warehouses, sharers, facts))
    return tuple(found)


Cause = tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any]]


def _no_way(laid: _Item, village: int) -> Cause:
    """Say why no stocked warehouse serves the village at all."""
    problem, stocked = laid.problem, laid.supply > 0
    has_loose = laid.loose > 0
    if (laid.reach[:, village] & has_loose).any() or (not stocked.any() and has_loose.any()):
        warehouses = _warehouses(problem, has_loose & (laid.reach[:, village] | (not stocked.any())))
        return "package", warehouses, (), {"loose": float(laid.loose.sum()), "size": laid.size}
    if not stocked.any():
        return "stock", (), (), {"stock": 0.0, "left_elsewhere": 0.0}
    has_road = np.isfinite(problem.cost[problem.row_warehouse, village]) & stocked
    left = float(laid.left[stocked].sum() * laid.size)
    if not has_road.any():
        return "no_road", (), (), {"left_elsewhere": left}
    return _cut_cause(laid, has_road, np.array([village]), left)


def _cut_cause(laid: _Item, has_road: BoolArray, villages: IntArray, left: float) -> Cause:
    """Tell a deadline from a ban on the pair, for rows with goods and a road to one of the villages."""
    problem = laid.problem
    arrival = problem.cost[problem.row_warehouse][:, villages] + problem.row_minute[:, None]
    may = np.isfinite(arrival) & has_road[:, None] & _mask(laid)[:, villages]
    facts: dict[str, Any] = {"left_elsewhere": left}
    if may.any():
        facts |= {"minutes": float(arrival[may].min()), "deadline_min": problem.deadline_min}
        return "deadline", _warehouses(problem, np.asarray(may.any(axis=1))), (), facts
    return "reach", _warehouses(problem, has_road), (), facts


def _mask(laid: _Item) -> BoolArray:
    """Who may be served from where by the mask handed in, shape (row, village)."""
    problem = laid.problem
    if problem.reach is None:
        return np.ones_like(laid.reach)
    mask = problem.reach if problem.reach.ndim == 2 else problem.reach[:, :, laid.index]
    chosen: BoolArray = mask[problem.row_warehouse]
    return chosen


def _shared_cause(plan: AllocationPlan, laid: _Item, village: int) -> Cause:
    """Say what binds the warehouses that reach the village."""
    problem = laid.problem
    direct = laid.reach[:, village] & (laid.supply > 0)
    rows = np.asarray(laid.closure[direct].any(axis=0))
    sharers = np.asarray(laid.serves[rows].any(axis=0))
    warehouses, villages = _warehouses(problem, rows), tuple(np.nonzero(sharers)[0].tolist())
    facts: dict[str, Any] = {
        "stock": float(laid.supply[rows].sum() * laid.size),
        "left": float(laid.left[rows].sum() * laid.size),
        "left_elsewhere": float(laid.left[~rows].sum() * laid.size),
        "loose": float(laid.loose[rows].sum()),
    }
    if (laid.left[rows] > 0).any():
        code = "lorry_hours" if problem.lorries is not None else "not_best"
        return code, warehouses, villages, facts
    elsewhere = (laid.left > 0) & ~rows
    sharers[village] = True
    near = np.nonzero(sharers)[0]
    has_road = elsewhere & np.isfinite(problem.cost[problem.row_warehouse][:, near]).any(axis=1)
    if has_road.any():
        code, _, _, more = _cut_cause(laid, has_road, near, facts["left_elsewhere"])
        return code, warehouses, villages, facts | more
    return "stock", warehouses, villages, facts


def _warehouses(problem: AllocationProblem, rows: BoolArray) -> tuple[int, ...]:
    return tuple(np.unique(problem.row_warehouse[rows]).tolist())


def what_if(plan: AllocationPlan, *, village: int, item: int) -> tuple[WhatIf, ...]:
    """Solve again with one change at a time and tell what this village, and all together, would get.

    Changes: ``package``, one more package in the warehouse that arrives first (``needed``: how many packages until this
    village gets one more); ``road``, a way from the warehouse with most goods left (else most stock) among those that
    do not reach the village; ``deadline`` and ``lorry_hours``, without that limit, where there is one.
    """
    problem = plan.problem if plan.problem.lorries is not None else only_item(plan.problem, item)
    index = item if plan.problem.lorries is not None else 0
    laid = _lay_out(plan, item)
    before = _shares(problem)[:, :, index].sum(axis=0)
    found = []
    for change, row, changed in _changes(problem, laid, village, index):
        after = _shares(changed)[:, :, index].sum(axis=0)
        needed = _needed(problem, row, village, index, int(before[village])) if change == "package" else 0
        found.append(
            WhatIf(
                change=change,
                warehouse=int(problem.row_warehouse[row]) if row >= 0 else -1,
                village=village,
                item=item,
                gain=float(after[village] - before[village]) * laid.size,
                total_gain=float(after.sum() - before.sum()) * laid.size,
                receivers=tuple(np.nonzero(after > before)[0].tolist()),
                needed=needed * laid.size,
            )
        )
    return tuple(found)


def _shares(problem: AllocationProblem) -> IntArray:
    """Fair shares in packages, with lorry hours where there are."""
    if problem.lorries is None:
        return fair_shares(problem)
    return np.rint(allocate_fairly(problem).got / problem.package).astype(np.int64)


def only_item(problem: AllocationProblem, item: int) -> AllocationProblem:
    """Cut one item out of a problem without shared hours."""
    one = slice(item, item + 1)
    reach = problem.reach
    return replace(
        problem,
        stock=problem.stock[:, one],
        need=problem.need[:, one],
        weights=problem.weights[:, one],
        package=problem.package[one],
        supply=problem.supply[:, one],
        demand=problem.demand[:, :, one],
        allowed=None if problem.allowed is None else problem.allowed[:, :, one],
        reach=reach if reach is None or reach.ndim == 2 else reach[:, :, one],
        kg=None if problem.kg is None else problem.kg[one],
    )


def _with_more(problem: AllocationProblem, row: int, item: int, packages: int) -> AllocationProblem:
    """Put packages into a row of stock."""
    supply = problem.supply.copy()
    supply[row, item] += packages
    return replace(problem, supply=supply)


def _changes(
    problem: AllocationProblem, laid: _Item, village: int, item: int
) -> Iterator[tuple[str, int, AllocationProblem]]:
    """List the changes that make sense: name, row, changed problem."""
    minutes = item_minutes(problem, item)[:, village]
    if np.isfinite(minutes).any():
        row = int(np.argmin(minutes))
        yield "package", row, _with_more(problem, row, item, 1)
    barred = ~np.isfinite(minutes) & (laid.supply > 0)
    if barred.any():
        rank = np.where(barred, laid.left * (1.0 + laid.supply.sum()) + laid.supply, -1.0)
        row = int(np.argmax(rank))
        yield "road", row, _opened(problem, row, village, item)
    if problem.deadline_min is not None and np.isfinite(problem.deadline_min):
        late = problem.cost[problem.row_warehouse] + problem.row_minute[:, None]
        if problem.reach is not None and problem.reach.ndim == 2:
            late = np.where(problem.reach[problem.row_warehouse], late, np.inf)
        yield "deadline", -1, replace(problem, minutes=late, deadline_min=None)
    if problem.lorries is not None:
        yield "lorry_hours", -1, replace(problem, lorries=None)


def _opened(problem: AllocationProblem, row: int, village: int, item: int) -> AllocationProblem:
    """Open a way that takes the warehouse's usual (median) time, within any deadline."""
    warehouse = int(problem.row_warehouse[row])
    cost, minutes, allowed = problem.cost.copy(), problem.minutes.copy(), problem.allowed
    known = cost[warehouse][np.isfinite(cost[warehouse])]
    if not np.isfinite(cost[warehouse, village]):
        cost[warehouse, village] = float(np.median(known)) if len(known) else 0.0
    minutes[row, village] = problem.row_minute[row] + cost[warehouse, village]
    if allowed is not None:
        allowed = allowed.copy()
        allowed[row, village, item] = True
    return replace(problem, cost=cost, minutes=minutes, allowed=allowed)


def _needed(problem: AllocationProblem, row: int, village: int, item: int, before: int) -> int:
    """Count the packages that the row needs until this village gets one more; 0 if none would help."""
    if problem.lorries is not None:
        return 0
    ceiling = int(problem.demand[:, :, item].sum()) + 1

    def is_enough(packages: int) -> bool:
        after = fair_shares(_with_more(problem, row, item, packages))
        return bool(after[:, village, item].sum() > before)

    high = 1
    while high < ceiling and not is_enough(high):
        high *= 2
    if high >= ceiling and not is_enough(ceiling):
        return 0
    low, high = high // 2, min(high, ceiling)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def difference(before: Moves, after: Moves) -> MovesDifference:
    """List what a new plan removes, adds and changes, by (warehouse, village, item).

    Returns
    -------
    MovesDifference
        Only rows whose quantity differs, sorted by (item, village, warehouse).
    """
    parts = [np.stack([m.item, m.village, m.warehouse]) for m in (before, after)]
    keys, place = np.unique(np.concatenate(parts, axis=1), axis=1, return_inverse=True)
    place = place.ravel()
    quantities = np.zeros((2, keys.shape[1]))
    np.add.at(quantities[0], place[: len(before)], before.quantity)
    np.add.at(quantities[1], place[len(before) :], after.quantity)
    largest = np.maximum(1.0, quantities.max(axis=0)) if keys.shape[1] else np.zeros(0)
    differs = np.abs(quantities[0] - quantities[1]) > 1e-9 * largest
    item, village, warehouse = keys[:, differs]
    return MovesDifference(warehouse, village, item, quantities[0][differs], quantities[1][differs])
