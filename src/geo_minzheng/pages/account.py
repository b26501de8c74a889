"""Who am I signed in as, and on which devices: PIN, password, sessions, a phone to pair."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.bootstrap import CHINA, watch
from geo_minzheng.model.account import SessionKind
from geo_minzheng.pages import frame
from geo_minzheng.present import pairing
from geo_minzheng.services import accounts

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.account import SignedIn


def show_me(office: Bureau, me: SignedIn) -> None:
    """Show who one is, what one may see, and until when."""
    text, person = office.text, me.person
    role = text.name("roles", person.role, office.policy().roles[person.role])
    lines = [
        text("pages.account.who", name=person.name, role=role, login=person.login),
        text("pages.account.scope", scope=person.scope or text("cli.user.whole")),
    ]
    if person.place:
        lines.append(text("pages.account.place", place=person.place))
    if me.until is not None:
        lines.append(text("pages.account.until", until=text.moment(me.until.astimezone(CHINA), screen=True)))
    frame.bullets(lines)
    words = escape(text("pages.account.password"))
    st.html(f'<a class="gm-link" href="/door/first?lang={text.language}" target="_self">{words}</a>')


def set_pin(office: Bureau, me: SignedIn) -> None:
    """Take the PIN that opens a locked screen."""
    text = office.text
    length = int(office.policy().number("account.pin_length"))
    st.subheader(text("pages.account.pin"), anchor=False)
    frame.note(text("pages.account.pin_hint"))
    if me.has_pin:
        frame.note(text("pages.account.pin_set"))
    with st.form("pin", border=False, clear_on_submit=True):
        pin = st.text_input(text("pages.account.pin_new", length=length), type="password", max_chars=length)
        password = st.text_input(text("pages.account.pin_password"), type="password")
        if st.form_submit_button(text("pages.account.pin_button"), type="primary"):
            with frame.refusals(office):
                with office.transaction() as (session, act):
                    accounts.set_pin(session, act, office.policy(), me, password, pin)
                frame.say(text("pages.account.pin_saved"))
                st.rerun()


def session_rows(office: Bureau, rows: list[dict[str, Any]], here: int) -> list[dict[str, Any]]:
    """Write sessions as rows of a table."""
    text = office.text

    def at(moment: Any) -> str:
        return text.moment(moment.astimezone(CHINA), screen=True)

    return [
        {
            text("pages.account.column.session"): row["session"],
            text("pages.account.column.name"): row["name"],
            text("pages.account.column.kind"): text(f"cli.user.kind.{row['kind']}"),
            text("pages.account.column.label"): row["label"]
            or (text("pages.account.here") if row["session"] == here else ""),
            text("pages.account.column.opened"): at(row["opened_at"]),
            text("pages.account.column.seen"): at(row["seen_at"]),
        }
        for row in rows
    ]


def show_sessions(office: Bureau, me: SignedIn) -> None:
    """List one's sessions and devices, each with a way to end it."""
    text = office.text
    st.subheader(text("pages.account.where"), anchor=False)
    with office.reading() as session:
        rows = accounts.list_sessions(session, office.policy(), watch(), me.person.login)
    frame.table(session_rows(office, rows, me.session), text("pages.account.where"))
    others = [row["session"] for row in rows if row["session"] != me.session]
    if not others:
        return
    with st.form("end", border=False):
        chosen = st.selectbox(text("pages.account.column.session"), others)
        if st.form_submit_button(text("pages.account.end")):
            with frame.refusals(office):
                with office.transaction() as (session, act):
                    count = accounts.end_own(session, act, me, int(chosen), watch())
                frame.say(text("pages.account.ended", count=count))
                st.rerun()


def pair_phone(office: Bureau, me: SignedIn) -> None:
    """Give a code that pairs one's own phone once."""
    text = office.text
    st.subheader(text("pages.account.pair"), anchor=False)
    with st.form("pair", border=False, clear_on_submit=True):
        label = st.text_input(text("pages.account.pair_label"), max_chars=40)
        wanted = st.form_submit_button(text("pages.account.pair_button"))
    if wanted:
        with frame.refusals(office):
            with office.transaction() as (session, act):
                code, _ = accounts.pair_own(session, act, office.policy(), me, label, watch())
            show_code(office, code)


def show_code(office: Bureau, code: str) -> None:
    """Show a pairing code and its QR code for the address this page was opened at."""
    text = office.text
    address = frame.address_here()
    minutes = text.integer(office.policy().number("account.pairing_minutes"))
    frame.strong(text("pages.account.pair_code", code=code, minutes=minutes))
    frame.note(text("pages.account.pair_hint", address=address))
    st.image(pairing.picture(pairing.link(address, code)), width=240, caption=code)


def page() -> None:
    """Draw the page."""
    office = frame.bureau()
    me = frame.signed_in()
    text = office.text
    frame.page_head(office, text("pages.account.title"), text("pages.account.question"))
    left, right = st.columns(2, gap="large")
    with left:
        show_me(office, me)
        show_sessions(office, me)
    if me.kind is SessionKind.BROWSER:
        with right:
            set_pin(office, me)
            pair_phone(office, me)


page()
