"""Backup, restore, health and the anchors of ``verify`` as an operator types them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from desk import Desk

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import run_cli


@pytest.fixture
def desk(tmp_path):
    made = Desk(tmp_path / "home")
    made.do("district", "create", "--empty", "--name", "某区", "--code", "420799")
    return made


def test_from_the_first_key_to_the_restored_home(desk, tmp_path):
    out, safe = tmp_path / "backups", tmp_path / "safe.txt"
    assert desk.refused("backup")["error"] == "backup.not_prepared"
    told = desk.do("backup", "init", "--out", out)
    safe.write_text(told["secret"])
    assert desk.refused("backup", "init", "--out", out)["error"] == "backup.prepared"
    made = desk.do("backup")
    assert Path(made["file"]).parent == out and made["lost_photos"] == []
    again = desk.do("backup", "--out", out)
    assert again["file"] != made["file"]
    assert [b["state"] for b in desk.do("backup", "list")] == ["good", "good"]
    assert desk.do("backup", "check", out, "--identity", safe)["audit"] == made["audit"]
    other = Desk(tmp_path / "other")
    assert other.do("restore", made["file"], "--identity", safe)["aside"] is None
    assert set(other.do("verify", "--backup", made["file"]).values()) == {"ok"}
    assert desk.do("backup", "prune")["removed"] == [Path(made["file"]).name]
    Path(again["file"]).write_bytes(b"x")
    assert desk.refused("backup", "check", out, "--identity", safe)["error"] == "backup.none"
    assert desk.refused("restore", again["file"], "--identity", safe)["error"] == "backup.damaged"


def test_the_printed_head_is_an_anchor(desk):
    (last, *_) = desk.do("audit", "list", "--limit", "1")
    for told in (f"{last['seq']}:{last['hash'][:16]}", f"{last['seq']}-{last['hash'].upper()}"):
        assert set(desk.do("verify", "--anchor", told).values()) == {"ok"}
    for other in (f"{last['seq']}:{'0' * 16}", f"{last['seq'] + 1}:{last['hash'][:16]}"):
        said = desk.run("verify", "--anchor", other)
        assert said.code == 1 and "印出" in said.json["audit"]
    for wrong in ("7", "7:0123", f"7:{'g' * 16}"):
        assert desk.refused("verify", "--anchor", wrong)["error"] == "audit.bad_anchor"


def test_the_first_key_is_a_file_that_age_reads(tmp_path):
    home = tmp_path / "home"
    Desk(home).do("district", "create", "--empty", "--name", "某区", "--code", "420799")
    done = run_cli("backup", "init", "--out", str(tmp_path / "b"), home=home)
    first, second = done.stdout.splitlines()
    assert first.startswith("# public key: age1") and second.startswith("AGE-SECRET-KEY-1")
    assert "保险柜" in done.stderr


def test_a_running_command_keeps_its_home(desk, tmp_path):
    out, safe = tmp_path / "backups", tmp_path / "safe.txt"
    safe.write_text(desk.do("backup", "init", "--out", out)["secret"])
    desk.do("backup")
    holder = (
        "from geo_minzheng.bootstrap import open_bureau; from geo_minzheng.settings import read_settings;"
        f"import time; from pathlib import Path; b = open_bureau(read_settings(home=Path({str(desk.home)!r})));"
        "s = b.reading(); s.__enter__(); print('open', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holder], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "open\n"
        told = Desk(desk.home).refused("restore", out, "--identity", safe)
        running.kill()
    assert told["error"] == "backup.home_in_use"


def test_health_says_what_is_wrong_and_ends_with_one(desk, tmp_path):
    said = desk.run("health")
    assert said.code == 1
    assert {s["name"]: s["state"] for s in said.json}["backup"] == "bad"
    desk.do("backup", "init", "--out", tmp_path / "backups")
    desk.do("backup")
    signs = {s["name"]: s for s in desk.do("health")}
    assert signs["backup"]["state"] == "ok" and signs["clock"]["state"] == "warning"
    assert signs["chain"]["count"] == desk.do("audit", "list", "--limit", 1)[0]["seq"]
