"""Every write leaves its audit row in the same transaction: the played days, watched; a write that bypasses is seen."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from desk import Desk, call
from write_watch import OWN, watching

from geo_minzheng.model.act import Act
from geo_minzheng.model.ledger import LotLine, LotReceipt, LotTransfer
from geo_minzheng.store import ledger, records, tables
from geo_minzheng.store.session import make_engine, read_session, store_session
from geo_minzheng.store.tables_trace import AuditRow, Decision


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    out = tmp_path_factory.mktemp("days")
    with watching() as watch:
        said = call(["demo", "--out", str(out), "--json"])
        assert said.code == 0, said
        desk = Desk(out / "home", now="2026-07-03T22:30:00+08:00")
        play_the_rest(desk, out)
    return out / "home" / "district.gpkg", watch


def play_the_rest(desk, out):
    """Write what the days leave out: a request, a photo, a paper, a reason, and the ledger's rarer vouchers."""
    (incident,) = (i["incident_id"] for i in desk.do("incident", "list"))
    plan = desk.do("relief", "show", "--incident", incident)
    scan = out / "scan.pdf"
    scan.write_bytes(b"%PDF-1.4\n%%EOF\n")
    desk.do("relief", "paper", plan["plan_id"], scan)
    case = desk.do("housing", "review")[0]["first"]
    desk.named("危改审核辰").do("housing", "review", "--case", case, "--reason", "现场复核")
    engine = make_engine(f"sqlite:///{desk.home / 'district.gpkg'}")
    with store_session(engine) as session:
        act = Act("保管员己", datetime.fromisoformat(desk.now), "keeper", incident)
        lot = session.scalars(sa.select(tables.LAYERS["stock_lot"])).first()
        other = session.scalars(
            sa.select(tables.LAYERS["warehouse"].warehouse_id).where(
                tables.LAYERS["warehouse"].warehouse_id != lot.warehouse_id
            )
        ).first()
        site = session.scalars(sa.select(tables.LAYERS["site"].site_id)).first()
        given = {"item": lot.item, "unit": lot.unit, "received_on": act.at.date()}
        ledger.receive(session, act, "T-1", [LotReceipt(lot.warehouse_id, "T-L", quantity=9, **given)])
        ledger.issue(session, act, "T-2", [LotLine(lot.warehouse_id, "T-L", 1)])
        ledger.transfer(session, act, "T-3", [LotTransfer(lot.warehouse_id, other, "T-L", 1)])
        ledger.take_stock(session, act, "T-4", [LotLine(lot.warehouse_id, "T-L", 3)], reason="盘点")
        ledger.reverse(session, act, "T-5", "T-2", reason="错单")
        records.add(
            session,
            act,
            "relief.request",
            tables.ReliefRequest(
                request_id="T-R", incident=incident, receiver=site, item=lot.item, quantity_milli=1000, unit=lot.unit
            ),
        )
        records.add(session, act, "report.photo", tables.Photo(uuid="T-P", version_uuid=None, sha256="0" * 64, bytes=1))
        records.add(
            session,
            act,
            "decision.make",
            Decision(decision_id="T-D", subject="level", subject_key="1", proposed="III", decided="II", reason="夜间"),
        )
        session.commit()
    engine.dispose()


def test_every_table_was_written_and_every_write_has_its_audit_row(days):
    _, watch = days
    assert watch.transactions >= 7 and sum(watch.statements.values()) >= 600
    assert set(tables.METADATA.tables) - OWN - set(watch.statements) == set(), "a table no play writes proves nothing"
    assert watch.silent == []


def test_every_audit_row_says_who_in_which_place_and_what_it_became(days):
    file, _ = days
    engine = make_engine(f"sqlite:///{file}")
    with read_session(engine) as session:
        rows = list(session.scalars(sa.select(AuditRow)))
        lots = {w for (w,) in session.execute(sa.select(tables.LAYERS["stock_lot"].warehouse_id))}
    engine.dispose()
    assert len(rows) >= 330
    assert all(row.who and (row.after or row.before) and row.action for row in rows)
    assert all(json.loads(row.after) != json.loads(row.before) for row in rows if row.after and row.before)
    placed = {
        "voucher", "reservation", "stock_lot", "dispatch_order", "order_line", "order_event", "report_version",
        "report_review", "review_reason", "relief_request",
    }  # fmt: skip
    bare = {row.table_name for row in rows if row.table_name in placed and row.row_key and not row.place}
    assert bare == set()
    assert {p for row in rows if row.table_name == "voucher" for p in row.place.split("/")} <= lots


@pytest.mark.parametrize("bypass", [
    "UPDATE village SET elderly_60 = elderly_60 + 1", "DELETE FROM officer WHERE fid = 1",
    "INSERT INTO setting (key, value, who, role, at) VALUES ('x', '1', 'x', '', '2026-01-01T00:00:00.000Z')",
])  # fmt: skip
def test_a_planted_write_that_bypasses_the_audit_is_seen(days, tmp_path, bypass):
    file, _ = days
    engine = make_engine(f"sqlite:///{shutil.copy(file, tmp_path / 'district.gpkg')}")
    with watching() as watch:
        with store_session(engine) as session:
            session.execute(sa.text(bypass))
            session.commit()
        with store_session(engine) as session:
            session.execute(sa.text(bypass.replace("'x'", "'y'")))
    engine.dispose()
    assert [table for table, _ in watch.silent] == [bypass.split()[1 if bypass.startswith("UPDATE") else 2]]
