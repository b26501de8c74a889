"""``incident``, ``road``, ``policy`` and what the demo leaves on the table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from desk import Desk, desk_at, flooded, strict_json

ROOT = Path(__file__).resolve().parents[2]
FLOOD = ROOT / "layers" / "demo" / "flood_2026.geojson"


@pytest.fixture(scope="module")
def night(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = desk_at(fresh, tmp_path_factory.mktemp("night") / "home")
    flooded(desk, "N1", FLOOD)
    return desk


def _square(path: Path, west: float, south: float, size: float) -> Path:
    ring = [[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]]
    path.write_text(
        json.dumps({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    )
    return path


def test_parts_of_the_impact_sum_to_the_whole_and_bands_are_ordered(night):
    told = night.do("incident", "impact", "--incident", "N1")
    totals = told["totals"]
    for name, total in totals.items():
        if isinstance(total, int):
            for part in ("by_village", "by_town", "by_district"):
                if told[part] and name in told[part][0]:
                    assert sum(row[name] for row in told[part]) == total, (name, part)
    for name in (n.removesuffix("_mid") for n in totals if n.endswith("_mid")):
        assert totals[f"{name}_low"] <= totals[f"{name}_mid"] <= totals[f"{name}_high"]
    assert told["assumptions"] and totals["affected_population"] > 0
    assert night.do("incident", "impact", "--incident", "N1") == told


def test_water_that_meets_nobody_is_an_answer(night, tmp_path):
    night.do("incident", "declare", "远处的水", "--incident", "FAR")
    told = night.do(
        "incident", "footprint", _square(tmp_path / "far.geojson", 114.6, 30.2, 0.0001), "--incident", "FAR"
    )
    assert told["polygons"] == 1 and told["area_km2"] > 0
    totals = night.do("incident", "impact", "--incident", "FAR")["totals"]
    assert totals["affected_population"] == totals["houses_hit"] == 0
    assert all(row["net"] == 0 for row in night.do("relief", "need", "--incident", "FAR"))
    plan = night.do("relief", "plan", "--incident", "FAR")
    assert plan["lines"] == plan["coverage"] == [] and plan["status"] == "optimal" and plan["plan_id"] == "FAR/P1"
    assert night.do("relief", "show", "--incident", "FAR") == plan
    level = night.do("incident", "level", "--incident", "FAR")
    assert level["advice"]["level"] is None
    form = tmp_path / "form.xlsx"
    assert night.do("report", "form", "--incident", "FAR", "--out", form) and form.exists()


def test_an_empty_store_is_an_answer(fresh, tmp_path):
    desk = desk_at(fresh, tmp_path / "home")
    flooded(desk, "N1", FLOOD)
    for k, lot in enumerate(desk.do("stock", "list")):
        if lot["quantity"] > lot["reserved"]:
            left = round(lot["quantity"] - lot["reserved"], 3)
            desk.do("stock", "issue", lot["warehouse"], left, "--lot", lot["lot_no"], "--voucher", f"OUT-{k}")
    plan = desk.do("relief", "plan", "--incident", "N1")
    assert plan["lines"] == [] and plan["coverage"]
    assert all(c["got"] == 0 and c["reason"]["text"] for c in plan["coverage"] if c["need_packed"])
    assert len(plan["isolated"]) >= 100, "no store has anything"
    assert desk.do("verify")["ledger"] == "ok"


def test_a_level_is_advised_and_a_person_decides(night):
    told = night.do("incident", "level", "--incident", "N1")
    advised = told["advice"]["level"]
    assert advised in {"I", "II", "III", "IV"}
    for condition in told["advice"]["conditions"]:
        assert condition["is_met"] == (condition["value"] is not None and condition["value"] >= condition["bound"])
        if condition["value"] is not None and not condition["is_met"]:
            assert condition["distance"] == pytest.approx(condition["bound"] - condition["value"])
    other = next(level for level in ("IV", "III", "II", "I") if level != advised)
    words = ("incident", "level", "--incident", "N1", "--decide")
    assert night.refused(*words, other, "--leader", "批准人丙")["error"] == "response.reason_needed"
    assert night.refused(*words, other, "--reason", "x")["error"] == "response.own_level"
    assert night.refused(*words, other, "--reason", "x", "--leader", night.who)["error"] == "response.own_level"
    assert night.refused(*words, "V", "--reason", "x")["error"] == "response.unknown_level"
    done = night.do(*words, other, "--reason", "敏感地区", "--leader", "批准人丙", "--order-no", "1号")
    assert (done["level"], done["advised"], done["leader"], done["who"]) == (other, advised, "批准人丙", night.who)
    assert night.do("incident", "level", "--incident", "N1")["decided"]["level"] == other
    assert night.do(*words, "none", "--reason", "灾情稳定", "--leader", "批准人丙")["action"] == "terminate"


def test_the_last_word_on_a_road_counts_and_the_first_stays_on_record(night):
    before = set(night.do("road", "list", "--incident", "N1")["closed"])
    flooded_ = night.do("road", "list", "--incident", "N1")["flooded"]
    free = next(r for s in night.do("road", "critical") for r in s["roads"] if r not in before)
    night.do("road", "close", free, "--incident", "N1", "--reason", "塌方", "--source", "村干部")
    told = night.do("road", "list", "--incident", "N1")
    assert set(told["closed"]) == before | {free} and told["declared"] == {free: "塌方"}
    night.do("road", "open", free, "--incident", "N1", "--reason", "抢通")
    assert set(night.do("road", "list", "--incident", "N1")["closed"]) == before
    night.do("road", "open", flooded_[0], "--incident", "N1", "--reason", "已退水")
    assert flooded_[0] not in night.do("road", "list", "--incident", "N1")["closed"]
    rows = night.do("audit", "list", "--table", "closure", "--limit", "3")
    assert [r["action"] for r in rows][::-1] == ["road.closed", "road.open", "road.open"]
    assert (
        night.refused("road", "close", "no_such_road", "--incident", "N1", "--reason", "x")["error"]
        == "road.unknown_road"
    )
    assert night.refused("road", "close", free, "--incident", "N1", "--reason", " ")["error"] == "road.no_reason"


def test_a_critical_road_isolates_exactly_whom_it_says(night):
    night.do("incident", "declare", "桥", "--incident", "BRIDGE")
    found = [s for s in night.do("road", "critical") if s["is_bridge"]]
    assert found, "the demo roads have some"
    told = night.do("road", "list", "--incident", "BRIDGE")
    assert told["closed"] == [] or told["flooded"] == []
    for road in found[0]["roads"]:
        night.do("road", "close", road, "--incident", "BRIDGE", "--reason", "垮塌")
    lost = set(night.do("road", "list", "--incident", "BRIDGE")["isolated"]) - set(told["isolated"])
    assert lost == {v["code"] for v in found[0]["villages"]}


@pytest.mark.parametrize(("words", "key"), [
    ((" ",), "incident.no_name"), (("x", "--hazard", "no_such_hazard"), "incident.unknown_hazard"),
    (("x", "--subtype", "no_such_subtype"), "incident.unknown_subtype"),
    (("x", "--at", "2030-01-01"), "incident.in_future"), (("x", "--at", "soon"), "settings.bad_moment"),
    (("x", "--incident", "N1"), "store.duplicate"),
])  # fmt: skip
def test_declarations_that_cannot_be_are_refused(night, words, key):
    count = len(night.do("incident", "list"))
    assert night.refused("incident", "declare", *words)["error"] == key
    assert len(night.do("incident", "list")) == count


def test_the_policy_tells_its_values_with_unit_and_source(fresh, tmp_path):
    desk = Desk(fresh)
    rows = desk.do("policy", "show", "dispatch.")
    assert all(r["unit"] and r["source"] for r in rows) and any(r["key"] == "dispatch.reserve_share" for r in rows)
    other = desk.do("policy", "show", "dispatch.first_batch_hours", "--profile", "sample_2024")
    assert other[0]["value"] != next(r["value"] for r in rows if r["key"] == "dispatch.first_batch_hours")
    own = Desk(tmp_path / "own")
    own.do("district", "create", "--empty", "--name", "某区", "--profile", "sample_2024")
    assert own.do("policy", "show", "dispatch.first_batch_hours") == other, "the district's profile, if none is named"
    assert desk.refused("policy", "show", "--profile", "no_such_profile")["error"] == "policy.unknown_profile"
    import shutil

    folder = Path(shutil.copytree(ROOT / "data" / "policy", tmp_path / "policy"))
    assert desk.do("policy", "check", "--folder", folder) == {"faults": []}
    text = (folder / "standards.csv").read_text(encoding="utf-8")
    text = text.replace("dispatch.reserve_share,0.2,1,", "dispatch.reserve_share,viel,,")
    (folder / "standards.csv").write_text(text, encoding="utf-8")
    said = desk.run("policy", "check", "--folder", folder)
    assert said.code == 1 and len(said.json["faults"]) >= 2, "all faults in one message"


NAMES = ("plan.json", "programme.json", "siting.json", "form.xlsx", "map.html", "briefing.docx", "briefing.pdf",
         "orders.docx", "orders.pdf")  # fmt: skip
MAGIC = {".docx": b"PK", ".xlsx": b"PK", ".pdf": b"%PDF-", ".json": b"{", ".html": b"<"}


@pytest.mark.parametrize("where", ["demo_out", "liechtenstein_out"])
def test_the_demo_writes_everything_it_promises(request, where):
    out = request.getfixturevalue(where)
    for name in NAMES:
        content = (out / name).read_bytes()
        assert content.startswith(MAGIC[Path(name).suffix]) and len(content) > 2000, name
    page = (out / "map.html").read_text(encoding="utf-8")
    loaded = re.findall(r"""<(?:script|link|img|iframe)\b[^>]*(?:src|href)\s*=\s*["'](?:https?:)?//[^"']+""", page)
    assert not loaded, "the map opens without a network"
    for name in NAMES[:3]:
        strict_json((out / name).read_text(encoding="utf-8"))
    desk = Desk(out / "home")
    assert set(desk.do("verify").values()) == {"ok"}
    shown = desk.do("district", "show")
    assert shown["is_demo"] and shown["is_synthetic"]


def test_the_plan_on_the_table_is_the_approved_one(demo_out):
    plan = strict_json((demo_out / "plan.json").read_text(encoding="utf-8"))
    desk = Desk(demo_out / "home")
    orders = desk.do("relief", "orders", "--incident", plan["incident"])["orders"]
    assert {o["plan_hash"] for o in orders} == {plan["plan_hash"]}
    assert sorted({o["state"] for o in orders}) == ["oral_order", "picking"]
    asked = [x["requested"] for o in orders for x in o["lines"] if x["requested"] is not None]
    assert asked and all(o["route"] and o["deadline"] and o["receiver_name"] and o["number"] for o in orders)
    files = (
        {p.name for p in (demo_out / "home" / "photos").glob("*")} if (demo_out / "home" / "photos").exists() else set()
    )
    assert all(name.endswith(".jpg") for name in files)
