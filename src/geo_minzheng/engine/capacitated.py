"""Sites that hold only so much: whom each serves, and which to open."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geo_minzheng.engine.cover import proven
from geo_minzheng.engine.siting_input import (
    Floats,
    Ints,
    checked_amounts,
    checked_cost,
    checked_p,
    checked_search,
    nearest_chosen,
    numbers,
    refuse_unreachable,
)
from geo_minzheng.engine.solve import Deadline, LinearModel, LinearSession, LinearSolution
from geo_minzheng.errors import InfeasibleError
from geo_minzheng.model.site import Siting


@dataclass(frozen=True, eq=False)
class _Problem:
    """Demands that ask for something, with the pairs that can be served.

    ``row, site``: position of the demand and site of each pair; ``open_cost`` and ``room`` per site.
    """

    cost: Floats
    demand: Floats
    room: Floats
    open_cost: Floats
    p: int | None
    is_single: bool
    row: Ints
    site: Ints


def capacitated(
    cost: ArrayLike,
    *,
    demand: ArrayLike,
    capacity: ArrayLike,
    opening_cost: ArrayLike | None = None,
    p: int | None = None,
    single_source: bool = False,
    rel_gap: float = 0.0,
    time_limit_s: float | None = None,
) -> Siting:
    """Choose sites of limited capacity and share the demand among them at least cost, with proof.

    ``min sum_j f_j y_j + sum_ij c_ij x_ij`` where ``sum_j x_ij = 1``, ``sum_i d_i x_ij <= q_j y_j``,
    ``x_ij <= y_j``, ``sum_j y_j = p`` (if given), ``y`` in {0, 1}, ``x >= 0`` or in {0, 1} (Sridharan, "The
    capacitated plant location problem", 1995).

    Parameters
    ----------
    cost
        Cost of serving the whole demand of the row from each site, ``inf`` where unreachable, shape (demand, site).
    demand
        What each row asks for [demand unit], shape (demand,). A row that asks for 0 costs nothing and is assigned to
        the nearest chosen site.
    capacity
        What each site holds [demand unit], ``inf`` for no limit, shape (site,) or one figure for all.
    opening_cost
        Cost of each site chosen, 0 when omitted, shape (site,).
    p
        Number of sites; when omitted as many as are worth it.
    single_source
        Whether each row is served by one site only.
    rel_gap, time_limit_s
        Relative gap [1] and time [s] at which the search may stop; the best answer so far is returned with its gap.

    Returns
    -------
    Siting
        ``flow`` is the demand served, shape (demand, site); ``assigned`` the site that serves most of a row.

    Raises
    ------
    InfeasibleError
        ``site.unreachable``, ``site.capacity_short``, ``site.capacity_unreachable``.
    InputError
        ``site.bad_cost``, ``site.bad_p``, ``site.bad_number``, ``site.bad_shape``, ``site.bad_option``.
    """
    checked_search(rel_gap, time_limit_s)
    matrix = checked_cost(cost)
    n = matrix.shape[1]
    amounts = checked_amounts("demand", demand, len(matrix))
    asks = np.flatnonzero(amounts > 0)
    held = numbers("capacity", capacity)
    held = np.full(n, float(held)) if held.ndim == 0 else held
    room = checked_amounts("capacity", np.where(held == np.inf, amounts.sum(), held), n)
    fees = checked_amounts("opening_cost", np.zeros(n) if opening_cost is None else opening_cost, n)
    problem = _checked(matrix[asks], amounts[asks], room, fees, p, bool(single_source))
    deadline = Deadline.after(time_limit_s)
    answer, is_open = _opened(problem, rel_gap, deadline)
    share = _shares(problem, is_open, answer)
    if p is None:
        is_open &= share.sum(axis=0) > 0
    flow = np.zeros(matrix.shape)
    flow[asks] = share * amounts[asks, None]
    chosen = np.flatnonzero(is_open)
    assigned = nearest_chosen(matrix, chosen)
    if len(asks):
        assigned[asks] = np.argmax(share, axis=1)
    paid = share > 0
    objective = float((share[paid] * matrix[asks][paid]).sum() + fees[chosen].sum())
    limit = objective if answer.gap <= _ROUNDING and not answer.hit_limit else min(answer.bound, objective)
    return replace(proven("capacitated", chosen, assigned, objective, limit), flow=flow)


# HiGHS proves whole-number answers up to its tolerances.
_ROUNDING = 1e-8


def _checked(cost: Floats, demand: Floats, room: Floats, open_cost: Floats, p: int | None, is_single: bool) -> _Problem:
    sites = cost.shape[1]
    if p is not None:
        p = checked_p(p, sites, 0)
    usable = np.isfinite(cost) & (room > 0)
    if is_single:
        usable &= demand[:, None] <= room
    refuse_unreachable(np.asarray(usable.any(axis=1)))
    most = float(np.sort(room)[::-1][: sites if p is None else p].sum())
    if demand.sum() > most * (1 + 1e-12):
        raise InfeasibleError("site.capacity_short", demand=float(demand.sum()), capacity=most)
    row, site = np.nonzero(usable)
    return _Problem(cost, demand, room, open_cost, p, is_single, row, site)


def _opened(problem: _Problem, rel_gap: float, deadline: Deadline) -> tuple[LinearSolution, NDArray[np.bool_]]:
    """Solve the whole model: which sites are open."""
    sites = len(problem.room)
    model = _model(problem)
    try:
        answer = LinearSession(model, rel_gap, deadline, {"mip_abs_gap": 0.0}).solve()
    except InfeasibleError as stopped:
        if stopped.key != "solve.infeasible":
            raise
        raise InfeasibleError("site.capacity_unreachable") from stopped
    return answer, answer.x[:sites] > 0.5


def _model(problem: _Problem) -> LinearModel:
    """Columns: sites, then pairs. Rows: every demand served, capacity, links, enough room, number of sites."""
    rows, sites, pairs = len(problem.demand), len(problem.room), len(problem.row)
    pair, one = np.arange(pairs), np.ones(pairs)
    at = sites + pair
    load = problem.demand[problem.row]
    fill = np.minimum(1.0, problem.room[problem.site] / load)
    eye = sparse.diags_array(problem.room)
    served = sparse.csr_array((one, (problem.row, at)), shape=(rows, sites + pairs))
    held = sparse.csr_array((load, (problem.site, at)), shape=(sites, sites + pairs))
    held = held - sparse.csr_array(sparse.hstack([eye, sparse.csr_array((sites, pairs))]))
    links = sparse.csr_array(
        (np.concatenate([one, -fill]), (np.tile(pair, 2), np.concatenate([at, problem.site]))),
        shape=(pairs, sites + pairs),
    )
    flags = np.concatenate([np.ones(sites), np.zeros(pairs)])
    total = sparse.csr_array(np.vstack([np.concatenate([problem.room, np.zeros(pairs)]), flags]))
    count = (0.0, float(sites)) if problem.p is None else (float(problem.p), float(problem.p))
    inf = np.inf
    return LinearModel(
        cost=np.concatenate([problem.open_cost, problem.cost[problem.row, problem.site]]),
        lower=np.zeros(sites + pairs),
        upper=np.ones(sites + pairs),
        matrix=sparse.csc_array(sparse.vstack([served, held, links, total])),
        row_lower=np.concatenate([np.ones(rows), np.full(sites + pairs, -inf), [problem.demand.sum(), count[0]]]),
        row_upper=np.concatenate([np.ones(rows), np.zeros(sites + pairs), [inf, count[1]]]),
        integer=np.concatenate([np.ones(sites, bool), np.full(pairs, problem.is_single)]),
    )


def _shares(problem: _Problem, is_open: NDArray[np.bool_], answer: LinearSolution) -> Floats:
    """Share every row among the open sites: rounded where single, else solved anew as a linear model."""
    share = np.zeros(problem.cost.shape)
    sites = len(problem.room)
    x = answer.x[sites:]
    if problem.is_single:
        x = np.where(x > 0.5, 1.0, 0.0)
    else:
        model = _model(replace(problem, p=None, open_cost=np.zeros(sites)))
        opened = is_open.astype(np.float64)
        bounds = np.concatenate([opened, np.zeros(len(x))]), np.concatenate([opened, np.ones(len(x))])
        x = LinearSession(replace(model, lower=bounds[0], upper=bounds[1], integer=None)).solve().x[sites:]
    share[problem.row, problem.site] = np.where(x < 1e-9, 0.0, x)
    return np.asarray(share / share.sum(axis=1, keepdims=True), np.float64)
