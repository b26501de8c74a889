"""Round flows to whole packages that keep stock and lorry hours, as fairly as exchanges can make it."""

from __future__ import annotations

import numpy as np

from geo_minzheng.engine.arcs import Arcs
from geo_minzheng.engine.leximin import precedes
from geo_minzheng.engine.packing import whole_weights
from geo_minzheng.engine.solve import BoolArray, FloatArray, IntArray, compiled
from geo_minzheng.model.allocation import AllocationProblem

SLACK = 1e-9
HAIR = 1e-12


@compiled
def _lowest(alive: BoolArray, held: IntArray, scale: IntArray) -> int:
    """Find the pair whose turn it is; -1 when none can rise."""
    best = -1
    for p in range(len(alive)):
        if alive[p] and (best < 0 or precedes(p, best, held, scale)):
            best = p
    return best


@compiled
def _donor(
    arc: int,
    giver_arcs: IntArray,
    packages: IntArray,
    hours: FloatArray,
    stock_row: IntArray,
    pair: IntArray,
    stock_left: IntArray,
    missing: float,
    ratio: float,
    got: IntArray,
    scale: IntArray,
    layer: int,
) -> tuple[int, int, int, float]:
    """Find who at the same warehouse can spare packages for ``arc`` and stays above ``ratio``.

    Goods of later layers go first, then those of the highest ratio; returns arc, layer, packages and rank.
    """
    best, best_layer, best_count, best_rank = -1, -1, 0, -1.0
    needs_stock = stock_left[stock_row[arc]] <= 0
    for other in giver_arcs:
        if packages[other] == 0 or pair[other] == pair[arc] or (needs_stock and stock_row[other] != stock_row[arc]):
            continue
        count = 1
        if missing > 0.0:
            if hours[other] <= 0.0:
                continue
            count = max(1, int(np.ceil(missing / hours[other] - HAIR)))
        if count > packages[other]:
            continue
        q = pair[other]
        last = len(got) - 1
        while last > layer and got[last, q] < count:
            last -= 1
        if got[last, q] < count:
            continue
        after = (got[last, q] - count) / scale[last, q]
        rank = after if last == layer else 1e18 + last
        if (last > layer or after > ratio * (1 + 1e-12)) and rank > best_rank:
            best, best_layer, best_count, best_rank = other, last, count, rank
    return best, best_layer, best_count, best_rank


@compiled
def _fill(
    packages: IntArray,
    arc_start: IntArray,
    arc_order: IntArray,
    near_start: IntArray,
    near_order: IntArray,
    hours: FloatArray,
    pair: IntArray,
    stock_row: IntArray,
    warehouse: IntArray,
    stock_left: IntArray,
    hour_left: FloatArray,
    demand: IntArray,
    scale: IntArray,
    got: IntArray,
) -> None:
    """Hand out what rounding left, the next package to the lowest ratio; if nothing is left, take from who has more.

    Every exchange makes the shares strictly fairer, so it ends; the count of steps is limited all the same.
    """
    n_layers, n_pairs = demand.shape
    for layer in range(n_layers):
        alive = got[layer] < demand[layer]
        for _ in range(20 * n_pairs + 1000):
            p = _lowest(alive, got[layer], scale[layer])
            if p < 0:
                break
            ratio = got[layer, p] / scale[layer, p]
            best, giver, giver_layer, count, best_rank = -1, -1, -1, 0, -1.0
            for place in range(arc_start[p], arc_start[p + 1]):
                arc = arc_order[place]
                w = warehouse[arc]
                missing = hours[arc] - hour_left[w]
                if missing <= HAIR * hours[arc]:
                    missing = 0.0
                if stock_left[stock_row[arc]] > 0 and missing <= 0.0:
                    best, giver = arc, -1
                    break
                near = near_order[near_start[w] : near_start[w + 1]]
                found, its_layer, its_count, rank = _donor(
                    arc, near, packages, hours, stock_row, pair, stock_left, missing, ratio, got, scale, layer
                )
                if found >= 0 and rank > best_rank:
                    best, giver, giver_layer, count, best_rank = arc, found, its_layer, its_count, rank
            if best < 0:
                alive[p] = False
                continue
            if giver >= 0:
                packages[giver] -= count
                got[giver_layer, pair[giver]] -= count
                stock_left[stock_row[giver]] += count
                hour_left[warehouse[giver]] += count * hours[giver]
                if giver_layer == layer:
                    alive[pair[giver]] = True
            packages[best] += 1
            stock_left[stock_row[best]] -= 1
            hour_left[warehouse[best]] -= hours[best]
            got[layer, p] += 1
            alive[p] = got[layer, p] < demand[layer, p]


def round_down_and_fill(problem: AllocationProblem, arcs: Arcs, flow: FloatArray) -> tuple[IntArray, IntArray]:
    """Round flows down to packages that keep every limit, then fill up; packages (arc,) and got (layer, pair)."""
    packages = np.floor(flow + 1e-7).astype(np.int64)
    n_stocks, n_limits = len(arcs.stock_limit), len(arcs.hour_limit)
    limited = arcs.hour_row >= 0
    while True:
        stock_left = arcs.stock_limit.astype(np.int64) - np.bincount(arcs.stock_row, packages, n_stocks).astype(
            np.int64
        )
        used = np.bincount(arcs.hour_row[limited], (arcs.hours * packages)[limited], n_limits)
        broken = (stock_left < 0)[arcs.stock_row]
        broken[limited] |= (used > arcs.hour_limit * (1 + SLACK))[arcs.hour_row[limited]]
        broken &= packages > 0
        if not broken.any():
            break
        packages[np.nonzero(broken)[0][-1]] -= 1
    at = (arcs.pair_village, arcs.pair_item)
    demand = np.ascontiguousarray(problem.demand[:, at[0], at[1]])
    held = np.bincount(arcs.pair, packages, len(at[0])).astype(np.int64)
    below = np.cumsum(demand, axis=0) - demand
    got = np.clip(held - below, 0, demand)
    whole = whole_weights(problem.weights, int(demand.max(initial=0)))[at]
    order = np.lexsort((arcs.row, arcs.hours, arcs.pair))
    start = np.searchsorted(arcs.pair[order], np.arange(len(at[0]) + 1))
    warehouse = np.where(limited, arcs.hour_row, n_limits)
    near = np.argsort(warehouse, kind="stable")
    near_start = np.searchsorted(warehouse[near], np.arange(n_limits + 2))
    hour_left = np.append(np.maximum(0.0, arcs.hour_limit - used), np.inf)
    _fill(packages, start, order, near_start, near, arcs.hours, arcs.pair, arcs.stock_row, warehouse, stock_left,
          hour_left, demand, demand * whole, got)  # fmt: skip
    return packages, got
