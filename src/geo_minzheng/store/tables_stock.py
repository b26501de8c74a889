"""Vouchers and movements, which are the stock; balances and reservations beside them for speed and promises."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from geo_minzheng.store.columns import Base, Made


class Voucher(Made, Base):
    """A voucher 出入库单 with its number; append-only, reversed at most once by another."""

    __tablename__ = "voucher"
    KEY = ("number",)
    __table_args__ = (
        UniqueConstraint("number"),
        UniqueConstraint("reverses_fid"),
        CheckConstraint("(kind = 'reversal') = (reverses_fid IS NOT NULL)", name="reversal"),
        CheckConstraint("length(number) > 0", name="number"),
    )

    number: Mapped[str]
    kind: Mapped[str]
    incident: Mapped[str] = mapped_column(default="")
    order_id: Mapped[str] = mapped_column(default="")
    reverses_fid: Mapped[int | None] = mapped_column(ForeignKey("voucher.fid"))
    note: Mapped[str] = mapped_column(default="")


class Movement(Base):
    """One line of a voucher: a signed change of one lot [1/1000 unit] and what the lot held after it; append-only."""

    __tablename__ = "movement"
    __table_args__ = (
        UniqueConstraint("voucher_fid", "line_no"),
        Index(None, "lot_fid"),
        CheckConstraint("balance_milli >= 0", name="balance"),
        CheckConstraint(
            "(kind IN ('receipt', 'transfer_in') AND quantity_milli > 0)"
            " OR (kind IN ('issue', 'transfer_out') AND quantity_milli < 0)"
            " OR (kind = 'reversal' AND quantity_milli <> 0) OR kind = 'stocktake'",
            name="sign",
        ),
    )

    voucher_fid: Mapped[int] = mapped_column(ForeignKey("voucher.fid"))
    line_no: Mapped[int]
    lot_fid: Mapped[int] = mapped_column(ForeignKey("stock_lot.fid"))
    kind: Mapped[str]
    quantity_milli: Mapped[int]
    balance_milli: Mapped[int]


class LotBalance(Base):
    """What a lot holds and has promised [1/1000 unit]: the sum of its movements and of its held reservations."""

    __tablename__ = "lot_balance"
    KEY = ("lot_fid",)
    __table_args__ = (
        UniqueConstraint("lot_fid"),
        CheckConstraint("quantity_milli >= 0", name="quantity"),
        CheckConstraint("reserved_milli >= 0", name="reserved"),
        CheckConstraint("reserved_milli <= quantity_milli", name="promise"),
    )

    lot_fid: Mapped[int] = mapped_column(ForeignKey("stock_lot.fid"))
    quantity_milli: Mapped[int] = mapped_column(default=0)
    reserved_milli: Mapped[int] = mapped_column(default=0)


class Reservation(Made, Base):
    """A part of a lot promised to one line of an order [1/1000 unit] 预留."""

    __tablename__ = "reservation"
    KEY = ("order_id", "line_no")
    __table_args__ = (
        UniqueConstraint("order_id", "line_no"),
        Index(None, "lot_fid"),
        CheckConstraint("quantity_milli > 0", name="quantity"),
        CheckConstraint("state IN ('held', 'picked', 'released')", name="state"),
    )

    order_id: Mapped[str]
    line_no: Mapped[int]
    incident: Mapped[str] = mapped_column(default="")
    lot_fid: Mapped[int] = mapped_column(ForeignKey("stock_lot.fid"))
    quantity_milli: Mapped[int]
    state: Mapped[str] = mapped_column(default="held")
    closed_at: Mapped[str] = mapped_column(default="")
