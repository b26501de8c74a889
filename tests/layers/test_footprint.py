import contextlib
import json

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import mapping

from geo_minzheng.errors import InputError, ManyInputError
from geo_minzheng.geo import metres_crs
from geo_minzheng.layers import geometry
from geo_minzheng.layers.footprint import read_footprint
from geo_minzheng.layers.options import ReadOptions

METRES = metres_crs(114.7, 30.45)
BOX = (114.3, 30.1, 115.1, 30.9)
BOW = {"type": "Polygon", "coordinates": [[[114.7, 30.4], [114.8, 30.5], [114.8, 30.4], [114.7, 30.5], [114.7, 30.4]]]}


def write(path, *shapes, properties=None):
    features = [
        {
            "type": "Feature",
            "properties": (properties or [{}] * len(shapes))[i],
            "geometry": s if isinstance(s, dict) else mapping(s),
        }
        for i, s in enumerate(shapes)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def test_the_same_water_counts_once(tmp_path):
    square = shapely.box(114.7, 30.4, 114.8, 30.5)
    turned = shapely.Polygon(list(square.exterior.coords)[2:-1] + list(square.exterior.coords)[:3])
    half = shapely.box(114.75, 30.4, 114.85, 30.5)
    once = read_footprint(write(tmp_path / "one.geojson", square), ReadOptions(box=BOX))
    both = read_footprint(write(tmp_path / "two.geojson", square, turned, square.reverse()), ReadOptions(box=BOX))
    assert both.stats == {"polygons": 3, "duplicates": 2, "repaired": 0}
    assert both.area_km2(METRES) == pytest.approx(once.area_km2(METRES))
    over = read_footprint(write(tmp_path / "over.geojson", square, half), ReadOptions(box=BOX))
    assert over.stats == {"polygons": 2, "duplicates": 0, "repaired": 0}
    assert over.area_km2(METRES) == pytest.approx(once.area_km2(METRES) * 1.5, rel=1e-3)
    assert once.area_km2(METRES) == pytest.approx(11.083 * 9.599, rel=2e-3)


def test_invalid_water_is_mended_and_told(tmp_path):
    found = read_footprint(
        write(tmp_path / "bow.geojson", BOW, properties=[{"水深": 1.5, "等级": "高"}]), ReadOptions(box=BOX)
    )
    assert found.stats == {"polygons": 1, "duplicates": 0, "repaired": 1}
    fault = found.faults[0]
    assert fault.code == "geometry_repaired"
    assert fault.facts["reason"] == "Self-intersection"
    assert (fault.facts["lon"], fault.facts["lat"]) == (114.75, 30.45)
    assert fault.facts["area_after_km2"] == pytest.approx(found.area_km2(METRES), rel=1e-3)
    assert list(found.frame["depth_m"]) == [1.5]
    assert list(found.frame["grade"]) == ["high"]


def test_water_elsewhere_or_without_shape_is_refused(tmp_path, sentences):
    path = write(tmp_path / "far.geojson", shapely.box(10, 10, 11, 11), shapely.Point(114.7, 30.4))
    with pytest.raises(ManyInputError) as found:
        read_footprint(path, ReadOptions(box=BOX))
    assert [f.key for f in found.value.faults] == ["layers.outside_district", "layers.geometry_not_area"]
    for fault in (found.value, *found.value.faults):
        for text in sentences.values():
            assert text["error"]["layers"][fault.key.partition(".")[2]].format(**fault.facts)
    with pytest.raises(InputError, match="no_rows"):
        read_footprint(write(tmp_path / "none.geojson"), ReadOptions(box=BOX))


RINGS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=8)


@given(RINGS)
@settings(max_examples=150, deadline=None)
def test_mending_gives_valid_areas_whose_change_is_told(points):
    shape = shapely.MultiPolygon([shapely.Polygon([(114.5 + x / 100, 30.4 + y / 100) for x, y in points])])
    flaw = geometry.find_flaw(shape, METRES)
    if flaw is None:
        assert shape.is_valid
        return
    assert flaw.mended.is_valid
    assert flaw.mended.geom_type == "MultiPolygon"
    assert flaw.reason
    assert flaw.area_after_m2 == pytest.approx(geometry.areas_m2(np.array([flaw.mended], dtype=object), METRES)[0])


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 3)), min_size=1, max_size=7))
@settings(max_examples=100, deadline=None)
def test_union_area_never_exceeds_the_sum_and_twins_add_nothing(squares):
    shapes = np.array(
        [shapely.box(114.5 + x / 50, 30.4 + y / 50, 114.5 + (x + s) / 50, 30.4 + (y + s) / 50) for x, y, s in squares],
        dtype=object,
    )
    union = geometry.union_area_km2(shapes, METRES)
    assert union <= geometry.areas_m2(shapes, METRES).sum() / 1e6 + 1e-9
    twice = np.concatenate([shapes, shapes])
    assert geometry.union_area_km2(twice, METRES) == pytest.approx(union)
    assert (geometry.first_twin(twice)[len(shapes) :] >= 0).all()


def test_overlaps_are_listed_with_their_area(catalogue):
    shapes = np.array(
        [
            shapely.box(114.5, 30.4, 114.6, 30.5),
            shapely.box(114.55, 30.4, 114.65, 30.5),
            shapely.box(114.65, 30.4, 114.7, 30.5),
        ],
        dtype=object,
    )
    found = geometry.overlaps(shapes, METRES)
    assert [(i, j) for i, j, _ in found] == [(0, 1)]
    assert found[0][2] == pytest.approx(geometry.areas_m2(shapes, METRES)[0] / 2, rel=1e-3)


def test_a_hazard_keeps_to_no_border(tmp_path):
    """An intensity map covers three provinces and a neighbour's flood misses the district: both are taken."""
    wide = read_footprint(write(tmp_path / "wide.geojson", shapely.box(108, 27, 118, 33)), ReadOptions(box=BOX))
    assert wide.polygons == 1
    missed = shapely.box(BOX[2] + 0.5, 30.4, BOX[2] + 0.6, 30.5)
    assert read_footprint(write(tmp_path / "missed.geojson", missed), ReadOptions(box=BOX)).polygons == 1
    far = shapely.affinity.translate(shapely.box(114.7, 30.4, 114.8, 30.5), 3.0, 0.0)
    assert read_footprint(write(tmp_path / "far.geojson", far), ReadOptions(box=BOX)).polygons == 1
    nowhere = shapely.Polygon([(0, 0), (114.8, 30.4), (114.8, 30.5)])
    with pytest.raises(ManyInputError):
        read_footprint(write(tmp_path / "nowhere.geojson", nowhere), ReadOptions(box=BOX))


def test_the_metres_of_another_zone_are_refused(tmp_path):
    """Metres of the district's own zone, declared as those of the next one, are no water 300 km away."""
    metres = gpd.GeoSeries([shapely.box(114.7, 30.4, 114.8, 30.5)], crs="EPSG:4490").to_crs("EPSG:4547")
    for zone, is_taken in (("EPSG:4547", True), ("EPSG:4548", False)):
        path = tmp_path / f"{zone[5:]}.gpkg"
        gpd.GeoDataFrame(geometry=gpd.GeoSeries(list(metres), crs=zone)).to_file(path)
        with contextlib.nullcontext() if is_taken else pytest.raises(ManyInputError):
            assert read_footprint(path, ReadOptions(box=BOX)).polygons == 1


def test_a_collection_of_areas_is_areas(tmp_path):
    """Repair tools leave collections; one that holds a line as well is refused."""
    areas = shapely.GeometryCollection([shapely.box(114.7, 30.4, 114.8, 30.5), shapely.box(114.9, 30.4, 115.0, 30.5)])
    found = read_footprint(write(tmp_path / "areas.geojson", areas), ReadOptions(box=BOX))
    assert found.frame.geometry.iloc[0].equals(shapely.MultiPolygon(list(areas.geoms)))
    (tmp_path / "bare.geojson").write_text(json.dumps(mapping(areas)))
    assert read_footprint(tmp_path / "bare.geojson", ReadOptions(box=BOX)).polygons == 1
    mixed = shapely.GeometryCollection([*areas.geoms, shapely.LineString([(114.7, 30.4), (114.8, 30.5)])])
    with pytest.raises(ManyInputError):
        read_footprint(write(tmp_path / "mixed.geojson", mixed), ReadOptions(box=BOX))
