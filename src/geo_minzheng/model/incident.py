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
    condition, name_zh, name_en
        Code and names of what is counted.
    decider
        Who decides on the level.
    unknown
        Indicators nobody has reported yet (未掌握): the value may still be higher.
    """

    level: str
    indicator: str
    value: float
    bound: float
    distance: float
    unit: str
    is_met: bool
    source: str
    condition: str = ""
    name_zh: str = ""
    name_en: str = ""
    decider: str = ""
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class LevelAdvice:
    """The highest level any condition of which is met, or ``None``; the conditions say why.

    Parameters
    ----------
    conditions
        Every condition of every level, gravest level first.
    next_level, next_condition
        The level above the advised one, and its condition that is nearest to being met in proportion to its bound.
    """

    level: str | None
    conditions: tuple[Condition, ...]
    next_level: str | None
    next_condition: Condition | None
