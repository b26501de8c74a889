"""Approve a plan and dispatch: two people, in writing or by phone; orders with reserved stock, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import dispatch as dispatch_engine
from geo_minzheng.engine import documents
from geo_minzheng.engine import network as roads_engine
from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.model.account import is_allowed
from geo_minzheng.model.relief import DispatchOrder, OrderLine, OrderState
from geo_minzheng.services import incidents, places, roads, settings_of
from geo_minzheng.store import files, records
from geo_minzheng.store import orders as order_store
from geo_minzheng.store import plans as plan_store
from geo_minzheng.store.accounts import account_named, list_people
from geo_minzheng.store.scope import whole
from geo_minzheng.store.second_person import is_among
from geo_minzheng.store.tables_flood import ReliefRequest
from geo_minzheng.store.tables_relief import Approval, ApprovalPaper, Line, Order, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text

MILLI = 1000


@dataclass(frozen=True)
class Approving:
    """How a plan is approved.

    Parameters
    ----------
    plan_hash
        The plan that was shown; empty takes the stored one.
    leader, witness
        By phone: who decided, and who else heard it; the one who acts is the recorder.
    decided_at
        When the leader decided; the moment of the act when not given.
    number
        The leader's phone number or the number of the written decision.
    """

    plan_id: str
    mode: str = "written"
    plan_hash: str = ""
    leader: str = ""
    witness: str = ""
    decided_at: datetime | None = None
    number: str = ""
    reason: str = ""


def approve_plan(session: Session, act: Act, policy: Policy, text: Text, told: Approving) -> dict[str, Any]:
    """Approve a plan: its orders are drawn up, their lots reserved; by phone the 48-hour paper clock starts.

    Raises
    ------
    InputError
        ``relief.decided_in_future``; ``relief.no_such_witness``: by phone the witness has an account, where there are
        any; ``relief.not_a_decider``: the account that is named as the leader's decides on no plans.
    RefusedError
        ``store.own_plan``, ``store.plan_superseded``, ``store.oral_incomplete``, ``store.duplicate``, ``ledger.short``:
        the stock was promised to somebody else meanwhile; ``relief.nothing_to_send``; ``relief.way_lost``: a road of
        the plan was cut meanwhile.
    """
    plan = records.one(session, Plan, plan_id=told.plan_id)
    act = replace(act, incident=plan.incident, exercise=plan.exercise)
    oral = told.mode == "oral"
    decided_at = told.decided_at or act.at
    if decided_at > act.at:
        raise InputError("relief.decided_in_future", at=decided_at.isoformat(), now=act.at.isoformat())
    told = _in_their_names(session, policy, plan, told) if oral else told
    due = decided_at + timedelta(hours=policy.number("dispatch.oral_order_paper_hours")) if oral else None
    plan_store.approve_plan(
        session,
        act,
        plan_store.ApprovalRecord(
            plan_id=told.plan_id,
            plan_hash=told.plan_hash or plan.result_hash,
            approver=told.leader if oral else act.who,
            decided_at=decided_at,
            mode=told.mode,
            leader=told.leader if oral else "",
            number=told.number,
            recorder=act.who if oral else "",
            witness=told.witness if oral else "",
            paper_due=due,
            reason=told.reason,
        ),
    )
    if not plan.document["lines"]:
        raise RefusedError("relief.nothing_to_send", plan=told.plan_id)
    signer = told.leader if oral else act.who
    drafts = _draft_orders(session, act, policy, text, plan)
    for draft in drafts:
        order = replace(draft, signer=signer, is_oral=oral, paper_due=due)
        order_store.draft_order(session, act, order, plan_id=plan.plan_id)
        step = order_store.Step(signer=signer, number=order.number, paper_due=due)
        order_store.advance(session, act, order.order_id, OrderState.ORAL_ORDER if oral else OrderState.APPROVED, step)
    return {
        "plan": told.plan_id, "mode": told.mode, "approver": signer, "paper_due": due.isoformat() if due else None,
        "orders": [order.order_id for order in drafts],
    }  # fmt: skip


def _in_their_names(session: Session, policy: Policy, plan: Plan, told: Approving) -> Approving:
    """Call leader and witness by the names of their accounts, so that one person under two names stays one.

    A leader may have no account: the witness, whose inbox tells of it, and the signed paper vouch for that one.
    """
    leader, witness = (account_named(session, name) for name in (told.leader, told.witness))
    if leader is not None and not is_decider(policy, leader.post) and not is_own_plan(plan, leader.name):
        raise InputError("relief.not_a_decider", leader=leader.name)
    if witness is None or witness.is_disabled:
        if told.witness.strip() and any(not person.is_disabled for person in list_people(session)):
            raise InputError("relief.no_such_witness", witness=told.witness)
        return told
    return replace(told, leader=told.leader if leader is None else leader.name, witness=witness.name)


def is_decider(policy: Policy, role: str) -> bool:
    """Tell whether a role decides on plans, in writing or by word."""
    return role in policy.roles and is_allowed(policy.roles[role].may, "relief.decide", "approval")


def is_own_plan(plan: Plan, who: str) -> bool:
    """Tell whether somebody proposed a plan, so that another must decide on it."""
    return is_among(who, plan.who)


def reject_plan(session: Session, act: Act, plan_id: str, *, reason: str) -> None:
    """Reject a plan with a reason; a new version can be made."""
    plan = records.one(session, Plan, plan_id=plan_id)
    act = replace(act, incident=plan.incident, exercise=plan.exercise)
    record = plan_store.ApprovalRecord(
        plan_id, plan.result_hash, act.who, act.at, verdict="rejected", reason=reason.strip()
    )
    plan_store.approve_plan(session, act, record)


def _draft_orders(session: Session, act: Act, policy: Policy, text: Text, plan: Plan) -> list[DispatchOrder]:
    drafts = dispatch_engine.group_orders(plan.document["lines"], plan.document["coverage"])
    sites = places.table(session, "site").set_index("site_id")
    warehouses = places.names(session, "warehouse", "warehouse_id")
    wanted = {(a.receiver, a.item): a.left for a in list_asked(session, plan.incident) if a.left}
    asked = dispatch_engine.share_requests(drafts, wanted)
    ways = _ways(session, policy, plan, [(d.warehouse, d.receiver) for d in drafts])
    prefix = str(settings_of.read(session, "document_prefix", text("papers.number_prefix")))
    if plan.exercise:
        prefix = text("papers.number_prefix_exercise")
    earlier = records.find(session, Order, exercise=plan.exercise)
    issued = sum(order.at.astimezone(act.at.tzinfo).year == act.at.year for order in earlier)
    hours = policy.number("dispatch.first_batch_hours")
    result = []
    for k, draft in enumerate(drafts, start=1):
        site = sites.loc[draft.receiver]
        minutes, route = ways[draft.warehouse, draft.receiver]
        result.append(
            DispatchOrder(
                order_id=f"{plan.plan_id}/{k}",
                number=text("papers.number_form", prefix=prefix, year=act.at.year, number=issued + k),
                incident=plan.incident,
                plan_hash=plan.result_hash,
                state=OrderState.DRAFTED,
                warehouse=draft.warehouse,
                warehouse_name=warehouses[draft.warehouse],
                receiver=draft.receiver,
                receiver_name=str(site["name"]),
                contact_name=documents.words(site["contact_name"]),
                contact_phone=documents.words(site["contact_phone"]),
                route=route,
                travel_min=minutes,
                deadline=act.at + timedelta(hours=hours),
                cutoff=plan.at,
                proposer=plan.who,
                signer="",
                lines=tuple(
                    _line(policy, text, line, asked.get((draft.warehouse, draft.receiver, line.item, line.lot_no)))
                    for line in draft.lines
                ),
            )
        )
    return result


def _line(policy: Policy, text: Text, line: dispatch_engine.DraftLine, requested: float | None) -> OrderLine:
    item = policy.items[line.item]
    return OrderLine(
        item=line.item, item_name=text.name("relief_items", line.item, item), spec=item.spec, unit=line.unit,
        lot_no=line.lot_no, requested=requested, assessed=line.assessed, approved=line.approved, villages=line.villages,
    )  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What a receiver asked for of one item, over all its 需求报告单 [item unit].

    Parameters
    ----------
    ordered
        On dispatch orders that are not cancelled.
    number, who, at
        Of the last one.
    """

    receiver: str
    item: str
    asked: float
    ordered: float
    number: str
    who: str
    at: datetime

    @property
    def left(self) -> float:
        """What no order brings yet."""
        return max(round(self.asked - self.ordered, 3), 0.0)


def list_asked(session: Session, incident: str) -> list[Asked]:
    """Sum what receivers asked for and what orders bring of it, by receiver and item."""
    asked: dict[tuple[str, str], list[ReliefRequest]] = {}
    for row in records.find(session, ReliefRequest, incident=incident):
        asked.setdefault((row.receiver, row.item), []).append(row)
    ordered: dict[tuple[str, str], float] = {}
    for order in order_store.list_orders(session, incident):
        for line in order.lines if order.state is not OrderState.CANCELLED else ():
            key = (order.receiver, line.item)
            ordered[key] = ordered.get(key, 0.0) + line.approved
    return [
        Asked(*key, sum(r.quantity_milli for r in rows) / MILLI, ordered.get(key, 0.0), rows[-1].request_id,
              rows[-1].who, rows[-1].at)
        for key, rows in sorted(asked.items())
    ]  # fmt: skip


def _ways(
    session: Session, policy: Policy, plan: Plan, pairs: list[tuple[str, str]]
) -> dict[tuple[str, str], tuple[float, tuple[str, ...]]]:
    """Find minutes and road names for each warehouse and receiver, as the plan's vehicle drives now."""
    vehicle = str(plan.document.get("lorry", {}).get("vehicle", ""))
    state = roads.road_state(session, policy, plan.incident, vehicle=vehicle)
    warehouses = places.require_metres(session, "warehouse").set_index("warehouse_id")
    sites = places.require_metres(session, "site").set_index("site_id")
    froms, tos = sorted({w for w, _ in pairs}), sorted({r for _, r in pairs})
    found = roads_engine.paths(
        state.ways.network,
        warehouses.geometry.loc[froms],
        sites.geometry.loc[tos],
        closed=state.closed,
        pairs=[(froms.index(w), tos.index(r)) for w, r in pairs],
    )
    lost = [pair for pair, minutes in zip(pairs, found["minutes"], strict=True) if not minutes < float("inf")]
    if lost:
        raise RefusedError("relief.way_lost", plan=plan.plan_id, warehouse=lost[0][0], receiver=lost[0][1])
    names = places.table(session, "road").set_index("road_id")["name"].to_dict()
    return {
        pair: (round(float(minutes), 2), documents.road_names(ids, names))
        for pair, minutes, ids in zip(pairs, found["minutes"], found["road_ids"], strict=True)
    }


@dataclass(frozen=True)
class Request:
    """One line of a 需求报告单: what a receiver asks for [item unit]."""

    receiver: str
    item: str
    quantity: float
    contact: str = ""
    note: str = ""


def request_relief(session: Session, act: Act, policy: Policy, incident: str, lines: list[Request]) -> str:
    """Store a 需求报告单.

    Raises
    ------
    InputError
        ``relief.unknown_receiver``, ``stock.unknown_item``, ``relief.bad_quantity``, ``relief.no_lines``.
    """
    found = incidents.get_incident(session, incident)
    sites = set(places.table(session, "site")["site_id"].astype(str))
    if not lines:
        raise InputError("relief.no_lines")
    with whole(session):  # numbers run through the district
        number = len({r.request_id for r in records.find(session, ReliefRequest, incident=incident)}) + 1
    request_id = f"{incident}/R{number}"
    for no, line in enumerate(lines, start=1):
        if line.receiver not in sites:
            raise InputError("relief.unknown_receiver", receiver=line.receiver)
        if line.item not in policy.items:
            raise InputError("stock.unknown_item", item=line.item, allowed=sorted(policy.items))
        if not 0 < line.quantity < 10**9 or not round(line.quantity * MILLI):
            raise InputError("relief.bad_quantity", value=line.quantity)
        row = ReliefRequest(
            request_id=request_id, line_no=no, incident=incident, receiver=line.receiver, item=line.item,
            quantity_milli=round(line.quantity * MILLI), unit=policy.items[line.item].unit, contact=line.contact,
            note=line.note, exercise=found.exercise,
        )  # fmt: skip
        try:
            records.add(session, replace(act, incident=incident, exercise=found.exercise), "relief.request", row)
        except NotFoundError as error:  # one that is there, and not theirs to ask for
            raise InputError("relief.unknown_receiver", receiver=line.receiver) from error
    return request_id


def advance_order(
    session: Session,
    act: Act,
    order_id: str,
    to: str,
    *,
    note: str = "",
    voucher: str = "",
    quantities: Mapping[int, float] | None = None,
) -> DispatchOrder:
    """Take an order one step on; 出库 books the voucher and takes the goods from the shelf.

    Parameters
    ----------
    quantities
        By line number, counted from 1, where they differ [item unit]: shipped at 出库, received at 差异签收.

    Raises
    ------
    InputError
        ``relief.unknown_state``; ``relief.unknown_line``; ``relief.quantities_not_here``; ``relief.bad_line``;
        ``relief.more_than_shipped``.
    RefusedError
        ``store.order_step`` and the ledger's refusals.
    """
    if to not in set(OrderState):
        raise InputError("relief.unknown_state", state=to, allowed=[state.value for state in OrderState])
    order = records.one(session, Order, order_id=order_id)
    act = replace(act, incident=order.incident, exercise=order.exercise)
    state = OrderState(to)
    if state is OrderState.PICKING and not voucher:
        voucher = f"CK-{order_id}"
    told = _counted(session, order_id, state, quantities or {})
    order_store.advance(session, act, order_id, state, order_store.Step(note=note, voucher=voucher, quantities=told))
    return order_store.read_order(session, order_id)


def _counted(
    session: Session, order_id: str, state: OrderState, quantities: Mapping[int, float]
) -> Mapping[int, float]:
    if quantities and state not in {OrderState.PICKING, OrderState.RECEIVED_WITH_VARIANCE}:
        raise InputError("relief.quantities_not_here", state=state.value)
    lines = {line.line_no: line for line in records.find(session, Line, order_id=order_id)}
    for number, quantity in quantities.items():
        if number not in lines:
            raise InputError("relief.unknown_line", line=number, order_id=order_id, count=len(lines))
        if not 0 <= quantity < 10**9:
            raise InputError("relief.bad_line", value=f"{number}={quantity:g}")
        shipped = lines[number].shipped_milli
        if shipped is not None and quantity * MILLI > shipped:
            raise InputError("relief.more_than_shipped", line=number, quantity=quantity, shipped=shipped / MILLI)
    return quantities


def next_states(state: str) -> list[str]:
    """List the states an order may be taken to from its state, the usual one first."""
    order = list(OrderState)
    found = order_store.STEPS[OrderState(state)] - {OrderState.APPROVED, OrderState.ORAL_ORDER}
    return [s.value for s in sorted(found, key=order.index)]


def paper_of(session: Session, plan_id: str) -> ApprovalPaper | None:
    """Give the scan of a plan's signed paper, or ``None`` while it is missing."""
    return records.latest(session, ApprovalPaper, plan_id=plan_id)


def sign_paper(session: Session, act: Act, plan_id: str, scan: bytes, *, folder: Path) -> str:
    """Attach the scan of the signed and sealed paper: the orders of the plan are 已签发 on paper from then on.

    Raises
    ------
    InputError
        ``relief.not_a_scan``: neither PDF nor JPEG nor PNG.
    """
    endings = {b"%PDF-": "pdf", b"\xff\xd8\xff": "jpg", b"\x89PNG": "png"}
    ending = next((e for magic, e in endings.items() if scan.startswith(magic)), "")
    if not ending:
        raise InputError("relief.not_a_scan")
    plan = records.one(session, Plan, plan_id=plan_id)
    act = replace(act, incident=plan.incident, exercise=plan.exercise)
    seal = documents.digest_bytes(scan)
    plan_store.sign_paper(session, act, plan_id, scan=f"{seal}.{ending}", sha256=seal, signed_at=act.at)
    for order in records.find(session, Order, plan_id=plan_id):
        order_store.mark_paper(session, act, order.order_id, act.at)
    files.keep_file(session, scan, folder / f"{seal}.{ending}")
    return seal


def orders_of(session: Session, incident: str) -> list[DispatchOrder]:
    """List an incident's dispatch orders.

    Raises
    ------
    NotFoundError
        ``store.not_found``: there is no such incident.
    """
    incidents.get_incident(session, incident)
    return order_store.list_orders(session, incident)


def approval_of(session: Session, plan_id: str) -> Approval | None:
    """Give the decision on a plan, or ``None``."""
    return records.latest(session, Approval, plan_id=plan_id)


def papers_due(session: Session, moment: datetime) -> list[Approval]:
    """List oral approvals whose paper is missing and due by a moment, most overdue first."""
    return plan_store.papers_due(session, moment)
