"""Village reports: versions arrive once under their writer's UUID, reviewers answer, only confirmed figures count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_minzheng.errors import RefusedError
from geo_minzheng.model.act import Act
from geo_minzheng.store.audit import Change, record
from geo_minzheng.store.canonical import digest, to_json
from geo_minzheng.store.postings import insert_once
from geo_minzheng.store.records import add, one
from geo_minzheng.store.second_person import is_among
from geo_minzheng.store.tables_flood import Incident
from geo_minzheng.store.tables_report import Photo, Report, ReportReview, ReportVersion


@dataclass(frozen=True)
class ReportPost:
    """A report as its writer sent it.

    Parameters
    ----------
    uuid
        Named by the writer's device; sending it again is harmless.
    document
        The answers as JSON values; 未掌握 is a missing key, not 0.
    written_at
        Device time; ``None`` where unknown.
    on_behalf
        代报: channel, caller, recorder.
    """

    uuid: str
    incident: str
    village_code: str
    document: dict[str, Any]
    written_at: datetime | None = None
    on_behalf: dict[str, Any] | None = None

    def body_hash(self) -> str:
        """Hash what the writer said, without when it arrived."""
        return digest(to_json([self.incident, self.village_code, self.document, self.on_behalf]))


@dataclass(frozen=True)
class VillageReport:
    """One version of one village's report and what became of it."""

    incident: str
    village_code: str
    version: ReportVersion
    review: ReportReview | None

    @property
    def state(self) -> str:
        """``submitted``, ``confirmed`` or ``returned``."""
        return self.review.verdict if self.review else "submitted"


def post_report(session: Session, act: Act, post: ReportPost) -> tuple[ReportVersion, bool]:
    """Store a report as the next version of its village, once.

    Returns
    -------
    The version and whether it is new; the same UUID with the same body is the version stored before.

    Raises
    ------
    NotFoundError
        ``store.not_found``: there is no such incident.
    RefusedError
        ``store.report_conflict``: the UUID was used for another body; the first is kept.
    """
    made = {"who": act.who, "role": act.role, "at": act.at}
    with session.begin_nested():
        key = {"incident": post.incident, "village_code": post.village_code}
        known = session.scalars(select(ReportVersion).where(ReportVersion.uuid == post.uuid)).one_or_none()
        if known is None:
            one(session, Incident, incident_id=post.incident)
            insert_once(session, Report, key | made | {"exercise": act.exercise})
            report = session.scalars(select(Report).filter_by(**key).with_for_update()).one()
            versions = select(func.count()).where(ReportVersion.report_fid == report.fid)
            values = {
                "uuid": post.uuid, "report_fid": report.fid, "version_no": 1 + (session.scalar(versions) or 0),
                "document": post.document, "body_hash": post.body_hash(), "written_at": post.written_at,
                "on_behalf": post.on_behalf,
            }  # fmt: skip
            fid = insert_once(session, ReportVersion, values | made)
            if fid is not None:
                after = key | values | made
                record(session, act, Change("report.post", "report_version", post.uuid, None, after, post.village_code))
                return session.get_one(ReportVersion, fid), True
            known = one(session, ReportVersion, uuid=post.uuid)
    if known.body_hash != post.body_hash():
        raise RefusedError("store.report_conflict", uuid=post.uuid)
    return known, False


def review_report(session: Session, act: Act, uuid: str, verdict: str, *, reason: str = "") -> ReportReview:
    """Confirm a version or return it with a reason; a version is answered once, and only while it is the newest.

    Raises
    ------
    NotFoundError
        ``store.not_found``.
    RefusedError
        ``store.duplicate``: answered already; ``store.report_outdated``: a newer version came; ``report.own_report``:
        nobody reviews what they wrote, called in or took down;
        ``store.no_reason``: returned without a reason.
    """
    version = one(session, ReportVersion, uuid=uuid)
    newest = select(func.max(ReportVersion.version_no)).where(ReportVersion.report_fid == version.report_fid)
    if session.scalar(newest) != version.version_no:
        raise RefusedError("store.report_outdated", uuid=uuid)
    behalf = version.on_behalf or {}
    if is_among(act.who, version.who, *map(str, behalf.values())):
        raise RefusedError("report.own_report", who=act.who)
    if verdict == "returned" and not reason.strip():
        raise RefusedError("store.no_reason")
    return add(session, act, f"report.{verdict}", ReportReview(version_uuid=uuid, verdict=verdict, reason=reason))


def village_reports(session: Session, incident: str) -> list[VillageReport]:
    """List every version of every village of an incident, by village and version."""
    query = (
        select(Report.village_code, ReportVersion, ReportReview)
        .join(ReportVersion, ReportVersion.report_fid == Report.fid)
        .outerjoin(ReportReview, ReportReview.version_uuid == ReportVersion.uuid)
        .where(Report.incident == incident)
    )
    rows = [VillageReport(incident, code, version, review) for code, version, review in session.execute(query).tuples()]
    return sorted(rows, key=lambda row: (row.village_code, row.version.version_no))


def latest_reports(session: Session, incident: str) -> list[VillageReport]:
    """List the newest version of each village."""
    return list({row.village_code: row for row in village_reports(session, incident)}.values())


def confirmed_reports(session: Session, incident: str) -> list[VillageReport]:
    """List the newest confirmed version of each village: the only figures the official form may hold."""
    confirmed = [row for row in village_reports(session, incident) if row.state == "confirmed"]
    return list({row.village_code: row for row in confirmed}.values())


def attach_photo(session: Session, act: Act, photo: Photo) -> tuple[Photo, bool]:
    """Register a photo, once.

    Returns
    -------
    The photo and whether it is new.

    Raises
    ------
    RefusedError
        ``store.photo_conflict``: the UUID was used for another picture.
    """
    known = session.scalars(select(Photo).where(Photo.uuid == photo.uuid)).one_or_none()
    if known is None:
        return add(session, act, "report.photo", photo), True
    if known.sha256 != photo.sha256:
        raise RefusedError("store.photo_conflict", uuid=photo.uuid)
    return known, False
