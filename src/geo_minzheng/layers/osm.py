"""Read a district's real geography from an OpenStreetMap extract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_minzheng.geo import STORE_CRS
from geo_minzheng.layers import geometry
from geo_minzheng.layers.detect import OSM_FORMATS, OSM_LIMITS, Limits, detect
from geo_minzheng.layers.launch import Job, work
from geo_minzheng.layers.transfer import RawSheet, load_sheets

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "roads": (
        "osm_id", "name", "highway", "road_class", "kmh", "oneway", "is_bridge", "is_tunnel", "layer", "limit_t",
        "access", "structure_id",
    ),
    "bridges": ("osm_id", "name", "carries", "layer"),
    "boundaries": ("osm_id", "name", "admin_level", "ref"),
    "places": ("osm_id", "name", "kind", "population"),
    "buildings": ("osm_id", "name", "kind", "levels"),
    "facilities": ("osm_id", "name", "group", "kind", "beds"),
    "water": ("osm_id", "name", "water_kind"),
    "waterways": ("osm_id", "name", "kind"),
}  # fmt: skip
_TYPES = {
    "kmh": "float", "limit_t": "float", "area_m2": "float", "layer": "int", "admin_level": "int",
    "oneway": "bool", "is_bridge": "bool", "is_tunnel": "bool",
}  # fmt: skip


@dataclass(frozen=True)
class OsmExtract:
    """What an extract holds, every frame in CGCS2000 with ``osm_id`` (``n``, ``w`` or ``r`` and number) and ``name``.

    Parameters
    ----------
    roads
        One row per ``highway`` way: ``highway, road_class`` (catalogue class, ``None`` when not usable), ``kmh``
        [km/h, NaN where unsaid], ``oneway`` (drawn in the allowed direction), ``is_bridge, is_tunnel, layer, limit_t``
        [t], ``access, structure_id``.
    segments
        The usable roads cut wherever they meet another, end points identical: ``road_id`` (``w<way>-<k>``) and the
        columns of roads.
    bridges
        Every way on a bridge, railways too: ``carries, layer``.
    boundaries
        Administrative areas that are whole in the extract: ``admin_level, ref``.
    places
        Named places as points: ``kind`` (city ... locality), ``population`` as text.
    buildings
        Points inside the buildings: ``kind, levels, area_m2`` [m2].
    care_homes, schools, hospitals
        Points: ``kind, beds``.
    water, waterways
        Areas with ``water_kind``; lines with ``kind``.
    counts
        What was found, by name.
    """

    roads: gpd.GeoDataFrame
    segments: gpd.GeoDataFrame
    bridges: gpd.GeoDataFrame
    boundaries: gpd.GeoDataFrame
    places: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    care_homes: gpd.GeoDataFrame
    schools: gpd.GeoDataFrame
    hospitals: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    waterways: gpd.GeoDataFrame
    counts: Mapping[str, int]


def _typed(name: str, cells: list[str | None]) -> pd.Series[Any]:
    kind = _TYPES.get(name, "")
    if kind == "float":
        return pd.Series([np.nan if c is None else float(c) for c in cells], dtype=float)
    if kind == "int":
        return pd.Series([int(c or 0) for c in cells], dtype="int64")
    if kind == "bool":
        return pd.Series([c == "True" for c in cells], dtype=bool)
    return pd.Series(cells, dtype=object)


def _frame(sheets: Mapping[str, RawSheet], name: str) -> gpd.GeoDataFrame:
    sheet = sheets[name]
    wanted = ("road_id", *_COLUMNS["roads"]) if name == "segments" else _COLUMNS[name]
    cells = dict(zip(sheet.headings, sheet.columns, strict=True))
    data = {column: _typed(column, cells.get(column, [])) for column in wanted}
    shapes = shapely.from_wkb(np.array(sheet.wkb or (), dtype=object))
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(shapes, crs=STORE_CRS), crs=STORE_CRS)


def _as_points(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = frame.geometry.to_numpy()
    return frame.set_geometry(gpd.GeoSeries(shapely.point_on_surface(shapes), index=frame.index, crs=STORE_CRS))


def _facilities(frame: gpd.GeoDataFrame, group: str) -> gpd.GeoDataFrame:
    """Take one group; a point inside an area of the same group is the same house drawn twice."""
    part = frame[frame["group"] == group].drop(columns="group").reset_index(drop=True)
    is_point = (part.geom_type == "Point").to_numpy()
    shapes = part.geometry.to_numpy()
    tree = shapely.STRtree(shapes[~is_point])
    inside = np.unique(tree.query(shapes, predicate="within")[0])
    twice = [i for i in inside if is_point[i]]
    return _as_points(part.drop(index=twice).reset_index(drop=True))


def _places(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Keep the node of a place that is drawn as node and as area."""
    order = frame.assign(is_area=frame.geom_type != "Point").sort_values("is_area", kind="stable")
    kept = order.drop_duplicates(["name", "kind"], keep="first") if order["is_area"].any() else order
    nodes = order[~order["is_area"]]
    both = pd.concat([nodes, kept[kept["is_area"]]]).drop(columns="is_area").reset_index(drop=True)
    return _as_points(gpd.GeoDataFrame(both, geometry="geometry", crs=STORE_CRS))


def _buildings(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    shapes = frame.geometry.to_numpy()
    if not len(shapes):
        return frame.assign(area_m2=pd.Series([], dtype=float))
    area = geometry.areas_m2(shapes, geometry.local_metres(shapes))
    return _as_points(frame.assign(area_m2=area.round(1)))


def _counts(found: Mapping[str, Any], frames: Mapping[str, gpd.GeoDataFrame]) -> dict[str, int]:
    counts = {
        "roads": len(frames["roads"]),
        "segments": len(frames["segments"]),
        "bridges": len(frames["bridges"]),
        "villages": int((frames["places"]["kind"] == "village").sum()),
        "buildings": int(found.get("building_ways", 0)),
        "building_relations": int(found.get("building_relations", 0)),
        "municipalities": int((frames["boundaries"]["admin_level"] == 8).sum()),
        "incomplete_roads": int(found.get("incomplete_roads", 0)),
        "broken_areas": int(found.get("broken_areas", 0)),
    }
    counts["schools"] = int((frames["schools"]["kind"] == "school").sum())
    counts["hospitals"] = int((frames["hospitals"]["kind"] == "hospital").sum())
    return counts | {name: len(frames[name]) for name in ("care_homes", "places", "boundaries", "water", "waterways")}


def read_osm(path: Path, limits: Limits = OSM_LIMITS) -> OsmExtract:
    """Read an ``.osm.pbf``, ``.osm`` or ``.osm.gz`` extract in the limited worker.

    Buildings are counted as ways that carry the tag; ``buildings`` also holds those drawn as relations.

    Raises
    ------
    InputError
        The file is refused: broken, no road at all, or too many roads without their points.
    """
    kind = detect(path, OSM_FORMATS, limits)
    with work(Job("osm", path, limits, suffix=f".{kind}")) as (folder, answer):
        sheets = {sheet.name: sheet for sheet in load_sheets(folder)}
    frames = {
        name: _frame(sheets, name) for name in ("roads", "segments", "bridges", "boundaries", "water", "waterways")
    }
    frames["places"] = _places(_frame(sheets, "places"))
    frames["buildings"] = _buildings(_frame(sheets, "buildings"))
    facilities = _frame(sheets, "facilities")
    for group in ("care_home", "school", "hospital"):
        frames[f"{group}s"] = _facilities(facilities, group)
    return OsmExtract(**frames, counts=_counts(answer["counts"], frames))
