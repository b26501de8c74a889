"""The process itself: what a verb loads, and how it ends when something outside goes wrong."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from desk import NIGHT, Desk, is_chinese, strict_json
from interrupt import interrupt

from geo_minzheng import __version__, cli
from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.cli import frame, lazy
from geo_minzheng.errors import StoreError
from geo_minzheng.settings import Settings
from geo_minzheng.store import keys

ROOT = Path(__file__).resolve().parents[2]
INCIDENT = "20260703-01"
HEAVY = ("geopandas", "pandas", "scipy", "numba", "matplotlib", "folium", "rasterio", "highspy", "streamlit")
PROBE = """
import contextlib, io, sys
import geo_minzheng.cli as cli
sys.argv = ["geo-minzheng", *sys.argv[1:]]
try:
    with contextlib.redirect_stdout(io.StringIO()):
        cli.main()
except SystemExit as end:
    assert not end.code, end.code
print(*sorted(set(sys.modules) & set(%r)))
"""


def _environ() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "geo_minzheng.cli", *map(str, words)]


def _run(*words: object, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(*words), capture_output=True, text=True, env=_environ(), cwd=ROOT, check=False, **more
    )


def _shell(line: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command, ``"$@"`` in a line of bash."""
    return subprocess.run(
        ["bash", "-c", line, "bash", *_command(*words)], capture_output=True, text=True, env=_environ(), check=False
    )


def _loaded(*words: str) -> set[str]:
    probe = [sys.executable, "-c", PROBE % (HEAVY,), *words]
    done = subprocess.run(probe, capture_output=True, text=True, env=_environ(), cwd=ROOT, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("words", ["--help", "--version", "relief plan --help", "verify", "stock list"])
def test_a_verb_loads_only_what_it_uses(fresh, words):
    assert _loaded(*words.split(), "--home", str(fresh), "--now", NIGHT) == set()


def test_the_probe_sees_what_is_loaded(fresh):
    assert {"geopandas", "scipy"} <= _loaded("road", "critical", "--home", str(fresh), "--now", NIGHT)


@pytest.mark.parametrize("verb", [
    ["relief", "need", "--incident", INCIDENT], ["road", "list", "--incident", INCIDENT], ["welfare", "homes"],
    ["relief", "orders", "--incident", INCIDENT], ["housing", "cases", "--find", "WG-2025-04"],
], ids=" ".join)  # fmt: skip
def test_loading_late_changes_no_answer(fresh, verb):
    done = _run(*verb, "--home", fresh, "--now", NIGHT, "--json")
    assert done.returncode == 0 and not done.stderr and strict_json(done.stdout) == Desk(fresh).do(*verb)


def test_only_our_own_modules_may_wait_and_tables_never():
    assert lazy.may_wait("geo_minzheng.engine.relief") and lazy.may_wait("geo_minzheng.bootstrap")
    for name in (
        "geo_minzheng",
        "geo_minzheng.engine",
        "geo_minzheng.store.tables_relief",
        "numpy",
        "geo_minzheng.cli",
    ):
        assert not lazy.may_wait(name)


def test_the_version_is_told_alone():
    done = _run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"geo-minzheng {__version__}\n", "")


@pytest.mark.parametrize("words", ["layer list", "policy show --json", "--help", "audit list --limit 300"])
def test_a_reader_that_leaves_early_is_no_error(fresh, words):
    done = _shell('"$@" | head -c 20 >/dev/null; exit "${PIPESTATUS[0]}"', *words.split(), "--home", fresh)
    assert done.returncode == 0 and not done.stderr


@pytest.mark.parametrize("line", ['"$@" <&-', '"$@" >&-', '"$@" 2>&-', '"$@" <&- >&- 2>&-'])
def test_closed_streams_are_no_error(fresh, line):
    done = _shell(line, "incident", "list", "--home", fresh)
    assert done.returncode == 0 and not done.stderr


def test_a_refusal_reaches_its_exit_code_even_unheard(tmp_path):
    assert _shell('"$@" >&- 2>&-', "incident", "list", "--home", tmp_path).returncode == 1
    assert _shell('"$@" >&- 2>&-', "no_such_verb").returncode == 2


@pytest.mark.parametrize("after_s", [0.3, 0.8, 1.6, 2.6])
def test_an_interrupt_is_one_line_and_leaves_nothing_half_stored(fresh, tmp_path, after_s):
    desk = Desk(Path(shutil.copytree(fresh, tmp_path / "home")))
    before = [p["plan_id"] for p in desk.do("relief", "list", "--incident", INCIDENT)]
    ended = interrupt("relief", "plan", "--incident", INCIDENT, "--home", desk.home, "--now", NIGHT, after_s=after_s)
    plans = [p["plan_id"] for p in desk.do("relief", "list", "--incident", INCIDENT)]
    if ended.code:
        assert ended.in_one_line, ended
        assert plans == before
    else:
        assert len(plans) == len(before) + 1
    assert set(desk.do("verify").values()) == {"ok"}


def test_an_interrupt_that_a_database_callback_swallows_is_still_one(monkeypatch):
    """A database turns what its callback raises into an error of its own; an interrupt must not come out as one."""
    monkeypatch.setattr(cli, "was_interrupted", [])
    monkeypatch.setattr(frame, "was_interrupted", cli.was_interrupted)
    before = signal.signal(signal.SIGINT, cli._interrupt)
    try:
        with (
            contextlib.closing(sqlite3.connect(":memory:")) as store,
            pytest.raises(KeyboardInterrupt),
            frame.refusals(),
        ):
            store.create_function("wait", 0, lambda: signal.raise_signal(signal.SIGINT))
            try:
                store.execute("select wait()")
            except sqlite3.OperationalError as error:
                raise StoreError("store.locked") from error
    finally:
        signal.signal(signal.SIGINT, before)


def test_two_processes_at_once_both_finish(fresh, tmp_path):
    desk = Desk(Path(shutil.copytree(fresh, tmp_path / "home")))
    words = _command("relief", "plan", "--incident", INCIDENT, "--home", desk.home, "--now", NIGHT, "--json")
    running = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environ(), cwd=ROOT)
        for _ in range(2)
    ]
    told = [strict_json(p.communicate(timeout=120)[0]) for p in running]
    assert [p.returncode for p in running] == [0, 0]
    assert len({t["plan_id"] for t in told}) == 2 and set(desk.do("verify").values()) == {"ok"}


def test_a_home_of_a_newer_version_is_refused_and_untouched(fresh, tmp_path):
    home = Path(shutil.copytree(fresh, tmp_path / "home"))
    with sqlite3.connect(home / "district.gpkg") as store:
        store.execute("update alembic_version set version_num = '9999'")
    store.close()
    before = (home / "district.gpkg").read_bytes()
    for words in (["stock", "list"], ["verify"], ["demo", "--out", tmp_path / "out"]):
        done = _run(*words, "--home", home)
        assert done.returncode == 1 and is_chinese(done.stderr) and "9999" in done.stderr and not done.stdout
    assert (home / "district.gpkg").read_bytes() == before


def test_something_else_in_the_place_of_a_home_is_named(tmp_path):
    (tmp_path / "district.gpkg").write_text("no database", encoding="utf-8")
    done = _run("stock", "list", "--home", tmp_path)
    assert done.returncode == 1 and str(tmp_path) in done.stderr and "Traceback" not in done.stderr


def _without_override() -> None:
    """Take from root the right to write everywhere, so that permissions count as they do for everybody."""
    import ctypes

    cap_drop, dac_override = 24, 1
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(cap_drop, dac_override, 0, 0, 0):
        raise OSError("cannot drop the capability")


def test_a_read_only_home_is_named_with_its_remedy(fresh, tmp_path):
    home = Path(shutil.copytree(fresh, tmp_path / "只读 home"))
    with contextlib.closing(sqlite3.connect(home / "district.gpkg")) as store:
        store.execute("select count(*) from audit").fetchone()  # At rest: no log of changes lies beside it.
    for path in (home / "district.gpkg", home):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        for words in (["stock", "list"], ["road", "close", "R00001", "--reason", "x", "--incident", INCIDENT]):
            done = _run(*words, "--home", home, preexec_fn=_without_override)
            assert done.returncode == 1 and "只读" in done.stderr and str(home) in done.stderr, done
        done = _run("demo", "--out", home / "demo", preexec_fn=_without_override)
        assert done.returncode == 1 and is_chinese(done.stderr) and "Traceback" not in done.stderr
    finally:
        home.chmod(0o755)


@pytest.mark.parametrize("name", ["区 县 #", "50%", "%7b%2f{}", "a?mode=memory&b", "家 'home'", "@:\\;"])
def test_a_home_with_blanks_and_signs_in_its_name(fresh, tmp_path, name):
    home = shutil.copytree(fresh, tmp_path / name / "home")
    before = set(tmp_path.rglob("*"))
    assert _run("incident", "list", "--home", home, "--json").returncode == 0
    files = {path.name for path in set(tmp_path.rglob("*")) - before}
    assert files <= {"district.gpkg-wal", "district.gpkg-shm"}


@pytest.mark.parametrize("words", [["--home"], ["incident", "list", "--as"], ["incident", "--now"]])
def test_a_global_option_without_its_value_is_misuse(words):
    done = _run(*words)
    assert done.returncode == 2 and is_chinese(done.stderr) and words[-1] in done.stderr


def test_misuse_is_told_in_both_languages_and_names_the_help(fresh):
    for words in (["no_such_verb"], ["relief", "plan"], ["road", "at", "x", "1"], ["incident", "list", "--no-such"]):
        done = _run(*words, "--home", fresh)
        first, second = done.stderr.splitlines()
        assert done.returncode == 2 and is_chinese(first) and not is_chinese(second) and "--help" in first + second


def test_outputs_that_cannot_be_written_are_named_and_keep_nothing(fresh, tmp_path):
    desk = Desk(Path(shutil.copytree(fresh, tmp_path / "home")))
    (tmp_path / "file").write_text("x")
    bad = tmp_path / "file" / "below"
    rows = len(desk.do("audit", "list", "--limit", 20000))
    for words in (
        ["incident", "map", "--incident", INCIDENT], ["incident", "briefing", "--incident", INCIDENT],
        ["relief", "orders", "--incident", INCIDENT], ["relief", "show", "--incident", INCIDENT],
        ["report", "form", "--incident", INCIDENT], ["housing", "programme"], ["housing", "book"], ["housing", "show"],
        ["welfare", "site"], ["welfare", "map"], ["district", "map"],
    ):  # fmt: skip
        told = desk.refused(*words, "--out", bad)
        assert told["error"] == "output.unwritable" and str(bad) in told["message"], words
    assert len(desk.do("audit", "list", "--limit", 20000)) == rows


def test_a_district_whose_founding_is_interrupted_leaves_no_store(tmp_path):
    helsinki = ROOT / "tests" / "fixtures" / "helsinki.osm.pbf"
    store = tmp_path / "home" / "district.gpkg"
    words = ("district", "create", "--osm", helsinki, "--name", "某区", "--home", store.parent)
    ended = interrupt(*words, once=store.exists)
    if ended.code:
        assert ended.in_one_line and not list(store.parent.iterdir()), ended
    assert Desk(tmp_path / "other").do("district", "create", "--empty")["layers"]
    told = Desk(tmp_path / "other").refused("district", "create", "--empty")
    assert told["error"] == "store.exists" and Desk(tmp_path / "other").do("district", "show")


def test_a_founding_that_is_interrupted_while_its_keys_are_written_leaves_nothing(tmp_path, monkeypatch):
    write = keys._write_part

    def interrupted(folder, ring):
        write(folder, ring)
        raise KeyboardInterrupt

    monkeypatch.setattr(keys, "_write_part", interrupted)
    desk = open_bureau(Settings(home=tmp_path / "home"))
    with pytest.raises(KeyboardInterrupt), desk.founding():
        pass
    assert not list((tmp_path / "home").iterdir())
