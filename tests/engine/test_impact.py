from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from geo_minzheng.engine import apportion, footprint, impact
from geo_minzheng.errors import InputError
from geo_minzheng.model.impact import DamageShare, DepthShare, ImpactAssumptions, ImpactInputs, Raster
from geo_minzheng.model.incident import Band

CRS = "EPSG:4547"
ASSUMED = ImpactAssumptions(
    displaced=(
        DepthShare(0.0, Band(0.0, 0.1, 0.3)),
        DepthShare(0.5, Band(0.3, 0.5, 0.7)),
        DepthShare(1.5, Band(0.9, 1, 1)),
    ),
    emergency_aid=Band(0.2, 0.5, 0.8),
    collective_share=0.6,
    persons_per_site=100,
    unknown_depth_m=0.6,
    damage=(
        DamageShare("adobe", 0.5, Band(0.2, 0.4, 0.6), Band(0.2, 0.3, 0.4)),
        DamageShare("adobe", 1.5, Band(0.5, 0.7, 1.0), Band(0.1, 0.2, 0.9)),
        DamageShare("", 1.0, Band(0, 0.05, 0.1), Band(0.0, 0.1, 0.2)),
    ),
)
CODES = ["420703100201", "420703100202", "420703101201", "420704001201"]


def frame(geometry, **columns):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


def villages(population=(100, 60, 40, 10), codes=CODES, **more):
    n = len(codes)
    columns = {"code": codes, "name": [f"村{i}" for i in range(n)], "resident_population": list(population)[:n]}
    columns |= {
        "household_count": [max(1, p // 3) for p in list(population)[:n]],
        "elderly_60": [p // 4 for p in list(population)[:n]],
    }
    return frame([Point(i * 100 + 50, 50) for i in range(n)], **(columns | more))


def houses(points, village, persons, **more):
    n = len(points)
    columns = {"house_id": [f"h{i:03}" for i in range(n)], "village_code": village, "persons": persons}
    columns |= {"structure_type": ["adobe"] * n, "safety_grade": ["C"] * n, "room_count": [2] * n}
    return frame([Point(p) for p in points], **(columns | more))


def row(result, code):
    table = result.by_village.set_index("code")
    return table.loc[code].to_dict()


def sums_hold(result):
    for name in impact.COUNTS:
        whole = result.totals[name]
        assert result.by_village[name].dtype.kind == "i"
        assert result.by_village[name].sum() == result.by_town[name].sum() == result.by_district[name].sum() == whole
        by_town = result.by_village.groupby(result.by_village["code"].str[:9])[name].sum()
        assert by_town.to_dict() == result.by_town.set_index("code")[name].to_dict()
        assert (result.by_village[name] >= 0).all()


def test_people_follow_their_houses_and_estimates_their_stated_rule():
    points = [(10, 10), (20, 10), (30, 90)]
    water = frame([box(0, 0, 100, 50)], depth_m=[0.7])
    got = impact.assess(ImpactInputs(villages(), ASSUMED, water, houses=houses(points, CODES[:1] * 3, [4, 3, 3])))
    first = row(got, CODES[0])
    assert (first["method"], first["population"], first["affected_population"]) == ("houses", 100, 70)
    assert (first["displaced_low"], first["displaced_mid"], first["displaced_high"]) == (21, 35, 49)
    assert (first["collective"], first["dispersed"], first["collective_sites"]) == (21, 14, 1)
    assert (first["emergency_aid_low"], first["emergency_aid_mid"], first["emergency_aid_high"]) == (4, 18, 39)
    assert (first["affected_elderly_60"], first["affected_households"]) == (18, 23)
    assert (first["houses"], first["houses_hit"]) == (3, 2)
    assert [first[f"collapsed_households_{b}"] for b in impact.BANDS] == [0, 1, 1]
    assert [first[f"collapsed_rooms_{b}"] for b in impact.BANDS] == [1, 2, 2]
    assert sum(got.household_sizes[CODES[0]]) == 35
    assert sum(got.collective_sizes[CODES[0]]) == 21
    assert got.houses_by_kind.to_dict("records") == [
        {"code": CODES[0], "structure_type": "adobe", "safety_grade": "C", "houses": 2, "persons": 70}
    ]
    assert got.houses["people"].tolist() == [40, 30]
    assert got.area_km2 == pytest.approx(0.005)
    sums_hold(got)


def test_households_stay_together_when_indoor_room_is_short():
    got = impact.assess(ImpactInputs(villages(), ASSUMED, frame([box(0, 0, 100, 100)], depth_m=[2.0])))
    assert got.collective_sizes == {CODES[0]: (4,) * 15}
    outside = impact.outdoor_households(got, {CODES[0]: 9})
    assert outside["household_size"].tolist() == [4] * 13
    assert set(outside["code"]) == {CODES[0]}
    assert impact.outdoor_households(got, {CODES[0]: 60}).empty


def test_villages_without_houses_use_their_area_or_their_point():
    areas = frame([box(0, 0, 100, 100)], code=CODES[:1])
    water = frame([box(0, 0, 50, 100), box(25, 0, 50, 100), box(100, 0, 200, 100)], depth_m=[0.2, 2.0, np.nan])
    got = impact.assess(ImpactInputs(villages(), ASSUMED, water, village_areas=areas))
    assert got.by_village["method"].tolist() == ["area", "point", "point", "point"]
    assert got.by_village["affected_population"].tolist() == [50, 60, 0, 0]
    assert row(got, CODES[0])["displaced_mid"] == 28  # 25 x 0.1 + 25 x 1 = 27.5
    assert row(got, CODES[1])["displaced_mid"] == 30  # depth assumed 0.6 m
    assert got.by_village["flooded_m2"].tolist() == [5000, 0, 0, 0]
    assert got.area_km2 == pytest.approx(0.015)
    assert all(s <= 4 for s in got.household_sizes[CODES[0]])
    sums_hold(got)


def test_overlapping_water_counts_once_and_the_deepest_counts():
    layers = frame([box(0, 0, 100, 100)] * 3, depth_m=[0.1, 1.6, np.nan])
    once = frame([box(0, 0, 100, 100)], depth_m=[1.6])
    homes = houses([(10, 10), (20, 20)], CODES[:1] * 2, [3, 4])
    areas = frame([box(0, 0, 200, 100)], code=CODES[1:2])
    first, second = (
        impact.assess(ImpactInputs(villages(), ASSUMED, w, houses=homes, village_areas=areas)) for w in (layers, once)
    )
    pd.testing.assert_frame_equal(first.by_village, second.by_village)
    assert first.area_km2 == second.area_km2 == pytest.approx(0.01)
    assert footprint.count_duplicates(layers.geometry.to_numpy()) == 2


def test_a_raster_and_the_same_water_as_polygons_agree():
    raster = Raster(np.array([[0.0, 0.7], [2.0, -1.0]]), (50, 0, 0, 0, -50, 100), nodata=-1.0)
    polygons = frame([box(50, 50, 100, 100), box(0, 0, 50, 50)], depth_m=[0.7, 2.0])
    homes = houses([(10, 10), (60, 60), (60, 10), (10, 90)], CODES[:1] * 4, [1, 2, 3, 4])
    areas = frame([box(0, 0, 100, 100)], code=CODES[1:2])
    inputs = ImpactInputs(villages(), ASSUMED, polygons, houses=homes, village_areas=areas)
    drawn, read = impact.assess(inputs), impact.assess(replace(inputs, footprint=None, raster=raster))
    pd.testing.assert_frame_equal(drawn.by_village, read.by_village)
    assert (drawn.area_km2, drawn.polygons, read.polygons) == (pytest.approx(read.area_km2), 2, 0)
    depth = impact.depth_at(
        gpd.GeoSeries([Point(60, 60), Point(10, 90), Point(), Point(60, 10)], index=[5, 6, 7, 8], crs=CRS), raster
    )
    assert depth.index.tolist() == [5, 6, 7, 8]
    assert depth.fillna(-9).tolist() == [0.7, 0.0, -9, -9]


def test_registered_people_homes_roads_and_cut_off_villages():
    register = pd.DataFrame(
        {
            "household_id": ["b", "a", "c", "d"],
            "village_code": [CODES[0], CODES[1], CODES[0], "no_such_village"],
            "house_id": ["h000", "h000", "h001", None],
            "household_size": [3, 2, 5, 4],
            "needs_assistance": [1, 2, 4, 1],
        }
    )
    homes = frame(
        [Point(20, 20), Point(190, 20)],
        home_id=["w1", "w2"],
        name=["甲", "乙"],
        village_code=[CODES[0], CODES[1]],
        resident_count=[50, 70],
        self_care_total_loss=[5, 9],
        self_care_partial_loss=[7, np.nan],
    )
    roads = frame(
        [LineString([(0, 0), (90, 0)]), LineString([(110, 0), (190, 0.4)]), LineString([(0, 0), (0, 9)])],
        road_id=["r1", "r2", "r3"],
    )
    inputs = ImpactInputs(
        villages(),
        ASSUMED,
        frame([box(0, 0, 100, 100)]),
        houses=houses([(10, 10), (150, 10)], CODES[:2], [3, 5]),
        households=register,
        homes=homes,
        roads=roads,
        village_areas=frame([box(0, 0, 100, 100)], code=CODES[:1]),
        closed_roads=["r2", "r1"],
        isolated=[CODES[2], CODES[1]],
    )
    got = impact.assess(inputs)
    first, second = row(got, CODES[0]), row(got, CODES[1])
    assert (first["households_hit"], first["household_persons_hit"], first["household_assisted"]) == (2, 5, 3)
    assert (first["homes_hit"], first["home_residents_hit"], first["home_assisted"], first["assisted_evacuation"]) == (
        1,
        50,
        12,
        15,
    )
    assert (first["cut_roads"], first["cut_road_m"], second["cut_roads"], second["cut_road_m"]) == (1, 90, 1, 80)
    assert row(got, "")["households_unlocated"] == 1
    assert got.isolated == (CODES[1], CODES[2])
    assert got.totals["isolated_people"] == 100
    assert got.households["household_id"].tolist() == ["a", "b"]
    assert got.homes["home_id"].tolist() == ["w1"]
    assert got.roads[["road_id", "length_m", "code"]].to_numpy().tolist() == [
        ["r1", 90, CODES[0]],
        ["r2", 80, CODES[1]],
    ]
    sums_hold(got)


def test_a_footprint_that_misses_everything_is_an_answer():
    for water in (frame([]), frame([box(9000, 9000, 9100, 9100)], depth_m=[3.0])):
        got = impact.assess(ImpactInputs(villages(), ASSUMED, water, houses=houses([(10, 10)], CODES[:1], [3])))
        assert got.totals["affected_population"] == 0
        assert got.household_sizes == {}
        assert len(got.by_village) == 4
        sums_hold(got)


def test_houses_of_unknown_villages_are_not_lost():
    got = impact.assess(
        ImpactInputs(
            villages(), ASSUMED, frame([box(0, 0, 100, 100)]), houses=houses([(10, 10), (20, 20)], ["x", None], [3, 4])
        )
    )
    assert row(got, "")["population"] == row(got, "")["affected_population"] == 7
    assert got.houses_by_kind["code"].tolist() == [""]
    sums_hold(got)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_parts_sum_and_bands_are_ordered_in_any_world(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    codes = [f"4207{rng.integers(3, 5):02}{rng.integers(100, 102)}{200 + i}" for i in range(n)]
    population = rng.integers(0, 400, n).tolist()
    where = villages(
        population,
        sorted(codes),
        non_resident_population=rng.integers(0, 50, n).tolist(),
        disabled=[p // 9 for p in population],
    )
    m = int(rng.integers(0, 40))
    listed = houses(
        rng.uniform(0, 600, (m, 2)),
        rng.choice([*codes, "no_such"], m) if m else [],
        rng.integers(0, 9, m),
        structure_type=rng.choice(["adobe", "brick"], m),
    )
    areas = frame([box(i * 100, 0, i * 100 + 100, 100) for i in range(n)], code=sorted(codes)).iloc[
        : int(rng.integers(0, n + 1))
    ]
    k = int(rng.integers(0, 5))
    corner = rng.uniform(0, 400, (k, 2))
    water = frame([box(x, y, x + 250, y + 250) for x, y in corner], depth_m=rng.choice([0.1, 0.5, 1.2, 3.0, np.nan], k))
    inputs = ImpactInputs(where, ASSUMED, water, village_areas=areas, houses=listed)
    got = impact.assess(inputs)
    sums_hold(got)
    t = got.by_village
    assert (t["displaced_low"] <= t["displaced_mid"]).all() and (t["displaced_mid"] <= t["displaced_high"]).all()
    assert (t["emergency_aid_low"] <= t["emergency_aid_mid"]).all() and (
        t["emergency_aid_mid"] <= t["emergency_aid_high"]
    ).all()
    assert (t["displaced_mid"] + t["emergency_aid_mid"] <= t["affected_population"]).all()
    assert (t["collective"] + t["dispersed"] == t["displaced_mid"]).all()
    assert (t["affected_population"] <= t["population"]).all()
    for band in impact.BANDS:
        assert (t[f"collapsed_households_{band}"] + t[f"severe_households_{band}"] <= t["houses_hit"]).all()
        assert (t[f"collapsed_households_{band}"] <= t[f"collapsed_rooms_{band}"]).all()
    assert {c: sum(s) for c, s in got.household_sizes.items()} == {
        c: d for c, d in zip(t["code"], t["displaced_mid"], strict=True) if d
    }
    assert {c: sum(s) for c, s in got.collective_sizes.items()} == {
        c: d for c, d in zip(t["code"], t["collective"], strict=True) if d
    }
    shuffled = replace(
        inputs,
        houses=listed.sample(frac=1, random_state=1),
        villages=where.sample(frac=1, random_state=2),
        footprint=water.sample(frac=1, random_state=3),
    )
    pd.testing.assert_frame_equal(impact.assess(shuffled).by_village, t)
    assert impact.indicators(got).sum()["evacuated_resettled_now"] == got.totals["displaced_mid"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.lists(st.integers(0, 50), min_size=1, max_size=8)), min_size=1, max_size=5
    )
)
def test_largest_remainder_keeps_the_total_and_stays_within_one(groups):
    totals = np.array([t for t, _ in groups])
    group = np.repeat(np.arange(len(groups)), [len(w) for _, w in groups])
    weights = np.array([w for _, ws in groups for w in ws])
    got = apportion.apportion(totals, group, weights)
    for g, (total, stated) in enumerate(groups):
        ws = stated if sum(stated) else [1] * len(stated)
        part = got[group == g]
        assert part.sum() == total
        assert all(abs(p - total * w / sum(ws)) < 1 for p, w in zip(part, ws, strict=True))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"footprint": None}, "impact.one_footprint"),
        ({"raster": Raster(np.zeros((1, 1)), (1, 0, 0, 0, -1, 0))}, "impact.one_footprint"),
        ({"footprint": frame([box(0, 0, 1, 1)], depth_m=[-0.1])}, "impact.bad_depth"),
        ({"villages": villages(codes=[CODES[0], CODES[0]])}, "impact.duplicate_village"),
        ({"isolated": ["no_such_village"]}, "impact.unknown_village"),
        ({"footprint": frame([box(0, 0, 1, 1)]).set_crs("EPSG:4548", allow_override=True)}, "exposure.crs_differs"),
        ({"assumptions": replace(ASSUMED, displaced=ASSUMED.displaced[1:])}, "impact.bad_assumption"),
        ({"assumptions": replace(ASSUMED, emergency_aid=Band(0.5, 0.4, 0.6))}, "impact.bad_assumption"),
        ({"assumptions": replace(ASSUMED, persons_per_site=0)}, "impact.bad_assumption"),
        (
            {"assumptions": replace(ASSUMED, damage=(DamageShare("", 0, Band(0.6, 0.6, 0.6), Band(0.5, 0.5, 0.5)),))},
            "impact.bad_assumption",
        ),
    ],
)
def test_wrong_inputs_are_refused_by_name(change, key):
    good = ImpactInputs(villages(), ASSUMED, frame([box(0, 0, 100, 100)]))
    with pytest.raises(InputError) as caught:
        impact.assess(replace(good, **change))
    assert caught.value.key == key
    assert shapely.area(good.footprint.geometry.to_numpy()).sum() == 10000
