"""What became of every case: each once, in its place, with its reason; and what the order costs down to each place."""

import geopandas as gpd
from shapely.geometry import Point

from geo_minzheng.engine import housing, planning_layers

ROW = {"tier": 1, "score": 50.0, "persons": 3, "rule": "r", "village_code": "420703100001", "house_id": "F1",
       "household_id": "H1", "act_now": False, "is_backlog": True, "part_risk": 50.0}  # fmt: skip
CASES = [ROW | {"case": name, "subsidy_yuan": yuan, "x": 500000.0, "y": 3360000.0}
         for name, yuan in (("A", 10.1), ("B", 20.2), ("C", 30.3), ("D", None), ("E", 5.0))]  # fmt: skip


def _chosen(case: str, yuan: float, *, beyond: bool = False) -> dict:
    return {"case": case, "tier": 1, "score": 50.0, "persons": 3, "subsidy_yuan": yuan, "rule": "r",
            "parts": {"risk": 50.0}, "beyond_target": beyond}  # fmt: skip


DOCUMENT = {
    "programmes": [
        {
            "programme": "p",
            "chosen": [_chosen("A", 10.1), _chosen("B", 20.2, beyond=True)],
            "skipped": [
                {"case": "D", "kind": "missing_value", "reason": "subsidies.p.no_such_tier"},
                {"case": "E", "kind": "gate", "reason": "sole_residence|grade_in"},
                {"case": "C", "kind": "budget", "reason": "budget"},
            ],
        }
    ]
}


def test_every_case_once_with_its_place_and_reason():
    found = housing.list_verdicts(DOCUMENT, CASES)
    assert [(v["case"], v["state"], v["place"]) for v in found] == [
        ("A", "chosen", 1), ("B", "stretch", 2), ("D", "missing_value", None), ("E", "gate", None), ("C", "waiting", 3),
    ]  # fmt: skip
    assert found[3]["reason"] == "sole_residence|grade_in"
    assert all(v["part_risk"] == 50.0 and v["house_id"] == "F1" for v in found)


def test_the_curve_adds_up_in_cents():
    curve = housing.money_curve(housing.list_verdicts(DOCUMENT, CASES))
    assert curve == [
        {"households": 0.0, "yuan": 0.0}, {"households": 1.0, "yuan": 10.1}, {"households": 2.0, "yuan": 30.3},
        {"households": 3.0, "yuan": 60.6},
    ]  # fmt: skip


def test_search_by_any_number():
    found = housing.list_verdicts(DOCUMENT, CASES)
    assert [v["case"] for v in housing.search_verdicts(found, " a ")] == ["A"]
    assert len(housing.search_verdicts(found, "h1")) == 5
    assert housing.search_verdicts(found, "no_such_case") == housing.search_verdicts(found, " ") == []


def test_points_lie_where_the_houses_stand():
    frame = planning_layers.case_points(
        [{"case": "A", "place": 1}, {"case": "no_such_case", "place": 2}], planning_layers.by_case(CASES), "EPSG:4547"
    )
    assert list(frame["case"]) == ["A"]
    back = frame.to_crs("EPSG:4547").geometry.iloc[0]
    assert back.distance(Point(500000, 3360000)) < 0.01


def test_small_villages_are_not_singled_out():
    codes = [f"420703100{k:03d}" for k in range(5)]
    villages = gpd.GeoDataFrame({"code": codes}, geometry=[Point(k, 0) for k in range(5)], crs="EPSG:4490")
    frame = planning_layers.count_villages(villages, dict(zip(codes, (2, 3, 4, 6, 0), strict=True)), 3)
    told = dict(zip(frame["code"], zip(frame["size"], frame["cases"], strict=True), strict=True))
    few = ("few", "*")
    assert told == dict(zip(codes[:4], (few, few, ("some", 4), ("many", 6)), strict=True)), "the sum hides a second one"


def test_nobody_to_place_is_an_empty_layer():
    assert planning_layers.case_points([], {}, "EPSG:4547").empty
