"""Village reports, reviews, photos, programme and siting runs."""

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg, guard
from geo_minzheng.store.columns import Json, Moment, Whole

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    _report()
    _report_version()
    _report_review()
    _photo()
    _programme_run()
    _siting_run()


def _report() -> None:
    op.create_table(
        "report",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["incident"], ["incident.incident_id"], name="fk_report_incident"),
        sa.UniqueConstraint("incident", "village_code", name="uq_report_incident_village_code"),
    )
    gpkg.register(op.get_bind(), "report")
    guard.append_only(op.get_bind(), "report")


def _report_version() -> None:
    op.create_table(
        "report_version",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("report_fid", Whole, nullable=False),
        sa.Column("version_no", Whole, nullable=False),
        sa.Column("document", Json(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("written_at", Moment()),
        sa.Column("on_behalf", Json()),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["report_fid"], ["report.fid"], name="fk_report_version_report_fid"),
        sa.UniqueConstraint("report_fid", "version_no", name="uq_report_version_report_fid_version_no"),
        sa.UniqueConstraint("uuid", name="uq_report_version_uuid"),
    )
    gpkg.register(op.get_bind(), "report_version")
    guard.append_only(op.get_bind(), "report_version")


def _report_review() -> None:
    op.create_table(
        "report_review",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("version_uuid", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("verdict = 'confirmed' OR length(trim(reason)) > 0", name=op.f("ck_report_review_reason")),
        sa.CheckConstraint("verdict IN ('confirmed', 'returned')", name=op.f("ck_report_review_verdict")),
        sa.ForeignKeyConstraint(["version_uuid"], ["report_version.uuid"], name="fk_report_review_version_uuid"),
        sa.UniqueConstraint("version_uuid", name="uq_report_review_version_uuid"),
    )
    gpkg.register(op.get_bind(), "report_review")
    guard.append_only(op.get_bind(), "report_review")


def _photo() -> None:
    op.create_table(
        "photo",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("uuid", sa.Text(), nullable=False),
        sa.Column("version_uuid", sa.Text()),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", Whole, nullable=False),
        sa.Column("width_px", Whole),
        sa.Column("height_px", Whole),
        sa.Column("lon", sa.Double()),
        sa.Column("lat", sa.Double()),
        sa.Column("taken_at", Moment()),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["version_uuid"], ["report_version.uuid"], name="fk_photo_version_uuid"),
        sa.UniqueConstraint("uuid", name="uq_photo_uuid"),
    )
    op.create_index("ix_photo_version_uuid", "photo", ["version_uuid"])
    gpkg.register(op.get_bind(), "photo")
    guard.append_only(op.get_bind(), "photo")


def _programme_run() -> None:
    op.create_table(
        "programme_run",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("year", Whole, nullable=False),
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
        sa.UniqueConstraint("run_id", name="uq_programme_run_run_id"),
    )
    gpkg.register(op.get_bind(), "programme_run")
    guard.append_only(op.get_bind(), "programme_run")


def _siting_run() -> None:
    op.create_table(
        "siting_run",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
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
        sa.UniqueConstraint("run_id", name="uq_siting_run_run_id"),
    )
    gpkg.register(op.get_bind(), "siting_run")
    guard.append_only(op.get_bind(), "siting_run")
