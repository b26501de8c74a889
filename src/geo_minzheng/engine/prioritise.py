"""Which house or welfare home comes first: gates, tiers and scores whose parts add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_minzheng.engine.prioritise_homes import open_defects, score_homes
from geo_minzheng.engine.scoring import Flags, Floats, codes, flags, joined, looked_up, numbers, points, ratio
from geo_minzheng.engine.threat import hazard_exposure, inside_zone, level_weights
from geo_minzheng.errors import InputError
from geo_minzheng.model.housing_rules import Gate, Ranking, TierRule
from geo_minzheng.model.policy import Programme

__all__ = [
    "assign_once",
    "hazard_exposure",
    "inside_zone",
    "join_cases",
    "level_weights",
    "list_cases",
    "open_defects",
    "score_homes",
    "score_houses",
]

_DAYS_PER_MONTH = 365.25 / 12


def join_cases(
    applications: pd.DataFrame, households: pd.DataFrame, houses: pd.DataFrame, exposure: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Join applications with household, house and, by ``house_id``, exposure; one row per application, order kept.

    Columns of the household win over those of the house (``village_code``); ``exposure`` may hold ``hazard_exposure``,
    ``in_high_zone`` and ``past_collapse_m``.

    Raises
    ------
    InputError
        ``prioritise.duplicate_key``: a household, house or case twice.
    """
    for frame, key in ((applications, "case_id"), (households, "household_id"), (houses, "house_id")):
        twice = frame[key][frame[key].duplicated()]
        if len(twice):
            raise InputError("prioritise.duplicate_key", column=key, value=str(twice.iloc[0]))
    own = [name for name in households if name not in applications or name == "household_id"]
    cases = pd.DataFrame(applications).merge(
        pd.DataFrame(households)[own], on="household_id", how="left", validate="m:1"
    )
    other = [name for name in houses if name not in cases or name == "house_id"]
    cases = cases.merge(pd.DataFrame(houses)[other], on="house_id", how="left", validate="m:1")
    if exposure is not None:
        cases = cases.merge(exposure, on="house_id", how="left", validate="m:1")
    return cases.set_index(applications.index)


def score_houses(cases: pd.DataFrame, ranking: Ranking, *, day: date) -> pd.DataFrame:
    """Judge renovation cases: gates first, then tier, then a score of 0-100 in named parts.

    ``S = sum(weight * part)``, each part clipped to [0, 1] before weighting and counted in hundredths of a point, so
    that the parts add up to the score:

    - risk: grade D 1, C 0.6, B 0.1; x 1.1 (at most 1) without 防灾措施; + 0.1 for adobe
    - hazard: ``hazard_exposure``; + 0.2 where a house nearby has collapsed before
    - self_help: none 1, partial 0.5, full 0; + 0.2 for sick or disabled labour
    - household: persons / 6
    - vulnerable: (60 and over + under 14 + disabled) / persons; + 0.3 for a solitary elder
    - waiting: months since application / 24

    Parameters
    ----------
    cases
        One row per case, see :func:`join_cases`; a missing column counts as unknown: no points, and a gate that needs
        it fails.
    ranking
        ``Policy.house_ranking``.
    day
        Day of the judgement.

    Returns
    -------
    pandas.DataFrame
        Index of ``cases``: ``tier`` (0 where none fits), ``score`` [points], one column per part [points],
        ``is_eligible``, ``gates`` (codes of the gates that fail, joined by ``|``; ``no_tier`` where none fits),
        ``act_now`` (people are moved first, whatever the rank).
    """
    parts = {
        "risk": _risk(cases, ranking),
        "hazard": _house_hazard(cases, ranking),
        "self_help": _self_help(cases, ranking),
        "household": numbers(cases, "household_size") / ranking.param("persons_full"),
        "vulnerable": _vulnerable(cases, ranking),
        "waiting": _months_since(cases, "applied_at", day) / ranking.param("waiting_months_full"),
    }
    frame = points(cases.index, parts, ranking)
    tiers = _tiers(cases, ranking.tiers)
    failed = _failed_gates(cases, ranking.gates, tiers, day)
    frame.insert(0, "tier", tiers)
    frame["gates"] = failed
    frame["is_eligible"] = frame["gates"] == ""
    threatened = (codes(cases, "safety_grade") == "D") | (codes(cases, "site_safety") == "dangerous")
    frame["act_now"] = threatened & flags(cases, "is_occupied") & flags(cases, "in_high_zone")
    return frame


def assign_once(cases: pd.DataFrame, scored: pd.DataFrame, programmes: Mapping[str, Programme]) -> pd.DataFrame:
    """Let every house and household through once: in the first programme by order, there the earliest application.

    Parameters
    ----------
    cases
        ``programme, house_id, household_id, applied_at, case_id``.
    scored
        Result of :func:`score_houses`, same index.

    Returns
    -------
    pandas.DataFrame
        ``scored`` with ``in_other_programme`` or ``duplicate_case`` among the gates of those held back.
    """
    ranks = {code: item.order for code, item in programmes.items()}
    keys = pd.DataFrame(
        {
            "programme": codes(cases, "programme"),
            "house": codes(cases, "house_id"),
            "household": codes(cases, "household_id"),
            "applied_at": pd.to_datetime(cases["applied_at"]).to_numpy(),
            "case_id": cases["case_id"].astype(str).to_numpy(),
        }
    )
    keys["order"] = keys["programme"].map(ranks).fillna(len(ranks) + 1)
    keys = keys[scored["is_eligible"].to_numpy(bool)].sort_values(["order", "applied_at", "case_id"])
    taken: dict[tuple[str, str], str] = {}
    gates, eligible = scored["gates"].tolist(), scored["is_eligible"].tolist()
    columns = (keys[name].tolist() for name in ("programme", "house", "household"))
    for place, programme, house, household in zip(keys.index.tolist(), *columns, strict=True):
        things = [thing for thing in (("house", house), ("household", household)) if thing[1]]
        holders = [taken[thing] for thing in things if thing in taken]
        if holders:
            gates[place] = "duplicate_case" if programme in holders else "in_other_programme"
            eligible[place] = False
        else:
            taken |= dict.fromkeys(things, programme)
    return scored.assign(gates=gates, is_eligible=eligible)


def list_cases(cases: pd.DataFrame, scored: pd.DataFrame, subsidies: pd.DataFrame) -> pd.DataFrame:
    """Lay judged and costed cases out as the programme takes them.

    Parameters
    ----------
    cases, scored, subsidies
        Results of :func:`join_cases`, :func:`score_houses` (or :func:`assign_once`) and
        ``subsidise.subsidise``, on one index.

    Returns
    -------
    pandas.DataFrame
        Index of ``cases``: ``case, programme, town`` (9-digit code), ``persons, applied_at, method, tier, score``,
        ``part_<name>`` [points], ``eligible, gate_reason, subsidy_yuan, rule, missing_key, is_backlog, act_now``.
    """
    frame = pd.DataFrame(
        {
            "case": codes(cases, "case_id"),
            "programme": codes(cases, "programme"),
            "town": [str(code)[:9] for code in codes(cases, "village_code")],
            "persons": numbers(cases, "household_size").astype(np.int64),
            "applied_at": cases["applied_at"],
            "method": codes(cases, "renovation_method"),
            "is_backlog": flags(cases, "is_backlog"),
        },
        index=cases.index,
    )
    frame = frame.join(scored[["tier", "score", "act_now"]])
    judged = {"is_eligible", "gates", "act_now", "tier", "score"}
    frame = frame.join(scored[[name for name in scored if name not in judged]].add_prefix("part_"))
    frame["eligible"], frame["gate_reason"] = scored["is_eligible"], scored["gates"]
    return frame.join(subsidies[["subsidy_yuan", "rule", "missing_key"]])


def _risk(cases: pd.DataFrame, ranking: Ranking) -> Floats:
    grades = {grade: ranking.param(f"grade_{grade}") for grade in "ABCD"} | {"": ranking.param("grade_unknown")}
    base = looked_up(codes(cases, "safety_grade"), grades)
    bare = codes(cases, "hazard_resistance") == "none"
    base = np.where(bare, np.minimum(1.0, base * ranking.param("no_resistance_factor")), base)
    return np.asarray(base + ranking.param("adobe_bonus") * (codes(cases, "structure_type") == "adobe"))


def _house_hazard(cases: pd.DataFrame, ranking: Ranking) -> Floats:
    near = np.full(len(cases), np.inf)
    if "past_collapse_m" in cases:
        near = pd.to_numeric(cases["past_collapse_m"]).to_numpy(float, na_value=np.inf)
    bonus = ranking.param("past_collapse_bonus") * (np.nan_to_num(near, nan=np.inf) <= ranking.param("past_collapse_m"))
    return np.asarray(np.clip(numbers(cases, "hazard_exposure"), 0.0, 1.0) + bonus)


def _self_help(cases: pd.DataFrame, ranking: Ranking) -> Floats:
    ability = {level: ranking.param(f"self_help_{level}") for level in ("none", "partial", "full")}
    base = looked_up(codes(cases, "self_help_ability"), ability)
    return np.asarray(base + ranking.param("sick_labour_bonus") * flags(cases, "has_sick_labour"))


def _vulnerable(cases: pd.DataFrame, ranking: Ranking) -> Floats:
    weak = numbers(cases, "elderly_60") + numbers(cases, "children_14") + numbers(cases, "disabled")
    share = ratio(weak, numbers(cases, "household_size"))
    return np.asarray(share + ranking.param("solitary_elder_bonus") * flags(cases, "is_solitary_elder"))


def _months_since(cases: pd.DataFrame, name: str, day: date) -> Floats:
    """Months from a day column to ``day``; NaN where unknown."""
    if name not in cases:
        return np.full(len(cases), np.nan)
    passed = pd.Timestamp(day) - pd.to_datetime(cases[name])
    return passed.dt.days.to_numpy(float, na_value=np.nan) / _DAYS_PER_MONTH


def _tiers(cases: pd.DataFrame, tiers: Sequence[TierRule]) -> NDArray[np.int64]:
    programme, category = codes(cases, "programme"), codes(cases, "assistance_tier")
    ability = codes(cases, "self_help_ability")
    result = np.zeros(len(cases), dtype=np.int64)
    for rule in sorted(tiers, key=lambda rule: rule.rank, reverse=True):
        fits = programme == rule.programme
        if rule.categories:
            fits &= np.isin(category, rule.categories)
        if rule.self_help:
            fits &= np.isin(ability, rule.self_help)
        result[fits] = rule.tier
    return result


def _failed_gates(cases: pd.DataFrame, gates: Sequence[Gate], tiers: NDArray[np.int64], day: date) -> list[str]:
    programme = codes(cases, "programme")
    failed: dict[str, Flags] = {}
    for gate in gates:
        fails = (programme == gate.programme) & ~_passes(cases, gate, day)
        failed[gate.gate] = failed.get(gate.gate, np.zeros(len(cases), dtype=bool)) | fails
    failed["no_tier"] = tiers == 0
    return joined(failed, len(cases))


def _passes(cases: pd.DataFrame, gate: Gate, day: date) -> Flags:
    if gate.gate == "sole_residence":
        return flags(cases, "is_sole_residence")
    if gate.gate == "not_subsidised_before":
        return ~flags(cases, "subsidised_before")
    if gate.gate == "certificate_within":
        months = _months_since(cases, "grade_date", day)
        return np.asarray((months >= 0) & (months <= (gate.limit or 0.0)))
    if gate.gate in ("kin_declared", "means_checked"):
        return flags(cases, gate.gate)
    column = {"grade_in": "safety_grade", "structure_in": "structure_type", "tier_in": "assistance_tier"}[gate.gate]
    return np.isin(codes(cases, column), gate.values)
