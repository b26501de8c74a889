"""The road network equals an independent graph search; closures, bridges, one-way roads and floods behave."""

from __future__ import annotations

import itertools
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, Point, Polygon, box

from geo_minzheng.engine import network
from geo_minzheng.errors import InputError, ManyInputError

METRES = "EPSG:4547"
HELSINKI = Path(__file__).resolve().parents[2].parent / "shared/data/real/helsinki.osm.pbf"


def make_roads(*rows, **columns):
    """Rows of (id, coordinates[, kmh[, oneway]])."""
    data = {
        "road_id": [r[0] for r in rows],
        "kmh": [r[2] if len(r) > 2 else 60.0 for r in rows],
        "oneway": [r[3] if len(r) > 3 else False for r in rows],
        **columns,
    }
    lines = [r[1] if isinstance(r[1], shapely.Geometry) else LineString(r[1]) for r in rows]
    return gpd.GeoDataFrame(data, geometry=lines, crs=METRES)


def pts(*xy):
    return gpd.GeoSeries([Point(p) for p in xy], crs=METRES)


def reference_times(roads, origins, destinations, closed=()):
    """Search segment by segment with networkx; points meet every line nearest within 1 cm, at its nearest place."""
    segments, line_of = [], []
    for k, (road, line, kmh, oneway) in enumerate(
        zip(roads.road_id, roads.geometry, roads.kmh, roads.oneway, strict=True)
    ):
        for a, b in itertools.pairwise(line.coords):
            segments.append((road, a, b, kmh, bool(oneway)))
            line_of.append(k)
    graph = nx.MultiDiGraph()

    def add(road, a, b, metres, kmh, oneway):
        if road in closed:
            return
        graph.add_edge(a, b, minutes=metres / 1000 / kmh * 60)
        if not oneway:
            graph.add_edge(b, a, minutes=metres / 1000 / kmh * 60)

    meetings = {}
    names = [[(side, k) for k in range(len(points))] for side, points in (("o", origins), ("d", destinations))]
    for name, point in zip([*names[0], *names[1]], [*origins, *destinations], strict=True):
        away = np.array([LineString((a, b)).distance(point) for _, a, b, _, _ in segments])
        for s in np.flatnonzero(away <= away.min() + 0.01):
            if away[s] > min(away[t] for t in range(len(segments)) if line_of[t] == line_of[s]):
                continue
            _, a, b, _, _ = segments[s]
            at = LineString((a, b)).project(point)
            meetings.setdefault(s, []).append((at, name))
    for s, (road, a, b, kmh, oneway) in enumerate(segments):
        length = float(np.hypot(b[0] - a[0], b[1] - a[1]))
        stops = [(0.0, a)]
        for at, name in sorted(meetings.get(s, [])):
            place = a if at <= 0.01 else b if at >= length - 0.01 else ("on", s, round(at, 6))
            if place not in (a, b):
                stops.append((at, place))
            graph.add_edge(place, ("in", name), minutes=0.0)
            graph.add_edge(("out", name), place, minutes=0.0)
        stops.append((length, b))
        for (x, u), (y, v) in itertools.pairwise(stops):
            if u != v:
                add(road, u, v, y - x, kmh, oneway)
    times = np.full((len(origins), len(destinations)), np.inf)
    for i, o in enumerate(names[0]):
        found = nx.single_source_dijkstra_path_length(graph, ("out", o), weight="minutes")
        for j, d in enumerate(names[1]):
            times[i, j] = found.get(("in", d), np.inf)
            if origins.iloc[i] == destinations.iloc[j]:
                times[i, j] = 0.0
    return times


@st.composite
def towns(draw):
    """A wobbly grid with missing, one-way, parallel and crossing roads, and points on and beside them."""
    side = draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    xy = {
        (i, j): (i * 100 + rng.integers(-30, 31), j * 100 + rng.integers(-30, 31))
        for i in range(side)
        for j in range(side)
    }
    rows = []
    for (i, j), a in xy.items():
        for b in ((i + 1, j), (i, j + 1), (i + 1, j + 1)):
            if b in xy and rng.random() < (0.75 if b != (i + 1, j + 1) else 0.3):
                middle = [((a[0] + xy[b][0]) / 2 + 13.0, (a[1] + xy[b][1]) / 2)] if rng.random() < 0.4 else []
                rows.append(
                    (f"r{len(rows)}", [a, *middle, xy[b]], float(rng.integers(10, 90)), bool(rng.random() < 0.25))
                )
    if not rows:
        rows.append(("r0", [(0, 0), (100, 0)], 50.0, False))
    frame = make_roads(*rows)
    frame["road_id"] = [f"r{k}" if rng.random() < 0.8 else "long" for k in range(len(frame))]
    frame["structure_id"] = [rng.choice(["bridge-a", "bridge-b", None], p=[0.1, 0.1, 0.8]) for _ in range(len(frame))]
    frame["is_bridge"] = frame["structure_id"].notna()
    frame["structure_id"] = frame.groupby("road_id")["structure_id"].transform("first")
    frame["is_bridge"] = frame["structure_id"].notna()
    ends = [xy[k] for k in xy]

    def points(n):
        return [
            ends[rng.integers(len(ends))] if rng.random() < 0.4 else tuple(rng.uniform(-50, side * 100, 2))
            for _ in range(n)
        ]

    closed = [r for r in dict.fromkeys(frame.road_id) if rng.random() < 0.2]
    return frame, pts(*points(int(rng.integers(1, 4)))), pts(*points(int(rng.integers(1, 5)))), closed


@given(towns())
@settings(max_examples=150, deadline=None)
def test_times_equal_an_independent_search_and_closures_never_shorten_a_trip(town):
    roads, origins, destinations, closed = town
    net = network.build(roads)
    free = network.travel_times(net, origins, destinations)
    shut = network.travel_times(net, origins, destinations, closed=closed)
    np.testing.assert_allclose(free, reference_times(roads, origins, destinations), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(shut, reference_times(roads, origins, destinations, closed), rtol=1e-6, atol=1e-6)
    assert (shut >= free).all()
    one_less = network.travel_times(net, origins, destinations, closed=closed[1:])
    assert (shut >= one_less).all()


@given(towns(), st.floats(0, 80))
@settings(max_examples=60, deadline=None)
def test_walking_access_keeps_closures_monotone_and_only_helps(town, access_m):
    roads, origins, destinations, closed = town
    near, far = network.build(roads), network.build(roads, access_m=access_m)
    for shut in ((), closed):
        assert (
            network.travel_times(far, origins, destinations, closed=shut)
            <= network.travel_times(near, origins, destinations, closed=shut) + 1e-9
        ).all()
    assert (
        network.travel_times(far, origins, destinations, closed=closed)
        >= network.travel_times(far, origins, destinations)
    ).all()


@given(towns())
@settings(max_examples=80, deadline=None)
def test_paths_cost_what_travel_times_says_and_use_open_roads_only(town):
    roads, origins, destinations, closed = town
    net = network.build(roads)
    times = network.travel_times(net, origins, destinations, closed=closed)
    found = network.paths(net, origins, destinations, closed=closed)
    np.testing.assert_allclose(found.minutes.to_numpy().reshape(times.shape), times, rtol=1e-9, atol=1e-9)
    slowest, fastest = roads.kmh.min(), roads.kmh.max()
    all_roads = roads.geometry.union_all().buffer(0.02)
    for row in found.itertuples():
        assert not set(row.road_ids) & set(closed)
        if row.geometry is None:
            assert row.minutes in (0.0, np.inf) or row.length_m < 1e-5
            continue
        assert row.geometry.length == pytest.approx(row.length_m, abs=1e-3)
        assert all_roads.covers(row.geometry)
        assert row.length_m * 0.06 / fastest - 1e-6 <= row.minutes <= row.length_m * 0.06 / slowest + 1e-6


@given(towns())
@settings(max_examples=150, deadline=None)
def test_isolating_equals_closing_every_structure_in_turn(town):
    roads, sources, places, _ = town
    net = network.build(roads)
    alone = network.isolated(net, sources, places)
    expected = {}
    names = {r: (s if isinstance(s, str) else r) for r, s in zip(roads.road_id, roads.structure_id, strict=True)}
    for structure in set(names.values()):
        members = [r for r, s in names.items() if s == structure]
        lost = network.isolated(net, sources, places, members) & ~alone
        if lost.any():
            expected[structure] = (set(members), tuple(np.flatnonzero(lost)))
    found = network.isolating(net, sources, places)
    assert {c.structure: (set(c.road_ids), c.places) for c in found} == expected
    assert [len(c.places) for c in found] == sorted((len(c.places) for c in found), reverse=True)
    assert all(c.is_bridge == str(c.structure).startswith("bridge") for c in found)


@given(towns(), st.floats(0.01, 1.0))
@settings(max_examples=50, deadline=None)
def test_service_area_holds_whom_travel_time_reaches_and_grows(town, minutes):
    roads, origins, destinations, closed = town
    net = network.build(roads)
    small, large = (network.reached_roads(net, origins, minutes=m, closed=closed) for m in (minutes, minutes * 1.7))
    times = network.travel_times(net, origins, destinations, closed=closed)
    met = network.snap(net, destinations)
    for o in range(len(origins)):
        assert small.iloc[o].is_empty or large.iloc[o].buffer(0.01).covers(small.iloc[o])
        for d, place in enumerate(met.geometry):
            if 0 < times[o, d] <= minutes:
                nearest = [g for g in roads.geometry if g.distance(destinations.iloc[d]) <= met.dist_m.iloc[d] + 0.011]
                assert len(nearest) > 1 or small.iloc[o].distance(place) < 0.02
    reach = sum(g.length for g in roads.geometry)
    assert all(g.length <= reach + 1e-6 for g in large)


def test_service_area_cuts_roads_exactly_and_keeps_directions():
    net = network.build(make_roads(("a", [(0, 0), (1000, 0)], 60), ("b", [(0, 0), (0, 1000)], 30, True)))
    reached = network.reached_roads(net, pts((0, 0)), minutes=0.5)
    assert reached.iloc[0].length == pytest.approx(500 + 250)
    from_b_end = network.reached_roads(net, pts((0, 600)), minutes=0.2)
    assert from_b_end.iloc[0].bounds == pytest.approx((0, 600, 0, 700))
    area = network.service_area(net, pts((0, 0), (500, 0)), minutes=0.5, closed=["a"], roadside_m=10)
    assert area.index.tolist() == [0, 1] and area.crs == METRES
    assert area.iloc[0].bounds == pytest.approx((-10, -10, 10, 260), abs=0.1)
    assert area.iloc[1].is_empty
    with pytest.raises(InputError, match="bad_minutes"):
        network.service_area(net, pts((0, 0)), minutes=float("nan"))
    with pytest.raises(InputError, match="bad_distance"):
        network.service_area(net, pts((0, 0)), minutes=1, roadside_m=0)


def test_roads_join_at_shared_vertices_but_not_where_they_merely_cross():
    net = network.build(
        make_roads(("a", [(0, 0), (100, 0), (200, 0)]), ("t", [(100, 0), (100, 80)]), ("x", [(50, -50), (50, 50)]))
    )
    times = network.travel_times(net, pts((0, 0)), pts((100, 80), (50, 50), (200, 0)))
    assert times[0, 0] == pytest.approx(0.18)
    assert np.isinf(times[0, 1])
    assert times[0, 2] == pytest.approx(0.2)
    assert net.components == 2
    assert len(net.edge_line) == 4


def test_a_bridge_does_not_join_the_road_below_even_at_a_common_vertex():
    rows = (("low", [(0, 0), (100, 0), (200, 0)]), ("high", [(100, -50), (100, 0), (100, 50)]))
    at_grade = network.build(make_roads(*rows))
    above = network.build(make_roads(*rows, is_bridge=[False, True]))
    ends = pts((0, 0)), pts((100, 50))
    assert np.isfinite(network.travel_times(at_grade, *ends)).all()
    assert np.isinf(network.travel_times(above, *ends)).all()
    ramp = make_roads(*rows, ("ramp", [(100, 0), (150, 50)]), is_bridge=[False, True, False])
    assert np.isfinite(network.travel_times(network.build(ramp), pts((100, 50)), pts((150, 50)))).all()


def test_ends_join_within_a_centimetre_and_parts_are_taken_apart():
    parts = MultiLineString([[(0, 0), (100, 0)], [(100.005, 0.005), (200, 0)]])
    net = network.build(make_roads(("m", parts), ("far", [(200.02, 0), (300, 0)])))
    times = network.travel_times(net, pts((0, 0)), pts((200, 0), (300, 0)))
    assert times[0, 0] == pytest.approx(0.2, abs=1e-4)
    assert np.isinf(times[0, 1])


def test_repeated_vertices_and_roads_without_length_do_no_harm():
    net = network.build(make_roads(("a", [(0, 0), (0, 0), (100, 0), (100, 0)]), ("dot", [(5, 5), (5, 5.001)])))
    assert len(net.edge_line) == 1
    times = network.travel_times(net, pts((0, 0)), pts((100, 0)), closed=["dot"])
    assert times[0, 0] == pytest.approx(0.1)


def test_the_village_on_a_closed_road_is_cut_off_unless_it_stands_at_an_open_junction_or_walks():
    roads = make_roads(
        ("main", [(0, 0), (1000, 0)]), ("lane", [(1000, 0), (1000, 500)]), ("dyke", [(900, 600), (0, 0)])
    )
    places = pts((1000, 300), (1000, 0), (500, 2))
    town = pts((0, 0))
    near = network.build(roads)
    assert network.isolated(near, town, places).tolist() == [False] * 3
    assert network.isolated(near, town, places, closed=["lane"]).tolist() == [True, False, False]
    assert network.isolated(near, town, places, closed=["main"]).tolist() == [True, True, True]
    afoot = network.build(roads, access_m=400)
    time = network.travel_times(afoot, town, places, closed=["lane"])
    assert time[0, 0] == pytest.approx(1.0 + 300 / 1000 / 4.8 * 60)


def test_a_point_reaches_itself_whatever_is_closed_and_a_circle_is_driven_one_way():
    ring = make_roads(("ring", [(0, 0), (100, 0), (100, 100), (0, 100), (0, 0)], 60, True))
    net = network.build(ring)
    ahead = network.travel_times(net, pts((20, 0)), pts((20, 0), (80, 0)))
    assert ahead.tolist() == [[0.0, pytest.approx(0.06)]]
    assert network.travel_times(net, pts((80, 0)), pts((20, 0)))[0, 0] == pytest.approx(0.34)
    assert network.travel_times(net, pts((20, 0)), pts((20, 0), (80, 0)), closed=["ring"]).tolist() == [[0.0, np.inf]]


def test_shape_does_not_depend_on_the_longer_side():
    net = network.build(make_roads(("a", [(0, 0), (100, 0)], 60, True), ("b", [(100, 0), (200, 0)])))
    many, few = pts((0, 0), (50, 3), (100, 0), (150, -4)), pts((200, 0), (0, 0))
    there, back = network.travel_times(net, many, few), network.travel_times(net, few, many)
    assert there.shape == (4, 2) and back.shape == (2, 4)
    assert there[0, 0] == pytest.approx(0.2) and np.isinf(back[0, 0])


def test_empty_inputs_are_answers():
    none = network.build(make_roads(("a", [(0, 0), (1, 0)])).iloc[:0])
    here = pts((0, 0), (5, 5))
    assert none.components == 0
    assert network.travel_times(none, here, here).tolist() == [[0.0, np.inf], [np.inf, 0.0]]
    assert network.snap(none, here).dist_m.tolist() == [np.inf, np.inf]
    assert network.isolating(none, here, here) == ()
    assert all(g.is_empty for g in network.service_area(none, here, minutes=5))
    some = network.build(make_roads(("a", [(0, 0), (10, 0)])))
    nobody = here.iloc[:0]
    assert network.travel_times(some, nobody, here).shape == (0, 2)
    assert network.travel_times(some, here, nobody).shape == (2, 0)
    assert network.isolated(some, nobody, here).tolist() == [True, True]
    assert len(network.paths(some, nobody, here)) == 0
    assert network.isolating(some, nobody, here) == ()
    assert len(network.service_area(some, nobody, minutes=5)) == 0


def test_snap_tells_road_and_distance():
    net = network.build(make_roads(("a", [(0, 0), (100, 0)]), ("b", [(0, 50), (100, 50)])))
    met = network.snap(net, gpd.GeoSeries([Point(30, 10), Point(30, 45)], index=["v1", "v2"], crs=METRES))
    assert met.road_id.to_dict() == {"v1": "a", "v2": "b"}
    assert met.dist_m.tolist() == [10.0, 5.0]
    assert met.geometry["v1"] == Point(30, 0)


def test_paths_give_the_wanted_pairs_in_order():
    net = network.build(
        make_roads(("a", [(0, 0), (100, 0)]), ("b", [(100, 0), (100, 100)]), ("c", [(100, 0), (300, 0)]))
    )
    found = network.paths(net, pts((10, 0), (300, 0)), pts((100, 90), (200, 0)), pairs=[(1, 0), (0, 1), (0, 0)])
    assert found[["origin", "destination"]].to_numpy().tolist() == [[1, 0], [0, 1], [0, 0]]
    assert found.road_ids.tolist() == [("c", "b"), ("a", "c"), ("a", "b")]
    assert list(found.geometry.iloc[2].coords) == [(10, 0), (100, 0), (100, 90)]
    assert found.length_m.tolist() == [290.0, 190.0, 180.0]
    with pytest.raises(InputError, match="unknown_pair"):
        network.paths(net, pts((0, 0)), pts((0, 0)), pairs=[(0, 1)])


def test_both_carriageways_of_a_bridge_fall_together():
    roads = make_roads(
        ("west", [(0, 0), (100, 0)]),
        ("n", [(100, 0), (150, 10), (200, 0)], 60, True),
        ("s", [(200, 0), (150, -10), (100, 0)], 60, True),
        ("east", [(200, 0), (300, 0)]),
        structure_id=[None, "bridge", "bridge", None],
        is_bridge=[False, True, True, False],
    )
    places = gpd.GeoSeries([Point(300, 0), Point(0, 0)], index=["far", "near"], crs=METRES)
    found = network.isolating(network.build(roads), pts((100, 0)), places)
    by = {c.structure: c for c in found}
    assert by["bridge"].road_ids == ("n", "s") and by["bridge"].is_bridge
    assert by["bridge"].places == ("far",)
    assert by["east"].places == ("far",) and by["west"].places == ("near",)


def test_on_foot_one_speed_both_ways_and_no_motorway():
    roads = make_roads(("m", [(0, 0), (1000, 0)], 100), ("l", [(1000, 0), (1000, 1000)], 30, True))
    foot = network.walking(roads, walk_kmh=3.0)
    assert network.travel_times(foot, pts((1000, 1000)), pts((0, 0)))[0, 0] == pytest.approx(40.0)
    roads["road_class"] = ["motorway", "tertiary"]
    foot = network.walking(roads, walk_kmh=3.0)
    assert network.snap(foot, pts((0, 0))).road_id.tolist() == ["l"]
    assert network.travel_times(foot, pts((1000, 1000)), pts((1000, 0)), closed=["m"])[0, 0] == pytest.approx(20.0)


def test_a_flood_cuts_by_depth_and_spares_bridges():
    roads = make_roads(
        ("deep", [(0, 0), (100, 0)]),
        ("shallow", [(0, 100), (100, 100)]),
        ("bridge", [(0, 10), (100, 10)]),
        ("dry", [(0, 500), (100, 500)]),
        ("touch", [(0, -50), (20, -20)]),
        ("deep", [(100, 0), (200, 0)]),
        is_bridge=[False, False, True, False, False, False],
    )
    flood = gpd.GeoDataFrame(
        {"depth_m": [1.0, 0.2, 0.8]},
        geometry=[box(20, -20, 120, 20), box(0, 90, 100, 110), box(50, -10, 150, 5)],
        crs=METRES,
    )
    cut = network.cut_by_flood(roads, flood, passable_depth_m=0.3)
    assert cut.road_id.tolist() == ["deep"]
    assert cut.wet_m.tolist() == [pytest.approx(130.0)]
    assert cut.depth_m.tolist() == [1.0]
    assert cut.geometry.iloc[0].length == pytest.approx(130.0)
    assert network.cut_by_flood(roads, flood, passable_depth_m=0.1).road_id.tolist() == ["deep", "shallow"]
    assert len(network.cut_by_flood(roads, flood, passable_depth_m=1.0)) == 0
    assert len(network.cut_by_flood(roads, flood.iloc[:0], passable_depth_m=0.3)) == 0
    unknown = flood.assign(depth_m=[np.nan, 0.2, 0.1])
    unknown_cut = network.cut_by_flood(roads, unknown, passable_depth_m=0.3)
    assert unknown_cut.road_id.tolist() == ["deep"] and np.isnan(unknown_cut.depth_m.iloc[0])


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_a_big_flood_polygon_wets_the_same_length_in_tiles(seed):
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 3000))
    radius = 400 + 60 * np.sin(7 * angle) + rng.uniform(0, 3, len(angle))
    water = Polygon(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])).buffer(0)
    lines = [LineString(rng.uniform(-500, 500, (3, 2))) for _ in range(20)]
    roads = make_roads(*[(k, line) for k, line in enumerate(lines)])
    flood = gpd.GeoDataFrame({"depth_m": [2.0]}, geometry=[water], crs=METRES)
    cut = network.cut_by_flood(roads, flood, passable_depth_m=0.3).set_index("road_id").wet_m
    expected = {k: line.intersection(water).length for k, line in enumerate(lines)}
    assert cut.to_dict() == pytest.approx({k: v for k, v in expected.items() if v > 0}, rel=1e-6)


def test_flood_input_is_checked():
    roads = make_roads(("a", [(0, 0), (10, 0)]))
    flood = gpd.GeoDataFrame({"depth_m": [1.0]}, geometry=[box(0, -1, 5, 1)], crs=METRES)
    with pytest.raises(InputError, match="missing_column"):
        network.cut_by_flood(roads, flood.drop(columns="depth_m"), passable_depth_m=0.3)
    with pytest.raises(InputError, match="crs_differs"):
        network.cut_by_flood(roads, flood.set_crs("EPSG:4549", allow_override=True), passable_depth_m=0.3)
    for depth in (-1.0, float("nan")):
        with pytest.raises(InputError, match="bad_depth"):
            network.cut_by_flood(roads, flood, passable_depth_m=depth)
    bow_tie = flood.set_geometry([Polygon([(0, -1), (10, 1), (10, -1), (0, 1)])])
    assert network.cut_by_flood(roads, bow_tie, passable_depth_m=0.3).wet_m.tolist() == [pytest.approx(10.0)]


def test_all_faults_of_the_roads_come_in_one_message():
    roads = make_roads(
        ("ok", [(0, 0), (1, 0)]),
        ("slow", [(0, 0), (1, 0)], 0.0),
        ("nan", [(0, 0), (1, 0)], float("nan")),
        ("flag", [(0, 0), (1, 0)], 60.0, "F"),
        ("point", Point(0, 0)),
        (None, [(0, 0), (1, 0)]),
        ("void", LineString()),
    )
    with pytest.raises(ManyInputError) as caught:
        network.build(roads)
    assert [f.key for f in caught.value.faults] == [
        "network.no_road_id",
        "network.bad_line",
        "network.bad_line",
        "network.bad_speed",
        "network.bad_speed",
        "network.bad_flag",
    ]
    with pytest.raises(ManyInputError) as caught:
        network.build(make_roads(("a", [(0, 0), (1, 0)])).drop(columns="kmh").to_crs("EPSG:4490"), access_m=-1.0)
    assert {f.key for f in caught.value.faults} == {
        "network.missing_column",
        "network.not_metres",
        "network.bad_distance",
    }


def test_bad_points_and_unknown_closures_are_refused():
    net = network.build(make_roads(("a", [(0, 0), (10, 0)])))
    good = pts((0, 0))
    for bad in (
        gpd.GeoSeries([Point(0, 0), None], crs=METRES),
        gpd.GeoSeries([Point()], crs=METRES),
        gpd.GeoSeries([LineString([(0, 0), (1, 1)])], crs=METRES),
        gpd.GeoSeries([Point(float("inf"), 0)], crs=METRES),
    ):
        with pytest.raises(InputError, match="bad_point"):
            network.travel_times(net, good, bad)
    with pytest.raises(InputError, match="crs_differs"):
        network.travel_times(net, good, good.set_crs("EPSG:4549", allow_override=True))
    with pytest.raises(InputError, match="unknown_road"):
        network.travel_times(net, good, good, closed=["no_such_road"])


@pytest.mark.parametrize(
    ("word", "there", "back"),
    [
        *[(word, True, False) for word in (True, 1, 1.0, "1", "yes", "True", "是")],
        *[(word, True, True) for word in (False, 0, "0", "no", "FALSE", "否", "", None, float("nan"))],
        *[(word, False, True) for word in (-1, "-1", "reverse")],
    ],
)
def test_one_way_is_told_in_words_too(word, there, back):
    ends = pts((0, 0), (10, 0))
    net = network.build(make_roads(("a", [(0, 0), (5, 5), (10, 0)], 60.0, word)))
    assert np.isfinite(network.travel_times(net, ends, ends)).tolist() == [[True, there], [back, True]]


@pytest.mark.parametrize("nothing", [None, "roads", [LineString([(0, 0), (1, 0)])], gpd.GeoDataFrame({"road_id": [1]})])
def test_what_is_no_layer_is_refused_by_name(nothing):
    with pytest.raises(InputError, match="not_lines"):
        network.build(nothing)
    net, good = network.build(make_roads(("a", [(0, 0), (10, 0)]))), pts((0, 0))
    points = None if isinstance(nothing, gpd.GeoDataFrame) else nothing
    for ask in (network.travel_times, network.paths, network.isolating):
        for pair in ((points, good), (good, points)):
            with pytest.raises(InputError, match="not_points"):
                ask(net, *pair)
    with pytest.raises(InputError, match="not_points"):
        network.service_area(net, points, minutes=1)
    with pytest.raises(InputError, match="bad_minutes"):
        network.service_area(net, good, minutes=nothing)
    for closed in (None, 7, [["a"]]):
        with pytest.raises(InputError, match="not_ids"):
            network.travel_times(net, good, good, closed=closed)


def test_nothing_handed_in_is_changed():
    roads, points = make_roads(("a", [(0, 0), (10, 0)]), is_bridge=[None]), pts((1, 1), (9, 1))
    before = roads.copy(), points.copy()
    net = network.build(roads)
    network.travel_times(net, points, points, closed=["a"])
    network.isolating(net, points.iloc[:1], points)
    assert roads.equals(before[0]) and points.equals(before[1])


def osm_roads(file, crs):
    """Read driven ways of an extract as they stand: uncut lines that share nodes."""
    import osmium

    kinds = {"motorway", "trunk", "primary", "secondary", "tertiary", "unclassified", "residential", "service"}
    rows = []
    for way in osmium.FileProcessor(str(file)).with_locations().with_filter(osmium.filter.KeyFilter("highway")):
        if isinstance(way, osmium.osm.Way) and way.tags.get("highway") in kinds:
            xy = [(n.lon, n.lat) for n in way.nodes if n.location.valid()]
            if len(xy) > 1:
                rows.append((way.id, LineString(xy), 40.0, way.tags.get("oneway") == "yes", "bridge" in way.tags))
    lines = gpd.GeoSeries([r[1] for r in rows], crs="EPSG:4326").to_crs(crs)
    columns = {
        "road_id": [r[0] for r in rows],
        "kmh": 40.0,
        "oneway": [r[3] for r in rows],
        "is_bridge": [r[4] for r in rows],
    }
    return gpd.GeoDataFrame(columns, geometry=lines)


def test_real_roads_equal_an_independent_search():
    roads = osm_roads(HELSINKI, "EPSG:3067")
    net = network.build(roads)
    rng = np.random.default_rng(7)
    bounds = roads.total_bounds
    points = gpd.GeoSeries(
        gpd.points_from_xy(rng.uniform(*bounds[::2], 12), rng.uniform(*bounds[1::2], 12)), crs=roads.crs
    )
    closed = roads.road_id[roads.is_bridge].tolist()
    for shut in ((), closed):
        times = network.travel_times(net, points.iloc[:4], points.iloc[4:], closed=shut)
        np.testing.assert_allclose(times, reference_times(roads, points.iloc[:4], points.iloc[4:], shut), atol=1e-3)
    assert np.isfinite(times).any()
