"""The tables of the incident page: the impact by town and village, houses, homes, and the assumptions beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.services import duty, impact, places

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.pages.take import Place

TOWN = (
    "affected_population", "displaced_mid", "emergency_aid_mid", "collapsed_households_mid", "severe_households_mid",
    "houses_hit", "isolated_villages", "assisted_evacuation",
)  # fmt: skip


def show(office: Bureau, assessed: dict[str, Any]) -> None:
    """Show the impact from every side, and what it was computed with."""
    text = office.text
    names = ("towns", "villages", "isolated", "houses", "homes", "assumptions")
    with office.reading() as session:
        places_named = places.names(session, "division", "code") | places.names(session, "village", "code")
    named = {name: text(f"pages.incident.tab.{name}") for name in names}
    tabs = frame.tabs(office, "impact", named)
    with tabs["towns"]:
        total = {"code": "", **assessed["by_district"][0]} if assessed["by_district"] else None
        rows = [_row(office, row, places_named.get(row["code"], row["code"])) for row in assessed["by_town"]]
        if total is not None:
            rows.append(_row(office, total, text("pages.incident.total")))
        _table(rows, named["towns"])
        frame.note(text("pages.incident.sums"))
    with tabs["villages"]:
        hit = [row for row in assessed["by_village"] if row["affected_population"]]
        worst = sorted(hit, key=lambda row: (-row["affected_population"], row["code"]))
        rows = [_row(office, r, places_named.get(r["code"], r["code"])) for r in worst]
        _table(rows, named["villages"], frame.places_of(office, "village", "code", [r["code"] for r in worst]))
    with tabs["isolated"]:
        lost = frame.places_of(office, "village", "code", assessed["isolated"])
        _table(_isolated_rows(office, assessed, places_named), named["isolated"], lost)
    with tabs["houses"]:
        _table(_house_rows(office, assessed), named["houses"])
    with tabs["homes"]:
        ids = [row["home_id"] for row in assessed["homes"]]
        spots = frame.places_of(office, "welfare_home", "home_id", ids)
        _table(_home_rows(office, assessed, places_named), named["homes"], spots)
    with tabs["assumptions"]:
        _assumptions(office, assessed)


def _table(rows: list[dict[str, Any]], title: str, place: Place | None = None) -> None:
    frame.table(rows, title, place=place, height=480)


def _row(office: Bureau, row: dict[str, Any], name: str) -> dict[str, Any]:
    text = office.text
    return {text("pages.incident.col.name"): name} | {text(f"pages.incident.col.{c}"): row[c] for c in TOWN}


def _isolated_rows(office: Bureau, assessed: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    text = office.text
    with office.reading() as session:
        phones = duty.phones(session)
    people = {row["code"]: row["population"] for row in assessed["by_village"]}
    return [
        {
            text("pages.incident.col.town"): names.get(code[:9], code[:9]),
            text("pages.incident.col.name"): names.get(code, code),
            text("pages.incident.col.people"): people.get(code),
            text("pages.incident.col.phone"): phones.get(code, "—"),
        }
        for code in assessed["isolated"]
    ]


def _house_rows(office: Bureau, assessed: dict[str, Any]) -> list[dict[str, Any]]:
    text = office.text
    return [
        {
            text("column.structure_type"): text(f"pages.incident.structure.{row['structure_type']}"),
            text("column.safety_grade"): row["safety_grade"] or "—",
            text("pages.incident.col.houses"): row["houses"],
            text("pages.incident.col.persons"): row["persons"],
        }
        for row in impact.houses_by_kind(assessed)
    ]


def _home_rows(office: Bureau, assessed: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    text = office.text
    return [
        {
            text("pages.incident.col.home"): row["name"],
            text("pages.incident.col.village"): names.get(row["village_code"], row["village_code"]),
            text("pages.incident.col.residents"): row["resident_count"],
            text("pages.incident.col.assisted"): row["assisted"],
            text("pages.incident.col.depth"): row["depth_m"],
        }
        for row in assessed["homes"]
    ]


def _assumptions(office: Bureau, assessed: dict[str, Any]) -> None:
    """Print the assumptions beside the result."""
    text, given = office.text, assessed["assumptions"]

    def share(part: dict[str, float]) -> str:
        return text("pages.incident.share", mid=text.percent(part["mid"]), low=text.percent(part["low"]),
                    high=text.percent(part["high"]))  # fmt: skip

    frame.note(
        text("pages.incident.assumed", depth=text.number(given["unknown_depth_m"]), aid=share(given["emergency_aid"]),
             collective=text.percent(given["collective_share"]), policy=assessed["policy_version"])
    )  # fmt: skip
    left, right = st.columns([1, 2])
    with left:
        _table([
            {text("pages.incident.col.from_m"): row["from_m"],
             text("pages.incident.col.displaced_share"): share(row["share"]),
             text("pages.incident.col.source"): row["source"]}
            for row in given["displaced"]
        ], text("pages.incident.col.displaced_share"))  # fmt: skip
    with right:
        _table([
            {text("column.structure_type"): text(f"pages.incident.structure.{row['structure_type']}"),
             text("pages.incident.col.from_m"): row["from_m"],
             text("pages.incident.col.collapsed"): share(row["collapsed"]),
             text("pages.incident.col.severe"): share(row["severe"]), text("pages.incident.col.source"): row["source"]}
            for row in given["damage"]
        ], text("pages.incident.table.damage"))  # fmt: skip
