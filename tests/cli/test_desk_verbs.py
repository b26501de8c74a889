"""Everything a page can do, the command line can do: the duty desk, papers, reviews, receipts, lists, maps, people."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest
from desk import Desk, call, desk_at, strict_json
from openpyxl import load_workbook

from geo_minzheng.cli import system

INCIDENT = "20260703-01"
OF = ("--incident", INCIDENT)
BEHALF = ("--behalf", "phone", "--caller", "村支书")
PLAN = f"{INCIDENT}/P2"


@pytest.fixture
def own(fresh: Path, tmp_path: Path) -> Desk:
    return desk_at(fresh, tmp_path / "home").at("2026-07-03T22:30:00+08:00")


def _village(desk: Desk) -> str:
    return str(desk.do("report", "officers")[0]["village"])


def test_what_waits_is_told_worst_first_and_the_district_in_numbers(own):
    told = own.do("district", "todo")
    kinds = [w["kind"] for w in told["todo"]]
    assert kinds and len(kinds) <= 7 and {"silent", "reports_waiting"} <= set(kinds)
    assert told["numbers"]["villages"] == 100 and told["numbers"]["dibao_households"] == 5190
    late = own.at("2026-07-06T00:00:00+08:00").do("district", "todo")["todo"]
    assert late[0]["kind"] == "papers_overdue"


def test_benchmarks_need_the_source_tree_and_say_so(own, tmp_path, monkeypatch):
    monkeypatch.setattr(system, "bench_file", lambda: tmp_path / "bench" / "run.py")
    assert "make bench" in own.refused("bench", "site")["message"]


def test_papers_that_are_missing_are_listed_until_they_are_there(own, tmp_path):
    (row,) = own.do("relief", "papers")
    assert row["plan"] == PLAN and row["minutes_left"] > 0 and row["leader"] == "批准人丙"
    assert own.do("relief", "papers", "--overdue") == []
    late = own.at("2026-07-06T00:00:00+08:00")
    assert late.do("relief", "papers", "--overdue")[0]["minutes_left"] < 0
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-1.7 signed")
    late.do("relief", "paper", PLAN, tmp_path / "scan.pdf")
    assert late.do("relief", "papers") == []
    assert [p["state"] for p in late.do("relief", "list", *OF)] == ["signed", "waiting"]


def test_versions_of_a_plan_are_listed_and_shown_by_id(own, tmp_path):
    rows = own.do("relief", "list", *OF)
    assert [(r["plan_id"], r["state"]) for r in rows] == [(PLAN, "oral"), (f"{INCIDENT}/P1", "waiting")]
    first = own.do("relief", "show", *OF, "--plan", f"{INCIDENT}/P1", "--out", tmp_path / "plan.json")
    newest = own.do("relief", "show", *OF)
    assert (first["version"], newest["version"]) == (1, 2) and first["plan_hash"] == rows[1]["plan_hash"]
    kept = strict_json((tmp_path / "plan.json").read_text(encoding="utf-8"))
    assert kept == {k: v for k, v in first.items() if k not in {"plan_id", "version"}}
    own.do("incident", "declare", "另一起", "--incident", "OTHER")
    assert own.refused("relief", "show", "--incident", "OTHER", "--plan", PLAN)["error"] == "relief.no_plan"


def test_the_papers_of_a_plan_can_be_made_again(own, demo_out, tmp_path):
    files = own.do("relief", "orders", *OF, "--out", tmp_path / "again")["files"]
    files += own.do("incident", "briefing", *OF, "--out", tmp_path / "again")["files"]
    assert {Path(f).name for f in files} == {"orders.docx", "orders.pdf", "briefing.docx", "briefing.pdf"}
    assert all(Path(f).stat().st_size > 5000 for f in files)
    own.do("relief", "show", *OF, "--out", tmp_path / "plan.json")
    assert (tmp_path / "plan.json").read_bytes() == (demo_out / "plan.json").read_bytes()


def _to_arrival(desk: Desk) -> dict[str, object]:
    order = desk.do("relief", "orders", *OF)["orders"][0]
    for step in ("in_transit", "arrived"):
        desk.do("relief", "order", order["order_id"], "--to", step)
    return dict(order)


def test_a_receipt_with_variance_keeps_what_came(own):
    order = _to_arrival(own)
    words = ("relief", "order", order["order_id"], "--to", "received_with_variance")
    asked = order["lines"][0]["approved"]
    for wrong in ("1", "x=1", "1=x", "1=-1", "1=nan"):
        assert own.refused(*words, "--note", "破损", "--quantity", wrong)["error"] == "relief.bad_line"
    assert own.refused(*words, "--note", "破损", "--quantity", "99=1")["error"] == "relief.unknown_line"
    assert own.refused(*words, "--quantity", "1=0")["error"] == "store.order_note"
    more = own.refused(*words, "--note", "多了", "--quantity", f"1={asked + 1}")
    assert more["error"] == "relief.more_than_shipped"
    plain = ("relief", "order", order["order_id"], "--to", "received", "--quantity", "1=0")
    assert own.refused(*plain)["error"] == "relief.quantities_not_here"
    assert own.do(*words, "--note", "途中破损", "--quantity", "1=0")["state"] == "received_with_variance"
    with sqlite3.connect(own.home / "district.gpkg") as store:
        rows = store.execute(
            "select line_no, shipped_milli, received_milli from order_line where order_id = ?", (order["order_id"],)
        ).fetchall()
    assert rows[0] == (1, asked * 1000, 0) and all(s == r for n, s, r in rows if n > 1)
    assert own.do("verify")["ledger"] == "ok"


def test_what_was_not_shipped_stays_in_the_store(own):
    plan = own.named("提出人").do("relief", "plan", *OF)
    own.named("批准人丙").do("relief", "approve", plan["plan_id"])
    order = next(o for o in own.do("relief", "orders", *OF)["orders"] if o["order_id"].startswith(plan["plan_id"]))
    line = order["lines"][0]
    lot = (order["warehouse"], line["lot_no"])

    def quantity() -> float:
        rows = own.do("stock", "list")
        return float(next(r["quantity"] for r in rows if (r["warehouse"], r["lot_no"]) == lot))

    before = quantity()
    own.do("relief", "order", order["order_id"], "--to", "issued")
    words = ("relief", "order", order["order_id"], "--to", "picking", "--quantity")
    own.refused(*words, f"1={line['approved'] + 1}")
    own.do(*words, "1=0")
    assert quantity() == before and own.do("verify")["ledger"] == "ok"


def test_one_order_is_shown_line_by_line(own):
    orders = own.do("relief", "orders", *OF)["orders"]
    (found,) = own.do("relief", "orders", *OF, "--order", orders[1]["order_id"])["orders"]
    assert found == orders[1]
    said = call(["relief", "orders", *OF, "--order", orders[1]["order_id"], "--home", str(own.home)]).out
    assert all(f"第{n}行" in said for n in range(1, len(found["lines"]) + 1))


def test_a_town_reports_on_behalf_of_a_village(own):
    village = _village(own)
    words = ("report", "submit", village, *OF, "--set", "injured=1")
    town = own.named("镇值班员")
    assert town.refused(*words, "--behalf", "pigeon", "--caller", "x")["error"] == "report.unknown_channel"
    for short in (("--behalf", "phone"), ("--caller", "村支书"), ("--recorder", "某人")):
        assert town.refused(*words, *short)["error"] == "report.behalf_incomplete"
    sent = town.do(*words, *BEHALF)
    (version,) = own.do("report", "list", *OF, "--village", village)
    assert version["on_behalf"] == {"channel": "phone", "caller": "村支书", "recorder": "镇值班员"}
    for who in ("镇值班员", "村支书"):
        told = own.named(who).refused("report", "confirm", sent["uuid"], *OF)
        assert told["error"] == "report.own_report"
    said = call(["report", "list", *OF, "--village", village, "--home", str(own.home)]).out
    assert "代报（电话" in said and "村支书" in said


def test_local_units_are_turned_into_the_forms(own):
    field = "crop_affected_ha"
    sent = own.do("report", "submit", _village(own), *OF, "--set", f"{field}=30", "--local-units")
    assert sent["values"][field] == pytest.approx(2.0, rel=1e-3), "30亩 are 2 公顷"
    units = {f["field"]: (f["unit"], f["entered_unit"]) for f in own.do("report", "fields")}
    assert units[field] == ("公顷", "亩") and units["deaths"][0] == "人"


def test_every_field_that_is_listed_can_be_sent(own):
    kinds = {"count": "1", "number": "1.5", "flag": "true", "text": '"水"'}
    sets = [w for f in own.do("report", "fields") for w in ("--set", f"{f['field']}={kinds[f['kind']]}")]
    assert len(own.do("report", "submit", _village(own), *OF, *sets)["values"]) == len(sets) // 2


def test_the_reviewers_desk(own):
    (waiting,) = own.do("report", "waiting", *OF)
    uuid = waiting["version"]["uuid"]
    assert waiting["waited_min"] >= 0 and waiting["village_name"]
    late = own.at("2026-07-04T12:00:00+08:00").do("report", "waiting", *OF)
    assert late[0]["is_overdue"]
    found = own.do("report", "compare", uuid, *OF)
    assert found["version"]["uuid"] == uuid and found["before"] is None and found["changes"]
    assert own.do("report", "photos", uuid, *OF) == {"files": []}
    before = own.do("report", "totals", *OF)
    own.named("审核员丁").do("report", "confirm", uuid, *OF, "--reason", "已电话核实")
    assert own.do("report", "waiting", *OF) == []
    rows = own.do("report", "totals", *OF)
    assert rows[-1]["code"] == "" and rows[-1]["reported"] == before[-1]["reported"] + 1
    for name, value in rows[-1]["figures"].items():
        assert value == sum(r["figures"].get(name, 0) for r in rows[:-1]), name
    silent = {row["village"] for row in own.do("report", "silent", *OF)}
    assert silent and not silent & {v["village"] for v in own.do("report", "list", *OF)}
    assert own.refused("report", "compare", uuid, "--incident", "no_such")["error"] == "store.not_found"


def test_photos_come_back(own, tmp_path):
    from PIL import Image

    Image.new("RGB", (40, 30), (90, 0, 0)).save(tmp_path / "a.jpg")
    sent = own.do("report", "submit", _village(own), *OF, "--photo", tmp_path / "a.jpg", "--set", "injured=1")
    (kept,) = own.do("report", "photos", sent["uuid"], *OF)["files"]
    (copied,) = own.do("report", "photos", sent["uuid"], *OF, "--out", tmp_path / "out")["files"]
    assert Path(kept).read_bytes() == Path(copied).read_bytes() and Path(copied).parent == tmp_path / "out"


def test_an_incident_is_shown_without_working_it_out_anew(own):
    rows = len(own.do("audit", "list", "--limit", 10000))
    told = own.do("incident", "show", *OF)
    assert told["impact"]["totals"]["affected_population"] > 0 and told["level"]["leader"] == "批准人丙"
    assert told["hazard"] == "flood" and "step" in told
    assert len(own.do("audit", "list", "--limit", 10000)) == rows
    own.do("incident", "declare", "新", "--incident", "NEW")
    assert (new := own.do("incident", "show", "--incident", "NEW"))["impact"] is None and new["step"] == "no_footprint"


def test_roads_are_found_by_place_and_by_load(own):
    carrying = [r["road"] for r in own.do("road", "carrying", *OF)]
    told = own.do("road", "list", *OF)
    assert carrying and not set(carrying) & set(told["closed"])
    assert [r["road"] for r in told["roads"]] and {r["road"] for r in told["roads"]} == set(told["closed"])
    with sqlite3.connect(own.home / "district.gpkg") as store:
        box = store.execute("select min_x, min_y, max_x, max_y from gpkg_contents where table_name = 'road'").fetchone()
    assert box is not None
    import shapely
    from desk import NIGHT

    from geo_minzheng.bootstrap import open_bureau
    from geo_minzheng.services import places
    from geo_minzheng.settings import read_settings

    office = open_bureau(read_settings({}, home=own.home, now=NIGHT))
    with office.reading() as session:
        roads = places.table(session, "road")
    row = roads.iloc[0]
    place = shapely.line_interpolate_point(row.geometry, 0.5, normalized=True)
    assert own.do("road", "at", place.x, place.y)["road"]
    assert own.do("road", "at", 10, 10) == {"road": None, "name": ""}
    assert own.refused("road", "at", 200, 10, code=2) == {}


@pytest.mark.parametrize("words", [
    ["district", "map"], ["incident", "map", *OF], ["housing", "map", "adobe_elimination"], ["welfare", "map"],
    ["welfare", "map", "--of", "cover"], ["welfare", "map", "--of", "median"],
], ids=" ".join)  # fmt: skip
def test_every_map_is_one_page_that_opens_without_a_network(fresh, tmp_path, words):
    out = tmp_path / "图" / "map.html"
    assert Desk(fresh).do(*words, "--out", out) == {"files": [str(out)]}
    page = out.read_text(encoding="utf-8")
    assert "<html" in page and "合成" in page, "synthetic data says so on the map"
    assert not re.findall(r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)\s*=\s*["'](?:https?:)?//""", page)


def test_maps_and_lists_refuse_what_does_not_exist(fresh, tmp_path):
    desk = Desk(fresh)
    out = ("--out", tmp_path / "m.html")
    assert desk.refused("housing", "map", "no_such", *out)["error"] == "housing.unknown_programme"
    assert desk.refused("incident", "map", "--incident", "no_such", *out)["error"] == "store.not_found"
    assert desk.refused("welfare", "map", "--of", "no_such", *out, code=2) == {}
    empty = Desk(tmp_path / "home")
    empty.do("district", "create", "--empty", "--name", "某区")
    assert empty.refused("welfare", "map", "--of", "cover", *out)["error"] == "welfare.no_siting"
    for words in (["show"], ["cases"], ["book", *out], ["map", "adobe_elimination", *out]):
        assert empty.refused("housing", *words)["error"] == "housing.no_programme"
    assert not (tmp_path / "m.html").exists()


def test_the_planners_lists(own, demo_out, tmp_path):
    made = own.do("housing", "show", "--out", tmp_path / "programme.json")
    assert (tmp_path / "programme.json").read_bytes() == (demo_out / "programme.json").read_bytes()
    draft = own.do("housing", "programme", "--draft", "--budget", "adobe_elimination=0")
    assert [len(p["chosen"]) for p in draft["programmes"] if p["programme"] == "adobe_elimination"] == [0]
    assert own.do("housing", "show") == made, "a draft is not kept"
    chosen = {c["case"] for p in made["programmes"] for c in p["chosen"]}
    cases = own.do("housing", "cases")
    assert {c["case"] for c in cases if c["state"] in ("chosen", "stretch")} == chosen
    assert all(c["told"] and c["village_name"] for c in cases)
    one = sorted(chosen)[0]
    assert [c["case"] for c in own.do("housing", "cases", "--find", one)] == [one]
    assert own.do("housing", "cases", "--find", "no_such_case") == []
    assert {c["programme"] for c in own.do("housing", "cases", "--programme", "adobe_elimination")} == {
        "adobe_elimination"
    }
    (file,) = own.do("housing", "book", "--out", tmp_path / "book.xlsx")["files"]
    assert len(load_workbook(file).worksheets) >= 6


def test_the_homes_lists(own, demo_out):
    siting = json.loads((demo_out / "siting.json").read_text(encoding="utf-8"))
    assert own.do("welfare", "show") == siting
    assert own.do("welfare", "gaps") == siting["town_gaps"]
    days = [d["overdue_days"] or 0 for d in own.do("welfare", "defects")]
    assert days == sorted(days, reverse=True) and days[0] > 0


def test_people_are_set_changed_and_taken_off(own):
    before = own.do("user", "list")
    told = own.do("user", "set", "值班员戌", "--role", "township_reviewer", "--scope", "420703100")
    assert len(told["secret"].replace("-", "")) == 16
    assert "secret" not in own.do("user", "set", "值班员戌", "--role", "emergency_coordinator", "--scope", "")
    (added,) = [p for p in own.do("user", "list") if p not in before]
    assert (added["name"], added["role"], added["scope"]) == ("值班员戌", "emergency_coordinator", "")
    own.do("user", "disable", "值班员戌")
    assert own.named("值班员戌").refused("incident", "list")["error"] == "account.unknown"
    own.do("user", "enable", "值班员戌")
    assert own.named("值班员戌").do("incident", "list")
    code = own.do("user", "pair", "值班员戌", "--kind", "wall", "--label", "大屏")
    assert code["link"].endswith("#" + code["code"])
    assert own.do("user", "sessions", "值班员戌") == []
    assert own.refused("user", "disable", "没有此人")["error"] == "account.unknown"
    assert own.refused("user", "set", " ", "--role", "emergency_coordinator")["error"] == "account.no_name"
    assert own.refused("user", "set", "x", "--role", "king")["error"] == "account.unknown_role"
    assert own.refused("user", "end", "值班员戌", "--session", 99)["error"] == "account.no_session"
    assert len(own.do("user", "roles")) == 17
    assert own.do("audit", "list", "--table", "account", "--limit", 1)[0]["who"] == own.who
