"""What waits for whom: each kind of task comes to the roles whose act it is, within what they see, and to no other."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from geo_minzheng.bootstrap import open_bureau, text_of
from geo_minzheng.errors import NotFoundError
from geo_minzheng.model.account import Person, is_allowed
from geo_minzheng.model.relief import OrderState
from geo_minzheng.policy.schema import TASKS
from geo_minzheng.services import (
    accounts,
    demo_people,
    dispatch,
    housing,
    inbox,
    incidents,
    places,
    relief,
    reports,
    review,
    tasks,
    trail,
    welfare,
)
from geo_minzheng.services.demo import INCIDENT
from geo_minzheng.settings import read_settings
from geo_minzheng.store import orders as order_store
from geo_minzheng.store import seen

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
    assert told["dispatch"] == {"orders_waiting", "orders_to_ship", "near_expiry"}
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
        silent = set(reports.silent_villages(session, INCIDENT, review.assessed(session, INCIDENT)))
    lots = count(night, "dispatch", "near_expiry")
    town = office(night, "reviewer").scope
    mine = sum(village.startswith(town) for village in silent)
    assert 0 < mine < len(silent)
    assert count(night, "reviewer", "silent") == mine
    assert count(night, "duty", "silent") == len(silent)
    assert 0 < count(night, "keeper", "near_expiry") < lots
    assert 0 < count(night, "manager", "defects_overdue") < count(night, "inspector", "defects_overdue")
    assert 0 < count(night, "panel", "reasons_missing") < count(night, "housing", "reasons_missing")


def elsewhere(home: Path, login: str, **values: str) -> None:
    """Move somebody to another village, store or home."""
    desk = office(home)
    with desk.transaction() as (session, act):
        accounts.change_person(session, act, desk.policy(), NAMES[login], values)


def test_another_store_another_village_and_another_home_are_not_theirs(home):
    with office(home).reading() as session:
        village = next(code for code in places.names(session, "village", "code") if code.startswith("420703101"))
    elsewhere(home, "informant", scope=village)
    elsewhere(home, "keeper", place="CK02")
    elsewhere(home, "manager", place="FL03")
    assert "returned" not in kinds(home, "informant")
    assert "orders_to_ship" not in kinds(home, "keeper")
    with office(home).reading() as session:
        defects = welfare.open_defects(session, office(home).act())
    late = [d for d in defects if d["overdue_days"] and d["home"] == "FL03"]
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


def test_a_plan_comes_to_whom_may_approve_it_but_not_to_who_made_it_and_its_maker_hears_of_it(home):
    maker, approver = office(home, "command"), office(home, "approver")
    with maker.transaction(incident=INCIDENT, exercise=_is_drill(home)) as (session, act):
        relief.plan_relief(session, act, maker.policy(), maker.text, INCIDENT, wish=relief.PlanWish(reason="路通了"))
    assert holders(home, "plan_waiting") == {"duty", "duty2", "approver"}
    with approver.reading() as session:
        plan = relief.latest_plan(session, INCIDENT)
    with approver.transaction() as (session, act):
        dispatch.reject_plan(session, act, plan.plan_id, reason="先等水位")
    assert holders(home, "plan_waiting") == set()
    newest = news(home, "command")[0]
    assert (newest.kind, newest.facts["reason"], newest.is_new) == ("plan_rejected", "先等水位", True)
    assert "plan_rejected" not in {one.kind for one in news(home, "duty")}


def test_the_approver_can_do_what_they_are_told_of(home):
    maker, approver = office(home, "command"), office(home, "approver")
    with maker.transaction(incident=INCIDENT, exercise=_is_drill(home)) as (session, act):
        for order in dispatch.orders_of(session, INCIDENT):
            if order.state is OrderState.ORAL_ORDER:
                dispatch.advance_order(session, act, order.order_id, "cancelled", note="重排")
        relief.plan_relief(session, act, maker.policy(), maker.text, INCIDENT, wish=relief.PlanWish(reason="再排一次"))
    with approver.transaction() as (session, act):
        plan = relief.latest_plan(session, INCIDENT)
        told = dispatch.Approving(plan.plan_id)
        made = dispatch.approve_plan(session, act, approver.policy(), approver.official_text, told)
    assert made["orders"]
    assert "plan_waiting" not in kinds(home, "approver")


def _is_drill(home: Path) -> bool:
    with office(home).reading() as session:
        return next(i for i in incidents.list_incidents(session) if i.incident_id == INCIDENT).exercise


def test_papers_turn_from_due_to_overdue_on_their_clock(night):
    later = (office(night).now() + timedelta(hours=49)).isoformat()
    assert "papers_due" in kinds(night, "approver")
    assert "papers_overdue" in kinds(night, "approver", now=later)
    assert {"papers_due", "papers_overdue"}.isdisjoint(kinds(night, "disaster", now=later))
    (late,) = [w for w in waiting(night, "reviewer", now=later) if w.kind == "reports_waiting"]
    assert late.facts["overdue"] == late.facts["count"]


def test_a_new_year_wants_its_programme_of_who_makes_it(night):
    new_year = "2027-01-04T09:00:00+08:00"
    told = {login for login in NAMES if "no_programme" in kinds(night, login, now=new_year)}
    assert told == {"housing", "planner"}
    assert "no_programme" not in kinds(night, "housing")


def test_who_made_the_programme_does_not_answer_for_it(night):
    with office(night).reading() as session:
        assert housing.made_by(session) == NAMES["planner"]
    assert "reasons_missing" in kinds(night, "housing")
    assert "reasons_missing" not in kinds(night, "planner")


def test_an_account_that_waits_and_health_come_to_the_administrator_only(home):
    desk = office(home)
    with desk.transaction() as (session, act):
        accounts.add_person(session, act, desk.policy(), Person("new", "新人", "inspector"))
    assert holders(home, "first_sign_in") == {"admin"}
    assert holders(home, "health_bad") == {"admin"}
    with desk.transaction() as (session, act):
        accounts.disable(session, act, "new", desk.now())
    assert "first_sign_in" not in kinds(home, "admin")


def test_the_chain_comes_to_the_auditor_until_it_is_verified_and_again_after_the_days_of_the_policy(home):
    desk = office(home, "auditor")
    assert holders(home, "chain_due") == {"auditor"}
    person = people_of(home)["auditor"]

    def verified(*, is_whole: bool) -> None:
        with desk.transaction() as (session, act):
            inbox.mark_verified(session, person, act.at, is_whole=is_whole)

    with desk.reading() as session:
        rows = trail.head(session).count
    verified(is_whole=True)
    assert kinds(home, "auditor") == []
    later = desk.now() + timedelta(days=desk.policy().number("audit.verify_days"), minutes=1)
    assert kinds(home, "auditor", now=later.isoformat()) == ["chain_due"]
    verified(is_whole=False)
    assert kinds(home, "auditor") == ["chain_broken"]
    with desk.reading() as session:
        assert trail.head(session).count == rows, "a mark of one's own is no act on the district"


def test_the_level_is_asked_for_when_the_advice_has_moved_and_not_where_it_was_answered(home, monkeypatch):
    assert "level_differs" not in kinds(home, "command")
    real = tasks.response.advise_level

    def moved(session, policy, incident):
        advice, figures = real(session, policy, incident)
        return replace(advice, level="III"), figures

    monkeypatch.setattr(tasks.response, "advise_level", moved)
    assert holders(home, "level_differs") == {"duty", "duty2", "command", "disaster", "approver"}


def people_of(home: Path) -> dict[str, Person]:
    with office(home).reading() as session:
        return {person.login: person for person in accounts.people(session)}


def news(home: Path, login: str):
    desk, person = office(home), people_of(home)[login]
    with desk.reading() as session:
        return inbox.list_news(session, person, desk.policy().roles[person.role])


def test_the_inbox_holds_what_others_did_that_concerns_me(night):
    told = {login: {one.kind for one in news(night, login)} for login in NAMES}
    assert told.pop("informant") == {"report_returned"}
    assert told.pop("command") == {"plan_approved"}
    assert told.pop("keeper") == {"order"}
    assert (told.pop("approver"), told.pop("duty2")) == ({"plan_in_my_name"}, {"plan_witnessed"})
    assert set.union(*told.values()) == set(), told
    (returned,) = news(night, "informant")
    assert returned.facts["village"] == office(night, "informant").scope
    assert returned.facts["reason"]
    assert sum(one.facts["count"] for one in news(night, "keeper")) > len(news(night, "keeper")), "one act, one line"


def test_what_was_read_is_not_new_and_what_comes_after_is(home):
    desk, person = office(home), people_of(home)["keeper"]
    assert inbox.count_new(news(home, "keeper")) == len(news(home, "keeper")) > 0
    with desk.reading() as session:
        mark = inbox.mark_of(session, person)
    with desk.transaction() as (session, act):
        inbox.mark_read(session, person, act.at)
    with desk.reading() as session:
        assert inbox.mark_of(session, person) != mark
        assert inbox.changes_since(session, person) == []
        assert inbox.changes_since(session, people_of(home)["leader"]), "each account has its own mark"
    assert inbox.count_new(news(home, "keeper")) == 0
    elsewhere(home, "keeper", place="CK02")
    fresh = [one for one in news(home, "keeper") if one.is_new and one.kind == "account"]
    assert [one.facts["action"] for one in fresh] == ["user.change"]


def test_who_only_reads_is_told_what_changed_and_nothing_of_accounts(night):
    desk = office(night)
    for login in ("leader", "consulting"):
        assert not tasks.rules_for(office(night, login).act(), desk.policy())
    with desk.reading() as session:
        found = inbox.changes_since(session, people_of(night)["leader"])
    actions = [action for action, _, _ in found]
    assert {"incident.declare", "relief.approve", "report.post"} <= set(actions) <= set(inbox.ACTS)
    assert all(number > 0 for _, number, _ in found)


def test_news_before_an_account_was_made_is_none(home):
    desk = office(home).at(office(home).now() + timedelta(hours=1))
    with desk.transaction() as (session, act):
        accounts.add_person(session, act, desk.policy(), Person("late", "后来", "warehouse_keeper", place="CK01"))
    assert news(home, "late") == []


def test_a_mark_of_somebody_without_an_account_is_refused(home):
    desk = office(home)
    with pytest.raises(NotFoundError, match=r"account\.unknown"), desk.transaction() as (session, act):
        seen.mark_seen(session, "nobody", seq=1, read_at=act.at)


def test_every_kind_the_policy_may_name_can_be_found_and_has_its_sentence(night):
    assert set(office(night).policy().tasks) == set(TASKS)
    found = {kind for kinds_of, _ in (*tasks._FINDERS, *tasks._IN_INCIDENT) for kind in kinds_of}
    assert found == set(TASKS)
    for language in ("zh", "en"):
        assert [kind for kind in TASKS if not text_of(language).has(f"pages.overview.todo.{kind}")] == []


def test_counts_by_page_are_the_sum_of_what_waits_there(night):
    counts = tasks.count_by_page(waiting(night, "command"), office(night).policy())
    assert set(counts) == {"relief", "report", "review"}
    assert counts["report"] == count(night, "command", "silent") + count(night, "command", "returned")
