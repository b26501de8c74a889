"""The door in real Chromium: sign in by hand, first password, lock, phone and wall; legible to all at every width."""

import re
import shutil
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import door
import provider
import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from geo_minzheng.bootstrap import open_bureau, watch
from geo_minzheng.model.account import COOKIE, SessionKind
from geo_minzheng.present import pairing
from geo_minzheng.services import accounts, passwords
from geo_minzheng.settings import read_settings
from geo_minzheng.store import accounts as store

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "out" / "screens" / "door"
AXE = (ROOT / "tests" / "axe" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
ASK = """async ([within, tags]) => {
  const told = await axe.run(within, {runOnly: {type: "tag", values: tags}});
  return {rules: told.passes.length, wrong: told.violations.flatMap((v) => v.nodes.map((n) => [v.id, n.html]))};
}"""
NOW, PIN = "2026-07-03T22:30", "390274"
SIZES = {390: 844, 1280: 900}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(demo_out, tmp_path_factory):
    from tests.browser.conftest import start_app

    base = tmp_path_factory.mktemp("door")
    home = Path(shutil.copytree(demo_out / "home", base / "home"))
    process, url = start_app(home, base / "app.log", "--now", NOW)
    for login in ("duty", "reviewer", "dispatch"):
        door.give_password(home, login)
    yield url, home
    process.terminate()
    process.wait(20)


def office(home):
    return open_bureau(read_settings({}, home=home, now=NOW))


def new_page(browser, width=1280, scheme="light"):
    size = {"width": width, "height": SIZES[width]}
    return browser.new_context(viewport=size, locale="zh-CN", color_scheme=scheme).new_page()


def sign_in(page, login, password):
    page.get_by_label("登录名").fill(login)
    page.get_by_label("口令").fill(password)
    page.get_by_role("button", name="登录").click()


def stand(page, heading=None):
    """Wait until a page of the app stands."""
    page.get_by_role("heading", level=1, name=heading).first.wait_for(timeout=60_000)
    page.wait_for_function(
        "() => document.querySelector('.stApp')?.getAttribute('data-test-script-state') === 'notRunning'"
    )


def seat_of(page, home):
    """Give the number of the session a browser sits in."""
    token = next(c["value"] for c in page.context.cookies() if c["name"] == COOKIE)
    with office(home).reading() as session:
        return store.find_sign_in(session, passwords.digest_token(token))[0].fid


def shot(page, name):
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png")


def assert_legible(page, name, within="html"):
    page.evaluate(AXE)
    told = page.evaluate(ASK, [within, TAGS])
    assert not told["wrong"], (name, told["wrong"])
    assert told["rules"] >= (8 if within == "html" else 3), (name, told)


def test_a_deep_link_leads_through_the_door_and_back(chromium, served):
    url, home = served
    page = new_page(chromium)
    page.goto(f"{url}/roads?vehicle=boat")
    assert "/door/sign-in" in page.url
    sign_in(page, "duty", "no-such-Word-1")
    expect(page.get_by_role("alert")).to_contain_text("登录名或口令不正确")
    assert page.get_by_label("登录名").input_value() == "duty" and page.get_by_label("口令").input_value() == ""
    sign_in(page, "duty", door.PASSWORD)
    stand(page, "道路")
    assert page.url.startswith(f"{url}/roads?vehicle=boat")
    page.reload()
    stand(page, "道路")
    assert page.url.startswith(f"{url}/roads?vehicle=boat"), "F5 loses the place, or the session"
    page.goto(f"{url}/audit")
    page.wait_for_timeout(1500)
    stand(page)
    assert page.get_by_role("heading", name="审计", level=1).count() == 0, "another role's page"
    _signed_out(page, url)
    _disabled(page, url, home)
    page.context.close()


def _signed_out(page, url):
    page.goto(f"{url}/roads")
    stand(page, "道路")
    page.get_by_role("button", name="退出登录").click()
    page.get_by_label("登录名").wait_for()
    page.goto(f"{url}/roads")
    assert "/door/sign-in" in page.url, "signed out, and still in"


def _disabled(page, url, home):
    sign_in(page, "dispatch", door.PASSWORD)
    stand(page, "道路")
    with office(home).transaction() as (session, act):
        accounts.disable(session, act, "dispatch", watch())
    with suppress(PlaywrightTimeout):  # the page may have led to the door by itself, before the click
        page.get_by_test_id("stSidebarNavLink").filter(has_not_text="道路").first.click(timeout=10_000)
    page.get_by_label("登录名").wait_for(timeout=30_000)
    expect(page.get_by_role("alert")).to_contain_text("登录已结束")


def test_a_new_district_prints_one_secret_and_asks_for_an_own_password(chromium, tmp_path):
    from tests.browser.conftest import start_app

    office(tmp_path / "home").create_store()
    process, url = start_app(tmp_path / "home", tmp_path / "app.log")
    try:
        (secret,) = re.findall(
            r"\b(?:[a-z2-9]{4}-){3}[a-z2-9]{4}\b", (tmp_path / "app.log").read_text(encoding="utf-8")
        )
        page = new_page(chromium)
        page.goto(url)
        sign_in(page, "管理员", secret)
        page.get_by_label("现在的口令").wait_for()
        page.goto(f"{url}/accounts")
        assert page.url.endswith("/door/first"), "in, with a secret that somebody else has seen"
        for new, again, told in (("short", "short", "至少"), (door.PASSWORD, "other", "不一样")):
            page.get_by_label("现在的口令").fill(secret)
            page.get_by_label("新口令", exact=True).fill(new)
            page.get_by_label("再输一遍").fill(again)
            page.get_by_role("button", name="保存并进入").click()
            expect(page.get_by_role("alert")).to_contain_text(told)
        page.get_by_label("现在的口令").fill(secret)
        page.get_by_label("新口令", exact=True).fill(door.PASSWORD)
        page.get_by_label("再输一遍").fill(door.PASSWORD)
        page.get_by_role("button", name="保存并进入").click()
        stand(page)
        shot(page, "first_admin_in")
        page.context.close()
    finally:
        process.terminate()
        process.wait(20)


def test_the_lock_covers_the_screen_and_keeps_the_form(chromium, served):
    url, home = served
    with office(home).transaction() as (session, act):
        kept = passwords.hash_password(PIN)
        store.change_account(session, act, "user.pin", store.get_account(session, "reviewer"), pin_hash=kept)
    page = new_page(chromium, 390)
    page.goto(f"{url}/account")
    sign_in(page, "reviewer", door.PASSWORD)
    stand(page)
    field = page.get_by_label("手机名称")
    field.fill("填了一半")
    with office(home).transaction() as (session, _):
        store.mark(session, seat_of(page, home), seen_at=watch() - timedelta(minutes=11))
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
    lock = page.get_by_role("dialog", name="屏幕已锁定")
    lock.wait_for(timeout=10_000)
    for width, height in SIZES.items():
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(150)
            ground = page.evaluate("() => getComputedStyle(document.getElementById('lock')).backgroundColor")
            assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(26, 35, 44)"}[scheme]
            assert_legible(page, f"lock {width} {scheme}", "#lock")
            shot(page, f"lock_{width}_{scheme}")
    page.keyboard.press("Escape")
    assert lock.is_visible() and "填" not in page.evaluate("() => document.activeElement.value")
    hidden = page.evaluate("() => document.elementFromPoint(20, 20).closest('#lock') !== null")
    assert hidden, "what is under the lock can be clicked"
    page.get_by_label("锁屏码或口令").fill("390275")
    page.keyboard.press("Enter")
    expect(lock.get_by_role("alert")).to_have_text("不正确，请重试。")
    page.get_by_label("锁屏码或口令").fill(PIN)
    page.get_by_role("button", name="解锁").click()
    expect(lock).to_have_count(0)
    assert field.input_value() == "填了一半", "what was typed is lost"
    page.context.close()


def code_for(home, login, kind):
    desk = office(home)
    with desk.transaction() as (session, act):
        return accounts.pair(session, act, desk.policy(), login, kind, "试验", watch())[0]


def test_a_phone_pairs_by_its_code_and_a_wall_only_shows(chromium, served):
    url, home = served
    phone = new_page(chromium, 390)
    phone.goto(pairing.link(url, code_for(home, "informant", SessionKind.PHONE)))
    stand(phone)
    shot(phone, "phone_390")
    assert "#" not in phone.url and "/door/" not in phone.url
    assert phone.get_by_role("heading", name="首页", level=1).count() == 1, "everybody starts at home"
    shot(phone, "phone_390")
    phone.context.close()
    wall = new_page(chromium)
    wall.goto(pairing.link(url, code_for(home, "leader", SessionKind.WALL)))
    stand(wall)
    wall.goto(f"{url}/overview")
    wall.locator("iframe").first.wait_for(timeout=60_000)
    assert wall.locator("[data-testid=stForm], textarea, [data-testid=stNumberInputField]").count() == 0
    shot(wall, "wall_1280")
    for other in ("audit", "relief", "account"):
        wall.goto(f"{url}/{other}")
        stand(wall)
        assert wall.locator("[data-testid=stForm]").count() == 0, f"the wall has forms at {other}"
    wall.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", list(SIZES))
def test_everybody_can_read_the_door(chromium, served, width, scheme):
    url, home = served
    page = new_page(chromium, width, scheme)
    for name in ("sign-in", "sign-in?why=ended", "sign-in?lang=en", "device"):
        page.goto(f"{url}/door/{name}")
        assert_legible(page, name)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        shot(page, f"{re.sub(r'[^a-z]', '_', name)}_{width}_{scheme}")
    faces = page.evaluate("() => document.fonts.load('16px \"Noto Sans SC\"', '登录').then((found) => found.length)")
    assert faces >= 1, "the door has no letters of its own"
    door.let_in(page, home, url, "duty")
    page.goto(f"{url}/door/first")
    assert_legible(page, "first")
    shot(page, f"first_{width}_{scheme}")
    page.context.close()


def test_the_bureaus_own_provider_opens_the_door(served, chromium):
    url, home = served
    folder = open_bureau(read_settings({}, home=home)).settings.keys
    with provider.provider() as idp:
        (folder / "oidc.toml").write_text(provider.settings_of(idp, f"{url}/door/unified/back"), encoding="utf-8")
        (folder / "oidc.toml").chmod(0o600)
        with office(home).transaction() as (session, act):
            accounts.bind_subject(session, act, "inspector", f"{idp.url} {idp.sub}")
        page = new_page(chromium)
        page.goto(f"{url}/welfare?view=reach")
        page.screenshot(path=SCREENS / "unified_1280.png")
        page.get_by_role("link", name="统一身份认证登录").click()
        page.get_by_role("heading", level=1).wait_for(timeout=90_000)
        expect(page.get_by_text("检查员未（检查员）")).to_be_visible()
        assert page.url.startswith(f"{url}/welfare?view=reach")
        page.get_by_role("button", name="退出登录").click()
        expect(page.get_by_role("button", name="登录")).to_be_visible()
        idp.lie(claims={"nonce": "of another"})
        page.get_by_role("link", name="统一身份认证登录").click()
        expect(page.get_by_role("alert")).to_contain_text("没有确认")
        page.screenshot(path=SCREENS / "unified_refused_1280.png")
        (folder / "oidc.toml").unlink()
