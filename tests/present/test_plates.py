from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from papers import PAYLOADS, frame, map_content
from PIL import Image
from shapely.geometry import box

from geo_minzheng.model.map import LegendEntry, MapContent, MapLayer
from geo_minzheng.present.plate_place import extent_of, place_legend
from geo_minzheng.present.plates import map_plate
from geo_minzheng.present.text import Text


@pytest.fixture(scope="module")
def plate(zh: Text) -> bytes:
    return map_plate(map_content(("牌坊村", "芦花村", "凉亭村", "五分村")), zh)


def test_plate_has_the_size_asked_for_at_300_dpi(plate: bytes) -> None:
    picture = Image.open(BytesIO(plate))
    assert picture.size == (round(156 / 25.4 * 300 - 0.5), round(190 / 25.4 * 300 - 0.5))
    assert round(picture.info["dpi"][0]) == 300


def test_plate_is_the_same_for_the_same_content(plate: bytes, zh: Text) -> None:
    assert map_plate(map_content(("牌坊村", "芦花村", "凉亭村", "五分村")), zh) == plate


def test_plate_shows_hazard_water_and_closure_colours(plate: bytes) -> None:
    pixels = np.asarray(Image.open(BytesIO(plate)).convert("RGB")).reshape(-1, 3).astype(int)
    for colour in ((0xE3, 0x4A, 0x33), (0x2B, 0x7B, 0xBA), (0xFE, 0xE8, 0xC8)):
        assert (np.abs(pixels - colour).max(axis=1) <= 3).sum() > 100, colour


def test_legal_mark_changes_the_plate(plate: bytes, zh: Text) -> None:
    approved = map_content(("牌坊村", "芦花村", "凉亭村", "五分村"), approval_no="鄂S（2026）001号")
    assert map_plate(approved, zh) != plate


def test_strange_names_and_an_empty_map_still_print(zh: Text) -> None:
    assert map_plate(map_content((*PAYLOADS, "$x^{2$", "龘\x00")), zh, width_mm=80, height_mm=80)
    empty = MapContent("空图", (MapLayer("x", "点", frame([])),), legend=(LegendEntry("说明", "#1F4E79"),))
    assert map_plate(empty, zh, width_mm=60, height_mm=60)


share = st.floats(0.05, 0.45)
side = st.floats(0.01, 2.0)


@given(width=side, height=side, legend=st.tuples(share, share))
def test_the_legend_hides_nothing_even_of_a_district_that_fills_the_sheet(
    width: float, height: float, legend: tuple[float, float]
) -> None:
    district = box(114.0, 30.0, 114.0 + width, 30.0 + height)
    content = MapContent("区", (MapLayer("boundary", "区界", frame([district])),))
    extent, (x, y) = place_legend(content, extent_of(content, 1.1), legend)
    assert 0 <= x <= 1 - legend[0]
    assert 0 <= y <= 1 - legend[1]
    assert not extent.box(x, y, *legend).intersects(district)
    whole = extent.box(0, 0, 1, 1)
    assert whole.buffer(1e-9).covers(district)
