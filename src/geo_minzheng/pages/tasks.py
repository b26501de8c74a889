"""What waits for who is signed in, kept for a minute: for the home page, the overview and the navigation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import streamlit as st

from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.model.account import audience_of
from geo_minzheng.pages import frame
from geo_minzheng.present.waiting import waiting_sentence
from geo_minzheng.services import duty, inbox, incidents, tasks

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.account import SignedIn
    from geo_minzheng.model.duty import Waiting
    from geo_minzheng.services.inbox import News

# How grave a task looks; shape and words tell it too.
GRAVE = ":material/error:"
ICONS = {
    "health_bad": GRAVE, "chain_broken": GRAVE, "papers_overdue": GRAVE,
    "orders_waiting": ":material/local_shipping:", "orders_to_pick": ":material/local_shipping:",
    "orders_to_ship": ":material/local_shipping:", "orders_to_receive": ":material/inventory_2:",
    "orders_to_hand_out": ":material/inventory_2:", "returned": ":material/undo:",
    "reports_waiting": ":material/fact_check:", "silent": ":material/phone_disabled:",
    "papers_due": ":material/schedule:", "near_expiry": ":material/hourglass_bottom:",
}  # fmt: skip
USUAL = ":material/priority_high:"
MINUTE_S = 60


@dataclass(frozen=True)
class Desk:
    """What lies on somebody's desk: tasks, worst first, and news, newest first."""

    waiting: list[Waiting]
    news: list[News]


@st.cache_resource(max_entries=200, ttl=MINUTE_S, show_spinner=False)
def _kept(store: str, mark: str, key: tuple[str, ...], _make: Callable[[], Desk]) -> Desk:
    return _make()


def desk_of(office: Bureau, who: SignedIn) -> Desk:
    """Look what lies on the desk of who is signed in; a wall may do nothing, but shows what waits for its post."""
    person, policy = who.person, office.policy()
    role = policy.roles[person.role]
    act = replace(office.act(), may=role.may)

    def look() -> Desk:
        with office.reading() as session:
            waiting = tasks.list_waiting(
                session, act, policy, place=office.place, settings=office.settings, most=len(policy.tasks) * 99
            )
            return Desk(waiting, [] if who.is_wall else inbox.list_news(session, person, role))

    with office.reading() as session:
        mark = inbox.mark_of(session, person)
    key = (person.login, who.kind, audience_of(office), office.today().isoformat(), policy.digest)
    return _kept(office.settings.store_url, mark, key, look)


def counts_of(office: Bureau, who: SignedIn) -> dict[str, int]:
    """Count what waits on each page, and on the home page what is new; nothing on a locked screen or a broken store."""
    if who.is_locked:
        return {}
    try:
        desk = desk_of(office, who)
    except GeoMinzhengError:
        return {}
    return tasks.count_by_page(desk.waiting, office.policy()) | {"home": inbox.count_new(desk.news)}


def show_waiting(office: Bureau) -> None:
    """Show what waits, at most seven lines, each one click from where it is done."""
    text, policy = office.text, office.policy()
    who = frame.signed_in()
    waiting, is_wall = desk_of(office, who).waiting, who.is_wall
    with office.reading() as session:
        running = duty.open_incidents(session)
        names = {i.incident_id: i.name for i in incidents.list_incidents(session)}
    if not waiting:
        frame.note(text("pages.overview.nothing"))
    for one in waiting[: tasks.MOST]:
        rule = policy.tasks[one.kind]
        line = waiting_sentence(one, text, names.get(one.incident, one.incident) if len(running) > 1 else "")
        with st.container(border=True):
            if is_wall:
                st.markdown(frame.plain(line))
                continue
            frame.link(
                rule.page, line, icon=ICONS.get(one.kind, USUAL), incident=one.incident,
                **dict(parse_qsl(rule.address)),
            )  # fmt: skip
    if len(waiting) > tasks.MOST:
        frame.note(text("pages.home.more", count=len(waiting) - tasks.MOST))
    if not running and office.can("incident.declare", "incident"):
        frame.link("incident", text("pages.overview.declare"), icon=":material/add:")
