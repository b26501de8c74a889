"""How far each account has read what happened, and when it last verified the audit chain."""

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg, policies
from geo_minzheng.store.columns import Moment, Whole

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "seen",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("account_fid", Whole, sa.ForeignKey("account.fid", name="fk_seen_account_fid"), nullable=False),
        sa.Column("seq", Whole, nullable=False),
        sa.Column("read_at", Moment()),
        sa.Column("verified_at", Moment()),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.UniqueConstraint("account_fid", name="uq_seen_account_fid"),
    )
    gpkg.register(op.get_bind(), "seen")
    policies.protect(op.get_bind(), "seen")
