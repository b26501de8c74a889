"""From the plan to the road: plan, approval, paper, dispatch order with lines and history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo_minzheng.store.columns import Base, Frozen, Json, Made


class Plan(Frozen, Base):
    """A relief plan as proposed; ``result_hash`` is its plan hash; append-only, amended by a new version."""

    __tablename__ = "plan"
    KEY = ("plan_id",)
    __table_args__ = (
        UniqueConstraint("plan_id"),
        UniqueConstraint("incident", "version"),
        UniqueConstraint("supersedes"),
    )

    plan_id: Mapped[str]
    incident: Mapped[str] = mapped_column(ForeignKey("incident.incident_id"))
    version: Mapped[int]
    supersedes: Mapped[str | None] = mapped_column(ForeignKey("plan.plan_id"))
    reason: Mapped[str] = mapped_column(default="")
    status: Mapped[str]


class Approval(Made, Base):
    """A plan was approved or rejected, in writing or by phone; one per plan; append-only."""

    __tablename__ = "approval"
    KEY = ("plan_id",)
    __table_args__ = (
        UniqueConstraint("plan_id"),
        CheckConstraint("mode IN ('written', 'oral')", name="mode"),
        CheckConstraint("verdict IN ('approved', 'rejected')", name="verdict"),
        CheckConstraint("verdict = 'approved' OR length(trim(reason)) > 0", name="reason"),
        CheckConstraint(
            "mode = 'written' OR (length(leader) > 0 AND length(recorder) > 0 AND length(witness) > 0"
            " AND recorder <> witness AND leader <> witness AND leader <> recorder AND paper_due IS NOT NULL)",
            name="oral",
        ),
    )

    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.plan_id"))
    plan_hash: Mapped[str]
    mode: Mapped[str]
    verdict: Mapped[str] = mapped_column(default="approved")
    approver: Mapped[str]
    leader: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[datetime]
    number: Mapped[str] = mapped_column(default="")
    recorder: Mapped[str] = mapped_column(default="")
    witness: Mapped[str] = mapped_column(default="")
    paper_due: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    exercise: Mapped[bool] = mapped_column(default=False)


class ApprovalPaper(Made, Base):
    """The scan of the signed and sealed paper of an approval; append-only."""

    __tablename__ = "approval_paper"
    KEY = ("plan_id", "scan_sha256")
    __table_args__ = (UniqueConstraint("plan_id", "scan_sha256"),)

    plan_id: Mapped[str] = mapped_column(ForeignKey("plan.plan_id"))
    scan: Mapped[str]
    scan_sha256: Mapped[str]
    signed_at: Mapped[datetime]


class Order(Made, Base):
    """A dispatch order 调拨单 from one warehouse to one receiver; ``state`` repeats its last event."""

    __tablename__ = "dispatch_order"
    KEY = ("order_id",)
    __table_args__ = (UniqueConstraint("order_id"), UniqueConstraint("number"), Index(None, "incident"))

    order_id: Mapped[str]
    number: Mapped[str | None]
    incident: Mapped[str] = mapped_column(ForeignKey("incident.incident_id"))
    plan_id: Mapped[str | None] = mapped_column(ForeignKey("plan.plan_id"))
    plan_hash: Mapped[str]
    state: Mapped[str]
    warehouse: Mapped[str]
    warehouse_name: Mapped[str]
    receiver: Mapped[str]
    receiver_name: Mapped[str]
    contact_name: Mapped[str]
    contact_phone: Mapped[str]
    route: Mapped[list[Any]]
    travel_min: Mapped[float]
    deadline: Mapped[datetime]
    cutoff: Mapped[datetime]
    proposer: Mapped[str]
    signer: Mapped[str] = mapped_column(default="")
    is_oral: Mapped[bool] = mapped_column(default=False)
    paper_due: Mapped[datetime | None]
    paper_signed_at: Mapped[datetime | None]
    exercise: Mapped[bool] = mapped_column(default=False)


class Line(Base):
    """One row of a dispatch order [1/1000 unit]; ``villages`` breaks ``approved_milli`` down."""

    __tablename__ = "order_line"
    KEY = ("order_id", "line_no")
    __table_args__ = (
        UniqueConstraint("order_id", "line_no"),
        CheckConstraint("approved_milli > 0", name="approved"),
        CheckConstraint("shipped_milli IS NULL OR shipped_milli BETWEEN 0 AND approved_milli", name="shipped"),
        CheckConstraint(
            "received_milli IS NULL OR (shipped_milli IS NOT NULL AND received_milli BETWEEN 0 AND shipped_milli)",
            name="received",
        ),
    )

    order_id: Mapped[str] = mapped_column(ForeignKey("dispatch_order.order_id"))
    line_no: Mapped[int]
    item: Mapped[str]
    item_name: Mapped[str]
    spec: Mapped[str]
    unit: Mapped[str]
    lot_no: Mapped[str]
    requested_milli: Mapped[int | None]
    assessed_milli: Mapped[int]
    approved_milli: Mapped[int]
    shipped_milli: Mapped[int | None]
    received_milli: Mapped[int | None]
    villages: Mapped[Any] = mapped_column(Json())


class OrderEvent(Made, Base):
    """One step of a dispatch order; append-only."""

    __tablename__ = "order_event"
    KEY = ("order_id", "step_no")
    __table_args__ = (UniqueConstraint("order_id", "step_no"),)

    order_id: Mapped[str] = mapped_column(ForeignKey("dispatch_order.order_id"))
    step_no: Mapped[int]
    from_state: Mapped[str]
    to_state: Mapped[str]
    voucher: Mapped[str] = mapped_column(default="")
    note: Mapped[str] = mapped_column(default="")
