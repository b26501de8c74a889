"""Who does what, when, for which incident: travels with every write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from geo_minzheng.model.account import ANYTHING


@dataclass(frozen=True)
class Act:
    """The person and the moment behind a write.

    Parameters
    ----------
    who
        Account or name of the person who acts.
    at
        Time of the act, with time zone.
    role
        Role the person acts in; empty where accounts are not in use.
    incident
        Incident the act belongs to; empty in quiet times.
    scope
        Division-code prefix the person may see; empty means the whole district.
    may
        Acts that are allowed, as :func:`geo_minzheng.model.account.is_allowed` reads them; ``*`` is anything: the
        product itself, or who sits at the machine that holds the district.
    exercise
        Whether the act belongs to a drill: drills never mix with real data.
    """

    who: str
    at: datetime
    role: str = ""
    incident: str = ""
    scope: str = ""
    exercise: bool = False
    may: tuple[str, ...] = ANYTHING
