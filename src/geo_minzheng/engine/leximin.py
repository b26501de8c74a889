"""Share packages so that the lowest coverage is as high as it can be, then the next lowest, and so on.

A village holds ``x`` of the ``cap`` packages of its need layer; its ratio is ``x / scale`` with ``scale = cap *
weight`` as whole numbers. The next package goes to the lowest ratio (tie: smaller scale, then index) while the rest
stays feasible. What the warehouses can deliver is a polymatroid, so this greedy is the exact leximin (Federgruen and
Groenevelt 1986), and it is found without walking package by package: share under the total alone, ask a maximum flow
for the most violated set of villages, split there, repeat (decomposition algorithm, Fujishige 1980, Groenevelt 1991).
A set that splits off is a bottleneck: its warehouses are used up by it.
"""

from __future__ import annotations

import numpy as np

from geo_minzheng.engine.solve import BoolArray, IntArray, compiled


@compiled
def compare_ratio(top_a: int, low_a: int, top_b: int, low_b: int) -> int:
    """Compare two fractions of whole numbers without rounding: -1, 0 or 1.

    The floats decide when they differ by far more than their error; else Euclid's algorithm does, which cannot
    overflow.
    """
    left, right = float(top_a) * float(low_b), float(top_b) * float(low_a)
    if abs(left - right) > 1e-12 * (left + right):
        return -1 if left < right else 1
    sign = 1
    while True:
        whole_a, whole_b = top_a // low_a, top_b // low_b
        if whole_a != whole_b:
            return -sign if whole_a < whole_b else sign
        top_a -= whole_a * low_a
        top_b -= whole_b * low_b
        if top_a == 0 or top_b == 0:
            if top_a == top_b:
                return 0
            return -sign if top_a == 0 else sign
        top_a, low_a, top_b, low_b = low_a, top_a, low_b, top_b
        sign = -sign


@compiled
def precedes(a: int, b: int, held: IntArray, scale: IntArray) -> bool:
    """Whether village ``a`` gets the next package before ``b``."""
    order = compare_ratio(held[a], scale[a], held[b], scale[b])
    if order != 0:
        return order < 0
    if scale[a] != scale[b]:
        return bool(scale[a] < scale[b])
    return a < b


@compiled
def sink_down(heap: IntArray, size: int, at: int, held: IntArray, scale: IntArray) -> None:
    """Restore the heap below a position."""
    while True:
        child = 2 * at + 1
        if child >= size:
            return
        if child + 1 < size and precedes(heap[child + 1], heap[child], held, scale):
            child += 1
        if not precedes(heap[child], heap[at], held, scale):
            return
        heap[at], heap[child] = heap[child], heap[at]
        at = child


@compiled
def _count_below(level: float, members: IntArray, cap: IntArray, scale: IntArray) -> int:
    """Count the packages handed out before the lowest ratio reaches a level."""
    total = 0
    for v in members:
        wanted = np.ceil(level * scale[v])
        total += int(cap[v]) if wanted >= cap[v] else int(wanted)
    return total


@compiled
def share(total: int, members: IntArray, cap: IntArray, scale: IntArray, held: IntArray) -> None:
    """Hand out ``total`` packages among ``members`` under that total alone; writes ``held``.

    A bisection on the ratio finds a safe start below the answer (one package is taken back from each, which outweighs
    every rounding error); a heap with exact comparisons hands out the rest.
    """
    ceiling = 0.0
    wanted = 0
    for v in members:
        held[v] = cap[v]
        wanted += cap[v]
        if cap[v] > 0:
            ceiling = max(ceiling, float(cap[v]) / float(scale[v]))
    if wanted <= total:
        return
    low, high = 0.0, ceiling
    for _ in range(100):
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        count = _count_below(middle, members, cap, scale)
        if count <= total:
            low = middle
            if total - count <= len(members) // 8:
                break
        else:
            high = middle
    left = total
    heap = np.empty(len(members), dtype=np.int64)
    size = 0
    for v in members:
        start = np.ceil(low * scale[v])
        held[v] = 0
        if start > 1:
            held[v] = min(cap[v], np.int64(start)) - 1
        left -= held[v]
        if held[v] < cap[v]:
            heap[size] = v
            size += 1
    for at in range(size // 2 - 1, -1, -1):
        sink_down(heap, size, at, held, scale)
    while left > 0:
        v = heap[0]
        held[v] += 1
        left -= 1
        if held[v] == cap[v]:
            size -= 1
            heap[0] = heap[size]
        sink_down(heap, size, 0, held, scale)


@compiled
def _levels(
    left: IntArray, lack: IntArray, reach: BoolArray, flow: IntArray, w_level: IntArray, g_level: IntArray
) -> bool:
    """Label warehouses and groups by residual distance from spare stock; tell whether an unmet group is found."""
    n_w, n_g = reach.shape
    queue = np.empty(n_w, dtype=np.int64)
    head = tail = 0
    w_level[:] = -1
    g_level[:] = -1
    for w in range(n_w):
        if left[w] > 0:
            w_level[w] = 0
            queue[tail] = w
            tail += 1
    is_found = False
    while head < tail:
        w = queue[head]
        head += 1
        for g in range(n_g):
            if not reach[w, g] or g_level[g] >= 0:
                continue
            g_level[g] = w_level[w] + 1
            if lack[g] > 0:
                is_found = True
            for other in range(n_w):
                if w_level[other] < 0 and flow[other, g] > 0:
                    w_level[other] = g_level[g] + 1
                    queue[tail] = other
                    tail += 1
    return is_found


@compiled
def _push(
    start: int,
    left: IntArray,
    lack: IntArray,
    reach: BoolArray,
    flow: IntArray,
    w_level: IntArray,
    g_level: IntArray,
    w_next: IntArray,
    g_next: IntArray,
) -> None:
    """Send what one warehouse has left along shortest residual paths (one warehouse of Dinic's blocking flow)."""
    n_w, n_g = reach.shape
    path_w = np.empty(n_w + 1, dtype=np.int64)
    path_g = np.empty(n_w + 1, dtype=np.int64)
    path_w[0] = start
    depth = 0
    while left[start] > 0:
        w = path_w[depth]
        g = w_next[w]
        while g < n_g and not (reach[w, g] and g_level[g] == w_level[w] + 1):
            g += 1
        w_next[w] = g
        if g == n_g:
            if depth == 0:
                return
            depth -= 1
            g_next[path_g[depth]] += 1
            continue
        path_g[depth] = g
        if lack[g] > 0:
            amount = min(left[start], lack[g])
            for step in range(depth):
                amount = min(amount, flow[path_w[step + 1], path_g[step]])
            left[start] -= amount
            lack[g] -= amount
            flow[w, g] += amount
            for step in range(depth):
                flow[path_w[step], path_g[step]] += amount
                flow[path_w[step + 1], path_g[step]] -= amount
            depth = 0
            continue
        other = g_next[g]
        while other < n_w and not (flow[other, g] > 0 and w_level[other] == g_level[g] + 1):
            other += 1
        g_next[g] = other
        if other == n_w:
            w_next[w] += 1
            continue
        depth += 1
        path_w[depth] = other


@compiled
def max_flow(supply: IntArray, demand: IntArray, reach: BoolArray, flow: IntArray) -> IntArray:
    """Serve the groups as far as stock and reach allow (Dinic); writes ``flow`` and returns what is unmet (group,)."""
    n_w, n_g = reach.shape
    left, lack = supply.copy(), demand.copy()
    flow[:, :] = 0
    choices = np.zeros(n_g, dtype=np.int64)
    for g in range(n_g):
        for w in range(n_w):
            choices[g] += reach[w, g]
    for g in np.argsort(choices, kind="mergesort"):
        for w in range(n_w):
            if lack[g] == 0:
                break
            if reach[w, g] and left[w] > 0:
                amount = min(left[w], lack[g])
                flow[w, g] += amount
                left[w] -= amount
                lack[g] -= amount
    w_level, g_level = np.empty(n_w, dtype=np.int64), np.empty(n_g, dtype=np.int64)
    while _levels(left, lack, reach, flow, w_level, g_level):
        w_next, g_next = np.zeros(n_w, dtype=np.int64), np.zeros(n_g, dtype=np.int64)
        for w in range(n_w):
            if left[w] > 0:
                _push(w, left, lack, reach, flow, w_level, g_level, w_next, g_next)
    return lack


@compiled
def blame(lack: IntArray, reach: BoolArray, flow: IntArray, wblamed: BoolArray, gblamed: BoolArray) -> None:
    """Mark the most violated set: unmet groups, all that reach them, all whom those serve, and so on."""
    n_w, n_g = reach.shape
    wblamed[:] = False
    gblamed[:] = False
    queue = np.empty(n_g, dtype=np.int64)
    head = tail = 0
    for g in range(n_g):
        if lack[g] > 0:
            gblamed[g] = True
            queue[tail] = g
            tail += 1
    while head < tail:
        g = queue[head]
        head += 1
        for w in range(n_w):
            if not reach[w, g] or wblamed[w]:
                continue
            wblamed[w] = True
            for other in range(n_g):
                if flow[w, other] > 0 and not gblamed[other]:
                    gblamed[other] = True
                    queue[tail] = other
                    tail += 1


@compiled
def _group_sums(values: IntArray, members: IntArray, group: IntArray, n_groups: int) -> IntArray:
    """Sum a village array by group."""
    sums = np.zeros(n_groups, dtype=np.int64)
    for v in members:
        sums[group[v]] += values[v]
    return sums


@compiled
def fill_layer(
    supply: IntArray, base: IntArray, cap: IntArray, scale: IntArray, group: IntArray, reach: BoolArray
) -> IntArray:
    """Share one item among the villages of one need layer, keeping what earlier layers got.

    Parameters
    ----------
    supply
        Packages of each row of stock, shape (row,).
    base
        Packages of earlier layers, kept in total but not by route, shape (village,).
    cap, scale
        Packages of this layer's need and ``cap * weight`` as a whole number, shape (village,).
    group
        Which set of equal reach a village belongs to, shape (village,).
    reach
        Shape (row, group).

    Returns
    -------
    numpy.ndarray
        Packages of this layer, shape (village,): the leximin of ``x / scale``.
    """
    n_v = len(cap)
    n_w, n_g = reach.shape
    held = np.zeros(n_v, dtype=np.int64)
    everyone = np.arange(n_v)
    both = base + cap
    wanted = _group_sums(both, everyone, group, n_g)
    is_full = True
    for g in range(n_g):
        for w in range(n_w):
            if wanted[g] > 0 and supply[w] > 0 and not reach[w, g]:
                is_full = False
    if is_full:
        total = min(supply.sum(), both.sum()) - base.sum()
        share(total, everyone, cap, scale, held)
        return held
    flow = np.zeros((n_w, n_g), dtype=np.int64)
    unmet = max_flow(supply, wanted, reach, flow)
    w_part, g_part = np.zeros(n_w, dtype=np.int64), np.zeros(n_g, dtype=np.int64)
    totals = np.zeros(n_g + 1, dtype=np.int64)
    totals[0] = wanted.sum() - unmet.sum() - base.sum()
    n_parts, part = 1, 0
    while part < n_parts:
        ws, gs = np.nonzero(w_part == part)[0], np.nonzero(g_part == part)[0]
        members = np.nonzero(g_part[group] == part)[0]
        share(totals[part], members, cap, scale, held)
        sub_reach = np.zeros((len(ws), len(gs)), dtype=np.bool_)
        for i in range(len(ws)):
            for j in range(len(gs)):
                sub_reach[i, j] = reach[ws[i], gs[j]]
        asked = _group_sums(base + held, members, group, n_g)[gs]
        flow = np.zeros((len(ws), len(gs)), dtype=np.int64)
        unmet = max_flow(supply[ws], asked, sub_reach, flow)
        if unmet.sum() == 0:
            part += 1
            continue
        wblamed, gblamed = np.zeros(len(ws), dtype=np.bool_), np.zeros(len(gs), dtype=np.bool_)
        blame(unmet, sub_reach, flow, wblamed, gblamed)
        inside = 0
        for i in range(len(ws)):
            if wblamed[i]:
                w_part[ws[i]] = n_parts
                inside += supply[ws[i]]
        for j in range(len(gs)):
            if gblamed[j]:
                g_part[gs[j]] = n_parts
        for v in members:
            if g_part[group[v]] == n_parts:
                inside -= base[v]
        totals[n_parts] = inside
        totals[part] -= inside
        n_parts += 1
    return held
