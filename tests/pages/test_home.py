"""首页: every role is told what waits for it, one click from the act, in both languages."""

from pathlib import Path

import pytest
from door import sit
from streamlit.testing.v1 import AppTest

from geo_minzheng.bootstrap import open_bureau, text_of
from geo_minzheng.pages import frame
from geo_minzheng.services import demo_people
from geo_minzheng.settings import read_settings

PAGE = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "pages" / "home.py"
NAMES = {post.login: post.name for post in demo_people.POSTS}


@pytest.fixture
def linked(monkeypatch):
    """Collect the links of a page: a page that is run by itself has no navigation they could lead to."""
    found = []
    monkeypatch.setattr(frame, "link", lambda page, label, **more: found.append((page, label, more)))
    return found


@pytest.fixture
def home(demo_home, monkeypatch):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(demo_home))
    return demo_home


def run(home, login, language="zh", **more):
    sit(home, NAMES[login], **more)
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    app.query_params["lang"] = language
    app.run()
    assert not app.exception, app.exception
    assert not [e.value for e in app.error]
    return app


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_role_has_a_home_with_links_to_its_own_pages_only(demo_out, monkeypatch, linked, language):
    home = demo_out / "home"
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(home))
    roles = open_bureau(read_settings({}, home=home)).policy().roles
    text = text_of(language)
    for post in demo_people.POSTS:
        linked.clear()
        app = run(home, post.login, language)
        assert app.title[0].value == text("pages.home.title"), post
        heads = [head.value for head in app.subheader]
        assert text("pages.overview.now") in heads or text("pages.home.changed") in heads, post
        todo = [link for link in linked if link[2].get("icon") and link[0] != "account"]
        assert len([link for link in todo if "incident" in link[2]]) <= 7 + 8
        for page, label, _ in linked:
            assert page in (*roles[post.role].pages, "account", "incident"), (post, page, label)
            assert "{" not in label
