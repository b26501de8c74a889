"""The explainable rival, and what each chosen site is worth: always take the site that helps most next."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from geo_minzheng.engine.cover import proven, smallest_covering
from geo_minzheng.engine.p_median import feasible_start
from geo_minzheng.engine.siting_input import (
    Floats,
    checked_amounts,
    checked_cost,
    checked_covers,
    checked_fixed,
    checked_p,
    nearest_chosen,
    total_cost,
)
from geo_minzheng.engine.solve import Deadline
from geo_minzheng.model.site import SiteGain, Siting


def by_gain(cost: ArrayLike, *, p: int, weights: ArrayLike | None = None, fixed: Iterable[int] = ()) -> Siting:
    """Choose p sites one after another, each where it saves most; of equals the smallest index.

    When that leaves somebody who reaches no site although p sites could reach everybody, the fewest sites that do are
    taken first. Parameters and errors as in ``p_median``; ``bound`` is everybody at their nearest site of all.
    """
    matrix = checked_cost(cost)
    weight = checked_amounts("weights", weights, len(matrix))
    held = checked_fixed(fixed, matrix.shape[1])
    p = checked_p(p, matrix.shape[1], len(held))
    counts = weight > 0
    _, is_open = feasible_start(matrix[counts] * weight[counts, None], p, held, Deadline())
    chosen = np.flatnonzero(is_open)
    assigned = nearest_chosen(matrix, chosen)
    limit = total_cost(matrix, weight, nearest_chosen(matrix, np.arange(matrix.shape[1])))
    return proven("by_gain", chosen, assigned, total_cost(matrix, weight, assigned), limit)


def by_new_cover(covers: Any, *, p: int, weights: ArrayLike | None = None, fixed: Iterable[int] = ()) -> Siting:
    """Choose p sites one after another, each where it covers most that was not covered; of equals the smallest index.

    Parameters and errors as in ``max_cover``; ``bound`` is all weight that any site covers.
    """
    reach = checked_covers(covers)
    weight = checked_amounts("weights", weights, reach.shape[0])
    held = checked_fixed(fixed, reach.shape[1])
    p = checked_p(p, reach.shape[1], len(held))
    columns = reach.T.tocsr()
    left = weight.copy()
    chosen = list(held)
    for site in held:
        left[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = 0.0
    while len(chosen) < p:
        new = np.asarray(columns @ left)
        new[chosen] = -1.0
        site = int(np.argmax(new))
        chosen.append(site)
        left[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = 0.0
    sites = np.array(sorted(chosen), np.int64)
    assigned = smallest_covering(reach, sites)
    limit = float(weight[np.diff(reach.indptr) > 0].sum())
    return proven("by_new_cover", sites, assigned, float(weight[assigned >= 0].sum()), limit)


def marginal_gains(
    cost: ArrayLike, chosen: Iterable[int], *, weights: ArrayLike | None = None, fixed: Iterable[int] = ()
) -> tuple[SiteGain, ...]:
    """Tell what each chosen site is worth by the cost it saves.

    Parameters
    ----------
    cost, weights
        As in ``p_median``.
    chosen
        Site indices.
    fixed
        Sites listed first (those that stand already); the others follow, each where it saves most next.

    Returns
    -------
    tuple of SiteGain
        In the order in which one would open them.
    """
    matrix = checked_cost(cost)
    weight = checked_amounts("weights", weights, len(matrix))
    sites = checked_fixed(chosen, matrix.shape[1])
    first = [j for j in checked_fixed(fixed, matrix.shape[1]) if j in sites]
    counts = weight > 0
    matrix, weight = matrix[counts], weight[counts]
    full = matrix[:, sites].min(axis=1, initial=np.inf)
    out: list[SiteGain] = []
    served = np.full(len(matrix), np.inf)
    while len(out) < len(sites):
        left = first[len(out) : len(out) + 1] or [j for j in sites if j not in {g.site for g in out}]
        site = min(left, key=lambda j: (*_unserved_and_total(np.minimum(served, matrix[:, j]), weight), j))
        before = _objective(served, weight)
        served = np.minimum(served, matrix[:, site])
        after = _objective(served, weight)
        others = matrix[:, [j for j in sites if j != site]].min(axis=1, initial=np.inf)
        loss = _objective(others, weight) - _objective(full, weight) if np.isfinite(full).all() else np.nan
        out.append(SiteGain(site, before - after if np.isfinite(before) else None, after, loss))
    return tuple(out)


def marginal_cover(
    covers: Any, chosen: Iterable[int], *, weights: ArrayLike | None = None, fixed: Iterable[int] = ()
) -> tuple[SiteGain, ...]:
    """Tell what each chosen site is worth by the weight it covers: 第 3 个点再覆盖 214 名老人.

    Parameters
    ----------
    covers, weights
        As in ``max_cover``.
    chosen, fixed
        As in `marginal_gains`.
    """
    reach = checked_covers(covers)
    weight = checked_amounts("weights", weights, reach.shape[0])
    sites = checked_fixed(chosen, reach.shape[1])
    first = [j for j in checked_fixed(fixed, reach.shape[1]) if j in sites]
    columns = reach.T.tocsr()
    who = {j: columns.indices[columns.indptr[j] : columns.indptr[j + 1]] for j in sites}
    times = np.zeros(reach.shape[0])
    for rows in who.values():
        times[rows] += 1
    out: list[SiteGain] = []
    left, covered = weight.copy(), 0.0
    while len(out) < len(sites):
        done = {g.site for g in out}
        open_ = first[len(out) : len(out) + 1] or [j for j in sites if j not in done]
        site = min(open_, key=lambda j: (-float(left[who[j]].sum()), j))
        gain = float(left[who[site]].sum())
        left[who[site]] = 0.0
        covered += gain
        alone = who[site][times[who[site]] == 1]
        out.append(SiteGain(site, gain, covered, float(weight[alone].sum())))
    return tuple(out)


def _unserved_and_total(served: Floats, weight: Floats) -> tuple[float, float]:
    reached = np.isfinite(served)
    return float(weight[~reached].sum()), float((weight[reached] * served[reached]).sum())


def _objective(served: Floats, weight: Floats) -> float:
    unserved, total = _unserved_and_total(served, weight)
    return float("inf") if unserved > 0 else total
