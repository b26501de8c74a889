"""The papers of the night: briefing, dispatch orders, statistics form, map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents, papers
from geo_minzheng.errors import RefusedError
from geo_minzheng.model.document import (
    ApprovalRow,
    BriefingContent,
    Estimate,
    Figure,
    FormContent,
    FormEstimate,
    FormRow,
    IsolatedVillage,
    OfficialDocument,
    OrderPaper,
    Paragraph,
    ReliefRow,
)  # fmt: skip
from geo_minzheng.model.incident import Band, Condition, Incident, LevelAdvice
from geo_minzheng.model.scope import BUREAU
from geo_minzheng.present.briefing import briefing_document
from geo_minzheng.present.documents import write_docx, write_pdf
from geo_minzheng.present.forms import write_form
from geo_minzheng.present.maps import map_html
from geo_minzheng.present.orders import order_documents
from geo_minzheng.present.plates import map_plate
from geo_minzheng.services import (
    dispatch,
    impact,
    incidents,
    maps,
    places,
    relief,
    reports,
    response,
    settings_of,
    trail,
)
from geo_minzheng.store import records
from geo_minzheng.store.scope import part_of, whole
from geo_minzheng.store.tables_relief import Approval, Order, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.layer import LayerSpec
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.model.relief import DispatchOrder
    from geo_minzheng.present.text import Text

TOWN_DIGITS = 9
SYNTHETIC_LAYERS = ("village", "house", "warehouse", "road")
CONFIRMED = (
    "affected_population", "deaths", "missing", "injured", "evacuated_resettled_now", "collective_resettled_now",
    "dispersed_resettled_now", "emergency_aid_needed_now", "collapsed_dwelling_households", "collapsed_rooms",
    "severely_damaged_dwelling_households",
)  # fmt: skip
ESTIMATED = {
    "affected_population": ("affected_population",) * 3,
    "evacuated_resettled_now": ("displaced_low", "displaced_mid", "displaced_high"),
    "emergency_aid_needed_now": ("emergency_aid_low", "emergency_aid_mid", "emergency_aid_high"),
    "collapsed_dwelling_households": (
        "collapsed_households_low",
        "collapsed_households_mid",
        "collapsed_households_high",
    ),
    "severely_damaged_dwelling_households": (
        "severe_households_low",
        "severe_households_mid",
        "severe_households_high",
    ),
}


def write_orders(
    session: Session, act: Act, text: Text, incident: str, folder: Path, *, fonts: Path | None = None
) -> list[Path]:
    """Write the incident's dispatch orders as one DOCX and one PDF."""
    found = incidents.get_incident(session, incident)
    orders = dispatch.orders_of(session, incident)
    # An order names its store, its approval and its villages to whoever may have the order.
    with whole(session):
        sheets = _order_sheets(session, act, text, found, orders)
    local = [papers.in_zone(order, act.at.tzinfo) for order in orders]
    sheets_out = order_documents(local, sheets, text) or (_no_orders(session, act, text, found),)
    return [
        write_docx(sheets_out, folder / "orders.docx", text, fonts=fonts),
        write_pdf(sheets_out, folder / "orders.pdf", text, fonts=fonts),
    ]


def _order_sheets(
    session: Session, act: Act, text: Text, found: Incident, orders: list[DispatchOrder]
) -> dict[str, OrderPaper]:
    names = places.names(session, "village", "code")
    keepers = places.table(session, "warehouse").set_index("warehouse_id")
    bureau = bureau_name(session, text)
    head = trail.anchor_words(text, trail.head(session))
    sheets = {}
    for order in orders:
        row = records.one(session, Order, order_id=order.order_id)
        approval = records.latest(session, Approval, plan_id=row.plan_id)
        oral = approval is not None and approval.mode == "oral"
        keeper = keepers.loc[order.warehouse]
        sheets[order.order_id] = OrderPaper(
            bureau=bureau, incident_name=found.name, issued_on=act.at.date(), names=names,
            to=(order.warehouse_name,), cc=(order.receiver_name,),
            sender_contact=documents.words(keeper["contact_name"]),
            sender_phone=documents.words(keeper["contact_phone"]),
            oral_leader=approval.leader if approval and oral else "",
            oral_at=approval.decided_at.astimezone(act.at.tzinfo) if approval and oral else None,
            recorder=approval.recorder if approval and oral else "",
            witness=approval.witness if approval and oral else "",
            synthetic=places.has_synthetic(session, *SYNTHETIC_LAYERS), exercise=found.exercise, audit_head=head,
        )  # fmt: skip
    return sheets


def _no_orders(session: Session, act: Act, text: Text, found: Incident) -> OfficialDocument:
    """Say in place of orders that there are none, with the reasons of the last plan."""
    plan = relief.latest_plan(session, found.incident_id)
    coverage = [] if plan is None else plan.document["coverage"]
    reasons = dict.fromkeys(row["reason"]["text"] for row in coverage if row["reason"])
    notices = [text("present.paper.exercise")] if found.exercise else []
    notices += [text("present.paper.synthetic")] if places.has_synthetic(session, *SYNTHETIC_LAYERS) else []
    return OfficialDocument(
        title=text("present.order.title"),
        issuer=bureau_name(session, text),
        issued_on=act.at.date(),
        body=(Paragraph(text("papers.no_orders", incident=found.name)), *(Paragraph(reason) for reason in reasons)),
        notices=tuple(notices),
    )


def bureau_name(session: Session, text: Text) -> str:
    """Name the issuing bureau."""
    name = settings_of.read(session, "bureau_name")
    return str(name or text("papers.bureau", district=settings_of.read(session, "name", "")))


def write_briefing(
    session: Session, act: Act, catalogue: Mapping[str, LayerSpec], policy: Policy, text: Text, incident: str,
    folder: Path, *, fonts: Path | None = None,
) -> list[Path]:  # fmt: skip
    """Write the briefing as DOCX and PDF, with the map plate as its annex."""
    content = briefing_content(session, act, catalogue, policy, text, incident)
    document = briefing_document(content, text)
    return [
        write_docx(document, folder / "briefing.docx", text, fonts=fonts),
        write_pdf(document, folder / "briefing.pdf", text, fonts=fonts),
    ]


def briefing_content(
    session: Session, act: Act, catalogue: Mapping[str, LayerSpec], policy: Policy, text: Text, incident: str,

) -> BriefingContent:  # fmt: skip
    """Gather everything the briefing says.

    Raises
    ------
    RefusedError
        ``papers.district_only``: who sees a part of the district writes no paper for all of it.
    """
    found = incidents.get_incident(session, incident)
    if part_of(session, BUREAU):
        raise RefusedError("papers.district_only")
    assessed = impact.latest_impact(session, incident)
    plan = relief.latest_plan(session, incident)
    confirmed = reports.confirmed_indicators(session, policy, incident)
    villages = places.table(session, "village").set_index("code")
    district = str(settings_of.read(session, "name", ""))
    content = maps.incident_map(session, act, catalogue, policy, text, incident, impact=assessed)
    advice, _ = response.advise_level(session, policy, incident)
    towns = places.names(session, "division", "code")
    phones = documents.officer_phones(places.table(session, "officer"))
    level = response.present_level(session, incident)
    silent = reports.silent_villages(session, incident, assessed)
    return BriefingContent(
        bureau=bureau_name(session, text), district=district, serial=1, year=act.at.year, incident=found.name,
        hazard=text.name("hazards", found.hazard, policy.hazards[found.hazard]),
        occurred_at=found.occurred_at.astimezone(act.at.tzinfo), cutoff=act.at, issued_on=act.at.date(),
        confirmed=_figures(policy, confirmed), estimates=_estimates(policy, assessed),
        reported=len(confirmed), expected=len(villages),
        level_text=level_sentence(text, advice.level),
        level_grounds=tuple(_ground(text, c) for c in advice.conditions if c.is_met and c.level == advice.level)
        or ((_nearest(text, advice.next_condition),) if advice.next_condition else ()),
        decision=_decision(text, level),
        isolated=tuple(_lonely(villages, towns, phones, code) for code in assessed["isolated"]),
        silent=tuple(_lonely(villages, towns, phones, code) for code in silent),
        relief=_relief_rows(policy, text, plan, towns),
        approvals=_approvals(text, act, plan, None if plan is None else dispatch.approval_of(session, plan.plan_id)),
        map_png=map_plate(content, text), map_title=text("papers.map_title"),
        synthetic=places.has_synthetic(session, *SYNTHETIC_LAYERS), exercise=found.exercise,
        audit_head=trail.anchor_words(text, trail.head(session)),
        plan_hash="" if plan is None else plan.result_hash[:16],
        policy_version=policy.version, code=incident,
    )  # fmt: skip


def level_sentence(text: Text, level: str | None) -> str:
    """Say which level is advised."""
    return text("papers.no_level") if level is None else text(f"papers.level_{level}")


def _ground(text: Text, condition: Condition) -> str:
    return text("papers.ground", bound=text.number(condition.bound, screen=False), **_told(text, condition))


def _nearest(text: Text, condition: Condition) -> str:
    return text("papers.distance", distance=text.number(condition.distance, screen=False), **_told(text, condition))


def _told(text: Text, condition: Condition) -> dict[str, str]:
    return {
        "name": condition.name_zh if text.language == "zh" else condition.name_en,
        "value": text.number(condition.value, screen=False),
        "unit": condition.unit,
        "level": text(f"names.level.{condition.level}"),
    }


def _decision(text: Text, level: dict[str, Any] | None) -> str:
    if level is None:
        return ""
    name = text(f"names.level.{level['level']}") if level["level"] else text("papers.not_activated")
    return text("papers.decision", leader=level["leader"], level=name, reason=level["reason"])


def _figures(policy: Policy, confirmed: dict[str, dict[str, float]]) -> tuple[Figure, ...]:
    totals = documents.total_by_town(confirmed, digits=6)
    sums = documents.merge_sums(totals)
    heads = {i.indicator: i for i in policy.indicators}
    return tuple(
        Figure(papers.short_heading(heads[code].heading), sums.get(code), heads[code].unit)
        for code in CONFIRMED
        if code in heads
    )


def _estimates(policy: Policy, assessed: Mapping[str, Any]) -> tuple[Estimate, ...]:
    heads = {i.indicator: i for i in policy.indicators}
    source = str(assessed["assumptions"].get("source", ""))
    totals = assessed["totals"]
    return tuple(
        Estimate(
            papers.short_heading(heads[code].heading), totals[low], totals[mid], totals[high], heads[code].unit, source
        )
        for code, (low, mid, high) in ESTIMATED.items()
        if code in heads
    )


def _lonely(villages: Any, towns: Mapping[str, str], phones: Mapping[str, str], code: str) -> IsolatedVillage:
    row = villages.loc[code]
    town = towns.get(code[:TOWN_DIGITS], code[:TOWN_DIGITS])
    people = int(row["resident_population"])
    return IsolatedVillage(town, str(row["name"]), people, phone=phones.get(code, ""))


def _relief_rows(policy: Policy, text: Text, plan: Plan | None, names: Mapping[str, str]) -> tuple[ReliefRow, ...]:
    if plan is None:
        return ()
    return tuple(
        ReliefRow(
            names.get(town, town), text.name("relief_items", item, policy.items[item]), policy.items[item].unit,
            need, got, text(f"papers.short.{reason}") if reason else "",
        )
        for (town, item), (need, got, reason) in papers.relief_by_town(plan.document["coverage"]).items()
    )  # fmt: skip


def _approvals(text: Text, act: Act, plan: Plan | None, approval: Approval | None) -> tuple[ApprovalRow, ...]:
    if plan is None or approval is None:
        return ()
    mark = text("papers.mark_oral" if approval.mode == "oral" else "papers.mark_written")
    subject = text("papers.plan_subject", version=plan.version)
    return (ApprovalRow(subject, mark, approval.approver, approval.decided_at.astimezone(act.at.tzinfo)),)


def write_statistics_form(session: Session, act: Act, policy: Policy, text: Text, incident: str, path: Path) -> Path:
    """Write the official form: confirmed figures only, by town; estimates beside them on a sheet of their own.

    Whoever sees a part of the district writes the form of that part, and the form says so.
    """
    found = incidents.get_incident(session, incident)
    confirmed = documents.total_by_town(reports.confirmed_indicators(session, policy, incident))
    names = places.names(session, "division", "code")
    district = str(settings_of.read(session, "name", ""))
    hazard = policy.hazards[found.hazard]
    subtype = policy.subtypes.get(found.subtype)
    hazard_text = f"{hazard.name_zh}-{subtype.name_zh if subtype else text('present.form.other')}"
    content = FormContent(
        headings=tuple((i.heading, i.indicator) for i in policy.indicators if i.form == hazard.form),
        rows=tuple(
            FormRow(
                names.get(town, town), hazard_text, district, found.occurred_at.astimezone(act.at.tzinfo), dict(values)
            )
            for town, values in sorted(confirmed.items())
        ),
        cutoff=act.at,
        estimates=_form_estimates(session, policy, text, incident, names),
        notices=(text("present.paper.exercise"),) if found.exercise else (),
        synthetic=places.has_synthetic(session, *SYNTHETIC_LAYERS),
        part=places.part_name(session),
    )
    return write_form(content, path, text)


def _form_estimates(
    session: Session, policy: Policy, text: Text, incident: str, names: Mapping[str, str]
) -> tuple[FormEstimate, ...]:
    assessed = impact.find_impact(session, incident)
    heads = {i.indicator: i for i in policy.indicators}
    rows = []
    for town in [] if assessed is None else assessed["by_town"]:
        for code, columns in ESTIMATED.items():
            band = Band(*(float(town[c]) for c in columns))
            if code in heads and band.high:
                label = papers.short_heading(heads[code].heading)
                estimate = Estimate(label, band.low, band.mid, band.high, heads[code].unit)
                rows.append(FormEstimate(names.get(town["code"], town["code"]), estimate))
    return tuple(rows)


def write_map(
    session: Session,
    act: Act,
    catalogue: Mapping[str, LayerSpec],
    policy: Policy,
    text: Text,
    incident: str,
    path: Path,
) -> Path:
    """Write the incident's map as one HTML file that opens without a network."""
    plan = relief.latest_plan(session, incident)
    content = maps.incident_map(
        session, act, catalogue, policy, text, incident, impact=impact.latest_impact(session, incident),
        plan=None if plan is None else plan.document,
    )  # fmt: skip
    path.write_text(map_html(content, text), encoding="utf-8")
    return path


def level_lines(text: Text, advice: LevelAdvice) -> list[str]:
    """Write the advice on the level line by line: the level, then every condition with its distance."""
    return [
        level_sentence(text, advice.level),
        *(_ground(text, c) if c.is_met else _nearest(text, c) for c in advice.conditions),
    ]
