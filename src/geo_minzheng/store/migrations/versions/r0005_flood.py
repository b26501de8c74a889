"""Incident, footprint, assessment, level decision, closures, requests."""

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg, guard
from geo_minzheng.store.columns import Json, Moment, Whole
from geo_minzheng.store.geometry import Geometry

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    _incident()
    _footprint()
    _assessment()
    _level_decision()
    _closure()
    _relief_request()


def _incident() -> None:
    op.create_table(
        "incident",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("incident_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hazard", sa.Text(), nullable=False),
        sa.Column("subtype", sa.Text(), nullable=False),
        sa.Column("occurred_at", Moment(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closed_at", Moment()),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_incident_state")),
        sa.UniqueConstraint("incident_id", name="uq_incident_incident_id"),
    )
    gpkg.register(op.get_bind(), "incident")


def _footprint() -> None:
    op.create_table(
        "footprint",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("MULTIPOLYGON")),
        sa.Column("footprint_id", sa.Text(), nullable=False),
        sa.Column("part_no", Whole, nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("depth_m", sa.Double()),
        sa.Column("area_km2", sa.Double()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.incident_id"], name="fk_footprint_incident"),
        sa.UniqueConstraint("footprint_id", "part_no", name="uq_footprint_footprint_id_part_no"),
    )
    op.create_index("ix_footprint_incident", "footprint", ["incident"])
    gpkg.register(op.get_bind(), "footprint", "MULTIPOLYGON")
    guard.append_only(op.get_bind(), "footprint")


def _assessment() -> None:
    op.create_table(
        "assessment",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("assessment_id", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("footprint_id", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("seed", Whole),
        sa.Column("input_hash", sa.Text(), nullable=False),
        sa.Column("result_hash", sa.Text(), nullable=False),
        sa.Column("document", Json(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.incident_id"], name="fk_assessment_incident"),
        sa.UniqueConstraint("assessment_id", name="uq_assessment_assessment_id"),
    )
    op.create_index("ix_assessment_incident_kind", "assessment", ["incident", "kind"])
    gpkg.register(op.get_bind(), "assessment")
    guard.append_only(op.get_bind(), "assessment")


def _level_decision() -> None:
    op.create_table(
        "level_decision",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("advised", sa.Text()),
        sa.Column("decided", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("leader", sa.Text(), nullable=False),
        sa.Column("policy_version", sa.Text(), nullable=False),
        sa.Column("conditions", Json()),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint(
            "action IN ('activate', 'adjust', 'decline', 'terminate')", name=op.f("ck_level_decision_action")
        ),
        sa.CheckConstraint(
            "coalesce(advised, '') = coalesce(decided, '') OR length(trim(reason)) > 0",
            name=op.f("ck_level_decision_reason"),
        ),
        sa.ForeignKeyConstraint(["incident"], ["incident.incident_id"], name="fk_level_decision_incident"),
        sa.UniqueConstraint("decision_id", name="uq_level_decision_decision_id"),
    )
    op.create_index("ix_level_decision_incident", "level_decision", ["incident"])
    gpkg.register(op.get_bind(), "level_decision")
    guard.append_only(op.get_bind(), "level_decision")


def _closure() -> None:
    op.create_table(
        "closure",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("road_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("state IN ('closed', 'open')", name=op.f("ck_closure_state")),
        sa.ForeignKeyConstraint(["incident"], ["incident.incident_id"], name="fk_closure_incident"),
    )
    op.create_index("ix_closure_incident_road_id", "closure", ["incident", "road_id"])
    gpkg.register(op.get_bind(), "closure")
    guard.append_only(op.get_bind(), "closure")


def _relief_request() -> None:
    op.create_table(
        "relief_request",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("line_no", Whole, nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("receiver", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity_milli", Whole, nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("quantity_milli > 0", name=op.f("ck_relief_request_quantity")),
        sa.ForeignKeyConstraint(["incident"], ["incident.incident_id"], name="fk_relief_request_incident"),
        sa.UniqueConstraint("request_id", "line_no", name="uq_relief_request_request_id_line_no"),
    )
    op.create_index("ix_relief_request_incident", "relief_request", ["incident"])
    gpkg.register(op.get_bind(), "relief_request")
