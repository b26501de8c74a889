"""Places that cannot be."""

import json

from .archives import TABLE
from .builders import PLACEMARK, VILLAGE, collection, feature, kml, point, village_csv, workbook
from .case import case


def _poly(*rings, **more):
    return feature(shape={"type": "Polygon", "coordinates": [list(r) for r in rings]}, **more)


SQUARE = ([114.7, 30.4], [114.8, 30.4], [114.8, 30.5], [114.7, 30.5], [114.7, 30.4])


def cases(rng, bait):
    bad = {"kind": "mistake", **TABLE}
    for name, x, y, *codes in (
        ("nan", "NaN", 30.4, "coordinate_not_finite"), ("infinite", "inf", 30.4, "coordinate_not_finite"),
        ("minus_infinite", 114.7, "-Infinity", "coordinate_not_finite"), ("overflow", "1e999", 30.4, "coordinate_not_finite"),
        ("big", "1e300", 30.4, "not_degrees", "outside_district", "coordinate_nowhere"), ("swapped", 30.4, 114.7, "swapped_axes"),
        ("far", 121.4, 31.2, "outside_district"), ("zero", 0, 0, "coordinate_zero", "outside_district"),
        ("minus", -114.7, 30.4, "outside_district"), ("south", 114.7, -30.4, "outside_district"),
        ("metres", 567000, 3370000, "not_degrees"), ("mercator", 12768345, 3551120, "not_degrees"),
        ("comma", '"114,7"', '"30,4"', "coordinate_not_a_number", "outside_district"), ("words", "东经", "北纬", "coordinate_not_a_number"),
        ("missing", "", 30.4, "coordinate_missing"), ("wrapped", 474.7, 30.4, "not_degrees", "outside_district"),
        ("pole", 114.7, 90, "outside_district"), ("tiny", "1e-320", "1e-320", "outside_district", "coordinate_zero"),
        ("hex", "0x72", 30.4, "coordinate_not_a_number"), ("half_zero", 0, 30.4, "outside_district"),
        ("border", 114.2, 30.4, "outside_district"),
    ):  # fmt: skip
        yield case(f"{name}.csv", village_csv(("420703100001", "甲村", 1, 1, x, y)), *codes, **bad)
    for name, x, y in (("degrees_minutes", "114°42'", "30°24'"), ("letters", "114.7E", "30.4N")):
        yield case(f"{name}.csv", village_csv(("420703100001", "甲村", 1, 1, x, y)), kind="harmless", rows=1, **TABLE)
    good = ("420703100001", "甲村", 1, 1, 114.7, 30.4)
    village = {"kind": "damage", "layer": "village"}
    yield case("degrees_as_metres.csv", village_csv(good), "not_metres", crs="EPSG:4547", **village)
    yield case("unsaid.csv", village_csv(good), "crs_missing", **village)
    for number, crs in enumerate(("EPSG:999999", "EPSG:0", "EPSG:5773", "EPSG:4978", "nonsense", "+proj=longlat +nadgrids=@/etc/passwd",
                                  "EPSG:4490;x", "{}", "http://127.0.0.1:9/crs", "urn:ogc:def:crs:EPSG::4490x")):  # fmt: skip
        yield case(f"crs{number}.csv", village_csv(good), "crs_unknown", crs=crs, **village)
    yield case(
        "wrong_zone.csv",
        village_csv(("420703100001", "甲村", 1, 1, 20567000, 3370000))
        .replace("经度", "东坐标")
        .replace("纬度", "北坐标"),
        crs="EPSG:4547",
        **village,
    )
    yield case(
        "one_bad_row.csv",
        village_csv(*[(f"4207031000{i:02d}", "甲村", 1, 1, 114.7, 30.4 if i != 7 else 39.4) for i in range(1, 20)]),
        "outside_district",
        **bad,
    )
    yield case("far.xlsx", workbook([VILLAGE, ["420703100001", "甲村", 1, 1, 121.4, 31.2]]), "outside_district", **bad)

    shape = {"kind": "mistake"}
    bow = [[114.7, 30.4], [114.8, 30.5], [114.8, 30.4], [114.7, 30.5], [114.7, 30.4]]
    yield case("bow.geojson", collection(_poly(bow)), "geometry_invalid", **shape)
    yield case(
        "hole_outside.geojson",
        collection(_poly(SQUARE, [[115, 30.4], [115.01, 30.4], [115.01, 30.41], [115, 30.4]])),
        "geometry_invalid",
        **shape,
    )
    yield case("hole_same.geojson", collection(_poly(SQUARE, SQUARE)), "geometry_invalid", "geometry_hopeless", **shape)
    yield case(
        "spike.geojson",
        collection(_poly([[114.7, 30.4], [114.8, 30.4], [114.9, 30.4], [114.7, 30.4]])),
        "geometry_invalid",
        "geometry_hopeless",
        **shape,
    )
    yield case(
        "one_place.geojson",
        collection(_poly([[114.7, 30.4]] * 5)),
        "geometry_invalid",
        "geometry_hopeless",
        "geometry_malformed",
        **shape,
    )
    yield case("open_ring.geojson", collection(_poly(SQUARE[:-1])), "geometry_malformed", **shape)
    yield case("open_ring.kml", kml(PLACEMARK.replace(" 114.7,30.4,0<", "<")), "geometry_malformed", **shape)
    yield case("two_points.geojson", collection(_poly(bow[:2])), "geometry_malformed", **shape)
    yield case("no_ring.geojson", collection(_poly()), "geometry_missing", **shape)
    yield case("empty_ring.geojson", collection(_poly([])), "geometry_missing", "geometry_malformed", **shape)
    yield case("same_shape.geojson", collection(feature(), feature("420703100002")), "duplicate_shape", **shape)
    yield case("no_shape.geojson", collection(dict(feature(), geometry=None)), "geometry_missing", **shape)
    yield case("point.geojson", collection(feature(shape=point(114.7, 30.4))), "geometry_not_area", **shape)
    yield case(
        "line.geojson",
        collection(feature(shape={"type": "LineString", "coordinates": list(SQUARE)})),
        "geometry_not_area",
        **shape,
    )
    yield case(
        "area_for_line.geojson",
        collection(feature(road_id="1", road_class="primary")),
        "geometry_not_line",
        layer="road",
        **shape,
    )
    yield case(
        "no_length.geojson",
        collection(
            feature(road_id="1", road_class="primary", shape={"type": "LineString", "coordinates": [[114.7, 30.4]] * 2})
        ),
        "line_without_length",
        layer="road",
        **shape,
    )
    for name, value, *codes in (
        ("nan", "NaN", "coordinate_not_finite"), ("infinity", "Infinity", "coordinate_not_finite"),
        ("minus_infinity", "-Infinity", "coordinate_not_finite"), ("huge", "1e309", "coordinate_not_finite"),
        ("big", "1e300", "not_degrees", "coordinate_nowhere", "outside_district"), ("text", '"114.7"', "geometry_malformed"),
        ("null", "null", "geometry_malformed"), ("truth", "true", "geometry_malformed"), ("nested", "[114.7]", "geometry_malformed"),
        ("object", "{}", "geometry_malformed"), ("long", "1" * 400, "geometry_malformed", "coordinate_not_finite"),
    ):  # fmt: skip
        text = collection(_poly([*SQUARE[:1], ["@", 30.4], *SQUARE[2:]])).replace('"@"', value)
        yield case(f"vertex_{name}.geojson", text, *codes, **shape)
    swapped = [[y, x] for x, y in SQUARE]
    yield case("swapped.geojson", collection(_poly(swapped)), "swapped_axes", **shape)
    yield case("far.geojson", collection(_poly([[x + 5, y] for x, y in SQUARE])), "outside_district", **shape)
    yield case("metres.geojson", collection(_poly([[x * 1e4, y * 1e5] for x, y in SQUARE])), "not_degrees", **shape)
    yield case(
        "world.geojson",
        collection(_poly([[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]])),
        "outside_district",
        **shape,
    )
    yield case(
        "half_world.geojson",
        collection(_poly([[114.7, 30.4], [120, 30.4], [120, 31], [114.7, 30.4]])),
        "outside_district",
        **shape,
    )
    yield case(
        "metres_crs.geojson",
        collection(feature(), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4547"}}),
        "not_metres",
        **shape,
    )
    for number, crs in enumerate((
        {"type": "link", "properties": {"href": bait.url}}, {"type": "name", "properties": {"name": bait.url}},
        {"type": "name", "properties": {"name": "EPSG:4490 +nadgrids=" + bait.file}}, "EPSG:4490", [1], {"type": "name"},
        {"type": "name", "properties": None}, {"type": "name", "properties": {"name": {"a": 1}}},
    )):  # fmt: skip
        yield case(f"crs{number}.geojson", collection(feature(), crs=crs), "crs_missing", kind="attack")
    yield case(
        "crs_bad.geojson",
        collection(feature(), crs={"type": "name", "properties": {"name": "EPSG:999999"}}),
        "crs_unknown",
        kind="damage",
    )
    mixed = {
        "type": "GeometryCollection",
        "geometries": [point(114.7, 30.4), {"type": "LineString", "coordinates": [[114.7, 30.4], [114.8, 30.5]]}],
    }
    yield case("mixed.geojson", collection(feature(shape=mixed)), "geometry_not_area", "geometry_not_point", **shape)
    yield case(
        "empty_collection.geojson",
        collection(feature(shape={"type": "GeometryCollection", "geometries": []})),
        "geometry_missing",
        **shape,
    )
    yield case(
        "unknown_kind.geojson",
        collection(feature(shape={"type": "Circle", "coordinates": [114.7, 30.4]})),
        "geometry_malformed",
        **shape,
    )
    yield case("no_coordinates.geojson", collection(feature(shape={"type": "Polygon"})), "geometry_malformed", **shape)
    yield case("geometry_text.geojson", collection(feature(shape="POLYGON EMPTY")), "geometry_malformed", **shape)
    yield case("not_feature.geojson", collection(3, feature()), "feature_malformed", **shape)
    yield case("kml_words.kml", kml(PLACEMARK.replace("114.7,30.4,0", "a,b,0", 1)), "geometry_malformed", **shape)
    yield case("kml_one.kml", kml(PLACEMARK.replace("114.7,30.4,0", "114.7", 1)), "geometry_malformed", **shape)
    yield case("kml_nan.kml", kml(PLACEMARK.replace("114.7,30.4,0", "nan,nan,0", 1)), "coordinate_not_finite", **shape)
    yield case(
        "kml_swapped.kml",
        kml(
            PLACEMARK.replace("114.7,30.4", "30.4,114.7")
            .replace("114.8,30.4", "30.4,114.8")
            .replace("114.8,30.5", "30.5,114.8")
        ),
        "swapped_axes",
        **shape,
    )
    for number, text in enumerate(("POLYGON((114.7 30.4,114.8 30.4,114.8 30.5))", "POLYGON EMPTY", "CURVEPOLYGON(CIRCULARSTRING(0 0,1 1,2 2))",
                                   "GEOMETRYCOLLECTION(" * 3000, "SRID=1;POINT(114.7 30.4)", "POINT(1e400 30.4)", "'; DROP TABLE village;--")):  # fmt: skip
        row = "code,name,wkt\n420703100001,甲村," + json.dumps(text) + "\n"
        yield case(f"wkt{number}.csv", row, crs="EPSG:4490", **shape)
    height = [[*p, 1e9] for p in SQUARE]
    yield case("height.geojson", collection(_poly(height)), kind="harmless", rows=1)
    yield case("lying_box.geojson", collection(feature(), bbox=[0, 0, 1, 1]), kind="harmless", rows=1)
    yield case("clockwise.geojson", collection(_poly(SQUARE[::-1])), kind="harmless", rows=1)
