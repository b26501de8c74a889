"""Engines and sessions: how a store is created, opened, read and written."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from geo_minzheng.errors import InputError, NotFoundError, RefusedError, StoreError
from geo_minzheng.model.scope import EVERYTHING, Scope
from geo_minzheng.store import gpkg, migrate, scrub
from geo_minzheng.store.border import is_aftermath, translate
from geo_minzheng.store.keys import make_ring
from geo_minzheng.store.scope import ScopedSession, narrow
from geo_minzheng.store.seal import FOLDER

BUSY_MS = 10_000
_RHYTHM_MS = 2
_READS = "geo_minzheng_reads"
_SCOPE = "geo_minzheng_scope"
# One number for all writers of a PostgreSQL store: they take turns as they do on SQLite, so a chain has one next link.
_WRITER = 0x67656F6D


def _on_sqlite_connect(link: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    link.isolation_level = None
    link.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    link.execute("PRAGMA journal_mode = WAL")
    link.execute("PRAGMA synchronous = FULL")
    link.execute("PRAGMA foreign_keys = ON")
    link.execute("PRAGMA recursive_triggers = ON")
    gpkg.register_functions(link)


def _on_sqlite_begin(connection: Connection) -> None:
    if connection.get_execution_options().get(_READS):
        connection.exec_driver_sql("PRAGMA query_only = 1")
        connection.exec_driver_sql("BEGIN")
        return
    connection.exec_driver_sql("PRAGMA query_only = 0")
    # SQLite's own waiting sleeps ever longer, so that under steady load somebody who has waited long waits for ever
    # (measured: 4 of 8 writers gave up after 10 s). Asking at one short rhythm gives everybody the same chance.
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        link: Any = connection.connection.driver_connection
        for _ in range(BUSY_MS // _RHYTHM_MS):
            try:
                link.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    break
                time.sleep(_RHYTHM_MS / 1000)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_MS}")


def _on_postgresql_begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get(_READS):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    if _SCOPE in options:
        # For this transaction only: a connection that goes back to the pool sees nothing.
        connection.exec_driver_sql("SELECT set_config('geo_minzheng.scope', %s, true)", (options[_SCOPE],))
    if options.get(_READS):
        return
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_MS}")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")


def make_engine(url: str | URL, *, keys: Path | None = None) -> Engine:
    """Make an engine whose transactions are safe; it does not look whether there is a store.

    SQLite: WAL, ``synchronous=FULL``, foreign keys, 10 s busy timeout, ``BEGIN IMMEDIATE`` for writers, one connection
    per session from a pool that threads may share. PostgreSQL: writers take turns by an advisory lock held to the
    end of the transaction; readers see one snapshot.

    Parameters
    ----------
    keys
        Folder of the keys that private columns are sealed with; without it they can be neither written nor opened.

    Raises
    ------
    InputError
        ``store.bad_url``: neither an SQLite file nor a PostgreSQL database.
    """
    parsed, kept = make_url(url), {FOLDER: keys}
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        engine = create_engine(
            parsed, connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000}, pool_size=8, max_overflow=56,
            execution_options=kept,
            hide_parameters=True,
        )  # fmt: skip
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
        return engine
    if backend == "postgresql":
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(
            parsed, pool_pre_ping=True, pool_size=8, max_overflow=56, hide_parameters=True, execution_options=kept
        )
        event.listen(engine, "begin", _on_postgresql_begin)
        return engine
    raise InputError("store.bad_url", url=parsed.render_as_string(hide_password=True))


def _file_of(engine: Engine) -> Path | None:
    return Path(str(engine.url.database)) if engine.dialect.name == "sqlite" else None


def create_store(url: str | URL, *, keys: Path | None = None) -> Engine:
    """Create an empty store: all tables of this version in one transaction, or none.

    Parameters
    ----------
    url
        ``sqlite:////folder/district.gpkg`` (the folder is made) or ``postgresql://…`` (the database exists).
    keys
        Folder of the keys, see :func:`make_engine`; a ring is made there where there is none.

    Raises
    ------
    RefusedError
        ``store.exists``: there is a store already.
    StoreError
        ``store.not_a_store``: there is something else; ``store.no_postgis``; locked, full, unreachable.
    """
    engine = make_engine(url, keys=keys)
    path = _file_of(engine)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size and migrate.revision_of_file(path):
            raise RefusedError("store.exists", place=str(path))
    try:
        with _whole(engine).begin() as connection:
            if migrate.revision(connection):
                raise RefusedError("store.exists", place=engine.url.render_as_string(hide_password=True))
            if keys is not None:
                make_ring(keys)
            migrate.upgrade(connection)
    except DBAPIError as error:
        raise translate(error) from error
    return engine


def open_store(url: str | URL, *, keys: Path | None = None) -> Engine:
    """Open a store; an older one is brought to this version first, after a copy of its file was put beside it.

    A store from before private columns were sealed gets its ring here, and when it is sealed the copies that hold
    names in the clear are taken away.

    Raises
    ------
    NotFoundError
        ``store.missing``: nothing there.
    StoreError
        ``store.newer``: written by a newer version; ``store.not_a_store``; locked, full, unreachable.
    """
    engine = make_engine(url, keys=keys)
    path = _file_of(engine)
    place = engine.url.render_as_string(hide_password=True) if path is None else str(path)
    if path is not None:
        if not path.is_file():
            raise NotFoundError("store.missing", place=place)
        found = migrate.revision_of_file(path)
    else:
        found = _revision_of_server(engine)
    if not found:
        raise NotFoundError("store.missing", place=place)
    migrate.check_known(found)
    is_clear = found < migrate.SEALED_SINCE
    if found != migrate.HEAD:
        if path is not None:
            _copy_file(path, scrub.copy_of(path, is_clear=is_clear))
        try:
            with _whole(engine).begin() as connection:
                migrate.upgrade(connection)
        except DBAPIError as error:
            raise translate(error) from error
    if path is not None:
        scrub.scrub_file(path)
    elif is_clear:
        scrub.scrub_server(engine)
    return engine


def _whole(engine: Engine) -> Engine:
    """Give the engine without a limit to what it sees."""
    return engine.execution_options(**{_SCOPE: EVERYTHING.key})


def _revision_of_server(engine: Engine) -> str:
    try:
        with engine.execution_options(**{_READS: True}).connect() as connection:
            return migrate.revision(connection)
    except DBAPIError as error:
        raise translate(error) from error


def _copy_file(source: Path, target: Path) -> None:
    """Copy a store whole or not at all: what stands under its name can be gone back to."""
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new)
        part.replace(target)
    except sqlite3.Error as error:
        part.unlink(missing_ok=True)
        raise StoreError("store.full" if "full" in str(error) else "store.damaged", detail=str(error)) from error


@contextmanager
def store_session(engine: Engine, scope: Scope = EVERYTHING) -> Iterator[Session]:
    """Open a session that may write and rolls back unless ``session.commit()`` was called.

    It holds the writer's lock from its first statement on: compute before, write in one short session. Everything a
    use case writes, with its audit rows, stands or falls together.

    Parameters
    ----------
    scope
        How far it sees; what lies outside looks as if it were not there, also to a write.

    Raises
    ------
    StoreError, RefusedError, InputError
        Errors of the database, translated.
    """
    with _session(engine, scope) as session:
        yield session


@contextmanager
def read_session(engine: Engine, scope: Scope = EVERYTHING) -> Iterator[Session]:
    """Open a session that sees one snapshot and cannot write; it waits for nobody.

    Parameters
    ----------
    scope
        How far it sees.

    Raises
    ------
    StoreError
        ``store.read_only`` on an attempt to write; other errors of the database, translated.
    """
    with _session(engine.execution_options(**{_READS: True}), scope) as session:
        yield session


@contextmanager
def _session(bind: Engine, scope: Scope) -> Iterator[Session]:
    session = ScopedSession(bind.execution_options(**{_SCOPE: scope.key}), expire_on_commit=False)
    narrow(session, scope)
    try:
        yield session
    except DBAPIError as error:
        raise translate(error) from error
    finally:
        _leave(session)


def _leave(session: Session) -> None:
    try:
        session.close()
    except OperationalError as error:
        if not is_aftermath(error):
            raise translate(error) from error
        session.invalidate()
