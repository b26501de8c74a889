"""Every page at 390, 1280 and 2560 px, light and dark, by the rules of WCAG 2.2 AA, by keyboard, and taken along."""

import csv
import io
import json
import os
import shutil
from pathlib import Path
from urllib.parse import urlencode

import door
import geopandas as gpd
import openpyxl
import pytest
from tests.browser import screens
from tests.browser.conftest import Watch, start_app

NOW = "2026-07-03T22:30"
WHO = "值班员甲"
AXE = (screens.ROOT / "tests" / "axe" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
# docs/decisions/accessibility.md gives the reason of each: a rule and the node in Streamlit's own widget.
MENDED_NOWHERE: dict[str, str] = {}
ASK = """async ([tags]) => {
  const told = await axe.run(document, {runOnly: {type: "tag", values: tags}});
  return {
    broken: told.incomplete.filter((r) => r.error).map((r) => [r.id, r.error.message]),
    rules: told.passes.length + told.violations.length,
    contrasts: told.passes.filter((p) => p.id === "color-contrast").flatMap((p) => p.nodes).length,
    wrong: told.violations.flatMap((v) => v.nodes.map((n) => [v.id, n.target.flat(3).join(" "), n.html.slice(0, 160)])),
  };
}"""
# Wrong things: words too pale, a button, a field and a picture without a name, a language that is none.
PLANTED = """() => {
  const box = document.createElement("div");
  box.style.marginTop = "4rem";
  box.innerHTML = '<p style="color:#999;background:#fff;font-size:13px">看不清的字</p><button></button>'
    + '<input type="text"><img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">'
    + '<p lang="no_such_language">x</p>';
  document.querySelector('[data-testid="stMainBlockContainer"]').append(box);
}"""
PLANTED_RULES = {"color-contrast", "target-size", "button-name", "label", "image-alt", "valid-lang"}
FOCUS = """() => {
  let one = document.activeElement;
  while (one && one.shadowRoot && one.shadowRoot.activeElement) one = one.shadowRoot.activeElement;
  if (!one || one === document.body) return null;
  const box = one.getBoundingClientRect();
  const look = getComputedStyle(one);
  const names = [one.tagName, one.id, one.getAttribute("data-testid"), one.getAttribute("aria-label"),
    (one.innerText || "").slice(0, 20), Math.round(box.x), Math.round(box.y)];
  const ring = (e) => {
    const s = getComputedStyle(e);
    return parseFloat(s.outlineWidth) > 0 && s.outlineStyle !== "none" || s.boxShadow !== "none";
  };
  let ringed = false;
  for (let e = one, up = 0; e && up < 4; e = e.parentElement, up++) ringed ||= ring(e);
  return {name: names.join("|"), tag: one.tagName, width: box.width, height: box.height, ringed: ringed,
    border: look.borderColor};
}"""


@pytest.fixture(scope="module")
def served(demo_out, tmp_path_factory):
    base = tmp_path_factory.mktemp("manners")
    home = Path(shutil.copytree(demo_out / "home", base / "home"))
    process, url = start_app(home, base / "app.log", "--now", NOW)
    yield url
    process.terminate()
    process.wait(20)


def audit(page):
    """Ask axe-core about the page and the maps in it."""
    for frame in page.frames:
        frame.evaluate(AXE)
    told = page.evaluate(ASK, [TAGS])
    wrong = [
        w for w in told["wrong"] if not any(w[0] == rule and node in w[1] for rule, node in MENDED_NOWHERE.items())
    ]
    return told, wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", list(screens.SIZES))
def test_every_page_passes_wcag_at_every_width_light_and_dark(chromium, served, width, scheme):
    page, watch, wrong, asked = screens.new_page(chromium, width, scheme), Watch(), {}, 0
    watch.on(page)
    for view in screens.views():
        screens.open_page(page, served, view.page, **dict(view.query))
        sideways = page.evaluate("() => document.documentElement.scrollWidth")
        assert sideways <= width, f"{view.name} scrolls sideways: {sideways} px"
        screens.stretch(page)
        told, found = audit(page)
        assert not told["broken"], f"{view.name}: a rule that broke off says nothing: {told['broken']}"
        assert told["rules"] >= 15, f"{view.name}: axe-core asked {told['rules']} rules only"
        assert told["contrasts"] >= 8, f"{view.name}: {told['contrasts']} contrasts were measured only"
        asked += 1
        if found:
            wrong[view.name] = found
        screens.shot(page, f"manners/{view.name}_{width}_{scheme}")
        page.set_viewport_size({"width": width, "height": screens.SIZES[width]})
    page.context.close()
    assert asked == len(screens.views()) >= len(screens.page_names()) >= 8
    assert not wrong, json.dumps(wrong, ensure_ascii=False, indent=1)
    assert (watch.outside, watch.errors) == ([], [])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_planted_faults_turn_the_audit_red(chromium, served, scheme):
    page = screens.new_page(chromium, 1280, scheme)
    screens.open_page(page, served, "report")
    page.evaluate(PLANTED)
    screens.stretch(page)
    _, wrong = audit(page)
    page.context.close()
    assert {w[0] for w in wrong} >= PLANTED_RULES


def walk(page, most=160):
    """Press Tab through the whole page; give every stop in order, until the walk is round."""
    stops = []
    page.evaluate("() => document.activeElement?.blur()")
    for _ in range(most):
        page.keyboard.press("Tab")
        stop = page.evaluate(FOCUS)
        if stop is None or (stops and stop["name"] == stops[0]["name"]):
            return stops, True
        stops.append(stop)
    return stops, False


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", screens.page_names())
def test_every_page_is_walked_by_keyboard(chromium, served, name, width):
    page = screens.new_page(chromium, width)
    screens.open_page(page, served, name, map="1")
    stops, is_round = walk(page)
    assert is_round, f"no way out: {[s['name'] for s in stops[-6:]]}"
    assert "跳到主要内容" in stops[0]["name"], "the skip link comes first"
    assert not [s["name"] for s in stops if "Download as CSV" in s["name"] and s["height"] > 1]
    assert len(stops) >= 5
    unseen = [s["name"] for s in stops if not s["ringed"] and s["tag"] not in {"IFRAME", "INPUT", "CANVAS"}]
    assert not unseen, f"focus not to be seen: {unseen}"
    least = 44 if width == 390 else 24
    small = [s for s in stops if s["tag"] in {"BUTTON", "A", "SUMMARY"} and 1 < s["height"] < least]
    assert not small, [(s["name"], s["height"]) for s in small]
    page.context.close()


def test_the_skip_link_leads_to_the_main_content(chromium, served):
    page = screens.new_page(chromium, 1280)
    screens.open_page(page, served, "roads")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.textContent") == "跳到主要内容"
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert page.evaluate("() => document.documentElement.lang") == "zh-CN"
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.querySelector('[data-testid=stMain]').contains(document.activeElement)")
    page.context.close()


def test_the_open_tab_and_the_picked_rows_come_back_after_f5(chromium, served):
    page = screens.new_page(chromium, 1280)
    screens.open_page(page, served, "relief")
    page.get_by_role("tab", name="调拨单", exact=True).click()
    screens.rest(page)
    assert "tab=orders" in page.url
    page.reload()
    screens.rest(page)
    assert page.get_by_role("tab", name="调拨单", exact=True).get_attribute("aria-selected") == "true"
    other = screens.new_page(chromium, 1280)
    door.go(other, f"{page.url}&{urlencode({'as': door.who_for('relief')})}")
    other.get_by_role("heading", level=1).wait_for(timeout=120_000)
    screens.rest(other)
    assert other.get_by_role("tab", name="调拨单", exact=True).get_attribute("aria-selected") == "true"
    assert other.url == page.url


def test_the_rows_on_screen_are_taken_along_in_four_formats(chromium, served, tmp_path):
    page = screens.new_page(chromium, 1280)
    screens.open_page(page, served, "roads")
    opener = page.get_by_test_id("stPopoverButton").filter(has_text="导出（102行）")
    opener.click()
    files = {}
    for label, ending in (("XLSX", "xlsx"), ("CSV", "csv"), ("GeoPackage", "gpkg"), ("GeoJSON", "geojson")):
        with page.expect_download() as got:
            page.get_by_role("button", name=label).last.click()
        assert got.value.suggested_filename == f"道路_中断道路_20260703_2230.{ending}"
        files[ending] = tmp_path / got.value.suggested_filename
        got.value.save_as(files[ending])
    page.context.close()
    sheet = openpyxl.load_workbook(files["xlsx"]).worksheets[0]
    assert sheet["A1"].value == "道路 中断道路"
    assert [sheet[f"A{k}"].value for k in (3, 4)] == [
        "数据时间 2026年7月3日 22:30", "含合成数据，仅供演示，不得作为依据。",
    ]  # fmt: skip
    lines = list(csv.reader(io.StringIO(files["csv"].read_bytes().decode("utf-8-sig"))))
    frame, told = gpd.read_file(files["gpkg"]), json.loads(files["geojson"].read_text(encoding="utf-8"))
    assert (sheet.max_row - 5, len(lines) - 1 - 5, len(frame), len(told["features"])) == (102, 102, 102, 102)
    assert set(frame.geometry.geom_type) <= {"LineString", "MultiLineString"}


def test_a_dark_screen_is_dark_and_a_light_one_light(chromium, served):
    shades = {}
    for scheme in ("light", "dark"):
        page = screens.new_page(chromium, 1280, scheme)
        screens.open_page(page, served, "report")
        shades[scheme] = page.evaluate("() => getComputedStyle(document.querySelector('.stApp')).backgroundColor")
        page.context.close()
    assert shades == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 27)"}


def test_the_harness_is_run_with_its_own_axe():
    assert AXE.startswith("/*! axe v4.14.1")
    assert os.access("/usr/bin/chromium", os.X_OK)
