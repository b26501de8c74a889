"""The people of the bureau who act in the app: a list of names and roles until accounts take its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_minzheng.services import settings_of
from geo_minzheng.store import district

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act


@dataclass(frozen=True)
class Person:
    """Who may act, in which role, seeing which villages (division-code prefix; empty sees all)."""

    name: str
    role: str
    scope: str = ""


def people(session: Session) -> list[Person]:
    """List the people of the bureau."""
    return [Person(**row) for row in settings_of.read(session, "people", [])]


def set_people(session: Session, act: Act, found: Sequence[Person]) -> None:
    """Set the people of the bureau."""
    rows = [{"name": p.name, "role": p.role, "scope": p.scope} for p in found]
    district.write_values(session, act, {"people": rows})
