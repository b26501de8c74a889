"""Goods in lines: stock, need, plans and why not more, approvals, orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents
from geo_minzheng.model.needs import Multiplicand

if TYPE_CHECKING:
    from geo_minzheng.cli.words import Words
    from geo_minzheng.model.relief import DispatchOrder
    from geo_minzheng.store.tables_relief import Approval, ApprovalPaper, Plan

MOST_UPWARD = 8


def stock_lines(words: Words, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write every lot: where, what, how much of it is promised and may be moved, whose it is, how long it lasts."""
    text = words.text
    return [
        text(
            "cli.stock.line", warehouse=r["warehouse"], name=words.item(r["item"]), lot=r["lot_no"],
            quantity=words.of(r["item"], r["quantity"]), reserved=text.number(r["reserved"]),
            movable=text.number(r["movable"]), owner=text(f"pages.relief.owner.{r['owner']}"),
            expiry=text("cli.stock.expiry", day=r["expiry_on"]) if r["expiry_on"] else "",
        )
        for r in rows
    ] or [text("cli.stock.none")]  # fmt: skip


def need_lines(words: Words, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Write the need of every item as a sum."""
    parts = [
        replace(Multiplicand(**row), unit=words.unit(row["unit"]), base_unit=words.unit(row["base_unit"]))
        for row in rows
        if row["raw"]
    ]
    return [words.text.multiplicand(p, words.item(p.item)) for p in parts] or [words.text("pages.relief.no_need")]


def plan_lines(words: Words, made: Mapping[str, Any]) -> list[str]:
    """Write a plan: coverage by item, whom no road reaches, what a request upward would free."""
    text = words.text
    lines = [text("relief.plan_head", plan=made["plan_id"], status=text(f"names.status.{made['status']}"))]
    for row in documents.cover_by_item(made["coverage"]):
        unit = text("cli.behind", unit=words.item_unit(row["item"]))
        lines.append(
            text(
                "relief.plan_item", name=words.item(row["item"]), unit=unit, need=text.number(row["need_packed"]),
                got=text.number(row["got"]), rate=text.percent(row["rate"]), worst=text.percent(row["worst"]),
            )
        )  # fmt: skip
    if not made["coverage"]:
        lines.append(text("pages.relief.no_need"))
    elif not made["lines"]:
        lines.append(text("pages.relief.nothing"))
    if made["isolated"]:
        lines.append(text("cli.impact.isolated", count=len(made["isolated"]), names=words.named(made["isolated"])))
    return [*lines, *_upward(words, made.get("upward", ()))]


def _upward(words: Words, lots: Sequence[Mapping[str, Any]]) -> list[str]:
    if not lots:
        return []
    told = [
        words.text(
            "cli.plan.upward_lot",
            authority=lot["releasing_authority"] or words.text(f"pages.relief.owner.{lot['owner']}"),
            name=words.item(lot["item"]),
            amount=words.of(lot["item"], lot["quantity"]),
            warehouse=words.place(lot["warehouse"]),
        )
        for lot in lots[:MOST_UPWARD]
    ]
    return [words.text("cli.plan.upward", count=len(lots)), *told]


def change_lines(words: Words, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write how two plans differ, delivery by delivery."""
    return [
        words.text(
            "cli.plan.change", village=words.place(r["village"]), item=words.item(r["item"]),
            warehouse=words.place(r["warehouse"]), before=words.of(r["item"], r["before"]),
            after=words.of(r["item"], r["after"]), change=f"{r['after'] - r['before']:+.6g}",
        )
        for r in rows
    ] or [words.text("cli.plan.same")]  # fmt: skip


def cover_line(words: Words, row: Mapping[str, Any]) -> str:
    """Write what one village needs of one item and gets."""
    return words.text(
        "cli.plan.cover", village=words.place(row["village"]), item=words.item(row["item"]),
        need=words.of(row["item"], row["need_packed"]), got=words.of(row["item"], row["got"]),
        rate=words.text.percent(row["rate"]),
    )  # fmt: skip


def state_of(approval: Approval | None, paper: ApprovalPaper | None) -> str:
    """Say what became of a plan."""
    if approval is None:
        return "waiting"
    if approval.verdict == "rejected":
        return "rejected"
    if paper is not None:
        return "signed"
    return "oral" if approval.mode == "oral" else "approved"


def version_line(words: Words, plan: Plan, state: str) -> str:
    """Write one version of a plan and what became of it."""
    line = words.text(
        "cli.plan.version", plan=plan.plan_id, at=words.moment(plan.at), who=plan.who,
        status=words.text(f"names.status.{plan.status}"), state=words.text(f"pages.relief.state.{state}"),
    )  # fmt: skip
    return line + (words.text("cli.plan.because", reason=plan.reason) if plan.reason else "")


def paper_line(words: Words, row: Mapping[str, Any]) -> str:
    """Write a plan approved by phone whose paper is missing, and how much time is left."""
    key = "cli.plan.paper_overdue" if row["minutes_left"] < 0 else "cli.plan.paper_due"
    return words.text(
        key, plan=row["plan"], leader=row["leader"], time=words.text.duration(abs(row["minutes_left"])),
        due=words.moment(row["due"]),
    )  # fmt: skip


def approval_lines(words: Words, done: Mapping[str, Any]) -> list[str]:
    """Write an approval: who, by which way, until when the paper is due, which orders it made."""
    mode = words.text(f"pages.relief.mode.{done['mode']}")
    lines = [
        words.text("cli.plan.approved", plan=done["plan"], mode=mode, who=done["approver"], count=len(done["orders"]))
    ]
    if done["paper_due"]:
        lines.append(words.text("cli.plan.paper_until", due=words.moment(done["paper_due"])))
    return [*lines, *(f"  {order}" for order in done["orders"])]


def order_line(words: Words, order: DispatchOrder) -> str:
    """Write an order: its number, state, way, and what it carries."""
    goods: dict[str, float] = {}
    for line in order.lines:
        goods[line.item] = goods.get(line.item, 0.0) + line.approved
    return words.text(
        "cli.order.line", order=order.order_id, number=order.number,
        state=words.text(f"pages.relief.order.{order.state.value}"), warehouse=order.warehouse_name,
        receiver=order.receiver_name, time=words.text.duration(order.travel_min),
        goods=words.join(f"{words.item(item)} {words.of(item, value)}" for item, value in goods.items()),
    )  # fmt: skip


def order_details(words: Words, order: DispatchOrder) -> list[str]:
    """Write an order's way and its lines by number, each with the villages it is for."""
    text = words.text
    way = text(
        "pages.relief.order_line", store=order.warehouse_name, receiver=order.receiver_name, contact=order.contact_name,
        phone=order.contact_phone, route=" → ".join(order.route) or "—", time=text.duration(order.travel_min),
    )  # fmt: skip
    return [way] + [
        text(
            "cli.order.item", line=number, item=words.item(line.item), lot=line.lot_no,
            approved=words.of(line.item, line.approved),
            villages=words.join(f"{words.place(v)} {text.number(q)}" for v, q in line.villages.items()),
        )
        for number, line in enumerate(order.lines, start=1)
    ]  # fmt: skip
