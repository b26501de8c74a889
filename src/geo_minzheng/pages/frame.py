"""What every page stands in: who acts, which incident, language, errors as sentences, maps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit_folium import st_folium

from geo_minzheng.bootstrap import Bureau, open_bureau
from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.present.maps import build_map
from geo_minzheng.services import incidents, staff
from geo_minzheng.settings import read_settings

if TYPE_CHECKING:
    from geo_minzheng.model.incident import Incident
    from geo_minzheng.model.map import MapContent

LANGUAGES = {"zh": "中文", "en": "English"}


def language() -> str:
    """Read the language from the address."""
    asked = st.query_params.get("lang", "zh")
    return asked if asked in LANGUAGES else "zh"


def bureau() -> Bureau:
    """Open the bureau for who acts, in the language of the address."""
    who = st.session_state.get("who", "") or st.query_params.get("as", "")
    office = open_bureau(read_settings(language=language()), who=who)
    with office.reading() as session:
        role = next((p.role for p in staff.people(session) if p.name == office.who), "")
    return office.named(office.who, role)


@contextmanager
def refusals(office: Bureau) -> Iterator[None]:
    """Show an error of ours as its sentence; any other error is a bug and shows itself."""
    try:
        yield
    except GeoMinzhengError as error:
        st.error(office.text.error(error))


def choose_incident(office: Bureau) -> Incident | None:
    """Let the person choose the incident; it stands in the address. ``None`` in quiet times."""
    with office.reading() as session:
        found = incidents.list_incidents(session)
    if not found:
        return None
    ids = [i.incident_id for i in found]
    asked = st.query_params.get("incident", ids[0])
    chosen = st.sidebar.selectbox(
        office.text("pages.frame.incident"),
        found,
        index=ids.index(asked) if asked in ids else 0,
        format_func=lambda i: i.name,
    )
    st.query_params["incident"] = chosen.incident_id
    return chosen


def show_map(content: MapContent, office: Bureau, *, key: str, draw: bool = False, height: int = 560) -> dict[str, Any]:
    """Draw a map and give back what was clicked or drawn.

    Returns
    -------
    ``last_active_drawing`` (its ``properties`` name ``layer`` and ``id``) and, with ``draw``, ``all_drawings``.
    """
    wanted = ["last_active_drawing", "all_drawings"] if draw else ["last_active_drawing"]
    chart = build_map(content, office.text, draw=draw)
    return st_folium(chart, key=key, height=height, use_container_width=True, returned_objects=wanted) or {}
