"""Promises: a part of a lot is held for one line of one order, then picked or released, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from geo_minzheng.errors import InputError, RefusedError
from geo_minzheng.model.act import Act
from geo_minzheng.model.ledger import LotHold, Quantity, ReservationState, VoucherKind, from_milli, to_milli
from geo_minzheng.store.audit import Change, record
from geo_minzheng.store.canonical import moment_text
from geo_minzheng.store.postings import (
    Head,
    Step,
    insert_once,
    lot_fid_of,
    move,
    positive,
    post,
    refuse_exercise,
    warehouses_of,
)
from geo_minzheng.store.tables_stock import Reservation
from geo_minzheng.store.whereabouts import several


def reserve(session: Session, act: Act, order_id: str, holds: Sequence[LotHold]) -> None:
    """Promise parts of lots to the lines of an order; nothing moves yet, and nobody else can be promised them.

    Raises
    ------
    RefusedError
        ``ledger.short``: less is free than asked for; ``ledger.reserved_already``: the line has its promise.
    NotFoundError
        ``ledger.no_lot``.
    """
    refuse_exercise(act)
    with session.begin_nested():
        found = [(hold, lot_fid_of(session, hold.warehouse, hold.lot_no), positive(hold.quantity)) for hold in holds]
        for hold, lot, amount in sorted(found, key=lambda part: part[1]):
            values = {"order_id": order_id, "line_no": hold.line_no, "incident": act.incident, "lot_fid": lot}
            made = {"who": act.who, "role": act.role, "at": act.at, "state": ReservationState.HELD, "closed_at": ""}
            if insert_once(session, Reservation, values | made | {"quantity_milli": amount}) is None:
                raise RefusedError("ledger.reserved_already", order_id=order_id, line_no=hold.line_no)
            move(session, lot, taken=0, held=amount)
        where = several(hold.warehouse for hold in holds)
        record(session, act, Change("ledger.reserve", "reservation", order_id, None, list(holds), where))


def release(session: Session, act: Act, order_id: str, *, reason: str) -> int:
    """Give back what is still promised to an order; give the number of lines released."""
    refuse_exercise(act)
    with session.begin_nested():
        held = _held(session, order_id)
        for row in held:
            _close(session, act, row, ReservationState.RELEASED)
            move(session, row.lot_fid, taken=0, held=-row.quantity_milli)
        if held:
            lines = {str(row.line_no): from_milli(row.quantity_milli) for row in held}
            where = several(warehouses_of(session, [row.lot_fid for row in held]))
            record(session, act, Change("ledger.release", "reservation", order_id, lines, {"reason": reason}, where))
        return len(held)


def pick(
    session: Session, act: Act, order_id: str, number: str, shipped: Mapping[int, Quantity] | None = None
) -> dict[int, float]:
    """Take an order's goods from the shelf 出库: promise and stock shrink together, on one issue voucher.

    Parameters
    ----------
    shipped
        Quantity per line number where less leaves than was promised; the rest is released.

    Returns
    -------
    What left, by line number [item unit].

    Raises
    ------
    RefusedError
        ``ledger.nothing_reserved``; ``ledger.more_than_reserved``; ``ledger.duplicate_voucher``.
    """
    refuse_exercise(act)
    with session.begin_nested():
        held = _held(session, order_id)
        if not held:
            raise RefusedError("ledger.nothing_reserved", order_id=order_id)
        unknown = set(shipped or {}) - {row.line_no for row in held}
        if unknown:
            raise InputError("ledger.no_line", order_id=order_id, line_no=min(unknown))
        steps, left = [], {}
        for row in held:
            amount = to_milli((shipped or {}).get(row.line_no, from_milli(row.quantity_milli)))
            if not 0 <= amount <= row.quantity_milli:
                promised = from_milli(row.quantity_milli)
                raise RefusedError("ledger.more_than_reserved", line_no=row.line_no, promised=promised)
            _close(session, act, row, ReservationState.PICKED)
            move(session, row.lot_fid, taken=0, held=-row.quantity_milli)
            left[row.line_no] = from_milli(amount)
            if amount:
                steps.append(Step(row.line_no, row.lot_fid, "issue", -amount))
        asked = {str(row.line_no): from_milli(row.quantity_milli) for row in held}
        where = several(warehouses_of(session, [row.lot_fid for row in held]))
        told = {"voucher": number, "shipped": {str(line): value for line, value in left.items()}}
        record(session, act, Change("ledger.pick", "reservation", order_id, asked, told, where))
        post(session, act, Head(number, VoucherKind.ISSUE, order_id=order_id), steps)
        return left


def _held(session: Session, order_id: str) -> list[Reservation]:
    query = select(Reservation).where(Reservation.order_id == order_id, Reservation.state == ReservationState.HELD)
    query = query.order_by(Reservation.lot_fid, Reservation.line_no).execution_options(populate_existing=True)
    return list(session.scalars(query))


def _close(session: Session, act: Act, row: Reservation, state: ReservationState) -> None:
    closed = session.execute(
        update(Reservation)
        .where(Reservation.fid == row.fid, Reservation.state == ReservationState.HELD)
        .values(state=state, closed_at=moment_text(act.at))
        .returning(Reservation.fid)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if closed is None:
        raise RefusedError("ledger.nothing_reserved", order_id=row.order_id)
    session.expire(row, ["state", "closed_at"])
