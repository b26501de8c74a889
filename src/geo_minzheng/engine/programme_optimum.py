"""The exact optimum of a renovation programme, tier by tier: most points, then people, then least money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from geo_minzheng.engine.case_list import FEN, MICRO, CaseList, read_cases
from geo_minzheng.engine.locate import Ints
from geo_minzheng.engine.solve import Deadline, LinearModel, LinearSession
from geo_minzheng.errors import InfeasibleError, InputError
from geo_minzheng.model.housing import OptimalProgramme, SkipKind, SkippedCase
from geo_minzheng.model.solution import Stage, Status, relative_gap

ALL = ""
GROUPS = ("programme", "town", "source", "year")

_FREE = float("inf")


@dataclass(frozen=True, eq=False)
class _Limit:
    """One constraint ``lower <= sum of amount over chosen rows <= upper``, in whole numbers."""

    kind: str
    key: str
    amount: Ints
    lower: int
    upper: int


@dataclass(frozen=True, eq=False)
class _Goal:
    """One stage: the amounts to add up over chosen rows, most or least."""

    name: str
    amount: Ints
    unit: int
    most: bool


def optimum(
    cases: pd.DataFrame,
    *,
    budgets: float | Mapping[str, float],
    quotas: int | Mapping[str, int] | None = None,
    floors: Mapping[str, int] | None = None,
    rel_gap: float = 0.0,
    time_limit_s: float | None = None,
) -> OptimalProgramme:
    """Choose the best programme money can buy, strictly tier by tier.

    With ``x_r`` in {0, 1} for every row ``r``, tiers ``t`` in ascending order and, inside a tier, the goals
    ``max sum(score x)``, ``max sum(persons x)``, ``min sum(subsidy x)``, each goal is solved with all earlier ones
    held at their optimum, subject to

    - one row per case at most (rows of the same ``case`` are alternatives: methods, years, sources);
    - ``sum(subsidy x) <= budget`` for every budget, ``count <= quota``, ``count >= floor``.

    Scores count in millionths of a point and money in fen, both as whole numbers. Among rows that no goal and no
    limit tells apart the earlier in the strict order is taken.

    Parameters
    ----------
    cases
        Rows as :func:`~geo_minzheng.engine.case_list.read_cases` takes them; rows that failed a gate or lack their
        subsidy take no part.
    budgets, quotas, floors
        Money [yuan], most and least households by key. A key is the value of a row's ``programme``, ``town``,
        ``source`` or ``year``, two such values joined by ``/`` for rows that bear both, or ``""`` for all rows; a bare
        number stands for ``""``.
    rel_gap
        Relative gap at which the search of a stage may stop [1].
    time_limit_s
        Longest time for all stages together [s].

    Raises
    ------
    InfeasibleError
        ``programme.infeasible``: names a smallest set of limits that cannot hold together;
        ``solve.no_answer_in_time``.
    InputError
        ``programme.no_budget`` when no budget pays for a case, ``programme.bad_limit``, ``programme.clashing_row``
        for two alike alternatives, and those of ``read_cases``.
    """
    listed = read_cases(cases)
    rows = np.flatnonzero(listed.is_open)
    limits = _limits(listed, rows, _by_key(budgets), _by_key(quotas), dict(floors or {}))
    short = [limit for limit in limits if limit.lower > int(limit.amount.sum())]
    if short:
        raise InfeasibleError("programme.infeasible", limits=_names(short))
    deadline = Deadline.after(time_limit_s)
    search = _Search(listed, *_prune(listed, rows, limits), rel_gap, deadline)
    try:
        reached = [search.reach(goal) for goal in search.goals]
    except InfeasibleError as error:
        raise _Search(listed, rows, limits, rel_gap, deadline).blame(error) from error
    stages = tuple(stage for stage, _ in reached)
    return _result(listed, search.rows[search.settled()], stages, proven=all(proven for _, proven in reached))


def _by_key(limit: Any) -> dict[str, Any]:
    if limit is None:
        return {}
    return dict(limit) if isinstance(limit, Mapping) else {ALL: limit}


def _limits(
    listed: CaseList, rows: Ints, budgets: dict[str, float], quotas: dict[str, int], floors: dict[str, int]
) -> list[_Limit]:
    values = [{str(value) for value in row} for row in listed.frame.iloc[rows][list(GROUPS)].to_numpy()]
    limits, paid = [], np.zeros(len(rows), bool)
    for kind, table in (("budget", budgets), ("quota", quotas), ("floor", floors)):
        for key, limit in sorted(table.items()):
            if not 0 <= limit < _FREE:
                raise InputError("programme.bad_limit", name=f"{kind} {key}".strip(), value=limit)
            wanted = {part for part in key.split("/") if part}
            mine = np.array([wanted <= row for row in values], dtype=bool)
            paid |= mine & (kind == "budget")
            if kind == "budget":
                limits.append(_Limit(kind, key, listed.fen[rows] * mine, 0, round(limit * FEN)))
            else:
                least, most = (int(limit), len(rows)) if kind == "floor" else (0, int(limit))
                limits.append(_Limit(kind, key, mine.astype(np.int64), least, most))
    if not paid.all():
        raise InputError("programme.no_budget", case=listed.ids[rows[int(np.flatnonzero(~paid)[0])]])
    return limits


def _prune(listed: CaseList, rows: Ints, limits: list[_Limit]) -> tuple[Ints, list[_Limit]]:
    """Drop rows that cannot be needed: among rows alike to every limit, only as many of the best as fit."""
    ids = np.array(listed.ids, dtype=object)[rows]
    _, owner, options = np.unique(ids.astype(str), return_inverse=True, return_counts=True)
    single = options[owner] == 1
    alike = np.column_stack([listed.tier[rows], *(limit.amount for limit in limits)])
    _, kind = np.unique(alike, axis=0, return_inverse=True)
    room = np.full(len(rows), len(rows), np.int64)
    for limit in limits:
        some = limit.amount > 0
        room[some] = np.minimum(room[some], limit.upper // limit.amount[some])
    order = np.lexsort((np.arange(len(rows)), -listed.persons[rows], -listed.points[rows], kind.ravel()))
    order = order[single[order]]
    grouped = kind.ravel()[order]
    place = np.arange(len(order)) - np.searchsorted(grouped, grouped)
    keep = np.zeros(len(rows), bool)
    keep[order[place < room[order]]] = True
    keep |= ~single
    kept = np.flatnonzero(keep)
    return rows[kept], [_Limit(c.kind, c.key, c.amount[kept], c.lower, c.upper) for c in limits]


def _goals(listed: CaseList, rows: Ints) -> list[_Goal]:
    goals = []
    for tier in np.unique(listed.tier[listed.is_open]).tolist():
        mine = (listed.tier[rows] == tier).astype(np.int64)
        goals.append(_Goal(f"tier{tier}:points", listed.points[rows] * mine, MICRO, True))
        goals.append(_Goal(f"tier{tier}:persons", listed.persons[rows] * mine, 1, True))
        goals.append(_Goal(f"tier{tier}:yuan", listed.fen[rows] * mine, FEN, False))
    return goals


class _Search:
    """The model kept in the solver while one goal after the other is reached and held."""

    def __init__(self, listed: CaseList, rows: Ints, limits: list[_Limit], rel_gap: float, deadline: Deadline) -> None:
        self.rows = rows
        self.limits = limits
        self.alike = _alike(listed, rows, limits)
        self.case = np.unique(np.array(listed.ids, dtype=object)[rows].astype(str), return_inverse=True)[1]
        self.options = np.bincount(self.case)[self.case] if len(rows) else np.zeros(0, np.int64)
        self.goals = _goals(listed, rows)
        self.held: list[tuple[_Goal, int]] = []
        self.x: Ints | None = None if len(rows) else np.zeros(0, np.int64)
        self.fixed = np.zeros(len(rows), bool)
        self._first_goal_row = len(limits)
        self._session = LinearSession(self._model(), rel_gap, deadline)

    def _model(self) -> LinearModel:
        n, shared = len(self.case), np.flatnonzero(self.options > 1)
        _, line = np.unique(self.case[shared], return_inverse=True)
        once = sparse.csr_array((np.ones(len(shared)), (line, shared)), shape=(int(line.max(initial=-1)) + 1, n))
        table = [limit.amount for limit in self.limits] + [goal.amount for goal in self.goals]
        steps = [_step(amount) for amount in table]
        dense = np.array([a // s for a, s in zip(table, steps, strict=True)], float).reshape(len(table), n)
        ends = [(-(-c.lower // s), c.upper // s) for c, s in zip(self.limits, steps, strict=False)]
        lower = [float(low) if low > 0 else -_FREE for low, _ in ends] + [-_FREE] * (len(self.goals) + once.shape[0])
        upper = [float(high) for _, high in ends] + [_FREE] * len(self.goals) + [1.0] * once.shape[0]
        return LinearModel(
            cost=np.zeros(n),
            lower=np.zeros(n),
            upper=np.ones(n),
            matrix=sparse.csc_array(sparse.vstack([sparse.csr_array(dense), once])),
            row_lower=np.array(lower),
            row_upper=np.array(upper),
            integer=np.ones(n, bool),
        )

    def reach(self, goal: _Goal) -> tuple[Stage, bool]:
        """Reach one goal with the earlier ones held, and hold it."""
        most = self._most(goal)
        if self._is_settled(goal, most):
            assert self.x is not None
            value = limit = int(goal.amount @ self.x)
            proven = True
        else:
            value, limit, proven = self._solve(goal, most)
        self._hold(goal, value, most)
        objective, bound = value / goal.unit, limit / goal.unit
        return Stage(goal.name, objective, bound, relative_gap(objective, bound)), proven

    def _most(self, goal: _Goal) -> int:
        best = np.zeros(int(self.case.max(initial=-1)) + 1, np.int64)
        np.maximum.at(best, self.case, goal.amount)
        return int(best.sum())

    def _is_settled(self, goal: _Goal, most: int) -> bool:
        if self.x is None:
            return False
        own = goal.amount > 0
        if self.fixed[own].all():
            return True
        return goal.most and int(goal.amount @ self.x) == most

    def _solve(self, goal: _Goal, most: int) -> tuple[int, int, bool]:
        step = _step(goal.amount)
        self._session.set_cost((goal.amount // step).astype(float), maximise=goal.most)
        try:
            found = self._session.solve()
        except InfeasibleError as error:
            if error.key == "solve.no_answer_in_time" and self.x is not None:
                return int(goal.amount @ self.x), most if goal.most else 0, False
            raise
        answer = np.rint(found.x).astype(np.int64)
        best = self.x
        if self._is_valid(answer) and (best is None or _better(goal, answer, best)):
            self.x = best = answer
        if best is None:
            raise InfeasibleError("solve.no_answer_in_time")
        value = int(goal.amount @ best)
        bound = found.bound if np.isfinite(found.bound) else (most / step if goal.most else 0.0)
        slack = 1e-6 + 1e-12 * abs(bound)
        whole = int(np.floor(bound + slack) if goal.most else np.ceil(bound - slack)) * step
        limit = max(whole, value) if goal.most else min(whole, value)
        return value, limit, not found.hit_limit and limit == value

    def _is_valid(self, x: Ints) -> bool:
        if np.bincount(self.case, weights=x).max(initial=0) > 1:
            return False
        if any(not limit.lower <= int(limit.amount @ x) <= limit.upper for limit in self.limits):
            return False
        return all((int(g.amount @ x) >= v) if g.most else (int(g.amount @ x) <= v) for g, v in self.held)

    def _hold(self, goal: _Goal, value: int, most: int) -> None:
        self.held.append((goal, value))
        if self.x is None:
            return
        own = goal.amount > 0
        if goal.most and value == most and (self.options[own] == 1).all():
            for column in np.flatnonzero(own & ~self.fixed).tolist():
                self._session.set_column(column, 1.0, 1.0)
            self.fixed |= own
            return
        row = self._first_goal_row + len(self.held) - 1
        whole = value // _step(goal.amount)
        low, high = (whole - 0.5, _FREE) if goal.most else (-_FREE, whole + 0.5)
        self._session.set_rows(np.array([row]), np.array([low]), np.array([high]))

    def settled(self) -> NDArray[np.bool_]:
        """Which rows are chosen, the earliest among those nothing tells apart."""
        if self.x is None:
            return np.zeros(len(self.case), bool)
        order = np.lexsort((np.arange(len(self.alike)), self.alike))
        wanted = np.bincount(self.alike, weights=self.x).astype(np.int64)
        group = self.alike[order]
        place = np.arange(len(order)) - np.searchsorted(group, group)
        chosen = np.zeros(len(order), bool)
        chosen[order] = place < wanted[group]
        return chosen

    def blame(self, error: InfeasibleError) -> InfeasibleError:
        """Delete limits one by one as long as the rest still cannot hold: what stays is to blame."""
        if error.key != "solve.infeasible":
            return error
        self._session.set_cost(np.zeros(len(self.case)), maximise=False)
        blamed = []
        for row, limit in enumerate(self.limits):
            lower, upper = self._session.model.row_lower[row], self._session.model.row_upper[row]
            self._session.set_rows(np.array([row]), np.array([-_FREE]), np.array([_FREE]))
            try:
                self._session.solve()
            except InfeasibleError:
                continue
            self._session.set_rows(np.array([row]), np.array([lower]), np.array([upper]))
            blamed.append(limit)
        return InfeasibleError("programme.infeasible", limits=_names(blamed))


def _names(limits: list[_Limit]) -> str:
    sizes = {"budget": lambda c: c.upper / FEN, "quota": lambda c: c.upper, "floor": lambda c: c.lower}
    return ", ".join(f"{c.kind} {c.key or '*'} = {sizes[c.kind](c):.15g}" for c in limits)


def _step(amount: Ints) -> int:
    return max(int(np.gcd.reduce(amount)) if len(amount) else 1, 1)


def _better(goal: _Goal, answer: Ints, best: Ints) -> bool:
    new, old = int(goal.amount @ answer), int(goal.amount @ best)
    return new > old if goal.most else new < old


def _alike(listed: CaseList, rows: Ints, limits: list[_Limit]) -> Ints:
    """Number the rows so that equal numbers mean: single option, same tier, goals and limits."""
    ids = np.array(listed.ids, dtype=object)[rows].astype(str)
    _, owner, options = np.unique(ids, return_inverse=True, return_counts=True)
    own = np.where(options[owner] > 1, np.arange(len(rows)) + 1, 0)
    columns = [listed.tier[rows], listed.points[rows], listed.persons[rows], listed.fen[rows], own]
    table = np.column_stack([*columns, *(limit.amount for limit in limits)])
    return np.asarray(np.unique(table, axis=0, return_inverse=True)[1].ravel(), np.int64)


def _result(listed: CaseList, rows: Ints, stages: tuple[Stage, ...], *, proven: bool) -> OptimalProgramme:
    points = [stage for stage in stages if stage.name.endswith(":points")]
    ids = listed.ids
    taken = {ids[row] for row in rows}
    left = dict.fromkeys(ids[row] for row in np.flatnonzero(listed.is_open) if ids[row] not in taken)
    return OptimalProgramme(
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        stages=stages,
        chosen=tuple(listed.chosen(row, rank) for rank, row in enumerate(rows.tolist(), start=1)),
        spent_yuan=int(listed.fen[rows].sum()) / FEN,
        objective=sum(stage.objective for stage in points),
        bound=sum(stage.bound for stage in points),
        gap=max((stage.gap for stage in stages), default=0.0),
        skipped=(*listed.closed(), *(SkippedCase(case, SkipKind.BUDGET, SkipKind.BUDGET.value) for case in left)),
    )
