"""Triggers that let a table only grow, on both databases."""

from __future__ import annotations

from sqlalchemy import Connection

MARK = "append-only: "
_FUNCTION = "geo_minzheng_append_only"


def append_only(bind: Connection, table: str) -> None:
    """Refuse every UPDATE, DELETE and TRUNCATE of a table.

    SQLite's ``INSERT OR REPLACE`` deletes silently: the connection's ``recursive_triggers`` makes it fire the trigger.
    """
    if bind.dialect.name == "sqlite":
        for act in ("update", "delete"):
            bind.exec_driver_sql(
                f'CREATE TRIGGER "{table}_no_{act}" BEFORE {act.upper()} ON "{table}" '
                f"BEGIN SELECT RAISE(ABORT, '{MARK}{table}'); END"
            )
        return
    _create_function(bind)
    for act, level in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT")):
        bind.exec_driver_sql(
            f'CREATE TRIGGER "{table}_no_{act}" BEFORE {act.upper()} ON "{table}" '
            f"FOR EACH {level} EXECUTE FUNCTION {_FUNCTION}()"
        )


def _create_function(bind: Connection) -> None:
    bind.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION USING MESSAGE = '{MARK}' || TG_TABLE_NAME; END $$"
    )


def count_up_only(bind: Connection, table: str) -> None:
    """Let the single row of a head table only count up, and never go."""
    condition = "NEW.count <= OLD.count OR NEW.fid <> OLD.fid"
    if bind.dialect.name == "sqlite":
        bind.exec_driver_sql(
            f'CREATE TRIGGER "{table}_no_update" BEFORE UPDATE ON "{table}" '
            f"WHEN {condition} BEGIN SELECT RAISE(ABORT, '{MARK}{table}'); END"
        )
        bind.exec_driver_sql(
            f'CREATE TRIGGER "{table}_no_delete" BEFORE DELETE ON "{table}" '
            f"BEGIN SELECT RAISE(ABORT, '{MARK}{table}'); END"
        )
        return
    _create_function(bind)
    bind.exec_driver_sql(
        f'CREATE TRIGGER "{table}_no_update" BEFORE UPDATE ON "{table}" FOR EACH ROW '
        f"WHEN ({condition}) EXECUTE FUNCTION {_FUNCTION}()"
    )
    for act, level in (("delete", "ROW"), ("truncate", "STATEMENT")):
        bind.exec_driver_sql(
            f'CREATE TRIGGER "{table}_no_{act}" BEFORE {act.upper()} ON "{table}" '
            f"FOR EACH {level} EXECUTE FUNCTION {_FUNCTION}()"
        )


def guards(table: str, dialect: str) -> set[str]:
    """Name the triggers that must stand on a guarded table."""
    acts = ("update", "delete") if dialect == "sqlite" else ("update", "delete", "truncate")
    return {f"{table}_no_{act}" for act in acts}
