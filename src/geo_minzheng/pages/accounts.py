"""Who can sign in, and what may they see and do: accounts, secrets, sessions, the wall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.bootstrap import CHINA, watch
from geo_minzheng.model.account import Person, SessionKind
from geo_minzheng.pages import frame
from geo_minzheng.present import pairing
from geo_minzheng.services import accounts

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau


def role_name(office: Bureau, role: str) -> str:
    """Name a role in the reader's language."""
    known = office.policy().roles
    return office.text.name("roles", role, known[role]) if role in known else role


def state_of(office: Bureau, person: Person) -> str:
    """Name the state of an account."""
    marks = ["disabled" if person.is_disabled else "active", *(["demo"] if person.is_demo else [])]
    return " · ".join(office.text(f"pages.accounts.state.{mark}") for mark in marks)


def show_people(office: Bureau, people: list[Person]) -> None:
    """List the accounts."""
    column = office.text.sentences
    with office.reading() as session:
        names = accounts.names_of_places(session)
    frame.table(
        [
            {
                column["pages.accounts.column.login"]: person.login,
                column["pages.accounts.column.name"]: person.name,
                column["pages.accounts.column.role"]: role_name(office, person.role),
                column["pages.accounts.column.scope"]: names.get(person.scope, person.scope)
                or office.text("cli.user.whole"),
                column["pages.accounts.column.place"]: names.get(person.place, person.place) or None,
                column["pages.accounts.column.state"]: state_of(office, person),
            }
            for person in people
        ],
        office.text("pages.accounts.title"),
        height=480,
    )


def add_account(office: Bureau) -> None:
    """Take a new account and show its one-time secret, once."""
    text = office.text
    st.subheader(text("pages.accounts.add"), anchor=False)
    with st.form("add", border=False, clear_on_submit=True):
        name = st.text_input(text("pages.accounts.name"), max_chars=60)
        login = st.text_input(text("pages.accounts.login"), max_chars=60)
        role = _role_choice(office, "add_role")
        scope = st.text_input(text("pages.accounts.scope"), max_chars=12)
        place = st.text_input(text("pages.accounts.place"), max_chars=60)
        if st.form_submit_button(text("pages.accounts.add_button"), type="primary"):
            person = Person(login or name, name, role, scope.strip(), place.strip())
            with frame.refusals(office):
                with office.transaction() as (session, act):
                    secret = accounts.add_person(session, act, office.policy(), person)
                _tell_secret(office, name, secret)


def _role_choice(office: Bureau, key: str, now: str = "") -> str:
    roles = list(office.policy().roles)
    return str(
        st.selectbox(
            office.text("pages.accounts.role"), roles, index=roles.index(now) if now in roles else 0,
            format_func=lambda role: role_name(office, role), key=key,
        )
    )  # fmt: skip


def _tell_secret(office: Bureau, name: str, secret: str) -> None:
    st.info(frame.plain(office.text("pages.accounts.told_once", name=name)))
    st.code(secret, language=None)


def change_account(office: Bureau, people: list[Person]) -> None:
    """Change, disable or enable an account, give it a new secret, end its sessions, pair its wall."""
    text = office.text
    names = {person.login: person for person in people}
    st.subheader(text("pages.accounts.choose"), anchor=False)
    wanted = frame.asked("account")
    chosen = st.selectbox(
        text("pages.accounts.choose"), list(names), index=list(names).index(wanted) if wanted in names else None,
        format_func=lambda login: f"{names[login].name}（{login}）", label_visibility="collapsed", placeholder="—",
    )  # fmt: skip
    frame.keep("account", chosen or "")
    if chosen is None:
        return
    person = names[chosen]
    _change_form(office, person)
    with st.container(horizontal=True):
        key = "enable" if person.is_disabled else "disable"
        if st.button(text(f"pages.accounts.{key}")):
            _do(office, person, key)
        if st.button(text("pages.accounts.secret")):
            _do(office, person, "secret")
        if st.button(text("pages.accounts.end_all")):
            _do(office, person, "end")
        if st.button(text("pages.accounts.pair_wall")):
            _do(office, person, "wall")


def _change_form(office: Bureau, person: Person) -> None:
    text = office.text
    with st.form("change", border=False):
        role = _role_choice(office, f"role_{person.login}", person.role)
        scope = st.text_input(text("pages.accounts.scope"), value=person.scope, max_chars=12, key=f"s_{person.login}")
        place = st.text_input(text("pages.accounts.place"), value=person.place, max_chars=60, key=f"p_{person.login}")
        if st.form_submit_button(text("pages.accounts.change_button")):
            wanted = {"role": role, "scope": scope.strip(), "place": place.strip()}
            with frame.refusals(office):
                with office.transaction() as (session, act):
                    accounts.change_person(session, act, office.policy(), person.login, wanted)
                frame.say(text("pages.accounts.done", name=person.name))
                st.rerun()


def _do(office: Bureau, person: Person, what: str) -> None:
    text = office.text
    with frame.refusals(office):
        with office.transaction() as (session, act):
            if what == "secret":
                told = accounts.new_secret(session, act, person.login, watch())
            elif what == "wall":
                told, _ = accounts.pair(session, act, office.policy(), person.login, SessionKind.WALL, "", watch())
            elif what == "end":
                accounts.end_session(session, act, person.login, watch())
            elif what == "enable":
                accounts.enable(session, act, person.login)
            else:
                accounts.disable(session, act, person.login, watch())
        if what == "secret":
            _tell_secret(office, person.name, told)
        elif what == "wall":
            address = frame.address_here()
            minutes = text.integer(office.policy().number("account.pairing_minutes"))
            frame.strong(text("pages.account.pair_code", code=told, minutes=minutes))
            frame.note(text("pages.account.pair_hint", address=address))
            st.image(pairing.picture(pairing.link(address, told)), width=240, caption=told)
        else:
            frame.say(text("pages.accounts.done", name=person.name))
            st.rerun()


def show_sessions(office: Bureau) -> None:
    """List who is signed in now."""
    text = office.text
    st.subheader(text("pages.accounts.signed_in"), anchor=False)
    with office.reading() as session:
        rows = accounts.list_sessions(session, office.policy(), watch())
    frame.table([_session_row(office, row) for row in rows], text("pages.accounts.signed_in"))


def _session_row(office: Bureau, row: dict[str, Any]) -> dict[str, Any]:
    text = office.text

    def at(moment: Any) -> str:
        return text.moment(moment.astimezone(CHINA), screen=True)

    return {
        text("pages.account.column.name"): row["name"],
        text("pages.account.column.kind"): text(f"cli.user.kind.{row['kind']}"),
        text("pages.account.column.label"): row["label"] or None,
        text("pages.account.column.opened"): at(row["opened_at"]),
        text("pages.account.column.seen"): at(row["seen_at"]),
    }


def show_roles(office: Bureau) -> None:
    """Say what each role sees and which pages it has."""
    text = office.text
    with st.expander(text("pages.accounts.roles")):
        frame.table(
            [
                {
                    text("pages.accounts.column.role"): role_name(office, role.role),
                    text("pages.accounts.column.sees"): "、".join(text(f"pages.accounts.sees.{s}") for s in role.sees),
                    text("pages.accounts.column.pages"): "、".join(text(f"pages.frame.page.{p}") for p in role.pages),
                }
                for role in office.policy().roles.values()
            ],
            text("pages.accounts.roles"),
        )


def page() -> None:
    """Draw the page."""
    office = frame.bureau()
    text = office.text
    frame.page_head(office, text("pages.accounts.title"), text("pages.accounts.question"))
    with office.reading() as session:
        people = accounts.people(session)
    left, right = st.columns([3, 2], gap="large")
    with left:
        if len(people) < 2:
            st.info(text("pages.accounts.none"))
        show_people(office, people)
        show_sessions(office)
        show_roles(office)
    with right:
        add_account(office)
        change_account(office, people)


page()
