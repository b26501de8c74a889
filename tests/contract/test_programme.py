"""programme.json: the order recomputed from the registers, the optimum by an independent model, field by field."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk import NIGHT, Desk, strict_json
from scipy.optimize import LinearConstraint, milp

PLANNING = "2026-06-20T09:00:00+08:00"


@pytest.fixture(scope="module")
def told(demo_out: Path) -> dict[str, Any]:
    return dict(strict_json((demo_out / "programme.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def register(demo_out: Path) -> dict[str, dict[str, Any]]:
    """Applications with their household and house, read without the product."""
    with sqlite3.connect(f"file:{demo_out / 'home' / 'district.gpkg'}?mode=ro", uri=True) as store:
        store.row_factory = sqlite3.Row
        rows = store.execute(
            "select a.*, h.household_size, h.assistance_tier, g.safety_grade, g.village_code as place"
            " from renovation_application a join household h using (household_id)"
            " join house g on g.house_id = a.house_id"
        )
        return {row["case_id"]: dict(row) for row in rows}


@pytest.fixture(scope="module")
def judged(demo_out: Path) -> dict[str, dict[str, Any]]:
    """Every case with tier, score and subsidy as the product judged it."""
    from geo_minzheng.bootstrap import open_bureau
    from geo_minzheng.services import housing
    from geo_minzheng.settings import read_settings

    office = open_bureau(read_settings({}, home=demo_out / "home", now=PLANNING))
    with office.reading() as session:
        return {row["case"]: row for row in housing.case_rows(session, office.act(), office.policy())}


def test_every_field_of_the_contract_is_there(told):
    assert [p["programme"] for p in told["programmes"]] == ["dibao_renovation", "adobe_elimination"]
    for row in told["programmes"]:
        assert {"programme", "budget_yuan", "spent_yuan", "quota", "stretch_quota", "must_finish", "chosen",
                "stopped_by", "next_unfunded", "skipped", "comparison"} <= set(row)  # fmt: skip
        assert row["stopped_by"] in {"budget", "quota", "list end"}
        for case in row["chosen"]:
            assert {"case", "tier", "score", "parts", "subsidy_yuan", "rule"} <= set(case)
            assert isinstance(case["tier"], int) and isinstance(case["rule"], str) and case["rule"]
        for skip in row["skipped"]:
            assert skip["case"] and skip["reason"]
        assert {"status", "stages", "chosen"} <= set(row["comparison"])
        for stage in row["comparison"]["stages"]:
            assert set(stage) == {"name", "objective", "bound", "gap"}
    first, second = told["programmes"]
    assert first["must_finish"].keys() >= {"cases", "cost_yuan", "gap_yuan"} and second["must_finish"] is None
    assert (second["quota"], second["stretch_quota"]) == (100, 150)


def test_the_figures_of_the_founding_plan_hold(told, register):
    first, second = told["programmes"]
    assert first["must_finish"]["cases"] == 116 == sum(r["is_backlog"] for r in register.values())
    assert 835_200 <= first["must_finish"]["cost_yuan"] <= 1_670_400
    assert 300_000 <= second["budget_yuan"] <= 750_000


def test_every_application_is_chosen_or_skipped_once(told, register):
    seen = [c["case"] for p in told["programmes"] for c in (*p["chosen"], *p["skipped"])]
    assert sorted(seen) == sorted(register)
    houses = [register[c["case"]]["house_id"] for p in told["programmes"] for c in p["chosen"]]
    assert len(set(houses)) == len(houses), "a house goes to one programme, once"


def test_subsidies_follow_the_clauses_and_money_adds_up(told, register):
    for row in told["programmes"]:
        for case in row["chosen"]:
            household = register[case["case"]]
            if row["programme"] == "dibao_renovation":
                size = household["household_size"]
                amount = 7200 if size <= 2 else 10_800 if size <= 5 else 14_400
            else:
                amount = {"low_income": 5000, "general": 3000}[household["assistance_tier"]]
            assert case["subsidy_yuan"] == amount, case
            assert sum(case["parts"].values()) == pytest.approx(case["score"], abs=1e-6)
            assert 0 <= case["score"] <= 100
            assert case["parts"]["household"] == pytest.approx(10 * min(1, household["household_size"] / 6), abs=0.006)
        assert row["spent_yuan"] == sum(c["subsidy_yuan"] for c in row["chosen"]) <= row["budget_yuan"]


def _order(rows: list[dict[str, Any]], register: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda c: (c["tier"], -round(c["score"], 6), register[c["case"]]["applied_at"], c["case"]))


def _open(judged, programme: str) -> list[dict[str, Any]]:
    return [
        c for c in judged.values() if c["programme"] == programme and c["eligible"] and c["subsidy_yuan"] is not None
    ]


def _walk(row: dict[str, Any], rows: list[dict[str, Any]]) -> tuple[list[str], str, dict[str, Any] | None]:
    """Take cases in order while money and quota last."""
    limit = row["stretch_quota"] if row["stretch_quota"] is not None else row["quota"]
    taken, left = [], row["budget_yuan"]
    for case in rows:
        if limit is not None and len(taken) == limit:
            return taken, "quota", None
        if case["subsidy_yuan"] > left:
            return taken, "budget", {"case": case["case"], "shortfall_yuan": case["subsidy_yuan"] - left}
        taken.append(case["case"])
        left -= case["subsidy_yuan"]
    return taken, "list end", None


def test_the_official_list_is_the_strict_order_down_to_the_money(told, judged, register):
    for row in told["programmes"]:
        ordered = _order(_open(judged, row["programme"]), register)
        assert [c["case"] for c in row["chosen"]] == [c["case"] for c in _order(row["chosen"], register)]
        taken, stopped, following = _walk(row, ordered)
        assert [c["case"] for c in row["chosen"]] == taken
        assert (row["stopped_by"], row["next_unfunded"]) == (stopped, following)
        reasons = {s["case"]: s["reason"] for s in row["skipped"]}
        assert {c for c, reason in reasons.items() if reason in {"budget", "quota"}} == {
            c["case"] for c in ordered[len(taken) :]
        }
        for case in judged.values():
            if case["programme"] == row["programme"] and case["subsidy_yuan"] is None and case["eligible"]:
                assert reasons[case["case"]].startswith("subsidies."), "the missing key is the reason"


def test_the_must_finish_list_has_its_cost_and_gap(told, judged, register):
    row = told["programmes"][0]
    backlog = [c for c in _open(judged, row["programme"]) if register[c["case"]]["is_backlog"]]
    cost = sum(c["subsidy_yuan"] for c in backlog)
    assert row["must_finish"]["cost_yuan"] == cost
    assert row["must_finish"]["gap_yuan"] == max(0, cost - row["budget_yuan"])


def _best(rows: list[dict[str, Any]], row: dict[str, Any]) -> list[tuple[str, float]]:
    """The optimum tier by tier by scipy's own branch and bound: most points, most persons, least money."""
    money = np.array([c["subsidy_yuan"] for c in rows], float)
    tier = np.array([c["tier"] for c in rows])
    score = np.array([round(c["score"], 6) for c in rows])
    persons = np.array([c["persons"] for c in rows], float)
    limit = row["stretch_quota"] if row["stretch_quota"] is not None else row["quota"]
    rules = [LinearConstraint(money[None, :], -np.inf, row["budget_yuan"])]
    if limit is not None:
        rules.append(LinearConstraint(np.ones((1, len(rows))), -np.inf, limit))
    found = []
    for t in sorted(set(tier.tolist())):
        for name, amount, sign in (("points", score, 1), ("persons", persons, 1), ("yuan", money, -1)):
            goal = np.where(tier == t, amount, 0.0)
            answer = milp(-sign * goal, integrality=np.ones(len(rows)), bounds=(0, 1), constraints=rules,
                          options={"mip_rel_gap": 0.0})  # fmt: skip
            assert answer.status == 0, answer.message
            value = float(goal @ np.round(answer.x))
            found.append((f"tier{t}:{name}", value))
            slack = 1e-6 * max(1.0, abs(value))
            rules.append(LinearConstraint(sign * goal[None, :], sign * value - slack, np.inf))
    return found


def test_the_comparison_is_the_optimum_of_an_independent_model(told, judged):
    for row in told["programmes"]:
        rows = _open(judged, row["programme"])
        by_id = {c["case"]: c for c in rows}
        stages = {s["name"]: s for s in row["comparison"]["stages"]}
        best = _best(rows, row)
        assert row["comparison"]["status"] == "optimal"
        chosen = [by_id[c] for c in row["comparison"]["chosen"]]
        assert sum(c["subsidy_yuan"] for c in chosen) <= row["budget_yuan"]
        for name, value in best:
            assert stages[name]["objective"] == pytest.approx(value, rel=1e-7, abs=1e-4)
            assert stages[name]["gap"] == 0
            t, kind = int(name[4:].split(":")[0]), name.split(":")[1]
            amount = {"points": "score", "persons": "persons", "yuan": "subsidy_yuan"}[kind]
            assert sum(c[amount] for c in chosen if c["tier"] == t) == pytest.approx(value, rel=1e-7, abs=1e-4)


def _profile(cases: list[dict[str, Any]], tiers: list[int]) -> list[float]:
    """Points, persons and saved money tier by tier: programmes compare by it as by a dictionary."""
    found = []
    for t in tiers:
        mine = [c for c in cases if c["tier"] == t]
        found.append(round(sum(c["score"] for c in mine), 6))
        found += [sum(c["persons"] for c in mine), -sum(c["subsidy_yuan"] for c in mine)]
    return found


def test_the_comparison_is_never_below_the_order(told, judged):
    for row in told["programmes"]:
        by_id = {c["case"]: c for c in _open(judged, row["programme"])}
        tiers = sorted({c["tier"] for c in by_id.values()})
        best = _profile([by_id[c] for c in row["comparison"]["chosen"]], tiers)
        assert best >= _profile([by_id[c["case"]] for c in row["chosen"]], tiers)


@pytest.mark.parametrize(
    ("dibao", "adobe", "stops"),
    [(10**8, 10**8, ("list end", "quota")), (0, 0, ("budget", "budget")), (7199, 3000, ("budget", "budget"))],
)
def test_other_budgets_end_the_list_where_they_must(desk: Desk, judged, register, dibao, adobe, stops):
    words = ("--budget", f"dibao_renovation={dibao}", "--budget", f"adobe_elimination={adobe}")
    made = desk.at(PLANNING).do("housing", "programme", *words)
    for row, stop, budget in zip(made["programmes"], stops, (dibao, adobe), strict=True):
        taken, stopped, following = _walk(row, _order(_open(judged, row["programme"]), register))
        assert (row["stopped_by"], row["budget_yuan"]) == (stop, budget)
        assert ([c["case"] for c in row["chosen"]], row["stopped_by"], row["next_unfunded"]) == (
            taken,
            stopped,
            following,
        )
        assert row["spent_yuan"] <= budget
    assert made["programmes"][0]["must_finish"]["gap_yuan"] == max(
        0, made["programmes"][0]["must_finish"]["cost_yuan"] - dibao
    )
    beyond = [c["beyond_target"] for c in made["programmes"][1]["chosen"]]
    assert beyond == [k >= 100 for k in range(len(beyond))]


def test_bad_budgets_are_refused_by_name(desk: Desk):
    for word, key in (("adobe_elimination=x", "housing.bad_budget"), ("adobe_elimination=nan", "programme.bad_limit"),
                      ("no_such_programme=1", "housing.unknown_programme"),
                      ):  # fmt: skip
        assert desk.at(NIGHT).refused("housing", "programme", "--budget", word)["error"] == key


def test_the_same_day_makes_the_same_programme(told, desk: Desk, tmp_path):
    again = desk.at(PLANNING).do("housing", "programme", "--out", tmp_path / "programme.json")
    assert again == told == strict_json((tmp_path / "programme.json").read_text(encoding="utf-8"))


def test_liechtensteins_programme_keeps_the_contract(liechtenstein_out):
    told = strict_json((liechtenstein_out / "programme.json").read_text(encoding="utf-8"))
    assert told["programmes"]
    for row in told["programmes"]:
        assert row["spent_yuan"] == sum(c["subsidy_yuan"] for c in row["chosen"]) <= row["budget_yuan"]
        keys = [(c["tier"], -round(c["score"], 6)) for c in row["chosen"]]
        assert keys == sorted(keys)
        assert (row["next_unfunded"] is not None) == (row["stopped_by"] == "budget")
        ids = [c["case"] for c in (*row["chosen"], *row["skipped"])]
        assert len(set(ids)) == len(ids) and all(s["reason"] for s in row["skipped"])
        assert all(s["gap"] == 0 for s in row["comparison"]["stages"])
