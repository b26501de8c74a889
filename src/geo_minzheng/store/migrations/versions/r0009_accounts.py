"""Accounts, sessions and paired devices; the list of people becomes accounts that wait for their first secret."""

import json

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg
from geo_minzheng.store.columns import Moment, Whole

revision = "0009"
down_revision = "0008"

POSTS = {
    "duty": "emergency_coordinator",
    "coordinator": "emergency_coordinator",
    "reviewer": "township_reviewer",
    "planner": "facility_planner",
    "keeper": "warehouse_keeper",
    "officer": "village_informant",
}


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("pin_hash", sa.Text()),
        sa.Column("subject", sa.Text()),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.CheckConstraint("length(trim(login)) > 0 AND length(trim(name)) > 0", name=op.f("ck_account_named")),
        sa.UniqueConstraint("login", name="uq_account_login"),
        sa.UniqueConstraint("name", name="uq_account_name"),
        sa.UniqueConstraint("subject", name="uq_account_subject"),
    )
    op.create_table(
        "sign_in",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("account_fid", Whole, sa.ForeignKey("account.fid", name="fk_sign_in_account_fid"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment()),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.CheckConstraint("kind IN ('browser', 'phone', 'wall')", name=op.f("ck_sign_in_kind")),
        sa.UniqueConstraint("token_hash", name="uq_sign_in_token_hash"),
    )
    op.create_table(
        "pairing",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("account_fid", Whole, sa.ForeignKey("account.fid", name="fk_pairing_account_fid"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used_at", Moment()),
        sa.CheckConstraint("kind IN ('phone', 'wall')", name=op.f("ck_pairing_kind")),
        sa.UniqueConstraint("code_hash", name="uq_pairing_code_hash"),
    )
    for name in ("account", "sign_in", "pairing"):
        gpkg.register(op.get_bind(), name)
    _take_over_people(op.get_bind())


def _take_over_people(bind: sa.Connection) -> None:
    row = bind.execute(sa.text("SELECT value, at FROM setting WHERE key = 'people'")).one_or_none()
    insert = sa.text(
        "INSERT INTO account (login, name, post, scope, place, must_change, is_disabled, is_demo, made_at) "
        "VALUES (:name, :name, :post, :scope, '', :yes, :no, :no, :at)"
    )
    if row is None:
        return
    for person in json.loads(row[0]):
        told = {"name": person["name"], "post": POSTS.get(person["role"], person["role"]), "scope": person["scope"]}
        bind.execute(insert, {**told, "yes": True, "no": False, "at": row[1]})
