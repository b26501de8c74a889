"""Renovation cases from registers: joined, threatened, judged, costed, and split by programme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def list_verdicts(document: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tell of every case what became of it in the programmes, in the order of the lists.

    Parameters
    ----------
    document
        ``programme.json``.
    cases
        Rows of :func:`judge_cases`.

    Returns
    -------
    ``case, programme, state`` (``chosen``, ``stretch``, ``waiting`` for want of money or quota, ``gate``,
    ``missing_value``), ``place`` (in the order, from 1; ``None`` for a case that no gate let through), ``reason``
    (codes joined by ``|``, or the missing key), ``rule, tier, score, persons, subsidy_yuan, village_code, house_id,
    household_id, act_now, is_backlog`` and the parts [points] as ``part_<name>``.
    """
    by_id = {str(row["case"]): row for row in cases}
    found = []
    for programme in document["programmes"]:
        place = 0
        for chosen in programme["chosen"]:
            place += 1
            state = "stretch" if chosen["beyond_target"] else "chosen"
            verdict = {"state": state, "place": chosen.get("place", place), "reason": ""}
            own = {k: chosen[k] for k in ("tier", "score", "persons", "subsidy_yuan", "rule")}
            parts = {f"part_{name}": points for name, points in chosen["parts"].items()}
            found.append(_verdict(by_id, programme["programme"], chosen["case"], verdict) | own | parts)
        for skipped in programme["skipped"]:
            waits = skipped["kind"] in ("budget", "quota")
            place += waits
            state = "waiting" if waits else skipped["kind"]
            own_place = skipped.get("place", place) if waits else None
            verdict = {"state": state, "place": own_place, "reason": skipped["reason"]}
            found.append(_verdict(by_id, programme["programme"], skipped["case"], verdict))
    return found


_TOLD = (
    "tier", "score", "persons", "subsidy_yuan", "rule", "village_code", "house_id", "household_id", "act_now",
    "is_backlog",
)  # fmt: skip


def _verdict(
    by_id: Mapping[str, Mapping[str, Any]], programme: str, case: str, verdict: Mapping[str, Any]
) -> dict[str, Any]:
    row = by_id.get(case, {})
    parts = {name: value for name, value in row.items() if str(name).startswith("part_")}
    return {"case": case, "programme": programme, **{name: row.get(name) for name in _TOLD}, **parts, **verdict}


def money_curve(verdicts: Sequence[Mapping[str, Any]]) -> list[dict[str, float]]:
    """Add up the subsidies down the order: what reaching the n-th household costs.

    Returns
    -------
    ``households`` and ``yuan``, from 0 on, for the cases that have a place in the order.
    """
    curve, total = [{"households": 0.0, "yuan": 0.0}], 0
    placed = sorted((v for v in verdicts if v["place"] is not None), key=lambda v: v["place"])
    for verdict in placed:
        total += round(float(verdict["subsidy_yuan"]) * 100)
        curve.append({"households": float(verdict["place"]), "yuan": total / 100})
    return curve


def search_verdicts(verdicts: Sequence[Mapping[str, Any]], words: str) -> list[Mapping[str, Any]]:
    """Find cases by any part of case, house, household or village name, letter case aside."""
    wanted = words.strip().casefold()
    names = ("case", "house_id", "household_id", "village_name")
    return [v for v in verdicts if wanted and any(wanted in str(v.get(n) or "").casefold() for n in names)]
