"""The synthesiser keeps its promises: exact counts, sums of parts, one network, nobody real, one district per seed."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box

from geo_minzheng import geo
from geo_minzheng.engine import synthesise, synthesise_ground, synthesise_people, synthesise_register
from geo_minzheng.engine.synthesise_osm import complete_district
from geo_minzheng.engine.synthesise_places import OsmFrames

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo"


def _plan(name):
    return tomllib.loads((DEMO / name).read_text(encoding="utf-8"))


def _packs(lots, at=1):
    return {lot[at]: synthesise.ItemPack("件", 12.0 if k % 2 else 2.5) for k, lot in enumerate(lots)}


def _rows(name):
    with (DEMO / "source" / name).open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def demo():
    plan = _plan("plan.toml")
    boundary = json.loads((DEMO / "source" / "boundary_420703.geojson").read_text(encoding="utf-8"))["features"][0]
    towns = [(r["code"], r["name"]) for r in _rows("towns_420703_codes.csv")]
    villages = [(r["code"], r["name"], r["streetCode"]) for r in _rows("villages_420703_codes.csv")]
    return synthesise.demo_district(plan, boundary, towns, villages, _packs(plan["goods"]["stock"]["lot"]))


def _metres(frame):
    return frame.to_crs("EPSG:4547").geometry


def _graph(roads):
    ends = np.array([[g.coords[0], g.coords[-1]] for g in roads.geometry]).reshape(-1, 2)
    nodes, index = np.unique(ends, axis=0, return_inverse=True)
    u, v = index.reshape(-1, 2).T
    _, label = connected_components(csr_matrix((np.ones(len(u)), (u, v)), shape=(len(nodes),) * 2), directed=False)
    return nodes, label


def test_founding_figures_are_exact(demo):
    households, houses, cases = demo["household"], demo["house"], demo["renovation_application"]
    tier = households["assistance_tier"]
    assert (tier == "dibao").sum() == 5190
    assert households.loc[tier == "dibao", "covered_persons"].sum() == 8724
    assert (households["covered_persons"] <= households["household_size"]).all()
    assert (tier == "low_income").sum() == 3300
    adobe = houses["structure_type"] == "adobe"
    assert adobe.sum() == 2600
    assert (adobe & houses["is_sole_residence"]).sum() == 1125
    backlog = cases[cases["is_backlog"]].merge(households, on="household_id")
    assert len(backlog) == 116
    assert set(backlog["assistance_tier"]) == {"dibao"}
    assert set(backlog["self_help_ability"]) == {"none"}
    assert (households["self_help_ability"] == "none").sum() == 116


def test_every_adobe_sole_residence_belongs_to_a_household(demo):
    houses = demo["house"]
    sole = houses[(houses["structure_type"] == "adobe") & houses["is_sole_residence"]]
    assert set(sole["house_id"]) <= set(demo["household"]["house_id"])
    assert not demo["household"]["house_id"].duplicated().any()


def test_persons_of_houses_sum_to_the_village(demo):
    villages = demo["village"].set_index("code")
    assert demo["house"].groupby("village_code")["persons"].sum().to_dict() == villages["resident_population"].to_dict()
    assert 165_000 <= villages["resident_population"].sum() <= 200_000
    assert demo["house"].groupby("village_code")["households"].sum().to_dict() == villages["household_count"].to_dict()
    known = demo["household"].groupby("village_code")[["elderly_60", "children_14", "disabled"]].sum()
    assert (known <= villages.loc[known.index, known.columns]).all().all()


def test_villages_partition_the_district(demo):
    areas, towns, boundary = _metres(demo["village_area"]), _metres(demo["town_area"]), _metres(demo["boundary"])
    assert areas.is_valid.all()
    assert areas.area.sum() == pytest.approx(boundary.area.sum(), rel=1e-5)
    assert towns.area.sum() == pytest.approx(boundary.area.sum(), rel=1e-5)
    left, right = areas.sindex.query(areas, predicate="intersects")
    shared = [areas.iloc[a].intersection(areas.iloc[b]).area for a, b in zip(left, right, strict=True) if a < b]
    assert max(shared) < 60
    assert (areas.geom_type == "Polygon").all()
    assert (towns.geom_type == "Polygon").all()
    assert towns.area.min() > 5e6


def test_points_lie_in_their_village_and_on_dry_ground(demo):
    area = dict(zip(demo["village_area"]["code"], demo["village_area"].geometry, strict=True))
    wet = shapely.union_all(demo["water"].geometry.to_numpy())
    for name in ("house", "site", "warehouse", "welfare_home", "candidate_site"):
        frame = demo[name]
        for code, rows in frame.groupby("village_code"):
            assert shapely.contains_xy(area[code], shapely.get_coordinates(rows.geometry.to_numpy())).all(), (
                name,
                code,
            )
        assert not shapely.contains_xy(wet, shapely.get_coordinates(frame.geometry.to_numpy())).any(), name
    for code, point in zip(demo["village"]["code"], demo["village"].geometry, strict=True):
        assert area[code].contains(point)


def test_roads_are_one_network_that_reaches_every_village(demo):
    roads = demo["road"]
    nodes, label = _graph(roads)
    assert set(label) == {0}
    assert 500 <= len(roads) <= 900
    here = shapely.points(nodes)
    near = gpd.GeoSeries(here, crs=4490).to_crs("EPSG:4547").union_all()
    assert _metres(demo["village"]).distance(near).max() < 500
    assert roads["road_class"].nunique() >= 5
    paired = roads[roads["is_bridge"]].groupby("structure_id")["oneway"]
    assert (paired.size() == 2).any()
    assert paired.all()[paired.size() == 2].all()
    assert not roads.loc[~roads["is_bridge"], "structure_id"].notna().any()


def test_bridges_span_the_drawn_water_and_other_roads_do_not(demo):
    wet = shapely.union_all(demo["water"].geometry.to_numpy())
    crosses = demo["road"].intersects(wet)
    assert (crosses == demo["road"]["is_bridge"]).all()


def test_some_villages_hang_on_one_bridge_and_most_do_not(demo):
    roads = demo["road"]
    villages = shapely.get_coordinates(demo["village"].geometry.to_numpy())
    lost = set()
    for structure in roads["structure_id"].dropna().unique():
        nodes, label = _graph(roads[roads["structure_id"] != structure])
        at = [int(((nodes - v) ** 2).sum(axis=1).argmin()) for v in villages]
        lost |= {k for k, a in enumerate(at) if label[a] != np.bincount(label).argmax()}
    assert 2 <= len(lost) <= 20


def test_the_flood_cuts_villages_off_and_leaves_sites_dry(demo):
    roads, flood = demo["road"], demo["flood"]
    wet = shapely.union_all(flood.geometry.to_numpy())
    touched = shapely.intersects(demo["village_area"].geometry.to_numpy(), wet).sum()
    assert 20 <= touched <= 40
    shapes = _metres(flood)
    assert shapes.area.sum() == pytest.approx(shapes.union_all().area, rel=1e-6)
    deep = shapely.union_all(flood.geometry[flood["depth_m"] > 0.3].to_numpy())
    cut = shapely.intersects(deep, roads.geometry.to_numpy()) & ~roads["is_bridge"].to_numpy()
    nodes, label = _graph(roads[~cut])
    main = np.bincount(label).argmax()
    dry = demo["village"][~shapely.contains(deep, demo["village"].geometry.to_numpy())]
    far = 0
    for x, y in shapely.get_coordinates(dry.geometry.to_numpy()):
        gap = np.hypot(*(nodes - [x, y]).T)
        far += int(gap.min() > 1e-4 or label[gap.argmin()] != main)
    assert far >= 2
    for name in ("site", "warehouse"):
        assert not shapely.contains_xy(wet, shapely.get_coordinates(demo[name].geometry.to_numpy())).any()
    assert shapely.contains(wet, demo["welfare_home"].geometry.to_numpy()).sum() == 1


def test_welfare_homes_and_gates_are_as_the_plan_says(demo):
    homes, cases = demo["welfare_home"].set_index("name"), demo["renovation_application"]
    assert homes["tekun_count"].sum() == homes["resident_count"].sum() == 328
    full = homes[homes["is_admission_closed"]]
    assert {name[:2] for name in full.index} == {"庙岭", "临江", "段店"}
    assert (full["resident_count"] == full["bed_total"]).all()
    defects = demo["facility_defect"]
    assert (defects["hazard_grade"].eq("major") & defects["closed_on"].isna()).sum() >= 2
    adobe = cases[cases["programme"] == "adobe_elimination"].merge(
        demo["house"][["house_id", "is_sole_residence", "safety_grade", "grade_date"]], on="house_id"
    )
    assert (~adobe["kin_declared"]).sum() == 9
    assert adobe["subsidised_before"].sum() == 8
    assert (~adobe["is_sole_residence"]).sum() == 8
    assert adobe["safety_grade"].isna().sum() == 4
    assert sum(d is not None and d.year < 2020 for d in adobe["grade_date"].dropna()) == 7
    assert cases["case_id"].is_unique
    both = cases.groupby("household_id")["programme"].nunique()
    assert (both == 2).sum() == 6


def test_stock_is_whole_packages_and_some_may_not_be_moved(demo):
    packs = _packs(_plan("plan.toml")["goods"]["stock"]["lot"])
    lots = demo["stock_lot"]
    for item, quantity in zip(lots["item"], lots["quantity"], strict=True):
        count = quantity / packs[item].size
        assert count == pytest.approx(round(count))
    assert not lots.duplicated(["warehouse_id", "lot_no"]).any()
    assert {"central", "province", "city", "district", "township", "agreement", "donation"} <= set(lots["owner"])
    assert (lots["received_on"] >= lots["produced_on"]).all()
    assert set(lots["warehouse_id"]) == set(demo["warehouse"]["warehouse_id"])


def test_every_village_has_an_officer_and_no_one_is_real(demo):
    officers, households = demo["officer"], demo["household"]
    assert set(officers.loc[officers["post_role"] == "A", "village_code"]) == set(demo["village"]["code"])
    assert households["id_no"].str.startswith("DEMO-").all()
    assert set(households["id_type"]) == {"demo"}
    for frame, column in ((households, "phone"), (officers, "phone"), (demo["site"], "contact_phone")):
        assert frame[column].str.fullmatch(r"000-\d{7}").all()
    for frame, column in ((households, "head_of_household"), (officers, "name"), (demo["warehouse"], "contact_name")):
        assert frame[column].str[1].eq("示").all()


@given(st.integers(0, 5000), st.lists(st.floats(0.01, 9), min_size=1, max_size=30))
def test_split_whole_sums(total, weights):
    parts = synthesise_people.split_whole(total, np.array(weights))
    assert parts.sum() == total
    assert (parts >= 0).all()
    assert np.abs(parts - total * np.array(weights) / sum(weights)).max() < 1


@given(st.integers(0, 3000), st.integers(0, 99))
def test_family_sizes_sum(persons, seed):
    sizes = synthesise_people.family_sizes(persons, 3.2, synthesise.generator(seed))
    assert sizes.sum() == persons
    assert (sizes >= 1).all()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=40), st.floats(0, 1), st.integers(0, 99))
def test_cover_reaches_the_total_and_never_more_than_the_household(sizes, share, seed):
    size = np.array(sizes)
    total = round(len(size) + share * (size.sum() - len(size)))
    covered = synthesise_register.cover(size, total, synthesise.generator(seed))
    assert covered.sum() == total
    assert ((covered >= 1) & (covered <= size)).all()
    with pytest.raises(ValueError):
        synthesise_register.cover(size, int(size.sum()) + 1, synthesise.generator(seed))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 99), st.integers(1, 99)), min_size=1, max_size=25, unique=True),
    st.sampled_from([0.0, 0.16]),
    st.booleans(),
)
def test_partition_has_no_gap_and_no_overlap(spots, roughness, split):
    outline = MultiPolygon([box(0, 0, 4000, 10000), box(4600, 0, 10000, 10000)]) if split else box(0, 0, 10000, 10000)
    centres = np.array(spots, float) * 100
    centres = centres[shapely.contains_xy(outline, centres)]
    if not len(centres):
        return
    cells = synthesise_ground.partition(centres, outline, synthesise.generator(1), roughness)
    assert len(cells) == len(centres)
    assert sum(c.area for c in cells) == pytest.approx(outline.area, rel=1e-9)
    assert shapely.union_all(cells).area == pytest.approx(outline.area, rel=1e-9)
    if not split:
        assert all(c.buffer(0.01).contains(Point(p)) for c, p in zip(cells, centres, strict=True))


def test_river_along_takes_the_side_named():
    square = box(0, 0, 100, 100)
    short = synthesise_ground.river_along(square, (0, 0), (0, 50), (0, 100))
    long = synthesise_ground.river_along(square, (0, 0), (100, 50), (0, 100))
    assert (short.length, long.length) == (100, 300)


def test_partition_of_one_is_the_whole():
    assert synthesise_ground.partition(np.array([[1.0, 1.0]]), box(0, 0, 9, 9)) == [box(0, 0, 9, 9)]


# --- districts made of extracts -------------------------------------------------------------------------------------

_COLUMNS = {
    "segments": ["road_id", "name", "road_class", "kmh", "oneway", "is_bridge", "structure_id", "limit_t"],
    "boundaries": ["osm_id", "name", "admin_level"],
    "places": ["osm_id", "name", "kind"],
    "buildings": ["osm_id", "name", "kind", "levels", "area_m2"],
    "care_homes": ["osm_id", "name", "kind"],
    "schools": ["osm_id", "name", "kind"],
    "hospitals": ["osm_id", "name", "kind"],
    "water": ["osm_id", "name", "water_kind"],
    "waterways": ["osm_id", "name", "kind"],
}


def _frame(name, rows=(), shapes=()):
    data = pd.DataFrame(list(rows), columns=_COLUMNS[name], dtype=object)
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(list(shapes), crs=geo.STORE_CRS), crs=geo.STORE_CRS)


def _grid(n=9, step=0.004):
    lines = []
    for i in range(n):
        for j in range(n):
            x, y = 9.5 + i * step, 47.1 + j * step
            lines += [LineString([(x, y), (x + step, y)])] if i < n - 1 else []
            lines += [LineString([(x, y), (x, y + step)])] if j < n - 1 else []
    rows = [(f"w{k}", None, "tertiary", None, False, False, None, None) for k in range(len(lines))]
    return _frame("segments", rows, lines)


def _extract(**given_frames):
    frames = {name: _frame(name) for name in _COLUMNS} | {"segments": _grid()} | given_frames
    return OsmFrames(**frames)


def _complete(frames, seed=5):
    plan = _plan("extract.toml")
    return complete_district(frames, plan, _packs(plan["goods"]["stock"]["lot"]), synthesise.generator(seed))


def _check(layers):
    from geo_minzheng.layers import catalogue

    specs = catalogue.load_catalogue(ROOT / "layers")
    assert set(specs) <= set(layers)
    for name, spec in specs.items():
        frame = layers[name]
        needed = {c.name for c in spec.columns if c.required}
        assert needed <= set(frame.columns), name
        assert not frame[list(needed)].isna().any().any(), name
        assert not frame.duplicated([k for k in spec.key if k in frame.columns]).any(), name
        assert set(frame["coord_source"]) <= {"osm", "synthetic"}, name
        for column in spec.columns:
            if column.name in frame.columns and column.type == "enum":
                assert set(frame[column.name].dropna()) <= set(column.values), (name, column.name)
    people = layers["house"].groupby("village_code")["persons"].sum()
    villages = layers["village"].set_index("code")["resident_population"]
    assert people.reindex(villages.index).fillna(0).astype(int).to_dict() == villages.to_dict()
    assert villages.sum() > 0
    outline = layers["boundary"].to_crs("EPSG:3857").area.sum()
    assert layers["village_area"].to_crs("EPSG:3857").area.sum() == pytest.approx(outline, rel=1e-4)
    assert len(layers["flood"])
    wet = shapely.union_all(layers["flood"].geometry.to_numpy())
    assert not shapely.contains_xy(wet, shapely.get_coordinates(layers["warehouse"].geometry.to_numpy())).any()
    assert set(layers["officer"]["village_code"]) == set(layers["village"]["code"])


def test_roads_alone_make_a_district():
    layers = _complete(_extract())
    _check(layers)
    assert set(layers["house"]["coord_source"]) == {"synthetic"}
    assert layers["village"]["name"].str.startswith("第").all()


def test_forty_houses_make_a_district_in_which_nobody_applies():
    """A hamlet has too few houses for a renovation case: an empty list is a list."""
    spots = [(9.5 + k % 8 * 0.002, 47.1 + k // 8 * 0.003) for k in range(40)]
    rows = [(f"b{k}", None, "yes", None, 100.0) for k in range(40)]
    layers = _complete(_extract(segments=_grid(6), buildings=_frame("buildings", rows, [Point(p) for p in spots])))
    _check(layers)
    assert len(layers["house"]) == 40


def test_named_places_municipalities_water_and_buildings_are_kept():
    towns = [box(9.495, 47.095, 9.516, 47.14), box(9.516, 47.095, 9.54, 47.14)]
    boundaries = _frame(
        "boundaries", [("r1", "甲", 8), ("r2", "乙", 8), ("r3", "全区", 6)], [*towns, box(9.495, 47.095, 9.54, 47.14)]
    )
    spots = [(9.504, 47.104), (9.508, 47.12), (9.524, 47.108), (9.528, 47.124)]
    places = _frame("places", [(f"n{k}", f"村{k}", "village") for k in range(4)], [Point(p) for p in spots])
    rng = np.random.default_rng(2)
    homes = np.vstack([np.array(p) + (rng.random((40, 2)) - 0.5) * 0.003 for p in spots])
    buildings = _frame(
        "buildings", [(f"w9{k}", None, "yes", None, 120.0) for k in range(len(homes))], [Point(p) for p in homes]
    )
    river = _frame(
        "water", [("w7", "河", "river")], [Polygon([(9.514, 47.095), (9.515, 47.095), (9.515, 47.14), (9.514, 47.14)])]
    )
    layers = _complete(_extract(boundaries=boundaries, places=places, buildings=buildings, water=river))
    _check(layers)
    assert layers["boundary"]["name"].tolist() == ["全区"]
    assert sorted(layers["town_area"]["name"]) == ["乙", "甲"]
    assert sorted(layers["village"]["name"]) == ["村0", "村1", "村2", "村3"]
    assert layers["village"]["code"].str.fullmatch(r"99\d{10}").all()
    assert (layers["house"]["coord_source"] == "osm").sum() >= 150
    near = shapely.union_all(layers["flood"].geometry.to_numpy()).distance(layers["water"].geometry.iloc[0])
    assert near < 1e-6


def test_codes_from_a_list_win():
    spots = [Point(9.504, 47.104), Point(9.508, 47.12), Point(9.524, 47.108)]
    places = _frame("places", [(f"n{k}", f"村{k}", "village") for k in range(3)], spots)
    frames = _extract(places=places)
    codes = {"村1": "420703100201"}
    layers = _complete(OsmFrames(**{**vars(frames), "codes": codes}))
    assert "420703100201" in set(layers["village"]["code"])


def test_the_helsinki_extract_becomes_a_district():
    from geo_minzheng.layers.osm import read_osm

    found = read_osm(ROOT / "tests" / "fixtures" / "helsinki.osm.pbf")
    layers = _complete(OsmFrames(**{name: getattr(found, name) for name in _COLUMNS}))
    _check(layers)
    assert "Kluuvi" in set(layers["village"]["name"])
    assert set(layers["road"]["coord_source"]) == {"osm"}
    assert (layers["house"]["coord_source"] == "osm").mean() > 0.9


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 10**6))
def test_same_seed_same_district(seed):
    once, again = _complete(_extract(), seed), _complete(_extract(), seed)
    _check(once)
    assert once.keys() == again.keys()
    for name, frame in once.items():
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(again[name]))
