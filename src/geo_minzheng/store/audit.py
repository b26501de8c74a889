"""Who changed what: one row per write in the writer's own transaction, each hashing the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from geo_minzheng.errors import RefusedError, StoreError
from geo_minzheng.model.account import is_allowed
from geo_minzheng.model.act import Act
from geo_minzheng.model.verdict import OK, Verdict
from geo_minzheng.store.canonical import digest, moment_text, to_json
from geo_minzheng.store.columns import Base
from geo_minzheng.store.scope import whole
from geo_minzheng.store.tables_trace import AuditHead, AuditRow

_HASHED = (
    "seq", "at", "who", "role", "place", "incident", "exercise", "action", "table_name", "row_key", "before", "after",
    "prev_hash",
)  # fmt: skip

_STEP = 2000


@dataclass(frozen=True)
class Change:
    """One change to record.

    Parameters
    ----------
    action
        What the use case did, e.g. ``"relief.approve"``.
    table, key
        Table and business key of the row.
    before, after
        The row, or the part that changed; ``None`` where there was or is none.
    place
        Code of the village, town, warehouse, home or receiver where it happened; empty means the actor's own area.
    """

    action: str
    table: str
    key: str
    before: Any = None
    after: Any = None
    place: str = ""


def record(session: Session, act: Act, change: Change) -> None:
    """Add one audit row to the writer's transaction."""
    record_many(session, act, (change,))


def record_many(session: Session, act: Act, changes: Iterable[Change]) -> None:
    """Add audit rows to the writer's transaction, in order.

    The head row is locked first, so that on PostgreSQL too two writers never continue the chain at the same link.

    Raises
    ------
    RefusedError
        ``account.may_not``: the role of who acts does not include that act; every write passes here, so none goes past.
    StoreError
        ``store.chain_moved``: the head is gone or was moved by somebody who did not wait.
    """
    changes = tuple(changes)
    for change in changes:
        require(session, act, change.action, change.table)
    head = session.execute(select(AuditHead.count, AuditHead.hash).with_for_update()).one_or_none()
    if head is None:
        raise StoreError("store.chain_moved")
    count, last = head
    rows = []
    for seq, change in enumerate(changes, start=count + 1):
        row = _row(act, change, seq, last)
        last = row["hash"] = chain_hash(row)
        rows.append(row)
    if not rows:
        return
    # Written past the session and without RETURNING: who writes a row need not be able to read it back.
    session.connection().execute(insert(Base.metadata.tables[AuditRow.__tablename__]).inline(), rows)
    moved = session.execute(
        update(AuditHead)
        .where(AuditHead.count == count)
        .values(count=rows[-1]["seq"], hash=last)
        .returning(AuditHead.fid)
    )
    if moved.one_or_none() is None:
        raise StoreError("store.chain_moved")


def require(session: Session, act: Act, action: str, table: str) -> None:
    """Refuse what the role of who acts does not include.

    Raises
    ------
    RefusedError
        ``account.may_not``.
    """
    if not is_allowed(act.may, action, table):
        session.rollback()  # Whoever catches the refusal inside the transaction must not commit what it was about.
        raise RefusedError("account.may_not", who=act.who, role=act.role, action=action, table=table)


def _row(act: Act, change: Change, seq: int, prev_hash: str) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": act.at,
        "who": act.who,
        "role": act.role,
        "place": change.place or act.scope,
        "incident": act.incident,
        "exercise": act.exercise,
        "action": change.action,
        "table_name": change.table,
        "row_key": change.key,
        "before": None if change.before is None else to_json(change.before),
        "after": None if change.after is None else to_json(change.after),
        "prev_hash": prev_hash,
    }


def chain_hash(row: dict[str, Any]) -> str:
    """Hash one audit row together with the hash before it: SHA-256 of its canonical JSON."""
    return digest(to_json({name: moment_text(row[name]) if name == "at" else row[name] for name in _HASHED}))


def chain_head(session: Session) -> tuple[int, str]:
    """Read how many audit rows there are and the hash of the last: what the briefing prints."""
    count, last = session.execute(select(AuditHead.count, AuditHead.hash)).one()
    return int(count), str(last)


def last_of_data(session: Session) -> tuple[int, str]:
    """Read number and hash of the last audit row that is not about an account or a session."""
    query = select(AuditRow.seq, AuditRow.hash).where(AuditRow.action.not_like("user.%"))
    with whole(session):
        row = session.execute(query.order_by(AuditRow.seq.desc()).limit(1)).one_or_none()
    return (int(row[0]), str(row[1])) if row else (0, "")


def verify_chain(
    session: Session, anchor: tuple[int, str] | None = None, *, progress: Callable[[int, int], None] | None = None
) -> Verdict:
    """Check that no audit row was edited, deleted, moved, added or cut off.

    Parameters
    ----------
    anchor
        Count and hash, or its first signs, as printed earlier: also shows when the chain and its head were rewritten
        together.
    progress
        Told now and then how many rows are done, of how many.

    Returns
    -------
    ``ok``, or the first thing found with the number of the row.
    """
    head = session.execute(select(AuditHead.count, AuditHead.hash)).one_or_none()
    if head is None:
        return Verdict("store.verify.audit_head")
    columns = [getattr(AuditRow, name) for name in (*_HASHED, "hash")]
    count, last = 0, ""
    found_anchor = anchor is None or anchor[0] == 0
    tell = progress or (lambda _done, _all: None)
    query = select(*columns).order_by(AuditRow.seq).execution_options(yield_per=2000)
    for values in session.execute(query):
        row = dict(zip((*_HASHED, "hash"), values, strict=True))
        count += 1
        if row["seq"] != count:
            return Verdict("store.verify.audit_missing", {"row": count})
        if row["prev_hash"] != last or row["hash"] != chain_hash(row):
            return Verdict("store.verify.audit_edited", {"row": count})
        last = row["hash"]
        found_anchor = found_anchor or (anchor is not None and _is_anchor(anchor, count, last))
        if count % _STEP == 0:
            tell(count, int(head[0]))
    if (count, last) != tuple(head):
        return Verdict("store.verify.audit_cut", {"found": count, "expected": head[0]})
    tell(count, count)
    return OK if found_anchor else Verdict("store.verify.audit_anchor", {"row": anchor[0] if anchor else 0})


def _is_anchor(anchor: tuple[int, str], count: int, last: str) -> bool:
    return anchor[0] == count and bool(anchor[1]) and last.startswith(anchor[1])
