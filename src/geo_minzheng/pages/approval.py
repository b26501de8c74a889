"""The approval part of the relief page: two people, in writing or by phone, and the clock of the paper."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.services import accounts, dispatch, duty

if TYPE_CHECKING:
    from collections.abc import Callable

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.incident import Incident


# Who sits at the desk at night is offered as a witness first, then everybody else.
WITNESSES = frozenset({"emergency_coordinator", "county_disaster_officer"})


def show(office: Bureau, found: Incident, plan: Any) -> None:
    """Show the decision on a plan, or take it."""
    text = office.text
    with office.reading() as session:
        decided = dispatch.approval_of(session, plan.plan_id)
        paper = dispatch.paper_of(session, plan.plan_id)
    if decided is not None:
        _show_decision(office, found, plan, decided, paper)
        return
    frame.note(text("pages.relief.two_people", who=plan.who))
    may = office.can("relief.approve", "approval")
    decides = may and office.can("relief.decide", "approval") and not dispatch.is_own_plan(plan, office.who)
    forms = [_phone_form] if may else []
    forms += [_written_form, _reject_form] if decides else []
    for column, form in zip(st.columns(3, gap="large"), forms, strict=False):
        with column:
            form(office, found, plan)


def clock(office: Bureau, due: datetime) -> None:
    """Show how long the paper may still take, with the absolute time."""
    text = office.text
    left = duty.minutes_left(due, office.act())
    at = text.moment(due.astimezone(office.now().tzinfo), screen=True)
    if left < 0:
        st.error(text("pages.relief.paper_overdue", time=text.duration(-left), at=at))
    else:
        st.warning(text("pages.relief.paper_due", time=text.duration(left), at=at))


def _people(office: Bureau, fits: Callable[[str], bool], *, without: set[str]) -> list[str]:
    with office.reading() as session:
        known = accounts.people(session)
    return [p.name for p in known if fits(p.role) and not p.is_disabled and p.name not in without]


def _phone_form(office: Bureau, found: Incident, plan: Any) -> None:
    """Record an approval by phone: leader, number, time, witness; who acts is the recorder."""
    text, now = office.text, office.now()
    st.subheader(text("pages.relief.by_phone"), anchor=False)
    leaders = _people(office, lambda role: dispatch.is_decider(office.policy(), role), without={plan.who, office.who})
    witnesses = _people(office, WITNESSES.__contains__, without={office.who})
    witnesses += _people(office, lambda role: role not in WITNESSES, without={office.who})
    with st.form("by_phone", border=False):
        leader = st.selectbox(
            text("pages.relief.leader"), leaders, index=0 if leaders else None, accept_new_options=True
        )
        number = st.text_input(text("pages.relief.number_called"))
        first, second = st.columns(2)
        day = first.date_input(text("pages.relief.day"), value=now.date(), max_value=now.date())
        at = second.time_input(text("pages.relief.clock"), value=now.time().replace(second=0, microsecond=0), step=60)
        witness = st.selectbox(text("pages.relief.witness"), witnesses, index=0 if witnesses else None)
        frame.note(text("pages.relief.recorder", who=office.who))
        if st.form_submit_button(text("pages.relief.approve_phone"), type="primary"):
            decided = min(datetime.combine(day, at, now.tzinfo), now)
            _approve(office, found, dispatch.Approving(
                plan_id=plan.plan_id, mode="oral", plan_hash=plan.result_hash, leader=str(leader or ""),
                witness=str(witness or ""), decided_at=decided, number=number,
            ))  # fmt: skip


def _written_form(office: Bureau, found: Incident, plan: Any) -> None:
    text = office.text
    st.subheader(text("pages.relief.in_writing"), anchor=False)
    with st.form("in_writing", border=False):
        number = st.text_input(text("pages.relief.paper_number"))
        frame.note(text("pages.relief.approver", who=office.who))
        if st.form_submit_button(text("pages.relief.approve_written")):
            _approve(office, found, dispatch.Approving(
                plan_id=plan.plan_id, mode="written", plan_hash=plan.result_hash, number=number
            ))  # fmt: skip


def _reject_form(office: Bureau, found: Incident, plan: Any) -> None:
    text = office.text
    st.subheader(text("pages.relief.reject_head"), anchor=False)
    with st.form("reject", border=False):
        reason = st.text_input(text("pages.relief.reject_reason"))
        if st.form_submit_button(text("pages.relief.reject")):
            with frame.refusals(office):
                with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
                    dispatch.reject_plan(session, act, plan.plan_id, reason=reason)
                frame.say(text("pages.relief.rejected"))
                st.rerun()


def _approve(office: Bureau, found: Incident, told: dispatch.Approving) -> None:
    text = office.text
    with st.spinner(text("pages.relief.step_approve")), frame.refusals(office):
        with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
            # Orders are official papers: their words are Chinese whatever the screen speaks.
            made = dispatch.approve_plan(session, act, office.policy(), office.official_text, told)
        frame.say(text("pages.relief.approved", who=made["approver"], count=len(made["orders"])))
        st.rerun()


def _show_decision(office: Bureau, found: Incident, plan: Any, decided: Any, paper: Any) -> None:
    text, zone = office.text, office.now().tzinfo
    rows = {
        "verdict": text(f"pages.relief.verdict.{decided.verdict}"),
        "mode": text(f"pages.relief.mode.{decided.mode}"),
        "approver_name": decided.approver,
        "decided_at": text.moment(decided.decided_at.astimezone(zone), screen=True),
        "number": decided.number,
        "recorder_name": decided.recorder,
        "witness": decided.witness,
        "reason": decided.reason,
        "hash": plan.result_hash[:16],
    }
    left, right = st.columns([1, 1], gap="large")
    with left:
        frame.table(
            [
                {
                    text("pages.relief.col.what"): text(f"pages.relief.record.{name}"),
                    text("pages.relief.col.value"): value,
                }
                for name, value in rows.items()
                if value
            ],
            text("pages.relief.tab.approve"),
        )
    with right:
        if decided.mode == "oral" and decided.verdict == "approved":
            _paper(office, found, plan, decided, paper)


def _paper(office: Bureau, found: Incident, plan: Any, decided: Any, paper: Any) -> None:
    """Show the clock of the signed paper and take its scan."""
    text = office.text
    if paper is not None:
        at = text.moment(paper.signed_at.astimezone(office.now().tzinfo), screen=True)
        st.info(text("pages.relief.paper_signed", at=at, hash=paper.scan_sha256[:16]))
        return
    if decided.paper_due is not None:
        clock(office, decided.paper_due)
    if not office.can("relief.paper", "approval_paper"):
        return
    with st.form("paper", border=False):
        scan = st.file_uploader(text("pages.relief.scan"), type=["pdf", "jpg", "jpeg", "png"])
        if st.form_submit_button(text("pages.relief.keep_scan"), type="primary") and scan is not None:
            with frame.refusals(office):
                with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
                    folder = office.settings.home / "papers"
                    seal = dispatch.sign_paper(session, act, plan.plan_id, scan.getvalue(), folder=folder)
                frame.say(text("pages.relief.scan_kept", hash=seal[:16]))
                st.rerun()
