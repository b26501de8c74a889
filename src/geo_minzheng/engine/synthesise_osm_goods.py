"""Complete an extract with what a bureau owns: warehouses and lots, sites, welfare homes, facilities, hazard zones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo_minzheng.engine import synthesise_goods as goods
from geo_minzheng.engine.synthesise_goods import ItemPack, Spots
from geo_minzheng.engine.synthesise_ground import EMPTY, Rng, as_areas
from geo_minzheng.engine.synthesise_people import names, phones
from geo_minzheng.engine.synthesise_places import OsmFrames, Places

OSM, SYNTHETIC = "osm", "synthetic"
_NOT_DRIVEN = ("footway", "track")
_CLINICS = frozenset(("clinic", "doctors", "health_centre", "dentist", "pharmacy"))


@dataclass(frozen=True)
class Ground:
    """What goods are placed on: roads, water and flood in metres, and how many people live there [persons]."""

    roads: gpd.GeoDataFrame
    wet: BaseGeometry
    flood: gpd.GeoDataFrame
    residents: int


def complete_goods(
    plan: Mapping[str, Any], places: Places, frames: OsmFrames, ground: Ground, packs: Mapping[str, ItemPack], rng: Rng
) -> dict[str, pd.DataFrame]:
    """Invent warehouses, lots, sites, homes, defects, candidate sites; keep real schools, hospitals and care homes.

    Warehouses, sites and invented homes stand dry beside roads that stay connected under the flood.

    Parameters
    ----------
    plan
        ``goods`` and ``planning_day`` of the extract plan.
    packs
        Unit and package size by item.

    Returns
    -------
    Frames by layer, geometry in metres.
    """
    spec, today = plan["goods"], plan["planning_day"]
    flooded = as_areas(shapely.union_all(ground.flood.geometry.to_numpy())) if len(ground.flood) else EMPTY
    drivable = ground.roads[~ground.roads["road_class"].isin(_NOT_DRIVEN)]
    drivable = drivable if len(drivable) else ground.roads
    ends = goods.reachable_ends(drivable, flooded) if len(drivable) else np.zeros((0, 2))
    spots = Spots(ends, places.villages, flooded.buffer(30).union(ground.wet.buffer(4)))
    stores = warehouse_plan(_by_buildings(places, frames), int(spec["township_warehouses"]))
    scale = ground.residents / 1e4
    rows = [r for r in spec["stock"]["lot"] if r[0] < len(stores)]
    lots = [(stores[r[0]]["id"], r[1], r[2] * scale, *r[3:]) for r in rows]
    homes = welfare_homes(places, frames, spots, rng)
    count = min(len(places.villages), int(spec["candidate_sites"]))
    label = {"coord_source": SYNTHETIC}
    return {
        "warehouse": goods.place_warehouses(stores, places.towns, spots, rng).assign(**label),
        "stock_lot": goods.stock_lots({**spec["stock"], "lot": lots}, packs, today).assign(**label),
        "site": goods.place_sites(places.towns, int(spec["sites_per_town"]), spots, rng).assign(**label),
        "welfare_home": homes, "facility_defect": home_defects(homes, today).assign(**label),
        "public_facility": public_facilities(frames, places, ground.wet, rng),
        "candidate_site": goods.candidate_sites(places.villages, count, {}, ground.wet, rng).assign(**label),
    }  # fmt: skip


def _by_buildings(places: Places, frames: OsmFrames) -> gpd.GeoDataFrame:
    """Sort towns by their buildings, most first."""
    xy = shapely.get_coordinates(frames.buildings.geometry.to_numpy()).reshape(-1, 2)
    held = np.array([shapely.contains_xy(a, xy).sum() for a in places.towns.geometry])
    return places.towns.iloc[np.argsort(-held, kind="stable")]


def warehouse_plan(towns: gpd.GeoDataFrame, townships: int) -> list[dict[str, str]]:
    """Name a county warehouse in the first town, and up to ``townships`` spread over the others."""
    others = len(towns) - 1
    spread: Any = np.linspace(1, others, min(townships, others)).round().astype(int) if others else []
    rows = []
    for k, index in enumerate([0, *np.unique(spread).tolist()]):
        town = towns.iloc[int(index)]
        level = "township" if k else "county"
        word = "乡镇物资储备库" if k else "救灾物资储备库"
        rows.append(
            {"id": f"CK{k + 1:02d}", "name": f"{town['name']}{word}（合成）", "level": level, "town": town["code"]}
        )
    return rows


def welfare_homes(places: Places, frames: OsmFrames, spots: Spots, rng: Rng) -> gpd.GeoDataFrame:
    """Keep the extract's care homes, their figures invented; without any, invent one for every second town."""
    rows: list[dict[str, Any]] = []
    for row in frames.care_homes.itertuples():
        xy = shapely.get_coordinates(row.geometry)[0]
        if village := spots.village_of(xy):
            rows.append(
                {
                    "home_id": row.osm_id,
                    "name": row.name or "养老机构",
                    "village_code": village,
                    "xy": xy,
                    "coord_source": OSM,
                }
            )
    if not rows:
        for town in list(places.towns.itertuples())[::2]:
            xy, village = spots.near(town.seat, town.geometry, rng)
            rows.append(
                {
                    "home_id": f"FL{len(rows) + 1:02d}",
                    "name": f"{town.name}福利院（合成）",
                    "village_code": village,
                    "xy": xy,
                    "coord_source": SYNTHETIC,
                }
            )
    return _home_figures(rows, rng)


def _home_figures(rows: list[dict[str, Any]], rng: Rng) -> gpd.GeoDataFrame:
    n = len(rows)
    frame = pd.DataFrame(rows)
    shapes = shapely.points(np.array(list(frame.pop("xy"))))
    beds = (40 + np.floor(rng.random(n) * 12) * 5).astype(np.int64)
    full = np.arange(n) % 3 == 0
    residents = np.where(full, beds, np.floor(beds * (0.62 + 0.3 * rng.random(n)))).astype(np.int64)
    total = np.floor(residents * 0.16).astype(np.int64)
    return gpd.GeoDataFrame(frame.assign(
        facility_kind="welfare_home", bed_total=beds, nursing_beds=np.floor(beds * 0.3).astype(np.int64),
        resident_count=residents, tekun_count=np.floor(residents * 0.8).astype(np.int64), self_care_total_loss=total,
        self_care_partial_loss=np.floor(residents * 0.24).astype(np.int64), waiting_count=np.where(full, 4, 0),
        care_staff=np.maximum(2, residents // 9), is_admission_closed=full, floor_area_m2=beds * 24.0,
        storeys=(2 + np.arange(n) % 3), safety_grade=np.array(["C", "A", "B"], dtype=object)[np.arange(n) % 3],
        has_sprinkler=~full, has_smoke_detector=True, has_refuge_room=False, has_basement_bedroom=False,
        contact_name=names(n, rng), contact_phone=phones(n, rng),
    ), geometry=shapes)  # fmt: skip


def home_defects(homes: pd.DataFrame, today: date) -> pd.DataFrame:
    """Give every full home one open major fire hazard, every other one a closed general one."""
    rows = []
    for k, (home, full) in enumerate(zip(homes["home_id"], homes["is_admission_closed"], strict=True), 1):
        rows.append({
            "defect_id": f"YH{today.year}{k:03d}", "home_id": home, "hazard_grade": "major" if full else "general",
            "defect_kind": "fire" if full else "care",
            "description": "疏散通道被封堵（合成）" if full else "护理记录不全（合成）",
            "found_on": today - timedelta(days=60), "deadline_on": today + timedelta(days=20),
            "closed_on": None if full else today - timedelta(days=9),
        })  # fmt: skip
    return pd.DataFrame(rows)


def public_facilities(frames: OsmFrames, places: Places, wet: BaseGeometry, rng: Rng) -> gpd.GeoDataFrame:
    """Keep the extract's schools and hospitals; where it has neither, invent facilities village by village."""
    parts = []
    for frame, kind in ((frames.schools, "school"), (frames.hospitals, "hospital")):
        if len(frame):
            kinds = np.where(frame["kind"].isin(_CLINICS), "clinic", kind) if kind == "hospital" else kind
            ids = frame["osm_id"].astype(str)
            part = pd.DataFrame({"facility_id": ids, "name": frame["name"], "public_kind": kinds, "coord_source": OSM})
            parts.append(gpd.GeoDataFrame(part, geometry=frame.geometry.to_numpy()))
    if parts:
        both = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry")
        inside = shapely.contains_xy(places.outline, *shapely.get_coordinates(both.geometry.to_numpy()).T)
        both = both[inside].drop_duplicates("facility_id").reset_index(drop=True)
        if len(both):
            return both
    return goods.public_facilities(places.villages, places.towns, wet, rng).assign(coord_source=SYNTHETIC)


def flood_zones(
    plan: Mapping[str, Any], outline: BaseGeometry, wet: BaseGeometry, flood: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Draw flood zones along water, or around the flood where there is none; disjoint, in rings by distance [m]."""
    core = wet if wet.area > 1e4 or not len(flood) else shapely.union_all(flood.geometry.to_numpy())
    rows: list[dict[str, Any]] = []
    taken = wet
    for near, level in plan["near_m"]:
        ring = core.buffer(near).simplify(3)
        area = as_areas(ring.intersection(outline).difference(taken))
        taken = taken.union(ring)
        if not area.is_empty:
            rows.append(
                {
                    "zone_id": f"HZ{len(rows) + 1:03d}",
                    "name": "水边风险区（合成）",
                    "hazard_kind": "flood",
                    "risk_level": level,
                    "geometry": area,
                }
            )
    columns = ["zone_id", "name", "hazard_kind", "risk_level", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry").assign(coord_source=SYNTHETIC)
