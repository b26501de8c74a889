"""Manners of every page: a choice stands in the address, a bare district is taught, stopped work keeps nothing."""

import os
import threading
from pathlib import Path

import door
import pytest
from streamlit.testing.v1 import AppTest

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.errors import StoppedError
from geo_minzheng.pages import work
from geo_minzheng.services import housing, impact, relief, welfare
from geo_minzheng.services.demo import DUTY, INCIDENT, PLANNER, REVIEWER
from geo_minzheng.settings import read_settings

PAGES = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "pages"
NOW = "2026-07-03T22:30"


def at_home(home, monkeypatch):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(home))
    monkeypatch.setenv("GEO_MINZHENG_NOW", NOW)
    return open_bureau(read_settings({}, home=home, now=NOW), who=DUTY)


def opened(page, query):
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    query = dict(query)
    door.sit(Path(os.environ["GEO_MINZHENG_HOME"]), query.pop("as", DUTY))
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def address(app):
    return {name: value if isinstance(value, str) else value[-1] for name, value in app.query_params.items()}


def control(app, name):
    return next(g for g in app.get("button_group") if g.key == f"view_{name}_zh")


def words(app):
    return [x.value for kind in (app.subheader, app.caption, app.markdown, app.info) for x in kind] + [
        x.label for kind in (app.text_input, app.selectbox, app.metric) for x in kind
    ]


CHOICES = [
    ("welfare", PLANNER, {"view": "sites"}, "answer", "cover"),
    ("welfare", PLANNER, {}, "view", "sites"),
    ("review", REVIEWER, {}, "view", "silent"),
    ("housing", PLANNER, {}, "programme", "adobe_elimination"),
    ("roads", DUTY, {}, "vehicle", "boat"),
]


@pytest.mark.parametrize(("page", "who", "query", "name", "value"), CHOICES)
def test_a_choice_stands_in_the_address_and_comes_back(demo_home, monkeypatch, page, who, query, name, value):
    at_home(demo_home, monkeypatch)
    app = opened(page, {"as": who, **query})
    before = words(app)
    control(app, name).set_value(value)
    app.run()
    assert not app.exception, app.exception
    assert address(app)[name] == value
    again = opened(page, {"as": who, **address(app)})
    assert control(again, name).value == value
    assert words(again) == words(app) != before
    assert address(again) == address(app)


def test_a_draft_and_a_search_come_back_with_the_address(demo_home, monkeypatch):
    at_home(demo_home, monkeypatch)
    app = opened("housing", {"as": PLANNER, "programme": "adobe_elimination"})
    next(t for t in app.text_input if t.key == "housing_search").set_value("马桥")
    money = next(n for n in app.number_input if n.form_id)
    money.set_value(money.value / 2)
    next(b for b in app.button if b.label.endswith("试算")).click()
    app.run()
    assert not app.exception, app.exception
    told = address(app)
    assert told["find"] == "马桥"
    assert told["budget"].startswith("adobe_elimination:")
    again = opened("housing", {"as": PLANNER, **told})
    assert again.warning[0].value == app.warning[0].value
    assert words(again) == words(app)
    assert opened("housing", {"as": PLANNER, **told} | {"budget": "no_such:-1"}).warning == []


@pytest.mark.parametrize("page", ["overview", "incident", "relief", "roads", "report", "review", "housing", "welfare"])
def test_a_bare_district_is_taught_what_belongs_here_and_the_first_step(tmp_path, monkeypatch, page):
    office = at_home(tmp_path / "home", monkeypatch)
    office.create_store()
    app = opened(page, {})
    assert not [e.value for e in app.error]
    belongs = office.text(f"pages.frame.belongs.{page}")
    (told,) = (i.value for i in app.info if belongs in i.value)
    assert "先导入：" in told or "先登记灾情" in told
    assert ("geo-minzheng layer import" in "".join(c.value for c in app.code)) == ("先导入" in told)


def counts(office):
    with office.reading() as session:
        return office_rows(session)


def office_rows(session):
    return (
        [p.plan_id for p in relief.list_plans(session, INCIDENT)], impact.find_impact(session, INCIDENT),
        housing.latest_programmes(session), welfare.latest_siting(session),
    )  # fmt: skip


LONG = {
    "impact": lambda s, a, o, step: impact.assess_impact(s, a, o.policy(), INCIDENT, step=step),
    "relief": lambda s, a, o, step: relief.plan_relief(s, a, o.policy(), o.text, INCIDENT, step=step),
    "programme": lambda s, a, o, step: housing.make_programmes(s, a, o.policy(), step=step),
    "siting": lambda s, a, o, step: welfare.site_homes(s, a, o.policy(), new=2, step=step),
}


@pytest.mark.parametrize("name", list(LONG))
def test_work_stopped_at_its_last_step_keeps_nothing(demo_home, monkeypatch, name):
    office = at_home(demo_home, monkeypatch)
    before, seen = counts(office), []

    def stop_before_keeping(step):
        seen.append(step)
        assert office.text.has(f"pages.work.step.{step}")
        if step == "keep":
            raise StoppedError("work.stopped")

    with pytest.raises(StoppedError), office.transaction(incident=INCIDENT) as (session, act):
        LONG[name](session, act, office, stop_before_keeping)
    assert len(seen) >= 3
    assert seen[-1] == "keep"
    assert counts(office) == before


def test_a_page_stays_usable_beside_work_and_its_stop_button_stops_it(demo_home, monkeypatch):
    office = at_home(demo_home, monkeypatch)
    monkeypatch.setattr(work, "GRACE_S", 0.0)
    before, gate, entered = counts(office), threading.Event(), threading.Event()
    real = relief.relief_engine.plan_relief

    def slow(*given, **more):
        entered.set()
        assert gate.wait(60)
        return real(*given, **more)

    monkeypatch.setattr(relief.relief_engine, "plan_relief", slow)
    app = opened("relief", {"as": DUTY})
    next(b for b in app.button if b.label == office.text("pages.relief.make_again")).click()
    app.run()
    assert entered.wait(60)
    app.run()
    assert not app.exception, app.exception
    assert "分配物资" in next(m.value for m in app.markdown if "已" in m.value and "秒" in m.value)
    assert len(app.tabs) == 9, "the page stands whole beside the work"
    next(b for b in app.button if b.key == "work_stop").click()
    app.run()
    running = app.session_state["work"]
    gate.set()
    running.thread.join(60)
    app.run()
    assert any("已停止" in i.value for i in app.info)
    assert counts(office) == before
