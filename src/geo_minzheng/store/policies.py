"""PostgreSQL's row-level security, written from the same rules as the sessions': the second wall.

Every transaction says how far it sees (``geo_minzheng.scope``, for that transaction only). One that says nothing sees
no row of any table. FORCE binds the owner of the tables too; a superuser is bound by nothing, so the product is not run
as one.
"""

from __future__ import annotations

from sqlalchemy import Connection

from geo_minzheng.store.scope_rules import RULES, Code, District, Here, Place, Term, Via

_ALL = "(SELECT geo_minzheng_scope('everything') = 'true')"
_PREFIX = "(SELECT geo_minzheng_scope('prefix'))"
_KIND = "(SELECT geo_minzheng_scope('kind'))"
_PLACE = "(SELECT geo_minzheng_scope('place'))"
_FUNCTIONS = (
    "CREATE OR REPLACE FUNCTION geo_minzheng_scope(name text) RETURNS text LANGUAGE sql STABLE AS "
    "$$ SELECT nullif(current_setting('geo_minzheng.scope', true), '')::jsonb ->> name $$",
    "CREATE OR REPLACE FUNCTION geo_minzheng_sees(class text) RETURNS boolean LANGUAGE sql STABLE AS "
    "$$ SELECT nullif(current_setting('geo_minzheng.scope', true), '')::jsonb -> 'sees' ? class $$",
    "CREATE OR REPLACE FUNCTION geo_minzheng_district() RETURNS text LANGUAGE sql STABLE AS "
    "$$ SELECT coalesce((SELECT trim(both '\"' from value) FROM setting WHERE key = 'code'), '') $$",
)


def protect_all(bind: Connection, tables: set[str]) -> None:
    """Put every table that has a rule behind its policies; nothing to do on SQLite, whose file has one reader.

    Parameters
    ----------
    tables
        Tables that exist.
    """
    if bind.dialect.name == "sqlite":
        return
    for statement in _FUNCTIONS:
        bind.exec_driver_sql(statement)
    for table in sorted(tables & RULES.keys()):
        protect(bind, table)


def protect(bind: Connection, table: str) -> None:
    """Put one table behind its policies; a migration that makes a table calls it."""
    if bind.dialect.name == "sqlite":
        return
    rule = RULES[table]
    terms = rule.terms if rule.second is None else rule.second
    reads = _allowed(table, rule.sees, terms)
    adds = _allowed(table, rule.sees if rule.adds_class else "", terms if rule.adds is None else rule.adds)
    said = {
        "read": f"FOR SELECT USING ({reads})",
        "add": f"FOR INSERT WITH CHECK ({adds})",
        "change": f"FOR UPDATE USING ({reads}) WITH CHECK ({reads})",
        "remove": f"FOR DELETE USING ({reads})",
    }
    for name, clause in said.items():
        bind.exec_driver_sql(f'DROP POLICY IF EXISTS "{table}_{name}" ON "{table}"')
        bind.exec_driver_sql(f'CREATE POLICY "{table}_{name}" ON "{table}" {clause}')
    bind.exec_driver_sql(f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY')
    bind.exec_driver_sql(f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY')


def unprotected(bind: Connection) -> list[str]:
    """List the tables whose wall is down or has a gate missing."""
    if bind.dialect.name == "sqlite":
        return []
    standing = {
        row[0]
        for row in bind.exec_driver_sql(
            "SELECT c.relname FROM pg_class c WHERE c.relrowsecurity AND c.relforcerowsecurity "
            "AND c.relnamespace = current_schema()::regnamespace "
            "AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) = 4"
        )
    }
    return sorted(RULES.keys() - standing)


def _allowed(table: str, sees: str, terms: tuple[Term, ...]) -> str:
    parts = [f"(SELECT geo_minzheng_sees('{sees}'))" if sees else f"{_PREFIX} IS NOT NULL"]
    parts += [_sql(table, term) for term in terms]
    return f"{_ALL} OR ({' AND '.join(parts)})"


def _sql(table: str, term: Term) -> str:
    match term:
        case Code(column):
            return f'left("{table}"."{column}", length({_PREFIX})) = {_PREFIX}'
        case Place(columns):
            mine = [f'({_KIND} = \'{kind}\' AND "{table}"."{name}" = {_PLACE})' for kind, name in columns.items()]
            return "(" + " OR ".join([f"{_KIND} = ''", *mine]) + ")"
        case Here():
            district = "(SELECT geo_minzheng_district())"
            return (
                f"(left({district}, length({_PREFIX})) = {_PREFIX} OR ({district} <> '' AND "
                f"left({_PREFIX}, length({district})) = {district}))"
            )
        case District():
            district = "(SELECT geo_minzheng_district())"
            return f"({_KIND} = '' AND left({district}, length({_PREFIX})) = {_PREFIX})"
        case Via():
            return _via(table, term)


def _via(table: str, term: Via) -> str:
    """Ask the other table, which shows its own policy's rows only."""
    inner = [_sql(term.table, one) for one in term.by]
    where = f" WHERE {' AND '.join(inner)}" if inner else ""
    known = f'"{table}"."{term.column}" IN (SELECT "{term.table}"."{term.key}" FROM "{term.table}"{where})'  # noqa: S608
    return f'("{table}"."{term.column}" IS NULL OR {known})' if term.or_none else known
