"""A dump of a PostgreSQL store: one snapshot, whole or refused, and back into an empty database only."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backup_home import NOON, act, contents, keep_photo, picture
from store_play import receipt

from geo_minzheng.errors import RefusedError, StoreError
from geo_minzheng.services import backup, restore
from geo_minzheng.settings import Settings, file_url
from geo_minzheng.store import census, ledger, snapshot
from geo_minzheng.store.session import create_store, make_engine, read_session, store_session

pytestmark = pytest.mark.postgis


@pytest.fixture
def filled(server_url, tmp_path):
    """A store on the server with stock and a photo, and the home beside it."""
    home = tmp_path / "home"
    home.mkdir()
    engine = make_engine(server_url)
    with store_session(engine) as work:
        ledger.receive(work, act(), "入-1", [receipt("W1", "L1", 12.5)])
        keep_photo(work, home, picture(1))
        work.commit()
    yield engine, home, server_url
    engine.dispose()


def back_up(engine, home, url):
    with read_session(engine) as reading:
        return backup.make_backup(reading, act(), Settings(home, url), out=home.parent / "backups", code="1")


def safe_of(home):
    told = backup.prepare(home, home.parent / "backups")
    safe = home.parent / "safe.txt"
    safe.write_text(told["secret"])
    return safe


def test_into_an_empty_database_and_nowhere_else(filled, postgis, tmp_path):
    engine, home, url = filled
    safe = safe_of(home)
    made = back_up(engine, home, url)
    assert made.manifest.census.stock == {"tent_12": 12_500}
    other = postgis.empty_database()
    try:
        done = restore.restore(made.file, safe, Settings(tmp_path / "other", other), NOON)
        back = make_engine(other)
        with read_session(back) as reading:
            assert census.take_census(reading) == made.manifest.census
        back.dispose()
        assert contents(done.home / "photos") == contents(home / "photos")
        with pytest.raises(RefusedError, match="not_empty"):
            restore.restore(made.file, safe, Settings(tmp_path / "third", other), NOON)
        assert not (tmp_path / "third").exists()
        with pytest.raises(StoreError, match="other_kind_dump"):
            restore.restore(made.file, safe, Settings(tmp_path / "third"), NOON)
    finally:
        postgis.drop(other)


def test_the_dump_is_the_moment_that_was_counted(filled, monkeypatch):
    engine, home, url = filled
    safe_of(home)
    run = snapshot._run

    def write_first(*words):
        with store_session(make_engine(url)) as work:
            ledger.receive(work, act(), "入-2", [receipt("W1", "L2", 1)])
            work.commit()
        return run(*words)

    monkeypatch.setattr(snapshot, "_run", write_first)
    made = back_up(engine, home, url)
    assert made.manifest.census.rows["voucher"] == 1


def test_a_dump_of_another_moment_is_caught(filled, monkeypatch):
    engine, home, url = filled
    safe_of(home)
    run = snapshot._run

    def later(tool, where, options):
        with store_session(make_engine(url)) as work:
            ledger.receive(work, act(), "入-2", [receipt("W1", "L2", 1)])
            work.commit()
        return run(tool, where, [o for o in options if not o.startswith("--snapshot")])

    monkeypatch.setattr(snapshot, "_run", later)
    with pytest.raises(StoreError, match="differs"):
        back_up(engine, home, url)
    assert not list((home.parent / "backups").glob("*.age"))


def test_a_role_that_sees_only_a_part_is_refused_and_the_owner_with_bypass_is_not(filled, postgis):
    _, home, url = filled
    safe_of(home)
    database = url.rsplit("/", 1)[1]
    for statement in (
        "ALTER TABLE setting ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE setting FORCE ROW LEVEL SECURITY",
        "CREATE POLICY hidden ON setting USING (key = 'no_such_key')",
        "DROP ROLE IF EXISTS part_reader",
        "DROP ROLE IF EXISTS whole_reader",
        "CREATE ROLE part_reader LOGIN",
        "CREATE ROLE whole_reader LOGIN BYPASSRLS",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO part_reader, whole_reader",
        "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO part_reader, whole_reader",
    ):
        postgis.run(statement, database)
    part = make_engine(url.replace("postgres@", "part_reader@"))
    with pytest.raises(StoreError, match="rows_hidden"):
        back_up(part, home, url)
    part.dispose()
    assert not list((home.parent / "backups").glob("*.age"))
    whole = make_engine(url.replace("postgres@", "whole_reader@"))
    made = back_up(whole, home, url)
    with whole.connect() as link:
        link.execute(sa.text("SET row_security = off"))
        rows = link.scalar(sa.text("SELECT count(*) FROM setting"))
    whole.dispose()
    assert made.manifest.census.rows["setting"] == rows
    postgis.run("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM part_reader, whole_reader", database)


def test_a_file_does_not_go_into_a_server(postgis, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    create_store(file_url(home / "district.gpkg")).dispose()
    safe = safe_of(home)
    engine = make_engine(file_url(home / "district.gpkg"))
    made = back_up(engine, home, "")
    engine.dispose()
    with pytest.raises(StoreError, match="other_kind_file"):
        restore.restore(made.file, safe, Settings(tmp_path / "other", postgis.url("empty_store")), NOON)
    assert json.loads((home / "backup.json").read_text())["folder"] == str(made.file.parent)
