"""Invent the people of a district: houses, village counts, the households on the registers; never a real person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo_minzheng.engine.synthesise_ground import Points, Rng

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
SURNAMES = "李王张刘陈杨黄赵周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "安和平宁康乐顺泰祥福"
_SIZES = np.array([0.12, 0.22, 0.25, 0.20, 0.12, 0.06, 0.03])


def split_whole(total: int, weights: Floats) -> Ints:
    """Split a whole number by weights so that the parts sum to it (largest remainder)."""
    exact = total * weights / weights.sum()
    parts = np.floor(exact).astype(np.int64)
    order = np.argsort(parts - exact, kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return np.asarray(parts, np.int64)


def choose(weights: Floats, count: int, rng: Rng) -> Ints:
    """Choose ``count`` distinct indices, heavier ones more likely (Efraimidis and Spirakis 2006)."""
    with np.errstate(divide="ignore"):
        keys = np.where(weights > 0, np.log(rng.random(len(weights))) / np.maximum(weights, 1e-300), -np.inf)
    count = min(count, int((weights > 0).sum()))
    return np.sort(np.argsort(-keys, kind="stable")[:count]).astype(np.int64)


def draw_from(values: Sequence[Any], shares: Sequence[float], count: int, rng: Rng) -> NDArray[np.object_]:
    """Draw values with the given shares, shape (count,)."""
    edges = np.cumsum(np.asarray(shares, float) / np.sum(shares))
    index = np.minimum(np.searchsorted(edges, rng.random(count), side="right"), len(values) - 1)
    return np.array(list(values), dtype=object)[index]


def names(count: int, rng: Rng) -> list[str]:
    """Invent names that say they are invented: surname, 示, a neutral character."""
    first = draw_from(SURNAMES, [1.0] * len(SURNAMES), count, rng)
    last = draw_from(GIVEN, [1.0] * len(GIVEN), count, rng)
    return [f"{a}示{b}" for a, b in zip(first, last, strict=True)]


def phones(count: int, rng: Rng) -> list[str]:
    """Invent telephone numbers no exchange will ever issue."""
    return [f"000-{int(n):07d}" for n in np.floor(rng.random(count) * 1e7)]


def days_between(first: date, last: date, count: int, rng: Rng) -> list[date]:
    """Draw days, both ends included."""
    span = (last - first).days + 1
    return [first + timedelta(days=int(n)) for n in np.floor(rng.random(count) * span)]


def family_sizes(persons: int, mean: float, rng: Rng) -> Ints:
    """Draw household sizes that sum to ``persons`` [persons]."""
    if persons <= 0:
        return np.zeros(0, np.int64)
    count = max(1, min(persons, round(persons / mean)))
    sizes = draw_from(range(1, 8), list(_SIZES), count, rng).astype(np.int64)
    while (gap := persons - int(sizes.sum())) != 0:
        can = np.flatnonzero(sizes < 8) if gap > 0 else np.flatnonzero(sizes > 1)
        if not len(can):
            sizes[0] += gap
            break
        pick = can[rng.permutation(len(can))[: abs(gap)]]
        sizes[pick] += 1 if gap > 0 else -1
    return sizes


def house_places(area: BaseGeometry, roads: BaseGeometry, centre: Points, count: int, rng: Rng) -> Points:
    """Scatter houses along the roads of a village and around its centre, all inside its area.

    Parameters
    ----------
    area
        Dry ground of the village [m].
    roads
        Its roads, empty where there are none [m].
    centre
        Village point, shape (2,) [m].

    Returns
    -------
    Shape (count, 2) [m].
    """
    inner: BaseGeometry = area.buffer(-6)
    inner = area if inner.is_empty else inner
    shapely.prepare(inner)
    lines = [p for p in shapely.get_parts(roads) if p.geom_type == "LineString" and p.length > 1]
    length = np.array([p.length for p in lines])
    found: list[Points] = []
    have = 0
    for attempt in range(40):
        want = int((count - have) * 1.6) + 8
        if lines and attempt < 20:
            which = np.minimum(np.searchsorted(length.cumsum(), rng.random(want) * length.sum()), len(lines) - 1)
            on = shapely.get_coordinates(
                shapely.line_interpolate_point(np.array(lines)[which], rng.random(want), normalized=True)
            )
            reach, wide = 14.0, 95.0
        else:
            on = np.repeat(centre[None, :], want, axis=0)
            reach, wide = 10.0, 260.0 * (1 + attempt % 20)
        angle = rng.random(want) * 2 * np.pi
        away = reach + wide * rng.random(want) ** 2
        xy = on + np.column_stack([np.cos(angle), np.sin(angle)]) * away[:, None]
        xy = np.round(xy * 4) / 4
        good = xy[shapely.contains_xy(inner, xy)][: count - have]
        found.append(good)
        have += len(good)
        if have >= count:
            break
    if have < count:
        spot = shapely.get_coordinates(inner.representative_point())
        found.append(np.repeat(spot, count - have, axis=0))
    return np.vstack(found)


def survey_houses(villages: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Invent the building survey: one-family houses, blocks of flats, empty houses; persons sum to the village.

    Parameters
    ----------
    villages
        ``code``, ``resident_population`` [persons], ``urban`` (bool).

    Returns
    -------
    Rows by village in order: ``village_code, kind`` (family, block, empty), ``persons, households, storeys``.
    """
    parts = []
    for code, people, urban in zip(villages["code"], villages["resident_population"], villages["urban"], strict=True):
        in_blocks = int(people * 0.52) if urban else 0
        blocks = max(1, round(in_blocks / 88)) if in_blocks > 60 else 0
        in_blocks = in_blocks if blocks else 0
        block = split_whole(in_blocks, 0.5 + rng.random(blocks)) if blocks else np.zeros(0, np.int64)
        family = family_sizes(int(people) - in_blocks, 3.4 if urban else 3.2, rng)
        empty = round(len(family) * (0.03 if urban else 0.065))
        kind = np.repeat(np.array(["family", "block", "empty"], dtype=object), [len(family), blocks, empty])
        persons = np.r_[family, block, np.zeros(empty, np.int64)].astype(np.int64)
        homes = np.r_[np.ones(len(family)), np.maximum(1, np.round(block / 2.9)), np.zeros(empty)].astype(np.int64)
        parts.append(pd.DataFrame({"village_code": code, "kind": kind, "persons": persons, "households": homes}))
    return pd.concat(parts, ignore_index=True)


def _built_years(count: int, early: float, rng: Rng) -> Ints:
    return np.where(
        rng.random(count) < early, 1965 + np.floor(rng.random(count) * 30), 1995 + np.floor(rng.random(count) * 29)
    ).astype(np.int64)


def build_houses(houses: pd.DataFrame, adobe: tuple[int, int], today: date, rng: Rng) -> pd.DataFrame:
    """Give every surveyed building structure, age, size, safety grade and residence marks.

    Parameters
    ----------
    houses
        As :func:`survey_houses` returns, with ``urban`` (bool).
    adobe
        Adobe buildings in all, and those of them that are a sole residence.
    today
        No certificate is younger.
    """
    n = len(houses)
    frame = houses.copy()
    family, block = (frame["kind"] == "family").to_numpy(), (frame["kind"] == "block").to_numpy()
    rural = ~frame["urban"].to_numpy(bool)
    kinds = [
        "brick_concrete",
        "brick_timber",
        "concrete",
        "adobe_timber",
        "mixed_brick_adobe",
        "timber",
        "stone_timber",
    ]
    structure = draw_from(kinds, [0.66, 0.19, 0.09, 0.03, 0.02, 0.006, 0.004], n, rng)
    structure[block] = draw_from(["concrete", "brick_concrete"], [0.7, 0.3], int(block.sum()), rng)
    persons = frame["persons"].to_numpy()
    sole = choose(
        np.where(family & rural, np.array([0, 8, 5, 2, 1, 0.5, 0.3, 0.2, 0.2])[np.minimum(persons, 8)], 0.0),
        adobe[1],
        rng,
    )
    free = rural & ~block
    free[sole] = False
    more = choose(np.where(free, np.where(persons == 0, 12.0, 0.35), 0.0), adobe[0] - len(sole), rng)
    structure[np.r_[sole, more]] = "adobe"
    is_sole = family & (rng.random(n) < 0.88) & (structure != "adobe")
    is_sole[sole] = True
    year = _built_years(n, 0.18, rng)
    old = structure == "adobe"
    year[old] = 1952 + np.floor(rng.random(int(old.sum())) * 34).astype(np.int64)
    frame["structure_type"], frame["built_year"] = structure, year
    frame["is_sole_residence"], frame["is_occupied"] = is_sole, persons > 0
    return _sized(_graded(frame, today, rng), block, rng)


def _sized(frame: pd.DataFrame, block: NDArray[np.bool_], rng: Rng) -> pd.DataFrame:
    n = len(frame)
    low = frame["structure_type"].isin(["adobe", "adobe_timber", "timber", "stone_timber"]).to_numpy()
    storeys = np.where(block, 5 + np.floor(rng.random(n) * 7), np.where(low | (rng.random(n) < 0.4), 1, 2)).astype(
        np.int64
    )
    rooms = np.where(block, frame["households"] * 3, 2 + np.floor(rng.random(n) * 4) + storeys).astype(np.int64)
    area = np.where(block, frame["households"] * 92.0, rooms * (16 + 12 * rng.random(n))).round()
    return frame.assign(storeys=storeys, room_count=np.minimum(rooms, 500), floor_area_m2=area)


def _only(values: Sequence[Any] | NDArray[Any], where: NDArray[np.bool_]) -> NDArray[np.object_]:
    out = np.array(values, dtype=object)
    out[~where] = None
    return out


def _graded(frame: pd.DataFrame, today: date, rng: Rng) -> pd.DataFrame:
    n = len(frame)
    adobe = (frame["structure_type"] == "adobe").to_numpy()
    weak = frame["structure_type"].isin(["adobe_timber", "mixed_brick_adobe", "timber", "stone_timber"]).to_numpy()
    grade = draw_from("AB", [0.55, 0.45], n, rng)
    old = (frame["built_year"] < 1995).to_numpy()
    grade[old] = draw_from("ABCD", [0.25, 0.60, 0.12, 0.03], int(old.sum()), rng)
    grade[weak] = draw_from("ABCD", [0.05, 0.50, 0.33, 0.12], int(weak.sum()), rng)
    grade[adobe] = draw_from("BCD", [0.14, 0.44, 0.42], int(adobe.sum()), rng)
    surveyed = adobe | np.isin(grade, ["C", "D"]) | (rng.random(n) < 0.10)
    days = days_between(date(today.year - 3, 1, 10), today - timedelta(days=20), n, rng)
    number = [f"DEMO-JD-{d.year}-{k:05d}" for k, d in enumerate(days, 1)]
    danger = adobe & (rng.random(n) < 0.03)
    resist = draw_from(["full", "partial", "none"], [0.5, 0.38, 0.12], n, rng)
    resist[adobe] = draw_from(["partial", "none"], [0.35, 0.65], int(adobe.sum()), rng)
    return frame.assign(
        safety_grade=_only(grade, surveyed),
        grade_date=_only(days, surveyed),
        certificate_no=_only(number, surveyed),
        site_safety=np.where(danger, "dangerous", "safe"),
        hazard_resistance=_only(resist, surveyed),
    )


def number_houses(frame: pd.DataFrame, village_names: Mapping[str, str]) -> pd.DataFrame:
    """Give houses ids and door plates, village by village."""
    order = frame.groupby("village_code", sort=False).cumcount() + 1
    ids = [f"F{c}{k:05d}" for c, k in zip(frame["village_code"], order, strict=True)]
    plates = [f"{village_names[c]}示范{k}号" for c, k in zip(frame["village_code"], order, strict=True)]
    return frame.assign(house_id=ids, door_plate=plates)


def village_counts(villages: pd.DataFrame, houses: pd.DataFrame, register: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    """Count every village: households from its houses, elders, children and disabled never below the registers.

    Returns
    -------
    ``villages`` with ``non_resident_population, household_count, elderly_60, children_14, disabled``.
    """
    people = villages["resident_population"].to_numpy(np.int64)
    n = len(villages)
    homes = houses.groupby("village_code")["households"].sum().reindex(villages["code"]).fillna(0).astype(np.int64)
    out = villages.assign(
        non_resident_population=np.floor(people * 0.035 * rng.random(n)).astype(np.int64),
        household_count=homes.to_numpy(),
    )
    shares = {"elderly_60": (0.17, 0.12), "children_14": (0.12, 0.07), "disabled": (0.018, 0.018)}
    for column, (base, more) in shares.items():
        base_share = base + more * rng.random(n) - (0.05 * out["urban"].to_numpy() if column == "elderly_60" else 0)
        share = np.round(people * base_share).astype(np.int64)
        known = np.zeros(n, np.int64)
        if len(register):
            known = (
                register.groupby("village_code")[column].sum().reindex(villages["code"]).fillna(0).to_numpy(np.int64)
            )
        out[column] = np.minimum(people, np.maximum(share, known))
    return out


def place_houses(
    houses: pd.DataFrame, villages: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, wet: BaseGeometry, rng: Rng
) -> gpd.GeoDataFrame:
    """Put every house on dry ground inside its village; rows stay in order."""
    tree = roads.sindex
    spots = []
    counts = houses.groupby("village_code", sort=False).size()
    for code, area, point in zip(villages["code"], villages["area"], villages.geometry, strict=True):
        if code not in counts.index:
            continue
        ground = area.difference(wet.buffer(12)).intersection(point.buffer(1600))
        ground = ground if ground.area > 1 else area
        near = roads.geometry.iloc[np.sort(tree.query(ground, predicate="intersects"))]
        lanes = shapely.intersection(shapely.union_all(near.to_numpy()), ground) if len(near) else shapely.Point()
        spots.append(house_places(ground, lanes, shapely.get_coordinates(point)[0], int(counts[code]), rng))
    return gpd.GeoDataFrame(houses, geometry=shapely.points(np.vstack(spots)))
