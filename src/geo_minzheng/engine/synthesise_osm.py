"""Complete a district from an OpenStreetMap extract: real ground, synthetic people, goods and a flood, all labelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from geo_minzheng import geo
from geo_minzheng.engine import synthesise_people as people
from geo_minzheng.engine import synthesise_register as register
from geo_minzheng.engine.synthesise import Layers, to_metres, to_store
from geo_minzheng.engine.synthesise_goods import ItemPack
from geo_minzheng.engine.synthesise_ground import EMPTY, Points, Rng, as_areas, blob
from geo_minzheng.engine.synthesise_osm_goods import OSM, SYNTHETIC, Ground, complete_goods, flood_zones
from geo_minzheng.engine.synthesise_places import OsmFrames, Places, make_places

_NOT_HOMES = frozenset(
    [
        "church",
        "chapel",
        "cathedral",
        "school",
        "university",
        "college",
        "kindergarten",
        "hospital",
        "garage",
        "garages",
        "shed",
        "roof",
        "hut",
        "kiosk",
        "greenhouse",
        "barn",
        "stable",
        "industrial",
        "warehouse",
        "commercial",
        "retail",
        "office",
        "public",
        "civic",
        "station",
        "train_station",
        "transformer_tower",
        "service",
        "carport",
        "toilets",
        "hangar",
        "ruins",
        "construction",
        "fire_station",
    ]
)
# A road that leaves the district by more than this belongs to the neighbour: the importer would refuse it.
_STRAY_M = 500.0
_ROAD_COLUMNS = ["road_id", "name", "road_class", "kmh", "oneway", "is_bridge", "structure_id", "limit_t"]
_WATER_KINDS = frozenset(("river", "lake", "canal", "reservoir", "pond"))


def complete_district(frames: OsmFrames, plan: Mapping[str, Any], packs: Mapping[str, ItemPack], rng: Rng) -> Layers:
    """Complete a district from an extract: what it holds stays, what it lacks is invented.

    The same extract, plan and generator state give the same frames. Works without boundary (convex hull), without
    buildings (houses along the roads), without named places (quarters are cut) and without water (a seeded flood).

    Parameters
    ----------
    frames
        The extract, geometry CGCS2000 [deg].
    plan
        ``data/demo/extract.toml`` as read.
    packs
        Unit and package size by item.

    Returns
    -------
    One frame per layer of the catalogue, and ``flood`` (``depth_m``); geometry CGCS2000, ``coord_source`` ``osm`` or
    ``synthetic`` on every row.
    """
    crs = _district_crs(frames)
    local = _in_metres(frames, crs)
    places = make_places(local, plan, rng)
    water = _water(local, places.outline)
    roads = _roads(local, places.outline)
    wet = as_areas(shapely.union_all(water.geometry.to_numpy())) if len(water) else EMPTY
    flood = draw_flood(plan["flood"], places, local, wet, rng)
    layers: dict[str, pd.DataFrame] = {"water": water, "road": roads, "flood": flood}
    layers |= _division_layers(places)
    layers |= _people(plan, places, local, (roads, wet), rng)
    residents = int(layers["village"]["resident_population"].sum())
    layers |= complete_goods(plan, places, local, Ground(roads, wet, flood, residents), packs, rng)
    layers["hazard_zone"] = flood_zones(plan["hazard"], places.outline, wet, flood)
    return {k: to_store(v, crs, 7) if isinstance(v, gpd.GeoDataFrame) else v for k, v in layers.items()}


def _district_crs(frames: OsmFrames) -> Any:
    bounds = np.array([f.total_bounds for f in (frames.segments, frames.buildings, frames.boundaries) if len(f)])
    return geo.metres_crs(float(bounds[0, [0, 2]].mean()), float(bounds[0, [1, 3]].mean()))


def _in_metres(frames: OsmFrames, crs: Any) -> OsmFrames:
    moved = {}
    for name, frame in vars(frames).items():
        if isinstance(frame, gpd.GeoDataFrame):
            bare = pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index(drop=True)
            moved[name] = gpd.GeoDataFrame(bare, geometry=to_metres(frame.geometry.to_numpy(), crs))
    return replace(frames, **moved)


def _roads(frames: OsmFrames, outline: BaseGeometry) -> gpd.GeoDataFrame:
    """Take the usable segments that touch the district; figures outside the catalogue's range are left out."""
    lines = frames.segments.geometry.to_numpy()
    near = frames.segments[shapely.intersects(outline, lines) & shapely.within(lines, outline.buffer(_STRAY_M))]
    near = near[near["road_class"].notna() & (near.geometry.length > 0)]
    out = gpd.GeoDataFrame(near[_ROAD_COLUMNS], geometry=near.geometry.to_numpy()).reset_index(drop=True)
    out["kmh"] = out["kmh"].where(out["kmh"].between(1, 130))
    out["limit_t"] = out["limit_t"].where(out["limit_t"].between(0.5, 200))
    return out.assign(coord_source=OSM)


def _water(frames: OsmFrames, outline: BaseGeometry) -> gpd.GeoDataFrame:
    """Take water areas, made disjoint, and rivers and canals drawn as lines only, as narrow areas."""
    rows: list[dict[str, Any]] = []
    taken = EMPTY
    for row in frames.water.sort_values("osm_id").itertuples():
        area = as_areas(shapely.make_valid(row.geometry).intersection(outline).difference(taken), 40.0)
        if not area.is_empty:
            taken = taken.union(area)
            kind = row.water_kind if row.water_kind in _WATER_KINDS else "pond"
            rows.append({"water_id": row.osm_id, "name": row.name, "water_kind": kind, "geometry": area})
    for row in frames.waterways.sort_values("osm_id").itertuples():
        if row.kind in ("river", "canal"):
            area = as_areas(row.geometry.buffer(4.0, cap_style="flat").intersection(outline).difference(taken), 40.0)
            if not area.is_empty:
                taken = taken.union(area)
                rows.append({"water_id": row.osm_id, "name": row.name, "water_kind": row.kind, "geometry": area})
    columns = ["water_id", "name", "water_kind", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry").assign(coord_source=OSM)


def draw_flood(
    plan: Mapping[str, Any], places: Places, frames: OsmFrames, wet: BaseGeometry, rng: Rng
) -> gpd.GeoDataFrame:
    """Draw one flood: the stretch of the largest river, or a seeded place, where most buildings or villages lie near.

    Parameters
    ----------
    plan
        ``reach_share`` (of the square root of the district's area), ``reach_m`` (limits), ``stretch_share`` (half
        length of the stretch, of the same root), ``bands`` (share of the reach, depth [m]).
    """
    low, high = plan["reach_m"]
    reach = float(np.clip(plan["reach_share"] * np.sqrt(places.outline.area), low, high))
    course = _course(frames, places.outline, wet)
    homes = frames.buildings if len(frames.buildings) else places.villages
    spots = shapely.get_coordinates(homes.geometry.to_numpy())
    if course is None:
        centre = spots[int(np.floor(rng.random() * len(spots)))]
        shapes: list[BaseGeometry] = [blob(centre, reach * share, rng, 0.25) for share, _ in plan["bands"]]
    else:
        line = course.exterior if isinstance(course, Polygon) else course
        stops = np.array([line.interpolate(share, normalized=True).coords[0] for share in np.linspace(0, 1, 60)])
        near = np.array([(np.hypot(*(spots - s).T) < 1.5 * reach).sum() for s in stops])
        window = shapely.Point(stops[int(near.argmax())]).buffer(
            max(2 * reach, plan["stretch_share"] * np.sqrt(places.outline.area))
        )
        shapes = [course.buffer(reach * share).intersection(window).simplify(2) for share, _ in plan["bands"]]
    rows, deeper = [], wet
    for (_, depth), shape in zip(plan["bands"], shapes, strict=True):
        area = as_areas(shape.intersection(places.outline).difference(deeper))
        deeper = deeper.union(shape)
        if not area.is_empty:
            rows.append({"depth_m": depth, "coord_source": SYNTHETIC, "geometry": area})
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=["depth_m", "coord_source", "geometry"]), geometry="geometry")


def _course(frames: OsmFrames, outline: BaseGeometry, wet: BaseGeometry) -> BaseGeometry | None:
    """Return the largest flowing water inside the outline: a river area, else the longest waterway, else any water."""
    rivers = frames.water[frames.water["water_kind"].isin(["river", "canal"])]
    areas = [p for g in rivers.geometry for p in shapely.get_parts(shapely.make_valid(g).intersection(outline))]
    areas = [p for p in areas if p.geom_type == "Polygon"]
    lines = [p for g in frames.waterways.geometry for p in shapely.get_parts(g.intersection(outline)) if p.length > 200]
    ponds = [p for p in shapely.get_parts(wet) if p.geom_type == "Polygon" and p.area > 0]
    best: BaseGeometry | None = None
    if areas:
        best = max(areas, key=lambda p: (p.length, p.area))
    elif lines:
        best = max(lines, key=lambda p: p.length)
    elif ponds:
        best = max(ponds, key=lambda p: p.area)
    return best


def _division_layers(places: Places) -> Layers:
    villages, towns = places.villages, places.towns
    rows: list[tuple[str, str, str | None, bool]] = [(places.code, places.name, None, True)]
    rows += [(c, n, places.code, True) for c, n in zip(towns["code"], towns["name"], strict=True)]
    rows += [(c, n, t, True) for c, n, t in zip(villages["code"], villages["name"], villages["town"], strict=True)]
    division = pd.DataFrame(rows, columns=["code", "name", "parent_code", "counts_as_town"])
    named = OSM if places.is_real else SYNTHETIC
    areas = gpd.GeoDataFrame(villages[["code", "name"]], geometry=list(villages["area"]))
    boundary = gpd.GeoDataFrame({"code": [places.code], "name": [places.name]}, geometry=[places.outline])
    return {
        "division": division.assign(coord_source=named), "boundary": boundary.assign(coord_source=OSM),
        "town_area": towns[["code", "name", "geometry"]].assign(coord_source=OSM),
        "village_area": areas.assign(coord_source=SYNTHETIC),
    }  # fmt: skip


def _real_houses(plan: Mapping[str, Any], places: Places, frames: OsmFrames, rng: Rng) -> tuple[pd.DataFrame, Points]:
    """Turn buildings people may live in into surveyed houses, persons by floor area."""
    homes = frames.buildings[~frames.buildings["kind"].isin(_NOT_HOMES) & (frames.buildings["area_m2"] >= 25)]
    xy = shapely.get_coordinates(homes.geometry.to_numpy()).reshape(-1, 2)
    tree = shapely.STRtree(places.villages["area"].to_numpy())
    at, cell = (
        tree.query(shapely.points(xy), predicate="intersects") if len(xy) else (np.zeros(0, int), np.zeros(0, int))
    )
    first = np.unique(at, return_index=True)[1]
    at, cell = at[first], cell[first]
    homes, xy = homes.iloc[at], xy[at]
    levels = pd.to_numeric(homes["levels"], errors="coerce").clip(1, 60).to_numpy(float, na_value=np.nan)
    area = homes["area_m2"].to_numpy(float)
    guess = np.where(homes["kind"].isin(["apartments", "block"]), 5.0, np.where(area > 1200, 1.0, 2.0))
    levels = np.where(np.isnan(levels), guess, levels)
    exact = area * levels / plan["m2_per_person"] * (0.5 + rng.random(len(homes)))
    persons = np.clip(np.round(exact), 0, np.where(levels > 3, 400, 12)).astype(np.int64)
    persons[rng.random(len(homes)) < 0.06] = 0
    kind = np.where(persons == 0, "empty", np.where(persons > 8, "block", "family"))
    frame = pd.DataFrame({
        "village_code": places.villages["code"].to_numpy()[cell], "kind": kind, "persons": persons,
        "households": np.where(persons > 8, np.ceil(persons / 2.6), persons > 0).astype(np.int64),
        "house_id": homes["osm_id"].to_numpy(), "coord_source": OSM, "storeys_osm": levels.astype(np.int64),
        "area_osm": np.round(area * levels),
    })  # fmt: skip
    return frame, xy


def _houses(
    plan: Mapping[str, Any], places: Places, frames: OsmFrames, ground: tuple[gpd.GeoDataFrame, BaseGeometry], rng: Rng
) -> gpd.GeoDataFrame:
    """Survey the real buildings; villages without any get synthetic houses along their roads."""
    real, xy = _real_houses(plan, places, frames, rng)
    found = gpd.GeoDataFrame(real, geometry=shapely.points(xy))
    settled = set(real.loc[real["persons"] > 0, "village_code"])
    bare = places.villages[~places.villages["code"].isin(settled)]
    if not len(bare):
        return found
    low, high = plan["without_buildings"]
    count = np.floor(low + (high - low) * rng.random(len(bare))).astype(np.int64)
    survey = people.survey_houses(bare.assign(resident_population=count), rng)
    made = people.place_houses(survey, bare, *ground, rng).assign(coord_source=SYNTHETIC)
    numbers = made.groupby("village_code", sort=False).cumcount() + 1
    made["house_id"] = [f"F{c}{k:05d}" for c, k in zip(made["village_code"], numbers, strict=True)]
    return gpd.GeoDataFrame(pd.concat([found, made], ignore_index=True), geometry="geometry") if len(found) else made


def _people(
    plan: Mapping[str, Any], places: Places, frames: OsmFrames, ground: tuple[gpd.GeoDataFrame, BaseGeometry], rng: Rng
) -> Layers:
    today, spec = plan["planning_day"], plan["people"]
    placed = _houses(spec, places, frames, ground, rng)
    placed["urban"] = False
    bare = pd.DataFrame(placed.drop(columns="geometry"))
    family = int((bare["kind"] == "family").sum())
    adobe = round(len(bare) * spec["adobe_share"])
    sole = min(round(adobe * spec["adobe_sole_share"]), family // 4)
    built = people.build_houses(bare, (adobe, sole), today, rng)
    if "storeys_osm" in built:
        for ours, theirs in (("storeys", "storeys_osm"), ("floor_area_m2", "area_osm")):
            built[ours] = built[theirs].fillna(built[ours]).clip(1)
        built["storeys"] = built["storeys"].clip(1, 60).astype(np.int64)
    tiers = {k: round(family * v) for k, v in spec["share"].items()} | {"general": len(built)}
    register_plan = {"tier": tiers, "dibao_covered_share": spec["dibao_covered_share"]}
    households = register.register_households(built, register_plan, rng)
    rates = {
        k: round(v * int(bare["households"].sum()) / 1000) for k, v in plan["applications_per_1000_households"].items()
    }
    houses, households, cases = register.apply_for_renovation(built, households, rates, today, rng)
    villages = places.villages.assign(
        resident_population=houses.groupby("village_code")["persons"]
        .sum()
        .reindex(places.villages["code"])
        .fillna(0)
        .astype(np.int64)
        .to_numpy()
    )
    counted = people.village_counts(villages, houses, households, rng).drop(columns=["area", "town", "urban"])
    label, origin = {"coord_source": SYNTHETIC}, OSM if places.is_real else SYNTHETIC
    return {
        "village": gpd.GeoDataFrame(counted, geometry="geometry").assign(coord_source=origin),
        "house": gpd.GeoDataFrame(houses, geometry=placed.geometry.to_numpy()),
        "household": households.assign(**label), "renovation_application": cases.assign(**label),
        "officer": register.appoint_officers(villages, today, rng).assign(**label),
    }  # fmt: skip
