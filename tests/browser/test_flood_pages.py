"""The flood day in real Chromium, with the outside network blocked: every page draws, and the day can be driven."""

import io
import json
import re
import shutil
import time
from pathlib import Path

import door
import pytest
from PIL import Image
from playwright.sync_api import expect

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.model.relief import OrderState
from geo_minzheng.services import demo, demo_people, dispatch, impact, incidents, relief, roads, tasks
from geo_minzheng.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "out" / "screens"
NOW = "2026-07-03T22:30"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
IDLE = """() => document.querySelector('.stApp')?.getAttribute('data-test-script-state') === 'notRunning'
  && !document.querySelector('.st-key-work')"""
# UX: from opening the app to the signed order.
MOST_CLICKS = 25

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(demo_out, tmp_path_factory):
    from tests.browser.conftest import start_app

    base = tmp_path_factory.mktemp("flood_pages")
    home = Path(shutil.copytree(demo_out / "home", base / "home"))
    process, url = start_app(home, base / "app.log", "--now", NOW)
    yield url, home
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def quiet_district(tmp_path_factory):
    """A district in quiet times, nothing promised to anybody yet."""
    from tests.browser.conftest import start_app

    base = tmp_path_factory.mktemp("flood_drive")
    desk = open_bureau(read_settings({}, home=base / "home", now=NOW), who=demo.DUTY)
    desk.create_store()
    stage = demo.Stage(desk.text, desk.catalogue, desk.policy_for("seed_reference"), base, base / "home")
    with desk.transaction() as (session, act):
        demo.import_demo_district(session, act, stage)
        demo_people.add_demo_people(session, act, "")
    process, url = start_app(base / "home", base / "app.log", "--now", NOW)
    yield url, base / "home"
    process.terminate()
    process.wait(20)


class Desk:
    """A duty officer at a screen: every click is counted."""

    def __init__(self, browser, watch, size=DESK):
        self.page = browser.new_context(viewport=size, locale="zh-CN", accept_downloads=True).new_page()
        watch.on(self.page)
        self.clicks = []

    def open(self, url):
        from tests.browser.conftest import open_page

        open_page(self.page, url)

    def rest(self, wait=500):
        self.page.wait_for_timeout(wait)
        self.page.wait_for_function(IDLE, timeout=120_000)
        self.page.wait_for_timeout(wait)

    def click(self, what, where, **more):
        where.click(**more)
        self.clicks.append(what)
        self.rest()

    def button(self, label):
        self.click(label, self.page.get_by_role("button", name=re.compile(f"^{re.escape(label)}")).first)

    def tab(self, label):
        self.click(label, self.page.get_by_role("tab", name=label, exact=True))

    def go(self, label):
        self.click(label, self.page.get_by_test_id("stSidebarNavLink").filter(has_text=label))

    def type(self, label, words):
        self.click(label, self.page.get_by_label(label, exact=True).first)
        self.page.keyboard.type(words)
        self.page.keyboard.press("Tab")
        self.rest(200)

    @property
    def map(self):
        return self.page.frame_locator("iframe[title*=folium]").first

    def map_is_drawn(self):
        expect(self.page.locator('[data-stale="true"]')).to_have_count(0, timeout=60_000)
        expect(self.map.locator(".leaflet-container")).to_be_visible(timeout=60_000)
        expect(self.map.locator(".leaflet-gm-line-pane path, .leaflet-gm-line-pane canvas").first).to_be_attached()

    def no_refusal(self):
        told = self.page.get_by_test_id("stAlertContentError")
        assert told.count() == 0, told.all_inner_texts()

    def shot(self, name):
        """Keep a picture of the whole page."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        tall = self.page.evaluate("() => document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0")
        self.page.set_viewport_size({"width": size["width"], "height": min(max(size["height"], tall + 20), 4000)})
        self.page.wait_for_timeout(1200)
        self.page.screenshot(path=SCREENS / f"{name}.png")
        self.page.set_viewport_size(size)
        self.page.wait_for_timeout(300)


def office(home):
    return open_bureau(read_settings({}, home=home, now=NOW))


def quiet(watch):
    assert not watch.outside, watch.outside
    assert not watch.failed, watch.failed
    assert not watch.errors, watch.errors


@pytest.mark.parametrize("page", ["overview", "relief"])
def test_a_page_draws_with_its_map_and_asks_nobody_outside(served, chromium, watch, page):
    url, _ = served
    desk = Desk(chromium, watch)
    desk.open(f"{url}/{page}")
    desk.map_is_drawn()
    desk.no_refusal()
    faces = desk.page.evaluate("() => [...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)")
    assert "Noto Sans SC" in faces
    desk.shot(f"flood_{page or 'overview'}_1280")
    quiet(watch)


@pytest.mark.parametrize("page", ("overview", "relief"))
def test_a_page_on_the_phone_has_its_list_first_and_the_map_folded(served, chromium, watch, page):
    url, _ = served
    desk = Desk(chromium, watch, PHONE)
    desk.open(f"{url}/{page}")
    folded = desk.page.locator("iframe[title*=folium]").first
    expect(folded).to_be_attached()
    expect(folded).to_be_hidden()
    desk.shot(f"flood_{page or 'overview'}_390_folded")
    desk.click("显示地图", desk.page.get_by_text("显示地图").first)
    desk.map_is_drawn()
    wide = desk.page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= PHONE["width"]
    desk.shot(f"flood_{page or 'overview'}_390")
    quiet(watch)


def test_the_home_is_found_under_its_name(served, chromium, watch):
    url, _ = served
    desk = Desk(chromium, watch)
    desk.open(f"{url}/overview?lang=en")
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("Overview")
    assert "lang=en" in desk.page.url
    quiet(watch)


VIEW = "() => ({ zoom: window.map.getZoom(), at: window.map.getCenter() })"
DRAWN = "() => window.map && window.map.gmDrawn && window.map.getSize().x > 0"


def chart(desk):
    """Give the frame the map stands in, once it is drawn."""
    desk.map_is_drawn()
    found = next(f for f in desk.page.frames if "folium" in f.url)
    found.wait_for_function(DRAWN, timeout=60_000)
    return found


def test_a_map_opens_on_the_whole_district_and_keeps_the_place_it_was_moved_to(served, chromium, watch):
    url, _ = served
    desk = Desk(chromium, watch)
    desk.open(f"{url}/roads?incident=20260703-01")
    here = chart(desk)
    inside = "() => document.querySelectorAll('.leaflet-gm-area-pane path').length"
    assert here.evaluate(inside) > 0
    first = here.evaluate(VIEW)
    assert 9 < first["zoom"] < 13
    here.locator(".leaflet-control-zoom-in").click()
    desk.page.wait_for_timeout(900)
    moved = here.evaluate(VIEW)
    assert moved["zoom"] == first["zoom"] + 1
    desk.page.reload()
    desk.page.get_by_role("heading", level=1).wait_for()
    desk.rest()
    here = chart(desk)
    assert here.evaluate(VIEW)["zoom"] == moved["zoom"]
    here.locator(".gm-whole").click()
    desk.page.wait_for_timeout(600)
    assert here.evaluate(VIEW)["zoom"] == first["zoom"]
    quiet(watch)


def test_english_by_the_address(served, chromium, watch):
    url, _ = served
    desk = Desk(chromium, watch)
    desk.open(f"{url}/relief?lang=en")
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("Relief plan")
    desk.shot("flood_relief_en_1280")
    quiet(watch)


def test_a_warm_page_comes_within_three_seconds(served, chromium, watch):
    url, _ = served
    Desk(chromium, watch).open(f"{url}/")
    started = time.monotonic()
    page = chromium.new_context(viewport=DESK).new_page()
    door.go(page, f"{url}/")
    page.get_by_role("heading", level=1).wait_for()
    # Three seconds on a quiet machine; other tests may share it.
    assert time.monotonic() - started < 9


def draw(desk, corners):
    """Draw a rectangle from corner to corner, as shares of the map's size."""
    canvas = desk.map.locator(".leaflet-container")
    desk.click("矩形工具", desk.map.locator(".leaflet-draw-draw-rectangle"))
    box = canvas.bounding_box()
    (x1, y1), (x2, y2) = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    desk.page.mouse.move(x1, y1)
    desk.page.mouse.down()
    desk.page.mouse.move((x1 + x2) / 2, (y1 + y2) / 2, steps=4)
    desk.page.mouse.move(x2, y2, steps=4)
    desk.page.mouse.up()
    desk.clicks.append("拖出范围")
    desk.rest(1200)


def scan():
    kept = io.BytesIO()
    Image.new("RGB", (60, 80), "white").save(kept, "PNG")
    return {"name": "批示.png", "mimeType": "image/png", "buffer": kept.getvalue()}


def declare_and_draw(desk):
    desk.go("灾情指挥")
    desk.shot("drive_0_quiet")
    desk.type("名称", "临江乡内涝（演练示意）")
    desk.button("登记灾情")
    expect(desk.page.get_by_text("已登记“临江乡内涝（演练示意）”")).to_be_visible()
    desk.map_is_drawn()
    draw(desk, [(0.36, 0.14), (0.46, 0.34)])
    desk.shot("drive_1_drawn")
    desk.button("存入所画范围并测算影响")
    expect(desk.page.get_by_text("范围已存入")).to_be_visible(timeout=60_000)
    desk.map_is_drawn()
    desk.no_refusal()
    desk.shot("drive_2_impact")


def plan_and_cut(desk):
    desk.go("物资方案")
    desk.shot("drive_3_need")
    desk.button("生成方案")
    expect(desk.page.get_by_text("已生成第1版方案")).to_be_visible(timeout=60_000)
    desk.map_is_drawn()
    desk.click("道路", desk.page.get_by_label("道路", exact=True).first)
    desk.click("道路名", desk.page.get_by_role("option").first)
    desk.button("断开此路并重算")
    expect(desk.page.get_by_text("生成第2版方案")).to_be_visible(timeout=60_000)
    desk.map_is_drawn()
    desk.tab("与上一版差异")
    desk.shot("drive_4_replanned")


def approve_and_dispatch(desk):
    desk.tab("审批")
    desk.type("领导电话或批示号", "000-00000001")
    desk.shot("drive_5_approval")
    desk.button("记录口头批准并生成调拨单")
    expect(desk.page.get_by_text("库存已预留")).to_be_visible(timeout=60_000)
    desk.tab("调拨单")
    desk.button("下达")
    expect(desk.page.get_by_text(re.compile("份调拨单：已下达"))).to_be_visible(timeout=60_000)
    desk.shot("drive_6_orders")
    desk.tab("审批")
    desk.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(scan())
    desk.clicks += ["选文件", "打开"]
    desk.rest()
    desk.button("存入扫描件")
    expect(desk.page.get_by_text("扫描件已存")).to_be_visible(timeout=60_000)


def test_the_flood_day_from_open_to_signed_order(quiet_district, chromium, watch):
    url, home = quiet_district
    desk = Desk(chromium, watch)
    desk.open(f"{url}/")
    declare_and_draw(desk)
    plan_and_cut(desk)
    approve_and_dispatch(desk)
    desk.no_refusal()
    SCREENS.mkdir(parents=True, exist_ok=True)
    (SCREENS / "clicks.json").write_text(json.dumps(desk.clicks, ensure_ascii=False, indent=1), encoding="utf-8")
    assert len(desk.clicks) <= MOST_CLICKS, desk.clicks
    here = office(home)
    with here.reading() as session:
        found = incidents.list_incidents(session)[0]
        assert found.name == "临江乡内涝（演练示意）"
        document = impact.latest_impact(session, found.incident_id)
        plans = relief.list_plans(session, found.incident_id)
        closed = roads.closed_list(session, here.policy(), found.incident_id)
        orders = dispatch.orders_of(session, found.incident_id)
        waits = [w for w in tasks.list_waiting(session, here.act(), here.policy()) if w.incident == found.incident_id]
    assert document["totals"]["affected_population"] > 0
    assert [p.version for p in plans] == [2, 1]
    assert plans[0].document["lines"] != plans[1].document["lines"]
    assert [r for r in closed if r["cause"] == "declared"]
    assert orders
    assert {o.state for o in orders} == {OrderState.ISSUED}
    assert all(o.paper_signed and o.is_oral for o in orders)
    assert not [w for w in waits if w.kind in {"papers_overdue", "papers_due", "plan_waiting", "orders_waiting"}]
    quiet(watch)


def test_the_papers_come_down_as_docx_and_pdf(served, chromium, watch):
    url, _ = served
    desk = Desk(chromium, watch)
    desk.open(f"{url}/relief?incident=20260703-01")
    desk.tab("调拨单")
    for label, magic in (("调拨单 DOCX", b"PK"), ("调拨单 PDF", b"%PDF")):
        with desk.page.expect_download(timeout=90_000) as coming:
            desk.page.get_by_role("button", name=label).click()
        assert Path(coming.value.path()).read_bytes().startswith(magic)
    quiet(watch)


def test_a_click_on_the_map_names_the_road(served, chromium, watch):
    url, _ = served
    desk = Desk(chromium, watch)
    desk.open(f"{url}/relief?incident=20260703-01")
    desk.map_is_drawn()
    box = desk.map.locator(".leaflet-gm-flow-pane path").first.bounding_box()
    assert box is not None
    spot = desk.map.locator(".leaflet-gm-flow-pane path").first.evaluate(
        "path => { const p = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM());"
        " return [p.x, p.y]; }"
    )
    frame = desk.page.locator("iframe[title*=folium]").first.bounding_box()
    desk.page.mouse.click(frame["x"] + spot[0], frame["y"] + spot[1])
    desk.rest(1200)
    expect(desk.page.get_by_text(re.compile("所选道路：R"))).to_be_visible(timeout=30_000)
    quiet(watch)


def test_a_footprint_file_is_read_and_a_bad_one_is_a_sentence(quiet_district, chromium, watch):
    url, home = quiet_district
    here = office(home)
    with here.transaction() as (session, act):
        told = incidents.Declaration("导入范围", "flood", here.now(), incident_id="upload")
        incidents.declare_incident(session, act, here.policy(), told)
    desk = Desk(chromium, watch)
    desk.open(f"{url}/incident?incident=upload")
    desk.map_is_drawn()
    desk.tab("导入文件")
    chosen = desk.page.get_by_test_id("stFileUploaderDropzoneInput")
    broken = {"name": "范围.geojson", "mimeType": "application/geo+json", "buffer": b"<OGRVRTDataSource/>"}
    chosen.set_input_files(broken)
    desk.rest()
    desk.button("导入文件并测算影响")
    told = desk.page.get_by_test_id("stAlertContentError")
    expect(told).to_contain_text("范围.geojson", timeout=60_000)
    with here.reading() as session:
        assert incidents.footprint_of(session, "upload")[0] == ""
    desk.page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        ROOT / "layers" / "demo" / "flood_2026.geojson"
    )
    desk.rest()
    desk.button("导入文件并测算影响")
    expect(desk.page.get_by_text("范围已存入")).to_be_visible(timeout=90_000)
    with here.reading() as session:
        assert impact.latest_impact(session, "upload")["totals"]["affected_population"] > 0
    quiet(watch)


def test_the_address_brings_one_back(served, chromium, watch):
    url, _ = served
    desk = Desk(chromium, watch)
    desk.open(f"{url}/relief?as=批准人丙&lang=en&incident=20260703-01")
    for part in ("incident=20260703-01", "lang=en", "plan="):
        assert part in desk.page.url
    desk.page.reload()
    desk.page.get_by_role("heading", level=1).wait_for()
    desk.rest()
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("Relief plan")
    person = desk.page.get_by_test_id("stSidebar").get_by_text("批准人丙")
    expect(person).to_be_visible()
    desk.go("Roads")
    expect(person).to_be_visible()
    assert "lang=en" in desk.page.url
    quiet(watch)


def test_why_on_every_row(served, chromium, watch):
    url, _ = served
    desk = Desk(chromium, watch)
    desk.open(f"{url}/relief?incident=20260703-01")
    desk.map_is_drawn()
    strip = desk.page.get_by_test_id("stDataFrame").nth(0).bounding_box()
    desk.page.mouse.click(strip["x"] + 16, strip["y"] + 36 + 35 * 4)
    desk.rest(1200)
    items = desk.page.get_by_test_id("stDataFrame").nth(1)
    items.scroll_into_view_if_needed()
    box = items.bounding_box()
    desk.page.mouse.click(box["x"] + 16, box["y"] + 36 + 15)
    desk.rest(2500)
    expect(desk.page.get_by_text(re.compile("^为什么："))).to_be_visible(timeout=30_000)
    desk.shot("flood_relief_why_1280")
    quiet(watch)
