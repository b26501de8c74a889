"""The pages of the flood day, run as scripts on the demo district: what they show is what the services say."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from door import sit
from streamlit.testing.v1 import AppTest

from geo_minzheng.bootstrap import open_bureau, text_of
from geo_minzheng.services import dispatch, duty, impact, incidents, relief, response, roads, tasks
from geo_minzheng.services.demo import APPROVER, COORDINATOR, DUTY, INCIDENT
from geo_minzheng.settings import read_settings

PAGES = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "pages"
NOW = "2026-07-03T22:30"
ZH, EN = text_of("zh"), text_of("en")


@pytest.fixture
def home(demo_home, monkeypatch):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(demo_home))
    monkeypatch.setenv("GEO_MINZHENG_NOW", NOW)
    return demo_home


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A district whose villages nobody has entered yet."""
    desk = open_bureau(read_settings({}, home=tmp_path / "home", now=NOW))
    desk.create_store()
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GEO_MINZHENG_NOW", NOW)
    return desk


def run(page, who=DUTY, **query):
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    sit(Path(os.environ["GEO_MINZHENG_HOME"]), who)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def office(home, who=DUTY):
    return open_bureau(read_settings({}, home=home, now=NOW), who=who)


def press(app, label):
    next(b for b in app.button if b.label.startswith(label)).click()
    app.run()
    assert not app.exception, app.exception
    return app


def errors(app):
    return [e.value for e in app.error]


def table_with(app, column):
    return next(d.value for d in app.dataframe if column in d.value.columns)


def test_the_frame_says_where_one_is(home):
    app = run("main")
    assert app.title[0].value == ZH("pages.home.title")
    assert [s.label for s in app.sidebar.selectbox] == [ZH("pages.frame.incident")]
    assert app.sidebar.subheader[0].value == "华容区"
    assert ZH("pages.frame.synthetic") in [c.value for c in app.main.caption]
    assert any(m.value.startswith(DUTY) for m in app.sidebar.markdown)


def test_the_frame_in_english(home):
    app = run("main", lang="en")
    assert app.title[0].value == "Home"


def test_a_home_that_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(tmp_path / "no_such_home"))
    app = AppTest.from_file(str(PAGES / "main.py"), default_timeout=120).run()
    assert "no_such_home" in errors(app)[0]


@pytest.mark.parametrize("page", ("overview", "incident", "relief", "roads"))
def test_a_bare_district_gets_sentences_and_no_crash(bare, page):
    run(page)


@pytest.mark.parametrize("language", ("zh", "en"))
@pytest.mark.parametrize("page", ("overview", "incident", "relief", "roads"))
def test_a_page_speaks_the_language_of_the_address(home, page, language):
    app = run(page, lang=language)
    assert not errors(app)
    assert app.title[0].value == text_of(language)(f"pages.{page}.title")
    words = [m.value for m in app.markdown] + [c.value for c in app.caption] + [m.label for m in app.metric]
    assert not [w for w in words if "pages." in w]


def test_the_overview_shows_five_numbers(home):
    app = run("overview")
    assert len(app.metric) == 5
    with office(home).reading() as session:
        numbers = duty.district_numbers(session, office(home).act(), office(home).policy())
    assert app.metric[0].value == ZH("pages.overview.value.people", people=ZH.integer(numbers["people"]))
    assert numbers["dibao_households"] == 5190
    assert numbers["dibao_persons"] == 8724


def test_impact_on_the_page_is_the_impact_on_record(home):
    app = run("incident")
    with office(home).reading() as session:
        totals = impact.latest_impact(session, INCIDENT)["totals"]
    shown = table_with(app, ZH("pages.incident.col.affected_population"))
    column = shown[ZH("pages.incident.col.affected_population")]
    assert int(column.iloc[-1]) == totals["affected_population"] == int(column.iloc[:-1].sum())
    assert ZH.integer(totals["affected_population"]) in app.metric[0].value


def test_declaring_without_a_name_is_refused_and_stores_nothing(home):
    app = press(run("incident"), ZH("pages.incident.declare"))
    assert errors(app) == [ZH("error.incident.no_name")]
    with office(home).reading() as session:
        assert len(incidents.list_incidents(session)) == 1


def test_declaring_a_drill_says_so_in_the_frame(home):
    app = run("incident")
    next(t for t in app.text_input if t.label == ZH("pages.incident.name")).set_value("山洪演练")
    next(c for c in app.checkbox if c.label == ZH("pages.incident.is_exercise")).check()
    press(app, ZH("pages.incident.declare"))
    with office(home).reading() as session:
        found = incidents.list_incidents(session)[0]
    assert (found.name, found.exercise) == ("山洪演练", True)
    frame = run("main", incident=found.incident_id)
    assert ZH("pages.frame.exercise") in [w.value for w in frame.sidebar.warning]


def test_another_level_than_advised_needs_a_reason(home):
    app = run("incident", who=APPROVER)
    level = next(s for s in app.selectbox if s.label == ZH("pages.incident.level_chosen"))
    level.select("IV")
    press(app, ZH("pages.incident.record_decision"))
    assert "须写明理由" in errors(app)[0]
    next(t for t in app.text_input if t.label == ZH("pages.incident.reason")).set_value("会商后从低")
    press(app, ZH("pages.incident.record_decision"))
    with office(home).reading() as session:
        decided = response.present_level(session, INCIDENT)
    assert (decided["level"], decided["reason"], decided["who"]) == ("IV", "会商后从低", APPROVER)


def test_every_short_row_says_why(home):
    app = run("relief")
    rows = table_with(app, ZH("pages.relief.col.reason"))
    assert all(rows[ZH("pages.relief.col.reason")].str.len() > 3)
    assert not rows[ZH("pages.relief.col.reason")].str.contains("—").any()


def test_the_worst_village_stands_first(home):
    app = run("relief")
    shown = table_with(app, ZH("pages.relief.col.first_night"))
    with office(home).reading() as session:
        plan = relief.latest_plan(session, INCIDENT)
    assert len(shown) == len({row["village"] for row in plan.document["coverage"] if row["need_packed"]})
    served = shown[shown[ZH("pages.relief.col.arrive")] != "—"]
    assert served[ZH("pages.relief.col.first_night")].is_monotonic_increasing


def test_why_answers_for_the_plan_that_is_shown(home):
    desk = office(home)
    with desk.reading() as session:
        plan = relief.latest_plan(session, INCIDENT)
        row = next(r for r in plan.document["coverage"] if r["reason"] and r["reason"]["code"] == "stock")
        told = relief.explain_shortage(session, desk.act(), desk.policy(), INCIDENT, row["village"], row["item"])
        lines = relief.explain_lines(
            session, desk.act(), desk.policy(), ZH, INCIDENT, village=row["village"], item=row["item"]
        )
    assert told["coverage"]["got"] == row["got"]
    assert lines[0] == row["reason"]["text"]
    assert len(lines) > 1
    assert not [line for line in lines if "—" in line]


def test_nobody_approves_their_own_plan(home):
    desk = office(home)
    with desk.transaction() as (session, act):
        for order in dispatch.orders_of(session, INCIDENT):
            if order.state == "oral_order":
                dispatch.advance_order(session, act, order.order_id, "cancelled", note="重新测算")
    app = press(run("relief", who=COORDINATOR), ZH("pages.relief.make_again"))
    assert not errors(app)
    assert not {ZH("pages.relief.approve_written"), ZH("pages.relief.reject")} & {b.label for b in app.button}
    with desk.reading() as session:
        plan = relief.latest_plan(session, INCIDENT)
        assert plan.document["lines"]
        assert dispatch.approval_of(session, plan.plan_id) is None
        assert duty.next_step(session, INCIDENT) == "plan_waiting"
    press(run("relief", who=APPROVER), ZH("pages.relief.approve_written"))
    with desk.reading() as session:
        assert dispatch.approval_of(session, plan.plan_id).approver == APPROVER
        assert duty.next_step(session, INCIDENT) == "orders_waiting"


def test_cutting_a_road_makes_a_new_version_with_the_reason(home):
    app = run("relief", who=COORDINATOR)
    road = next(s for s in app.selectbox if s.label == ZH("pages.relief.road"))
    chosen = road.options[0].split()[0]
    road.select(chosen)
    press(app, ZH("pages.relief.cut"))
    desk = office(home)
    with desk.reading() as session:
        newest, before = relief.list_plans(session, INCIDENT)[:2]
        closed = {r["road"]: r for r in roads.closed_list(session, desk.policy(), INCIDENT)}
        changes = relief.compare_plans(session, before.plan_id, newest.plan_id)
    assert closed[chosen]["cause"] == "declared"
    assert chosen in newest.reason
    assert ZH("pages.relief.replanned", road=chosen, version=newest.version, changes=len(changes)) in [
        i.value for i in app.info
    ]


def test_orders_step_together(home):
    app = run("relief")
    with office(home).reading() as session:
        before = {o.order_id: o.state for o in dispatch.orders_of(session, INCIDENT)}
    press(app, ZH("pages.relief.act.issued"))
    with office(home).reading() as session:
        after = {o.order_id: o.state for o in dispatch.orders_of(session, INCIDENT)}
    assert "oral_order" in before.values()
    assert {after[o] for o, state in before.items() if state == "oral_order"} == {"issued"}
    assert {after[o] for o, state in before.items() if state == "picking"} <= {"picking"}


def test_cancelling_needs_its_reason(home):
    app = run("relief")
    press(app, ZH("pages.relief.act.cancelled"))
    assert errors(app)
    with office(home).reading() as session:
        assert "cancelled" not in {o.state for o in dispatch.orders_of(session, INCIDENT)}


def test_a_road_report_needs_its_reason(home):
    app = run("roads")
    road = next(s for s in app.selectbox if s.label == ZH("pages.roads.road"))
    chosen = road.options[0].split()[0]
    road.select(chosen)
    press(app, ZH("pages.roads.close"))
    assert errors(app) == [ZH("error.road.no_reason", road=chosen)]
    next(t for t in app.text_input if t.label == ZH("pages.roads.reason")).set_value("塌方")
    press(app, ZH("pages.roads.close"))
    desk = office(home)
    with desk.reading() as session:
        found = {r["road"]: r for r in roads.closed_list(session, desk.policy(), INCIDENT)}
    assert (found[chosen]["cause"], found[chosen]["reason"], found[chosen]["who"]) == ("declared", "塌方", DUTY)


def test_what_waits_is_worst_first_and_at_most_seven(home):
    desk = office(home).at(office(home).now() + timedelta(hours=60)).for_name(DUTY)
    with desk.reading() as session:
        waits = [w.kind for w in tasks.list_waiting(session, desk.act(), desk.policy())]
    assert waits[0] == "papers_overdue"
    assert len(waits) <= tasks.MOST
    assert {"reports_waiting", "silent"} <= set(waits)


def test_the_data_mark_changes_with_every_write(home):
    desk = office(home)
    with desk.reading() as session:
        before = duty.data_version(session)
    with desk.transaction() as (session, act):
        roads.close_road(session, act, INCIDENT, "R00001", reason="塌方")
    with desk.reading() as session:
        assert duty.data_version(session) != before


FAR_AWAY = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature", "properties": {},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[114.62, 30.54], [114.63, 30.54], [114.63, 30.545], [114.62, 30.54]]],
            },
        }
    ],
}  # fmt: skip


def test_a_footprint_that_hits_nobody_says_so_with_the_distance(home):
    desk = office(home)
    with desk.transaction() as (session, act):
        told = incidents.Declaration("远处来水", "flood", desk.now(), incident_id="far-away")
        incidents.declare_incident(session, act, desk.policy(), told)
        incidents.add_drawn_footprint(session, act, "far-away", FAR_AWAY)
        document = impact.assess_impact(session, act, desk.policy(), "far-away")
    assert not document["totals"]["affected_population"] + document["totals"]["cut_roads"]
    app = run("incident", incident="far-away")
    said = [i.value for i in app.info]
    assert any(document["nearest"]["name"] in line and "千米" in line for line in said), said
    assert not errors(app)


def test_every_language_file_is_offered_by_the_name_it_gives_itself(home):
    app = run("main")
    switch = next(b for b in app.get("button_group") if b.label == ZH("pages.frame.language"))
    assert [o.content for o in switch.proto.options] == ["中文", "EN"]
