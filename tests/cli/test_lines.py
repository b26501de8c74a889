"""What people read: office lines with names and units, in both languages, on any district; no code, no raw record."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from desk import NIGHT, Desk, call, desk_at, flooded, is_chinese

ROOT = Path(__file__).resolve().parents[2]
INCIDENT = "20260703-01"
OF = ("--incident", INCIDENT)
READING = [
    ["district", "show"], ["district", "todo"], ["layer", "list"], ["incident", "list"], ["incident", "show", *OF],
    ["incident", "impact", *OF], ["incident", "level", *OF], ["road", "list", *OF], ["road", "critical"],
    ["road", "carrying", *OF], ["policy", "show", "dispatch."], ["policy", "check"], ["report", "list", *OF],
    ["report", "waiting", *OF], ["report", "silent", *OF], ["report", "totals", *OF], ["report", "fields"],
    ["report", "officers"], ["stock", "list"], ["relief", "need", *OF], ["relief", "show", *OF],
    ["relief", "list", *OF], ["relief", "papers"], ["relief", "diff", f"{INCIDENT}/P1", f"{INCIDENT}/P2"],
    ["relief", "orders", *OF], ["housing", "show"], ["housing", "cases"], ["housing", "programme", "--draft"],
    ["welfare", "homes"], ["welfare", "defects"], ["welfare", "gaps"], ["welfare", "reach"], ["welfare", "show"],
    ["user", "list"], ["audit", "list", "--limit", "5"], ["verify"],
]  # fmt: skip
# Where the code is what one looks for.
TECHNICAL = {"audit list", "policy show", "report fields", "report officers", "layer list", "district show"}
RECORD = re.compile(r"[\[{]['\"]|': |\bNone\b|\bTrue\b|\bFalse\b|\bnan\b|\binf\b|PROJCRS|T\d\d:\d\d:\d\d")
KEY = re.compile(r"\b(?:cli|pages|names|error|engine|relief|present|papers|housing|incident|store)\.[a-z_]+(?:\.|\b)")
CODES = re.compile(
    r"\b(?:drafted|oral_order|issued|picking|in_transit|received|submitted|confirmed|returned|optimal|feasible|approved"
    r"|flooded|declared|light_truck|drinking_water|folding_bed|rice|walk|drive|district|province|usable)\b"
)


def _said(home: Path, verb: list[str], language: str) -> str:
    said = call([*verb, "--home", str(home), "--now", NIGHT, "--lang", language])
    assert said.code == 0 and said.out.strip() and not said.err, said
    return said.out


@pytest.fixture(scope="module")
def homes(fresh: Path, liechtenstein_out: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("homes")
    foreign = Path(shutil.copytree(liechtenstein_out / "home", folder / "liechtenstein"))
    return {"demo": Path(shutil.copytree(fresh, folder / "demo")), "liechtenstein": foreign}


@pytest.mark.parametrize("where", ["demo", "liechtenstein"])
@pytest.mark.parametrize("verb", READING, ids=" ".join)
def test_people_read_names_and_no_records(homes, where, verb):
    chinese, english = _said(homes[where], verb, "zh"), _said(homes[where], verb, "en")
    for told in (chinese, english):
        assert not RECORD.search(told), RECORD.search(told)
        assert all(line == line.rstrip() for line in told.splitlines())
    if " ".join(verb[:2]) not in TECHNICAL:
        for told in (chinese, english):
            assert not KEY.search(told), KEY.search(told)
        assert not CODES.search(chinese), CODES.search(chinese)
        assert not re.search(r"\b4207\d{5,8}\b(?!_)", re.sub(r"信息员\d+", "", chinese)), "villages have names"
    assert is_chinese(chinese) and chinese != english


@pytest.mark.parametrize("where", ["demo", "liechtenstein"])
def test_every_figure_of_an_impact_has_its_unit(homes, where):
    lines = [x for x in _said(homes[where], ["incident", "impact", *OF], "zh").splitlines() if "  " in x.strip()]
    assert len(lines) > 15
    for line in lines:
        assert re.search(r"\d(?:人|户|间|座|所|个|段|千米|平方千米)(?:（|$)", line), line
    english = [x for x in _said(homes[where], ["incident", "impact", *OF], "en").splitlines() if "  " in x.strip()]
    assert all(
        re.search(r"\d (?:people|households|rooms|houses|homes|sites|segments|villages|km²?)\b", x) for x in english
    )


def test_english_lines_speak_english_units(homes):
    for verb in (["relief", "need", *OF], ["relief", "show", *OF], ["incident", "level", *OF], ["stock", "list"]):
        told = _said(homes["demo"], verb, "en")
        assert not re.search(r"\d ?(?:千克|升|份|床|顶|台|张|座|个|人|户|间|天)", told), verb
    assert "千克" in _said(homes["demo"], ["relief", "need", *OF], "zh")


def test_lengths_and_areas_are_kilometres(homes):
    totals = Desk(homes["demo"]).do("incident", "impact", *OF)["totals"]
    told = _said(homes["demo"], ["incident", "impact", *OF], "zh")
    assert f"{totals['flooded_m2'] / 1e6:.2f}平方千米" in told
    assert f"{totals['cut_road_m'] / 1e3:.2f}千米" in told


def test_why_is_said_in_sentences_and_a_village_without_need_is_an_answer(homes):
    desk = Desk(homes["demo"])
    plan = desk.do("relief", "show", *OF)
    short = next(c for c in plan["coverage"] if c["reason"] and c["got"])
    verb = ["relief", "why", *OF, "--village", short["village"], "--item", short["item"]]
    told = _said(homes["demo"], verb, "zh")
    assert "满足率" in told and not RECORD.search(told) and len(told.splitlines()) >= 2
    assert desk.do(*verb)["reason"]["code"] == short["reason"]["code"]
    needy = {c["village"] for c in plan["coverage"]}
    quiet = next(o["village"] for o in desk.do("report", "officers") if o["village"] not in needy)
    words = ["relief", "why", *OF, "--village", quiet, "--item", "rice"]
    assert desk.do(*words) == {"coverage": None, "reason": None, "changes": []}
    assert "没有大米需求" in _said(homes["demo"], words, "zh")
    for unknown in (["--village", "999", "--item", "rice"], ["--village", quiet, "--item", "no_such_item"]):
        desk.refused("relief", "why", *OF, *unknown)


@pytest.mark.parametrize("words", [
    ["district", "show"], ["district", "todo"], ["layer", "list"], ["incident", "list"], ["stock", "list"],
    ["relief", "papers"], ["welfare", "gaps"], ["welfare", "show"], ["welfare", "defects"], ["user", "list"],
    ["report", "officers"], ["verify"],
], ids=" ".join)  # fmt: skip
def test_nothing_is_an_answer_in_an_empty_district(tmp_path, words):
    desk = Desk(tmp_path / "home")
    desk.do("district", "create", "--empty", "--name", "某区", "--code", "420799")
    for language in ("zh", "en"):
        said = call([*words, "--home", str(desk.home), "--lang", language])
        assert said.code == 0 and said.out.strip() and not KEY.search(said.out), said


def test_a_quiet_incident_is_answered_everywhere(fresh, tmp_path):
    desk = desk_at(fresh, tmp_path / "home")
    desk.do("incident", "declare", "待核实", "--incident", "Q1")
    for verb in (["incident", "show"], ["report", "list"], ["report", "waiting"], ["report", "totals"],
                 ["report", "silent"], ["relief", "list"], ["relief", "orders"], ["road", "list"]):  # fmt: skip
        said = call([*verb, "--incident", "Q1", "--home", str(desk.home), "--now", NIGHT])
        assert said.code == 0 and is_chinese(said.out) and not KEY.search(said.out), said
    flooded(desk, "Q2", ROOT / "layers" / "demo" / "flood_2026.geojson", "--exercise")
    assert "演练" in _said(desk.home, ["incident", "list"], "zh")


@pytest.mark.parametrize(("words", "thing"), [
    (["relief", "show", "--incident", "no_such"], "灾害过程“no_such”"),
    (["relief", "diff", "no_such", "x"], "方案“no_such”"), (["relief", "approve", "no_such"], "方案“no_such”"),
    (["relief", "order", "no_such", "--to", "issued"], "调拨单“no_such”"),
    (["relief", "orders", *OF, "--order", "no_such"], "调拨单“no_such”"),
    (["report", "compare", "no_such", *OF], "报告“no_such”"),
], ids=lambda x: " ".join(x) if isinstance(x, list) else "")  # fmt: skip
def test_what_is_not_there_is_named_with_where_to_look(fresh, words, thing):
    told = Desk(fresh).refused(*words)
    assert thing in told["message"] and re.search(r"(?:list|orders)", told["message"]), told


def test_states_in_refusals_have_names(fresh, tmp_path):
    desk = desk_at(fresh, tmp_path / "home")
    order = desk.do("relief", "orders", *OF)["orders"][0]
    told = desk.refused("relief", "order", order["order_id"], "--to", "distributed")
    assert "已出库（picking）" in told["message"] and "已发放（distributed）" in told["message"]
