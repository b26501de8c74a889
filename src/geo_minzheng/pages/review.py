"""Which report do I trust: what waits, compared with the last confirmed version; the totals; the official form."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.model.incident import Band
from geo_minzheng.pages import frame
from geo_minzheng.present.page_words import Marked, Shown, page_words
from geo_minzheng.services import papers, photos, reports, review

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.engine.review import AnswerChange
    from geo_minzheng.model.report_rules import FormFinding
    from geo_minzheng.services.review import Comparison, Waiting

VIEWS = ("waiting", "totals", "silent")
REASONS = ("unclear", "photos", "rooms", "call")
NOTES = ("phoned", "growing")
COLOURS = {"up": "orange", "down": "orange", "new": "blue", "lost": "red", "other": "orange"}
# Nine columns of figures at most; the official form has them all.
SHOWN = (
    "deaths", "missing", "injured", "evacuated_resettled_now", "emergency_aid_needed_now",
    "collapsed_dwelling_households", "severely_damaged_dwelling_households",
)  # fmt: skip

_STYLE = """<style>
.st-key-review table { font-size: 13px; width: 100%; }
.st-key-review td, .st-key-review th { padding: 4px 8px; min-width: 4.2em; }
.st-key-review td:first-child { white-space: nowrap; }
.st-key-review [data-testid="stRadio"] label { padding: 6px 4px; }
</style>"""


def sentence(office: Bureau, finding: FormFinding) -> str:
    """Write what a figure breaks, or why it wants a note."""
    name = finding.name_en if office.text.language == "en" else finding.name_zh
    return office.text(f"engine.consistency.{finding.code}", name=name, value=finding.value)


def show_counts(office: Bureau, incident: str, waiting: list[Waiting]) -> None:
    """Show the desk in four numbers."""
    text = office.text
    with office.reading() as session:
        confirmed = len(reports.confirmed(session, incident))
        silent = len(review.silent(session, incident))
        expected = len(review.expected_villages(session, incident))
    numbers = {
        "waiting": text("pages.review.count_reports", count=len(waiting)),
        "overdue": text("pages.review.count_reports", count=sum(w.is_overdue for w in waiting)),
        "confirmed": text("pages.review.count_of", count=confirmed, total=expected),
        "silent": text("pages.review.count_villages", count=silent),
    }
    for column, (name, value) in zip(st.columns(4), numbers.items(), strict=True):
        column.metric(text(f"pages.review.number.{name}"), value)


def show_waiting(office: Bureau, incident: str, waiting: list[Waiting]) -> None:
    """Show the list, the longest wait first, and the chosen version beside the last confirmed one."""
    text = office.text
    if not waiting:
        st.info(text("pages.review.nothing_waits"))
        return
    left, right = st.columns([1, 3], gap="medium")
    ids = [w.version.uuid for w in waiting]
    wanted = frame.asked("report")
    with left:
        chosen = st.radio(
            text("pages.review.list"), range(len(waiting)), key=f"review/{'/'.join(ids)}",
            index=ids.index(wanted) if wanted in ids else 0,
            format_func=lambda k: line_of(office, waiting[k]),
            captions=[caption_of(office, w) for w in waiting],
        )  # fmt: skip
    frame.keep("report", ids[chosen or 0])
    with right:
        with office.reading() as session:
            found = review.compare(session, office.policy(), incident, waiting[chosen or 0].version)
        show_version(office, incident, waiting[chosen or 0], found)


def line_of(office: Bureau, waiting: Waiting) -> str:
    """Write one line of the list: the village and how long it waits, overdue in words."""
    key = "pages.review.line_overdue" if waiting.is_overdue else "pages.review.line"
    return office.text(key, village=page_words(waiting.village_name), waited=office.text.duration(waiting.waited_min))


def caption_of(office: Bureau, waiting: Waiting) -> str:
    """Write who reported which version, by whose phone where a town wrote for the village."""
    text, version = office.text, waiting.version
    told = text(
        "pages.review.caption", town=page_words(waiting.town_name), number=version.number, who=page_words(version.who)
    )
    if version.on_behalf:
        told += text("pages.review.behalf", **{k: page_words(v) for k, v in version.on_behalf.items()})
    return told


def show_version(office: Bureau, incident: str, waiting: Waiting, found: Comparison) -> None:
    """Show a version beside the last confirmed one, what it breaks, its photos, and the two verdicts."""
    text, version = office.text, waiting.version
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(text("pages.review.head", village=page_words(waiting.village_name), number=version.number),
                     anchor=False, width="content")  # fmt: skip
        st.caption(text.moment(version.at.astimezone(office.now().tzinfo), screen=True), width="content")
    for finding in found.findings:
        (st.error if finding.severity == "error" else st.warning)(page_words(sentence(office, finding)))
    show_compared(office, waiting, found)
    if found.before is None:
        st.caption(text("pages.review.nothing_before"))
    if version.note:
        st.text(text("pages.review.note", note=version.note))
    show_verdict(office, incident, found)
    if version.photos:
        folder = office.settings.home / "photos"
        pictures = [p for p in (photos.path_of(folder, name) for name in version.photos) if p.is_file()]
        st.image([str(p) for p in pictures], width=200)


def show_compared(office: Bureau, waiting: Waiting, found: Comparison) -> None:
    """Show the two columns with their differences marked; a field nobody answered in either stays out."""
    text = office.text
    fields = {f.field: f for f in reports.entry_fields(office.policy())}
    rows = []
    for change in found.changes:
        if change.before is None and change.after is None:
            continue
        field = fields.get(change.field)
        name = change.field if field is None else field.name_en if text.language == "en" else field.name_zh
        unit = "" if field is None or field.kind in {"flag", "text"} else field.unit
        before = "" if found.before is None else shown(office, change.before)
        rows.append([name, unit, before, shown(office, change.after), mark(office, change, found)])
    last = "before" if found.before is None or found.before.state == "confirmed" else f"before_{found.before.state}"
    heads = [text(f"pages.review.column.{name}") for name in ("field", "unit", last, "now", "change")]
    title = text("pages.review.table.compare", village=waiting.village_name, number=waiting.version.number)
    frame.words_table(
        heads, rows, title, right=(2, 3, 4),
        place=frame.places_of(office, "village", "code", [waiting.version.village] * len(rows)),
    )  # fmt: skip


def told(office: Bureau, value: Any) -> str:
    """Write an answer; 未掌握 is a word of its own."""
    if value is None:
        return office.text("pages.review.unknown")
    if isinstance(value, bool):
        return office.text("pages.report.yes" if value else "pages.report.no")
    return value if isinstance(value, str) else office.text.number(value)


def shown(office: Bureau, value: Any) -> Shown:
    """Write an answer on the page; a file keeps its number."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    words = told(office, value)
    return Shown(words, value if is_number else words)


def mark(office: Bureau, change: AnswerChange, found: Comparison) -> Marked | str:
    """Mark a difference in a colour and in words; nothing to compare with is no difference."""
    if found.before is None or change.mark == "same":
        return ""
    if change.change is not None:
        sign = "▲ +" if change.change > 0 else "▼ −"
        return Marked(f"{sign}{office.text.number(abs(change.change))}", COLOURS[change.mark])
    return Marked(office.text(f"pages.review.mark.{change.mark}"), COLOURS[change.mark])


def show_verdict(office: Bureau, incident: str, found: Comparison) -> None:
    """Offer the two verdicts: confirm, with a note on a sudden change; or return with a reason."""
    text, version = office.text, found.version
    if not office.can("report.confirmed", "report_review"):
        return
    if reports.is_own_report(version, office.who):
        st.caption(text("pages.review.own_report"))
        return
    blocked = any(f.severity == "error" for f in found.findings)
    wants_note = bool(found.findings) and not version.note
    confirm, give_back = st.columns(2, gap="medium")
    with confirm, st.container(border=True):
        note = None
        if wants_note and not blocked:
            note = st.pills(
                text("pages.review.note_needed"), [text(f"pages.review.notes.{n}") for n in NOTES],
                key=f"note/{version.uuid}",
            )  # fmt: skip
        if st.button(text("pages.review.confirm"), type="primary", width="stretch", disabled=blocked,
                     key=f"confirm/{version.uuid}", icon=":material/check:"):  # fmt: skip
            decide(office, incident, version.uuid, "confirmed", note or "")
        if blocked:
            st.caption(text("pages.review.blocked"))
    with give_back, st.container(border=True):
        ready = [page_words(sentence(office, f)) for f in found.findings]
        ready += [text(f"pages.review.reasons.{r}") for r in REASONS]
        picked = st.pills(text("pages.review.reason"), ready, selection_mode="multi", key=f"reasons/{version.uuid}")
        more = st.text_input(text("pages.review.reason_more"), key=f"more/{version.uuid}")
        if st.button(text("pages.review.return"), width="stretch", key=f"return/{version.uuid}",
                     icon=":material/undo:"):  # fmt: skip
            reason = "；".join([*(plain(p) for p in picked), *([more.strip()] if more.strip() else [])])
            decide(office, incident, version.uuid, "returned", reason)


def plain(words: str) -> str:
    """Take the escapes off again that the screen needed."""
    return words.replace("\\", "")


def decide(office: Bureau, incident: str, version: str, verdict: str, reason: str) -> None:
    """Confirm or return, and say so in a quiet line."""
    with frame.refusals(office):
        with office.transaction(incident=incident) as (session, act):
            reports.review_report(session, act, office.policy(), incident, version, verdict=verdict, reason=reason)
        frame.say(office.text(f"pages.review.done.{verdict}"))
        st.rerun()


def show_totals(office: Bureau, incident: str) -> None:
    """Show confirmed figures by town, estimates beside them and labelled, and the official form."""
    text, policy = office.text, office.policy()
    with office.reading() as session:
        rows = review.town_figures(session, policy, incident)
    st.subheader(text("pages.review.confirmed_head"), anchor=False)
    cells = [
        [town_of(office, r), text("pages.review.of", count=r["reported"], total=r["expected"]),
         *(shown(office, r["figures"].get(i)) for i in SHOWN)]
        for r in rows
    ]  # fmt: skip
    columns = [text(f"pages.review.column.{n}") for n in ("town", "reported", *SHOWN)]
    frame.words_table(columns, cells, text("pages.review.confirmed_head"), right=range(1, len(columns)))
    with st.container(horizontal=True, vertical_alignment="center"):
        show_form_file(office, incident)
        st.caption(text("pages.review.confirmed_foot"))
    st.subheader(text("pages.review.estimate_head"), anchor=False)
    kinds = [k for k in review.ESTIMATED if any(k in r["estimates"] for r in rows)]
    if not kinds:
        st.info(text("pages.review.no_estimate"))
        return
    cells = [[town_of(office, r), *(band(office, r["estimates"].get(k)) for k in kinds)] for r in rows]
    columns = [text(f"pages.review.column.{n}") for n in ("town", *kinds)]
    frame.words_table(columns, cells, text("pages.review.table.estimate"), right=range(1, len(columns)))
    st.caption(text("pages.review.estimate_foot"))


def town_of(office: Bureau, row: dict[str, Any]) -> str:
    """Name the row's town; the last row is the district, or the part of it that one sees."""
    return row["name"] or review.total_name(office.text, row)


def band(office: Bureau, values: tuple[float, float, float] | None) -> str:
    """Write an estimate with its range."""
    if values is None or not values[2]:
        return office.text("pages.review.none")
    return office.text.estimate(Band(*values))


def show_form_file(office: Bureau, incident: str) -> None:
    """Offer the official form: confirmed figures only."""

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder, office.reading() as session:
            path = Path(folder) / "form.xlsx"
            papers.write_statistics_form(session, office.act(), office.policy(), office.official_text, incident, path)
            return path.read_bytes()

    st.download_button(
        office.text("pages.review.form"), make, file_name=f"{incident}.xlsx", icon=":material/download:",
        mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", on_click="ignore",
    )  # fmt: skip


def show_silent(office: Bureau, incident: str) -> None:
    """Show the silent villages with a number to dial, cut-off and populous ones first."""
    text = office.text
    with office.reading() as session:
        rows = review.silent(session, incident)
    if not rows:
        st.info(text("pages.review.nobody_silent"))
        return
    cells = [
        [
            row.village_name, row.town_name,
            Marked(text("pages.review.cut_off"), "red") if row.is_isolated else "",
            Shown(text("pages.review.about", people=text.integer(row.people)), row.people)
            if row.people else text("pages.review.none"),
            *(("", "") if row.officer is None else (row.officer.name, row.officer.phone)),
        ]
        for row in rows
    ]  # fmt: skip
    names = ("village", "town", "road", "people", "officer", "phone")
    frame.words_table(
        [text(f"pages.review.column.{n}") for n in names], cells, text("pages.review.views.silent"), right=(3,),
        place=frame.places_of(office, "village", "code", [row.village for row in rows]),
    )  # fmt: skip
    st.caption(text("pages.review.silent_foot"))


def page() -> None:
    """Draw the page."""
    office = frame.bureau()
    text = office.text
    st.html(_STYLE)
    with st.container(key="review"), frame.refusals(office):
        frame.page_head(office, text("pages.review.title"), text("pages.review.question"))
        found = frame.need_incident(office, "review")
        if found is None:
            return
        incident = found.incident_id
        with office.reading() as session:
            waiting = review.waiting(session, office.act(), office.policy(), incident)
        show_counts(office, incident, waiting)
        labels = {v: text(f"pages.review.views.{v}") for v in VIEWS}
        view = frame.chosen_view(office, "view", labels, text("pages.review.view"))
        if view == "totals":
            show_totals(office, incident)
        elif view == "silent":
            show_silent(office, incident)
        else:
            show_waiting(office, incident, waiting)


page()
