"""What the villages need: confirmed figures where there are any, estimates for the rest, by the policy's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import dispatch, documents, evacuate, routes
from geo_minzheng.engine import needs as needs_engine
from geo_minzheng.engine.impact import INDICATORS
from geo_minzheng.model.ledger import from_milli
from geo_minzheng.model.relief import OrderState
from geo_minzheng.services import impact, incidents, places, reports
from geo_minzheng.store import records
from geo_minzheng.store.scope import reckoning
from geo_minzheng.store.tables_relief import Line, Order

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.needs import NeedResult
    from geo_minzheng.model.policy import Policy

# An order only drafted, or cancelled, brings nothing.
NOT_COMING = (OrderState.DRAFTED.value, OrderState.CANCELLED.value)
OUTDOOR = "outdoor_persons_now"


@dataclass(frozen=True, eq=False)
class Figures:
    """Indicators by village code, and which villages' figures are confirmed.

    Parameters
    ----------
    outdoor
        Sizes of households in collective sites without a roof, by village [persons].
    """

    frame: pd.DataFrame
    confirmed: frozenset[str]
    outdoor: dict[str, list[int]]


def indicators(session: Session, policy: Policy, incident: str) -> Figures:
    """Put confirmed figures and estimates together.

    Raises
    ------
    NotFoundError
        ``incident.no_impact``: neither an impact nor a confirmed report.
    """
    # The level and the need are the district's, whoever reads them.
    with reckoning(session):
        assessed = impact.latest_impact(session, incident)
        estimates = documents.indicator_frame(assessed["by_village"], INDICATORS)
        known = reports.confirmed_indicators(session, policy, incident)
        outdoor = evacuate.outdoor_households(assessed["collective_sizes"], _indoor_places(session, incident))
    frame = documents.with_confirmed(estimates, known)
    frame[OUTDOOR] = documents.sums_of(outdoor, frame)
    return Figures(frame, frozenset(known), outdoor)


def _indoor_places(session: Session, incident: str) -> dict[str, int]:
    _, footprint = incidents.footprint_of(session, incident)
    sites = routes.dry(places.in_metres(session, "site"), footprint)
    return documents.sum_by_town(sites, "village_code", "indoor_persons")


def assess_needs(session: Session, policy: Policy, incident: str, *, beside: str = "") -> NeedResult:
    """Work out what every village still needs of every item of the season: less what is there or on the way.

    Parameters
    ----------
    beside
        A plan whose own orders are left out of account.
    """
    found = incidents.get_incident(session, incident)
    figures = indicators(session, policy, incident)
    known = set(figures.frame.index.astype(str))
    with reckoning(session):
        on_site, in_transit = dispatch.promised(_promises(session, incident, beside, known))
    return needs_engine.assess(
        figures.frame,
        policy.need_rules,
        season=policy.season_of(found.occurred_at.date()),
        packages=policy.packages,
        households=documents.household_frame(figures.outdoor),
        on_site=on_site,
        in_transit=in_transit,
    )


def _promises(session: Session, incident: str, beside: str, known: set[str]) -> list[dispatch.Promise]:
    rows = [
        line
        for order in records.find(session, Order, incident=incident)
        if order.state not in NOT_COMING and order.plan_id != beside
        for line in records.find(session, Line, order_id=order.order_id)
    ]
    return [
        dispatch.Promise(
            line.item,
            {code: from_milli(quantity) for code, quantity in line.villages.items() if code in known},
            from_milli(line.approved_milli),
            None if line.received_milli is None else from_milli(line.received_milli),
        )
        for line in rows
    ]


def need_sums(session: Session, policy: Policy, incident: str) -> list[dict[str, Any]]:
    """Give the district's need of each item as a sum that can be read out."""
    result = assess_needs(session, policy, incident)
    return [documents.plain(part) for part in needs_engine.multiplicands(result)]
