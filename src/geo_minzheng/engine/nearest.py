"""Serve the nearest pair first: the rule of thumb that the fair plan is compared with."""

from __future__ import annotations

import numpy as np

from geo_minzheng.engine.packing import trip_hours
from geo_minzheng.engine.solve import BoolArray, FloatArray, IntArray, compiled
from geo_minzheng.model.allocation import AllocationProblem


@compiled
def _serve(
    order: IntArray,
    allowed: BoolArray,
    supply: IntArray,
    demand: IntArray,
    per_kg: FloatArray,
    kg: FloatArray,
    row_warehouse: IntArray,
    hours: FloatArray,
    got: IntArray,
) -> IntArray:
    """Walk the pairs once per need layer; returns (row, village, item, packages) as columns."""
    n_layers, n_v, n_k = demand.shape
    size = 1024
    out = np.empty((4, size), dtype=np.int64)
    count = 0
    for layer in range(n_layers):
        for pair in order:
            r, v = pair // n_v, pair % n_v
            w = row_warehouse[r]
            for k in range(n_k):
                amount = min(supply[r, k], demand[layer, v, k] - got[layer, v, k])
                if amount <= 0 or not allowed[r % allowed.shape[0], v % allowed.shape[1], k % allowed.shape[2]]:
                    continue
                use = per_kg[r, v] * kg[k]
                if use > 0.0 and use * amount > hours[w]:
                    amount = np.int64(np.floor(hours[w] / use))
                    if amount <= 0:
                        continue
                if use > 0.0:
                    hours[w] = max(0.0, hours[w] - use * amount)
                supply[r, k] -= amount
                got[layer, v, k] += amount
                if count == size:
                    larger = np.empty((4, 2 * size), dtype=np.int64)
                    larger[:, :size] = out
                    out, size = larger, 2 * size
                out[0, count], out[1, count], out[2, count], out[3, count] = r, v, k, amount
                count += 1
    return out[:, :count]


def nearest_flows(problem: AllocationProblem) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """Serve pairs by arrival time (tie: row, then village), each with all it needs and may have.

    Returns
    -------
    row, village, item, packages, got
        Deliveries in sparse form, each (row, village, item) once; packages by (layer, village, item).
    """
    n_rows, n_villages = problem.minutes.shape
    n_items = problem.shape[2]
    got = np.zeros_like(problem.demand)
    flat = problem.minutes.ravel()
    order = np.argsort(flat, kind="stable")[: int(np.isfinite(flat).sum())]
    allowed = np.ones((1, 1, 1), dtype=np.bool_) if problem.allowed is None else problem.allowed
    if problem.lorries is None:
        per_kg, kg = np.zeros((n_rows, n_villages)), np.zeros(n_items)
        hours = np.full(problem.shape[0], np.inf)
    else:
        per_kg, kg = trip_hours(problem, problem.lorries)
        hours = problem.lorries.hours.copy()
    found = _serve(order, allowed, problem.supply.copy(), problem.demand, per_kg, kg, problem.row_warehouse, hours, got)
    place = (
        np.ravel_multi_index((found[2], found[0], found[1]), (n_items, n_rows, n_villages)) if found.size else found[0]
    )
    places, inverse = np.unique(place, return_inverse=True)
    packages = np.zeros(len(places), dtype=np.int64)
    np.add.at(packages, inverse, found[3])
    if not len(places):
        return places, places, places, packages, got
    item, row, village = np.unravel_index(places, (n_items, n_rows, n_villages))
    return row, village, item, packages, got
