"""Row-level security: on PostgreSQL no transaction sees a row before it has said how far it sees."""

from alembic import op
from sqlalchemy import inspect

from geo_minzheng.store import policies

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    bind = op.get_bind()
    policies.protect_all(bind, set(inspect(bind).get_table_names()))
