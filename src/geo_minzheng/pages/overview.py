"""总览: how is the district now, and what is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from geo_minzheng.errors import NotFoundError
from geo_minzheng.pages import frame
from geo_minzheng.services import duty, impact, incidents, maps, relief

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.map import MapContent

# Where each kind of waiting is done, and how grave it looks.
PLACES = {
    "papers_overdue": ("relief", ":material/error:"),
    "no_footprint": ("incident", ":material/priority_high:"),
    "no_impact": ("incident", ":material/priority_high:"),
    "no_plan": ("relief", ":material/priority_high:"),
    "plan_waiting": ("relief", ":material/priority_high:"),
    "orders_waiting": ("relief", ":material/local_shipping:"),
    "reports_waiting": ("review", ":material/fact_check:"),
    "silent": ("report", ":material/phone_disabled:"),
    "papers_due": ("relief", ":material/schedule:"),
    "near_expiry": ("relief", ":material/hourglass_bottom:"),
}


def show(office: Bureau) -> None:
    """Show what waits, the district's numbers, and the map."""
    text = office.text
    frame.page_head(office, text("pages.overview.title"), text("pages.overview.question"))
    if not frame.has_layers(office, "overview", "boundary", "division", "village"):
        return
    with st.spinner(text("pages.overview.reading")):
        numbers = frame.kept(office, ("numbers",), lambda: _numbers(office))
    _show_numbers(office, numbers)
    left, right = st.columns([2, 5], gap="medium")
    with left:
        _show_waiting(office)
    with right, frame.refusals(office):
        found = frame.choose_incident(office)
        incident = "" if found is None else found.incident_id
        with st.spinner(text("pages.overview.drawing")):
            content = frame.kept(office, ("overview", incident), lambda: _content(office, incident))
        frame.show_map(content, office, key="overview_map", height=620)


def _numbers(office: Bureau) -> dict[str, float | None]:
    with office.reading() as session:
        return duty.district_numbers(session, office.act(), office.policy())


def _content(office: Bureau, incident: str) -> MapContent:
    with office.reading() as session:
        if not incident or incident not in duty.open_incidents(session):
            return maps.district_map(session, office.act(), office.catalogue, office.policy(), office.text)
        plan = relief.latest_plan(session, incident)
        return maps.incident_map(
            session, office.act(), office.catalogue, office.policy(), office.text, incident,
            impact=impact.find_impact(session, incident), plan=None if plan is None else plan.document,
        )  # fmt: skip


def _show_numbers(office: Bureau, numbers: dict[str, float | None]) -> None:
    text = office.text
    facts = {name: text.count(value, digits=1) for name, value in numbers.items()}
    for column, name in zip(st.columns(5), ("people", "dibao", "villages", "stock", "waiting"), strict=True):
        column.metric(
            text(f"pages.overview.number.{name}"), text(f"pages.overview.value.{name}", **facts),
            help=text(f"pages.overview.help.{name}", **facts),
        )  # fmt: skip


def _show_waiting(office: Bureau) -> None:
    text = office.text
    st.subheader(text("pages.overview.now"), anchor=False)
    try:
        with office.reading() as session:
            waiting = duty.list_waiting(session, office.act(), office.policy())
            running = duty.open_incidents(session)
            names = {i.incident_id: i.name for i in incidents.list_incidents(session)}
    except NotFoundError as error:
        st.error(text.error(error))
        return
    if not waiting:
        frame.note(text("pages.overview.nothing"))
    for one in waiting:
        page, icon = PLACES[one.kind]
        facts = dict(one.facts)
        if "minutes" in facts:
            facts["time"] = text.duration(facts["minutes"])
        if "first" in facts:
            facts["first"] = text.day(facts["first"])
        line = text(f"pages.overview.todo.{one.kind}", **facts)
        if one.incident and len(running) > 1:
            line = text("pages.overview.of_incident", line=line, name=names.get(one.incident, one.incident))
        with st.container(border=True):
            frame.link(page, line, icon=icon, incident=one.incident)
    if not running:
        frame.link("incident", text("pages.overview.declare"), icon=":material/add:")


show(frame.bureau())
