"""What the villages need: confirmed figures where there are any, estimates for the rest, by the policy's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents, evacuate, routes
from geo_minzheng.engine import needs as needs_engine
from geo_minzheng.engine.impact import INDICATORS
from geo_minzheng.services import impact, incidents, places, reports

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.needs import NeedResult
    from geo_minzheng.model.policy import Policy

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


def assess_needs(session: Session, policy: Policy, incident: str) -> NeedResult:
    """Work out what every village needs of every item of the season."""
    found = incidents.get_incident(session, incident)
    figures = indicators(session, policy, incident)
    return needs_engine.assess(
        figures.frame,
        policy.need_rules,
        season=policy.season_of(found.occurred_at.date()),
        packages=policy.packages,
        households=documents.household_frame(figures.outdoor),
    )


def need_sums(session: Session, policy: Policy, incident: str) -> list[dict[str, Any]]:
    """Give the district's need of each item as a sum that can be read out."""
    result = assess_needs(session, policy, incident)
    return [documents.plain(part) for part in needs_engine.multiplicands(result)]
