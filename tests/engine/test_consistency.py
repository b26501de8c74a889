"""Forms that hold together pass; each broken relation is named; unknown is not zero."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_minzheng.engine.consistency import check_change, check_form
from geo_minzheng.model.report_rules import FormRule, Indicator
from geo_minzheng.policy import load_policy
from geo_minzheng.settings import data_dir

POLICY = load_policy(data_dir("policy"), profile="seed_reference", day=date(2026, 7, 3))
WHOLE = {
    "affected_population": 5000,
    "deaths": 1,
    "missing": 2,
    "injured": 5,
    "seriously_injured": 1,
    "evacuated_resettled_cum": 600,
    "evacuated_resettled_now": 500,
    "collective_resettled_cum": 400,
    "collective_resettled_now": 300,
    "dispersed_resettled_cum": 200,
    "dispersed_resettled_now": 200,
    "collective_site_count_cum": 3,
    "collective_site_count_now": 2,
    "emergency_aid_needed_cum": 450,
    "emergency_aid_needed_now": 450,
    "collapsed_rooms": 30,
    "collapsed_dwelling_rooms": 20,
    "collapsed_dwelling_households": 6,
    "direct_economic_loss_wan": 100.3,
    "loss_housing_wan": 50.1,
    "loss_agri_wan": 20.1,
    "loss_industry_wan": 10.1,
    "loss_infrastructure_wan": 10.0,
    "loss_public_service_wan": 5.0,
    "loss_other_wan": 5.0,
}


def found(**more):
    findings = check_form(WHOLE | more, POLICY.form_rules, POLICY.indicators)
    return {(f.code, f.severity, f.subject) for f in findings}


def test_a_whole_form_passes():
    assert found() == set()


@pytest.mark.parametrize(
    ("more", "finding"),
    [
        ({"seriously_injured": 6}, ("relation", "error", "injured_serious")),
        ({"dispersed_resettled_now": 199}, ("relation", "error", "resettled_parts_now")),
        ({"emergency_aid_needed_now": 451}, ("relation", "error", "now_within_cum_emergency_aid_needed")),
        ({"collective_site_count_now": 0}, ("relation", "warning", "sites_and_people")),
        ({"affected_population": 1049}, ("relation", "error", "affected_resettled_aid")),
        ({"collapsed_dwelling_rooms": 31}, ("relation", "error", "collapsed_dwelling_rooms")),
        ({"collapsed_dwelling_households": 21}, ("relation", "error", "collapsed_dwelling_households")),
        ({"direct_economic_loss_wan": 100.5}, ("relation", "error", "loss_parts")),
        ({"deaths": -1}, ("negative", "error", "deaths")),
        ({"injured": 5.5}, ("not_whole", "error", "injured")),
    ],
)
def test_each_break_is_named(more, finding):
    assert finding in found(**more)


def test_tolerance_includes_its_number_and_unknown_is_left_out():
    assert found(direct_economic_loss_wan=100.4) == set()
    assert found(direct_economic_loss_wan=100.2) == set()
    assert found(seriously_injured=99, injured=None) == set()
    assert found(deaths=float("nan")) == set()


def test_rules_of_the_final_report_warn_before():
    rule = FormRule("ledger", "一致", "same", "=", (("deaths", 1.0),), 0, "error", "verified")
    deaths = [Indicator("f", 1, "deaths", "死亡", "人", "count", "people", False, True, 0)]
    assert check_form({"deaths": 1}, [rule], deaths)[0].severity == "warning"
    assert check_form({"deaths": 1}, [rule], deaths, is_verified=True)[0].severity == "error"


def test_changes_between_two_reports():
    limits = {"jump_share": 0.5, "jump_count": 50}
    after = WHOLE | {"evacuated_resettled_cum": 590, "affected_population": 9000, "injured": 40}
    changes = {(f.code, f.subject, f.value) for f in check_change(WHOLE, after, POLICY.indicators, **limits)}
    assert changes == {("falls", "evacuated_resettled_cum", 10), ("jumps", "affected_population", 4000)}
    assert check_change(WHOLE, WHOLE, POLICY.indicators, **limits) == ()
    assert check_change({}, WHOLE, POLICY.indicators, **limits) == ()


counts = st.integers(0, 500)


@given(counts, counts, counts, counts)
def test_a_form_built_by_the_definitions_always_passes(collective, dispersed, more, aid):
    values = {
        "collective_resettled_now": collective,
        "dispersed_resettled_now": dispersed,
        "evacuated_resettled_now": collective + dispersed,
        "evacuated_resettled_cum": collective + dispersed + more,
        "emergency_aid_needed_now": aid,
        "emergency_aid_needed_cum": aid + more,
        "affected_population": collective + dispersed + aid + 2 * more,
        "deaths": 0,
        "missing": 0,
    }
    assert check_form(values, POLICY.form_rules, POLICY.indicators) == ()
    broken = values | {"evacuated_resettled_now": collective + dispersed + 1}
    assert {f.subject for f in check_form(broken, POLICY.form_rules, POLICY.indicators)} >= {"resettled_parts_now"}
