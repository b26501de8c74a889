"""Invent what a bureau owns and runs: warehouses and lots, sites, welfare homes, facilities, candidate sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from geo_minzheng.engine.synthesise_ground import Points, Rng
from geo_minzheng.engine.synthesise_people import names, phones


@dataclass(frozen=True)
class ItemPack:
    """How an item is counted and packed (policy: relief items): unit, and units per package."""

    unit: str
    size: float


def reachable_ends(roads: gpd.GeoDataFrame, wet: BaseGeometry) -> Points:
    """Find the road ends of the largest network that stays dry; bridges stay open.

    Parameters
    ----------
    roads
        Segments in metres with ``is_bridge``.
    wet
        The flood [m].

    Returns
    -------
    Shape (n, 2) [m], outside ``wet``.
    """
    shapely.prepare(wet)
    cut = shapely.intersects(wet, roads.geometry.to_numpy()) & ~roads["is_bridge"].to_numpy(bool)
    lines = roads.geometry.to_numpy()[~cut]
    if not len(lines):
        return np.zeros((0, 2))
    ends = np.array([[line.coords[0], line.coords[-1]] for line in lines]).reshape(-1, 2)
    nodes, index = np.unique(ends, axis=0, return_inverse=True)
    u, v = index.reshape(-1, 2).T
    graph = csr_matrix((np.ones(len(u)), (u, v)), shape=(len(nodes), len(nodes)))
    _, label = connected_components(graph, directed=False)
    main = np.bincount(label).argmax()
    return np.asarray(nodes[(label == main) & ~shapely.contains_xy(wet, nodes)], float)


@dataclass
class Spots:
    """Hands out dry places beside the road, each at most once.

    Parameters
    ----------
    ends
        Road ends that stay reachable, shape (n, 2) [m].
    villages
        ``code`` and ``area`` [m].
    wet
        Water and flood: nothing is put there [m].
    """

    ends: Points
    villages: gpd.GeoDataFrame
    wet: BaseGeometry
    taken: list[tuple[float, float]] = field(default_factory=list)

    def near(self, target: Sequence[float], area: BaseGeometry, rng: Rng) -> tuple[Points, str]:
        """Return a free place near ``target`` inside ``area`` where there is one, and the village it lies in."""
        if not len(self.ends):
            spot = np.round(shapely.get_coordinates(area.representative_point())[0], 2)
            return spot, self.village_of(spot)
        away = np.hypot(*(self.ends - np.asarray(target, float)).T)
        away = away + np.where(shapely.contains_xy(area, self.ends), 0.0, 1e7)
        if self.taken:
            gaps = np.hypot(*(self.ends[:, None, :] - np.array(self.taken)[None]).transpose(2, 0, 1)).min(axis=1)
            away = away + np.where(gaps < 160, 1e6, 0.0)
        node = self.ends[int(away.argmin())]
        self.taken.append((float(node[0]), float(node[1])))
        for reach in (34.0, 22.0, 14.0, 8.0, 3.0):
            angle = rng.random() * 2 * np.pi
            spot = np.round(node + reach * np.array([np.cos(angle), np.sin(angle)]), 2)
            if not shapely.contains_xy(self.wet, *spot) and self.village_of(spot):
                return spot, self.village_of(spot)
        return node, self.village_of(node)

    def village_of(self, spot: Points) -> str:
        """Return the code of the village a place lies in; empty outside all."""
        inside = shapely.contains_xy(self.villages["area"].to_numpy(), *spot)
        return str(self.villages["code"].to_numpy()[inside.argmax()]) if inside.any() else ""


def _people(frame: pd.DataFrame, rng: Rng) -> pd.DataFrame:
    return frame.assign(contact_name=names(len(frame), rng), contact_phone=phones(len(frame), rng))


def _points(rows: list[dict[str, Any]], rng: Rng, *, contact: bool = True) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(rows)
    spots = shapely.points(np.array(list(frame.pop("xy"))))
    return gpd.GeoDataFrame(_people(frame, rng) if contact else frame, geometry=spots)


def place_warehouses(
    plan: Sequence[Mapping[str, Any]], towns: gpd.GeoDataFrame, spots: Spots, rng: Rng
) -> gpd.GeoDataFrame:
    """Place the warehouses of the plan (``id, name, level, town``, optional ``at``) beside reachable roads."""
    rows = []
    for item in plan:
        town = towns[towns["code"] == item["town"]].iloc[0]
        xy, village = spots.near(item.get("at", town["seat"]), town.geometry, rng)
        rows.append(
            {
                "warehouse_id": item["id"],
                "name": item["name"],
                "warehouse_level": item["level"],
                "village_code": village,
                "xy": xy,
            }
        )
    return _points(rows, rng)


def stock_lots(plan: Mapping[str, Any], packs: Mapping[str, ItemPack], today: date) -> pd.DataFrame:
    """Turn the plan's lots into rows of ``stock_lot``, every quantity rounded up to whole packages.

    Parameters
    ----------
    plan
        ``authority`` (releasing authority by owner) and ``lot``: rows of warehouse, item, quantity [item unit], owner,
        age [months], life left [months; 0 none], unit cost [yuan], condition.
    packs
        Package by item.

    Raises
    ------
    ValueError
        A lot's item has no package: the policy and the plan do not fit.
    """
    missing = sorted({lot[1] for lot in plan["lot"]} - set(packs))
    if missing:
        raise ValueError(f"no package size for {missing}")
    rows = []
    for k, (warehouse, item, quantity, owner, age, left, cost, condition) in enumerate(plan["lot"], 1):
        pack = packs[item]
        made = today - timedelta(days=round(age * 30.4))
        rows.append({
            "warehouse_id": warehouse, "lot_no": f"PC{made.year}{k:04d}", "item": item,
            "quantity": float(np.ceil(quantity / pack.size - 1e-9) * pack.size), "unit": pack.unit, "owner": owner,
            "releasing_authority": plan["authority"][owner], "produced_on": made,
            "expiry_on": today + timedelta(days=round(left * 30.4)) if left else None,
            "received_on": made + timedelta(days=18), "condition": condition, "unit_cost_yuan": float(cost),
            "contract_no": f"DEMO-HT-{made.year}-{k:03d}", "acceptance_no": f"DEMO-YS-{made.year}-{k:03d}",
        })  # fmt: skip
    return pd.DataFrame(rows)


def place_sites(towns: gpd.GeoDataFrame, per_town: int, spots: Spots, rng: Rng) -> gpd.GeoDataFrame:
    """Give every town one receiver and ``per_town`` resettlement sites, dry and on the network."""
    rows: list[dict[str, Any]] = []
    for town in towns.itertuples():
        short = town.name
        for k in range(per_town + 1):
            xy, village = spots.near(town.seat, town.geometry, rng)
            base = {"village_code": village, "xy": xy}
            if k == 0:
                rows.append({"site_id": f"JS{town.code}", "name": f"{short}救灾物资接收点",
                             "site_kind": "town_receiver", "capacity_persons": 0, "indoor_persons": 0,
                             "net_area_m2": 300.0, **base})  # fmt: skip
                continue
            indoor = int(120 + np.floor(rng.random() * 18) * 20)
            capacity = indoor + int(np.floor(rng.random() * 20) * 20)
            kind = ("中心学校", "文体活动中心", "初级中学")[(k - 1) % 3]
            rows.append({"site_id": f"AZ{town.code}{k:02d}", "name": f"{short}{kind}集中安置点",
                         "site_kind": "resettlement", "capacity_persons": capacity, "indoor_persons": indoor,
                         "net_area_m2": float(round(capacity * (2.2 + rng.random()))), **base})  # fmt: skip
    return _points(rows, rng)


def place_homes(plan: Sequence[Mapping[str, Any]], towns: gpd.GeoDataFrame, spots: Spots, rng: Rng) -> gpd.GeoDataFrame:
    """Place the welfare homes of the plan: its columns as given, near the town seat or ``at``."""
    rows = []
    for item in plan:
        town = towns[towns["code"] == item["town"]].iloc[0]
        wanted = item.get("at", town["seat"])
        if item.get("stays_dry", True):
            xy, village = spots.near(wanted, town.geometry, rng)
        else:
            xy = np.asarray(wanted, float)
            village = spots.village_of(xy)
        given = {k: v for k, v in item.items() if k not in {"town", "at", "stays_dry"}}
        rows.append({**given, "village_code": village, "xy": xy})
    return _points(rows, rng)


def facility_defects(plan: Sequence[Sequence[Any]], today: date) -> pd.DataFrame:
    """Turn the plan's defects into rows: home, grade, kind, text, days since found, to deadline, since closed or -1."""
    rows = []
    for k, (home, grade, kind, text, found, due, closed) in enumerate(plan, 1):
        rows.append({
            "defect_id": f"YH{today.year}{k:03d}", "home_id": home, "hazard_grade": grade, "defect_kind": kind,
            "description": text, "found_on": today - timedelta(days=found), "deadline_on": today + timedelta(days=due),
            "closed_on": today - timedelta(days=closed) if closed >= 0 else None,
        })  # fmt: skip
    return pd.DataFrame(rows)


def _beside(point: BaseGeometry, area: BaseGeometry, reach: tuple[float, float], rng: Rng) -> Points:
    centre = shapely.get_coordinates(point)[0]
    for _ in range(60):
        angle = rng.random() * 2 * np.pi
        away = reach[0] + (reach[1] - reach[0]) * rng.random()
        spot = np.round(centre + away * np.array([np.cos(angle), np.sin(angle)]), 2)
        if shapely.contains_xy(area, *spot):
            return np.asarray(spot, float)
    return np.asarray(centre, float)


def public_facilities(
    villages: gpd.GeoDataFrame, towns: gpd.GeoDataFrame, wet: BaseGeometry, rng: Rng
) -> gpd.GeoDataFrame:
    """Give every village an office, most a clinic, some a school; every town a hospital near its seat."""
    rows: list[dict[str, Any]] = []
    for village in villages.itertuples():
        area = village.area.difference(wet.buffer(10))
        kinds = [("village_office", "党群服务中心", 1.0), ("clinic", "卫生室", 0.82), ("school", "小学", 0.24)]
        for kind, word, share in kinds:
            if rng.random() < share:
                xy = _beside(village.geometry, area, (25, 160), rng)
                rows.append({"public_kind": kind, "name": f"{short_name(village.name)}{word}", "xy": xy})
    for town in towns.itertuples():
        centre = shapely.Point(town.seat)
        xy = _beside(centre, town.geometry.difference(wet.buffer(10)), (80, 500), rng)
        rows.append({"public_kind": "hospital", "name": f"{town.name}卫生院（示意）", "xy": xy})
    frame = _points(rows, rng, contact=False)
    frame.insert(0, "facility_id", [f"SS{k:04d}" for k in range(1, len(frame) + 1)])
    return frame


def short_name(name: str) -> str:
    """Drop the committee from a village name."""
    for tail in ("村委会（含移民新区）", "村委会", "居委会", "社区居委会"):
        name = name.removesuffix(tail)
    return name


def candidate_sites(
    villages: gpd.GeoDataFrame, count: int, prefer: Mapping[str, int], wet: BaseGeometry, rng: Rng
) -> gpd.GeoDataFrame:
    """Choose candidate sites for a new home: idle schools, idle offices, land; ``prefer`` gives a town's minimum."""
    chosen: list[int] = []
    for town, least in prefer.items():
        mine = np.flatnonzero((villages["town"] == town).to_numpy())
        chosen += mine[rng.permutation(len(mine))[:least]].tolist()
    rest = np.setdiff1d(np.arange(len(villages)), chosen)
    chosen += rest[rng.permutation(len(rest))[: max(0, count - len(chosen))]].tolist()
    uses = [
        ("idle_school", "旧校舍", "教育用地", "村集体"),
        ("land", "空闲地块", "公共服务用地", "国有"),
        ("idle_office", "旧办公楼", "机关团体用地", "乡镇政府"),
    ]
    rows = []
    for k, index in enumerate(sorted(chosen)):
        village = villages.iloc[index]
        use, word, land_use, tenure = uses[k % 3]
        area = float(round(1400 + 5200 * rng.random(), -1))
        xy = _beside(village.geometry, village["area"].difference(wet.buffer(30)), (110, 420), rng)
        rows.append({"candidate_id": f"XZ{k + 1:03d}", "name": f"{short_name(village['name'])}{word}（示意）",
                     "village_code": village["code"],
                     "former_use": use, "land_use": land_use, "tenure": tenure, "area_m2": area, "xy": xy})  # fmt: skip
    return _points(rows, rng, contact=False)
