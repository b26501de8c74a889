"""The four pages drawn from the demo district: report, review, housing, welfare, in both languages."""

import io
import os
import uuid
from pathlib import Path

import openpyxl
import pytest
from door import sit
from PIL import Image
from streamlit.testing.v1 import AppTest

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.errors import RefusedError
from geo_minzheng.services import housing, programme_book, reports, review, village_review
from geo_minzheng.services.demo import INCIDENT, PLANNER, REVIEWER
from geo_minzheng.settings import read_settings

PAGES = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "pages"
NOW = "2026-07-03T22:30"
DUTY = "值班员甲"


@pytest.fixture
def home(demo_home, monkeypatch):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(demo_home))
    monkeypatch.setenv("GEO_MINZHENG_NOW", NOW)
    return demo_home


def run(page: str, who: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    sit(Path(os.environ["GEO_MINZHENG_HOME"]), who)
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    assert not [e.value for e in app.error]
    return app


def report_of(village: str) -> AppTest:
    """Open the report page as the officer of a village."""
    app = AppTest.from_file(str(PAGES / "report.py"), default_timeout=120)
    sit(Path(os.environ["GEO_MINZHENG_HOME"]), f"信息员{village}", role="village_informant", scope=village)
    app.run()
    assert not app.exception, app.exception
    assert not [e.value for e in app.error]
    return app


def office(home, who=REVIEWER):
    return open_bureau(read_settings(home=home, now=NOW), who=who)


def state_of(home, state):
    with office(home).reading() as session:
        return next(v for v in reports.list_versions(session, INCIDENT) if v.state == state)


def versions(home, village):
    with office(home).reading() as session:
        return reports.list_versions(session, INCIDENT, village=village)


def press(app: AppTest, label: str) -> AppTest:
    next(b for b in app.button if b.label.endswith(label)).click()
    app.run()
    assert not app.exception, app.exception
    return app


def number(app: AppTest, field: str):
    return next(n for n in app.number_input if n.key.endswith(f"/{field}"))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("page", "who", "query"),
    [
        ("report", DUTY, {}),
        ("review", REVIEWER, {}),
        ("review", REVIEWER, {"view": "totals"}),
        ("review", REVIEWER, {"view": "silent"}),
        ("housing", PLANNER, {}),
        ("housing", PLANNER, {"programme": "adobe_elimination"}),
        ("housing", PLANNER, {"programme": "checks"}),
        ("welfare", PLANNER, {}),
        ("welfare", PLANNER, {"view": "sites"}),
    ],
)
def test_every_view_draws(home, page, who, query, language):
    app = run(page, who, lang=language, **query)
    words = [*(t.value for t in app.title), *(c.value for c in app.caption), *(m.value for m in app.markdown)]
    assert not [w for w in words if "pages." in w or "—（" in w], "a sentence is missing"


def test_a_village_reports_is_returned_corrects_and_is_confirmed(home):
    village = state_of(home, "returned").village
    app = report_of(village)
    assert "被退回" in app.warning[0].value
    before = number(app, "collective_resettled_now").value
    number(app, "collective_resettled_now").set_value(before - 7)
    press(app, "上报")
    assert "已送达" in app.info[0].value
    assert any("集中安置" in m.value for m in app.markdown), "what changed is shown"
    told = versions(home, village)
    assert [v.state for v in told] == ["returned", "submitted"]
    assert told[-1].values["collective_resettled_now"] == before - 7
    desk = run("review", REVIEWER)
    names = next(r.options for r in desk.radio)
    assert len(names) == 2
    desk.radio[0].set_value(next(k for k, v in enumerate(_waiting(home)) if v.village == village)).run()
    press(desk, "核定")
    assert versions(home, village)[-1].state == "confirmed"


def _waiting(home):
    bureau = office(home)
    with bureau.reading() as session:
        return [w.version for w in review.waiting(session, bureau.act(), bureau.policy(), INCIDENT)]


def test_no_change_is_one_tap_and_unknown_stays_unknown(home):
    confirmed = state_of(home, "confirmed")
    app = press(report_of(confirmed.village), "无变化，按上次再报")
    assert "已送达" in app.info[0].value
    told = versions(home, confirmed.village)
    assert told[-1].values == confirmed.values
    assert len(told) == 2
    press(app, "再报新情况")
    empty = number(app, "evacuated_households_now")
    assert empty.value is None
    assert "evacuated_households_now" not in told[-1].values


def test_zero_for_a_question_in_one_tap(home):
    app = report_of(state_of(home, "returned").village)
    number(app, "deaths").set_value(3)
    app.run()
    next(b for b in app.button if b.label.endswith("本题均为0")).click()
    app.run()
    assert [number(app, f).value for f in ("deaths", "missing", "injured")] == [0, 0, 0]
    assert number(app, "collective_resettled_now").value > 0, "only this question"


def test_a_double_tap_is_one_report(home):
    village = state_of(home, "returned").village
    app = report_of(village)
    press(app, "上报")
    del app.session_state["report_sent"]
    app.run()
    press(app, "上报")
    assert len(versions(home, village)) == 2


def test_mu_become_hectares(home):
    village = state_of(home, "returned").village
    app = report_of(village)
    number(app, "crop_affected_ha").set_value(30.0)
    press(app, "上报")
    assert versions(home, village)[-1].values["crop_affected_ha"] == 2
    press(app, "再报新情况")
    assert number(app, "crop_affected_ha").value == 30.0


def test_a_photo_is_kept_without_what_the_camera_wrote(home):
    picture = io.BytesIO()
    Image.new("RGB", (3000, 40), "red").save(picture, "JPEG")
    village = state_of(home, "returned").village
    bureau = office(home, "甲村信息员")
    told = reports.Submission(village, {"deaths": 0}, str(uuid.uuid4()), photos=(picture.getvalue(),))
    with bureau.transaction(incident=INCIDENT) as (session, act):
        reports.submit_report(session, act, bureau.policy(), INCIDENT, told, photo_dir=home / "photos")
    desk = run("review", REVIEWER)
    desk.radio[0].set_value(next(k for k, v in enumerate(_waiting(home)) if v.village == village)).run()
    assert not desk.exception
    (kept,) = (home / "photos").glob("*.jpg")
    with Image.open(kept) as image:
        assert max(image.size) <= 2048


def test_a_town_reports_on_behalf(home):
    app = run("report", DUTY)
    village = next(s for s in app.selectbox if s.label == "行政村")
    village.set_value(state_of(home, "returned").village).run()
    assert not app.exception
    press(app, "上报")
    assert "代报还缺" in app.error[0].value
    app.text_input(key="report_caller").set_value("村支书").run()
    press(app, "上报")
    assert versions(home, state_of(home, "returned").village)[-1].on_behalf["channel"] == "电话"


def test_return_with_a_reason_in_two_taps(home):
    desk = run("review", REVIEWER)
    waiting = _waiting(home)[0]
    press(desk, "退回")
    assert desk.error, "a return without a reason is refused"
    next(b for b in desk.button_group if b.key.startswith("reasons/")).set_value(["请补现场照片"])
    press(desk, "退回")
    assert versions(home, waiting.village)[-1].reason == "请补现场照片"


def test_nobody_confirms_their_own(home):
    waiting = _waiting(home)[0]
    desk = run("review", waiting.who)
    assert not {"核定", "退回"} & {b.label for b in desk.button}
    assert any("须由另一人审核" in c.value for c in desk.caption)
    with (
        pytest.raises(RefusedError, match="own_report"),
        office(home, waiting.who).transaction(incident=INCIDENT) as (session, act),
    ):
        reports.review_report(
            session, act, office(home).policy(), INCIDENT, waiting.uuid, verdict="returned", reason="x"
        )
    assert versions(home, waiting.village)[-1].state == "submitted"


def test_a_sudden_change_wants_a_note_and_a_contradiction_blocks(home):
    confirmed = state_of(home, "confirmed")
    bureau = office(home, "甲村信息员")

    def send(**values):
        told = reports.Submission(confirmed.village, confirmed.values | values, str(uuid.uuid4()))
        with bureau.transaction(incident=INCIDENT) as (session, act):
            return reports.submit_report(session, act, bureau.policy(), INCIDENT, told, photo_dir=home / "photos")

    def judge(sent, reason=""):
        with office(home).transaction(incident=INCIDENT) as (session, act):
            reports.review_report(
                session, act, bureau.policy(), INCIDENT, sent["uuid"], verdict="confirmed", reason=reason
            )

    sent = send(flooded_households=9000)
    with pytest.raises(RefusedError, match=r"report\.note_needed"):
        judge(sent)
    judge(sent, "已电话核实")
    sent = send(flooded_households=9000, collapsed_rooms=1, collapsed_dwelling_rooms=2)
    with pytest.raises(RefusedError, match=r"report\.breaks_rules"):
        judge(sent, "已电话核实")
    desk = run_with_errors("review", REVIEWER)
    assert any("相差" in e.value for e in desk.error)
    assert next(b for b in desk.button if b.label.endswith("核定")).disabled


def run_with_errors(page: str, who: str) -> AppTest:
    app = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=120)
    sit(Path(os.environ["GEO_MINZHENG_HOME"]), who)
    app.run()
    village = [k for k, name in enumerate(app.radio[0].options) if "逾期" not in name]
    app.radio[0].set_value(village[0]).run()
    assert not app.exception
    return app


def test_only_confirmed_figures_are_added_up(home):
    bureau = office(home)
    with bureau.reading() as session:
        rows = review.town_figures(session, bureau.policy(), INCIDENT)
        confirmed = reports.confirmed_indicators(session, bureau.policy(), INCIDENT)
    *towns, district = rows
    for name in ("deaths", "collective_resettled_now", "collapsed_rooms"):
        whole = sum(v[name] for v in confirmed.values() if name in v)
        assert district["figures"][name] == whole == sum(t["figures"].get(name, 0) for t in towns)
    assert district["estimates"]["affected_population"][1] > 0
    assert district["reported"] == len(confirmed)


def test_why_a_house_is_not_in(home):
    bureau = office(home, PLANNER)
    with bureau.reading() as session:
        made = housing.latest_programmes(session)
    skipped = {s["kind"]: s for p in made["programmes"] for s in p["skipped"]}
    app = run("housing", PLANNER)
    words = {"budget": "资金到此", "gate": "未列入", "missing_value": "政策中没有"}
    for kind in sorted(set(skipped) & set(words)):
        app.text_input(key="housing_search").set_value(skipped[kind]["case"]).run()
        assert not app.exception
        assert any(words[kind] in m.value for m in app.markdown), kind
    app.text_input(key="housing_search").set_value("no_such_case").run()
    assert any("没有找到" in i.value for i in app.info)


def test_other_money_is_a_draft_until_kept(home):
    app = run("housing", PLANNER, programme="adobe_elimination")
    money = next(n for n in app.number_input if n.label.startswith("本年资金"))
    money.set_value(600000.0)
    press(app, "试算")
    assert "未存档" in app.warning[0].value
    bureau = office(home, PLANNER)
    with bureau.reading() as session:
        assert housing.latest_programmes(session)["programmes"][1]["budget_yuan"] != 600000
    press(app, "存为正式测算")
    with bureau.reading() as session:
        kept = housing.latest_programmes(session)["programmes"][1]
    assert kept["budget_yuan"] == 600000
    assert len(kept["chosen"]) > 100
    assert any(c["beyond_target"] for c in kept["chosen"])


def test_house_points_are_for_those_who_work_on_cases(home):
    assert office(home).for_name(PLANNER).works_on_cases
    assert not office(home).for_name(DUTY).works_on_cases
    roles = office(home).policy().roles.values()
    assert all("casework" in role.sees for role in roles if "housing" in role.pages)


def test_the_workbook_holds_the_lists(home, tmp_path):
    bureau = office(home, PLANNER)
    with bureau.reading() as session:
        made = housing.latest_programmes(session)
        found = housing.verdicts(session, made, housing.case_rows(session, bureau.act(), bureau.policy()))
        against = village_review.contradictions(session, made)
    path = programme_book.write_book(made, found, against, bureau.policy(), bureau.official_text, tmp_path / "p.xlsx")
    book = openpyxl.load_workbook(path)
    for programme in made["programmes"]:
        sheets = [s for s in book.worksheets if len(programme["chosen"]) + 1 == s.max_row and "正式" in s.title]
        assert len(sheets) == 1
    cells = [c.value for s in book.worksheets for row in s.iter_rows() for c in row if isinstance(c.value, str)]
    assert not [c for c in cells if c[:1] in "=+-@"]
    assert not [c for c in cells if "housing." in c]


def test_service_areas_and_sites(home):
    app = run("welfare", PLANNER, view="reach")
    assert any("覆盖" in m.value for m in app.markdown)
    app = run("welfare", PLANNER, view="sites")
    assert any("人·分" in m.value for m in app.markdown)
    app.number_input[0].set_value(1)
    press(app, "测算选址")
    assert not app.error
