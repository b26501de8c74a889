"""What waits for somebody: the tasks whose act they may do, on a page they have, within what they see; worst first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import duty as duty_engine
from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.model.account import is_allowed
from geo_minzheng.model.duty import Waiting
from geo_minzheng.model.relief import OrderState
from geo_minzheng.services import (
    accounts,
    dispatch,
    duty,
    health,
    housing,
    inbox,
    relief,
    reports,
    response,
    review,
    stock,
    village_review,
    welfare,
)
from geo_minzheng.store import frames, whereabouts
from geo_minzheng.store.scope import whole
from geo_minzheng.store.second_person import is_among

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.duty import TaskRule
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.settings import Settings

MOST = 7
_S = OrderState
_ORDERS = {
    "orders_waiting": (_S.APPROVED, _S.ORAL_ORDER),
    "orders_to_pick": (_S.ISSUED,),
    "orders_to_ship": (_S.PICKING,),
    "orders_to_receive": (_S.IN_TRANSIT, _S.ARRIVED),
    "orders_to_hand_out": (_S.RECEIVED, _S.RECEIVED_WITH_VARIANCE),
}


@dataclass(frozen=True)
class _Asking:
    """Who asks: what of the district is theirs."""

    act: Act
    policy: Policy
    place: str
    settings: Settings | None

    def is_at(self, kind: str, place: str) -> bool:
        """Whether a warehouse, site or home is theirs; who is bound to none of that kind sees all."""
        role = self.policy.roles.get(self.act.role)
        return role is None or role.place != kind or self.place == place

    def sees(self, village: str) -> bool:
        """Whether a village lies where they see."""
        return village.startswith(self.act.scope)


def rules_for(act: Act, policy: Policy) -> dict[str, TaskRule]:
    """List the kinds of task somebody is told of, the most urgent first; without an account, all that have an act."""
    role = policy.roles.get(act.role)

    def is_told(rule: TaskRule) -> bool:
        may = bool(rule.act) and is_allowed(act.may, rule.act, rule.table)
        return may if role is None else rule.page in role.pages and (may or act.role in rule.roles)

    return {name: rule for name, rule in policy.tasks.items() if is_told(rule)}


def list_waiting(
    session: Session, act: Act, policy: Policy, *, place: str = "", settings: Settings | None = None, most: int = MOST
) -> list[Waiting]:
    """List what waits for somebody, worst first.

    Parameters
    ----------
    place
        Warehouse, site or home they work at, where their role is bound to one.
    settings
        Where the district lives: without it nothing is told of the machine's health.
    most
        How many lines at most.
    """
    wanted = rules_for(act, policy)
    asking = _Asking(act, policy, place, settings)
    running = duty.open_incidents(session)
    found: list[Waiting] = []
    for kinds, find in _FINDERS:
        if kinds & wanted.keys():
            found += find(session, asking)
    for incident in running:
        for kinds, find_in in _IN_INCIDENT:
            if kinds & wanted.keys():
                found += find_in(session, asking, incident)
    order = {name: rule.order for name, rule in wanted.items()}
    return sorted((w for w in found if w.kind in wanted), key=lambda w: order[w.kind])[:most]


def count_by_page(waiting: Sequence[Waiting], policy: Policy) -> dict[str, int]:
    """Count what waits on each page; a task that names no number is one."""
    counts: dict[str, int] = {}
    for one in waiting:
        page = policy.tasks[one.kind].page
        counts[page] = counts.get(page, 0) + int(one.facts.get("count", 1))
    return counts


def _papers(session: Session, asking: _Asking) -> Iterator[Waiting]:
    horizon = timedelta(hours=asking.policy.number("dispatch.oral_order_paper_hours"))
    for approval in dispatch.papers_due(session, asking.act.at + horizon):
        if approval.paper_due is None:
            continue
        left = duty_engine.minutes_until(approval.paper_due, asking.act.at)
        kind = "papers_overdue" if left < 0 else "papers_due"
        plan = relief.get_plan(session, approval.plan_id)
        facts = {"plan": approval.plan_id, "version": plan.version, "leader": approval.leader, "minutes": abs(left)}
        yield Waiting(kind, facts, plan.incident)


def _next_step(session: Session, asking: _Asking, incident: str) -> Iterator[Waiting]:
    step = duty.next_step(session, incident)
    plan = relief.latest_plan(session, incident) if step == "plan_waiting" else None
    if step and step != "orders_waiting" and not (plan is not None and dispatch.is_own_plan(plan, asking.act.who)):
        yield Waiting(step, incident=incident)


def _orders(session: Session, asking: _Asking, incident: str) -> Iterator[Waiting]:
    mine = [
        order
        for order in dispatch.orders_of(session, incident)
        if asking.is_at("warehouse", order.warehouse) and asking.is_at("site", order.receiver)
    ]
    for kind, states in _ORDERS.items():
        count = sum(order.state in states for order in mine)
        if count:
            yield Waiting(kind, {"count": count}, incident)


def _level(session: Session, asking: _Asking, incident: str) -> Iterator[Waiting]:
    """Tell where the advice has moved since a decision; one that deviates with a reason is not asked for again."""
    try:
        advice, _ = response.advise_level(session, asking.policy, incident)
    except GeoMinzhengError:
        return
    decided = response.present_level(session, incident)
    settled = {None} if decided is None else {decided["level"], decided["advised"]}
    if advice.level not in settled:
        facts = {"advised": advice.level or "", "level": (decided or {}).get("level") or ""}
        yield Waiting("level_differs", facts, incident)


def _reports(session: Session, asking: _Asking, incident: str) -> Iterator[Waiting]:
    waiting = [
        w
        for w in review.waiting(session, asking.act, asking.policy, incident)
        if asking.sees(w.version.village) and not reports.is_own_report(w.version, asking.act.who)
    ]
    if waiting:
        facts = {"count": len(waiting), "overdue": sum(w.is_overdue for w in waiting)}
        yield Waiting("reports_waiting", facts, incident)


def _returned(session: Session, asking: _Asking, incident: str) -> Iterator[Waiting]:
    newest = {v.village: v for v in reports.list_versions(session, incident)}
    returned = [v for v in newest.values() if v.state == "returned" and asking.sees(v.village)]
    if returned:
        yield Waiting("returned", {"count": len(returned), "village": returned[0].village}, incident)


def _silent(session: Session, asking: _Asking, incident: str) -> Iterator[Waiting]:
    found = reports.silent_villages(session, incident, review.assessed(session, incident))
    count = sum(asking.sees(village) for village in found)
    if count:
        yield Waiting("silent", {"count": count}, incident)


def _expiring(session: Session, asking: _Asking) -> Iterator[Waiting]:
    today, days = asking.act.at.date(), asking.policy.number("warehouse.near_expiry_days")
    lots = [
        lot for lot in stock.movable_stock(session, asking.policy, today) if asking.is_at("warehouse", lot.warehouse)
    ]
    near = duty_engine.expiring(lots, today, days)
    if near:
        yield Waiting("near_expiry", {"count": len(near), "days": days, "first": near[0].expiry_on})


def _programme(session: Session, asking: _Asking) -> Iterator[Waiting]:
    made, year = housing.latest_programmes(session), asking.act.at.year
    if frames.count_rows(session, "renovation_application") and (made is None or made["year"] != year):
        yield Waiting("no_programme", {"year": year})


def _reasons(session: Session, asking: _Asking) -> Iterator[Waiting]:
    # The programmes are a document of the whole district; of it only the number of one's own villages is told.
    with whole(session):
        made = housing.latest_programmes(session)
        if made is None or is_among(asking.act.who, housing.made_by(session)):
            return
        missing = {pair["first"] for pair in village_review.contradictions(session, made) if not pair["reason"]}
        villages = whereabouts.places_of_cases(session, missing)
    count = sum(asking.sees(villages.get(case, "")) for case in missing)
    if count:
        yield Waiting("reasons_missing", {"count": count})


def _defects(session: Session, asking: _Asking) -> Iterator[Waiting]:
    overdue = [
        d for d in welfare.open_defects(session, asking.act) if d["overdue_days"] and asking.is_at("home", d["home"])
    ]
    if overdue:
        yield Waiting("defects_overdue", {"count": len(overdue), "days": overdue[0]["overdue_days"]})


def _accounts(session: Session, asking: _Asking) -> Iterator[Waiting]:
    count = len(accounts.not_yet_in(session))
    if count:
        yield Waiting("first_sign_in", {"count": count})


def _health(session: Session, asking: _Asking) -> Iterator[Waiting]:
    if asking.settings is None:
        return
    signs = health.look(session, asking.policy, asking.settings, asking.act.at)
    for state, kind in ((health.BAD, "health_bad"), (health.WARNING, "health_warning")):
        names = [sign.name for sign in signs if sign.state == state]
        if names:
            yield Waiting(kind, {"count": len(names), "signs": names})


def _chain(session: Session, asking: _Asking) -> Iterator[Waiting]:
    mark = inbox.verified_by(session, asking.act.who)
    if mark is not None and not mark.is_whole:
        yield Waiting("chain_broken")
        return
    days, at = asking.policy.number("audit.verify_days"), None if mark is None else mark.at
    if at is None or asking.act.at - at > timedelta(days=days):
        facts: dict[str, Any] = {"days": days, "ago": -1 if at is None else (asking.act.at - at).days}
        yield Waiting("chain_due", facts)


_FINDERS: tuple[tuple[frozenset[str], Callable[[Session, _Asking], Iterator[Waiting]]], ...] = (
    (frozenset({"health_bad", "health_warning"}), _health),
    (frozenset({"chain_broken", "chain_due"}), _chain),
    (frozenset({"papers_overdue", "papers_due"}), _papers),
    (frozenset({"first_sign_in"}), _accounts),
    (frozenset({"no_programme"}), _programme),
    (frozenset({"reasons_missing"}), _reasons),
    (frozenset({"defects_overdue"}), _defects),
    (frozenset({"near_expiry"}), _expiring),
)
_IN_INCIDENT: tuple[tuple[frozenset[str], Callable[[Session, _Asking, str], Iterator[Waiting]]], ...] = (
    (frozenset({"no_footprint", "no_impact", "no_plan", "plan_waiting"}), _next_step),
    (frozenset({"level_differs"}), _level),
    (frozenset(_ORDERS), _orders),
    (frozenset({"returned"}), _returned),
    (frozenset({"reports_waiting"}), _reports),
    (frozenset({"silent"}), _silent),
)
