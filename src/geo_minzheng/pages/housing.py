"""Which houses this year and why: the official order down to where the money ends, the reasons, the comparison."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.bootstrap import parse_moment
from geo_minzheng.pages import frame
from geo_minzheng.present.page_words import page_table, page_words
from geo_minzheng.services import housing, planning_maps, programme_book, village_review

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.policy import Policy

NEXT_SHOWN, FOUND_SHOWN = 30, 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_STYLE = """<style>
.st-key-housing table { font-size: 13px; }
.st-key-housing td, .st-key-housing th { padding: 3px 8px; }
.st-key-act_now summary { background: #FDECE6; color: #7F0000; font-weight: 700; }
.st-key-end_line p { border-top: 3px solid #E34A33; color: #9C2413; font-weight: 700; padding-top: 4px; }
.st-key-target_line p { border-top: 2px dashed #1F4E79; color: #1F4E79; font-weight: 700; padding-top: 4px; }
.st-key-stretch_line p { border-top: 2px dotted #1F4E79; color: #1F4E79; font-weight: 700; padding-top: 4px; }
</style>"""


@dataclass(frozen=True)
class Desk:
    """The programmes on the table: on record, or a draft with other money."""

    office: Bureau
    policy: Policy
    made: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    found: Sequence[Mapping[str, Any]]
    is_draft: bool

    def name(self, programme: str) -> str:
        """Name a programme."""
        return self.office.text.name("programmes", programme, self.policy.programmes[programme])

    def of(self, programme: str) -> list[Mapping[str, Any]]:
        """List the verdicts of a programme."""
        return [v for v in self.found if v["programme"] == programme]

    def case(self, case: str) -> Mapping[str, Any] | None:
        """Find the verdict of a case."""
        return next((v for v in self.found if v["case"] == case), None)


def load(office: Bureau) -> Desk | None:
    """Lay the last programmes, or this session's draft, on the table; ``None`` where there are none."""
    draft = st.session_state.get("housing_draft")
    with office.reading() as session:
        made = draft or housing.latest_programmes(session)
    if made is None:
        return None
    desk_then = office.at(parse_moment(f"{made.get('made_on', office.today().isoformat())}T09:00"))
    policy = desk_then.policy()

    def judge() -> list[dict[str, Any]]:
        with office.reading() as session:
            return housing.case_rows(session, desk_then.act(), policy)

    rows = frame.kept(office, ("housing.cases", policy.version), judge)
    with office.reading() as session:
        found = housing.verdicts(session, made, rows)
    return Desk(office, policy, made, rows, found, draft is not None)


def make(office: Bureau, budgets: dict[str, float] | None = None) -> None:
    """Make the programmes and keep them on record."""
    with st.spinner(office.text("pages.housing.working")), office.transaction() as (session, act):
        housing.make_programmes(session, act, office.policy(), budgets=budgets)
    st.session_state.pop("housing_draft", None)
    frame.say(office.text("pages.housing.kept"))
    st.rerun()


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
        st.markdown(verdict_table(desk, cases))


def verdict_table(desk: Desk, found: Sequence[Mapping[str, Any]]) -> str:
    """Write cases with where they stand and why."""
    text = desk.office.text
    heads = [text(f"pages.housing.column.{n}") for n in ("case", "village", "programme", "standing")]
    rows = [
        [v["case"], f"{v['town_name']} {v['village_name']}", desk.name(v["programme"]),
         housing.reason_of(v, desk.policy, text)]
        for v in found
    ]  # fmt: skip
    return page_table(heads, rows)


def show_search(desk: Desk) -> None:
    """Answer why a house is or is not in the programme."""
    text = desk.office.text
    words = st.text_input(
        text("pages.housing.search"), key="housing_search", placeholder=text("pages.housing.search_hint"),
        icon=":material/search:",
    )  # fmt: skip
    if not words.strip():
        return
    found = housing.search(desk.found, words)
    if not found:
        st.info(text("pages.housing.not_found", words=page_words(words)))
        return
    st.markdown(verdict_table(desk, found[:FOUND_SHOWN]))
    if len(found) == 1:
        with st.columns(2)[0], st.container(border=True):
            show_case(desk, found[0])
    elif len(found) > FOUND_SHOWN:
        st.caption(text("pages.housing.more_found", count=len(found), shown=FOUND_SHOWN))


def show_case(desk: Desk, verdict: Mapping[str, Any]) -> None:
    """Show the score of a case in its named parts, which add up to it."""
    text = desk.office.text
    st.markdown(
        f"**{page_words(verdict['case'])}** · "
        + text("pages.housing.case_line", village=page_words(verdict["village_name"]),
               tier=page_words(tier_name(desk, verdict)), persons=verdict["persons"] or 0)
    )  # fmt: skip
    st.caption(page_words(housing.reason_of(verdict, desk.policy, text)))
    if verdict["score"] is None:
        return
    for part in desk.policy.house_ranking.parts:
        points = float(verdict.get(f"part_{part.part}") or 0.0)
        label = text("pages.housing.part", name=text.name("parts", part.part, part), points=f"{points:.2f}",
                     most=text.number(part.weight))  # fmt: skip
        st.progress(min(1.0, points / part.weight) if part.weight else 0.0, text=page_words(label))
    st.caption(text("pages.housing.sum", score=f"{verdict['score']:.2f}"))


def tier_name(desk: Desk, verdict: Mapping[str, Any]) -> str:
    """Name the tier of a case."""
    rule = next(
        (
            t for t in desk.policy.house_ranking.tiers
            if t.programme == verdict["programme"] and t.tier == verdict["tier"]
        ),
        None,
    )  # fmt: skip
    told = "" if rule is None else rule.name_en if desk.office.text.language == "en" else rule.name_zh
    return desk.office.text("pages.housing.tier", tier=verdict["tier"], name=told)


def show_programme(desk: Desk, programme: Mapping[str, Any]) -> None:
    """Show one programme: the money, the list with its lines, the map, the reasons, the comparison."""
    show_numbers(desk, programme)
    left, right = st.columns([5, 3], gap="medium")
    with left:
        picked = show_order(desk, programme)
    with right:
        picked = show_cases_map(desk, programme["programme"]) or picked
        verdict = desk.case(picked) if picked else None
        if verdict is not None:
            with st.container(border=True):
                show_case(desk, verdict)
        else:
            st.caption(desk.office.text("pages.housing.pick"))
    show_money(desk, programme)
    show_comparison(desk, programme)


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
            head("parts"), y_min=0, y_max=max((p.weight for p in parts), default=1), color="#1F4E79", width=76
        ),
        "yuan": st.column_config.NumberColumn(head("yuan"), format="%.2f", width=96),
    }
    answer: Any = st.dataframe(
        rows, column_config=config, hide_index=True, height=min(height, 38 + 35 * len(rows)),
        key=f"order/{key}", on_select="rerun", selection_mode="single-row",
    )  # fmt: skip
    chosen = answer.selection.rows
    return str(found[chosen[0]]["case"]) if chosen and chosen[0] < len(found) else ""


def show_cases_map(desk: Desk, programme: str) -> str:
    """Show where the houses are, or the villages by count for roles that do not work on cases."""
    office = desk.office
    points = housing.sees_houses(office.role)

    def draw() -> Any:
        with office.reading() as session:
            return planning_maps.programme_map(
                session, office.act(), office.catalogue, desk.policy, office.text, desk.of(programme),
                rows=desk.rows, points=points,
            )  # fmt: skip

    mark = str(desk.made["programmes"])
    content = frame.kept(office, ("housing.map", programme, str(points), str(hash(mark))), draw)
    answer = frame.show_map(content, office, key=f"map/{programme}/{points}", height=560)
    if not points:
        st.caption(office.text("pages.housing.villages_only"))
    return next((c for kind in ("chosen", "stretch", "waiting", "act_now") if (c := frame.clicked(answer, kind))), "")


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
                housing.money_curve(desk.found, code), x="yuan", y="households", height=220, color="#1F4E79",
                x_label=text("pages.housing.curve_x"), y_label=text("pages.housing.curve_y"),
            )  # fmt: skip
        if tried:
            try_budget(desk, code, yuan)


def budgets_of(made: Mapping[str, Any]) -> dict[str, float]:
    """Read the money of each programme."""
    return {p["programme"]: p["budget_yuan"] for p in made["programmes"]}


def try_budget(desk: Desk, programme: str, yuan: float) -> None:
    """Work the programmes out with other money; nothing is kept."""
    office = desk.office
    with st.spinner(office.text("pages.housing.working")), office.reading() as session:
        st.session_state["housing_draft"] = housing.draft_programmes(
            session, office.act(), office.policy(), budgets=budgets_of(desk.made) | {programme: yuan}
        )
    st.rerun()


def show_draft(desk: Desk) -> None:
    """Say that what stands here is a draft, and offer to keep or drop it."""
    if not desk.is_draft:
        return
    text = desk.office.text
    st.warning(text("pages.housing.draft"), icon=":material/edit:")
    with st.container(horizontal=True):
        if st.button(text("pages.housing.keep"), type="primary"):
            make(desk.office, budgets_of(desk.made))
        if st.button(text("pages.housing.drop")):
            st.session_state.pop("housing_draft", None)
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
            [t["tier"], signed(t["cases"]), signed(round(t["points"], 2)), signed(t["persons"]), f"{t['yuan']:+.2f}"]
            for t in cost["tiers"]
        ]
        st.markdown(page_table(heads, rows, right=range(5)))
        for name in ("only_in_order", "only_in_optimum"):
            if cost[name]:
                st.markdown(text(f"pages.housing.{name}", cases=[page_words(c) for c in cost[name]]))
        if not cost["only_in_order"] and not cost["only_in_optimum"]:
            st.markdown(text("pages.housing.no_cost"))


def signed(value: float) -> str:
    """Write a difference with its sign."""
    return f"{value:+g}" if value else "0"


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
            [(desk.case(p["first"]) or {}).get("village_name", ""), p["first"], p["second"], p["reason"]] for p in pairs
        ]
        with st.container(height=420, border=False):
            st.markdown(page_table(heads, rows))
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
        with st.container(height=420, border=False):
            st.markdown(page_table(heads, rows, right=(1,)))


def contradictions(desk: Desk) -> list[dict[str, Any]]:
    """List where the order contradicts the villagers' review, those without a written reason first."""
    with desk.office.reading() as session:
        return village_review.contradictions(session, desk.made)


def show_reason_form(desk: Desk, pairs: Sequence[Mapping[str, Any]]) -> None:
    """Take the written reason for a case that stands before others although the review put it behind."""
    if not pairs or desk.is_draft:
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
        if desk is None:
            st.info(text("pages.housing.empty"))
            if st.button(text("pages.housing.make"), type="primary"):
                make(office)
            return
        show_draft(desk)
        show_act_now(desk)
        show_search(desk)
        codes = [p["programme"] for p in desk.made["programmes"]]
        views = [*codes, "checks"]
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            wanted = frame.asked("programme", codes[0])
            view = st.segmented_control(
                text("pages.housing.view"), views, default=wanted if wanted in views else codes[0], required=True,
                format_func=lambda v: text("pages.housing.checks") if v == "checks" else desk.name(v),
                label_visibility="collapsed", key="housing_view",
            )  # fmt: skip
            show_export(desk)
        frame.keep("programme", view or codes[0])
        if view == "checks":
            show_checks(desk)
        else:
            show_programme(desk, next(p for p in desk.made["programmes"] if p["programme"] == view))
        st.caption(text("pages.housing.foot", day=desk.made.get("made_on", ""), version=desk.made["policy_version"]))


page()
