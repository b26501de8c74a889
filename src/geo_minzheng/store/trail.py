"""Read the audit log: filtered, newest first, a page at a time; or the life of one row from its first entry on."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from geo_minzheng.model.trail import TrailFilter, TrailRow
from geo_minzheng.store.tables import LAYERS
from geo_minzheng.store.tables_trace import AuditRow

IMPORT = "layer.import"
# Tables whose rows belong to the life of another row: their key begins with its key.
PARTS = {
    "dispatch_order": ("order_line", "order_event", "reservation"),
    "plan": ("approval", "approval_paper"),
    "report_version": ("report_review",),
}
_HEAD = (
    AuditRow.seq, AuditRow.at, AuditRow.who, AuditRow.role, AuditRow.place, AuditRow.incident, AuditRow.exercise,
    AuditRow.action, AuditRow.table_name, AuditRow.row_key, AuditRow.hash,
)  # fmt: skip


def list_trail(session: Session, wanted: TrailFilter, *, below: int = 0, limit: int = 100) -> list[TrailRow]:
    """List writes, newest first, without what they changed.

    Parameters
    ----------
    below
        Only rows with a smaller number, to read on where the last page ended; 0 begins at the newest.
    """
    query = select(*_HEAD).where(*_where(wanted))
    if below:
        query = query.where(AuditRow.seq < below)
    return [TrailRow(*row) for row in session.execute(query.order_by(AuditRow.seq.desc()).limit(limit)).tuples()]


def count_trail(session: Session, wanted: TrailFilter) -> int:
    """Count the writes that fit."""
    return session.scalar(select(func.count()).select_from(AuditRow).where(*_where(wanted))) or 0


def known_values(session: Session, column: str) -> list[str]:
    """List what stands in ``who``, ``role``, ``table_name``, ``incident`` or ``action``, to choose from.

    It jumps from one value to the next, which is quick where the database has an index on them and where there are few.
    """
    told = getattr(AuditRow, column)
    return sorted(value for value in session.scalars(select(told).distinct()) if value)


def life_of(session: Session, table: str, key: str, *, limit: int = 500) -> list[TrailRow]:
    """List every write of one row and of its parts, oldest first, with what each changed."""
    own = and_(AuditRow.table_name == table, AuditRow.row_key == key)
    inside = [
        and_(AuditRow.table_name == part, or_(AuditRow.row_key == key, _begins(AuditRow.row_key, f"{key}/")))
        for part in PARTS.get(table, ())
    ]
    query = whole().where(or_(own, *inside)).order_by(AuditRow.seq).limit(limit)
    rows = [row_of(row) for row in session.execute(query).tuples()]
    brought = import_of(session, table, key)
    return [brought, *rows] if brought is not None else rows


def import_of(session: Session, table: str, key: str) -> TrailRow | None:
    """Find the import that brought a row: the one whose first and last row numbers enclose it."""
    model = LAYERS.get(table)
    parts = key.split("/", len(model.KEY) - 1) if model is not None else []
    if model is None or len(parts) != len(model.KEY):
        return None
    columns = [model.__table__.columns[name] for name in model.KEY]
    try:
        wanted = [date.fromisoformat(p) if isinstance(c.type, Date) else p for c, p in zip(columns, parts, strict=True)]
    except ValueError:
        return None
    fid = session.scalar(select(model.fid).where(*(c == part for c, part in zip(columns, wanted, strict=True))))
    if fid is None:
        return None
    query = whole().where(AuditRow.table_name == table, AuditRow.action == IMPORT).order_by(AuditRow.seq)
    for row in session.execute(query).tuples():
        found = row_of(row)
        ends = (found.after or {}).get("rows") or [1, 0]
        if ends[0] <= fid <= ends[-1]:
            return found
    return None


def whole() -> Select[*tuple[Any, ...]]:
    """Ask for rows with what they changed."""
    return select(*_HEAD, AuditRow.before, AuditRow.after)


def row_of(row: Any) -> TrailRow:
    """Read a row that was asked for by :func:`whole`."""
    names = [field.name for field in fields(TrailRow)]
    told = dict(zip(names, row, strict=True))
    return TrailRow(**told | {n: json.loads(told[n] or "null") for n in ("before", "after")})


def _begins(column: Any, text: str) -> ColumnElement[bool]:
    return func.substr(column, 1, len(text)) == text


def _where(wanted: TrailFilter) -> list[ColumnElement[bool]]:
    equal = {
        AuditRow.who: wanted.who, AuditRow.role: wanted.role, AuditRow.table_name: wanted.table,
        AuditRow.row_key: wanted.key, AuditRow.incident: wanted.incident,
    }  # fmt: skip
    found: list[ColumnElement[bool]] = [column == value for column, value in equal.items() if value]
    if wanted.place:
        inside = AuditRow.place.contains(f"/{wanted.place}", autoescape=True)
        found.append(or_(_begins(AuditRow.place, wanted.place), inside))
    if wanted.action:
        found.append(or_(AuditRow.action == wanted.action, _begins(AuditRow.action, f"{wanted.action}.")))
    if wanted.since:
        found.append(AuditRow.at >= wanted.since)
    if wanted.until:
        found.append(AuditRow.at <= wanted.until)
    return found
