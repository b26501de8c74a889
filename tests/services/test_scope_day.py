"""The same district through narrow eyes: every reading works, what is reckoned stays true, nothing leaks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from geo_minzheng.bootstrap import Bureau, open_bureau
from geo_minzheng.model.scope import Scope
from geo_minzheng.services import (
    district,
    duty,
    housing,
    impact,
    imports,
    incidents,
    maps,
    places,
    relief,
    reports,
    roads,
    stock,
    tasks,
    welfare,
)
from geo_minzheng.settings import Settings

WIDE, BUREAU = frozenset({"wide"}), frozenset({"wide", "bureau"})


@pytest.fixture(scope="module")
def office(fresh) -> Bureau:
    return open_bureau(Settings(home=fresh))


@pytest.fixture(scope="module")
def facts(office) -> dict[str, Any]:
    with office.reading() as session:
        return {
            "incident": incidents.list_incidents(session)[0].incident_id,
            "village": sorted(places.table(session, "village")["code"])[0],
            "warehouse": sorted(places.table(session, "warehouse")["warehouse_id"])[0],
            "site": sorted(places.table(session, "site")["site_id"])[0],
            "home": sorted(places.table(session, "welfare_home")["home_id"])[0],
        }


def eyes(facts) -> dict[str, Scope]:
    village, town, code = facts["village"], facts["village"][:9], facts["village"][:6]
    return {
        "coordinator": Scope(code, sees=BUREAU), "township": Scope(town, sees=BUREAU),
        "informant": Scope(village, sees=WIDE), "keeper": Scope(code, "warehouse", facts["warehouse"], BUREAU),
        "receiver": Scope(town, "site", facts["site"], BUREAU), "housing": Scope(code),
        "panel": Scope(village, sees=WIDE | {"casework"}), "director": Scope(code, "home", facts["home"], BUREAU),
        "admin": Scope(code, sees=WIDE),
    }  # fmt: skip


WHO = ("coordinator", "township", "informant", "keeper", "receiver", "housing", "panel", "director", "admin")


@pytest.mark.parametrize("who", WHO)
def test_every_reading_works_and_leaks_no_household(office, facts, who):
    sight = eyes(facts)[who]
    desk = replace(office, sight=sight)
    policy, text, incident = office.policy(), office.text, facts["incident"]
    with desk.reading() as session:
        act = desk.act()
        said = {
            "numbers": duty.district_numbers(session, act, policy),
            "waiting": tasks.list_waiting(session, act, policy, place=desk.place, settings=desk.settings),
            "lots": stock.movable_stock(session, policy, act.at.date()),
            "reports": reports.list_versions(session, incident),
            "orders": relief.latest_plan(session, incident),
            "defects": welfare.open_defects(session, act),
            "layers": imports.list_layers(session, office.catalogue),
            "district": district.describe(session, office.catalogue),
            "cut": roads.isolated_villages(session, roads.road_state(session, policy, incident)),
        }
        maps.district_map(session, act, office.catalogue, policy, text)
        maps.incident_map(session, act, office.catalogue, policy, text, incident)
        households = places.table(session, "household")
        cases = housing.case_rows(session, act, policy) if "casework" in sight.sees else []
    assert said["numbers"]["people"] > 0 and said["district"]["code"] == facts["village"][:6]
    assert "casework" in sight.sees or households.empty
    assert all(str(code).startswith(sight.prefix) for code in households["village_code"])
    assert all(str(case["village_code"]).startswith(sight.prefix) for case in cases)
    assert {lot.warehouse for lot in said["lots"]} <= (
        {facts["warehouse"]} if who == "keeper" else {*said_houses(office)}
    )
    assert all(v.village.startswith(sight.prefix) for v in said["reports"])


def said_houses(office) -> list[str]:
    with office.reading() as session:
        return [str(one) for one in places.table(session, "warehouse")["warehouse_id"]]


def test_what_is_reckoned_is_the_same_through_narrow_eyes(office, facts):
    """A coordinator sees no household, and yet counts every one of them."""
    desk = replace(office, sight=eyes(facts)["coordinator"])
    found = []
    for one in (office, desk):
        with one.reading() as session:
            assessed = impact.compute_impact(session, office.policy(), facts["incident"]).impact
            numbers = duty.district_numbers(session, one.act(), office.policy())
            reach = welfare.service_reach(session, office.policy(), with_areas=False)
            is_synthetic = places.has_synthetic(session, "house")
        found.append([assessed.by_village.to_json(), json.dumps(numbers), json.dumps(reach.by_town), is_synthetic])
    assert found[0] == found[1]
