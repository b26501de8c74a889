"""Put the demo district's ground together: water, villages, towns, roads, hazards and one flood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from geo_minzheng.engine import synthesise_ground as ground
from geo_minzheng.engine import synthesise_roads as roads
from geo_minzheng.engine.synthesise_flood import flood_depth, footprint, hazard_zones
from geo_minzheng.engine.synthesise_ground import Points, Rng


@dataclass(frozen=True)
class Land:
    """Ground of a district in metres: layers by name, and the shapes others build on.

    ``villages`` has ``code, name, town, urban, people`` (share weight), the village point as geometry, and ``area``.
    """

    boundary: Polygon
    villages: gpd.GeoDataFrame
    towns: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    hazards: gpd.GeoDataFrame
    flood: gpd.GeoDataFrame

    @property
    def wet(self) -> BaseGeometry:
        """All standing and flowing water."""
        return shapely.union_all(self.water.geometry)


def lay_water(plan: Mapping[str, Any], boundary: Polygon, rng: Rng) -> gpd.GeoDataFrame:
    """Lay the river along the border, its side channel, lakes and canals; no two overlap.

    Parameters
    ----------
    plan
        Table ``water`` of the plan.
    boundary
        The district [m].
    """
    river = plan["river"]
    border = ground.river_along(boundary, river["start"], river["via"], river["end"])
    shapes: list[tuple[str, str, BaseGeometry]] = [
        (river["name"], "river", border.buffer(river["width_m"], cap_style="flat").simplify(3))
    ]
    channel = plan.get("channel")
    if channel:
        shapes.append((channel["name"], "river", ground.canal(channel["points"], channel["width_m"], rng)))
    shapes += [(x["name"], "lake", ground.blob(x["centre"], x["radius_m"], rng)) for x in plan["lake"]]
    shapes += [(x["name"], "canal", ground.canal(x["points"], x["width_m"], rng)) for x in plan["canal"]]
    rows: list[dict[str, Any]] = []
    taken = ground.EMPTY
    for name, kind, shape in shapes:
        free = ground.as_areas(shape.intersection(boundary).difference(taken))
        taken = taken.union(shape)
        rows.append({"water_id": f"W{len(rows) + 1:03d}", "name": name, "water_kind": kind, "geometry": free})
    return gpd.GeoDataFrame(rows, geometry="geometry")


def lay_villages(
    plan: Mapping[str, Any], boundary: Polygon, wet: BaseGeometry, codes: Sequence[tuple[str, str, str]], rng: Rng
) -> gpd.GeoDataFrame:
    """Lay villages: towns by a power diagram of their area shares, villages spread evenly inside their town.

    Parameters
    ----------
    codes
        (12-digit code, name, 9-digit town code) of every village.

    Returns
    -------
    ``code, name, town, urban``, point geometry [m] inside ``area``; areas sum to the boundary.
    """
    dry = boundary.difference(wet.buffer(150))
    points = ground.scatter(dry.buffer(-120), 330.0, rng)
    towns = plan["town"]
    share = np.array([t["area_share"] for t in towns])
    owner = ground.power_assign(points, np.array([t["seat"] for t in towns], float), share / share.sum())
    anchors = {k: np.array(v, float) for k, v in plan["village"]["anchor"].items()}
    rows: list[dict[str, Any]] = []
    for k, town in enumerate(towns):
        mine = [c for c in codes if c[2] == town["code"]]
        fixed = [c for c in mine if c[0] in anchors]
        held = np.array([anchors[c[0]] for c in fixed]).reshape(-1, 2)
        centres = ground.spread_centres(points[owner == k], len(mine), held, rng)
        rest = [c for c in mine if c[0] not in anchors]
        seat_first = np.argsort(((centres[len(fixed) :] - np.array(town["seat"])) ** 2).sum(axis=1), kind="stable")
        ordered = [*range(len(fixed)), *(len(fixed) + seat_first)]
        for (code, name, town_code), i in zip([*fixed, *rest], ordered, strict=True):
            urban = int(code[9:]) < 200
            rows.append({"code": code, "name": name, "town": town_code, "urban": urban, "xy": centres[i]})
    frame = pd.DataFrame(rows).sort_values("code", ignore_index=True)
    centres = np.vstack(list(frame.pop("xy")))
    frame["area"] = np.array(ground.partition(centres, boundary, rng, 0.16), dtype=object)
    spots = [_dry_spot(c, a.intersection(dry)) for c, a in zip(centres, frame["area"], strict=True)]
    return gpd.GeoDataFrame(frame, geometry=spots)


def _dry_spot(centre: Points, dry: BaseGeometry) -> BaseGeometry:
    here = shapely.Point(centre)
    core: BaseGeometry = dry.buffer(-60)
    core = dry if core.is_empty else core
    spot = here if core.contains(here) else shapely.shortest_line(core, here).interpolate(0)
    spot = spot if dry.contains(spot) else dry.representative_point()
    return shapely.Point(round(spot.x, 2), round(spot.y, 2))


def lay_towns(plan: Mapping[str, Any], villages: gpd.GeoDataFrame, names: Mapping[str, str]) -> gpd.GeoDataFrame:
    """Join villages to towns."""
    rows = [
        {"code": t["code"], "name": names[t["code"]], "seat": tuple(t["seat"]), "people": t["people"],
         "counts_as_town": t.get("counts_as_town", True),
         "geometry": shapely.union_all(list(villages.loc[villages["town"] == t["code"], "area"]))}
        for t in plan["town"]
    ]  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry="geometry")


def dyke_lines(plan: Mapping[str, Any], boundary: Polygon, wet: BaseGeometry) -> list[LineString]:
    """Return the dykes: the river bank moved inland by the plan's offset, broken where water passes [m]."""
    river = plan["water"]["river"]
    border = ground.river_along(boundary, river["start"], river["via"], river["end"])
    shore = border.buffer(river["width_m"] + plan["roads"]["dyke_offset_m"], cap_style="flat").exterior
    bank = shore.intersection(boundary.buffer(-250)).difference(wet.buffer(50))
    parts = shapely.get_parts(shapely.line_merge(bank))
    return [part for part in parts if part.length > 900]


def lay_roads(
    plan: Mapping[str, Any], boundary: Polygon, water: gpd.GeoDataFrame, villages: gpd.GeoDataFrame, rng: Rng
) -> gpd.GeoDataFrame:
    """Grow the roads: trunk, province, county, dyke, then a road to every village, links, and dead-end lanes.

    Villages named ``single_access`` get no second way in.
    """
    spec = plan["roads"]
    spans = shapely.union_all(water.geometry[(water["water_kind"] == "canal") | water["name"].str.contains("夹江")])
    barriers = shapely.union_all(water.geometry).difference(spans.buffer(0.01))
    places = shapely.get_coordinates(villages.geometry)
    dykes = dyke_lines(plan, boundary, shapely.union_all(water.geometry))
    dots = [shapely.get_coordinates([d.interpolate(m) for m in np.arange(0, d.length, 260.0)]) for d in dykes]
    mesh = roads.lay_mesh(boundary, barriers, spans, np.vstack([places, *dots]).round(2), rng)
    for road_class in ("trunk", "primary", "secondary"):
        for line in spec[road_class]:
            roads.connect(mesh, line["points"], road_class)
    for dyke in dots:
        roads.connect(mesh, dyke.tolist(), "unclassified", reuse=0.9)
    nodes = np.arange(len(places))
    seats = shapely.get_coordinates([shapely.Point(t["seat"]) for t in plan["town"]])
    order = np.argsort(((places[:, None] - seats[None]) ** 2).sum(axis=2).min(axis=1), kind="stable")
    for node in order:
        roads.attach(mesh, int(node), "tertiary")
    free = ~villages["code"].isin(plan["village"]["single_access"]).to_numpy()
    roads.close_loops(mesh, nodes[free], "tertiary")
    roads.sprout_lanes(mesh, places, int(spec["lanes_per_village"]), rng)
    return roads.draw(mesh, (spans, barriers), len(places), spec["profile"])


def lay_land(
    plan: Mapping[str, Any],
    boundary: Polygon,
    codes: Sequence[tuple[str, str, str]],
    names: Mapping[str, str],
    rng: Rng,
) -> Land:
    """Lay the whole ground of the demo district.

    Parameters
    ----------
    plan
        The plan file (``data/demo/plan.toml``) as read.
    boundary
        The real boundary, in the plan's metres.
    codes
        (village code, name, town code); ``names`` gives the town names by 9-digit code.
    """
    water = lay_water(plan["water"], boundary, rng)
    wet = shapely.union_all(water.geometry)
    villages = lay_villages(plan, boundary, wet, codes, rng)
    road = lay_roads(plan, boundary, water, villages, rng)
    flood = plan["flood"]
    low = shapely.union_all(water.geometry[water["water_kind"] == "canal"])
    dry = boundary.difference(shapely.union_all(water.geometry[water["water_kind"] == "river"]))
    dry = dry.difference(
        shapely.union_all([ground.blob(h["centre"], h["radius_m"], rng) for h in flood["high_ground"]])
    )
    grid, depth = flood_depth(flood["breach"], flood["reach_m"], flood["deepest_m"], dry, low, rng)
    return Land(
        boundary, villages, lay_towns(plan, villages, names), water, road,
        hazard_zones(plan["hazard"], boundary, water, rng), footprint(grid, depth, flood["bands"], dry),
    )  # fmt: skip
