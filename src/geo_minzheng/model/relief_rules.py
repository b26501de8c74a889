"""Relief goods and how much of them people need."""

from __future__ import annotations

from dataclasses import dataclass

from geo_minzheng.model.relief import Package

PER_BASE = "per_base"
PER_HOUSEHOLD_CEIL = "per_household_ceil"
NO_RULE = "none"


@dataclass(frozen=True)
class ReliefItem:
    """A kind of relief goods and how much of it people need.

    Parameters
    ----------
    unit, package_size, package_kg
        Counting unit, units per whole package, weight of a package [kg].
    season
        ``any``, a season, or ``not_`` and a season: when it is asked for at all.
    is_night_one
        Whether it belongs to the first night (survival layer).
    min_shelf_days
        Least remaining shelf life for issue [days]; ``None`` for lasting goods.
    need_rule
        ``per_base``: base x rate (x days); ``per_household_ceil``: sum over households of ceil(persons / rate);
        ``none``: on request only.
    rate, rate_unit
        Item units per base unit (and day), or persons per piece.
    days, survival_days
        Days supplied, and those of them that belong to the survival layer [days]; ``None`` for lasting goods.
    survival_rank
        Order of survival goods, 1 first.
    """

    item: str
    name_zh: str
    name_en: str
    spec: str
    unit: str
    package_size: float
    package_kg: float
    category: str
    season: str
    is_night_one: bool
    is_reusable: bool
    need_rule: str
    survival_rank: int
    min_shelf_days: int | None = None
    gb_code: str = ""
    need_base: str = ""
    rate: float | None = None
    rate_unit: str = ""
    days: float | None = None
    survival_days: float | None = None
    source: str = ""
    note: str = ""

    @property
    def package(self) -> Package:
        """The smallest whole unit that is moved."""
        return Package(self.item, self.package_size, self.unit, self.package_kg)


@dataclass(frozen=True)
class NeedGroup:
    """One indicator that counts into a population base with a coefficient, in a season."""

    base: str
    indicator: str
    coefficient: float
    unit: str
    season: str = "any"
    source: str = ""


@dataclass(frozen=True)
class NeedRules:
    """Relief items and the bases they are counted on."""

    items: tuple[ReliefItem, ...]
    groups: tuple[NeedGroup, ...]
