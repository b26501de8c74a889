"""The checks of the housing page: against the villagers' review, and near enough to build together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.present.page_words import page_words
from geo_minzheng.services import village_review

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo_minzheng.pages.housing_desk import Desk


def show_checks(desk: Desk) -> None:
    """Show what wants a second look: against the villagers' review, and near enough to build together."""
    text = desk.office.text
    left, right = st.columns(2, gap="medium")
    with left:
        pairs = contradictions(desk)
        st.subheader(text("pages.housing.against", count=len(pairs)), anchor=False)
        st.caption(text("pages.housing.against_why"))
        heads = [text(f"pages.housing.column.{n}") for n in ("village", "first", "second", "reason")]
        rows = [
            [
                (desk.case(p["first"]) or {}).get("village_name", ""),
                p["first"],
                p["second"],
                p["reason"] or text("housing.review_missing"),
            ]
            for p in pairs
        ]
        frame.table([dict(zip(heads, row, strict=True)) for row in rows], text("pages.housing.table.against"))
        show_reason_form(desk, pairs)
    with right:
        clusters = desk.made["build_together"]
        st.subheader(text("pages.housing.together", count=len(clusters)), anchor=False)
        st.caption(
            text("pages.housing.together_why", metres=desk.policy.number("housing.cluster_radius_m"),
                 cases=desk.policy.number("housing.cluster_cases"))
        )  # fmt: skip
        heads = [text(f"pages.housing.column.{n}") for n in ("village", "households", "cases")]
        rows = [[(desk.case(c["cases"][0]) or {}).get("village_name", ""), len(c["cases"]), "、".join(c["cases"])]
                for c in clusters]  # fmt: skip
        frame.table([dict(zip(heads, row, strict=True)) for row in rows], text("pages.housing.table.together"))


def contradictions(desk: Desk) -> list[dict[str, Any]]:
    """List where the order contradicts the villagers' review, those without a written reason first."""
    with desk.office.reading() as session:
        return village_review.contradictions(session, desk.made)


def show_reason_form(desk: Desk, pairs: Sequence[Mapping[str, Any]]) -> None:
    """Take the written reason for a case that stands before others although the review put it behind."""
    if not pairs or desk.is_draft or not desk.office.can("housing.review_reason", "review_reason"):
        return
    text = desk.office.text
    with st.form("review_reason", clear_on_submit=True, border=False):
        case = st.selectbox(text("pages.housing.reason_case"), list(dict.fromkeys(p["first"] for p in pairs)))
        reason = st.text_area(text("pages.housing.reason"), max_chars=village_review.LONGEST, height=80)
        if st.form_submit_button(text("pages.housing.write_reason"), type="primary"):
            with frame.refusals(desk.office):
                with desk.office.transaction() as (session, act):
                    village_review.give_reason(session, act, case, reason)
                frame.say(text("pages.housing.reason_kept", case=page_words(case)))
                st.rerun()
