"""Houses in villages and in water: the kernel against geopandas' spatial join in the same run."""

from __future__ import annotations

import sys
import time
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import shapely

from geo_minzheng.engine import exposure
from geo_minzheng.model.impact import Raster

CRS = "EPSG:4547"
SPAN = 400_000.0


def _villages(n: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(rng.uniform(0, SPAN, (n, 2)))))
    cells = shapely.segmentize(shapely.intersection(cells, shapely.box(0, 0, SPAN, SPAN)), 400.0)
    return gpd.GeoDataFrame({"code": [f"{i:06}" for i in range(len(cells))]}, geometry=cells, crs=CRS)


def _flood(vertices: int, rng: np.random.Generator) -> gpd.GeoDataFrame:
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    wave = sum(rng.uniform(0.2, 1) / k * np.sin(k * 7 * angle + rng.uniform(0, 6)) for k in range(1, 9))
    radius = SPAN * (0.3 + 0.06 * wave)
    xy = np.column_stack([SPAN / 2 + radius * np.cos(angle), SPAN / 2 + radius * np.sin(angle)])
    return gpd.GeoDataFrame(geometry=[shapely.Polygon(xy)], crs=CRS)


def _hilbert(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.argsort(gpd.GeoSeries.from_xy(x, y).hilbert_distance(level=12).to_numpy(), kind="stable")


def _houses(n: int, rng: np.random.Generator) -> pa.Table:
    x, y = rng.uniform(0, SPAN, n), rng.uniform(0, SPAN, n)
    order = _hilbert(x, y)
    return pa.table({"x": x[order], "y": y[order], "people": rng.integers(0, 9, n)})


def _seconds(call: Any) -> tuple[float, Any]:
    started = time.process_time()
    result = call()
    return time.process_time() - started, result


def run(houses: int = 1_000_000, villages: int = 2_600, vertices: int = 106_000) -> list[dict[str, Any]]:
    """Measure CPU seconds; the defaults are a tenth of the target's size."""
    rng = np.random.default_rng(7)
    table, areas = _houses(houses, rng), _villages(villages, rng)
    rows = []
    prepared, ctx = _seconds(lambda: exposure.prepare(areas))
    ours, result = _seconds(lambda: exposure.kernel(table, ctx))
    points = gpd.GeoDataFrame(geometry=shapely.points(table["x"].to_numpy(), table["y"].to_numpy()), crs=CRS)
    peer, joined = _seconds(lambda: points.sjoin(areas, predicate="intersects").groupby("code").size())
    assert {r["code"]: r["houses"] for r in result.to_pylist()} == joined.to_dict()
    rows.append(_row(f"{houses:,} houses x {villages:,} villages", ours, prepared, "geopandas.sjoin", peer))
    flood = _flood(vertices, rng)
    one = gpd.GeoDataFrame({"code": ["all"]}, geometry=[shapely.box(0, 0, SPAN, SPAN)], crs=CRS)
    prepared, ctx = _seconds(lambda: exposure.prepare(one, hazard=flood))
    ours, result = _seconds(lambda: exposure.kernel(table, ctx))
    peer, inside = _seconds(
        lambda: shapely.contains_xy(flood.geometry[0], table["x"].to_numpy(), table["y"].to_numpy()).sum()
    )
    assert result["houses_hit"][0].as_py() == inside
    rows.append(
        _row(f"{houses:,} houses x one flood of {vertices:,} vertices", ours, prepared, "shapely.contains_xy", peer)
    )
    raster = Raster(rng.uniform(-1, 2, (4000, 4000)).astype(np.float32), (100.0, 0, 0, 0, -100.0, SPAN))
    prepared, ctx = _seconds(lambda: exposure.prepare(one, raster=raster))
    ours, _ = _seconds(lambda: exposure.kernel(table, ctx))
    rows.append(_row(f"{houses:,} houses x a depth raster of 16 M pixels", ours, prepared, "", None))
    return rows


def _row(job: str, ours: float, prepared: float, peer_name: str, peer: float | None) -> dict[str, Any]:
    return {
        "job": job,
        "cpu_s": round(ours, 3),
        "prepare_cpu_s": round(prepared, 3),
        "peer": peer_name,
        "peer_cpu_s": None if peer is None else round(peer, 3),
        "ratio": None if peer is None else round(peer / ours, 1),
    }


if __name__ == "__main__":
    for line in run(*(int(a) for a in sys.argv[1:])):
        print(line)
