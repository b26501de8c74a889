"""Synthesise a district: the whole demo district from a plan, or what an OpenStreetMap extract lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from shapely.geometry import Polygon, shape

from geo_minzheng import geo
from geo_minzheng.engine import synthesise_goods as goods
from geo_minzheng.engine import synthesise_people as people
from geo_minzheng.engine import synthesise_register as register
from geo_minzheng.engine.synthesise_goods import ItemPack
from geo_minzheng.engine.synthesise_ground import Points, Rng, as_areas
from geo_minzheng.engine.synthesise_land import Land, lay_land

Layers = dict[str, pd.DataFrame]

__all__ = ["ItemPack", "Layers", "demo_district", "generator", "pick_rows", "to_metres", "to_store"]


def generator(seed: int) -> Rng:
    """Return the random generator every synthesis of that seed uses."""
    return np.random.Generator(np.random.PCG64(seed))


def to_metres(geometries: Any, crs: CRS | str) -> Any:
    """Project CGCS2000 geometries to metres, coordinates rounded to the centimetre."""

    def project(xy: Points) -> Points:
        return np.column_stack(geo.transform(xy[:, 0], xy[:, 1], geo.STORE_CRS, crs)).round(2)

    return shapely.transform(geometries, project)


def to_store(frame: gpd.GeoDataFrame, crs: CRS | str, digits: int = 6) -> gpd.GeoDataFrame:
    """Bring a frame in metres to the store's CGCS2000; equal points stay equal.

    Parameters
    ----------
    digits
        Decimals kept [1]; 6 is about 0.1 m.
    """

    def project(xy: Points) -> Points:
        return np.column_stack(geo.transform(xy[:, 0], xy[:, 1], crs, geo.STORE_CRS))

    def rounded(xy: Points) -> Points:
        return xy.round(digits)

    exact = shapely.transform(frame.geometry.to_numpy(), project)
    shapes = shapely.transform(exact, rounded)
    broken = ~shapely.is_valid(shapes)
    # Snapping to the grid keeps a shape valid where plain rounding folds it; it may drop vertices, so only there.
    for k in np.flatnonzero(broken):
        mended = shapely.set_precision(as_areas(shapely.make_valid(exact[k]), 0.0), 10.0**-digits)
        shapes[k] = shapely.transform(as_areas(mended, 0.0), rounded)
    bare = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    return gpd.GeoDataFrame(bare, geometry=shapes, crs=geo.STORE_CRS)


def pick_rows(
    frame: pd.DataFrame, select: Mapping[str, Sequence[Any]], reject: Mapping[str, Sequence[Any]]
) -> pd.DataFrame:
    """Keep rows whose columns hold a selected value and no rejected one."""
    keep = np.ones(len(frame), bool)
    for column, values in select.items():
        keep &= frame[column].isin(list(values)).to_numpy()
    for column, values in reject.items():
        keep &= ~frame[column].isin(list(values)).to_numpy()
    return frame[keep].reset_index(drop=True)


def demo_district(
    plan: Mapping[str, Any],
    boundary: Mapping[str, Any],
    towns: Sequence[tuple[str, str]],
    villages: Sequence[tuple[str, str, str]],
    packs: Mapping[str, ItemPack],
) -> Layers:
    """Synthesise the demo district on its real boundary, town and village codes.

    The same plan gives the same frames, always.

    Parameters
    ----------
    plan
        ``data/demo/plan.toml`` as read: seed, counts, anchors.
    boundary
        GeoJSON feature of the district, CGCS2000 or WGS-84 [deg], with ``code`` and ``name``.
    towns, villages
        (9-digit code, name) and (12-digit code, name, town code).
    packs
        Unit and package size by item.

    Returns
    -------
    One frame per layer of the catalogue, and ``flood`` (``depth_m``); geometry CGCS2000.
    """
    rng = generator(int(plan["seed"]))
    shell = to_metres(shape(boundary["geometry"]), plan["crs"])
    shell = Polygon(shell.exterior)
    land = lay_land(plan, shell, villages, dict(towns), rng)
    layers = _ground_layers(land)
    layers |= _people_layers(plan, land, rng)
    layers |= _goods_layers(plan, land, packs, rng)
    layers["division"] = _divisions(plan, boundary["properties"], towns, villages)
    placed = {k: to_store(v, plan["crs"]) if isinstance(v, gpd.GeoDataFrame) else v for k, v in layers.items()}
    real = gpd.GeoDataFrame(
        {"code": [boundary["properties"]["code"]], "name": [boundary["properties"]["name"]]},
        geometry=[shape(boundary["geometry"])], crs=geo.STORE_CRS,
    )  # fmt: skip
    return {"boundary": real, **placed}


def _ground_layers(land: Land) -> dict[str, pd.DataFrame]:
    areas = gpd.GeoDataFrame(land.villages[["code", "name"]], geometry=list(land.villages["area"]))
    return {
        "town_area": land.towns[["code", "name", "geometry"]], "village_area": areas, "water": land.water,
        "road": land.roads, "hazard_zone": land.hazards, "flood": land.flood,
    }  # fmt: skip


def _divisions(
    plan: Mapping[str, Any],
    district: Mapping[str, Any],
    towns: Sequence[tuple[str, str]],
    villages: Sequence[tuple[str, str, str]],
) -> pd.DataFrame:
    counts = {t["code"]: t.get("counts_as_town", True) for t in plan["town"]}
    rows: list[tuple[str, str, str | None, bool]] = [(district["code"], district["name"], None, True)]
    rows += [(code, name, district["code"], counts[code]) for code, name in towns]
    rows += [(code, name, town, True) for code, name, town in villages]
    return pd.DataFrame(rows, columns=["code", "name", "parent_code", "counts_as_town"])


def _peopled(plan: Mapping[str, Any], land: Land, rng: Rng) -> gpd.GeoDataFrame:
    """Share every town's people among its villages."""
    villages = land.villages.copy()
    weight = np.where(villages["urban"], plan["village"]["urban_weight"], 1.0) * (0.6 + 0.8 * rng.random(len(villages)))
    out = np.zeros(len(villages), np.int64)
    for town in land.towns.itertuples():
        mine = (villages["town"] == town.code).to_numpy()
        out[mine] = people.split_whole(int(town.people), weight[mine])
    return villages.assign(resident_population=out)


def _people_layers(plan: Mapping[str, Any], land: Land, rng: Rng) -> dict[str, pd.DataFrame]:
    today = plan["planning_day"]
    villages = _peopled(plan, land, rng)
    urban = dict(zip(villages["code"], villages["urban"], strict=True))
    survey = people.survey_houses(villages, rng)
    survey["urban"] = survey["village_code"].map(urban)
    names = {code: goods.short_name(name) for code, name in zip(villages["code"], villages["name"], strict=True)}
    houses = people.number_houses(people.build_houses(survey, tuple(plan["people"]["adobe"]), today, rng), names)
    households = register.register_households(houses, plan["people"], rng)
    houses, households, cases = register.apply_for_renovation(houses, households, plan["applications"], today, rng)
    counted = people.village_counts(villages, houses, households, rng)
    return {
        "village": gpd.GeoDataFrame(counted.drop(columns=["area", "town", "urban"]), geometry="geometry"),
        "house": people.place_houses(houses.drop(columns=["urban"]), villages, land.roads, land.wet, rng),
        "household": households, "renovation_application": cases,
        "officer": register.appoint_officers(villages, today, rng),
    }  # fmt: skip


def _goods_layers(
    plan: Mapping[str, Any], land: Land, packs: Mapping[str, ItemPack], rng: Rng
) -> dict[str, pd.DataFrame]:
    spec, today = plan["goods"], plan["planning_day"]
    flooded = shapely.union_all(land.flood.geometry)
    ends = goods.reachable_ends(land.roads, flooded)
    spots = goods.Spots(ends, land.villages, flooded.buffer(60).union(land.wet.buffer(8)))
    warehouses = goods.place_warehouses(spec["warehouse"], land.towns, spots, rng)
    sites = goods.place_sites(land.towns, int(spec["sites_per_town"]), spots, rng)
    return {
        "warehouse": warehouses, "site": sites, "stock_lot": goods.stock_lots(spec["stock"], packs, today),
        "welfare_home": goods.place_homes(plan["welfare"]["home"], land.towns, spots, rng),
        "facility_defect": goods.facility_defects(plan["welfare"]["defect"], today),
        "public_facility": goods.public_facilities(land.villages, land.towns, land.wet, rng),
        "candidate_site": goods.candidate_sites(
            land.villages, int(spec["candidate_sites"]), spec["candidate_min"], land.wet, rng
        ),
    }  # fmt: skip
