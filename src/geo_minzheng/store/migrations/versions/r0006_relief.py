"""Plan, approval, dispatch order."""

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg, guard
from geo_minzheng.store.columns import Json, Moment, Whole

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    _plan()
    _approval()
    _approval_paper()
    _dispatch_order()
    _order_line()
    _order_event()


def _plan() -> None:
    op.create_table(
        "plan",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("version", Whole, nullable=False),
        sa.Column("supersedes", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("seed", Whole),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("result_hash", sa.Text(), nullable=False),
        sa.Column("document", Json(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.incident_id"], name="fk_plan_incident"),
        sa.ForeignKeyConstraint(["supersedes"], ["plan.plan_id"], name="fk_plan_supersedes"),
        sa.UniqueConstraint("incident", "version", name="uq_plan_incident_version"),
        sa.UniqueConstraint("plan_id", name="uq_plan_plan_id"),
        sa.UniqueConstraint("supersedes", name="uq_plan_supersedes"),
    )
    gpkg.register(op.get_bind(), "plan")
    guard.append_only(op.get_bind(), "plan")


def _approval() -> None:
    op.create_table(
        "approval",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("leader", sa.Text(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("recorder", sa.Text(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("paper_due", Moment()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("mode IN ('written', 'oral')", name=op.f("ck_approval_mode")),
        sa.CheckConstraint(
            "mode = 'written' OR (length(leader) > 0 AND length(recorder) > 0 AND "
            "length(witness) > 0 AND recorder <> witness AND leader <> witness AND leader <> "
            "recorder AND paper_due IS NOT NULL)",
            name=op.f("ck_approval_oral"),
        ),
        sa.CheckConstraint("verdict = 'approved' OR length(trim(reason)) > 0", name=op.f("ck_approval_reason")),
        sa.CheckConstraint("verdict IN ('approved', 'rejected')", name=op.f("ck_approval_verdict")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.plan_id"], name="fk_approval_plan_id"),
        sa.UniqueConstraint("plan_id", name="uq_approval_plan_id"),
    )
    gpkg.register(op.get_bind(), "approval")
    guard.append_only(op.get_bind(), "approval")


def _approval_paper() -> None:
    op.create_table(
        "approval_paper",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("scan", sa.Text(), nullable=False),
        sa.Column("scan_sha256", sa.Text(), nullable=False),
        sa.Column("signed_at", Moment(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.plan_id"], name="fk_approval_paper_plan_id"),
        sa.UniqueConstraint("plan_id", "scan_sha256", name="uq_approval_paper_plan_id_scan_sha256"),
    )
    gpkg.register(op.get_bind(), "approval_paper")
    guard.append_only(op.get_bind(), "approval_paper")


def _dispatch_order() -> None:
    op.create_table(
        "dispatch_order",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text()),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text()),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("warehouse", sa.Text(), nullable=False),
        sa.Column("warehouse_name", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("receiver_name", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=False),
        sa.Column("contact_phone", sa.Text(), nullable=False),
        sa.Column("route", Json(), nullable=False),
        sa.Column("travel_min", sa.Double(), nullable=False),
        sa.Column("deadline", Moment(), nullable=False),
        sa.Column("cutoff", Moment(), nullable=False),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("is_oral", sa.Boolean(), nullable=False),
        sa.Column("paper_due", Moment()),
        sa.Column("paper_signed_at", Moment()),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.incident_id"], name="fk_dispatch_order_incident"),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.plan_id"], name="fk_dispatch_order_plan_id"),
        sa.UniqueConstraint("number", name="uq_dispatch_order_number"),
        sa.UniqueConstraint("order_id", name="uq_dispatch_order_order_id"),
    )
    op.create_index("ix_dispatch_order_incident", "dispatch_order", ["incident"])
    gpkg.register(op.get_bind(), "dispatch_order")


def _order_line() -> None:
    op.create_table(
        "order_line",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line_no", Whole, nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("item_name", sa.Text(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("lot_no", sa.Text(), nullable=False),
        sa.Column("requested_milli", Whole),
        sa.Column("assessed_milli", Whole, nullable=False),
        sa.Column("approved_milli", Whole, nullable=False),
        sa.Column("shipped_milli", Whole),
        sa.Column("received_milli", Whole),
        sa.Column("villages", Json(), nullable=False),
        sa.CheckConstraint("approved_milli > 0", name=op.f("ck_order_line_approved")),
        sa.CheckConstraint(
            "received_milli IS NULL OR (shipped_milli IS NOT NULL AND received_milli BETWEEN 0 AND shipped_milli)",
            name=op.f("ck_order_line_received"),
        ),
        sa.CheckConstraint(
            "shipped_milli IS NULL OR shipped_milli BETWEEN 0 AND approved_milli", name=op.f("ck_order_line_shipped")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["dispatch_order.order_id"], name="fk_order_line_order_id"),
        sa.UniqueConstraint("order_id", "line_no", name="uq_order_line_order_id_line_no"),
    )
    gpkg.register(op.get_bind(), "order_line")


def _order_event() -> None:
    op.create_table(
        "order_event",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("step_no", Whole, nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("voucher", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["dispatch_order.order_id"], name="fk_order_event_order_id"),
        sa.UniqueConstraint("order_id", "step_no", name="uq_order_event_order_id_step_no"),
    )
    gpkg.register(op.get_bind(), "order_event")
    guard.append_only(op.get_bind(), "order_event")
