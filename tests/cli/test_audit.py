"""``audit``: filters, one record's life, the chain, the printed head; every action and table has its words."""

import re
from pathlib import Path

import pytest
from desk import REFUSED

from geo_minzheng.model.anchor import parse_anchor
from geo_minzheng.store.tables import METADATA

SOURCE = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng"


@pytest.fixture(scope="module")
def auditor(desk):
    return desk.named("审计员")


def test_filters_agree_with_what_they_name(auditor):
    rows = auditor.do("audit", "list", "--limit", 2000)
    assert [r["seq"] for r in rows] == sorted((r["seq"] for r in rows), reverse=True)
    for option, column in (("--who", "who"), ("--table", "table"), ("--incident", "incident"), ("--action", "action")):
        value = next(r[column] for r in rows if r[column])
        found = auditor.do("audit", "list", option, value, "--limit", 2000)
        assert [r["seq"] for r in found] == [r["seq"] for r in rows if r[column] == value]
    village = next(r["place"] for r in rows if r["table"] == "report_version")
    in_town = auditor.do("audit", "list", "--place", village[:9], "--limit", 2000)
    assert {r["seq"] for r in in_town} == {r["seq"] for r in rows if r["place"].startswith(village[:9])}
    assert {r["action"].split(".")[0] for r in auditor.do("audit", "list", "--action", "ledger")} == {"ledger"}
    older = auditor.do("audit", "list", "--below", rows[9]["seq"], "--limit", 5)
    assert [r["seq"] for r in older] == [r["seq"] for r in rows[10:15]]
    day = rows[0]["at"][:10]
    assert auditor.do("audit", "list", "--since", day, "--until", day)
    assert (
        auditor.refused("audit", "list", "--since", "2026-07-05", "--until", "2026-07-01")["error"]
        == "audit.bad_period"
    )
    assert auditor.refused("audit", "list", "--table", "no_such_table")["error"] == "audit.unknown_table"


def test_a_plan_is_followed_to_its_approval(auditor):
    plan = auditor.do("audit", "list", "--action", "relief.approve")[0]["key"]
    steps = auditor.do("audit", "life", "plan", plan)
    assert [s["action"] for s in steps][:2] == ["relief.plan", "relief.approve"]
    assert any(c["field"] == "approver" and c["after"] for c in steps[1]["changes"])
    assert auditor.refused("audit", "life", "plan", "no_such_plan")["error"] == "audit.no_record"


def test_what_came_with_an_import_names_its_file(auditor):
    lot = auditor.do("stock", "list")[0]
    steps = auditor.do("audit", "life", "stock_lot", f"{lot['warehouse']}/{lot['lot_no']}")
    assert steps[0]["action"] == "layer.import"


def test_the_head_is_what_verify_ends_with_and_a_wrong_one_is_refused(auditor):
    head = auditor.do("audit", "head")
    told = auditor.do("audit", "verify", "--anchor", f"第{head['count']}条 {head['code']} {head['word']}")
    assert told["audit"] == "ok" and told["head"] == head["head"] and told["count"] == head["count"]
    said = auditor.run("audit", "verify", "--anchor", f"{head['count'] - 1}:{head['code']}")
    assert said.code == REFUSED and "印出" in said.json["audit"]
    assert auditor.refused("audit", "verify", "--anchor", "昨天")["error"] == "audit.bad_anchor"
    wrong = "甲子" if head["word"] != "甲子" else "乙丑"
    assert auditor.refused("audit", "verify", "--anchor", f"{head['head']} {wrong}")["error"] == "audit.bad_word"


def test_a_mistyped_head_has_another_word():
    whole = parse_anchor("1234:9f3a1b2c3d4e5f60")
    others = {parse_anchor(f"{1234 + k}:9f3a1b2c3d4e5f60").word for k in range(1, 40)}
    assert len(whole.word) == 2 and len(others) > 20


def test_every_action_and_table_and_column_is_named_in_both_languages(sentences):
    code = "\n".join(
        p.read_text(encoding="utf-8") for p in SOURCE.rglob("*.py") if p.parent.name in ("store", "services")
    )
    rooms = "district|layer|incident|response|road|report|relief|ledger|housing|welfare|user|keys"
    written = set(re.findall(rf'(?:act,|exercise\),|Change\() ?"((?:{rooms})\.\w+)"', code))
    assert len(written) >= 20, written
    for language in sentences.values():
        named = {f"{g}.{n}" for g, names in language["audit"]["action"].items() for n in names}
        assert written - named == set()
        assert set(METADATA.tables) - set(language["layer"]) - set(language["names"]["table"]) == set()
        columns = {c.name for t in METADATA.tables.values() for c in t.columns} - {"fid"}
        chain = {c.name for c in METADATA.tables["audit"].columns} | {"count"}
        assert columns - chain - set(language["audit"]["field"]) - set(language["column"]) == set()
