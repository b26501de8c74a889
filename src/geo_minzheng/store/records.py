"""Single rows: add, change, look up. Each write leaves its audit row in the same transaction."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from geo_minzheng.errors import NotFoundError, RefusedError
from geo_minzheng.model.act import Act
from geo_minzheng.store.audit import Change, record, require
from geo_minzheng.store.border import translate
from geo_minzheng.store.columns import Base
from geo_minzheng.store.gpkg import note_change
from geo_minzheng.store.scope import is_narrow
from geo_minzheng.store.whereabouts import place_of

Row = TypeVar("Row", bound=Base)


def add(session: Session, act: Act, action: str, row: Row) -> Row:
    """Insert a row; ``who``, ``role`` and ``at`` are taken from the act where the table has them.

    Raises
    ------
    RefusedError
        ``account.may_not``; ``store.duplicate``: the business key exists already; ``store.constraint``: a rule of the
        table.
    NotFoundError
        ``store.not_found``: the row lies outside the session's scope, or the key is taken by one that does.
    """
    for name, value in (("who", act.who), ("role", act.role), ("at", act.at)):
        if hasattr(row, name) and getattr(row, name) is None:
            setattr(row, name, value)
    table = type(row).__tablename__
    require(session, act, action, table)  # before what is there says anything
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError as error:
        said = str(error.orig)
        if "UNIQUE" in said or "unique constraint" in said:
            if is_narrow(session) and latest(session, type(row), **{n: getattr(row, n) for n in row.KEY}) is None:
                raise NotFoundError("store.not_found", table=table, key=row.key_text()) from error
            raise RefusedError("store.duplicate", table=table, key=row.key_text()) from error
        raise translate(error) from error
    if hasattr(row, "geom"):
        note_change(session.connection(), table, act.at)
    record(session, act, Change(action, table, row.key_text(), None, row.values(), place_of(session, row)))
    return row


def change(session: Session, act: Act, action: str, row: Row, **values: Any) -> Row:
    """Change named columns of a row; nothing happens, and nothing is recorded, when they are already so.

    Raises
    ------
    RefusedError
        ``store.append_only`` or ``store.constraint`` from the database.
    """
    before = {name: getattr(row, name) for name in values}
    changed = {name for name in values if before[name] != values[name]}
    if not changed:
        return row
    for name in changed:
        setattr(row, name, values[name])
    try:
        session.flush()
    except IntegrityError as error:
        raise translate(error) from error
    after = {name: values[name] for name in sorted(changed)}
    table = type(row).__tablename__
    told = {n: before[n] for n in after}
    record(session, act, Change(action, table, row.key_text(), told, after, place_of(session, row)))
    return row


def _where(table: type[Row], equals: dict[str, Any]) -> list[ColumnElement[bool]]:
    return [getattr(table, name) == value for name, value in equals.items()]


def find(session: Session, table: type[Row], **equals: Any) -> list[Row]:
    """List the rows whose columns equal the given values, oldest first."""
    return list(session.scalars(select(table).where(*_where(table, equals)).order_by(table.fid)))


def latest(session: Session, table: type[Row], **equals: Any) -> Row | None:
    """Give the newest row whose columns equal the given values, or ``None``."""
    return session.scalars(select(table).where(*_where(table, equals)).order_by(table.fid.desc()).limit(1)).first()


def one(session: Session, table: type[Row], **equals: Any) -> Row:
    """Give the row with that key.

    Raises
    ------
    NotFoundError
        ``store.not_found``.
    """
    row = latest(session, table, **equals)
    if row is None:
        key = "/".join(str(value) for value in equals.values())
        raise NotFoundError("store.not_found", table=table.__tablename__, key=key)
    return row
