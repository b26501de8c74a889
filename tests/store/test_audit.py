"""The chain finds what was edited, deleted, moved, added and cut off, and nothing else."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum

import numpy as np
import pytest
import shapely
import sqlalchemy as sa
from store_play import ACT

from geo_minzheng.errors import StoreError
from geo_minzheng.store.audit import Change, chain_head, record, record_many, verify_chain
from geo_minzheng.store.canonical import digest, moment_text, to_json
from geo_minzheng.store.session import store_session

ROWS = 12


@pytest.fixture
def session(shared):
    with store_session(shared) as session:
        for number in range(ROWS):
            record(session, ACT, Change("test.write", "setting", f"键{number}", {"n": number}, {"n": number + 1}))
        yield session


def _open_guards(session):
    """What somebody with the file in hand would do first."""
    if session.get_bind().dialect.name == "sqlite":
        names = session.scalars(
            sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'")
        ).all()
        for name in names:
            session.execute(sa.text(f"DROP TRIGGER {name}"))
    else:
        session.execute(sa.text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        session.execute(sa.text("ALTER TABLE audit_head DISABLE TRIGGER ALL"))


def _tamper(session, kind, rng):
    row, other = rng.sample(range(1, ROWS + 1), 2)
    column = rng.choice(["who", "role", "place", "incident", "action", "table_name", "row_key", "before", "after"])
    run = {
        "edit": [f"UPDATE audit SET {column} = 'x' WHERE seq = {row}"],
        "edit_flag": [f"UPDATE audit SET exercise = NOT exercise WHERE seq = {row}"],
        "edit_time": [f"UPDATE audit SET at = '2020-01-01T00:00:00.000Z' WHERE seq = {row}"],
        "edit_hash": [f"UPDATE audit SET hash = '{digest(str(row))}' WHERE seq = {row}"],
        "delete": [f"DELETE FROM audit WHERE seq = {row}"],
        "delete_and_close": [
            f"DELETE FROM audit WHERE seq = {row}",
            *(f"UPDATE audit SET seq = {n - 1} WHERE seq = {n}" for n in range(row + 1, ROWS + 1)),
            f"UPDATE audit_head SET count = {ROWS - 1}",
        ],
        "reorder": [
            f"UPDATE audit SET seq = -1 WHERE seq = {row}",
            f"UPDATE audit SET seq = {row} WHERE seq = {other}",
            f"UPDATE audit SET seq = {other} WHERE seq = -1",
        ],
        "cut": [f"DELETE FROM audit WHERE seq > {row - 1}"],
        "cut_and_count": [f"DELETE FROM audit WHERE seq > {ROWS - 1}", f"UPDATE audit_head SET count = {ROWS - 1}"],
        "headless": ["DELETE FROM audit_head"],
        "append": [
            "INSERT INTO audit (seq, at, who, role, place, incident, exercise, action, table_name, row_key,"
            f" prev_hash, hash) SELECT {ROWS + 1}, at, 'x', role, place, incident, exercise, action, table_name,"
            f" row_key, hash, 'x' FROM audit WHERE seq = {ROWS}"
        ],
    }[kind]
    for statement in run:
        session.execute(sa.text(statement))


KINDS = [
    "edit", "edit_flag", "edit_time", "edit_hash", "delete", "delete_and_close", "reorder", "cut", "cut_and_count",
    "headless", "append",
]  # fmt: skip


def test_an_honest_chain_is_ok(session):
    assert verify_chain(session).is_ok
    count, last = chain_head(session)
    assert count == ROWS
    assert verify_chain(session, (count, last)).is_ok
    record(session, ACT, Change("test.more", "setting", "x"))
    assert verify_chain(session, (count, last)).is_ok


def test_200_tamperings_are_found(session):
    rng = random.Random(4)
    found = 0
    for number in range(200):
        with session.begin_nested() as point:
            _open_guards(session)
            _tamper(session, KINDS[number % len(KINDS)], rng)
            verdict = verify_chain(session)
            assert not verdict.is_ok, KINDS[number % len(KINDS)]
            assert verdict.key.startswith("store.verify.audit_")
            found += 1
            point.rollback()
    assert found == 200


def test_a_chain_rewritten_with_its_head_differs_from_the_printed_hash(session):
    printed = chain_head(session)
    _open_guards(session)
    session.execute(sa.text(f"DELETE FROM audit WHERE seq > {ROWS - 2}"))
    last = session.scalar(sa.text(f"SELECT hash FROM audit WHERE seq = {ROWS - 2}"))
    session.execute(sa.text("UPDATE audit_head SET count = :c, hash = :h"), {"c": ROWS - 2, "h": last})
    assert verify_chain(session).is_ok
    assert verify_chain(session, printed).key == "store.verify.audit_anchor"
    for _ in range(3):
        record(session, ACT, Change("test.forged", "setting", "x"))
    assert verify_chain(session, printed).key == "store.verify.audit_anchor"


@pytest.mark.parametrize("statement", [
    "UPDATE audit SET who = 'x'", "DELETE FROM audit", "DELETE FROM audit_head", "UPDATE audit_head SET count = 3",
    "UPDATE audit_head SET hash = 'x'",
])  # fmt: skip
def test_the_database_refuses_to_edit_the_chain(session, statement):
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), session.begin_nested():
        session.execute(sa.text(statement))


def test_a_lost_head_stops_writing(session):
    _open_guards(session)
    session.execute(sa.text("DELETE FROM audit_head"))
    with pytest.raises(StoreError, match="chain_moved"):
        record(session, ACT, Change("test.write", "setting", "x"))


def test_many_changes_are_one_chain(session):
    record_many(session, ACT, [])
    record_many(session, ACT, (Change("test.bulk", "house", str(n), {"a": n}, {"a": 1}) for n in range(500)))
    assert chain_head(session)[0] == ROWS + 500
    assert verify_chain(session).is_ok


class Colour(Enum):
    RED = "red"


def test_canonical_text():
    value = {"b": (1, 2.5, True, None), "a": {"日": date(2026, 7, 15)}, "d": Decimal("1.10"), "e": Colour.RED}
    assert to_json(value) == '{"a":{"日":"2026-07-15"},"b":[1,2.5,true,null],"d":"1.10","e":"red"}'
    assert (
        to_json({"n": np.int64(3), "x": np.array([1.5, 2.0]), "s": {"b", "a"}}) == '{"n":3,"s":["a","b"],"x":[1.5,2.0]}'
    )
    assert "sha256" in to_json({"shape": shapely.Point(1, 2), "raw": b"x"})
    for bad in (float("nan"), np.inf, {"x": float("-inf")}):
        with pytest.raises(ValueError, match="NaN"):
            to_json(bad)
    with pytest.raises(TypeError):
        to_json(object())
    assert moment_text(datetime(2026, 7, 15, 1, 2, 3, 4567, tzinfo=UTC)) == "2026-07-15T01:02:03.004Z"
