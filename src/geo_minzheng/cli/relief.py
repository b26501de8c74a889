"""``relief``: need, plan, explain, approve, dispatch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli.frame import bureau, refusals, show
from geo_minzheng.engine import documents
from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.services import dispatch, incidents, needs, papers, relief

app = typer.Typer(no_args_is_help=True, help="救助物资 · relief")

IncidentId = Annotated[str, typer.Option("--incident", help="灾害过程编号 · incident id")]
PlanId = Annotated[str, typer.Argument(help="方案编号 · plan id")]
OrderId = Annotated[str, typer.Argument(help="调拨单编号 · order id")]


@app.command()
def need(incident: IncidentId) -> None:
    """测算需求，逐项列式 · the need, as sums."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            rows = needs.need_sums(session, policy, incident)
            lines = relief.need_sentences(session, policy, office.text, incident)
        show(rows, lambda: lines)


@app.command()
def plan(
    incident: IncidentId,
    vehicle: Annotated[str, typer.Option(help="车辆类别 · vehicle class")] = "",
    deadline: Annotated[float | None, typer.Option(help="最迟到达（分钟）· deadline [min]")] = None,
    lorry_hours: Annotated[list[str] | None, typer.Option(help="仓库=车小时 · WAREHOUSE=HOURS")] = None,
    reason: Annotated[str, typer.Option(help="重新生成的原因 · why a new version")] = "",
) -> None:
    """生成物资方案 · make a plan."""
    with refusals():
        office = bureau()
        policy = office.policy()
        hours = dict(_hours(word) for word in lorry_hours or ()) or None
        wish = relief.PlanWish(vehicle, hours, deadline, reason)
        with office.transaction(incident=incident) as (session, act):
            made = relief.plan_relief(session, act, policy, office.text, incident, wish=wish)
        show(made, lambda: relief.plan_lines(made, policy, office.text))


def _hours(word: str) -> tuple[str, float]:
    warehouse, _, hours = word.partition("=")
    try:
        return warehouse, float(hours)
    except ValueError as error:
        raise InputError("relief.bad_limit", name=warehouse, value=hours) from error


@app.command("show")
def show_(incident: IncidentId) -> None:
    """最新方案 · the newest plan."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            incidents.get_incident(session, incident)
            row = relief.latest_plan(session, incident)
        if row is None:
            raise NotFoundError("relief.no_plan", incident=incident)
        made = dict(row.document) | {"plan_id": row.plan_id, "version": row.version}
        show(made, lambda: relief.plan_lines(made, policy, office.text))


@app.command()
def diff(before: PlanId, after: Annotated[str, typer.Argument(help="方案编号 · plan id")]) -> None:
    """两版方案的差异 · how two plans differ."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            rows = relief.compare_plans(session, before, after)
        show(
            rows,
            lambda: [f"{r['village']} {r['item']} {r['warehouse']}: {r['before']:g} → {r['after']:g}" for r in rows],
        )


@app.command()
def why(
    incident: IncidentId,
    village: Annotated[str, typer.Option(help="行政村代码 · village")],
    item: Annotated[str, typer.Option(help="品种 · item")],
) -> None:
    """为什么不能更多 · why not more, and what one more unit would change."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            told = relief.explain_shortage(session, office.act(), policy, incident, village, item)
        show(told)


@app.command()
def request(
    incident: IncidentId,
    receiver: Annotated[str, typer.Option(help="接收点编号 · receiver")],
    line: Annotated[list[str], typer.Option("--line", help="品种=数量 · ITEM=QUANTITY")],
) -> None:
    """需求报告单 · a request from a receiver."""
    with refusals():
        office = bureau()
        policy = office.policy()
        lines = [dispatch.Request(receiver, *_amount(word)) for word in line]
        with office.transaction(incident=incident) as (session, act):
            number = dispatch.request_relief(session, act, policy, incident, lines)
        show({"request": number}, lambda: [number])


def _amount(word: str) -> tuple[str, float]:
    item, _, amount = word.partition("=")
    try:
        return item, float(amount)
    except ValueError as error:
        raise InputError("relief.bad_quantity", value=amount) from error


@app.command()
def approve(
    plan_id: PlanId,
    oral: Annotated[bool, typer.Option("--oral", help="电话批准 · by phone")] = False,
    leader: Annotated[str, typer.Option(help="电话批准的领导 · who spoke")] = "",
    witness: Annotated[str, typer.Option(help="见证人 · second witness")] = "",
    decided_at: Annotated[str, typer.Option(help="批准时间 · when")] = "",
    number: Annotated[str, typer.Option(help="电话号码或批件号 · number")] = "",
) -> None:
    """批准方案：生成调拨单并预留库存 · approve a plan."""
    with refusals():
        office = bureau()
        policy = office.policy()
        told = dispatch.Approving(
            plan_id, "oral" if oral else "written", leader=leader, witness=witness, number=number,
            decided_at=bootstrap.parse_moment(decided_at) if decided_at else None,
        )  # fmt: skip
        with office.transaction() as (session, act):
            done = dispatch.approve_plan(session, act, policy, office.official_text, told)
        show(done, lambda: list(done["orders"]))


@app.command()
def reject(plan_id: PlanId, reason: Annotated[str, typer.Option(help="理由 · reason")]) -> None:
    """否决方案 · reject a plan."""
    with refusals():
        with bureau().transaction() as (session, act):
            dispatch.reject_plan(session, act, plan_id, reason=reason)
        show({"plan": plan_id, "verdict": "rejected"}, lambda: [plan_id])


@app.command()
def paper(plan_id: PlanId, scan: Annotated[Path, typer.Argument(help="签字盖章扫描件 · the signed scan")]) -> None:
    """补签：上传签字盖章的扫描件 · attach the signed and sealed paper."""
    with refusals():
        office = bureau()
        try:
            content = scan.read_bytes()
        except OSError as error:
            raise InputError("relief.no_scan", file=str(scan)) from error
        with office.transaction() as (session, act):
            seal = dispatch.sign_paper(session, act, plan_id, content, folder=office.settings.home / "papers")
        show({"plan": plan_id, "sha256": seal}, lambda: [seal])


@app.command()
def orders(
    incident: IncidentId,
    out: Annotated[Path | None, typer.Option(help="同时输出公文的目录 · folder for the documents")] = None,
) -> None:
    """调拨单 · the dispatch orders."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            found = dispatch.orders_of(session, incident)
            files: list[Any] = []
            if out is not None:
                files = papers.write_orders(session, office.act(), office.official_text, incident, out)
        show(
            {"orders": [documents.plain(o) for o in found], "files": [str(f) for f in files]},
            lambda: [
                f"{o.order_id}  {o.number}  {o.state.value}  {o.warehouse_name} → {o.receiver_name}" for o in found
            ],
        )


@app.command()
def order(
    order_id: OrderId,
    to: Annotated[str, typer.Option(help="issued picking in_transit arrived received distributed cancelled …")],
    note: Annotated[str, typer.Option(help="说明 · note")] = "",
    voucher: Annotated[str, typer.Option(help="出库单号 · voucher")] = "",
) -> None:
    """调拨单流转：下达、出库、在途、到达、签收 · take an order one step on."""
    with refusals():
        with bureau().transaction() as (session, act):
            done = dispatch.advance_order(session, act, order_id, to, note=note, voucher=voucher)
        show({"order": order_id, "state": done.state.value}, lambda: [f"{order_id}  {done.state.value}"])
