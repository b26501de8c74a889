"""The flood day up to the plan: incident, footprint, impact, level, closed roads, requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shapely.geometry.base import BaseGeometry as Shape
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo_minzheng.store.columns import Base, Frozen, Json, Made
from geo_minzheng.store.geometry import Geometry


class Incident(Made, Base):
    """A disaster process 灾害过程."""

    __tablename__ = "incident"
    KEY = ("incident_id",)
    __table_args__ = (UniqueConstraint("incident_id"), CheckConstraint("state IN ('open', 'closed')", name="state"))

    incident_id: Mapped[str]
    name: Mapped[str]
    hazard: Mapped[str]
    subtype: Mapped[str] = mapped_column(default="")
    occurred_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="open")
    closed_at: Mapped[datetime | None]
    exercise: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(default="")


class Footprint(Made, Base):
    """One part of a hazard footprint; parts of one ``footprint_id`` belong together; append-only."""

    __tablename__ = "footprint"
    KEY = ("footprint_id", "part_no")
    __table_args__ = (UniqueConstraint("footprint_id", "part_no"), Index(None, "incident"))

    geom: Mapped[Shape | None] = mapped_column(Geometry("MULTIPOLYGON"), sort_order=-10)
    footprint_id: Mapped[str]
    part_no: Mapped[int] = mapped_column(default=1)
    incident: Mapped[str] = mapped_column(ForeignKey("incident.incident_id"))
    depth_m: Mapped[float | None]
    area_km2: Mapped[float | None]
    source: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    coord_source: Mapped[str] = mapped_column(sort_order=90, default="")
    source_crs: Mapped[str] = mapped_column(sort_order=91, default="")
    source_file: Mapped[str] = mapped_column(sort_order=92, default="")


class Assessment(Frozen, Base):
    """An impact, a need, or another result of one incident as a document; append-only."""

    __tablename__ = "assessment"
    KEY = ("assessment_id",)
    __table_args__ = (UniqueConstraint("assessment_id"), Index(None, "incident", "kind"))

    assessment_id: Mapped[str]
    incident: Mapped[str] = mapped_column(ForeignKey("incident.incident_id"))
    kind: Mapped[str]
    footprint_id: Mapped[str] = mapped_column(default="")


class LevelDecision(Made, Base):
    """What was advised on the response level and what a person decided; append-only."""

    __tablename__ = "level_decision"
    KEY = ("decision_id",)
    __table_args__ = (
        UniqueConstraint("decision_id"),
        Index(None, "incident"),
        CheckConstraint("action IN ('activate', 'adjust', 'decline', 'terminate')", name="action"),
        CheckConstraint("coalesce(advised, '') = coalesce(decided, '') OR length(trim(reason)) > 0", name="reason"),
    )

    decision_id: Mapped[str]
    incident: Mapped[str] = mapped_column(ForeignKey("incident.incident_id"))
    action: Mapped[str]
    advised: Mapped[str | None]
    decided: Mapped[str | None]
    reason: Mapped[str] = mapped_column(default="")
    order_no: Mapped[str] = mapped_column(default="")
    leader: Mapped[str] = mapped_column(default="")
    policy_version: Mapped[str] = mapped_column(default="")
    conditions: Mapped[Any] = mapped_column(Json(), nullable=True)
    exercise: Mapped[bool] = mapped_column(default=False)


class Closure(Made, Base):
    """A road segment was closed or opened; the last row of a segment counts; append-only."""

    __tablename__ = "closure"
    __table_args__ = (
        Index(None, "incident", "road_id"),
        CheckConstraint("state IN ('closed', 'open')", name="state"),
    )

    incident: Mapped[str] = mapped_column(ForeignKey("incident.incident_id"))
    road_id: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    exercise: Mapped[bool] = mapped_column(default=False)


class ReliefRequest(Made, Base):
    """One line of a 需求报告单: what a receiver asks for [1/1000 unit]."""

    __tablename__ = "relief_request"
    KEY = ("request_id", "line_no")
    __table_args__ = (
        UniqueConstraint("request_id", "line_no"),
        Index(None, "incident"),
        CheckConstraint("quantity_milli > 0", name="quantity"),
    )

    request_id: Mapped[str]
    line_no: Mapped[int] = mapped_column(default=1)
    incident: Mapped[str] = mapped_column(ForeignKey("incident.incident_id"))
    receiver: Mapped[str]
    village_code: Mapped[str] = mapped_column(default="")
    item: Mapped[str]
    quantity_milli: Mapped[int]
    unit: Mapped[str]
    state: Mapped[str] = mapped_column(default="submitted")
    channel: Mapped[str] = mapped_column(default="")
    contact: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
    exercise: Mapped[bool] = mapped_column(default=False)
