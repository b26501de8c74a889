"""Scope in the store's own verbs: what it reads for a page, and what it answers to somebody who asks too far."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import scope_world
from sqlalchemy import Engine

from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.model.act import Act
from geo_minzheng.model.relief import OrderState
from geo_minzheng.model.scope import EVERYTHING, Scope
from geo_minzheng.store import (
    audit,
    district,
    frames,
    incidents,
    ledger,
    orders,
    plans,
    records,
    reports,
    stock,
    upsert,
)
from geo_minzheng.store.scope import whole
from geo_minzheng.store.session import read_session, store_session
from geo_minzheng.store.tables import LAYERS, Order, Report
from geo_minzheng.store.tables_layers import House, Household
from geo_minzheng.store.verify import verify

ACT = Act("张三", datetime(2026, 7, 2, tzinfo=UTC))
OWN = Scope(scope_world.VILLAGES["own"])
FOREIGN = ("sibling", "town", "foreign")


@pytest.fixture(scope="module")
def there(own_store: Engine):
    with store_session(own_store) as session:
        world = scope_world.build(session)
        session.commit()
    return own_store, world


@pytest.mark.parametrize("layer", sorted(LAYERS))
def test_a_layer_is_read_as_far_as_the_scope_goes(there, layer):
    engine, world = there
    for scope in (OWN, Scope(scope_world.TOWN), Scope(scope_world.DISTRICT, "warehouse", "W-own"), Scope("420704")):
        should = scope_world.expected(world, layer, scope)
        with read_session(engine, scope) as session:
            assert frames.count_rows(session, layer) == len(should)
            assert len(frames.read_layer(session, layer)) == len(should)


def test_every_reading_verb_shows_nothing_foreign(there):
    engine, _ = there
    bounds = (114.0, 29.0, 116.0, 31.0)
    with read_session(engine, OWN) as session:
        houses = frames.read_layer(session, "house", bounds=bounds)
        seen = [
            list(houses["house_id"]),
            list(frames.read_layer(session, "household", scope="4207")["household_id"]),
            list(frames.read_layer(session, "officer", codes=scope_world.VILLAGES.values())["officer_id"]),
            [r.village_code for r in reports.village_reports(session, "I1")],
            [r.village_code for r in reports.latest_reports(session, "I1")],
            [r.village_code for r in reports.confirmed_reports(session, "I1")],
            [o.order_id for o in records.find(session, Order)],
            [records.latest(session, Report).village_code],
        ]
        assert len(frames.divisions_on(session, date(2026, 7, 1))) == len(scope_world.VILLAGES)
        assert district.read_values(session)["code"] == scope_world.DISTRICT
        assert audit.chain_head(session)[0] >= 0
        assert list(incidents.closed_roads(session, "I1")) == ["x"]
    assert all(len(one) == 1 for one in seen), seen
    assert not any(owner in str(one) for one in seen for owner in FOREIGN)
    with read_session(engine, Scope(scope_world.DISTRICT, "warehouse", "W-own")) as session:
        assert {row.warehouse for row in stock.stock_rows(session)} == {"W-own"}
        assert {row.warehouse for row in stock.movement_rows(session)} == {"W-own"}


def test_a_foreign_key_is_answered_like_one_that_is_not_there(there):
    engine, _ = there
    told = []
    for key in ("OR-sibling", "OR-never"):
        with store_session(engine, OWN) as session, pytest.raises(NotFoundError) as caught:
            orders.advance(session, ACT, key, OrderState.APPROVED)
        told.append((caught.value.key, {**caught.value.facts, "key": ""}))
    assert told[0] == told[1]


def test_a_report_of_another_village_is_refused_as_not_found(there):
    engine, _ = there
    for name, expected in (("own", None), ("sibling", NotFoundError)):
        post = reports.ReportPost(f"new-{name}", "I1", scope_world.VILLAGES[name], {"a": 1})
        with store_session(engine, Scope(scope_world.VILLAGES["own"], sees=frozenset({"wide"}))) as session:
            if expected is None:
                assert reports.post_report(session, ACT, post)[1]
            else:
                with pytest.raises(expected):
                    reports.post_report(session, ACT, post)


def test_a_taken_key_does_not_betray_its_owner(there, specs):
    engine, _ = there
    with store_session(engine, OWN) as session, pytest.raises(NotFoundError):
        values = scope_world._filled(House.__table__) | {"house_id": "H-sibling", "village_code": OWN.prefix}
        records.add(session, ACT, "layer.change", House(**values))
    with read_session(engine) as session:
        rows = frames.read_layer(session, "house")
    stolen = rows[rows["house_id"] == "H-sibling"].assign(village_code=OWN.prefix)
    with store_session(engine, OWN) as session, pytest.raises(NotFoundError):
        upsert.write_layer(session, specs["house"], stolen, ACT)


def test_a_keeper_books_in_their_own_house_only(there):
    engine, _ = there
    keeper = Scope(scope_world.DISTRICT, "warehouse", "W-own", frozenset({"wide", "bureau"}))
    from store_play import receipt

    with store_session(engine, keeper) as session:
        ledger.receive(session, ACT, "入-自", [receipt("W-own", "L9", 5)])
    with store_session(engine, keeper) as session, pytest.raises(NotFoundError):
        ledger.receive(session, ACT, "入-他", [receipt("W-town", "L9", 5)])


def test_the_product_itself_sees_everything(there):
    engine, world = there
    with read_session(engine, EVERYTHING) as session:
        assert len(records.find(session, Household)) == len(world.rows["household"])
        assert verify(session)["integrity"].is_ok


@pytest.mark.parametrize("bad", [{"prefix": "4207%"}, {"prefix": "甲"}, {"place_kind": "warehouse"}, {"place": "W1"},
                                 {"place_kind": "shop", "place": "x"}, {"sees": frozenset({"secret"})}])  # fmt: skip
def test_a_scope_that_cannot_be_is_refused(bad):
    with pytest.raises(InputError):
        Scope(**bad)


def test_plans_of_the_district_are_not_a_villages(there):
    engine, _ = there
    with read_session(engine, OWN) as session:
        assert records.find(session, plans.Plan) == []


def test_the_limit_is_lifted_for_reckoning_and_falls_back(there):
    engine, world = there
    foreign = next(fid for fid, owner in world.rows["household"].items() if owner == "sibling")
    with read_session(engine, OWN) as session:
        with whole(session):
            assert len(records.find(session, Household)) == len(world.rows["household"])
            assert session.get(Household, foreign) is not None
        assert len(records.find(session, Household)) == 1
        assert session.get(Household, foreign) is None, "what was read in the whole is not at hand afterwards"
        with pytest.raises(LookupError), whole(session):
            raise LookupError
        assert len(records.find(session, Household)) == 1
