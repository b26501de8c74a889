"""The household behind a case on the housing page: masked, opened by a reason on record, found by its id number."""

import json
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from door import sit
from streamlit.testing.v1 import AppTest

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.services import housing
from geo_minzheng.services.demo import PLANNER
from geo_minzheng.settings import read_settings
from geo_minzheng.store.frames import read_layer
from geo_minzheng.store.tables import AuditRow

PAGE = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "pages" / "housing.py"
NOW = "2026-07-03T22:30"
PRIVATE = ("head_of_household", "id_no", "phone", "one_card_account")


@pytest.fixture
def home(demo_home, monkeypatch):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(demo_home))
    monkeypatch.setenv("GEO_MINZHENG_NOW", NOW)
    return demo_home


def searched(who, words):
    app = AppTest.from_file(str(PAGE), default_timeout=300)
    sit(Path(os.environ["GEO_MINZHENG_HOME"]), who)
    app.run()
    app.text_input(key="housing_search").set_value(words).run()
    assert not app.exception, app.exception
    return app


def shown(app):
    return "\n".join(str(m.value) for m in (*app.markdown, *app.caption, *app.error)).replace("\\", "")


def test_masked_found_by_id_and_opened_by_a_reason(home):
    office = open_bureau(read_settings({}, home=home, now=NOW), who=PLANNER)
    with office.reading() as session:
        made = housing.latest_programmes(session)
        case = made["programmes"][0]["chosen"][0]["case"]
        cases = read_layer(session, "renovation_application").set_index("case_id")
        frame = read_layer(session, "household", opened=True).set_index("household_id")
    household = cases.loc[case, "household_id"]
    row = frame.loc[household]
    values = [row[name] for name in PRIVATE]

    app = searched(PLANNER, row["id_no"])
    assert case in shown(app)
    assert row["id_no"][-4:] in shown(app)
    assert not [v for v in values if v in shown(app)]

    (reason,) = [t for t in app.text_input if t.key != "housing_search" and t.proto.form_id]
    button = next(b for b in app.button if b.proto.form_id == reason.proto.form_id)
    button.click().run()
    assert app.error
    assert not [v for v in values if v in shown(app)]
    (reason,) = [t for t in app.text_input if t.key != "housing_search" and t.proto.form_id]
    reason.set_value("打卡失败")
    next(b for b in app.button if b.proto.form_id == reason.proto.form_id).click().run()
    assert not app.error
    assert [v for v in values if v in shown(app)] == values
    app.run()
    assert not [v for v in values if v in shown(app)]
    with office.reading() as session:
        (logged,) = session.scalars(sa.select(AuditRow).where(AuditRow.action == "housing.reveal"))
    assert (logged.who, logged.row_key, json.loads(logged.after)["reason"]) == (PLANNER, household, "打卡失败")

    office.close()
