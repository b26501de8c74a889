"""Where facilities go, whom each serves, and what each site is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo_minzheng.model.solution import Stage, Status


@dataclass(frozen=True, eq=False)
class Siting:
    """Chosen sites with their proof.

    Parameters
    ----------
    chosen
        Site indices, ascending, shape (p,).
    assigned
        Site that serves each demand, -1 where none does, shape (demand,).
    objective, bound, gap, status
        Value reached, proven limit, distance between them [1], and whether it is proven best.
    stages
        The same per objective in the order optimised.
    flow
        Demand served [demand unit] by demand and site where a demand may be split; else ``None``.
    """

    chosen: NDArray[np.int64]
    assigned: NDArray[np.int64]
    objective: float
    bound: float
    gap: float
    status: Status
    stages: tuple[Stage, ...]
    flow: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class SiteGain:
    """What one chosen site is worth.

    Parameters
    ----------
    site
        Site index.
    gain
        What it adds to the sites listed before it, in the unit of the objective (for costs: the saving). ``None``
        where it is measured by cost and before it somebody was served by none.
    objective
        Objective with the sites up to and including it; ``inf`` while somebody is served by none.
    loss
        What would be lost if it alone were missing; ``inf`` when somebody could then reach none.
    """

    site: int
    gain: float | None
    objective: float
    loss: float
