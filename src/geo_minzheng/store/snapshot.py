"""A consistent copy of a store while others write, and the way back: a GeoPackage file, or a PostgreSQL dump."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from geo_minzheng.errors import RefusedError, StoreError
from geo_minzheng.model.backup import Census
from geo_minzheng.store.border import translate
from geo_minzheng.store.census import take_census
from geo_minzheng.store.session import make_engine

FILE, DUMP = "district.gpkg", "district.dump"
_HIDDEN = "row-level security"


def take(session: Session, folder: Path) -> tuple[Path, Census]:
    """Copy the store as the session sees it into a folder, and count it in the same snapshot.

    Raises
    ------
    StoreError
        ``store.full``; ``backup.rows_hidden``: the role sees only a part; ``backup.no_tool``, ``backup.dump``.
    """
    with _translated():
        census = take_census(session)
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        target = folder / FILE
        source: Any = connection.connection.driver_connection
        _copy(source, target)
    else:
        target = folder / DUMP
        _dump(connection, target)
    return target, census


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if _HIDDEN in str(error):
            raise StoreError("backup.rows_hidden") from error
        raise translate(error) from error


def _copy(source: sqlite3.Connection, target: Path) -> None:
    try:
        with closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        raise StoreError("store.full" if "full" in str(error) else "store.damaged", detail=str(error)) from error


def _dump(connection: Connection, target: Path) -> None:
    snapshot = str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar())
    # Row-level security stays off for the dump: a role that may not read everything fails, and never writes a part.
    options = ["--format=custom", "--no-owner", "--no-privileges", "--no-comments", f"--snapshot={snapshot}"]
    _run("pg_dump", connection.engine.url, [*options, f"--file={target}"])


def _run(tool: str, url: URL | None, options: list[str]) -> bytes:
    command = [program(tool), *options]
    environ = dict(os.environ)
    if url is not None:
        command.append(f"--dbname={_address(url)}")
        if url.password:
            environ["PGPASSWORD"] = str(url.password)
    done = subprocess.run(command, env=environ, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        if _HIDDEN in said:
            raise StoreError("backup.rows_hidden")
        lines = said.splitlines()
        raise StoreError("backup.dump", tool=tool, detail=lines[0] if lines else str(done.returncode))
    return done.stdout


def _address(url: URL) -> str:
    plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return plain.render_as_string(hide_password=False)


def program(tool: str) -> str:
    """Find a program of PostgreSQL: by the path, else the newest one that Debian installed.

    Raises
    ------
    StoreError
        ``backup.no_tool``.
    """
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{tool}"), key=lambda path: int(path.parts[4]))
    found = str(installed[-1]) if installed else shutil.which(tool)
    if found is None:
        raise StoreError("backup.no_tool", tool=tool)
    return found


def rows_of_dump(dump: Path) -> dict[str, int]:
    """Read a whole dump and count the rows of every table in it, without a server.

    Raises
    ------
    StoreError
        ``backup.no_tool``; ``backup.dump``: it cannot be read.
    """
    command = [program("pg_restore"), "--data-only", "--file=-", str(dump)]
    counts: dict[str, int] = {}
    table = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as reading:
        assert reading.stdout is not None
        for line in reading.stdout:
            if table and line == b"\\.\n":
                table = ""
            elif table:
                counts[table] += 1
            elif line.startswith(b"COPY "):
                table = line.split()[1].decode().rpartition(".")[2].strip('"')
                counts[table] = 0
    if reading.returncode:
        raise StoreError("backup.dump", tool="pg_restore", detail=str(reading.returncode))
    return counts


def check_empty(url: str) -> None:
    """Refuse a database that is not empty: a restore never goes over what is there.

    Raises
    ------
    RefusedError
        ``backup.not_empty``.
    """
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            there = [n for n in inspect(connection).get_table_names() if n != "spatial_ref_sys"]
    except DBAPIError as error:
        raise translate(error) from error
    finally:
        engine.dispose()
    if there:
        place = engine.url.render_as_string(hide_password=True)
        raise RefusedError("backup.not_empty", place=place, table=there[0])


def put_back(dump: Path, url: str) -> None:
    """Fill an empty database from a dump, in one transaction: all of it or nothing.

    Raises
    ------
    StoreError
        ``backup.no_tool``, ``backup.dump``.
    """
    options = ["--no-owner", "--no-privileges", "--no-comments", "--exit-on-error", "--single-transaction"]
    _run("pg_restore", make_url(url), [*options, str(dump)])
