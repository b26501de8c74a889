"""Private columns at rest: sealed, found by a blind index, never told in the clear, and nothing lost by a new key."""

from __future__ import annotations

import json
import sqlite3
import stat
from dataclasses import replace

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import assume, given
from hypothesis import strategies as st
from store_play import ACT, old_store

from geo_minzheng.errors import InputError, RefusedError, StoreError
from geo_minzheng.store import households, keys, migrate, seal, upsert
from geo_minzheng.store.audit import Change, record_many, verify_chain
from geo_minzheng.store.frames import layer_table, read_layer
from geo_minzheng.store.session import create_store, make_engine, open_store, read_session, store_session
from geo_minzheng.store.tables import AuditRow
from geo_minzheng.store.tables_layers import Household
from geo_minzheng.store.upsert import write_layer
from geo_minzheng.store.verify import verify

RING = keys.KeyRing("k1", {"k0": bytes(range(32)), "k1": bytes(range(1, 33))}, bytes(32))
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
COLUMNS = st.sampled_from(seal.SEALED["household"])
PRIVATE = {
    "head_of_household": ["甲示一", "乙示二", "丙示三"], "id_no": ["DEMO-9000001", "DEMO-9000002", "DEMO-9000001"],
    "phone": ["000-9100001", None, "000-9100003"],
    "one_card_account": ["DEMO-YKT-9000001", "DEMO-YKT-9000001", "DEMO-YKT-9000003"],
}  # fmt: skip


def register(**other):
    given = {
        "household_id": ["H1", "H2", "H3"], "village_code": ["420704100200", "420704100201", "420704101200"],
        "house_id": None, "id_type": "demo", "household_size": [1, 2, 3], "covered_persons": 1,
        "assistance_tier": "dibao", "self_help_ability": "full", "elderly_60": 0, "children_14": 0, "disabled": 0,
        "needs_assistance": 0, "is_solitary_elder": False, "has_sick_labour": False,
    }  # fmt: skip
    return pd.DataFrame(given | PRIVATE | other)


@pytest.fixture
def ring_folder(tmp_path):
    keys.make_ring(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def sealed(url, ring_folder):
    """A store with keys, on both databases."""
    engine = make_engine(url, keys=ring_folder)
    yield engine
    engine.dispose()


def put(engine, specs, frame, act=ACT):
    with store_session(engine) as session:
        said = write_layer(session, specs["household"], frame, act)
        session.commit()
    return said


def opened(engine):
    with read_session(engine) as session:
        frame = read_layer(session, "household", opened=True)
    return {name: frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in PRIVATE}


def raw(engine):
    """Every cell of every table as text, as a thief would read it."""
    with engine.connect() as link:
        tables = sa.inspect(link).get_table_names()
        wanted = [t for t in tables if t in {"household", "audit", "setting"}]
        return "\n".join(str(row) for t in wanted for row in link.exec_driver_sql(f'SELECT * FROM "{t}"'))


def leaked(text, values=PRIVATE):
    return [v for column in values.values() for v in column if v and v in text]


@given(COLUMNS, TEXTS, TEXTS)
def test_what_is_sealed_opens_to_itself_and_looks_like_nothing(column, key, value):
    cell = seal.seal_cell(RING, "household", column, key, value)
    assert seal.open_cell(RING, "household", column, key, cell) == value
    assert seal.key_id(cell) == "k1"
    assert cell != seal.seal_cell(RING, "household", column, key, value)
    assert len(value.encode()) < 4 or value not in cell


@given(COLUMNS, TEXTS, TEXTS, st.integers(0, 200), st.integers(1, 63))
def test_a_changed_cell_does_not_open(column, key, value, at, step):
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    cell = seal.seal_cell(RING, "household", column, key, value)
    start = cell.rindex(".") + 1
    body = cell[start:].rstrip("=")
    # The last sign may hold bits that no byte is made of.
    at = start + at % (len(body) - 1)
    other = cell[:at] + signs[(signs.index(cell[at]) + step) % 64] + cell[at + 1 :]
    with pytest.raises(StoreError, match="tampered"):
        seal.open_cell(RING, "household", column, key, other)
    for wrong in (cell[:-8], f"s1.k0.{cell[start:]}"):
        with pytest.raises(StoreError, match="tampered"):
            seal.open_cell(RING, "household", column, key, wrong)


@given(COLUMNS, COLUMNS, TEXTS, TEXTS, TEXTS)
def test_a_cell_of_another_column_or_household_does_not_open(column, other, key, elsewhere, value):
    cell = seal.seal_cell(RING, "household", column, key, value)
    if other != column:
        with pytest.raises(StoreError, match="tampered"):
            seal.open_cell(RING, "household", other, key, cell)
    if elsewhere != key:
        with pytest.raises(StoreError, match="tampered"):
            seal.open_cell(RING, "household", column, elsewhere, cell)
    with pytest.raises(StoreError, match="tampered"):
        seal.open_cell(RING, "officer", column, key, cell)


@given(st.sampled_from(seal.INDEXED["household"]), TEXTS, TEXTS)
def test_blind_indices_are_equal_where_values_are_and_only_there(column, one, two):
    assume("*" not in one + two)
    first, second = (seal.blind_index(RING, "household", column, value) for value in (one, two))
    assert (first == second) is (seal.normal(column, one) == seal.normal(column, two))
    assert (first is None) is not any(sign.isalnum() for sign in one)
    other = replace(RING, index_key=bytes([1] * 32))
    assert first is None or first != seal.blind_index(other, "household", column, one)


def test_one_value_has_one_index_however_it_is_spelled():
    def same(column, *values):
        return len({seal.blind_index(RING, "household", column, value) for value in values}) == 1

    assert same("id_no", "42070419500101123x", "４２０７０４19500101123X", " 420704 19500101 123X ")
    assert same("phone", "138-0000-0000", "+86 13800000000", "13800000000")
    assert not same("id_no", "420704195001011234", "420704195001011235")
    index = {column: seal.blind_index(RING, "household", column, "1") for column in seal.INDEXED["household"]}
    assert len(set(index.values())) == len(index)


def test_the_catalogue_says_what_is_sealed(catalogue):
    private = {name: tuple(c.name for c in spec.columns if c.private) for name, spec in catalogue.items()
               if spec.visibility == "casework"}  # fmt: skip
    assert {name: columns for name, columns in private.items() if columns} == dict(seal.SEALED)


def test_written_sealed_read_closed_opened_on_purpose(sealed, specs):
    assert put(sealed, specs, register()) == {"accepted": 3, "unchanged": 0}
    assert leaked(raw(sealed)) == []
    with read_session(sealed) as session:
        closed = read_layer(session, "household")
        assert all(check.is_ok for check in verify(session).values())
    assert set(closed["id_no"]) == {seal.WITHHELD}
    assert closed["phone"].isna().tolist() == [False, True, False]
    assert not [name for name in closed.columns if name.endswith("_index")]
    assert opened(sealed) == PRIVATE


def test_the_same_register_twice_changes_nothing_and_a_change_is_told_by_marks(sealed, specs):
    put(sealed, specs, register())
    before = raw(sealed)
    assert put(sealed, specs, register().iloc[::-1]) == {"accepted": 0, "unchanged": 3}
    assert raw(sealed) == before
    account = ["DEMO-YKT-9000009", *PRIVATE["one_card_account"][1:]]
    assert put(sealed, specs, register(one_card_account=account)) == {"accepted": 1, "unchanged": 2}
    assert put(sealed, specs, register()) == {"accepted": 1, "unchanged": 2}
    assert leaked(raw(sealed), {**PRIVATE, "new": account}) == []
    with read_session(sealed) as session:
        rows = session.scalars(sa.select(AuditRow).where(AuditRow.action == "layer.change").order_by(AuditRow.seq))
        there, back = ({n: json.loads(getattr(row, n)) for n in ("before", "after")} for row in rows)
    assert there["before"] == back["after"]
    assert there["after"] == back["before"] != there["before"]
    assert all(told["one_card_account"].startswith("sealed:") for told in (there["before"], there["after"]))


def test_a_column_the_file_lacks_stays_and_a_masked_value_replaces_nothing(sealed, specs):
    put(sealed, specs, register())
    assert put(sealed, specs, register(household_size=4).drop(columns=["one_card_account", "phone"]))["accepted"] == 3
    assert opened(sealed) == PRIVATE
    with pytest.raises(InputError, match="masked_value"):
        put(sealed, specs, register(id_no=["DEM*****0001", *PRIVATE["id_no"][1:]]))
    assert opened(sealed) == PRIVATE


def test_exact_search_and_shared_values(sealed, specs):
    put(sealed, specs, register())

    def found(column, value, scope=""):
        with read_session(sealed) as session:
            return [row.household_id for row in households.with_value(session, column, value, scope=scope)]

    assert found("id_no", "demo-9000001") == ["H1", "H3"]
    assert found("id_no", "DEMO-9000001", scope="420704101") == ["H3"]
    assert found("id_no", "DEMO-900000") == found("phone", "DEMO-9000001") == found("id_no", "*") == []
    assert found("one_card_account", "DEMO-YKT-9000001") == ["H1", "H2"]
    with read_session(sealed) as session:
        groups = {c: [[r.household_id for r in rows] for rows in households.repeated(session, c)]
                  for c in seal.INDEXED["household"]}  # fmt: skip
    assert groups == {"id_no": [["H1", "H3"]], "phone": [], "one_card_account": [["H1", "H2"]]}


def test_a_new_key_keeps_every_value_and_the_old_one_goes_only_when_idle(sealed, specs, ring_folder):
    put(sealed, specs, register())
    table = layer_table("household")[1]
    old = keys.read_ring(ring_folder).current
    index = [row[1:] for row in _sealed_cells(sealed, table)]
    ring = keys.add_key(ring_folder)
    assert opened(sealed) == PRIVATE
    with store_session(sealed) as session:
        assert seal.reseal(session.connection(), table, ring) == 3
        session.rollback()
    assert _used(sealed, table) == {old}
    with store_session(sealed) as session:
        seal.reseal(session.connection(), table, ring)
        session.commit()
    assert _used(sealed, table) == {ring.current}
    assert [row[1:] for row in _sealed_cells(sealed, table)] == index
    with pytest.raises(RefusedError, match="current"):
        keys.drop_keys(ring_folder, [ring.current])
    keys.drop_keys(ring_folder, [old])
    assert opened(sealed) == PRIVATE
    assert put(sealed, specs, register()) == {"accepted": 0, "unchanged": 3}


def _sealed_cells(engine, table):
    with engine.connect() as link:
        columns = [table.c[name] for name in ("id_no", *seal.index_columns("household"))]
        return link.execute(sa.select(*columns).order_by(table.c.fid)).all()


def _used(engine, table):
    with engine.connect() as link:
        return set(seal.keys_in_use(link, table))


def test_wrong_keys_write_nothing_and_moved_cells_are_seen(sealed, specs, ring_folder, tmp_path):
    put(sealed, specs, register())
    other = make_engine(sealed.url, keys=tmp_path / "other")
    keys.make_ring(tmp_path / "other")
    before = raw(sealed)
    with pytest.raises(StoreError, match=r"keys\.wrong"):
        put(other, specs, register(household_id=["H7", "H8", "H9"]))
    other.dispose()
    bare = make_engine(sealed.url)
    with pytest.raises(StoreError, match=r"keys\.missing"):
        put(bare, specs, register())
    with read_session(bare) as session:
        assert len(read_layer(session, "household")) == 3
        assert verify(session)["keys"].key == "error.keys.missing"
    bare.dispose()
    assert raw(sealed) == before
    with sealed.begin() as link:
        link.exec_driver_sql("UPDATE household SET one_card_account = (SELECT one_card_account FROM household "
                             "WHERE household_id = 'H3') WHERE household_id = 'H1'")  # fmt: skip
    with read_session(sealed) as session:
        assert verify(session)["keys"].key == "error.keys.tampered"


def test_a_search_index_that_does_not_fit_is_seen(sealed, specs):
    put(sealed, specs, register())
    with sealed.begin() as link:
        link.exec_driver_sql("UPDATE household SET id_no_index = NULL WHERE household_id = 'H2'")
    with read_session(sealed) as session:
        assert verify(session)["keys"].key == "store.verify.blind_index"


def test_a_writer_that_forgets_to_seal_is_caught(sealed, specs, monkeypatch):
    """The planted twin of the laws above: without sealing, names stand in the store and ``verify`` says so."""
    monkeypatch.setattr(upsert, "seal_row", lambda _ring, _table, _key, cells: dict(cells))
    put(sealed, specs, register())
    assert leaked(raw(sealed)) != []
    with read_session(sealed) as session:
        assert verify(session)["keys"].key == "error.keys.unsealed"


def test_the_ring_is_private_and_says_what_is_wrong_with_it(tmp_path):
    folder = tmp_path / "keys"
    ring = keys.make_ring(folder)
    assert keys.make_ring(folder) == ring
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    file = folder / keys.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in folder.iterdir()] == [keys.FILE]
    assert not any(key.hex() in repr(ring) or str(key) in repr(ring) for key in (*ring.keys.values(), ring.index_key))
    told = file.read_text()
    for wrong in ("", "{}", "[]", told[:-30], told.replace(ring.current, "k0000000"), told.swapcase()):
        file.write_text(wrong)
        with pytest.raises(StoreError, match=r"keys\.damaged"):
            keys.read_ring(folder)
    file.write_text(told)
    file.chmod(0o640)
    with pytest.raises(StoreError, match="too_open"):
        keys.read_ring(folder)
    file.unlink()
    with pytest.raises(StoreError, match=r"keys\.missing"):
        keys.read_ring(folder)
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(StoreError, match="unwritable"):
        keys.make_ring(blocked / "keys")


def _clear_store(path):
    """A store from before sealing: a register in the clear, a change on record, rows deleted, an older copy beside."""
    old_store(path, "0008")
    engine = make_engine(f"sqlite:///{path}")
    frame = register(coord_source="", source_crs="", source_file="名册.xlsx", imported_at="2026-01-01T00:00:00.000Z")
    with engine.begin() as link:
        frame.to_sql("household", link, if_exists="append", index=False)
        gone = frame.assign(household_id=["G1", "G2", "G3"], head_of_household="丁示四")
        gone.to_sql("household", link, if_exists="append", index=False)
        link.exec_driver_sql("DELETE FROM household WHERE household_id LIKE 'G%'")
    with store_session(engine) as session:
        change = Change("layer.change", "household", "H1", {"id_no": "DEMO-8000001"}, {"id_no": "DEMO-9000001"})
        record_many(
            session,
            ACT,
            [Change("a", "t", "1", {"x": 1}), change, Change("b", "t", "2", None, {"y": 2})],
        )
        session.commit()
    engine.dispose()


CLEAR = {**PRIVATE, "gone": ["丁示四", "DEMO-8000001"]}


def _files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_an_older_store_is_sealed_and_nothing_in_the_clear_stays(tmp_path):
    path = tmp_path / "district.gpkg"
    _clear_store(path)
    (tmp_path / "district.before-0008.gpkg").write_bytes(path.read_bytes())
    assert any(v.encode() in path.read_bytes() for v in CLEAR["gone"])
    engine = open_store(f"sqlite:///{path}", keys=tmp_path / "keys")
    with store_session(engine) as session:
        assert all(check.is_ok for check in verify(session).values())
        assert opened(engine) == PRIVATE
        rows = list(session.scalars(sa.select(AuditRow).order_by(AuditRow.seq)))
        assert rows[-1].action == "audit.seal"
        assert json.loads(rows[-1].before)["rows"] == [2]
        assert verify_chain(session, (rows[-2].seq, rows[-2].hash)).is_ok
        record_many(session, ACT, [Change("c", "t", "3")])
        with pytest.raises(sa.exc.DBAPIError, match="append-only"):
            session.execute(sa.update(AuditRow).values(who="x"))
    engine.dispose()
    files = _files(tmp_path)
    assert set(files) <= {"district.gpkg", "district.gpkg-wal", "district.gpkg-shm"}
    assert [v for data in files.values() for column in CLEAR.values() for v in column if v and v.encode() in data] == []


def test_a_scrub_that_was_cut_off_is_done_at_the_next_opening(tmp_path, monkeypatch):
    path = tmp_path / "district.gpkg"
    _clear_store(path)
    from geo_minzheng.store import scrub

    with monkeypatch.context() as patch:
        patch.setattr(scrub, "scrub_file", lambda _path: None)
        open_store(f"sqlite:///{path}", keys=tmp_path / "keys").dispose()
    assert migrate.revision_of_file(tmp_path / "district.unsealed.gpkg") == "0008"
    open_store(f"sqlite:///{path}", keys=tmp_path / "keys").dispose()
    files = _files(tmp_path)
    assert "district.unsealed.gpkg" not in files
    assert [v for data in files.values() for column in CLEAR.values() for v in column if v and v.encode() in data] == []


def test_an_older_store_without_a_place_for_keys_stays_as_it_was(tmp_path):
    path = tmp_path / "district.gpkg"
    _clear_store(path)
    with pytest.raises(StoreError, match=r"keys\.missing"):
        open_store(f"sqlite:///{path}")
    assert migrate.revision_of_file(path) == "0008"
    with sqlite3.connect(path) as link:
        assert link.execute("SELECT count(*) FROM household WHERE id_no LIKE 'DEMO-%'").fetchone() == (3,)
    link.close()


@pytest.mark.postgis
def test_a_server_is_sealed_in_place(postgis, tmp_path, specs):
    url = postgis.empty_database()
    create_store(url).dispose()
    engine = make_engine(url)
    with engine.begin() as link:
        for name in seal.index_columns("household"):
            link.exec_driver_sql(f"ALTER TABLE household DROP COLUMN {name}")
        link.exec_driver_sql("DROP TABLE seen")
        link.exec_driver_sql("UPDATE alembic_version SET version_num = '0009'")
        frame = register(coord_source="", source_crs="", source_file="名册.xlsx")
        frame = frame.assign(imported_at=pd.Timestamp("2026-01-01", tz="UTC"))
        frame.assign(imported_at=pd.Timestamp("2026-01-01", tz="UTC")).to_sql(
            "household", link, if_exists="append", index=False
        )
        for number in (1, 2):
            link.exec_driver_sql(f"UPDATE household SET household_size = {number}")
    with store_session(engine) as session:
        change = Change("layer.change", "household", "H1", {"id_no": "DEMO-8000001"}, {"id_no": "DEMO-9000001"})
        record_many(session, ACT, [change, Change("b", "t", "2")])
        session.commit()
    assert leaked(raw(engine), CLEAR) != []
    engine.dispose()
    engine = open_store(url, keys=tmp_path / "keys")
    assert opened(engine) == PRIVATE
    assert leaked(raw(engine), CLEAR) == []
    with engine.connect() as link, pytest.raises(sa.exc.DBAPIError, match="append-only"):
        link.exec_driver_sql("UPDATE audit SET who = 'x'")
    with read_session(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Household)) == 3
        assert all(check.is_ok for check in verify(session).values())
    engine.dispose()
    file = _heap_of(postgis, url)
    assert [v for column in PRIVATE.values() for v in column if v and v.encode() in file] == []
    postgis.drop(url)


def _heap_of(postgis, url):
    """The table's own file on the server's disk."""
    engine = make_engine(url)
    with engine.connect() as link:
        link.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("CHECKPOINT")
        read = "SELECT pg_read_binary_file(pg_relation_filepath('household'))"
        data = bytes(link.exec_driver_sql(read).scalar())
    engine.dispose()
    return data
