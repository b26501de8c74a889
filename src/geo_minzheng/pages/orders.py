"""The orders part of the relief page: dispatch orders, their steps, their papers."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.services import dispatch, papers, places

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.incident import Incident
    from geo_minzheng.model.relief import DispatchOrder

NEED_NOTE = frozenset({"cancelled", "received_with_variance"})


def show(office: Bureau, found: Incident) -> None:
    """List the incident's dispatch orders and take the picked ones a step on."""
    text = office.text
    with office.reading() as session:
        orders = dispatch.orders_of(session, found.incident_id)
    if not orders:
        frame.note(text("pages.relief.no_orders"))
        return
    if office.can("relief.step", "dispatch_order"):
        frame.note(text("pages.relief.orders_hint"))
    picked = frame.picked_rows(
        [_row(office, order) for order in orders], text("pages.relief.tab.orders"), "orders",
        [order.order_id for order in orders], key="orders", many=True,
    )  # fmt: skip
    chosen = [orders[k] for k in picked]
    _steps(office, found, chosen or orders)
    if len(chosen) == 1:
        _details(office, chosen[0])
    _papers(office, found)


def _row(office: Bureau, order: DispatchOrder) -> dict[str, object]:
    text, zone = office.text, office.now().tzinfo
    mark = "signed" if order.paper_signed else "oral" if order.is_oral else "trace"
    return {
        text("pages.relief.col.order"): order.number or order.order_id,
        text("pages.relief.col.state"): text(f"pages.relief.order.{order.state}"),
        text("pages.relief.col.paper"): text(f"pages.relief.paper.{mark}"),
        text("pages.relief.col.store"): order.warehouse_name,
        text("pages.relief.col.receiver"): order.receiver_name,
        text("pages.relief.col.kinds"): len(order.lines),
        text("pages.relief.col.arrive"): text.duration(order.travel_min),
        text("pages.relief.col.deadline"): text.moment(order.deadline.astimezone(zone), screen=True),
        text("pages.relief.col.signer"): order.signer,
    }


def _steps(office: Bureau, found: Incident, orders: list[DispatchOrder]) -> None:
    """Offer the steps that some of the orders may take and this role may do; one button takes all of them there."""
    text = office.text
    able: dict[str, list[DispatchOrder]] = {}
    for order in orders:
        for state in (to for to in dispatch.next_states(order.state) if _may_take(office, found, to)):
            able.setdefault(state, []).append(order)
    if not able:
        return
    usual = [state for state in able if state not in NEED_NOTE]
    columns = st.columns(max(len(able), 4))
    needs_note = [state for state in able if state in NEED_NOTE]
    for column, state in zip(columns, usual, strict=False):
        label = text("pages.relief.step", step=text(f"pages.relief.act.{state}"), count=len(able[state]))
        if column.button(
            label, key=f"step_{state}", type="primary" if state == usual[0] else "secondary", width="stretch"
        ):
            _advance(office, found, able[state], state, "")
    if needs_note:
        with columns[len(usual)].popover(text("pages.relief.more_steps"), width="stretch"):
            note = st.text_input(text("pages.relief.note"), key="step_note")
            for state in needs_note:
                label = text("pages.relief.step", step=text(f"pages.relief.act.{state}"), count=len(able[state]))
                if st.button(label, key=f"step_{state}"):
                    _advance(office, found, able[state], state, note)


def _may_take(office: Bureau, found: Incident, state: str) -> bool:
    """Tell whether a role may take a step; goods leave the shelf by the hands of who keeps the books."""
    books = state != "picking" or found.exercise or office.can("ledger.pick", "reservation")
    return books and office.can(f"relief.{state}", "order_event")


def _advance(office: Bureau, found: Incident, orders: list[DispatchOrder], state: str, note: str) -> None:
    text = office.text
    with st.spinner(text("pages.relief.step_orders")), frame.refusals(office):
        with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
            for order in orders:
                dispatch.advance_order(session, act, order.order_id, state, note=note)
        frame.say(text("pages.relief.stepped", count=len(orders), state=text(f"pages.relief.order.{state}")))
        st.rerun()


def _details(office: Bureau, order: DispatchOrder) -> None:
    """Show the lines of one order, its way and the breakdown by village."""
    text = office.text
    with office.reading() as session:
        villages = places.names(session, "village", "code")
    frame.strong(order.number)
    frame.note(
        text("pages.relief.order_line", store=order.warehouse_name, receiver=order.receiver_name,
             contact=order.contact_name, phone=order.contact_phone, route=" → ".join(order.route) or "—",
             time=text.duration(order.travel_min))
    )  # fmt: skip
    frame.table(
        [
            {
                text("pages.relief.col.item"): line.item_name,
                text("pages.relief.col.spec"): line.spec,
                text("pages.relief.col.lot"): line.lot_no,
                text("pages.relief.col.requested"): line.requested,
                text("pages.relief.col.assessed"): line.assessed,
                text("pages.relief.col.approved"): line.approved,
                text("pages.relief.col.unit"): line.unit,
                text("pages.relief.col.villages"): "；".join(
                    f"{villages.get(code, code)} {text.number(quantity)}" for code, quantity in line.villages.items()
                ),
            }
            for line in order.lines
        ],
        text("pages.relief.table.order", number=order.number or order.order_id),
        column_config={text("pages.relief.col.villages"): st.column_config.TextColumn(width="large")},
    )


def _papers(office: Bureau, found: Incident) -> None:
    """Offer the orders as DOCX and PDF, written when asked for."""
    text = office.text
    with st.container(horizontal=True):
        for ending, mime in (
            ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("pdf", "application/pdf"),
        ):
            st.download_button(
                text(f"pages.relief.download_{ending}"), data=partial(_paper, office, found, ending),
                file_name=f"{text('pages.relief.file_name', incident=found.incident_id)}.{ending}", mime=mime,
                on_click="ignore", key=f"download_{ending}", icon=":material/download:",
            )  # fmt: skip


def _paper(office: Bureau, found: Incident, ending: str) -> bytes:
    def write() -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder, office.reading() as session:
            fonts = office.settings.fonts
            made = papers.write_orders(
                session, office.act(), office.official_text, found.incident_id, Path(folder), fonts=fonts
            )
            return {path.suffix.lstrip("."): path.read_bytes() for path in made}

    return frame.kept(office, ("orders", found.incident_id), write)[ending]
