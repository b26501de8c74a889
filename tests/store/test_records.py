"""Rows of a use case: each write on record, keys once, histories only growing; footprints and closures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa
from store_play import ACT

from geo_minzheng.errors import NotFoundError, RefusedError
from geo_minzheng.store.district import read_values, write_values
from geo_minzheng.store.incidents import closed_roads, read_footprint, write_footprint
from geo_minzheng.store.records import add, change, find, latest, one
from geo_minzheng.store.session import store_session
from geo_minzheng.store.tables import (
    Assessment,
    AuditRow,
    Closure,
    Decision,
    Incident,
    LevelDecision,
    ProgrammeRun,
    ReliefRequest,
    SitingRun,
)  # fmt: skip
from geo_minzheng.store.verify import verify

FLOOD = replace(ACT, incident="I-1")


@pytest.fixture
def session(shared):
    with store_session(shared) as session:
        declare(session)
        yield session
        assert {name: found for name, found in verify(session).items() if not found.is_ok} == {}


def declare(session, incident_id="I-1"):
    return add(
        session, ACT, "incident.declare",
        Incident(incident_id=incident_id, name="梁子湖洪水", hazard="flood", occurred_at=ACT.at),
    )  # fmt: skip


def test_adding_is_on_record_with_who_and_when(session):
    row = one(session, Incident, incident_id="I-1")
    assert (row.who, row.role, row.at, row.state, row.exercise) == (ACT.who, ACT.role, ACT.at, "open", False)
    entry = session.scalars(sa.select(AuditRow).where(AuditRow.action == "incident.declare")).one()
    assert (entry.table_name, entry.row_key, entry.before, entry.place) == ("incident", "I-1", None, "420704")
    assert '"name":"梁子湖洪水"' in entry.after


def test_a_key_is_taken_once_and_the_session_goes_on(session):
    with pytest.raises(RefusedError) as refused:
        declare(session)
    assert refused.value.key == "store.duplicate"
    assert refused.value.facts == {"table": "incident", "key": "I-1"}
    declare(session, "I-2")
    assert [row.incident_id for row in find(session, Incident)] == ["I-1", "I-2"]


def test_changing_records_what_changed_only(session):
    row = one(session, Incident, incident_id="I-1")
    change(session, ACT, "incident.close", row, state="closed", closed_at=ACT.at, name=row.name)
    entry = session.scalars(sa.select(AuditRow).where(AuditRow.action == "incident.close")).one()
    assert entry.before == '{"closed_at":null,"state":"open"}'
    assert entry.after == '{"closed_at":"2026-07-15T02:30:00.000Z","state":"closed"}'
    change(session, ACT, "incident.close", row, state="closed")
    assert len(session.scalars(sa.select(AuditRow).where(AuditRow.action == "incident.close")).all()) == 1
    with pytest.raises(RefusedError, match="constraint"), session.begin_nested():
        change(session, ACT, "incident.close", row, state="no_such_state")


def test_looking_up(session):
    assert latest(session, Incident, incident_id="I-9") is None
    with pytest.raises(NotFoundError) as missing:
        one(session, Incident, incident_id="I-9")
    assert missing.value.facts == {"table": "incident", "key": "I-9"}


def test_a_row_needs_its_incident(session):
    with pytest.raises(RefusedError, match="constraint"):
        add(session, ACT, "x", Closure(incident="I-9", road_id="R1", state="closed"))


def test_the_last_word_on_a_road_counts(session):
    for road, state in (("R1", "closed"), ("R2", "closed"), ("R1", "open"), ("R3", "open"), ("R2", "closed")):
        add(
            session, FLOOD, "incident.road", Closure(incident="I-1", road_id=road, state=state, reason=f"{road}{state}")
        )
    closed = closed_roads(session, "I-1")
    assert list(closed) == ["R2"]
    assert closed["R2"].who == ACT.who
    assert closed_roads(session, "I-2") == {}


def test_footprints_follow_each_other(session):
    with pytest.raises(NotFoundError, match="no_footprint"):
        read_footprint(session, "I-1")
    first = gpd.GeoDataFrame(
        {"depth_m": [0.5, None], "source_crs": "EPSG:4547"}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    )
    assert write_footprint(session, FLOOD, "F-1", first, source="imported") == 2
    second = gpd.GeoDataFrame(geometry=[shapely.box(5, 5, 6, 6)])
    assert write_footprint(session, FLOOD, "F-2", second, source="drawn") == 1
    with pytest.raises(RefusedError, match="duplicate"):
        write_footprint(session, FLOOD, "F-2", second, source="drawn")
    now = read_footprint(session, "I-1")
    assert now.footprint_id.tolist() == ["F-2"]
    assert now.crs.to_epsg() == 4490
    before = read_footprint(session, "I-1", "F-1")
    assert before.depth_m.tolist()[0] == 0.5
    assert before.depth_m.isna().tolist() == [False, True]
    assert before.source_crs.tolist() == ["EPSG:4547"] * 2
    assert shapely.area(before.geometry.to_numpy()).sum() == 2


def test_results_are_kept_as_documents_and_never_change(session):
    frozen = {"input_hash": "a", "result_hash": "b", "policy_version": "v1", "document": {"人": [1, 2.5, None]}}
    rows = [
        Assessment(assessment_id="A-1", incident="I-1", kind="impact", **frozen),
        ProgrammeRun(run_id="P-1", year=2026, seed=7, **frozen),
        SitingRun(run_id="S-1", kind="p_median", **frozen),
    ]
    for row in rows:
        add(session, FLOOD, "x", row)
        session.expire(row)
        assert row.document == {"人": [1, 2.5, None]}
        with pytest.raises((RefusedError, sa.exc.DBAPIError), match="append"), session.begin_nested():
            change(session, ACT, "x", row, result_hash="c")
        session.expire(row)


def test_a_decision_needs_a_reason(session):
    with pytest.raises(RefusedError, match="constraint"):
        add(session, ACT, "x", Decision(decision_id="D-1", subject="plan", subject_key="1", reason=" "))
    made = {"subject": "plan", "subject_key": "1", "proposed": {"a": 1}, "decided": [2]}
    add(session, ACT, "x", Decision(decision_id="D-1", reason="会商决定", **made))
    level = {"incident": "I-1", "action": "activate"}
    with pytest.raises(RefusedError, match="constraint"):
        add(session, ACT, "x", LevelDecision(decision_id="L-1", advised="IV", decided="III", **level))
    add(session, ACT, "x", LevelDecision(decision_id="L-1", advised="IV", decided="IV", conditions=[{"x": 1}], **level))
    add(session, ACT, "x", LevelDecision(decision_id="L-2", advised="IV", decided="III", reason="水势上涨", **level))
    request = {"request_id": "Q-1", "incident": "I-1", "receiver": "S1", "item": "rice", "unit": "千克"}
    add(session, FLOOD, "x", ReliefRequest(**request, line_no=1, quantity_milli=1500))
    with pytest.raises(RefusedError, match="duplicate"):
        add(session, FLOOD, "x", ReliefRequest(**request, line_no=1, quantity_milli=1500))


def test_the_districts_values(session):
    write_values(session, ACT, {"code": "420704", "is_demo": True, "metres": 4547, "profile": {"a": None}})
    assert read_values(session) == {"code": "420704", "is_demo": True, "metres": 4547, "profile": {"a": None}}
    count = sa.select(sa.func.count()).select_from(AuditRow)
    before = session.scalar(count)
    later = replace(ACT, at=datetime(2027, 1, 1, tzinfo=UTC))
    write_values(session, later, {"code": "420704"})
    assert session.scalar(count) == before
    write_values(session, later, {"code": "420703"})
    assert session.scalar(count) == before + 1
    assert read_values(session)["code"] == "420703"
