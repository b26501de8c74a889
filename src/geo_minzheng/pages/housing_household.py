"""The household behind a case: its private columns masked, opened one household at a time by a reason on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.present.page_words import page_words
from geo_minzheng.services import households

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.policy import Policy


def found_households(office: Bureau, policy: Policy, words: str) -> set[str]:
    """Find households whose exact id number, account or phone this is; none where the keys are away."""
    found: set[str] = set()
    with frame.refusals(office), office.reading() as session:
        found = {row["household_id"] for row in households.find_anywhere(session, office.act(), policy, words)}
    return found


def show_household(office: Bureau, policy: Policy, household: str) -> None:
    """Show whose case it is, masked, to the roles that work on cases, with the form that opens it."""
    if not household or not office.works_on_cases:
        return
    with frame.refusals(office):
        with office.reading() as session:
            rows = households.masked_households(session, office.act(), policy, [household])
        for row in rows:
            st.markdown(told(office, row))
        if rows and office.can("housing.reveal", "household"):
            show_reveal(office, household)


def told(office: Bureau, values: Mapping[str, str | None]) -> str:
    """Write the four private columns of a household in a line."""
    facts = {name: page_words(values[name] or "—") for name in households.RULES}
    return office.text("pages.housing.household_line", **facts)


def show_reveal(office: Bureau, household: str) -> None:
    """Take the reason, put it on record, and show the values in this answer only."""
    text = office.text
    with st.expander(text("pages.housing.reveal")), st.form(f"reveal/{household}", clear_on_submit=True, border=False):
        reason = st.text_input(text("pages.housing.reveal_reason"), max_chars=households.LONGEST)
        if st.form_submit_button(text("pages.housing.reveal_button"), icon=":material/visibility:"):
            with office.transaction() as (session, act):
                values = households.reveal_household(session, act, household, reason)
            st.markdown(told(office, values))
            st.caption(text("pages.housing.revealed"))
