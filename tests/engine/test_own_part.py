"""A town's or village's own part of a result: nothing foreign, sums equal, places those of the whole order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_minzheng.engine import housing, own_part

VILLAGES = [f"42070310{town}00{n}" for town in (1, 2) for n in (1, 2, 3)]


def impact(people: list[int]) -> dict:
    rows = [{"code": code, "population": n, "flooded_m2": 1000 * n} for code, n in zip(VILLAGES, people, strict=True)]

    def sums(digits: int) -> list[dict]:
        return [
            {"code": c, **{k: sum(r[k] for r in rows if r["code"].startswith(c)) for k in ("population", "flooded_m2")}}
            for c in sorted({r["code"][:digits] for r in rows})
        ]

    return {
        "by_village": rows, "by_town": sums(9), "by_district": sums(6), "houses_by_kind": rows,
        "totals": {k: v for k, v in sums(6)[0].items() if k != "code"}, "area_km2": 1.0,
        "cut_roads": [{"code": c, "road_id": f"R{c}"} for c in VILLAGES],
        "flooded_roads": [f"R{c}" for c in VILLAGES],
        "collective_sizes": {c: [1] for c in VILLAGES}, "household_sizes": {c: [2] for c in VILLAGES},
        "homes": [{"home_id": c, "village_code": c} for c in VILLAGES], "isolated": list(VILLAGES),
    }  # fmt: skip


@given(people=st.lists(st.integers(0, 99), min_size=6, max_size=6))
def test_the_towns_parts_are_the_district_and_none_holds_a_foreign_code(people):
    whole = impact(people)
    towns = sorted({code[:9] for code in VILLAGES})
    parts = [own_part.impact_part(whole, town) for town in towns]
    for name in whole["totals"]:
        assert sum(part["totals"][name] for part in parts) == whole["totals"][name]
    for town, part in zip(towns, parts, strict=True):
        foreign = [code for code in VILLAGES if not code.startswith(town)]
        assert not [code for code in foreign if code in str(part)]
        assert part["area_km2"] == part["totals"]["flooded_m2"] / 1e6
    for name in ("by_village", "homes", "isolated", "cut_roads", "flooded_roads"):
        assert [row for part in parts for row in part[name]] == whole[name]


def test_a_village_where_nothing_happened_counts_nought():
    part = own_part.impact_part(impact([1] * 6), "420703109001")
    assert set(part["totals"].values()) == {0}
    assert part["by_village"] == []


@given(data=st.data())
def test_cases_keep_their_place_in_the_whole_order(data):
    cases = [f"C{n}" for n in range(data.draw(st.integers(1, 12)))]
    split = data.draw(st.integers(0, len(cases)))
    kinds = [data.draw(st.sampled_from(["budget", "quota", "gate", "missing_value"])) for _ in cases[split:]]
    told = {"tier": 1, "score": 1.0, "persons": 1, "subsidy_yuan": 1.0, "rule": "", "parts": {}, "beyond_target": False}
    document = {
        "act_now": cases[:2], "against_review": [{"first": cases[0], "second": cases[-1]}],
        "build_together": [{"cases": cases[:3]}],
        "programmes": [{
            "programme": "p", "chosen": [{"case": c} | told for c in cases[:split]],
            "skipped": [{"case": c, "kind": k, "reason": ""} for c, k in zip(cases[split:], kinds, strict=True)],
        }],
    }  # fmt: skip
    mine = set(data.draw(st.lists(st.sampled_from(cases), unique=True)))
    rows = [{"case": c} for c in cases]
    whole = {v["case"]: v["place"] for v in housing.list_verdicts(document, rows)}
    part = own_part.programme_part(document, mine)
    own = {v["case"]: v["place"] for v in housing.list_verdicts(part, [r for r in rows if r["case"] in mine])}
    assert own == {case: place for case, place in whole.items() if case in mine}
    assert set(part["act_now"]) <= mine
    if not {cases[0], cases[-1]} <= mine:
        assert part["against_review"] == []


def test_an_old_document_without_places_is_read_as_before():
    told = {"tier": 1, "score": 1.0, "persons": 1, "subsidy_yuan": 1.0, "rule": "", "parts": {}, "beyond_target": False}
    document = {"programmes": [{"programme": "p", "chosen": [{"case": "A"} | told, {"case": "B"} | told],
                                "skipped": []}]}  # fmt: skip
    assert [v["place"] for v in housing.list_verdicts(document, [])] == [1, 2]


@pytest.mark.parametrize("cases", [set(), {"A"}])
def test_what_names_others_is_left_out(cases):
    document = {"act_now": ["B"], "against_review": [{"first": "A", "second": "B"}],
                "build_together": [{"cases": ["A", "B"]}], "programmes": []}  # fmt: skip
    part = own_part.programme_part(document, cases)
    assert (part["act_now"], part["against_review"], part["build_together"]) == ([], [], [])
    assert part["is_part"]
