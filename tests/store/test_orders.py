"""An order steps through its states, stock follows, every step stays; plans need a second person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from store_play import ACT, receipt

from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.model.relief import DispatchOrder, OrderLine, OrderState
from geo_minzheng.store import ledger
from geo_minzheng.store.orders import STEPS, Step, advance, draft_order, list_orders, mark_paper, read_order
from geo_minzheng.store.plans import ApprovalRecord, PlanRecord, approve_plan, papers_due, sign_paper, store_plan
from geo_minzheng.store.records import add, find, one
from geo_minzheng.store.session import store_session
from geo_minzheng.store.stock import movement_rows, stock_rows
from geo_minzheng.store.tables import Incident, Line, OrderEvent, Plan
from geo_minzheng.store.verify import verify

S = OrderState
FLOOD = replace(ACT, incident="I-1", who="调运员")


@pytest.fixture
def session(shared):
    with store_session(shared) as session:
        for number, drill in (("I-1", False), ("I-演", True)):
            add(
                session, ACT, "incident.declare",
                Incident(incident_id=number, name="洪水", hazard="flood", occurred_at=ACT.at, exercise=drill),
            )  # fmt: skip
        ledger.receive(
            session, ACT, "入-1", [receipt("W1", "L1", 100), receipt("W1", "L2", 50, item="rice", unit="千克")]
        )
        yield session
        assert {name: found for name, found in verify(session).items() if not found.is_ok} == {}


def order(order_id="O-1", first=30, second=12.5, **other):
    lines = (
        OrderLine("tent_12", "帐篷", "12平方米", "顶", "L1", None, 28, first, {"420704100201": first}),
        OrderLine("rice", "大米", "", "千克", "L2", 10, 12.5, second, {"a": second - 2.5, "b": 2.5}),
    )
    given = {
        "order_id": order_id, "number": "", "incident": "I-1", "plan_hash": "h", "state": S.DRAFTED, "warehouse": "W1",
        "warehouse_name": "区库", "receiver": "S1", "receiver_name": "庙岭接收点", "contact_name": "DEMO-1",
        "contact_phone": "DEMO", "route": ("R1", "R2"), "travel_min": 42.5, "deadline": ACT.at + timedelta(hours=6),
        "cutoff": ACT.at, "proposer": "提案人", "signer": "", "lines": lines,
    }  # fmt: skip
    return DispatchOrder(**(given | other))


def stock(session):
    return [(row.quantity, row.reserved) for row in stock_rows(session)]


def test_an_order_reads_back(session):
    draft_order(session, FLOOD, order())
    assert read_order(session, "O-1") == order()
    assert list_orders(session, "I-1") == [order()]
    assert list_orders(session, "I-2") == []
    assert stock(session) == [(100, 0), (50, 0)]
    with pytest.raises(RefusedError, match="duplicate"):
        draft_order(session, FLOOD, order())


def test_stock_follows_the_steps(session):
    draft_order(session, FLOOD, order())
    advance(session, FLOOD, "O-1", S.APPROVED, Step(signer="局长", number="华应调〔2026〕1号"))
    assert stock(session) == [(100, 30), (50, 12.5)]
    advance(session, FLOOD, "O-1", S.ISSUED)
    advance(session, FLOOD, "O-1", S.PICKING, Step(voucher="出-1", quantities={2: 10}))
    assert stock(session) == [(70, 0), (40, 0)]
    assert {row.voucher for row in movement_rows(session, order_id="O-1")} == {"出-1"}
    advance(session, FLOOD, "O-1", S.IN_TRANSIT)
    advance(session, FLOOD, "O-1", S.ARRIVED)
    with pytest.raises(RefusedError, match="order_note"):
        advance(session, FLOOD, "O-1", S.RECEIVED_WITH_VARIANCE, Step(quantities={1: 29}))
    advance(session, FLOOD, "O-1", S.RECEIVED_WITH_VARIANCE, Step(note="运损一顶", quantities={1: 29}))
    advance(session, FLOOD, "O-1", S.DISTRIBUTED)
    advance(session, FLOOD, "O-1", S.RECONCILED)
    lines = find(session, Line, order_id="O-1")
    assert [(ln.approved_milli, ln.shipped_milli, ln.received_milli) for ln in lines] == [
        (30_000, 30_000, 29_000), (12_500, 10_000, 10_000),
    ]  # fmt: skip
    events = find(session, OrderEvent, order_id="O-1")
    assert [e.step_no for e in events] == list(range(1, 10))
    assert [e.from_state for e in events[1:]] == [e.to_state for e in events[:-1]]
    now = read_order(session, "O-1")
    assert (now.state, now.signer, now.number) == (S.RECONCILED, "局长", "华应调〔2026〕1号")


@pytest.mark.parametrize("now", list(S))
def test_no_step_but_those_of_the_state_machine(now):
    assert STEPS[now] <= set(S)
    assert (S.CANCELLED in STEPS[now]) is (now in {S.DRAFTED, S.APPROVED, S.ORAL_ORDER, S.ISSUED})


def test_steps_cannot_be_skipped_or_repeated(session):
    draft_order(session, FLOOD, order())
    for to in set(S) - STEPS[S.DRAFTED]:
        with pytest.raises(RefusedError, match="order_step"):
            advance(session, FLOOD, "O-1", to, Step(note="x", voucher="出-1"))
    advance(session, FLOOD, "O-1", S.APPROVED)
    with pytest.raises(RefusedError, match="order_step"):
        advance(session, FLOOD, "O-1", S.APPROVED)
    assert stock(session) == [(100, 30), (50, 12.5)]
    with pytest.raises(NotFoundError):
        advance(session, FLOOD, "no_such_order", S.APPROVED)


def test_an_order_by_phone_lets_the_lorry_go(session):
    draft_order(session, FLOOD, order())
    due = ACT.at + timedelta(hours=48)
    advance(session, FLOOD, "O-1", S.ORAL_ORDER, Step(signer="区长", paper_due=due))
    advance(session, FLOOD, "O-1", S.ISSUED)
    now = read_order(session, "O-1")
    assert (now.is_oral, now.paper_due, now.paper_signed) == (True, due, False)
    mark_paper(session, FLOOD, "O-1", ACT.at)
    assert read_order(session, "O-1").paper_signed
    assert read_order(session, "O-1").state is S.ISSUED


def test_cancelling_gives_the_promise_back(session):
    draft_order(session, FLOOD, order())
    advance(session, FLOOD, "O-1", S.APPROVED)
    with pytest.raises(RefusedError, match="order_note"):
        advance(session, FLOOD, "O-1", S.CANCELLED)
    advance(session, FLOOD, "O-1", S.CANCELLED, Step(note="道路中断"))
    assert stock(session) == [(100, 0), (50, 0)]


def test_a_second_incident_cannot_be_promised_the_same_goods(session):
    draft_order(session, FLOOD, order(first=80))
    draft_order(session, FLOOD, order("O-2", first=30))
    advance(session, FLOOD, "O-1", S.APPROVED)
    with pytest.raises(RefusedError, match="short"):
        advance(session, FLOOD, "O-2", S.APPROVED)
    assert read_order(session, "O-2").state is S.DRAFTED
    assert stock(session) == [(100, 80), (50, 12.5)]


def test_a_drill_takes_the_steps_and_touches_no_stock(session):
    drill = replace(FLOOD, incident="I-演", exercise=True)
    draft_order(session, drill, order(incident="I-演"))
    with pytest.raises(RefusedError, match="exercise"):
        advance(session, FLOOD, "O-1", S.APPROVED)
    for to in (S.APPROVED, S.ISSUED, S.PICKING, S.IN_TRANSIT, S.ARRIVED, S.RECEIVED):
        advance(session, drill, "O-1", to, Step(voucher="演-1"))
    advance(session, drill, "O-1", S.DISTRIBUTED)
    assert stock(session) == [(100, 0), (50, 0)]
    assert [line.received_milli for line in find(session, Line)] == [30_000, 12_500]


def test_orders_that_do_not_add_up(session):
    line = replace(order().lines[0], villages={"a": 1})
    with pytest.raises(InputError, match="order_breakdown"):
        draft_order(session, FLOOD, order(lines=(line,)))
    with pytest.raises(InputError, match="order_no_lines"):
        draft_order(session, FLOOD, order(lines=()))


def plan(plan_id="P-1", **other):
    given = {"incident": "I-1", "document": {"lines": []}, "input_hash": "i", "plan_hash": "h", "policy_version": "v"}
    return PlanRecord(plan_id=plan_id, status="optimal", **(given | other))


def approval(**other):
    return ApprovalRecord(**({"plan_id": "P-1", "plan_hash": "h", "approver": "局长", "decided_at": ACT.at} | other))


def test_a_new_plan_is_a_new_version(session):
    store_plan(session, FLOOD, plan())
    store_plan(session, FLOOD, plan("P-2", reason="道路中断"))
    assert [(p.version, p.supersedes) for p in find(session, Plan)] == [(1, None), (2, "P-1")]
    with pytest.raises(RefusedError, match="duplicate"):
        store_plan(session, FLOOD, plan("P-2"))
    with pytest.raises(RefusedError, match="plan_superseded"):
        approve_plan(session, FLOOD, approval())


def test_two_people_and_the_plan_that_was_shown(session):
    store_plan(session, FLOOD, plan())
    for wrong, key in (
        ({"approver": "调运员"}, "own_plan"),
        ({"leader": "调运员"}, "own_plan"),
        ({"plan_hash": "other"}, "plan_hash"),
        ({"verdict": "rejected"}, "constraint"),
        ({"mode": "no_such_mode"}, "constraint"),
    ):
        with pytest.raises(RefusedError, match=key):
            approve_plan(session, FLOOD, approval(**wrong))
    with pytest.raises(NotFoundError):
        sign_paper(session, FLOOD, "P-1", scan="s", sha256="x", signed_at=ACT.at)
    approve_plan(session, FLOOD, approval())
    with pytest.raises(RefusedError, match="duplicate"):
        approve_plan(session, FLOOD, approval())


def test_by_phone_needs_leader_recorder_witness_and_starts_the_clock(session):
    store_plan(session, FLOOD, plan())
    due = ACT.at + timedelta(hours=48)
    oral = {
        "mode": "oral",
        "approver": "区长",
        "leader": "区长",
        "recorder": "值班员",
        "witness": "副班",
        "paper_due": due,
    }
    for lack in ({"witness": ""}, {"witness": "值班员"}, {"leader": ""}, {"paper_due": None}, {"recorder": "区长"}):
        with pytest.raises(RefusedError, match="oral_incomplete"):
            approve_plan(session, FLOOD, approval(**(oral | lack)))
    approve_plan(session, FLOOD, approval(**oral))
    assert papers_due(session, due - timedelta(seconds=1)) == []
    assert [a.plan_id for a in papers_due(session, due)] == ["P-1"]
    sign_paper(session, FLOOD, "P-1", scan="scan-uuid", sha256="x", signed_at=due)
    assert papers_due(session, due) == []
    assert one(session, Plan, plan_id="P-1").result_hash == "h"
