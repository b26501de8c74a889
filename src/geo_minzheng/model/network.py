"""The road network as arrays, and what its loss would do."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Network:
    """Roads cut at their junctions; edges carry minutes, arcs are the directions in which they may be driven.

    Parameters
    ----------
    node_xy
        Junctions and dead ends [m], shape (node, 2).
    component
        Label of the connected part of each node (direction ignored), shape (node,); 0 is the largest.
    edge_from, edge_to
        Nodes of each edge, along the digitised direction, shape (edge,).
    edge_line, edge_m, edge_minutes
        Geometry, length [m] and driving time [min], shape (edge,).
    edge_oneway
        Whether the edge may be driven along its digitised direction only, shape (edge,).
    edge_road
        Position of the edge's road in ``road_ids``, shape (edge,).
    road_ids
        Distinct road ids in order of first appearance.
    road_structure, structures, structure_is_bridge
        Position of each road's structure in ``structures``: its ``structure_id``, else its own id.
    arc_start, arc_head, arc_edge
        Arcs by tail node in compressed rows: row limits (node + 1,), head node and edge (arc,).
    tree
        Spatial index over ``edge_line``.
    crs
        Coordinate system of the roads, in metres, or ``None``.
    access_m
        Walking reach to further roads than the nearest [m].
    """

    node_xy: NDArray[np.float64]
    component: NDArray[np.int64]
    edge_from: NDArray[np.int64]
    edge_to: NDArray[np.int64]
    edge_line: NDArray[np.object_]
    edge_m: NDArray[np.float64]
    edge_minutes: NDArray[np.float64]
    edge_oneway: NDArray[np.bool_]
    edge_road: NDArray[np.int64]
    road_ids: tuple[Hashable, ...]
    road_structure: NDArray[np.int64]
    structures: tuple[Hashable, ...]
    structure_is_bridge: NDArray[np.bool_]
    arc_start: NDArray[np.int64]
    arc_head: NDArray[np.int64]
    arc_edge: NDArray[np.int64]
    tree: shapely.STRtree
    crs: Any
    access_m: float

    @property
    def components(self) -> int:
        """Count the connected parts of the network."""
        return int(self.component.max()) + 1 if len(self.component) else 0


@dataclass(frozen=True)
class CriticalStructure:
    """A bridge or road whose loss leaves places without any source.

    Parameters
    ----------
    structure
        ``structure_id``, or the road's own id where it has none.
    road_ids
        All roads that fall with it.
    is_bridge
        Whether any of them is a bridge.
    places
        Index labels of the places that would lose all sources, in the order given.
    """

    structure: Hashable
    road_ids: tuple[Hashable, ...]
    is_bridge: bool
    places: tuple[Hashable, ...]
