"""The p sites that bring everybody nearest: least total, or least for the farthest."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geo_minzheng.engine.cover import fewest_sites, proven
from geo_minzheng.engine.p_median_kernel import Rows, States, total
from geo_minzheng.engine.p_median_search import greedy, least_total, rows_of
from geo_minzheng.engine.siting_input import (
    Floats,
    checked_amounts,
    checked_cost,
    checked_fixed,
    checked_p,
    checked_search,
    nearest_chosen,
    refuse_unreachable,
    total_cost,
)
from geo_minzheng.engine.solve import Deadline
from geo_minzheng.errors import InfeasibleError
from geo_minzheng.model.site import Siting


def p_median(
    cost: ArrayLike,
    *,
    p: int,
    weights: ArrayLike | None = None,
    fixed: Iterable[int] = (),
    rel_gap: float = 0.0,
    time_limit_s: float | None = None,
) -> Siting:
    """Choose p sites so that the weighted cost to the nearest is least, with proof.

    ``min sum_i w_i sum_j c_ij x_ij`` where ``sum_j x_ij = 1``, ``x_ij <= y_j``, ``sum_j y_j = p``, ``x, y`` in
    {0, 1} (Hakimi 1964; ReVelle, Swain, "Central facilities location", 1970).

    Parameters
    ----------
    cost
        Cost of serving each demand from each site, 0 or more, ``inf`` where unreachable, shape (demand, site).
    p
        Number of sites, ``fixed`` included.
    weights
        Weight of each demand, e.g. persons; 1 when omitted, shape (demand,). A demand of weight 0 asks for nothing:
        it is assigned to the nearest chosen site it reaches, or to none.
    fixed
        Sites that must be chosen.
    rel_gap, time_limit_s
        Relative gap [1] and time [s] at which the search may stop; the best answer so far is returned with its gap.

    Returns
    -------
    Siting
        ``objective`` in units of weight times cost; ``assigned`` the nearest chosen site, the smallest of several.

    Raises
    ------
    InfeasibleError
        ``site.unreachable`` naming demands that reach no site; ``site.too_few`` or ``site.fixed_in_the_way`` with the
        number of sites that would be needed.
    InputError
        ``site.bad_cost`` (NaN, negative), ``site.bad_p``, ``site.bad_fixed``, ``site.bad_number``, ``site.bad_shape``.
    """
    checked_search(rel_gap, time_limit_s)
    deadline = Deadline.after(time_limit_s)
    matrix = checked_cost(cost)
    weight = checked_amounts("weights", weights, len(matrix))
    held = checked_fixed(fixed, matrix.shape[1])
    p = checked_p(p, matrix.shape[1], len(held))
    counts = weight > 0
    with np.errstate(invalid="ignore"):
        weighted = matrix[counts] * weight[counts, None]
    rows, first = feasible_start(weighted, p, held, deadline)
    found = least_total(rows, first, held, rel_gap, deadline)
    chosen = np.flatnonzero(found.is_open)
    assigned = nearest_chosen(matrix, chosen)
    objective = total_cost(matrix, weight, assigned)
    return proven("p_median", chosen, assigned, objective, objective - max(0.0, found.value - found.bound))


def p_center(cost: ArrayLike, *, p: int, fixed: Iterable[int] = (), time_limit_s: float | None = None) -> Siting:
    """Choose p sites so that the farthest demand is as near as possible, with proof.

    ``min r`` such that p sites cover every demand within ``r``: a search among the distinct costs, each tried by the
    fewest covering sites (Minieka, "The m-center problem", 1970). Sites that the cover leaves over go where they save
    most in total.

    Parameters
    ----------
    cost, p, fixed
        As in `p_median`.

    Returns
    -------
    Siting
        ``objective`` is the largest cost of any demand; ``assigned`` the nearest chosen site.

    Raises
    ------
    InfeasibleError, InputError
        As in `p_median`.
    """
    checked_search(0.0, time_limit_s)
    deadline = Deadline.after(time_limit_s)
    matrix = checked_cost(cost)
    held = checked_fixed(fixed, matrix.shape[1])
    p = checked_p(p, matrix.shape[1], len(held))
    rows, best = feasible_start(matrix, p, held, deadline)
    low, best = _least_radius(matrix, p, held, best, deadline)
    is_open = greedy(rows, matrix.shape[1], p, np.flatnonzero(best))
    chosen = np.flatnonzero(is_open)
    assigned = nearest_chosen(matrix, chosen)
    served = matrix[np.arange(len(matrix)), assigned]
    objective = float(served.max()) if len(served) else 0.0
    return proven("p_center", chosen, assigned, objective, min(low, objective))


def _least_radius(matrix: Floats, p: int, held: list[int], best: States, deadline: Deadline) -> tuple[float, States]:
    """Search the least radius: proven lower limit and sites (at most p) that cover within the radius found."""
    if not len(matrix):
        return 0.0, best
    radii = np.unique(matrix[np.isfinite(matrix)])
    low = int(np.searchsorted(radii, matrix.min(axis=1).max()))
    high = int(np.searchsorted(radii, matrix[:, best == 1].min(axis=1).max()))
    while low < high and not deadline.is_over:
        middle = (low + high) // 2
        try:
            sites, fewest = fewest_sites(sparse.csr_array((matrix <= radii[middle]).astype(np.float64)), held, deadline)
        except InfeasibleError as stopped:
            if stopped.key != "solve.no_answer_in_time":
                raise
            break
        if len(sites) <= p:
            best = np.zeros(matrix.shape[1], np.int8)
            best[sites] = 1
            high = int(np.searchsorted(radii, matrix[:, sites].min(axis=1).max()))
        elif fewest > p:
            low = middle + 1
        else:
            break
    return float(radii[low]), best


def feasible_start(weighted: Floats, p: int, held: list[int], deadline: Deadline) -> tuple[Rows, States]:
    """Sort the rows and find p sites that everybody reaches.

    Raises
    ------
    InfeasibleError
        When there are none.
    """
    sites = weighted.shape[1]
    finite = np.asarray(np.isfinite(weighted))
    refuse_unreachable(np.asarray(finite.any(axis=1)))
    if finite.all():
        miss = weighted.max(axis=1, initial=0.0)
        rows = rows_of(weighted, miss, keep=sites - p + 1)
        return rows, greedy(rows, sites, p, held)
    worst = np.where(finite, weighted, 0.0).max(axis=1)
    rows = rows_of(weighted, np.full(len(weighted), worst.sum() + 1.0), keep=sites - p + 1)
    first = greedy(rows, sites, p, held)
    if not finite[:, first == 1].any(axis=1).all():
        cover, fewest = fewest_sites(sparse.csr_array(finite.astype(np.float64)), held, deadline)
        if len(cover) > p:
            _refuse_too_few(finite, p, held, fewest, deadline)
        first = greedy(rows, sites, p, cover.tolist())
    # Missing a demand must cost more than the best answer known, and no more than that: large figures cost digits.
    miss = np.full(len(weighted), max(np.floor(total(rows, first)) + 1.0, 1.0))
    return rows_of(weighted, miss, keep=sites - p + 1), first


def _refuse_too_few(finite: NDArray[np.bool_], p: int, held: list[int], fewest: int, deadline: Deadline) -> None:
    if fewest <= p:
        raise InfeasibleError("solve.no_answer_in_time")
    if held and fewest_sites(sparse.csr_array(finite.astype(np.float64)), [], deadline)[1] <= p:
        raise InfeasibleError("site.fixed_in_the_way", p=p, needed=fewest, fixed=held)
    raise InfeasibleError("site.too_few", p=p, needed=fewest)
