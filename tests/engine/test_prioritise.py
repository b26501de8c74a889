"""Ranking: parts that sum to the score, gates with reasons, red lines outside the order."""

from datetime import date

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, Point, Polygon, box

from geo_minzheng.engine import prioritise
from geo_minzheng.engine.prioritise_homes import open_defects
from geo_minzheng.errors import InputError, MissingValueError
from geo_minzheng.model.housing_rules import Gate, Ranking, ScorePart, TierRule
from geo_minzheng.model.policy import Programme

DAY = date(2026, 6, 20)
PARAMS = {
    "grade_A": 0,
    "grade_B": 0.1,
    "grade_C": 0.6,
    "grade_D": 1,
    "grade_unknown": 0,
    "no_resistance_factor": 1.1,
    "adobe_bonus": 0.1,
    "past_collapse_m": 500,
    "past_collapse_bonus": 0.2,
    "self_help_none": 1,
    "self_help_partial": 0.5,
    "self_help_full": 0,
    "sick_labour_bonus": 0.2,
    "persons_full": 6,
    "solitary_elder_bonus": 0.3,
    "waiting_months_full": 24,
    "level_high": 1,
    "level_mid_high": 0.7,
    "level_mid": 0.4,
    "level_low": 0.2,
}
WEIGHTS = {"risk": 40, "hazard": 20, "self_help": 15, "household": 10, "vulnerable": 10, "waiting": 5}
GATES = (
    Gate("first", "sole_residence"),
    Gate("first", "grade_in", ("C", "D")),
    Gate("first", "tier_in", ("dibao", "low_income")),
    Gate("first", "not_subsidised_before"),
    Gate("first", "certificate_within", (), 24),
    Gate("first", "kin_declared"),
    Gate("first", "means_checked"),
    Gate("second", "structure_in", ("adobe",)),
    Gate("second", "sole_residence"),
)
TIERS = (
    TierRule(1, 1, "first", "一", "1", ("dibao",), ("none",)),
    TierRule(2, 2, "first", "二", "2", ("dibao",)),
    TierRule(4, 3, "first", "四", "4", ("low_income",)),
    TierRule(5, 1, "second", "五", "5"),
)
HOUSE = Ranking("house", tuple(ScorePart(p, w, p, p) for p, w in WEIGHTS.items()), PARAMS, GATES, TIERS)
PROGRAMMES = {"first": Programme("first", "一", "1", 1, True), "second": Programme("second", "二", "2", 2, False)}


def case(**more):
    facts = {
        "case_id": "c1",
        "programme": "first",
        "household_id": "h1",
        "house_id": "b1",
        "applied_at": date(2025, 6, 20),
        "assistance_tier": "dibao",
        "self_help_ability": "none",
        "has_sick_labour": False,
        "household_size": 3,
        "elderly_60": 1,
        "children_14": 0,
        "disabled": 0,
        "is_solitary_elder": False,
        "safety_grade": "D",
        "hazard_resistance": "partial",
        "structure_type": "brick_timber",
        "site_safety": "safe",
        "is_occupied": True,
        "is_sole_residence": True,
        "subsidised_before": False,
        "kin_declared": True,
        "means_checked": True,
        "grade_date": date(2025, 5, 1),
        "hazard_exposure": 0.5,
        "in_high_zone": False,
        "village_code": "420703100001",
        "renovation_method": "rebuild_in_place",
        "is_backlog": False,
    }
    return facts | more


def score(*cases, ranking=HOUSE):
    return prioritise.score_houses(pd.DataFrame(list(cases)), ranking, day=DAY)


def test_a_case_worked_by_hand():
    row = score(case()).iloc[0]
    assert row[["risk", "hazard", "self_help", "household", "vulnerable"]].tolist() == [40, 10, 15, 5, 3.33]
    assert row["waiting"] == pytest.approx(5 * 365 / (365.25 / 12) / 24, abs=0.005)
    assert row["score"] == pytest.approx(40 + 10 + 15 + 5 + 3.33 + row["waiting"])
    assert (row["tier"], row["gates"], row["is_eligible"], row["act_now"]) == (1, "", True, False)


@pytest.mark.parametrize(
    ("more", "part", "points"),
    [
        ({"safety_grade": "C"}, "risk", 24),
        ({"safety_grade": "C", "hazard_resistance": "none"}, "risk", 26.4),
        ({"safety_grade": "D", "hazard_resistance": "none", "structure_type": "adobe"}, "risk", 40),
        ({"safety_grade": "B", "structure_type": "adobe"}, "risk", 8),
        ({"safety_grade": None, "structure_type": "adobe"}, "risk", 4),
        ({"past_collapse_m": 400.0}, "hazard", 14),
        ({"past_collapse_m": 501.0}, "hazard", 10),
        ({"past_collapse_m": np.nan}, "hazard", 10),
        ({"hazard_exposure": 1.0, "past_collapse_m": 0.0}, "hazard", 20),
        ({"hazard_exposure": np.nan}, "hazard", 0),
        ({"self_help_ability": "partial", "has_sick_labour": True}, "self_help", 10.5),
        ({"self_help_ability": "full"}, "self_help", 0),
        ({"household_size": 6}, "household", 10),
        ({"household_size": 9}, "household", 10),
        ({"elderly_60": 3, "disabled": 3}, "vulnerable", 10),
        ({"household_size": 1, "elderly_60": 0, "is_solitary_elder": True}, "vulnerable", 3),
        ({"applied_at": date(2020, 1, 1)}, "waiting", 5),
        ({"applied_at": date(2027, 1, 1)}, "waiting", 0),
        ({"applied_at": None}, "waiting", 0),
    ],
)
def test_each_part_by_its_definition(more, part, points):
    assert score(case(**more)).iloc[0][part] == pytest.approx(points)


@pytest.mark.parametrize(
    ("more", "gates"),
    [
        ({"is_sole_residence": False}, "sole_residence"),
        ({"safety_grade": "B"}, "grade_in"),
        ({"safety_grade": None}, "grade_in"),
        ({"assistance_tier": "general"}, "tier_in|no_tier"),
        ({"subsidised_before": True}, "not_subsidised_before"),
        ({"grade_date": date(2024, 6, 1)}, "certificate_within"),
        ({"grade_date": None}, "certificate_within"),
        ({"kin_declared": False, "means_checked": False}, "kin_declared|means_checked"),
        ({"programme": "second"}, "structure_in"),
        ({"programme": "second", "structure_type": "adobe", "safety_grade": "A"}, ""),
        ({"programme": "no_such_programme"}, "no_tier"),
    ],
)
def test_each_gate_has_its_reason(more, gates):
    row = score(case(**more)).iloc[0]
    assert row["gates"] == gates
    assert row["is_eligible"] == (gates == "")


def test_tiers_take_the_first_row_that_fits():
    rows = score(case(), case(self_help_ability="full"), case(assistance_tier="low_income"))
    assert rows["tier"].tolist() == [1, 2, 4]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"safety_grade": "C"}, False),
        ({"safety_grade": "C", "site_safety": "dangerous"}, True),
        ({"is_occupied": False}, False),
        ({"in_high_zone": False}, False),
    ],
)
def test_act_now_is_a_flag_beside_the_rank(more, expected):
    assert score(case(**({"in_high_zone": True} | more))).iloc[0]["act_now"] == expected


def test_a_missing_parameter_names_its_key():
    with pytest.raises(MissingValueError) as caught:
        score(case(), ranking=Ranking("house", HOUSE.parts, {}, GATES, TIERS))
    assert caught.value.facts["key"].startswith("priority.house.")


houses = st.fixed_dictionaries(
    {
        "safety_grade": st.sampled_from(["A", "B", "C", "D", None]),
        "hazard_resistance": st.sampled_from(["full", "partial", "none", None]),
        "structure_type": st.sampled_from(["adobe", "brick_concrete"]),
        "hazard_exposure": st.floats(0, 2),
        "past_collapse_m": st.floats(0, 2000),
        "self_help_ability": st.sampled_from(["none", "partial", "full"]),
        "has_sick_labour": st.booleans(),
        "household_size": st.integers(1, 15),
        "elderly_60": st.integers(0, 9),
        "children_14": st.integers(0, 9),
        "disabled": st.integers(0, 9),
        "is_solitary_elder": st.booleans(),
        "applied_at": st.dates(date(2015, 1, 1), date(2027, 1, 1)),
    }
)
weights = st.lists(st.integers(0, 100), min_size=6, max_size=6).filter(sum)


@settings(max_examples=100, deadline=None)
@given(st.lists(houses, min_size=1, max_size=5), weights)
def test_parts_sum_exactly_to_the_score_and_stay_in_their_bar(rows, raw):
    share = [w * 100 / sum(raw) for w in raw]
    ranking = Ranking(
        "house", tuple(ScorePart(p, w, p, p) for p, w in zip(WEIGHTS, share, strict=True)), PARAMS, GATES, TIERS
    )
    frame = pd.DataFrame([case(**row) for row in rows])
    before = frame.copy()
    result = prioritise.score_houses(frame, ranking, day=DAY)
    pd.testing.assert_frame_equal(frame, before)
    hundredths = np.rint(result[list(WEIGHTS)].to_numpy() * 100).astype(int)
    assert (hundredths.sum(axis=1) == np.rint(result["score"].to_numpy() * 100).astype(int)).all()
    assert np.allclose(result[list(WEIGHTS)].sum(axis=1), result["score"], atol=1e-9)
    assert (result[list(WEIGHTS)] >= 0).all(axis=None)
    assert (result[list(WEIGHTS)].to_numpy() <= np.array(share) + 0.005 + 1e-9).all()
    assert result["score"].between(0, 100.03).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(houses, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_a_case_is_judged_alone(rows, random):
    frame = pd.DataFrame([case(case_id=f"c{n}", **row) for n, row in enumerate(rows)])
    whole = prioritise.score_houses(frame, HOUSE, day=DAY)
    order = list(range(len(frame)))
    random.shuffle(order)
    mixed = prioritise.score_houses(frame.iloc[order], HOUSE, day=DAY)
    pd.testing.assert_frame_equal(mixed.sort_index(), whole)


def test_a_worse_house_never_scores_less():
    grades = score(*(case(safety_grade=g) for g in "ABCD"))["score"]
    assert grades.is_monotonic_increasing


def test_a_house_and_a_household_go_through_once():
    cases = pd.DataFrame(
        [
            case(case_id="clay", programme="second", structure_type="adobe", applied_at=date(2024, 1, 1)),
            case(case_id="late", applied_at=date(2025, 7, 1)),
            case(case_id="early", applied_at=date(2025, 1, 1)),
            case(case_id="barred", applied_at=date(2023, 1, 1), kin_declared=False),
            case(case_id="other", household_id="h2", house_id="b2"),
        ]
    )
    once = prioritise.assign_once(cases, prioritise.score_houses(cases, HOUSE, day=DAY), PROGRAMMES)
    found = dict(zip(cases["case_id"], once["gates"], strict=True))
    assert found == {
        "clay": "in_other_programme",
        "late": "duplicate_case",
        "early": "",
        "barred": "kin_declared",
        "other": "",
    }
    assert once["is_eligible"].tolist() == [False, False, True, False, True]


def test_joined_and_listed_for_the_programme():
    facts = case()
    applications = pd.DataFrame([facts])[
        [
            "case_id",
            "programme",
            "household_id",
            "house_id",
            "applied_at",
            "is_backlog",
            "renovation_method",
            "subsidised_before",
            "kin_declared",
            "means_checked",
        ]
    ]
    households = pd.DataFrame([facts])[
        [
            "household_id",
            "village_code",
            "house_id",
            "assistance_tier",
            "household_size",
            "self_help_ability",
            "elderly_60",
        ]
    ]
    homes = pd.DataFrame([facts])[
        ["house_id", "village_code", "safety_grade", "grade_date", "structure_type", "is_sole_residence", "is_occupied"]
    ]
    exposure = pd.DataFrame({"house_id": ["b1"], "hazard_exposure": [0.5], "in_high_zone": [True]})
    cases = prioritise.join_cases(applications, households, homes, exposure)
    scored = prioritise.score_houses(cases, HOUSE, day=DAY)
    paid = pd.DataFrame({"subsidy_yuan": [7200.0], "rule": ["1-2"], "missing_key": [""]})
    listed = prioritise.list_cases(cases, scored, paid).iloc[0]
    assert (listed["case"], listed["town"], listed["persons"], listed["eligible"]) == ("c1", "420703100", 3, True)
    assert listed["act_now"]
    assert listed["subsidy_yuan"] == 7200
    assert sum(listed[f"part_{p}"] for p in WEIGHTS) == pytest.approx(listed["score"])
    with pytest.raises(InputError) as caught:
        prioritise.join_cases(applications, pd.concat([households, households]), homes)
    assert caught.value.key == "prioritise.duplicate_key"
    nobody = prioritise.join_cases(applications, households.iloc[:0], homes)
    assert prioritise.score_houses(nobody, HOUSE, day=DAY)["gates"].iloc[0] == "tier_in|no_tier"


CRS = "EPSG:4547"


def zones(*rows):
    return gpd.GeoDataFrame({"risk_level": [r for r, _ in rows]}, geometry=[g for _, g in rows], crs=CRS)


def points(*xy):
    return gpd.GeoSeries([Point(*p) for p in xy], crs=CRS, index=[f"p{n}" for n in range(len(xy))])


LEVELS = {"high": 1.0, "mid": 0.4}


def test_exposure_falls_linearly_to_the_buffer():
    zone = zones(("high", box(0, 0, 100, 100)))
    found = prioritise.hazard_exposure(points((50, 50), (100, 50), (150, 50), (300, 50), (301, 50)), zone, LEVELS, 200)
    assert found.tolist() == [1, 1, 0.75, 0, 0]
    assert found.index.tolist() == ["p0", "p1", "p2", "p3", "p4"]
    assert prioritise.hazard_exposure(points((50, 50), (101, 50)), zone, LEVELS, 0).tolist() == [1, 0]
    inside = prioritise.inside_zone(points((50, 50), (101, 50)), zone, frozenset({"high"}))
    assert inside.tolist() == [True, False]
    assert not prioritise.inside_zone(points((50, 50)), zone, frozenset({"low"})).any()


def test_the_gravest_zone_counts_not_the_nearest():
    both = zones(("mid", box(0, 0, 100, 100)), ("high", box(150, 0, 300, 100)), ("no_such_level", box(0, 0, 999, 999)))
    assert prioritise.hazard_exposure(points((100, 50)), both, LEVELS, 200).tolist() == [0.75]
    assert prioritise.level_weights(HOUSE) == {"high": 1, "mid_high": 0.7, "mid": 0.4, "low": 0.2}


def test_no_zones_no_points_and_degrees():
    assert prioritise.hazard_exposure(points((0, 0)), zones(), LEVELS, 200).tolist() == [0]
    assert prioritise.hazard_exposure(points(), zones(("high", box(0, 0, 1, 1))), LEVELS, 200).empty
    empty = zones(("high", Polygon()), ("high", MultiPolygon()))
    assert prioritise.hazard_exposure(points((0, 0)), empty, LEVELS, 200).tolist() == [0]
    with pytest.raises(InputError) as caught:
        prioritise.hazard_exposure(gpd.GeoSeries([Point(114, 30)], crs=4490), zones().to_crs(4490), LEVELS, 200)
    assert caught.value.key == "prioritise.need_metres"


coordinate = st.integers(-500, 500)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=8),
    st.lists(st.tuples(coordinate, coordinate, st.integers(1, 200), st.sampled_from(["high", "mid"])), max_size=4),
    st.integers(1, 400),
)
def test_exposure_equals_its_definition(xy, squares, buffer):
    zone = zones(*((level, box(x, y, x + size, y + size)) for x, y, size, level in squares))
    series = points(*xy)
    found = prioritise.hazard_exposure(series, zone, LEVELS, buffer)
    for point, value in zip(series, found, strict=True):
        hits = [
            LEVELS[level] * max(0.0, 1 - point.distance(square) / buffer)
            for level, square in zip(zone["risk_level"], zone.geometry, strict=True)
        ]
        assert value == pytest.approx(max(hits, default=0.0))


HOME_PARAMS = {
    "defect_major": 5,
    "defect_general": 1,
    "defect_cap": 10,
    "missing_equipment": 0.2,
    "equipment_min_beds": 20,
    "refuge_min_storeys": 3,
    "refuge_min_area_m2": 3000,
    "pressure_start": 0.8,
    "pressure_full": 1,
    "residents_per_staff_total": 5,
    "residents_per_staff_partial": 12,
    "residents_per_staff_able": 20,
    "grade_A": 0,
    "grade_B": 0.2,
    "grade_C": 0.6,
    "grade_D": 1,
    "grade_unknown": 0,
    "area_per_bed_m2": 25,
    "area_share": 0.4,
}
HOME_WEIGHTS = {"safety": 30, "pressure": 25, "care": 20, "condition": 10, "hazard": 10, "reach": 5}
HOME = Ranking(
    "home",
    tuple(ScorePart(p, w, p, p) for p, w in HOME_WEIGHTS.items()),
    HOME_PARAMS,
    red_lines=("open_major_fire", "basement_bedroom", "grade_d"),
)


def home(**more):
    facts = {
        "home_id": "F1",
        "bed_total": 100,
        "nursing_beds": 20,
        "resident_count": 90,
        "self_care_total_loss": 20,
        "self_care_partial_loss": 20,
        "waiting_count": 0,
        "care_staff": 10,
        "is_admission_closed": False,
        "floor_area_m2": 2500.0,
        "storeys": 2,
        "safety_grade": "A",
        "has_sprinkler": True,
        "has_smoke_detector": True,
        "has_refuge_room": False,
        "has_basement_bedroom": False,
    }
    return facts | more


def defects(*rows):
    return pd.DataFrame(rows, columns=["home_id", "hazard_grade", "defect_kind", "closed_on"])


def rank(*homes, found=(), **more):
    return prioritise.score_homes(pd.DataFrame(list(homes)), defects(*found), HOME, **more)


def test_a_home_worked_by_hand():
    row = rank(home()).iloc[0]
    needed = 20 / 5 + 20 / 12 + 50 / 20
    assert row["pressure"] == 12.5
    assert row["care"] == pytest.approx(20 * min(1, 0.5 + max(0, needed - 10) / needed), abs=0.006)
    assert (row["safety"], row["condition"], row["rank"]) == (0, 0, 1)
    assert row["occupancy"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("more", "part", "points"),
    [
        ({"has_sprinkler": False, "has_smoke_detector": False}, "safety", 12),
        ({"has_sprinkler": False, "bed_total": 10, "resident_count": 5}, "safety", 0),
        ({"storeys": 3, "floor_area_m2": 3001.0}, "safety", 6),
        ({"storeys": 3, "floor_area_m2": 3000.0}, "safety", 0),
        ({"resident_count": 80}, "pressure", 0),
        ({"resident_count": 100}, "pressure", 25),
        ({"resident_count": 60, "is_admission_closed": True}, "pressure", 25),
        ({"resident_count": 60, "waiting_count": 10}, "pressure", 2.5),
        ({"bed_total": 0, "resident_count": 3}, "pressure", 25),
        ({"bed_total": 0, "resident_count": 0, "waiting_count": 0}, "pressure", 0),
        ({"nursing_beds": 40, "care_staff": 30}, "care", 0),
        ({"care_staff": 0}, "care", 20),
        ({"safety_grade": "C"}, "condition", 6),
        ({"floor_area_m2": 1250.0}, "condition", 2),
        ({"floor_area_m2": None}, "condition", 0),
    ],
)
def test_each_home_part_by_its_definition(more, part, points):
    assert rank(home(**more)).iloc[0][part] == pytest.approx(points)


def test_open_defects_count_closed_ones_do_not():
    rows = (
        ("F1", "major", "food", None),
        ("F1", "general", "fire", None),
        ("F1", "major", "fire", date(2026, 1, 1)),
        ("F2", "major", "fire", None),
        ("F9", "major", "fire", None),
    )
    result = rank(home(), home(home_id="F2"), home(home_id="F3"), found=rows).set_index("home_id")
    assert result["open_major"].tolist() == [1, 1, 0]
    assert result["open_general"].tolist() == [1, 0, 0]
    assert result["safety"].tolist() == [18, 15, 0]
    assert result["red_lines"].tolist() == ["", "open_major_fire", ""]
    assert open_defects(defects()).empty


def test_red_lines_stand_outside_the_ranking():
    result = rank(
        home(home_id="A", safety_grade="D", has_basement_bedroom=True),
        home(home_id="B"),
        home(home_id="C", resident_count=100),
        home(home_id="D"),
    ).set_index("home_id")
    assert result.loc["A", "red_lines"] == "basement_bedroom|grade_d"
    assert pd.isna(result.loc["A", "rank"])
    assert result.loc[["C", "B", "D"], "rank"].tolist() == [1, 2, 3]


def test_exposure_and_reach_come_by_home():
    result = rank(home(), home(home_id="F2"), exposure=pd.Series({"F2": 0.5}), reach=pd.Series({"F1": 1.0}))
    assert result["hazard"].tolist() == [0, 5]
    assert result["reach"].tolist() == [5, 0]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "bed_total": st.integers(0, 300),
                "nursing_beds": st.integers(0, 300),
                "resident_count": st.integers(0, 400),
                "self_care_total_loss": st.integers(0, 200),
                "self_care_partial_loss": st.integers(0, 200),
                "waiting_count": st.integers(0, 100),
                "care_staff": st.integers(0, 50),
                "storeys": st.integers(1, 9),
                "floor_area_m2": st.floats(1, 9000),
                "safety_grade": st.sampled_from(["A", "B", "C", "D", None]),
                "has_basement_bedroom": st.booleans(),
                "is_admission_closed": st.booleans(),
            }
        ),
        min_size=1,
        max_size=6,
    )
)
def test_home_parts_sum_and_ranks_are_dense(rows):
    result = rank(*(home(home_id=f"F{n}", **row) for n, row in enumerate(rows)))
    hundredths = np.rint(result[list(HOME_WEIGHTS)].to_numpy() * 100).astype(int)
    assert (hundredths.sum(axis=1) == np.rint(result["score"].to_numpy() * 100).astype(int)).all()
    assert (result[list(HOME_WEIGHTS)].to_numpy() <= np.array(list(HOME_WEIGHTS.values())) + 1e-9).all()
    ranked = result[result["red_lines"] == ""].sort_values("rank")
    assert ranked["rank"].tolist() == list(range(1, len(ranked) + 1))
    assert ranked["score"].is_monotonic_decreasing
