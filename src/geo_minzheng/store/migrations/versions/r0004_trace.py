"""Settings, audit chain, decisions, ledger."""

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg, guard
from geo_minzheng.store.columns import Json, Moment, Whole

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _setting()
    _audit()
    _audit_head()
    _decision()
    _voucher()
    _movement()
    _lot_balance()
    _reservation()


def _setting() -> None:
    op.create_table(
        "setting",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", Json(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.UniqueConstraint("key", name="uq_setting_key"),
    )
    gpkg.register(op.get_bind(), "setting")


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("seq", Whole, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_key", sa.Text(), nullable=False),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.UniqueConstraint("seq", name="uq_audit_seq"),
    )
    gpkg.register(op.get_bind(), "audit")
    guard.append_only(op.get_bind(), "audit")


def _audit_head() -> None:
    op.create_table(
        "audit_head",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("count", Whole, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("fid = 1", name=op.f("ck_audit_head_single")),
    )
    gpkg.register(op.get_bind(), "audit_head")
    op.execute("INSERT INTO audit_head (fid, count, hash) VALUES (1, 0, '')")
    guard.count_up_only(op.get_bind(), "audit_head")


def _decision() -> None:
    op.create_table(
        "decision",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("decision_id", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("proposed", Json()),
        sa.Column("decided", Json()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("leader", sa.Text(), nullable=False),
        sa.Column("exercise", sa.Boolean(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("length(trim(reason)) > 0", name=op.f("ck_decision_reason")),
        sa.UniqueConstraint("decision_id", name="uq_decision_decision_id"),
    )
    gpkg.register(op.get_bind(), "decision")
    guard.append_only(op.get_bind(), "decision")


def _voucher() -> None:
    op.create_table(
        "voucher",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("reverses_fid", Whole),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("length(number) > 0", name=op.f("ck_voucher_number")),
        sa.CheckConstraint("(kind = 'reversal') = (reverses_fid IS NOT NULL)", name=op.f("ck_voucher_reversal")),
        sa.ForeignKeyConstraint(["reverses_fid"], ["voucher.fid"], name="fk_voucher_reverses_fid"),
        sa.UniqueConstraint("number", name="uq_voucher_number"),
        sa.UniqueConstraint("reverses_fid", name="uq_voucher_reverses_fid"),
    )
    gpkg.register(op.get_bind(), "voucher")
    guard.append_only(op.get_bind(), "voucher")


def _movement() -> None:
    op.create_table(
        "movement",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("voucher_fid", Whole, nullable=False),
        sa.Column("line_no", Whole, nullable=False),
        sa.Column("lot_fid", Whole, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("quantity_milli", Whole, nullable=False),
        sa.Column("balance_milli", Whole, nullable=False),
        sa.CheckConstraint("balance_milli >= 0", name=op.f("ck_movement_balance")),
        sa.CheckConstraint(
            "(kind IN ('receipt', 'transfer_in') AND quantity_milli > 0) OR (kind IN "
            "('issue', 'transfer_out') AND quantity_milli < 0) OR (kind = 'reversal' AND "
            "quantity_milli <> 0) OR kind = 'stocktake'",
            name=op.f("ck_movement_sign"),
        ),
        sa.ForeignKeyConstraint(["lot_fid"], ["stock_lot.fid"], name="fk_movement_lot_fid"),
        sa.ForeignKeyConstraint(["voucher_fid"], ["voucher.fid"], name="fk_movement_voucher_fid"),
        sa.UniqueConstraint("voucher_fid", "line_no", name="uq_movement_voucher_fid_line_no"),
    )
    op.create_index("ix_movement_lot_fid", "movement", ["lot_fid"])
    gpkg.register(op.get_bind(), "movement")
    guard.append_only(op.get_bind(), "movement")


def _lot_balance() -> None:
    op.create_table(
        "lot_balance",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("lot_fid", Whole, nullable=False),
        sa.Column("quantity_milli", Whole, nullable=False),
        sa.Column("reserved_milli", Whole, nullable=False),
        sa.CheckConstraint("reserved_milli <= quantity_milli", name=op.f("ck_lot_balance_promise")),
        sa.CheckConstraint("quantity_milli >= 0", name=op.f("ck_lot_balance_quantity")),
        sa.CheckConstraint("reserved_milli >= 0", name=op.f("ck_lot_balance_reserved")),
        sa.ForeignKeyConstraint(["lot_fid"], ["stock_lot.fid"], name="fk_lot_balance_lot_fid"),
        sa.UniqueConstraint("lot_fid", name="uq_lot_balance_lot_fid"),
    )
    gpkg.register(op.get_bind(), "lot_balance")


def _reservation() -> None:
    op.create_table(
        "reservation",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("line_no", Whole, nullable=False),
        sa.Column("incident", sa.Text(), nullable=False),
        sa.Column("lot_fid", Whole, nullable=False),
        sa.Column("quantity_milli", Whole, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.CheckConstraint("quantity_milli > 0", name=op.f("ck_reservation_quantity")),
        sa.CheckConstraint("state IN ('held', 'picked', 'released')", name=op.f("ck_reservation_state")),
        sa.ForeignKeyConstraint(["lot_fid"], ["stock_lot.fid"], name="fk_reservation_lot_fid"),
        sa.UniqueConstraint("order_id", "line_no", name="uq_reservation_order_id_line_no"),
    )
    op.create_index("ix_reservation_lot_fid", "reservation", ["lot_fid"])
    gpkg.register(op.get_bind(), "reservation")
