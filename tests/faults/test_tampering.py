"""R14: somebody with the file in hand edits, deletes, moves and cuts the audit log and what only ever grows."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from postgis import postgis, server_url
from store_play import ACT, fresh_file, honest_writer, stock_up

from geo_minzheng.model.anchor import SIGNS
from geo_minzheng.store import audit, records
from geo_minzheng.store import verify as store_verify
from geo_minzheng.store.canonical import digest, to_json
from geo_minzheng.store.plans import ApprovalRecord, PlanRecord, approve_plan, store_plan
from geo_minzheng.store.reports import ReportPost, post_report, review_report
from geo_minzheng.store.session import make_engine, read_session, store_session
from geo_minzheng.store.tables import APPEND_ONLY, Incident

__all__ = ["postgis", "server_url"]

TRIES = 2_000 if os.environ.get("GEO_MINZHENG_SOAK") else 200
COLUMNS = ("who", "role", "place", "incident", "action", "table_name", "row_key", "before", "after", "at", "exercise")
HASHED = (
    "seq", "at", "who", "role", "place", "incident", "exercise", "action", "table_name", "row_key", "before", "after",
    "prev_hash",
)  # fmt: skip


def play(url):
    """A small store with a night in it: goods, a plan decided on by another, reports with their review."""
    stock_up(url)
    honest_writer(url, 1, 40)
    engine = make_engine(url)
    with store_session(engine) as session:
        incident = Incident(incident_id="I-1", name="测试", hazard="flood", occurred_at=ACT.at)
        records.add(session, ACT, "incident.declare", incident)
        plan = PlanRecord("I-1/P1", "I-1", {"lines": [1]}, "a" * 64, "b" * 64, "v", "optimal")
        store_plan(session, ACT, plan)
        approve_plan(session, ACT, ApprovalRecord("I-1/P1", "b" * 64, "批准人丙", ACT.at))
        for number in range(6):
            village = f"42070400{number:04d}"
            who = type(ACT)(f"信息员{number}", ACT.at, scope=village)
            post_report(session, who, ReportPost(f"u-{number}", "I-1", village, {"deaths": number}))
            review_report(session, ACT, f"u-{number}", "confirmed")
        session.commit()
    engine.dispose()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tamper")
    url = fresh_file(folder / "empty.gpkg", folder / "district.gpkg")
    play(url)
    with closing(sqlite3.connect(folder / "district.gpkg")) as link:
        link.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder / "district.gpkg"


def disarm(link):
    """What an attacker does first; the definitions are put back when the work is done."""
    found = link.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name NOT LIKE 'rtree%'")
    standing = found.fetchall()
    link.execute("PRAGMA ignore_check_constraints = 1")
    for name, _ in standing:
        link.execute(f'DROP TRIGGER "{name}"')
    return [definition for _, definition in standing]


def rehash(link, fid):
    """Forge the hash of one row as the program would have."""
    row = link.execute(f"SELECT {', '.join(HASHED)} FROM audit WHERE fid = ?", (fid,)).fetchone()
    told = dict(zip(HASHED, row, strict=True))
    told["exercise"] = bool(told["exercise"])
    made = digest(to_json(told))
    link.execute("UPDATE audit SET hash = ? WHERE fid = ?", (made, fid))
    return made


def recompute(link):
    """Forge every hash and the head anew, as the program would have: the numbers run on, nothing shows inside."""
    last = ""
    rows = link.execute("SELECT fid FROM audit ORDER BY seq").fetchall()
    link.execute("UPDATE audit SET seq = -seq")
    for count, (fid,) in enumerate(rows, start=1):
        link.execute("UPDATE audit SET seq = ?, prev_hash = ? WHERE fid = ?", (count, last, fid))
        last = rehash(link, fid)
    link.execute("UPDATE audit_head SET count = ?, hash = ?", (len(rows), last))


def edit(link, rng, count):
    row, column = rng.randint(1, count), rng.choice(COLUMNS)
    other = {"exercise": 1, "at": "2020-01-01T00:00:00.000Z"}.get(column, f"伪{rng.random()}")
    if column in ("before", "after"):
        other = json.dumps({"伪": rng.random()}, ensure_ascii=False)
    link.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (other, row))


def edit_with_hash(link, rng, count):
    """Edit a row and forge its hash, not those that follow; the last row is what the printed head holds."""
    row = rng.randint(1, count - 1)
    link.execute("UPDATE audit SET who = ? WHERE seq = ?", (f"伪{rng.random()}", row))
    rehash(link, link.execute("SELECT fid FROM audit WHERE seq = ?", (row,)).fetchone()[0])


def edit_hash(link, rng, count):
    column = rng.choice(("hash", "prev_hash"))
    link.execute(f"UPDATE audit SET {column} = ? WHERE seq = ?", (digest(str(rng.random())), rng.randint(1, count)))


def delete(link, rng, count):
    link.execute("DELETE FROM audit WHERE seq = ?", (rng.randint(1, count),))


def delete_and_close(link, rng, count):
    """Take a row out, close the numbers up, link the next to the one before, and lower the head."""
    row = rng.randint(1, count - 1)
    (before,) = link.execute("SELECT prev_hash FROM audit WHERE seq = ?", (row,)).fetchone()
    link.execute("DELETE FROM audit WHERE seq = ?", (row,))
    for number in range(row + 1, count + 1):
        link.execute("UPDATE audit SET seq = ? WHERE seq = ?", (number - 1, number))
    link.execute("UPDATE audit SET prev_hash = ? WHERE seq = ?", (before, row))
    link.execute("UPDATE audit_head SET count = ?", (count - 1,))


def reorder(link, rng, count):
    one, two = rng.sample(range(1, count + 1), 2)
    for number, to in ((one, -1), (two, one), (-1, two)):
        link.execute("UPDATE audit SET seq = ? WHERE seq = ?", (to, number))


def cut(link, rng, count):
    link.execute("DELETE FROM audit WHERE seq > ?", (rng.randint(0, count - 1),))


def cut_with_head(link, rng, count):
    """Cut the end off and set the head to what is left: inside there is nothing to see, the printed head tells."""
    keep = rng.randint(1, count - 1)
    link.execute("DELETE FROM audit WHERE seq > ?", (keep,))
    (last,) = link.execute("SELECT hash FROM audit WHERE seq = ?", (keep,)).fetchone()
    link.execute("UPDATE audit_head SET count = ?, hash = ?", (keep, last))


def rewrite(link, rng, count):
    """Edit, delete or move a row and forge the whole chain anew, head and all."""
    rng.choice((edit, delete, reorder))(link, rng, count)
    recompute(link)


def headless(link, _rng, _count):
    link.execute("DELETE FROM audit_head")


def grown(link, rng, _count):
    """Edit a row that may only be added: figures, verdicts, hashes, quantities, whoever decided."""
    table, column, value = rng.choice((
        ("plan", "result_hash", "c" * 64), ("plan", "who", "伪"), ("approval", "approver", "伪"),
        ("approval", "verdict", "rejected"), ("report_review", "verdict", "returned"), ("report_review", "who", "伪"),
        ("voucher", "note", "伪"), ("voucher", "who", "伪"), ("movement", "line_no", 999),
        ("report_version", "body_hash", "伪"),
    ))  # fmt: skip
    fids = [f for (f,) in link.execute(f"SELECT fid FROM {table}")]
    link.execute(f"UPDATE {table} SET {column} = ? WHERE fid = ?", (value, rng.choice(fids)))


def grown_gone(link, rng, _count):
    """Delete a row that may only be added."""
    table = rng.choice(("approval", "report_review"))
    fids = [f for (f,) in link.execute(f"SELECT fid FROM {table}")]
    link.execute(f"DELETE FROM {table} WHERE fid = ?", (rng.choice(fids),))


ATTACKS = (
    edit, edit_with_hash, edit_hash, delete, delete_and_close, reorder, cut, cut_with_head, rewrite, headless, grown,
    grown_gone,
)  # fmt: skip


def attacked(store, target, attack, rng):
    """Do an attack on a copy; the guards stand again afterwards, so that only the tampering can be found."""
    shutil.copy(store, target)
    with closing(sqlite3.connect(target)) as link:
        link.create_function("ST_IsEmpty", 1, lambda _: 0)
        guards = disarm(link)
        attack(link, rng, link.execute("SELECT count(*) FROM audit").fetchone()[0])
        for definition in guards:
            link.execute(definition)
        link.commit()
    return target


def is_found(file, anchor):
    engine = make_engine(f"sqlite:///{file}")
    try:
        with read_session(engine) as session:
            told = store_verify.verify(session, anchor)
    finally:
        engine.dispose()
    return [name for name in ("audit", "history", "ledger") if not told[name].is_ok]


def printed(store):
    engine = make_engine(f"sqlite:///{store}")
    with read_session(engine) as session:
        count, last = audit.chain_head(session)
        assert all(verdict.is_ok for verdict in store_verify.verify(session, (count, last[:SIGNS])).values())
    engine.dispose()
    return count, last[:SIGNS]


def tamper(store, folder, tries):
    """Attack copies one after the other; count what was found, by attack."""
    rng, anchor = random.Random(14), printed(store)
    found, missed = Counter(), []
    for number in range(tries):
        attack = ATTACKS[number % len(ATTACKS)]
        file = attacked(store, folder / "attacked.gpkg", attack, rng)
        names = is_found(file, anchor)
        found[attack.__name__] += bool(names)
        if not names:
            missed.append((number, attack.__name__))
        for part in folder.glob("attacked.gpkg*"):
            part.unlink()
    return found, missed


def test_every_tampering_is_found(store, tmp_path):
    found, missed = tamper(store, tmp_path, TRIES)
    assert missed == []
    assert sum(found.values()) == TRIES >= 200
    assert set(found) == {attack.__name__ for attack in ATTACKS} and min(found.values()) >= TRIES // len(ATTACKS)


def test_a_planted_check_that_ignores_the_hash_before_is_seen(store, tmp_path, monkeypatch):
    """The twin: every row hashed, none held to the one before; an edited row with a hash of its own passes."""
    monkeypatch.setattr(store_verify, "verify_chain", careless)
    _, missed = tamper(store, tmp_path, len(ATTACKS) * 3)
    assert {name for _, name in missed} == {"edit_with_hash"}


def careless(session, anchor=None):
    head = session.execute(sa.select(audit.AuditHead.count, audit.AuditHead.hash)).one_or_none()
    columns = [getattr(audit.AuditRow, name) for name in (*HASHED, "hash")]
    count, last = 0, ""
    for values in session.execute(sa.select(*columns).order_by(audit.AuditRow.seq)):
        row = dict(zip((*HASHED, "hash"), values, strict=True))
        count, last = count + 1, row["hash"]
        if row["seq"] != count or row["hash"] != audit.chain_hash(row):
            return audit.Verdict("store.verify.audit_edited", {"row": count})
        if anchor and count == anchor[0] and not last.startswith(anchor[1]):
            return audit.Verdict("store.verify.audit_anchor", {"row": count})
    whole = head is not None and (count, last) == tuple(head) and (anchor is None or count >= anchor[0])
    return audit.OK if whole else audit.Verdict("store.verify.audit_cut", {"found": count, "expected": 0})


def test_without_the_printed_head_a_forged_chain_would_pass(store, tmp_path):
    """Why the head is on paper: inside the store a chain forged with its head is as good as any."""
    file = attacked(store, tmp_path / "forged.gpkg", cut_with_head, random.Random(1))
    engine = make_engine(f"sqlite:///{file}")
    with read_session(engine) as session:
        assert audit.verify_chain(session).is_ok
        assert audit.verify_chain(session, printed(store)).key == "store.verify.audit_anchor"
        assert not audit.verify_chain(session, (printed(store)[0], "")).is_ok, "an empty code agrees with nothing"
    engine.dispose()


def test_the_attacks_reach_what_only_grows():
    tables = {table.__tablename__ for table in APPEND_ONLY}
    assert {"plan", "approval", "report_review", "voucher", "movement", "report_version"} <= tables


@pytest.mark.postgis
def test_tampering_on_the_server_is_found(server_url):
    engine = make_engine(server_url)
    play(server_url)
    with read_session(engine) as session:
        anchor = audit.chain_head(session)
    count = anchor[0]
    acts = [
        f"UPDATE audit SET who = 'x' WHERE seq = {count // 2}", f"DELETE FROM audit WHERE seq = {count // 3}",
        f"DELETE FROM audit WHERE seq > {count // 2}", "DELETE FROM audit_head",
        f"UPDATE audit SET prev_hash = 'x' WHERE seq = {count - 1}", "UPDATE approval SET approver = 'x'",
        "UPDATE report_review SET verdict = 'returned', reason = 'x'", "UPDATE voucher SET note = 'x'",
    ]  # fmt: skip
    found = 0
    for statement in acts * 3:
        with store_session(engine) as session:
            for table in ("audit", "audit_head", "approval", "report_review", "voucher"):
                session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            session.execute(sa.text(statement))
            told = store_verify.verify(session, anchor)
            found += not all(told[name].is_ok for name in ("audit", "history", "ledger"))
            session.rollback()
    engine.dispose()
    assert found == 24
