"""``stock``: what stands in the stores; receive and issue."""

from __future__ import annotations

from typing import Annotated

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli import goods_lines
from geo_minzheng.cli.frame import bureau, refusals, show
from geo_minzheng.cli.words import Words
from geo_minzheng.model.ledger import LotLine, LotReceipt
from geo_minzheng.services import stock

app = typer.Typer(no_args_is_help=True, help="库存 · stock")

Voucher = Annotated[str, typer.Option("--voucher", help="单据号 · voucher number")]
Warehouse = Annotated[str, typer.Argument(help="仓库编号 · warehouse")]
Lot = Annotated[str, typer.Option("--lot", help="批次号 · lot")]


@app.command("list")
def list_() -> None:
    """结存、已预留、可动用 · quantity, reserved, movable."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            rows = stock.list_stock(session, policy, office.today())
        words = Words(office.text, policy)
        show(rows, lambda: goods_lines.stock_lines(words, rows))


@app.command()
def receive(
    warehouse: Warehouse,
    item: Annotated[str, typer.Argument(help="品种编码 · item")],
    quantity: Annotated[float, typer.Argument(help="数量 · quantity")],
    unit: Annotated[str, typer.Option(help="计量单位 · unit")],
    lot: Lot,
    voucher: Voucher,
    expiry: Annotated[str, typer.Option(help="保质期至 · expiry day")] = "",
    owner: Annotated[str, typer.Option(help="权属 · owner")] = "district",
) -> None:
    """入库 · receive goods."""
    with refusals():
        office = bureau()
        policy = office.policy()
        told = LotReceipt(
            warehouse, lot, item, unit, quantity, office.today(), owner,
            expiry_on=bootstrap.parse_moment(expiry).date() if expiry else None,
        )  # fmt: skip
        with office.transaction() as (session, act):
            stock.receive(session, act, policy, voucher, told, owners=stock.owners_of(office.catalogue))
        words = Words(office.text, policy)
        facts = {"voucher": voucher, "warehouse": warehouse, "lot": lot, "told": words.of(item, quantity)}
        show({"voucher": voucher}, lambda: [office.text("cli.stock.received", item=words.item(item), **facts)])


@app.command()
def issue(
    warehouse: Warehouse,
    quantity: Annotated[float, typer.Argument(help="数量 · quantity")],
    lot: Lot,
    voucher: Voucher,
    note: Annotated[str, typer.Option(help="用途 · note")] = "",
) -> None:
    """出库（不经方案）· issue goods without a plan."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.transaction() as (session, act):
            stock.issue(session, act, voucher, LotLine(warehouse, lot, quantity), note=note)
            rows = stock.list_stock(session, policy, office.today())
        words = Words(office.text, policy)
        item = next(r["item"] for r in rows if (r["warehouse"], r["lot_no"]) == (warehouse, lot))
        told = f"{words.item(item)} {words.of(item, quantity)}"
        facts = {"voucher": voucher, "warehouse": warehouse, "lot": lot, "told": told}
        show({"voucher": voucher}, lambda: [office.text("cli.stock.issued", **facts)])
