"""The auditor's page: filters in the address, one record's life, the chain, a printed head; nothing in clear."""

import shutil
from pathlib import Path

import openpyxl
import pytest
from door import sit
from streamlit.testing.v1 import AppTest

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.model.trail import TrailFilter
from geo_minzheng.services import trail
from geo_minzheng.services.demo import APPROVER
from geo_minzheng.settings import read_settings

PAGE = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "pages" / "audit.py"
NOW = "2026-07-03T22:30"


@pytest.fixture(scope="module")
def home(demo_out, tmp_path_factory):
    return Path(shutil.copytree(demo_out / "home", tmp_path_factory.mktemp("audit") / "home"))


def run(home, monkeypatch, **query):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(home))
    monkeypatch.setenv("GEO_MINZHENG_NOW", NOW)
    app = AppTest.from_file(str(PAGE), default_timeout=120)
    sit(home, "审计员辛")
    for name, value in query.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception, app.exception
    return app


def office(home, language="zh"):
    return open_bureau(read_settings(home=home, now=NOW, language=language))


def table(app):
    return app.dataframe[0].value


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_log_has_nine_columns_in_words_newest_first(home, monkeypatch, language):
    app = run(home, monkeypatch, lang=language)
    rows = table(app)
    assert len(rows.columns) <= 9 and len(rows) == 50
    numbers = rows.iloc[:, 0].tolist()
    assert numbers == sorted(numbers, reverse=True)
    words = set(rows.iloc[:, 4]) | set(rows.iloc[:, 5])
    assert not {w for w in words if "." in w or "_" in w}, "codes instead of words"


def test_filters_stand_in_the_address_and_hold(home, monkeypatch):
    query = {"audit_action": "relief.approve", "audit_table": "approval", "audit_since": "2026-07-03"}
    rows = table(run(home, monkeypatch, **query))
    assert len(rows) == 1 and rows.iloc[0, 5] == "方案批准"
    app = run(home, monkeypatch, audit_until="2020-01-01")
    assert not app.dataframe and "没有符合筛选的记录" in app.info[0].value
    app = run(home, monkeypatch)
    next(s for s in app.selectbox if s.key == "filter_table").select("voucher").run()
    assert app.query_params["audit_table"] in ("voucher", ["voucher"])
    assert set(table(app).iloc[:, 5]) == {"出入库单"}


def test_a_period_that_ends_before_it_begins_is_told(home, monkeypatch):
    app = run(home, monkeypatch, audit_since="2026-07-05", audit_until="2026-07-01")
    assert "对调" in app.error[0].value


def test_one_order_is_followed_from_draft_to_the_lorry(home, monkeypatch):
    with office(home).reading() as session:
        (first, *_) = trail.list_trail(session, TrailFilter(action="ledger.pick"), limit=1)
    app = run(home, monkeypatch, record=f"dispatch_order/{first.key}")
    told = "\n".join(m.value for m in app.markdown)
    assert "签发" in told and "→" in told and APPROVER in told and "预留" in told


def test_private_fields_of_a_household_are_never_in_clear(home, monkeypatch, tmp_path):
    import shutil

    import pandas as pd
    import sqlalchemy as sa

    copy = Path(shutil.copytree(home, tmp_path / "home"))
    desk = office(copy)
    with desk.transaction() as (session, act):
        from geo_minzheng.store import upsert
        from geo_minzheng.store.tables_layers import Household

        row = session.scalars(sa.select(Household)).first()
        private = {n: str(getattr(row, n)) for n in ("head_of_household", "id_no", "phone", "one_card_account")}
        spec = desk.catalogue["household"]
        frame = pd.DataFrame([{c.name: getattr(row, c.name) for c in spec.columns}])
        frame["head_of_household"], frame["phone"], frame["elderly_60"] = "改后姓名", "13900000000", row.elderly_60 + 1
        upsert.write_layer(session, spec, frame, act)
        key = row.household_id
    app = run(copy, monkeypatch, record=f"household/{key}")
    told = "\n".join(m.value for m in app.markdown) + "\n".join(s.value for s in app.subheader)
    assert "内容不显示" in told and "60" in told
    for value in (*private.values(), "改后姓名", "13900000000"):
        assert value not in told
    with desk.reading() as session:
        steps = trail.life_of(session, desk.catalogue, desk.text, desk.now().tzinfo, "household", key)
    assert steps[0].is_import and steps[-1].row.place == row.village_code
    desk.close()


def test_the_chain_is_verified_and_a_printed_head_agrees_or_not(home, monkeypatch):
    app = run(home, monkeypatch)
    next(b for b in app.button if b.label.endswith("核验整条链")).click()
    app.run()
    assert "链完整" in app.success[0].value
    with office(home).reading() as session:
        head = trail.head(session)
    for typed, found in (
        (f"第{head.count}条 {head.code} {head.word}", "相符"),
        (f"{head.count}:{head.code[:-1]}{'0' if head.code[-1] != '0' else '1'}", "不符"),
        (f"{head.count - 1}:{head.code}", "不符"),
    ):
        app = run(home, monkeypatch)
        app.text_input(key="printed_head").set_value(typed)
        next(b for b in app.button if b.label.endswith("对照")).click()
        app.run()
        said = [e.value for e in (*app.success, *app.error)]
        assert said and found in said[0], (typed, said)
    app = run(home, monkeypatch)
    app.text_input(key="printed_head").set_value("昨天那一条")
    next(b for b in app.button if b.label.endswith("对照")).click()
    app.run()
    assert "照文件上印的抄" in app.error[0].value


def test_the_filtered_log_is_exported_without_formulas(home, tmp_path):
    desk = office(home)
    with desk.reading() as session:
        wanted = TrailFilter(table="voucher")
        count = trail.write_trail(
            session, desk.text, desk.now().tzinfo, wanted, tmp_path / "a.xlsx", desk.policy().roles
        )
        assert (
            trail.write_trail(session, desk.text, desk.now().tzinfo, wanted, tmp_path / "a.csv", desk.policy().roles)
            == count
        )
        assert count == trail.count_trail(session, wanted) > 0
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert sheet.max_row == count + 1 and sheet["A1"].value == "条号"
