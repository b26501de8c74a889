"""Every kind of damage has its own finding."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa
from store_play import ACT, receipt

from geo_minzheng.model.account import Person
from geo_minzheng.model.ledger import LotHold, LotLine, LotTransfer
from geo_minzheng.store import ledger, records, reservations
from geo_minzheng.store.accounts import add_account, change_account
from geo_minzheng.store.audit import Change, record
from geo_minzheng.store.incidents import write_footprint
from geo_minzheng.store.reports import ReportPost, post_report
from geo_minzheng.store.session import store_session
from geo_minzheng.store.tables import Decision, Footprint, Incident
from geo_minzheng.store.tables_flood import ReliefRequest
from geo_minzheng.store.verify import verify


@pytest.fixture
def session(shared):
    with store_session(shared) as session:
        ledger.receive(session, ACT, "入-1", [receipt("W1", "L1", 100), receipt("W1", "L2", 50)])
        ledger.issue(session, ACT, "出-1", [LotLine("W1", "L1", 30)])
        ledger.transfer(session, ACT, "调-1", [LotTransfer("W1", "W2", "L1", 10)])
        ledger.reverse(session, ACT, "冲-1", "出-1", reason="错")
        reservations.reserve(session, ACT, "单-1", [LotHold(1, "W1", "L1", 20)])
        yield session


def unguard(session, table):
    if session.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            session.execute(sa.text(f"DROP TRIGGER {table}_no_{act}"))
    else:
        session.execute(sa.text(f"ALTER TABLE {table} DISABLE TRIGGER ALL"))


DAMAGE = [
    (
        "ledger_sum",
        None,
        "UPDATE lot_balance SET quantity_milli = quantity_milli + 1 WHERE lot_fid = {L2}",
    ),
    (
        "ledger_sum",
        None,
        "DELETE FROM lot_balance WHERE lot_fid = {L2}",
    ),
    ("ledger_reserved", None, "UPDATE lot_balance SET reserved_milli = 0"),
    ("ledger_reserved", None, "UPDATE reservation SET state = 'released'"),
    ("ledger_prefix", "movement", "DELETE FROM movement WHERE fid = (SELECT min(fid) FROM movement)"),
    (
        "ledger_prefix",
        "movement",
        "UPDATE movement SET balance_milli = balance_milli + 5 WHERE fid = (SELECT min(fid) + 2 FROM movement)",
    ),
    (
        "ledger_sum",
        "movement",
        "DELETE FROM movement WHERE lot_fid = {L2}",
    ),
]


@pytest.mark.parametrize(("key", "table", "statement"), DAMAGE)
def test_the_ledger_finds(session, key, table, statement):
    assert verify(session)["ledger"].is_ok
    if table:
        unguard(session, table)
    session.execute(sa.text(statement.replace("{L2}", "(SELECT max(fid) FROM stock_lot WHERE lot_no = 'L2')")))
    said = verify(session)
    assert said["ledger"].key == f"store.verify.{key}"
    assert said["audit"].is_ok
    if table:
        assert said["integrity"].key == "store.verify.guard"


def test_the_ledger_finds_transfers_and_reversals_that_do_not_match(session):
    unguard(session, "voucher")
    session.execute(sa.text("UPDATE voucher SET kind = 'transfer' WHERE number = '入-1'"))
    assert verify(session)["ledger"].key == "store.verify.ledger_transfer"
    session.execute(sa.text("UPDATE voucher SET kind = 'receipt' WHERE number = '入-1'"))
    other = "SELECT fid FROM voucher WHERE number = '调-1'"
    session.execute(sa.text(f"UPDATE voucher SET reverses_fid = ({other}) WHERE number = '冲-1'"))
    assert verify(session)["ledger"].key == "store.verify.ledger_reversal"


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("voucher", "UPDATE voucher SET who = 'no_such_keeper' WHERE number = '入-1'"),
        ("voucher", "UPDATE voucher SET note = note || '.' WHERE number = '出-1'"),
        ("voucher", "UPDATE voucher SET number = '出-2' WHERE number = '出-1'"),
        ("movement", "UPDATE movement SET line_no = line_no + 7 WHERE fid = (SELECT min(fid) FROM movement)"),
    ],
)
def test_a_voucher_that_no_longer_says_what_was_booked_is_found(session, table, statement):
    assert verify(session)["ledger"].is_ok
    unguard(session, table)
    session.execute(sa.text(statement))
    assert verify(session)["ledger"].key == "store.verify.ledger_voucher"


def test_goods_that_were_booked_out_of_the_books_with_every_sum_kept_are_found(session):
    unguard(session, "movement")
    lot = "(SELECT max(fid) FROM stock_lot WHERE lot_no = 'L2')"
    for statement in (
        f"UPDATE movement SET quantity_milli = 10, balance_milli = 10 WHERE lot_fid = {lot}",
        f"UPDATE lot_balance SET quantity_milli = 10 WHERE lot_fid = {lot}",
    ):
        session.execute(sa.text(statement))
    assert verify(session)["ledger"].key == "store.verify.ledger_voucher"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE decision SET reason = 'no_such_reason'", "UPDATE decision SET who = '乙'", "DELETE FROM decision"],
)
def test_a_decision_that_was_changed_or_taken_away_is_found(session, statement):
    row = Decision(decision_id="D1", subject="level", subject_key="1", proposed="III", decided="II", reason="夜间")
    records.add(session, ACT, "decide", row)
    assert verify(session)["history"].is_ok
    unguard(session, "decision")
    session.execute(sa.text(statement))
    session.expire_all()
    assert verify(session)["history"].key == "store.verify.history"


@pytest.fixture
def night(session):
    """An incident with a footprint in two parts and a report of one village."""
    for name in ("I1", "I2"):
        records.add(session, ACT, "declare", Incident(incident_id=name, name=name, hazard="flood", occurred_at=ACT.at))
    square = shapely.MultiPolygon([shapely.box(115, 30, 115.1, 30.1)])
    parts = gpd.GeoDataFrame({"depth_m": [0.5, 1.5]}, geometry=[square, shapely.transform(square, lambda x: x + 1)])
    write_footprint(session, replace(ACT, incident="I1"), "I1/F1", parts, source="drawn")
    post_report(session, ACT, ReportPost("u-1", "I1", "420704000001", {"deaths": 0}))
    session.flush()
    return session


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("footprint", "DELETE FROM footprint WHERE part_no = 2"),
        ("footprint", "DELETE FROM footprint"),
        ("footprint", "UPDATE footprint SET geom = (SELECT geom FROM footprint WHERE part_no = 2) WHERE part_no = 1"),
        ("footprint", "UPDATE footprint SET footprint_id = 'I1/F2'"),
        ("footprint", "UPDATE footprint SET incident = 'I2'"),
        ("report", "UPDATE report SET village_code = '420704000002'"),
    ],
)
def test_a_footprint_or_a_reports_village_that_was_changed_is_found(night, table, statement):
    assert verify(night)["history"].is_ok
    unguard(night, table)
    night.execute(sa.text(statement))
    night.expire_all()
    assert verify(night)["history"].key == "store.verify.history"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE account SET post = 'admin'",
        "UPDATE account SET scope = '420704'",
        "DELETE FROM account",
        "UPDATE relief_request SET quantity_milli = quantity_milli * 10",
        "UPDATE relief_request SET line_no = 2",
        "DELETE FROM relief_request",
        "UPDATE incident SET hazard = 'earthquake' WHERE incident_id = 'I2'",
    ],
)
def test_what_may_change_stands_as_the_log_tells(night, statement):
    row = add_account(night, ACT, Person("jia", "甲", "leader"))
    change_account(night, ACT, "user.change", row, post="approver", scope="420703")
    change_account(night, ACT, "user.password", row, password_hash="x", pin_hash="y", must_change=False)
    change_account(night, ACT, "user.subject", row, subject="https://sso.example.gov.cn 1")
    change_account(night, ACT, "user.disable", row, is_disabled=True)
    request = ReliefRequest(
        request_id="I1/R1", line_no=1, incident="I1", receiver="A", item="rice", quantity_milli=5000, unit="千克"
    )
    records.add(night, ACT, "relief.request", request)
    assert verify(night)["history"].is_ok
    night.execute(sa.text(statement))
    night.expire_all()
    assert verify(night)["history"].key == "store.verify.history"


@pytest.mark.parametrize("z", [False, True])
def test_a_lone_polygon_and_one_with_heights_stand_as_they_were_written(night, z):
    square = shapely.box(115, 30, 115.1, 30.1)
    parts = gpd.GeoDataFrame(geometry=[shapely.force_3d(square, 7.0) if z else square])
    write_footprint(night, replace(ACT, incident="I1"), "I1/F2", parts, source="drawn")
    night.flush()
    night.expire_all()
    assert verify(night)["history"].is_ok


def test_a_lone_polygon_as_earlier_versions_told_of_it_is_no_finding(night):
    square = shapely.box(115, 30, 115.1, 30.1)
    told = {"incident": "I1", "source": "drawn", "parts": [square]}
    row = {"footprint_id": "I1/F3", "part_no": 1, "geom": square, "who": "甲", "role": "", "at": ACT.at}
    row |= {name: told[name] for name in ("incident", "source")}
    row |= dict.fromkeys(("note", "coord_source", "source_crs", "source_file"), "")
    night.execute(sa.insert(Footprint), [row])
    record(night, replace(ACT, incident="I1"), Change("incident.footprint", "footprint", "I1/F3", None, told))
    night.flush()
    assert verify(night)["history"].is_ok


def test_a_moment_that_is_none_is_a_finding(file_url):
    from geo_minzheng.store.session import make_engine

    engine = make_engine(file_url)
    with store_session(engine) as session:
        ledger.receive(session, ACT, "入-1", [receipt("W1", "L1", 100)])
        unguard(session, "audit")
        session.execute(sa.text("UPDATE audit SET at = 'x' || at WHERE seq = 1"))
        assert verify(session)["audit"].key == "store.verify.unreadable"
    engine.dispose()


def test_a_missing_table_and_a_broken_reference_are_found(session):
    session.execute(sa.text("DROP TABLE photo"))
    assert verify(session)["integrity"].key == "store.verify.table"


def test_a_lost_index_is_found(session):
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sa.text("DROP TRIGGER rtree_house_geom_insert"))
    else:
        session.execute(sa.text("DROP INDEX gix_house_geom"))
    said = verify(session)["geometry_index"]
    assert (said.key, said.facts["table"]) == ("store.verify.index", "house")


def test_broken_references_and_stale_boxes_are_found(file_url):
    from geo_minzheng.store.session import make_engine

    engine = make_engine(file_url)
    with engine.connect() as link:
        raw = link.connection.driver_connection
        raw.execute("COMMIT") if raw.in_transaction else None
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute("INSERT INTO lot_balance (lot_fid, quantity_milli, reserved_milli) VALUES (99, 0, 0)")
        raw.execute("INSERT INTO rtree_house_geom VALUES (5, 1, 2, 1, 2)")
    with store_session(engine) as session:
        said = verify(session)
        assert said["integrity"].key == "store.verify.reference"
        assert said["geometry_index"].key == "store.verify.index"
    engine.dispose()
