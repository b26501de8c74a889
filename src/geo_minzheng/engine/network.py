"""The road network: build it, ask it for times, paths, areas, and what the loss of a road or a flood would do."""

from __future__ import annotations

from geo_minzheng.engine.access import snap
from geo_minzheng.engine.flooded import cut_by_flood
from geo_minzheng.engine.isolating import isolated, isolating
from geo_minzheng.engine.path import paths
from geo_minzheng.engine.road_graph import build, walking
from geo_minzheng.engine.service_area import reached_roads, service_area
from geo_minzheng.engine.travel import travel_times
from geo_minzheng.model.network import CriticalStructure, Network

__all__ = [
    "CriticalStructure",
    "Network",
    "build",
    "cut_by_flood",
    "isolated",
    "isolating",
    "paths",
    "reached_roads",
    "service_area",
    "snap",
    "travel_times",
    "walking",
]
