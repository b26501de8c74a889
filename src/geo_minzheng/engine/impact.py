"""Who and what a hazard hits, by village, town and district, in whole numbers whose parts sum to the whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_minzheng.engine.apportion import apportion, half_up, ppm, scaled, split_evenly
from geo_minzheng.engine.footprint import area_km2, depth_at, depths, wet_areas
from geo_minzheng.engine.ground import VULNERABLE, Ground, build_ground, whole
from geo_minzheng.engine.locate import OUTSIDE, Floats, Ints, build_locator, locate
from geo_minzheng.errors import InputError
from geo_minzheng.model.impact import DamageShare, DepthShare, Impact, ImpactAssumptions, ImpactInputs
from geo_minzheng.model.incident import Band

__all__ = ["BANDS", "COUNTS", "INDICATORS", "assess", "depth_at", "indicators", "outdoor_households"]

BANDS = ("low", "mid", "high")
TOWN_DIGITS, DISTRICT_DIGITS = 9, 6

COUNTS = (
    *("population", "affected_population", *(f"affected_{name}" for name in VULNERABLE), "affected_households"),
    *("houses", "houses_hit", "households_hit", "household_persons_hit", "household_assisted", "households_unlocated"),
    *("homes_hit", "home_residents_hit", "home_assisted", "assisted_evacuation"),
    *(f"displaced_{b}" for b in BANDS),
    *("collective", "dispersed", "collective_sites"),
    *(f"emergency_aid_{b}" for b in BANDS),
    *(f"{kind}_{unit}_{b}" for kind in ("collapsed", "severe") for unit in ("households", "rooms") for b in BANDS),
    *("cut_roads", "cut_road_m", "isolated_villages", "isolated_people", "flooded_m2"),
)

INDICATORS = {
    "affected_population": "affected_population",
    "evacuated_resettled_now": "displaced_mid",
    "collective_resettled_now": "collective",
    "dispersed_resettled_now": "dispersed",
    "collective_site_count_now": "collective_sites",
    "emergency_aid_needed_now": "emergency_aid_mid",
    "collapsed_dwelling_households": "collapsed_households_mid",
    "collapsed_dwelling_rooms": "collapsed_rooms_mid",
    "severely_damaged_dwelling_households": "severe_households_mid",
    "severely_damaged_dwelling_rooms": "severe_rooms_mid",
}


def assess(inputs: ImpactInputs) -> Impact:
    """Assess the impact of a footprint or depth raster on people, houses, homes and roads.

    People: a village's population (resident and non-resident) is laid over its house points in proportion to their
    persons, in whole people by largest remainder (method ``houses``); without house points the share of its area in
    the water counts (``area``), without an area its point, wet or dry (``point``). Estimates are computed and
    rounded half up **per village**, then summed:

    - displaced = sum over depth classes of people x share; collective = displaced x share, the rest dispersed;
    - emergency aid = share x (affected - displaced): disjoint sets. Its low end takes the high end of the displaced
      and the other way round;
    - collective sites = collective / persons per site, rounded up;
    - affected elderly, children, disabled and households = the village's number x affected / population;
    - collapsed and severely damaged = sum over the known houses in the water of the share of their structure and
      depth; together they never exceed the houses (rooms) in the water.

    Assisted evacuation adds ``needs_assistance`` of registered households living in the water to the residents of
    flooded homes who lost self-care wholly or in part. Closed roads belong to the village their middle lies in, else
    to the nearest village point, in whole metres.

    Parameters
    ----------
    inputs
        See :class:`~geo_minzheng.model.impact.ImpactInputs`. A footprint that misses everything is a valid input.

    Returns
    -------
    Impact
        For every integer column the villages sum to the towns, the towns to the districts, the districts to the totals.

    Raises
    ------
    InputError
        ``exposure.not_metres``, ``exposure.crs_differs``, ``exposure.not_polygon``, ``impact.one_footprint``,
        ``impact.bad_depth``, ``impact.bad_assumption``, ``impact.duplicate_village``, ``impact.unknown_village``.
    """
    _check_assumptions(inputs.assumptions)
    ground = build_ground(inputs)
    counts = pd.DataFrame(0, index=ground.villages.index, columns=list(COUNTS), dtype=np.int64)
    counts["population"] = ground.villages["population"].to_numpy()
    classes, method, flooded = _people_by_depth(ground)
    counts["flooded_m2"] = flooded
    _estimate_people(counts, ground.villages, classes, inputs.assumptions)
    _count_houses(counts, ground)
    households = _count_households(counts, ground)
    homes = _count_homes(counts, ground)
    roads = _count_roads(counts, ground)
    _count_isolated(counts, ground)
    sizes = _household_sizes(counts, ground)
    collective = {code: _first_people(s, int(counts["collective"].get(code, 0))) for code, s in sizes.items()}
    if not counts.loc[""].any():
        counts = counts.drop(index="")
    head = ground.villages[["name"]].assign(method=method).loc[counts.index]
    by_village = pd.concat([head, counts], axis=1).reset_index()
    lonely = by_village[(by_village["isolated_villages"] > 0) & (by_village["isolated_people"] > 0)]
    wet = ground.houses[ground.houses["depth_m"].notna()]
    return Impact(
        by_village=by_village,
        by_town=_sum_by_prefix(counts, TOWN_DIGITS),
        by_district=_sum_by_prefix(counts, DISTRICT_DIGITS),
        totals={name: int(counts[name].sum()) for name in COUNTS},
        houses_by_kind=_by_kind(wet, ground.villages.index),
        houses=wet.drop(columns=["row"]).reset_index(drop=True),
        households=households,
        homes=homes,
        roads=roads,
        household_sizes=sizes,
        collective_sizes={code: s for code, s in collective.items() if s},
        isolated=tuple(lonely["code"]),
        area_km2=area_km2(ground.water),
        polygons=0 if inputs.footprint is None else len(inputs.footprint),
        assumptions=inputs.assumptions,
    )


def indicators(impact: Impact) -> pd.DataFrame:
    """Give the estimated indicators of the reporting form by village, the middle of each band.

    Returns
    -------
    Index ``code``, integer columns ``INDICATORS``: estimates, never official figures.
    """
    table = impact.by_village.set_index("code")
    return pd.DataFrame({name: table[column] for name, column in INDICATORS.items()})


def outdoor_households(impact: Impact, indoor_persons: Mapping[str, int]) -> pd.DataFrame:
    """List the households of collective sites that find no room indoors, for tents.

    Households go indoors in the order of :attr:`Impact.collective_sizes` and stay together: one that no longer fits
    stays outdoors, a later, smaller one may still find room.

    Parameters
    ----------
    indoor_persons
        Indoor room by village code [persons]; 0 where absent.

    Returns
    -------
    ``code, household_size`` [persons], one row per household outdoors.
    """
    rows: list[tuple[str, int]] = []
    for code, sizes in impact.collective_sizes.items():
        room = indoor_persons.get(code, 0)
        for size in sizes:
            if size <= room:
                room -= size
            else:
                rows.append((code, size))
    return pd.DataFrame(rows, columns=["code", "household_size"]).astype({"code": str, "household_size": np.int64})


def _check_assumptions(a: ImpactAssumptions) -> None:
    shares = [d.share for d in a.displaced] + [a.emergency_aid] + [b for d in a.damage for b in (d.collapsed, d.severe)]
    collective = Band(a.collective_share, a.collective_share, a.collective_share)
    ok = all(0 <= b.low <= b.mid <= b.high <= 1 for b in [*shares, collective])
    ok &= bool(a.displaced) and min(d.from_m for d in a.displaced) == 0 and a.persons_per_site >= 1
    ok &= a.unknown_depth_m >= 0 and all(d.from_m >= 0 for d in a.damage)
    ok &= all(d.collapsed.mid + d.severe.mid <= 1 + 1e-9 for d in a.damage)
    if not ok:
        raise InputError("impact.bad_assumption", source=a.source)


def _people_by_depth(ground: Ground) -> tuple[Ints, NDArray[np.object_], Ints]:
    """Return people by village and depth class, the method of each village, and its flooded area [m²]."""
    edges = tuple(sorted(d.from_m for d in ground.inputs.assumptions.displaced))
    n, k = len(ground.villages), len(edges)
    people = np.zeros((n, k), np.int64)
    houses = ground.houses
    wet = houses["depth_m"].notna().to_numpy()
    level = np.searchsorted(edges, houses["depth_m"].to_numpy(float)[wet], side="right") - 1
    np.add.at(people, (houses["row"].to_numpy(np.int64)[wet], level), houses["people"].to_numpy(np.int64)[wet])
    areas = wet_areas(ground.areas, ground.water, edges)
    has_houses = ground.count(houses["row"].to_numpy(np.int64)) > 0
    has_area = ~shapely.is_empty(ground.areas)
    by_area = np.flatnonzero(~has_houses & has_area)
    people[by_area] = _by_area(ground, areas, by_area)
    by_point = np.flatnonzero(~has_houses & ~has_area)
    by_point = by_point[[p is not None and not p.is_empty for p in ground.points[by_point]]]
    xy = shapely.get_coordinates(ground.points[by_point])
    depth = depths(ground.water, xy[:, 0], xy[:, 1])
    at = by_point[~np.isnan(depth)]
    level = np.searchsorted(edges, depth[~np.isnan(depth)], side="right") - 1
    people[at, level] = ground.villages["population"].to_numpy(np.int64)[at]
    method = np.where(has_houses, "houses", np.where(has_area, "area", "point")).astype(object)
    return people, method, np.rint(areas.sum(axis=1)).astype(np.int64)


def _by_area(ground: Ground, areas: Floats, rows: Ints) -> Ints:
    dry = np.maximum(shapely.area(ground.areas[rows]) - areas[rows].sum(axis=1), 0)
    parts = np.rint(np.column_stack([areas[rows], dry])).astype(np.int64)
    group = np.repeat(np.arange(len(rows)), parts.shape[1])
    totals = ground.villages["population"].to_numpy(np.int64)[rows]
    return apportion(totals, group, parts.ravel()).reshape(parts.shape)[:, :-1] if len(rows) else parts[:, :-1]


def _estimate_people(counts: pd.DataFrame, villages: pd.DataFrame, classes: Ints, a: ImpactAssumptions) -> None:
    affected, population = classes.sum(axis=1), counts["population"].to_numpy(np.int64)
    counts["affected_population"] = affected
    for name in VULNERABLE:
        counts[f"affected_{name}"] = scaled(villages[name].to_numpy(np.int64), affected, population)
    counts["affected_households"] = scaled(villages["household_count"].to_numpy(np.int64), affected, population)
    ordered: list[DepthShare] = sorted(a.displaced, key=lambda d: d.from_m)
    for band in BANDS:
        shares = np.array([ppm(getattr(d.share, band)) for d in ordered], np.int64)
        counts[f"displaced_{band}"] = half_up(classes @ shares)
    for band, others in zip(BANDS, reversed(BANDS), strict=True):
        left = affected - counts[f"displaced_{others}"].to_numpy(np.int64)
        counts[f"emergency_aid_{band}"] = half_up(left * ppm(getattr(a.emergency_aid, band)))
    displaced = counts["displaced_mid"].to_numpy(np.int64)
    counts["collective"] = half_up(displaced * ppm(a.collective_share))
    counts["dispersed"] = displaced - counts["collective"]
    counts["collective_sites"] = -(-counts["collective"] // a.persons_per_site)


def _count_houses(counts: pd.DataFrame, ground: Ground) -> None:
    houses = ground.houses
    row = houses["row"].to_numpy(np.int64)
    wet = houses["depth_m"].notna().to_numpy()
    counts["houses"], counts["houses_hit"] = ground.count(row), ground.count(row[wet])
    if not ground.inputs.assumptions.damage:
        return
    hit = houses[wet]
    rules = _damage_rules(hit, ground.inputs.assumptions.damage)
    for unit in ("households", "rooms"):
        size = np.maximum(whole(hit, "room_count"), 1) if unit == "rooms" else np.ones(len(hit), np.int64)
        standing = ground.count(row[wet], size)
        for band in BANDS:
            fallen = [0 if rule is None else ppm(getattr(rule.collapsed, band)) for rule in rules]
            broken = [0 if rule is None else ppm(getattr(rule.severe, band)) for rule in rules]
            collapsed = half_up(ground.count(row[wet], size * np.array(fallen, np.int64)))
            severe = half_up(ground.count(row[wet], size * np.array(broken, np.int64)))
            counts[f"collapsed_{unit}_{band}"] = collapsed
            counts[f"severe_{unit}_{band}"] = np.minimum(severe, standing - collapsed)


def _damage_rules(hit: pd.DataFrame, damage: tuple[DamageShare, ...]) -> list[DamageShare | None]:
    own = {d.structure_type for d in damage}
    structures = hit["structure_type"].astype(str) if "structure_type" in hit.columns else pd.Series("", hit.index)
    rules: list[DamageShare | None] = []
    for structure, depth in zip(structures, hit["depth_m"], strict=True):
        name = structure if structure in own else ""
        fitting = [d for d in damage if d.structure_type == name and d.from_m <= depth]
        rules.append(max(fitting, key=lambda d: d.from_m) if fitting else None)
    return rules


def _count_households(counts: pd.DataFrame, ground: Ground) -> pd.DataFrame:
    register = ground.inputs.households
    if register is None:
        return pd.DataFrame({"household_id": pd.Series(dtype=str), "depth_m": pd.Series(dtype=float)})
    house_ids = ground.houses["house_id"].astype(str)
    place = dict(zip(house_ids, range(len(house_ids)), strict=True))
    at = np.array([place.get(str(h), -1) for h in register["house_id"]], np.int64)
    stated = ground.rows(register["village_code"].astype(str))
    counts["households_unlocated"] = ground.count(stated[at < 0])
    depth = np.append(ground.houses["depth_m"].to_numpy(float), np.nan)[at]
    row = np.append(ground.houses["row"].to_numpy(np.int64), 0)[at]
    wet = ~np.isnan(depth)
    counts["households_hit"] = ground.count(row[wet])
    counts["household_persons_hit"] = ground.count(row[wet], whole(register, "household_size")[wet])
    counts["household_assisted"] = ground.count(row[wet], whole(register, "needs_assistance")[wet])
    counts["assisted_evacuation"] += counts["household_assisted"]
    found: pd.DataFrame = register.assign(depth_m=depth)[wet]
    return found.sort_values("household_id", kind="stable").reset_index(drop=True)


def _count_homes(counts: pd.DataFrame, ground: Ground) -> pd.DataFrame:
    hit = ground.homes[ground.homes["depth_m"].notna()].reset_index(drop=True)
    row = ground.rows(hit["village_code"].astype(str))
    counts["homes_hit"] = ground.count(row)
    counts["home_residents_hit"] = ground.count(row, whole(hit, "resident_count"))
    assisted = whole(hit, "self_care_total_loss") + whole(hit, "self_care_partial_loss")
    counts["home_assisted"] = ground.count(row, assisted)
    counts["assisted_evacuation"] += counts["home_assisted"]
    return hit.assign(assisted=assisted)


def _count_roads(counts: pd.DataFrame, ground: Ground) -> pd.DataFrame:
    roads, closed = ground.inputs.roads, set(map(str, ground.inputs.closed_roads))
    if roads is None or not closed:
        return pd.DataFrame({"road_id": pd.Series(dtype=str), "length_m": pd.Series(dtype=int)}).assign(code="")
    cut = roads[roads["road_id"].astype(str).isin(closed)].sort_values("road_id", kind="stable")
    lines = cut.geometry.to_numpy()
    middle = shapely.get_coordinates(shapely.line_interpolate_point(_longest_part(lines), 0.5, normalized=True))
    row = locate(build_locator(ground.areas), middle[:, 0], middle[:, 1]).astype(np.int64)
    named = [r for r, p in enumerate(ground.points) if p is not None and not p.is_empty]
    lost = np.flatnonzero(row == OUTSIDE)
    row[lost] = 0
    if named and len(lost):
        tree = shapely.STRtree(ground.points[named])
        found, nearest = tree.query_nearest(shapely.points(middle[lost]), all_matches=True)
        _, first = np.unique(found, return_index=True)
        row[lost] = np.array(named)[np.minimum.reduceat(nearest, first)]
    length = np.floor(shapely.length(lines) + 0.5).astype(np.int64)
    counts["cut_roads"], counts["cut_road_m"] = ground.count(row), ground.count(row, length)
    table = pd.DataFrame(cut.drop(columns=cut.geometry.name)).reset_index(drop=True)
    return table.assign(length_m=length, code=ground.villages.index.to_numpy()[row])


def _longest_part(lines: NDArray[Any]) -> NDArray[Any]:
    parts, owner = shapely.get_parts(lines, return_index=True)
    order = np.lexsort((np.arange(len(parts)), -shapely.length(parts), owner))
    _, first = np.unique(owner[order], return_index=True)
    return np.asarray(parts[order][first], dtype=object)


def _count_isolated(counts: pd.DataFrame, ground: Ground) -> None:
    cut_off = counts.index.isin([str(code) for code in ground.inputs.isolated])
    counts["isolated_villages"] = cut_off.astype(np.int64)
    counts["isolated_people"] = counts["population"].to_numpy(np.int64) * cut_off


def _household_sizes(counts: pd.DataFrame, ground: Ground) -> dict[str, tuple[int, ...]]:
    """Estimate the displaced households: those in the deepest water leave first, a house splits at the mean size."""
    villages = ground.villages
    usual = -(-int(villages["population"].sum()) // max(int(villages["household_count"].sum()), 1))
    wet = ground.houses[ground.houses["depth_m"].notna()].sort_values(
        ["depth_m", "house_id"], ascending=[False, True], kind="stable"
    )
    at_home = {int(str(row)): [int(p) for p in people] for row, people in wet.groupby("row")["people"]}
    sizes: dict[str, tuple[int, ...]] = {}
    columns = (villages["population"], villages["household_count"], counts["displaced_mid"])
    for row, (code, people, households, gone) in enumerate(zip(villages.index, *columns, strict=True)):
        if gone:
            mean = max(-(-int(people) // int(households)) if households else usual, 1)
            homes = at_home.get(row, [int(gone)])
            sizes[str(code)] = _first_people([s for p in homes for s in split_evenly(p, mean)], int(gone))
    return sizes


def _first_people(sizes: list[int] | tuple[int, ...], people: int) -> tuple[int, ...]:
    taken: list[int] = []
    for size in sizes:
        if people <= 0:
            break
        taken.append(min(size, people))
        people -= taken[-1]
    return tuple(taken)


def _by_kind(wet: pd.DataFrame, codes: pd.Index[str]) -> pd.DataFrame:
    kinds = pd.DataFrame({"code": codes.to_numpy()[wet["row"].to_numpy(np.int64)]}, index=wet.index)
    for name in ("structure_type", "safety_grade"):
        kinds[name] = wet[name].fillna("").astype(str) if name in wet.columns else ""
    kinds["houses"], kinds["persons"] = np.ones(len(wet), np.int64), wet["people"].to_numpy(np.int64)
    sums = kinds.groupby(["code", "structure_type", "safety_grade"])[["houses", "persons"]].sum()
    return sums.reset_index()


def _sum_by_prefix(counts: pd.DataFrame, digits: int) -> pd.DataFrame:
    return counts.groupby(counts.index.str[:digits]).sum().rename_axis("code").reset_index()
