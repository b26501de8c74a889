"""Lay synthetic ground: water, and villages that fill a district without gap or overlap."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPolygon, Point, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

Points = NDArray[np.float64]
Rng = np.random.Generator
EMPTY: BaseGeometry = Polygon()


def scatter(area: BaseGeometry, spacing: float, rng: Rng, jitter: float = 0.3) -> Points:
    """Scatter points over an area on a jittered triangular grid.

    Parameters
    ----------
    area
        Polygon or multipolygon [m].
    spacing
        Distance of neighbours [m].
    jitter
        Largest displacement as a share of the spacing [1].

    Returns
    -------
    Points inside the area, shape (n, 2) [m].
    """
    x0, y0, x1, y1 = area.bounds
    rows = np.arange(y0, y1 + spacing, spacing * 0.866)
    columns = np.arange(x0, x1 + spacing, spacing)
    x = columns[None, :] + (np.arange(len(rows)) % 2)[:, None] * spacing / 2
    y = np.broadcast_to(rows[:, None], x.shape)
    moved = (rng.random((2, x.size)) * 2 - 1) * jitter * spacing
    xy = np.column_stack([x.ravel() + moved[0], y.ravel() + moved[1]]).round(2)
    shapely.prepare(area)
    return np.asarray(xy[shapely.contains_xy(area, xy)], float)


def power_assign(points: Points, seats: Points, shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Assign points to seats so that every seat gets its share of them (a power diagram).

    Parameters
    ----------
    points, seats
        Shapes (n, 2) and (k, 2) [m].
    shares
        Wanted share of the points by seat, sum 1, shape (k,) [1].
    """
    squared = ((points[:, None, :] - seats[None, :, :]) ** 2).sum(axis=2)
    scale = float(np.ptp(points[:, 0]) * np.ptp(points[:, 1]))
    weight = np.zeros(len(seats))
    for step in np.linspace(0.6, 0.02, 240):
        got = np.bincount((squared - weight).argmin(axis=1), minlength=len(seats)) / len(points)
        weight += step * scale * (shares - got)
    return np.asarray((squared - weight).argmin(axis=1), np.int64)


def spread_centres(points: Points, count: int, fixed: Points, rng: Rng) -> Points:
    """Spread centres evenly over points by Lloyd's iteration; the first ``len(fixed)`` stay where they are.

    Returns
    -------
    Centres, shape (count, 2) [m].
    """
    free = points[rng.permutation(len(points))[: max(0, count - len(fixed))]]
    centres = np.vstack([fixed.reshape(-1, 2), free])[:count].astype(float)
    for _ in range(30):
        owner = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
        for index in range(len(fixed), len(centres)):
            mine = points[owner == index]
            if len(mine):
                centres[index] = mine.mean(axis=0)
    return centres.round(2)


def _roughen(a: Points, b: Points, rng: Rng, roughness: float) -> list[tuple[float, float]]:
    line = [a, b]
    length = float(np.hypot(*(b - a)))
    while length > 260:
        bent = [line[0]]
        for left, right in itertools.pairwise(line):
            along = right - left
            across = np.array([-along[1], along[0]]) * (float(rng.random()) * 2 - 1) * roughness
            bent += [(left + right) / 2 + across, right]
        line, length = bent, length / 2
    return [(float(p[0]), float(p[1])) for p in line]


def _seams(centres: Points, boundary: BaseGeometry, rng: Rng | None, roughness: float) -> list[BaseGeometry]:
    edges = shapely.voronoi_polygons(
        shapely.multipoints(centres), extend_to=boundary.buffer(5000), only_edges=True, ordered=False
    )
    pairs = []
    for part in shapely.get_parts(shapely.node(edges)):
        xy = shapely.get_coordinates(part)
        pairs += [sorted((tuple(p), tuple(q))) for p, q in itertools.pairwise(xy)]
    seams: list[BaseGeometry] = []
    for p, q in sorted({(a, b) for a, b in pairs}):
        if rng is None or not boundary.intersects(LineString([p, q])):
            seams.append(LineString([p, q]))
        else:
            seams.append(LineString(_roughen(np.array(p), np.array(q), rng, roughness)))
    return seams


def partition(
    centres: Points, boundary: BaseGeometry, rng: Rng | None = None, roughness: float = 0.0
) -> list[BaseGeometry]:
    """Divide an area among centres: Voronoi cells clipped to the boundary, with lifelike seams when ``rng`` is given.

    The cells share their vertices, overlap nowhere and sum to the boundary.

    Parameters
    ----------
    centres
        Distinct points, shape (n, 2) [m].
    boundary
        Polygon or multipolygon [m].
    roughness
        Sideways displacement of a seam's midpoints as a share of its length [1].

    Returns
    -------
    One (multi)polygon per centre, in order.
    """
    if len(centres) == 1:
        return [boundary]
    for bend in (roughness, roughness / 2, roughness / 4, 0.0):
        lines: list[BaseGeometry] = [boundary.boundary, *_seams(centres, boundary, rng, bend)]
        faces = shapely.get_parts(shapely.polygonize(list(shapely.get_parts(shapely.union_all(lines)))))
        inside = [f for f in faces if boundary.covers(f.representative_point())]
        owner = _owners(inside, centres)
        if len(set(owner)) == len(centres):
            break
    return [_joined([f for f, o in zip(inside, owner, strict=True) if o == k]) for k in range(len(centres))]


def _owners(faces: Sequence[Polygon], centres: Points) -> list[int]:
    points = shapely.points(centres)
    tree = shapely.STRtree(faces)
    owner = [-1] * len(faces)
    for centre, face in zip(*tree.query(points, predicate="intersects").tolist(), strict=True):
        if owner[face] < 0:
            owner[face] = centre
    for index in [i for i, o in enumerate(owner) if o < 0]:
        near = [j for j in tree.query(faces[index].buffer(0.01)).tolist() if owner[j] >= 0]
        shared = [(faces[index].boundary.intersection(faces[j].boundary).length, -j) for j in near]
        best = max(shared, default=(0.0, 0))
        if best[0] > 0:
            owner[index] = owner[-best[1]]
        else:
            here = shapely.get_coordinates(faces[index].representative_point())[0]
            owner[index] = int(((centres - here) ** 2).sum(axis=1).argmin())
    return owner


def _joined(parts: list[Polygon]) -> BaseGeometry:
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def river_along(boundary: Polygon, start: Sequence[float], via: Sequence[float], end: Sequence[float]) -> LineString:
    """Return the stretch of a boundary from ``start`` to ``end`` that passes ``via`` [m]."""
    ring = LineString(boundary.exterior.coords)
    at = [ring.project(Point(p)) for p in (start, via, end)]
    low, high = min(at[0], at[2]), max(at[0], at[2])
    if low <= at[1] <= high:
        return LineString(substring(ring, low, high).coords)
    rest, first = substring(ring, high, ring.length), substring(ring, 0, low)
    return LineString([*rest.coords, *list(first.coords)[1:]])


def blob(centre: Sequence[float], radius: float, rng: Rng, wobble: float = 0.35, count: int = 72) -> Polygon:
    """Draw a lake-like closed shape around a centre [m]."""
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    reach = np.ones(count)
    for wave in range(2, 7):
        reach += wobble / wave * np.cos(wave * angle + 2 * np.pi * rng.random()) * (0.4 + rng.random())
    xy = np.column_stack([centre[0] + radius * reach * np.cos(angle), centre[1] + radius * reach * np.sin(angle)])
    return Polygon(xy.round(2)).buffer(0)


def chaikin(xy: Points, times: int = 1) -> Points:
    """Round the corners of a line, both ends kept (Chaikin 1974)."""
    for _ in range(times):
        if len(xy) < 3:
            return xy
        quarter, three = xy[:-1] * 0.75 + xy[1:] * 0.25, xy[:-1] * 0.25 + xy[1:] * 0.75
        inner = np.empty((2 * len(quarter), 2))
        inner[0::2], inner[1::2] = quarter, three
        xy = np.vstack([xy[:1], inner[1:-1], xy[-1:]])
    return xy


def canal(points: Sequence[Sequence[float]], width: float, rng: Rng) -> Polygon:
    """Draw a winding canal of one width through points [m]."""
    line: list[tuple[float, float]] = []
    for a, b in itertools.pairwise(points):
        line += _roughen(np.array(a, float), np.array(b, float), rng, 0.09)[:-1]
    smooth = chaikin(np.array([*line, tuple(points[-1])], float), 2)
    return LineString(smooth.round(2)).buffer(width / 2, cap_style="flat", join_style="round", quad_segs=4)


def as_areas(shape: BaseGeometry, least_m2: float = 400.0) -> BaseGeometry:
    """Keep the polygons of a geometry that are worth drawing, as one polygon or multipolygon; tiny holes are filled."""
    parts = [
        Polygon(p.exterior, [r for r in p.interiors if Polygon(r).area > least_m2])
        for p in shapely.get_parts(shape)
        if p.geom_type == "Polygon" and p.area > least_m2
    ]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)
