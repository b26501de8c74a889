"""首页: what must I do now, what happened that concerns me, and how things stand."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import streamlit as st

from geo_minzheng.pages import frame, tasks
from geo_minzheng.services import inbox, standing, trail
from geo_minzheng.services import tasks as task_list

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.services.inbox import News

NEW, READ = ":material/mark_email_unread:", ":material/drafts:"
# Where each kind of news is looked at.
PLACES = {
    "report_confirmed": ("report", {}),
    "report_returned": ("report", {}),
    "plan_approved": ("relief", {"tab": "approve"}),
    "plan_rejected": ("relief", {"tab": "approve"}),
    "plan_in_my_name": ("relief", {"tab": "approve"}),
    "plan_witnessed": ("relief", {"tab": "approve"}),
    "order": ("relief", {"tab": "orders"}),
    "account": ("account", {}),
}
SHOWN = 8


def show_tasks(office: Bureau) -> None:
    """Show what waits for who is signed in; who only reads is told what changed since they last looked."""
    text = office.text
    if task_list.rules_for(office.act(), office.policy()):
        st.subheader(text("pages.overview.now"), anchor=False)
        tasks.show_waiting(office)
    else:
        st.subheader(text("pages.home.changed"), anchor=False)
        show_changes(office)


def show_changes(office: Bureau) -> None:
    """List what was done in the district since somebody last looked."""
    text, person = office.text, frame.signed_in().person
    with office.reading() as session:
        found = inbox.changes_since(session, person)
        _, read_at = inbox.read_up_to(session, person.login)
    zone = office.now().tzinfo
    if read_at is not None:
        frame.note(text("pages.home.since", at=text.moment(read_at.astimezone(zone), screen=True)))
    if not found:
        frame.note(text("pages.home.unchanged"))
    lines = [
        text("pages.home.change", what=trail.action_name(text, action), count=count,
             at=text.moment(at.astimezone(zone), screen=True))
        for action, count, at in found[:SHOWN]
    ]  # fmt: skip
    if lines:
        frame.bullets(lines)
        mark_button(office)


def show_inbox(office: Bureau) -> None:
    """Show the inbox, newest first; what is new is marked until somebody says that it was read."""
    text = office.text
    news = tasks.desk_of(office, frame.signed_in()).news
    fresh = inbox.count_new(news)
    st.subheader(text("pages.home.inbox_new", count=fresh) if fresh else text("pages.home.inbox"), anchor=False)
    if not news:
        frame.note(text("pages.home.no_news"))
    for one in news[:SHOWN]:
        page, query = PLACES[one.kind]
        frame.link(page, news_sentence(office, one), icon=NEW if one.is_new else READ, incident=one.incident, **query)
    if fresh:
        mark_button(office)


def mark_button(office: Bureau) -> None:
    """Let everything until now count as read."""
    if st.button(office.text("pages.home.mark_read"), icon=":material/done_all:", key="mark_read"):
        with frame.refusals(office), office.transaction() as (session, act):
            inbox.mark_read(session, frame.signed_in().person, act.at)
        st.rerun()


def news_sentence(office: Bureau, one: News) -> str:
    """Say one piece of news: when, what, and who did it."""
    text, facts = office.text, dict(one.facts)
    if "state" in facts:
        facts["state"] = text(f"pages.relief.order.{facts['state']}")
    if "action" in facts:
        facts["action"] = trail.action_name(text, facts["action"])
    line = text(f"pages.home.news.{one.kind}", **facts)
    if facts.get("reason"):
        line = text("pages.home.with_reason", line=line, reason=facts["reason"])
    at = text.moment(one.at.astimezone(office.now().tzinfo), screen=True)
    return text("pages.home.news_line", at=at, line=line, who=one.who)


def show_numbers(office: Bureau) -> None:
    """Show how things stand in a few numbers that open: the district for who has its page, else what is one's own."""
    text = office.text
    mine = office.policy().roles[office.role].pages
    wide = "overview" in mine or frame.signed_in().is_wall
    if wide and not frame.has_layers(office, "home", "boundary", "division", "village"):
        return
    st.subheader(text("pages.home.stand_district" if wide else "pages.home.stand_own"), anchor=False)

    def count() -> list[standing.Number]:
        with office.reading() as session:
            if wide:
                return standing.of_district(session, office.act(), office.policy())
            return standing.of_own(session, office.act(), office.policy(), office.place)

    numbers = [one for one in frame.kept(office, ("home",), count) if one.page in mine]
    if not numbers:
        frame.note(text("pages.home.no_numbers"))
        return
    for column, one in zip(st.columns(len(numbers)), numbers, strict=True):
        with column:
            programme = office.policy().programmes.get(one.name)
            known = "programme" if programme else one.name
            label = text.name("programmes", one.name, programme) if programme else text(f"pages.home.number.{known}")
            st.metric(
                label,
                text(
                    f"pages.home.value.{known}",
                    value=text.count(None) if one.value is None else text.number(one.value, digits=1),
                ),
            )
            frame.link(one.page, text("pages.home.open", what=label), **dict(parse_qsl(one.address)))


def page() -> None:
    """Draw the page."""
    office = frame.bureau()
    text = office.text
    frame.page_head(office, text("pages.home.title"), text("pages.home.question"))
    with frame.refusals(office):
        if frame.signed_in().is_wall:
            st.subheader(text("pages.overview.now"), anchor=False)
            tasks.show_waiting(office)
            show_numbers(office)
            return
        left, right = st.columns([3, 2], gap="medium")
        with left:
            show_tasks(office)
        with right:
            show_inbox(office)
        show_numbers(office)


page()
