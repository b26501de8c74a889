"""What lies where: balances of the lots and the ledger's history, read only."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from geo_minzheng.model.ledger import MovementRow, StockRow, from_milli
from geo_minzheng.store.canonical import moment_text
from geo_minzheng.store.tables_layers import StockLot
from geo_minzheng.store.tables_stock import LotBalance, Movement, Voucher


def stock_rows(session: Session) -> list[StockRow]:
    """List every lot with what it holds and has promised, by warehouse and lot number; empty lots too."""
    query = select(StockLot, LotBalance).join(LotBalance, LotBalance.lot_fid == StockLot.fid)
    query = query.execution_options(populate_existing=True)
    rows = [_stock_row(lot, balance) for lot, balance in session.execute(query).tuples()]
    return sorted(rows, key=lambda row: (row.warehouse, row.lot_no))


def _stock_row(lot: StockLot, balance: LotBalance) -> StockRow:
    return StockRow(
        warehouse=lot.warehouse_id,
        item=lot.item,
        lot_no=lot.lot_no,
        unit=lot.unit,
        quantity=from_milli(balance.quantity_milli),
        reserved=from_milli(balance.reserved_milli),
        owner=lot.owner,
        releasing_authority=lot.releasing_authority,
        condition=lot.condition,
        received_on=lot.received_on,
        produced_on=lot.produced_on,
        expiry_on=lot.expiry_on,
        unit_cost_yuan=lot.unit_cost_yuan,
    )


def movement_rows(session: Session, *, warehouse: str = "", lot_no: str = "", order_id: str = "") -> list[MovementRow]:
    """List the ledger in the order it was booked, narrowed where a value is given."""
    undone = aliased(Voucher)
    query = (
        select(Movement, Voucher, StockLot, undone.number)
        .join(Voucher, Voucher.fid == Movement.voucher_fid)
        .join(StockLot, StockLot.fid == Movement.lot_fid)
        .outerjoin(undone, undone.fid == Voucher.reverses_fid)
        .order_by(Movement.fid)
    )
    for column, value in ((StockLot.warehouse_id, warehouse), (StockLot.lot_no, lot_no), (Voucher.order_id, order_id)):
        if value:
            query = query.where(column == value)
    return [
        MovementRow(
            voucher=voucher.number,
            kind=move.kind,
            line_no=move.line_no,
            warehouse=lot.warehouse_id,
            item=lot.item,
            lot_no=lot.lot_no,
            quantity=from_milli(move.quantity_milli),
            balance=from_milli(move.balance_milli),
            who=voucher.who,
            at=moment_text(voucher.at),
            order_id=voucher.order_id,
            reverses=reverses or "",
            note=voucher.note,
        )
        for move, voucher, lot, reverses in session.execute(query).tuples()
    ]
