"""What stands in the stores, and what of it may be moved tonight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import stock as stock_engine
from geo_minzheng.errors import InputError, MissingValueError
from geo_minzheng.model.ledger import LotLine, LotReceipt
from geo_minzheng.model.relief import StockLot
from geo_minzheng.services import places
from geo_minzheng.store import ledger
from geo_minzheng.store import stock as stock_store

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.layer import LayerSpec
    from geo_minzheng.model.policy import Policy


def movable_stock(session: Session, policy: Policy, day: date) -> tuple[StockLot, ...]:
    """List every lot with what may be moved of it: own goods, usable, lasting, less the 机动留底 share."""
    rule = stock_engine.MovableRule(
        owners=owners_we_release(policy),
        reserve_share=policy.number("dispatch.reserve_share"),
        min_shelf_days={c: i.min_shelf_days for c, i in policy.items.items() if i.min_shelf_days is not None},
    )
    lots = [
        StockLot(
            row.warehouse, row.item, row.lot_no, row.quantity, row.reserved, 0.0, row.expiry_on, row.owner,
            row.releasing_authority, row.condition,
        )
        for row in stock_store.stock_rows(session)
    ]  # fmt: skip
    return stock_engine.movable(lots, policy.packages, rule, today=day)


def owners_we_release(policy: Policy) -> tuple[str, ...]:
    """Name the owners whose goods the bureau may release by itself.

    Raises
    ------
    MissingValueError
        ``dispatch.release.<owner>`` stands for no owner in the policy.
    """
    prefix = "dispatch.release."
    owners = [k.removeprefix(prefix) for k, v in policy.values.items() if k.startswith(prefix) and v.value]
    if not owners:
        raise MissingValueError("policy.missing_value", key=f"{prefix}district", file="standards.csv")
    return tuple(sorted(owners))


def list_stock(session: Session, policy: Policy, day: date) -> list[dict[str, Any]]:
    """Show every lot with quantity, reserved and movable."""
    names = {code: item.name_zh for code, item in policy.items.items()}
    units = policy.packages
    return [
        {
            "warehouse": lot.warehouse, "item": lot.item, "name": names.get(lot.item, lot.item), "lot_no": lot.lot_no,
            "unit": units[lot.item].unit if lot.item in units else "", "quantity": lot.quantity,
            "reserved": lot.reserved, "movable": lot.movable, "owner": lot.owner,
            "releasing_authority": lot.releasing_authority, "condition": lot.condition,
            "expiry_on": lot.expiry_on.isoformat() if lot.expiry_on else None,
        }
        for lot in movable_stock(session, policy, day)
    ]  # fmt: skip


def receive(
    session: Session, act: Act, policy: Policy, number: str, lot: LotReceipt, *, owners: Collection[str]
) -> None:
    """Book goods that come in.

    Parameters
    ----------
    owners
        Owners the stock layer knows, see :func:`owners_of`.

    Raises
    ------
    InputError
        ``stock.unknown_item``, ``stock.wrong_unit``: the sheet counts in another unit than the policy;
        ``stock.unknown_warehouse``, ``stock.unknown_owner``, ``stock.bad_quantity``.
    """
    item = policy.items.get(lot.item)
    if item is None:
        raise InputError("stock.unknown_item", item=lot.item, allowed=sorted(policy.items))
    if lot.unit != item.unit:
        raise InputError("stock.wrong_unit", item=item.name_zh, unit=lot.unit, expected=item.unit)
    if not 0 < lot.quantity < float("inf"):
        raise InputError("stock.bad_quantity", value=lot.quantity)
    if lot.owner not in owners:
        raise InputError("stock.unknown_owner", owner=lot.owner, allowed=list(owners))
    warehouses = places.names(session, "warehouse", "warehouse_id")
    if lot.warehouse not in warehouses:
        raise InputError("stock.unknown_warehouse", warehouse=lot.warehouse, allowed=sorted(warehouses))
    ledger.receive(session, act, number, [lot])


def owners_of(catalogue: Mapping[str, LayerSpec]) -> tuple[str, ...]:
    """Name the owners a lot may have."""
    column = next(c for c in catalogue["stock_lot"].columns if c.name == "owner")
    return tuple(column.values)


def issue(session: Session, act: Act, number: str, line: LotLine, *, note: str = "") -> None:
    """Book goods that go out without a plan."""
    ledger.issue(session, act, number, [line], note=note)


def upward(lots: tuple[StockLot, ...], owners: tuple[str, ...], items: Collection[str]) -> list[dict[str, Any]]:
    """List usable lots of other owners: what a request to their authority would free of these items."""
    return [
        {
            "warehouse": lot.warehouse, "item": lot.item, "batch": lot.lot_no, "owner": lot.owner,
            "releasing_authority": lot.releasing_authority, "quantity": lot.quantity - lot.reserved,
        }
        for lot in lots
        if lot.item in items and lot.owner not in owners and lot.condition == "usable" and lot.quantity > lot.reserved
    ]  # fmt: skip
