"""Reports arrive once under their UUID, versions only grow, and only confirmed ones count."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa
from store_play import ACT

from geo_minzheng.errors import NotFoundError, RefusedError
from geo_minzheng.store.records import add
from geo_minzheng.store.reports import (
    ReportPost,
    attach_photo,
    confirmed_reports,
    latest_reports,
    post_report,
    review_report,
    village_reports,
)  # fmt: skip
from geo_minzheng.store.session import read_session, store_session
from geo_minzheng.store.tables import AuditRow, Incident, Photo, ReportVersion
from geo_minzheng.store.verify import verify

REVIEWER = replace(ACT, who="审核员丁")


@pytest.fixture(autouse=True)
def incident(engine):
    with store_session(engine) as session:
        add(session, ACT, "x", Incident(incident_id="I-1", name="洪水", hazard="flood", occurred_at=ACT.at))
        session.commit()


def post(uuid="u-1", village="420704100201", **answers):
    return ReportPost(uuid, "I-1", village, answers or {"moved_persons": 12})


def send(engine, report):
    with store_session(engine) as session:
        version, is_new = post_report(session, ACT, report)
        session.commit()
        return version.version_no, is_new


def test_the_same_report_a_hundred_times_is_one(engine):
    with ThreadPoolExecutor(8) as team:
        said = list(team.map(lambda _: send(engine, post()), range(100)))
    assert {number for number, _ in said} == {1}
    assert sum(is_new for _, is_new in said) == 1
    with read_session(engine) as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(ReportVersion)) == 1
        assert session.scalar(sa.select(sa.func.count()).where(AuditRow.action == "report.post")) == 1
        assert all(found.is_ok for found in verify(session).values())


@pytest.mark.parametrize("other", [post(moved_persons=13), post(village="420704100202")])
def test_the_same_uuid_with_another_body_is_a_conflict_and_the_first_stays(engine, other):
    send(engine, post())
    with pytest.raises(RefusedError, match="report_conflict"):
        send(engine, other)
    with read_session(engine) as session:
        (kept,) = village_reports(session, "I-1")
        assert kept.version.document == {"moved_persons": 12}


def test_versions_grow_and_only_confirmed_ones_count(engine):
    send(engine, post("u-1"))
    send(engine, post("u-2", village="420704100202"))
    with store_session(engine) as session:
        assert [r.state for r in latest_reports(session, "I-1")] == ["submitted", "submitted"]
        assert confirmed_reports(session, "I-1") == []
        review_report(session, REVIEWER, "u-1", "confirmed")
        with pytest.raises(RefusedError, match="no_reason"):
            review_report(session, REVIEWER, "u-2", "returned", reason=" ")
        review_report(session, REVIEWER, "u-2", "returned", reason="户数与人数不符")
        session.commit()
    assert send(engine, post("u-3", moved_persons=20)) == (2, True)
    with store_session(engine) as session:
        assert [(r.version.uuid, r.state) for r in latest_reports(session, "I-1")] == [
            ("u-3", "submitted"), ("u-2", "returned"),
        ]  # fmt: skip
        assert [r.version.uuid for r in confirmed_reports(session, "I-1")] == ["u-1"]
        with pytest.raises(RefusedError, match="report_outdated"):
            review_report(session, REVIEWER, "u-1", "confirmed")
        review_report(session, REVIEWER, "u-3", "confirmed")
        with pytest.raises(RefusedError, match="duplicate"):
            review_report(session, REVIEWER, "u-3", "confirmed")
        assert [r.version.uuid for r in confirmed_reports(session, "I-1")] == ["u-3"]
        assert len(village_reports(session, "I-1")) == 3
        with pytest.raises(NotFoundError):
            review_report(session, REVIEWER, "no_such_uuid", "confirmed")
        with pytest.raises(NotFoundError):
            post_report(session, ACT, ReportPost("u-9", "I-9", "420704100201", {}))


def test_a_photo_arrives_once(engine):
    send(engine, post())

    def photo(sha="a"):
        return Photo(uuid="p-1", version_uuid="u-1", sha256=sha, bytes=10)

    with store_session(engine) as session:
        assert attach_photo(session, ACT, photo())[1]
        assert not attach_photo(session, ACT, photo())[1]
        with pytest.raises(RefusedError, match="photo_conflict"):
            attach_photo(session, ACT, photo("b"))
