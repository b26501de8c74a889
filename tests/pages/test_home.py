"""首页: every role is told what waits for it, one click from the act, in both languages; inbox, counts and help."""

import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from door import SEAT, sit
from streamlit.testing.v1 import AppTest

from geo_minzheng.bootstrap import open_bureau, text_of, watch
from geo_minzheng.model.account import SessionKind
from geo_minzheng.services import accounts, demo_people, tasks
from geo_minzheng.settings import read_settings

MAIN = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "pages" / "main.py"
NAMES = {post.login: post.name for post in demo_people.POSTS}


@pytest.fixture
def home(demo_home, monkeypatch):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(demo_home))
    return demo_home


def run(home, login, language="zh", **more):
    """Open the bare address, as a browser would after signing in."""
    sit(home, NAMES[login], **more)
    app = AppTest.from_file(str(MAIN), default_timeout=120)
    app.query_params["lang"] = language
    app.run()
    assert not app.exception, app.exception
    assert not [e.value for e in app.error]
    return app


def links(app):
    """List what the page itself links to: page, words, address."""
    return [
        (link.proto.page, link.proto.label.replace("\\", ""), dict(parse_qsl(link.proto.query_string)))
        for link in app.main.get("page_link")
    ]


def heads(app):
    return [head.value for head in app.main.subheader]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_role_has_a_home_that_leads_to_its_own_pages(demo_out, monkeypatch, language):
    home, text = demo_out / "home", text_of(language)
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(home))
    desk = open_bureau(read_settings({}, home=home))
    with desk.reading() as session:
        people = {person.login: person for person in accounts.people(session)}
    for post in demo_people.POSTS:
        app = run(home, post.login, language)
        assert app.title[0].value == text("pages.home.title"), post
        role = desk.policy().roles[post.role]
        mine = desk.for_person(people[post.login])
        told = tasks.rules_for(mine.act(), desk.policy())
        assert heads(app)[0] == text("pages.overview.now" if told else "pages.home.changed"), post
        with desk.reading() as session:
            waiting = tasks.list_waiting(
                session, mine.act(), desk.policy(), place=mine.place, settings=desk.settings, most=99
            )
        found = links(app)
        assert [page for page, _, _ in found[: len(waiting)]] == [desk.policy().tasks[w.kind].page for w in waiting]
        assert {page for page, _, _ in found} <= {*role.pages, "account"}, post
        for _, label, address in found:
            assert "{" not in label
            assert address["lang"] == language
            words = re.split("[（(]|: ", label)[0]  # names and reasons are not translated
            assert bool(re.search(r"[\u4e00-\u9fff]", words)) is (language == "zh"), label
        assert [popover.proto.popover.label for popover in app.get("popover")][:1] == [text("pages.frame.help")], post


def test_a_task_leads_to_where_it_is_done(home):
    found = {label: (page, address) for page, label, address in links(run(home, "command"))}
    page, address = found["调拨单待下达 13 张"]
    assert (page, address["tab"], address["incident"]) == ("relief", "orders", "20260703-01")
    page, address = next(there for label, there in found.items() if label.startswith("待审报告"))
    assert (page, address["view"]) == ("review", "waiting")


def test_the_navigation_counts_what_waits_on_each_page_and_what_is_new(home):
    titles = {name: page.title for name, page in run(home, "keeper").session_state["pages"].items()}
    assert titles == {"home": "首页（2）", "relief": "物资方案（4）", "account": "账户"}
    titles = {name: page.title for name, page in run(home, "reviewer", "en").session_state["pages"].items()}
    assert titles["review"] == "Review (1)"
    assert titles["roads"] == "Roads"


def test_what_is_read_counts_no_longer_and_stays_read_after_reload(home):
    text = text_of("zh")
    app = run(home, "informant")
    assert text("pages.home.inbox_new", count=1) in heads(app)
    assert any("退回" in label for _, label, _ in links(app))
    next(button for button in app.button if button.key == "mark_read").click()
    app.run()
    assert not app.exception, app.exception
    again = run(home, "informant")
    assert text("pages.home.inbox") in heads(again)
    assert any("退回" in label for _, label, _ in links(again)), "what was read can still be read"
    assert "mark_read" not in {button.key for button in again.button}


def test_a_leader_sees_what_changed_until_it_is_marked(home):
    text = text_of("zh")
    app = run(home, "leader")
    assert any("批准或否决方案" in block.value for block in app.main.markdown)
    next(button for button in app.button if button.key == "mark_read").click()
    app.run()
    captions = " ".join(caption.value for caption in run(home, "leader").main.caption)
    assert text("pages.home.unchanged") in captions


def test_a_wall_shows_what_waits_and_the_numbers_and_links_to_no_act(home):
    text = text_of("zh")
    app = run(home, "duty", kind=SessionKind.WALL)
    assert heads(app) == [text("pages.overview.now"), text("pages.home.stand_district")]
    assert any("调拨单待下达 13 张" in block.value for block in app.main.markdown)
    assert {page for page, _, _ in links(app)} <= {"overview", "incident", "roads"}
    assert len(app.metric) > 1
    assert not app.button


def test_a_locked_screen_counts_nothing(home):
    desk = open_bureau(read_settings({}, home=home))
    sit(home, NAMES["keeper"])
    with desk.transaction() as (session, _):
        signed_in, _ = accounts.who_is(session, desk.policy(), SEAT["token"], watch())
        accounts.lock(session, signed_in)
    app = AppTest.from_file(str(MAIN), default_timeout=120)
    app.query_params["lang"] = "zh"
    app.run()
    assert {page.title for page in app.session_state["pages"].values()} == {"首页", "物资方案", "账户"}
    assert not app.metric


def test_an_empty_district_still_says_what_to_do(tmp_path, monkeypatch):
    home = tmp_path / "empty"
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(home))
    desk = open_bureau(read_settings({}, home=home))
    desk.create_store()
    sit(home, "管理员", role="admin")
    app = AppTest.from_file(str(MAIN), default_timeout=120)
    app.query_params["lang"] = "zh"
    app.run()
    assert not app.exception, app.exception
    assert "health" in {page for page, _, _ in links(app)}
    assert [info.value for info in app.info if "layer" not in info.value]


def test_the_auditor_who_verifies_the_chain_has_nothing_left_to_do(home):
    assert next(page for page, _, _ in links(run(home, "auditor"))) == "audit"
    app = AppTest.from_file(str(MAIN.with_name("audit.py")), default_timeout=120)
    sit(home, NAMES["auditor"])
    app.run()
    next(button for button in app.button if button.label.endswith("核验整条链")).click()
    app.run()
    assert not app.exception, app.exception
    assert app.success
    again = run(home, "auditor")
    assert text_of("zh")("pages.overview.nothing") in [caption.value for caption in again.main.caption]
    assert again.session_state["pages"]["audit"].title == "审计"
