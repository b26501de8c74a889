"""What every optimiser says of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How good an answer is known to be."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"


@dataclass(frozen=True)
class Stage:
    """One objective of a lexicographic solve.

    Parameters
    ----------
    name
        What is optimised, e.g. ``"fair:survival"`` or ``"ton_minutes"``.
    objective, bound
        Value reached and proven limit, in the unit of the stage.
    gap
        ``abs(objective - bound) / max(1, abs(bound))`` [1]; 0 when proven.
    """

    name: str
    objective: float
    bound: float
    gap: float


def relative_gap(objective: float, bound: float) -> float:
    """Measure the distance between a value and its proven limit [1]."""
    return abs(objective - bound) / max(1.0, abs(bound))
