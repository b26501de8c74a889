"""Shapes survive both encodings; what is no shape is refused."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_minzheng.errors import StoreError
from geo_minzheng.store.geometry import Geometry, blob_box, decode_many, fit, from_blob, to_blob

DEGREES = st.floats(-180, 180, allow_nan=False, width=64)
POINTS = st.builds(shapely.Point, DEGREES, DEGREES)
LINES = st.lists(st.tuples(DEGREES, DEGREES), min_size=2, max_size=8).map(shapely.LineString)
BOXES = st.tuples(DEGREES, DEGREES, DEGREES, DEGREES).map(lambda b: shapely.box(*b))


@given(st.one_of(POINTS, LINES, BOXES, BOXES.map(lambda b: shapely.MultiPolygon([b]))))
@settings(max_examples=200)
def test_a_blob_reads_back_and_knows_its_box(shape):
    blob = to_blob(shape)
    assert blob[:2] == b"GP"
    assert shapely.to_wkb(from_blob(blob)) == shapely.to_wkb(shape)
    minx, miny, maxx, maxy = shape.bounds
    assert blob_box(blob) == (minx, maxx, miny, maxy)
    assert shapely.to_wkb(decode_many([blob, None], "sqlite")[0]) == shapely.to_wkb(shape)
    assert decode_many([blob, None], "sqlite")[1] is None


@pytest.mark.parametrize("shape", [shapely.Point(), shapely.MultiPolygon(), shapely.MultiLineString()])
def test_an_empty_shape_has_no_box(shape):
    assert blob_box(to_blob(shape)) is None
    assert from_blob(to_blob(shape)).is_empty


def test_other_writers_envelopes_and_byte_order_are_read():
    import struct

    point = shapely.to_wkb(shapely.Point(1, 2), byte_order=0)
    big = struct.pack(">2sBBi4d", b"GP", 0, 0x02, 4490, 1, 1, 2, 2) + point
    assert blob_box(big) == (1, 1, 2, 2)
    assert from_blob(big) == shapely.Point(1, 2)
    bare = struct.pack("<2sBBi", b"GP", 0, 0x01, 4490) + point
    assert blob_box(bare) == (1, 1, 2, 2)
    line = struct.pack("<2sBBi", b"GP", 0, 0x01, 4490) + shapely.to_wkb(shapely.LineString([(0, 1), (2, 3)]))
    assert blob_box(line) == (0, 2, 1, 3)


@pytest.mark.parametrize("blob", [b"", b"GP", b"XX" + bytes(30), b"GP\x00\x0f" + bytes(30), b"GP\x00\x01" + bytes(30)])
def test_what_is_no_shape_is_refused(blob):
    with pytest.raises(StoreError, match="bad_geometry"):
        from_blob(blob)


def test_shapes_are_brought_to_the_columns_kind():
    flat = fit(shapely.Point(1, 2, 3), "POINT")
    assert flat is not None and not flat.has_z
    assert fit(shapely.box(0, 0, 1, 1), "MULTIPOLYGON").geom_type == "MultiPolygon"
    assert fit(shapely.LineString([(0, 0), (1, 1)]), "MULTILINESTRING").geom_type == "MultiLineString"
    assert fit(shapely.Polygon(), "MULTIPOLYGON").is_empty
    assert fit(None, "POINT") is None
    with pytest.raises(ValueError, match="no_such_kind"):
        Geometry("no_such_kind")
