"""物资方案: who gets what from where, and is it fair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.pages import approval, asking, frame, orders, work
from geo_minzheng.services import dispatch, duty, impact, maps, places, relief, roads, stock

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.incident import Incident
    from geo_minzheng.model.map import MapContent
    from geo_minzheng.services.steps import Step

TABS = ("why", "need", "again", "approve", "orders", "request", "difference", "rival", "stock")
# More names than this are counted, not listed.
MOST_NAMES = 8


def show(office: Bureau) -> None:
    """Show the plan of the address's incident, or the way to the first one."""
    text = office.text
    frame.page_head(office, text("pages.relief.title"), text("pages.relief.question"))
    found = frame.need_incident(office, "relief")
    if found is None:
        return
    with office.reading() as session:
        part = office.place or places.part_name(session)
    if part:
        _own_part(office, found)
        return
    with office.reading() as session:
        assessed = impact.find_impact(session, found.incident_id)
        plan = relief.latest_plan(session, found.incident_id)
    if assessed is None:
        st.info(text("pages.relief.no_impact"))
        frame.link("incident", text("pages.relief.to_incident"), icon=":material/flood:")
    elif plan is None:
        _first_plan(office, found)
    if assessed is None or plan is None:
        st.subheader(text("pages.relief.tab.request"), anchor=False)
        asking.show(office, found)
        return
    frame.keep("plan", plan.plan_id)
    _headline(office, plan)
    if not plan.document["lines"]:
        st.warning(text("pages.relief.nothing"))
    left, right = st.columns([2, 5], gap="medium")
    with left:
        village = _strip(office, plan.document)
    with right:
        _map_part(office, found, plan.plan_id)
    _tabs(office, found, plan, village)


def _tabs(office: Bureau, found: Incident, plan: Any, village: str) -> None:
    text = office.text
    may_plan = office.can("relief.plan", "plan")
    names = [name for name in TABS if name != "again" or may_plan]
    tabs = frame.tabs(office, "tab", {name: text(f"pages.relief.tab.{name}") for name in names})
    with tabs["why"]:
        _why_part(office, found, plan.document, village)
    with tabs["need"]:
        _need(office, found)
    if may_plan:
        with tabs["again"]:
            _plan_form(office, found, is_first=False)
    with tabs["approve"]:
        approval.show(office, found, plan)
    with tabs["orders"]:
        orders.show(office, found)
    with tabs["request"]:
        asking.show(office, found)
    with tabs["difference"]:
        _difference(office, plan)
    with tabs["rival"]:
        _rival(office, plan.document)
    with tabs["stock"]:
        _stock(office)


def _own_part(office: Bureau, found: Incident) -> None:
    """Show the orders that leave or reach somebody's own place or town, and its stock or what it asks for."""
    other = "stock" if office.sight.place_kind == "warehouse" else "request"
    tabs = frame.tabs(office, "tab", {name: office.text(f"pages.relief.tab.{name}") for name in ("orders", other)})
    with tabs["orders"]:
        orders.show(office, found)
    with tabs[other]:
        if other == "stock":
            _stock(office)
        else:
            asking.show(office, found)


def _first_plan(office: Bureau, found: Incident) -> None:
    st.info(office.text("pages.relief.no_plan"))
    left, right = st.columns([2, 5], gap="medium")
    with left:
        if office.can("relief.plan", "plan"):
            _plan_form(office, found, is_first=True)
    with right:
        _need(office, found)


def _headline(office: Bureau, plan: Any) -> None:
    """Say in one line which plan this is and where it stands."""
    text = office.text
    with office.reading() as session:
        decided = dispatch.approval_of(session, plan.plan_id)
        paper = dispatch.paper_of(session, plan.plan_id)
    at = text.moment(plan.at.astimezone(office.now().tzinfo), screen=True)
    state = "waiting" if decided is None else decided.verdict if decided.mode == "written" else "oral"
    state = state if paper is None else "signed"
    line = text("pages.relief.headline", version=plan.version, who=plan.who, at=at,
                status=text(f"names.status.{plan.document['status']}"),
                state=text(f"pages.relief.state.{state}"))  # fmt: skip
    frame.strong(line)
    if plan.reason:
        frame.note(text("pages.relief.because", reason=plan.reason))
    if decided is not None and decided.paper_due is not None and paper is None:
        approval.clock(office, decided.paper_due)
    numbers = duty.plan_numbers(plan.document)
    cells = st.columns(4)
    cells[0].metric(text("pages.relief.number.served"),
                    text("pages.relief.of", part=numbers["served"], all=numbers["villages"]))  # fmt: skip
    cells[1].metric(
        text("pages.relief.number.first_night"),
        "—" if numbers["first_night"] is None else text("pages.relief.percent", n=numbers["first_night"]),
    )
    cells[2].metric(text("pages.relief.number.isolated"), text("pages.relief.places", n=len(plan.document["isolated"])))
    cells[3].metric(text("pages.relief.number.load"),
                    text("pages.relief.load", tons=text.number(numbers["tons"]), n=numbers["lines"]))  # fmt: skip


def _names(office: Bureau) -> dict[str, str]:
    return frame.kept(office, ("place_names",), lambda: _read_names(office))


def _read_names(office: Bureau) -> dict[str, str]:
    with office.reading() as session:
        villages = places.names(session, "village", "code")
        stores = places.names(session, "warehouse", "warehouse_id")
        return villages | stores | places.names(session, "site", "site_id")


def item_name(office: Bureau, item: str) -> str:
    """Name an item in the reader's language."""
    return office.text.name("relief_items", item, office.policy().items[item])


def _strip(office: Bureau, document: dict[str, Any]) -> str:
    """Show coverage by village, worst first; give the village that was picked, else the worst one."""
    text, names = office.text, _names(office)
    rows = duty.cover_by_village(document)
    st.subheader(text("pages.relief.coverage"), anchor=False)
    shown = [
        {
            text("pages.relief.col.village"): names.get(row["village"], row["village"]),
            text("pages.relief.col.first_night"): row["first_night"],
            text("pages.relief.col.mean"): row["mean"],
            text("pages.relief.col.arrive"): "—" if row["arrive_min"] is None else text.duration(row["arrive_min"]),
            text("pages.relief.col.short"): "、".join(item_name(office, i) for i in row["short_items"]) or "—",
        }
        for row in rows
    ]
    codes = [str(row["village"]) for row in rows]
    chosen = frame.picked_rows(
        shown, text("pages.relief.coverage"), "village", codes, key="coverage", height=440,
        place=frame.places_of(office, "village", "code", codes),
        column_config={text(f"pages.relief.col.{name}"): frame.bar() for name in ("first_night", "mean")},
    )  # fmt: skip
    if document["isolated"]:
        lost = [names.get(v, v) for v in document["isolated"]]
        key = "pages.relief.isolated" if len(lost) <= MOST_NAMES else "pages.relief.isolated_many"
        frame.note(text(key, villages=lost[:MOST_NAMES], n=len(lost)))
    if not rows:
        return ""
    return str(rows[chosen[0] if chosen else 0]["village"])


def _content(office: Bureau, incident: str, plan_id: str) -> MapContent:
    with office.reading() as session:
        return maps.incident_map(
            session, office.act(), office.catalogue, office.policy(), office.text, incident,
            impact=impact.find_impact(session, incident), plan=relief.get_plan(session, plan_id).document,
        )  # fmt: skip


@st.fragment
def _map_part(office: Bureau, found: Incident, plan_id: str) -> None:
    """Show the flows; a click on a road offers to cut it and plan again."""
    with frame.refusals(office):
        content = frame.kept(office, ("relief", plan_id), lambda: _content(office, found.incident_id, plan_id))
        answer = frame.show_map(content, office, key="relief_map", point=True, height=470)
        _cut_form(office, found, plan_id, answer.get("last_clicked"))


def _carrying(office: Bureau, found: Incident, plan_id: str) -> list[str]:
    with office.reading() as session:
        document = relief.get_plan(session, plan_id).document
        return relief.carrying_roads(session, office.policy(), found.incident_id, document)


def _road_names(office: Bureau) -> dict[str, str]:
    with office.reading() as session:
        return roads.road_names(session)


def _cut_form(office: Bureau, found: Incident, plan_id: str, place: dict[str, float] | None) -> None:
    """Choose a road, by a click or from the plan's own, cut it and plan again."""
    if not (office.can("road.closed", "closure") and office.can("relief.plan", "plan")):
        return
    text = office.text
    names = frame.kept(office, ("road_names",), lambda: _road_names(office))
    options = list(frame.kept(office, ("carrying", plan_id), lambda: _carrying(office, found, plan_id)))
    clicked = ""
    if place is not None:
        with office.reading() as session:
            clicked = roads.road_at(session, office.policy(), place["lng"], place["lat"])
    if clicked and clicked not in options:
        options.insert(0, clicked)
    place_words = text("pages.relief.clicked", road=clicked, name=names.get(clicked, "")) if clicked else ""
    frame.note(place_words or text("pages.relief.click_hint"))
    with st.form(f"cut_{clicked}", border=False):
        first, second, third = st.columns([2, 2, 1.4], vertical_alignment="bottom")
        road = first.selectbox(
            text("pages.relief.road"), options, index=options.index(clicked) if clicked else None,
            format_func=lambda r: f"{r} {names.get(r, '')}", placeholder=text("pages.relief.road_choose"),
        )  # fmt: skip
        reason = second.text_input(text("pages.relief.cut_reason"), value=text("pages.relief.cut_default"))
        if third.form_submit_button(text("pages.relief.cut"), type="primary", width="stretch") and road:
            _cut(office, found, road, reason)


def _cut(office: Bureau, found: Incident, road: str, reason: str) -> None:
    text = office.text

    def job(step: Step) -> str:
        with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
            before = relief.latest_plan(session, found.incident_id)
            roads.close_road(session, act, found.incident_id, road, reason=reason, source=text("pages.relief.by_desk"))
            wish = relief.PlanWish(vehicle="" if before is None else relief.planned_vehicle(before),
                                   reason=text("pages.relief.cut_reason_line", road=road, reason=reason))  # fmt: skip
            made = relief.plan_relief(session, act, office.policy(), text, found.incident_id, wish=wish, step=step)
            changes = 0 if before is None else len(relief.compare_plans(session, before.plan_id, made["plan_id"]))
        return text("pages.relief.replanned", road=road, version=made["version"], changes=changes)

    work.begin(text, text("pages.relief.step_again"), job)


def _why_part(office: Bureau, found: Incident, document: dict[str, Any], village: str) -> None:
    """Show one village item by item, with the reason on every row, and the answer to 「为什么」 for the picked one."""
    text = office.text
    if not village:
        frame.note(text("pages.relief.no_need"))
        return
    names = _names(office)
    frame.strong(names.get(village, village))
    rows = duty.village_rows(document, village)
    arrivals = duty.arrivals(document, village)
    shown = [_item_row(office, row, names, arrivals.get(row["item"])) for row in rows]
    chosen = frame.picked_rows(
        shown, text("pages.relief.table.village", village=names.get(village, village)), "item",
        [str(row["item"]) for row in rows], key=f"items_{village}",
        column_config={
            text("pages.relief.col.rate"): frame.bar(),
            text("pages.relief.col.reason"): st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip
    if not chosen:
        frame.note(text("pages.relief.why_hint"))
        return
    row = rows[chosen[0]]
    with st.spinner(text("pages.relief.step_why")), frame.refusals(office):
        lines = frame.kept(
            office, ("why", found.incident_id, village, row["item"]), lambda: _why(office, found, village, row["item"])
        )
        frame.strong(text("pages.relief.why", village=names.get(village, village), item=item_name(office, row["item"])))
        frame.bullets(lines)


def _item_row(
    office: Bureau, row: dict[str, Any], names: dict[str, str], sent: tuple[tuple[str, ...], float] | None
) -> dict[str, Any]:
    text = office.text
    cells = {
        "item": item_name(office, row["item"]),
        "unit": office.policy().items[row["item"]].unit,
        "need": row["need"],
        "need_packed": row["need_packed"],
        "got": row["got"],
        "rate": row["percent"],
        "source": "—" if sent is None else "、".join(names.get(w, w) for w in sent[0]),
        "arrive": "—" if sent is None else text.duration(sent[1]),
        "reason": row["reason"]["text"] if row["reason"] else text("pages.relief.covered"),
    }
    return {text(f"pages.relief.col.{name}"): value for name, value in cells.items()}


def _why(office: Bureau, found: Incident, village: str, item: str) -> list[str]:
    with office.reading() as session:
        return relief.explain_lines(
            session, office.act(), office.policy(), office.text, found.incident_id, village=village, item=item
        )


def _need(office: Bureau, found: Incident) -> None:
    """Show the district's need as sums that can be read out."""
    text = office.text
    st.subheader(text("pages.relief.need"), anchor=False)
    with frame.refusals(office):
        needed = frame.kept(office, ("need", found.incident_id), lambda: _sentences(office, found))
        if not needed:
            frame.note(text("pages.relief.need_nothing"))
            return
        frame.bullets(needed)
        frame.note(text("pages.relief.need_note"))


def _sentences(office: Bureau, found: Incident) -> list[str]:
    with office.reading() as session:
        return relief.need_sentences(session, office.policy(), office.text, found.incident_id, screen=True)


def _plan_form(office: Bureau, found: Incident, *, is_first: bool) -> None:
    """Take what the planner may set, and plan."""
    text, policy = office.text, office.policy()
    with st.form("plan", border=False):
        vehicle = st.selectbox(
            text("pages.relief.vehicle"), list(policy.vehicles),
            format_func=lambda v: text.name("vehicles", v, policy.vehicles[v]),
        )  # fmt: skip
        deadline = st.number_input(text("pages.relief.deadline"), min_value=0.5, value=None, step=0.5)
        reason = "" if is_first else st.text_input(text("pages.relief.again_reason"))
        key = "pages.relief.make" if is_first else "pages.relief.make_again"
        if st.form_submit_button(text(key), type="primary"):
            _plan(office, found, relief.PlanWish(vehicle, None, duty.minutes_of(deadline), reason))


def _plan(office: Bureau, found: Incident, wish: relief.PlanWish) -> None:
    text = office.text

    def job(step: Step) -> str:
        with office.transaction(incident=found.incident_id, exercise=found.exercise) as (session, act):
            made = relief.plan_relief(session, act, office.policy(), text, found.incident_id, wish=wish, step=step)
        return text("pages.relief.planned", version=made["version"], lines=len(made["lines"]))

    work.begin(text, text("pages.relief.step_plan"), job)


def _difference(office: Bureau, plan: Any) -> None:
    """List what changed since the version before."""
    text = office.text
    if not plan.supersedes:
        frame.note(text("pages.relief.first_version"))
        return
    names = _names(office)
    with office.reading() as session:
        changes = relief.compare_plans(session, plan.supersedes, plan.plan_id)
    frame.note(text("pages.relief.differs", count=len(changes), before=plan.supersedes, reason=plan.reason or "—"))
    frame.table(
        [
            {
                text("pages.relief.col.village"): names.get(c["village"], c["village"]),
                text("pages.relief.col.item"): item_name(office, c["item"]),
                text("pages.relief.col.source"): names.get(c["warehouse"], c["warehouse"]),
                text("pages.relief.col.before"): c["before"],
                text("pages.relief.col.after"): c["after"],
                text("pages.relief.col.change"): c["change"],
                text("pages.relief.col.unit"): office.policy().items[c["item"]].unit,
            }
            for c in duty.with_change(changes)
        ],
        text("pages.relief.tab.difference"),
    )


def _rival(office: Bureau, document: dict[str, Any]) -> None:
    """Set the plan beside 就近发放."""
    text = office.text
    frame.note(text("pages.relief.rival_note"))
    heads = ("worst", "rival_worst", "mean", "rival_mean")
    frame.table(
        [
            {text("pages.relief.col.item"): item_name(office, row["item"])}
            | {text(f"pages.relief.col.fair_{h}"): row[h] for h in heads}
            | {text("pages.relief.col.none"): row["none"], text("pages.relief.col.rival_none"): row["rival_none"]}
            for row in duty.beside_rival(document)
        ],
        text("pages.relief.tab.rival"),
        column_config={text(f"pages.relief.col.fair_{h}"): frame.bar() for h in heads},
    )  # fmt: skip


def _stock(office: Bureau) -> None:
    """Show what stands in the stores and what of it may be moved."""
    text, names = office.text, _names(office)
    with frame.refusals(office), office.reading() as session:
        rows = stock.list_stock(session, office.policy(), office.today())
        frame.table(
            [
                {
                    text("pages.relief.col.store"): names.get(r["warehouse"], r["warehouse"]),
                    text("pages.relief.col.item"): item_name(office, r["item"]),
                    text("pages.relief.col.lot"): r["lot_no"],
                    text("pages.relief.col.quantity"): r["quantity"],
                    text("pages.relief.col.reserved"): r["reserved"],
                    text("pages.relief.col.movable"): r["movable"],
                    text("pages.relief.col.unit"): r["unit"],
                    text("pages.relief.col.owner"): text(f"pages.relief.owner.{r['owner']}"),
                    text("pages.relief.col.expiry"): r["expiry_on"] or "—",
                }
                for r in rows
            ],
            text("pages.relief.tab.stock"),
            place=frame.places_of(office, "warehouse", "warehouse_id", [r["warehouse"] for r in rows]),
        )
        frame.note(text("pages.relief.stock_note"))


show(frame.bureau())
