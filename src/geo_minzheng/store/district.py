"""The district's own values: code, name, metres, policy profile, whether it is a demo or a drill copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_minzheng.model.act import Act
from geo_minzheng.store.records import add, change
from geo_minzheng.store.tables_trace import Setting


def read_values(session: Session) -> dict[str, Any]:
    """Read all values of the district by key."""
    return {row.key: row.value for row in session.scalars(select(Setting).order_by(Setting.key))}


def write_values(session: Session, act: Act, values: Mapping[str, Any]) -> None:
    """Set values of the district; each change is on record, equal values change nothing."""
    for key, value in sorted(values.items()):
        row = session.scalars(select(Setting).where(Setting.key == key)).one_or_none()
        if row is None:
            add(session, act, "district.set", Setting(key=key, value=value))
        elif row.value != value:
            change(session, act, "district.set", row, value=value, who=act.who, role=act.role, at=act.at)
