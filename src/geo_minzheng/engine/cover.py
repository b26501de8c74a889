"""Who lies within reach of a site: the most people with p sites, the fewest sites for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from geo_minzheng.engine.p_median_kernel import Rows
from geo_minzheng.engine.p_median_search import greedy, least_total
from geo_minzheng.engine.siting_input import (
    Floats,
    Ints,
    checked_amounts,
    checked_covers,
    checked_fixed,
    checked_p,
    checked_search,
    refuse_unreachable,
)
from geo_minzheng.engine.solve import PROVEN_GAP, Deadline, LinearModel, solve_linear
from geo_minzheng.model.site import Siting
from geo_minzheng.model.solution import Stage, Status, relative_gap

# Above so many demands, comparing each with each costs more than it saves.
_MOST_COMPARED = 4000


def max_cover(
    covers: Any,
    *,
    p: int,
    weights: ArrayLike | None = None,
    fixed: Iterable[int] = (),
    rel_gap: float = 0.0,
    time_limit_s: float | None = None,
) -> Siting:
    """Choose p sites that cover the most weight, with proof.

    ``max sum_i w_i z_i`` where ``z_i <= sum_j a_ij x_j``, ``sum_j x_j = p``, ``x, z`` in {0, 1} (Church, ReVelle,
    "The maximal covering location problem", 1974).

    Demands with the same cover set are one; the uncovered weight is then least by the search of the p-median, with
    cost 0 where covered and the weight where not.

    Parameters
    ----------
    covers
        Who is covered from where, sparse or dense truth values, shape (demand, site).
    p
        Number of sites, ``fixed`` included; all p are chosen even when fewer cover as much.
    weights
        Weight of each demand, e.g. persons; 1 when omitted, shape (demand,).
    fixed
        Sites that must be chosen.
    rel_gap, time_limit_s
        Relative gap [1] and time [s] at which the search may stop; the best answer so far is returned with its gap.

    Returns
    -------
    Siting
        ``objective`` is the covered weight; ``assigned`` the smallest chosen site that covers the demand, -1 where
        none does (a demand that no site covers is no error).

    Raises
    ------
    InputError
        ``site.bad_p``, ``site.bad_fixed``, ``site.bad_number``, ``site.bad_shape``.
    """
    checked_search(rel_gap, time_limit_s)
    deadline = Deadline.after(time_limit_s)
    reach = checked_covers(covers)
    weight = checked_amounts("weights", weights, reach.shape[0])
    held = checked_fixed(fixed, reach.shape[1])
    p = checked_p(p, reach.shape[1], len(held))
    sets, amount = _grouped(reach, weight)
    rows = Rows(sets.indptr.astype(np.int64), sets.indices.astype(np.int32), np.zeros(sets.nnz), amount)
    first = greedy(rows, reach.shape[1], p, held)
    found = least_total(rows, first, held, rel_gap, deadline)
    chosen = np.flatnonzero(found.is_open)
    assigned = smallest_covering(reach, chosen)
    objective = float(weight[assigned >= 0].sum())
    limit = objective + max(0.0, found.value - found.bound)
    return proven("max_cover", chosen, assigned, objective, limit)


def set_cover(covers: Any, *, fixed: Iterable[int] = (), time_limit_s: float | None = None) -> Siting:
    """Choose the fewest sites that cover every demand, with proof.

    ``min sum_j x_j`` where ``sum_j a_ij x_j >= 1``, ``x`` in {0, 1} (Toregas et al., "The location of emergency
    service facilities", 1971).

    Parameters
    ----------
    covers, fixed
        As in `max_cover`; ``fixed`` sites count.

    Returns
    -------
    Siting
        ``objective`` is the number of sites.

    Raises
    ------
    InfeasibleError
        ``site.unreachable`` naming the demands that no site covers.
    """
    checked_search(0.0, time_limit_s)
    reach = checked_covers(covers)
    held = checked_fixed(fixed, reach.shape[1])
    chosen, limit = fewest_sites(reach, held, Deadline.after(time_limit_s))
    return proven("set_cover", chosen, smallest_covering(reach, chosen), float(len(chosen)), float(limit))


def proven(name: str, chosen: Ints, assigned: Ints, objective: float, bound: float) -> Siting:
    """Put an answer and its proof together."""
    gap = relative_gap(objective, bound)
    if gap <= PROVEN_GAP:
        bound, gap = objective, 0.0
    status = Status.OPTIMAL if gap == 0.0 else Status.FEASIBLE
    return Siting(
        chosen=np.asarray(chosen, np.int64),
        assigned=np.asarray(assigned, np.int64),
        objective=objective,
        bound=bound,
        gap=gap,
        status=status,
        stages=(Stage(name, objective, bound, gap),),
    )


def smallest_covering(reach: sparse.csr_array, chosen: Ints) -> Ints:
    """Find for every demand the smallest chosen site that covers it, -1 where none does."""
    out = np.full(reach.shape[0], -1, np.int64)
    part = sparse.csc_array(reach)[:, chosen].tocoo() if len(chosen) else None
    if part is not None:
        for site in range(len(chosen) - 1, -1, -1):
            out[part.row[part.col == site]] = chosen[site]
    return out


def fewest_sites(reach: sparse.csr_array, fixed: list[int], deadline: Deadline) -> tuple[Ints, int]:
    """Find the fewest sites, ``fixed`` among them, that reach every demand, and the proven lower limit."""
    refuse_unreachable(np.diff(reach.indptr) > 0)
    held = np.zeros(reach.shape[1], bool)
    held[fixed] = True
    left, _ = _grouped(reach[np.flatnonzero(reach @ held.astype(float) == 0)], None)
    rows = _needed_rows(left)
    sites = _needed_sites(rows)
    if not rows.shape[0]:
        return np.flatnonzero(held), len(fixed)
    model = LinearModel(
        cost=np.ones(len(sites)),
        lower=np.zeros(len(sites)),
        upper=np.ones(len(sites)),
        matrix=sparse.csc_array(rows[:, sites]),
        row_lower=np.ones(rows.shape[0]),
        row_upper=np.full(rows.shape[0], np.inf),
        integer=np.ones(len(sites), bool),
    )
    answer = solve_linear(model, deadline=deadline)
    held[sites[answer.x > 0.5]] = True
    limit = len(fixed) + int(np.ceil(answer.bound - 1e-6))
    return np.flatnonzero(held), min(limit, int(held.sum()))


def _grouped(reach: sparse.csr_array, weight: Floats | None) -> tuple[sparse.csr_array, Floats]:
    """Join demands with the same cover set; those that nothing covers, or that weigh nothing, are left out."""
    amount = np.ones(reach.shape[0]) if weight is None else weight
    keep = np.flatnonzero((np.diff(reach.indptr) > 0) & (amount > 0))
    reach = sparse.csr_array(reach[keep])
    reach.sort_indices()
    first: dict[bytes, int] = {}
    at = np.array(
        [
            first.setdefault(reach.indices[a:b].tobytes(), len(first))
            for a, b in zip(reach.indptr[:-1], reach.indptr[1:], strict=True)
        ],
        np.int64,
    )
    _, rows = np.unique(at, return_index=True)
    joined = np.bincount(at, weights=amount[keep], minlength=len(first)).astype(np.float64)
    return sparse.csr_array(reach[rows]), joined


def _needed_rows(reach: sparse.csr_array) -> sparse.csr_array:
    """Leave out demands that are covered whenever another one is."""
    if reach.shape[0] > _MOST_COMPARED:
        return reach
    common = sparse.coo_array(reach @ reach.T)
    size = np.diff(reach.indptr)
    # Row a lies inside row b when they share all of a; equal rows are already one.
    inside = (common.data == size[common.row]) & (common.row != common.col)
    keep = np.setdiff1d(np.arange(reach.shape[0]), common.col[inside])
    return sparse.csr_array(reach[keep])


def _needed_sites(reach: sparse.csr_array) -> Ints:
    """Leave out sites that cover nothing another one does not cover too, the larger index of equal ones."""
    matrix = sparse.csc_array(reach)
    common = sparse.coo_array(matrix.T @ matrix)
    size = np.diff(matrix.indptr)
    inside = (common.data == size[common.row]) & (common.row != common.col)
    equal = inside & (size[common.row] == size[common.col])
    worse = common.row[inside & (~equal | (common.row > common.col))]
    keep = np.ones(reach.shape[1], bool)
    keep[worse] = False
    return np.flatnonzero(keep & (size > 0))
