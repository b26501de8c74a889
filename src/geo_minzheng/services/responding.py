"""Whether a response is active now: what the door asks on every request, so it imports next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from geo_minzheng.store import records
from geo_minzheng.store.scope import whole
from geo_minzheng.store.tables_flood import Incident, LevelDecision

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def is_active(session: Session) -> bool:
    """Tell whether a response is active now, of any incident that is open."""
    with whole(session):
        last = {row.incident: row for row in records.find(session, LevelDecision)}
        open_now = {row.incident_id for row in records.find(session, Incident, state="open")}
    return any(row.decided is not None for incident, row in last.items() if incident in open_now)
