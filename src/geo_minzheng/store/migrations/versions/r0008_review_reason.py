"""Written reasons for cases that stand otherwise than the villagers' review ranked them."""

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg, guard
from geo_minzheng.store.columns import Moment, Whole

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "review_reason",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("reason_id", sa.Text(), nullable=False),
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("length(trim(reason)) > 0", name=op.f("ck_review_reason_reason")),
        sa.UniqueConstraint("reason_id", name="uq_review_reason_reason_id"),
    )
    op.create_index("ix_review_reason_application_id", "review_reason", ["application_id"])
    gpkg.register(op.get_bind(), "review_reason")
    guard.append_only(op.get_bind(), "review_reason")
