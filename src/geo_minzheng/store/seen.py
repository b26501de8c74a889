"""How far somebody has read what happened: a mark of their own, no data of the district and no audit row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from geo_minzheng.model.trail import TrailRow
from geo_minzheng.store import scope
from geo_minzheng.store.accounts import find_account, get_account
from geo_minzheng.store.tables_accounts import Account, Seen
from geo_minzheng.store.tables_trace import AuditRow
from geo_minzheng.store.trail import row_of, whole

# How many rows of the log are looked through at most, from its end: an inbox is no archive.
LOOK_BACK = 20_000


def find_seen(session: Session, who: str) -> Seen | None:
    """Find the marks of an account, by its login or its name; ``None`` while there are none."""
    account = find_account(session, who)
    return None if account is None else session.scalars(_of(account)).one_or_none()


def _of(account: Account) -> Select[Seen]:
    return select(Seen).where(Seen.account_fid == account.fid)


def mark_seen(session: Session, who: str, **values: Any) -> None:
    """Set marks of an account: ``seq`` and ``read_at``, or ``verified_at`` and ``is_whole``."""
    account = get_account(session, who)
    row = session.scalars(_of(account)).one_or_none()
    if row is None:
        row = Seen(account_fid=account.fid, seq=0, is_whole=True)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()


def made_at(session: Session, who: str) -> datetime | None:
    """Tell since when an account exists: what happened before is no news to it."""
    account = find_account(session, who)
    return None if account is None else account.made_at


def news(session: Session, who: str, tables: tuple[str, ...], *, since: datetime | None) -> list[TrailRow]:
    """List what others wrote into some tables, newest first, with what it changed.

    The log is read whole, whoever asks: what of it is news to somebody is chosen by who uses this.
    """
    with scope.whole(session):
        return _news(session, who, tables, since)


def _news(session: Session, who: str, tables: tuple[str, ...], since: datetime | None) -> list[TrailRow]:
    floor = (session.scalar(select(func.max(AuditRow.seq))) or 0) - LOOK_BACK
    query = whole().where(AuditRow.seq > floor, AuditRow.table_name.in_(tables), AuditRow.who != who)
    if since is not None:
        query = query.where(AuditRow.at >= since)
    return [row_of(row) for row in session.execute(query.order_by(AuditRow.seq.desc())).tuples()]


def acts_since(session: Session, seq: int, actions: tuple[str, ...]) -> list[tuple[str, int, datetime]]:
    """Count what was done after a row of the log by action, the latest first, with the moment of the last."""
    with scope.whole(session):
        return _acts_since(session, seq, actions)


def _acts_since(session: Session, seq: int, actions: tuple[str, ...]) -> list[tuple[str, int, datetime]]:
    floor = max(seq, (session.scalar(select(func.max(AuditRow.seq))) or 0) - LOOK_BACK)
    query = (
        select(AuditRow.action, func.count(), func.max(AuditRow.seq))
        .where(AuditRow.seq > floor, AuditRow.action.in_(actions))
        .group_by(AuditRow.action)
    )
    found = session.execute(query).all()
    latest = select(AuditRow.seq, AuditRow.at).where(AuditRow.seq.in_([row[2] for row in found]))
    moments = dict(session.execute(latest).tuples().all())
    return [(action, count, moments[last]) for action, count, last in sorted(found, key=lambda row: -row[2])]
