"""Take from an OpenStreetMap extract what a district needs; runs inside the limited worker."""

from __future__ import annotations

import gzip
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import osmium
import shapely

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import MB, Limits
from geo_minzheng.layers.doctype import refuse_doctype
from geo_minzheng.layers.transfer import RawSheet, save_sheets

Tags = Mapping[str, str]
ROAD_CLASS = {
    **{
        k: k
        for k in (
            "motorway",
            "trunk",
            "primary",
            "secondary",
            "tertiary",
            "residential",
            "unclassified",
            "service",
            "track",
        )
    },
    **{f"{k}_link": k for k in ("motorway", "trunk", "primary", "secondary", "tertiary")},
    "living_street": "residential",
    "road": "unclassified",
    "busway": "service",
    **dict.fromkeys(
        (
            "footway",
            "path",
            "pedestrian",
            "steps",
            "cycleway",
            "bridleway",
            "trail",
            "corridor",
            "crossing",
            "platform",
            "elevator",
        ),
        "footway",
    ),
}
_CARE = ("nursing_home", "assisted_living", "group_home", "retirement_home")
_WATER = {
    ("natural", "water"): "lake",
    ("waterway", "riverbank"): "river",
    ("waterway", "dock"): "canal",
    ("landuse", "reservoir"): "reservoir",
    ("landuse", "basin"): "pond",
}
_WATER_KIND = {
    "river": "river",
    "canal": "canal",
    "reservoir": "reservoir",
    "pond": "pond",
    "basin": "pond",
    "oxbow": "lake",
}
_WATERWAYS = ("river", "stream", "canal", "drain", "ditch")
_SPEED = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph)?\s*$")
_WEIGHT = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(t|st)?\s*$")
_PLACES = (
    "city",
    "town",
    "village",
    "hamlet",
    "suburb",
    "quarter",
    "neighbourhood",
    "isolated_dwelling",
    "borough",
    "locality",
)


def facility_group(tags: Tags) -> tuple[str, str]:
    """Name the group (``care_home``, ``school``, ``hospital`` or empty) and kind of a feature."""
    amenity, social, care = tags.get("amenity", ""), tags.get("social_facility", ""), tags.get("healthcare", "")
    if amenity in ("nursing_home", "retirement_home") or social in _CARE or care == "nursing_home":
        return "care_home", social if social in _CARE else amenity or care
    if amenity in ("school", "kindergarten", "college"):
        return "school", amenity
    if amenity in ("hospital", "clinic") or care in ("hospital", "clinic"):
        return "hospital", amenity if amenity in ("hospital", "clinic") else care
    return "", ""


def speed_kmh(text: str | None) -> float | None:
    """Read a ``maxspeed`` value as km/h; words such as ``none`` or ``walk`` are no number."""
    match = _SPEED.match(text or "")
    if not match:
        return None
    value = float(match.group(1)) * (1.609344 if match.group(2) == "mph" else 1.0)
    return round(value, 1) if 0 < value <= 200 else None


def way_direction(tags: Tags) -> tuple[bool, bool]:
    """Tell whether a road is one-way and whether against its drawing."""
    word = tags.get("oneway", "")
    if word in ("-1", "reverse"):
        return True, True
    if word in ("no", "false", "0"):
        return False, False
    round_about = tags.get("junction") in ("roundabout", "circular") or tags.get("highway") == "motorway"
    return word in ("yes", "true", "1") or round_about, False


def _whole(text: str | None, fallback: int) -> int:
    return int(text) if text is not None and re.fullmatch(r"-?\d{1,2}", text.strip()) else fallback


@dataclass
class _Road:
    way: int
    tags: dict[str, str]
    nodes: list[int]
    points: list[tuple[float, float]]


@dataclass
class _Gathered:
    """What one pass over the extract found."""

    roads: list[_Road] = field(default_factory=list)
    bridges: dict[int, str] = field(default_factory=dict)
    rows: dict[str, list[tuple[dict[str, Any], bytes]]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, sheet: str, properties: dict[str, Any], shape: Any) -> None:
        self.rows.setdefault(sheet, []).append((properties, bytes(shapely.to_wkb(shape))))


def _way_points(way: Any) -> tuple[list[int], list[tuple[float, float]], int]:
    """Return the longest unbroken run of points of a way and how many points the extract lacks."""
    runs: list[tuple[list[int], list[tuple[float, float]]]] = [([], [])]
    missing = 0
    for node in way.nodes:
        nodes, points = runs[-1]
        if not node.location.valid():
            missing += 1
            runs.append(([], []))
        elif not nodes or nodes[-1] != node.ref:
            nodes.append(node.ref)
            points.append((node.location.lon, node.location.lat))
    nodes, points = max(runs, key=lambda run: len(run[0]))
    return nodes, points, missing


def _take_way(way: Any, tags: dict[str, str], got: _Gathered) -> None:
    is_road, is_bridge = "highway" in tags, tags.get("bridge", "no") != "no"
    got.counts["building_ways"] += "building" in tags
    if not (is_road or is_bridge or tags.get("waterway") in _WATERWAYS):
        return
    got.counts["highway_ways"] += is_road
    nodes, points, missing = _way_points(way)
    got.counts["incomplete_roads"] += is_road and bool(missing)
    if len(points) < 2:
        return
    if is_road:
        if way_direction(tags)[1]:
            nodes, points = nodes[::-1], points[::-1]
        got.roads.append(_Road(way.id, tags, nodes, points))
    if is_bridge:
        carries = next((f"{k}={tags[k]}" for k in ("highway", "railway", "waterway", "man_made") if k in tags), "")
        facts = {
            "osm_id": f"w{way.id}",
            "name": tags.get("name"),
            "carries": carries,
            "layer": _whole(tags.get("layer"), 1),
        }
        got.add("bridges", facts, shapely.LineString(points))
    if tags.get("waterway") in _WATERWAYS:
        facts = {"osm_id": f"w{way.id}", "name": tags.get("name"), "kind": tags["waterway"]}
        got.add("waterways", facts, shapely.LineString(points))


def _take_node(node: Any, tags: dict[str, str], got: _Gathered) -> None:
    if not node.location.valid():
        return
    point = shapely.Point(node.location.lon, node.location.lat)
    _take_named(f"n{node.id}", tags, point, got)


def _take_named(osm_id: str, tags: dict[str, str], shape: Any, got: _Gathered) -> None:
    if tags.get("place") in _PLACES and tags.get("name"):
        facts = {"osm_id": osm_id, "name": tags["name"], "kind": tags["place"], "population": tags.get("population")}
        got.add("places", facts, shape)
    group, kind = facility_group(tags)
    if group:
        facts = {
            "osm_id": osm_id,
            "name": tags.get("name"),
            "group": group,
            "kind": kind,
            "beds": tags.get("beds") or tags.get("capacity:beds"),
        }
        got.add("facilities", facts, shape)


def _take_area(area: Any, tags: dict[str, str], shape: Any, got: _Gathered) -> None:
    osm_id = f"{'w' if area.from_way() else 'r'}{area.orig_id()}"
    if "building" in tags and tags["building"] != "no":
        got.counts["building_relations"] += not area.from_way()
        facts = {
            "osm_id": osm_id,
            "name": tags.get("name"),
            "kind": tags["building"],
            "levels": tags.get("building:levels"),
        }
        got.add("buildings", facts, shape)
    if tags.get("boundary") == "administrative" and tags.get("name") and tags.get("admin_level", "").isdigit():
        code = tags.get("ref") or tags.get("bfs:OBJECTVAL") or tags.get("ISO3166-2")
        level = int(tags["admin_level"])
        got.add("boundaries", {"osm_id": osm_id, "name": tags["name"], "admin_level": level, "ref": code}, shape)
    for (key, value), kind in _WATER.items():
        if tags.get(key) == value:
            word = tags.get("water", tags.get("reservoir_type", ""))
            facts = {"osm_id": osm_id, "name": tags.get("name"), "water_kind": _WATER_KIND.get(word, kind)}
            got.add("water", facts, shape)
            break
    _take_named(osm_id, tags, shape, got)


def gather(path: Path) -> _Gathered:
    """Read the extract once and keep what a district needs."""
    got = _Gathered()
    factory = osmium.geom.WKBFactory()
    processor = osmium.FileProcessor(str(path)).with_areas().with_filter(osmium.filter.EmptyTagFilter())
    for found in processor:
        thing: Any = found
        tags = {t.k: t.v for t in thing.tags}
        if thing.is_node():
            _take_node(thing, tags, got)
        elif thing.is_way():
            _take_way(thing, tags, got)
        elif thing.is_relation():
            if tags.get("type") == "bridge":
                got.bridges |= {m.ref: f"r{thing.id}" for m in thing.members if m.type == "w"}
        elif thing.is_area():
            try:
                shape = shapely.from_wkb(bytes.fromhex(factory.create_multipolygon(thing)))
            except RuntimeError:  # an area whose rings do not close
                got.counts["broken_areas"] += 1
                continue
            _take_area(thing, tags, shape, got)
    return got


def _road_facts(road: _Road, got: _Gathered) -> dict[str, Any]:
    tags = road.tags
    weight = _WEIGHT.match(tags.get("maxweight", ""))
    is_bridge = tags.get("bridge", "no") != "no"
    return {
        "osm_id": f"w{road.way}",
        "name": tags.get("name") or tags.get("ref"),
        "highway": tags["highway"],
        "road_class": ROAD_CLASS.get(tags["highway"]),
        "kmh": speed_kmh(tags.get("maxspeed")),
        "oneway": way_direction(tags)[0],
        "is_bridge": is_bridge,
        "is_tunnel": tags.get("tunnel", "no") != "no",
        "layer": _whole(tags.get("layer"), 1 if is_bridge else 0),
        "limit_t": float(weight.group(1)) if weight else None,
        "access": tags.get("access"),
        "structure_id": got.bridges.get(road.way) or (f"w{road.way}" if is_bridge else None),
    }


def _cut(road: _Road, shared: Counter[int]) -> Iterator[list[tuple[float, float]]]:
    """Cut a road where it meets another one, so that networks join at end points."""
    start = 0
    for i in range(1, len(road.nodes)):
        if i == len(road.nodes) - 1 or shared[road.nodes[i]] > 1:
            yield road.points[start : i + 1]
            start = i


def _road_sheets(got: _Gathered) -> None:
    shared: Counter[int] = Counter()
    usable = [r for r in got.roads if r.tags["highway"] in ROAD_CLASS and r.tags.get("area") != "yes"]
    for road in usable:
        shared.update(road.nodes)
    for road in got.roads:
        got.add("roads", _road_facts(road, got), shapely.LineString(road.points))
    for road in usable:
        facts = _road_facts(road, got)
        for k, points in enumerate(_cut(road, shared), 1):
            got.add("segments", {"road_id": f"{facts['osm_id']}-{k}", **facts}, shapely.LineString(points))


def _sheet(name: str, rows: list[tuple[dict[str, Any], bytes]]) -> RawSheet:
    headings = tuple(rows[0][0]) if rows else ()
    columns = tuple([None if p[h] is None else str(p[h]) for p, _ in rows] for h in headings)
    return RawSheet(name, headings, columns, tuple(range(1, len(rows) + 1)), tuple(w for _, w in rows), "EPSG:4326")


SHEETS = ("roads", "segments", "bridges", "boundaries", "places", "buildings", "facilities", "water", "waterways")


def _bounded(path: Path, limits: Limits) -> Iterator[bytes]:
    left = limits.unpacked_bytes
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as source:
        while chunk := source.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise InputError("layers.zip_too_big", size_mb="", limit_mb=limits.unpacked_bytes // MB)
            yield chunk


def extract(path: Path, folder: Path, limits: Limits) -> dict[str, Any]:
    """Extract the sheets of a district into a folder.

    Returns
    -------
    dict
        Counts by name.

    Raises
    ------
    InputError
        ``layers.osm_empty`` (no road at all), ``layers.osm_incomplete`` (too many roads lack their points), broken.
    """
    if path.suffix in (".osm", ".gz"):
        refuse_doctype(_bounded(path, limits))
    got = gather(path)
    ways, lost = got.counts["highway_ways"], got.counts["incomplete_roads"]
    if not ways:
        raise InputError("layers.osm_empty")
    if lost > 0.2 * ways or not got.roads:
        raise InputError("layers.osm_incomplete", lost=lost, count=ways)
    _road_sheets(got)
    save_sheets(folder, [_sheet(name, got.rows.get(name, [])) for name in SHEETS])
    return {"counts": dict(got.counts)}
