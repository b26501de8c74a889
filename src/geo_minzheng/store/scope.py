"""The one place where a session is narrowed to its scope: what it reads, changes and adds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Alias,
    ColumnElement,
    Delete,
    FromClause,
    Insert,
    Join,
    Select,
    Subquery,
    Table,
    Update,
    and_,
    event,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import ORMExecuteState, Session
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import SelectBase

from geo_minzheng.errors import NotFoundError, StoreError
from geo_minzheng.model.scope import BUREAU, EVERYTHING, Scope
from geo_minzheng.store.columns import Base
from geo_minzheng.store.scope_rules import RULES, Code, District, Here, Place, Rule, Term, Via
from geo_minzheng.store.tables_trace import Setting

_SCOPE, _DISTRICT = "scope", "district"


class ScopedSession(Session):
    """A session that carries how far it sees."""

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """Look a row up by its number, in the store and not in memory: what was read in the whole is not at hand."""
        if is_narrow(self):
            options["populate_existing"] = True
        return super().get(entity, ident, **options)


@dataclass(frozen=True)
class Sight:
    """A scope in a district.

    Parameters
    ----------
    district
        The district's own division code; empty before it has one.
    """

    scope: Scope
    district: str

    @property
    def holds_district(self) -> bool:
        """Whether the whole district lies in the scope."""
        return not self.scope.place_kind and self.district.startswith(self.scope.prefix)

    @property
    def is_here(self) -> bool:
        """Whether the scope lies in the district, or the district in it."""
        prefix = self.scope.prefix
        return self.district.startswith(prefix) or (bool(self.district) and prefix.startswith(self.district))


def narrow(session: Session, scope: Scope) -> None:
    """Say how far a session sees; done once, when it is opened."""
    session.info[_SCOPE] = scope


def sight_of(session: Session) -> Sight:
    """Tell how far a session sees, in this district."""
    scope = session.info.get(_SCOPE, EVERYTHING)
    if _DISTRICT not in session.info:
        query = select(Setting.value).where(Setting.key == "code")
        session.info[_DISTRICT] = str(session.connection().execute(query).scalar() or "")
    return Sight(scope, session.info[_DISTRICT])


@contextmanager
def whole(session: Session) -> Iterator[None]:
    """Lift the limit while something is reckoned over the whole district: sums, distances, what is cut off.

    Rows of households and houses read here must not leave the block, only what was reckoned from them.
    """
    before: Scope = session.info.get(_SCOPE, EVERYTHING)
    _set(session, EVERYTHING)
    try:
        yield
    finally:
        narrow(session, before)
        # A transaction that has failed says nothing any more; the next one says its own scope.
        with suppress(DBAPIError):
            _set(session, before)


def _set(session: Session, scope: Scope) -> None:
    narrow(session, scope)
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(select(func.set_config("geo_minzheng.scope", scope.key, True)))


def is_narrow(session: Session) -> bool:
    """Tell whether a session has a limit."""
    scope: Scope = session.info.get(_SCOPE, EVERYTHING)
    return not scope.is_everything


@contextmanager
def reckoning(session: Session, kind: str = "") -> Iterator[bool]:
    """Lift the limit for who may know the district's figures, though they see a part of its rows; for nobody else.

    Those are whose scope sees the bureau's own and lies in the district, and who are bound to no place, or to one of a
    kind that the figures are about.

    Yields
    ------
    Whether the limit is lifted, or there is none.
    """
    sight = sight_of(session)
    if BUREAU in sight.scope.sees and sight.is_here and sight.scope.place_kind in ("", kind):
        with whole(session):
            yield True
    else:
        yield not is_narrow(session)


def own_place(session: Session, kind: str) -> str:
    """Give the id of the one place of a kind that somebody is bound to; empty for nobody such."""
    scope = sight_of(session).scope
    return scope.place if is_narrow(session) and scope.place_kind == kind else ""


def part_of(session: Session, sees: str) -> str:
    """Give the division code of who sees a class of one town or village and is bound to no place; else empty."""
    sight = sight_of(session)
    is_part = is_narrow(session) and sight.is_here and not sight.holds_district and not sight.scope.place_kind
    return sight.scope.prefix if is_part and sees in sight.scope.sees else ""


@event.listens_for(ScopedSession, "do_orm_execute")
def _on_execute(state: ORMExecuteState) -> None:
    if not is_narrow(state.session):
        return
    statement = state.statement
    if isinstance(statement, Select | Update | Delete):
        state.statement = narrowed(statement, sight_of(state.session))
    elif isinstance(statement, Insert) and isinstance(statement.table, Table):
        _check_added(state.session, statement.table, _values(statement, state.parameters))
    else:
        raise StoreError("store.scope_unruled", statement=type(statement).__name__)


@event.listens_for(ScopedSession, "before_flush")
def _on_flush(session: Session, _context: object, _instances: object) -> None:
    if not is_narrow(session):
        return
    with session.no_autoflush:
        for row in session.new:
            _check_added(session, row.__table__, [row.values()])
        for row in [r for r in session.dirty if session.is_modified(r)]:
            _check_kept(session, row.__table__, [row.values() | {"fid": row.fid}])


def _values(statement: Insert, parameters: Any) -> list[Mapping[str, Any]]:
    own: dict[Any, Any] = getattr(statement, "_values", None) or {}
    fixed = {getattr(k, "key", str(k)): getattr(v, "value", v) for k, v in own.items()}
    given = parameters if isinstance(parameters, list) else [parameters or {}]
    return [fixed | {str(k): v for k, v in row.items()} for row in given]


def narrowed(statement: Any, sight: Sight) -> Any:
    """Add to a statement what holds of every table it names.

    Raises
    ------
    StoreError
        ``store.scope_unruled``: a table without a rule, or a table whose rows differ in who sees them is read in a
        part of the statement that no rule reaches.
    """
    sources = statement.get_final_froms() if isinstance(statement, Select) else [statement.table]
    found = [one for source in sources for one in _tables(source)]
    for node in visitors.iterate(statement):
        if isinstance(node, SelectBase) and node is not statement:
            _refuse_hidden(node)
    for source, is_optional in found:
        condition = condition_of(rule_of(_name(source)), source, sight)
        if condition is not None:
            statement = statement.where(or_(source.c["fid"].is_(None), condition) if is_optional else condition)
    return statement


def _refuse_hidden(node: SelectBase) -> None:
    inner = node.get_final_froms() if isinstance(node, Select) else []
    if not isinstance(node, Select):
        raise StoreError("store.scope_unruled", statement=type(node).__name__)
    for source in inner:
        for table, _ in _tables(source):
            if rule_of(_name(table)).is_by_row:
                raise StoreError("store.scope_unruled", statement=_name(table))


def _tables(source: FromClause, *, is_optional: bool = False) -> Iterator[tuple[FromClause, bool]]:
    """List the tables of a FROM, each with whether an outer join may leave it empty."""
    if isinstance(source, Join):
        yield from _tables(source.left, is_optional=is_optional or source.full)
        yield from _tables(source.right, is_optional=is_optional or source.isouter or source.full)
    elif isinstance(source, Table) or (isinstance(source, Alias) and isinstance(source.element, Table)):
        yield source, is_optional
    elif not isinstance(source, Subquery):
        raise StoreError("store.scope_unruled", statement=type(source).__name__)


def _name(source: FromClause) -> str:
    return str(source.name) if isinstance(source, Table) else str(source.element.name)  # type: ignore[attr-defined]


def rule_of(table: str) -> Rule:
    """Give the rule of a table.

    Raises
    ------
    StoreError
        ``store.scope_unruled``: it has none, so nobody but the product itself reads it.
    """
    if table not in RULES:
        raise StoreError("store.scope_unruled", statement=table)
    return RULES[table]


def condition_of(rule: Rule, source: FromClause, sight: Sight) -> ColumnElement[bool] | None:
    """Write a rule as a condition on the rows of a table or its alias; ``None`` where it sets no limit."""
    if rule.sees and rule.sees not in sight.scope.sees:
        return false()
    return _all(rule.terms, source, sight)


def _all(terms: tuple[Term, ...], source: FromClause, sight: Sight) -> ColumnElement[bool] | None:
    parts = [part for term in terms if (part := _term(term, source, sight)) is not None]
    return and_(*parts) if parts else None


def _term(term: Term, source: FromClause, sight: Sight) -> ColumnElement[bool] | None:
    scope = sight.scope
    match term:
        case Code(column):
            prefix = scope.prefix
            return func.substr(source.c[column], 1, len(prefix)) == prefix if prefix else None
        case Place(columns):
            if not scope.place_kind:
                return None
            name = columns.get(scope.place_kind)
            return false() if name is None else source.c[name] == scope.place
        case Here():
            return None if sight.is_here else false()
        case District():
            return None if sight.holds_district else false()
        case Via():
            return _via(term, source, sight)


def _via(term: Via, source: FromClause, sight: Sight) -> ColumnElement[bool] | None:
    # An alias of its own, so that it is not taken for the same table of the statement around it.
    other = Base.metadata.tables[term.table].alias()
    both = (condition_of(rule_of(term.table), other, sight), _all(term.by, other, sight))
    parts = [part for part in both if part is not None]
    if not parts:
        return None
    condition = and_(*parts)
    known = source.c[term.column].in_(select(other.c[term.key]).where(condition))
    return or_(source.c[term.column].is_(None), known) if term.or_none else known


def _check_added(session: Session, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    rule = rule_of(table.name)
    _check(
        session, table, rule.terms if rule.adds is None else rule.adds, rows, sees=rule.sees if rule.adds_class else ""
    )


def _check_kept(session: Session, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    rule = rule_of(table.name)
    _check(session, table, rule.terms, rows, sees=rule.sees)


def _check(
    session: Session, table: Table, terms: tuple[Term, ...], rows: Iterable[Mapping[str, Any]], *, sees: str
) -> None:
    """Refuse a row outside the scope as if it, or what it belongs to, were not there."""
    sight = sight_of(session)
    listed = list(rows)
    is_seen = not sees or sees in sight.scope.sees
    for row in listed:
        if not is_seen or not all(_holds(session, table, term, row, sight) for term in terms):
            raise NotFoundError("store.not_found", table=table.name, key=_key_text(row))


def _holds(session: Session, table: Table, term: Term, row: Mapping[str, Any], sight: Sight) -> bool:
    """Ask the database whether a term holds of values that are not stored yet."""
    told = select(*(literal(row.get(n), table.c[n].type).label(n) for n in _columns(term) or ("fid",))).subquery()
    condition = _term(term, told, sight)
    return condition is None or bool(session.connection().execute(select(condition)).scalar())


def _columns(term: Term) -> list[str]:
    match term:
        case Code(column) | Via(column=column):
            return [column]
        case Place(columns):
            return sorted(set(columns.values()))
        case _:
            return []


def _key_text(row: Mapping[str, Any]) -> str:
    return "/".join(str(v) for k, v in row.items() if k.endswith(("_id", "code", "uuid")) and v)
