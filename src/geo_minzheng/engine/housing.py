"""Renovation cases from registers: joined, threatened, judged, costed, and split by programme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from geo_minzheng.engine.documents import plain
from geo_minzheng.engine.prioritise import assign_once, join_cases, list_cases, score_houses
from geo_minzheng.engine.programme import clusters
from geo_minzheng.engine.subsidise import subsidise
from geo_minzheng.engine.threat import hazard_exposure, inside_zone, level_weights

if TYPE_CHECKING:
    from geo_minzheng.model.housing import OptimalProgramme, StrictProgramme
    from geo_minzheng.model.policy import Policy

HIGH = frozenset({"high", "mid_high"})


@dataclass(frozen=True, eq=False)
class HousingRegisters:
    """What the bureau knows: applications and households as tables, houses and hazard zones in metres."""

    applications: pd.DataFrame
    households: pd.DataFrame
    houses: gpd.GeoDataFrame
    zones: gpd.GeoDataFrame


def judge_cases(registers: HousingRegisters, policy: Policy, *, day: date) -> pd.DataFrame:
    """Judge every application: gates, tier, score in parts, subsidy; a house or household passes once.

    Returns
    -------
    pandas.DataFrame
        As :func:`~geo_minzheng.engine.prioritise.list_cases`, and ``village_code, house_id, household_id, review_rank``
        with ``x, y`` of the house [m].
    """
    ranking = policy.house_ranking
    wanted = registers.houses[registers.houses["house_id"].isin(registers.applications["house_id"])]
    points = wanted.set_index("house_id").geometry
    threat = pd.DataFrame(
        {
            "hazard_exposure": hazard_exposure(
                points, registers.zones, level_weights(ranking), ranking.param("buffer_m")
            ),
            "in_high_zone": inside_zone(points, registers.zones, HIGH),
        }
    ).reset_index()
    houses = pd.DataFrame(wanted.drop(columns="geometry"))
    cases = join_cases(registers.applications, registers.households, houses, threat)
    scored = assign_once(cases, score_houses(cases, ranking, day=day), policy.programmes)
    listed = list_cases(cases, scored, subsidise(cases, policy.subsidies))
    place = cases["house_id"].map(points.x), cases["house_id"].map(points.y)
    extra = cases[["village_code", "house_id", "household_id", "review_rank"]]
    return listed.join(extra).assign(x=place[0], y=place[1])


def of_programme(cases: pd.DataFrame, programme: str) -> pd.DataFrame:
    """Keep the cases of one programme."""
    return cases[cases["programme"] == programme]


def backlog(cases: pd.DataFrame) -> list[str]:
    """List the cases of the backlog that must be finished."""
    return [str(case) for case in cases.loc[cases["is_backlog"].astype(bool), "case"]]


def act_now(cases: pd.DataFrame) -> list[str]:
    """List the cases whose people must be moved first, whatever the rank, each house once."""
    return [str(case) for case in cases.loc[cases["act_now"].astype(bool)].drop_duplicates("house_id")["case"]]


def against_review(cases: pd.DataFrame) -> list[dict[str, Any]]:
    """List pairs the villagers' review ranks the other way round than the score, inside a village, programme and tier.

    Returns
    -------
    ``first`` stands before ``second`` in the order although the review put it behind: each needs a written reason.
    """
    ranked = cases[cases["eligible"].astype(bool) & cases["review_rank"].notna()]
    found = []
    for _, group in ranked.groupby(["village_code", "programme", "tier"], sort=True):
        ordered = group.sort_values(["score", "applied_at", "case"], ascending=[False, True, True])
        rows = list(zip(ordered["case"], ordered["review_rank"], strict=True))
        found += [{"first": str(a), "second": str(b)} for (a, ra), (b, rb) in pairwise(rows) if float(ra) > float(rb)]
    return found


def build_together(cases: pd.DataFrame, crs: Any, *, radius_m: float, min_cases: int) -> list[dict[str, Any]]:
    """List clusters of eligible cases near enough to be built together 统建."""
    open_cases = cases[cases["eligible"].astype(bool) & cases["x"].notna()].drop_duplicates("house_id")
    ids = pd.Index(open_cases["case"].astype(str))
    points = gpd.GeoSeries.from_xy(open_cases["x"], open_cases["y"], index=ids, crs=crs)
    return [plain(cluster) for cluster in clusters(points, radius_m=radius_m, min_cases=min_cases)]


def programme_document(
    strict: StrictProgramme, best: OptimalProgramme | None, cost: Any, names: Mapping[str, str]
) -> dict[str, Any]:
    """Lay a programme out as one entry of ``programme.json``."""
    document: dict[str, Any] = plain(strict)
    document["stopped_by"] = strict.stopped_by.value
    for row in document["chosen"]:
        row["name"] = names.get(row["case"], "")
    document["comparison"] = None
    if best is not None:
        document["comparison"] = {
            "status": best.status.value,
            "stages": plain(list(best.stages)),
            "chosen": [row.case for row in best.chosen],
            "spent_yuan": best.spent_yuan,
            "cost_of_order": plain(cost),
        }
    return document
