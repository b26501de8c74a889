"""Stock is the sum of its movements: vouchers move it, a reversal undoes a voucher, nothing is ever edited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.model.act import Act
from geo_minzheng.model.ledger import LotLine, LotReceipt, LotTransfer, Quantity, VoucherKind, to_milli
from geo_minzheng.store.postings import Head, Step, insert_once, lot_fid_of, lot_for, lot_of, positive, post
from geo_minzheng.store.tables_layers import StockLot
from geo_minzheng.store.tables_stock import LotBalance, Movement, Voucher


def receive(session: Session, act: Act, number: str, lots: Sequence[LotReceipt], *, note: str = "") -> None:
    """Book goods that come in 入库: one voucher, a line per lot; unknown lots are opened.

    Raises
    ------
    RefusedError
        ``ledger.duplicate_voucher``; ``ledger.lot_differs``: the lot number is taken by another item or unit.
    InputError
        ``ledger.bad_quantity``: not positive.
    """
    with session.begin_nested():
        steps = [Step(no, lot_for(session, act, lot), "receipt", positive(lot.quantity)) for no, lot in _numbered(lots)]
        post(session, act, Head(number, VoucherKind.RECEIPT, note), steps)


def issue(session: Session, act: Act, number: str, lines: Sequence[LotLine], *, note: str = "") -> None:
    """Book goods that go out without an order 出库; what is promised to an order cannot be taken.

    Raises
    ------
    RefusedError
        ``ledger.duplicate_voucher``; ``ledger.short``.
    NotFoundError
        ``ledger.no_lot``.
    """
    with session.begin_nested():
        steps = [
            Step(no, lot_fid_of(session, line.warehouse, line.lot_no), "issue", -positive(line.quantity))
            for no, line in _numbered(lines)
        ]
        post(session, act, Head(number, VoucherKind.ISSUE, note), steps)


def transfer(session: Session, act: Act, number: str, moves: Sequence[LotTransfer], *, note: str = "") -> None:
    """Book goods that change warehouse: out here and in there on one voucher, lot particulars carried along.

    Raises
    ------
    RefusedError
        ``ledger.duplicate_voucher``; ``ledger.short``; ``ledger.lot_differs``; ``ledger.same_warehouse``.
    NotFoundError
        ``ledger.no_lot``.
    """
    with session.begin_nested():
        steps: list[Step] = []
        for no, move in _numbered(moves):
            if move.source == move.target:
                raise RefusedError("ledger.same_warehouse", warehouse=move.source, lot_no=move.lot_no)
            source = lot_of(session, move.source, move.lot_no)
            amount = positive(move.quantity)
            target = lot_for(session, act, _moved(source, move))
            steps += [
                Step(2 * no - 1, source.fid, "transfer_out", -amount),
                Step(2 * no, target, "transfer_in", amount),
            ]
        post(session, act, Head(number, VoucherKind.TRANSFER, note), steps)


def take_stock(session: Session, act: Act, number: str, counts: Sequence[LotLine], *, reason: str) -> None:
    """Book a count 盘点: each lot is brought to what was counted, and lots that were right are on record too.

    Raises
    ------
    RefusedError
        ``ledger.duplicate_voucher``; ``ledger.no_reason``; ``ledger.short``: counted less than is promised.
    NotFoundError
        ``ledger.no_lot``.
    """
    _need_reason(reason)
    with session.begin_nested():
        steps = []
        for no, line in _numbered(counts):
            lot = lot_fid_of(session, line.warehouse, line.lot_no)
            counted = to_milli(line.quantity)
            if counted < 0:
                raise InputError("ledger.bad_quantity", quantity=str(line.quantity))
            query = select(LotBalance.quantity_milli).where(LotBalance.lot_fid == lot).with_for_update()
            steps.append(Step(no, lot, "stocktake", counted - session.execute(query).scalar_one()))
        if len({step.lot_fid for step in steps}) != len(steps):
            raise InputError("ledger.counted_twice", number=number)
        post(session, act, Head(number, VoucherKind.STOCKTAKE, reason), steps)


def reverse(session: Session, act: Act, number: str, of: str, *, reason: str) -> None:
    """Undo a voucher by its mirror image; a voucher is undone at most once, a reversal never.

    Raises
    ------
    NotFoundError
        ``ledger.no_voucher``.
    RefusedError
        ``ledger.reversed_already``; ``ledger.is_reversal``; ``ledger.short``; ``ledger.duplicate_voucher``.
    """
    _need_reason(reason)
    with session.begin_nested():
        voucher = session.scalars(select(Voucher).where(Voucher.number == of)).one_or_none()
        if voucher is None:
            raise NotFoundError("ledger.no_voucher", number=of)
        if voucher.kind == VoucherKind.REVERSAL:
            raise RefusedError("ledger.is_reversal", number=of)
        if session.scalar(select(Voucher.fid).where(Voucher.reverses_fid == voucher.fid)):
            raise RefusedError("ledger.reversed_already", number=of)
        lines = session.scalars(select(Movement).where(Movement.voucher_fid == voucher.fid).order_by(Movement.line_no))
        steps = [Step(m.line_no, m.lot_fid, "reversal", -m.quantity_milli) for m in lines if m.quantity_milli]
        head = Head(number, VoucherKind.REVERSAL, reason, voucher.order_id, voucher.fid)
        post(session, act, head, steps)


def open_lot(session: Session, act: Act, lot_fid: int, number: str, quantity: Quantity) -> None:
    """Book the opening stock of a lot that an import brought in."""
    amount = to_milli(quantity)
    if insert_once(session, LotBalance, {"lot_fid": lot_fid, "quantity_milli": 0, "reserved_milli": 0}) is None:
        raise RefusedError("ledger.duplicate_voucher", number=number)
    steps = [Step(1, lot_fid, "receipt", amount)] if amount else []
    post(session, act, Head(number, VoucherKind.RECEIPT), steps)


def _moved(source: StockLot, move: LotTransfer) -> LotReceipt:
    return LotReceipt(
        warehouse=move.target,
        lot_no=source.lot_no,
        item=source.item,
        unit=source.unit,
        quantity=move.quantity,
        received_on=source.received_on,
        owner=source.owner,
        releasing_authority=source.releasing_authority,
        produced_on=source.produced_on,
        expiry_on=source.expiry_on,
        condition=source.condition,
        unit_cost_yuan=source.unit_cost_yuan,
        contract_no=source.contract_no,
        acceptance_no=source.acceptance_no,
    )


def _numbered(lines: Sequence[Any]) -> list[tuple[int, Any]]:
    if not lines:
        raise InputError("ledger.no_lines")
    return list(enumerate(lines, start=1))


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise RefusedError("ledger.no_reason")
