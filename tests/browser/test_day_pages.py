"""A village's report and the planning day in real Chromium, with the outside network blocked; taps are counted."""

import json
import shutil
from pathlib import Path

import door
import pytest

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.services import housing, reports
from geo_minzheng.services.demo import INCIDENT
from geo_minzheng.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "out" / "screens"
NOW = "2026-07-03T22:30"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PLANNER, REVIEWER = "规划员戊", "审核员丁"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(demo_out, tmp_path_factory):
    from tests.browser.conftest import start_app

    base = tmp_path_factory.mktemp("day_pages")
    home = Path(shutil.copytree(demo_out / "home", base / "home"))
    process, url = start_app(home, base / "app.log", "--now", NOW)
    yield url, home
    process.terminate()
    process.wait(20)


def store(home):
    return open_bureau(read_settings({}, home=home, now=NOW)).reading()


class Hand:
    """A person at a screen: every tap is counted."""

    def __init__(self, browser, size, watch):
        self.page = browser.new_context(viewport=size, locale="zh-CN").new_page()
        watch.on(self.page)
        self.taps = 0

    def open(self, url):
        from tests.browser.conftest import open_page

        open_page(self.page, url)

    def rest(self):
        """Wait until the page has drawn: a run starts a moment after the tap."""
        self.page.wait_for_timeout(300)
        self.page.wait_for_function(
            "() => document.querySelector('.stApp')?.getAttribute('data-test-script-state') === 'notRunning'"
            " && !document.querySelector('.st-key-work')",
            timeout=90_000,
        )
        self.page.wait_for_timeout(400)

    def tap(self, where, *, settle=True):
        where.click()
        self.taps += 1
        if settle:
            self.rest()

    def shot(self, name):
        """Keep a picture of the whole page."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size
        tall = self.page.evaluate("() => document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0")
        self.page.set_viewport_size({"width": size["width"], "height": min(max(size["height"], tall + 20), 4000)})
        self.page.wait_for_timeout(900)
        self.page.screenshot(path=SCREENS / f"{name}.png")
        self.page.set_viewport_size(size)


def field(hand, label):
    return hand.page.get_by_label(label).first


def button(hand, name):
    return hand.page.get_by_role("button", name=name).last


def clean(watch):
    assert not watch.outside
    assert not watch.failed
    assert not watch.errors


def note_taps(name, taps, limit):
    """Keep the count where the guide takes it from, and hold the limit."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    path = SCREENS / "taps.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(known | {name: taps}, ensure_ascii=False, sort_keys=True, indent=1), encoding="utf-8")
    assert taps <= limit


def test_report_return_resubmit_confirm(chromium, served, watch):
    url, home = served
    with store(home) as session:
        village = next(v.village for v in reports.list_versions(session, INCIDENT) if v.state == "returned")
    officer = f"信息员{village}"
    door.enter(home, officer, role="village_informant", scope=village)
    phone = Hand(chromium, PHONE, watch)
    phone.open(f"{url}/report?as={officer}")
    phone.shot("report_390_returned")
    for label, value in (("转移户数", "150"), ("集中安置", "470"), ("倒房户数", "15")):
        phone.tap(field(phone, label), settle=False)
        field(phone, label).fill(value)
    phone.tap(phone.page.get_by_role("radiogroup", name="停电").get_by_text("否"), settle=False)
    phone.shot("report_390_filled")
    phone.tap(button(phone, "上报"))
    phone.page.get_by_text("已送达").wait_for(timeout=30_000)
    phone.shot("report_390_sent")
    note_taps("village_report", phone.taps, 12)
    with store(home) as session:
        newest = reports.latest_version(session, INCIDENT, village)
    assert (newest.state, newest.values["collective_resettled_now"]) == ("submitted", 470)
    assert newest.values["power_cut"] is False
    first_review(chromium, url, home, watch, village)
    again(chromium, url, home, watch, village)
    clean(watch)


def first_review(chromium, url, home, watch, village):
    """Return the version with a reason in two taps."""
    desk = Hand(chromium, DESK, watch)
    desk.open(f"{url}/review?as={REVIEWER}")
    desk.shot("review_1280_waiting")
    desk.tap(desk.page.get_by_role("radiogroup").get_by_text("马桥"))
    before = desk.taps
    desk.tap(desk.page.get_by_text("请补现场照片"))
    desk.tap(button(desk, "退回"))
    desk.page.get_by_text("已退回，理由已告知信息员").wait_for(timeout=30_000)
    assert desk.taps - before == 2
    with store(home) as session:
        newest = reports.latest_version(session, INCIDENT, village)
    assert (newest.state, newest.reason) == ("returned", "请补现场照片")


def again(chromium, url, home, watch, village):
    """The officer sees the reason on top and sends again; the reviewer opens it and confirms."""
    phone = Hand(chromium, PHONE, watch)
    phone.open(f"{url}/report?as=信息员{village}")
    phone.page.get_by_text("被退回：请补现场照片").wait_for(timeout=20_000)
    picture = ROOT / "src" / "geo_minzheng" / "assets" / "leaflet" / "images" / "layers.png"
    phone.page.locator("input[type=file]").set_input_files(picture)
    phone.rest()
    phone.tap(button(phone, "上报"))
    phone.page.get_by_text("照片1张").wait_for(timeout=30_000)
    desk = Hand(chromium, DESK, watch)
    desk.open(f"{url}/review?as={REVIEWER}")
    desk.tap(desk.page.get_by_role("radiogroup").get_by_text("马桥"))
    assert desk.page.get_by_text("上一版（已退回）").is_visible()
    desk.shot("review_1280_compare")
    desk.tap(button(desk, "核定"))
    desk.page.get_by_text("已核定，计入合计").wait_for(timeout=20_000)
    note_taps("approve_returned_report", desk.taps, 4)
    with store(home) as session:
        newest = reports.latest_version(session, INCIDENT, village)
    assert newest.state == "confirmed"
    assert len(newest.photos) == 1
    desk.tap(desk.page.get_by_role("radio", name="汇总与统计表"))
    desk.shot("review_1280_totals")
    with desk.page.expect_download() as got:
        button(desk, "下载统计表").click()
    assert Path(got.value.path()).read_bytes()[:2] == b"PK"
    desk.tap(desk.page.get_by_role("radio", name="未报村"))
    desk.shot("review_1280_silent")


def test_why_a_house_is_not_in_the_programme(chromium, served, watch):
    url, home = served
    with store(home) as session:
        made = housing.latest_programmes(session)
    case = next(s["case"] for p in made["programmes"] for s in p["skipped"] if s["kind"] == "gate")
    desk = Hand(chromium, DESK, watch)
    desk.open(f"{url}/?as={PLANNER}")
    desk.tap(desk.page.get_by_role("link", name="危房改造"))
    desk.page.get_by_text("正式顺位名单").wait_for(timeout=60_000)
    desk.tap(desk.page.get_by_label("查一户为什么在或不在名单"), settle=False)
    desk.page.keyboard.type(case)
    desk.page.keyboard.press("Enter")
    desk.rest()
    desk.page.get_by_role("cell", name="未列入").first.wait_for(timeout=20_000)
    note_taps("why_not_in_the_programme", desk.taps + 1, 4)
    desk.shot("housing_1280_why")
    clean(watch)


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("housing_1280", "housing?as=规划员戊"),
        ("welfare_1280_reach", "welfare?as=规划员戊&view=reach"),
        ("welfare_1280_sites_en", "welfare?as=规划员戊&view=sites&lang=en"),
    ],
)
def test_planning_pages_draw(chromium, served, watch, name, address):
    url, _ = served
    desk = Hand(chromium, DESK, watch)
    desk.open(f"{url}/{address}")
    desk.page.wait_for_timeout(1500)
    desk.shot(name)
    clean(watch)
