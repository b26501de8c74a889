"""The demo as people run it: again, interrupted, into odd places, from good and broken extracts."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import osmium
import pytest
from desk import Desk, is_chinese
from interrupt import interrupt
from once import copy_unwritten

from geo_minzheng.cli import rehearse

ROOT = Path(__file__).resolve().parents[2]
LIECHTENSTEIN = ROOT.parent / "shared" / "data" / "real" / "liechtenstein-2013-08-03.osm.pbf"
# Not the briefing and the siting: they tell, or hash, how long the siting took. Not the orders: they print the head of
# the audit chain, in which marks made with the home's own keys stand for private values.
SAME = ("plan.json", "programme.json", "form.xlsx", "map.html")


def _demo(*words: object, **more: object) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
    command = [sys.executable, "-m", "geo_minzheng.cli", "demo", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environ, cwd=ROOT, check=False, **more)


def _content(path: Path) -> bytes:
    """Read a file; a map's names of its own parts are drawn anew each time."""
    return re.sub(rb"_[0-9a-f]{32}", b"", path.read_bytes())


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Liechtenstein as the other two forms an extract comes in."""
    folder = tmp_path_factory.mktemp("extract")
    writer = osmium.SimpleWriter(str(folder / "li.osm"), overwrite=True)
    for entity in osmium.FileProcessor(str(LIECHTENSTEIN)):
        writer.add(entity)
    writer.close()
    with (folder / "li.osm").open("rb") as plain, gzip.open(folder / "li.osm.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    return folder


def test_again_into_the_same_folder_from_another_form_it_is_the_same(liechtenstein_out, extract, tmp_path):
    out = copy_unwritten(liechtenstein_out, tmp_path / "示范 out")
    (out / "home" / "photos").mkdir()
    (out / "home" / "photos" / "old.jpg").write_bytes(b"of the old demo")
    (out / "home" / "信.txt").write_text("somebody else's", encoding="utf-8")
    for name in ("li.osm", "li.osm.gz"):
        done = _demo("--osm", extract / name, "--out", out)
        assert done.returncode == 0 and not done.stderr, done
        assert "已核算为最优" in done.stdout and name in done.stdout and "一级" in done.stdout
        for file in SAME:
            assert _content(out / file) == _content(liechtenstein_out / file), (name, file)
    assert not (out / "home" / "photos" / "old.jpg").exists(), "the old demo's photos went with it"
    assert (out / "home" / "信.txt").read_text(encoding="utf-8") == "somebody else's"
    assert {p.name for p in out.iterdir()} == {p.name for p in liechtenstein_out.iterdir()}, "no workshop is left"
    assert set(Desk(out / "home").do("verify").values()) == {"ok"}


@pytest.mark.parametrize(("after_s", "is_at_work"), [(0.3, False), (0.0, True), (3.0, True)])
def test_interrupted_it_leaves_what_was_there(liechtenstein_out, tmp_path, after_s, is_at_work):
    out = copy_unwritten(liechtenstein_out, tmp_path / "out")
    before = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    ended = interrupt(
        "demo", "--osm", LIECHTENSTEIN, "--out", out, after_s=after_s,
        once=lambda: not is_at_work or any(out.glob(".building-*")),
    )  # fmt: skip
    assert ended.in_one_line, ended
    assert {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_broken_extracts_are_refused_with_the_file_named(extract, tmp_path):
    (tmp_path / "a.osm").write_text('<osm version="0.6"><node id="1" lat="a"', encoding="utf-8")
    (tmp_path / "b.osm.gz").write_bytes(gzip.compress((tmp_path / "a.osm").read_bytes()))
    (tmp_path / "c.osm.pbf").write_bytes(LIECHTENSTEIN.read_bytes()[:20000])
    (tmp_path / "d.osm.gz").write_bytes((extract / "li.osm.gz").read_bytes()[:50000])
    (tmp_path / "e.osm.gz").write_text("no gzip", encoding="utf-8")
    (tmp_path / "f.osm.pbf").write_bytes(b"")
    names = [path.name for path in tmp_path.iterdir()]
    for name in [*names, "none.osm"]:
        done = _demo("--osm", tmp_path / name, "--out", tmp_path / "out")
        first, second = done.stderr.splitlines()
        assert done.returncode == 1 and not done.stdout, done
        assert is_chinese(first) and name in first and name in second
    assert not list((tmp_path / "out").iterdir()), "nothing is left behind"


def test_places_that_cannot_hold_it_are_named(tmp_path):
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        done = _demo("--out", out)
        assert done.returncode == 1 and str(out) in done.stderr and "Traceback" not in done.stderr
    assert (tmp_path / "file").read_text() == "x"


def test_a_real_district_is_never_played_with(tmp_path):
    desk = Desk(tmp_path / "out" / "home")
    desk.do("district", "create", "--empty", "--name", "某区")
    rows = desk.do("audit", "list")
    done = _demo("--out", tmp_path / "out")
    assert done.returncode == 1 and "正式数据" in done.stderr
    assert desk.do("audit", "list") == rows and desk.do("district", "show")["name"] == "某区"


def test_every_step_of_the_bar_has_its_words():
    import tomllib

    for language in ("zh", "en"):
        told = tomllib.loads((ROOT / "data" / "text" / f"{language}.toml").read_text(encoding="utf-8"))["cli"]["step"]
        assert set(told) == set(rehearse.STEPS)
