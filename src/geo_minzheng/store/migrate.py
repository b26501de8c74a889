"""From an empty database, or an older store, to the tables of this version, in one transaction."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from geo_minzheng.errors import StoreError

# The last file in migrations/versions; compared on opening so that alembic need not be loaded.
HEAD = "0012"
# The first version that keeps private columns sealed.
SEALED_SINCE = "0010"


def revision(connection: Connection) -> str:
    """Read which version of the tables a database holds; empty when it is no store."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")


def revision_of_file(path: Path) -> str:
    """Read the version of a store file without touching it; empty when it is no store.

    Raises
    ------
    StoreError
        ``store.not_a_store``: a file, but not of ours.
    """
    link = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
    try:
        tables = {row[0] for row in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return ""
        if not {"alembic_version", "gpkg_contents", "boundary"} <= tables:
            raise StoreError("store.not_a_store", path=str(path))
        row = link.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else ""
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise StoreError("store.locked", detail=str(error)) from error
        raise StoreError("store.not_a_store", path=str(path)) from error
    finally:
        link.close()


def check_known(found: str) -> None:
    """Refuse a store that a newer version of the product wrote.

    Raises
    ------
    StoreError
        ``store.newer``.
    """
    if not found.isdigit() or int(found) > int(HEAD):
        raise StoreError("store.newer", found=found, known=HEAD)


def upgrade(connection: Connection) -> None:
    """Bring the tables to this version on a connection whose transaction the caller commits."""
    from alembic import command  # noqa: PLC0415  (0.3 s that opening a store need not wait for)
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")
