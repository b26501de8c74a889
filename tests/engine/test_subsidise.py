"""Subsidies: every shape, gaps named, nothing guessed."""

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_minzheng.engine.subsidise import SubsidyCase, subsidise, subsidy
from geo_minzheng.errors import InputError, MissingValueError
from geo_minzheng.model.housing_rules import SubsidyRule


def rule(name, shape, low=1, high=None, **more):
    return SubsidyRule(name, "p", more.pop("tier", "dibao"), shape, low, high, source="§1", **more)


BANDS = (
    rule("1-2", "by_household_size", 1, 2, amount_yuan=7200),
    rule("3-5", "by_household_size", 3, 5, amount_yuan=10800),
    rule("6+", "by_household_size", 6, None, amount_yuan=14400),
)
PER_M2 = rule("m2", "per_m2_with_cap", yuan_per_m2=630.0, area_max_m2=36.0, cap_yuan=20000.0)
COST = rule("cost", "by_cost_with_cap", cap_yuan=15000.0)
REPAIR = rule("repair", "by_grade_and_category", grades=("C",), methods=("repair",), amount_yuan=7000)


@given(st.integers(1, 40))
def test_household_size_bands_cover_everybody_once(persons):
    expected = 7200 if persons <= 2 else 10800 if persons <= 5 else 14400
    answer = subsidy(SubsidyCase("p", "dibao", persons), BANDS)
    assert (answer.amount_yuan, answer.source) == (expected, "§1")


@given(st.floats(0, 500, allow_nan=False))
def test_area_is_paid_up_to_its_limit_and_cap(area):
    amount = subsidy(SubsidyCase("p", "dibao", 2, floor_area_m2=area), (PER_M2,)).amount_yuan
    assert amount == pytest.approx(min(min(area, 36) * 630, 20000), abs=0.006)
    assert round(amount, 2) == amount


@given(st.floats(0, 10**6, allow_nan=False))
def test_cost_is_paid_up_to_the_cap(cost):
    amount = subsidy(SubsidyCase("p", "dibao", 2, estimated_cost_yuan=cost), (COST,)).amount_yuan
    assert amount == pytest.approx(min(cost, 15000), abs=0.006)


def test_fen_are_rounded_half_up():
    assert subsidy(SubsidyCase("p", "dibao", 1, estimated_cost_yuan=100.005), (COST,)).amount_yuan == 100.01


@pytest.mark.parametrize(
    ("case", "rules", "key"),
    [
        (SubsidyCase("p", "low_income", 2), BANDS, "subsidies.p.low_income"),
        (SubsidyCase("q", "dibao", 2), BANDS, "subsidies.q.dibao"),
        (SubsidyCase("p", "dibao", 2, "D", "repair"), (REPAIR,), "subsidies.p.dibao.D.repair"),
        (SubsidyCase("p", "dibao", 2), (REPAIR,), "subsidies.p.dibao.no_grade.no_method"),
        (SubsidyCase("p", "dibao", 2), (PER_M2,), "case.floor_area_m2"),
        (SubsidyCase("p", "dibao", 2, estimated_cost_yuan=math.nan), (COST,), "case.estimated_cost_yuan"),
    ],
)
def test_what_is_missing_is_named(case, rules, key):
    with pytest.raises(MissingValueError) as caught:
        subsidy(case, rules)
    assert caught.value.facts["key"] == key


def test_two_rules_and_no_household_are_refused():
    with pytest.raises(InputError) as caught:
        subsidy(SubsidyCase("p", "dibao", 2), (*BANDS, COST))
    assert caught.value.key == "subsidise.ambiguous_rule"
    with pytest.raises(InputError) as nobody:
        subsidy(SubsidyCase("p", "dibao", 0), BANDS)
    assert nobody.value.key == "subsidise.bad_size"


def test_frames_keep_their_index_and_name_what_is_missing():
    cases = pd.DataFrame(
        {
            "programme": "p",
            "assistance_tier": ["dibao", "low_income", "dibao"],
            "household_size": [2, 3, 7],
            "floor_area_m2": [None, 30.0, None],
        },
        index=[7, 3, 9],
    )
    before = cases.copy()
    answer = subsidise(cases, BANDS)
    pd.testing.assert_frame_equal(cases, before)
    assert answer.index.tolist() == [7, 3, 9]
    assert answer["subsidy_yuan"].tolist()[::2] == [7200, 14400]
    assert math.isnan(answer.loc[3, "subsidy_yuan"])
    assert answer["missing_key"].tolist() == ["", "subsidies.p.low_income", ""]
    assert answer["rule"].tolist() == ["1-2", "", "6+"]
    assert subsidise(cases.iloc[:0], BANDS).empty


def test_116_households_cost_between_the_check_sums():
    for persons, total in ((1, 835_200), (9, 1_670_400)):
        cases = pd.DataFrame({"programme": ["p"] * 116, "assistance_tier": "dibao", "household_size": persons})
        assert subsidise(cases, BANDS)["subsidy_yuan"].sum() == total
