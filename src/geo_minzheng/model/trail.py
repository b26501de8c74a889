"""The trail of writes as an auditor asks for it and reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class TrailFilter:
    """Which writes; an empty part asks for nothing.

    Parameters
    ----------
    table, key
        Table and business key of the row written.
    place
        Code of a village, town, store or home; a town's code also finds its villages.
    action
        One action, e.g. ``"relief.approve"``, or a group of them, ``"relief"``.
    since, until
        Period of the act, both ends in it.
    """

    who: str = ""
    role: str = ""
    table: str = ""
    key: str = ""
    incident: str = ""
    place: str = ""
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class TrailRow:
    """One write; ``before`` and ``after`` as they were recorded."""

    seq: int
    at: datetime
    who: str
    role: str
    place: str
    incident: str
    exercise: bool
    action: str
    table: str
    key: str
    hash: str
    before: Any = None
    after: Any = None
