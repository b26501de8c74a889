"""Who is renovated first and what they are paid; how welfare homes are ranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geo_minzheng.errors import MissingValueError


@dataclass(frozen=True)
class SubsidyRule:
    """One band of a subsidy rule, for one assistance tier.

    Parameters
    ----------
    shape
        ``by_household_size``, ``by_tier``, ``by_grade_and_category``, ``per_m2_with_cap`` or ``by_cost_with_cap``.
    persons_min, persons_max
        Household size, both ends included [persons]; ``persons_max`` is ``None`` for an open band.
    grades, methods
        Safety grades and renovation methods the band is for; empty means any.
    amount_yuan
        Fixed amount [yuan]; ``None`` where the shape computes it or an approver sets it within the range.
    range_min_yuan, range_max_yuan
        Limits for an approver's amount [yuan].
    yuan_per_m2, area_max_m2, cap_yuan
        Rate [yuan/m2], paid area [m2] and ceiling [yuan].
    """

    rule: str
    programme: str
    tier: str
    shape: str
    persons_min: int
    persons_max: int | None
    grades: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    amount_yuan: float | None = None
    range_min_yuan: float | None = None
    range_max_yuan: float | None = None
    yuan_per_m2: float | None = None
    area_max_m2: float | None = None
    cap_yuan: float | None = None
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class Gate:
    """One condition a case must fulfil before any score.

    Parameters
    ----------
    gate
        ``sole_residence``, ``grade_in``, ``structure_in``, ``tier_in``, ``not_subsidised_before``,
        ``certificate_within``, ``kin_declared`` or ``means_checked``.
    values
        Allowed codes of a ``..._in`` gate.
    limit
        Limit of a ``..._within`` gate [months].
    """

    programme: str
    gate: str
    values: tuple[str, ...] = ()
    limit: float | None = None
    source: str = ""


@dataclass(frozen=True)
class TierRule:
    """One row of the ranking's tiers; the first matching row by ``rank`` decides.

    Parameters
    ----------
    tier
        1 is served first.
    categories, self_help
        Assistance tiers and self-help abilities it is for; empty means any.
    """

    tier: int
    rank: int
    programme: str
    name_zh: str
    name_en: str
    categories: tuple[str, ...] = ()
    self_help: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class ScorePart:
    """A named part of a score and its weight [points]; the weights of a ranking sum to 100."""

    part: str
    weight: float
    name_zh: str
    name_en: str
    source: str = ""


@dataclass(frozen=True)
class Ranking:
    """How houses or welfare homes are ranked.

    Parameters
    ----------
    ranking
        ``house`` or ``home``.
    params
        Named parameters of the parts' definitions.
    red_lines
        Defects that stand outside the ranking (welfare homes).
    """

    ranking: str
    parts: tuple[ScorePart, ...]
    params: Mapping[str, float]
    gates: tuple[Gate, ...] = ()
    tiers: tuple[TierRule, ...] = ()
    red_lines: tuple[str, ...] = ()

    def param(self, name: str) -> float:
        """Return a parameter.

        Raises
        ------
        MissingValueError
            Names the key to add to ``priority.toml``.
        """
        if name not in self.params:
            raise MissingValueError("policy.missing_value", key=f"priority.{self.ranking}.{name}", file="priority.toml")
        return self.params[name]
