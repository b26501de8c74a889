"""What villages report: versions that are only ever added, what reviewers said, photos."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo_minzheng.store.columns import Base, Json, Made


class Report(Made, Base):
    """The reports of one village in one incident."""

    __tablename__ = "report"
    KEY = ("incident", "village_code")
    __table_args__ = (UniqueConstraint("incident", "village_code"),)

    incident: Mapped[str] = mapped_column(ForeignKey("incident.incident_id"))
    village_code: Mapped[str]
    exercise: Mapped[bool] = mapped_column(default=False)


class ReportVersion(Made, Base):
    """One version of a report, named by the UUID its writer gave it; append-only."""

    __tablename__ = "report_version"
    KEY = ("uuid",)
    __table_args__ = (UniqueConstraint("uuid"), UniqueConstraint("report_fid", "version_no"))

    uuid: Mapped[str]
    report_fid: Mapped[int] = mapped_column(ForeignKey("report.fid"))
    version_no: Mapped[int]
    document: Mapped[Any] = mapped_column(Json())
    body_hash: Mapped[str]
    written_at: Mapped[datetime | None]
    on_behalf: Mapped[Any] = mapped_column(Json(), nullable=True)


class ReportReview(Made, Base):
    """What a reviewer said of one version; one review per version; append-only."""

    __tablename__ = "report_review"
    KEY = ("version_uuid",)
    __table_args__ = (
        UniqueConstraint("version_uuid"),
        CheckConstraint("verdict IN ('confirmed', 'returned')", name="verdict"),
        CheckConstraint("verdict = 'confirmed' OR length(trim(reason)) > 0", name="reason"),
    )

    version_uuid: Mapped[str] = mapped_column(ForeignKey("report_version.uuid"))
    verdict: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")


class Photo(Made, Base):
    """A photo kept outside the store under its UUID; append-only."""

    __tablename__ = "photo"
    KEY = ("uuid",)
    __table_args__ = (UniqueConstraint("uuid"), Index(None, "version_uuid"))

    uuid: Mapped[str]
    version_uuid: Mapped[str | None] = mapped_column(ForeignKey("report_version.uuid"))
    sha256: Mapped[str]
    bytes: Mapped[int]
    width_px: Mapped[int | None]
    height_px: Mapped[int | None]
    lon: Mapped[float | None]
    lat: Mapped[float | None]
    taken_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(default="")
