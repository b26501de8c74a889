"""What the store knows of itself: the district's settings, who changed what, and decisions that deviate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo_minzheng.store.columns import Base, Json, Made


class Setting(Made, Base):
    """One value of the district: code, name, metres, policy profile, whether it is a demo."""

    __tablename__ = "setting"
    KEY = ("key",)
    __table_args__ = (UniqueConstraint("key"),)

    key: Mapped[str]
    value: Mapped[Any] = mapped_column(Json())


class AuditRow(Base):
    """One write of one use case; append-only, each row hashes the one before 操作日志."""

    __tablename__ = "audit"
    KEY = ("seq",)
    __table_args__ = (UniqueConstraint("seq"),)

    seq: Mapped[int]
    at: Mapped[datetime]
    who: Mapped[str]
    role: Mapped[str]
    place: Mapped[str]
    incident: Mapped[str]
    exercise: Mapped[bool]
    action: Mapped[str]
    table_name: Mapped[str]
    row_key: Mapped[str]
    before: Mapped[str | None]
    after: Mapped[str | None]
    prev_hash: Mapped[str]
    hash: Mapped[str]


class AuditHead(Base):
    """How many audit rows there must be and the hash of the last: shows when the end was cut off."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("fid = 1", name="single"),)

    count: Mapped[int]
    hash: Mapped[str]


class Decision(Made, Base):
    """A person decided otherwise than proposed, with the reason."""

    __tablename__ = "decision"
    KEY = ("decision_id",)
    __table_args__ = (UniqueConstraint("decision_id"), CheckConstraint("length(trim(reason)) > 0", name="reason"))

    decision_id: Mapped[str]
    incident: Mapped[str] = mapped_column(default="")
    subject: Mapped[str]
    subject_key: Mapped[str]
    proposed: Mapped[Any] = mapped_column(Json(), nullable=True)
    decided: Mapped[Any] = mapped_column(Json(), nullable=True)
    reason: Mapped[str]
    clause: Mapped[str] = mapped_column(default="")
    leader: Mapped[str] = mapped_column(default="")
    exercise: Mapped[bool] = mapped_column(default=False)
