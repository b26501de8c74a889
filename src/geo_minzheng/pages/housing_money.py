"""The money of the housing page: other budgets as a draft, and what the official order costs against the optimum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.pages.housing_desk import budgets_of, draft, drop_draft, make
from geo_minzheng.present.page_words import Shown, page_words
from geo_minzheng.services import housing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_minzheng.pages.housing_desk import Desk


def show_money(desk: Desk, programme: Mapping[str, Any]) -> None:
    """Let the planner try other money: the curve of the order, a draft, and keeping it."""
    text, code = desk.office.text, programme["programme"]
    with st.expander(text("pages.housing.money")):
        left, right = st.columns([2, 3], gap="medium")
        with left, st.form(f"money/{code}", border=False):
            yuan = st.number_input(
                text("pages.housing.budget"), min_value=0.0, value=float(programme["budget_yuan"]), step=10000.0,
                format="%.2f",
            )  # fmt: skip
            tried = st.form_submit_button(text("pages.housing.try"), type="primary", icon=":material/calculate:")
        with right:
            st.line_chart(
                housing.money_curve(desk.found, code), x="yuan", y="households", height=220, color="primary",
                x_label=text("pages.housing.curve_x"), y_label=text("pages.housing.curve_y"),
            )  # fmt: skip
        if tried:
            try_budget(desk, code, yuan)


def try_budget(desk: Desk, programme: str, yuan: float) -> None:
    """Work the programmes out with other money; nothing is kept."""
    office = desk.office
    with st.spinner(office.text("pages.housing.working")):
        st.session_state["housing_draft"] = draft(office, budgets_of(desk.made) | {programme: yuan})
    frame.keep("budget", f"{programme}:{yuan:.2f}")
    st.rerun()


def show_draft(desk: Desk) -> None:
    """Say that what stands here is a draft, and offer to keep or drop it."""
    if not desk.is_draft:
        return
    text = desk.office.text
    st.warning(text("pages.housing.draft"), icon=":material/edit:")
    with st.container(horizontal=True):
        may_keep = desk.office.can("housing.programme", "programme_run")
        if may_keep and st.button(text("pages.housing.keep"), type="primary"):
            make(desk.office, budgets_of(desk.made))
        if st.button(text("pages.housing.drop")):
            drop_draft()
            st.rerun()


def show_comparison(desk: Desk, programme: Mapping[str, Any]) -> None:
    """Show the exact optimum, labelled, and what the order costs against it."""
    best = programme["comparison"]
    if best is None:
        return
    text, cost = desk.office.text, best["cost_of_order"]
    with st.expander(text("pages.housing.comparison")):
        st.caption(text("pages.housing.comparison_why"))
        st.markdown(
            text("pages.housing.comparison_line", status=text(f"names.status.{best['status']}"),
                 count=len(best["chosen"]), official=len(programme["chosen"]), spent=text.yuan(best["spent_yuan"]))
        )  # fmt: skip
        heads = [
            text(f"pages.housing.column.{n}")
            for n in ("tier", "more_cases", "more_points", "more_persons", "more_yuan")
        ]
        rows = [
            [
                t["tier"], *(Shown(signed(round(t[k], 2)), round(t[k], 2)) for k in ("cases", "points", "persons")),
                Shown(f"{t['yuan']:+.2f}", round(t["yuan"], 2)),
            ]
            for t in cost["tiers"]
        ]  # fmt: skip
        frame.words_table(heads, rows, text("pages.housing.table.comparison"), right=range(5))
        for name in ("only_in_order", "only_in_optimum"):
            if cost[name]:
                st.markdown(text(f"pages.housing.{name}", cases=[page_words(c) for c in cost[name]]))
        if not cost["only_in_order"] and not cost["only_in_optimum"]:
            st.markdown(text("pages.housing.no_cost"))


def signed(value: float) -> str:
    """Write a difference with its sign."""
    return f"{value:+g}" if value else "0"
