"""The planning day: programmes of house renovation and siting of welfare homes, as they were computed."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo_minzheng.store.columns import Base, Frozen, Made


class ProgrammeRun(Frozen, Base):
    """One run of the renovation programmes of one year; append-only."""

    __tablename__ = "programme_run"
    KEY = ("run_id",)
    __table_args__ = (UniqueConstraint("run_id"),)

    run_id: Mapped[str]
    year: Mapped[int]
    status: Mapped[str] = mapped_column(default="")


class SitingRun(Frozen, Base):
    """One run of siting or service areas of welfare homes; append-only."""

    __tablename__ = "siting_run"
    KEY = ("run_id",)
    __table_args__ = (UniqueConstraint("run_id"),)

    run_id: Mapped[str]
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(default="")


class ReviewReason(Made, Base):
    """Why a case stands where it does although the villagers' review ranked it otherwise; the last one counts."""

    __tablename__ = "review_reason"
    KEY = ("reason_id",)
    __table_args__ = (
        UniqueConstraint("reason_id"),
        Index(None, "application_id"),
        CheckConstraint("length(trim(reason)) > 0", name="reason"),
    )

    reason_id: Mapped[str]
    application_id: Mapped[str]
    reason: Mapped[str]
