"""A year's renovation programme: the official order, the comparison, and what the order costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from geo_minzheng.model.solution import Stage, Status


class StoppedBy(StrEnum):
    """What ended the official list."""

    BUDGET = "budget"
    QUOTA = "quota"
    LIST_END = "list end"


class SkipKind(StrEnum):
    """Why a case is not in the programme."""

    GATE = "gate"
    MISSING_VALUE = "missing_value"
    BUDGET = "budget"
    QUOTA = "quota"


@dataclass(frozen=True)
class ChosenCase:
    """A case of the programme.

    Parameters
    ----------
    rank
        Place in the list, from 1.
    score, parts
        Points 0-100 and the named parts that sum to them.
    subsidy_yuan
        Subsidy [yuan] and ``rule``, the clause it follows.
    beyond_target
        Whether the case stands between the target (quota) and the stretch quota.
    """

    rank: int
    case: str
    tier: int
    score: float
    persons: int
    town: str
    subsidy_yuan: float
    rule: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    beyond_target: bool = False


@dataclass(frozen=True)
class SkippedCase:
    """A case that is not chosen, and why.

    Parameters
    ----------
    reason
        The gate's reason, the missing policy key, ``"budget"`` or ``"quota"``.
    """

    case: str
    kind: SkipKind
    reason: str


@dataclass(frozen=True)
class NextUnfunded:
    """The first case the money does not reach and what it lacks [yuan]."""

    case: str
    shortfall_yuan: float


@dataclass(frozen=True)
class MustFinish:
    """The list that must be finished.

    Parameters
    ----------
    cases
        Number of cases of the list.
    cost_yuan
        What its cases with a known subsidy cost [yuan].
    gap_yuan
        ``max(0, cost - budget)``: what the budget lacks even if it served this list alone [yuan].
    unfinished
        Cases of the list that the official order does not take; ``unfinished_yuan`` what they cost [yuan].
    without_figure
        Cases of the list that a gate or a missing figure keeps out of the cost.
    """

    cases: int
    cost_yuan: float
    gap_yuan: float
    unfinished: tuple[str, ...] = ()
    unfinished_yuan: float = 0.0
    without_figure: tuple[str, ...] = ()


@dataclass(frozen=True)
class StrictProgramme:
    """The official programme: the strict order 顺位 down to where money, quota or list ends."""

    programme: str
    budget_yuan: float
    spent_yuan: float
    quota: int | None
    stretch_quota: int | None
    must_finish: MustFinish | None
    chosen: tuple[ChosenCase, ...]
    stopped_by: StoppedBy
    next_unfunded: NextUnfunded | None
    skipped: tuple[SkippedCase, ...]


@dataclass(frozen=True)
class OptimalProgramme:
    """The comparison 比较方案: the exact optimum under the same money.

    Parameters
    ----------
    stages
        For each tier ``tier<n>:points`` (most), ``tier<n>:persons`` (most), ``tier<n>:yuan`` (least), in that order.
    objective, bound, gap
        Points over all tiers, the sum of their bounds, and the largest gap of a stage.
    skipped
        Eligible cases left out because of budget or quota, and those a gate or a missing figure keeps out.
    """

    status: Status
    stages: tuple[Stage, ...]
    chosen: tuple[ChosenCase, ...]
    spent_yuan: float
    objective: float
    bound: float
    gap: float
    skipped: tuple[SkippedCase, ...] = ()


@dataclass(frozen=True)
class TierDifference:
    """What the optimum has more than the strict order in one tier."""

    tier: int
    cases: int
    points: float
    persons: int
    yuan: float


@dataclass(frozen=True)
class OrderCost:
    """What the strict order costs against the optimum.

    Parameters
    ----------
    only_in_order, only_in_optimum
        Cases one list has and the other has not, by id.
    """

    tiers: tuple[TierDifference, ...]
    only_in_order: tuple[str, ...]
    only_in_optimum: tuple[str, ...]


@dataclass(frozen=True)
class CaseCluster:
    """Cases close enough to be built together 统建: ids and their centre [m]."""

    cases: tuple[str, ...]
    x: float
    y: float
