"""Which rows are in force on a day for a profile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from geo_minzheng.policy.read import Row


def explode(rows: Iterable[Row]) -> list[Row]:
    """Turn a row for several codes into one row for each."""
    result = []
    for row in rows:
        column = row.table.explode
        if not column:
            result.append(row)
            continue
        result += [replace(row, cells={**row.cells, column: code}) for code in row.parts(column)]
    return result


def resolve(rows: Iterable[Row], *, profile: str, day: date) -> list[Row]:
    """Choose the rows of one table in force on a day.

    Within a group (a rule that is replaced as a whole) dated rows win over undated ones, and among equals rows of the
    profile over rows for every profile. The order of the file is kept.

    Parameters
    ----------
    rows
        Rows of one table, any validity.
    profile
        Profile whose rows count beside those for every profile.
    """
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    exploded = explode(rows)
    for row in exploded:
        if row.holds_on(day) and row.text("profile") in ("", profile):
            groups[row.key_of(row.table.group_columns)].append(row)
    chosen: set[int] = set()
    for members in groups.values():
        best = max(_rank(row) for row in members)
        chosen |= {id(row) for row in members if _rank(row) == best}
    return [row for row in exploded if id(row) in chosen]


def _rank(row: Row) -> tuple[bool, bool]:
    return row.is_dated, bool(row.text("profile"))


def turning_days(rows: Mapping[str, Iterable[Row]]) -> list[date]:
    """List the days on which what is in force may change, and one day before any of them."""
    days = {date(1949, 10, 1)}
    for row in (row for table in rows.values() for row in table):
        if row.valid_from:
            days.add(row.valid_from)
        if row.valid_to and row.valid_to < date.max:
            days.add(row.valid_to + timedelta(days=1))
    return sorted(days)
