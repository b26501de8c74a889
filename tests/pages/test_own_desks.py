"""Keeper, receiver, review panel and township: each sees and does their own part of the district's work."""

from dataclasses import replace
from pathlib import Path

import pytest
from door import sit
from streamlit.testing.v1 import AppTest

from geo_minzheng.bootstrap import open_bureau, text_of
from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.model.account import Person
from geo_minzheng.services import (
    accounts,
    demo_people,
    dispatch,
    duty,
    housing,
    impact,
    maps,
    needs,
    papers,
    places,
    relief,
    reports,
    response,
    welfare,
)
from geo_minzheng.services.demo import INCIDENT
from geo_minzheng.settings import read_settings

PAGES = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "pages"
NOW = "2026-07-03T22:30"
ZH = text_of("zh")
NAMES = {post.login: post.name for post in demo_people.POSTS}


@pytest.fixture
def home(demo_home, monkeypatch):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(demo_home))
    monkeypatch.setenv("GEO_MINZHENG_NOW", NOW)
    return demo_home


def desk_of(home, login):
    desk = open_bureau(read_settings({}, home=home, now=NOW))
    with desk.reading() as session:
        person = next(p for p in accounts.people(session) if p.login == login)
    return desk.for_person(person)


def _town_name(desk):
    with desk.reading() as session:
        return places.names(session, "division", "code")[desk.scope]


def look(home, page, login, **query):
    sit(home, NAMES[login])
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    app.query_params.update(query)
    app.run()
    assert not app.exception, app.exception
    assert not [e.value for e in app.error]
    return app


def steps(app):
    return {b.key.removeprefix("step_") for b in app.button if (b.key or "").startswith("step_")}


def press(app, key):
    next(b for b in app.button if b.key == key).click()
    app.run()
    assert not app.exception, app.exception
    assert not [e.value for e in app.error]


def order_numbers(app):
    column = ZH("pages.relief.col.order")
    return [n for frame in app.dataframe if column in frame.value for n in frame.value[column]]


def orders_at(home, login):
    desk = desk_of(home, login)
    with desk.reading() as session:
        return dispatch.orders_of(session, INCIDENT)


def test_goods_go_from_the_keepers_own_page_to_the_receivers(home):
    """The last steps of every order, each by whom it belongs to."""
    keeper, all_orders = desk_of(home, "keeper"), orders_at(home, "command")
    mine = [o for o in all_orders if o.warehouse == keeper.place]
    assert 0 < len(mine) < len(all_orders)
    app = look(home, "relief", "dispatch", tab="orders", incident=INCIDENT)
    assert "issued" in steps(app)
    press(app, "step_issued")
    app = look(home, "relief", "keeper", incident=INCIDENT)
    assert sorted(order_numbers(app)) == sorted(o.number for o in mine)
    assert steps(app) <= {"picking", "in_transit"}, "only what a keeper may do"
    press(app, "step_picking")
    press(app, "step_in_transit")
    shipped = [o for o in orders_at(home, "keeper") if o.state == "in_transit"]
    assert {o.order_id for o in shipped} == {o.order_id for o in mine if o.state != "cancelled"}
    receiver = desk_of(home, "receiver")
    coming = [o for o in orders_at(home, "command") if o.receiver == receiver.place and o.state == "in_transit"]
    app = look(home, "relief", "receiver", tab="orders", incident=INCIDENT)
    assert sorted(order_numbers(app)) == sorted(o.number for o in orders_at(home, "receiver"))
    assert steps(app) <= {"arrived", "received", "received_with_variance", "distributed"}
    assert coming, "the demo's receiver gets something"
    press(app, "step_arrived")
    press(app, "step_received")
    press(app, "step_distributed")
    who = {o.order_id for o in coming}
    assert {o.state.value for o in orders_at(home, "command") if o.order_id in who} == {"distributed"}


def test_a_receiver_takes_less_than_was_sent_and_says_so(home):
    press(look(home, "relief", "dispatch", tab="orders", incident=INCIDENT), "step_issued")
    app = look(home, "relief", "keeper", incident=INCIDENT)
    press(app, "step_picking")
    press(app, "step_in_transit")
    press(look(home, "relief", "receiver", incident=INCIDENT), "step_arrived")
    desk = desk_of(home, "receiver")
    order = next(o for o in orders_at(home, "receiver") if o.state == "arrived")
    with desk.transaction(incident=INCIDENT) as (session, act):
        told = dispatch.advance_order(
            session, act, order.order_id, "received_with_variance", note="雨淋湿", quantities={1: 0.0}
        )
    assert told.state == "received_with_variance"


@pytest.mark.parametrize("login", ["keeper", "receiver"])
def test_the_papers_hold_ones_own_orders_and_name_store_and_leader(home, login, tmp_path):
    desk = desk_of(home, login)
    with desk.reading() as session:
        mine = dispatch.orders_of(session, INCIDENT)
        assert mine
        made = papers.write_orders(session, desk.act(), desk.official_text, INCIDENT, tmp_path)
    assert all(path.stat().st_size > 1000 for path in made)


def test_who_may_take_no_step_is_offered_none(home):
    app = look(home, "relief", "leader", tab="orders", incident=INCIDENT)
    assert order_numbers(app)
    assert not steps(app)


def test_the_panel_sees_its_own_cases_at_their_place_in_the_whole_order(home):
    office, panel = open_bureau(read_settings({}, home=home, now=NOW)), desk_of(home, "panel")
    policy = office.policy()
    with office.reading() as session:
        made = housing.latest_programmes(session)
        whole = {
            v["case"]: v for v in housing.verdicts(session, made, housing.case_rows(session, office.act(), policy))
        }
        cases = places.table(session, "renovation_application")
        homes = places.table(session, "household").set_index("household_id")["village_code"]
    mine = set(cases[cases["household_id"].map(homes) == panel.scope]["case_id"])
    with panel.reading() as session:
        part = housing.latest_programmes(session)
        rows = housing.case_rows(session, panel.act(), policy)
        own = {v["case"]: v for v in housing.verdicts(session, part, rows)}
    assert set(own) == mine & set(whole)
    for name in ("place", "state", "score", "tier", "subsidy_yuan", "reason"):
        assert {c: v[name] for c, v in own.items()} == {c: whole[c][name] for c in own}, name
    app = look(home, "housing", "panel")
    shown = {c for frame in app.dataframe if "case" in frame.value for c in frame.value["case"]}
    told = " ".join(m.value for m in app.markdown)
    assert {c for c in own if whole[c]["programme"] == part["programmes"][0]["programme"]} <= shown | set(told.split())
    assert not [c for c in whole if c not in mine and c in told]


def test_the_township_sees_its_own_part_of_the_impact(home):
    office, town = open_bureau(read_settings({}, home=home, now=NOW)), desk_of(home, "reviewer")
    with office.reading() as session:
        whole = impact.latest_impact(session, INCIDENT)
    with town.reading() as session:
        part = impact.latest_impact(session, INCIDENT)
    row = next(r for r in whole["by_town"] if r["code"] == town.scope)
    assert part["totals"] == {name: row[name] for name in whole["totals"]}
    assert part["totals"]["affected_population"] > 0
    app = look(home, "incident", "reviewer", incident=INCIDENT)
    assert ZH.number(row["affected_population"]) in " ".join(str(m.value) for m in app.metric)
    with office.reading() as one, town.reading() as other:
        advice = [response.advise_level(session, office.policy(), INCIDENT) for session in (one, other)]
    assert advice[0] == advice[1], "the level is the district's"
    with desk_of(home, "keeper").reading() as session:
        assert impact.find_impact(session, INCIDENT) is None


def test_the_administrator_gives_a_keeper_an_account_of_a_store_they_do_not_see(home):
    admin = desk_of(home, "admin")
    with admin.reading() as session:
        assert places.table(session, "warehouse").empty
    with admin.transaction() as (session, act):
        place = desk_of(home, "keeper").place
        keeper = Person("keeper2", "保管员二", "warehouse_keeper", place=place)
        assert accounts.add_person(session, act, admin.policy(), keeper)
        receiver = desk_of(home, "receiver")
        elsewhere = Person("receiver2", "接收人二", "receiver", scope="420703102", place=receiver.place)
        with pytest.raises(InputError, match="place_elsewhere"):
            accounts.add_person(session, act, admin.policy(), elsewhere)
        here = replace(elsewhere, scope=receiver.scope)
        assert accounts.add_person(session, act, admin.policy(), here)
    app = look(home, "accounts", "admin")
    told = app.dataframe[0].value
    assert "华容区救灾物资储备库" in set(told[ZH("pages.accounts.column.place")])


def test_who_may_only_read_is_offered_no_act(home):
    """Forms of another post are not shown: a button that would be refused is no button."""
    assert any(b.proto.type == "primary" for b in look(home, "incident", "command").button), "void: no act at all"
    for login, page, query in (
        ("consulting", "incident", {}), ("leader", "incident", {}), ("leader", "relief", {}), ("leader", "roads", {}),
        ("auditor", "review", {}), ("auditor", "relief", {"tab": "approve"}), ("auditor", "housing", {}),
        ("manager", "welfare", {"view": "sites"}), ("inspector", "welfare", {"view": "sites"}),
    ):  # fmt: skip
        app = look(home, page, login, **query)
        primary = [b.label for b in app.button if b.proto.type == "primary"]
        allowed = {ZH("pages.housing.try")}  # a draft keeps nothing
        assert set(primary) <= allowed, (login, page, primary)


def test_a_receiver_and_a_township_ask_for_goods_whatever_others_asked(home):
    for login in ("receiver", "reviewer", "dispatch", "receiver"):
        desk = desk_of(home, login)
        with desk.reading() as session:
            sites = places.table(session, "site")
            mine = sites[sites["village_code"].str.startswith(desk.scope)]["site_id"].tolist()
        with desk.transaction(incident=INCIDENT) as (session, act):
            line = dispatch.Request(desk.place or mine[0], "rice", 5.0)
            assert dispatch.request_relief(session, act, desk.policy(), INCIDENT, [line])


def fields(app):
    return {f.label: f for f in (*app.multiselect, *app.selectbox, *app.number_input, *app.text_input)}


def send(app):
    next(b for b in app.button if b.label == ZH("pages.relief.ask_send")).click().run()
    assert not app.exception, app.exception


@pytest.mark.parametrize("login", ["receiver", "reviewer", "dispatch", "duty"])
def test_goods_are_asked_for_on_the_page(home, login):
    desk = desk_of(home, login)
    rice, unit = desk.policy().items["rice"].name_zh, desk.policy().items["rice"].unit

    def asked():
        with desk.reading() as session:
            return {(a.receiver, a.item): a for a in dispatch.list_asked(session, INCIDENT)}

    before = asked()
    app = look(home, "relief", login, tab="request")
    send(app)
    assert [e.value for e in app.error], "nothing was named"
    sites = fields(app)[ZH("pages.relief.col.receiver")]
    if login == "receiver":
        assert len(sites.options) == 1 and sites.value == desk.place
    else:
        assert sites.value is None
        sites.select_index(0).run()
    receiver = fields(app)[ZH("pages.relief.col.receiver")].value
    fields(app)[ZH("pages.relief.ask_items")].select("rice").run()
    send(app)
    assert [e.value for e in app.error], "how many was not said"
    assert asked() == before
    fields(app)[ZH("pages.relief.ask_amount", item=rice, unit=unit)].set_value(12.0)
    send(app)
    assert not [e.value for e in app.error]
    now, was = asked()[receiver, "rice"], before.get((receiver, "rice"))
    assert now.asked == (was.asked if was else 0) + 12 and now.who == desk.who and now.left <= now.asked
    assert fields(app)[ZH("pages.relief.ask_items")].value == [], "what was sent is not sent twice"


def test_what_is_not_ones_act_is_told_as_such_and_not_as_missing(home):
    town = desk_of(home, "reviewer")
    for act_of in (
        lambda session, act: impact.assess_impact(session, act, town.policy(), INCIDENT),
        lambda session, act: relief.plan_relief(session, act, town.policy(), ZH, INCIDENT),
    ):
        with pytest.raises(RefusedError, match="may_not"), town.transaction(incident=INCIDENT) as (session, act):
            act_of(session, act)


def test_the_coordinator_writes_down_a_leaders_word_but_does_not_approve_in_writing(home):
    maker, other, approver = (desk_of(home, login) for login in ("command", "duty", "approver"))
    with maker.transaction(incident=INCIDENT) as (session, act):
        for order in dispatch.orders_of(session, INCIDENT):
            if order.state == "oral_order":
                dispatch.advance_order(session, act, order.order_id, "cancelled", note="重新测算")
        plan = relief.plan_relief(session, act, maker.policy(), ZH, INCIDENT, wish=relief.PlanWish(reason="路通了"))
    told = dispatch.Approving(plan["plan_id"])
    with pytest.raises(RefusedError, match="may_not"), other.transaction() as (session, act):
        dispatch.approve_plan(session, act, other.policy(), other.official_text, told)
    labels = {
        login: {b.label for b in look(home, "relief", login, tab="approve").button}
        & {ZH(f"pages.relief.{name}") for name in ("approve_phone", "approve_written", "reject")}
        for login in ("command", "duty", "approver", "disaster")
    }
    phone = {ZH("pages.relief.approve_phone")}
    assert labels["duty"] == labels["command"] == phone and not labels["disaster"]
    assert labels["approver"] == phone | {ZH("pages.relief.approve_written"), ZH("pages.relief.reject")}
    with other.transaction() as (session, act):
        by_phone = replace(told, mode="oral", leader=approver.who, witness=maker.who, number="000-0002")
        done = dispatch.approve_plan(session, act, other.policy(), other.official_text, by_phone)
    assert done["approver"] == approver.who and done["paper_due"]


def test_what_is_reckoned_for_a_township_is_the_districts_or_marked_as_its_own(home):
    office, town = open_bureau(read_settings({}, home=home, now=NOW)), desk_of(home, "reviewer")
    policy = office.policy()
    with office.reading() as one, town.reading() as other:
        assert needs.need_sums(one, policy, INCIDENT) == needs.need_sums(other, policy, INCIDENT)
        assert impact.district_impact(other, INCIDENT) == impact.latest_impact(one, INCIDENT)
        graded = []
        for session, desk in ((one, office), (other, town)):
            known = impact.district_impact(session, INCIDENT)
            drawn = maps.incident_map(session, desk.act(), office.catalogue, policy, ZH, INCIDENT, impact=known)
            graded.append(next(list(x.frame["severity"]) for x in drawn.layers if "severity" in x.frame))
        assert graded[0] == graded[1]
        with pytest.raises(RefusedError, match="district_only"):
            papers.briefing_content(other, town.act(), office.catalogue, policy, ZH, INCIDENT)
        assert all(code.startswith(town.scope) for code in reports.silent_villages(other, INCIDENT))
    rows = look(home, "review", "reviewer", view="totals")
    assert ZH("pages.review.total_of", place=_town_name(town)) in " ".join(m.value for m in rows.markdown)
    told = " ".join(c.value for c in look(home, "incident", "reviewer").caption)
    assert ZH("pages.incident.own_part") in told


@pytest.mark.parametrize("login", ["informant", "admin", "panel"])
def test_who_may_not_know_the_districts_figures_reckons_none(home, login):
    desk = desk_of(home, login)
    with desk.reading() as session:
        assert impact.district_impact(session, INCIDENT) is None
        with pytest.raises(NotFoundError):
            response.advise_level(session, desk.policy(), INCIDENT)
        assert not welfare.rank_homes(session, desk.policy()), "an order without the defects would be a wrong one"
        assert duty.district_numbers(session, desk.act(), desk.policy())["movable_t"] is None
        assert duty.next_step(session, INCIDENT) == "orders_waiting"


def test_a_home_is_ranked_among_all_and_its_director_sees_its_own_row(home):
    office, manager = open_bureau(read_settings({}, home=home, now=NOW)), desk_of(home, "manager")
    with office.reading() as session:
        whole = welfare.rank_homes(session, office.policy())
    with manager.reading() as session:
        own = welfare.rank_homes(session, manager.policy())
    assert len(whole) > 1
    assert own == [row for row in whole if row["home_id"] == manager.place]
    app = look(home, "welfare", "manager")
    others = [row["name"] for row in whole if row["home_id"] != manager.place]
    assert not [name for name in others if name in " ".join(m.value for m in app.markdown)]
