"""After sealing: what the database keeps of the rows as they were, and copies from before, leave the disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DatabaseError, DBAPIError

from geo_minzheng.store.border import translate
from geo_minzheng.store.migrate import HEAD

_REWRITTEN = ("household", "audit")


def copy_of(path: Path, *, is_clear: bool) -> Path:
    """Name the copy that is put beside a store before it is brought up: one that holds names in the clear is marked."""
    return path.with_name(f"{path.stem}.{'unsealed' if is_clear else f'before-{HEAD}'}{path.suffix}")


def scrub_file(path: Path) -> None:
    """Write a freshly sealed file anew and take away every copy from before; nothing to do for any other.

    The marked copy goes last: where it stands, an earlier scrub did not come to its end and is done again.

    Raises
    ------
    StoreError
        Locked, full, damaged: the store is sealed, and the next opening scrubs it.
    """
    copy = copy_of(path, is_clear=True)
    if not copy.exists():
        return
    try:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as link:
            link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            link.execute("VACUUM")
            link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        raise translate(DatabaseError("VACUUM", {}, error)) from error
    for older in path.parent.glob(f"{path.stem}.before-*{path.suffix}"):
        older.unlink()
    for name in (f"{copy.name}-wal", f"{copy.name}-shm", f"{copy.name}-journal", copy.name):
        path.with_name(name).unlink(missing_ok=True)


def scrub_server(engine: Engine) -> None:
    """Write the sealed tables of a server anew, so that no dead row holds a name.

    Raises
    ------
    StoreError
        Unreachable, locked.
    """
    try:
        with closing(engine.raw_connection()) as pooled:
            link = pooled.driver_connection
            assert link is not None
            link.rollback()
            link.autocommit = True
            try:
                for table in _REWRITTEN:
                    link.execute(f"VACUUM FULL {table}")
            finally:
                link.autocommit = False
    except DBAPIError as error:
        raise translate(error) from error
