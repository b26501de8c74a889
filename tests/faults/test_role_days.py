"""Each role's day as a new user goes through it: from the sign-in form to the work done, every click counted."""

import json
import re
import shutil
from pathlib import Path

import door
import pytest
from playwright.sync_api import expect
from tests.browser import screens
from tests.browser.conftest import Watch, start_app

from geo_minzheng.bootstrap import open_bureau, text_of
from geo_minzheng.services import accounts, demo_people, dispatch, housing, relief, reports
from geo_minzheng.services.demo import COORDINATOR, INCIDENT
from geo_minzheng.settings import read_settings

NOW = "2026-07-03T22:30"
ZH = text_of("zh")
DAYS = screens.ROOT / "out" / "screens" / "days"
CLICKS = screens.ROOT / "docs" / "clicks.md"
# Whom a phone is for.
PHONES = {"informant", "receiver"}


@pytest.fixture(scope="module")
def served(demo_out, tmp_path_factory):
    base = tmp_path_factory.mktemp("days")
    home = Path(shutil.copytree(demo_out / "home", base / "home"))
    for post in demo_people.POSTS:
        door.give_password(home, post.login)
    process, url = start_app(home, base / "app.log", "--now", NOW)
    yield url, home
    process.terminate()
    process.wait(20)


def office(home):
    return open_bureau(read_settings({}, home=home, now=NOW))


class Day:
    """Somebody at a screen, from the sign-in form on."""

    def __init__(self, browser, url, home, login):
        self.login, self.home, self.clicks = login, home, []
        self.watch = Watch()
        self.page = screens.new_page(browser, 390 if login in PHONES else 1280)
        self.watch.on(self.page)
        self.page.goto(f"{url}/")
        for label, words in (("登录名", login), ("口令", door.PASSWORD)):
            self.click(label, self.page.get_by_label(label), settle=False)
            self.page.keyboard.type(words)
        self.click("登录", self.page.get_by_role("button", name="登录"), settle=False)
        self.page.get_by_role("heading", level=1).wait_for(timeout=120_000)
        screens.rest(self.page)
        self.shots("home")

    @property
    def main(self):
        return self.page.get_by_test_id("stMain")

    def click(self, what, where, *, settle=True):
        where.click(timeout=60_000)
        self.clicks.append(what)
        if settle:
            screens.rest(self.page)

    def task(self, words):
        """Follow what the home page says to do."""
        link = self.main.get_by_test_id("stPageLink-NavLink").filter(has_text=words).first
        self.click(re.sub(r"\s+", " ", link.locator("p").inner_text())[:24], link)

    def go(self, page):
        if self.login in PHONES:
            self.click("菜单", self.page.get_by_test_id("stExpandSidebarButton"))
        self.click(page, self.page.get_by_test_id("stSidebarNavLink").filter(has_text=page))

    def button(self, label):
        found = self.main.get_by_role("button", name=re.compile(f"^(\\S+\\s)?{re.escape(label)}"))
        self.click(label, found.first)

    def write(self, label, words):
        self.click(label, self.main.get_by_label(label).first, settle=False)
        self.page.keyboard.type(words)

    def sees(self, words):
        expect(self.main.get_by_text(words).first).to_be_visible(timeout=60_000)

    def shots(self, name):
        """Keep what the screen shows at every width."""
        size = self.page.viewport_size
        for width, height in screens.SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            screens.stretch(self.page)
            screens.shot(self.page, f"days/{self.login}_{name}_{width}")
        self.page.set_viewport_size(size)
        self.page.wait_for_timeout(300)

    def end(self):
        self.shots("done")
        assert not self.page.get_by_role("alert").filter(has_text="Error").count()
        assert (self.watch.outside, self.watch.errors) == ([], [])
        self.page.context.close()


def states(home, **equals):
    with office(home).reading() as session:
        orders = dispatch.orders_of(session, INCIDENT)
    return {o.state.value for o in orders if all(getattr(o, k) == v for k, v in equals.items())}


def person(home, login):
    with office(home).reading() as session:
        return next(p for p in accounts.people(session) if p.login == login)


def leader(day):
    day.sees(ZH("pages.home.changed"))
    day.button(ZH("pages.home.mark_read"))
    day.go("总览")
    day.sees("常住人口")


def command(day):
    day.task("调拨单待下达")
    day.button(ZH("pages.relief.act.issued"))
    day.sees("已下达")
    assert "approved" not in states(day.home)
    assert "issued" in states(day.home)


def keeper(day):
    place = person(day.home, "keeper").place
    day.task("待出库")
    day.button(ZH("pages.relief.act.picking"))
    day.button(ZH("pages.relief.act.in_transit"))
    day.sees(ZH("pages.relief.order.in_transit"))
    assert states(day.home, warehouse=place) <= {"in_transit", "cancelled"}


def send_the_rest(day):
    day.task("待出库")
    day.button(ZH("pages.relief.act.picking"))
    day.button(ZH("pages.relief.act.in_transit"))
    assert states(day.home) <= {"in_transit", "cancelled"}


def receiver(day):
    place = person(day.home, "receiver").place
    day.task("待签收")
    for step in ("arrived", "received", "distributed"):
        day.button(ZH(f"pages.relief.act.{step}"))
    assert states(day.home, receiver=place) == {"distributed"}


def disaster(day):
    day.task("待审报告")
    day.button("核定")
    day.sees("已核定")
    with office(day.home).reading() as session:
        assert not [v for v in reports.list_versions(session, INCIDENT) if v.state == "submitted"]


def informant(day):
    day.task("退回")
    day.sees("被退回")
    day.write("转移户数", "150")
    day.button("上报")
    day.sees("已送达")


def reviewer(day):
    day.task("待审报告")
    day.button("核定")
    day.sees("已核定")


def consulting(day):
    day.go("灾情指挥")
    day.sees("受灾人口")


def housing_officer(day):
    with office(day.home).reading() as session:
        case = housing.latest_programmes(session)["programmes"][0]["chosen"][0]["case"]
    day.go("危房改造")
    day.write("查一户为什么在或不在名单", case)
    day.page.keyboard.press("Enter")
    screens.rest(day.page)
    day.click(ZH("pages.housing.reveal"), day.main.get_by_text(ZH("pages.housing.reveal")).first)
    day.write(ZH("pages.housing.reveal_reason"), "核对公示名单")
    day.button(ZH("pages.housing.reveal_button"))
    day.sees("已记入操作日志")


def panel(day):
    day.go("危房改造")
    day.sees("本村")


def planner(day):
    day.go("福利设施")
    day.click("选址", day.main.get_by_role("radio", name="选址"))
    day.button(ZH("pages.welfare.site"))
    day.sees("最优")


def manager(day):
    day.go("福利设施")
    day.sees("床位")


def inspector(day):
    day.task("隐患")
    day.sees("隐患")


def auditor(day):
    day.task("日志链")
    day.button(ZH("pages.audit.verify"))
    day.sees("完整")


def admin(day):
    day.go("账户管理")
    day.write(ZH("pages.accounts.name"), "接班人")
    day.button(ZH("pages.accounts.add_button"))
    day.sees("只显示这一次")


def approver(day):
    day.task("方案")
    day.button(ZH("pages.relief.approve_written"))
    day.sees("库存已预留")


def new_plan(home):
    desk = office(home).named(COORDINATOR)
    with desk.transaction(incident=INCIDENT) as (session, act):
        wish = relief.PlanWish(reason="核定人数有变")
        relief.plan_relief(session, act, desk.policy(), desk.text, INCIDENT, wish=wish)


# In the order of a night: who does what, and what makes it possible.
NIGHT = {
    "command": command,
    "keeper": keeper,
    "dispatch": send_the_rest,
    "receiver": receiver,
    "disaster": disaster,
    "informant": informant,
    "reviewer": reviewer,
    "leader": leader,
    "consulting": consulting,
    "housing": housing_officer,
    "panel": panel,
    "planner": planner,
    "manager": manager,
    "inspector": inspector,
    "auditor": auditor,
    "admin": admin,
    "approver": approver,
}


def test_every_role_has_its_day():
    roles = {post.role for post in demo_people.POSTS}
    assert {post.role for post in demo_people.POSTS if post.login in NIGHT} == roles
    assert len(roles) == 17


@pytest.mark.parametrize("login", NIGHT)
def test_a_day_from_sign_in_to_done(chromium, served, login):
    url, home = served
    if login == "approver":
        new_plan(home)
    day = Day(chromium, url, home, login)
    try:
        NIGHT[login](day)
    except Exception:
        day.shots("stuck")
        raise
    day.end()
    DAYS.mkdir(parents=True, exist_ok=True)
    path = DAYS / "clicks.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    known[login] = day.clicks
    path.write_text(json.dumps(known, ensure_ascii=False, indent=1), encoding="utf-8")
    told = re.search(rf"^\| {login} \|.*?\| (\d+) \|", CLICKS.read_text(encoding="utf-8"), re.M)
    assert told, f"docs/clicks.md tells nothing of {login}: {len(day.clicks)} {day.clicks}"
    assert len(day.clicks) == int(told[1]), day.clicks
