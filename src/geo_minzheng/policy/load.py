"""Load the policy in force on a day."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from geo_minzheng.errors import InputError, ManyInputError
from geo_minzheng.model.policy import Policy, PolicyValue, Scalar
from geo_minzheng.policy.assemble import assemble
from geo_minzheng.policy.check import check_all
from geo_minzheng.policy.read import Row, read_folder
from geo_minzheng.policy.resolve import resolve
from geo_minzheng.policy.schema import PROVENANCE, ROW_UNIT
from geo_minzheng.policy.tables import TABLES

_META = frozenset(column.name for column in PROVENANCE)


def check_policy(folder: Path) -> tuple[InputError, ...]:
    """Find every fault of every policy file, for all profiles and all days; empty when there is none."""
    return tuple(check_all(read_folder(folder)))


def list_profiles(folder: Path) -> tuple[str, ...]:
    """List the profiles of a policy folder."""
    return tuple(row.text("profile") for row in read_folder(folder).rows["profiles"])


def load_policy(folder: Path, *, profile: str, day: date) -> Policy:
    """Load the policy of a profile as in force on a day.

    Dated rows in force win over undated ones; among undated ones those of the profile win over those for every profile.

    Parameters
    ----------
    folder
        ``data/policy`` or a bureau's own folder of the same form.
    profile
        ``seed_reference`` (the founding plan's figures), ``sample_2024`` (sample) or the bureau's own.

    Raises
    ------
    ManyInputError
        ``policy.many_faults``: all faults of all files, each naming file, row, column, value and remedy.
    InputError
        ``policy.unknown_profile``.
    """
    reading = read_folder(folder)
    faults = check_all(reading)
    if faults:
        raise ManyInputError("policy.many_faults", tuple(faults), folder=folder.name)
    names = {row.text("profile"): row.text("name_zh") for row in reading.rows["profiles"]}
    if profile not in names:
        raise InputError("policy.unknown_profile", profile=profile, allowed=sorted(names))
    rows = {name: resolve(table, profile=profile, day=day) for name, table in reading.rows.items()}
    values = {value.key: value for table in rows.values() for row in table for value in _values(row)}
    files = {table.name if table.prefix is None else table.prefix: table.file for table in TABLES}
    return assemble(
        rows, profile=profile, profile_name=names[profile], day=day, digest=_digest(rows), values=values, files=files
    )


def _values(row: Row) -> Iterable[PolicyValue]:
    table = row.table
    prefix = table.name if table.prefix is None else table.prefix
    parts = [prefix, *(str(part) for part in row.key_of(table.key) if part not in (None, ""))]
    base = ".".join(part for part in parts if part)
    for column in table.columns:
        value = row.cells[column.name]
        if value in (None, ()) or column.name in table.key or column.name in _META:
            continue
        yield PolicyValue(
            key=base if table.is_scalar and column.name == "value" else f"{base}.{column.name}",
            value=value if not isinstance(value, int) or isinstance(value, bool) else float(value),
            unit=row.text("unit") if column.unit == ROW_UNIT else column.unit or _unit_of(row, column.name),
            source=row.text("source"),
            note=row.text("note"),
            file=table.file,
            row=row.line,
            profile=row.text("profile"),
            valid_from=row.valid_from,
            valid_to=row.valid_to,
        )


def _unit_of(row: Row, column: str) -> str:
    return row.text("rate_unit") if column == "rate" else ""


def _digest(rows: Mapping[str, list[Row]]) -> str:
    """Hash the rows in force: content only, so that a moved line or a future row changes nothing."""
    content = {
        name: sorted(
            json.dumps({k: _plain(v) for k, v in row.cells.items()}, ensure_ascii=False, sort_keys=True)
            for row in table
        )
        for name, table in rows.items()
    }
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _plain(value: Scalar | None) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
