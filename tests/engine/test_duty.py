"""The duty desk's arithmetic: clocks, numbers, coverage worst first, the plan beside its rival."""

from datetime import UTC, date, datetime, timedelta

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_minzheng.engine import documents, duty, map_layers
from geo_minzheng.model.relief import Package, StockLot

TODAY = date(2026, 7, 3)
ITEMS, VILLAGES = ("water", "rice", "quilt"), ("v1", "v2", "v3", "v4")


def lot(name="L1", *, item="water", quantity=10.0, movable=10.0, expiry=None, condition="usable", store="W1"):
    return StockLot(store, item, name, quantity, 0.0, movable, expiry, condition=condition)


@st.composite
def plans(draw):
    """Draw coverage and deliveries that agree with each other."""
    coverage, lines = [], []
    for village in VILLAGES:
        for item in draw(st.sets(st.sampled_from(ITEMS))):
            first, rest = draw(st.integers(0, 9)), draw(st.integers(0, 9))
            got = draw(st.integers(0, first + rest))
            layers = [
                {"layer": "survival", "need_packed": float(first), "got": float(min(got, first))},
                {"layer": "sustain", "need_packed": float(rest), "got": float(max(got - first, 0))},
            ]
            need = float(first + rest)
            coverage.append(
                {"village": village, "item": item, "need_packed": need, "got": float(got), "layers": layers,
                 "rate": got / need if need else None}
            )  # fmt: skip
            if got:
                minutes = float(draw(st.integers(1, 99)))
                lines.append(
                    {"village": village, "item": item, "warehouse": "W1", "quantity": got, "arrive_min": minutes}
                )
    return coverage, lines


@given(plans())
def test_villages_stand_worst_first_and_none_is_lost(plan):
    coverage, lines = plan
    rows = duty.cover_by_village(coverage, lines)
    assert {r["village"] for r in rows} == {c["village"] for c in coverage if c["rate"] is not None}
    served = [r for r in rows if r["arrive_min"] is not None]
    assert rows[len(rows) - len(served) :] == served
    keys = [(100 if r["first_night"] is None else r["first_night"], r["mean"]) for r in served]
    assert keys == sorted(keys)
    for row in rows:
        own = [c for c in coverage if c["village"] == row["village"] and c["rate"] is not None]
        assert set(row["short_items"]) == {c["item"] for c in own if c["got"] < c["need_packed"]}
        assert (row["mean"] == 100) == (not row["short_items"])


@given(plans())
def test_a_plan_beside_itself_is_no_better(plan):
    coverage, _ = plan
    for row in duty.beside_rival(coverage, coverage):
        assert all(row[name] == row[f"rival_{name}"] for name in ("worst", "mean", "none"))


@given(st.floats(0, 1))
def test_only_what_is_full_reads_a_hundred(share):
    assert (duty.percent(share) == 100) == (share >= 1 - 1e-11)
    assert duty.percent(None) is None


def test_plan_numbers_weigh_the_load():
    coverage = [{"village": "v1", "item": "water", "need_packed": 20.0, "got": 10.0, "rate": 0.5,
                 "layers": [{"layer": "survival", "need_packed": 10.0, "got": 10.0}]}]  # fmt: skip
    lines = [{"village": "v1", "item": "water", "warehouse": "W1", "quantity": 10.0, "arrive_min": 5.0}]
    document = {"coverage": coverage, "lines": lines, "packages": [{"item": "water", "size": 5.0, "kg": 250.0}]}
    assert duty.plan_numbers(document) == {"villages": 1, "served": 1, "first_night": 100, "tons": 0.5, "lines": 1}


@given(st.lists(st.tuples(st.integers(-400, 400), st.integers(0, 5)), max_size=8), st.integers(0, 200))
def test_expiring_goods_are_those_within_the_days(cells, days):
    lots = [lot(f"L{k}", quantity=float(q), expiry=TODAY + timedelta(days=d)) for k, (d, q) in enumerate(cells)]
    found = duty.expiring(lots, TODAY, days)
    assert {x.lot_no for x in found} == {f"L{k}" for k, (d, q) in enumerate(cells) if d <= days and q > 0}
    assert [x.expiry_on for x in found] == sorted(x.expiry_on for x in found)


def test_goods_without_a_date_or_not_usable_never_expire():
    assert duty.expiring([lot(), lot("L2", expiry=TODAY, condition="scrap")], TODAY, 90) == []


def test_district_numbers_count_covered_persons_apart_from_households():
    villages = pd.DataFrame({"code": ["420703100001", "420703100002", "420703101001"],
                             "resident_population": [10, None, 5]})  # fmt: skip
    households = pd.DataFrame({"assistance_tier": ["dibao", "low_income", "dibao"], "covered_persons": [2, 0, 1]})
    lots = [lot(movable=26.4), lot("L2", item="no_such_item", store="W2")]
    packages = {"water": Package("water", 13.2, "升", 13.8)}
    numbers = duty.district_numbers(villages, households, lots, packages)
    assert numbers == {"people": 15, "villages": 3, "towns": 2, "dibao_households": 2, "dibao_persons": 3,
                       "movable_t": 0.0, "warehouses": 2}  # fmt: skip


def test_a_clock_runs_below_zero():
    now = datetime(2026, 7, 3, 22, 0, tzinfo=UTC)
    assert duty.minutes_until(now + timedelta(hours=1, minutes=20), now) == 80
    assert duty.minutes_until(now - timedelta(minutes=5), now) == -5


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 9), st.integers(0, 9)), max_size=8))
def test_houses_by_kind_sum_to_all(cells):
    rows = [{"structure_type": "adobe", "safety_grade": g, "houses": h, "persons": p} for g, h, p in cells]
    found = duty.houses_by_kind(rows)
    assert sum(r["houses"] for r in found) == sum(h for _, h, _ in cells)
    assert sum(r["persons"] for r in found) == sum(p for _, _, p in cells)
    assert len(found) == len({g for g, _, _ in cells})


def test_arrivals_name_stores_and_the_last_lorry():
    lines = [
        {"village": "v1", "item": "water", "warehouse": "W2", "arrive_min": 9.0},
        {"village": "v1", "item": "water", "warehouse": "W1", "arrive_min": 4.0},
        {"village": "v2", "item": "water", "warehouse": "W3", "arrive_min": 1.0},
    ]
    assert duty.arrivals(lines, "v1") == {"water": (("W1", "W2"), 9.0)}


def test_differences_put_the_largest_loss_first():
    changes = [{"village": "v", "item": "i", "warehouse": "w", "before": b, "after": a} for b, a in ((1, 5), (9, 2))]
    assert [c["change"] for c in duty.with_change(changes)] == [-7, 4]


def test_a_plans_lots_come_back_as_the_plan_saw_them():
    stock = [{"warehouse": "W1", "item": "water", "batch": "L1", "expiry": "2026-09-01", "quantity": 10.0,
              "movable": 8.0, "reserved": 1.0, "owner": "district", "releasing_authority": "区"}]  # fmt: skip
    (found,) = documents.lots_of(stock)
    assert (found.movable, found.reserved, found.expiry_on) == (8.0, 1.0, date(2026, 9, 1))


@pytest.mark.parametrize(
    ("lon", "found"), [(114.0, "a"), (114.0009, "b"), (114.00044, "a"), (114.5, "")], ids=["on", "other", "near", "far"]
)
def test_the_nearest_road_to_a_click(lon, found):
    lines = [shapely.LineString([(x, 30.0), (x, 30.1)]) for x in (114.0, 114.0009)]
    roads = gpd.GeoDataFrame({"road_id": ["a", "b"]}, geometry=lines, crs="EPSG:4490").to_crs("EPSG:4547")
    assert map_layers.nearest(roads, "road_id", lon, 30.05, within_m=250) == found
    assert map_layers.nearest(roads.iloc[:0], "road_id", lon, 30.05, within_m=250) == ""
