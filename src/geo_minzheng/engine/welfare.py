"""Welfare homes on the road network: who lives within reach, who does not, and what the next site would add."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from geo_minzheng.engine import site
from geo_minzheng.engine.documents import plain
from geo_minzheng.engine.network import travel_times
from geo_minzheng.errors import InfeasibleError, InputError
from geo_minzheng.model.solution import Stage, relative_gap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geo_minzheng.model.network import Network
    from geo_minzheng.model.site import SiteGain, Siting

TOWN_DIGITS = 9


@dataclass(frozen=True, eq=False)
class Demand:
    """Who should be within reach: points in metres with town, persons and elderly.

    Parameters
    ----------
    points
        ``code`` (village), ``persons`` and ``elderly`` [persons].
    """

    points: gpd.GeoDataFrame


def village_demand(villages: gpd.GeoDataFrame) -> Demand:
    """Take villages as demand points, with all their people and those of 60 and over."""
    return Demand(
        gpd.GeoDataFrame(
            {
                "code": villages["code"].astype(str),
                "persons": villages["resident_population"].astype(np.int64),
                "elderly": villages["elderly_60"].fillna(0).astype(np.int64),
            },
            geometry=villages.geometry,
        ).reset_index(drop=True)
    )


def house_demand(houses: gpd.GeoDataFrame) -> Demand:
    """Take houses as demand points; elderly are not known by house."""
    return Demand(
        gpd.GeoDataFrame(
            {"code": houses["village_code"].astype(str), "persons": houses["persons"].astype(np.int64), "elderly": 0},
            geometry=houses.geometry,
        ).reset_index(drop=True)
    )


def nearest_minutes(network: Network, facilities: gpd.GeoSeries, demand: Demand) -> NDArray[np.float64]:
    """Measure the time from each demand point to its nearest facility [min]; ``inf`` where there is none."""
    if facilities.empty or demand.points.empty:
        return np.full(len(demand.points), np.inf)
    return np.asarray(travel_times(network, demand.points.geometry, facilities).min(axis=1))


def coverage_by_town(demand: Demand, minutes: NDArray[np.float64], limit_min: float) -> pd.DataFrame:
    """Count who lives within the limit, by town; ``covered + uncovered = persons``.

    Returns
    -------
    ``town, persons, covered, uncovered`` [persons], by town code.
    """
    frame = pd.DataFrame(
        {
            "town": demand.points["code"].str[:TOWN_DIGITS],
            "persons": demand.points["persons"],
            "covered": demand.points["persons"].where(minutes <= limit_min, 0),
        }
    )
    sums = frame.groupby("town", sort=True)[["persons", "covered"]].sum().reset_index()
    return sums.assign(uncovered=sums["persons"] - sums["covered"])


def beyond(demand: Demand, minutes: NDArray[np.float64], limit_min: float) -> list[dict[str, Any]]:
    """List the demand points beyond the limit, farthest first (``minutes`` is ``None`` where there is no way)."""
    frame = demand.points.assign(minutes=minutes)[minutes > limit_min]
    ordered = frame.sort_values(["minutes", "code"], ascending=[False, True])
    return [
        {"code": code, "persons": int(persons), "elderly": int(elderly), "minutes": plain(round(float(far), 1))}
        for code, persons, elderly, far in zip(
            ordered["code"], ordered["persons"], ordered["elderly"], ordered["minutes"], strict=True
        )
    ]


def far_share(
    minutes: NDArray[np.float64], persons: NDArray[np.float64], homes: Sequence[str], limit_min: float
) -> pd.Series[float]:
    """Measure for each home the share of its catchment that lives beyond the limit; its catchment is nearest to it.

    Parameters
    ----------
    minutes
        Driving time from each place to each home, shape (place, home) [min]; a place no home reaches belongs to nobody.
    persons
        People per place, shape (place,) [persons].

    Returns
    -------
    Share by home id [1]; 0 where nobody belongs to a home.
    """
    reached = np.isfinite(minutes).any(axis=1) if len(homes) else np.zeros(len(persons), bool)
    near = np.asarray(minutes)[reached]
    nearest = near.argmin(axis=1) if len(near) else np.zeros(0, np.int64)
    people = np.asarray(persons)[reached]
    far = near.min(axis=1, initial=np.inf) > limit_min
    total = np.bincount(nearest, weights=people, minlength=len(homes))
    beyond_limit = np.bincount(nearest, weights=people * far, minlength=len(homes))
    share = np.divide(beyond_limit, total, out=np.zeros(len(homes)), where=total > 0)
    return pd.Series(share, index=pd.Index(homes, name="home_id"))


def persons_by_village(households: pd.DataFrame, tiers: Collection[str], codes: Sequence[str]) -> NDArray[np.float64]:
    """Count the people of households of some tiers by village, in the order of the codes."""
    rows = households[households["assistance_tier"].isin(list(tiers))]
    counts = rows.groupby(rows["village_code"].astype(str))["household_size"].sum()
    return counts.reindex(list(codes), fill_value=0).to_numpy(float)


def towns_without_point(divisions: pd.DataFrame, homes: pd.DataFrame, kinds: Collection[str]) -> list[dict[str, str]]:
    """List the towns without a point 一镇一点: a town counts unless its division says it does not.

    Parameters
    ----------
    divisions
        Codes in force: ``code, name, counts_as_town``.
    homes
        ``village_code, facility_kind``.
    kinds
        Facility kinds that count as a point.
    """
    served = set(homes.loc[homes["facility_kind"].isin(list(kinds)), "village_code"].astype(str).str[:TOWN_DIGITS])
    towns = divisions[(divisions["code"].str.len() == TOWN_DIGITS) & divisions["counts_as_town"].astype(bool)]
    rows = zip(towns["code"].astype(str), towns["name"].astype(str), strict=True)
    return [{"code": code, "name": name} for code, name in sorted(rows) if code not in served]


@dataclass(frozen=True, eq=False)
class SitingQuestion:
    """Where the next homes go.

    Parameters
    ----------
    minutes
        Driving time from each demand to each site, existing ones first, shape (demand, site) [min].
    weights
        Elderly per demand, shape (demand,) [persons].
    existing
        Number of existing sites at the front.
    new
        How many sites are to be added.
    limit_min
        Reach that counts as covered [min].
    """

    minutes: NDArray[np.float64]
    weights: NDArray[np.float64]
    existing: int
    new: int
    limit_min: float


def siting_question(
    network: Network,
    demand: Demand,
    homes: gpd.GeoDataFrame,
    candidates: gpd.GeoDataFrame,
    *,
    new: int,
    limit_min: float,
) -> SitingQuestion:
    """Measure the times a siting needs; demand that no site at all can reach is left out by weight 0.

    Raises
    ------
    InputError
        ``welfare.no_candidates``: fewer candidates than sites wanted.
    """
    if len(candidates) < new:
        raise InputError("welfare.no_candidates", candidates=len(candidates), wanted=new)
    sites = gpd.GeoSeries([*homes.geometry, *candidates.geometry], crs=demand.points.crs)
    minutes = np.round(travel_times(network, demand.points.geometry, sites), 2)
    weights = demand.points["elderly"].to_numpy(float)
    lost = np.isinf(minutes).all(axis=1)
    minutes[lost], weights[lost] = 0.0, 0.0
    return SitingQuestion(minutes, weights, len(homes), new, limit_min)


def solve_siting(question: SitingQuestion) -> dict[str, Siting]:
    """Answer twice: ``cover`` (most elderly within reach) and ``median`` (least elderly-minutes), homes kept.

    Where the roads fall into more pieces than there are sites, ``median`` first reaches the most elderly at all;
    whom it leaves out is assigned to no site and counts no minutes.
    """
    fixed = tuple(range(question.existing))
    p = question.existing + question.new
    covers = csr_array(question.minutes <= question.limit_min)
    return {
        "cover": site.max_cover(covers, p=p, weights=question.weights, fixed=fixed),
        "median": _nearest(question, p, fixed),
    }


def _nearest(question: SitingQuestion, p: int, fixed: tuple[int, ...]) -> Siting:
    minutes, weights = question.minutes, question.weights
    try:
        return site.p_median(minutes, p=p, weights=weights, fixed=fixed)
    except InfeasibleError as stopped:
        if stopped.key not in ("site.too_few", "site.fixed_in_the_way"):
            raise
    # One person left out costs more than all the minutes of any other choice.
    longest = np.where(np.isfinite(minutes), minutes, 0.0)
    miss = float(np.floor(weights @ longest.max(axis=1))) + 1.0
    found = site.p_median(np.where(np.isfinite(minutes), minutes, miss), p=p, weights=weights, fixed=fixed)
    served = np.isfinite(minutes[:, found.chosen]).any(axis=1)
    near = minutes[np.arange(len(minutes)), found.assigned]
    objective = float(weights[served] @ near[served])
    bound = objective if found.gap == 0.0 else max(0.0, found.bound - miss * float(weights[~served].sum()))
    return replace(
        found,
        assigned=np.where(served, found.assigned, -1),
        objective=objective,
        bound=bound,
        gap=relative_gap(objective, bound),
        stages=(Stage("p_median", objective, bound, relative_gap(objective, bound)),),
    )


def siting_document(
    question: SitingQuestion, answers: dict[str, Siting], names: Sequence[str], demand: Demand
) -> dict[str, Any]:
    """Lay the answers out as ``siting.json``: each with names, gains and coverage by town.

    The fields of ``welfare site`` at the top are those of the median.
    """
    document: dict[str, Any] = {}
    for kind, answer in answers.items():
        chosen = [int(j) for j in answer.chosen]
        new = [j for j in chosen if j >= question.existing]
        gains = _gains(kind, question, chosen)
        minutes = question.minutes[:, chosen].min(axis=1)
        town = coverage_by_town(demand, minutes, question.limit_min)
        document[kind] = {
            "chosen": chosen, "names": [names[j] for j in chosen], "new": [names[j] for j in new],
            "objective": answer.objective, "bound": answer.bound, "gap": answer.gap, "status": answer.status.value,
            "gains": [plain(g) | {"name": names[g.site]} for g in gains if g.site in set(new)],
            "by_town": town.to_dict("records"),
        }  # fmt: skip
    head = {k: document["median"][k] for k in ("chosen", "names", "objective", "bound", "gap", "status", "by_town")}
    told: dict[str, Any] = plain(head | document)
    return told


def _gains(kind: str, question: SitingQuestion, chosen: list[int]) -> tuple[SiteGain, ...]:
    fixed = tuple(range(question.existing))
    if kind == "cover":
        covers = csr_array(question.minutes <= question.limit_min)
        return site.marginal_cover(covers, chosen, weights=question.weights, fixed=fixed)
    return site.marginal_gains(question.minutes, chosen, weights=question.weights, fixed=fixed)


def open_defect_list(defects: pd.DataFrame, names: Mapping[str, str], day: Any) -> list[dict[str, Any]]:
    """List the open defects of the homes, the longest overdue first, then by deadline.

    Parameters
    ----------
    defects
        ``home_id, hazard_grade, defect_kind, description, found_on, deadline_on, closed_on``.
    names
        Home names by id.
    day
        Day of the list.

    Returns
    -------
    ``home, name, grade, kind, description, found_on, deadline_on, overdue_days`` (0 within the deadline, ``None``
    without one).
    """
    rows = []
    for row in defects[defects["closed_on"].isna()].to_dict("records"):
        deadline = (
            None if row["deadline_on"] is None or row["deadline_on"] != row["deadline_on"] else row["deadline_on"]
        )
        days = None if deadline is None else max(0, (day - _day(deadline)).days)
        rows.append(
            {
                "home": str(row["home_id"]), "name": names.get(str(row["home_id"]), ""), "grade": row["hazard_grade"],
                "kind": row["defect_kind"], "description": row["description"], "found_on": _day(row["found_on"]),
                "deadline_on": None if deadline is None else _day(deadline), "overdue_days": days,
            }
        )  # fmt: skip
    return sorted(rows, key=lambda r: (-(r["overdue_days"] or 0), str(r["deadline_on"] or "9999"), r["home"]))


def _day(value: Any) -> Any:
    return value.date() if hasattr(value, "date") else value
