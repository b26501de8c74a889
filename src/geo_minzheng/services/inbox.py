"""The inbox: what others did that concerns somebody, since they last looked, read from the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_minzheng.model.relief import OrderState
from geo_minzheng.store import audit, records, seen
from geo_minzheng.store.second_person import is_among
from geo_minzheng.store.tables_relief import Order, Plan
from geo_minzheng.store.tables_report import ReportVersion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from geo_minzheng.model.account import Person, Role
    from geo_minzheng.model.trail import TrailRow

MOST = 20
TABLES = ("report_review", "approval", "order_event", "account")
# What whoever only reads is told of: the acts that change how the district stands, not each of their rows.
ACTS = (
    "incident.declare", "incident.footprint", "incident.impact", "response.decide", "road.closed", "road.open",
    "report.post", "report.confirmed", "report.returned", "relief.request", "relief.plan", "relief.approve",
    "relief.issued", "relief.in_transit", "relief.received", "relief.distributed", "housing.programme", "welfare.site",
)  # fmt: skip
_S = OrderState
# The steps of an order that concern the place it leaves and the place it goes to.
_STEPS = {
    "warehouse": {_S.APPROVED.value, _S.ORAL_ORDER.value, _S.ISSUED.value, _S.CANCELLED.value},
    "site": {_S.ISSUED.value, _S.IN_TRANSIT.value, _S.CANCELLED.value},
}
# Which column of an order holds the place.
_ENDS = {"warehouse": "warehouse", "site": "receiver"}
# A demo's accounts are made ready in two steps; the second is no news.
_QUIET = {"must_change"}
# What somebody does to their own account at the door.
_OWN_DOING = ("user.add", "user.password", "user.pin")


@dataclass(frozen=True)
class News:
    """One thing that happened.

    Parameters
    ----------
    kind
        ``report_confirmed``, ``report_returned``, ``plan_approved``, ``plan_rejected``, ``plan_in_my_name``,
        ``plan_witnessed``, ``order`` or ``account``.
    facts
        What its sentence names.
    is_new
        Whether it happened since its reader last looked.
    """

    seq: int
    at: datetime
    who: str
    kind: str
    facts: dict[str, Any]
    incident: str
    is_new: bool


@dataclass(frozen=True)
class Verified:
    """When somebody last verified the audit chain, and whether it was whole."""

    at: datetime
    is_whole: bool


def read_up_to(session: Session, login: str) -> tuple[int, datetime | None]:
    """Tell up to which row of the log somebody has read, and when they said so."""
    mark = seen.find_seen(session, login)
    return (0, None) if mark is None else (mark.seq, mark.read_at)


def mark_read(session: Session, person: Person, at: datetime) -> None:
    """Note that somebody has read what happened until now."""
    count, _ = audit.chain_head(session)
    seen.mark_seen(session, person.login, seq=count, read_at=at)


def mark_verified(session: Session, person: Person, at: datetime, *, is_whole: bool) -> None:
    """Note that somebody verified the audit chain, and whether it was whole."""
    seen.mark_seen(session, person.login, verified_at=at, is_whole=is_whole)


def verified_by(session: Session, login: str) -> Verified | None:
    """Tell when somebody last verified the audit chain; ``None`` while they never did."""
    mark = seen.find_seen(session, login)
    return None if mark is None or mark.verified_at is None else Verified(mark.verified_at, mark.is_whole)


def mark_of(session: Session, person: Person) -> str:
    """Give a mark that changes with every write, and with what somebody has read or verified."""
    count, head = audit.chain_head(session)
    mark = seen.find_seen(session, person.login)
    return f"{count}-{head[:16]}" if mark is None else f"{count}-{head[:16]}-{mark.seq}-{mark.verified_at}"


def list_news(session: Session, person: Person, role: Role) -> list[News]:
    """List what others did that concerns somebody, newest first; steps of several orders taken at once are one."""
    upto, _ = read_up_to(session, person.login)
    found: dict[tuple[object, ...], News] = {}
    for row in seen.news(session, person.name, TABLES, since=seen.made_at(session, person.login)):
        told = _told(session, person, role, row)
        if told is None:
            continue
        kind, facts = told
        same = (kind, row.at, row.who, row.incident, *(value for name, value in facts.items() if name != "count"))
        if same in found:
            found[same].facts["count"] += 1
        elif len(found) < MOST:
            found[same] = News(row.seq, row.at, row.who, kind, {"count": 1} | facts, row.incident, row.seq > upto)
    return list(found.values())


def count_new(news: Sequence[News]) -> int:
    """Count what is not read yet."""
    return sum(one.is_new for one in news)


def changes_since(session: Session, person: Person) -> list[tuple[str, int, datetime]]:
    """Count what was done in the district since somebody last looked, by action, the latest first."""
    upto, _ = read_up_to(session, person.login)
    return seen.acts_since(session, upto, ACTS)


def _told(session: Session, person: Person, role: Role, row: TrailRow) -> tuple[str, dict[str, Any]] | None:
    """Tell a row of the log as news to somebody; ``None`` where it does not concern them."""
    if row.table == "account":
        is_mine = row.key == person.login and row.action not in _OWN_DOING and set(row.after or {}) - _QUIET
        return ("account", {"action": row.action}) if is_mine else None
    after = row.after or {}
    if row.table == "report_review":
        return _report(session, person, row.place, after) if "report" in role.pages else None
    if row.table == "approval":
        return _approval(session, person, after)
    return _order(session, person, role.place, after)


def _report(session: Session, person: Person, village: str, after: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Tell the writer of a report, and whoever sees no more than its village."""
    versions = records.find(session, ReportVersion, uuid=after["version_uuid"])
    if person.scope != village and not any(is_among(person.name, version.who) for version in versions):
        return None
    return f"report_{after['verdict']}", {"village": village, "reason": after["reason"]}


def _approval(session: Session, person: Person, after: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    plan = next(iter(records.find(session, Plan, plan_id=after["plan_id"])), None)  # no news of what one does not see
    if plan is None:
        return None
    if after["mode"] == "oral" and after["verdict"] == "approved" and is_among(person.name, after["leader"]):
        return "plan_in_my_name", {"version": plan.version}
    if is_among(person.name, after["witness"]):
        return "plan_witnessed", {"version": plan.version}
    if not is_among(person.name, plan.who):
        return None
    return f"plan_{after['verdict']}", {"version": plan.version, "reason": after["reason"]}


def _order(
    session: Session, person: Person, place_kind: str, after: dict[str, Any]
) -> tuple[str, dict[str, Any]] | None:
    if after["to_state"] not in _STEPS.get(place_kind, ()):
        return None
    here = records.find(session, Order, order_id=after["order_id"], **{_ENDS[place_kind]: person.place})
    return ("order", {"state": after["to_state"]}) if here else None
