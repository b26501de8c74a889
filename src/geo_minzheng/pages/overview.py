"""总览: how is the district now, and what is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from geo_minzheng.pages import frame, tasks
from geo_minzheng.services import duty, impact, maps, relief

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.map import MapContent


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
    with left, frame.refusals(office):
        st.subheader(text("pages.overview.now"), anchor=False)
        tasks.show_waiting(office)
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
            impact=impact.district_impact(session, incident), plan=None if plan is None else plan.document,
        )  # fmt: skip


def _show_numbers(office: Bureau, numbers: dict[str, float | None]) -> None:
    text = office.text
    facts = {name: text.count(value, digits=1) for name, value in numbers.items()}
    for column, name in zip(st.columns(5), ("people", "dibao", "villages", "stock", "waiting"), strict=True):
        column.metric(
            text(f"pages.overview.number.{name}"), text(f"pages.overview.value.{name}", **facts),
            help=text(f"pages.overview.help.{name}", **facts),
        )  # fmt: skip


show(frame.bureau())
