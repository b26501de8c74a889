"""Compare what only ever grows with what the audit chain says was written: an edit that keeps every sum still shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_minzheng.model.verdict import OK, Verdict
from geo_minzheng.store.accounts import SECRETS
from geo_minzheng.store.canonical import moment_text, to_json
from geo_minzheng.store.columns import Base
from geo_minzheng.store.tables import APPEND_ONLY
from geo_minzheng.store.tables_accounts import Account
from geo_minzheng.store.tables_flood import Footprint, Incident, ReliefRequest
from geo_minzheng.store.tables_relief import Line, Order
from geo_minzheng.store.tables_report import Report, ReportVersion
from geo_minzheng.store.tables_stock import Movement, Voucher
from geo_minzheng.store.tables_trace import AuditRow

_LEDGER = "ledger."
# Tables whose rows may change, each change with an entry of its own.
LOGGED: tuple[type[Base], ...] = (Account, Incident, ReliefRequest, Order, Line)


def verify_vouchers_written(session: Session) -> Verdict:
    """Check that every voucher stands as it was booked: number, kind, lines, note, who and when."""
    lines: dict[int, list[list[Any]]] = {}
    for line in session.scalars(select(Movement)):
        lines.setdefault(line.voucher_fid, []).append([line.line_no, line.lot_fid, line.kind, line.quantity_milli])
    stored = {
        v.number: [v.kind, v.note, sorted(lines.get(v.fid, [])), v.who, v.role, v.incident, moment_text(v.at)]
        for v in session.scalars(select(Voucher))
    }
    written = {}
    for row in _written(session, Voucher):
        told = json.loads(row.after or "{}")
        what = [row.action.removeprefix(_LEDGER), told.get("note"), sorted(told.get("lines", []))]
        written[row.row_key] = [*what, row.who, row.role, row.incident, moment_text(row.at)]
    number = next((n for n in sorted(stored.keys() | written.keys()) if stored.get(n) != written.get(n)), None)
    return OK if number is None else Verdict("store.verify.ledger_voucher", {"number": number})


def verify_history(session: Session) -> Verdict:
    """Check that no row that only may be added was changed or taken away after it was written.

    The parts of a footprint and the village of a report are compared too, which one entry of the log tells together,
    and what may change stands as its last entry says.
    """
    changed = (_changed_aside(session, table) for table in LOGGED)
    for moved in (_moved_footprint(session), _moved_report(session), *changed):
        if moved:
            return Verdict("store.verify.history", {"number": moved})
    for table in (t for t in APPEND_ONLY if t not in (AuditRow, Voucher, Movement)):
        rows = {row.key_text(): row for row in session.scalars(select(table))}
        for audit in _written(session, table):
            told = json.loads(audit.after or "null")
            if not isinstance(told, dict):
                continue
            row = rows.get(audit.row_key)
            whole = {c.key for c in table.__table__.columns} - {"fid", "geom"} <= told.keys()
            if (row is None and whole) or (row is not None and not _agrees(row, told)):
                return Verdict("store.verify.history", {"number": audit.row_key})
    return OK


def _moved_footprint(session: Session) -> str:
    """Name a footprint whose parts are not those that were written; empty where all are."""
    parts: dict[str, list[Any]] = {}
    for row in session.scalars(select(Footprint).order_by(Footprint.footprint_id, Footprint.part_no)):
        parts.setdefault(row.footprint_id, []).append(row)
    written = {row.row_key: json.loads(row.after or "{}") for row in _written(session, Footprint)}
    for key in sorted(parts.keys() | written.keys()):
        told, rows = written.get(key, {}), parts.get(key, [])
        shapes = told.get("parts", [])
        is_same = len(shapes) == len(rows) and all(map(_is_shape, rows, shapes))
        if not is_same or {row.incident for row in rows} - {told.get("incident")}:
            return key
    return ""


def _is_shape(row: Footprint, told: Any) -> bool:
    """Tell whether a part is the one that was written; entries of earlier versions tell of a lone polygon as one."""
    pieces = list(getattr(row.geom, "geoms", ()))
    return told in json.loads(to_json([row.geom, *(pieces if len(pieces) == 1 else ())]))


def _moved_report(session: Session) -> str:
    """Name a version whose report is of another village or incident than was written; empty where none is."""
    query = select(ReportVersion.uuid, Report.village_code, Report.incident).join(
        Report, Report.fid == ReportVersion.report_fid
    )
    stored = {uuid: (village, incident) for uuid, village, incident in session.execute(query).tuples()}
    for row in _written(session, ReportVersion):
        told = json.loads(row.after or "{}")
        if stored.get(row.row_key) != (told.get("village_code"), told.get("incident")):
            return row.row_key
    return ""


def _changed_aside(session: Session, table: type[Base]) -> str:
    """Name a row that stands otherwise than its entries in the log add up to, or of which they are silent."""
    told: dict[str, dict[str, Any]] = {}
    query = select(AuditRow.row_key, AuditRow.after).where(AuditRow.table_name == table.__tablename__)
    for key, after in session.execute(query.order_by(AuditRow.seq)).tuples():
        last = json.loads(after or "null")
        told.setdefault(key, {}).update(_by_column(table, last) if isinstance(last, dict) else {})
    rows = {row.key_text(): row for row in session.scalars(select(table))}
    for key in sorted(rows.keys() | told.keys()):
        if key not in rows or not told.get(key) or not _agrees(rows[key], told[key]):
            return key
    return ""


def _by_column(table: type[Base], told: dict[str, Any]) -> dict[str, Any]:
    """Give an entry by the columns of its table: of an account's secrets the log tells only that they changed."""
    if table is not Account:
        return told
    return {"post" if name == "role" else name: value for name, value in told.items() if name not in SECRETS}


def _written(session: Session, table: type[Base]) -> Iterator[AuditRow]:
    query = select(AuditRow).where(AuditRow.table_name == table.__tablename__, AuditRow.before.is_(None))
    return iter(session.scalars(query.order_by(AuditRow.seq)))


def _agrees(row: Base, told: dict[str, Any]) -> bool:
    stored = {name: value for name, value in row.values().items() if name in told and name != "geom"}
    return bool(json.loads(to_json(stored)) == {name: told[name] for name in stored})
