"""Dispatch orders: each step is an event that stays, and stock follows the steps by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from geo_minzheng.errors import InputError, RefusedError
from geo_minzheng.model.act import Act
from geo_minzheng.model.ledger import LotHold, Quantity, from_milli, to_milli
from geo_minzheng.model.relief import DispatchOrder, OrderLine, OrderState
from geo_minzheng.store.audit import Change, record
from geo_minzheng.store.records import add, change, find, one
from geo_minzheng.store.reservations import pick, release, reserve
from geo_minzheng.store.second_person import is_among
from geo_minzheng.store.tables_relief import Line, Order, OrderEvent
from geo_minzheng.store.whereabouts import place_of

_S = OrderState
# Cancelled only before picking; an order by phone may leave before its paper is signed.
STEPS: Mapping[OrderState, frozenset[OrderState]] = {
    _S.DRAFTED: frozenset({_S.APPROVED, _S.ORAL_ORDER, _S.CANCELLED}),
    _S.ORAL_ORDER: frozenset({_S.APPROVED, _S.ISSUED, _S.CANCELLED}),
    _S.APPROVED: frozenset({_S.ISSUED, _S.CANCELLED}),
    _S.ISSUED: frozenset({_S.PICKING, _S.CANCELLED}),
    _S.PICKING: frozenset({_S.IN_TRANSIT}),
    _S.IN_TRANSIT: frozenset({_S.ARRIVED}),
    _S.ARRIVED: frozenset({_S.RECEIVED, _S.RECEIVED_WITH_VARIANCE}),
    _S.RECEIVED: frozenset({_S.DISTRIBUTED}),
    _S.RECEIVED_WITH_VARIANCE: frozenset({_S.DISTRIBUTED}),
    _S.DISTRIBUTED: frozenset({_S.RECONCILED}),
    _S.RECONCILED: frozenset(),
    _S.CANCELLED: frozenset(),
}
_NEED_NOTE = {_S.CANCELLED, _S.RECEIVED_WITH_VARIANCE}
_SAME = (
    "order_id", "incident", "plan_hash", "warehouse", "warehouse_name", "receiver", "receiver_name", "contact_name",
    "contact_phone", "travel_min", "deadline", "cutoff", "proposer", "signer", "is_oral", "paper_due",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """What a step of an order needs beside its name.

    Parameters
    ----------
    note
        Needed for ``cancelled`` and ``received_with_variance``.
    signer, number, paper_due
        For ``approved`` and ``oral_order``: who signs, the document number, when the paper of a phone order is due.
    voucher
        For ``picking``: number of the 出库单.
    quantities
        By line number [item unit], where they differ: shipped at ``picking``, received at ``received_with_variance``.
    """

    note: str = ""
    signer: str = ""
    number: str = ""
    paper_due: datetime | None = None
    voucher: str = ""
    quantities: Mapping[int, Quantity] = field(default_factory=dict)


def draft_order(session: Session, act: Act, order: DispatchOrder, *, plan_id: str | None = None) -> None:
    """Store a drafted order with its lines; nothing is promised yet.

    Raises
    ------
    InputError
        ``store.order_no_lines``; ``store.order_breakdown``: the villages of a line do not sum to what is approved.
    RefusedError
        ``store.duplicate``: the order id or number exists.
    """
    if not order.lines:
        raise InputError("store.order_no_lines", order_id=order.order_id)
    lines = [_line_row(order.order_id, no, line) for no, line in enumerate(order.lines, start=1)]
    row = Order(
        **{name: getattr(order, name) for name in _SAME},
        number=order.number or None,
        plan_id=plan_id,
        state=_S.DRAFTED.value,
        route=list(order.route),
        exercise=act.exercise,
    )
    with session.begin_nested():
        add(session, act, "relief.draft", row)
        for line in lines:
            add(session, act, "relief.draft", line)
        _event(session, act, order.order_id, "", _S.DRAFTED, Step())


def _line_row(order_id: str, no: int, line: OrderLine) -> Line:
    approved = to_milli(line.approved)
    villages = {code: to_milli(quantity) for code, quantity in line.villages.items()}
    if villages and sum(villages.values()) != approved:
        raise InputError("store.order_breakdown", order_id=order_id, line_no=no)
    return Line(
        order_id=order_id,
        line_no=no,
        item=line.item,
        item_name=line.item_name,
        spec=line.spec,
        unit=line.unit,
        lot_no=line.lot_no,
        requested_milli=None if line.requested is None else to_milli(line.requested),
        assessed_milli=to_milli(line.assessed),
        approved_milli=approved,
        villages=villages,
    )


def advance(session: Session, act: Act, order_id: str, to: OrderState, step: Step | None = None) -> None:
    """Take an order one step on, with what that does to the stock.

    ``approved`` and ``oral_order`` promise the lots, ``picking`` takes them by a voucher, ``cancelled`` gives the
    promise back. Orders of a drill take the same steps and touch no stock.

    Raises
    ------
    NotFoundError
        ``store.not_found``.
    RefusedError
        ``store.order_step``: not from here; ``store.order_note``; ``store.own_order``: signed by its proposer;
        ``ledger.short`` and the ledger's other refusals.
    """
    step = step or Step()
    with session.begin_nested():
        order = one(session, Order, order_id=order_id)
        now = OrderState(order.state)
        if to not in STEPS[now]:
            raise RefusedError("store.order_step", order_id=order_id, now=now.value, to=to.value)
        if to in _NEED_NOTE and not step.note.strip():
            raise RefusedError("store.order_note", order_id=order_id, to=to.value)
        signer = step.signer or order.signer or act.who
        if to in {_S.APPROVED, _S.ORAL_ORDER} and is_among(order.proposer, signer):
            raise RefusedError("store.own_order", order_id=order_id, who=signer)
        _touch_stock(session, act, order, to, step)
        if to in {_S.RECEIVED, _S.RECEIVED_WITH_VARIANCE}:
            _receive(session, act, order_id, step)
        moved = session.execute(
            update(Order).where(Order.order_id == order_id, Order.state == now.value).values(state=to.value)
            .returning(Order.fid).execution_options(synchronize_session=False)
        )  # fmt: skip
        if moved.scalar_one_or_none() is None:
            raise RefusedError("store.order_step", order_id=order_id, now=now.value, to=to.value)
        session.refresh(order)
        states = {"state": now.value}, {"state": to.value}
        record(session, act, Change("relief.step", "dispatch_order", order_id, *states, place_of(session, order)))
        _mark(session, act, order, to, step)
        _event(session, act, order_id, now.value, to, step)


def _touch_stock(session: Session, act: Act, order: Order, to: OrderState, step: Step) -> None:
    if act.exercise != order.exercise:
        raise RefusedError("ledger.exercise")
    lines = find(session, Line, order_id=order.order_id)
    if to is _S.PICKING:
        if order.exercise:
            left = {line.line_no: from_milli(line.approved_milli) for line in lines} | dict(step.quantities)
        else:
            left = dict(pick(session, act, order.order_id, step.voucher, step.quantities))
        for line in lines:
            change(session, act, "relief.pick", line, shipped_milli=to_milli(left[line.line_no]))
        return
    if order.exercise:
        return
    if order.state == _S.DRAFTED and to in {_S.APPROVED, _S.ORAL_ORDER}:
        holds = [LotHold(ln.line_no, order.warehouse, ln.lot_no, from_milli(ln.approved_milli)) for ln in lines]
        reserve(session, act, order.order_id, holds)
    if to is _S.CANCELLED:
        release(session, act, order.order_id, reason=step.note)


def _receive(session: Session, act: Act, order_id: str, step: Step) -> None:
    for line in find(session, Line, order_id=order_id):
        shipped = line.shipped_milli or 0
        got = to_milli(step.quantities[line.line_no]) if line.line_no in step.quantities else shipped
        change(session, act, "relief.receive", line, received_milli=got)


def _mark(session: Session, act: Act, order: Order, to: OrderState, step: Step) -> None:
    marks: dict[str, object] = {}
    if to in {_S.APPROVED, _S.ORAL_ORDER}:
        marks = {"signer": step.signer or order.signer, "number": step.number or order.number}
    if to is _S.ORAL_ORDER:
        marks |= {"is_oral": True, "paper_due": step.paper_due or order.paper_due}
    if marks:
        change(session, act, "relief.sign", order, **marks)


def _event(session: Session, act: Act, order_id: str, now: str, to: OrderState, step: Step) -> None:
    number = session.scalar(select(func.count()).where(OrderEvent.order_id == order_id)) or 0
    event = OrderEvent(
        order_id=order_id, step_no=number + 1, from_state=now, to_state=to.value, voucher=step.voucher, note=step.note
    )
    add(session, act, f"relief.{to.value}", event)


def mark_paper(session: Session, act: Act, order_id: str, signed_at: datetime) -> None:
    """Mark an order's paper as signed and sealed 已签发; its state stays what it is."""
    order = one(session, Order, order_id=order_id)
    change(session, act, "relief.paper", order, paper_signed_at=signed_at)


def read_order(session: Session, order_id: str) -> DispatchOrder:
    """Read an order with its lines.

    Raises
    ------
    NotFoundError
        ``store.not_found``.
    """
    return _order_of(one(session, Order, order_id=order_id), find(session, Line, order_id=order_id))


def list_orders(session: Session, incident: str) -> list[DispatchOrder]:
    """List an incident's orders, oldest first."""
    return [
        _order_of(row, find(session, Line, order_id=row.order_id)) for row in find(session, Order, incident=incident)
    ]


def _order_of(row: Order, lines: list[Line]) -> DispatchOrder:
    return DispatchOrder(
        **{name: getattr(row, name) for name in _SAME},
        number=row.number or "",
        state=OrderState(row.state),
        route=tuple(row.route),
        lines=tuple(_order_line(line) for line in sorted(lines, key=lambda line: line.line_no)),
        paper_signed=row.paper_signed_at is not None,
    )


def _order_line(row: Line) -> OrderLine:
    return OrderLine(
        item=row.item,
        item_name=row.item_name,
        spec=row.spec,
        unit=row.unit,
        lot_no=row.lot_no,
        requested=None if row.requested_milli is None else from_milli(row.requested_milli),
        assessed=from_milli(row.assessed_milli),
        approved=from_milli(row.approved_milli),
        villages={code: from_milli(quantity) for code, quantity in row.villages.items()},
    )
