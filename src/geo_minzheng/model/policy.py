"""The policy in force on one day: plain parts that engine functions take one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from geo_minzheng.errors import MissingValueError
from geo_minzheng.model.account import Role
from geo_minzheng.model.duty import TaskRule
from geo_minzheng.model.housing_rules import Ranking, SubsidyRule
from geo_minzheng.model.impact import ImpactAssumptions
from geo_minzheng.model.relief import Package
from geo_minzheng.model.relief_rules import NeedGroup, NeedRules, ReliefItem
from geo_minzheng.model.report_rules import FormRule, Indicator, Question

Scalar = float | str | bool | date | tuple[str, ...]


@dataclass(frozen=True)
class PolicyValue:
    """One value in force, with where it stands and what it rests on.

    Parameters
    ----------
    key
        Dotted key, e.g. ``"dispatch.oral_order_paper_hours"`` or ``"relief_items.rice.rate"``.
    value, unit
        The value [unit]; a dimensionless number has the unit ``"1"``.
    source, note
        Document number or clause of the plan; remarks such as 待核实 or 示范.
    file, row
        Policy file and line.
    profile
        Profile the row belongs to; empty means every profile.
    valid_from, valid_to
        First and last day in force; ``None`` where undated.
    """

    key: str
    value: Scalar
    unit: str
    source: str
    note: str
    file: str
    row: int
    profile: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True)
class HazardKind:
    """A hazard kind of the reporting list 灾种, with its code in GB/T 28921."""

    hazard: str
    name_zh: str
    name_en: str
    gb_code: str
    form: str
    source: str = ""


@dataclass(frozen=True)
class HazardSubtype:
    """A hazard subtype 亚灾种."""

    subtype: str
    hazard: str
    name_zh: str
    name_en: str
    gb_code: str = ""
    source: str = ""


@dataclass(frozen=True)
class VehicleClass:
    """A vehicle class and the water it can pass.

    Parameters
    ----------
    passable_depth_m
        Deepest water it still passes [m].
    payload_kg, gross_t
        Load [kg] and laden weight for limits on bridges [t].
    """

    vehicle: str
    name_zh: str
    name_en: str
    passable_depth_m: float
    payload_kg: float
    gross_t: float
    speed_factor: float
    source: str = ""


@dataclass(frozen=True)
class LevelRule:
    """One condition of one response level: the sum of terms at or above a bound.

    Parameters
    ----------
    level, rank
        ``I`` to ``IV``; rank 1 is the gravest.
    condition
        Code of what is counted; ``terms`` are its (indicator, coefficient) pairs.
    lower, upper
        Half-open bounds [unit]; ``upper`` is the lower bound of the next graver level or ``None``.
    decider
        Who decides on the level.
    """

    level: str
    rank: int
    condition: str
    name_zh: str
    name_en: str
    terms: tuple[tuple[str, float], ...]
    lower: float
    upper: float | None
    unit: str
    decider: str
    source: str = ""


@dataclass(frozen=True)
class Programme:
    """A renovation programme with its own list, quota and money.

    Parameters
    ----------
    order
        A house eligible for several programmes goes to the lowest order, once.
    quota, stretch_quota
        Houses of the year [households]; ``None`` where the programme has no quota.
    budget_yuan
        Money of the year [yuan]; ``None`` when the policy gives none.
    has_must_finish
        Whether the backlog is a list that must be finished.
    notice_days, payment_days
        Days of public notice; days from acceptance to payment.
    """

    programme: str
    name_zh: str
    name_en: str
    order: int
    has_must_finish: bool
    quota: int | None = None
    stretch_quota: int | None = None
    budget_yuan: float | None = None
    notice_days: int | None = None
    payment_days: int | None = None
    source: str = ""


@dataclass(frozen=True)
class FacilityKind:
    """A kind of welfare facility and what it counts as."""

    kind: str
    name_zh: str
    name_en: str
    heads: tuple[str, ...]
    unit: str
    is_residential: bool
    counts_as_point: bool
    service_mode: str
    service_minutes: float | None
    source: str = ""


@dataclass(frozen=True)
class RoadClass:
    """Speed of a road class [km/h] and who may use it."""

    road_class: str
    name_zh: str
    name_en: str
    kmh: float
    is_drivable: bool
    is_walkable: bool
    source: str = ""


@dataclass(frozen=True)
class AssistanceTier:
    """A household's assistance tier 救助类别."""

    tier: str
    name_zh: str
    name_en: str
    alias: str
    lead_department: str
    source: str = ""


@dataclass(frozen=True)
class Entitlement:
    """What a tier is entitled to (分层分类救助)."""

    tier: str
    benefit: str
    level: str
    condition: str = ""
    source: str = ""


@dataclass(frozen=True)
class Policy:
    """Everything the bureau has decided, resolved for one day and profile.

    Parameters
    ----------
    profile, profile_name
        Profile whose undated rows were chosen, and its name.
    day
        Day the policy is for.
    digest
        SHA-256 of the rows in force; the same rows give the same digest.
    values
        Every value by its dotted key, with source and place.
    """

    profile: str
    profile_name: str
    day: date
    digest: str
    values: Mapping[str, PolicyValue] = field(repr=False)
    items: Mapping[str, ReliefItem] = field(repr=False)
    need_groups: tuple[NeedGroup, ...] = field(repr=False)
    hazards: Mapping[str, HazardKind] = field(repr=False)
    subtypes: Mapping[str, HazardSubtype] = field(repr=False)
    impact: Mapping[str, ImpactAssumptions] = field(repr=False)
    vehicles: Mapping[str, VehicleClass] = field(repr=False)
    response: tuple[LevelRule, ...] = field(repr=False)
    subsidies: tuple[SubsidyRule, ...] = field(repr=False)
    programmes: Mapping[str, Programme] = field(repr=False)
    house_ranking: Ranking = field(repr=False)
    home_ranking: Ranking = field(repr=False)
    facility_kinds: Mapping[str, FacilityKind] = field(repr=False)
    roads: Mapping[str, RoadClass] = field(repr=False)
    roles: Mapping[str, Role] = field(repr=False)
    tasks: Mapping[str, TaskRule] = field(repr=False)
    seasons: Mapping[int, str] = field(repr=False)
    indicators: tuple[Indicator, ...] = field(repr=False)
    form_rules: tuple[FormRule, ...] = field(repr=False)
    questions: tuple[Question, ...] = field(repr=False)
    tiers: Mapping[str, AssistanceTier] = field(repr=False)
    entitlements: tuple[Entitlement, ...] = field(repr=False)
    files: Mapping[str, str] = field(repr=False)

    @property
    def version(self) -> str:
        """Profile, day and digest: what a result stores to say which policy it rests on."""
        return f"{self.profile}@{self.day.isoformat()}:{self.digest[:16]}"

    @property
    def need_rules(self) -> NeedRules:
        """Items and bases, as ``engine.needs.assess`` takes them."""
        return NeedRules(tuple(self.items.values()), self.need_groups)

    @property
    def packages(self) -> dict[str, Package]:
        """Package of every item."""
        return {code: item.package for code, item in self.items.items()}

    def _missing(self, key: str, file: str) -> MissingValueError:
        return MissingValueError(
            "policy.missing_value", key=key, file=file, profile=self.profile, day=self.day.isoformat()
        )

    def get(self, key: str) -> PolicyValue:
        """Return a value with its source.

        Raises
        ------
        MissingValueError
            Names the key and the file to add it to.
        """
        if key not in self.values:
            raise self._missing(key, self.files.get(key.split(".", 1)[0], "standards.csv"))
        return self.values[key]

    def number(self, key: str) -> float:
        """Return a number [unit of the key]; raise ``MissingValueError`` when there is none."""
        value = self.get(key)
        if isinstance(value.value, bool) or not isinstance(value.value, int | float):
            raise self._missing(key, value.file)
        return float(value.value)

    def season_of(self, day: date) -> str:
        """Return the season of a day."""
        return self.seasons[day.month]

    def impact_assumptions(self, hazard: str) -> ImpactAssumptions:
        """Return what an estimate for the hazard assumes.

        Raises
        ------
        MissingValueError
            The hazard has no effect rows in ``hazards.toml``.
        """
        if hazard not in self.impact:
            raise self._missing(f"effects.{hazard}", "hazards.toml")
        return self.impact[hazard]

    def programme(self, programme: str) -> Programme:
        """Return a programme; raise ``MissingValueError`` when the policy has none of that name."""
        if programme not in self.programmes:
            raise self._missing(f"programmes.{programme}", "programmes.toml")
        return self.programmes[programme]
