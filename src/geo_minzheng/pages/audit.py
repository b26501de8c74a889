"""Who changed what: the filtered log, one record's life, the chain and the heads printed of it. Nothing is written."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.model.anchor import parse_anchor
from geo_minzheng.model.trail import TrailFilter
from geo_minzheng.pages import frame
from geo_minzheng.services import inbox, trail

if TYPE_CHECKING:
    from collections.abc import Callable

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.trail import TrailRow
    from geo_minzheng.services.trail import LifeStep

SHOWN = 50
FIELDS_SHOWN = 24
# Names in the address; ``incident`` and ``as`` belong to the frame.
ASKED = ("who", "role", "table", "event", "action", "place", "since", "until")
_BELOW, _RECORD = "audit_below", "record"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def asked(name: str) -> str:
    """Read one part of the filter from the address."""
    return frame.asked(f"audit_{name}")


def read_day(name: str) -> date | None:
    """Read a day of the address; what is no day asks for nothing."""
    try:
        return date.fromisoformat(asked(name))
    except ValueError:
        return None


def read_filter(office: Bureau) -> TrailFilter:
    """Read the filter from the address."""
    zone = office.now().tzinfo
    since, until = read_day("since"), read_day("until")
    return TrailFilter(
        who=asked("who"), role=asked("role"), table=asked("table"), incident=asked("event"), place=asked("place"),
        action=asked("action"), since=datetime.combine(since, time.min, zone) if since else None,
        until=datetime.combine(until, time.max, zone) if until else None,
    )  # fmt: skip


def _keep(name: str) -> None:
    value = st.session_state[f"filter_{name}"]
    frame.keep(f"audit_{name}", value.isoformat() if isinstance(value, date) else (value or "").strip())
    frame.keep(_BELOW, "")


def _clear() -> None:
    for name in (*(f"audit_{n}" for n in ASKED), _BELOW, _RECORD):
        frame.keep(name, "")


def show_filter(office: Bureau) -> None:
    """Offer what can be asked; every choice stands in the address."""
    text = office.text

    def ask() -> dict[str, list[str]]:
        with office.reading() as session:
            return trail.choices(session)

    # Each is a walk through the whole log: once for every state of it.
    known = frame.kept(office, ("audit.choices",), ask)
    known = {**known, "event": known["incident"]}
    labels: dict[str, Callable[[str], str]] = {
        "role": lambda v: trail.role_name(text, v, office.policy().roles),
        "table": lambda v: trail.table_name(text, v),
        "action": lambda v: trail.action_name(text, v),
    }
    columns = [*st.columns(4), *st.columns(4)]
    for column, name in zip(columns, ASKED, strict=True):
        key = f"filter_{name}"
        label = text(f"pages.audit.{'incident' if name == 'event' else name}")
        with column:
            if name in ("since", "until"):
                st.session_state[key] = read_day(name)
                st.date_input(label, key=key, format="YYYY-MM-DD", on_change=_keep, args=(name,))
            elif name == "place":
                st.session_state[key] = asked(name)
                st.text_input(label, key=key, on_change=_keep, args=(name,))
            else:
                options = sorted({asked(name), *known[name]} - {""})
                st.session_state[key] = asked(name)
                st.selectbox(
                    label, ["", *options], key=key, on_change=_keep, args=(name,),
                    format_func=partial(_label, text("pages.audit.all"), labels.get(name, str)),
                )  # fmt: skip


def _label(everything: str, name: Callable[[str], str], value: str) -> str:
    return name(value) if value else everything


def show_log(office: Bureau) -> None:
    """Show one page of the log; a click follows the record."""
    text, wanted = office.text, read_filter(office)
    below = int(asked("below")) if asked("below").isdecimal() else 0

    def ask() -> int:
        with office.reading() as session:
            return trail.count_trail(session, wanted)

    count = frame.kept(office, ("audit.count", repr(wanted)), ask)
    with office.reading() as session:
        rows = trail.list_trail(session, wanted, below=below, limit=SHOWN)
    if not rows:
        st.info(text("pages.audit.none" if wanted != TrailFilter() or below else "pages.audit.empty"))
    else:
        frame.note(text("pages.audit.found", count=text.integer(count), first=rows[0].seq, last=rows[-1].seq))
        picked = frame.table(
            [_cells(office, row) for row in rows], text("pages.audit.title"),
            on_select="rerun", selection_mode="single-row", key=f"log/{rows[0].seq}/{rows[-1].seq}/{len(rows)}",
        )  # fmt: skip
        frame.note(text("pages.audit.pick"))
        for number in picked["selection"]["rows"][:1]:
            frame.keep(_RECORD, f"{rows[number].table}/{rows[number].key}")
    with st.container(horizontal=True):
        if len(rows) == SHOWN and st.button(text("pages.audit.older"), icon=":material/arrow_back:"):
            frame.keep(_BELOW, str(rows[-1].seq))
            st.rerun()
        if below and st.button(text("pages.audit.newest"), icon=":material/arrow_upward:"):
            frame.keep(_BELOW, "")
            st.rerun()
        st.button(text("pages.audit.clear"), on_click=_clear, icon=":material/filter_alt_off:")
        if rows:
            show_export(office, wanted, count)


def _cells(office: Bureau, row: TrailRow) -> dict[str, Any]:
    told = trail.in_words(office.text, office.now().tzinfo, row, office.policy().roles)
    return {office.text(f"pages.audit.column.{name}"): told[name] or None for name in trail.COLUMNS}


def show_export(office: Bureau, wanted: TrailFilter, count: int) -> None:
    """Offer the filtered rows as files."""
    text = office.text

    def make(ending: str) -> bytes:
        with tempfile.TemporaryDirectory() as folder, office.reading() as session:
            path = Path(folder) / f"audit.{ending}"
            trail.write_trail(session, text, office.now().tzinfo, wanted, path, office.policy().roles)
            return path.read_bytes()

    for ending, mime in (("xlsx", XLSX), ("csv", "text/csv")):
        st.download_button(
            f"{text('pages.audit.export')} {ending.upper()}", partial(make, ending), mime=mime,
            key=f"export_{ending}",
            file_name=f"{text('pages.audit.file_name')}.{ending}", on_click="ignore", icon=":material/download:",
        )  # fmt: skip
    if count > trail.EXPORTED:
        frame.note(text("pages.audit.export_cut", count=text.integer(trail.EXPORTED)))


def show_life(office: Bureau) -> None:
    """Follow the record of the address from its first entry."""
    text = office.text
    table, _, key = frame.asked(_RECORD).partition("/")
    if not table:
        return
    with frame.refusals(office):
        with office.reading() as session:
            steps = trail.life_of(session, office.catalogue, text, office.now().tzinfo, table, key)
        with st.container(border=True, key="life"):
            name = trail.table_name(text, table)
            head = text("pages.audit.life", table=name, key=key, count=len(steps))
            st.subheader(frame.plain(head), anchor=False)
            if len(steps) >= trail.LIFE:
                frame.note(text("pages.audit.life_cut", count=trail.LIFE))
            for step in steps:
                show_step(office, step)
    st.button(text("pages.audit.close"), on_click=frame.keep, args=(_RECORD, ""), icon=":material/close:")


def show_step(office: Bureau, step: LifeStep) -> None:
    """Write one change of the record: who, when, where, and field by field from what to what."""
    text = office.text
    head = trail.in_words(text, office.now().tzinfo, step.row, office.policy().roles)
    head["role"] = head["role"] or text("pages.audit.no_role")
    line = text("pages.audit.step", **head)
    frame.strong(f"{line} · {text('pages.audit.at_place', place=step.row.place)}" if step.row.place else line)
    told = trail.change_lines(text, step)
    if len(told) > FIELDS_SHOWN:
        told = [*told[:FIELDS_SHOWN], text("pages.audit.more_fields", count=len(told) - FIELDS_SHOWN)]
    frame.bullets(told)


def show_chain(office: Bureau) -> None:
    """Verify the whole chain, or look a printed head up in it."""
    text = office.text
    with office.reading() as session:
        now = trail.head(session)
    frame.note(text("pages.audit.head_now", head=trail.anchor_words(text, now)))
    left, right = st.columns(2, gap="medium", vertical_alignment="bottom")
    with right, st.form("printed", border=False):
        typed = st.text_input(text("pages.audit.printed"), help=text("pages.audit.printed_help"), key="printed_head")
        is_asked = st.form_submit_button(text("pages.audit.compare"), icon=":material/search:")
    with left:
        whole = st.button(text("pages.audit.verify"), type="primary", icon=":material/verified_user:")
    if whole:
        verify_chain(office, "")
    elif is_asked:
        with frame.refusals(office):
            verify_chain(office, typed)


def verify_chain(office: Bureau, typed: str) -> None:
    """Go through the chain with a bar, and say what was found."""
    text = office.text
    printed = parse_anchor(typed) if typed else None
    bar = st.progress(0.0)

    def tell(done: int, whole: int) -> None:
        told = text("pages.audit.verifying", done=text.integer(done), all=text.integer(whole))
        bar.progress(min(done / max(whole, 1), 1.0), told)

    with office.reading() as session:
        end, verdict = trail.verify(session, printed, progress=tell)
    bar.empty()
    if printed is None:
        with office.transaction() as (session, act):
            inbox.mark_verified(session, frame.signed_in().person, act.at, is_whole=verdict.is_ok)
    if verdict.is_ok and printed is not None:
        st.success(frame.plain(text("pages.audit.agrees", head=trail.anchor_words(text, printed))))
    elif verdict.is_ok:
        facts = {"at": text.moment(office.now(), screen=True), "head": trail.anchor_words(text, end)}
        st.success(frame.plain(text("pages.audit.verified", count=text.integer(end.count), **facts)))
    else:
        key = "pages.audit.differs" if verdict.key == "store.verify.audit_anchor" else "pages.audit.broken"
        st.error(frame.plain(text(key, reason=text(verdict.key, **verdict.facts))))
        frame.note(text("pages.audit.advice"))


def page() -> None:
    """Draw the page."""
    office = frame.bureau()
    text = office.text
    with st.container(key="audit"), frame.refusals(office):
        frame.page_head(office, text("pages.audit.title"), text("pages.audit.question"))
        show_chain(office)
        show_filter(office)
        with frame.refusals(office):
            show_log(office)
        show_life(office)


page()
