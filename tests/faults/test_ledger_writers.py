"""R3: eight writers at once, a thousand operations each, on both databases; the careless twin must be caught."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from postgis import postgis, server_url
from store_play import careless_writer, fresh_file, honest_writer, run_writers, stock_up

from geo_minzheng.store.session import make_engine, read_session
from geo_minzheng.store.stock import movement_rows
from geo_minzheng.store.tables import Reservation, Voucher
from geo_minzheng.store.verify import verify

__all__ = ["postgis", "server_url"]
WRITERS = 8
OPERATIONS = 10_000 if os.environ.get("GEO_MINZHENG_SOAK") else 1_000
PLENTY = 400_000  # in every lot, so that no operation has a reason to be refused


@pytest.fixture(params=["sqlite", pytest.param("postgis", marks=pytest.mark.postgis)])
def url(request, tmp_path):
    if request.param == "postgis":
        return request.getfixturevalue("server_url")
    return fresh_file(tmp_path / "template.gpkg", tmp_path / "district.gpkg")


def acknowledged_and_kept(url: str, *, stocked: int, operations: int) -> int:
    """Let the writers play; what was acknowledged, once the books are seen to be whole and to hold exactly that."""
    stock_up(url, stocked)
    done = run_writers(partial(honest_writer, stocked=stocked), url, writers=WRITERS, operations=operations)
    engine = make_engine(url)
    with read_session(engine) as session:
        assert {name: found for name, found in verify(session).items() if not found.is_ok} == {}
        assert min(row.balance for row in movement_rows(session)) >= 0
        booked = set(session.scalars(sa.select(Voucher.number)))
        promised = set(session.scalars(sa.select(Reservation.order_id)))
    engine.dispose()
    assert len({name for name in booked | promised if name.count("-") == 1 and name != "入-0"}) == done
    return done


def test_nothing_is_lost_where_there_is_plenty(url):
    assert acknowledged_and_kept(url, stocked=PLENTY, operations=OPERATIONS) == WRITERS * OPERATIONS


def test_nothing_goes_negative_where_stock_runs_out(url):
    assert 0 < acknowledged_and_kept(url, stocked=20, operations=OPERATIONS // 5) < WRITERS * OPERATIONS // 5


def test_the_careless_twin_is_caught(url):
    stock_up(url, PLENTY)
    run_writers(careless_writer, url, writers=4, operations=100)
    engine = make_engine(url)
    with read_session(engine) as session:
        assert not verify(session)["ledger"].is_ok
    engine.dispose()
