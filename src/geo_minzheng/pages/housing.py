"""Which houses this year and why: the official order down to where the money ends, the reasons, the comparison."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.pages.housing_checks import contradictions, show_checks
from geo_minzheng.pages.housing_desk import load, make, show_case, show_verdicts
from geo_minzheng.pages.housing_household import found_households
from geo_minzheng.pages.housing_money import show_comparison, show_draft, show_money
from geo_minzheng.pages.housing_order import list_cases, show_cases_map, show_numbers, show_order, take_order
from geo_minzheng.present.page_words import page_words
from geo_minzheng.services import housing, programme_book

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_minzheng.pages.housing_desk import Desk

FOUND_SHOWN = 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_STYLE = """<style>
.st-key-housing table { font-size: 13px; }
.st-key-housing td, .st-key-housing th { padding: 3px 8px; }
.st-key-act_now summary { background: light-dark(#FDECE6, #4A1A12); color: light-dark(#7F0000, #FFD9CF); }
.st-key-act_now summary, [class*="_line"] p { font-weight: 700; }
.st-key-end_line p { border-top: 3px solid #E34A33; color: var(--alarm); padding-top: 4px; }
.st-key-target_line p { border-top: 2px dashed var(--accent); color: var(--accent); padding-top: 4px; }
.st-key-stretch_line p { border-top: 2px dotted var(--accent); color: var(--accent); padding-top: 4px; }
</style>"""


def show_act_now(desk: Desk) -> None:
    """Show, above everything, whose people must be moved first."""
    cases = [v for c in desk.made["act_now"] if (v := desk.case(c)) is not None]
    if not cases:
        return
    text = desk.office.text
    with (
        st.container(key="act_now"),
        st.expander(text("pages.housing.act_now", count=len(cases)), icon=":material/warning:"),
    ):
        st.caption(text("pages.housing.act_now_why"))
        show_verdicts(desk, cases, text("pages.housing.table.act_now"))


def show_search(desk: Desk) -> None:
    """Answer why a house is or is not in the programme."""
    text = desk.office.text
    words = st.text_input(
        text("pages.housing.search"), value=frame.asked("find"), key="housing_search",
        placeholder=text("pages.housing.search_hint"), icon=":material/search:",
    )  # fmt: skip
    frame.keep("find", words.strip())
    if not words.strip():
        return
    found = housing.search(desk.found, words) or of_households(desk, words)
    if not found:
        st.info(text("pages.housing.not_found", words=page_words(words)))
        return
    show_verdicts(desk, found[:FOUND_SHOWN], text("pages.housing.search"))
    if len(found) == 1:
        with st.columns(2)[0], st.container(border=True):
            show_case(desk, found[0])
    elif len(found) > FOUND_SHOWN:
        st.caption(text("pages.housing.more_found", count=len(found), shown=FOUND_SHOWN))


def of_households(desk: Desk, words: str) -> list[Mapping[str, Any]]:
    """Find the cases of households whose exact id number, account or phone this is."""
    if not desk.office.works_on_cases:
        return []
    households = found_households(desk.office, desk.policy, words)
    return [v for v in desk.found if v["household_id"] in households]


def show_programme(desk: Desk, programme: Mapping[str, Any]) -> None:
    """Show one programme: the money, the list with its lines, the map, the reasons, the comparison."""
    show_numbers(desk, programme)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        picked = show_order(desk, programme)
    with right:
        picked = show_cases_map(desk, programme["programme"]) or picked
        frame.keep("case", picked)
        verdict = desk.case(picked) if picked else None
        if verdict is not None:
            with st.container(border=True):
                show_case(desk, verdict)
        else:
            st.caption(desk.office.text("pages.housing.pick"))
    show_money(desk, programme)
    show_comparison(desk, programme)


def show_own_cases(desk: Desk, programme: str) -> None:
    """Show the cases of one's own village with where they stand in the whole order."""
    mine = desk.of(programme)
    if not mine:
        st.caption(desk.office.text("pages.housing.none_here"))
        return
    left, right = st.columns([5, 3], gap="medium")
    with left:
        st.subheader(desk.office.text("pages.housing.own", count=len(mine)), anchor=False)
        picked = list_cases(desk, mine, f"{programme}/own", height=560)
        take_order(desk, mine)
    with right:
        frame.keep("case", picked)
        verdict = desk.case(picked) if picked else None
        if verdict is None:
            st.caption(desk.office.text("pages.housing.pick"))
        else:
            with st.container(border=True):
                show_case(desk, verdict)
    show_verdicts(desk, mine, desk.office.text("pages.housing.own_reasons"))


def show_export(desk: Desk) -> None:
    """Offer the lists as a workbook."""

    def book() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "programme.xlsx"
            return programme_book.write_book(
                desk.made, desk.found, contradictions(desk), desk.policy, desk.office.official_text, path
            ).read_bytes()

    st.download_button(
        desk.office.text("pages.housing.export"), book, file_name=f"programme-{desk.made['year']}.xlsx", mime=XLSX,
        icon=":material/download:", on_click="ignore", disabled=desk.is_draft,
    )  # fmt: skip


def page() -> None:
    """Draw the page."""
    office = frame.bureau()
    text = office.text
    st.html(_STYLE)
    with st.container(key="housing"), frame.refusals(office):
        frame.page_head(office, text("pages.housing.title"), text("pages.housing.question"))
        desk = load(office)
        if desk is None and not frame.has_layers(office, "housing", "renovation_application", "household", "house"):
            return
        if desk is None:
            st.info(text("pages.housing.empty"))
            may_make = office.can("housing.programme", "programme_run")
            if may_make and st.button(text("pages.housing.make"), type="primary"):
                make(office)
            return
        show_draft(desk)
        show_act_now(desk)
        show_search(desk)
        codes = [p["programme"] for p in desk.made["programmes"]]
        views = [*codes, "checks"]
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            labels = {v: text("pages.housing.checks") if v == "checks" else desk.name(v) for v in views}
            view = frame.chosen_view(office, "programme", labels, text("pages.housing.view"))
            if not desk.is_part:
                show_export(desk)
        if view == "checks":
            show_checks(desk)
        elif desk.is_part:
            show_own_cases(desk, view)
        else:
            show_programme(desk, next(p for p in desk.made["programmes"] if p["programme"] == view))
        st.caption(text("pages.housing.foot", day=desk.made.get("made_on", ""), version=desk.made["policy_version"]))


page()
