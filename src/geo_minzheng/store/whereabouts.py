"""Where an act happened, told by the row it touched: a village, a town, a warehouse, a home, a receiver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_minzheng.model.relief import OrderState
from geo_minzheng.store.columns import Base
from geo_minzheng.store.tables_housing import ReviewReason
from geo_minzheng.store.tables_layers import Household, RenovationApplication
from geo_minzheng.store.tables_relief import Line, Order, OrderEvent
from geo_minzheng.store.tables_report import Photo, Report, ReportReview, ReportVersion

# A store, a home, a receiver are told by their own code rather than by the village they stand in.
_OWN = ("warehouse_id", "warehouse", "home_id", "site_id", "receiver", "village_code", "code")
_AT_RECEIVER = {
    s.value
    for s in (OrderState.ARRIVED, OrderState.RECEIVED, OrderState.RECEIVED_WITH_VARIANCE, OrderState.DISTRIBUTED)
}
_SEVERAL = "/"


def place_in(values: Mapping[str, Any]) -> str:
    """Read the place from a row's own columns; empty where the row has none."""
    return next((str(values[name]) for name in _OWN if values.get(name)), "")


def place_of(session: Session, row: Base) -> str:
    """Find the place of a row: its own, else that of the row it belongs to; empty where it concerns the district."""
    own = place_in({name: getattr(row, name, None) for name in _OWN})
    if own:
        return own
    if isinstance(row, (Line, OrderEvent)):
        return _of_order(session, row)
    if isinstance(row, (ReportReview, Photo)):
        query = select(Report.village_code).join(ReportVersion, ReportVersion.report_fid == Report.fid)
        return session.scalar(query.where(ReportVersion.uuid == row.version_uuid)) or ""
    case = row.case_id if isinstance(row, RenovationApplication) else None
    case = row.application_id if isinstance(row, ReviewReason) else case
    return places_of_cases(session, [case]).get(case, "") if case else ""


def _of_order(session: Session, row: Line | OrderEvent) -> str:
    sides = session.execute(select(Order.warehouse, Order.receiver).where(Order.order_id == row.order_id)).first()
    if sides is None:
        return ""
    return str(sides.receiver if isinstance(row, OrderEvent) and row.to_state in _AT_RECEIVER else sides.warehouse)


def places_of_cases(session: Session, cases: Iterable[str]) -> dict[str, str]:
    """Give the village of each renovation case, through its household."""
    wanted, found = sorted(set(cases)), {}
    for start in range(0, len(wanted), 500):
        query = (
            select(RenovationApplication.case_id, Household.village_code)
            .join(Household, Household.household_id == RenovationApplication.household_id)
            .where(RenovationApplication.case_id.in_(wanted[start : start + 500]))
        )
        found.update(dict(session.execute(query).tuples().all()))
    return found


def several(places: Iterable[str]) -> str:
    """Spell the places of an act that touches more than one, each once, in order of appearance."""
    return _SEVERAL.join(dict.fromkeys(place for place in places if place))
