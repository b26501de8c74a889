"""Invent the registers: assisted households, renovation applications, information officers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from geo_minzheng.engine.synthesise_ground import Rng
from geo_minzheng.engine.synthesise_people import Ints, choose, days_between, draw_from, names, phones

_GATES = ("kin", "subsidised", "means", "not_sole", "stale_grade", "no_grade", "both", "odd_rank")
_OTHER_TIERS = ["return_to_poverty_risk", "sudden_hardship", "other_lifted", "key_veteran_beneficiary"]


def cover(sizes: Ints, total: int, rng: Rng) -> Ints:
    """Draw how many of each household are covered: at least one, at most all, summing to ``total`` [persons].

    Raises
    ------
    ValueError
        ``total`` lies outside [households, persons]: the plan is wrong.
    """
    if not len(sizes) <= total <= int(sizes.sum()):
        raise ValueError(f"covered persons {total} outside [{len(sizes)}, {int(sizes.sum())}]")
    covered = np.ones(len(sizes), np.int64)
    while (gap := total - int(covered.sum())) > 0:
        can = np.flatnonzero(covered < sizes)
        covered[can[rng.permutation(len(can))[:gap]]] += 1
    return covered


def _tiers(houses: pd.DataFrame, counts: Mapping[str, int], rng: Rng) -> pd.Series:
    """Choose whose house is on a register; every adobe sole residence is, one tier per house."""
    tier = pd.Series(None, index=houses.index, dtype=object)
    family = (houses["kind"] == "family").to_numpy()
    sole_adobe = family & (houses["structure_type"] == "adobe").to_numpy() & houses["is_sole_residence"].to_numpy(bool)
    n = int(sole_adobe.sum())
    shares = [0.25, 0.28, 0.04, 0.03, 0.40]
    tier[sole_adobe] = draw_from(
        ["dibao", "low_income", "tekun_dispersed", "dibao_marginal", "general"], shares, n, rng
    )
    persons = np.minimum(houses["persons"].to_numpy(), 8)
    poor = (houses["structure_type"] != "concrete").to_numpy() * np.array([0, 6, 6, 3, 2, 1, 0.7, 0.5, 0.4])[persons]
    rural = family & ~houses["urban"].to_numpy(bool)
    for name in ("dibao", "low_income", "tekun_dispersed", "dibao_marginal", *_OTHER_TIERS):
        want = counts.get(name, 0) - int((tier == name).sum())
        where = rural if name != "low_income" else family
        free = where & tier.isna().to_numpy()
        small = np.where(persons <= 2, 1.0, 0.0) if name == "tekun_dispersed" else 1.0
        tier.iloc[choose(np.where(free, poor * small, 0.0), max(0, want), rng)] = name
        for extra in np.flatnonzero(tier == name)[counts.get(name, 0) :]:
            tier.iloc[extra] = "general"
    return tier


def _dibao_persons(plan: Mapping[str, Any], size: Ints) -> int:
    if "dibao_persons" in plan:
        return int(plan["dibao_persons"])
    return int(np.clip(round(plan["dibao_covered_share"] * int(size.sum())), len(size), size.sum()))


def register_households(houses: pd.DataFrame, plan: Mapping[str, Any], rng: Rng) -> pd.DataFrame:
    """Invent the household registers: exact counts by tier, one house each, household size = persons in the house.

    Parameters
    ----------
    houses
        Building survey with ``house_id, village_code, kind, urban, persons, structure_type, is_sole_residence``.
    plan
        ``tier`` (households by tier; fewer where there are not enough houses), and ``dibao_persons`` covered or
        ``dibao_covered_share`` of the persons in dibao households.

    Returns
    -------
    The ``household`` layer.
    """
    tier = _tiers(houses, plan["tier"], rng)
    mine = houses[tier.notna()].assign(assistance_tier=tier[tier.notna()]).reset_index(drop=True)
    n = len(mine)
    size = mine["persons"].to_numpy(np.int64)
    is_dibao = (mine["assistance_tier"] == "dibao").to_numpy()
    covered = np.where(mine["assistance_tier"] == "tekun_dispersed", size, 0)
    covered[is_dibao] = cover(size[is_dibao], _dibao_persons(plan, size[is_dibao]), rng)
    elders = np.minimum(size, draw_from([0, 1, 2], [0.42, 0.36, 0.22], n, rng).astype(np.int64))
    elders = np.where(mine["assistance_tier"] == "tekun_dispersed", size, elders)
    children = np.where(
        size > 2, np.minimum(size - elders, draw_from([0, 1, 2], [0.5, 0.32, 0.18], n, rng).astype(np.int64)), 0
    )
    children = np.clip(children, 0, None)
    disabled = np.minimum(size, (rng.random(n) < np.where(is_dibao, 0.30, 0.10)).astype(np.int64))
    helped = np.minimum(size, np.where(rng.random(n) < 0.5, disabled, 0) + (elders > 0) * (rng.random(n) < 0.16))
    order = mine.groupby("village_code", sort=False).cumcount() + 1
    ids = [f"H{c}{k:04d}" for c, k in zip(mine["village_code"], order, strict=True)]
    ability = draw_from(["partial", "full"], [0.55, 0.45], n, rng)
    return pd.DataFrame({
        "household_id": ids, "village_code": mine["village_code"], "house_id": mine["house_id"],
        "head_of_household": names(n, rng), "id_type": "demo", "id_no": [f"DEMO-{k:07d}" for k in range(1, n + 1)],
        "phone": phones(n, rng), "one_card_account": [f"DEMO-YKT-{k:07d}" for k in range(1, n + 1)],
        "household_size": size, "covered_persons": covered, "assistance_tier": mine["assistance_tier"],
        "self_help_ability": ability, "elderly_60": elders, "children_14": children, "disabled": disabled,
        "needs_assistance": helped.astype(np.int64), "is_solitary_elder": (size == 1) & (elders == 1),
        "has_sick_labour": (disabled > 0) & (rng.random(n) < 0.6),
    })  # fmt: skip


def apply_for_renovation(
    houses: pd.DataFrame, households: pd.DataFrame, plan: Mapping[str, Any], today: date, rng: Rng
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Invent the applications to both programmes, with cases that fail each gate.

    Parameters
    ----------
    plan
        ``backlog``, ``dibao_more``, ``low_income_more``, ``adobe`` (applications; fewer where there are not enough
        houses), and optionally ``fail`` by gate: ``kin``, ``subsidised``, ``means``, ``not_sole``, ``stale_grade``,
        ``no_grade``, ``both``, ``odd_rank``.

    Returns
    -------
    Houses and households with the marks the applications imply, and the ``renovation_application`` layer.
    """
    houses, households = houses.copy(), households.copy()
    fail = dict.fromkeys(_GATES, 0) | dict(plan.get("fail", {}))
    joined = households.merge(
        houses[["house_id", "structure_type", "safety_grade", "is_sole_residence"]], on="house_id"
    )
    tier, bad = joined["assistance_tier"], joined["safety_grade"].isin(["C", "D"]) & joined["is_sole_residence"]
    adobe = joined["structure_type"] == "adobe"
    backlog = choose(np.where((tier == "dibao") & bad & ~adobe, 1.0, 0.0), plan["backlog"], rng)
    left = np.ones(len(joined))
    left[backlog] = 0
    dibao = choose(left * ((tier == "dibao") & bad & ~adobe), plan["dibao_more"], rng)
    low = choose(left * ((tier == "low_income") & bad & ~adobe), plan["low_income_more"], rng)
    clay = choose(left * (adobe & joined["is_sole_residence"]), plan["adobe"] - fail["not_sole"], rng)
    both = clay[(tier.iloc[clay] == "dibao").to_numpy() & bad.iloc[clay].to_numpy()][: fail["both"]]
    spare = choose(left * (tier.isin(["dibao", "low_income"]) & ~bad & ~adobe), fail["not_sole"], rng)
    rows = _rows(joined, [(backlog, "dibao_renovation", True), (dibao, "dibao_renovation", False),
                          (low, "dibao_renovation", False), (both, "dibao_renovation", False),
                          (clay, "adobe_elimination", False)], today, rng)  # fmt: skip
    cases = pd.concat([rows, _second_houses(joined, houses, spare, today, rng)], ignore_index=True)
    none = households["household_id"].isin(joined["household_id"].iloc[backlog])
    households.loc[none, "self_help_ability"] = "none"
    cases, houses = _fail_gates(cases, houses, fail, today, rng)
    return houses, households, _ranked(cases, joined, int(fail["odd_rank"]), rng)


def _rows(joined: pd.DataFrame, lots: list[tuple[Ints, str, bool]], today: date, rng: Rng) -> pd.DataFrame:
    parts = []
    for index, programme, is_backlog in lots:
        some = joined.iloc[index]
        n = len(some)
        repair = ((some["safety_grade"] == "C") & (programme == "dibao_renovation")).to_numpy()
        first = date(today.year - (3 if is_backlog else 1), 1, 15)
        method = np.where(
            repair, "repair", draw_from(["rebuild_in_place", "relocate", "collective_build"], [0.8, 0.12, 0.08], n, rng)
        )
        cost = np.where(repair, 9000 + 12000 * rng.random(n), 42000 + 38000 * rng.random(n))
        parts.append(pd.DataFrame({
            "programme": programme, "household_id": some["household_id"].to_numpy(),
            "house_id": some["house_id"].to_numpy(),
            "applied_at": days_between(first, today - timedelta(days=15), n, rng), "is_backlog": is_backlog,
            "renovation_method": method, "estimated_cost_yuan": np.round(cost / 100) * 100,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _second_houses(joined: pd.DataFrame, houses: pd.DataFrame, spare: Ints, today: date, rng: Rng) -> pd.DataFrame:
    """Households that ask for an adobe house which is not their sole residence."""
    cases = _rows(joined, [(spare, "adobe_elimination", False)], today, rng)
    extra = houses[(houses["structure_type"] == "adobe") & ~houses["is_sole_residence"]]
    chosen: list[str] = []
    for village in joined["village_code"].iloc[spare]:
        here = extra[(extra["village_code"] == village) & ~extra["house_id"].isin(chosen)]
        chosen.append((here if len(here) else extra[~extra["house_id"].isin(chosen)])["house_id"].iloc[0])
    return cases.assign(house_id=np.array(chosen, dtype=object))


def _fail_gates(
    cases: pd.DataFrame, houses: pd.DataFrame, fail: Mapping[str, int], today: date, rng: Rng
) -> tuple[pd.DataFrame, pd.DataFrame]:
    n = len(cases)
    free = np.flatnonzero(
        ((cases["programme"] == "adobe_elimination") & ~cases["household_id"].duplicated(keep=False)).to_numpy()
    )
    free = free[free < n - fail["not_sole"]]
    turn = free[rng.permutation(len(free))]
    ends = np.cumsum([fail[k] for k in ("kin", "subsidised", "means", "stale_grade", "no_grade")])
    kin, done, means, stale, blank = (turn[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True))
    flags = {name: np.isin(np.arange(n), rows) for name, rows in (("kin", kin), ("done", done), ("means", means))}
    cases = cases.assign(subsidised_before=flags["done"], kin_declared=~flags["kin"], means_checked=~flags["means"])
    houses = houses.copy()
    late = houses["house_id"].isin(cases["house_id"].iloc[stale])
    old = days_between(date(today.year - 9, 3, 1), date(today.year - 7, 11, 30), int(late.sum()), rng)
    houses.loc[late, "grade_date"] = pd.Series(old, index=houses.index[late], dtype=object)
    never = houses["house_id"].isin(cases["house_id"].iloc[blank])
    for column in ("safety_grade", "grade_date", "certificate_no", "hazard_resistance"):
        houses.loc[never, column] = None
    return cases, houses


def _ranked(cases: pd.DataFrame, joined: pd.DataFrame, odd: int, rng: Rng) -> pd.DataFrame:
    """Number the cases and rank them by village review; the panel contradicts the expected order ``odd`` times."""
    about = cases.merge(
        joined[["household_id", "village_code", "safety_grade", "assistance_tier", "household_size"]],
        on="household_id",
        how="left",
    )
    order = {"dibao": 0, "tekun_dispersed": 0, "dibao_marginal": 1, "low_income": 2}
    # Without a case pandas keeps what a map found as text.
    tier, grade = (
        about[name].map(ranks).astype(float)
        for name, ranks in (("assistance_tier", order), ("safety_grade", {"D": 0, "C": 2}))
    )
    about["expected"] = (
        tier.fillna(3) * 10 + grade.fillna(5)
        - about["household_size"] * 0.3 + rng.random(len(about)) * 0.5
    )  # fmt: skip
    rank = about.groupby(["programme", "village_code"])["expected"].rank(method="first").astype(int)
    size = rank.groupby([about["programme"], about["village_code"]]).transform("size")
    crowded = [g.index.to_numpy() for _, g in rank[size >= 3].groupby([about["programme"], about["village_code"]])]
    ranks = rank.to_numpy(np.int64, copy=True)
    for index in crowded[:odd]:
        first, last = (index[int(pick(ranks[index]))] for pick in (np.argmin, np.argmax))
        ranks[[first, last]] = ranks[[last, first]]
    out = cases.assign(review_rank=ranks)
    out = out.sort_values(["programme", "applied_at", "household_id"], kind="stable", ignore_index=True)
    prefix = out["programme"].map({"dibao_renovation": "WG", "adobe_elimination": "XP"})
    out.insert(
        0,
        "case_id",
        [f"{p}-{d.year}-{k:04d}" for p, d, k in zip(prefix, out["applied_at"], range(1, len(out) + 1), strict=True)],
    )
    return out


def appoint_officers(villages: pd.DataFrame, today: date, rng: Rng, second_share: float = 0.86) -> pd.DataFrame:
    """Appoint information officers: an A in every village, a B in most."""
    rows = []
    for code, second in zip(villages["code"], rng.random(len(villages)) < second_share, strict=True):
        rows += [(code, "A")] + ([(code, "B")] if second else [])
    n = len(rows)
    trained = days_between(date(today.year - 1, 9, 1), today - timedelta(days=30), n, rng)
    is_trained = rng.random(n) < 0.82
    return pd.DataFrame({
        "officer_id": [f"XX{code}{role}" for code, role in rows], "name": names(n, rng),
        "village_code": [code for code, _ in rows], "post_role": [role for _, role in rows], "phone": phones(n, rng),
        "trained_on": [d if t else None for d, t in zip(trained, is_trained, strict=True)],
        "is_on_duty": [role == "A" or on for (_, role), on in zip(rows, rng.random(n) < 0.93, strict=True)],
    })  # fmt: skip
