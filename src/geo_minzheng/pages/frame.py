"""What every page stands in: who acts, which incident, language, errors as sentences, maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from html import escape
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import streamlit as st
from streamlit_folium import st_folium

from geo_minzheng.bootstrap import Bureau, open_bureau, parse_moment, text_of, watch
from geo_minzheng.errors import GeoMinzhengError, StoppedError
from geo_minzheng.model.account import COOKIE, SignedIn, audience_of
from geo_minzheng.pages import take, work
from geo_minzheng.present import maps_shelf
from geo_minzheng.present.help import help_of, marked_parts
from geo_minzheng.present.maps import build_map, map_data
from geo_minzheng.present.page_words import cell_value, page_table
from geo_minzheng.present.text import languages as text_files
from geo_minzheng.services import accounts, duty, incidents, places
from geo_minzheng.settings import data_dir, docs_dir, read_settings

if TYPE_CHECKING:
    from geo_minzheng.model.incident import Incident
    from geo_minzheng.model.map import MapContent
    from geo_minzheng.present.text import Text

SYNTHETIC = ("village", "house", "warehouse", "road")
Made = TypeVar("Made")
_ROW_PX = 36
# A rendered map is shared by all sessions, and drawing it touches it.
_DRAWING = Lock()


# A form of ours, constant but for one escaped word: signing out is an act, and no link does an act.
_LEAVE = '<form method="post" action="/door/sign-out"><button class="gm-leave">{words}</button></form>'


_TO_DOOR = (
    "<script>location.href = '/door/sign-in?why=ended&next=' + "
    "encodeURIComponent(location.pathname + location.search)</script>"
)


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


def tabs(office: Bureau, name: str, labels: dict[str, str]) -> dict[str, Any]:
    """Lay out tabs whose open one stands in the address under a name.

    Parameters
    ----------
    labels
        Label by the word that stands in the address; the first is open where the address says nothing.
    """
    key, wanted = f"tabs_{name}_{office.text.language}", asked(name)
    made = st.tabs(
        list(labels.values()), default=labels.get(wanted), key=key, on_change=_keep_tab, args=(name, key, labels)
    )
    return dict(zip(labels, made, strict=True))


def _keep_tab(name: str, key: str, labels: dict[str, str]) -> None:
    words = {label: word for word, label in labels.items()}
    keep(name, words.get(st.session_state[key], ""))


def chosen_view(office: Bureau, name: str, labels: dict[str, str], label: str, *, is_labelled: bool = False) -> str:
    """Offer the views of a page; the chosen one stands in the address under a name."""
    wanted = asked(name)
    view = st.segmented_control(
        label, list(labels), default=wanted if wanted in labels else next(iter(labels)), required=True,
        format_func=labels.__getitem__, label_visibility="visible" if is_labelled else "collapsed",
        key=f"view_{name}_{office.text.language}",
    )  # fmt: skip
    chosen = view or next(iter(labels))
    keep(name, chosen)
    return chosen


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


def token_here() -> str:
    """Read the token of this browser's session."""
    return str(st.context.cookies.get(COOKIE, ""))


def address_here() -> str:
    """Give the address this page was opened at, as a phone beside it would type it."""
    url = urlsplit(str(st.context.url or "http://127.0.0.1:8501"))
    return f"{url.scheme}://{url.netloc}"


def sit_down() -> tuple[Bureau, SignedIn] | None:
    """Open the bureau for who is signed in, as the store has them now; nobody when the session has ended."""
    desk = open_bureau(read_settings(language=language()))
    with desk.reading() as session:
        found = accounts.who_is(session, desk.policy(), token_here(), watch())
    if found is None:
        return None
    signed_in, is_time = found
    if is_time:
        with desk.transaction() as (session, _):
            accounts.note_seen(session, signed_in, watch())
    st.session_state["signed_in"] = signed_in
    return desk.for_person(signed_in.person, signed_in.kind), signed_in


def to_door() -> None:
    """Lead who is no longer signed in back to the door."""
    st.info(text_now()("error.account.signed_out"))
    st.html(_TO_DOOR, unsafe_allow_javascript=True)


def bureau() -> Bureau:
    """Give the desk of who is signed in.

    A page that is run by itself, as no browser can do, asks here too: it stops where nobody is signed in.
    """
    found = sit_down()
    if found is None:
        st.stop()
    return found[0]


def signed_in() -> SignedIn:
    """Tell who sits at this screen."""
    found: SignedIn = st.session_state["signed_in"]
    return found


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
        What it is, with everything it depends on besides the stored data, the day, the language and who looks.
    """
    told = (*key, office.today().isoformat(), office.text.language, office.sight.key)
    found: Made = _kept(office.settings.store_url, version(office), told, make)
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
    maps_shelf.lay(address, packed, audience_of(office))
    with st.container(key=f"map_{key}"):
        st.toggle(
            office.text("pages.frame.show_map"), value=asked("map") == "1", key=f"show_{key}",
            on_change=_keep_map, args=(f"show_{key}",),
        )  # fmt: skip
        with _DRAWING:
            answer = st_folium(
                chart, key=key, height=height, use_container_width=True, returned_objects=wanted, render=False
            )
    return answer or {}


def _keep_map(key: str) -> None:
    keep("map", "1" if st.session_state[key] else "")


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
        where = duty.district_name(session) or office.text("pages.frame.no_district")
        found = {i.incident_id: i.name for i in incidents.list_incidents(session)}
    wanted = asked("incident")
    now = found.get(wanted) or next(iter(found.values()), office.text("pages.frame.quiet_word"))
    note(office.text("pages.frame.where", district=where, incident=now, question=question))
    take.stand(title, _standing(office, where, now), office.now())
    _show_work(office)
    show_said(office, title)


def _show_work(office: Bureau) -> None:
    """Show the work that goes on; tell once how it ended."""
    done = work.finished(office.text)
    if done is None:
        return
    if isinstance(done.error, StoppedError):
        say(office.text("pages.work.stopped", name=done.name))
    elif done.error is None:
        say(done.line)
    else:
        with refusals(office):
            raise done.error


def _standing(office: Bureau, district: str, incident: str) -> list[str]:
    """Say where and when the rows of a page hold, for the files that are taken along."""
    text = office.text
    lines = [text("pages.take.where", district=district, incident=incident),
             text("pages.frame.data_time", at=text.moment(office.now(), screen=True))]  # fmt: skip
    with office.reading() as session:
        made_up = places.has_synthetic(session, *SYNTHETIC)
    return [*lines, text("pages.frame.synthetic")] if made_up else lines


def plain(words: str) -> str:
    """Keep words from being read as Markdown."""
    return "".join(f"\\{mark}" if mark in "\\`*_{}[]<>()#+!|$~:" else mark for mark in words)


def table(
    rows: list[dict[str, Any]], title: str, *, place: take.Place | None = None, height: int = 420, **more: Any
) -> Any:
    """Show rows as a table that can be taken along: numbers grouped and to the right, an absent value a dash.

    Parameters
    ----------
    title
        Name of the table, its own on the page: for screen readers and for its files.
    place
        Gives the place of each row, where rows have one: then its files may be geodata.
    """
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
    answer = st.dataframe(rows, hide_index=True, height=tall, placeholder="—", column_config=config, alt=title, **more)
    take.control(text_now(), title, rows, place)
    return answer


def picked_rows(
    rows: list[dict[str, Any]], title: str, name: str, ids: Sequence[str], *, key: str, many: bool = False, **more: Any
) -> list[int]:
    """Show a table to pick from, as :func:`table` does; what is picked stands in the address under a name.

    Parameters
    ----------
    ids
        What the address calls each row.

    Returns
    -------
    The picked rows.
    """
    answer = table(rows, title, key=key, **more, **picking(name, ids, many=many))
    chosen = [k for k in answer["selection"]["rows"] if k < len(ids)]
    keep(name, ",".join(ids[k] for k in chosen))
    return chosen


def picking(name: str, ids: Sequence[str], *, many: bool = False) -> dict[str, Any]:
    """Say of a table that rows are picked in it, at first those of the address."""
    wanted = set(asked(name).split(","))
    return {
        "on_select": "rerun",
        "selection_mode": "multi-row" if many else "single-row",
        "selection_default": {"selection": {"rows": [k for k, one in enumerate(ids) if one in wanted]}},
    }


def words_table(
    heads: Sequence[str], rows: Sequence[Sequence[object]], title: str, *, right: Sequence[int] = (),
    place: take.Place | None = None,
) -> None:  # fmt: skip
    """Show rows as words on the page, every cell escaped; they can be taken along like those of :func:`table`."""
    st.markdown(page_table(heads, rows, right=right))
    take_rows(heads, rows, title, place=place)


def take_rows(
    heads: Sequence[str], rows: Sequence[Sequence[object]], title: str, *, place: take.Place | None = None
) -> None:
    """Offer the rows of a table that the page has drawn its own way."""
    kept_rows = [dict(zip(heads, map(cell_value, row), strict=True)) for row in rows]
    take.control(text_now(), title, kept_rows, place)


def places_of(office: Bureau, layer: str, key: str, ids: Sequence[str]) -> take.Place:
    """Promise the places of rows, looked up when somebody takes them along."""

    def look_up() -> list[Any]:
        with office.reading() as session:
            return places.shapes(session, layer, key, ids)

    return look_up


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


def sidebar(office: Bureau) -> None:
    """Show where one is: district, incident, data time, exercise, who acts, language."""
    with st.sidebar:
        with office.reading() as session:
            name = duty.district_name(session)
            found = incidents.list_incidents(session)
        st.subheader(plain(name) or office.text("pages.frame.no_district"), anchor=False)
        _incident_choice(office, found)
        _who_am_i(office)
        st.session_state["language_choice"] = language()
        keep("lang", language())
        st.segmented_control(
            office.text("pages.frame.language"), list(languages()), format_func=languages().__getitem__,
            key="language_choice",
            on_change=_keep_choice, args=("lang", "language_choice"), label_visibility="collapsed",
        )  # fmt: skip
        st.caption(office.text("pages.frame.data_time", at=office.text.moment(office.now(), screen=True)))


@lru_cache(maxsize=1)
def _helps() -> dict[str, str]:
    return marked_parts(docs_dir() / "guide")


def show_help(office: Bureau, page: str) -> None:
    """Offer the part of the guide that is about a page, at its head."""
    told = help_of(_helps(), page, office.role, office.text.language)
    if told:
        with (
            st.container(key="help", horizontal=True, horizontal_alignment="right"),
            st.popover(office.text("pages.frame.help"), icon=":material/info:", type="tertiary"),
        ):
            st.markdown(told)


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


def _who_am_i(office: Bureau) -> None:
    """Show who is signed in, and the ways to one's account and out."""
    role = office.policy().roles[office.role]
    st.markdown(plain(f"{office.who}（{office.text.name('roles', office.role, role)}）"))
    if not signed_in().is_wall:
        link("account", office.text("pages.frame.page.account"), icon=":material/person:")
    st.html(_LEAVE.format(words=escape(office.text("door.leave"))))


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


def link(page: str, label: str, *, icon: str | None = None, incident: str = "", **address: str) -> None:
    """Link to another page, and to a place on it by its address; the language and the incident go along."""
    query = {name: value for name, value in st.session_state.get("address", {}).items() if value}
    if incident:
        query["incident"] = incident
    query |= address
    known = st.session_state.get("pages", {})
    if page in known:
        st.page_link(known[page], label=plain(label), icon=icon, query_params=query, width="stretch")


def has_layers(office: Bureau, page: str, *layers: str) -> bool:
    """Tell whether the layers a page lives on hold anything; where not, say what belongs here and the first step."""
    with office.reading() as session:
        missing = places.empty_layers(session, *layers)
    if not missing:
        return True
    text = office.text
    named = [text(f"layer.{layer}") for layer in missing]
    st.info(text("pages.frame.empty", what=text(f"pages.frame.belongs.{page}"), layers=named))
    st.code(
        "\n".join(f"geo-minzheng layer import {layer} {text('pages.frame.file')}" for layer in missing), language=None
    )
    if page != "overview":
        link("overview", text("pages.frame.to_overview"), icon=":material/arrow_back:")
    return False


def need_incident(office: Bureau, page: str) -> Incident | None:
    """Give the incident, or say what belongs on a page and offer the first step."""
    found = choose_incident(office)
    if found is None:
        st.info(office.text("pages.frame.no_incident", what=office.text(f"pages.frame.belongs.{page}")))
        link("incident", office.text("pages.frame.to_incident"), icon=":material/flood:")
    return found
