"""The exact optimum of a renovation programme, tier by tier: most points, then people, then least money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from geo_minzheng.engine.case_list import FEN, MICRO, CaseList, is_amount, is_count, read_cases
from geo_minzheng.engine.choose import NO_LIMIT, Choice, Chosen, maximise
from geo_minzheng.engine.locate import Ints
from geo_minzheng.engine.solve import PROVEN_GAP, Deadline
from geo_minzheng.errors import InfeasibleError, InputError
from geo_minzheng.model.housing import OptimalProgramme, SkipKind, SkippedCase
from geo_minzheng.model.solution import Stage, Status, relative_gap

ALL = ""
GROUPS = ("programme", "town", "source", "year")


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
    floors: int | Mapping[str, int] | None = None,
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
    limits = _limits(listed, rows, _by_key(budgets), _by_key(quotas), _by_key(floors))
    short = [limit for limit in limits if limit.lower > int(limit.amount.sum())]
    if short:
        raise InfeasibleError("programme.infeasible", limits=_names(short))
    deadline = Deadline.after(time_limit_s)
    choice = _choice(listed, rows, limits)
    whole, stages, x = choice, [], None
    kept = np.arange(len(rows))
    for goal in _goals(listed, rows):
        part = _Goal(goal.name, goal.amount[kept], goal.unit, goal.most)
        try:
            found, stage = _reach(part, choice, x, rel_gap, deadline)
        except InfeasibleError as error:
            raise (_blame(limits, whole, deadline) if error.key == "solve.infeasible" else error) from error
        stages.append(stage)
        value = int(part.amount @ found.x)
        low, high = (value, NO_LIMIT) if goal.most else (-NO_LIMIT, value)
        choice, x = choice.with_row(part.amount, low, high).only(found.alive), found.x[found.alive]
        kept = kept[found.alive]
    chosen = np.zeros(len(rows), np.int64)
    chosen[kept] = 0 if x is None else x
    return _result(listed, _settle(listed, rows, chosen), tuple(stages))


def _choice(listed: CaseList, rows: Ints, limits: list[_Limit]) -> Choice:
    case = np.unique(listed.frame["case"].iloc[rows].to_numpy(str), return_inverse=True)[1].astype(np.int64)
    table = np.array([limit.amount for limit in limits], np.int64).reshape(len(limits), len(rows))
    low = np.array([limit.lower or -NO_LIMIT for limit in limits], np.int64)
    return Choice(case, table, low, np.array([limit.upper for limit in limits], np.int64))


def _by_key(limit: Any) -> dict[str, Any]:
    if limit is None:
        return {}
    return dict(limit) if isinstance(limit, Mapping) else {ALL: limit}


def _limits(
    listed: CaseList, rows: Ints, budgets: dict[str, float], quotas: dict[str, int], floors: dict[str, int]
) -> list[_Limit]:
    groups = [pd.factorize(listed.frame[name].iloc[rows]) for name in GROUPS]
    values = [(codes, {str(value): at for at, value in enumerate(known)}) for codes, known in groups]
    limits, paid = [], np.zeros(len(rows), bool)
    for kind, table in (("budget", budgets), ("quota", quotas), ("floor", floors)):
        for key, limit in sorted(table.items()):
            if not (is_amount(limit) if kind == "budget" else is_count(limit)):
                raise InputError("programme.bad_limit", name=f"{kind} {key}".strip(), value=limit)
            mine = np.ones(len(rows), bool)
            for part in filter(None, key.split("/")):
                mine &= np.logical_or.reduce([codes == known.get(part, -1) for codes, known in values])
            paid |= mine & (kind == "budget")
            if kind == "budget":
                limits.append(_Limit(kind, key, listed.fen[rows] * mine, 0, round(limit * FEN)))
            else:
                least, most = (int(limit), len(rows)) if kind == "floor" else (0, int(limit))
                limits.append(_Limit(kind, key, mine.astype(np.int64), least, most))
    if not paid.all():
        raise InputError("programme.no_budget", case=listed.ids[rows[int(np.flatnonzero(~paid)[0])]])
    return limits


def _goals(listed: CaseList, rows: Ints) -> list[_Goal]:
    goals = []
    for tier in np.unique(listed.tier[listed.is_open]).tolist():
        mine = (listed.tier[rows] == tier).astype(np.int64)
        goals.append(_Goal(f"tier{tier}:points", listed.points[rows] * mine, MICRO, True))
        goals.append(_Goal(f"tier{tier}:persons", listed.persons[rows] * mine, 1, True))
        goals.append(_Goal(f"tier{tier}:yuan", listed.fen[rows] * mine, FEN, False))
    return goals


def _reach(goal: _Goal, choice: Choice, x: Ints | None, rel_gap: float, deadline: Deadline) -> tuple[Chosen, Stage]:
    found = maximise(choice, goal.amount * (1 if goal.most else -1), start=x, rel_gap=rel_gap, deadline=deadline)
    sign = 1 if goal.most else -1
    objective, bound = sign * found.value / goal.unit, sign * found.bound / goal.unit
    return found, Stage(goal.name, objective, bound, relative_gap(objective, bound))


def _blame(limits: list[_Limit], choice: Choice, deadline: Deadline) -> InfeasibleError:
    """Delete limits one by one as long as the rest still cannot hold: what stays is to blame."""
    blamed: list[_Limit] = []
    low, high = choice.low.copy(), choice.high.copy()
    for row, limit in enumerate(limits):
        low[row], high[row] = -NO_LIMIT, NO_LIMIT
        try:
            maximise(replace(choice, low=low, high=high), np.zeros(len(choice.case), np.int64), deadline=deadline)
        except InfeasibleError:
            continue
        low[row], high[row] = choice.low[row], choice.high[row]
        blamed.append(limit)
    return InfeasibleError("programme.infeasible", limits=_names(blamed))


def _settle(listed: CaseList, rows: Ints, x: Ints) -> Ints:
    """Take the earliest rows in the strict order among those nothing tells apart."""
    columns = [listed.frame[name].iloc[rows].to_numpy() for name in GROUPS]
    options = listed.frame["case"].iloc[rows].map(listed.frame["case"][listed.is_open].value_counts()).to_numpy()
    columns += [listed.tier[rows], listed.points[rows], listed.persons[rows], listed.fen[rows]]
    columns += [np.where(options > 1, np.arange(len(rows)) + 1, 0)]
    alike = pd.DataFrame(dict(enumerate(columns))).groupby(list(range(len(columns)))).ngroup().to_numpy(np.int64)
    order = np.argsort(alike, kind="stable")
    wanted = np.bincount(alike, weights=x, minlength=1).astype(np.int64)
    place = np.arange(len(order)) - np.searchsorted(alike[order], alike[order])
    return np.sort(rows[order[place < wanted[alike[order]]]])


def _names(limits: list[_Limit]) -> str:
    sizes = {"budget": lambda c: c.upper / FEN, "quota": lambda c: c.upper, "floor": lambda c: c.lower}
    return ", ".join(f"{c.kind} {c.key or '*'} = {sizes[c.kind](c):.15g}" for c in limits)


def _result(listed: CaseList, rows: Ints, stages: tuple[Stage, ...]) -> OptimalProgramme:
    points = [stage for stage in stages if stage.name.endswith(":points")]
    ids = listed.ids
    taken = {ids[row] for row in rows}
    left = dict.fromkeys(ids[row] for row in np.flatnonzero(listed.is_open) if ids[row] not in taken)
    return OptimalProgramme(
        status=Status.OPTIMAL if all(stage.gap <= PROVEN_GAP for stage in stages) else Status.FEASIBLE,
        stages=stages,
        chosen=listed.describe(rows.tolist()),
        spent_yuan=int(listed.fen[rows].sum()) / FEN,
        objective=sum(stage.objective for stage in points),
        bound=sum(stage.bound for stage in points),
        gap=max((stage.gap for stage in stages), default=0.0),
        skipped=(*listed.closed(), *(SkippedCase(case, SkipKind.BUDGET, SkipKind.BUDGET.value) for case in left)),
    )
