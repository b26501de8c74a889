"""R16: a migration killed midway leaves the old store or the new one, never something between; newer is refused."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from conftest import run_cli
from migration_kill import KILLS, OLD, Killed, bring

from geo_minzheng.settings import file_url
from geo_minzheng.store import migrate, session


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    file = tmp_path_factory.mktemp("r16") / "old.gpkg"
    engine = session.make_engine(file_url(file))
    with engine.begin() as connection:
        bring(connection, OLD)
        connection.exec_driver_sql(
            "INSERT INTO setting (key, value, who, role, at) "
            "VALUES ('name', '\"某区\"', '', '', '2026-01-01T00:00:00.000Z')"
        )
    engine.dispose()
    return file


def shape(file: Path) -> tuple[str, list[str]]:
    """The version a store says it is of, and everything that its schema holds."""
    with closing(sqlite3.connect(file)) as link:
        assert link.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (found,) = link.execute("SELECT version_num FROM alembic_version").fetchone()
        assert link.execute("SELECT value FROM setting WHERE key = 'name'").fetchone() == ('"某区"',)
        return found, sorted(f"{kind} {name}" for kind, name in link.execute("SELECT type, name FROM sqlite_master"))


def kill_many(old: Path, folder: Path, opening: Callable[[Path], object], kills: int) -> Killed:
    """Open an old store and kill whoever migrates it, at any moment of the time that takes."""
    shutil.copy(old, folder / "new.gpkg")
    opening(folder / "new.gpkg")
    started = time.monotonic()
    shutil.copy(old, folder / "timed.gpkg")
    opening(folder / "timed.gpkg")
    takes_s = time.monotonic() - started
    whole = {"old": shape(old), "new": shape(folder / "new.gpkg")}
    assert whole["old"][0] == OLD and whole["new"][0] == migrate.HEAD
    found, rng = Killed(), random.Random(16)
    for number in range(kills * 5):
        if found.at_work >= kills:
            break
        file = folder / f"{number}.gpkg"
        shutil.copy(old, file)
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                opening(file)
                os._exit(0)
            os._exit(1)
        time.sleep(rng.uniform(0, takes_s))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the migration failed by itself"
        found.at_work += os.WIFSIGNALED(status)
        left = shape(file)
        state = next((name for name, what in whole.items() if what == left), "")
        found.old += state == "old"
        found.new += state == "new"
        if not state:
            found.between.append(left[0])
        # Whatever was left, the next start makes it new.
        session.open_store(file_url(file)).dispose()
        if shape(file) != whole["new"]:
            found.between.append(f"{left[0]} never became new")
        copy = file.with_name(f"{file.stem}.before-{migrate.HEAD}.gpkg")
        if copy.exists() and shape(copy) != whole["old"]:
            found.between.append("the copy to go back to is not the old store")
    return found


def test_killed_midway_it_is_old_or_new_never_between(old, tmp_path):
    found = kill_many(old, tmp_path, lambda file: session.open_store(file_url(file)).dispose(), KILLS)
    assert found.at_work >= KILLS, "void: too few kills met a migration at work"
    assert found.old >= KILLS / 4, "void: the kills came too late"
    assert found.between == []


def test_a_migration_in_pieces_is_caught(old, tmp_path):
    def in_pieces(file: Path) -> None:
        engine = session.make_engine(file_url(file))
        with engine.connect() as connection:
            bring(connection, migrate.HEAD, each=True)
        engine.dispose()

    assert kill_many(old, tmp_path, in_pieces, 20).between


def test_a_newer_store_is_refused_and_not_touched(old, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    file = Path(shutil.copy(old, home / "district.gpkg"))
    session.open_store(file_url(file)).dispose()
    with closing(sqlite3.connect(file)) as link:
        link.execute("UPDATE alembic_version SET version_num = '9999'")
        link.commit()
    before = file.read_bytes()
    for words in (("verify",), ("district", "show"), ("backup", "--out", str(tmp_path / "b"))):
        done = run_cli(*words, home=home, check=False)
        assert done.returncode == 1 and "9999" in done.stderr and "升级程序" in done.stderr, done
    assert file.read_bytes() == before
