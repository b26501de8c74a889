"""Nobody approves their own, however the name is typed: every approval-like act, refused in both languages."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from store_play import ACT, fresh_file

from geo_minzheng.bootstrap import sentences
from geo_minzheng.errors import NotFoundError, RefusedError
from geo_minzheng.model.relief import DispatchOrder, OrderLine, OrderState
from geo_minzheng.services import response, village_review
from geo_minzheng.store import orders, plans, records, reports
from geo_minzheng.store.second_person import are_different, is_among, person
from geo_minzheng.store.session import make_engine, store_session
from geo_minzheng.store.tables import Incident, ProgrammeRun

FLOOD = replace(ACT, incident="I-1")
NAMES = st.text(st.sampled_from("张王李赵ABab１2"), min_size=1, max_size=4)
# One person, typed otherwise: blanks, width, case.
SPELT = st.sampled_from([
    str, lambda n: f" {n} ", "　".join, str.upper, lambda n: n.translate({ord("1"): "１", ord("A"): "Ａ"}),
])  # fmt: skip


@pytest.fixture(scope="module")
def engine(template, tmp_path_factory):
    made = make_engine(fresh_file(template, tmp_path_factory.mktemp("second") / "district.gpkg"))
    with store_session(made) as session:
        records.add(session, FLOOD, "incident.declare",
                    Incident(incident_id="I-1", name="测试", hazard="flood", occurred_at=ACT.at))  # fmt: skip
        session.commit()
    yield made
    made.dispose()


def plan_of(session, proposer):
    record = plans.PlanRecord("I-1/P1", "I-1", {"lines": []}, "a" * 64, "b" * 64, "v", "optimal")
    plans.store_plan(session, replace(FLOOD, who=proposer), record)


def approve(session, one, two, **more):
    plan_of(session, one)
    plans.approve_plan(session, FLOOD, plans.ApprovalRecord("I-1/P1", "b" * 64, two, ACT.at, **more))


def reject(session, one, two):
    approve(session, one, two, verdict="rejected", reason="重做")


def by_phone(session, one, two, *, leader="局长", recorder="记录", witness="见证"):
    people = {"leader": leader, "recorder": recorder, "witness": witness}
    approve(session, one, two, mode="oral", paper_due=ACT.at + timedelta(hours=48), **people)


def confirm(session, one, two, *, behalf=None):
    post = reports.ReportPost("u-1", "I-1", "420704001001", {"deaths": 0}, on_behalf=behalf)
    reports.post_report(session, replace(FLOOD, who=one), post)
    reports.review_report(session, replace(FLOOD, who=two), "u-1", "confirmed")


def sign(session, one, two):
    line = OrderLine("rice", "大米", "", "千克", "L", None, 1.0, 1.0, {})
    order = DispatchOrder(
        order_id="O-1", number="", incident="I-1", plan_hash="", state=OrderState.DRAFTED, warehouse="W",
        warehouse_name="W", receiver="R", receiver_name="R", contact_name="", contact_phone="", route=(), travel_min=1,
        deadline=ACT.at, cutoff=ACT.at, proposer=one, signer="", lines=(line,),
    )  # fmt: skip
    drill = replace(FLOOD, exercise=True)
    orders.draft_order(session, drill, order)
    orders.advance(session, drill, "O-1", OrderState.APPROVED, orders.Step(signer=two))


def decide(session, one, two):
    """The level: ``one`` records, ``two`` decides; who is one person is refused before any figure is read."""
    try:
        response.decide_level(session, replace(FLOOD, who=one), None, "I-1", response.Decision("IV", two))
    except (AttributeError, NotFoundError):
        assert not is_among(one, two), "only the figures were missing"


def answer(session, one, two):
    made = {"against_review": [{"first": "C-1", "second": "C-2"}], "programmes": []}
    run = ProgrammeRun(run_id="2026/1", year=2026, status="optimal", policy_version="v", input_hash="", result_hash="",
                       document=made)  # fmt: skip
    records.add(session, replace(FLOOD, who=one), "housing.programme", run)
    village_review.give_reason(session, replace(FLOOD, who=two), "C-1", "现场复核")


ACTS = {
    "plan approved": (approve, "store.own_plan"),
    "plan rejected": (reject, "store.own_plan"),
    "approved by phone by its proposer": (lambda s, a, b: by_phone(s, a, b, leader=b), "store.own_plan"),
    "phone, leader and recorder": (
        lambda s, a, b: by_phone(s, "调运", a, leader=a, recorder=b), "store.oral_incomplete"),
    "phone, leader and witness": (
        lambda s, a, b: by_phone(s, "调运", a, leader=a, witness=b), "store.oral_incomplete"),
    "phone, recorder and witness": (
        lambda s, a, b: by_phone(s, "调运", "局长", recorder=a, witness=b), "store.oral_incomplete"),
    "report confirmed": (confirm, "report.own_report"),
    "report confirmed by its caller": (
        lambda s, a, b: confirm(s, "代报", b, behalf={"caller": a}), "report.own_report"),
    "order signed": (sign, "store.own_order"),
    "level decided": (decide, "response.own_level"),
    "deviation from the review answered for": (answer, "housing.own_reason"),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTS)
@settings(max_examples=25)
@given(one=NAMES, spelt=SPELT)
def test_one_person_is_refused_however_the_name_is_typed(engine, name, one, spelt):
    act, key = ACTS[name]
    assume(person(spelt(one)) == person(one))
    with store_session(engine) as session:
        with pytest.raises(RefusedError) as refused:
            act(session, one, spelt(one))
        session.rollback()
    assert refused.value.key == key
    zh, en = sentences(refused.value)
    assert zh != en and "{" not in zh + en and not zh.startswith("error.")
    assert any("CJK" in unicodedata.name(c, "") for c in zh)


@pytest.mark.parametrize("name", ACTS)
@settings(max_examples=8)
@given(one=NAMES, two=NAMES)
def test_a_second_person_is_heard(engine, name, one, two):
    assume(are_different(one, two))
    with store_session(engine) as session:
        ACTS[name][0](session, one, two)
        session.rollback()


def test_nobody_is_no_second_person():
    assert not are_different("甲", "") and not are_different("甲", "　") and not is_among("", "")
    assert are_different("甲", "乙", "丙") and not are_different("甲", "乙", "甲 ")
