"""Who is hit: the impact of an incident's footprint, stored with what it was computed from."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents as engine_documents
from geo_minzheng.engine import duty
from geo_minzheng.engine import impact as impact_engine
from geo_minzheng.engine.own_part import impact_part
from geo_minzheng.errors import NotFoundError
from geo_minzheng.model.impact import ImpactInputs
from geo_minzheng.model.scope import BUREAU
from geo_minzheng.services import incidents, places, roads
from geo_minzheng.services.steps import Step, quiet
from geo_minzheng.store import records
from geo_minzheng.store.scope import part_of, reckoning, whole
from geo_minzheng.store.tables_flood import Assessment

if TYPE_CHECKING:
    import geopandas as gpd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.impact import Impact
    from geo_minzheng.model.policy import Policy

KIND = "impact"


@dataclass(frozen=True, eq=False)
class AssessedImpact:
    """An impact with the footprint and the roads it was computed on."""

    impact: Impact
    footprint_id: str
    footprint: gpd.GeoDataFrame
    state: roads.RoadState


def compute_impact(session: Session, policy: Policy, incident: str, *, step: Step = quiet) -> AssessedImpact:
    """Compute the impact of the present footprint; nothing is stored.

    Raises
    ------
    NotFoundError
        ``incident.no_footprint``, ``district.empty_layer``.
    MissingValueError
        The policy has no assumptions for the hazard.
    """
    found = incidents.get_incident(session, incident)
    footprint_id, footprint = incidents.footprint_of(session, incident)
    if not footprint_id:
        raise NotFoundError("incident.no_footprint", incident=incident)
    step("roads")
    state = roads.road_state(session, policy, incident)
    step("registers")
    with whole(session):
        houses, households = places.in_metres(session, "house"), places.table(session, "household")
    inputs = ImpactInputs(
        villages=places.require_metres(session, "village"),
        assumptions=policy.impact_assumptions(found.hazard),
        footprint=footprint,
        village_areas=engine_documents.or_none(places.in_metres(session, "village_area")),
        houses=houses,
        households=households,
        homes=places.in_metres(session, "welfare_home"),
        roads=state.ways.roads,
        closed_roads=[str(road) for road in state.closed],
        isolated=roads.isolated_villages(session, state),
    )
    step("impact")
    return AssessedImpact(impact_engine.assess(inputs), footprint_id, footprint, state)


def assess_impact(session: Session, act: Act, policy: Policy, incident: str, *, step: Step = quiet) -> dict[str, Any]:
    """Compute the impact and keep it on record."""
    assessed = compute_impact(session, policy, incident, step=step)
    found = incidents.get_incident(session, incident)
    document = engine_documents.impact_document(assessed.impact) | {
        "incident": incident,
        "footprint": assessed.footprint_id,
        "policy_version": policy.version,
        "assumptions": asdict(assessed.impact.assumptions),
        "flooded_roads": [str(r) for r in assessed.state.flooded["road_id"]],
        "closed_roads": assessed.state.declared,
        "vehicle": assessed.state.vehicle.vehicle,
        "nearest": incidents.nearest_village(session, assessed.footprint),
    }
    step("keep")
    number = len(records.find(session, Assessment, incident=incident)) + 1
    row = Assessment(
        assessment_id=f"{incident}/A{number}",
        incident=incident,
        kind=KIND,
        footprint_id=assessed.footprint_id,
        policy_version=policy.version,
        input_hash=engine_documents.digest([assessed.footprint_id, policy.version, document["closed_roads"]]),
        result_hash=engine_documents.digest(document),
        document=document,
        exercise=found.exercise,
    )
    records.add(session, replace(act, incident=incident, exercise=found.exercise), "incident.impact", row)
    return document


def latest_impact(session: Session, incident: str) -> dict[str, Any]:
    """Give the last impact on record.

    Raises
    ------
    NotFoundError
        ``incident.no_impact``.
    """
    found = find_impact(session, incident)
    if found is None:
        incidents.get_incident(session, incident)
        raise NotFoundError("incident.no_impact", incident=incident)
    return found


def find_impact(session: Session, incident: str) -> dict[str, Any] | None:
    """Give the last impact on record, or ``None``; who sees one town or village is given its part."""
    part = part_of(session, BUREAU)
    with whole(session) if part else nullcontext():
        row = records.latest(session, Assessment, incident=incident, kind=KIND)
        document = None if row is None else dict(row.document)
    return impact_part(document, part) if document and part else document


def district_impact(session: Session, incident: str) -> dict[str, Any] | None:
    """Give the last impact of the whole district, for maps and sums: to who may know them; ``None`` to others."""
    with reckoning(session):
        row = records.latest(session, Assessment, incident=incident, kind=KIND)
        return None if row is None else dict(row.document)


def houses_by_kind(document: dict[str, Any]) -> list[dict[str, Any]]:
    """List the houses hit by structure and safety grade, over all villages."""
    return duty.houses_by_kind(document["houses_by_kind"])
