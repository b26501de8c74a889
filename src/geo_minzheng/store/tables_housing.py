"""The planning day: programmes of house renovation and siting of welfare homes, as they were computed."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo_minzheng.store.columns import Base, Frozen


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
