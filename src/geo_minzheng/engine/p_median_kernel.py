"""Numerical kernels of the p-median: interchange, Lagrangian bound with fixing, compression.

All work on rows of one demand each, sites sorted by weighted cost; ``miss[i]`` is what demand ``i`` costs when none of
its row is open.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo_minzheng.engine.solve import compiled

Ints = npt.NDArray[np.int64]
Sites = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]
States = npt.NDArray[np.int8]

FREE, OPEN, CLOSED = 0, 1, -1


class Rows(NamedTuple):
    """Sites of each demand by rising cost: row limits, site, cost (entry,), cost of being missed (demand,)."""

    start: Ints
    site: Sites
    cost: Floats
    miss: Floats


class Incumbent(NamedTuple):
    """Best sites known (changed in place) and ``value``, ``cutoff``, ``grid``, ``tolerance`` in one array.

    A better solution must lie below ``cutoff = value - max(tolerance * value, grid)``; ``grid`` is 1 (less rounding)
    where all totals are whole numbers.
    """

    is_open: States
    figures: Floats


class Schedule(NamedTuple):
    """Subgradient steps: how many, first step length [1], steps without gain before halving, steps between polishes."""

    rounds: int
    step: float
    patience: int
    polish: int


@compiled
def total(rows: Rows, is_open: States) -> float:  # pragma: no cover
    """Sum the cost of every demand at its nearest open site."""
    start, site, cost, miss = rows
    out = 0.0
    for i in range(len(miss)):
        best = miss[i]
        for k in range(start[i], start[i + 1]):
            if is_open[site[k]] == 1:
                best = min(best, cost[k])
                break
        out += best
    return out


@compiled
def interchange(rows: Rows, is_open: States, state: States) -> float:  # pragma: no cover
    """Swap one open for one closed site as long as the total falls; changes ``is_open``, returns the total.

    Best improvement by gain, loss and correction of each pair (Resende, Werneck, "A fast swap-based local search
    procedure for location problems", 2007). Sites whose ``state`` is not free stay as they are.
    """
    start, site, cost, miss = rows
    n, m = len(is_open), len(miss)
    slot = np.full(n, -1, np.int64)
    while True:
        p = 0
        for j in range(n):
            if is_open[j] == 1:
                slot[j] = p
                p += 1
            else:
                slot[j] = -1
        who = np.flatnonzero(is_open == 1)
        gain = np.zeros(n)
        loss = np.zeros(p)
        extra = np.zeros((n, p))
        value = 0.0
        for i in range(m):
            d1 = d2 = miss[i]
            s1 = -1
            for k in range(start[i], start[i + 1]):
                if is_open[site[k]] == 1:
                    if s1 < 0:
                        s1 = slot[site[k]]
                        d1 = cost[k]
                    else:
                        d2 = cost[k]
                        break
            value += d1
            if s1 >= 0:
                loss[s1] += d2 - d1
            for k in range(start[i], start[i + 1]):
                c = cost[k]
                if c >= d2:
                    break
                j = site[k]
                if c < d1:
                    gain[j] += d1 - c
                if s1 >= 0:
                    extra[j, s1] += d2 - max(c, d1)
        best = -1e-12 * abs(value)
        add = drop = -1
        for j in range(n):
            if is_open[j] == 0 and state[j] == 0:
                for r in range(p):
                    change = loss[r] - gain[j] - extra[j, r]
                    if change < best and state[who[r]] == 0:
                        best, add, drop = change, j, r
        if add < 0:
            return value
        is_open[add] = 1
        is_open[who[drop]] = 0


@compiled
def best_addition(rows: Rows, is_open: States, state: States) -> int:  # pragma: no cover
    """Find the free site whose opening lowers the total most, the smallest index of several; -1 without any."""
    start, site, cost, miss = rows
    gain = np.zeros(len(is_open))
    for i in range(len(miss)):
        d1 = miss[i]
        for k in range(start[i], start[i + 1]):
            if is_open[site[k]] == 1:
                d1 = cost[k]
                break
        for k in range(start[i], start[i + 1]):
            if cost[k] >= d1:
                break
            gain[site[k]] += d1 - cost[k]
    best = -1
    for j in range(len(is_open)):
        if is_open[j] == 0 and state[j] == 0 and (best < 0 or gain[j] > gain[best]):
            best = j
    return best


@compiled
def compress(rows: Rows, state: States) -> Rows:  # pragma: no cover
    """Drop closed sites from the rows, and whatever lies behind the nearest site that is surely open."""
    start, site, cost, miss = rows
    m = len(miss)
    out = np.zeros(m + 1, np.int64)
    new_site = np.empty(len(site), np.int32)
    new_cost = np.empty(len(cost))
    at = 0
    for i in range(m):
        for k in range(start[i], start[i + 1]):
            s = state[site[k]]
            if s == -1:
                continue
            new_site[at], new_cost[at] = site[k], cost[k]
            at += 1
            if s == 1:
                break
        out[i + 1] = at
    return Rows(out, new_site[:at].copy(), new_cost[:at].copy(), miss)


@compiled
def offer(rows: Rows, picked: States, state: States, best: Incumbent) -> bool:  # pragma: no cover
    """Polish sites by interchange and keep them when they beat the best known."""
    if total(rows, picked) > 1.05 * best.figures[0]:
        return False
    sites = picked.copy()
    value = interchange(rows, sites, state)
    if value >= best.figures[0]:
        return False
    best.is_open[:] = sites
    best.figures[0] = value
    best.figures[1] = value - max(best.figures[3] * abs(value), best.figures[2])
    return True


@compiled
def touched(rows: Rows, u: Floats) -> int:  # pragma: no cover
    """Count the entries that one step looks at, both ways."""
    out = 0
    for i in range(len(u)):
        for k in range(rows.start[i], rows.start[i + 1]):
            if rows.cost[k] >= u[i]:
                break
            out += 2
    return out


@compiled
def _relaxed(rows: Rows, u: Floats, sites: int) -> tuple[float, Floats]:  # pragma: no cover
    """Sum the multipliers and the reduced cost of every site."""
    start, site, cost, _ = rows
    rho = np.zeros(sites)
    value = 0.0
    for i in range(len(u)):
        ui = u[i]
        value += ui
        for k in range(start[i], start[i + 1]):
            c = cost[k]
            if c >= ui:
                break
            rho[site[k]] += c - ui
    return value, rho


@compiled
def _fix(state: States, rho: Floats, order: Ints, wanted: int, room: float) -> None:  # pragma: no cover
    """Close (open) the free sites whose opening (closing) would lift the bound by all the room that is left."""
    last_in = rho[order[wanted - 1]] if wanted > 0 else -np.inf
    first_out = rho[order[wanted]] if wanted < len(order) else np.inf
    for r in range(len(order)):
        j = order[r]
        if r < wanted:
            if first_out - rho[j] >= room:
                state[j] = 1
        elif rho[j] - last_in >= room:
            state[j] = -1


@compiled
def _move(rows: Rows, u: Floats, picked: States, direction: Floats, length: float) -> bool:  # pragma: no cover
    """Step along the smoothed subgradient; false when every demand is served once."""
    start, site, cost, miss = rows
    norm = 0.0
    for i in range(len(u)):
        served = 0
        for k in range(start[i], start[i + 1]):
            if cost[k] >= u[i]:
                break
            if picked[site[k]] == 1:
                served += 1
        direction[i] = (1.0 - served) + 0.4 * direction[i]
        norm += direction[i] * direction[i]
    if norm == 0.0:
        return False
    t = length / norm
    for i in range(len(u)):
        first = cost[start[i]] if start[i + 1] > start[i] else miss[i]
        u[i] = min(miss[i], max(first, u[i] + t * direction[i]))
    return True


@compiled
def bound(
    rows: Rows, state: States, u: Floats, p: int, best: Incumbent, plan: Schedule, whole: Rows, held: States
) -> tuple[float, Floats]:  # pragma: no cover
    """Raise the Lagrangian bound by subgradient steps, fix sites by reduced cost, polish on the way.

    Relaxing "each demand is served once" with multipliers ``u``: ``L(u) = sum u_i + (p smallest) rho_j``,
    ``rho_j = sum_i min(0, c_ij - u_i)``. A free site whose forced opening (closing) lifts the bound to the cutoff is
    closed (opened). Changes ``u`` (to the best multipliers), ``state`` and ``best``.

    Parameters
    ----------
    rows, whole
        Rows with and without what is fixed already; polishing looks at the whole.
    held
        Sites that every answer must keep.

    Returns
    -------
    tuple
        Best bound (``inf``: no solution left below the cutoff) and share of late steps in which each site was chosen.
    """
    n = len(state)
    top = -np.inf
    top_u = u.copy()
    share = np.zeros(n)
    picked = np.zeros(n, np.int8)
    direction = np.zeros(len(u))
    step, stale = plan.step, 0
    for k_round in range(plan.rounds):
        value, rho = _relaxed(rows, u, n)
        opened = 0
        picked[:] = 0
        for j in range(n):
            if state[j] == 1:
                value += rho[j]
                opened += 1
                picked[j] = 1
        free = np.flatnonzero(state == 0)
        wanted = p - opened
        if wanted < 0 or wanted > len(free):
            return np.inf, share
        order = free[np.argsort(rho[free], kind="mergesort")]
        for r in range(wanted):
            value += rho[order[r]]
            picked[order[r]] = 1
        for j in range(n):
            share[j] += 0.1 * (picked[j] - share[j])
        if k_round % plan.polish == 0:
            offer(whole, picked, held, best)
        cutoff = best.figures[1]
        if value > top + 1e-6 * abs(top) or top == -np.inf:
            stale = 0
        else:
            stale += 1
        if value > top:
            top = value
            top_u[:] = u
            if top >= cutoff:
                break
            _fix(state, rho, order, wanted, cutoff - top)
        if stale >= plan.patience:
            stale = 0
            step *= 0.5
            u[:] = top_u
            direction[:] = 0.0
            if step < 0.002:
                break
        if not _move(rows, u, picked, direction, step * (1.01 * best.figures[0] - value)):
            break
    u[:] = top_u
    return top, share
