"""The signs of health: each turns bad for its own reason."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backup_home import NOON, back_up, copy, furnish, prepared

from geo_minzheng.policy import load_policy
from geo_minzheng.present.health import sign_line
from geo_minzheng.present.text import Text
from geo_minzheng.services import health
from geo_minzheng.settings import Settings, data_dir, file_url
from geo_minzheng.store import session

POLICY = load_policy(data_dir("policy"), profile="seed_reference", day=NOON.date())


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    home = furnish(tmp_path_factory.mktemp("template") / "home")
    prepared(home, home.parent / "backups")
    back_up(home)
    return home


@pytest.fixture
def home(template, tmp_path):
    return copy(template, tmp_path / "home")


def look(home: Path, moment: datetime = NOON, now: str = "") -> dict[str, str]:
    engine = session.make_engine(file_url(home / "district.gpkg"))
    with session.read_session(engine) as reading:
        found = health.look(reading, POLICY, Settings(home, now=now), moment)
    engine.dispose()
    for language in ("zh", "en"):
        text = Text.load(data_dir("text"), language)
        for sign in found:
            assert sign_line(sign, text) and "{" not in sign_line(sign, text) + text(f"health.remedy.{sign.name}")
    assert health.is_well(found) == ("bad" not in {s.state for s in found})
    return {sign.name: sign.state for sign in found}


def test_a_home_in_order_is_well(home):
    assert look(home) == dict.fromkeys(("store", "disk", "backup", "chain", "clock"), "ok")


@pytest.mark.parametrize(("hours", "state"), [(26, "ok"), (27, "warning"), (60, "bad")])
def test_a_backup_grows_old(home, hours, state):
    assert look(home, NOON + timedelta(hours=hours))["backup"] == state


def test_no_backup_is_bad(home, template):
    for left in (home / "backup.json",):
        left.unlink()
    assert look(home)["backup"] == "bad"


def test_a_cut_chain_is_bad(home):
    with closing(sqlite3.connect(home / "district.gpkg")) as link:
        link.execute("DROP TRIGGER audit_no_delete")
        link.execute("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)")
        link.commit()
    assert look(home)["store"] == "bad"


def test_a_clock_behind_the_last_act_is_bad_and_a_fixed_one_a_warning(home):
    assert look(home, NOON - timedelta(minutes=5))["clock"] == "bad"
    assert look(home, now=NOON.isoformat())["clock"] == "warning"


def test_a_disk_that_fills_up(home, monkeypatch):
    for gigabytes, state in ((100, "ok"), (4, "warning"), (0.1, "bad")):
        free = type("Usage", (), {"free": gigabytes * 2**30})
        monkeypatch.setattr(health.shutil, "disk_usage", lambda _, free=free: free)
        assert look(home)["disk"] == state
