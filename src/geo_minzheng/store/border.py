"""The border to SQL: foreign errors become ours here, once."""

from __future__ import annotations

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from geo_minzheng.errors import GeoMinzhengError, InputError, RefusedError, StoreError
from geo_minzheng.store.guard import MARK

_LOCKED = ("database is locked", "database table is locked", "lock timeout", "deadlock detected", "could not serialize")
_FULL = ("database or disk is full", "no space left", "could not extend file", "disk full")
_READ_ONLY = ("readonly database", "read-only transaction")
_DAMAGED = ("malformed", "not a database", "disk i/o error", "invalid page")
_GONE = (
    "unable to open database",
    "connection refused",
    "server closed the connection",
    "connection failed",
    "terminating connection",
    "the database system is",
    "could not connect",
)
_KINDS = (
    ("locked", _LOCKED),
    ("full", _FULL),
    ("read_only", _READ_ONLY),
    ("damaged", _DAMAGED),
    ("unreachable", _GONE),
)


# When the disk is full SQLite ends the transaction itself, and leaving it then fails too: the first error is the cause.
_AFTERMATH = ("no such savepoint", "no transaction is active")


def is_aftermath(error: BaseException) -> bool:
    """Tell whether an error only says that the transaction had ended before."""
    return any(mark in str(error) for mark in _AFTERMATH)


def _first_said(error: DBAPIError) -> str:
    cause: BaseException | None = error
    while cause is not None and is_aftermath(cause):
        cause = cause.__context__
    if cause is None:
        return str(error.orig)
    return str(cause.orig) if isinstance(cause, DBAPIError) else str(cause)


def translate(error: DBAPIError) -> GeoMinzhengError:
    """Turn an error of the driver into the product's own.

    Returns
    -------
    ``StoreError`` (locked, full, read-only, damaged, unreachable), ``RefusedError`` (append-only, a constraint), or
    ``InputError`` (a value the database cannot hold).
    """
    said = _first_said(error)
    if MARK in said:
        return RefusedError("store.append_only", table=said.split(MARK, 1)[1].split("\n", 1)[0])
    low = said.lower()
    for key, marks in _KINDS:
        if any(mark in low for mark in marks):
            return StoreError(f"store.{key}", detail=said)
    if isinstance(error, IntegrityError):
        return RefusedError("store.constraint", detail=said.split("\n", 1)[0])
    if isinstance(error, DataError):
        return InputError("store.bad_value", detail=said.split("\n", 1)[0])
    if error.connection_invalidated:
        return StoreError("store.unreachable", detail=said)
    return StoreError("store.sql", detail=said)
