"""Level advice: half-open bounds, any condition, ordered levels."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_minzheng.engine.respond import advise_level, project_values
from geo_minzheng.errors import InputError
from geo_minzheng.model.policy import LevelRule

BOUNDS = {"dead": (1, 3, 5, 10), "moved": (300, 600, 1200, 2000), "rooms": (50, 200, 500, 1000)}
TERMS = {
    "dead": (("deaths", 1.0), ("missing", 1.0)),
    "moved": (("evacuated_resettled_cum", 1.0), ("emergency_aid_needed_cum", 1.0)),
    "rooms": (("collapsed_rooms", 1.0), ("severely_damaged_rooms", 0.5)),
}
LEVELS = ("IV", "III", "II", "I")
RULES = tuple(
    LevelRule(level, 4 - n, name, name, name, TERMS[name], bounds[n], (*bounds, None)[n + 1], "人", "x", "source")
    for name, bounds in BOUNDS.items()
    for n, level in enumerate(LEVELS)
)


def test_nothing_reported_advises_nothing():
    advice = advise_level({}, RULES)
    assert advice.level is None
    assert advice.next_level == "IV"
    assert len(advice.conditions) == 12
    assert [c.level for c in advice.conditions[:3]] == ["I", "I", "I"]
    assert advise_level({}, ()).next_condition is None


@pytest.mark.parametrize("name", list(BOUNDS))
@pytest.mark.parametrize("n", range(4))
def test_a_bound_includes_its_number(name, n):
    indicator, bound = TERMS[name][0][0], BOUNDS[name][n]
    assert advise_level({indicator: bound}, RULES).level == LEVELS[n]
    below = advise_level({indicator: math.nextafter(bound, 0)}, RULES).level
    assert below == (LEVELS[n - 1] if n else None)


def test_the_next_level_names_its_nearest_condition():
    advice = advise_level({"evacuated_resettled_cum": 470, "emergency_aid_needed_cum": 0, "deaths": 1}, RULES)
    assert advice.level == "IV"
    assert advice.next_level == "III"
    assert advice.next_condition.condition == "moved"
    assert advice.next_condition.distance == 130


def test_coefficients_count_and_are_told():
    advice = advise_level({"severely_damaged_rooms": 100}, RULES)
    rooms = next(c for c in advice.conditions if c.condition == "rooms" and c.level == "IV")
    assert (advice.level, rooms.value) == ("IV", 50)
    assert rooms.indicator == "collapsed_rooms + 0.5 × severely_damaged_rooms"


def test_unknown_is_named_not_hidden():
    advice = advise_level({"deaths": None, "missing": 3}, RULES)
    dead = next(c for c in advice.conditions if c.condition == "dead")
    assert advice.level == "III"
    assert dead.unknown == ("deaths",)
    assert advise_level({"deaths": math.nan}, RULES).level is None


@pytest.mark.parametrize("value", [-1, math.inf])
def test_impossible_values_are_refused(value):
    with pytest.raises(InputError) as caught:
        advise_level({"deaths": value}, RULES)
    assert caught.value.key == "respond.bad_value"


def test_an_estimate_is_completed_for_the_forecast():
    projected = project_values(
        {
            "evacuated_resettled_now": 700,
            "evacuated_resettled_cum": 900,
            "emergency_aid_needed_now": 5,
            "collapsed_dwelling_rooms": 60,
        }
    )
    assert projected["evacuated_resettled_cum"] == 900
    assert projected["emergency_aid_needed_cum"] == 5
    assert projected["collapsed_rooms"] == 60
    assert advise_level(projected, RULES).level == "III"


values = st.fixed_dictionaries({name: st.integers(0, 3000) for terms in TERMS.values() for name, _ in terms})


@given(values)
def test_the_level_is_the_gravest_that_any_condition_meets(reported):
    advice = advise_level(reported, RULES)
    met = {
        LEVELS[n]
        for name, bounds in BOUNDS.items()
        for n, bound in enumerate(bounds)
        if sum(coefficient * reported[i] for i, coefficient in TERMS[name]) >= bound
    }
    assert advice.level == (max(met, key=LEVELS.index) if met else None)
    for condition in advice.conditions:
        assert condition.is_met == (condition.distance == 0)
        assert condition.is_met == (condition.value >= condition.bound)
    if advice.next_level:
        expected = LEVELS[LEVELS.index(advice.level) + 1] if advice.level else "IV"
        assert advice.next_level == expected
        assert not advice.next_condition.is_met


@given(values, st.sampled_from([i for t in TERMS.values() for i, _ in t]), st.integers(0, 2000))
def test_more_harm_never_lowers_the_level(reported, indicator, more):
    rank = [None, *LEVELS]
    worse = reported | {indicator: reported[indicator] + more}
    assert rank.index(advise_level(worse, RULES).level) >= rank.index(advise_level(reported, RULES).level)


@given(values, st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(reported, random):
    mixed = list(RULES)
    random.shuffle(mixed)
    assert advise_level(reported, mixed) == advise_level(reported, RULES)
