"""Carry fixed deliveries at least cost: the transportation problem of one item, with prices that prove it.

Minimise ``sum cost[w, v] * x[w, v]`` where ``sum_w x[w, v] = demand[v]``, ``sum_v x[w, v] <= supply[w]``, ``x >= 0``.
There are few warehouses and many villages, so paths are searched on the graph of warehouses alone: an arc from ``a``
to ``b`` means that ``a`` takes over a village from ``b``, at the least extra cost over all villages that ``b`` serves
(successive shortest paths; Tokuyama and Nakano 1995). For any prices ``p >= 0`` of stock, ``sum_v demand[v] *
min_w(cost[w, v] + p[w]) - sum_w supply[w] * p[w]`` is a lower bound; at the end it meets the cost.
"""

from __future__ import annotations

import numpy as np

from geo_minzheng.engine.solve import FloatArray, IntArray, compiled

COARSE_FACTOR = 12
COARSE_FROM = 1500


@compiled
def _assign(cost: FloatArray, demand: IntArray, price: FloatArray, flow: IntArray, out: IntArray) -> None:
    """Give each village wholly to the warehouse that is cheapest at the prices."""
    n_w, n_v = cost.shape
    best = np.full(n_v, np.inf)
    where = np.full(n_v, -1, dtype=np.int64)
    for w in range(n_w):
        for v in range(n_v):
            value = cost[w, v] + price[w]
            if value < best[v]:
                best[v] = value
                where[v] = w
    for v in range(n_v):
        if demand[v] > 0 and where[v] >= 0:
            flow[where[v], v] = demand[v]
            out[where[v]] += demand[v]


@compiled
def _scan(
    giver: int, taker: int, cost: FloatArray, served: IntArray, count: int, extra: FloatArray, via: IntArray
) -> None:
    """Find the village of ``giver`` that ``taker`` takes over at least extra cost."""
    best, where = np.inf, -1
    for at in range(count):
        v = served[giver, at]
        value = cost[taker, v] - cost[giver, v]
        if value < best:
            best, where = value, v
    extra[giver, taker] = best
    via[giver, taker] = where


@compiled
def _shortest(
    excess: IntArray,
    price: FloatArray,
    extra: FloatArray,
    supply: IntArray,
    used: IntArray,
    tolerance: float,
    distance: FloatArray,
    before: IntArray,
) -> int:
    """Search from all nodes with too much to the nearest with too little (Dijkstra, dense); the last node is the pool.

    The pool stands for unused stock: pool -> w puts more of ``w``'s stock to use, w -> pool less. Lengths below the
    tolerance are 0 and the fewest arcs win a tie: else rounding errors send crumbs in circles (Edmonds and Karp 1972).
    """
    n = len(supply)
    is_done, arcs = np.zeros(n + 1, dtype=np.bool_), np.zeros(n + 1, dtype=np.int64)
    distance[:] = np.inf
    before[:] = -1
    for node in range(n + 1):
        if excess[node] > 0:
            distance[node] = 0.0
    while True:
        node, least = -1, np.inf
        for other in range(n + 1):
            is_nearer = distance[other] < least or (node >= 0 and distance[other] == least and arcs[other] < arcs[node])
            if not is_done[other] and is_nearer:
                node, least = other, distance[other]
        if node < 0:
            return -1
        is_done[node] = True
        if excess[node] < 0:
            return node
        for other in range(n + 1):
            if is_done[other]:
                continue
            if node == n:
                length = -price[other] if used[other] < supply[other] else np.inf
            elif other == n:
                length = price[node] if used[node] > 0 else np.inf
            else:
                length = extra[other, node] + price[node] - price[other]
            value = least + (length if length > tolerance else 0.0)
            if value < distance[other] or (value == distance[other] and arcs[node] + 1 < arcs[other]):
                distance[other] = value
                before[other] = node
                arcs[other] = arcs[node] + 1


@compiled
def _take_over(
    taker: int,
    giver: int,
    amount: int,
    cost: FloatArray,
    flow: IntArray,
    served: IntArray,
    place: IntArray,
    counts: IntArray,
    extra: FloatArray,
    via: IntArray,
) -> None:
    """Let ``taker`` serve part of a village of ``giver`` and keep the arcs true."""
    n_w = len(counts)
    v = via[giver, taker]
    flow[giver, v] -= amount
    if flow[taker, v] == 0:
        served[taker, counts[taker]] = v
        place[taker, v] = counts[taker]
        counts[taker] += 1
        for other in range(n_w):
            value = cost[other, v] - cost[taker, v]
            if other != taker and value < extra[taker, other]:
                extra[taker, other] = value
                via[taker, other] = v
    flow[taker, v] += amount
    if flow[giver, v] > 0:
        return
    counts[giver] -= 1
    last = served[giver, counts[giver]]
    served[giver, place[giver, v]] = last
    place[giver, last] = place[giver, v]
    for other in range(n_w):
        if via[giver, other] == v:
            _scan(giver, other, cost, served, counts[giver], extra, via)


@compiled
def _settle(cost: FloatArray, supply: IntArray, demand: IntArray, price: FloatArray, flow: IntArray) -> bool:
    """Move villages between warehouses until stock suffices everywhere; ``price`` is start and result."""
    n_w, n_v = cost.shape
    out = np.zeros(n_w, dtype=np.int64)
    _assign(cost, demand, price, flow, out)
    served, place = np.zeros((n_w, n_v), dtype=np.int64), np.zeros((n_w, n_v), dtype=np.int64)
    counts = np.zeros(n_w, dtype=np.int64)
    extra, via = np.full((n_w, n_w), np.inf), np.full((n_w, n_w), -1, dtype=np.int64)
    for w in range(n_w):
        for v in range(n_v):
            if flow[w, v] > 0:
                served[w, counts[w]] = v
                place[w, v] = counts[w]
                counts[w] += 1
        for other in range(n_w):
            if other != w:
                _scan(w, other, cost, served, counts[w], extra, via)
    used, excess = np.zeros(n_w, dtype=np.int64), np.zeros(n_w + 1, dtype=np.int64)
    for w in range(n_w):
        used[w] = supply[w] if price[w] > 0 else min(out[w], supply[w])
        excess[w] = used[w] - out[w]
        excess[n_w] -= excess[w]
    distance, before = np.empty(n_w + 1), np.empty(n_w + 1, dtype=np.int64)
    tolerance = 0.0
    for w in range(n_w):
        for v in range(n_v):
            if demand[v] > 0 and np.isfinite(cost[w, v]):
                tolerance = max(tolerance, 1e-12 * cost[w, v])
    while True:
        end = _shortest(excess, price, extra, supply, used, tolerance, distance, before)
        if end < 0:
            break
        amount, node = -excess[end], end
        while before[node] >= 0:
            origin = before[node]
            if origin == n_w:
                amount = min(amount, supply[node] - used[node])
            elif node == n_w:
                amount = min(amount, used[origin])
            else:
                amount = min(amount, flow[node, via[node, origin]])
            node = origin
        amount = min(amount, excess[node])
        shift = min(distance[n_w], distance[end])
        for w in range(n_w):
            price[w] = max(0.0, price[w] + min(distance[w], distance[end]) - shift)
        excess[node] -= amount
        excess[end] += amount
        node = end
        while before[node] >= 0:
            origin = before[node]
            if origin == n_w:
                used[node] += amount
            elif node == n_w:
                used[origin] -= amount
            else:
                _take_over(origin, node, amount, cost, flow, served, place, counts, extra, via)
            node = origin
    return not np.any(excess < 0)


@compiled
def _start_prices(cost: FloatArray, supply: IntArray, demand: IntArray) -> FloatArray:
    """Guess prices by solving for a sample of the villages that carry the demand of all."""
    n_w, n_v = cost.shape
    price = np.zeros(n_w)
    if n_v < COARSE_FROM:
        return price
    sample = np.arange(0, n_v, COARSE_FACTOR)
    few = np.empty((n_w, len(sample)))
    for w in range(n_w):
        for at in range(len(sample)):
            few[w, at] = cost[w, sample[at]]
    total, part = float(demand.sum()), float(demand[sample].sum())
    if part == 0.0:
        return price
    blown_up = np.empty(len(sample), dtype=np.int64)
    for at in range(len(sample)):
        blown_up[at] = np.int64(np.floor(demand[sample[at]] * (total / part)))
    flow = np.zeros((n_w, len(sample)), dtype=np.int64)
    _settle(few, supply, blown_up, price, flow)
    for w in range(n_w):
        if not np.isfinite(price[w]):
            price[w] = 0.0
    return price


@compiled
def carry(cost: FloatArray, supply: IntArray, demand: IntArray) -> tuple[IntArray, FloatArray, bool]:
    """Serve whole demands at least cost.

    Parameters
    ----------
    cost
        Shape (warehouse, village), at least 0; ``inf`` where there is no way.
    supply, demand
        Whole packages, shapes (warehouse,), (village,).

    Returns
    -------
    flow, price, is_served
        Shape (warehouse, village); prices of stock, shape (warehouse,); whether every demand is served.
    """
    n_w, n_v = cost.shape
    flow = np.zeros((n_w, n_v), dtype=np.int64)
    price = _start_prices(cost, supply, demand)
    is_settled = _settle(cost, supply, demand, price, flow)
    return flow, price, is_settled and flow.sum() == demand.sum()


@compiled
def cost_and_bound(
    cost: FloatArray, supply: IntArray, demand: IntArray, flow: IntArray, price: FloatArray
) -> tuple[float, float]:
    """Compute the cost of a flow and the lower bound that prices prove [package min]."""
    n_w, n_v = cost.shape
    total = bound = 0.0
    for v in range(n_v):
        if demand[v] == 0:
            continue
        least = np.inf
        for w in range(n_w):
            least = min(least, cost[w, v] + price[w])
            if flow[w, v] > 0:
                total += cost[w, v] * flow[w, v]
        bound += demand[v] * least
    for w in range(n_w):
        bound -= supply[w] * price[w]
    return total, bound
