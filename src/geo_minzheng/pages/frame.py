"""What every page stands in: who acts, which incident, language, errors as sentences, maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st
from streamlit_folium import st_folium

from geo_minzheng.bootstrap import Bureau, open_bureau, parse_moment, text_of
from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.present import maps_shelf
from geo_minzheng.present.maps import build_map, map_data
from geo_minzheng.present.text import languages as text_files
from geo_minzheng.services import duty, incidents, places, staff
from geo_minzheng.settings import data_dir, read_settings

if TYPE_CHECKING:
    from geo_minzheng.model.incident import Incident
    from geo_minzheng.model.map import MapContent
    from geo_minzheng.present.text import Text

SYNTHETIC = ("village", "house", "warehouse", "road")
Made = TypeVar("Made")
_ROW_PX = 36
# A rendered map is shared by all sessions, and drawing it touches it.
_DRAWING = Lock()

# Looks no theme option reaches: tabular figures, the sizes of UX, no empty band above the page, light and dark,
# and on narrow screens the list first and the map folded.
_STYLE = """<style>
.stApp { font-variant-numeric: tabular-nums; --accent: light-dark(#1F4E79, #7DB3E8);
  --quiet: light-dark(#4A5560, #A9B4BF); --line: light-dark(#D5DCE4, #3A4550); --alarm: light-dark(#9C2413, #FF9C85); }
.stMainBlockContainer { padding: 2.6rem 1.6rem 2rem; max-width: none; }
.stApp h1 { font-size: 22px; line-height: 1.4; padding: 0; }
.stApp h2 { font-size: 17px; padding: 6px 0 4px; }
.stApp h3 { font-size: 15px; line-height: 1.5; padding: 4px 0 6px; }
.stApp [data-testid="stCaptionContainer"] { opacity: 1; color: var(--quiet); }
.stApp [data-testid="stCaptionContainer"] p { font-size: 12px; color: var(--quiet); }
.stMain ul { padding-left: 1.2rem; } .stMain li p { margin: 0; } .stMain li { margin: 2px 0; }
[data-testid="stMetric"] { padding: 4px 10px; border-left: 3px solid var(--line); }
[data-testid="stMetricValue"] { font-size: 20px; font-weight: 700; color: var(--accent); line-height: 1.35; }
[data-testid="stMetricValue"] > div { white-space: normal; overflow: visible; text-overflow: clip; }
[data-testid="stMetricLabel"] p { font-size: 13px; color: var(--quiet); white-space: normal; }
[data-testid="stMetricDelta"] { font-size: 12px; background: none; padding: 0; color: var(--quiet); }
[data-testid="stMetricDelta"] *, [data-testid="stMetricLabel"] * {
  white-space: normal !important; overflow: visible !important; }
[data-testid="stPageLink"] p { white-space: normal; overflow: visible; line-height: 1.45; }
[data-testid="stSidebarUserContent"] { padding-top: 4px; padding-bottom: 12px; }
.stApp button[kind^="primary"]:not(:disabled) { background-color: light-dark(#1F4E79, #2F6FAE);
  border-color: transparent; color: #FFFFFF; }
iframe { display: block; }
@media (min-width: 901px) { [class*="st-key-show_"] { display: none; } }
@media (min-width: 1600px) and (min-height: 1000px) {
  [class*="st-key-map_"] iframe { height: max(470px, calc(100vh - 420px)) !important; } }
@media (max-width: 900px) {
  [class*="st-key-show_"] label { min-height: 44px; align-items: center; }
  [class*="st-key-map_"]:not(:has(input:checked)) .stCustomComponentV1 { display: none; }
  [data-testid="stHorizontalBlock"]:has([class*="st-key-map_"]) { flex-wrap: wrap; }
  [data-testid="stHorizontalBlock"]:has([class*="st-key-map_"]) > [data-testid="stColumn"] { flex: 1 1 100% !important;
    min-width: 100% !important; }
  [data-testid="stColumn"]:has([class*="st-key-map_"]) { order: 2; }
}
@media (max-width: 640px) {
  .stMainBlockContainer { padding: 3.6rem 1rem 2rem; }
  [data-testid="stColumn"]:has(> [data-testid="stVerticalBlock"] > [data-testid="stElementContainer"] > .stMetric) {
    min-width: calc(50% - 0.5rem) !important; flex: 1 1 calc(50% - 0.5rem) !important; }
}
</style>"""


def asked(name: str, default: str = "") -> str:
    """Read a value of the address; a page that was opened without it takes the last one of this session."""
    kept: dict[str, str] = st.session_state.setdefault("address", {})
    value = st.query_params.get(name)
    if value is None:
        return kept.get(name, default)
    kept[name] = value
    return value


def keep(name: str, value: str) -> None:
    """Write a value into the address, so that F5 and a shared link land in the same place."""
    st.session_state.setdefault("address", {})[name] = value
    if value and st.query_params.get(name) != value:
        st.query_params[name] = value
    if not value and name in st.query_params:
        del st.query_params[name]


@lru_cache(maxsize=1)
def languages() -> dict[str, str]:
    """List the languages there is a file for, each by the name it gives itself; the source language first."""
    return {code: text_of(code).sentences.get("pages.frame.own_name", code) for code in text_files(data_dir("text"))}


def language() -> str:
    """Read the language from the address."""
    first = next(iter(languages()))
    found = asked("lang", first)
    return found if found in languages() else first


def text_now() -> Text:
    """Give the sentences in the language of the address."""
    return text_of(language())


def bureau() -> Bureau:
    """Open the bureau for who acts, in the language of the address."""
    office = open_bureau(read_settings(language=language()))
    with office.reading() as session:
        known = staff.people(session)
    who = asked("as") or (known[0].name if known else office.who)
    return office.named(who, next((p.role for p in known if p.name == who), ""))


@contextmanager
def refusals(office: Bureau) -> Iterator[None]:
    """Show an error of ours as its sentence; any other error is a bug and shows itself."""
    try:
        yield
    except GeoMinzhengError as error:
        st.error("  \n".join(plain(line) for line in office.text.error(error).splitlines()))


def version(office: Bureau) -> str:
    """Give the mark of the data as they are now."""
    with office.reading() as session:
        return duty.data_version(session)


@st.cache_resource(max_entries=60, show_spinner=False)
def _kept(store: str, mark: str, key: tuple[str, ...], _make: Callable[[], Any]) -> Any:
    return _make()


def kept(office: Bureau, key: tuple[str, ...], make: Callable[[], Made]) -> Made:
    """Make something once for one state of the data, and hand it out read only from then on.

    Parameters
    ----------
    key
        What it is, with everything it depends on besides the stored data, the day and the language.
    """
    day = office.today().isoformat()
    found: Made = _kept(
        office.settings.store_url, version(office), (*key, day, office.text.language, office.sight.key), make
    )
    return found


def choose_incident(office: Bureau) -> Incident | None:
    """Give the incident of the address, else the newest one; ``None`` in quiet times."""
    with office.reading() as session:
        found = incidents.list_incidents(session)
    if not found:
        return None
    wanted = asked("incident")
    chosen = next((i for i in found if i.incident_id == wanted), found[0])
    keep("incident", chosen.incident_id)
    return chosen


@st.cache_resource(max_entries=24, show_spinner=False, hash_funcs={"geo_minzheng.model.map.MapContent": id})
def _chart(content: MapContent, language: str, draw: bool, view: str) -> tuple[Any, str, bytes, MapContent]:
    """Render a map once; the content is kept beside it, so that its identity stays its own."""
    text = text_of(language)
    address, packed = maps_shelf.pack(map_data(content, text, draw=draw))
    chart = build_map(content, text, data_url=f"/api/map/{address}", view=view, draw=draw)
    chart.get_root().render()
    return chart, address, packed, content


def show_map(
    content: MapContent, office: Bureau, *, key: str, draw: bool = False, point: bool = False, height: int = 560
) -> dict[str, Any]:
    """Draw a map and give back what was clicked or drawn; on narrow screens it is folded until asked for.

    Parameters
    ----------
    point
        Hand back the place of a click on anything: ``last_clicked`` with ``lat, lng`` [deg].

    Returns
    -------
    ``last_active_drawing`` (its ``properties`` name ``layer`` and ``id``) and, with ``draw``, ``all_drawings``.
    """
    wanted = ["last_clicked"] if point else ["last_active_drawing"]
    if draw:
        wanted = ["last_active_drawing", "all_drawings"]
    chart, address, packed, _ = _chart(content, office.text.language, draw, f"{key}/{content.code}")
    maps_shelf.lay(address, packed)
    with st.container(key=f"map_{key}"):
        st.toggle(office.text("pages.frame.show_map"), key=f"show_{key}")
        with _DRAWING:
            answer = st_folium(
                chart, key=key, height=height, use_container_width=True, returned_objects=wanted, render=False
            )
    return answer or {}


def clicked(answer: dict[str, Any], layer: str) -> str:
    """Give the id of the clicked row of a layer; empty where something else or nothing was clicked."""
    found = (answer.get("last_active_drawing") or {}).get("properties") or {}
    return str(found.get("id") or "") if found.get("layer") == layer else ""


def say(line: str) -> None:
    """Leave a quiet line for the next run of the page: the state changed, and this says how."""
    st.session_state["said"] = {"line": line}


def show_said(office: Bureau, title: str) -> None:
    """Show the quiet line of the last act, until the data change again or another page is opened."""
    said = st.session_state.get("said")
    if not said:
        return
    here = (title, version(office))
    if said.setdefault("here", here) == here:
        st.info(plain(said["line"]))
    else:
        del st.session_state["said"]


def page_head(office: Bureau, title: str, question: str) -> None:
    """Head a page: its name, where one is, the one question it answers, and the quiet line of the last act."""
    st.title(title, anchor=False)
    with office.reading() as session:
        where = duty.district_name(session)
        found = {i.incident_id: i.name for i in incidents.list_incidents(session)}
    wanted = asked("incident")
    now = found.get(wanted) or next(iter(found.values()), office.text("pages.frame.quiet_word"))
    note(office.text("pages.frame.where", district=where, incident=now, question=question))
    show_said(office, title)


def plain(words: str) -> str:
    """Keep words from being read as Markdown."""
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]<>()#+!|$~:" else mark for mark in words)


def table(rows: list[dict[str, Any]], *, height: int = 420, **more: Any) -> Any:
    """Show rows as a table: numbers grouped and to the right, an absent value a dash."""
    if not rows:
        st.caption("—")
        return {"selection": {"rows": []}}
    config: dict[str, Any] = {}
    for name in rows[0]:
        cells = [row[name] for row in rows if row[name] is not None]
        if cells and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells):
            config[name] = st.column_config.NumberColumn(format="localized")
    config |= more.pop("column_config", {})
    tall: Any = height if len(rows) * _ROW_PX > height else "content"
    return st.dataframe(rows, hide_index=True, height=tall, placeholder="—", column_config=config, **more)


def note(line: str) -> None:
    """Write a quiet line; names in it are never read as Markdown."""
    st.caption(plain(line))


def strong(line: str) -> None:
    """Write a line that stands out; names in it are never read as Markdown."""
    st.markdown(f"**{plain(line)}**")


def bullets(lines: list[str]) -> None:
    """Show sentences as one list."""
    st.markdown("\n".join(f"- {plain(line)}" for line in lines))


def bar() -> Any:
    """Configure a column of percents as a bar with the number beside it."""
    return st.column_config.ProgressColumn(min_value=0, max_value=100, format="%d%%", width="small")


def dress() -> None:
    """Set the looks that no theme option reaches."""
    st.html(_STYLE)


def sidebar(office: Bureau) -> None:
    """Show where one is: district, incident, data time, exercise, who acts, language."""
    with st.sidebar:
        with office.reading() as session:
            name = duty.district_name(session)
            found = incidents.list_incidents(session)
            known = staff.people(session)
        st.subheader(plain(name) or office.text("pages.frame.no_district"), anchor=False)
        _incident_choice(office, found)
        _person_choice(office, known)
        st.session_state["language_choice"] = language()
        keep("lang", language())
        st.segmented_control(
            office.text("pages.frame.language"), list(languages()), format_func=languages().__getitem__,
            key="language_choice",
            on_change=_keep_choice, args=("lang", "language_choice"), label_visibility="collapsed",
        )  # fmt: skip
        st.caption(office.text("pages.frame.data_time", at=office.text.moment(office.now(), screen=True)))


def page_foot(office: Bureau) -> None:
    """Say below every page's tables that the district holds synthetic data."""
    with office.reading() as session:
        if not places.has_synthetic(session, *SYNTHETIC):
            return
    note(office.text("pages.frame.synthetic"))


def _incident_choice(office: Bureau, found: list[Incident]) -> None:
    if not found:
        st.caption(office.text("pages.frame.quiet"))
        return
    names = {i.incident_id: i.name for i in found}
    chosen = asked("incident")
    st.session_state["incident_choice"] = chosen if chosen in names else found[0].incident_id
    st.selectbox(
        office.text("pages.frame.incident"), list(names), format_func=names.__getitem__, key="incident_choice",
        on_change=_keep_choice, args=("incident", "incident_choice"),
    )  # fmt: skip
    if next(i for i in found if i.incident_id == st.session_state["incident_choice"]).exercise:
        st.warning(office.text("pages.frame.exercise"))


def _person_choice(office: Bureau, known: list[staff.Person]) -> None:
    names = [p.name for p in known]
    if office.who not in names:
        names.insert(0, office.who)
    roles = {p.name: p.role for p in known}
    keep("as", office.who)
    st.session_state["who_choice"] = office.who

    def label(name: str) -> str:
        role = roles.get(name, "")
        return f"{name}（{office.text(f'pages.frame.role.{role}')}）" if role else name

    st.selectbox(
        office.text("pages.frame.who"), names, format_func=label, key="who_choice",
        on_change=_keep_choice, args=("as", "who_choice"),
    )  # fmt: skip


def _keep_choice(name: str, widget: str) -> None:
    value = st.session_state[widget]
    if value:
        keep(name, value)


def moment_here(office: Bureau, iso: str) -> str:
    """Write a stored moment on the bureau's clock."""
    return office.text.moment(parse_moment(iso).astimezone(office.now().tzinfo), screen=True)


def set_pages(pages: dict[str, Any]) -> None:
    """Remember the pages of the navigation, so that pages may link to each other by name."""
    st.session_state["pages"] = pages


def link(page: str, label: str, *, icon: str | None = None, incident: str = "") -> None:
    """Link to another page; who acts and the language go along."""
    query = {name: value for name, value in st.session_state.get("address", {}).items() if value}
    if incident:
        query["incident"] = incident
    known = st.session_state.get("pages", {})
    if page in known:
        st.page_link(known[page], label=plain(label), icon=icon, query_params=query, width="stretch")


def need_incident(office: Bureau) -> Incident | None:
    """Give the incident, or say what belongs here and offer the first step."""
    found = choose_incident(office)
    if found is None:
        st.info(office.text("pages.frame.no_incident"))
        link("incident", office.text("pages.frame.to_incident"), icon=":material/flood:")
    return found
