"""R12, the data's part: every table x every scope, by every way to read and write, and behind SQLAlchemy's back."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import scope_world
from postgis import Cluster, binaries, postgis
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from geo_minzheng.errors import NotFoundError, StoreError
from geo_minzheng.model.act import Act
from geo_minzheng.model.scope import EVERYTHING, Scope
from geo_minzheng.store import audit, policies, scope, scope_rules
from geo_minzheng.store.columns import Base
from geo_minzheng.store.session import create_store, read_session, store_session
from geo_minzheng.store.tables import METADATA

__all__ = ["postgis"]

SCOPES = scope_world.scopes()
ACT = Act("值班员甲", scope_world.AT)
MODELS: dict[str, type[Base]] = {m.class_.__tablename__: m.class_ for m in Base.registry.mappers}


def _filled(engine: Engine) -> scope_world.World:
    with store_session(engine) as session:
        world = scope_world.build(session)
        session.commit()
    return world


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, scope_world.World]]:
    path = tmp_path_factory.mktemp("matrix") / "district.gpkg"
    engine = create_store(f"sqlite:///{path}")
    yield engine, _filled(engine)
    engine.dispose()


@pytest.fixture(scope="module")
def server(postgis: Cluster) -> Iterator[tuple[Engine, scope_world.World, dict[str, Any]]]:
    """A store owned by a role that is no superuser, as the operator guide has it."""
    url = postgis.empty_database()
    name = url.rsplit("/", 1)[1]
    postgis.run("CREATE EXTENSION postgis", name)
    postgis.run("CREATE ROLE bureau_app LOGIN NOSUPERUSER NOBYPASSRLS")
    postgis.run("GRANT ALL ON SCHEMA public TO bureau_app", name)
    engine = create_store(url.replace("postgres@", "bureau_app@"))
    where = {"host": "127.0.0.1", "port": postgis.port, "user": "bureau_app", "dbname": name}
    yield engine, _filled(engine), where
    engine.dispose()
    postgis.drop(url)


def fids(session: Session, table: str) -> list[set[int]]:
    """Read the rows of a table in every way the store reads: as entities, as columns, joined, counted."""
    model, raw = MODELS[table], METADATA.tables[table]
    ways = [
        {row.fid for row in session.scalars(select(model))},
        {row[0] for row in session.execute(select(raw.c.fid))},
        {row[0] for row in session.execute(select(model.fid).order_by(model.fid.desc()))},
    ]
    count = session.scalar(select(func.count()).where(model.fid > 0))
    top = session.scalar(select(func.max(model.fid)))
    assert count == session.scalar(select(func.count()).select_from(raw)) == len(ways[0])
    assert top == max(ways[0], default=None)
    return ways


def leaks(engine: Engine, world: scope_world.World, scopes: Mapping[str, Scope] = SCOPES) -> tuple[int, list[str]]:
    """Read every table under every scope; count cells, list those that show other rows than they should."""
    cells, found = 0, []
    for name, sight in scopes.items():
        with read_session(engine, sight) as session:
            for table in METADATA.tables:
                cells += 1
                should = scope_world.expected(world, table, sight)
                for way, seen in enumerate(fids(session, table)):
                    if seen != should:
                        found.append(f"{name} {table} way {way}: {sorted(seen)} != {sorted(should)}")
                for fid in world.rows[table].keys() - should:
                    if session.get(MODELS[table], fid) is not None:
                        found.append(f"{name} {table} get {fid}")
    return cells, found


def test_every_table_has_a_rule_and_rows_in_the_matrix(there):
    _, world = there
    assert set(METADATA.tables) == set(scope_rules.RULES), "a new table needs a rule in store/scope_rules.py"
    assert set(METADATA.tables) == set(world.rows), "a new table needs rows in tests/scope_world.py"


def test_no_scope_sees_a_foreign_row(there):
    cells, found = leaks(*there)
    assert cells == len(SCOPES) * len(METADATA.tables)
    assert found == []


def test_no_scope_sees_a_foreign_row_on_the_server(server):
    engine, world, _ = server
    cells, found = leaks(engine, world)
    assert cells == len(SCOPES) * len(METADATA.tables)
    assert found == []


@pytest.mark.parametrize("where", ["there", "server"])
def test_whoever_may_write_leaves_a_trace_they_need_not_read(where, request):
    engine = request.getfixturevalue(where)[0]
    for name, sight in SCOPES.items():
        with store_session(engine, sight) as session:
            before = audit.chain_head(session)[0]
            for count in (1, 2):  # one row, and many at once, go different ways
                audit.record_many(session, ACT, [audit.Change("report.post", "report", name)] * count)
            assert audit.chain_head(session)[0] == before + 3, name
            session.rollback()


def _without(rule: str):
    def bug(monkeypatch):
        weak = replace(scope_rules.RULES[rule], terms=())
        monkeypatch.setitem(scope_rules.RULES, rule, weak)

    return bug


def _all_classes(monkeypatch):
    real = scope.condition_of
    monkeypatch.setattr(scope, "condition_of", lambda rule, source, sight: real(replace(rule, sees=""), source, sight))


def _no_tables(monkeypatch):
    monkeypatch.setattr(scope, "_tables", lambda _source, **_: iter(()))


@pytest.mark.parametrize("plant", [_without("household"), _without("order_line"), _all_classes, _no_tables])
def test_planted_hole_turns_red(there, monkeypatch, plant):
    few = {name: SCOPES[name] for name in ("own/casework/", "parent/wide/")}
    assert leaks(*there, few)[1] == []
    plant(monkeypatch)
    assert leaks(*there, few)[1]


@pytest.mark.parametrize("table", sorted(METADATA.tables))
def test_a_foreign_row_cannot_be_changed(there, table):
    engine, world = there
    column = next(c.name for c in METADATA.tables[table].columns if c.name not in ("fid", "geom"))
    touched = 0
    for name, sight in SCOPES.items():
        should = scope_world.expected(world, table, sight)
        if world.rows[table].keys() == should:
            continue
        with store_session(engine, sight) as session:
            for fid in world.rows[table].keys() - should:
                raw = METADATA.tables[table]
                done: Any = session.execute(update(raw).where(raw.c.fid == fid).values({column: raw.c[column]}))
                assert done.rowcount == 0, (name, fid)
                touched += 1
            session.rollback()
    assert touched or table in scope_world.OWN


def test_a_row_outside_the_scope_cannot_be_added_or_moved_there(there):
    engine, _ = there
    own = SCOPES["own/casework/"]
    House, Report = MODELS["house"], MODELS["report"]
    with store_session(engine, own) as session:
        house = session.scalars(select(House)).one()
        house.village_code = scope_world.VILLAGES["sibling"]
        with pytest.raises(NotFoundError):
            session.flush()
    with store_session(engine, own) as session:
        made = {"who": "x", "role": "", "at": scope_world.AT}
        session.add(Report(incident="I1", village_code=scope_world.VILLAGES["town"], **made))
        with pytest.raises(NotFoundError):
            session.flush()
    with store_session(engine, own) as session, pytest.raises(NotFoundError):
        session.execute(MODELS["report_version"].__table__.insert().values(uuid="n", report_fid=10**6, version_no=1))


HOUSEHOLD = select(MODELS["household"].fid)
UNREACHED = {
    "text": text("SELECT * FROM household"),
    "subquery": select(func.count()).select_from(HOUSEHOLD.subquery()),
    "union": HOUSEHOLD.union_all(HOUSEHOLD),
    "in": select(MODELS["house"].fid).where(MODELS["house"].fid.in_(HOUSEHOLD)),
}


@pytest.mark.parametrize("statement", UNREACHED.values(), ids=UNREACHED)
def test_a_statement_no_rule_reaches_is_refused(there, statement):
    engine, _ = there
    with read_session(engine, SCOPES["own/casework/"]) as session, pytest.raises(StoreError) as caught:
        session.execute(statement)
    assert caught.value.key == "store.scope_unruled"


def raw_fids(link: psycopg.Connection[Any], table: str) -> set[int]:
    return {row[0] for row in link.execute(f'SELECT fid FROM "{table}"')}  # type: ignore[arg-type]


def server_leaks(world: scope_world.World, where: dict[str, Any]) -> list[str]:
    """Read every table by plain SQL behind the store's back, under every scope."""
    found = []
    for name, sight in SCOPES.items():
        with psycopg.connect(**where) as link:
            link.execute("SELECT set_config('geo_minzheng.scope', %s, true)", (sight.key,))
            for table in METADATA.tables:
                should, seen = scope_world.expected(world, table, sight), raw_fids(link, table)
                # A voucher is written before the lines that tell its warehouse: this wall asks for its class only.
                if seen != should and not (table == "voucher" and seen >= should and "bureau" in sight.sees):
                    found.append(f"{name} {table}: {sorted(seen)} != {sorted(should)}")
    return found


def test_plain_sql_behind_the_store_sees_nothing_foreign(server):
    _, world, where = server
    assert server_leaks(world, where) == []


def test_a_transaction_that_says_nothing_sees_nothing(server):
    engine, world, where = server
    with psycopg.connect(**where) as link:
        assert {table: raw_fids(link, table) for table in METADATA.tables} == {t: set() for t in METADATA.tables}
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM household").scalar() == 0
    with read_session(engine, SCOPES["own/casework/"]) as session:
        session.scalars(select(MODELS["household"])).all()
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM household").scalar() == 0, "a pooled connection forgets"
    with psycopg.connect(**where) as link:
        link.execute("SELECT set_config('geo_minzheng.scope', %s, true)", (EVERYTHING.key,))
        assert raw_fids(link, "household") == set(world.rows["household"])


def test_the_server_follows_when_the_limit_is_lifted_for_reckoning(server):
    engine, world, _ = server
    count = "SELECT count(*) FROM household"
    with read_session(engine, SCOPES["own/casework/"]) as session:
        link = session.connection()
        assert link.exec_driver_sql(count).scalar() == 1
        with scope.whole(session):
            assert link.exec_driver_sql(count).scalar() == len(world.rows["household"])
        assert link.exec_driver_sql(count).scalar() == 1


def test_plain_sql_cannot_write_outside_its_scope(server):
    where = server[2]
    own, foreign = SCOPES["own/casework/"], scope_world.VILLAGES["sibling"]
    with psycopg.connect(**where) as link:
        link.execute("SELECT set_config('geo_minzheng.scope', %s, true)", (own.key,))
        assert link.execute("UPDATE household SET covered_persons = 9").rowcount == 1
        assert link.execute("DELETE FROM review_reason WHERE reason_id = 'RR-town'").rowcount == 0
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            link.execute("UPDATE house SET village_code = %s", (foreign,))


def test_a_dump_sees_every_row_once_it_says_so(server):
    """The operator guide's own words; without them a dump is refused or empty, never half."""
    _, world, where = server
    programs = binaries()
    assert programs is not None
    command = [programs / "pg_dump", "-h", where["host"], "-p", str(where["port"]), "-U", where["user"], "--inserts",
               "--table=household", where["dbname"]]  # fmt: skip

    def dump(*more: str, **env: str) -> subprocess.CompletedProcess[str]:
        words = [*map(str, command), *more]
        return subprocess.run(words, capture_output=True, text=True, check=False, env=os.environ | env)

    assert dump().returncode
    assert "INSERT INTO" not in dump("--enable-row-security").stdout
    told = dump("--enable-row-security", PGOPTIONS='-c geo_minzheng.scope={"everything":"true"}')
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("INSERT INTO") == len(world.rows["household"])


def test_planted_hole_in_the_second_wall_turns_red(server, monkeypatch):
    engine, world, where = server
    real = scope_rules.RULES["household"]
    monkeypatch.setitem(scope_rules.RULES, "household", replace(real, terms=()))
    with store_session(engine) as session:
        policies.protect(session.connection(), "household")
        session.commit()
    try:
        assert server_leaks(world, where)
    finally:
        monkeypatch.undo()
        with store_session(engine) as session:
            policies.protect(session.connection(), "household")
            session.commit()
    assert server_leaks(world, where) == []


def test_scopes_spell_themselves(tmp_path: Path):
    assert json.loads(Scope("420703", sees=frozenset({"wide"})).key)["sees"] == ["wide"]
    assert len({s.key for s in SCOPES.values()}) == len(SCOPES)
