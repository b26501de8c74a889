"""What happened in my village: five questions on one phone screen, what changed since last time, sent or returned."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.errors import RefusedError
from geo_minzheng.pages import frame
from geo_minzheng.present.page_words import page_words
from geo_minzheng.services import places, reports, review

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.services.reports import EntryField, Version

CHANNELS = ("phone", "wechat", "sms", "radio", "paper")
VILLAGE_DIGITS = 12
MARKS = {"confirmed": "●", "submitted": "○", "returned": "✕"}

# A thumb at night: big figures, targets of 44 px, one column of at most 560 px.
_STYLE = """<style>
.st-key-report { max-width: 560px; }
.st-key-report [data-testid="stNumberInputField"] { font-size: 20px; min-height: 44px; }
.st-key-report [data-testid="stNumberInputContainer"] { min-height: 46px; }
.st-key-report [data-testid="stSelectbox"] [role="group"] { min-height: 44px; }
.st-key-report button { min-height: 44px; min-width: 44px; }
.st-key-report [data-testid="stNumberInputStepUp"] { display: none; }
.st-key-report [data-testid="stNumberInputStepDown"] { display: none; }
.st-key-report [data-testid="stWidgetLabel"] p { font-size: 14px; white-space: normal; }
.st-key-report [data-testid="stFileUploaderDropzoneInstructions"] { display: none; }
.st-key-report [data-testid="stFileUploaderDropzone"] button p { display: none; }
@media (max-width: 640px) { .stMainBlockContainer { padding: 4rem 0.75rem 2rem; } }
</style>"""


@dataclass(frozen=True)
class Desk:
    """Who reports for which village, with everything that was reported before."""

    office: Bureau
    policy: Policy
    incident: str
    village: str
    fields: list[EntryField]
    versions: list[Version]
    on_behalf: dict[str, str] | None = None

    @property
    def last(self) -> Version | None:
        """The newest version, whatever its state."""
        return self.versions[-1] if self.versions else None

    def key(self, name: str) -> str:
        """Name a widget of this form: a new round or village is a new form."""
        return f"report/{self.incident}/{self.village}/{_round()}/{name}"


def _round() -> int:
    return int(st.session_state.setdefault("report_round", 0))


def client_uuid(desk: Desk) -> str:
    """Give the report's UUID, made once per form: a double tap sends the same report twice, which is one report."""
    return str(st.session_state.setdefault(desk.key("uuid"), str(uuid.uuid4())))


def new_form() -> None:
    """Start the next version with its own UUID."""
    st.session_state["report_round"] = _round() + 1
    st.session_state.pop("report_sent", None)


def answer(desk: Desk, field: EntryField, value: Any) -> str:
    """Write an answer with its unit; 未掌握 is a word of its own, not 0."""
    text = desk.office.text
    if value is None:
        return text("pages.report.unknown")
    if isinstance(value, bool):
        return text("pages.report.yes" if value else "pages.report.no")
    return str(value) if isinstance(value, str) else text.quantity(value, field.entered_unit)


def bare(desk: Desk, value: Any) -> str:
    """Write the last answer without its unit, which stands in the label already."""
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return desk.office.text.number(value) if numeric else answer(desk, desk.fields[0], value)


def name_of(office: Bureau, field: EntryField) -> str:
    """Name a field in the reader's language."""
    return field.name_en if office.text.language == "en" else field.name_zh


def choose_village(office: Bureau, incident: str) -> tuple[str, dict[str, str] | None]:
    """Settle which village is reported for: an officer's account fixes it, anybody else reports on its behalf 代报."""
    if len(office.scope) == VILLAGE_DIGITS:
        return office.scope, None
    with office.reading() as session:
        expected = review.expected_villages(session, incident)
        names = places.names(session, "village", "code")
    here = [code for code in sorted(expected) or sorted(names) if code.startswith(office.scope)]
    return _behalf(office, here or [code for code in sorted(names) if code.startswith(office.scope)], names)


def _behalf(office: Bureau, codes: list[str], names: dict[str, str]) -> tuple[str, dict[str, str] | None]:
    text = office.text
    frame.note(text("pages.report.behalf"))
    wanted = frame.asked("village")
    village = st.selectbox(
        text("pages.report.village"), codes, index=codes.index(wanted) if wanted in codes else None,
        placeholder=text("pages.report.choose"), format_func=lambda code: names.get(code, code),
    )  # fmt: skip
    channel = st.pills(
        text("pages.report.channel"), CHANNELS, default="phone", required=True, key="report_channel",
        format_func=lambda c: text(f"pages.report.channels.{c}"),
    )  # fmt: skip
    caller = st.text_input(text("pages.report.caller"), key="report_caller")
    recorder = st.text_input(text("pages.report.recorder"), value=office.who, key="report_recorder")
    if village:
        frame.keep("village", village)
    told = {"channel": text(f"pages.report.channels.{channel}"), "caller": caller, "recorder": recorder}
    return village or "", told


def show_state(desk: Desk) -> None:
    """Show what became of the versions: a returned one with its reason first, then all of them in a line each."""
    text, last = desk.office.text, desk.last
    if last is None:
        st.caption(text("pages.report.first"))
        return
    here = desk.office.now().tzinfo
    if last.state == "returned":
        st.warning(
            text(
                "pages.report.returned", number=last.number, reviewer=page_words(last.reviewer),
                reason=page_words(last.reason),
            ),
            icon=":material/undo:",
        )  # fmt: skip
    lines = [
        text(
            "pages.report.version_line", mark=MARKS[v.state], number=v.number, who=page_words(v.who),
            at=text.moment(v.at.astimezone(here), screen=True), state=text(f"pages.report.state.{v.state}"),
        )
        for v in reversed(desk.versions[-3:])
    ]  # fmt: skip
    st.caption("  \n".join(lines))


def show_sent(desk: Desk) -> bool:
    """Show the receipt of what was just sent; tell whether it stands in place of the form."""
    sent = st.session_state.get("report_sent")
    if not sent or (sent["incident"], sent["village"]) != (desk.incident, desk.village):
        return False
    if desk.last is not None and desk.last.state != "submitted":
        new_form()
        return False
    text = desk.office.text
    st.info(text("pages.report.sent", number=sent["number"], photos=sent["photos"]), icon=":material/check:")
    if sent["changes"]:
        st.markdown(f"**{text('pages.report.changed')}**")
        st.markdown("\n".join(f"- {page_words(line)}" for line in sent["changes"]))
    else:
        st.caption(text("pages.report.nothing_changed"))
    st.button(text("pages.report.again"), on_click=new_form, width="stretch", type="primary")
    return True


def send(desk: Desk, values: dict[str, Any], *, no_change: bool = False, photos: tuple[bytes, ...] = ()) -> None:
    """Send the version and keep its receipt; a UUID that was used for other figures starts a new form."""
    told = reports.Submission(
        village=desk.village, values=reports.from_entry(desk.policy, values), uuid=client_uuid(desk),
        no_change=no_change, note=str(st.session_state.get(desk.key("note"), "") or ""), written_at=desk.office.now(),
        on_behalf=desk.on_behalf, photos=photos,
    )  # fmt: skip
    try:
        with desk.office.transaction(incident=desk.incident) as (session, act):
            reports.submit_report(
                session, act, desk.policy, desk.incident, told, photo_dir=desk.office.settings.home / "photos"
            )
            versions = reports.list_versions(session, desk.incident, village=desk.village)
    except RefusedError:
        st.session_state[desk.key("uuid")] = str(uuid.uuid4())
        raise
    mine = next(v for v in versions if v.uuid == told.uuid)
    before = next((v for v in reversed(versions) if v.number < mine.number), None)
    st.session_state["report_sent"] = {
        "incident": desk.incident, "village": desk.village, "number": mine.number, "photos": len(photos),
        "changes": _changes(desk, before, mine),
    }  # fmt: skip
    st.rerun()


def _changes(desk: Desk, before: Version | None, mine: Version) -> list[str]:
    old = {} if before is None else reports.to_entry(desk.policy, before.values)
    new = reports.to_entry(desk.policy, mine.values)
    return [
        desk.office.text(
            "pages.report.change_line", name=name_of(desk.office, f),
            before=answer(desk, f, old.get(f.field)), after=answer(desk, f, new.get(f.field)),
        )
        for f in desk.fields
        if old.get(f.field) != new.get(f.field)
    ]  # fmt: skip


def ask(desk: Desk, field: EntryField, last: dict[str, Any]) -> Any:
    """Ask one field, with the last answer beside it; an empty field is 未掌握."""
    text, key = desk.office.text, desk.key(field.field)
    before = last.get(field.field)
    if key not in st.session_state:
        st.session_state[key] = _start(field, before)
    name = page_words(name_of(desk.office, field))
    past = "" if desk.last is None else text("pages.report.last", value=page_words(bare(desk, before)))
    if field.kind == "text":
        return st.text_area(f"{name}{past}", key=key, height=80, placeholder=text("pages.report.requests_hint"))
    if field.kind == "flag":
        said = st.segmented_control(
            f"{name}{past}", ["yes", "no"], key=key, format_func=lambda a: text(f"pages.report.{a}")
        )
        return None if said is None else said == "yes"
    whole = field.kind == "count" and field.unit == field.entered_unit
    return st.number_input(
        f"{text('pages.report.with_unit', name=name, unit=field.entered_unit)}{past}", key=key, value=None,
        min_value=0 if whole else 0.0, step=1 if whole else 0.1, placeholder=text("pages.report.unknown"),
    )  # fmt: skip


def _start(field: EntryField, before: Any) -> Any:
    if field.kind == "text":
        return before or ""
    if field.kind == "flag":
        return None if before is None else "yes" if before else "no"
    whole = field.kind == "count" and field.unit == field.entered_unit
    return before if before is None or whole else float(before)


def set_zero(keys: list[str]) -> None:
    """Answer all counts of a question with 0 in one tap: somebody looked and there is nothing."""
    for key in keys:
        st.session_state[key] = 0


def show_form(desk: Desk) -> None:
    """Show the five questions and send what was entered."""
    text, last = desk.office.text, desk.last
    before = {} if last is None else reports.to_entry(desk.policy, last.values)
    if (
        last is not None
        and last.state != "returned"
        and st.button(text("pages.report.no_change"), width="stretch", icon=":material/equal:")
    ):
        send(desk, {}, no_change=True)
    shot = camera(desk)
    with st.form(desk.key("form"), border=False):
        values: dict[str, Any] = {}
        for question in range(1, 6):
            values |= _question(desk, question, before)
        with st.expander(text("pages.report.later")):
            values |= {f.field: ask(desk, f, before) for f in desk.fields if f.question == 0}
        st.text_input(text("pages.report.note"), key=desk.key("note"), placeholder=text("pages.report.note_hint"))
        most = int(desk.policy.number("report.photos_max"))
        pictures = st.file_uploader(
            text("pages.report.photos", most=most), type=["jpg", "jpeg", "png", "webp"], accept_multiple_files=True,
            key=desk.key("photos"), max_upload_size=20,
        )  # fmt: skip
        sent = st.form_submit_button(
            text("pages.report.send"), type="primary", width="stretch", icon=":material/send:", key=desk.key("send")
        )
    if sent:
        send(desk, values, photos=tuple(p.getvalue() for p in (*pictures, *shot)))


def camera(desk: Desk) -> list[Any]:
    """Offer the device's camera when it is asked for; browsers give it to safe addresses only."""
    text = desk.office.text
    if not st.toggle(text("pages.report.camera"), key=desk.key("camera")):
        return []
    shot = st.camera_input(text("pages.report.shot"), key=desk.key("shot"), label_visibility="collapsed")
    return [] if shot is None else [shot]


def _question(desk: Desk, question: int, before: dict[str, Any]) -> dict[str, Any]:
    text = desk.office.text
    mine = [f for f in desk.fields if f.question == question]
    st.markdown(f"**{text(f'pages.report.question_{question}')}**")
    values = {}
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        for field in mine:
            with st.container(width=166 if field.kind != "text" else "stretch"):
                values[field.field] = ask(desk, field, before)
    counts = [desk.key(f.field) for f in mine if f.kind == "count"]
    if counts:
        st.form_submit_button(
            text("pages.report.all_zero"), on_click=set_zero, args=(counts,),
            key=desk.key(f"none_{question}"), icon=":material/exposure_zero:",
        )  # fmt: skip
    return values


def page() -> None:
    """Draw the page."""
    office = frame.bureau()
    text = office.text
    st.html(_STYLE)
    with st.container(key="report"), frame.refusals(office):
        frame.page_head(office, text("pages.report.title"), text("pages.report.question"))
        found = frame.need_incident(office, "report")
        if found is None:
            return
        village, on_behalf = choose_village(office, found.incident_id)
        if not village:
            return
        policy = office.policy()
        with office.reading() as session:
            versions = reports.list_versions(session, found.incident_id, village=village)
            fields = reports.entry_fields(policy)
        desk = Desk(office, policy, found.incident_id, village, fields, versions, on_behalf)
        show_state(desk)
        if not show_sent(desk):
            show_form(desk)


page()
