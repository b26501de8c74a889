"""Who gets what from where by which road: plan, explain, plan again when a road is cut."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents, fairness, map_layers, routes
from geo_minzheng.engine import needs as needs_engine
from geo_minzheng.engine import network as roads_engine
from geo_minzheng.engine import relief as relief_engine
from geo_minzheng.errors import InputError
from geo_minzheng.model.relief import PlanLimits, ReliefInputs, ReliefPlan
from geo_minzheng.services import incidents, needs, places, roads, stock
from geo_minzheng.services.steps import Step, quiet
from geo_minzheng.store import plans as plan_store
from geo_minzheng.store import records
from geo_minzheng.store.tables_relief import Plan

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text

NIGHT_ONE_HOURS = "dispatch.first_batch_hours"


@dataclass(frozen=True)
class PlanWish:
    """What the planner may set: vehicle class, lorry hours by warehouse, a deadline, why a new version is made.

    Parameters
    ----------
    beside
        A plan whose own orders do not count as goods on the way: to solve it again as it was.
    """

    vehicle: str = ""
    lorry_hours: dict[str, float] | None = None
    deadline_min: float | None = None
    reason: str = ""
    beside: str = ""


def relief_inputs(session: Session, act: Act, policy: Policy, incident: str, wish: PlanWish) -> ReliefInputs:
    """Gather everything a plan is computed from: need, movable stock, open ways to dry receivers, weights.

    Raises
    ------
    NotFoundError
        ``incident.no_impact``, ``district.empty_layer``.
    """
    state = roads.road_state(session, policy, incident, vehicle=wish.vehicle)
    _, footprint = incidents.footprint_of(session, incident)
    villages = places.require_metres(session, "village")
    ways = routes.find_routes(
        state.ways.network,
        places.require_metres(session, "warehouse"),
        routes.dry(places.require_metres(session, "site"), footprint),
        villages,
        closed=state.closed,
        wet=routes.wet_codes(villages, footprint),
    )
    day = act.at.date()
    winter = policy.season_of(incidents.get_incident(session, incident).occurred_at.date()) == "winter"
    return ReliefInputs(
        incident=incident,
        policy_version=policy.version,
        lots=stock.movable_stock(session, policy, day),
        packages=policy.packages,
        needs=needs.assess_needs(session, policy, incident, beside=wish.beside).layers,
        weights=fairness.weights(
            villages,
            isolated=roads.isolated_villages(session, state),
            is_cold=winter,
            rates=fairness.Rates(
                policy.number("fairness.elderly_children"), policy.number("fairness.isolated"),
                policy.number("fairness.cold"),
            ),
        ),
        routes=ways,
        limits=PlanLimits(wish.lorry_hours, wish.deadline_min),
        payload_kg=state.vehicle.payload_kg,
        loading_min=policy.number("dispatch.loading_minutes"),
        vehicle=state.vehicle.vehicle,
    )  # fmt: skip


def plan_relief(
    session: Session,
    act: Act,
    policy: Policy,
    text: Text,
    incident: str,
    *,
    wish: PlanWish | None = None,
    step: Step = quiet,
) -> dict[str, Any]:
    """Plan relief and store the plan as the incident's next version.

    Returns
    -------
    The plan as ``plan.json`` with ``plan_id`` and ``version``; beside it the lorry, ``nearest_first`` for comparison,
    and ``upward``: lots of short items that a request to their authority would free.

    Raises
    ------
    InputError
        ``relief.bad_limit``, ``relief.unknown_warehouse``, ``road.unknown_vehicle``.
    """
    wish = wish or PlanWish()
    _check_wish(session, wish)
    step("roads")
    inputs = relief_inputs(session, act, policy, incident, wish)
    step("plan")
    solved = relief_engine.plan_relief(inputs)
    step("reasons")
    plan = _explained(session, policy, text, solved)
    step("rival")
    rival = relief_engine.plan_relief(inputs, allocator="nearest_first").plan
    lorry = {"vehicle": inputs.vehicle, "payload_kg": inputs.payload_kg, "loading_min": inputs.loading_min}
    short = {c.item for c in plan.coverage if c.reason_code}
    upward = stock.upward(plan.stock, stock.owners_we_release(policy), short)
    document = documents.plan_document(plan) | {"lorry": lorry, "comparison": _comparison(rival), "upward": upward}
    found = incidents.get_incident(session, incident)
    step("keep")
    number = len(records.find(session, Plan, incident=incident)) + 1
    record = plan_store.PlanRecord(
        plan_id=f"{incident}/P{number}",
        incident=incident,
        document=document,
        input_hash=plan.input_hash,
        plan_hash=plan.plan_hash,
        policy_version=policy.version,
        status=plan.status.value,
        reason=wish.reason,
    )
    row = plan_store.store_plan(session, replace(act, incident=incident, exercise=found.exercise), record)
    return document | {"plan_id": row.plan_id, "version": row.version}


def _comparison(rival: ReliefPlan) -> dict[str, Any]:
    return {
        "allocator": "nearest_first",
        "status": rival.status.value,
        "stages": documents.plain(list(rival.stages)),
        "coverage": [
            {
                "village": c.village, "item": c.item, "got": c.got, "need_packed": c.need_packed, "rate": c.rate,
                "weight": c.weight, "layers": documents.plain(list(c.layers)),
            }
            for c in rival.coverage
        ],
    }  # fmt: skip


def _check_wish(session: Session, wish: PlanWish) -> None:
    limits = {"deadline_min": wish.deadline_min, **(wish.lorry_hours or {})}
    for name, value in limits.items():
        if value is not None and not 0 <= value < float("inf"):
            raise InputError("relief.bad_limit", name=name, value=value)
    warehouses = places.names(session, "warehouse", "warehouse_id")
    unknown = sorted(set(wish.lorry_hours or {}) - set(warehouses))
    if unknown:
        raise InputError("relief.unknown_warehouse", warehouse=unknown[0], allowed=sorted(warehouses))


def _explained(session: Session, policy: Policy, text: Text, solved: relief_engine.Solved) -> ReliefPlan:
    names = places.names(session, "village", "code") | places.names(session, "warehouse", "warehouse_id")
    coverage = []
    for row in solved.plan.coverage:
        short = solved.shortfalls.get((row.village, row.item))
        if short is None:
            coverage.append(row)
            continue
        item = policy.items[row.item]
        bound = relief_engine.bottleneck(solved, row.village, row.item)
        facts = dict(short.facts) | {
            "item": text.name("relief_items", row.item, item), "unit": item.unit, "short": short.short,
            "village": names.get(row.village, row.village),
            "villages": [names.get(v, v) for v in bound["villages"]],
            "count": len(short.villages),
            "warehouses": [names.get(w, w) for w in bound["warehouses"]],
        }  # fmt: skip
        coverage.append(replace(row, reason_text=text(short.text_key, **facts)))
    return replace(solved.plan, coverage=tuple(coverage))


def latest_plan(session: Session, incident: str) -> Plan | None:
    """Give the newest plan of an incident."""
    return records.latest(session, Plan, incident=incident)


def get_plan(session: Session, plan_id: str) -> Plan:
    """Look a stored plan up.

    Raises
    ------
    NotFoundError
        ``store.not_found``.
    """
    return records.one(session, Plan, plan_id=plan_id)


def list_plans(session: Session, incident: str) -> list[Plan]:
    """List the versions of an incident's plan, newest first."""
    return list(reversed(records.find(session, Plan, incident=incident)))


def compare_plans(session: Session, before: str, after: str) -> list[dict[str, Any]]:
    """List how two stored plans differ, delivery by delivery."""
    old, new = (records.one(session, Plan, plan_id=plan).document for plan in (before, after))
    return [asdict(change) for change in relief_engine.difference(old["lines"], new["lines"])]


def explain_shortage(
    session: Session, act: Act, policy: Policy, incident: str, village: str, item: str
) -> dict[str, Any]:
    """Answer 「为什么」 for one village and item: what binds, and what one more unit would change, by solving again."""
    plan = latest_plan(session, incident)
    wish = PlanWish() if plan is None else PlanWish(vehicle=planned_vehicle(plan), beside=plan.plan_id)
    inputs = _as_planned(session, relief_inputs(session, act, policy, incident, wish))
    solved = relief_engine.plan_relief(inputs)
    return documents.tidy(relief_engine.explain_one(solved, village, item))


def planned_vehicle(plan: Plan) -> str:
    """Name the vehicle class a stored plan was made for."""
    return str(plan.document.get("lorry", {}).get("vehicle", ""))


def _as_planned(session: Session, inputs: ReliefInputs) -> ReliefInputs:
    """Take the stock and limits of the last plan: once approved, its own goods are promised and no longer movable."""
    plan = latest_plan(session, inputs.incident)
    if plan is None:
        return inputs
    limits = PlanLimits(**plan.document["limits"])
    return replace(inputs, lots=documents.lots_of(plan.document["stock"]), limits=limits)


def explain_lines(
    session: Session, act: Act, policy: Policy, text: Text, incident: str, *, village: str, item: str
) -> list[str]:
    """Answer 「为什么」 in sentences: what binds, then what each single change would bring."""
    told = explain_shortage(session, act, policy, incident, village, item)
    if told["reason"] is None:
        return [text("relief.why.covered")]
    names = places.names(session, "village", "code") | places.names(session, "warehouse", "warehouse_id")
    row = policy.items[item]
    facts = {"item": text.name("relief_items", item, row), "unit": row.unit, "village": names.get(village, village)}
    changes = [c for c in told["changes"] if c["change"] == "package" or c["total_gain"]]
    plan = latest_plan(session, incident)
    known = documents.reason_of([] if plan is None else plan.document["coverage"], village, item)
    return [line for line in (known, *(_change_line(text, c, facts, names) for c in changes)) if line]


def _change_line(text: Text, change: dict[str, Any], facts: dict[str, Any], names: dict[str, str]) -> str:
    key = f"engine.allocate.what_if_{change['change']}"
    if change["change"] == "package" and not change["needed"]:
        # How many packages it takes is not known where lorry hours are shared; whom the next one serves is.
        key = "relief.why.package_first" if change["receivers"] else "engine.allocate.what_if_package_none"
    others = [names.get(r, r) for r in change["receivers"]]
    return text(
        key, **facts, warehouse=names.get(change["warehouse"], change["warehouse"]), receivers=others,
        needed=text.number(change["needed"]), gain=text.number(change["gain"]),
    )  # fmt: skip


def busiest_road(session: Session, policy: Policy, incident: str, plan: dict[str, Any]) -> str:
    """Name the open road that carries most of a plan and whose loss would cut nobody off; empty if there is none."""
    critical = {road for s in roads.critical_structures(session, policy) for road in s["roads"]}
    free = [road for road in carrying_roads(session, policy, incident, plan) if road not in critical]
    return free[0] if free else ""


def carrying_roads(session: Session, policy: Policy, incident: str, plan: dict[str, Any]) -> list[str]:
    """List the open roads that carry a plan's goods, the most loaded first."""
    loads = map_layers.loads(plan["lines"], {p["item"]: p["kg"] / p["size"] for p in plan["packages"]})
    if not loads:
        return []
    state = roads.road_state(session, policy, incident)
    warehouses = places.in_metres(session, "warehouse").set_index("warehouse_id")
    sites = places.in_metres(session, "site").set_index("site_id")
    froms, tos = sorted({w for w, _ in loads}), sorted({r for _, r in loads})
    found = roads_engine.paths(
        state.ways.network, warehouses.geometry.loc[froms], sites.geometry.loc[tos], closed=state.closed,
        pairs=[(froms.index(w), tos.index(r)) for w, r in loads],
    )  # fmt: skip
    return documents.load_by_road(list(found["road_ids"]), list(loads.values()))


def need_sentences(session: Session, policy: Policy, text: Text, incident: str, *, screen: bool = False) -> list[str]:
    """Write the district's need of every item as a sum: 大米 = 950人 × 0.5千克 × 10天 = 4750千克."""
    result = needs.assess_needs(session, policy, incident)
    return [
        text.multiplicand(part, text.name("relief_items", part.item, policy.items[part.item]), screen=screen)
        for part in needs_engine.multiplicands(result)
        if part.raw
    ]


def plan_lines(made: dict[str, Any], policy: Policy, text: Text) -> list[str]:
    """Write a plan's totals for a person: coverage by item, what is short, who is cut off."""
    lines = [text("relief.plan_head", plan=made["plan_id"], status=text(f"names.status.{made['status']}"))]
    for row in documents.cover_by_item(made["coverage"]):
        item = policy.items[row["item"]]
        lines.append(
            text(
                "relief.plan_item", name=text.name("relief_items", row["item"], item), unit=item.unit,
                need=text.number(row["need_packed"]), got=text.number(row["got"]), rate=text.percent(row["rate"]),
                worst=text.percent(row["worst"]),
            )
        )  # fmt: skip
    if made["isolated"]:
        lines.append(text("relief.plan_isolated", count=len(made["isolated"]), villages=made["isolated"]))
    return lines
