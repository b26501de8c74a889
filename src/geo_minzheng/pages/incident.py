"""灾情指挥: who is hit, how badly, and which level."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.errors import NotFoundError
from geo_minzheng.model.incident import Band
from geo_minzheng.pages import frame, impact_tables, work
from geo_minzheng.services import accounts, duty, impact, imports, incidents, maps, response

if TYPE_CHECKING:
    from collections.abc import Callable

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.act import Act
    from geo_minzheng.model.incident import Incident, LevelAdvice
    from geo_minzheng.model.map import MapContent
    from geo_minzheng.services.steps import Step

UPLOADS = ["geojson", "json", "gpkg", "zip", "kml", "kmz", "tif", "tiff", "asc"]
SYSTEMS = ("", "EPSG:4490", "EPSG:4326", "EPSG:4547", "gcj02", "bd09")
BANDED = ("displaced", "emergency_aid", "collapsed_households", "severe_households")
# Where all of these are 0, the footprint touches nothing: the page says so, with the distance.
TOUCHED = ("affected_population", "houses_hit", "homes_hit", "cut_roads", "isolated_villages")
PLAIN = ("affected_population", "houses_hit", "isolated_villages", "assisted_evacuation")


def show(office: Bureau) -> None:
    """Show the incident, or the form that declares one."""
    text = office.text
    frame.page_head(office, text("pages.incident.title"), text("pages.incident.question"))
    if not frame.has_layers(office, "incident", "boundary", "village", "road"):
        return
    found = frame.choose_incident(office)
    if found is None:
        st.info(text("pages.incident.empty"))
        if office.can("incident.declare", "incident"):
            _declare_form(office)
        return
    with office.reading() as session:
        assessed = impact.find_impact(session, found.incident_id)
        footprint, _ = incidents.footprint_of(session, found.incident_id)
    _headline(office, found, assessed)
    left, right = st.columns([2, 5], gap="medium")
    with left:
        if assessed is None:
            st.info(text(f"pages.incident.{_what_lacks(office, footprint)}"))
        else:
            if not any(assessed["totals"][name] for name in TOUCHED):
                st.info(_missed(office, assessed))
            _numbers(office, found, assessed)
            _level(office, found)
    with right:
        _footprint_part(office, found)
    if assessed is not None:
        impact_tables.show(office, assessed)
    if office.can("incident.declare", "incident"):
        with st.expander(text("pages.incident.declare_more"), key=f"declare_{found.incident_id}"):
            _declare_form(office)


def _missed(office: Bureau, assessed: dict[str, Any]) -> str:
    if assessed.get("is_part"):
        return office.text("pages.incident.not_here")
    return frame.plain(incidents.miss_line(assessed["nearest"], office.text))


def _what_lacks(office: Bureau, footprint: str) -> str:
    """Say what is missing; the next step is told to who may take it."""
    if not office.can("incident.footprint", "footprint"):
        return "not_yet"
    return "no_impact" if footprint else "no_footprint"


def _headline(office: Bureau, found: Incident, assessed: dict[str, Any] | None) -> None:
    text = office.text
    hazard = text.name("hazards", found.hazard, office.policy().hazards[found.hazard])
    parts = [
        hazard,
        text("pages.incident.since", at=text.moment(found.occurred_at.astimezone(office.now().tzinfo), screen=True)),
    ]
    if assessed is not None:
        parts.append(text("pages.incident.area", area=text.number(assessed["area_km2"], digits=1)))
    st.markdown(f"**{frame.plain(found.name)}**  " + " · ".join(map(frame.plain, parts)))


def _numbers(office: Bureau, found: Incident, assessed: dict[str, Any]) -> None:
    """Show people and houses hit: the estimate with its band, and the confirmed figure beside it."""
    text, totals = office.text, assessed["totals"]
    if assessed.get("is_part"):
        frame.note(text("pages.incident.own_part"))
    with office.reading() as session:
        confirmed = duty.confirmed_totals(session, office.policy(), found.incident_id)
    order = ("affected_population", "displaced", "isolated_villages", "houses_hit", "assisted_evacuation",
             "emergency_aid", "collapsed_households", "severe_households")  # fmt: skip
    source = text(
        "pages.incident.source", source=str(assessed["assumptions"]["source"]), footprint=assessed["footprint"]
    )
    for pair in (order[:2], order[2:4], order[4:6], order[6:]):
        for column, name in zip(st.columns(2, gap="small"), pair, strict=True):
            column.metric(
                text(f"pages.incident.number.{name}"), _value(office, totals, name), help=source,
                delta=_beside(office, totals, confirmed, name), delta_color="off", delta_arrow="off",
            )  # fmt: skip
    frame.note(source)


def _value(office: Bureau, totals: dict[str, Any], name: str) -> str:
    text, unit = office.text, office.text(f"pages.incident.unit.{name}")
    middle = _band(totals, name).mid
    if name == "isolated_villages":
        return text.quantity(middle, unit)
    return text("present.format.about", value=text.integer(middle), unit=unit)


def _band(totals: dict[str, Any], name: str) -> Band:
    if name in BANDED:
        return Band(*(float(totals[f"{name}_{k}"]) for k in ("low", "mid", "high")))
    return Band(*(float(totals[name]),) * 3)


def _beside(office: Bureau, totals: dict[str, Any], confirmed: dict[str, float], name: str) -> str:
    text, parts = office.text, []
    if name in BANDED:
        band = _band(totals, name)
        parts.append(text("pages.incident.band", low=text.integer(band.low), high=text.integer(band.high)))
    if name == "isolated_villages":
        parts.append(text("pages.incident.isolated_people", people=text.integer(totals["isolated_people"])))
    known = confirmed.get({"displaced": "evacuated_resettled_now", "emergency_aid": "emergency_aid_needed_now",
                           "collapsed_households": "collapsed_dwelling_households",
                           "severe_households": "severely_damaged_dwelling_households"}.get(name, name))  # fmt: skip
    if known is not None:
        parts.append(text("pages.incident.confirmed", value=text.integer(known)))
    return " · ".join(parts) or text("pages.incident.estimated")


def _level(office: Bureau, found: Incident) -> None:
    """Show the advice with the distance to the next level, what was decided, and let a person decide."""
    text = office.text
    st.subheader(text("pages.incident.level"), anchor=False)
    with frame.refusals(office):
        with office.reading() as session:
            advice, _ = response.advise_level(session, office.policy(), found.incident_id)
            decided = response.present_level(session, found.incident_id)
        advised = text(f"pages.incident.advice.{advice.level or 'none'}")
        frame.strong(advised)
        frame.bullets(_grounds(office, advice))
        if decided is not None:
            frame.note(_decided_line(office, decided))
        with st.expander(text("pages.incident.conditions")):
            frame.table(_condition_rows(office, advice), text("pages.incident.conditions"))
        if office.can("response.decide", "level_decision"):
            with st.expander(text("pages.incident.decide"), expanded=decided is None):
                _decide_form(office, found, advice)


def _condition_name(office: Bureau, name_zh: str, name_en: str) -> str:
    return name_zh if office.text.language == "zh" else name_en or name_zh


def _grounds(office: Bureau, advice: LevelAdvice) -> list[str]:
    """Say which conditions hold at the advised level and how far the next level is."""
    text, lines = office.text, []
    for c in advice.conditions:
        if c.is_met and c.level == advice.level:
            lines.append(
                text("pages.incident.met", name=_condition_name(office, c.name_zh, c.name_en), unit=c.unit,
                     value=text.number(c.value), bound=text.number(c.bound))
            )  # fmt: skip
    near = advice.next_condition
    if near is not None:
        lines.append(
            text("pages.incident.next", level=text(f"names.level.{near.level}"), unit=near.unit,
                 name=_condition_name(office, near.name_zh, near.name_en), distance=text.number(near.distance))
        )  # fmt: skip
    return lines or [text("pages.incident.no_ground")]


def _condition_rows(office: Bureau, advice: LevelAdvice) -> list[dict[str, Any]]:
    text = office.text
    return [
        {
            text("pages.incident.col.level"): text(f"names.level.{c.level}"),
            text("pages.incident.col.condition"): _condition_name(office, c.name_zh, c.name_en),
            text("pages.incident.col.value"): c.value,
            text("pages.incident.col.bound"): c.bound,
            text("pages.incident.col.distance"): c.distance,
            text("pages.incident.col.unit"): c.unit,
        }
        for c in advice.conditions
    ]


def _decided_line(office: Bureau, decided: dict[str, Any]) -> str:
    text = office.text
    level = text(f"names.level.{decided['level']}") if decided["level"] else text("pages.incident.not_activated")
    return text("pages.incident.decided", level=level, leader=decided["leader"] or decided["who"],
                at=frame.moment_here(office, decided["at"]), reason=decided["reason"])  # fmt: skip


def _decide_form(office: Bureau, found: Incident, advice: LevelAdvice) -> None:
    text = office.text
    options = ["", *response.LEVELS]
    with office.reading() as session:
        leaders = [p.name for p in accounts.people(session) if p.role in {"approver", "leader"}]
    with st.form("decide_level", border=False):
        level = st.selectbox(
            text("pages.incident.level_chosen"), options, index=options.index(advice.level or ""),
            format_func=lambda v: text(f"names.level.{v}") if v else text("pages.incident.not_activated"),
        )  # fmt: skip
        leader = st.selectbox(text("pages.incident.leader"), leaders, index=0 if leaders else None,
                              accept_new_options=True)  # fmt: skip
        reason = st.text_input(text("pages.incident.reason"))
        if st.form_submit_button(text("pages.incident.record_decision"), type="primary"):
            decision = response.Decision(level or None, str(leader or ""), reason)
            with frame.refusals(office):
                with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
                    response.decide_level(session, act, office.policy(), found.incident_id, decision)
                frame.say(text("pages.incident.decision_done"))
                st.rerun()


def _content(office: Bureau, incident: str) -> MapContent:
    with office.reading() as session:
        return maps.incident_map(
            session, office.act(), office.catalogue, office.policy(), office.text, incident,
            impact=impact.district_impact(session, incident),
        )  # fmt: skip


@st.fragment
def _footprint_part(office: Bureau, found: Incident) -> None:
    """Show the map; take a drawn or an uploaded footprint and assess what it hits."""
    text = office.text
    with frame.refusals(office):
        content = frame.kept(office, ("incident", found.incident_id), lambda: _content(office, found.incident_id))
        may_draw = office.can("incident.footprint", "footprint")
        answer = frame.show_map(content, office, key="incident_map", draw=may_draw, height=560)
        if not may_draw:
            return
        drawn = [d for d in answer.get("all_drawings") or [] if d]
        tabs = frame.tabs(office, "source", {n: text(f"pages.incident.tab_{n}") for n in ("draw", "file", "again")})
        with tabs["draw"]:
            frame.note(text("pages.incident.draw_hint", count=len(drawn)))
            if st.button(text("pages.incident.use_drawn"), type="primary", disabled=not drawn):
                _take_drawn(office, found, drawn)
        with tabs["file"]:
            _upload(office, found)
        with tabs["again"]:
            frame.note(text("pages.incident.again_hint"))
            if st.button(text("pages.incident.assess_again")):
                _assess(office, found)


def _upload(office: Bureau, found: Incident) -> None:
    text = office.text
    with st.form("upload_footprint", border=False):
        file = st.file_uploader(text("pages.incident.file"), type=UPLOADS, help=text("pages.incident.file_help"))
        crs = st.selectbox(
            text("pages.incident.crs"), SYSTEMS,
            format_func=lambda v: text(f"pages.incident.system.{v.lower().replace(':', '_') or 'file'}"),
        )  # fmt: skip
        if st.form_submit_button(text("pages.incident.import_file"), type="primary") and file is not None:
            _take_file(office, found, file.getvalue(), file.name, crs)


def _take_drawn(office: Bureau, found: Incident, drawn: list[dict[str, Any]]) -> None:
    def store(session: Any, act: Act) -> dict[str, Any]:
        collection = {"type": "FeatureCollection", "features": drawn}
        return incidents.add_drawn_footprint(session, act, found.incident_id, collection)

    _assess(office, found, store)


def _take_file(office: Bureau, found: Incident, data: bytes, name: str, crs: str) -> None:
    def store(session: Any, act: Act) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            path.write_bytes(data)
            options = imports.read_options([], crs=crs)
            return incidents.add_footprint_file(session, act, office.policy(), found.incident_id, path, options)

    _assess(office, found, store)


def _assess(office: Bureau, found: Incident, store: Callable[[Any, Act], dict[str, Any]] | None = None) -> None:
    """Store a new footprint where there is one and assess what it hits: both or, when stopped, neither."""
    text = office.text

    def job(step: Step) -> str:
        with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
            step("read")
            told = None if store is None else store(session, act)
            document = impact.assess_impact(session, act, office.policy(), found.incident_id, step=step)
        assessed = text(
            "pages.incident.assessed", area=text.number(document["area_km2"], digits=1), polygons=document["polygons"],
            people=text.integer(document["totals"]["affected_population"]),
        )  # fmt: skip
        return " ".join([assessed, *(incidents.footprint_notes(told, text) if told else [])])

    work.begin(text, text("pages.incident.step_assess"), job)


def _declare_form(office: Bureau) -> None:
    """Take a new incident: what, where it began, whether it is a drill."""
    text, policy = office.text, office.policy()
    now = office.now()
    with st.form("declare", border=False):
        name = st.text_input(text("pages.incident.name"), placeholder=text("pages.incident.name_example"))
        first, second, third = st.columns(3)
        hazards = list(policy.hazards)
        hazard = first.selectbox(
            text("pages.incident.hazard"), hazards,
            format_func=lambda h: text.name("hazards", h, policy.hazards[h]),
        )  # fmt: skip
        day = second.date_input(text("pages.incident.day"), value=now.date(), max_value=now.date())
        clock = third.time_input(text("pages.incident.clock"), value=now.time().replace(second=0), step=300)
        exercise = st.checkbox(text("pages.incident.is_exercise"))
        if st.form_submit_button(text("pages.incident.declare"), type="primary"):
            told = incidents.Declaration(
                name=name, hazard=hazard, exercise=exercise, occurred_at=datetime.combine(day, clock, now.tzinfo)
            )
            with frame.refusals(office):
                with office.transaction(exercise=exercise) as (session, act):
                    made = incidents.declare_incident(session, act, policy, told)
                frame.keep("incident", made.incident_id)
                frame.say(text("pages.incident.declared", name=made.name))
                st.rerun()


try:
    show(frame.bureau())
except NotFoundError as missing:
    st.error(frame.text_now().error(missing))
