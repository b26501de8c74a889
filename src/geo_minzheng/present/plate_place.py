"""Where things stand on a plate: the piece of the world it shows, and a place for the legend that hides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import cos, radians
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo_minzheng.present.mapdata import all_frames, map_bounds

if TYPE_CHECKING:
    from geo_minzheng.model.map import MapContent

_MARGIN = 1.06
# The legend stands this far from the edge, under the north arrow and above the scale bar [share of the map].
_EDGE, _UNDER_NORTH, _ABOVE_SCALE = 0.012, 0.13, 0.085
# Where the scale bar stands, with its words: left, low, width, height.
_SCALE_BAR = (0.02, 0.015, 0.27, 0.045)
# The map shrinks in these steps until a corner is free.
_STEPS = np.arange(1.0, 2.01, 0.04)
_CORNERS = (("left", "top"), ("right", "bottom"), ("left", "bottom"), ("right", "top"))


@dataclass(frozen=True)
class Extent:
    """A piece of the world [deg]; ``aspect`` is the length of a degree east against one north."""

    west: float
    south: float
    east: float
    north: float
    aspect: float

    def covers(self, bounds: tuple[float, float, float, float]) -> bool:
        """Tell whether a box on the ground (west, south, east, north) is wholly shown."""
        west, south, east, north = bounds
        return self.west <= west and self.south <= south and east <= self.east and north <= self.north

    def box(self, x: float, y: float, width: float, height: float) -> Any:
        """Turn a box in shares of the map into one on the ground."""
        wide, tall = self.east - self.west, self.north - self.south
        return shapely.box(
            self.west + x * wide,
            self.south + y * tall,
            self.west + (x + width) * wide,
            self.south + (y + height) * tall,
        )


def extent_of(content: MapContent, ratio: float) -> Extent:
    """Widen what the map shows to the sheet's shape (height / width)."""
    west, south, east, north = map_bounds(content)
    aspect = cos(radians((south + north) / 2))
    width, height = max((east - west) * aspect, 1e-4) * _MARGIN, max(north - south, 1e-4) * _MARGIN
    width, height = max(width, height / ratio), max(height, width * ratio)
    x, y = (west + east) / 2, (south + north) / 2
    return Extent(x - width / aspect / 2, y - height / 2, x + width / aspect / 2, y + height / 2, aspect)


def place_legend(content: MapContent, extent: Extent, size: tuple[float, float]) -> tuple[Extent, tuple[float, float]]:
    """Find a corner for the legend, shrinking the map as little as it takes to have nothing under legend and scale bar.

    Parameters
    ----------
    extent
        The map without regard to the legend.
    size
        Width and height of the legend [share of the map].

    Returns
    -------
    The extent to draw, and the legend's lower left corner [share of the map].
    """
    drawn = shapely.STRtree(_drawn(content))
    bounds = map_bounds(content)
    best: tuple[int, Extent, tuple[float, float]] | None = None
    tried = [(extent, corner) for corner in _CORNERS]
    tried += [(_pushed(extent, bounds, float(k), corner), corner) for k, corner in product(_STEPS, _CORNERS)]
    for shown, corner in tried:
        if not shown.covers(bounds):
            continue
        spot = _spot(corner, size)
        boxes = [shown.box(*spot, *size), shown.box(*_SCALE_BAR)]
        hidden = sum(len(drawn.query(box, predicate="intersects")) for box in boxes)
        if best is None or hidden < best[0]:
            best = hidden, shown, spot
        if not hidden:
            break
    assert best is not None
    return best[1], best[2]


def _drawn(content: MapContent) -> Any:
    hidden = {id(layer.frame) for layer in content.layers if not layer.visible}
    parts = [frame.geometry.to_numpy() for frame in all_frames(content) if id(frame) not in hidden and len(frame)]
    parts.append(np.array([flow.path for flow in content.flows], dtype=object))
    return np.concatenate(parts)


def _spot(corner: tuple[str, str], size: tuple[float, float]) -> tuple[float, float]:
    side, end = corner
    x = _EDGE if side == "left" else 1 - size[0] - _EDGE
    if end == "top":
        return x, 1 - size[1] - (_UNDER_NORTH if side == "right" else _EDGE)
    return x, _ABOVE_SCALE if side == "left" else _EDGE


def _pushed(
    extent: Extent, bounds: tuple[float, float, float, float], factor: float, corner: tuple[str, str]
) -> Extent:
    """Show more of the world, with what is drawn pushed away from a corner."""
    west, south, east, north = bounds
    wide, tall = (extent.east - extent.west) * factor, (extent.north - extent.south) * factor
    gap_x, gap_y = (east - west) * (_MARGIN - 1) / 2, (north - south) * (_MARGIN - 1) / 2
    left = east + gap_x - wide if corner[0] == "left" else west - gap_x
    low = south - _ABOVE_SCALE * tall if corner[1] == "top" else north + gap_y - tall
    return Extent(left, low, left + wide, low + tall, extent.aspect)
