"""R16 on a server: the one who migrates is killed midway, and the database is old or new."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from migration_kill import KILLS, OLD, Killed, bring
from postgis import postgis

from geo_minzheng.store import migrate, session

__all__ = ["postgis"]
pytestmark = pytest.mark.postgis


@pytest.fixture(scope="module")
def old(postgis):
    postgis.run("CREATE DATABASE old_store")
    engine = session.make_engine(postgis.url("old_store"))
    with engine.begin() as connection:
        bring(connection, OLD)
    engine.dispose()
    return "old_store"


def shape(postgis, name: str) -> tuple[str, list[str]]:
    """The version a database says it is of, and every column, index and trigger; once nobody is at work any more."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    with psycopg.connect(host="127.0.0.1", port=postgis.port, user="postgres", dbname=name, autocommit=True) as link:
        for _ in range(200):
            if link.execute(others, (name,)).fetchone() == (0,):
                break
            time.sleep(0.05)
        (version,) = link.execute("SELECT version_num FROM alembic_version").fetchone()
        parts = link.execute(
            "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' "
            "UNION ALL SELECT indexname FROM pg_indexes WHERE schemaname = 'public' "
            "UNION ALL SELECT tgrelid::regclass::text || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal "
            "ORDER BY 1"
        ).fetchall()
    return version, [part for (part,) in parts]


def kill_many(postgis, old: str, opening: Callable[[str], object], kills: int) -> Killed:
    whole, takes_s = {"old": shape(postgis, old)}, 0.0
    for name in ("new_store", "timed_store"):
        postgis.run(f"DROP DATABASE IF EXISTS {name}")
        postgis.run(f"CREATE DATABASE {name} TEMPLATE {old}")
        started = time.monotonic()
        opening(postgis.url(name))
        takes_s = time.monotonic() - started
    whole["new"] = shape(postgis, "new_store")
    assert (whole["old"][0], whole["new"][0]) == (OLD, migrate.HEAD)
    found, rng = Killed(), random.Random(16)
    for _ in range(kills * 5):
        if found.at_work >= kills:
            break
        postgis.run(f"CREATE DATABASE killed TEMPLATE {old}")
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                opening(postgis.url("killed"))
                os._exit(0)
            os._exit(1)
        time.sleep(rng.uniform(0, takes_s))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the migration failed by itself"
        found.at_work += os.WIFSIGNALED(status)
        left = shape(postgis, "killed")
        state = next((name for name, what in whole.items() if what == left), "")
        found.old += state == "old"
        found.new += state == "new"
        if not state:
            found.between.append(left[0])
        session.open_store(postgis.url("killed")).dispose()
        if shape(postgis, "killed") != whole["new"]:
            found.between.append(f"{left[0]} never became new")
        postgis.run("DROP DATABASE killed WITH (FORCE)")
    return found


def test_killed_midway_it_is_old_or_new_never_between(postgis, old):
    found = kill_many(postgis, old, lambda url: session.open_store(url).dispose(), KILLS)
    assert found.at_work >= KILLS, "void: too few kills met a migration at work"
    assert found.old >= KILLS / 4, "void: the kills came too late"
    assert found.between == []


def test_a_migration_in_pieces_is_caught(postgis, old):
    def in_pieces(url: str) -> None:
        engine = session.make_engine(url)
        with engine.connect() as connection:
            bring(connection, migrate.HEAD, each=True)
        engine.dispose()

    assert kill_many(postgis, old, in_pieces, 10).between
