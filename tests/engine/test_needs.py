"""Needs: the worked example, and the laws of sums, layers and packages."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_minzheng.engine import needs
from geo_minzheng.errors import InputError
from geo_minzheng.model.relief import Package
from geo_minzheng.model.relief_rules import NeedGroup, NeedRules, ReliefItem

COLLECTIVE, DISPERSED, AID = "collective_resettled_now", "dispersed_resettled_now", "emergency_aid_needed_now"
GROUPS = (
    NeedGroup("fed", COLLECTIVE, 1, "人"),
    NeedGroup("fed", DISPERSED, 1, "人"),
    NeedGroup("fed", AID, 1, "人"),
    NeedGroup("bedding", COLLECTIVE, 1, "人"),
    NeedGroup("bedding", DISPERSED, 0.5, "人"),
    NeedGroup("outdoor", "outdoor_persons_now", 1, "人"),
)


def item(code, **more):
    facts = {
        "item": code,
        "name_zh": code,
        "name_en": code,
        "spec": "",
        "unit": "个",
        "package_size": 1.0,
        "package_kg": 1.0,
        "category": "food",
        "season": "any",
        "is_night_one": False,
        "is_reusable": False,
        "need_rule": "per_base",
        "survival_rank": 1,
        "need_base": "fed",
        "rate": 1.0,
        "rate_unit": "个/人",
    }
    return ReliefItem(**(facts | more))


RICE = item("rice", unit="千克", package_size=25, rate=0.5, days=10, survival_days=0)
WATER = item("water", unit="升", package_size=13.2, rate=3, days=3, survival_days=1, is_night_one=True)
QUILT = item("quilt", unit="床", package_size=5, need_base="bedding", is_night_one=True, season="not_summer")
TENT = item("tent", unit="顶", need_base="outdoor", rate=4, need_rule="per_household_ceil", is_night_one=True)
RULES = NeedRules((RICE, WATER, QUILT, TENT), GROUPS)
EXAMPLE = pd.DataFrame({COLLECTIVE: [300], DISPERSED: [200], AID: [450]}, index=["v"])


def by_item(result, column="raw"):
    return result.lines.groupby("item")[column].sum().to_dict()


def test_the_worked_example():
    homes = pd.DataFrame({"code": "v", "household_size": [3] * 52 + [4] * 6})
    assert homes["household_size"].sum() == 180
    result = needs.assess(EXAMPLE, RULES, season="winter", households=homes)
    assert by_item(result) == {"rice": 4750, "water": 8550, "quilt": 400, "tent": 58}
    assert by_item(result, "packed") == {"rice": 4750, "water": 8553.6, "quilt": 400, "tent": 58}
    survival = result.layers[result.layers["layer"] == "survival"].set_index("item")["raw"].to_dict()
    assert survival == {"rice": 0, "water": 2850, "quilt": 400, "tent": 58}


def test_tents_go_by_household_not_by_head():
    homes = pd.DataFrame({"code": "v", "household_size": [5, 1, 4]})
    assert by_item(needs.assess(EXAMPLE, RULES, season="winter", households=homes))["tent"] == 4


def test_without_the_household_list_tents_are_a_marked_lower_bound():
    table = EXAMPLE.assign(outdoor_persons_now=9)
    line = needs.assess(table, RULES, season="winter").lines.set_index("item").loc["tent"]
    assert line["raw"] == 3
    assert line["is_lower_bound"]
    assert needs.multiplicands(needs.assess(table, RULES, season="winter"))[3].is_lower_bound


@pytest.mark.parametrize(
    ("word", "season", "expected"),
    [
        ("any", "summer", True),
        ("summer", "summer", True),
        ("summer", "winter", False),
        ("not_summer", "summer", False),
        ("not_summer", "autumn", True),
    ],
)
def test_seasons(word, season, expected):
    assert needs.in_season(word, season) is expected


def test_unknown_is_not_zero_and_absent_is_told():
    table = EXAMPLE.astype(float).assign(**{DISPERSED: [math.nan]})
    result = needs.assess(table, RULES, season="summer")
    rice = result.lines.set_index("item").loc["rice"]
    assert rice["raw"] == 750 * 5
    assert rice["unknown"] == DISPERSED
    assert result.absent == ("outdoor_persons_now",)
    assert needs.multiplicands(result)[0].unknown == (DISPERSED,)


def test_what_is_there_serves_the_first_night_first_and_is_rounded_last():
    there = pd.DataFrame({"code": ["v"], "item": ["water"], "quantity": [2000.0]})
    coming = pd.DataFrame({"code": ["v", "v"], "item": ["water", "rice"], "quantity": [900.0, 9999.0]})
    result = needs.assess(EXAMPLE, RULES, season="summer", on_site=there, in_transit=coming)
    lines = result.lines.set_index("item")
    assert lines.loc["water", "net"] == 8550 - 2900
    assert lines.loc["water", "packed"] == pytest.approx(math.ceil(5650 / 13.2) * 13.2)
    assert lines.loc["rice", "net"] == 0
    water = result.layers.query("item == 'water'").set_index("layer")["net"].to_dict()
    assert water == {"survival": 0, "sustain": 5650}


def test_the_bureaus_package_wins_over_the_policys():
    packages = {"rice": Package("rice", 10, "千克", 10)}
    table = EXAMPLE.assign(**{AID: 451})
    assert by_item(needs.assess(table, RULES, season="summer", packages=packages), "packed")["rice"] == 4760


def test_need_arrays_have_the_asked_shape():
    result = needs.assess(EXAMPLE, RULES, season="winter")
    arrays = needs.need_arrays(result, villages=["v", "w"], items=["water", "rice", "none"])
    assert set(arrays) == {"survival", "sustain"}
    assert arrays["sustain"][0, 1] == 4750
    assert arrays["survival"].shape == (2, 3)
    assert arrays["survival"][1].sum() == 0
    total = needs.need_arrays(result, villages=["v"], items=["water"])
    assert sum(a.sum() for a in total.values()) == pytest.approx(8553.6)


def test_no_need_and_no_rules_are_answers():
    assert needs.assess(EXAMPLE * 0, RULES, season="summer").lines["packed"].sum() == 0
    empty = needs.assess(EXAMPLE, NeedRules((), ()), season="summer")
    assert empty.lines.empty
    assert needs.multiplicands(empty) == ()


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"indicators": EXAMPLE.assign(**{AID: -1})}, "needs.bad_indicator"),
        ({"indicators": EXAMPLE.assign(**{AID: math.inf})}, "needs.bad_indicator"),
        ({"indicators": EXAMPLE.assign(**{AID: "many"})}, "needs.bad_indicator"),
        ({"indicators": pd.concat([EXAMPLE, EXAMPLE])}, "needs.duplicate_village"),
        ({"on_site": pd.DataFrame({"code": ["w"], "item": ["rice"], "quantity": [1]})}, "needs.unknown_village"),
        ({"on_site": pd.DataFrame({"code": ["v"], "item": ["rice"], "quantity": [-1]})}, "needs.bad_quantity"),
        ({"households": pd.DataFrame({"code": ["w"], "household_size": [1]})}, "needs.unknown_village"),
        ({"households": pd.DataFrame({"code": ["v"], "household_size": [math.nan]})}, "needs.bad_household"),
    ],
)
def test_bad_input_is_refused(more, key):
    table = more.pop("indicators", EXAMPLE)
    with pytest.raises(InputError) as caught:
        needs.assess(table, RULES, season="winter", **more)
    assert caught.value.key == key


counts = st.integers(0, 3000)
villages = st.lists(st.tuples(counts, counts, counts), min_size=1, max_size=6)
sizes = st.sampled_from([1.0, 2.5, 5.0, 13.2, 25.0, 0.3])


def frame(rows):
    return pd.DataFrame(rows, columns=[COLLECTIVE, DISPERSED, AID], index=[f"v{n}" for n in range(len(rows))])


def rules_with(size):
    return NeedRules(
        (
            item("rice", package_size=size, rate=0.5, days=10, survival_days=0),
            item("water", package_size=size, rate=0.3, days=3, survival_days=1, is_night_one=True),
            item("quilt", package_size=size, need_base="bedding", is_night_one=True),
        ),
        GROUPS,
    )


@settings(max_examples=60, deadline=None)
@given(villages, sizes)
def test_laws_of_packages_and_layers(rows, size):
    result = needs.assess(frame(rows), rules_with(size), season="summer")
    lines = result.lines
    assert (lines["packed"] >= lines["raw"] - 1e-9).all()
    assert (lines["packed"] - lines["raw"] < size - 1e-9).all()
    whole = lines["packed"] / size
    assert np.allclose(whole, np.rint(whole))
    sums = result.layers.groupby(["code", "item"])[["raw", "net", "packed"]].sum()
    at = lines.set_index(["code", "item"])[["raw", "net", "packed"]].sort_index()
    assert np.allclose(sums.sort_index(), at, atol=1e-6)
    assert (result.layers[["raw", "net", "packed"]] >= 0).all(axis=None)
    packages = result.layers["packed"] / size
    assert np.allclose(packages, np.rint(packages))


@settings(max_examples=60, deadline=None)
@given(villages, sizes)
def test_the_whole_is_the_sum_of_its_villages_in_any_order(rows, size):
    table = frame(rows)
    whole = needs.assess(table, rules_with(size), season="summer")
    apart = [needs.assess(table.iloc[[n]], rules_with(size), season="summer").lines for n in range(len(table))]
    joined = pd.concat(apart).sort_values(["code", "item"], ignore_index=True)
    pd.testing.assert_frame_equal(whole.lines.sort_values(["code", "item"], ignore_index=True), joined)
    turned = needs.assess(table.iloc[::-1], rules_with(size), season="summer").lines
    pd.testing.assert_frame_equal(turned.sort_values(["code", "item"], ignore_index=True), joined)
    summed = needs.assess(table.sum().to_frame().T, rules_with(size), season="summer")
    assert by_item(summed) == pytest.approx(by_item(whole))


@settings(max_examples=60, deadline=None)
@given(villages, st.integers(0, 5), st.integers(0, 2), st.integers(1, 500), sizes)
def test_more_people_never_need_less_and_stock_never_raises_need(rows, village, column, more, size):
    table = frame(rows)
    village %= len(table)
    grown = table.copy()
    grown.iloc[village, column] += more
    before = needs.assess(table, rules_with(size), season="summer").lines
    after = needs.assess(grown, rules_with(size), season="summer").lines
    assert (after[["raw", "packed"]].to_numpy() >= before[["raw", "packed"]].to_numpy()).all()
    there = pd.DataFrame({"code": [f"v{village}"], "item": ["rice"], "quantity": [float(more)]})
    helped = needs.assess(table, rules_with(size), season="summer", on_site=there).lines
    assert (helped["net"].to_numpy() <= before["net"].to_numpy()).all()
    assert (helped["raw"].to_numpy() == before["raw"].to_numpy()).all()
    assert np.allclose(helped["net"], np.maximum(0, helped["raw"] - helped["on_site"]), atol=1e-6)
