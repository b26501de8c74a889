"""道路: what is cut, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.services import duty, maps, places, roads

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.incident import Incident
    from geo_minzheng.model.map import MapContent

# A wading depth beyond this is a boat's [m].
AFLOAT_M = 10.0


def show(office: Bureau) -> None:
    """Show tonight's roads, or in quiet times the structures that matter."""
    text = office.text
    frame.page_head(office, text("pages.roads.title"), text("pages.roads.question"))
    if not frame.has_layers(office, "roads", "boundary", "village", "road"):
        return
    found = frame.choose_incident(office)
    if found is None:
        frame.note(text("pages.roads.quiet"))
        _critical_page(office)
        return
    vehicle = _vehicle(office)
    with frame.refusals(office):
        key = ("road_state", found.incident_id, vehicle)
        state = frame.kept(office, key, lambda: _state(office, found.incident_id, vehicle))
        _numbers(office, state)
        left, right = st.columns([2, 5], gap="medium")
        with right:
            place = _map(office, found, state)
        with left:
            _change_form(office, found, state, place)
            _isolated(office, state)
        tabs = frame.tabs(office, "roads", {n: text(f"pages.roads.tab.{n}") for n in ("closed", "critical")})
        with tabs["closed"]:
            _closed(office, state)
        with tabs["critical"]:
            _critical_page(office)


def _vehicle(office: Bureau) -> str:
    text, known = office.text, office.policy().vehicles
    labels = {
        v: text(
            "pages.roads.vehicle_depth" if known[v].passable_depth_m < AFLOAT_M else "pages.roads.vehicle_any",
            name=text.name("vehicles", v, known[v]), depth=text.number(known[v].passable_depth_m),
        )
        for v in known
    }  # fmt: skip
    return frame.chosen_view(office, "vehicle", labels, text("pages.roads.vehicle"), is_labelled=True)


def _state(office: Bureau, incident: str, vehicle: str) -> dict[str, Any]:
    with office.reading() as session:
        policy = office.policy()
        state = roads.road_state(session, policy, incident, vehicle=vehicle)
        return {
            "closed": roads.closed_list(session, policy, incident, vehicle=vehicle),
            "opened": sorted(state.opened),
            "isolated": roads.isolated_villages(session, state),
            "all": len(state.ways.roads),
            "names": roads.road_names(session),
            "villages": places.names(session, "division", "code") | places.names(session, "village", "code"),
            "phones": duty.phones(session),
        }


def _numbers(office: Bureau, state: dict[str, Any]) -> None:
    text = office.text
    cells = st.columns(4)
    by_cause = {cause: [r for r in state["closed"] if r["cause"] == cause] for cause in ("flooded", "declared", "weak")}
    for cell, name, count in (
        (cells[0], "flooded", len(by_cause["flooded"])),
        (cells[1], "declared", len(by_cause["declared"])),
        (cells[2], "weak", len(by_cause["weak"])),
        (cells[3], "isolated", len(state["isolated"])),
    ):
        cell.metric(text(f"pages.roads.number.{name}"), text(f"pages.roads.value.{name}", n=count))


def _content(office: Bureau, incident: str) -> MapContent:
    with office.reading() as session:
        return maps.incident_map(session, office.act(), office.catalogue, office.policy(), office.text, incident)


def _map(office: Bureau, found: Incident, state: dict[str, Any]) -> str:
    """Draw the map and give the road somebody clicked."""
    content = frame.kept(office, ("roads", found.incident_id), lambda: _content(office, found.incident_id))
    answer = frame.show_map(content, office, key="roads_map", point=True, height=520)
    place = answer.get("last_clicked")
    if not place:
        return ""
    with office.reading() as session:
        return roads.road_at(session, office.policy(), place["lng"], place["lat"])


def _change_form(office: Bureau, found: Incident, state: dict[str, Any], clicked: str) -> None:
    """Take a report that a road is cut or open again."""
    if not office.can("road.closed", "closure"):
        return
    text, names = office.text, state["names"]
    closed = {r["road"] for r in state["closed"]}
    options = [*([clicked] if clicked else []), *(r for r in sorted(names) if r != clicked)]
    st.subheader(text("pages.roads.change"), anchor=False)
    frame.note(
        text("pages.roads.clicked", road=clicked, name=names.get(clicked, "")) if clicked else text("pages.roads.hint")
    )

    def label(road: str) -> str:
        mark = text("pages.roads.mark_closed") if road in closed else ""
        return f"{road} {names.get(road, '')} {mark}".strip()

    with st.form(f"road_{clicked}", border=False):
        road = st.selectbox(text("pages.roads.road"), options, index=0 if clicked else None, format_func=label,
                            placeholder=text("pages.roads.choose"))  # fmt: skip
        reason = st.text_input(text("pages.roads.reason"), placeholder=text("pages.roads.reason_example"))
        source = st.text_input(text("pages.roads.source"), placeholder=text("pages.roads.source_example"))
        first, second = st.columns(2)
        close = first.form_submit_button(text("pages.roads.close"), type="primary", width="stretch")
        reopen = second.form_submit_button(text("pages.roads.open"), width="stretch")
    if (close or reopen) and road:
        _change(office, found, road, "close" if close else "open", reason=reason, source=source)


def _change(office: Bureau, found: Incident, road: str, act_name: str, *, reason: str, source: str) -> None:
    text = office.text
    change = roads.close_road if act_name == "close" else roads.open_road
    with frame.refusals(office):
        with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
            change(session, act, found.incident_id, road, reason=reason, source=source)
        frame.say(text(f"pages.roads.done_{act_name}", road=road))
        st.rerun()


def _isolated(office: Bureau, state: dict[str, Any]) -> None:
    text = office.text
    st.subheader(text("pages.roads.isolated", n=len(state["isolated"])), anchor=False)
    if not state["isolated"]:
        frame.note(text("pages.roads.none_isolated"))
        return
    frame.table(
        [
            {
                text("pages.roads.col.village"): state["villages"].get(code, code),
                text("pages.roads.col.town"): state["villages"].get(code[:9], code[:9]),
                text("pages.roads.col.phone"): state["phones"].get(code, "—"),
            }
            for code in state["isolated"]
        ],
        text("pages.roads.table.isolated"), place=frame.places_of(office, "village", "code", state["isolated"]),
        height=300,
    )  # fmt: skip


def _closed(office: Bureau, state: dict[str, Any]) -> None:
    """List what is closed: reported by people first, then by depth."""
    text = office.text
    if not state["closed"]:
        frame.note(text("pages.roads.none_closed"))
        return
    frame.table(
        [
            {
                text("pages.roads.col.road"): row["road"],
                text("pages.roads.col.name"): row["name"] or "—",
                text("pages.roads.col.cause"): text(f"pages.roads.cause.{row['cause']}"),
                text("pages.roads.col.depth"): row["depth_m"],
                text("pages.roads.col.wet"): row["wet_m"],
                text("pages.roads.col.reason"): row["reason"] or "—",
                text("pages.roads.col.source"): " ".join(w for w in (row["source"], row["who"]) if w) or "—",
                text("pages.roads.col.at"): frame.moment_here(office, row["at"]) if row["at"] else "—",
            }
            for row in state["closed"]
        ],
        text("pages.roads.tab.closed"),
        place=frame.places_of(office, "road", "road_id", [row["road"] for row in state["closed"]]),
        column_config={
            text("pages.roads.col.depth"): st.column_config.NumberColumn(format="%.1f", width="small"),
            text("pages.roads.col.wet"): st.column_config.NumberColumn(format="%.0f", width="small"),
            text("pages.roads.col.reason"): st.column_config.TextColumn(width="medium"),
            text("pages.roads.col.source"): st.column_config.TextColumn(width="medium"),
        },
    )  # fmt: skip
    if state["opened"]:
        frame.note(text("pages.roads.opened", roads=state["opened"]))


def _structures(office: Bureau) -> list[dict[str, Any]]:
    with office.reading() as session:
        return roads.critical_structures(session, office.policy())


def _critical_page(office: Bureau) -> None:
    """List the bridges and roads whose loss alone would cut somebody off."""
    text = office.text
    with frame.refusals(office), st.spinner(text("pages.roads.step_critical")):
        found = frame.kept(office, ("critical",), lambda: _structures(office))
        ranked = sorted(found, key=lambda r: (not r["is_bridge"], -len(r["villages"]), r["structure"]))
        frame.note(text("pages.roads.critical_note", n=len(found)))
        frame.table(
            [
                {
                    text("pages.roads.col.structure"): row["structure"],
                    text("pages.roads.col.kind"): text(f"pages.roads.{'bridge' if row['is_bridge'] else 'stretch'}"),
                    text("pages.roads.col.name"): row["name"] or "—",
                    text("pages.roads.col.cut_off"): len(row["villages"]),
                    text("pages.roads.col.villages"): "、".join(v["name"] for v in row["villages"]),
                }
                for row in ranked
            ],
            text("pages.roads.tab.critical"),
        )


show(frame.bureau())
