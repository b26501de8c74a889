"""Which polygon holds which point: exact, border included, the first polygon of the order winning a tie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_minzheng.errors import InputError
from geo_minzheng.model.impact import Raster

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OUTSIDE = -1
_EDGE = -2
_CHUNK = 4_000_000
_MAX_CELLS = 4_000_000
_HALF_PIECE = 0.25 + 1e-6


@dataclass(frozen=True, eq=False)
class Locator:
    """Polygons in order of precedence with a grid that answers most points at once.

    A cell of ``grid`` that no border crosses carries the answer for every point in it; a cell that one crosses
    carries a mark and its points are tested one by one.
    """

    polygons: NDArray[Any]
    x0: float
    y0: float
    cell: float
    grid: NDArray[np.int32]


def build_locator(polygons: NDArray[Any]) -> Locator:
    """Prepare polygons for many points.

    Parameters
    ----------
    polygons
        Polygons or multipolygons [m], shape (n,), in order of precedence; empty ones hold nothing.

    Raises
    ------
    InputError
        ``exposure.not_polygon`` when one is no valid polygon.
    """
    polygons = np.array(polygons, dtype=object)
    bad = ~(np.isin(shapely.get_type_id(polygons), (3, 6)) & shapely.is_valid(polygons)) & ~shapely.is_empty(polygons)
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise InputError("exposure.not_polygon", place=at, reason=str(shapely.is_valid_reason(polygons[at])))
    if shapely.is_empty(polygons).all():
        return Locator(polygons, 0.0, 0.0, 1.0, np.zeros((0, 0), np.int32))
    x0, y0, x1, y1 = shapely.total_bounds(polygons)
    wanted = min(max(8 * int(shapely.get_num_coordinates(polygons).sum()), 4096), _MAX_CELLS)
    width, height = max(x1 - x0, 1e-3), max(y1 - y0, 1e-3)
    cell = max(np.sqrt(width * height / wanted), max(width, height) / wanted)
    shape = (int(height / cell) + 3, int(width / cell) + 3)
    blank = Locator(polygons, x0 - cell, y0 - cell, cell, np.full(shape, OUTSIDE, np.int32))
    return _fill(blank)


def _fill(blank: Locator) -> Locator:
    rows, columns = blank.grid.shape
    edge = _edge_cells(blank)
    free = np.flatnonzero(~edge.ravel())
    x = blank.x0 + (free % columns + 0.5) * blank.cell
    y = blank.y0 + (free // columns + 0.5) * blank.cell
    grid = np.full(rows * columns, _EDGE, np.int32)
    grid[free] = _test(blank, x, y, free)
    return Locator(blank.polygons, blank.x0, blank.y0, blank.cell, grid.reshape(rows, columns))


def _edge_cells(blank: Locator) -> NDArray[np.bool_]:
    rings = shapely.get_rings(shapely.get_parts(blank.polygons))
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = ring[1:] == ring[:-1]
    start, step = xy[:-1][inner], (xy[1:] - xy[:-1])[inner]
    pieces = np.ceil(np.abs(step).max(axis=1, initial=0.0) / blank.cell * 2).astype(np.int64) + 1
    edge = np.zeros(blank.grid.shape, np.bool_)
    bounds = np.append(0, np.cumsum(pieces))
    first = 0
    while first < len(pieces):
        last = max(int(np.searchsorted(bounds, bounds[first] + _CHUNK, side="right")) - 1, first + 1)
        _mark_edges(edge, blank, start[first:last], step[first:last], pieces[first:last])
        first = last
    return edge


def _mark_edges(edge: NDArray[np.bool_], blank: Locator, start: Floats, step: Floats, pieces: Ints) -> None:
    owner = np.repeat(np.arange(len(pieces)), pieces)
    share = (np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + 0.5) / pieces[owner]
    middle = start[owner] + share[:, None] * step[owner]
    column = (middle[:, 0] - blank.x0) / blank.cell
    row = (middle[:, 1] - blank.y0) / blank.cell
    for down in (-_HALF_PIECE, _HALF_PIECE):
        for right in (-_HALF_PIECE, _HALF_PIECE):
            edge[(row + down).astype(np.int64), (column + right).astype(np.int64)] = True


def locate(locator: Locator, x: Floats, y: Floats) -> NDArray[np.int32]:
    """Find for each point the first polygon of the order that holds it, its border included.

    Each point is judged by its own coordinates alone, so the order of the points does not matter.

    Parameters
    ----------
    x, y
        Finite coordinates [m], shape (n,).

    Returns
    -------
    Index of the polygon, ``-1`` outside all, shape (n,).
    """
    found = np.full(len(x), OUTSIDE, np.int32)
    rows, columns = locator.grid.shape
    if not rows:
        return found
    for start in range(0, len(x), _CHUNK):
        part = slice(start, start + _CHUNK)
        column = np.floor((x[part] - locator.x0) / locator.cell)
        row = np.floor((y[part] - locator.y0) / locator.cell)
        inside = np.flatnonzero((column >= 0) & (column < columns) & (row >= 0) & (row < rows))
        cells = row[inside].astype(np.int64) * columns + column[inside].astype(np.int64)
        answer = locator.grid.ravel()[cells]
        asked = np.flatnonzero(answer == _EDGE)
        at = inside[asked]
        answer[asked] = _test(locator, x[part][at], y[part][at], cells[asked])
        found[start + inside] = answer
    return found


def _test(locator: Locator, x: Floats, y: Floats, cells: Ints) -> NDArray[np.int32]:
    found = np.full(len(x), OUTSIDE, np.int32)
    order = np.argsort(cells, kind="stable")
    polygon, low, high = _spans(locator, cells[order])
    ends = np.append(0, np.cumsum(high - low))
    first = 0
    while first < len(polygon):
        last = max(int(np.searchsorted(ends, ends[first] + _CHUNK, side="right")) - 1, first + 1)
        length = (high - low)[first:last]
        offset = low[first:last] - ends[first:last] + ends[first]
        rows = order[np.repeat(offset, length) + np.arange(ends[last] - ends[first])]
        px, py = x[rows], y[rows]
        begins = np.append(first, np.flatnonzero(np.diff(polygon[first:last])) + 1 + first)
        stops = np.append(begins[1:], last)
        shapely.prepare(locator.polygons[polygon[begins]])
        for name, begin, stop in zip(
            polygon[begins], ends[begins] - ends[first], ends[stops] - ends[first], strict=True
        ):
            held = shapely.intersects_xy(locator.polygons[name], px[begin:stop], py[begin:stop])
            found[rows[begin:stop][held]] = name
        first = last
    return found


def _spans(locator: Locator, cells: Ints) -> tuple[Ints, Ints, Ints]:
    """Stretches of points, sorted by cell, that lie in a polygon's box: one per grid row, last polygon first."""
    columns = locator.grid.shape[1]
    boxes = shapely.bounds(locator.polygons)
    some = np.flatnonzero(np.isfinite(boxes[:, 0]))[::-1]
    left, low, right, high = ((boxes[some] - [locator.x0, locator.y0] * 2) / locator.cell).T
    lowest, leftmost = np.floor(low - 1e-6).astype(np.int64), np.floor(left - 1e-6).astype(np.int64)
    highest, rightmost = np.floor(high + 1e-6).astype(np.int64), np.floor(right + 1e-6).astype(np.int64)
    rows = highest - lowest + 1
    owner = np.repeat(np.arange(len(some)), rows)
    row = np.arange(len(owner)) - np.repeat(np.cumsum(rows) - rows, rows) + lowest[owner]
    begin = np.searchsorted(cells, row * columns + leftmost[owner])
    end = np.searchsorted(cells, row * columns + rightmost[owner], side="right")
    used = end > begin
    return some[owner[used]], begin[used], end[used]


def raster_at(raster: Raster, x: Floats, y: Floats) -> Floats:
    """Read a raster at points: the pixel that holds each, its left and upper border included.

    Parameters
    ----------
    x, y
        Finite coordinates [m], shape (n,).

    Returns
    -------
    Values in the raster's unit; NaN outside and where nothing is known, shape (n,).
    """
    a, b, c, d, e, f = raster.affine
    determinant = a * e - b * d
    dx, dy = x - c, y - f
    column = np.floor((e * dx - b * dy) / determinant)
    row = np.floor((a * dy - d * dx) / determinant)
    rows, columns = raster.array.shape
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    values = np.full(len(x), np.nan)
    values[inside] = raster.array[row[inside].astype(np.int64), column[inside].astype(np.int64)]
    if raster.nodata is not None:
        values[values == raster.nodata] = np.nan
    return values


def subdivide(polygons: NDArray[Any], max_vertices: int = 512) -> tuple[NDArray[Any], Ints]:
    """Cut polygons into pieces of few vertices for overlays; the pieces tile the polygons.

    Parameters
    ----------
    polygons
        Valid polygons or multipolygons [m], shape (n,).
    max_vertices
        Vertices a piece may have at most.

    Returns
    -------
    Pieces, shape (m,), and the index of the polygon each comes from, shape (m,).
    """
    parts, owner = shapely.get_parts(np.asarray(polygons, dtype=object), return_index=True)
    done: list[NDArray[Any]] = []
    owners: list[Ints] = []
    while len(parts):
        big = shapely.get_num_coordinates(parts) > max_vertices
        done.append(parts[~big])
        owners.append(owner[~big])
        x0, y0, x1, y1 = shapely.bounds(parts[big]).T
        wide = (x1 - x0) >= (y1 - y0)
        xm, ym = np.where(wide, (x0 + x1) / 2, x1), np.where(wide, y1, (y0 + y1) / 2)
        xn, yn = np.where(wide, (x0 + x1) / 2, x0), np.where(wide, y0, (y0 + y1) / 2)
        halves = np.concatenate([
            shapely.intersection(parts[big], shapely.box(x0, y0, xm, ym)),
            shapely.intersection(parts[big], shapely.box(xn, yn, x1, y1)),
        ])  # fmt: skip
        parts, half = shapely.get_parts(halves, return_index=True)
        owner = np.concatenate([owner[big], owner[big]])[half]
        flat = shapely.get_type_id(parts) == 3
        parts, owner = parts[flat], owner[flat]
    return np.concatenate(done) if done else parts, np.concatenate(owners) if owners else owner
