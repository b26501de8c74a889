"""Households at the desk: masked everywhere, opened by a logged reason, made public only as the law says."""

from __future__ import annotations

import html
import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from desk import Desk
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.engine.masking import MaskRule, hide_signs, mask
from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.services import households, notice
from geo_minzheng.settings import read_settings
from geo_minzheng.store import audit
from geo_minzheng.store.frames import read_layer
from geo_minzheng.store.session import make_engine, read_session
from geo_minzheng.store.tables import AuditRow

NOW = "2026-07-03T22:30"
PRIVATE = ("head_of_household", "id_no", "phone", "one_card_account")


@pytest.fixture
def desk(demo_home):
    return Desk(demo_home, who="规划员戊")


@pytest.fixture
def office(demo_home):
    made = open_bureau(read_settings({}, home=demo_home, now=NOW), who="规划员戊")
    yield made
    made.close()


def register(office):
    with office.reading() as session:
        return read_layer(session, "household", opened=True)


@given(st.text(min_size=1, max_size=30), st.integers(0, 6), st.integers(0, 6))
def test_a_mask_keeps_ends_and_hides_something(value, first, last):
    told = mask(value, MaskRule(first, last))
    assert len(told) == len(value)
    ends = (value[:first], value[len(value) - last :])
    assert told == "*" * len(value) or (told[:first], told[len(told) - last :]) == ends
    assert "*" in told


def test_masks_as_the_policy_sets_them(office):
    rules = households.mask_rules(office.policy())
    shown = {
        "head_of_household": ("王小明", "王**"), "id_no": ("420704195001011234", "420***********1234"),
        "phone": ("13800001234", "138****1234"), "one_card_account": ("6217001234567890", "************7890"),
    }  # fmt: skip
    assert {column: (value, mask(value, rules[column])) for column, (value, _) in shown.items()} == shown
    assert mask(None, rules["phone"]) is None
    assert mask("1234567", rules["phone"]) == "*******"
    assert [hide_signs(n, 1) for n in ("王明", "王小明", "欧阳小明", "王", "")] == ["王*", "王*明", "欧*小明", "王", ""]
    assert hide_signs("王小明", 0) == "王小明"


def test_no_file_of_the_home_holds_a_name_an_id_a_phone_or_an_account(office, demo_out, demo_home):
    frame = register(office)
    with office.reading() as session:
        public = {n for layer, column in (("officer", "name"), ("officer", "phone"), ("warehouse", "contact_name"),
                  ("site", "contact_name"), ("welfare_home", "contact_name"), ("warehouse", "contact_phone"),
                  ("site", "contact_phone"), ("welfare_home", "contact_phone"))
                  for n in read_layer(session, layer)[column].dropna()}  # fmt: skip
    office.close()
    # Every value of a kind has one form, so one search finds all of them.
    patterns = {"id_no": rb"DEMO-\d{7}", "one_card_account": rb"DEMO-YKT-\d{7}", "phone": rb"000-\d{7}"}
    files = [p for folder in (demo_home, demo_out) for p in folder.rglob("*") if p.is_file() and "keys" not in p.parts]
    assert "district.gpkg" in {p.name for p in files}
    for path in files:
        data = path.read_bytes()
        for column, pattern in patterns.items():
            found = {m.decode() for m in re.findall(pattern, data)} & set(frame[column])
            assert found - public == set(), (path.name, column)
        names = {n for n in set(frame["head_of_household"]) - public if n.encode() in data}
        assert names == set(), path.name


def test_keys_stand_in_no_log_and_no_record(office, demo_home):
    ring = json.loads((demo_home / "keys" / "ring.json").read_text())
    office.close()
    data = (demo_home / "district.gpkg").read_bytes()
    assert not [key for key in (*ring["keys"].values(), ring["index"]) if key.encode() in data]
    assert ring["current"].encode() in data


def test_reveal_is_on_record_with_its_reason_and_no_value(office):
    row = register(office).iloc[7]
    household = row["household_id"]
    with office.transaction() as (session, act):
        values = households.reveal_household(session, act, household, "  入户核查 后打卡失败 ")
    assert values == {name: row[name] for name in PRIVATE}
    with office.reading() as session:
        (last,) = [r for r in session.scalars(sa.select(AuditRow)) if r.action == "housing.reveal"]
    assert (last.who, last.table_name, last.row_key, last.before) == ("规划员戊", "household", household, None)
    assert json.loads(last.after) == {"fields": sorted(PRIVATE), "reason": "入户核查 后打卡失败"}


@pytest.mark.parametrize("reason", ["", " \n ", "x" * 501, "name"])
def test_reveal_without_a_fit_reason_opens_and_records_nothing(office, reason):
    row = register(office).iloc[3]
    reason = f"核对{row['head_of_household']}的账号" if reason == "name" else reason
    with office.reading() as session:
        before = audit.chain_head(session)
    with pytest.raises(InputError, match="households"), office.transaction() as (session, act):
        households.reveal_household(session, act, row["household_id"], reason)
    with office.reading() as session:
        assert audit.chain_head(session) == before


def test_reveal_of_another_places_household_looks_like_none(office):
    row = register(office).iloc[0]
    other = "420703999"
    for household, scope in (("H-none", ""), (row["household_id"], other)):
        with pytest.raises(NotFoundError) as refused, office.transaction() as (session, act):
            households.reveal_household(session, replace(act, scope=scope), household, "核查")
        assert refused.value.key == "households.unknown"


def test_a_planted_reveal_that_records_nothing_is_seen(office, monkeypatch):
    monkeypatch.setattr(audit, "record", lambda *_: None)
    household = register(office).iloc[7]["household_id"]
    with office.transaction() as (session, act):
        households.reveal_household(session, act, household, "核查")
    with office.reading() as session:
        assert [r for r in session.scalars(sa.select(AuditRow)) if r.action == "housing.reveal"] == []


def test_the_desk_finds_by_exact_value_masked(office, desk):
    row = register(office).iloc[11]
    for option, column in (("--id", "id_no"), ("--account", "one_card_account"), ("--phone", "phone")):
        found = desk.do("housing", "find", option, row[column])
        assert row["household_id"] in [f["household_id"] for f in found]
        assert all("*" in f[name] for f in found for name in PRIVATE if f[name])
        assert desk.do("housing", "find", option, row[column][:-1]) == []
    assert desk.do("housing", "find", "--id", row["id_no"], "--phone", "000-0000000") == []
    assert desk.refused("housing", "find")["error"] == "households.nothing_asked"
    said = desk.do("housing", "reveal", row["household_id"], "--reason", "核对账号")
    assert said == {"household": row["household_id"], **{name: row[name] for name in PRIVATE}}
    assert desk.refused("housing", "reveal", row["household_id"])["error"] == "households.no_reason"
    shared = desk.do("housing", "repeated")
    assert all(len(one["households"]) > 1 and "*" in one["value"] for one in shared)


def test_keys_change_and_go_at_the_desk(office, desk, demo_home):
    desk = desk.named("机房值守")
    before = register(office)
    old = desk.do("district", "keys")["current"]
    told = desk.do("district", "rotate-keys")
    assert (told["before"], told["rows"]) == (old, len(before))
    assert desk.do("district", "retire-keys")["retired"] == [old]
    assert desk.do("district", "retire-keys")["retired"] == []
    assert register(office).equals(before)
    assert desk.do("verify") == dict.fromkeys(desk.do("verify"), "ok")
    keys = demo_home / "keys"
    keys.rename(demo_home.parent / "away")
    assert desk.refused("housing", "find", "--id", "x1")["error"] == "keys.missing"
    assert desk.do("housing", "cases", "--find", "WG-2025")
    moved = Desk(demo_home, env={"GEO_MINZHENG_KEYS": str(demo_home.parent / "away")})
    assert moved.do("housing", "find", "--id", before["id_no"][0])


def told_by(path: Path) -> str:
    """Every word of a file, its hidden parts too."""
    if path.suffix == ".pdf":
        pdf = PdfReader(path)
        words = [str(pdf.metadata), *(page.extract_text() for page in pdf.pages)]
        return re.sub(r"\s", "", "".join(words))
    parts = zipfile.ZipFile(path)
    told = (html.unescape(parts.read(n).decode("utf-8", "replace")) for n in parts.namelist())
    return re.sub(r"\s", "", "".join(re.sub(r"<[^>]+>", " ", part) for part in told))


@pytest.mark.parametrize("suffix", ["docx", "pdf", "xlsx"])
def test_a_notice_holds_what_the_law_allows_and_nothing_else(office, desk, tmp_path, suffix):
    out = tmp_path / f"notice.{suffix}"
    desk.do("housing", "notice", "--programme", "dibao_renovation", "--out", out)
    frame = register(office).set_index("household_id")
    with office.reading() as session:
        made = notice.housing.latest_programmes(session)
        cases = read_layer(session, "renovation_application").set_index("case_id")
        houses = read_layer(session, "house").set_index("house_id")
    chosen = next(p for p in made["programmes"] if p["programme"] == "dibao_renovation")["chosen"]
    assert out.stat().st_size > 1000
    text = told_by(out)
    for row in chosen:
        household = frame.loc[cases.loc[row["case"], "household_id"]]
        house = houses.loc[cases.loc[row["case"], "house_id"]]
        banned = [household[name] for name in PRIVATE] + [row["case"], household.name, house.name]
        banned += [str(house["certificate_no"]), f"{house.geometry.x:.4f}", f"{house.geometry.y:.4f}"]
        assert not [b for b in banned if b and b in text]
    for word in ("残疾", "患病", "独居", "证件", "账号", "电话", "DEMO-"):
        assert word not in text
    if suffix == "xlsx":
        sheet = openpyxl.load_workbook(out).worksheets[0]
        titles, *rows = sheet.iter_rows(values_only=True)
        assert titles == ("序号", "户主", "村组", "类别", "金额（元）")
        assert len(rows) == len(chosen)
        assert [(row[0], row[4]) for row in rows] == [(k, c["subsidy_yuan"]) for k, c in enumerate(chosen, start=1)]
        assert all(row[1][1] == "*" for row in rows)
    assert "7天" in text
    assert "2026年7月9日" in text
    heads = frame.loc[cases.loc[[c["case"] for c in chosen], "household_id"], "head_of_household"]
    assert not [head for head in heads if hide_signs(head, 1) not in text]


def test_a_notice_is_on_record_and_refuses_what_it_cannot_be(desk, office, tmp_path):
    refused = desk.refused("housing", "notice", "--programme", "dibao_renovation", "--out", tmp_path / "n.csv")
    assert refused["error"] == "notice.format"
    assert desk.refused("housing", "notice", "--programme", "none")["error"] == "housing.unknown_programme"
    desk.do("housing", "notice", "--programme", "adobe_elimination", "--out", tmp_path / "n.xlsx")
    with office.reading() as session:
        (row,) = [r for r in session.scalars(sa.select(AuditRow)) if r.action == "housing.notice"]
    assert json.loads(row.after) | {"households": 0} == {
        "programme": "adobe_elimination", "households": 0, "first": "2026-07-03", "last": "2026-07-09", "year": 2026,
    }  # fmt: skip


def test_reading_needs_no_keys(demo_home):
    engine = make_engine(f"sqlite:///{demo_home / 'district.gpkg'}")
    with read_session(engine) as session:
        frame = read_layer(session, "household")
    assert {value for name in PRIVATE for value in frame[name]} == {"***"}
    engine.dispose()


def test_a_bad_private_cell_is_named_by_its_place_not_its_value(desk, tmp_path):
    heads = "户编号,行政村代码,户主姓名,证件类型,证件号码,家庭人口,救助类别"
    file = tmp_path / "名册.csv"
    file.write_text(f"{heads}\nH-1,420703100001,甲示一,示范证件,4.2070319500101E+17,2,低保户\n", encoding="utf-8")
    said = desk.run("layer", "import", "household", file, "--dry-run")
    assert "4.2070319500101" not in said.out + said.err
    (fault,) = [f for f in said.json[0]["faults"] if f["code"] == "text_scientific"]
    assert (fault["row"], fault["column"], fault["value"]) == (2, "证件号码", "***")
