"""What waits for whom: each kind of task comes to the roles whose act it is, within what they see, and to no other."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.model.account import is_allowed
from geo_minzheng.model.relief import OrderState
from geo_minzheng.services import (
    accounts,
    demo_people,
    dispatch,
    reports,
    tasks,
)
from geo_minzheng.services.demo import INCIDENT
from geo_minzheng.settings import read_settings
from geo_minzheng.store import orders as order_store

NAMES = {post.login: post.name for post in demo_people.POSTS}


@pytest.fixture
def home(demo_out: Path, tmp_path: Path) -> Path:
    """The demo's home with its people, to be changed."""
    return Path(shutil.copytree(demo_out / "home", tmp_path / "home"))


@pytest.fixture(scope="module")
def night(demo_out: Path) -> Path:
    """The demo's home with its people; read only."""
    return demo_out / "home"


def office(home: Path, login: str = "", **more: str):
    desk = open_bureau(read_settings({}, home=home, **more))
    if not login:
        return desk
    with desk.reading() as session:
        (person,) = [p for p in accounts.people(session) if p.login == login]
    return desk.for_person(person)


def waiting(home: Path, login: str, *, most: int = 99, **more: str):
    desk = office(home, login, **more)
    with desk.reading() as session:
        return tasks.list_waiting(
            session, desk.act(), desk.policy(), place=desk.place, settings=desk.settings, most=most
        )


def kinds(home: Path, login: str, **more: str) -> list[str]:
    return [one.kind for one in waiting(home, login, **more)]


def count(home: Path, login: str, kind: str) -> int:
    found = [one.facts["count"] for one in waiting(home, login) if one.kind == kind]
    return sum(found)


def holders(home: Path, kind: str) -> set[str]:
    """Who is told of a kind of task, of the demo's people."""
    return {login for login in NAMES if kind in kinds(home, login)}


def test_the_night_of_the_demo_comes_to_those_whose_act_it_is(night):
    told = {login: set(kinds(night, login)) for login in NAMES}
    everywhere = {"orders_waiting", "orders_to_ship", "returned", "reports_waiting", "silent", "papers_due"}
    assert told["duty"] == told["duty2"] == told["command"] == everywhere
    assert told["disaster"] == told["reviewer"] == {"returned", "reports_waiting", "silent"}
    assert told["informant"] == {"returned"}
    assert told["approver"] == {"papers_due"}
    assert told["dispatch"] == {"orders_waiting", "orders_to_ship", "papers_due", "near_expiry"}
    assert told["keeper"] == {"orders_to_ship", "near_expiry"}
    assert told["receiver"] == told["leader"] == told["consulting"] == set()
    assert told["housing"] == told["panel"] == {"reasons_missing"}
    assert told["planner"] == told["manager"] == told["inspector"] == {"defects_overdue"}
    assert told["auditor"] == {"chain_due"}
    assert told["admin"] == {"health_bad"}


def test_whoever_is_told_of_a_task_has_its_page_and_may_do_its_act_or_is_named_for_it(night):
    policy = office(night).policy()
    for login in NAMES:
        role = policy.roles[office(night, login).role]
        for one in waiting(night, login):
            rule = policy.tasks[one.kind]
            assert rule.page in role.pages, (login, one)
            assert (
                is_allowed(role.may, rule.act, rule.table)
                if rule.act and role.role not in rule.roles
                else (role.role in rule.roles)
            ), (login, one)


def test_worst_first_and_seven_at_most(night):
    policy = office(night).policy()
    for login in NAMES:
        found = waiting(night, login)
        orders = [policy.tasks[one.kind].order for one in found]
        assert orders == sorted(orders)
        assert waiting(night, login, most=2) == found[:2]
    assert tasks.MOST == 7
    with office(night).reading() as session:
        desk = office(night)
        assert len(tasks.list_waiting(session, desk.act(), desk.policy(), settings=desk.settings)) == 7
        everything = tasks.list_waiting(session, desk.act(), desk.policy(), settings=desk.settings, most=99)
    assert len(everything) > 7, "the limit must have been at work"


def test_scope_is_kept_village_town_store_and_home(night):
    desk = office(night)
    with desk.reading() as session:
        silent = set(reports.silent_villages(session, INCIDENT, _assessed(session)))
        lots = [w for w in waiting(night, "dispatch") if w.kind == "near_expiry"][0].facts["count"]
    town = office(night, "reviewer").scope
    mine = sum(village.startswith(town) for village in silent)
    assert 0 < mine < len(silent)
    assert count(night, "reviewer", "silent") == mine
    assert count(night, "duty", "silent") == len(silent)
    assert 0 < count(night, "keeper", "near_expiry") < lots
    assert 0 < count(night, "manager", "defects_overdue") < count(night, "inspector", "defects_overdue")
    assert 0 < count(night, "panel", "reasons_missing") < count(night, "housing", "reasons_missing")


def _assessed(session):
    from geo_minzheng.services import review

    return review.assessed(session, INCIDENT)


def elsewhere(home: Path, login: str, **values: str) -> None:
    """Move somebody to another village, store or home."""
    desk = office(home)
    with desk.transaction() as (session, act):
        accounts.change_person(session, act, desk.policy(), NAMES[login], values)


def test_another_store_another_village_and_another_home_are_not_theirs(home):
    elsewhere(home, "informant", scope="420703101202")
    elsewhere(home, "keeper", place="CK02")
    elsewhere(home, "manager", place="FL03")
    assert "returned" not in kinds(home, "informant")
    assert "orders_to_ship" not in kinds(home, "keeper")
    with office(home).reading() as session:
        from geo_minzheng.services import welfare

        late = [
            d for d in welfare.open_defects(session, office(home).act()) if d["overdue_days"] and d["home"] == "FL03"
        ]
    assert ("defects_overdue" in kinds(home, "manager")) is bool(late)


def to_state(home: Path, order: str, *states: str) -> None:
    desk = office(home)
    for state in states:
        with desk.transaction() as (session, act):
            dispatch.advance_order(session, act, order, state, voucher="CK-T" if state == "picking" else "")


def test_an_order_walks_from_desk_to_desk(home):
    with office(home).reading() as session:
        order = next(
            o for o in dispatch.orders_of(session, INCIDENT)
            if o.warehouse == "CK01" and o.receiver == office(home, "receiver").place
        )  # fmt: skip
    assert order.state is OrderState.ORAL_ORDER
    before = count(home, "duty", "orders_waiting")
    to_state(home, order.order_id, "issued")
    assert count(home, "duty", "orders_waiting") == before - 1
    assert count(home, "keeper", "orders_to_pick") == 1
    assert "orders_to_receive" not in kinds(home, "receiver")
    to_state(home, order.order_id, "picking", "in_transit")
    assert "orders_to_pick" not in kinds(home, "keeper")
    assert count(home, "receiver", "orders_to_receive") == 1
    to_state(home, order.order_id, "arrived", "received")
    assert count(home, "receiver", "orders_to_hand_out") == 1
    to_state(home, order.order_id, "distributed")
    assert kinds(home, "receiver") == []
    assert holders(home, "orders_to_hand_out") == set()


@pytest.mark.parametrize(
    ("login", "states"), [("keeper", ("picking", "in_transit")), ("receiver", ("arrived", "received", "distributed"))]
)
def test_the_one_who_is_told_can_do_it(home, login, states):
    with office(home).reading() as session:
        order = next(
            o for o in dispatch.orders_of(session, INCIDENT)
            if o.warehouse == "CK01" and o.receiver == office(home, "receiver").place
        )  # fmt: skip
    to_state(home, order.order_id, *(("issued",) if login == "keeper" else ("issued", "picking", "in_transit")))
    desk = office(home, login)
    for state in states:
        with desk.transaction() as (session, act):
            dispatch.advance_order(session, act, order.order_id, state)
    with desk.reading() as session:
        assert order_store.read_order(session, order.order_id).state.value == states[-1]
