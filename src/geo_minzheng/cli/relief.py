"""``relief``: need, plan, explain, approve, dispatch."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli import frame, goods_lines
from geo_minzheng.cli.frame import bureau, plan_row, refusals, save_json, show, writing
from geo_minzheng.cli.words import words_of
from geo_minzheng.engine import documents
from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.services import dispatch, duty, incidents, needs, papers, relief

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act

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
            words = words_of(office, session)
        show(rows, lambda: goods_lines.need_lines(words, rows))


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
            words = words_of(office, session)
        show(made, lambda: goods_lines.plan_lines(words, made))


def _hours(word: str) -> tuple[str, float]:
    warehouse, _, hours = word.partition("=")
    try:
        return warehouse, float(hours)
    except ValueError as error:
        raise InputError("relief.bad_limit", name=warehouse, value=hours) from error


@app.command("list")
def list_(incident: IncidentId) -> None:
    """各版方案及审批情况，新的在前 · the versions of the plan and what became of them."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            incidents.get_incident(session, incident)
            plans = relief.list_plans(session, incident)
            states = [
                goods_lines.state_of(dispatch.approval_of(session, p.plan_id), dispatch.paper_of(session, p.plan_id))
                for p in plans
            ]
            words = words_of(office, session)
            rows = [
                {
                    "plan_id": p.plan_id, "version": p.version, "at": p.at, "who": p.who, "status": p.status,
                    "state": state, "reason": p.reason, "plan_hash": p.result_hash,
                }
                for p, state in zip(plans, states, strict=True)
            ]  # fmt: skip
            lines = [goods_lines.version_line(words, p, state) for p, state in zip(plans, states, strict=True)]
        show(rows, lambda: lines or [office.text("cli.plan.none")])


@app.command("show")
def show_(
    incident: IncidentId,
    plan: Annotated[str, typer.Option(help="方案编号，不写为最新 · plan id, else the newest")] = "",
    out: Annotated[Path | None, typer.Option(help="另存 plan.json 的文件 · also write plan.json")] = None,
) -> None:
    """方案：各品种保障、运不到的村、可向上申请的物资 · a plan: coverage, who is out of reach, what to ask upward."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            row = plan_row(session, incident, plan)
            made = dict(row.document) | {"plan_id": row.plan_id, "version": row.version}
            words = words_of(office, session)
        save_json(row.document, out)
        show(made, lambda: goods_lines.plan_lines(words, made))


@app.command()
def diff(before: PlanId, after: Annotated[str, typer.Argument(help="方案编号 · plan id")]) -> None:
    """两版方案的差异 · how two plans differ."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            rows = relief.compare_plans(session, before, after)
            words = words_of(office, session)
        show(rows, lambda: goods_lines.change_lines(words, rows))


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
            words = words_of(office, session)
            asked = (session, office.act(), policy)
            try:
                if frame.options.as_json:
                    told, lines = relief.explain_shortage(*asked, incident, village, item), []
                else:
                    told = {}
                    lines = relief.explain_lines(*asked, office.text, incident, village=village, item=item)
            except NotFoundError as error:
                # That a village needs nothing of it is an answer; an unknown village or item is not.
                if error.key != "relief.no_need" or village not in words.places or item not in policy.items:
                    raise
                told = {"coverage": None, "reason": None, "changes": []}
                lines = [office.text("cli.plan.no_need_here", village=words.place(village), item=words.item(item))]
            row = relief.latest_plan(session, incident)
        mine = [] if row is None else duty.village_rows(row.document, village)
        show(told, lambda: [*(goods_lines.cover_line(words, r) for r in mine if r["item"] == item), *lines])


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
            words = words_of(office, session)
        told = [f"{words.item(x.item)} {words.of(x.item, x.quantity)}" for x in lines]
        facts = {"number": number, "receiver": words.place(receiver), "lines": words.join(told)}
        show({"request": number}, lambda: [office.text("cli.plan.requested", **facts)])


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
            words = words_of(office, session)
        show(done, lambda: goods_lines.approval_lines(words, done))


@app.command()
def reject(plan_id: PlanId, reason: Annotated[str, typer.Option(help="理由 · reason")]) -> None:
    """否决方案 · reject a plan."""
    with refusals():
        office = bureau()
        with office.transaction() as (session, act):
            dispatch.reject_plan(session, act, plan_id, reason=reason)
        show({"plan": plan_id, "verdict": "rejected"}, lambda: [office.text("pages.relief.rejected")])


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
        show({"plan": plan_id, "sha256": seal}, lambda: [office.text("pages.relief.scan_kept", hash=seal)])


@app.command("papers")
def papers_(
    overdue: Annotated[bool, typer.Option("--overdue", help="只看逾期的 · overdue only")] = False,
) -> None:
    """待补签的口头批准，逾期的在前 · plans approved by phone whose paper is missing, overdue first."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            rows = _papers_waiting(session, office.act())
            words = words_of(office, session)
        rows = [row for row in rows if row["minutes_left"] < 0 or not overdue]
        show(rows, lambda: [goods_lines.paper_line(words, r) for r in rows] or [office.text("cli.plan.no_paper_due")])


def _papers_waiting(session: Session, act: Act) -> list[dict[str, Any]]:
    return [
        {
            "plan": row.plan_id, "leader": row.leader, "number": row.number, "recorder": row.recorder,
            "witness": row.witness, "decided_at": row.decided_at, "due": row.paper_due,
            "minutes_left": duty.minutes_left(row.paper_due, act),
        }
        for row in dispatch.papers_due(session, datetime.max.replace(tzinfo=UTC))
        if row.paper_due is not None
    ]  # fmt: skip


@app.command()
def orders(
    incident: IncidentId,
    order: Annotated[str, typer.Option(help="只看一份，列出各行 · one order, with its lines")] = "",
    out: Annotated[Path | None, typer.Option(help="同时输出公文的目录 · folder for the documents")] = None,
) -> None:
    """调拨单 · the dispatch orders."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            found = [o for o in dispatch.orders_of(session, incident) if order in ("", o.order_id)]
            if order and not found:
                raise NotFoundError("store.not_found", table="dispatch_order", key=order)
            words = words_of(office, session)
            files: list[Path] = []
            if out is not None:
                with writing(out):
                    out.mkdir(parents=True, exist_ok=True)
                    files = papers.write_orders(session, office.act(), office.official_text, incident, out)
        lines = [goods_lines.order_line(words, o) for o in found] or [office.text("pages.relief.no_orders")]
        lines += goods_lines.order_details(words, found[0]) if order else []
        told = {"orders": [documents.plain(o) for o in found], "files": [str(f) for f in files]}
        show(told, lambda: [*lines, *told["files"]])


@app.command()
def order(
    order_id: OrderId,
    to: Annotated[
        str,
        typer.Option(help="issued picking in_transit arrived received received_with_variance distributed cancelled"),
    ],
    note: Annotated[str, typer.Option(help="说明；撤销和差异签收必填 · note, needed to cancel or for a variance")] = "",
    voucher: Annotated[str, typer.Option(help="出库单号 · voucher")] = "",
    quantity: Annotated[
        list[str] | None, typer.Option(help="行号=实数：出库或差异签收时 · LINE=QUANTITY shipped or received")
    ] = None,
) -> None:
    """调拨单流转：下达、出库、在途、到达、签收 · take an order one step on."""
    with refusals():
        office = bureau()
        quantities = dict(_counted(word) for word in quantity or ())
        with office.transaction() as (session, act):
            done = dispatch.advance_order(session, act, order_id, to, note=note, voucher=voucher, quantities=quantities)
        facts = {
            "order": order_id,
            "number": done.number,
            "state": office.text(f"pages.relief.order.{done.state.value}"),
        }
        show({"order": order_id, "state": done.state.value}, lambda: [office.text("cli.order.stepped", **facts)])


def _counted(word: str) -> tuple[int, float]:
    number, _, amount = word.partition("=")
    try:
        return int(number), float(amount)
    except ValueError as error:
        raise InputError("relief.bad_line", value=word) from error
