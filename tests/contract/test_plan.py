"""Every plan.json the product writes keeps the contract, judged from the file alone."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import plan_check
import pytest
from desk import NIGHT, Desk, flooded, strict_json

ROOT = Path(__file__).resolve().parents[2]
FLOOD = ROOT / "layers" / "demo" / "flood_2026.geojson"
N = "N1"


def _plan(out: Path) -> dict[str, Any]:
    return dict(strict_json((out / "plan.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def night(desk: Desk) -> Desk:
    flooded(desk, N, FLOOD)
    return desk


def _made(night: Desk, *words: object) -> dict[str, Any]:
    return dict(night.do("relief", "plan", "--incident", N, *words))


def _sound(plan: dict[str, Any]) -> None:
    found = plan_check.faults(plan)
    assert not found, found[:20]


def test_the_demo_plan_is_sound(demo_out):
    plan = _plan(demo_out)
    _sound(plan)
    assert plan["status"] == "optimal" and plan["lines"] and plan["isolated"]
    assert any(c["reason"] for c in plan["coverage"]) and any(not c["reason"] for c in plan["coverage"])


def test_the_plan_on_liechtensteins_real_roads_is_sound(liechtenstein_out):
    plan = _plan(liechtenstein_out)
    _sound(plan)
    assert plan["lines"]


def test_plans_of_the_command_line_are_sound_under_every_wish(night):
    free = _made(night)
    _sound(free)
    assert free["status"] == "optimal" and free["lines"]
    travel = sorted(t["minutes"] for t in free["travel"])
    tight = _made(night, "--deadline", travel[len(travel) // 4])
    _sound(tight)
    assert tight["limits"]["deadline_min"] == pytest.approx(travel[len(travel) // 4])
    assert max(line["arrive_min"] for line in tight["lines"]) <= tight["limits"]["deadline_min"]
    assert tight["input_hash"] != free["input_hash"] and tight["plan_hash"] != free["plan_hash"]
    none = _made(night, "--deadline", 0)
    _sound(none)
    assert not none["lines"] and {c["reason"]["code"] for c in none["coverage"] if c["reason"]} <= {
        "deadline", "no_road", "stock", "no_stock"
    }  # fmt: skip


def test_plans_with_lorry_hours_keep_them_and_say_how_far_from_proven(night):
    stores = sorted({s["warehouse"] for s in night.do("stock", "list") if s["movable"]})
    plan = _made(night, *(word for w in stores for word in ("--lorry-hours", f"{w}=3")))
    _sound(plan)
    assert plan["limits"]["lorry_hours"] == dict.fromkeys(stores, 3.0)
    assert plan["lines"]
    wide = _made(night, *(word for w in stores for word in ("--lorry-hours", f"{w}=100000")))
    _sound(wide)
    free = _made(night)
    assert wide["lines"] == free["lines"] and wide["plan_hash"] == free["plan_hash"]


def test_every_vehicle_class_gets_its_own_sound_plan(night):
    told = night.refused("relief", "plan", "--incident", N, "--vehicle", "no_such_vehicle")
    allowed = told["message"].split("：")[1].rstrip("。").split("、")
    assert len(allowed) > 1
    ways = {}
    for vehicle in allowed:
        plan = _made(night, "--vehicle", vehicle)
        _sound(plan)
        assert plan["lorry"]["vehicle"] == vehicle
        ways[vehicle] = {(t["warehouse"], t["village"]) for t in plan["travel"]}
    assert len({frozenset(w) for w in ways.values()}) > 1, "the depth each vehicle wades must matter somewhere"


def test_closures_give_sound_plans_and_never_a_shorter_way_in_the_own_town(night):
    before = _made(night)
    for road in _busiest(night, before, 3):
        night.do("road", "close", road, "--incident", N, "--reason", "测试")
    after = _made(night)
    _sound(after)
    assert before["input_hash"] != after["input_hash"]
    changes = night.do("relief", "diff", before["plan_id"], after["plan_id"])
    sums: dict[tuple[str, str, str], list[float]] = {}
    for k, plan in enumerate((before, after)):
        for x in plan["lines"]:
            sums.setdefault((x["warehouse"], x["village"], x["item"]), [0.0, 0.0])[k] += x["quantity"]
    moved = {key: pair for key, pair in sums.items() if abs(pair[0] - pair[1]) > 1e-6}
    assert {(c["warehouse"], c["village"], c["item"]): [c["before"], c["after"]] for c in changes} == {
        key: pytest.approx(pair) for key, pair in moved.items()
    }


def _busiest(night: Desk, plan: dict[str, Any], count: int) -> list[str]:
    flooded_ = set(night.do("road", "list", "--incident", N)["closed"])
    rows = night.do("road", "critical")
    return [s["roads"][0] for s in rows if s["roads"][0] not in flooded_][:count]


def test_with_every_road_closed_nothing_moves_and_every_reason_says_so(fresh, tmp_path):
    desk = Desk(Path(shutil.copytree(fresh, tmp_path / "home")))
    flooded(desk, N, FLOOD)
    _close_all(desk.home, N)
    plan = desk.do("relief", "plan", "--incident", N)
    _sound(plan)
    assert not plan["lines"] and plan["coverage"]
    assert {c["reason"]["code"] for c in plan["coverage"]} <= {"no_road", "stock", "no_stock"}
    assert len(plan["isolated"]) > 50
    again = desk.do("relief", "show", "--incident", N)
    assert again["plan_hash"] == plan["plan_hash"]
    approver = desk.named("批准人丙")
    assert approver.refused("relief", "approve", plan["plan_id"])["error"] == "relief.nothing_to_send"
    files = desk.do("relief", "orders", "--incident", N, "--out", tmp_path / "papers")["files"]
    assert all(Path(f).stat().st_size > 1000 for f in files) and len(files) == 2


def _close_all(home: Path, incident: str) -> None:
    from geo_minzheng.bootstrap import open_bureau
    from geo_minzheng.services import places
    from geo_minzheng.settings import read_settings
    from geo_minzheng.store import records
    from geo_minzheng.store.tables_flood import Closure

    office = open_bureau(read_settings({}, home=home, now=NIGHT), who="值班员甲")
    with office.transaction(incident=incident) as (session, act):
        for road in places.table(session, "road")["road_id"].astype(str):
            row = Closure(incident=incident, road_id=road, state="closed", reason="测试", source="", exercise=False)
            records.add(session, act, "road.closed", row)


def test_the_same_inputs_give_the_same_hashes_in_any_process(night, tmp_path):
    told = []
    for seed in ("1", "2"):
        home = shutil.copytree(night.home, tmp_path / seed)
        done = subprocess.run(
            [sys.executable, "-m", "geo_minzheng.cli", "relief", "plan", "--incident", N, "--json"],
            capture_output=True, text=True, check=True, cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
            | {"PYTHONHASHSEED": seed, "GEO_MINZHENG_HOME": str(home), "GEO_MINZHENG_NOW": NIGHT},
        )  # fmt: skip
        told.append(strict_json(done.stdout))
    assert told[0] == told[1]


def test_the_stored_plan_is_what_was_answered(night):
    made = _made(night)
    stored = night.do("relief", "show", "--incident", N)
    assert stored == made


@pytest.fixture(scope="module")
def honest(demo_out):
    return _plan(demo_out)


def _twist(name: str, plan: dict[str, Any]) -> None:
    """Plant one bug in a plan."""
    lines, rows = plan["lines"], plan["coverage"]
    short = next(c for c in rows if c["reason"] and c["got"])
    match name:
        case "one package more than the lot may give":
            lot = next(s for s in plan["stock"] if any(x["batch"] == s["batch"] for x in lines))
            lot["movable"] = 0.0
        case "a broken package":
            lines[0]["quantity"] += 0.1
        case "an early arrival":
            lines[0]["arrive_min"] -= 1
        case "a way that is not open":
            pair = (lines[0]["warehouse"], lines[0]["village"])
            plan["travel"] = [t for t in plan["travel"] if (t["warehouse"], t["village"]) != pair]
        case "a wrong need":
            short["need_packed"] += 1
        case "no reason":
            short["reason"] = None
        case "a reason for nothing":
            next(c for c in rows if not c["reason"])["reason"] = {"code": "stock", "text": "x"}
        case "a lost island":
            plan["isolated"].pop()
        case "a better bound":
            plan["stages"][-1]["bound"] *= 0.9
        case "a wrong sum of minutes":
            plan["stages"][-1]["objective"] += 5
            plan["stages"][-1]["bound"] += 5
        case "an unfair swap":
            _swap(plan)
        case "a longer way":
            _detour(plan)
        case "a late lot first":
            _late_lot(plan)
        case "a missing field":
            del lines[0]["receiver"]


def _size(plan: dict[str, Any], item: str) -> float:
    return float(next(p["size"] for p in plan["packages"] if p["item"] == item))


def _row(plan: dict[str, Any], village: str, item: str) -> dict[str, Any]:
    return next(c for c in plan["coverage"] if (c["village"], c["item"]) == (village, item))


def _swap(plan: dict[str, Any]) -> None:
    """Take a package from one short village and give it to another from the same lot."""
    for a in plan["lines"]:
        for b in plan["lines"]:
            same = (a["warehouse"], a["item"], a["batch"]) == (b["warehouse"], b["item"], b["batch"])
            size = _size(plan, a["item"])
            to = _row(plan, b["village"], b["item"])
            if same and a["village"] != b["village"] and a["quantity"] > size and to["got"] + size < to["need_packed"]:
                for line, sign in ((a, -1), (b, 1)):
                    line["quantity"] += sign * size
                    row = _row(plan, line["village"], line["item"])
                    row["got"] += sign * size
                    row["rate"] = row["got"] / row["need_packed"]
                    layer = next(
                        x for x in row["layers"] if (x["got"] > 0 if sign < 0 else x["got"] < x["need_packed"])
                    )
                    layer["got"] += sign * size
                return
    raise AssertionError("no pair to swap")


def _detour(plan: dict[str, Any]) -> None:
    """Let two stores exchange a package of two villages, so that both travel farther."""
    minutes = {(t["warehouse"], t["village"]): t["minutes"] for t in plan["travel"]}
    tons = {p["item"]: p["kg"] / 1000 for p in plan["packages"]}
    for a in plan["lines"]:
        for b in plan["lines"]:
            cross = ((a["warehouse"], b["village"]), (b["warehouse"], a["village"]))
            if a["item"] != b["item"] or a["warehouse"] == b["warehouse"] or not set(cross) <= set(minutes):
                continue
            longer = minutes[cross[0]] + minutes[cross[1]] - a["arrive_min"] - b["arrive_min"]
            size = _size(plan, a["item"])
            if longer <= 0.1 or a["quantity"] <= size or b["quantity"] <= size:
                continue
            for line, way, other in ((a, cross[0], b), (b, cross[1], a)):
                line["quantity"] -= size
                plan["lines"].append({**line, "village": other["village"], "quantity": size, "arrive_min": minutes[way],
                                      "receiver": "X"})  # fmt: skip
            plan["stages"][-1]["objective"] += longer * tons[a["item"]]
            plan["stages"][-1]["bound"] += longer * tons[a["item"]]
            return
    raise AssertionError("no detour")


def _late_lot(plan: dict[str, Any]) -> None:
    for line in plan["lines"]:
        lot = next(s for s in plan["stock"] if (s["warehouse"], s["item"], s["batch"]) == (
            line["warehouse"], line["item"], line["batch"]))  # fmt: skip
        used = sum(
            x["quantity"] for x in plan["lines"] if x["batch"] == lot["batch"] and x["warehouse"] == lot["warehouse"]
        )
        if used == lot["movable"]:
            lot["expiry"] = "2026-08-01"
            plan["stock"].append({**lot, "batch": "SOONER", "expiry": "2026-07-20"})
            return
    raise AssertionError("no lot used up")


@pytest.mark.parametrize(
    "bug",
    [
        "one package more than the lot may give", "a broken package", "an early arrival", "a way that is not open",
        "a wrong need", "no reason", "a reason for nothing", "a lost island", "a better bound",
        "a wrong sum of minutes",
        "an unfair swap", "a longer way", "a late lot first", "a missing field",
    ],
)  # fmt: skip
def test_a_planted_bug_turns_the_check_red(honest, bug):
    plan = copy.deepcopy(honest)
    _twist(bug, plan)
    assert plan_check.faults(plan)


def test_the_checker_shares_as_the_contract_says():
    from fractions import Fraction

    one = Fraction(1)
    ways = {"a": frozenset("W"), "b": frozenset("W")}
    assert plan_check.leximin({"a": 10, "b": 1}, {"a": one, "b": one}, ways, {"W": 5}, {"a": 0, "b": 0}) == {
        "a": 4,
        "b": 1,
    }


def test_the_checker_knows_nothing_of_the_product():
    source = Path(plan_check.__file__).read_text(encoding="utf-8")
    assert "geo_minzheng" not in source
    assert json.dumps(plan_check.HEAD)
