"""Creating, opening and upgrading; rolling back; errors of the database in our words."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from store_play import ACT, old_store, receipt

from geo_minzheng.errors import InputError, NotFoundError, RefusedError, StoreError
from geo_minzheng.model.act import Act
from geo_minzheng.store import ledger, migrate
from geo_minzheng.store import session as sessions
from geo_minzheng.store.district import read_values, write_values
from geo_minzheng.store.session import create_store, make_engine, open_store, read_session, store_session
from geo_minzheng.store.verify import verify


def test_a_new_store_is_sound_and_a_second_one_is_refused(tmp_path):
    url = f"sqlite:///{tmp_path / 'new' / 'district.gpkg'}"
    engine = create_store(url)
    with read_session(engine) as session:
        assert {name: found.key for name, found in verify(session).items()} == {
            "ledger": "ok", "audit": "ok", "history": "ok", "integrity": "ok", "geometry_index": "ok", "keys": "ok",
        }  # fmt: skip
    engine.dispose()
    with pytest.raises(RefusedError, match="exists"):
        create_store(url)


@pytest.mark.postgis
def test_a_new_store_on_postgis(postgis):
    url = postgis.empty_database()
    with pytest.raises(NotFoundError, match="missing"):
        open_store(url)
    engine = create_store(url.replace("+psycopg", ""))
    with read_session(engine) as session:
        assert all(found.is_ok for found in verify(session).values())
    engine.dispose()
    with pytest.raises(RefusedError, match="exists"):
        create_store(url)
    open_store(url).dispose()


def test_pragmas_hold_on_every_connection(file_url):
    engine = make_engine(file_url)
    for _ in range(2):
        with engine.connect() as link:
            asked = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "recursive_triggers")
            said = [link.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
        assert said == ["wal", 2, 1, 10000, 1]
    engine.dispose()


def test_nothing_there_is_not_created_by_opening(tmp_path):
    with pytest.raises(NotFoundError, match="missing"):
        open_store(f"sqlite:///{tmp_path / 'none.gpkg'}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"no database at all, only text" * 100, "foreign"])
def test_foreign_files_are_left_alone(tmp_path, content):
    path = tmp_path / "other.gpkg"
    if content == "foreign":
        with sqlite3.connect(path) as link:
            link.execute("CREATE TABLE gpkg_contents (x)")
        link.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    for act in (open_store, create_store):
        with pytest.raises(StoreError, match="not_a_store"):
            act(f"sqlite:///{path}")
    assert path.read_bytes() == before


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y"])
def test_other_databases_are_refused(url):
    with pytest.raises(InputError, match="bad_url"):
        make_engine(url)


def test_an_empty_file_left_by_a_killed_creation_is_used(tmp_path):
    path = tmp_path / "district.gpkg"
    with sqlite3.connect(path) as link:
        link.execute("PRAGMA journal_mode = WAL")
    link.close()
    with pytest.raises(NotFoundError, match="missing"):
        open_store(f"sqlite:///{path}")
    create_store(f"sqlite:///{path}").dispose()
    open_store(f"sqlite:///{path}").dispose()


def test_a_newer_store_is_refused_untouched(url):
    engine = make_engine(url)
    with engine.begin() as link:
        link.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError) as refused:
        open_store(url)
    assert refused.value.key == "store.newer"
    assert refused.value.facts == {"found": "9999", "known": migrate.HEAD}


@pytest.mark.parametrize("revision", ["0004", "0006"])
def test_an_older_store_is_brought_up(tmp_path, revision):
    path = tmp_path / "district.gpkg"
    old_store(path, revision)
    engine = open_store(f"sqlite:///{path}")
    with store_session(engine) as session:
        assert migrate.revision(session.connection()) == migrate.HEAD
        write_values(session, ACT, {"name": "华容区"})
        assert all(found.is_ok for found in verify(session).values())
    engine.dispose()
    # A store from before private columns were sealed leaves no copy: it would hold them in the clear.
    assert [p.name for p in tmp_path.glob("*.gpkg")] == ["district.gpkg"]


def test_a_copy_is_put_beside_a_store_that_was_sealed_already(tmp_path, monkeypatch):
    path = tmp_path / "district.gpkg"
    old_store(path, "0006")
    monkeypatch.setattr(migrate, "SEALED_SINCE", "0006")
    open_store(f"sqlite:///{path}").dispose()
    assert migrate.revision_of_file(tmp_path / f"district.before-{migrate.HEAD}.gpkg") == "0006"


def test_an_upgrade_killed_anywhere_leaves_old_or_new(tmp_path):
    old = tmp_path / "old.gpkg"
    old_store(old, "0003")
    seen = set()
    for number in range(20):
        path = tmp_path / f"try{number}.gpkg"
        shutil.copy(old, path)
        child = os.fork()
        if child == 0:
            open_store(f"sqlite:///{path}")
            os._exit(0)
        time.sleep(0.01 * number)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found = migrate.revision_of_file(path)
        with sqlite3.connect(path) as link:
            tables = {row[0] for row in link.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        link.close()
        assert found in {"0003", migrate.HEAD}
        assert ("photo" in tables) is (found == migrate.HEAD)
        assert ("setting" in tables) is (found == migrate.HEAD)
        seen.add(found)
        open_store(f"sqlite:///{path}").dispose()
    assert "0003" in seen


def test_rolled_back_unless_committed(engine):
    with store_session(engine) as session:
        write_values(session, ACT, {"code": "420704"})
    with store_session(engine) as session:
        assert read_values(session) == {}
        write_values(session, ACT, {"code": "420704"})
        session.commit()
    with pytest.raises(ZeroDivisionError), store_session(engine) as session:
        write_values(session, ACT, {"code": "420705"})
        raise ZeroDivisionError
    with read_session(engine) as session:
        assert read_values(session) == {"code": "420704"}


def test_readers_cannot_write_and_wait_for_nobody(engine):
    with store_session(engine) as writer:
        write_values(writer, ACT, {"name": "写"})
        with pytest.raises(StoreError) as refused, read_session(engine) as reader:
            assert read_values(reader) == {}
            write_values(reader, ACT, {"name": "读"})
        assert refused.value.key == "store.read_only"
        writer.commit()
    with store_session(engine) as writer:
        write_values(writer, ACT, {"name": "又写"})
        writer.commit()
    with read_session(engine) as reader:
        assert read_values(reader) == {"name": "又写"}


def test_a_reader_sees_one_snapshot(engine):
    with read_session(engine) as reader:
        assert read_values(reader) == {}
        with store_session(engine) as writer:
            write_values(writer, ACT, {"name": "后来"})
            writer.commit()
        assert read_values(reader) == {}


def test_writers_take_turns_in_threads(engine):
    def count_up():
        for _ in range(10):
            with store_session(engine) as session:
                write_values(session, ACT, {"n": read_values(session).get("n", 0) + 1})
                session.commit()

    team = [threading.Thread(target=count_up) for _ in range(6)]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    with read_session(engine) as session:
        assert read_values(session) == {"n": 60}
        assert verify(session)["audit"].is_ok


def test_a_lock_that_does_not_go_away_is_said_plainly(engine, monkeypatch):
    monkeypatch.setattr(sessions, "BUSY_MS", 200)
    impatient = make_engine(engine.url)
    with store_session(engine) as first:
        write_values(first, ACT, {"name": "慢"})
        with pytest.raises(StoreError) as refused, store_session(impatient) as second:
            write_values(second, ACT, {"name": "快"})
        assert refused.value.key == "store.locked"
    impatient.dispose()


def test_a_full_disk_loses_nothing_acknowledged_and_works_again(file_url):
    engine = make_engine(file_url)
    with store_session(engine) as session:
        ledger.receive(session, ACT, "入-1", [receipt("W1", "L1", 100)])
        session.commit()
    with engine.connect() as link:
        pages = link.exec_driver_sql("PRAGMA page_count").scalar()

    def limit(link, _record, _proxy, count=pages + 2):
        link.execute(f"PRAGMA max_page_count = {count}")

    sa.event.listen(engine, "checkout", limit)
    with pytest.raises(StoreError) as refused:
        for number in range(10_000):
            with store_session(engine) as session:
                write_values(session, ACT, {f"k{number}": "满" * 5000})
                session.commit()
    assert refused.value.key == "store.full"
    sa.event.remove(engine, "checkout", limit)
    engine.dispose()
    with store_session(engine) as session:
        kept = read_values(session)
        assert len(kept) == number
        write_values(session, ACT, {"room": True})
        session.commit()
        assert all(found.is_ok for found in verify(session).values())
    engine.dispose()


def test_a_rollback_with_no_transaction_left_is_forgiven(file_url):
    engine = make_engine(file_url)

    def fails(_connection):
        raise OperationalError("ROLLBACK", {}, sqlite3.OperationalError("cannot rollback - no transaction is active"))

    with store_session(engine) as session:
        write_values(session, ACT, {"name": "x"})
        sa.event.listen(engine, "rollback", fails)
    sa.event.remove(engine, "rollback", fails)
    with store_session(engine) as session:
        assert read_values(session) == {}
    engine.dispose()


def test_values_a_database_cannot_hold(engine):
    with pytest.raises((InputError, RefusedError, StoreError)) as refused, store_session(engine) as session:
        session.execute(sa.text("INSERT INTO setting (key, value, who, role, at) VALUES ('x', NULL, '', '', NULL)"))
    assert refused.value.key == "store.constraint"
    with pytest.raises(StoreError) as refused, store_session(engine) as session:
        session.execute(sa.text("SELECT * FROM no_such_table"))
    assert refused.value.key == "store.sql"


@pytest.mark.postgis
def test_text_postgresql_cannot_hold(server_url):
    engine = make_engine(server_url)
    with pytest.raises(InputError, match="bad_value"), store_session(engine) as session:
        write_values(session, Act("nul\x00", ACT.at), {"x": 1})
    engine.dispose()


def test_an_unreachable_server_is_said_plainly():
    with pytest.raises(StoreError) as refused:
        open_store("postgresql://nobody@127.0.0.1:1/none")
    assert refused.value.key == "store.unreachable"


def test_a_moment_needs_a_time_zone_and_comes_back_in_utc(engine):
    with pytest.raises(sa.exc.StatementError, match="time zone"), store_session(engine) as session:
        write_values(session, Act("x", datetime(2026, 7, 15)), {"a": 1})
    with store_session(engine) as session:
        write_values(session, ACT, {"a": 1})
        session.commit()
    with read_session(engine) as session:
        from geo_minzheng.store.records import one
        from geo_minzheng.store.tables import Setting

        assert one(session, Setting, key="a").at == datetime(2026, 7, 15, 2, 30, tzinfo=UTC)


def test_opening_is_fast(file_url):
    open_store(file_url).dispose()
    code = (
        "import time; from geo_minzheng.store.session import open_store; t = time.perf_counter();"
        f"open_store({file_url!r}); print(time.perf_counter() - t); import sys; print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"
