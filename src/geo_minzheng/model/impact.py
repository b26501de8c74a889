"""Who and what a hazard hits: the raster it came from, the assumptions made, the counts that follow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from geo_minzheng.model.incident import Band

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


@dataclass(frozen=True)
class Raster:
    """A raster already read: values on a grid of the district's metres.

    Parameters
    ----------
    array
        Values, shape (rows, columns); of a flood the water depth [m].
    affine
        ``(a, b, c, d, e, f)`` with ``x = a * column + b * row + c`` and ``y = d * column + e * row + f`` of a pixel's
        upper left corner [m].
    nodata
        Value that stands for "nothing known"; NaN always does.
    """

    array: NDArray[Any]
    affine: tuple[float, float, float, float, float, float]
    nodata: float | None = None


@dataclass(frozen=True)
class DepthShare:
    """Share of people that leave their home where the water stands ``from_m`` [m] or deeper, up to the next class."""

    from_m: float
    share: Band
    source: str = ""


@dataclass(frozen=True)
class DamageShare:
    """Share of houses of a structure that collapse or are severely damaged from a depth on.

    Parameters
    ----------
    structure_type
        Structure as in the house layer; empty for every structure without rows of its own.
    from_m
        Lower end of the depth class [m], up to the next row of the same structure.
    """

    structure_type: str
    from_m: float
    collapsed: Band
    severe: Band
    source: str = ""


@dataclass(frozen=True)
class ImpactAssumptions:
    """What an estimate assumes; printed beside its result.

    Parameters
    ----------
    displaced
        Share of the affected who must leave, by depth class; the first class starts at 0 m.
    emergency_aid
        Share of the affected who stay but need help now [1].
    collective_share
        Share of the displaced who go to a collective site [1]; the others stay with relatives.
    persons_per_site
        People one collective site takes on average [persons].
    unknown_depth_m
        Depth assumed inside a footprint that states none [m].
    damage
        Shares of houses collapsed and severely damaged; empty when the bureau makes no such estimate.
    """

    displaced: tuple[DepthShare, ...]
    emergency_aid: Band
    collective_share: float
    persons_per_site: int
    unknown_depth_m: float
    damage: tuple[DamageShare, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class ImpactInputs:
    """Everything an impact is computed from; all frames in one metric system.

    Parameters
    ----------
    villages
        Points: ``code, name, resident_population, household_count`` and, where known, ``non_resident_population,
        elderly_60, children_14, disabled``.
    assumptions
        See :class:`ImpactAssumptions`.
    footprint
        Polygons of the hazard, optionally ``depth_m``; where they overlap, the deepest counts once.
    raster
        Water depth [m] instead of a footprint: exactly one of the two.
    village_areas
        Polygons ``code``, or ``None``.
    houses
        Points ``house_id, village_code, persons, structure_type, safety_grade`` and, where known, ``room_count``.
    households
        Rows ``household_id, village_code, house_id, household_size`` and, where known, ``elderly_60, children_14,
        disabled, needs_assistance, assistance_tier``.
    homes
        Welfare homes: points ``home_id, name, village_code, resident_count`` and, where known, ``tekun_count,
        self_care_total_loss, self_care_partial_loss``.
    roads
        Lines ``road_id`` and, where known, ``name, road_class``.
    closed_roads
        Ids of the segments cut by depth and vehicle class (a bridge over the water is not among them).
    isolated
        Codes of the villages no lorry reaches any more.
    """

    villages: gpd.GeoDataFrame
    assumptions: ImpactAssumptions
    footprint: gpd.GeoDataFrame | None = None
    raster: Raster | None = None
    village_areas: gpd.GeoDataFrame | None = None
    houses: gpd.GeoDataFrame | None = None
    households: pd.DataFrame | None = None
    homes: gpd.GeoDataFrame | None = None
    roads: gpd.GeoDataFrame | None = None
    closed_roads: Collection[str] = ()
    isolated: Collection[str] = ()


@dataclass(frozen=True)
class Impact:
    """The impact of one footprint: integers whose parts sum to the whole.

    Parameters
    ----------
    by_village
        One row per village in order of code: ``code, name, method`` and the integer columns ``COUNTS`` of
        :mod:`geo_minzheng.engine.impact`. Things whose village is unknown stand in the row with code ``""``.
    by_town, by_district
        The same columns summed over the first 9 and 6 digits of the code (without ``name, method``).
    totals
        The same columns summed over everything.
    houses_by_kind
        Houses in the water: ``code, structure_type, safety_grade, houses, persons``.
    houses, households, homes, roads
        The rows hit, each with ``depth_m`` (roads: with ``length_m`` and ``code``).
    household_sizes
        For each village the estimated sizes of the displaced households [persons], deepest water first;
        they sum to ``displaced_mid``.
    collective_sizes
        The same for those in collective sites; they sum to ``collective``.
    isolated
        Cut-off villages that have people, in order of code.
    area_km2
        Area of the water, counted once [km²].
    polygons
        Polygons handed in (0 for a raster).
    """

    by_village: pd.DataFrame
    by_town: pd.DataFrame
    by_district: pd.DataFrame
    totals: Mapping[str, int]
    houses_by_kind: pd.DataFrame
    houses: pd.DataFrame
    households: pd.DataFrame
    homes: pd.DataFrame
    roads: pd.DataFrame
    household_sizes: Mapping[str, tuple[int, ...]]
    collective_sizes: Mapping[str, tuple[int, ...]]
    isolated: tuple[str, ...]
    area_km2: float
    polygons: int
    assumptions: ImpactAssumptions
