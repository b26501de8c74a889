"""The requests part of the relief page: what receivers ask for, and the 需求报告单."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.services import dispatch, places

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.incident import Incident


def show(office: Bureau, found: Incident) -> None:
    """Show what was asked for and not sent yet, and take a request."""
    text, zone = office.text, office.now().tzinfo
    with office.reading() as session:
        asked = dispatch.list_asked(session, found.incident_id)
        sites = places.table(session, "site")
    names = dict(zip(sites["site_id"].astype(str), sites["name"].astype(str), strict=True))
    if not asked:
        frame.note(text("pages.relief.nothing_asked"))
    frame.table(
        [
            {
                text("pages.relief.col.receiver"): names.get(row.receiver, row.receiver),
                text("pages.relief.col.item"): _item(office, row.item),
                text("pages.relief.col.requested"): row.asked,
                text("pages.relief.col.ordered"): row.ordered,
                text("pages.relief.col.left"): row.left,
                text("pages.relief.col.unit"): office.policy().items[row.item].unit,
                text("pages.relief.col.last"): row.number,
                text("pages.relief.col.who"): row.who,
                text("pages.relief.col.at"): text.moment(row.at.astimezone(zone), screen=True),
            }
            for row in sorted(asked, key=lambda a: -a.left)
        ],
        text("pages.relief.tab.request"),
    )
    if office.can("relief.request", "relief_request"):
        villages = dict(zip(names, sites["village_code"].astype(str), strict=True))
        own = [s for s in names if villages[s].startswith(office.scope) and office.place in ("", s)]
        _form(office, found, {site: names[site] for site in own})


def _item(office: Bureau, item: str) -> str:
    return office.text.name("relief_items", item, office.policy().items[item])


def _form(office: Bureau, found: Incident, sites: dict[str, str]) -> None:
    """Take a request: for whom, what and how much of it, whom to call."""
    text = office.text
    st.subheader(text("pages.relief.ask"), anchor=False)
    if not sites:
        st.info(text("pages.relief.no_receiver"))
        return
    ids = list(sites)
    done = st.session_state.get("asked_times", 0)  # what was sent leaves an empty form behind
    receiver = st.selectbox(
        text("pages.relief.col.receiver"), ids, index=0 if len(ids) == 1 else None, format_func=lambda s: sites[s],
        key=f"ask_receiver_{done}", placeholder=text("pages.relief.ask_choose"),
    )  # fmt: skip
    items = st.multiselect(
        text("pages.relief.ask_items"), list(office.policy().items), format_func=lambda i: _item(office, i),
        key=f"ask_items_{done}", placeholder=text("pages.relief.ask_choose"),
    )  # fmt: skip
    with st.form(f"ask_{done}", border=False):
        amounts = {}
        columns = st.columns(3)
        for k, item in enumerate(items):
            kind = office.policy().items[item]
            amounts[item] = columns[k % 3].number_input(
                text("pages.relief.ask_amount", item=_item(office, item), unit=kind.unit), min_value=0.0, value=None,
                step=1.0, key=f"ask_{item}_{done}",
            )  # fmt: skip
        contact = st.text_input(text("pages.relief.ask_contact"), value=office.who, max_chars=80)
        remark = st.text_input(text("pages.relief.ask_note"), max_chars=200)
        is_sent = st.form_submit_button(text("pages.relief.ask_send"), type="primary")
    if not is_sent:
        return
    if receiver is None:
        st.error(text("pages.relief.ask_receiver"))
    else:
        _send(office, found, [dispatch.Request(receiver, i, n or 0.0, contact, remark) for i, n in amounts.items()])


def _send(office: Bureau, found: Incident, lines: list[dispatch.Request]) -> None:
    with frame.refusals(office):
        with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
            number = dispatch.request_relief(session, act, office.policy(), found.incident_id, lines)
        st.session_state["asked_times"] = st.session_state.get("asked_times", 0) + 1
        frame.say(office.text("pages.relief.ask_done", number=number, count=len(lines)))
        st.rerun()
