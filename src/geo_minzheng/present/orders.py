"""The dispatch order 救灾物资调拨单 as an official document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from geo_minzheng.model.document import (
    Block,
    Column,
    Facts,
    Note,
    OfficialDocument,
    OrderPaper,
    Paragraph,
    SignaturePlace,
    Signatures,
    Table,
)
from geo_minzheng.model.relief import DispatchOrder, OrderLine, OrderState

if TYPE_CHECKING:
    from geo_minzheng.present.text import Text

_GOODS_A_TABLE = 8
_PLACES = ("approver", "warehouse", "driver", "receiver")
_TRACED = frozenset(OrderState) - {OrderState.DRAFTED, OrderState.ORAL_ORDER, OrderState.CANCELLED}


def order_marks(order: DispatchOrder, text: Text) -> tuple[str, ...]:
    """Say how far the order's approval stands on paper.

    A recorded approval (系统留痕), an oral instruction with its clock (口头指令) and a signed and sealed scan
    (已签发盖章) are three different things; an order may carry the scan beside one of the first two.
    """
    marks = []
    if order.state is OrderState.CANCELLED:
        marks.append(text("present.order.mark_cancelled"))
    elif order.is_oral or order.state is OrderState.ORAL_ORDER:
        due = text.moment(order.paper_due) if order.paper_due else text("present.paper.unknown")
        key = "present.order.mark_oral_done" if order.paper_signed else "present.order.mark_oral"
        marks.append(text(key, due=due))
    elif order.state in _TRACED:
        marks.append(text("present.order.mark_traced"))
    else:
        marks.append(text("present.order.mark_draft"))
    if order.paper_signed:
        marks.append(text("present.order.mark_signed"))
    return tuple(marks)


def _asked(line: OrderLine, text: Text) -> str:
    return text("present.order.no_request") if line.requested is None else text.number(line.requested, screen=False)


def _goods(order: DispatchOrder, text: Text) -> Table:
    names = ("serial", "item", "spec", "lot", "unit", "requested", "assessed", "approved")
    widths = (0.8, 1.5, 2.0, 1.6, 0.8, 1.0, 1.0, 1.0)
    columns = tuple(
        Column(text(f"present.order.{name}"), width, "right" if i >= 5 else "center" if i in {0, 4} else "left")
        for i, (name, width) in enumerate(zip(names, widths, strict=True))
    )
    rows = tuple(
        (
            str(i), line.item_name, line.spec, line.lot_no, line.unit,
            _asked(line, text), text.number(line.assessed, screen=False), text.number(line.approved, screen=False),
        )
        for i, line in enumerate(order.lines, start=1)
    )  # fmt: skip
    return Table(columns, rows)


def _breakdown(order: DispatchOrder, names: Mapping[str, str], text: Text) -> tuple[Table, ...]:
    """Villages as rows, goods as columns, a few goods a table; lots of one item are added up."""
    goods = list(dict.fromkeys((line.item, line.item_name, line.unit) for line in order.lines))
    tables = -(-len(goods) // _GOODS_A_TABLE)
    each = -(-len(goods) // tables) if tables else 1
    return tuple(_villages(order, goods[i : i + each], names, text) for i in range(0, len(goods), each))


def _villages(
    order: DispatchOrder, goods: Sequence[tuple[str, str, str]], names: Mapping[str, str], text: Text
) -> Table:
    cells: dict[tuple[str, str], float] = {}
    for line in order.lines:
        for village, quantity in line.villages.items():
            cells[village, line.item] = cells.get((village, line.item), 0.0) + quantity
    items = [item for item, _, _ in goods]
    villages = sorted({village for village, item in cells if item in items})
    columns = (
        Column(text("present.order.village"), 2.0),
        *(Column(text("present.order.item_unit", item=name, unit=unit), 1.2, "right") for _, name, unit in goods),
    )

    def number(value: float) -> str:
        return text.number(value, screen=False)

    rows = [
        (names.get(v, v), *(number(cells[v, item]) if (v, item) in cells else "" for item in items)) for v in villages
    ]
    sums = [sum(cells.get((v, item), 0.0) for v in villages) for item in items]
    rows.append((text("present.order.total"), *map(number, sums)))
    return Table(columns, tuple(rows), caption=text("present.order.breakdown_of", number=order.number), has_total=True)


def _head(order: DispatchOrder, paper: OrderPaper, text: Text) -> Facts:
    pairs = [
        ("warehouse", order.warehouse_name),
        ("receiver", order.receiver_name),
        ("sender_contact", f"{paper.sender_contact} {paper.sender_phone}".strip()),
        ("receiver_contact", f"{order.contact_name} {order.contact_phone}".strip()),
        ("carrier", paper.carrier),
        ("plate", paper.plate),
        ("deadline", text.moment(order.deadline)),
        ("travel", text.duration(order.travel_min)),
        ("cutoff", text.moment(order.cutoff)),
        ("signer", order.signer),
        ("route", "—".join(order.route)),
        ("marks", "；".join(order_marks(order, text))),
    ]
    if order.is_oral:
        pairs.append(("oral", _oral(paper, text)))
    pairs.append(("check", text("present.order.check_value", hash=order.plan_hash)))
    if paper.audit_head:
        pairs.append(("trail", paper.audit_head))
    said = tuple((text(f"present.order.{key}"), value) for key, value in pairs)
    return Facts(said[:10], wide=said[10:])


def _oral(paper: OrderPaper, text: Text) -> str:
    unknown = text("present.paper.unknown")
    return text(
        "present.order.oral_record",
        leader=paper.oral_leader or unknown,
        at=text.moment(paper.oral_at) if paper.oral_at else unknown,
        recorder=paper.recorder or unknown,
        witness=paper.witness or unknown,
    )


def order_document(order: DispatchOrder, paper: OrderPaper, text: Text) -> OfficialDocument:
    """Write one dispatch order; villages stand as its annex.

    Parameters
    ----------
    order
        Quantities in each item's unit; ``travel_min`` [min].
    paper
        Names, contacts and the oral instruction's record.
    text
        Chinese sentences: official documents have one language.
    """
    places = Signatures(tuple(SignaturePlace(text(f"present.order.sign_{place}")) for place in _PLACES))
    notes = [paper.quantities_note] if paper.quantities_note else []
    if any(line.requested is None for line in order.lines):
        notes.append(text("present.order.pushed"))
    body: list[Block] = [
        Paragraph(text("present.order.opening", incident=paper.incident_name, warehouse=order.warehouse_name,
                       receiver=order.receiver_name)),
        _head(order, paper, text),
        _goods(order, text),
        *(Note(n) for n in notes),
        places,
    ]  # fmt: skip
    notices = [text("present.paper.exercise")] if paper.exercise else []
    notices += [text("present.paper.synthetic")] if paper.synthetic else []
    return OfficialDocument(
        title=text("present.order.title"),
        number=order.number,
        to=paper.to,
        cc=paper.cc,
        issuer=paper.bureau,
        issued_on=paper.issued_on,
        is_form=True,
        body=tuple(body),
        annexes=(text("present.order.breakdown"),),
        after=_breakdown(order, paper.names, text),
        notices=tuple(notices),
        code=text("present.order.code", order=order.order_id),
    )


def _counted(number: str) -> tuple[tuple[int, str], ...]:
    """Sort by the numbers inside a number: 2号 stands before 10号."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", number))


def order_documents(
    orders: Sequence[DispatchOrder], papers: Mapping[str, OrderPaper], text: Text
) -> tuple[OfficialDocument, ...]:
    """Write a set of orders, by number then id; ``papers`` by order id."""
    return tuple(
        order_document(order, papers[order.order_id], text)
        for order in sorted(orders, key=lambda o: (_counted(o.number), _counted(o.order_id)))
    )
