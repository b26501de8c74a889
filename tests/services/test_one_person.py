"""One person stays one under every name: two people decide, and nobody is taken for another."""

import stat

import pytest

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.errors import InputError, RefusedError
from geo_minzheng.model.account import Person, SessionKind
from geo_minzheng.services import (
    accounts,
    checks,
    demo_people,
    dispatch,
    duty,
    inbox,
    keys,
    places,
    relief,
    reports,
    review,
    trail,
)
from geo_minzheng.services.demo import INCIDENT
from geo_minzheng.settings import read_settings

NOW = "2026-07-03T22:30"
NAMES = {post.login: post.name for post in demo_people.POSTS}


def desk_of(home, login=""):
    desk = open_bureau(read_settings({}, home=home, now=NOW))
    return desk.for_name(NAMES[login]) if login else desk


def person(home, login):
    with desk_of(home).reading() as session:
        return next(p for p in accounts.people(session) if p.login == login)


@pytest.fixture
def plan(demo_home):
    """A plan of the coordinator's with goods to send."""
    desk = desk_of(demo_home, "command")
    with desk.transaction(incident=INCIDENT) as (session, act):
        for order in dispatch.orders_of(session, INCIDENT):
            if order.state == "oral_order":
                dispatch.advance_order(session, act, order.order_id, "cancelled", note="重新测算")
        return relief.plan_relief(session, act, desk.policy(), desk.text, INCIDENT)["plan_id"]


def approve(home, login, plan, **told):
    desk = desk_of(home, login)
    with desk.transaction(incident=INCIDENT) as (session, act):
        asked = dispatch.Approving(plan, "oral", number="000-0002", **told)
        return dispatch.approve_plan(session, act, desk.policy(), desk.official_text, asked)


@pytest.mark.parametrize(
    ("leader", "witness", "error"),
    [
        ("command", "duty2", "store.own_plan"), ("应急指挥 乙", "duty2", "store.own_plan"),
        ("信息员子", "duty2", "relief.not_a_decider"), ("批准人丙", "张三丰", "relief.no_such_witness"),
        ("批准人丙", "", "store.oral_incomplete"), ("批准人丙", "ＤＵＴＹ", "store.oral_incomplete"),
        ("批准人丙", "approver", "store.oral_incomplete"), ("approver", "批准人 丙", "store.oral_incomplete"),
    ],
)  # fmt: skip
def test_by_phone_three_people_take_part_whatever_they_are_called(demo_home, plan, leader, witness, error):
    with pytest.raises((InputError, RefusedError)) as refused:
        approve(demo_home, "duty", plan, leader=leader, witness=witness)
    assert refused.value.key == error
    with desk_of(demo_home).reading() as session:
        assert dispatch.approval_of(session, plan) is None


def test_a_disabled_account_is_no_witness(demo_home, plan):
    desk = desk_of(demo_home)
    with desk.transaction() as (session, act):
        accounts.disable(session, act, "duty2", act.at)
    with pytest.raises(InputError, match="no_such_witness"):
        approve(demo_home, "duty", plan, leader="批准人丙", witness="值班员庚")


def test_who_is_named_by_phone_hears_of_it(demo_home, plan):
    done = approve(demo_home, "duty", plan, leader="leader", witness="ｄｕｔｙ２")
    assert done["approver"] == NAMES["leader"]
    kinds = {}
    for login in ("leader", "duty2", "command", "approver"):
        someone = person(demo_home, login)
        with desk_of(demo_home, login).reading() as session:
            role = desk_of(demo_home).policy().roles[someone.role]
            news = inbox.list_news(session, someone, role)
        kinds[login] = {one.kind for one in news if one.facts.get("version") == 3}
    assert kinds == {
        "leader": {"plan_in_my_name"}, "duty2": {"plan_witnessed"}, "command": {"plan_approved"}, "approver": set(),
    }  # fmt: skip


def test_a_leader_without_an_account_may_have_spoken(demo_home, plan):
    assert approve(demo_home, "duty", plan, leader="王县长", witness="值班员庚")["approver"] == "王县长"


def test_nobody_reviews_what_they_told_under_their_login(demo_home):
    writer, told_it = desk_of(demo_home, "disaster"), desk_of(demo_home, "reviewer")
    with told_it.reading() as session:
        village = sorted(places.names(session, "village", "code"))
        village = next(code for code in village if code.startswith(told_it.scope))
    told = reports.Submission(
        village, {"injured": 3}, "11111111-1111-4111-8111-111111111111",
        on_behalf={"channel": "电话", "caller": "ｒｅｖｉｅｗｅｒ", "recorder": "审核员丁"},
    )  # fmt: skip
    with writer.transaction(incident=INCIDENT) as (session, act):
        kept = reports.submit_report(session, act, writer.policy(), INCIDENT, told, photo_dir=demo_home / "photos")
    with (
        pytest.raises(RefusedError, match="own_report"),
        told_it.transaction(incident=INCIDENT) as (session, act),
    ):
        reports.review_report(session, act, told_it.policy(), INCIDENT, kept["uuid"], verdict="confirmed")


@pytest.mark.parametrize(
    ("name", "login"), [("新人", "值班员甲"), ("duty", "新人"), ("新人", "ＤＵＴＹ"), ("值班员 甲", "x")]
)
def test_a_login_is_nobody_elses_name(demo_home, name, login):
    desk = desk_of(demo_home, "admin")
    with pytest.raises(RefusedError, match="exists"), desk.transaction() as (session, act):
        accounts.add_person(session, act, desk.policy(), Person(login, name, "leader"))


def test_an_account_is_made_for_a_town_that_is_there_and_a_device_is_no_browser(demo_home):
    desk = desk_of(demo_home, "admin")
    with desk.transaction() as (session, act):
        with pytest.raises(InputError, match="unknown_scope"):
            accounts.add_person(session, act, desk.policy(), Person("t", "测试一", "township_reviewer", "420703999"))
        with pytest.raises(InputError, match="pair_kind"):
            accounts.pair(session, act, desk.policy(), "informant", SessionKind.BROWSER, "", act.at)
        town = person(demo_home, "reviewer").scope
        assert accounts.add_person(session, act, desk.policy(), Person("t", "测试一", "township_reviewer", town))


def ring_of(desk):
    return {path.name: path.read_bytes() for path in desk.settings.keys.iterdir()}


@pytest.mark.parametrize("login", ["admin", "informant", "receiver"])
def test_keys_and_accounts_are_for_who_manages_them_and_the_log_is_whole_to_all(demo_home, login):
    desk = desk_of(demo_home, login)
    ring = ring_of(desk)
    if login != "admin":
        for act_of in (
            keys.rotate_keys,
            keys.retire_keys,
            keys.describe_keys,
            accounts.require_manager,
        ):
            with pytest.raises(RefusedError, match="may_not"), desk.transaction() as (session, act):
                act_of(session, act)
    else:
        with desk.transaction() as (session, act):
            assert keys.rotate_keys(session, act)["rows"]
            assert all(row["cells"] or not row["is_current"] for row in keys.describe_keys(session, act)["keys"])
        return
    assert ring_of(desk) == ring
    with desk.whole().reading() as session:
        assert trail.verify(session)[1].is_ok
        assert set(checks.verify(session, desk.text).values()) == {"ok"}
    with desk.reading() as session:
        rows = review.town_figures(session, desk.policy(), INCIDENT)
        assert bool(rows[-1]["of"]) == bool(desk.scope), "a part of the district is named, the district is not"
        tons = duty.district_numbers(session, desk.act(), desk.policy())["movable_t"]
    if desk.place:
        assert tons is None


def test_a_new_district_is_for_one_accounts_eyes(tmp_path):
    desk = open_bureau(read_settings({}, home=tmp_path / "new"))
    with desk.founding():
        pass
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    desk.close()
