"""Count what a store holds, whatever version its tables are of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, inspect, select, text
from sqlalchemy.orm import Session

from geo_minzheng.model.backup import Census
from geo_minzheng.model.verdict import OK, Verdict
from geo_minzheng.store import audit, migrate
from geo_minzheng.store.tables_layers import StockLot
from geo_minzheng.store.tables_report import Photo
from geo_minzheng.store.tables_stock import Movement
from geo_minzheng.store.tables_trace import AuditRow

# What GeoPackage and PostGIS keep for themselves.
_FOREIGN = ("gpkg_", "rtree_", "sqlite_", "spatial_ref_sys")


def take_census(session: Session) -> Census:
    """Count every table, the ledger by item and the audit chain, in the session's snapshot.

    Raises
    ------
    sqlalchemy.exc.DBAPIError
        PostgreSQL: a row-level security policy would hide rows from this role.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL row_security = off")
    names = sorted(name for name in inspect(connection).get_table_names() if not name.startswith(_FOREIGN))
    rows = {name: int(connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0) for name in names}  # noqa: S608
    moved = (
        select(StockLot.item, func.sum(Movement.quantity_milli))
        .join(Movement, Movement.lot_fid == StockLot.fid)
        .group_by(StockLot.item)
        .order_by(StockLot.item)
    )
    stock = {str(item): int(total) for item, total in session.execute(moved)}
    count, head = audit.chain_head(session)
    return Census(migrate.revision(connection), rows, stock, count, head)


def photos_written(session: Session) -> dict[str, str]:
    """Give the SHA-256 of every photo that the store names, by its UUID."""
    return {str(name): str(sha256) for name, sha256 in session.execute(select(Photo.uuid, Photo.sha256))}


def glance(session: Session) -> Verdict:
    """Look whether the store answers and its audit chain ends where its head says; ``verify`` reads all of it."""
    count, head = audit.chain_head(session)
    last = session.execute(select(AuditRow.seq, AuditRow.hash).order_by(AuditRow.seq.desc()).limit(1)).one_or_none()
    if (count, head) == (tuple(last) if last is not None else (0, head)):
        return OK
    return Verdict("store.verify.audit_cut", {"found": 0 if last is None else last.seq, "expected": count})


def last_act(session: Session) -> datetime | None:
    """Give the moment of the last recorded act, or ``None``."""
    return session.scalar(select(AuditRow.at).order_by(AuditRow.seq.desc()).limit(1))
