"""How many houses and people stand where, and how many of them are hit: sums that merge in any order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from geo_minzheng.engine.locate import OUTSIDE, Floats, Ints, Locator, build_locator, locate, raster_at
from geo_minzheng.errors import InputError
from geo_minzheng.model.impact import Raster

if TYPE_CHECKING:
    import geopandas as gpd

NO_VILLAGE = ""


@dataclass(frozen=True, eq=False)
class ExposureContext:
    """What :func:`kernel` needs to know of villages, hazard and stores; travels to any worker.

    Parameters
    ----------
    codes
        ``""`` and the village codes in ascending order.
    owner
        For each polygon of ``villages`` its place in ``codes``, shape (polygons,).
    depth
        For each polygon of ``hazard`` its depth [m], NaN unknown, deepest first, shape (polygons,).
    """

    codes: tuple[str, ...]
    villages: Locator | None = None
    owner: Ints | None = None
    code_column: str = ""
    hazard: Locator | None = None
    depth: Floats | None = None
    raster: Raster | None = None
    stores: Floats | None = None
    counts: tuple[str, ...] = ()
    depth_breaks_m: tuple[float, ...] = ()


def prepare(
    villages: gpd.GeoDataFrame,
    *,
    hazard: gpd.GeoDataFrame | None = None,
    stores: gpd.GeoDataFrame | None = None,
    raster: Raster | None = None,
    counts: tuple[str, ...] = (),
    depth_breaks_m: tuple[float, ...] = (),
    code_column: str = "",
) -> ExposureContext:
    """Prepare villages, hazard and stores for any number of tables.

    Parameters
    ----------
    villages
        Polygons with ``code`` [m]; where two meet or overlap, the smallest code counts.
    hazard
        Polygons [m] with an optional ``depth_m``; where they overlap, the deepest counts.
    stores
        Points with ``code`` [m]; asks for the distance to the nearest one, ties to the smallest code.
    raster
        Water depth [m]; a point above 0 is hit, as is one inside ``hazard``.
    counts
        Further integer columns of the tables to sum.
    depth_breaks_m
        Ascending class borders [m] of ``houses_depth_<k>`` and ``people_depth_<k>``; class 0 lies below the first
        one and holds unknown depths.
    code_column
        Column of the tables that states the village; then ``villages`` needs no polygons, and an unknown code
        counts as ``""``.

    Raises
    ------
    InputError
        ``exposure.no_code``, ``exposure.not_metres`` for degrees, ``exposure.crs_differs``, ``exposure.not_polygon``,
        ``exposure.breaks_not_ascending``, ``exposure.not_table`` for what is no frame.
    """
    _check_frames(villages=villages, hazard=hazard, stores=stores)
    for name, frame in (("villages", villages), ("stores", stores)):
        if frame is not None and ("code" not in frame.columns or frame["code"].isna().any()):
            raise InputError("exposure.no_code", frame=name)
    check_metres(villages, hazard, stores)
    if list(depth_breaks_m) != sorted(set(depth_breaks_m)):
        raise InputError("exposure.breaks_not_ascending", breaks=depth_breaks_m)
    stated = villages["code"].astype(str).to_numpy(dtype=object)
    names = sorted(set(stated) - {NO_VILLAGE})
    order = np.argsort(stated, kind="stable")
    locator = None if code_column else build_locator(villages.geometry.to_numpy()[order])
    water, depth = hazard_locator(hazard) if hazard is not None else (None, None)
    return ExposureContext(
        codes=(NO_VILLAGE, *names),
        villages=locator,
        owner=np.searchsorted([NO_VILLAGE, *names], stated[order]),
        code_column=code_column,
        hazard=water,
        depth=depth,
        raster=raster,
        stores=None if stores is None else _store_points(stores),
        counts=counts,
        depth_breaks_m=depth_breaks_m,
    )


def _check_frames(**frames: Any) -> None:
    for name, frame in frames.items():
        if not isinstance(frame, pd.DataFrame) and not (frame is None and name != "villages"):
            raise InputError("exposure.not_table", name=name, found=type(frame).__name__)


def check_metres(*frames: gpd.GeoDataFrame | None) -> None:
    """Refuse frames in degrees or in different systems; a frame without a system is taken at its word."""
    # With stated codes the villages may be a plain table, which has no system.
    systems = [getattr(f, "crs", None) for f in frames]
    known = [crs for crs in systems if crs is not None]
    if any(crs.is_geographic for crs in known):
        raise InputError("exposure.not_metres")
    if any(crs != known[0] for crs in known):
        raise InputError("exposure.crs_differs")


def hazard_locator(hazard: gpd.GeoDataFrame) -> tuple[Locator, Floats]:
    """Order hazard polygons deepest first, unknown depths last.

    Returns
    -------
    The locator and the depth of each of its polygons [m].
    """
    depth = np.full(len(hazard), np.nan)
    if "depth_m" in hazard.columns:
        depth = pd.to_numeric(hazard["depth_m"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        unread = int(np.count_nonzero(np.isnan(depth) & hazard["depth_m"].notna().to_numpy()))
        if unread:
            raise InputError("exposure.not_finite", column="depth_m", rows=unread)
    order = np.argsort(-depth, kind="stable")
    return build_locator(hazard.geometry.to_numpy()[order]), depth[order]


def _store_points(stores: gpd.GeoDataFrame) -> Floats:
    ordered = stores.iloc[np.argsort(stores["code"].astype(str).to_numpy(), kind="stable")]
    return np.asarray(shapely.get_coordinates(ordered.geometry.to_numpy()), float)


def nearest(points: Floats, x: Floats, y: Floats) -> tuple[Ints, Floats]:
    """Find the nearest of some points, ties to the first of them.

    Parameters
    ----------
    points
        Coordinates [m], shape (s, 2), s ≥ 1.
    x, y
        Places [m], shape (n,).

    Returns
    -------
    Index of the nearest point and its straight distance [m], both shape (n,).
    """
    tree = cKDTree(points)
    places = np.column_stack([x, y])
    found = tree.query(places, k=[1, 2])
    distance, index = np.asarray(found[0], float), np.asarray(found[1], np.int64)
    best, near = index[:, 0].copy(), distance[:, 0]
    reach = near * (1 + 1e-12)
    tied = np.flatnonzero(distance[:, 1] <= reach)
    for row, rivals in zip(tied, tree.query_ball_point(places[tied], reach[tied]), strict=True):
        rivals.sort()
        best[row] = rivals[int(np.argmin(((points[rivals] - places[row]) ** 2).sum(axis=1)))]
    return best, np.hypot(x - points[best, 0], y - points[best, 1])


def kernel(table: pa.Table, ctx: ExposureContext) -> pa.Table:
    """Count the houses of one part, one row being one house.

    Parameters
    ----------
    table
        Columns ``x, y`` [m], ``people`` (whole numbers), the columns of ``ctx.counts`` and ``ctx.code_column``.

    Returns
    -------
    One row per village met, in order of code, ``""`` for houses outside every village: ``code, houses, people,
    houses_hit, people_hit``, then ``<count>, <count>_hit``, ``houses_depth_<k>, people_depth_<k>`` and, with stores,
    ``store_m`` (whole metres to the nearest store, summed over houses) and ``people_store_m`` (over people).
    All are 64-bit integers that add up over parts.

    Raises
    ------
    InputError
        ``exposure.missing_column``; ``exposure.not_finite`` for NaN or infinite coordinates;
        ``exposure.not_integer`` for counts that are none; ``exposure.not_table`` for what is no table.
    """
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    if not isinstance(table, pa.Table):
        raise InputError("exposure.not_table", name="table", found=type(table).__name__)
    needed = ("x", "y", "people", *ctx.counts, *([ctx.code_column] if ctx.code_column else []))
    lacking = [name for name in needed if name not in table.column_names]
    if lacking:
        raise InputError("exposure.missing_column", columns=", ".join(lacking))
    x, y = (_finite(table, name) for name in ("x", "y"))
    counted = {name: _integers(table, name) for name in ("people", *ctx.counts)}
    village = _villages(table, ctx, x, y)
    hit, depth = hits(ctx, x, y)
    one = np.ones(len(x), np.int64)
    parts: dict[str, Ints] = {"houses": one, "people": counted["people"]}
    parts |= {"houses_hit": one * hit, "people_hit": counted["people"] * hit}
    for name in ctx.counts:
        parts |= {name: counted[name], f"{name}_hit": counted[name] * hit}
    if ctx.depth_breaks_m:
        level = np.searchsorted(ctx.depth_breaks_m, np.nan_to_num(depth, nan=-np.inf), side="right")
        for k in range(len(ctx.depth_breaks_m) + 1):
            here = hit & (level == k)
            parts |= {f"houses_depth_{k}": one * here, f"people_depth_{k}": counted["people"] * here}
    if ctx.stores is not None:
        metres = np.floor(nearest(ctx.stores, x, y)[1] + 0.5).astype(np.int64) if len(ctx.stores) else one * 0
        parts |= {"store_m": metres, "people_store_m": metres * counted["people"]}
    return _sum_by(np.asarray(ctx.codes, dtype=object), village, parts)


def _finite(table: pa.Table, name: str) -> Floats:
    try:
        values = table.column(name).cast(pa.float64()).combine_chunks().to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError("exposure.not_finite", column=name, rows=len(table)) from error
    wrong = int(np.count_nonzero(~np.isfinite(values)))
    if wrong:
        raise InputError("exposure.not_finite", column=name, rows=wrong)
    return np.asarray(values, float)


def _integers(table: pa.Table, name: str) -> Ints:
    column = table.column(name)
    try:
        # A safe cast refuses fractions, NaN and what is too large; text and truth values are no counts.
        whole = (
            column.cast(pa.int64()) if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) else None
        )
    except pa.ArrowInvalid:
        whole = None
    if whole is None or whole.null_count:
        raise InputError("exposure.not_integer", column=name)
    counts = np.asarray(whole.combine_chunks().to_numpy(zero_copy_only=False), np.int64)
    if counts.min(initial=0) < 0:
        raise InputError("exposure.not_integer", column=name)
    return counts


def _villages(table: pa.Table, ctx: ExposureContext, x: Floats, y: Floats) -> Ints:
    if ctx.code_column:
        stated = table.column(ctx.code_column).combine_chunks().dictionary_encode()
        stated = stated if isinstance(stated, pa.DictionaryArray) else stated.combine_chunks()
        place = {code: at for at, code in enumerate(ctx.codes)}
        known = np.array([place.get(str(code), 0) for code in stated.dictionary.to_pylist()] + [0], np.int64)
        return np.asarray(known[stated.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)], np.int64)
    assert ctx.villages is not None and ctx.owner is not None
    polygon = locate(ctx.villages, x, y)
    return np.append(ctx.owner, 0)[np.where(polygon == OUTSIDE, len(ctx.owner), polygon)]


def hits(ctx: ExposureContext, x: Floats, y: Floats) -> tuple[NDArray[np.bool_], Floats]:
    """Tell which points the hazard hits and how deep the water stands there.

    Returns
    -------
    Whether each point is hit, and the depth [m] (NaN where dry or unknown), both shape (n,).
    """
    hit = np.zeros(len(x), np.bool_)
    depth = np.full(len(x), np.nan)
    if ctx.hazard is not None and ctx.depth is not None:
        polygon = locate(ctx.hazard, x, y)
        hit = polygon != OUTSIDE
        depth[hit] = ctx.depth[polygon[hit]]
    if ctx.raster is not None:
        water = raster_at(ctx.raster, x, y)
        wet = water > 0
        hit |= wet
        depth[wet] = np.fmax(depth[wet], water[wet])
    return hit, depth


def _sum_by(codes: NDArray[Any], group: Ints, parts: dict[str, Ints]) -> pa.Table:
    met = np.flatnonzero(np.bincount(group, minlength=len(codes)))
    columns: dict[str, pa.Array] = {"code": pa.array(codes[met], pa.string())}
    for name, values in parts.items():
        sums = np.zeros(len(codes), np.int64)
        np.add.at(sums, group, values)
        columns[name] = pa.array(sums[met], pa.int64())
    return pa.table(columns)


def merge(tables: Iterable[pa.Table]) -> pa.Table:
    """Add the results of parts; any order and any nesting gives the same table.

    Parameters
    ----------
    tables
        Results of :func:`kernel` or of this function, with the same columns.

    Returns
    -------
    The sums by code, in order of code; without a part, an empty table of the five columns.

    Raises
    ------
    InputError
        ``exposure.columns_differ``, ``exposure.not_table``.
    """
    parts = [tables] if not isinstance(tables, Iterable) or isinstance(tables, pa.Table) else list(tables)
    for part in parts:
        if not isinstance(part, pa.Table):
            raise InputError("exposure.not_table", name="tables", found=type(part).__name__)
    # A part without a row may be the sum of nothing, which knows of no further columns.
    parts = [part for part in parts if part.num_rows] or parts[:1]
    if parts and any(set(part.column_names) != set(parts[0].column_names) for part in parts):
        raise InputError("exposure.columns_differ")
    if not parts:
        five = ("houses", "people", "houses_hit", "people_hit")
        return pa.table({"code": pa.array([], pa.string())} | {name: pa.array([], pa.int64()) for name in five})
    whole = pa.concat_tables([part.select(parts[0].column_names) for part in parts])
    codes, group = np.unique(np.asarray(whole.column("code").to_pylist(), dtype=object), return_inverse=True)
    sums = {name: whole.column(name).to_numpy() for name in whole.column_names if name != "code"}
    return _sum_by(codes, group.astype(np.int64), sums)
