"""What waits to be done, and for whom: kinds of task are policy data, tasks are found in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class TaskRule:
    """A kind of task 待办: whoever may do its act, and has its page, is told of it.

    Parameters
    ----------
    order
        Urgency: the lowest comes first.
    act, table
        The act that does it, and the table it writes; empty where no act of the app does it.
    roles
        Roles that are told of it although they may not do the act: they see to it that it is done.
    page, address
        Where it is done, and what the address says there, e.g. ``"tab=approve"``.
    """

    task: str
    order: int
    act: str
    table: str
    roles: tuple[str, ...]
    page: str
    address: str = ""
    source: str = ""


@dataclass(frozen=True)
class Waiting:
    """One thing that waits for somebody.

    Parameters
    ----------
    kind
        Code of the kind of task.
    facts
        What its sentence names.
    incident
        Incident it belongs to; empty in quiet times.
    """

    kind: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    incident: str = ""
