"""Make divisions of an OpenStreetMap extract: the district's outline, towns, villages, and codes by a stated scheme.

Codes: a name that a code list knows keeps its code. Every other place gets one under ``district_code`` (division 99
does not exist in GB/T 2260): towns ``district + 100, 101, ...`` (9 digits), villages ``town + 201, 202, ...`` (12
digits), quarters of a city ``town + 001, 002, ...``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo_minzheng.engine.synthesise_ground import EMPTY, Points, Rng, as_areas, partition, spread_centres

_VILLAGES = ("village", "town", "hamlet")
_QUARTERS = ("suburb", "quarter", "neighbourhood", "borough", "city_block")
_ENOUGH = 0.6


@dataclass(frozen=True)
class OsmFrames:
    """What an extract holds, as far as a district is made of it; every frame may be empty.

    Parameters
    ----------
    segments
        Lines ``road_id, name, road_class, kmh, oneway, is_bridge, structure_id, limit_t``; end points shared.
    boundaries
        Areas ``osm_id, name, admin_level``.
    places
        Points ``name, kind`` (village, town, hamlet, suburb, ...).
    buildings
        Points ``osm_id, kind, levels, area_m2``.
    care_homes, schools, hospitals
        Points ``osm_id, name, kind``.
    water, waterways
        Areas ``osm_id, name, water_kind``; lines ``osm_id, name, kind``.
    codes
        Division code by name, from a code list.
    """

    segments: gpd.GeoDataFrame
    boundaries: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    care_homes: gpd.GeoDataFrame
    schools: gpd.GeoDataFrame
    hospitals: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    waterways: gpd.GeoDataFrame
    codes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Places:
    """Outline, towns (``code, name, seat``), villages (``code, name, town, urban``, point, ``area``), in metres."""

    code: str
    name: str
    outline: BaseGeometry
    towns: gpd.GeoDataFrame
    villages: gpd.GeoDataFrame
    is_real: bool


def outline_of(frames: OsmFrames) -> tuple[BaseGeometry, str, int]:
    """Find the district's outline: the smallest administrative area around most road ends, else their convex hull.

    Returns
    -------
    (outline, name, admin_level)
        Metres; the name is empty and the level 0 for a hull.
    """
    shapes = [g for f in (frames.segments, frames.buildings, frames.places) for g in f.geometry.to_numpy()]
    if not shapes:
        shapes = list(frames.boundaries.geometry.to_numpy())
    anchors = shapely.centroid(np.array(shapes))
    best: tuple[float, int, str, BaseGeometry] | None = None
    for row in frames.boundaries.sort_values(["admin_level", "osm_id"]).itertuples():
        shape = as_areas(row.geometry)
        share = float(shapely.contains_properly(shape, anchors).mean())
        rank = (round(share, 2), int(row.admin_level))
        if share >= _ENOUGH and (best is None or rank > best[:2]):
            best = (*rank, str(row.name), shape)
    if best is not None:
        return best[3], best[2], best[1]
    union = as_areas(shapely.union_all(frames.boundaries.geometry.to_numpy()))
    if not union.is_empty and shapely.contains_properly(union, anchors).mean() >= _ENOUGH:
        return union, "", 0
    return shapely.union_all(anchors).convex_hull.buffer(200.0), "", 0


def _town_areas(frames: OsmFrames, outline: BaseGeometry, level: int) -> list[tuple[str, BaseGeometry]]:
    """List the municipalities inside the outline, disjoint: the first level of 8, 9, 10, 7, 6 that has two or more."""
    inner = frames.boundaries[frames.boundaries["admin_level"] > level].sort_values("osm_id")
    inside = inner[shapely.contains_xy(outline, *_xy(inner.geometry.representative_point()).T)]
    for wanted in (8, 9, 10, 7, 6):
        some = inside[inside["admin_level"] == wanted]
        if len(some) < 2:
            continue
        taken, found = EMPTY, []
        for row in some.itertuples():
            area = as_areas(row.geometry.intersection(outline).difference(taken))
            taken = taken.union(row.geometry)
            if not area.is_empty:
                found.append((str(row.name), area))
        return _filled(found, outline)
    return []


def _filled(towns: list[tuple[str, BaseGeometry]], outline: BaseGeometry) -> list[tuple[str, BaseGeometry]]:
    """Give ground that no municipality claims to the one beside it, so that the towns sum to the district."""
    rest = outline.difference(shapely.union_all([a for _, a in towns]))
    areas = [[a] for _, a in towns]
    for part in shapely.get_parts(rest):
        if part.geom_type == "Polygon" and part.area > 0:
            near = min(
                range(len(towns)),
                key=lambda k: (
                    round(towns[k][1].distance(part), 3),
                    -towns[k][1].boundary.intersection(part.buffer(1)).length,
                    k,
                ),
            )
            areas[near].append(part)
    return [(name, shapely.union_all(parts)) for (name, _), parts in zip(towns, areas, strict=True)]


def _xy(shapes: gpd.GeoSeries) -> Points:
    return shapely.get_coordinates(shapes.to_numpy()).reshape(-1, 2)


def _named_places(frames: OsmFrames, outline: BaseGeometry) -> tuple[list[tuple[str, Points]], bool]:
    """List village-like places inside the outline, else quarters; tells whether they are quarters."""
    places = frames.places[frames.places["name"].notna()]
    places = places[shapely.contains_xy(outline, *_xy(places.geometry).T)] if len(places) else places
    for kinds, urban in ((_VILLAGES, False), (_QUARTERS, True), ((*_VILLAGES, *_QUARTERS, "city", "locality"), True)):
        some = places[places["kind"].isin(kinds)]
        found: dict[tuple[float, float], str] = {}
        for name, xy in zip(some["name"], _xy(some.geometry).round(2), strict=True):
            found.setdefault((float(xy[0]), float(xy[1])), str(name))
        if len(found) >= 3:
            return [(n, np.array(p)) for p, n in sorted(found.items())], urban
    return [], True


def _cut_quarters(
    frames: OsmFrames, outline: BaseGeometry, plan: Mapping[str, Any], rng: Rng
) -> list[tuple[str, Points]]:
    """Cut quarters where no place has a name: centres spread over the buildings or the road ends."""
    source = frames.buildings if len(frames.buildings) > 30 else frames.segments
    points = (
        _xy(gpd.GeoSeries(shapely.centroid(source.geometry.to_numpy())))
        if len(source)
        else _xy(gpd.GeoSeries([outline.representative_point()]))
    )
    points = points[shapely.contains_xy(outline, points)]
    points = np.unique(points.round(1), axis=0)
    count = int(np.clip(round(outline.area / 1e6 / plan["km2_each"]), plan["least"], plan["most"]))
    count = max(1, min(count, len(points) // 3))
    centres = spread_centres(points, count, np.zeros((0, 2)), rng) if count > 1 else points[:1]
    if not len(centres):
        centres = _xy(gpd.GeoSeries([outline.representative_point()]))
    order = np.lexsort((centres[:, 0].round(), -centres[:, 1].round()))
    return [(f"第{k}片区", xy) for k, xy in enumerate(centres[order], 1)]


def _main_city(frames: OsmFrames, name: str) -> str:
    for kind in ("city", "town", "village", "suburb"):
        some = frames.places[(frames.places["kind"] == kind) & frames.places["name"].notna()]
        if len(some):
            return str(some["name"].iloc[0])
    return name or "示范区"


def make_places(frames: OsmFrames, plan: Mapping[str, Any], rng: Rng) -> Places:
    """Make the divisions of an extract.

    Parameters
    ----------
    frames
        Every geometry in the district's metres.
    plan
        ``district_code`` and ``village`` (``km2_each, least, most``).

    Returns
    -------
    Places
        Village areas partition their town, towns partition the outline.
    """
    outline, name, level = outline_of(frames)
    towns = _town_areas(frames, outline, level)
    spots, urban = _named_places(frames, outline)
    real = bool(spots)
    if not spots:
        spots = _cut_quarters(frames, outline, plan["village"], rng)
    towns = towns or [(_main_city(frames, name), outline)]
    district = str(frames.codes.get(name, plan["district_code"]))[:6]
    rows, town_rows = [], []
    points = np.array([xy for _, xy in spots])
    for k, (town, area) in enumerate(towns):
        code = str(frames.codes.get(town, f"{district}{100 + k:03d}"))[:9]
        inside = np.flatnonzero(shapely.contains_xy(area, points))
        mine = [spots[i] for i in inside] or [(town, shapely.get_coordinates(area.representative_point())[0])]
        areas = partition(np.array([xy for _, xy in mine]), area)
        seat = tuple(mine[_seat(mine, town)][1])
        town_rows.append({"code": code, "name": town, "seat": seat, "geometry": area})
        for n, ((village, xy), cell) in enumerate(zip(mine, areas, strict=True), 1):
            own = frames.codes.get(village, "")
            village_code = own if len(own) == 12 else f"{code}{n if urban else 200 + n:03d}"
            rows.append(
                {
                    "code": village_code,
                    "name": village,
                    "town": code,
                    "urban": urban,
                    "area": cell,
                    "geometry": shapely.Point(xy),
                }
            )
    villages = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry")
    return Places(
        district,
        name or _main_city(frames, name),
        outline,
        gpd.GeoDataFrame(town_rows, geometry="geometry"),
        villages,
        real,
    )


def _seat(places: list[tuple[str, Points]], town: str) -> int:
    same = [k for k, (name, _) in enumerate(places) if name == town]
    return same[0] if same else 0
