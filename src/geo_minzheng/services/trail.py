"""The auditor's desk: who changed what, one record's life in words, the chain and the heads printed of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.model.anchor import Anchor, anchor_of
from geo_minzheng.model.trail import TrailFilter, TrailRow
from geo_minzheng.model.verdict import Verdict
from geo_minzheng.present.write import SheetColumn, SheetSpec, write_csv, write_workbook
from geo_minzheng.store import audit
from geo_minzheng.store import trail as store_trail
from geo_minzheng.store.tables import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.model.account import Role
    from geo_minzheng.model.layer import LayerSpec
    from geo_minzheng.present.text import Text

COLUMNS = ("seq", "at", "who", "role", "action", "table", "key", "place", "incident")
EXPORTED = 20_000
LIFE = 500
LONGEST = 160
_WIDTHS = {"seq": 8.0, "at": 20.0, "action": 18.0, "table": 14.0, "key": 30.0, "place": 16.0, "incident": 14.0}
# Codes that are words elsewhere already.
_IN_HEAD = frozenset({"who", "role", "at"})
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_STATES = frozenset({"state", "from_state", "to_state"})


@dataclass(frozen=True)
class FieldChange:
    """One field before and after, in words; a private one says only whether it changed."""

    field: str
    name: str
    before: str
    after: str
    is_private: bool = False


@dataclass(frozen=True)
class LifeStep:
    """One write in a record's life."""

    row: TrailRow
    changes: tuple[FieldChange, ...]
    is_import: bool = False


def private_fields(catalogue: Mapping[str, LayerSpec]) -> frozenset[str]:
    """Name the fields that are never shown in clear: those the catalogue marks as a household's own."""
    return frozenset(c.name for spec in catalogue.values() for c in spec.columns if c.private)


def list_trail(session: Session, wanted: TrailFilter, *, below: int = 0, limit: int = 100) -> list[TrailRow]:
    """List writes, newest first, a page at a time.

    Raises
    ------
    InputError
        ``audit.bad_period``; ``audit.unknown_table``.
    """
    check_filter(wanted)
    return store_trail.list_trail(session, wanted, below=below, limit=limit)


def count_trail(session: Session, wanted: TrailFilter) -> int:
    """Count the writes that fit."""
    check_filter(wanted)
    return store_trail.count_trail(session, wanted)


def check_filter(wanted: TrailFilter) -> None:
    """Refuse what can find nothing for a reason that is no answer."""
    if wanted.since and wanted.until and wanted.since > wanted.until:
        raise InputError("audit.bad_period", since=wanted.since.isoformat(), until=wanted.until.isoformat())
    if wanted.table:
        check_table(wanted.table)


def check_table(table: str) -> None:
    """Refuse a table there is none of."""
    if table not in METADATA.tables:
        raise InputError("audit.unknown_table", table=table, allowed=sorted(METADATA.tables))


def choices(session: Session) -> dict[str, list[str]]:
    """List what may be filtered by: people, roles, tables, incidents and actions that stand in the log."""
    names = {"who": "who", "role": "role", "table": "table_name", "incident": "incident", "action": "action"}
    return {name: store_trail.known_values(session, column) for name, column in names.items()}


def life_of(
    session: Session, catalogue: Mapping[str, LayerSpec], text: Text, zone: tzinfo | None, table: str, key: str
) -> tuple[LifeStep, ...]:
    """Follow one record from its first entry: every write, field by field in words.

    Raises
    ------
    InputError
        ``audit.unknown_table``.
    NotFoundError
        ``audit.no_record``.
    """
    check_table(table)
    rows = store_trail.life_of(session, table, key, limit=LIFE)
    if not rows:
        raise NotFoundError("audit.no_record", table=table_name(text, table), key=key)
    private = private_fields(catalogue)
    return tuple(
        LifeStep(row, changes_of(row, private, catalogue.get(row.table), text, zone), row.action == store_trail.IMPORT)
        for row in rows
    )


def changes_of(
    row: TrailRow, private: frozenset[str], spec: LayerSpec | None, text: Text, zone: tzinfo | None
) -> tuple[FieldChange, ...]:
    """Lay a write out field by field; what stayed the same and what its own head says is left out."""
    before, after = _fields(row.before), _fields(row.after)
    heads = {c.name: c for c in spec.columns} if spec else {}
    found = []
    for field in dict.fromkeys([*after, *before]):
        old, new = before.get(field), after.get(field)
        if old == new or (field in _IN_HEAD and row.before is None):
            continue
        name = _field_name(text, field)
        if field in private:
            hidden = text("pages.audit.hidden")
            found.append(FieldChange(field, name, hidden if old else "", hidden if new else "", is_private=True))
            continue
        values = heads[field].values if field in heads else {}
        told = [_told(text, field, scrub(value, private), values, zone) for value in (old, new)]
        if any(told):
            found.append(FieldChange(field, name, told[0], told[1]))
    return tuple(found)


def _fields(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"lines": value}


def _told(text: Text, field: str, value: Any, values: Mapping[str, Sequence[str]], zone: tzinfo | None) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return text("pages.audit.yes" if value else "pages.audit.no")
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True)
        return value if len(value) <= LONGEST else text("pages.audit.document", length=text.integer(len(value)))
    told = str(value)
    if _MOMENT.fullmatch(told):
        return text.moment(datetime.fromisoformat(told).astimezone(zone), screen=True)
    if values.get(told) and text.language == "zh":
        told = values[told][0]
    if field in _STATES and text.has(f"pages.relief.order.{told}"):
        told = text(f"pages.relief.order.{told}")
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"


def scrub(value: Any, private: frozenset[str]) -> Any:
    """Take private fields out of a document, however deep they stand."""
    if isinstance(value, dict):
        return {k: "●●●" if k in private else scrub(v, private) for k, v in value.items()}
    return [scrub(v, private) for v in value] if isinstance(value, list) else value


def _field_name(text: Text, field: str) -> str:
    for key in (f"audit.field.{field}", f"column.{field}"):
        if text.has(key):
            return text(key)
    return field


def table_name(text: Text, table: str) -> str:
    """Name a table in words."""
    return text(f"layer.{table}") if text.has(f"layer.{table}") else text.name("table", table)


def action_name(text: Text, action: str) -> str:
    """Name an action in words."""
    return text(f"audit.action.{action}") if text.has(f"audit.action.{action}") else action


def role_name(text: Text, role: str, roles: Mapping[str, Role]) -> str:
    """Name a role in words; what was written before there were roles has none."""
    return text.name("roles", role, roles[role]) if role in roles else role


def in_words(text: Text, zone: tzinfo | None, row: TrailRow, roles: Mapping[str, Role]) -> dict[str, Any]:
    """Write one row of the log as people read it."""
    return {
        "seq": row.seq, "at": text.moment(row.at.astimezone(zone), screen=True), "who": row.who,
        "role": role_name(text, row.role, roles), "action": action_name(text, row.action),
        "table": table_name(text, row.table), "key": row.key, "place": row.place, "incident": row.incident,
    }  # fmt: skip


def head(session: Session) -> Anchor:
    """Give the head of the chain as papers print it."""
    return anchor_of(*audit.chain_head(session))


def anchor_words(text: Text, anchor: Anchor) -> str:
    """Write a head as papers print it."""
    return text("present.paper.anchor", count=anchor.count, code=anchor.code, word=anchor.word)


def verify(
    session: Session, anchor: Anchor | None = None, *, progress: Callable[[int, int], None] | None = None
) -> tuple[Anchor, Verdict]:
    """Go through the whole chain, and look whether a printed head stands in it; give the head it ends with."""
    told = None if anchor is None else (anchor.count, anchor.code)
    verdict = audit.verify_chain(session, told, progress=progress)
    # Without its head row nobody knows where the chain should end: that is the finding, not an error.
    end = head(session) if verdict.key != "store.verify.audit_head" else Anchor(0, "")
    return end, verdict


def write_trail(
    session: Session, text: Text, zone: tzinfo | None, wanted: TrailFilter, path: Path, roles: Mapping[str, Role]
) -> int:
    """Write the filtered log as XLSX or CSV, the newest ``EXPORTED`` rows at most; give the number of rows."""
    rows = [in_words(text, zone, row, roles) for row in list_trail(session, wanted, limit=EXPORTED)]
    columns = tuple(SheetColumn(n, text(f"pages.audit.column.{n}"), _WIDTHS.get(n, 12.0)) for n in COLUMNS)
    if path.suffix == ".csv":
        write_csv(rows, columns, path)
    else:
        write_workbook([SheetSpec(text("pages.audit.file_name"), columns, rows, frozen_columns=1)], path)
    return len(rows)


def change_lines(text: Text, step: LifeStep) -> list[str]:
    """Write what one write changed, a line per field."""
    if step.is_import:
        files = [str(name) for name in (step.row.after or {}).get("files", [])]
        return [text("pages.audit.from_import", files=files or "—")]
    lines = []
    for change in step.changes:
        facts = {"field": change.name, "before": change.before or text("pages.audit.nothing"),
                 "after": change.after or text("pages.audit.nothing")}  # fmt: skip
        if change.is_private and change.before and change.after:
            facts["after"] = text("pages.audit.hidden_changed")
        lines.append(text("pages.audit.new" if step.row.before is None else "pages.audit.change", **facts))
    return lines
