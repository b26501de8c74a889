"""The duty desk: the district in a few numbers, the next step of the flood day, plans laid out for reading."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents, small_cells
from geo_minzheng.engine import duty as duty_engine
from geo_minzheng.errors import NotFoundError
from geo_minzheng.model.scope import BUREAU
from geo_minzheng.services import dispatch, impact, incidents, places, relief, reports, settings_of, stock
from geo_minzheng.store import audit, records
from geo_minzheng.store.scope import sight_of, whole
from geo_minzheng.store.tables_flood import Incident as IncidentRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy


def data_version(session: Session) -> str:
    """Give a mark that changes with every write of data: the last such link of the audit chain."""
    count, head = audit.last_of_data(session)
    return f"{count}-{head[:16]}"


def open_incidents(session: Session) -> list[str]:
    """List the incidents that are not closed, newest first."""
    return [row.incident_id for row in reversed(records.find(session, IncidentRow, state="open"))]


def next_step(session: Session, incident: str) -> str:
    """Name the next step of the flood day that is missing; empty when every order has left."""
    with whole(session):  # a step is missing for everybody or for nobody
        return _next_step(session, incident)


def _next_step(session: Session, incident: str) -> str:
    footprint, _ = incidents.footprint_of(session, incident)
    if not footprint:
        return "no_footprint"
    try:
        assessed = impact.latest_impact(session, incident)
    except NotFoundError:
        return "no_impact"
    if assessed["footprint"] != footprint:
        return "no_impact"
    plan = relief.latest_plan(session, incident)
    if plan is None:
        return "no_plan"
    if dispatch.approval_of(session, plan.plan_id) is None:
        return "plan_waiting"
    ready = {"approved", "oral_order"}
    return "orders_waiting" if any(o.state in ready for o in dispatch.orders_of(session, incident)) else ""


def district_numbers(session: Session, act: Act, policy: Policy) -> dict[str, float | None]:
    """Give the numbers of the overview: people, villages, dibao, movable goods, incidents and reports that wait.

    Few dibao households, and their persons with them, are withheld (``None``): everybody sees the overview.
    """
    with whole(session):
        households = places.table(session, "household")
    scope = sight_of(session).scope
    knows_goods = BUREAU in scope.sees and scope.place_kind in ("", "warehouse")
    # A keeper is told what their own store may give, a township what the district may.
    with whole(session) if knows_goods and not scope.place_kind else nullcontext():
        lots = stock.movable_stock(session, policy, act.at.date())
    counted = duty_engine.district_numbers(
        places.table(session, "village"),
        households,
        lots,
        policy.packages,
    )
    numbers = small_cells.district_totals(counted, int(policy.number("privacy.small_cell")))
    running = open_incidents(session)
    waiting = [v for i in running for v in reports.list_versions(session, i) if v.state == "submitted"]
    numbers |= {} if knows_goods else {"movable_t": None}
    return numbers | {"incidents": len(running), "reports_waiting": len(waiting)}


def confirmed_totals(session: Session, policy: Policy, incident: str) -> dict[str, float]:
    """Sum the confirmed figures of the district by indicator; what nobody knows is left out."""
    return documents.merge_sums(reports.confirmed_indicators(session, policy, incident))


def phones(session: Session) -> dict[str, str]:
    """Give for each village the number to dial."""
    return documents.officer_phones(places.table(session, "officer"))


def cover_by_village(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Sum up a plan by village, the worst covered first."""
    return duty_engine.cover_by_village(document["coverage"], document["lines"])


def plan_numbers(document: Mapping[str, Any]) -> dict[str, Any]:
    """Count a plan: villages with need and served, night one's worst share [%], the load [t], deliveries."""
    return duty_engine.plan_numbers(document)


def village_rows(document: Mapping[str, Any], village: str) -> list[dict[str, Any]]:
    """List one village's coverage with its share in whole percent."""
    return duty_engine.in_percent(document["coverage"], village)


def beside_rival(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Set a plan's coverage beside 就近发放, item by item."""
    return duty_engine.beside_rival(document["coverage"], document["comparison"]["coverage"])


def arrivals(document: Mapping[str, Any], village: str) -> dict[str, tuple[tuple[str, ...], float]]:
    """Say for each item of a village which warehouses send it and when the last of it arrives [min]."""
    return duty_engine.arrivals(document["lines"], village)


def with_change(changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add to each difference of two plans how much more (or less) goes."""
    return duty_engine.with_change(changes)


def minutes_of(hours: float | None) -> float | None:
    """Turn hours into minutes; ``None`` stays ``None``."""
    return None if hours is None else timedelta(hours=hours) / timedelta(minutes=1)


def minutes_left(due: datetime, act: Act) -> float:
    """Measure the time left until a moment [min]; negative when it has passed."""
    return duty_engine.minutes_until(due, act.at)


def district_name(session: Session) -> str:
    """Name the district."""
    return str(settings_of.read(session, "name", ""))
