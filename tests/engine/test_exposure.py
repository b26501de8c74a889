import pickle
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from geo_minzheng.engine import exposure, locate
from geo_minzheng.errors import InputError
from geo_minzheng.model.impact import Raster

CRS = "EPSG:4547"


def areas(*pairs, crs=CRS):
    return gpd.GeoDataFrame({"code": [c for c, _ in pairs]}, geometry=[g for _, g in pairs], crs=crs)


def table(points, people=None, **more):
    xy = np.asarray(points, float).reshape(-1, 2)
    people = np.ones(len(xy), int) if people is None else people
    columns = {"x": xy[:, 0], "y": xy[:, 1], "people": pa.array(people, pa.int64())}
    return pa.table(columns | {k: pa.array(v) for k, v in more.items()})


def rows(result):
    return {row.pop("code"): row for row in result.to_pylist()}


def star(rng, x, y, radius, n):
    angle = np.sort(rng.uniform(0, 2 * np.pi, n))
    r = rng.uniform(0.3, 1, n) * radius
    return shapely.make_valid(Polygon(np.column_stack([x + r * np.cos(angle), y + r * np.sin(angle)]))).buffer(0)


def test_border_ties_go_to_the_smallest_code_and_nothing_is_lost():
    villages = areas(("b", box(0, 0, 10, 10)), ("a", box(10, 0, 20, 10)), ("c", box(0, 10, 20, 20)))
    ctx = exposure.prepare(villages, hazard=gpd.GeoDataFrame(geometry=[box(0, 0, 10, 5)], crs=CRS))
    points = [(10, 5), (10, 10), (5, 10), (0, 0), (20, 20), (20.0000001, 20), (-1, 5), (3, 3)]
    got = rows(exposure.kernel(table(points, np.arange(1, 9)), ctx))
    assert got["a"] == {"houses": 2, "people": 3, "houses_hit": 1, "people_hit": 1}
    assert got["b"] == {"houses": 3, "people": 15, "houses_hit": 2, "people_hit": 12}
    assert got["c"] == {"houses": 1, "people": 5, "houses_hit": 0, "people_hit": 0}
    assert got[""] == {"houses": 2, "people": 13, "houses_hit": 0, "people_hit": 0}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 300))
def test_every_point_is_located_as_one_by_one_tests_say(seed, n_polygons, n_points):
    rng = np.random.default_rng(seed)
    span = rng.choice([1.0, 1e3, 1e6])
    polygons = [
        star(rng, *rng.uniform(0, span, 2), rng.uniform(0, span), int(rng.integers(3, 40))) for _ in range(n_polygons)
    ]
    polygons = np.array([p if p.geom_type in {"Polygon", "MultiPolygon"} else Polygon() for p in polygons])
    points = rng.uniform(-0.5 * span, 1.5 * span, (n_points, 2))
    corners = shapely.get_coordinates(polygons)
    if len(corners):
        points = np.vstack([points, corners[rng.integers(0, len(corners), 50)]])
    got = locate.locate(locate.build_locator(polygons), points[:, 0], points[:, 1])
    held = np.array([shapely.intersects_xy(p, points[:, 0], points[:, 1]) for p in polygons])
    want = np.where(held.any(axis=0), held.argmax(axis=0), -1)
    assert (got == want).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 120), max_size=5))
def test_order_split_and_nesting_do_not_matter(seed, cuts):
    rng = np.random.default_rng(seed)
    villages = areas(*((f"{i:02}", star(rng, *rng.uniform(0, 100, 2), 60, 12)) for i in range(8)))
    villages = villages[villages.geom_type.isin(["Polygon", "MultiPolygon"])]
    hazard = gpd.GeoDataFrame(
        {"depth_m": [0.4, 1.5, np.nan]}, geometry=[box(0, 0, 50, 50), box(40, 40, 90, 90), box(70, 0, 99, 30)], crs=CRS
    )
    stores = areas(("w2", Point(0, 0)), ("w1", Point(100, 100)), ("w0", Point(0, 0)))
    ctx = exposure.prepare(villages, hazard=hazard, stores=stores, counts=("old",), depth_breaks_m=(0.5, 1.0))
    points = np.round(rng.uniform(-20, 120, (120, 2)))
    whole = table(points, rng.integers(0, 9, 120), old=rng.integers(0, 4, 120))
    want = exposure.kernel(whole, ctx)
    shuffled = whole.take(pa.array(rng.permutation(120)))
    bounds = [0, *sorted(cuts), 120]
    parts = [exposure.kernel(shuffled.slice(a, b - a), ctx) for a, b in pairwise(bounds)]
    rng.shuffle(parts)
    assert exposure.merge(parts).equals(want)
    assert exposure.merge([exposure.merge(parts[:1]), *parts[1:]]).equals(want)
    assert sum(want["houses"].to_pylist()) == 120
    assert sum(want["people"].to_pylist()) == sum(whole["people"].to_pylist())
    for row in want.to_pylist():
        assert row["houses_hit"] == sum(row[f"houses_depth_{k}"] for k in range(3))
        assert row["people_hit"] == sum(row[f"people_depth_{k}"] for k in range(3))
    assert exposure.kernel(whole, pickle.loads(pickle.dumps(ctx))).equals(want)


def test_the_deepest_of_overlapping_water_counts_once():
    water = gpd.GeoDataFrame({"depth_m": [0.2, 2.0, np.nan]}, geometry=[box(0, 0, 9, 9)] * 3, crs=CRS)
    ctx = exposure.prepare(areas(("v", box(0, 0, 10, 10))), hazard=water, depth_breaks_m=(1.0,))
    got = rows(exposure.kernel(table([(5, 5), (9, 9), (9.5, 5)], [4, 5, 6]), ctx))["v"]
    assert (got["houses_hit"], got["people_hit"], got["people_depth_1"], got["people_depth_0"]) == (2, 9, 9, 0)


def test_raster_hits_where_water_stands_and_unknown_is_not_water():
    raster = Raster(np.array([[0.0, 1.2], [-9999.0, 0.3]]), (10, 0, 100, 0, -10, 220), nodata=-9999.0)
    ctx = exposure.prepare(areas(("v", box(0, 0, 500, 500))), raster=raster, depth_breaks_m=(1.0,))
    points = [(105, 215), (115, 215), (105, 205), (115, 205), (120, 205), (110, 220), (99.9, 215)]
    got = rows(exposure.kernel(table(points), ctx))["v"]
    assert (got["houses"], got["houses_hit"], got["houses_depth_0"], got["houses_depth_1"]) == (7, 3, 1, 2)
    assert np.isnan(locate.raster_at(raster, np.array([120.0]), np.array([205.0]))).all()


def test_rotated_raster_is_read_by_its_whole_affine():
    raster = Raster(np.arange(6.0).reshape(2, 3), (0, 2, 50, 3, 0, 70))
    column, row = np.meshgrid(np.arange(3) + 0.5, np.arange(2) + 0.5)
    x, y = 2 * row.ravel() + 50, 3 * column.ravel() + 70
    assert locate.raster_at(raster, x, y).tolist() == [0, 1, 2, 3, 4, 5]


def test_villages_known_by_points_use_the_stated_code():
    villages = areas(("07", Point(0, 0)), ("03", Point(5, 5)))
    ctx = exposure.prepare(
        villages, code_column="village_code", hazard=gpd.GeoDataFrame(geometry=[box(0, 0, 1, 1)], crs=CRS)
    )
    got = rows(
        exposure.kernel(
            table([(0, 0), (1, 1), (9, 9), (9, 9)], [1, 2, 4, 8], village_code=["03", "07", "no", None]), ctx
        )
    )
    assert {c: (r["people"], r["people_hit"]) for c, r in got.items()} == {"": (12, 0), "03": (1, 1), "07": (2, 2)}


def test_nearest_store_ties_go_to_the_smallest_code():
    stores = areas(("b", Point(0, 0)), ("a", Point(10, 0)), ("c", Point(10, 0)), ("d", Point(0, 10)))
    ctx = exposure.prepare(areas(("v", box(-50, -50, 50, 50))), stores=stores)
    place, metres = exposure.nearest(ctx.stores, np.array([5.0, 0.0, 11.0]), np.array([5.0, 0.0, 0.0]))
    assert place.tolist() == [0, 1, 0]
    assert metres[2] == 1.0
    got = rows(exposure.kernel(table([(11, 0), (0, 3)], [2, 5]), ctx))["v"]
    assert (got["store_m"], got["people_store_m"]) == (4, 17)
    assert exposure.nearest(np.array([[1.0, 1.0]]), np.array([1.0]), np.array([3.0]))[1].tolist() == [2.0]


def test_empty_parts_and_empty_worlds_are_answers():
    ctx = exposure.prepare(areas(("v", box(0, 0, 1, 1))), hazard=gpd.GeoDataFrame(geometry=[], crs=CRS))
    assert exposure.kernel(table([]), ctx).num_rows == 0
    assert rows(exposure.kernel(table([(0.5, 0.5)]), ctx))["v"]["houses_hit"] == 0
    nowhere = exposure.prepare(areas(("v", Polygon())))
    assert rows(exposure.kernel(table([(0, 0)]), nowhere)) == {
        "": {"houses": 1, "people": 1, "houses_hit": 0, "people_hit": 0}
    }
    assert exposure.merge([]).num_rows == 0


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda c: exposure.kernel(table([(np.nan, 0)]), c), "exposure.not_finite"),
        (lambda c: exposure.kernel(table([(0, np.inf)]), c), "exposure.not_finite"),
        (lambda c: exposure.kernel(pa.table({"x": [0.0], "y": [0.0], "people": [1.5]}), c), "exposure.not_integer"),
        (
            lambda c: exposure.kernel(pa.table({"x": [0.0], "y": [0.0], "people": pa.array([None], pa.int64())}), c),
            "exposure.not_integer",
        ),
        (lambda c: exposure.prepare(areas(("v", box(0, 0, 1, 1)), crs="EPSG:4490")), "exposure.not_metres"),
        (
            lambda c: exposure.prepare(
                areas(("v", box(0, 0, 1, 1))), stores=areas(("w", Point(0, 0)), crs="EPSG:4548")
            ),
            "exposure.crs_differs",
        ),
        (lambda c: exposure.prepare(areas(("v", Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])))), "exposure.not_polygon"),
        (lambda c: exposure.prepare(areas(("v", Point(0, 0)))), "exposure.not_polygon"),
        (
            lambda c: exposure.prepare(areas(("v", box(0, 0, 1, 1))), depth_breaks_m=(1.0, 0.5)),
            "exposure.breaks_not_ascending",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(call, key):
    ctx = exposure.prepare(areas(("v", box(0, 0, 1, 1))))
    with pytest.raises(InputError) as caught:
        call(ctx)
    assert caught.value.key == key


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_pieces_tile_the_polygon(seed):
    rng = np.random.default_rng(seed)
    polygons = np.array([star(rng, 0, 0, 100, 1500).buffer(0.5), star(rng, 300, 0, 50, 20).buffer(0.5)])
    pieces, owner = locate.subdivide(polygons, 256)
    assert shapely.get_num_coordinates(pieces).max() <= 256
    for k in (0, 1):
        mine = pieces[owner == k]
        assert shapely.area(mine).sum() == pytest.approx(polygons[k].area, rel=1e-9)
        assert shapely.union_all(mine).symmetric_difference(polygons[k]).area < 1e-6


def _squares(**columns):
    data = {"code": ["a", "b"], **columns}
    return gpd.GeoDataFrame(data, geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10)], crs="EPSG:4547")


HOUSES = {"x": [1.0, 15.0], "y": [1.0, 5.0], "people": [3, 4]}


def test_a_part_with_nobody_may_stand_anywhere_in_a_tree_of_sums():
    """Runners reduce empty partitions too: the sum of nothing knows of no further columns."""
    ctx = exposure.prepare(_squares(), counts=("old",))
    part = exposure.kernel(pa.table(HOUSES | {"old": [1, 2]}), ctx)
    assert exposure.merge([exposure.merge([]), part]).equals(part)
    assert exposure.merge([part, part.slice(0, 0), exposure.merge([])]).equals(part)
    turned = part.select(part.column_names[::-1])
    assert exposure.merge([part, turned])["old"].to_pylist() == [2, 4]
    with pytest.raises(InputError) as refused:
        exposure.merge([part, exposure.kernel(pa.table(HOUSES), exposure.prepare(_squares()))])
    assert refused.value.key == "exposure.columns_differ"


def test_a_record_batch_counts_like_a_table():
    ctx = exposure.prepare(_squares())
    table = pa.table(HOUSES)
    assert exposure.kernel(table.to_batches()[0], ctx).equals(exposure.kernel(table, ctx))


def test_stated_villages_may_be_a_plain_table():
    ctx = exposure.prepare(pd.DataFrame({"code": ["a", "b"]}), code_column="village")
    told = exposure.kernel(pa.table(HOUSES | {"village": ["b", "zz"]}), ctx)
    assert dict(zip(told["code"].to_pylist(), told["people"].to_pylist(), strict=True)) == {"": 4, "b": 3}


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: exposure.prepare(_squares(code=[None, "b"])), "exposure.no_code"),
        (lambda: exposure.prepare(_squares().drop(columns="code")), "exposure.no_code"),
        (lambda: exposure.prepare(_squares(), hazard=_squares(depth_m=["deep", 1.0])), "exposure.not_finite"),
        (lambda: exposure.kernel(pa.table({"x": [1.0]}), exposure.prepare(_squares())), "exposure.missing_column"),
        (
            lambda: exposure.kernel(pa.table(HOUSES | {"x": ["a", "b"]}), exposure.prepare(_squares())),
            "exposure.not_finite",
        ),
        *[
            (
                lambda people=people: exposure.kernel(
                    pa.table(HOUSES | {"people": people}), exposure.prepare(_squares())
                ),
                "exposure.not_integer",
            )
            for people in ([-1, 2], [1.5, 2.0], [float("nan"), 1.0], ["1", "2"], [True, False], [2.0**63, 1.0])
        ],
        (lambda: exposure.kernel(pd.DataFrame(HOUSES), exposure.prepare(_squares())), "exposure.not_table"),
        (lambda: exposure.prepare(None), "exposure.not_table"),
        (lambda: exposure.prepare(_squares(), hazard=[box(0, 0, 1, 1)]), "exposure.not_table"),
        (lambda: exposure.merge(None), "exposure.not_table"),
        (lambda: exposure.merge([None]), "exposure.not_table"),
    ],
)
def test_what_cannot_be_counted_is_refused_by_name(call, key):
    with pytest.raises(InputError) as refused:
        call()
    assert refused.value.key == key


def test_whole_numbers_written_as_decimals_are_counts():
    ctx = exposure.prepare(_squares())
    whole = exposure.kernel(pa.table(HOUSES), ctx)
    told = HOUSES | {"people": [float(n) for n in HOUSES["people"]]}
    assert exposure.kernel(pa.table(told), ctx).equals(whole)
    assert exposure.merge(whole).equals(whole)
