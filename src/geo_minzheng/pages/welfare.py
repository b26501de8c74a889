"""Which homes fail, which are full, who is out of reach, and where the next home goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.pages import frame, work
from geo_minzheng.present.page_words import Marked, Shown, page_words
from geo_minzheng.services import places, planning_maps, welfare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.services.steps import Step
    from geo_minzheng.services.welfare import Reach

VIEWS = ("homes", "reach", "sites")
MODES = ("walk", "drive")

_STYLE = """<style>
.st-key-welfare table { font-size: 13px; width: 100%; }
.st-key-welfare td, .st-key-welfare th { padding: 4px 8px; min-width: 4.6em; }
.st-key-welfare td:first-child { white-space: nowrap; }
</style>"""


def show_homes(office: Bureau) -> None:
    """Show the homes by pressure and red lines, their overdue defects, and the upgrade ranking."""
    text, policy = office.text, office.policy()
    with office.reading() as session:
        homes = welfare.rank_homes(session, policy)
        defects = welfare.open_defects(session, office.act())
        gaps = welfare.town_gaps(session, office.act(), policy)
    if not homes:
        st.info(text("pages.welfare.empty"))
        return
    overdue = [d for d in defects if d["overdue_days"]]
    numbers = {
        "homes": text("pages.welfare.count_homes", count=len(homes)),
        "full": text("pages.welfare.count_homes", count=sum(h["is_full"] for h in homes)),
        "red": text("pages.welfare.count_homes", count=sum(bool(h["red_lines"]) for h in homes)),
        "overdue": text("pages.welfare.count_items", count=len(overdue)),
        "gaps": text("pages.welfare.count_towns", count=len(gaps)),
    }
    for column, (name, value) in zip(st.columns(len(numbers)), numbers.items(), strict=True):
        column.metric(text(f"pages.welfare.number.{name}"), value)
    show_pressure(office, homes)
    st.markdown(
        text("pages.welfare.gap_line", towns=[page_words(g["name"]) for g in gaps])
        if gaps
        else text("pages.welfare.no_gap")
    )
    show_ranking(office, homes)
    show_defects(office, defects)


def show_pressure(office: Bureau, homes: Sequence[Mapping[str, Any]]) -> None:
    """Show every home's beds, residents, waiting list and red lines; those to be put right at once first."""
    text, policy = office.text, office.policy()
    st.subheader(text("pages.welfare.pressure"), anchor=False)
    ordered = sorted(homes, key=lambda h: (not h["red_lines"], -h["occupancy"], h["home_id"]))
    rows = []
    for home in ordered:
        kind = policy.facility_kinds.get(home["facility_kind"])
        rows.append(
            [
                home["name"], text.name("facility_kinds", home["facility_kind"], kind), home["bed_total"],
                home["resident_count"], Shown(text.percent(home["occupancy"]), round(home["occupancy"], 4)),
                Marked(text("pages.welfare.full"), "orange") if home["is_full"] else "", home["waiting_count"],
                text("pages.welfare.defects_of", major=home["open_major"], general=home["open_general"]),
                Marked(text.codes("pages.welfare.red_line", home["red_lines"]), "red") if home["red_lines"] else "",
            ]
        )  # fmt: skip
    names = ("home", "kind", "beds", "residents", "occupancy", "full", "waiting", "defects", "red_lines")
    frame.words_table(
        [text(f"pages.welfare.column.{n}") for n in names], rows, text("pages.welfare.pressure"),
        right=(2, 3, 4, 6, 7),
        place=frame.places_of(office, "welfare_home", "home_id", [h["home_id"] for h in ordered]),
    )  # fmt: skip


def show_defects(office: Bureau, defects: Sequence[Mapping[str, Any]]) -> None:
    """Show the open defects, the longest overdue first."""
    text = office.text
    st.subheader(text("pages.welfare.defects"), anchor=False)
    if not defects:
        st.caption(text("pages.welfare.no_defect"))
        return
    rows = [
        [
            d["name"], Marked(text("pages.welfare.grade.major"), "red") if d["grade"] == "major"
            else text("pages.welfare.grade.general"),
            d["description"], text.day(d["deadline_on"]) if d["deadline_on"] else text("pages.welfare.no_deadline"),
            Marked(text("pages.welfare.overdue_days", days=d["overdue_days"]), "red") if d["overdue_days"] else "",
        ]
        for d in defects
    ]  # fmt: skip
    names = ("home", "grade", "description", "deadline", "overdue")
    frame.words_table([text(f"pages.welfare.column.{n}") for n in names], rows, text("pages.welfare.defects"))


def show_ranking(office: Bureau, homes: Sequence[Mapping[str, Any]]) -> None:
    """Show the upgrade ranking with the score in its named parts; red lines stand outside it."""
    text, ranking = office.text, office.policy().home_ranking
    st.subheader(text("pages.welfare.ranking"), anchor=False)
    ordered = sorted(homes, key=lambda h: (h["rank"] is None, h["rank"] or 0, h["home_id"]))
    rows = [
        {
            "rank": text("pages.welfare.outside") if h["rank"] is None else str(h["rank"]), "home": h["name"],
            "score": h["score"], **{p.part: h[p.part] for p in ranking.parts},
        }
        for h in ordered
    ]  # fmt: skip
    config: dict[str, Any] = {
        "rank": st.column_config.TextColumn(text("pages.welfare.column.rank"), width="small", pinned=True),
        "home": st.column_config.TextColumn(text("pages.welfare.column.home"), pinned=True),
        "score": st.column_config.NumberColumn(text("pages.welfare.column.score"), format="%.2f", width="small"),
    }
    for part in ranking.parts:
        head = text("pages.welfare.part_max", name=text.name("parts", part.part, part), most=text.number(part.weight))
        config[part.part] = st.column_config.ProgressColumn(
            head, min_value=0.0, max_value=float(part.weight), format="%.2f", width="small", color="primary"
        )
    st.dataframe(rows, column_config=config, hide_index=True, key="home_ranking", alt=text("pages.welfare.ranking"))
    heads = [text(f"pages.welfare.column.{n}") for n in ("rank", "home", "score")] + [
        text("pages.welfare.part_max", name=text.name("parts", p.part, p), most=text.number(p.weight))
        for p in ranking.parts
    ]
    frame.take_rows(
        heads, [list(row.values()) for row in rows], text("pages.welfare.ranking"),
        place=frame.places_of(office, "welfare_home", "home_id", [h["home_id"] for h in ordered]),
    )  # fmt: skip
    st.caption(text("pages.welfare.ranking_foot"))


def measure(office: Bureau) -> Reach:
    """Measure the service areas on the road network, once for the same data."""

    def reach() -> Reach:
        with office.reading() as session:
            return welfare.service_reach(session, office.policy())

    with st.spinner(office.text("pages.welfare.measuring")):
        return frame.kept(office, ("welfare.reach", office.policy().version), reach)


def show_reach(office: Bureau) -> None:
    """Show who lives within 15 minutes on foot and 30 minutes by car, by town, on the true road network."""
    text, policy = office.text, office.policy()
    found = measure(office)
    limits = {"walk": policy.number("access.walk_minutes"), "drive": policy.number("access.drive_minutes")}
    left, right = st.columns([3, 2], gap="medium")
    with left:

        def draw() -> Any:
            with office.reading() as session:
                return planning_maps.reach_map(session, office.act(), office.catalogue, policy, text, found)

        frame.show_map(frame.kept(office, ("welfare.reach.map",), draw), office, key="reach_map", height=600)
    with right:
        with office.reading() as session:
            towns = places.names(session, "division", "code")
        for mode in MODES:
            total = found.totals[mode]
            st.subheader(text(f"pages.welfare.mode.{mode}", minutes=limits[mode]), anchor=False)
            st.markdown(
                text(
                    "pages.welfare.reach_line",
                    **{k: text.count(total[k]) for k in ("persons", "covered", "uncovered")},
                )
            )
            rows = [
                [
                    towns.get(r["town"], r["town"]),
                    *(Shown(text.count(r[k]), r[k]) for k in ("persons", "covered", "uncovered")),
                ]
                for r in found.by_town[mode]
            ]
            names = ("town", "persons", "covered", "uncovered")
            frame.words_table(
                [text(f"pages.welfare.column.{n}") for n in names], rows,
                text(f"pages.welfare.mode.{mode}", minutes=limits[mode]), right=(1, 2, 3),
            )  # fmt: skip
        st.caption(text("pages.welfare.reach_foot", count=len(found.beyond)))


def site(office: Bureau, new: int) -> None:
    """Choose the next sites and keep the answer on record."""

    def job(step: Step) -> str:
        with office.transaction() as (session, act):
            welfare.site_homes(session, act, office.policy(), new=new, step=step)
        return office.text("pages.welfare.sited")

    work.begin(office.text, office.text("pages.welfare.siting"), job)


def _site_form(office: Bureau, made: Mapping[str, Any] | None) -> None:
    text = office.text
    with st.form("site", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        new = st.number_input(
            text("pages.welfare.new"), min_value=1, max_value=20, step=1, width=160,
            value=len(made["median"]["new"]) if made else int(office.policy().number("care.next_sites")),
        )  # fmt: skip
        asked = st.form_submit_button(text("pages.welfare.site"), type="primary", icon=":material/add_location:")
    if asked:
        site(office, int(new))


def show_sites(office: Bureau) -> None:
    """Show the next sites: two answers with what each site adds, and every candidate with land use and tenure."""
    text = office.text
    with office.reading() as session:
        made = welfare.latest_siting(session)
    if office.can("welfare.site", "siting_run"):
        _site_form(office, made)
    if made is None:
        st.info(text("pages.welfare.no_siting"))
        return
    left, right = st.columns([3, 2], gap="medium")
    with right:
        answers = {k: text(f"pages.welfare.answers.{k}") for k in ("median", "cover")}
        chosen = frame.chosen_view(office, "answer", answers, text("pages.welfare.answer"))
        show_answer(office, made[chosen], chosen)
    with left:

        def draw() -> Any:
            with office.reading() as session:
                here = (session, office.act(), office.catalogue, office.policy(), text)
                return planning_maps.siting_map(*here, made[chosen]["new"])

        key = ("welfare.siting.map", chosen, *made[chosen]["new"])
        frame.show_map(frame.kept(office, key, draw), office, key=f"siting_map/{chosen}", height=520)
    show_candidates(office, made)


def show_answer(office: Bureau, answer: Mapping[str, Any], kind: str) -> None:
    """Show one answer: the sites in the order of what they add, and how surely it is the best."""
    text = office.text
    st.caption(text(f"pages.welfare.answer_why.{kind}"))
    gains = sorted(answer["gains"], key=lambda g: -g["gain"])
    if kind == "cover" and not any(g["gain"] for g in gains):
        st.info(text("pages.welfare.covered_already"))
    rows = [[k, g["name"], Shown(text(f"pages.welfare.gain.{kind}", gain=text.number(g["gain"], digits=0)), g["gain"])]
            for k, g in enumerate(gains, start=1)]  # fmt: skip
    heads = [text(f"pages.welfare.column.{n}") for n in ("order", "site", "gain")]
    frame.words_table(
        heads, rows, text(f"pages.welfare.answers.{kind}"), right=(0, 2),
        place=frame.places_of(office, "candidate_site", "name", [g["name"] for g in gains]),
    )  # fmt: skip
    st.caption(
        text("pages.welfare.proof", status=text(f"names.status.{answer['status']}"), gap=text.percent(answer["gap"]))
    )


def show_candidates(office: Bureau, made: Mapping[str, Any]) -> None:
    """Show every candidate with what stood there, land use and tenure."""
    text = office.text
    st.subheader(text("pages.welfare.candidates", count=len(made["candidates"])), anchor=False)
    new = {kind: set(made[kind]["new"]) for kind in ("median", "cover")}
    rows = [
        [
            c["name"], text(f"pages.welfare.former.{c['former_use']}"), c["land_use"] or text("pages.welfare.unknown"),
            c["tenure"] or text("pages.welfare.unknown"),
            None if c["area_m2"] is None else Shown(text.integer(c["area_m2"]), c["area_m2"]),
            "、".join(text(f"pages.welfare.answers.{k}") for k in new if c["name"] in new[k]),
        ]
        for c in made["candidates"]
    ]  # fmt: skip
    names = ("site", "former", "land_use", "tenure", "area", "chosen")
    frame.words_table(
        [text(f"pages.welfare.column.{n}") for n in names], rows, text("pages.welfare.table.candidates"), right=(4,),
        place=frame.places_of(office, "candidate_site", "name", [c["name"] for c in made["candidates"]]),
    )  # fmt: skip
    st.caption(text("pages.welfare.candidates_foot", count=made["excluded_in_hazard_zone"]))


def page() -> None:
    """Draw the page."""
    office = frame.bureau()
    text = office.text
    st.html(_STYLE)
    with st.container(key="welfare"), frame.refusals(office):
        frame.page_head(office, text("pages.welfare.title"), text("pages.welfare.question"))
        if not frame.has_layers(office, "welfare", "boundary", "village", "road", "welfare_home"):
            return
        labels = {v: text(f"pages.welfare.views.{v}") for v in VIEWS}
        view = frame.chosen_view(office, "view", labels, text("pages.welfare.view"))
        {"reach": show_reach, "sites": show_sites}.get(view, show_homes)(office)


page()
