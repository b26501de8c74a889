"""Households by id and by blind index, and their private columns opened on purpose."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from geo_minzheng.store.keys import KeyRing
from geo_minzheng.store.seal import SEALED, blind_index, index_name, open_cell, ring_of
from geo_minzheng.store.tables_layers import Household

PRIVATE = SEALED["household"]
_TABLE = "household"
_AT_ONCE = 500


def of_ids(session: Session, ids: Collection[str], *, scope: str = "") -> list[Household]:
    """Give the households of these ids below a division-code prefix, by id."""
    wanted = sorted(set(ids))
    found: list[Household] = []
    for start in range(0, len(wanted), _AT_ONCE):
        part = Household.household_id.in_(wanted[start : start + _AT_ONCE])
        found += session.scalars(select(Household).where(part, _below(scope)).order_by(Household.household_id))
    return found


def with_value(session: Session, column: str, value: str, *, scope: str = "") -> list[Household]:
    """Give the households whose column holds exactly this value, however it is spelled, by id."""
    index = blind_index(ring_of(session), _TABLE, column, value)
    if index is None:
        return []
    equals = getattr(Household, index_name(column)) == index
    return list(session.scalars(select(Household).where(equals, _below(scope)).order_by(Household.household_id)))


def repeated(session: Session, column: str, *, scope: str = "") -> list[list[Household]]:
    """Group the households that hold one value of a column between them, two or more each."""
    index = getattr(Household, index_name(column))
    counted = select(index).where(index.is_not(None), _below(scope)).group_by(index).having(func.count() > 1)
    twice = list(session.scalars(counted))
    groups: dict[str, list[Household]] = {}
    for row in _of_indexes(session, index, twice, scope):
        groups.setdefault(getattr(row, index_name(column)), []).append(row)
    return sorted((rows for rows in groups.values() if len(rows) > 1), key=lambda rows: rows[0].household_id)


def _of_indexes(
    session: Session, index: InstrumentedAttribute[str | None], wanted: Sequence[str | None], scope: str
) -> Iterator[Household]:
    for start in range(0, len(wanted), _AT_ONCE):
        part = index.in_(wanted[start : start + _AT_ONCE])
        yield from session.scalars(select(Household).where(part, _below(scope)).order_by(Household.household_id))


def _below(scope: str) -> ColumnElement[bool]:
    return Household.village_code.startswith(scope, autoescape=True)


def opened(ring: KeyRing, row: Household, columns: Sequence[str] = PRIVATE) -> dict[str, str | None]:
    """Open private columns of a household."""
    cells = {name: getattr(row, name) for name in columns}
    return {
        name: None if cell is None else open_cell(ring, _TABLE, name, row.household_id, cell)
        for name, cell in cells.items()
    }
