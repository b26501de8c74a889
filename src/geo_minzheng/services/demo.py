"""The two days, played end to end: from a hazard to approved dispatch orders, from registers to programme and sites."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import rehearsal
from geo_minzheng.errors import ManyInputError
from geo_minzheng.layers.faults import refusal_of
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.present.write import write_json
from geo_minzheng.services import (
    dispatch,
    district,
    housing,
    impact,
    imports,
    incidents,
    papers,
    relief,
    reports,
    response,
    roads,
    welfare,
)  # fmt: skip
from geo_minzheng.services.synthesis import DemoDistrict, read_demo_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.layer import LayerSpec
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text

    Desk = Callable[..., Any]

# People of the demo: names are titles, so that nobody is meant.
DUTY, COORDINATOR, APPROVER, REVIEWER, PLANNER = "值班员甲", "应急指挥乙", "批准人丙", "审核员丁", "规划员戊"
KEEPER, WITNESS = "保管员己", "值班员庚"
INCIDENT = "20260703-01"


@dataclass(frozen=True, eq=False)
class Stage:
    """What every step of the demo is handed: sentences, layers, policy, and where things go."""

    text: Text
    catalogue: Mapping[str, LayerSpec]
    policy: Policy
    out: Path
    home: Path
    fonts: Path | None = None


def import_demo_district(session: Session, act: Act, stage: Stage) -> dict[str, int]:
    """Build 华容区 from the tables a bureau would hand over, through the importer a user uses.

    Raises
    ------
    ManyInputError
        ``layers.refused``: the importer refused one of the files.
    """
    district.name_district(session, act, {"policy_profile": stage.policy.profile, "is_demo": True})
    counts: dict[str, int] = {}
    for file in read_demo_manifest().files:
        options = ReadOptions(crs=file.crs, encoding=file.encoding, coord_source=file.coord_source)
        request = imports.Request(file.layer, (file.path,), options)
        ((found, told),) = imports.import_files(session, act, stage.catalogue, stage.policy, request)
        if found.is_refused:
            errors = tuple(refusal_of(f) for f in found.faults if f.severity == "error")
            raise ManyInputError("layers.refused", errors, file=file.path.name)
        counts[file.layer] = counts.get(file.layer, 0) + told["stored"]
    return counts


def demo_manifest() -> DemoDistrict:
    """Give the demo district's clock, flood and files."""
    return read_demo_manifest()


def play_planning_day(session: Session, act: Act, stage: Stage) -> dict[str, Any]:
    """Play the planning day: this year's programmes and the next welfare homes."""
    programmes = housing.make_programmes(session, act, stage.policy)
    siting = welfare.site_homes(session, act, stage.policy)
    write_json(programmes, stage.out / "programme.json")
    write_json(siting, stage.out / "siting.json")
    return {"programmes": programmes, "siting": siting}


def declare_flood(session: Session, act: Act, stage: Stage, *, name: str) -> str:
    """Declare the demo's flood."""
    told = incidents.Declaration(
        name=name, hazard="flood", occurred_at=act.at - timedelta(minutes=40), incident_id=INCIDENT
    )
    return incidents.declare_incident(session, act, stage.policy, told).incident_id


def report_from_villages(
    at_desk: Callable[[str], Act], session: Session, stage: Stage, incident: str
) -> dict[str, int]:
    """Let officers of the worst-hit villages report and a reviewer confirm most, return one, leave one open."""
    assessed = impact.latest_impact(session, incident)
    told = rehearsal.village_reports(assessed["by_village"])
    counts = {"submitted": 0, "confirmed": 0, "returned": 0}
    for k, (village, values) in enumerate(told.items()):
        act = at_desk(rehearsal.officer_name(village))
        submission = reports.Submission(village=village, values=values, uuid=rehearsal.uuid_of(incident, village))
        sent = reports.submit_report(session, act, stage.policy, incident, submission, photo_dir=stage.home / "photos")
        counts["submitted"] += 1
        verdict = rehearsal.verdict_of(k, len(told))
        if verdict:
            reason = stage.text("demo.return_reason") if verdict == "returned" else ""
            reviewer = at_desk(REVIEWER)
            reports.review_report(
                session, reviewer, stage.policy, incident, sent["uuid"], verdict=verdict, reason=reason
            )
            counts[verdict] += 1
    return counts


def decide_flood_level(session: Session, act: Act, stage: Stage, incident: str) -> dict[str, Any]:
    """Decide the level that is advised."""
    advice, _ = response.advise_level(session, stage.policy, incident)
    decision = response.Decision(level=advice.level, leader=APPROVER, reason="")
    return response.decide_level(session, act, stage.policy, incident, decision)


def plan_and_approve(
    at_desk: Callable[[str], Act], session: Session, stage: Stage, incident: str
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Plan relief and let the approver approve it by phone; a plan without deliveries is an answer and waits."""
    first = relief.plan_relief(session, at_desk(COORDINATOR), stage.policy, stage.text, incident)
    if not first["lines"]:
        return first, None
    road = relief.busiest_road(session, stage.policy, incident, first)
    reason = stage.text("demo.road_reason")
    if road:
        roads.close_road(session, at_desk(DUTY), incident, road, reason=reason, source=stage.text("demo.road_source"))
    wish = relief.PlanWish(reason=reason)
    plan = relief.plan_relief(session, at_desk(COORDINATOR), stage.policy, stage.text, incident, wish=wish)
    plan["changes"] = len(relief.compare_plans(session, first["plan_id"], plan["plan_id"]))
    if not plan["lines"]:
        return plan, None
    _request_from_receivers(session, at_desk(REVIEWER), stage, incident, plan)
    approval = dispatch.approve_plan(
        session, at_desk(DUTY), stage.policy, stage.text,
        dispatch.Approving(plan_id=plan["plan_id"], mode="oral", leader=APPROVER, witness=WITNESS, number="000-0001"),
    )  # fmt: skip
    return plan, approval


def _request_from_receivers(session: Session, act: Act, stage: Stage, incident: str, plan: dict[str, Any]) -> None:
    for receiver, wants in rehearsal.requests(plan["lines"], plan["coverage"]).items():
        lines = [dispatch.Request(receiver, item, quantity) for item, quantity in wants.items()]
        dispatch.request_relief(session, act, stage.policy, incident, lines)


def issue_first_order(at_desk: Callable[[str], Act], session: Session, approval: dict[str, Any] | None) -> str:
    """Take the first order to the lorry: issued and picked, so that stock falls and the rest stays reserved."""
    if approval is None or not approval["orders"]:
        return ""
    order = str(approval["orders"][0])
    dispatch.advance_order(session, at_desk(DUTY), order, "issued")
    dispatch.advance_order(session, at_desk(KEEPER), order, "picking")
    return order


def write_papers(session: Session, act: Act, stage: Stage, incident: str) -> list[Path]:
    """Write everything the flood day leaves on the table."""
    stage.out.mkdir(parents=True, exist_ok=True)
    chinese = stage.text
    plan = relief.latest_plan(session, incident)
    if plan is not None:
        write_json(plan.document, stage.out / "plan.json")
    return [
        *papers.write_orders(session, act, chinese, incident, stage.out, fonts=stage.fonts),
        *papers.write_briefing(
            session, act, stage.catalogue, stage.policy, chinese, incident, stage.out, fonts=stage.fonts
        ),
        papers.write_statistics_form(session, act, stage.policy, chinese, incident, stage.out / "form.xlsx"),
        papers.write_map(session, act, stage.catalogue, stage.policy, chinese, incident, stage.out / "map.html"),
    ]
