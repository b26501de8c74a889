"""How one voucher is booked: lots, balances in one conditional UPDATE, movements, the audit row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy import Insert, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.model.act import Act
from geo_minzheng.model.ledger import LotReceipt, Quantity, VoucherKind, from_milli, to_milli
from geo_minzheng.store.audit import Change, record
from geo_minzheng.store.columns import Base
from geo_minzheng.store.tables_layers import StockLot
from geo_minzheng.store.tables_stock import LotBalance, Movement, Voucher
from geo_minzheng.store.whereabouts import several


@dataclass(frozen=True)
class Step:
    """One signed change of one lot [1/1000 unit], in the order of the voucher."""

    line_no: int
    lot_fid: int
    kind: str
    change: int


@dataclass(frozen=True)
class Head:
    """The head of a voucher."""

    number: str
    kind: VoucherKind
    note: str = ""
    order_id: str = ""
    reverses_fid: int | None = None


def insert_once(session: Session, table: type[Base], values: Mapping[str, Any]) -> int | None:
    """Insert a row unless one of its unique keys exists; give its row number, or ``None`` when it existed."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(table).values(**values).on_conflict_do_nothing().returning(table.fid)
    assert isinstance(statement, Insert)
    return session.execute(statement).scalar_one_or_none()


def post(session: Session, act: Act, head: Head, steps: Sequence[Step]) -> None:
    """Book a voucher with its lines, or refuse it whole; the caller holds a savepoint."""
    refuse_exercise(act)
    if not head.number.strip():
        raise InputError("ledger.no_number")
    values = {"number": head.number, "kind": head.kind, "incident": act.incident, "order_id": head.order_id}
    made = {"reverses_fid": head.reverses_fid, "note": head.note, "who": act.who, "role": act.role, "at": act.at}
    voucher = insert_once(session, Voucher, values | made)
    if voucher is None:
        raise RefusedError("ledger.duplicate_voucher", number=head.number)
    rows = []
    # Row locks are always taken in the order of the lots, so that two vouchers cannot wait for each other.
    for step in sorted(steps, key=lambda step: (step.lot_fid, step.line_no)):
        balance = move(session, step.lot_fid, taken=-step.change, held=0)
        rows.append(
            {
                "voucher_fid": voucher, "line_no": step.line_no, "lot_fid": step.lot_fid, "kind": step.kind,
                "quantity_milli": step.change, "balance_milli": balance,
            }
        )  # fmt: skip
    if rows:
        session.execute(insert(Movement), rows)
    after = {
        "note": head.note,
        "lines": [[row["line_no"], row["lot_fid"], row["kind"], row["quantity_milli"]] for row in rows],
    }
    where = several(warehouses_of(session, [step.lot_fid for step in steps]))
    record(session, act, Change(f"ledger.{head.kind}", "voucher", head.number, None, after, where))


def warehouses_of(session: Session, lots: Sequence[int]) -> list[str]:
    """Name the warehouse of each lot, in the order given."""
    wanted, found = sorted(set(lots)), dict[int, str]()
    for start in range(0, len(wanted), 500):
        query = select(StockLot.fid, StockLot.warehouse_id).where(StockLot.fid.in_(wanted[start : start + 500]))
        found.update(dict(session.execute(query).tuples().all()))
    return [found.get(lot, "") for lot in lots]


def move(session: Session, lot_fid: int, *, taken: int, held: int) -> int:
    """Change a lot's balance in one conditional UPDATE; give what it holds then [1/1000 unit]."""
    after, promised = LotBalance.quantity_milli - taken, LotBalance.reserved_milli + held
    moved = session.execute(
        update(LotBalance)
        .where(LotBalance.lot_fid == lot_fid, promised >= 0, promised <= after)
        .values(quantity_milli=after, reserved_milli=promised)
        .returning(LotBalance.quantity_milli)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if moved is None:
        _refuse_short(session, lot_fid, taken + held)
    return moved


def _refuse_short(session: Session, lot_fid: int, asked: int) -> NoReturn:
    lot = session.execute(
        select(
            StockLot.warehouse_id, StockLot.lot_no, StockLot.item, LotBalance.quantity_milli, LotBalance.reserved_milli
        )
        .join(LotBalance, LotBalance.lot_fid == StockLot.fid)
        .where(StockLot.fid == lot_fid)
    ).one()
    raise RefusedError(
        "ledger.short",
        warehouse=lot.warehouse_id,
        lot_no=lot.lot_no,
        item=lot.item,
        asked=from_milli(asked),
        free=from_milli(lot.quantity_milli - lot.reserved_milli),
    )


def lot_of(session: Session, warehouse: str, lot_no: str) -> StockLot:
    """Give the lot."""
    query = select(StockLot).where(StockLot.warehouse_id == warehouse, StockLot.lot_no == lot_no)
    lot = session.scalars(query).one_or_none()
    if lot is None:
        raise NotFoundError("ledger.no_lot", warehouse=warehouse, lot_no=lot_no)
    return lot


def lot_fid_of(session: Session, warehouse: str, lot_no: str) -> int:
    """Give the row number of the lot."""
    query = select(StockLot.fid).where(StockLot.warehouse_id == warehouse, StockLot.lot_no == lot_no)
    fid = session.execute(query).scalar_one_or_none()
    if fid is None:
        raise NotFoundError("ledger.no_lot", warehouse=warehouse, lot_no=lot_no)
    return fid


def lot_for(session: Session, act: Act, lot: LotReceipt) -> int:
    """Find the lot or open it, with an empty balance."""
    values = {
        "warehouse_id": lot.warehouse, "lot_no": lot.lot_no, "item": lot.item, "quantity": float(lot.quantity),
        "unit": lot.unit, "owner": lot.owner, "releasing_authority": lot.releasing_authority,
        "produced_on": lot.produced_on, "expiry_on": lot.expiry_on, "received_on": lot.received_on,
        "condition": lot.condition, "unit_cost_yuan": lot.unit_cost_yuan, "contract_no": lot.contract_no,
        "acceptance_no": lot.acceptance_no, "coord_source": "", "source_crs": "", "source_file": "",
        "imported_at": act.at,
    }  # fmt: skip
    opened = insert_once(session, StockLot, values)
    if opened is not None:
        insert_once(session, LotBalance, {"lot_fid": opened, "quantity_milli": 0, "reserved_milli": 0})
        told = {name: value for name, value in values.items() if name != "imported_at"}
        key = f"{lot.warehouse}/{lot.lot_no}"
        record(session, act, Change("ledger.open_lot", "stock_lot", key, None, told, lot.warehouse))
        return opened
    known = lot_of(session, lot.warehouse, lot.lot_no)
    if (known.item, known.unit) != (lot.item, lot.unit):
        raise RefusedError("ledger.lot_differs", warehouse=lot.warehouse, lot_no=lot.lot_no, item=known.item)
    return known.fid


def positive(quantity: Quantity) -> int:
    """Turn a quantity into thousandths and refuse what is not positive."""
    amount = to_milli(quantity)
    if amount <= 0:
        raise InputError("ledger.bad_quantity", quantity=str(quantity))
    return amount


def refuse_exercise(act: Act) -> None:
    """Keep drills away from real stock."""
    if act.exercise:
        raise RefusedError("ledger.exercise")
