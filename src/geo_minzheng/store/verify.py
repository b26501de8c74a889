"""Is the store what it claims to be: stock = movements, chain unbroken, file sound, map index true."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, Subquery, and_, func, or_, select
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from geo_minzheng.errors import StoreError
from geo_minzheng.model.ledger import ReservationState
from geo_minzheng.model.verdict import OK, Verdict
from geo_minzheng.store import policies
from geo_minzheng.store.audit import verify_chain
from geo_minzheng.store.geometry import Geometry
from geo_minzheng.store.guard import guards
from geo_minzheng.store.history import verify_history, verify_vouchers_written
from geo_minzheng.store.seal import INDEXED, SEALED, blind_index, index_columns, index_name, opened_cells, ring_of
from geo_minzheng.store.tables import APPEND_ONLY, METADATA
from geo_minzheng.store.tables_layers import StockLot
from geo_minzheng.store.tables_stock import LotBalance, Movement, Reservation, Voucher


def verify(session: Session, anchor: tuple[int, str] | None = None) -> dict[str, Verdict]:
    """Check the whole store.

    Parameters
    ----------
    anchor
        Audit count and hash as printed earlier.

    Returns
    -------
    A verdict each for ``ledger``, ``audit``, ``history``, ``integrity``, ``geometry_index``, ``keys``.
    """
    connection = session.connection()
    checks: dict[str, Callable[[], Verdict]] = {
        "ledger": lambda: _first(verify_ledger(session), lambda: verify_vouchers_written(session)),
        "audit": lambda: verify_chain(session, anchor),
        "history": lambda: verify_history(session),
        "integrity": lambda: verify_integrity(connection),
        "geometry_index": lambda: verify_index(connection),
        "keys": lambda: verify_sealed(session),
    }
    return {name: _read(session, check) for name, check in checks.items()}


def verify_sealed(session: Session) -> Verdict:
    """Check that every private cell is sealed and opens with the keys at hand, and that its blind index is its own."""
    for name, columns in SEALED.items():
        table = METADATA.tables[name]
        shown = [table.columns[n] for n in (f"{name}_id", *columns, *index_columns(name))]
        try:
            rows = session.execute(select(*shown).order_by(table.columns["fid"])).all()
            if not rows:
                continue
            ring = ring_of(session)
            for row in rows:
                cells = dict(zip((c.name for c in shown), row, strict=True))
                told = opened_cells(ring, name, row[0], cells)
                for column in INDEXED[name]:
                    value = told[column]
                    if cells[index_name(column)] != (value and blind_index(ring, name, column, value)):
                        return Verdict("store.verify.blind_index", {"table": name, "key": row[0], "column": column})
        except StoreError as error:
            return Verdict(f"error.{error.key}", error.facts)
    return OK


def _first(found: Verdict, then: Callable[[], Verdict]) -> Verdict:
    return then() if found.is_ok else found


def _read(session: Session, check: Callable[[], Verdict]) -> Verdict:
    """Do one check; what cannot even be read is a finding, not an end."""
    try:
        with session.begin_nested():
            return check()
    except (ValueError, TypeError, LookupError, DBAPIError) as error:
        return Verdict("store.verify.unreadable", {"detail": str(error)[:120]})


def verify_ledger(session: Session) -> Verdict:
    """Check that each lot holds the sum of its movements, at every prefix, and has promised what is held for orders."""
    running = func.sum(Movement.quantity_milli).over(partition_by=Movement.lot_fid, order_by=Movement.fid)
    prefix = select(Movement.fid, Movement.lot_fid, Movement.balance_milli, running.label("total")).subquery()
    wrong = (
        select(prefix.c.lot_fid, prefix.c.fid).where(prefix.c.total != prefix.c.balance_milli).order_by(prefix.c.fid)
    )
    found = session.execute(wrong.limit(1)).first()
    if found:
        return Verdict("store.verify.ledger_prefix", {**_lot(session, found.lot_fid), "movement": found.fid})
    for key, amount, total in (
        ("ledger_sum", LotBalance.quantity_milli, _sum_of(Movement.quantity_milli, Movement.lot_fid, None)),
        (
            "ledger_reserved",
            LotBalance.reserved_milli,
            _sum_of(Reservation.quantity_milli, Reservation.lot_fid, Reservation.state == ReservationState.HELD),
        ),
    ):
        off = (
            select(StockLot.fid)
            .outerjoin(LotBalance, LotBalance.lot_fid == StockLot.fid)
            .outerjoin(total, total.c.lot_fid == StockLot.fid)
            .where(or_(LotBalance.fid.is_(None), amount != func.coalesce(total.c.total, 0)))
        )
        lot = session.scalar(off.order_by(StockLot.fid).limit(1))
        if lot is not None:
            return Verdict(f"store.verify.{key}", _lot(session, lot))
    return _verify_vouchers(session)


def _sum_of(
    amount: InstrumentedAttribute[int], lot: InstrumentedAttribute[int], where: ColumnElement[bool] | None
) -> Subquery:
    query = select(lot.label("lot_fid"), func.sum(amount).label("total")).group_by(lot)
    return (query if where is None else query.where(where)).subquery()


def _lot(session: Session, fid: int) -> dict[str, object]:
    lot = session.get(StockLot, fid)
    return {"warehouse": lot.warehouse_id, "lot_no": lot.lot_no} if lot else {"warehouse": "", "lot_no": str(fid)}


def _verify_vouchers(session: Session) -> Verdict:
    """Check that transfers balance and reversals mirror what they undo."""
    moved = func.coalesce(func.sum(Movement.quantity_milli), 0)
    transfers = (
        select(Voucher.number)
        .join(Movement, Movement.voucher_fid == Voucher.fid)
        .where(Voucher.kind == "transfer")
        .group_by(Voucher.number)
        .having(moved != 0)
    )
    number = session.scalar(transfers.limit(1))
    if number is not None:
        return Verdict("store.verify.ledger_transfer", {"number": number})
    undoing, original, mirror = aliased(Voucher), aliased(Movement), aliased(Movement)
    unmatched = (
        select(undoing.number)
        .join(original, original.voucher_fid == undoing.reverses_fid)
        .outerjoin(
            mirror,
            and_(
                mirror.voucher_fid == undoing.fid,
                mirror.line_no == original.line_no,
                mirror.lot_fid == original.lot_fid,
            ),
        )
        .where(original.quantity_milli != 0, func.coalesce(mirror.quantity_milli, 0) != -original.quantity_milli)
    )
    number = session.scalar(unmatched.limit(1))
    return OK if number is None else Verdict("store.verify.ledger_reversal", {"number": number})


def verify_integrity(connection: Connection) -> Verdict:
    """Check the file's pages and references, that no table is missing, and that every guard still stands."""
    if connection.dialect.name == "sqlite":
        said = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check(5)")]
        if said != ["ok"]:
            return Verdict("store.verify.pages", {"detail": "; ".join(said)})
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
        if broken is not None:
            return Verdict("store.verify.reference", {"table": broken[0], "row": broken[1]})
        standing = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        present = "SELECT name FROM sqlite_master WHERE type = 'table'"
    else:
        standing = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
        present = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    tables = {row[0] for row in connection.execute(sql(present))}
    missing = sorted(set(METADATA.tables) - tables)
    if missing:
        return Verdict("store.verify.table", {"table": missing[0]})
    triggers = {row[0] for row in connection.execute(sql(standing))}
    names = [*(table.__tablename__ for table in APPEND_ONLY), "audit_head"]
    gone = sorted(set().union(*(guards(name, connection.dialect.name) for name in names)) - triggers)
    gone += policies.unprotected(connection)
    return Verdict("store.verify.guard", {"trigger": gone[0]}) if gone else OK


def verify_index(connection: Connection) -> Verdict:
    """Check that the spatial index of every layer covers its shapes."""
    spatial = [t.name for t in METADATA.sorted_tables if "geom" in t.columns and isinstance(t.c.geom.type, Geometry)]
    for name in spatial:
        wrong = _sqlite_index(connection, name) if connection.dialect.name == "sqlite" else _gist(connection, name)
        if wrong:
            return Verdict("store.verify.index", {"table": name, "detail": wrong})
    return OK


def _sqlite_index(connection: Connection, name: str) -> str:
    rtree = f"rtree_{name}_geom"
    triggers = "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE :like"
    if (connection.scalar(sql(triggers), {"like": f"{rtree}%"}) or 0) < 6:
        return "triggers"
    said = str(connection.exec_driver_sql(f"SELECT rtreecheck('{rtree}')").scalar())
    if said != "ok":
        return said
    outside = (
        f"SELECT count(*) FROM {name} t LEFT JOIN {rtree} r ON r.id = t.fid WHERE t.geom NOTNULL "  # noqa: S608
        "AND NOT ST_IsEmpty(t.geom) AND (r.id ISNULL OR r.minx > ST_MinX(t.geom) OR r.maxx < ST_MaxX(t.geom) "
        "OR r.miny > ST_MinY(t.geom) OR r.maxy < ST_MaxY(t.geom))"
    )
    lost = connection.exec_driver_sql(outside).scalar()
    stale = connection.exec_driver_sql(
        f"SELECT count(*) FROM {rtree} r LEFT JOIN {name} t ON t.fid = r.id WHERE t.fid ISNULL"  # noqa: S608
    ).scalar()
    return f"{lost}+{stale}" if lost or stale else ""


def _gist(connection: Connection, name: str) -> str:
    valid = connection.scalar(
        sql("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)"), {"name": f"gix_{name}_geom"}
    )
    return "" if valid else "gist"
