from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from papers import PAYLOADS, frame, map_content
from playwright.sync_api import Browser, Page, sync_playwright
from shapely.geometry import GeometryCollection, LineString, MultiLineString, Point

from geo_minzheng.model.map import LayerStyle, MapContent, MapLayer
from geo_minzheng.present import assets, looks, mapdata, maps, maps_shelf
from geo_minzheng.present.maps import build_map, map_html, map_text
from geo_minzheng.present.text import Text

ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]  # fmt: skip


@given(st.text())
def test_map_text_leaves_no_live_mark(words: str) -> None:
    safe = map_text(words)
    assert not set(safe) & set("<>\"'`${}\\")
    entities = re.sub(r"&(#\d+|#x27|lt|gt|amp|quot);", "", safe)
    assert "&" not in entities


def test_map_text_reads_as_written() -> None:
    import html

    for payload in PAYLOADS:
        assert html.unescape(map_text(payload)) == payload


def _data(content: MapContent, text: Text) -> dict[str, object]:
    return maps._content_data(content, text, draw=True, titled=True)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in {"id", "ids", "name", "layer", "lon", "lat", "cls"}:
                yield from _strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def test_every_string_of_the_data_is_escaped(zh: Text) -> None:
    allowed = re.compile(r"</?(?:h4|table|tr|th|td|span|strong)>")
    found = list(_strings(_data(map_content(), zh)))
    assert any("&#36;" in s for s in found)
    for words in found:
        assert not set(allowed.sub("", words)) & set("<>`$"), words


def test_json_cannot_leave_its_script(zh: Text) -> None:
    written = maps._json(_data(map_content(), zh))
    assert not re.search("[<>&\u2028\u2029]", written)
    assert json.loads(written)["layers"][1]["count"] == len(PAYLOADS)


@pytest.mark.parametrize("name", ["{{7*7}}", "{% raw %}", "{# gone #}", "{{{{7*7}}}}", "{{ no_such_name.attribute }}"])
def test_a_number_of_a_row_is_no_template(zh: Text, name: str) -> None:
    rows = frame([Point(114.7, 30.4)], id=[name])
    page = map_html(MapContent("图", (MapLayer("road", "路", rows, id_column="id"),)), zh)
    assert name in page.replace("\\u007b", "{")
    assert "49" not in re.findall(r'"id":"([^"]*)"', page)


def test_layers_carry_counts_classes_and_ids(zh: Text) -> None:
    road, village, footprint, closed, mark, flow = _data(map_content(), zh)["layers"]
    assert [c["count"] for c in village["classes"]] == [5, 4]
    assert village["features"]["features"][0]["properties"]["id"] == "420703101200"
    assert not road["interactive"]
    assert len(road["features"]["features"]) == 1
    assert footprint["looks"][0]["hatch"]
    assert closed["features"]["features"][0]["properties"]["id"] == "r1"
    assert mark["rider"]
    assert flow["count"] == 1


def test_app_map_asks_only_its_own_routes(zh: Text) -> None:
    chart = build_map(map_content(("村",) * 3), zh, data_url="/api/map/abc", base_url="/assets/", draw=True)
    page = chart.get_root().render()
    assert not re.findall(r"(?:https?:)?//[a-z][^\s\"'<]*\.(?:js|css)", page)
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources == [assets.bundle_link("/assets")[1]]
    assert "drawnItems" in page


def test_a_rerun_carries_an_address_not_the_map(zh: Text) -> None:
    content = map_content(PAYLOADS)
    page = build_map(content, zh, data_url="/api/map/abc", view="overview").get_root().render()
    assert "/api/map/abc" in page
    assert len(page) < 10_000
    assert not any(payload in page for payload in PAYLOADS)
    fetched = json.loads(maps.map_data(content, zh))
    assert fetched["layers"][1]["count"] == len(PAYLOADS)
    assert fetched["icons"] == "/assets/leaflet/images/"


def test_the_shelf_gives_what_was_laid_and_makes_room() -> None:
    laid = [maps_shelf.pack(f'{{"map":{k}}}') for k in range(maps_shelf.MOST + 1)]
    for address, packed in laid:
        maps_shelf.lay(address, packed, "duty//")
    assert maps_shelf.take(laid[0][0], "duty//") is None
    assert maps_shelf.take(laid[-1][0], "panel/420703100200/") is None, "drawn for others"
    found = maps_shelf.take(laid[-1][0], "duty//")
    assert found is not None
    assert gzip.decompress(found).decode() == f'{{"map":{maps_shelf.MOST}}}'
    assert maps_shelf.pack("{}") == maps_shelf.pack("{}")


def test_same_content_same_data(zh: Text) -> None:
    assert maps._json(_data(map_content(), zh)) == maps._json(_data(map_content(), zh))


def test_synthetic_and_internal_marks(zh: Text) -> None:
    notices, legal = mapdata.map_notices(map_content(("村",) * 3), zh)
    assert notices[0].startswith("示范数据：")
    assert legal == "内部资料 注意保管"
    real = map_content(("村",) * 3, approval_no="鄂S（2026）001号")
    real.layers[1].frame["coord_source"] = "survey"
    notices, legal = mapdata.map_notices(real, zh)
    assert not any("示范" in n for n in notices)
    assert "鄂S（2026）001号" in legal


def test_missing_geometry_and_values_are_left_out(zh: Text) -> None:
    rows = frame([Point(114.7, 30.4), None, GeometryCollection()], name=["甲", None, "丙"], n=[np.nan, 1.0, 2.0])
    data = mapdata.layer_data(MapLayer("x", "点", rows, LayerStyle(label="name"), (("n", "人口"),)), zh)
    assert data["count"] == 1
    assert "<td>—</td>" in data["features"]["features"][0]["properties"]["t"]


def test_nothing_to_show_is_a_map_too(zh: Text) -> None:
    empty = MapContent("空图", (MapLayer("x", "点", frame([])),))
    assert mapdata.map_bounds(empty) == (73.5, 18.0, 135.0, 53.5)
    assert "空图" in map_html(empty, zh)


@given(st.integers(0, 2**32 - 1))
def test_many_points_come_back_where_they_were(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = mapdata.MANY_POINTS + 1
    lon, lat = rng.uniform(113, 116, n), rng.uniform(29, 32, n)
    rows = gpd.GeoDataFrame({"id": [str(i) for i in range(n)]}, geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4490")
    data = mapdata._points(MapLayer("h", "房屋", rows, id_column="id"), np.zeros(n, np.uint8), _Plain())
    import base64

    east = np.frombuffer(base64.b64decode(data["lon"]), "<i4") / 1e7
    north = np.frombuffer(base64.b64decode(data["lat"]), "<i4") / 1e7
    order = [int(i) for i in data["ids"]]
    assert (np.diff(east) >= 0).all()
    np.testing.assert_allclose(east, lon[order], atol=1e-7)
    np.testing.assert_allclose(north, lat[order], atol=1e-7)


class _Plain:
    def __call__(self, key: str, **facts: object) -> str:
        return key


def test_middle_of_a_line_of_parts_is_on_its_longest_part() -> None:
    shape = MultiLineString([[(0, 0), (1, 0)], [(5, 5), (5, 15)]])
    (spot,) = mapdata.middles(frame([shape]))
    assert (spot.x, spot.y) == (5, 10)
    (spot,) = mapdata.middles(frame([LineString([(0, 0), (2, 0)])]))
    assert (spot.x, spot.y) == (1, 0)


def test_looks_tell_by_colour_and_shape(zh: Text) -> None:
    severe = looks.severity_look("hit", zh)
    assert [c.label for c in severe.classes] == ["未受灾", "轻", "中", "重", "特重"]
    assert len({c.shape for c in severe.classes}) == 4
    assert [c.label for c in looks.grade_look("g", zh).classes] == ["A级", "B级", "C级", "D级"]
    given = looks.catalogue_look({"colour": "#8C6D46", "shape": "square", "min_zoom": 13}, label="name")
    assert (given.colour, given.shape, given.label) == ("#8C6D46", "square", "name")


def test_road_classes_have_their_widths_and_one_legend_line(zh: Text) -> None:
    lines = [LineString([(114.7, 30.4 + i / 100), (114.8, 30.4)]) for i in range(3)]
    rows = frame(lines, road_class=["trunk", "track", "no_such_class"])
    data = mapdata.layer_data(MapLayer("road", "道路", rows, looks.road_look()), zh)
    assert data["classes"] == [] or all(c["label"] for c in data["classes"])
    widths = [data["looks"][f["properties"]["k"]]["width"] for f in data["features"]["features"]]
    assert widths == [2.8, 0.8, 1.2]


def test_only_this_room_draws_with_folium() -> None:
    source = Path(maps.__file__).parent.parent
    users = {
        p.relative_to(source).as_posix()
        for p in source.rglob("*.py")
        if re.search(r"^\s*(?:from|import) (?:folium|branca)\b", p.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert users == {"present/maps.py"}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with sync_playwright() as play:
        browser: Browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def _open(page: Page, html: str, folder: Path) -> list[str]:
    """Open a file from disk; list what went wrong: errors, outside or failed requests, dialogs."""
    wrong: list[str] = []
    file = folder / "map.html"
    file.write_text(html, encoding="utf-8")
    page.remove_listener  # noqa: B018
    page.on("console", lambda m: wrong.append(f"console {m.text}") if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda e: wrong.append(f"page {e}"))
    page.on("requestfailed", lambda r: wrong.append(f"failed {r.url[:80]}"))
    page.on("dialog", lambda d: (wrong.append(f"dialog {d.message}"), d.dismiss()))

    def asked(request: object) -> None:
        url = request.url  # type: ignore[attr-defined]
        if not url.startswith(("data:", "blob:")) and url != file.as_uri():
            wrong.append(f"request {url[:80]}")

    page.on("request", asked)
    page.goto(file.as_uri())
    page.wait_for_selector(".gm-legend")
    return wrong


@pytest.mark.browser
def test_file_opens_offline_and_nothing_injected_runs(page: Page, zh: Text, tmp_path: Path) -> None:
    wrong = _open(page, map_html(map_content(), zh), tmp_path)
    marks = page.locator(".leaflet-gm-mark-pane path")
    assert marks.count() == len(PAYLOADS)
    for i in range(marks.count()):
        marks.nth(i).hover(force=True)
        page.wait_for_timeout(30)
    assert page.locator(".gm-tip h4").count() >= 1
    for selector in ("img[src=x]", ".leaflet-container svg[onload]", ".leaflet-container script"):
        assert page.locator(selector).count() == 0
    assert "${alert(1)}" in page.locator(".gm-title").inner_text()
    assert page.locator(".gm-notice").inner_text().endswith("内部资料 注意保管")
    assert page.locator(".gm-legend label").count() == 5
    assert wrong == []
    page.screenshot(path=str(tmp_path / "map.png"))


@pytest.mark.browser
def test_many_points_draw_pick_and_switch_off(page: Page, zh: Text, tmp_path: Path) -> None:
    n = 50_000
    rng = np.random.default_rng(7)
    spots = gpd.points_from_xy(rng.uniform(114.6, 114.9, n), rng.uniform(30.3, 30.5, n))
    rows = gpd.GeoDataFrame({"id": [f"H{i}" for i in range(n)]}, geometry=spots, crs="EPSG:4490")
    layer = MapLayer("house", "房屋", rows, LayerStyle(shape="square"), (("id", "编号"),), "id")
    wrong = _open(page, map_html(MapContent("房屋", (layer,)), zh), tmp_path)
    page.wait_for_function("document.querySelectorAll('canvas.gm-points-tile').length > 3")
    seconds = page.evaluate(
        "async () => { const t = performance.now(); document.querySelector('.leaflet-control-zoom-in').click();"
        " await new Promise(r => setTimeout(r, 400)); return (performance.now() - t) / 1000 }"
    )
    assert seconds < 5
    assert page.evaluate(
        "[...document.querySelectorAll('canvas.gm-points-tile')].some(c =>"
        " c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v > 0))"
    )
    page.locator(".gm-legend input").first.uncheck()
    assert page.locator("canvas.gm-points-tile").count() == 0
    assert wrong == []
