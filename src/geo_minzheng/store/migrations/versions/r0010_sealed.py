"""Private columns of households sealed, with a blind index; what the audit told of them before becomes marks."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from geo_minzheng.errors import StoreError
from geo_minzheng.store import guard
from geo_minzheng.store.canonical import digest, moment_text, to_json
from geo_minzheng.store.columns import Moment
from geo_minzheng.store.keys import KeyRing, make_ring
from geo_minzheng.store.seal import FOLDER, audit_mark, seal_row

revision = "0010"
down_revision = "0009"

_PRIVATE = ("head_of_household", "id_no", "phone", "one_card_account")
_INDEXED = ("id_no", "phone", "one_card_account")
_TEXTS = (*_PRIVATE, *(f"{name}_index" for name in _INDEXED))
_HOUSEHOLD = sa.table(
    "household", sa.column("fid", sa.BigInteger()), sa.column("household_id", sa.Text()),
    *(sa.column(name, sa.Text()) for name in _TEXTS),
)  # fmt: skip
# The audit's columns and its chain as they were at this version.
_HASHED = (
    "seq", "at", "who", "role", "place", "incident", "exercise", "action", "table_name", "row_key", "before", "after",
    "prev_hash",
)  # fmt: skip
_KINDS: dict[str, Any] = {"seq": sa.BigInteger(), "at": Moment(), "exercise": sa.Boolean()}
_AUDIT = sa.table("audit", *(sa.column(name, _KINDS.get(name, sa.Text())) for name in (*_HASHED, "hash")))
_HEAD = sa.table("audit_head", sa.column("count", sa.BigInteger()), sa.column("hash", sa.Text()))


def upgrade() -> None:
    for name in _INDEXED:
        op.add_column("household", sa.Column(f"{name}_index", sa.Text()))
        op.create_index(f"ix_household_{name}_index", "household", [f"{name}_index"])
    bind = op.get_bind()
    folder = bind.get_execution_options().get(FOLDER)
    ring = None if folder is None else make_ring(folder)
    rows = bind.execute(sa.select(_HOUSEHOLD.c.fid, _HOUSEHOLD.c.household_id, *(_HOUSEHOLD.c[n] for n in _PRIVATE)))
    found = rows.all()
    clear = _clear_audit(bind)
    if not found and not clear:
        return
    if ring is None:
        raise StoreError("keys.missing", file="ring.json")
    if found:
        _seal(bind, ring, found)
    if clear:
        _mark_audit(bind, ring, clear)


def _seal(bind: sa.Connection, ring: KeyRing, rows: Any) -> None:
    statement = sa.update(_HOUSEHOLD).where(_HOUSEHOLD.c.fid == sa.bindparam("which_fid"))
    statement = statement.values({name: sa.bindparam(name) for name in _TEXTS})
    sealed = [
        seal_row(ring, "household", row[1], dict(zip(_PRIVATE, row[2:], strict=True))) | {"which_fid": row[0]}
        for row in rows
    ]
    bind.execute(statement, sealed)


def _clear_audit(bind: sa.Connection) -> dict[int, dict[str, str | None]]:
    """Find the audit rows that tell a private value, by number: what stood before and after, as told."""
    query = sa.select(_AUDIT.c.seq, _AUDIT.c.before, _AUDIT.c.after).where(_AUDIT.c.table_name == "household")
    return {
        seq: {"before": before, "after": after}
        for seq, before, after in bind.execute(query)
        if any(set(_PRIVATE) & set(json.loads(told)) for told in (before, after) if told)
    }


def _mark_audit(bind: sa.Connection, ring: KeyRing, clear: dict[int, dict[str, str | None]]) -> None:
    """Put marks in the place of values and chain the rows anew from there; a row at the end tells the head before."""

    def marked(told: str | None) -> str | None:
        if not told:
            return told
        cells = json.loads(told)
        return to_json({n: audit_mark(ring, "household", n, v) if n in _PRIVATE else v for n, v in cells.items()})

    is_sqlite = bind.dialect.name == "sqlite"
    for name in guard.guards("audit", bind.dialect.name):
        bind.exec_driver_sql(f'DROP TRIGGER "{name}"' + ("" if is_sqlite else " ON audit"))
    old_count, old_hash = bind.execute(sa.select(_HEAD.c.count, _HEAD.c.hash)).one()
    first, row, last = min(clear), {}, ""
    query = sa.select(*(_AUDIT.c[name] for name in (*_HASHED, "hash"))).where(_AUDIT.c.seq >= first)
    for values in bind.execute(query.order_by(_AUDIT.c.seq)).all():
        row = dict(zip((*_HASHED, "hash"), values, strict=True))
        row |= {name: marked(told) for name, told in clear.get(row["seq"], {}).items()}
        row["prev_hash"] = last if row["seq"] > first else row["prev_hash"]
        last = row["hash"] = _hash(row)
        changed = {name: row[name] for name in ("before", "after", "prev_hash", "hash")}
        bind.execute(sa.update(_AUDIT).where(_AUDIT.c.seq == row["seq"]).values(changed))
    told = {"count": old_count, "hash": old_hash, "rows": sorted(clear)}
    row |= {"seq": old_count + 1, "who": "geo-minzheng", "role": "", "place": "", "incident": "", "exercise": False}
    row |= {"action": "audit.seal", "table_name": "audit", "row_key": "", "prev_hash": last}
    row |= {"before": to_json(told), "after": to_json({"count": old_count, "hash": last})}
    row["hash"] = _hash(row)
    bind.execute(sa.insert(_AUDIT).values(row))
    bind.execute(sa.update(_HEAD).values(count=row["seq"], hash=row["hash"]))
    guard.append_only(bind, "audit")


def _hash(row: dict[str, Any]) -> str:
    return digest(to_json({name: moment_text(row[name]) if name == "at" else row[name] for name in _HASHED}))
