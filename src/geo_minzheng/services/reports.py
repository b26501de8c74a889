"""Reports from the villages: versions that are only added, reviewed by another person; only confirmed figures count."""

from __future__ import annotations

import uuid as uuids
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents, entry_units
from geo_minzheng.engine import review as review_engine
from geo_minzheng.engine.papers import short_heading
from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.services import incidents, photos, places
from geo_minzheng.store import records
from geo_minzheng.store import reports as report_store
from geo_minzheng.store.accounts import account_named
from geo_minzheng.store.scope import sight_of
from geo_minzheng.store.second_person import is_among
from geo_minzheng.store.tables_report import Photo

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.model.report_rules import FormFinding

Answer = float | bool | str | None
_LARGEST = 10**9


@dataclass(frozen=True)
class Submission:
    """One version of a village's report as its writer sends it.

    Parameters
    ----------
    uuid
        Made by the writer's device: the same one twice is the same report.
    values
        Answer by field of the five questions or indicator of the form; ``None`` is 未掌握, which is not 0.
    no_change
        无变化: repeats the last version.
    on_behalf
        代报: channel, caller and recorder, when a town writes for a village.
    """

    village: str
    values: Mapping[str, Answer] = field(default_factory=dict)
    uuid: str = ""
    no_change: bool = False
    note: str = ""
    written_at: datetime | None = None
    on_behalf: Mapping[str, str] | None = None
    photos: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Version:
    """A version with its review."""

    uuid: str
    village: str
    number: int
    values: dict[str, Answer]
    note: str
    who: str
    at: datetime
    state: str
    reason: str = ""
    reviewer: str = ""
    on_behalf: dict[str, str] | None = None
    photos: tuple[str, ...] = ()


def submit_report(
    session: Session, act: Act, policy: Policy, incident: str, told: Submission, *, photo_dir: Path
) -> dict[str, Any]:
    """Store one version of a village's report with its photos.

    Raises
    ------
    InputError
        ``report.unknown_village``, ``report.unknown_field``, ``report.bad_value``, ``report.nothing_before``,
        ``report.too_many_photos``, ``report.behalf_incomplete``, ``photo.*``.
    RefusedError
        ``store.report_conflict``: the same UUID with another body; the first one is kept.
    """
    found = incidents.get_incident(session, incident)
    act = replace(act, incident=incident, exercise=found.exercise)
    if told.village not in places.names(session, "village", "code"):
        raise InputError("report.unknown_village", village=told.village)
    if len(told.photos) > policy.number("report.photos_max"):
        raise InputError("report.too_many_photos", count=len(told.photos), most=int(policy.number("report.photos_max")))
    document = {
        "values": _values(session, policy, incident, told),
        "note": told.note.strip(),
        "no_change": told.no_change,
        "photos": sorted(documents.digest_bytes(photo) for photo in told.photos),
    }
    pictures = photos.read_all(told.photos)
    post = report_store.ReportPost(
        uuid=_checked_uuid(told.uuid),
        incident=incident,
        village_code=told.village,
        document=document,
        written_at=told.written_at,
        on_behalf=_behalf(session, told),
    )
    _, is_new = report_store.post_report(session, act, post)
    if is_new:
        for photo in pictures:
            photos.keep(session, act, photo, folder=photo_dir, version=post.uuid)
    return {"uuid": post.uuid, "village": told.village, "stored": is_new, "values": document["values"]}


def _checked_uuid(text: str) -> str:
    try:
        return str(uuids.UUID(text)) if text else str(uuids.uuid4())
    except ValueError as error:
        raise InputError("report.bad_uuid", value=text) from error


def _behalf(session: Session, told: Submission) -> dict[str, str] | None:
    if told.on_behalf is None:
        return None
    missing = [name for name in ("channel", "caller", "recorder") if not told.on_behalf.get(name, "").strip()]
    if missing:
        raise InputError("report.behalf_incomplete", missing=missing)
    # Who has an account stands by their name, so that nobody reviews what they told under their login.
    people = {name: account_named(session, told.on_behalf[name]) for name in ("caller", "recorder")}
    return dict(told.on_behalf) | {name: row.name for name, row in people.items() if row is not None}


def _values(session: Session, policy: Policy, incident: str, told: Submission) -> dict[str, Answer]:
    if told.no_change:
        before = list_versions(session, incident, village=told.village)
        # Sent again, it repeats what it repeated the first time.
        place = next((k for k, v in enumerate(before) if v.uuid == told.uuid), len(before))
        if not place:
            raise InputError("report.nothing_before", village=told.village)
        return dict(before[place - 1].values)
    kinds = {q.field: q.kind for q in policy.questions} | {
        i.indicator: i.kind for i in policy.indicators if i.kind in {"count", "number"}
    }
    unknown = sorted(set(told.values) - set(kinds))
    if unknown:
        raise InputError("report.unknown_field", field=unknown[0], allowed=sorted(kinds))
    return {n: _checked(n, kinds[n], value) for n, value in sorted(told.values.items()) if value is not None}


def _checked(name: str, kind: str, value: Answer) -> Answer:
    if kind == "text":
        if isinstance(value, list | dict):
            raise InputError("report.bad_value", field=name, value=value)
        return str(value).strip()
    if kind == "flag":
        if not isinstance(value, bool):
            raise InputError("report.bad_value", field=name, value=value)
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError("report.bad_value", field=name, value=value)
    if not 0 <= value < _LARGEST or (kind == "count" and value % 1):
        raise InputError("report.bad_value", field=name, value=value)
    return int(value) if kind == "count" else float(value)


def list_versions(session: Session, incident: str, *, village: str = "") -> list[Version]:
    """List the versions of an incident's reports by village, oldest first, each with its review."""
    pictures: dict[str, list[str]] = {}
    for photo in records.find(session, Photo):
        pictures.setdefault(photo.version_uuid or "", []).append(photo.uuid)
    return [
        _version(row, tuple(pictures.get(row.version.uuid, ())))
        for row in report_store.village_reports(session, incident)
        if village in ("", row.village_code)
    ]


def _version(row: report_store.VillageReport, pictures: tuple[str, ...]) -> Version:
    version, review = row.version, row.review
    return Version(
        uuid=version.uuid,
        village=row.village_code,
        number=version.version_no,
        values=dict(version.document["values"]),
        note=str(version.document.get("note", "")),
        who=version.who,
        at=version.at,
        state=row.state,
        reason="" if review is None else review.reason,
        reviewer="" if review is None else review.who,
        on_behalf=version.on_behalf,
        photos=pictures,
    )


def latest_version(session: Session, incident: str, village: str) -> Version | None:
    """Give the newest version of a village, whatever its state."""
    versions = list_versions(session, incident, village=village)
    return versions[-1] if versions else None


def check_version(
    session: Session, policy: Policy, incident: str, village: str, values: Mapping[str, Answer]
) -> tuple[FormFinding, ...]:
    """Check a version by the form's relations and against the last confirmed one of its village; errors first."""
    last = confirmed(session, incident).get(village)
    return review_engine.check_version(
        None if last is None else review_engine.indicator_values(last.values, policy.questions),
        review_engine.indicator_values(values, policy.questions),
        policy.form_rules,
        review_engine.asked_indicators(policy.questions, policy.indicators),
        jumps=(policy.number("report.jump_share"), policy.number("report.jump_count")),
    )


def is_own_report(version: Version, who: str) -> bool:
    """Tell whether somebody wrote a version or told it, so that another must review it."""
    return is_among(who, version.who, *map(str, (version.on_behalf or {}).values()))


def review_report(
    session: Session, act: Act, policy: Policy, incident: str, version: str, *, verdict: str, reason: str = ""
) -> None:
    """Confirm a version, or return it with a reason.

    Raises
    ------
    NotFoundError
        ``report.no_version``.
    RefusedError
        ``report.own_report``: nobody reviews what they wrote; ``report.reviewed_already``; ``store.report_outdated``: a
        newer version waits; ``store.no_reason``: returned without one; ``report.breaks_rules``: figures that contradict
        each other are not confirmed; ``report.note_needed``: a sudden change is confirmed with the writer's note or the
        reviewer's reason only.
    """
    found = next((v for v in list_versions(session, incident) if v.uuid == version), None)
    if found is None:
        raise NotFoundError("report.no_version", version=version)
    if found.state != "submitted":
        raise RefusedError("report.reviewed_already", state=found.state, reviewer=found.reviewer)
    if is_own_report(found, act.who):
        raise RefusedError("report.own_report", who=act.who)
    if verdict == "confirmed":
        _must_hold(check_version(session, policy, incident, found.village, found.values), found.note or reason)
    exercise = incidents.get_incident(session, incident).exercise
    act = replace(act, incident=incident, exercise=exercise)
    report_store.review_report(session, act, version, verdict, reason=reason.strip())


def _must_hold(findings: tuple[FormFinding, ...], note: str) -> None:
    errors = [f.name_zh for f in findings if f.severity == "error"]
    if errors:
        raise RefusedError("report.breaks_rules", rules=errors)
    if findings and not note.strip():
        raise RefusedError("report.note_needed", fields=[f.name_zh for f in findings])


def confirmed(session: Session, incident: str) -> dict[str, Version]:
    """Give the last confirmed version of each village."""
    return {v.village: v for v in list_versions(session, incident) if v.state == "confirmed"}


def confirmed_indicators(session: Session, policy: Policy, incident: str) -> dict[str, dict[str, float]]:
    """Give the confirmed figures by village and indicator; 未掌握 is left out. Sums the form derives are added."""
    return {
        village: review_engine.indicator_values(version.values, policy.questions)
        for village, version in confirmed(session, incident).items()
    }


def silent_villages(session: Session, incident: str, assessed: Mapping[str, Any] | None = None) -> list[str]:
    """List the villages without any report 未报村, by code; with an impact only those it expects to be hit."""
    told = {row.village_code for row in report_store.latest_reports(session, incident)}
    prefix = sight_of(session).scope.prefix
    expected = {code for code in places.names(session, "village", "code") if code.startswith(prefix)}
    if assessed is not None:
        expected &= {v["code"] for v in assessed["by_village"] if v["affected_population"] or v["isolated_villages"]}
    return sorted(expected - told)


@dataclass(frozen=True)
class EntryField:
    """A field of the village's form and the unit it is entered in.

    Parameters
    ----------
    question
        1 to 5; 0 for what waits until the night is over.
    unit, entered_unit
        Unit of the form, and the one people count in on the spot: 亩 for 公顷, 斤 for 千克.
    """

    question: int
    field: str
    name_zh: str
    name_en: str
    kind: str
    unit: str
    entered_unit: str


def entry_fields(policy: Policy) -> list[EntryField]:
    """List the fields of the five questions in order, then the form's figures that are entered in local units."""
    asked = [
        EntryField(q.question, q.field, q.name_zh, q.name_en, q.kind, q.unit, entry_units.entered_unit(q.unit))
        for q in sorted(policy.questions, key=lambda q: (q.question, q.order))
    ]
    later = [
        EntryField(
            0,
            i.indicator,
            short_heading(i.heading),
            short_heading(i.heading),
            i.kind,
            i.unit,
            entry_units.entered_unit(i.unit),
        )
        for i in policy.indicators
        if i.is_shown and entry_units.entered_unit(i.unit) != i.unit
    ]
    return [*asked, *later]


def from_entry(policy: Policy, entered: Mapping[str, Answer]) -> dict[str, Answer]:
    """Turn what was entered into the form's units; 未掌握 (``None``) is left out."""
    units = {f.field: f.unit for f in entry_fields(policy) if f.kind in {"count", "number"}}
    return {
        name: entry_units.to_form(value, units[name]) if isinstance(value, int | float) and name in units else value
        for name, value in entered.items()
        if value is not None and value != ""
    }


def to_entry(policy: Policy, values: Mapping[str, Answer]) -> dict[str, Answer]:
    """Turn a version's values into the units they are entered in."""
    units = {f.field: f.unit for f in entry_fields(policy) if f.kind in {"count", "number"}}
    return {
        name: entry_units.to_entered(value, units[name]) if isinstance(value, int | float) and name in units else value
        for name, value in values.items()
    }
