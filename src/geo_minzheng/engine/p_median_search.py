"""Search for the p sites of least total cost: bound at the root, then branch depth first until nothing is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from geo_minzheng.engine.p_median_kernel import (
    CLOSED,
    FREE,
    OPEN,
    Floats,
    Incumbent,
    Rows,
    Schedule,
    States,
    best_addition,
    bound,
    compress,
    offer,
    total,
    touched,
)
from geo_minzheng.engine.solve import PROVEN_GAP, Deadline

_ROOT_STEPS = (1.5, 0.9, 0.55, 0.3, 0.15, 0.08, 0.04)
_ROOT_ROUNDS = 300
# Row entries looked at between two looks at the clock: about a second.
_ENTRIES = 300_000_000
# Patterns of the kicks, and the effort they may take together [row entries].
_KICKS = (1, 2, 3)
_KICK_ENTRIES = 500_000_000
_NODE = Schedule(rounds=60, step=0.5, patience=8, polish=20)


@dataclass(frozen=True, eq=False)
class Found:
    """Open sites (one flag per site), their total, and the proven limit under it."""

    is_open: NDArray[np.bool_]
    value: float
    bound: float


@dataclass(frozen=True, eq=False)
class _Node:
    bound: float
    state: States
    u: Floats
    rows: Rows


@dataclass(frozen=True, eq=False)
class _Problem:
    rows: Rows
    p: int
    held: States
    best: Incumbent
    deadline: Deadline
    pending: list[_Node] = field(default_factory=list)


def rows_of(cost: Floats, miss: Floats, *, keep: int) -> Rows:
    """Sort every row of a dense matrix by cost; entries that are infinite or not below ``miss`` are left out.

    Parameters
    ----------
    cost
        Weighted cost, shape (demand, site).
    keep
        Longest row: with p of n sites open, one of the ``n - p + 1`` nearest is.
    """
    start, sites, costs = [0], [], []
    for first in range(0, len(cost), 2048):
        block = cost[first : first + 2048]
        order = np.argsort(block, axis=1, kind="stable")[:, :keep]
        sorted_ = np.take_along_axis(block, order, axis=1)
        # A row's dearest site costs what missing it costs, where every site can be reached.
        inside = np.isfinite(sorted_) & (sorted_ <= miss[first : first + 2048, None])
        sites.append(order[inside].astype(np.int32))
        costs.append(sorted_[inside])
        start += (start[-1] + np.cumsum(inside.sum(axis=1))).tolist()
    none = np.empty(0)
    return Rows(
        np.array(start, np.int64),
        np.concatenate(sites) if sites else none.astype(np.int32),
        np.concatenate(costs) if costs else none,
        np.asarray(miss, np.float64),
    )


def greedy(rows: Rows, sites: int, p: int, fixed: Iterable[int]) -> States:
    """Open the fixed sites, then whichever saves most, until ``p`` are open."""
    is_open, state = np.zeros(sites, np.int8), np.zeros(sites, np.int8)
    is_open[list(fixed)] = 1
    while int(is_open.sum()) < p:
        is_open[best_addition(rows, is_open, state)] = 1
    return is_open


def least_total(rows: Rows, start: States, fixed: Iterable[int], rel_gap: float, deadline: Deadline) -> Found:
    """Find the sites of least total, as many as ``start`` has, with proof.

    Interchange gives the first answer, Lagrangian subgradient steps the bound, reduced costs fix sites; what is left
    is branched depth first on the site whose choice the steps disagree about most. (Christofides, Beasley, "A tree
    search algorithm for the p-median problem", 1982; Avella, Sassano, Vasil'ev, "Computing bounds for the p-median",
    2007.)

    Parameters
    ----------
    start
        First answer (1 for open).
    fixed
        Sites that stay open.
    rel_gap
        Relative gap at which the search may stop [1].
    """
    held = np.zeros(len(start), np.int8)
    held[list(fixed)] = OPEN
    is_whole = bool(np.all(rows.cost == np.rint(rows.cost)) and np.all(rows.miss == np.rint(rows.miss)))
    value = total(rows, start)
    grid = 1.0 - 1e-6 if is_whole and value < 2.0**40 else 0.0
    figures = np.array([value, value - max(PROVEN_GAP * value, grid), grid, max(rel_gap, PROVEN_GAP)])
    problem = _Problem(rows, int(start.sum()), held, Incumbent(start.copy(), figures), deadline)
    # A first answer that interchange cannot better is kept as it is.
    offer(rows, start, held, problem.best)
    low = _root(problem)
    while problem.pending and not deadline.is_over:
        _branch(problem, problem.pending.pop())
    value, cutoff = float(figures[0]), float(figures[1])
    open_bounds = [n.bound for n in problem.pending if n.bound < cutoff]
    if open_bounds:
        low = max(low, min(open_bounds))
    elif rel_gap > 0:
        low = max(low, cutoff)
    else:
        low = value
    return Found(problem.best.is_open == 1, value, min(low, value))


def _root(problem: _Problem) -> float:
    rows, state = problem.rows, problem.held.copy()
    figures = problem.best.figures
    if figures[0] <= 0.0:
        return 0.0
    low = 0.0
    u = _first_multipliers(rows, problem.best.is_open)
    for step in _ROOT_STEPS:
        left = _ROOT_ROUNDS
        while left > 0 and not problem.deadline.is_over:
            rounds = min(left, max(10, _ENTRIES // (1 + touched(rows, u))))
            plan = Schedule(rounds, step, 25, 10)
            reached, _ = bound(rows, state, u, problem.p, problem.best, plan, problem.rows, problem.held)
            if reached >= figures[1]:
                return max(low, float(figures[1]))
            low = max(low, reached)
            left -= rounds
        if step == _ROOT_STEPS[0]:
            _kick(problem)
        rows = compress(rows, state)
    problem.pending.append(_Node(low, state, u, rows))
    return low


def _kick(problem: _Problem) -> None:
    """Close some open sites at a time, refill where most is saved and interchange again; keep what is better.

    Which sites are closed follows a fixed pattern, so that the same input always gives the same answer.
    """
    rows, held, best = problem.rows, problem.held, problem.best
    sites, p = len(held), problem.p
    movable = p - int((held == OPEN).sum())
    if movable < 2:
        return
    effort = sites * p + 4 * len(rows.site) // p + 1
    for kick in range(min(len(_KICKS) * movable, _KICK_ENTRIES // effort)):
        if problem.deadline.is_over or best.figures[0] <= 0:
            return
        shift, first = _KICKS[kick // movable], kick % movable
        opened = np.flatnonzero((best.is_open == 1) & (held == FREE))
        out = opened[(first + shift * np.arange(min(4, movable))) % movable]
        picked, barred = best.is_open.copy(), held.copy()
        picked[out], barred[out] = 0, CLOSED
        while int(picked.sum()) < p:
            at = best_addition(rows, picked, barred)
            if at < 0:
                break
            picked[at] = 1
        if int(picked.sum()) == p:
            offer(rows, picked, held, best)


def _branch(problem: _Problem, node: _Node) -> None:
    best = problem.best
    if node.bound >= best.figures[1]:
        return
    rows, state = compress(node.rows, node.state), node.state
    reached, share = bound(rows, state, node.u, problem.p, best, _NODE, problem.rows, problem.held)
    low = max(node.bound, reached)
    if low >= best.figures[1] or _is_leaf(problem, rows, state):
        return
    free = np.flatnonzero(state == FREE)
    at = int(free[np.argmin(np.abs(share[free] - 0.5))])
    # The likelier choice is looked at first: it is pushed last.
    for choice in (CLOSED, OPEN) if share[at] >= 0.5 else (OPEN, CLOSED):
        child = state.copy()
        child[at] = choice
        problem.pending.append(_Node(low, child, node.u.copy(), rows))


def _is_leaf(problem: _Problem, rows: Rows, state: States) -> bool:
    """Settle a node that leaves one choice of sites, or one site to choose."""
    opened, free = int((state == OPEN).sum()), int((state == FREE).sum())
    missing = problem.p - opened
    if missing < 0 or missing > free:
        return True
    picked = (state == OPEN).astype(np.int8)
    if missing == free:
        picked[state == FREE] = 1
    elif missing == 1:
        picked[best_addition(rows, picked, state)] = 1
    elif missing > 0:
        return False
    offer(problem.rows, picked, problem.held, problem.best)
    return True


def _first_multipliers(rows: Rows, is_open: States) -> Floats:
    """Begin with the cost of each demand's second nearest open site: what losing the nearest would cost.

    Where all that matters is being missed, half of what that costs.
    """
    if not rows.cost.any():
        return rows.miss / 2
    opened = is_open[rows.site] == 1
    row = np.repeat(np.arange(len(rows.miss)), np.diff(rows.start))[opened]
    cost = rows.cost[opened]
    first = np.searchsorted(row, np.arange(len(rows.miss)))
    second = first + 1
    there = second < len(row)
    there[there] = row[second[there]] == np.flatnonzero(there)
    u = rows.miss.copy()
    u[there] = cost[second[there]]
    return np.minimum(u, rows.miss)
