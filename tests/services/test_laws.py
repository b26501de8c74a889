"""Laws of the glue between engine and services: nothing is created, nothing is lost, nothing is promised twice."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, timedelta

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from geo_minzheng.engine import dispatch, evacuate, extent, fairness, network, road_layer, routes, stock, water_parts
from geo_minzheng.model.relief import Package, StockLot

TODAY = date(2026, 7, 3)
SIZES = {"rice": 25.0, "water": 13.2, "tent": 1.0}
PACKS = {item: Package(item, size, "件", 1.0) for item, size in SIZES.items()}

lots = st.lists(
    st.builds(
        lambda w, item, n, loose, reserved, expiry, owner, condition, k: StockLot(
            w, item, f"L{k}", round(n * SIZES[item] + loose, 3), round(min(reserved, n) * SIZES[item], 3), 0.0,
            None if expiry is None else TODAY + timedelta(days=expiry), owner, "", condition,
        ),
        st.sampled_from(["A", "B"]), st.sampled_from(sorted(SIZES)), st.integers(0, 40), st.sampled_from([0.0, 0.5]),
        st.integers(0, 40), st.one_of(st.none(), st.integers(-5, 400)), st.sampled_from(["district", "central"]),
        st.sampled_from(["usable", "scrap"]), st.integers(0, 10**6),
    ),
    max_size=12,
)  # fmt: skip
rule = st.builds(
    lambda share, days: stock.MovableRule(("district",), share, {"rice": days}),
    st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]), st.sampled_from([0, 60]),
)  # fmt: skip


@given(lots, rule)
def test_what_may_move_is_whole_ours_lasting_and_leaves_the_reserve(found, rule):
    told = stock.movable(found, PACKS, rule, today=TODAY)
    assert [(t.warehouse, t.item, t.lot_no, t.quantity, t.reserved) for t in told] == [
        (t.warehouse, t.item, t.lot_no, t.quantity, t.reserved) for t in found
    ]
    there: dict[tuple[str, str], int] = defaultdict(int)
    stays: dict[tuple[str, str], float] = defaultdict(float)
    for lot in told:
        size = SIZES[lot.item]
        packages = lot.movable / size
        assert math.isclose(packages, round(packages), abs_tol=1e-3) and packages >= 0
        assert lot.movable <= lot.quantity - lot.reserved + 1e-3
        lasts = lot.expiry_on is None or lot.expiry_on >= TODAY + timedelta(days=rule.min_shelf_days.get(lot.item, 0))
        is_ours = lot.owner == "district" and lot.condition == "usable" and lasts
        if not is_ours:
            assert lot.movable == 0
            continue
        key = (lot.warehouse, lot.item)
        there[key] += math.floor(round(lot.quantity / size, 9))
        stays[key] += (lot.quantity - lot.reserved - lot.movable) / size
    for key, count in there.items():
        free = sum(
            math.floor(round((x.quantity - x.reserved) / SIZES[x.item], 9))
            for x in told
            if (x.warehouse, x.item) == key and x.owner == "district" and x.condition == "usable"
            and (x.expiry_on is None or x.expiry_on >= TODAY + timedelta(days=rule.min_shelf_days.get(x.item, 0)))
        )  # fmt: skip
        assert stays[key] >= min(free, math.ceil(round(count * rule.reserve_share, 9))) - 1e-3


@given(lots, rule)
def test_the_reserve_is_kept_from_what_expires_last(found, rule):
    told = stock.movable(found, PACKS, rule, today=TODAY)
    groups: dict[tuple[str, str], list[StockLot]] = defaultdict(list)
    for lot in told:
        if lot.movable or (lot.owner == "district" and lot.condition == "usable" and lot.quantity > lot.reserved):
            groups[lot.warehouse, lot.item].append(lot)
    for members in groups.values():
        moving = [x.expiry_on or date.max for x in members if x.movable]
        whole = [
            x.expiry_on or date.max
            for x in members
            if math.floor(round((x.quantity - x.reserved) / SIZES[x.item], 9)) > round(x.movable / SIZES[x.item])
            and (x.expiry_on is None or x.expiry_on >= TODAY + timedelta(days=rule.min_shelf_days.get(x.item, 0)))
        ]
        if moving and whole:
            assert min(whole) >= max(moving) or min(whole) in moving


def test_a_second_plan_does_not_eat_the_reserve():
    rule = stock.MovableRule(("district",), 0.2, {})
    (first,) = stock.movable([StockLot("A", "tent", "L", 100, 0, 0)], PACKS, rule, today=TODAY)
    (second,) = stock.movable([StockLot("A", "tent", "L", 100, first.movable, 0)], PACKS, rule, today=TODAY)
    assert (first.movable, second.movable) == (80, 0)


plan_lines = st.lists(
    st.fixed_dictionaries(
        {
            "warehouse": st.sampled_from("AB"), "receiver": st.sampled_from("RS"),
            "item": st.sampled_from(["rice", "tent"]),
            "village": st.sampled_from(["v1", "v2", "v3"]), "batch": st.sampled_from(["b1", "b2"]),
            "quantity": st.integers(1, 50).map(float), "unit": st.just("件"),
        }
    ),
    max_size=25,
)  # fmt: skip


def _coverage(lines, extra):
    got = defaultdict(float)
    for x in lines:
        got[x["village"], x["item"]] += x["quantity"]
    return [{"village": v, "item": i, "got": g, "need_packed": g + extra} for (v, i), g in sorted(got.items())]


@given(plan_lines, st.integers(0, 30))
def test_orders_hold_the_plan_and_nothing_else(lines, extra):
    coverage = _coverage(lines, extra)
    orders = dispatch.group_orders(lines, coverage)
    planned, ordered = defaultdict(float), defaultdict(float)
    for x in lines:
        planned[x["warehouse"], x["receiver"], x["item"], x["batch"], x["village"]] += x["quantity"]
    for order in orders:
        for line in order.lines:
            assert line.approved == sum(line.villages.values())
            for village, quantity in line.villages.items():
                ordered[order.warehouse, order.receiver, line.item, line.lot_no, village] += quantity
    assert planned == ordered
    assert len({(o.warehouse, o.receiver) for o in orders}) == len(orders)
    assessed = sum(line.assessed for o in orders for line in o.lines)
    assert assessed == pytest.approx(sum(c["need_packed"] for c in coverage))


@given(
    plan_lines,
    st.dictionaries(st.tuples(st.sampled_from("RS"), st.sampled_from(["rice", "tent"])), st.integers(1, 500)),
)
def test_requests_are_shared_out_once(lines, asked):
    orders = dispatch.group_orders(lines, _coverage(lines, 0))
    shared = dispatch.share_requests(orders, asked)
    sums = defaultdict(float)
    for (_, receiver, item, _), quantity in shared.items():
        assert quantity >= 0
        sums[receiver, item] += quantity
    served = {(o.receiver, line.item) for o in orders for line in o.lines}
    assert dict(sums) == {key: pytest.approx(asked[key]) for key in served & set(asked)}


@given(
    st.lists(
        st.tuples(st.sampled_from(["rice", "tent"]), st.dictionaries(st.sampled_from(["v1", "v2"]), st.integers(1, 9)),
                  st.one_of(st.none(), st.floats(0, 1))), max_size=8
    )
)  # fmt: skip
def test_goods_promised_are_on_the_way_or_there(rows):
    told = [
        dispatch.Promise(item, villages, float(sum(villages.values())),
                         None if share is None else share * sum(villages.values()))
        for item, villages, share in rows
    ]  # fmt: skip
    here, coming = dispatch.promised(told)
    assert coming["quantity"].sum() == pytest.approx(sum(p.approved for p in told if p.there is None), abs=0.01)
    assert here["quantity"].sum() == pytest.approx(sum(p.there for p in told if p.there is not None), abs=0.01)


households = st.dictionaries(
    st.sampled_from(["420703100001", "420703100002", "420703101001"]), st.lists(st.integers(1, 8), max_size=6)
)


@given(households, st.dictionaries(st.sampled_from(["420703100", "420703101"]), st.integers(0, 25)))
def test_a_household_sleeps_inside_or_outside_never_split(people, room):
    outdoors = evacuate.outdoor_households(people, room)
    inside: dict[str, int] = defaultdict(int)
    for code, sizes in people.items():
        left = list(sizes)
        for size in outdoors.get(code, []):
            left.remove(size)
        inside[code[:9]] += sum(left)
    assert all(seats <= room.get(town, 0) for town, seats in inside.items())
    for code, sizes in outdoors.items():
        spare = room.get(code[:9], 0) - inside[code[:9]]
        assert all(size > spare for size in sizes), "who would fit is not left outside"


counts = st.integers(0, 500)


@given(st.lists(st.tuples(counts, counts, counts, st.booleans()), min_size=1, max_size=8), st.booleans())
def test_weights_grow_with_the_weak_the_cut_off_and_the_cold(rows, cold):
    table = pd.DataFrame(
        {"code": [f"v{k}" for k in range(len(rows))], "resident_population": [r[0] for r in rows],
         "elderly_60": [r[1] for r in rows], "children_14": [r[2] for r in rows]}
    )  # fmt: skip
    cut = [f"v{k}" for k, r in enumerate(rows) if r[3]]
    rates = fairness.Rates(0.5, 0.25, 0.25)
    told = fairness.weights(table, isolated=cut, is_cold=cold, rates=rates)
    for k, (people, old, young, is_cut) in enumerate(rows):
        share = min(1.0, (old + young) / people) if people else 0.0
        assert told[f"v{k}"] == pytest.approx(1 + 0.5 * share + 0.25 * is_cut + 0.25 * cold, abs=6e-4)


CRS = "EPSG:4547"


def _grid(n: int) -> gpd.GeoDataFrame:
    edges = [((x, y), (x + 1, y)) for x in range(n - 1) for y in range(n)]
    edges += [((x, y), (x, y + 1)) for x in range(n) for y in range(n - 1)]
    shapes = [LineString([(500_000 + 1000 * a, 3_300_000 + 1000 * b) for a, b in edge]) for edge in edges]
    return gpd.GeoDataFrame(
        {"road_id": [f"R{k}" for k in range(len(edges))], "kmh": 30.0 + np.arange(len(edges)) % 5 * 10, "oneway": False,
         "is_bridge": False, "structure_id": None},
        geometry=shapes, crs=CRS,
    )  # fmt: skip


def _points(cells, **columns) -> gpd.GeoDataFrame:
    shapes = [Point(500_000 + 1000 * x + 10, 3_300_000 + 1000 * y) for x, y in cells]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


ROADS = _grid(4)
NETWORK = network.build(ROADS)
VILLAGES = _points(
    [(0, 3), (3, 3), (3, 0), (1, 2)], code=["420703100001", "420703100002", "420703101001", "420703101002"]
)
STORES = _points([(0, 0), (2, 1)], warehouse_id=["A", "B"])
RECEIVERS = _points([(0, 2), (3, 2)], site_id=["R1", "R2"], village_code=["420703100001", "420703101001"])


def _find(closed=(), wet=()):
    return routes.find_routes(NETWORK, STORES, RECEIVERS, VILLAGES, closed=closed, wet=wet)


@settings(max_examples=40)
@given(
    st.sets(st.sampled_from(ROADS["road_id"].tolist()), max_size=8),
    st.sets(st.sampled_from(ROADS["road_id"].tolist()), max_size=4),
)
def test_closing_roads_never_shortens_a_way_over_the_own_town(closed, more):
    before, after = _find(sorted(closed)), _find(sorted(closed | more))
    own = {"420703100": "R1", "420703101": "R2"}
    for w in range(len(before.warehouses)):
        for v, village in enumerate(before.villages):
            both_own = before.receiver[w, v] == after.receiver[w, v] == own[village[:9]]
            if both_own:
                assert after.minutes[w, v] >= before.minutes[w, v] - 0.011
            if np.isinf(before.minutes[w, v]):
                assert np.isinf(after.minutes[w, v]) or after.receiver[w, v]
    assert ((after.receiver == "") == np.isinf(after.minutes)).all()


@settings(max_examples=40)
@given(st.sets(st.sampled_from(ROADS["road_id"].tolist()), max_size=20))
def test_a_way_is_there_exactly_where_store_receiver_and_village_hang_together(closed):
    found = _find(sorted(closed))
    to = network.travel_times(NETWORK, STORES.geometry, RECEIVERS.geometry, closed=sorted(closed))
    on = network.travel_times(NETWORK, RECEIVERS.geometry, VILLAGES.geometry, closed=sorted(closed))
    least = (to[:, :, None] + on[None]).min(axis=1)
    assert (np.isfinite(found.minutes) == np.isfinite(least)).all()
    assert (found.minutes >= least - 0.011).all()


def test_a_wet_village_is_met_at_a_dry_receiver_of_its_own_town():
    dry, wet = _find(), _find(wet=["420703100002"])
    k = dry.villages.index("420703100002")
    to = network.travel_times(NETWORK, STORES.geometry, RECEIVERS.geometry)
    assert wet.receiver[0, k] == "R1" and wet.minutes[0, k] == pytest.approx(round(float(to[0, 0]), 2))
    others = [j for j in range(4) if j != k]
    assert (wet.minutes[:, others] == dry.minutes[:, others]).all()


def test_without_receivers_or_stores_nothing_is_reached():
    none = routes.find_routes(NETWORK, STORES, RECEIVERS.iloc[:0], VILLAGES)
    assert np.isinf(none.minutes).all() and (none.receiver == "").all()
    assert routes.find_routes(NETWORK, STORES.iloc[:0], RECEIVERS, VILLAGES).minutes.shape == (0, 4)


def test_water_is_measured_once_and_keeps_its_depth():
    shapes = [box(0, 0, 1000, 1000), box(500, 0, 1500, 1000), box(0, 0, 1000, 1000)]
    frame = gpd.GeoDataFrame({"depth_m": [1.0, np.nan, 0.5]}, geometry=shapes, crs=CRS)
    assert water_parts.covered_km2(frame) == pytest.approx(1.5)
    assert [d for _, d in water_parts.parts(frame)] == [1.0, None, 0.5]
    assert water_parts.covered_km2(frame.iloc[:0]) == 0.0
    back = water_parts.as_frame([s for s, _ in water_parts.parts(frame)], [d for _, d in water_parts.parts(frame)])
    assert back["depth_m"].isna().tolist() == [False, True, False]
    assert len(routes.dry(VILLAGES, frame.iloc[:0])) == len(VILLAGES) == len(routes.dry(VILLAGES, None))


def test_a_drawn_area_counts_and_a_drawn_line_does_not():
    bow = {"type": "Feature", "properties": {}, "geometry": {
        "type": "Polygon",
        "coordinates": [[[114, 30], [114.1, 30.1], [114.1, 30], [114, 30.1], [114, 30]]]}}  # fmt: skip
    line = {
        "type": "Feature",
        "properties": {},
        "geometry": {"type": "LineString", "coordinates": [[114, 30], [115, 30]]},
    }
    found = water_parts.from_geojson({"type": "FeatureCollection", "features": [bow, line]})
    assert len(found) == 1 and found.geometry.is_valid.all()
    assert len(water_parts.from_geojson({"type": "FeatureCollection", "features": [line]})) == 0


def test_the_extent_of_nothing_is_nothing_and_of_a_district_its_zone():
    frame = gpd.GeoDataFrame(geometry=[box(114.5, 30.2, 115.0, 30.6)], crs="EPSG:4490")
    found = extent.extent_of(frame)
    assert found is not None and found["metres"] == "EPSG:4547"
    west, south, east, north = found["box"]
    assert west < 114.5 - 0.18 and east > 115 + 0.18 and south < 30.2 - 0.17 and north > 30.6 + 0.17
    assert extent.extent_of(frame.iloc[:0]) is None


def test_roads_too_weak_are_those_below_the_laden_weight():
    roads = ROADS.assign(limit_t=np.where(np.arange(len(ROADS)) % 2, 5.0, np.nan))
    weak = road_layer.too_weak(roads, 7.5)
    assert weak == roads["road_id"][1::2].tolist() and road_layer.too_weak(roads, 5.0) == []
    assert road_layer.known_roads(roads, ["R3", "nothing", "R1"]) == ["R1", "R3"]
