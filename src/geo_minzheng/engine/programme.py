"""This year's renovation programme: the strict order, the exact optimum beside it, and what the order costs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo_minzheng.engine.case_list import FEN, MICRO, CaseList, is_amount, is_count, read_cases
from geo_minzheng.engine.programme_optimum import optimum
from geo_minzheng.errors import InputError
from geo_minzheng.model.housing import (
    CaseCluster,
    MustFinish,
    NextUnfunded,
    OptimalProgramme,
    OrderCost,
    SkipKind,
    SkippedCase,
    StoppedBy,
    StrictProgramme,
    TierDifference,
)

if TYPE_CHECKING:
    import geopandas as gpd

__all__ = ["PROGRAMMERS", "clusters", "cost_of_order", "optimum", "strict_order"]


def strict_order(
    cases: pd.DataFrame,
    *,
    budget_yuan: float,
    quota: int | None = None,
    stretch_quota: int | None = None,
    must_finish: Collection[str] | None = None,
) -> StrictProgramme:
    """Take cases in the strict order 顺位 down to where money, quota or list ends.

    The order is (tier, -score, applied_at, case) with scores compared to a millionth of a point. The first case whose
    subsidy exceeds what is left ends the list: nobody below is taken. A case without a subsidy figure or with a
    failed gate is skipped with its reason and stops nobody. The quota is the year's target; with a stretch quota the
    list runs on to it while the money lasts, and what lies beyond the target is marked.

    Parameters
    ----------
    cases
        One row per case of one programme, as :func:`~geo_minzheng.engine.case_list.read_cases` takes them.
    budget_yuan
        Money of the year [yuan].
    quota, stretch_quota
        Target 计划 and upper bound 力争 [households]; ``None`` where the programme has none.
    must_finish
        Ids of the cases that must be finished; ``None`` where there is no such list.

    Raises
    ------
    InputError
        ``programme.bad_limit``, ``programme.duplicate_case``, ``programme.several_programmes``,
        ``programme.unknown_case`` and those of ``read_cases``.
    """
    if not is_amount(budget_yuan):
        raise InputError("programme.bad_limit", name="budget_yuan", value=budget_yuan)
    for name, value, least in (("quota", quota, 0), ("stretch_quota", stretch_quota, quota or 0)):
        if value is not None and not is_count(value, least):
            raise InputError("programme.bad_limit", name=name, value=value)
    if isinstance(must_finish, str) or not (must_finish is None or isinstance(must_finish, Iterable)):
        raise InputError("programme.bad_limit", name="must_finish", value=must_finish)
    listed = read_cases(cases)
    _check_one_list(listed)
    limit = stretch_quota if stretch_quota is not None else quota
    budget = round(budget_yuan * FEN)
    left, stopped_by, following = budget, StoppedBy.LIST_END, None
    taken: list[int] = []
    queue = np.flatnonzero(listed.is_open).tolist()
    for row in queue:
        if limit is not None and len(taken) >= limit:
            stopped_by = StoppedBy.QUOTA
            break
        if listed.fen[row] > left:
            stopped_by = StoppedBy.BUDGET
            following = NextUnfunded(listed.ids[row], int(listed.fen[row] - left) / FEN)
            break
        left -= int(listed.fen[row])
        taken.append(row)
    kind = SkipKind.QUOTA if stopped_by is StoppedBy.QUOTA else SkipKind.BUDGET
    ids = listed.ids
    programmes = listed.frame["programme"].unique()
    return StrictProgramme(
        programme=str(programmes[0]) if len(programmes) else "",
        budget_yuan=budget / FEN,
        spent_yuan=(budget - left) / FEN,
        quota=quota,
        stretch_quota=stretch_quota,
        must_finish=None
        if must_finish is None
        else _must_finish(listed, {str(case) for case in must_finish}, taken, budget),
        chosen=listed.describe(taken, target=quota),
        stopped_by=stopped_by,
        next_unfunded=following,
        skipped=(*listed.closed(), *(SkippedCase(ids[row], kind, kind.value) for row in queue[len(taken) :])),
    )


def _check_one_list(listed: CaseList) -> None:
    twice = listed.frame["case"][listed.frame["case"].duplicated()]
    if len(twice):
        raise InputError("programme.duplicate_case", cases=", ".join(sorted(set(twice))))
    if listed.frame["programme"].nunique() > 1:
        raise InputError(
            "programme.several_programmes", programmes=", ".join(sorted(listed.frame["programme"].unique()))
        )


def _must_finish(listed: CaseList, wanted: set[str], taken: list[int], budget: int) -> MustFinish:
    ids = listed.ids
    unknown = wanted - set(ids)
    if unknown:
        raise InputError("programme.unknown_case", cases=", ".join(sorted(unknown)))
    rows = [row for row, case in enumerate(ids) if case in wanted]
    priced = [row for row in rows if listed.is_open[row]]
    cost = int(listed.fen[priced].sum())
    undone = [row for row in rows if row not in set(taken)]
    return MustFinish(
        cases=len(rows),
        cost_yuan=cost / FEN,
        gap_yuan=max(0, cost - budget) / FEN,
        unfinished=tuple(ids[row] for row in undone),
        unfinished_yuan=int(listed.fen[[row for row in undone if listed.is_open[row]]].sum()) / FEN,
        without_figure=tuple(ids[row] for row in rows if not listed.is_open[row]),
    )


def cost_of_order(strict: StrictProgramme, best: OptimalProgramme) -> OrderCost:
    """Compare the strict order with the optimum: optimum minus order, tier by tier."""
    tiers = sorted({case.tier for case in (*strict.chosen, *best.chosen)})
    differences = []
    for tier in tiers:
        ours = [case for case in strict.chosen if case.tier == tier]
        theirs = [case for case in best.chosen if case.tier == tier]
        points = sum(round(c.score * MICRO) for c in theirs) - sum(round(c.score * MICRO) for c in ours)
        fen = sum(round(c.subsidy_yuan * FEN) for c in theirs) - sum(round(c.subsidy_yuan * FEN) for c in ours)
        persons = sum(c.persons for c in theirs) - sum(c.persons for c in ours)
        differences.append(TierDifference(tier, len(theirs) - len(ours), points / MICRO, persons, fen / FEN))
    order, optimal = {c.case for c in strict.chosen}, {c.case for c in best.chosen}
    return OrderCost(tuple(differences), tuple(sorted(order - optimal)), tuple(sorted(optimal - order)))


def clusters(points: gpd.GeoSeries, *, radius_m: float, min_cases: int) -> tuple[CaseCluster, ...]:
    """Find cases close enough together to be built as one site 统建.

    A case is dense when at least ``min_cases`` cases, itself among them, lie within ``radius_m`` (border included);
    dense cases within the radius of each other form one cluster, and every other case within the radius of a dense
    one joins the nearest (ties to the smallest id): DBSCAN (Ester et al. 1996).

    Parameters
    ----------
    points
        Places of the cases [m], index = case id; empty places are left out.
    radius_m
        Radius [m].
    min_cases
        Least number of cases.

    Returns
    -------
    Clusters of at least two cases in order of their smallest id.
    """
    there = points[~(points.is_empty | points.isna())]
    there = there.iloc[np.argsort(there.index.astype(str).to_numpy(dtype=object), kind="stable")]
    ids = there.index.astype(str).tolist()
    xy = np.column_stack([there.x.to_numpy(), there.y.to_numpy()])
    near = _near_pairs(xy, radius_m)
    dense = np.bincount(near[:, 0], minlength=len(ids)) >= min_cases
    links = near[dense[near[:, 0]] & dense[near[:, 1]]]
    graph = coo_array((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(len(ids), len(ids)))
    label = connected_components(graph, directed=False)[1].tolist() if ids else []
    members: dict[int, list[int]] = {}
    for case in range(len(ids)):
        core = case if dense[case] else _nearest_dense(xy, near[near[:, 0] == case, 1], case, dense)
        if core is not None:
            members.setdefault(label[core], []).append(case)
    found = sorted((rows for rows in members.values() if len(rows) > 1), key=lambda rows: rows[0])
    return tuple(CaseCluster(tuple(ids[r] for r in rows), *map(float, xy[rows].mean(axis=0))) for rows in found)


def _near_pairs(xy: Any, radius_m: float) -> Any:
    """Ordered pairs within the radius, every case paired with itself."""
    if not len(xy):
        return np.zeros((0, 2), np.int64)
    pairs = cKDTree(xy).query_pairs(radius_m * (1 + 1e-9), output_type="ndarray")
    pairs = pairs[np.hypot(*(xy[pairs[:, 0]] - xy[pairs[:, 1]]).T) <= radius_m]
    own = np.repeat(np.arange(len(xy)), 2).reshape(-1, 2)
    return np.concatenate([own, pairs, pairs[:, ::-1]]).astype(np.int64)


def _nearest_dense(xy: Any, around: Iterable[int], case: int, dense: Any) -> int | None:
    reach = [(float(np.hypot(*(xy[other] - xy[case]))), int(other)) for other in around if dense[other]]
    return min(reach)[1] if reach else None


PROGRAMMERS: dict[str, Callable[..., StrictProgramme | OptimalProgramme]] = {
    "strict_order": strict_order,
    "optimum": optimum,
}
