"""Comparing and checking reports: what changed is said once, sums hold, local units come back as they went in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from geo_minzheng.engine import entry_units, review
from geo_minzheng.model.report_rules import FormRule, Indicator, Question

COUNTS = st.one_of(st.none(), st.integers(0, 10**6))
ANSWERS = st.dictionaries(st.sampled_from(["deaths", "missing", "rooms"]), st.one_of(COUNTS, st.booleans()))
ROOMS = Indicator("f", 1, "rooms", "间数(间)", "间", "count", "houses", is_cumulative=False, is_shown=True, decimals=0)
CUM = Indicator("f", 2, "cum", "累计(人)", "人", "count", "people", is_cumulative=True, is_shown=True, decimals=0)
RULE = FormRule(
    "homes_in_rooms", "户不大于间", "homes within rooms", ">=", (("rooms", 1.0), ("homes", -1.0)), 0.0, "error"
)


@given(ANSWERS, ANSWERS)
def test_a_change_is_marked_exactly_where_answers_differ(before, after):
    told = {c.field: c for c in review.compare_answers(before, after, ["deaths"])}
    for name in {*before, *after}:
        old, new = before.get(name), after.get(name)
        same = old == new and type(old) is type(new)
        assert (told[name].mark == "same") == same
        if told[name].change is not None:
            assert told[name].change == new - old != 0


def test_unknown_is_not_zero():
    (change,) = review.compare_answers({"deaths": None}, {"deaths": 0}, ["deaths"])
    assert (change.mark, change.change) == ("new", None)
    (change,) = review.compare_answers({"deaths": 0}, {}, ["deaths"])
    assert change.mark == "lost"


def test_yes_is_not_one():
    (change,) = review.compare_answers({"x": True}, {"x": 1}, ["x"])
    assert change.mark == "other"


@given(st.integers(0, 10**6), st.sampled_from(["公顷", "千克", "户"]))
def test_local_units_come_back(entered, unit):
    assert entry_units.to_entered(entry_units.to_form(entered, unit), unit) == entered


def test_mu_and_jin():
    assert entry_units.to_form(15, "公顷") == 1
    assert entry_units.to_form(3, "千克") == 1.5
    assert entry_units.to_form(None, "公顷") is None
    assert entry_units.entered_unit("公顷") == "亩"
    assert entry_units.entered_unit("人") == "人"


def test_sudden_and_falling_figures_are_found():
    found = review.check_version({"rooms": 10, "cum": 5}, {"rooms": 100, "cum": 4}, [], [ROOMS, CUM], jumps=(0.5, 50))
    assert {(f.code, f.subject) for f in found} == {("jumps", "rooms"), ("falls", "cum")}
    assert review.check_version(None, {"rooms": 100}, [], [ROOMS], jumps=(0.5, 50)) == ()


def test_contradicting_figures_block():
    (found,) = review.check_version(None, {"rooms": 1.0, "homes": 2.0}, [RULE], [ROOMS], jumps=(0.5, 50))
    assert (found.severity, found.value) == ("error", 1.0)


def test_questions_without_an_indicator_are_checked_too():
    question = Question(3, 1, "flooded", "进水", "flooded", "count", "户")
    asked = review.asked_indicators([question], [ROOMS])
    assert [i.indicator for i in asked] == ["rooms", "flooded"]
    found = review.check_version({"flooded": 1}, {"flooded": 900}, [], asked, jumps=(0.5, 50))
    assert [f.subject for f in found] == ["flooded"]


def test_flags_and_texts_feed_no_indicator():
    question = Question(1, 1, "dead", "死亡", "dead", "count", "人", indicator="deaths")
    assert review.indicator_values({"dead": 2, "road_cut": True, "requests": "水"}, [question]) == {"deaths": 2.0}


VILLAGES = st.dictionaries(
    st.sampled_from(["420703100001", "420703100002", "420703200001"]),
    st.dictionaries(st.sampled_from(["deaths", "rooms"]), st.integers(0, 1000)),
)


@given(VILLAGES)
def test_towns_sum_to_the_district(confirmed):
    rows = review.town_figures(confirmed, {}, {}, ["420703100001", "420703300001"])
    *towns, district = rows
    assert district["code"] == ""
    assert district["reported"] == sum(t["reported"] for t in towns) == len(confirmed)
    assert district["expected"] == sum(t["expected"] for t in towns)
    for name in ("deaths", "rooms"):
        known = [t["figures"][name] for t in towns if name in t["figures"]]
        assert district["figures"].get(name) == (sum(known) if known else None)


def test_estimates_stand_beside():
    columns = {"deaths": ("low", "mid", "high")}
    (town, district) = review.town_figures(
        {}, {"420703100": {"low": 1, "mid": 2, "high": 3}}, columns, ["420703100001"]
    )
    assert town["estimates"] == {"deaths": (1.0, 2.0, 3.0)}
    assert town["figures"] == {} == district["figures"] == district["estimates"]


def test_minutes_since():
    now = datetime(2026, 7, 3, 22, tzinfo=UTC)
    assert review.minutes_since(now - timedelta(minutes=50), now) == 50
