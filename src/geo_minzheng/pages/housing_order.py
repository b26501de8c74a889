"""The official order of the housing page: the list with its lines, the map beside it, the numbers above."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.pages import frame, take
from geo_minzheng.present.page_words import page_words
from geo_minzheng.services import places, planning_maps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo_minzheng.pages.housing_desk import Desk

NEXT_SHOWN = 30


def show_numbers(desk: Desk, programme: Mapping[str, Any]) -> None:
    """Show the programme in a few numbers and say what ended the list."""
    text = desk.office.text
    quota, stretch = programme["quota"], programme["stretch_quota"]
    numbers = {
        "budget": text.wan_yuan(programme["budget_yuan"], screen=True),
        "spent": text.wan_yuan(programme["spent_yuan"], screen=True),
        "chosen": text("pages.housing.households", count=len(programme["chosen"])),
    }
    if quota is not None:
        numbers["quota"] = text("pages.housing.quota", quota=quota, stretch=stretch or quota)
    must = programme["must_finish"]
    if must:
        numbers["must"] = text("pages.housing.households", count=must["cases"])
        numbers["must_cost"] = text.wan_yuan(must["cost_yuan"], screen=True)
        numbers["gap"] = text.wan_yuan(must["gap_yuan"], screen=True)
    for column, (name, value) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
        column.metric(text(f"pages.housing.number.{name}"), value)
    if must and (must["unfinished"] or must["without_figure"]):
        st.warning(
            text("pages.housing.must_open", count=len(must["unfinished"]), yuan=text.yuan(must["unfinished_yuan"]),
                 without=len(must["without_figure"]))
        )  # fmt: skip


def show_order(desk: Desk, programme: Mapping[str, Any]) -> str:
    """Show the official order with the lines of target, stretch and money; give the picked case."""
    text, mine = desk.office.text, desk.of(programme["programme"])
    st.subheader(text("pages.housing.order"), anchor=False)
    code, quota, stretch = programme["programme"], programme["quota"], programme["stretch_quota"]
    ends = len(programme["chosen"])
    lines = {ends: ("end_line", end_line(desk, programme))}
    for name, place in (("target_line", quota), ("stretch_line", stretch)):
        if place is not None and place != ends:
            lines[place] = (name, text(f"pages.housing.{name}", quota=place))
    placed = [v for v in mine if v["place"] is not None]
    shown = max(ends + NEXT_SHOWN, stretch or 0)
    picked, start = "", 0
    for place in sorted({*lines, min(shown, len(placed))}):
        part = placed[start:place]
        if part:
            picked = list_cases(desk, part, f"{code}/{start}", height=330 if not start else 190) or picked
        if place in lines and place <= len(placed):
            line(*lines[place])
        start = max(start, place)
    take_order(desk, placed[: min(shown, len(placed))])
    waiting = len(placed) - ends
    if waiting:
        st.caption(text("pages.housing.waiting_foot", count=waiting, shown=min(shown, len(placed)) - ends))
    names = [
        text("pages.housing.part_max", name=text.name("parts", p.part, p), most=text.number(p.weight))
        for p in desk.policy.house_ranking.parts
    ]
    st.caption(text("pages.housing.parts_foot", parts=names))
    return picked


def end_line(desk: Desk, programme: Mapping[str, Any]) -> str:
    """Say what ended the list and what the next case lacks."""
    text, following = desk.office.text, programme["next_unfunded"]
    key = programme["stopped_by"].replace(" ", "_")
    if following is None:
        return text(f"pages.housing.end.{key}")
    told = text("pages.housing.end.budget", case=page_words(following["case"]),
                shortfall=text.yuan(following["shortfall_yuan"]))  # fmt: skip
    quota = programme["quota"]
    if quota is not None and len(programme["chosen"]) < quota:
        told += text("pages.housing.end.short_of_target", count=quota - len(programme["chosen"]), quota=quota)
    return told


def line(key: str, words: str) -> None:
    """Draw a line across the list."""
    with st.container(key=key):
        st.markdown(words)


def list_cases(desk: Desk, found: Sequence[Mapping[str, Any]], key: str, *, height: int) -> str:
    """List cases in their order with the six parts as bars; give the picked one."""
    text = desk.office.text
    parts = desk.policy.house_ranking.parts
    rows = [
        {
            "place": v["place"], "case": v["case"], "village": v["village_name"], "tier": v["tier"],
            "score": v["score"], "parts": [float(v.get(f"part_{p.part}") or 0.0) for p in parts],
            "yuan": v["subsidy_yuan"],
        }
        for v in found
    ]  # fmt: skip

    def head(name: str) -> str:
        return text(f"pages.housing.column.{name}")

    config = {
        "place": st.column_config.NumberColumn(head("place"), width=46, pinned=True),
        "case": st.column_config.TextColumn(head("case"), width=112, pinned=True),
        "village": st.column_config.TextColumn(head("village"), width=104),
        "tier": st.column_config.NumberColumn(head("tier"), width=44),
        "score": st.column_config.NumberColumn(head("score"), format="%.2f", width=60),
        "parts": st.column_config.BarChartColumn(
            head("parts"), y_min=0, y_max=max((p.weight for p in parts), default=1), color="primary", width=76
        ),
        "yuan": st.column_config.NumberColumn(head("yuan"), format="%.2f", width=96),
    }
    answer: Any = st.dataframe(
        rows, column_config=config, hide_index=True, height=min(height, 38 + 35 * len(rows)),
        key=f"order/{key}", alt=text("pages.housing.order"),
        **frame.picking("case", [str(v["case"]) for v in found]),
    )  # fmt: skip
    chosen = answer.selection.rows
    return str(found[chosen[0]]["case"]) if chosen and chosen[0] < len(found) else ""


def take_order(desk: Desk, found: Sequence[Mapping[str, Any]]) -> None:
    """Let the whole order be taken along as one table, with the parts of the score as columns of their own."""
    text, parts = desk.office.text, desk.policy.house_ranking.parts
    heads = [text(f"pages.housing.column.{n}") for n in ("place", "case", "village", "tier", "score", "yuan")] + [
        text("pages.housing.part_max", name=text.name("parts", p.part, p), most=text.number(p.weight)) for p in parts
    ]
    rows = [
        [v["place"], v["case"], v["village_name"], v["tier"], v["score"], v["subsidy_yuan"],
         *(float(v.get(f"part_{p.part}") or 0.0) for p in parts)]
        for v in found
    ]  # fmt: skip
    frame.take_rows(heads, rows, text("pages.housing.order"), place=_house_places(desk, found))


def _house_places(desk: Desk, found: Sequence[Mapping[str, Any]]) -> take.Place | None:
    """Promise the places of the houses to who works on cases; other roles take the list without them."""
    if not desk.office.works_on_cases:
        return None

    def look_up() -> list[Any]:
        with desk.office.reading() as session:
            return planning_maps.case_shapes(session, desk.rows, found)

    return look_up


def show_cases_map(desk: Desk, programme: str) -> str:
    """Show where the houses are, or the villages by count for roles that do not work on cases."""
    office = desk.office
    points = office.works_on_cases

    def draw() -> Any:
        with office.reading() as session:
            content = planning_maps.programme_map(
                session, office.act(), office.catalogue, desk.policy, office.text, desk.of(programme),
                rows=desk.rows, points=points,
            )  # fmt: skip
            # Villages may be real while the houses counted in them are not.
            made_up = places.has_synthetic(session, "house")
        return replace(content, notices=(office.text("present.paper.synthetic"),)) if made_up else content

    mark = str(desk.made["programmes"])
    content = frame.kept(office, ("housing.map", programme, str(points), str(hash(mark))), draw)
    answer = frame.show_map(content, office, key=f"map/{programme}/{points}", height=560)
    if not points:
        st.caption(office.text("pages.housing.villages_only"))
    return next((c for kind in ("chosen", "stretch", "waiting", "act_now") if (c := frame.clicked(answer, kind))), "")
