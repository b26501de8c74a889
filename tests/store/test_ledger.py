"""Stock is the sum of its movements; vouchers once; promises once; nothing edited."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from store_play import ACT, careless_writer, honest_writer, receipt, run_writers, stock_up

from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.model.ledger import LotHold, LotLine, LotTransfer, from_milli, to_milli
from geo_minzheng.store import ledger, reservations
from geo_minzheng.store.session import make_engine, read_session, store_session
from geo_minzheng.store.stock import movement_rows, stock_rows
from geo_minzheng.store.tables import AuditRow, Voucher
from geo_minzheng.store.verify import verify, verify_ledger


def held(session, warehouse="W1", lot_no="L1"):
    row = next(r for r in stock_rows(session) if (r.warehouse, r.lot_no) == (warehouse, lot_no))
    return row.quantity, row.reserved


@pytest.fixture
def session(shared):
    with store_session(shared) as session:
        ledger.receive(
            session, ACT, "入-1", [receipt("W1", "L1", 100), receipt("W1", "L2", 2.5, expiry_on=date(2027, 1, 1))]
        )
        yield session
        assert verify_ledger(session).is_ok


@given(st.integers(-(10**12), 10**12))
def test_thousandths_are_exact(milli):
    assert to_milli(from_milli(milli)) == milli
    assert to_milli(Decimal(milli) / 1000) == milli


@pytest.mark.parametrize(
    "quantity", [float("nan"), float("inf"), 0.0001, Decimal("0.0005"), 1e13, Decimal("NaN"), 10**13]
)
def test_quantities_that_cannot_be_held_are_refused(quantity):
    with pytest.raises(InputError, match="bad_quantity"):
        to_milli(quantity)


def test_a_computed_float_is_forgiven_its_rounding():
    assert to_milli(0.1 + 0.2) == 300


def test_receipt_and_issue(session):
    ledger.issue(session, ACT, "出-1", [LotLine("W1", "L1", 30.5)])
    assert held(session) == (69.5, 0)
    rows = movement_rows(session, lot_no="L1")
    assert [(r.kind, r.quantity, r.balance) for r in rows] == [("receipt", 100, 100), ("issue", -30.5, 69.5)]
    row = next(r for r in stock_rows(session) if r.lot_no == "L2")
    assert (row.expiry_on, row.owner, row.condition, row.free) == (date(2027, 1, 1), "district", "usable", 2.5)


def test_a_known_lot_grows_and_keeps_its_kind(session):
    ledger.receive(session, ACT, "入-2", [receipt("W1", "L1", 5)])
    assert held(session) == (105, 0)
    with pytest.raises(RefusedError, match="lot_differs"):
        ledger.receive(session, ACT, "入-3", [receipt("W1", "L1", 5, item="quilt")])
    assert held(session) == (105, 0)


def test_one_short_line_refuses_the_whole_voucher(session):
    with pytest.raises(RefusedError) as refused:
        ledger.issue(session, ACT, "出-1", [LotLine("W1", "L1", 30), LotLine("W1", "L2", 3)])
    assert refused.value.key == "ledger.short"
    assert refused.value.facts == {"warehouse": "W1", "lot_no": "L2", "item": "tent_12", "asked": 3.0, "free": 2.5}
    assert held(session) == (100, 0)
    ledger.issue(session, ACT, "出-1", [LotLine("W1", "L1", 30)])


def test_a_voucher_number_counts_once(session):
    for act in (
        lambda: ledger.receive(session, ACT, "入-1", [receipt("W1", "L1", 100)]),
        lambda: ledger.issue(session, ACT, "入-1", [LotLine("W1", "L1", 1)]),
        lambda: ledger.take_stock(session, ACT, "入-1", [LotLine("W1", "L1", 1)], reason="盘点"),
    ):
        with pytest.raises(RefusedError, match="duplicate_voucher"):
            act()
    assert held(session) == (100, 0)


def test_transfer_carries_the_lot_along(session):
    ledger.transfer(session, ACT, "调-1", [LotTransfer("W1", "W2", "L2", 1), LotTransfer("W1", "W2", "L1", 40)])
    assert held(session) == (60, 0)
    assert held(session, "W2") == (40, 0)
    there = next(r for r in stock_rows(session) if (r.warehouse, r.lot_no) == ("W2", "L2"))
    assert (there.expiry_on, there.quantity, there.unit) == (date(2027, 1, 1), 1, "顶")
    with pytest.raises(RefusedError, match="same_warehouse"):
        ledger.transfer(session, ACT, "调-2", [LotTransfer("W1", "W1", "L1", 1)])
    with pytest.raises(RefusedError, match="short"):
        ledger.transfer(session, ACT, "调-2", [LotTransfer("W2", "W1", "L1", 41)])


def test_stock_take_brings_to_the_count_and_remembers_what_was_right(session):
    ledger.take_stock(session, ACT, "盘-1", [LotLine("W1", "L1", 97), LotLine("W1", "L2", 2.5)], reason="季度盘点")
    assert held(session) == (97, 0)
    assert [(r.lot_no, r.quantity) for r in movement_rows(session) if r.kind == "stocktake"] == [("L1", -3), ("L2", 0)]
    with pytest.raises(RefusedError, match="no_reason"):
        ledger.take_stock(session, ACT, "盘-2", [LotLine("W1", "L1", 97)], reason=" ")
    with pytest.raises(InputError, match="counted_twice"):
        ledger.take_stock(session, ACT, "盘-2", [LotLine("W1", "L1", 97), LotLine("W1", "L1", 96)], reason="x")
    with pytest.raises(InputError, match="bad_quantity"):
        ledger.take_stock(session, ACT, "盘-2", [LotLine("W1", "L1", -1)], reason="x")
    reservations.reserve(session, ACT, "单-1", [LotHold(1, "W1", "L1", 90)])
    with pytest.raises(RefusedError, match="short"):
        ledger.take_stock(session, ACT, "盘-2", [LotLine("W1", "L1", 89)], reason="少了")


def test_a_voucher_is_reversed_once_by_its_mirror(session):
    ledger.transfer(session, ACT, "调-1", [LotTransfer("W1", "W2", "L1", 40)])
    ledger.reverse(session, ACT, "冲-1", "调-1", reason="填错库")
    assert (held(session), held(session, "W2")) == ((100, 0), (0, 0))
    for of, key in (("调-1", "reversed_already"), ("冲-1", "is_reversal")):
        with pytest.raises(RefusedError, match=key):
            ledger.reverse(session, ACT, "冲-2", of, reason="再冲")
    with pytest.raises(NotFoundError, match="no_voucher"):
        ledger.reverse(session, ACT, "冲-2", "no_such_voucher", reason="x")
    with pytest.raises(RefusedError, match="no_reason"):
        ledger.reverse(session, ACT, "冲-2", "入-1", reason="")
    assert [r.reverses for r in movement_rows(session) if r.voucher == "冲-1"] == ["调-1", "调-1"]


def test_a_receipt_that_was_used_cannot_be_reversed(session):
    ledger.issue(session, ACT, "出-1", [LotLine("W1", "L1", 1)])
    with pytest.raises(RefusedError, match="short"):
        ledger.reverse(session, ACT, "冲-1", "入-1", reason="退货")
    assert held(session) == (99, 0)


def test_what_is_promised_is_promised_once_across_incidents(session):
    first, second = replace(ACT, incident="洪水一"), replace(ACT, incident="洪水二")
    reservations.reserve(session, first, "单-1", [LotHold(1, "W1", "L1", 70), LotHold(2, "W1", "L2", 1)])
    with pytest.raises(RefusedError, match="short"):
        reservations.reserve(session, second, "单-2", [LotHold(1, "W1", "L2", 1), LotHold(2, "W1", "L1", 31)])
    assert (held(session), held(session, lot_no="L2")) == ((100, 70), (2.5, 1))
    reservations.reserve(session, second, "单-2", [LotHold(1, "W1", "L1", 30)])
    with pytest.raises(RefusedError, match="short"):
        ledger.issue(session, ACT, "出-1", [LotLine("W1", "L1", 0.001)])
    with pytest.raises(RefusedError, match="reserved_already"):
        reservations.reserve(session, second, "单-2", [LotHold(1, "W1", "L2", 1)])


def test_picking_takes_the_promise_and_releases_the_rest(session):
    reservations.reserve(session, ACT, "单-1", [LotHold(1, "W1", "L1", 70), LotHold(2, "W1", "L2", 1)])
    with pytest.raises(RefusedError, match="more_than_reserved"):
        reservations.pick(session, ACT, "单-1", "出-1", {1: 71})
    with pytest.raises(InputError, match="no_line"):
        reservations.pick(session, ACT, "单-1", "出-1", {3: 1})
    assert reservations.pick(session, ACT, "单-1", "出-1", {1: 60}) == {1: 60, 2: 1}
    assert (held(session), held(session, lot_no="L2")) == ((40, 0), (1.5, 0))
    assert {r.order_id for r in movement_rows(session, order_id="单-1")} == {"单-1"}
    for again in (
        lambda: reservations.pick(session, ACT, "单-1", "出-2"),
        lambda: reservations.pick(session, ACT, "无", "出-2"),
    ):
        with pytest.raises(RefusedError, match="nothing_reserved"):
            again()
    assert reservations.release(session, ACT, "单-1", reason="晚了") == 0


def test_releasing_gives_back(session):
    reservations.reserve(session, ACT, "单-1", [LotHold(1, "W1", "L1", 70)])
    assert reservations.release(session, ACT, "单-1", reason="改派") == 1
    assert held(session) == (100, 0)


def test_misuse_is_said_plainly(session):
    with pytest.raises(InputError, match="no_lines"):
        ledger.issue(session, ACT, "出-1", [])
    with pytest.raises(InputError, match="no_number"):
        ledger.issue(session, ACT, " ", [LotLine("W1", "L1", 1)])
    with pytest.raises(NotFoundError, match="no_lot"):
        ledger.issue(session, ACT, "出-1", [LotLine("W1", "no_such_lot", 1)])
    with pytest.raises(NotFoundError, match="no_lot"):
        ledger.transfer(session, ACT, "调-1", [LotTransfer("W9", "W1", "L1", 1)])
    with pytest.raises(InputError, match="bad_quantity"):
        ledger.issue(session, ACT, "出-1", [LotLine("W1", "L1", 0)])
    drill = replace(ACT, exercise=True)
    with pytest.raises(RefusedError, match="exercise"):
        ledger.issue(session, drill, "出-1", [LotLine("W1", "L1", 1)])
    with pytest.raises(RefusedError, match="exercise"):
        reservations.reserve(session, drill, "单-1", [LotHold(1, "W1", "L1", 1)])


@pytest.mark.parametrize("table", ["voucher", "movement"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET fid = fid + 100", "DELETE FROM {}"])
def test_the_database_itself_refuses_to_edit(engine, table, statement):
    with store_session(engine) as session:
        ledger.receive(session, ACT, "入-1", [receipt("W1", "L1", 100)])
        session.commit()
    with pytest.raises(RefusedError) as refused, store_session(engine) as session:
        session.execute(sa.text(statement.format(table)))
    assert refused.value.key == "store.append_only"
    assert refused.value.facts["table"] == table


def test_replacing_or_truncating_is_editing_too(engine):
    with store_session(engine) as session:
        ledger.receive(session, ACT, "入-1", [receipt("W1", "L1", 100)])
        session.commit()
    statement = (
        "INSERT OR REPLACE INTO movement SELECT fid, voucher_fid, line_no, lot_fid, kind, 1, 1 FROM movement"
        if engine.dialect.name == "sqlite"
        else "TRUNCATE movement"
    )
    with pytest.raises(RefusedError, match="append_only"), store_session(engine) as session:
        session.execute(sa.text(statement))


def test_the_database_itself_keeps_balances_from_going_negative(engine):
    with store_session(engine) as session:
        ledger.receive(session, ACT, "入-1", [receipt("W1", "L1", 100)])
        session.commit()
    for damage in ("quantity_milli = -1", "reserved_milli = 100001", "reserved_milli = -1"):
        with pytest.raises(RefusedError, match="constraint"), store_session(engine) as session:
            session.execute(sa.text(f"UPDATE lot_balance SET {damage}"))


def test_eight_writers_lose_nothing(url):
    stock_up(url)
    done = run_writers(honest_writer, url, writers=8, operations=20)
    engine = make_engine(url)
    with read_session(engine) as session:
        assert {name: found.key for name, found in verify(session).items() if not found.is_ok} == {}
        assert min(row.balance for row in movement_rows(session)) >= 0
        acted = session.scalar(sa.select(sa.func.count(sa.distinct(AuditRow.row_key))).where(AuditRow.seq > 1))
        assert done > 80
        assert acted >= done
    engine.dispose()


def test_the_planted_careless_writer_is_caught(url):
    stock_up(url, 4000)
    assert run_writers(careless_writer, url, writers=4, operations=60) > 50
    engine = make_engine(url)
    with read_session(engine) as session:
        assert verify(session)["ledger"].key in {"store.verify.ledger_prefix", "store.verify.ledger_sum"}
        assert session.scalar(sa.select(sa.func.count()).select_from(Voucher)) > 50
    engine.dispose()
