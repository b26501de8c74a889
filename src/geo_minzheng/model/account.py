"""Who may sign in, in which role, seeing what: roles are policy data, people are rows of the district."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

# The cookie of a browser's session.
COOKIE = "gm_sitting"
ANYTHING = ("*",)
NOTHING: tuple[str, ...] = ()


@dataclass(frozen=True)
class Role:
    """A post of the bureau 岗位: what it may see and do.

    Parameters
    ----------
    level
        How far it sees at most: ``district``, ``township`` or ``village``; an account's division code narrows it.
    place
        Kind of place that is all it works on: ``warehouse``, ``home``, ``site`` or ``none``.
    sees
        Classes of layers: ``wide``, ``bureau``, ``casework``.
    may
        Acts it may do, as :func:`is_allowed` reads them.
    pages
        Pages of the app, in the order of its navigation; the first is where it starts.
    is_command
        Whether it sees figures of deaths and missing before they are confirmed.
    """

    role: str
    name_zh: str
    name_en: str
    level: str
    place: str
    sees: tuple[str, ...]
    may: tuple[str, ...]
    pages: tuple[str, ...]
    is_command: bool
    source: str = ""


def is_allowed(may: tuple[str, ...], action: str, table: str) -> bool:
    """Tell whether an act on a table is among those allowed.

    Each entry is an act (``report.post``), a family (``relief.*``) or ``*``, and may be bound to a table
    (``layer.*:house``).
    """

    def fits(entry: str) -> bool:
        name, _, only = entry.partition(":")
        is_of_family = name.endswith("*") and action.startswith(name[:-1])
        return (is_of_family or name == action) and only in ("", table)

    return any(fits(entry) for entry in may)


class Seeing(Protocol):
    """Whoever looks at data: a person, or a desk in a person's hands."""

    @property
    def role(self) -> str:
        """Code of the role."""

    @property
    def scope(self) -> str:
        """Division-code prefix."""

    @property
    def place(self) -> str:
        """Warehouse, home or receiver."""


@dataclass(frozen=True)
class Person:
    """Somebody who may act.

    Parameters
    ----------
    login
        What is typed at sign-in; unique.
    name
        What stands in every record of their acts; unique.
    role
        Code of the role.
    scope
        Division-code prefix they may see; empty sees the whole district.
    place
        Warehouse, home or receiver they work at, where the role is bound to one.
    is_disabled
        Whether they may no longer sign in; what they did stays on record.
    is_demo
        Whether it is an account of the demo, good in a demo district only.
    """

    login: str
    name: str
    role: str
    scope: str = ""
    place: str = ""
    is_disabled: bool = False
    is_demo: bool = False


def audience_of(who: Seeing) -> str:
    """Name who sees the same: what was made for one audience is kept and fetched under this name only."""
    return f"{who.role}/{who.scope}/{who.place}"


class SessionKind(StrEnum):
    """How somebody came in: at a browser, on a paired phone, or the wall that only shows."""

    BROWSER = "browser"
    PHONE = "phone"
    WALL = "wall"


@dataclass(frozen=True)
class SignedIn:
    """Somebody at a screen now.

    Parameters
    ----------
    session
        Number of the session; the token itself is known to the browser alone.
    must_change
        Whether the one-time secret still waits to be replaced by a password.
    is_locked
        Whether the screen waits for the PIN.
    has_pin
        Whether a PIN was set.
    until
        When the session ends at the latest.
    """

    person: Person
    session: int
    kind: SessionKind
    must_change: bool = False
    is_locked: bool = False
    has_pin: bool = False
    until: datetime | None = None

    @property
    def is_wall(self) -> bool:
        """Whether this is a wall: it only shows."""
        return self.kind is SessionKind.WALL
