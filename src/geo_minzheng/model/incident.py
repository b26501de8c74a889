"""Incident, impact of a hazard, and advice on the response level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Incident:
    """A disaster process 灾害过程 (or an exercise)."""

    incident_id: str
    name: str
    hazard: str
    subtype: str
    occurred_at: datetime
    exercise: bool = False


@dataclass(frozen=True)
class Band:
    """An estimate with its range; ``low <= mid <= high``."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True)
class Condition:
    """One condition of one response level.

    Parameters
    ----------
    indicator
        What is counted, e.g. ``"deaths + missing"``.
    value, bound
        Present value and the level's lower bound (half-open: ``value >= bound`` fulfils).
    distance
        What is missing to fulfil it, in the indicator's unit; 0 when fulfilled.
    """

    level: str
    indicator: str
    value: float
    bound: float
    distance: float
    unit: str
    is_met: bool
    source: str


@dataclass(frozen=True)
class LevelAdvice:
    """The highest level any condition of which is met, or ``None``; the conditions say why."""

    level: str | None
    conditions: tuple[Condition, ...]
    next_level: str | None
    next_condition: Condition | None
