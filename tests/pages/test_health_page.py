"""运行状况: what is wrong stands first, with its remedy, in both languages."""

import os
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backup_home import NOON, back_up, furnish, prepared
from door import sit

from geo_minzheng.bootstrap import text_of

PAGE = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "pages" / "health.py"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GEO_MINZHENG_NOW", NOON.isoformat())
    return furnish(tmp_path / "home")


def run(language):
    app = AppTest.from_file(str(PAGE), default_timeout=60)
    sit(Path(os.environ["GEO_MINZHENG_HOME"]), "管理员", role="admin")
    app.query_params["lang"] = language
    app.run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("language", ["zh", "en"])
def test_without_a_backup_it_says_what_to_do(home, language):
    app, text = run(language), text_of(language)
    assert app.title[0].value == text("pages.health.title")
    (bad,) = app.error
    assert text("health.told.no_backup") in bad.value
    assert text("health.remedy.backup") in bad.value.replace("\\", "")
    assert [w for w in app.warning if text("health.name.clock") in w.value], "the clock of this test is fixed"
    assert len(app.success) == 3


def test_with_a_backup_nothing_is_bad(home, tmp_path):
    prepared(home, tmp_path / "backups")
    made = back_up(home)
    app = run("zh")
    assert not app.error
    assert any(made.file.name in s.value.replace("\\", "") for s in app.success)
