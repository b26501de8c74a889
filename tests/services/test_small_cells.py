"""Small cells on the demo district's own maps: what a reader of the files can reckon back."""

from __future__ import annotations

import json
from collections import Counter

import pandas as pd
import pytest
from differencing import Plan, recovered

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.engine import small_cells
from geo_minzheng.present.maps import map_html
from geo_minzheng.services import housing, impact, maps, planning_maps
from geo_minzheng.settings import Settings
from geo_minzheng.store import frames


@pytest.fixture(scope="module")
def office(fresh):
    return open_bureau(Settings(home=fresh))


def tables_of(layer, column, truth):
    """Rebuild from a map layer what it publishes by village, and the total everybody knows."""
    shown = dict(zip(layer.frame["code"].astype(str), layer.frame[column], strict=True))
    cells = [shown.get(code, 0) for code in truth.index]
    return pd.DataFrame({"n": pd.array([None if c == "*" else c for c in cells], dtype="Int64")}, index=truth.index)


@pytest.mark.parametrize("programme", ["dibao_renovation", "adobe_elimination"])
def test_no_village_of_a_programme_map_is_reckoned_back(office, programme):
    with office.reading() as session:
        made = housing.latest_programmes(session)
        rows = housing.case_rows(session, office.act(), office.policy())
        found = [v for v in housing.verdicts(session, made, rows) if v["programme"] == programme]
        here = (session, office.act(), office.catalogue, office.policy(), office.text)
        content = planning_maps.programme_map(*here, found, rows=rows, points=False)
        codes = sorted(frames.read_layer(session, "village")["code"].astype(str))
    counts = Counter(str(v["village_code"]) for v in found if v["state"] in ("chosen", "stretch"))
    truth = pd.DataFrame({"n": [counts.get(code, 0) for code in codes]}, index=codes)
    layer = next(x for x in content.layers if x.name == "village")
    groups = [[code[:9] for code in codes], [code[:6] for code in codes]]
    towns = small_cells.by_division(dict(truth["n"]), 3)
    totals = [pd.DataFrame({"n": pd.array([towns[g] for g in sorted(set(level))], dtype="Int64")},
                           index=sorted(set(level))) for level in groups]  # fmt: skip
    attacked, learnt = recovered(truth, [tables_of(layer, "cases", truth), *totals], Plan(groups, [], {}), 3)
    assert attacked and learnt == []
    assert totals[1]["n"].notna().all(), "the district's total stays public"
    assert office.text("small_cells.note", least=3) in content.notices
    assert office.text("small_cells.note", least=3) in map_html(content, office.text)


def test_the_flood_map_shows_no_small_number_of_people(office):
    with office.reading() as session:
        incident = session.connection().exec_driver_sql("SELECT incident_id FROM incident").scalar()
        told = impact.find_impact(session, incident)
        row = next(r for r in told["by_village"] if r["affected_population"] > 10)
        row["affected_population"] = 2
        content = maps.incident_map(
            session, office.act(), office.catalogue, office.policy(), office.text, incident, impact=told
        )
    layer = next(x for x in content.layers if x.name == "village")
    shown = dict(zip(layer.frame["code"].astype(str), layer.frame["affected"], strict=True))
    assert shown[row["code"]] == "*" and sum(1 for v in shown.values() if v == "*") >= 2
    assert all(v in {"*", 0} or v >= 3 for v in shown.values())
    assert office.text("small_cells.note", least=3) in content.notices


def test_a_home_with_two_who_wait_does_not_say_so(office):
    with office.reading() as session:
        homes = frames.read_layer(session, "welfare_home")
    homes.loc[0, "self_care_total_loss"] = 2
    shown = small_cells.homes(homes, 3)
    assert shown.loc[0, "self_care_total_loss"] == "*"
    hidden = (shown[["self_care_total_loss", "self_care_partial_loss", "resident_count"]] == "*").sum(axis=1)
    assert hidden[0] >= 1 and (shown["self_care_total_loss"] == "*").sum() >= 2


def test_a_district_of_two_dibao_households_shows_neither_them_nor_their_persons():
    numbers = {"people": 900, "dibao_households": 2, "dibao_persons": 7}
    assert small_cells.district_totals(numbers, 3) == {"people": 900, "dibao_households": None, "dibao_persons": None}
    assert small_cells.district_totals(numbers | {"dibao_households": 0}, 3)["dibao_households"] == 0


def test_who_lives_beyond_reach_is_not_counted_on_one_hand():
    rows = [{"town": "420703100", "persons": 800, "covered": 798, "uncovered": 2},
            {"town": "420703101", "persons": 500, "covered": 400, "uncovered": 100}]  # fmt: skip
    by_town, totals = small_cells.reach({"walk": rows, "drive": rows}, 3)
    assert by_town["walk"][0]["uncovered"] is None and by_town["drive"][0]["uncovered"] is None
    assert totals["walk"] == {"persons": 1300, "covered": None, "uncovered": None} or (
        by_town["walk"][1]["uncovered"] is None and by_town["walk"][0]["covered"] is None
    )
    assert json.dumps([by_town, totals])
