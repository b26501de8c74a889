import collections
import gzip
from pathlib import Path

import numpy as np
import osmium
import pytest
import shapely

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Limits
from geo_minzheng.layers.osm import read_osm
from geo_minzheng.layers.osm_extract import extract, facility_group, speed_kmh, way_direction

HELSINKI = Path(__file__).resolve().parents[1] / "fixtures" / "helsinki.osm.pbf"


@pytest.fixture(scope="module")
def liechtenstein(shared_data):
    return read_osm(shared_data / "real" / "liechtenstein-2013-08-03.osm.pbf")


@pytest.fixture(scope="module")
def helsinki():
    return read_osm(HELSINKI)


def test_a_whole_district_is_counted_as_known(liechtenstein):
    wanted = {
        "roads": 2753,
        "bridges": 122,
        "villages": 14,
        "buildings": 3722,
        "municipalities": 11,
        "hospitals": 1,
        "schools": 16,
        "care_homes": 0,
    }
    assert {k: liechtenstein.counts[k] for k in wanted} == wanted
    assert len(liechtenstein.buildings) == 3722 + liechtenstein.counts["building_relations"]
    assert liechtenstein.boundaries.geometry.is_valid.all()
    whole = liechtenstein.boundaries[liechtenstein.boundaries["admin_level"] == 2].to_crs(32632).area.iloc[0]
    assert whole / 1e6 == pytest.approx(160.5, rel=0.01)
    assert liechtenstein.roads.crs.to_epsg() == 4490


def test_a_city_without_villages_still_gives_its_quarters(helsinki):
    assert helsinki.counts["villages"] == 0
    assert set(helsinki.places["kind"]) >= {"suburb", "city"}
    assert helsinki.counts["roads"] > 2500
    assert helsinki.counts["incomplete_roads"] > 0
    assert (helsinki.buildings["area_m2"] > 0).all()


@pytest.mark.parametrize("name", ["liechtenstein", "helsinki"])
def test_segments_meet_at_shared_end_points(name, request):
    found = request.getfixturevalue(name)
    usable = found.roads[found.roads["road_class"].notna()]
    assert found.segments["road_id"].is_unique
    assert set(found.segments["osm_id"]) <= set(usable["osm_id"])
    interior, ends = collections.Counter(), set()
    for line in found.segments.geometry:
        points = list(line.coords)
        ends |= {points[0], points[-1]}
        interior.update(set(points[1:-1]))
    # The city has a few distinct nodes at one spot, on stairs and lifts: they are not one junction.
    assert len(ends & set(interior)) <= (0 if name == "liechtenstein" else 0.01 * len(ends))
    total = shapely.length(found.segments.geometry.to_numpy()).sum()
    kept = usable[usable["osm_id"].isin(set(found.segments["osm_id"]))]
    assert total == pytest.approx(shapely.length(kept.geometry.to_numpy()).sum())


def test_bridges_carry_a_structure(liechtenstein):
    bridges = liechtenstein.segments[liechtenstein.segments["is_bridge"]]
    assert bridges["structure_id"].notna().all()
    assert (bridges["layer"] >= 0).mean() > 0.9


@pytest.mark.parametrize(("suffix", "packed"), [(".osm", False), (".osm.gz", True)])
def test_the_same_extract_as_xml_gives_the_same(tmp_path, helsinki, suffix, packed):
    plain = tmp_path / "h.osm"
    with osmium.SimpleWriter(str(plain)) as writer:
        for thing in osmium.FileProcessor(str(HELSINKI)):
            writer.add(thing)
    path = plain
    if packed:
        path = tmp_path / "h.osm.gz"
        path.write_bytes(gzip.compress(plain.read_bytes(), 1))
    assert read_osm(path).counts == helsinki.counts


def test_empty_incomplete_and_broken_extracts_are_refused(tmp_path, sentences):
    head = '<?xml version="1.0"?><osm version="0.6">'
    way = "<way id='{i}' version='1'><nd ref='1'/><nd ref='2'/><tag k='highway' v='residential'/></way>"
    cases = {
        "empty.osm": (head + "</osm>", "osm_empty"),
        "nodes.osm": (head + "<node id='1' version='1' lat='1' lon='1'/></osm>", "osm_empty"),
        "lost.osm": (head + "".join(way.format(i=i) for i in range(1, 9)) + "</osm>", "osm_incomplete"),
        "cut.osm": (head + "<node id='1' lat='1'", "file_broken"),
        "dtd.osm": ('<?xml version="1.0"?><!DOCTYPE o [<!ENTITY a "b">]><osm version="0.6"/>', "xml_dtd"),
        "page.osm": ("<html></html>", "content_mismatch"),
    }
    for name, (text, code) in cases.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(InputError) as found:
            read_osm(tmp_path / name)
        assert found.value.key == f"layers.{code}", name
        for words in sentences.values():
            assert name in words["error"]["layers"][code].format(**found.value.facts)
    data = HELSINKI.read_bytes()
    for name, part in (
        ("cut.osm.pbf", data[: len(data) // 2]),
        ("flip.osm.pbf", data[:9000] + bytes(500) + data[9500:]),
    ):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(InputError, match="file_broken"):
            read_osm(tmp_path / name)


def test_extraction_runs_in_this_process_too(tmp_path):
    found = extract(HELSINKI, tmp_path, Limits())
    assert found["counts"]["highway_ways"] == 2650


def test_tags_are_read_as_the_map_makers_mean_them():
    assert speed_kmh("50") == 50
    assert speed_kmh("30 mph") == 48.3
    assert speed_kmh("none") is speed_kmh(None) is speed_kmh("CH:urban") is None
    assert way_direction({"oneway": "-1"}) == (True, True)
    assert way_direction({"junction": "roundabout"}) == (True, False)
    assert way_direction({"oneway": "no", "highway": "motorway"}) == (False, False)
    assert facility_group({"amenity": "social_facility", "social_facility": "nursing_home"}) == (
        "care_home",
        "nursing_home",
    )
    assert facility_group({"amenity": "social_facility", "social_facility": "food_bank"}) == ("", "")
    assert facility_group({"healthcare": "hospital"}) == ("hospital", "hospital")


def test_a_house_drawn_twice_is_one_facility(tmp_path):
    nodes = "".join(
        f"<node id='{i}' version='1' lat='{a}' lon='{b}'/>"
        for i, a, b in [(1, 1, 1), (2, 1, 1.001), (3, 1.001, 1.001), (4, 1.001, 1)]
    )
    text = (
        '<?xml version="1.0"?><osm version="0.6">' + nodes
        + "<node id='5' version='1' lat='1.0005' lon='1.0005'><tag k='amenity' v='nursing_home'/><tag k='name' v='A'/></node>"  # noqa: E501
        + "<way id='1' version='1'><nd ref='1'/><nd ref='2'/><nd ref='3'/><nd ref='4'/><nd ref='1'/><tag k='building' v='yes'/>"  # noqa: E501
        "<tag k='amenity' v='nursing_home'/><tag k='name' v='A'/></way>"
        "<way id='2' version='1'><nd ref='1'/><nd ref='3'/><tag k='highway' v='primary'/><tag k='oneway' v='-1'/></way></osm>"  # noqa: E501
    )  # fmt: skip
    path = tmp_path / "t.osm"
    path.write_text(text, encoding="utf-8")
    found = read_osm(path)
    assert found.counts["care_homes"] == 1
    assert found.counts["buildings"] == 1
    assert np.allclose(found.roads.geometry[0].coords[0], (1.001, 1.001))
