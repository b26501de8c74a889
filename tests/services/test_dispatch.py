"""Two people, one stock: approval, oral orders, promises, picking, cancelling, drills."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from desk import NIGHT, Desk, desk_at, flooded

from geo_minzheng.bootstrap import open_bureau, parse_moment
from geo_minzheng.services import dispatch
from geo_minzheng.settings import read_settings

FLOOD = Path(__file__).resolve().parents[2] / "layers" / "demo" / "flood_2026.geojson"
A, B = "A1", "B1"
PROPOSER, APPROVER, CLERK, WITNESS = "应急指挥乙", "批准人丙", "值班员甲", "值班员庚"


def _plan(desk: Desk, incident: str, *words: object) -> dict[str, Any]:
    return dict(desk.named(PROPOSER).do("relief", "plan", "--incident", incident, *words))


def _lots(desk: Desk) -> dict[tuple[str, str], dict[str, Any]]:
    return {(r["warehouse"], r["lot_no"]): r for r in desk.do("stock", "list")}


def _promised(lines: list[dict[str, Any]]) -> dict[tuple[str, str], float]:
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for line in lines:
        sums[line["warehouse"], line["batch"]] += line["quantity"]
    return sums


def _orders(desk: Desk, incident: str) -> dict[str, dict[str, Any]]:
    return {o["order_id"]: o for o in desk.do("relief", "orders", "--incident", incident)["orders"]}


@pytest.fixture(scope="module")
def ready(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two floods at once, each with its impact; read only."""
    desk = desk_at(fresh, tmp_path_factory.mktemp("ready") / "home")
    flooded(desk, A, FLOOD)
    flooded(desk, B, FLOOD)
    return desk.home


@pytest.fixture
def two(ready: Path, tmp_path: Path) -> Desk:
    return desk_at(ready, tmp_path / "home")


def test_nobody_approves_their_own_plan_and_a_superseded_plan_is_not_approved(two):
    first = _plan(two, A)
    assert two.named(PROPOSER).refused("relief", "approve", first["plan_id"])["error"] == "store.own_plan"
    second = _plan(two, A, "--reason", "新版")
    assert second["version"] == first["version"] + 1 and second["plan_hash"] == first["plan_hash"]
    told = two.named(APPROVER).refused("relief", "approve", first["plan_id"])
    assert told["error"] == "store.plan_superseded"
    assert not _orders(two, A)
    assert two.refused("relief", "approve", "no-such-plan")["error"] == "store.not_found"
    done = two.named(APPROVER).do("relief", "approve", second["plan_id"])
    assert done["mode"] == "written" and done["approver"] == APPROVER and done["paper_due"] is None
    assert two.named(APPROVER).refused("relief", "approve", second["plan_id"])["error"] == "store.duplicate"
    assert two.do("verify")["ledger"] == "ok"


def test_a_rejected_plan_needs_a_reason_and_stays_rejected(two):
    plan = _plan(two, A)
    assert two.named(APPROVER).refused("relief", "reject", plan["plan_id"], "--reason", " ")
    assert (
        two.named(PROPOSER).refused("relief", "reject", plan["plan_id"], "--reason", "太慢")["error"]
        == "store.own_plan"
    )
    two.named(APPROVER).do("relief", "reject", plan["plan_id"], "--reason", "路线太远")
    assert two.named(APPROVER).refused("relief", "approve", plan["plan_id"])["error"] == "store.duplicate"
    assert not _orders(two, A) and all(r["reserved"] == 0 for r in two.do("stock", "list"))


def test_approval_promises_picking_takes_and_cancelling_gives_back(two):
    before = _lots(two)
    plan = _plan(two, A)
    assert all(r["reserved"] == 0 for r in _lots(two).values()), "a plan alone promises nothing"
    done = two.named(APPROVER).do("relief", "approve", plan["plan_id"])
    promised = _promised(plan["lines"])
    held = _lots(two)
    for key, row in held.items():
        assert row["quantity"] == before[key]["quantity"]
        assert row["reserved"] == pytest.approx(promised.get(key, 0.0))
        assert row["movable"] <= max(0.0, row["quantity"] - row["reserved"])
    orders = _orders(two, A)
    assert set(done["orders"]) == set(orders)
    assert {o["state"] for o in orders.values()} == {"approved"}
    sums: dict[tuple[str, str], float] = defaultdict(float)
    for order in orders.values():
        for line in order["lines"]:
            sums[order["warehouse"], line["lot_no"]] += line["approved"]
            assert sum(line["villages"].values()) == pytest.approx(line["approved"])
    assert sums == {key: pytest.approx(value) for key, value in promised.items()}
    first, last = done["orders"][0], done["orders"][-1]
    for state in ("in_transit", "picking"):
        assert two.refused("relief", "order", first, "--to", state)["error"] == "store.order_step"
    two.do("relief", "order", first, "--to", "issued")
    two.do("relief", "order", first, "--to", "picking", "--voucher", "CK-1")
    picked = {(orders[first]["warehouse"], x["lot_no"]): 0.0 for x in orders[first]["lines"]}
    for line in orders[first]["lines"]:
        picked[orders[first]["warehouse"], line["lot_no"]] += line["approved"]
    after = _lots(two)
    for key, quantity in picked.items():
        assert after[key]["quantity"] == pytest.approx(before[key]["quantity"] - quantity)
        assert after[key]["reserved"] == pytest.approx(promised[key] - quantity)
    assert two.refused("relief", "order", first, "--to", "cancelled", "--note", "x")["error"] == "store.order_step"
    assert two.refused("relief", "order", last, "--to", "cancelled")["error"] == "store.order_note"
    two.do("relief", "order", last, "--to", "cancelled", "--note", "改由他处供应")
    back = _lots(two)
    for line in orders[last]["lines"]:
        key = (orders[last]["warehouse"], line["lot_no"])
        assert back[key]["reserved"] <= after[key]["reserved"] - line["approved"] + 1e-9
    for state in ("in_transit", "arrived", "received", "distributed"):
        two.do("relief", "order", first, "--to", state)
    assert two.do("verify") == dict.fromkeys(two.do("verify"), "ok")


def test_two_incidents_never_get_the_same_stock(two):
    before = _lots(two)
    first, second = _plan(two, A), _plan(two, B)
    assert _promised(first["lines"]) and first["plan_hash"] == second["plan_hash"]
    two.named(APPROVER).do("relief", "approve", first["plan_id"])
    told = two.named(APPROVER).refused("relief", "approve", second["plan_id"])
    assert told["error"] == "ledger.short"
    assert not _orders(two, B), "a refused approval leaves nothing behind"
    again = _plan(two, B, "--reason", "库存已被占用")
    assert again["plan_id"] != second["plan_id"]
    used = _promised(first["lines"])
    for key, quantity in _promised(again["lines"]).items():
        assert used.get(key, 0.0) + quantity <= before[key]["movable"] + 1e-6
    if again["lines"]:
        two.named(APPROVER).do("relief", "approve", again["plan_id"])
    for row in _lots(two).values():
        assert row["reserved"] <= row["quantity"] + 1e-9


def test_what_is_on_the_way_is_not_sent_twice(two):
    plan = _plan(two, A)
    needs = {r["item"]: r for r in two.do("relief", "need", "--incident", A)}
    two.named(APPROVER).do("relief", "approve", plan["plan_id"])
    got: dict[str, float] = defaultdict(float)
    for line in plan["lines"]:
        got[line["item"]] += line["quantity"]
    after = {r["item"]: r for r in two.do("relief", "need", "--incident", A)}
    for item, row in after.items():
        assert row["raw"] == needs[item]["raw"]
        assert row["in_transit"] == pytest.approx(got[item])
        assert max(0.0, needs[item]["net"] - got[item]) - 1e-6 <= row["net"] <= needs[item]["net"]
    second = _plan(two, A)
    covered = {(c["village"], c["item"]) for c in plan["coverage"] if not c["reason"]}
    assert not covered & {(c["village"], c["item"]) for c in second["coverage"]}
    totals: dict[tuple[str, str], float] = defaultdict(float)
    for line in (*plan["lines"], *second["lines"]):
        totals[line["village"], line["item"]] += line["quantity"]
    packed = {(c["village"], c["item"]): c["need_packed"] for c in plan["coverage"]}
    size = {p["item"]: p["size"] for p in plan["packages"]}
    for (village, item), quantity in totals.items():
        assert quantity <= packed[village, item] + size[item] + 1e-6
    order = _orders(two, A)[f"{plan['plan_id']}/1"]
    for state in ("issued", "picking", "in_transit", "arrived", "received"):
        two.do("relief", "order", order["order_id"], "--to", state)
    there = {r["item"]: r for r in two.do("relief", "need", "--incident", A)}
    here: dict[str, float] = defaultdict(float)
    for line in order["lines"]:
        here[line["item"]] += line["approved"]
    for item, row in there.items():
        assert row["on_site"] == pytest.approx(here[item])
        assert row["on_site"] + row["in_transit"] == pytest.approx(got[item])
        assert row["net"] == after[item]["net"]


def test_the_reason_of_an_approved_plan_is_still_told(two):
    plan = _plan(two, A)
    short = next(c for c in plan["coverage"] if c["reason"] and c["reason"]["code"] == "stock")
    words = ("relief", "why", "--incident", A, "--village", short["village"], "--item", short["item"])
    before = two.do(*words)
    two.named(APPROVER).do("relief", "approve", plan["plan_id"])
    assert two.do(*words) == before
    assert before["reason"]["code"] == "stock" and before["coverage"]["got"] == short["got"]
    assert before["changes"] and {c["change"] for c in before["changes"]} <= {
        "package",
        "road",
        "deadline",
        "lorry_hours",
    }
    full = next(c for c in plan["coverage"] if not c["reason"])
    told = two.do("relief", "why", "--incident", A, "--village", full["village"], "--item", full["item"])
    assert told["reason"] is None and told["changes"] == []
    told = two.refused("relief", "why", "--incident", A, "--village", "no_such_village", "--item", short["item"])
    assert told["error"] == "relief.no_need"


def test_by_phone_needs_all_names_and_starts_the_paper_clock(two):
    plan = _plan(two, A)
    clerk = two.named(CLERK)
    words = ("relief", "approve", plan["plan_id"], "--oral")
    assert clerk.refused(*words)["error"] == "store.oral_incomplete"
    assert clerk.refused(*words, "--leader", APPROVER)["error"] == "store.oral_incomplete"
    assert clerk.refused(*words, "--leader", APPROVER, "--witness", CLERK)["error"] == "store.oral_incomplete"
    assert clerk.refused(*words, "--leader", APPROVER, "--witness", APPROVER)["error"] == "store.oral_incomplete"
    assert clerk.refused(*words, "--leader", PROPOSER, "--witness", WITNESS)["error"] == "store.own_plan"
    decided = "2026-07-03T20:40:00+08:00"
    done = clerk.do(*words, "--leader", APPROVER, "--witness", WITNESS, "--number", "000-0001", "--decided-at", decided)
    assert datetime.fromisoformat(done["paper_due"]) == datetime.fromisoformat(decided) + timedelta(hours=48)
    orders = _orders(two, A)
    assert {o["state"] for o in orders.values()} == {"oral_order"}
    assert all(o["is_oral"] and o["signer"] == APPROVER and not o["paper_signed"] for o in orders.values())
    one = next(iter(orders))
    clerk.do("relief", "order", one, "--to", "issued")
    scan = two.home.parent / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7 signed")
    assert clerk.refused("relief", "paper", plan["plan_id"], two.home / "nothing.pdf")["error"] == "relief.no_scan"
    told = clerk.do("relief", "paper", plan["plan_id"], scan)
    assert (two.home / "papers" / f"{told['sha256']}.pdf").read_bytes() == scan.read_bytes()
    assert all(o["paper_signed"] for o in _orders(two, A).values())
    assert _orders(two, A)[one]["state"] == "issued", "the paper is a mark beside the state"


def test_a_plan_decided_in_the_future_is_refused(two):
    plan = _plan(two, A)
    words = ("relief", "approve", plan["plan_id"], "--decided-at", "2027-01-01T00:00:00+08:00")
    assert two.named(APPROVER).refused(*words)["error"] == "relief.decided_in_future"


def test_papers_overdue_are_listed_until_the_scan_is_there(two):
    plan = _plan(two, A)
    two.named(CLERK).do("relief", "approve", plan["plan_id"], "--oral", "--leader", APPROVER, "--witness", WITNESS)
    office = open_bureau(read_settings({}, home=two.home, now=NIGHT))

    def due(moment):
        with office.reading() as session:
            return [a.plan_id for a in dispatch.papers_due(session, moment) if a.plan_id == plan["plan_id"]]

    now = parse_moment(NIGHT)
    assert due(now + timedelta(hours=47, minutes=59)) == [] and due(now + timedelta(hours=48)) == [plan["plan_id"]]
    scan = two.home.parent / "scan.pdf"
    scan.write_bytes(b"%PDF-1.7")
    two.do("relief", "paper", plan["plan_id"], scan)
    assert due(now + timedelta(hours=49)) == []


def test_orders_show_what_was_asked_once(two):
    plan = _plan(two, A)
    line = plan["lines"][0]
    receiver, item = line["receiver"], line["item"]
    asked = two.do("relief", "request", "--incident", A, "--receiver", receiver, "--line", f"{item}=100000")
    assert asked["request"].startswith(A)
    two.named(APPROVER).do("relief", "approve", plan["plan_id"])
    lines = [(o, x) for o in _orders(two, A).values() for x in o["lines"]]
    told = [x["requested"] for o, x in lines if o["receiver"] == receiver and x["item"] == item]
    assert sum(told) == pytest.approx(100_000)
    others = [x["requested"] for o, x in lines if (o["receiver"], x["item"]) != (receiver, item)]
    assert others and set(others) == {None}, "pushed without a request"
    need = {(c["village"], c["item"]): c["need_packed"] for c in plan["coverage"]}
    served = {(x["village"], x["item"]) for x in plan["lines"]}
    assert sum(x["assessed"] for _, x in lines) == pytest.approx(sum(need[key] for key in served))
    assert all(x["assessed"] >= x["approved"] - 1e-9 for _, x in lines)
    brought = sum(x["approved"] for o, x in lines if (o["receiver"], x["item"]) == (receiver, item))
    assert _still_asked(two) == {(receiver, item): pytest.approx(100_000 - brought)}, "an order is no second request"


def _still_asked(desk):
    office = open_bureau(read_settings({}, home=desk.home, now=NIGHT))
    with office.reading() as session:
        return {(a.receiver, a.item): a.left for a in dispatch.list_asked(session, A) if a.left}


def test_a_drill_touches_no_stock_and_takes_no_real_number(two):
    flooded(two, "DRILL", FLOOD, "--exercise")
    before = _lots(two)
    plan = _plan(two, "DRILL")
    done = two.named(APPROVER).do("relief", "approve", plan["plan_id"])
    for order in done["orders"][:1]:
        for state in ("issued", "picking", "in_transit", "arrived", "received"):
            two.do("relief", "order", order, "--to", state)
    assert _lots(two) == before
    real = _plan(two, A)
    assert real["lines"] == plan["lines"], "what a drill promises is still there"
    two.named(APPROVER).do("relief", "approve", real["plan_id"])
    numbers = {o["number"] for o in _orders(two, A).values()}
    drill = {o["number"] for o in _orders(two, "DRILL").values()}
    assert all("演练" in n for n in drill) and not any("演练" in n for n in numbers)
    assert two.do("verify")["ledger"] == "ok"


def test_a_road_cut_after_planning_stops_the_approval(two):
    plan = _plan(two, A)
    closed = set(two.do("road", "list", "--incident", A)["closed"])
    for structure in two.do("road", "critical"):
        for road in structure["roads"]:
            if road not in closed:
                two.do("road", "close", road, "--incident", A, "--reason", "垮塌")
    said = two.named(APPROVER).run("relief", "approve", plan["plan_id"])
    assert said.code in (0, 1)
    if said.code:
        assert said.json["error"] == "relief.way_lost" and not _orders(two, A)
    else:
        assert all(o["travel_min"] < 1e6 for o in _orders(two, A).values())
    again = _plan(two, A)
    two.named(APPROVER).do("relief", "approve", again["plan_id"]) if not _orders(two, A) else None
    assert two.do("verify")["ledger"] == "ok"
