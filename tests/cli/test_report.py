"""Reports and the official form: idempotent, 未掌握 is not 0, only confirmed figures in the form."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, desk_at
from openpyxl import load_workbook

ROOT = Path(__file__).resolve().parents[2]
FLOOD = ROOT / "layers" / "demo" / "flood_2026.geojson"
HEADINGS = ROOT.parent / "shared" / "data" / "huarong" / "mem_disaster_stat_columns_zh.csv"
I = "R1"  # noqa: E741
UUID = "11111111-2222-4333-8444-555555555555"
REVIEWER = "审核员丁"


@pytest.fixture
def told(fresh: Path, tmp_path: Path) -> Desk:
    desk = desk_at(fresh, tmp_path / "home")
    desk.do("incident", "declare", "测试", "--incident", I)
    return desk


def _villages(desk: Desk) -> list[str]:
    reports = desk.do("report", "list", "--incident", "20260703-01")
    return sorted({r["village"] for r in reports})


def _submit(desk: Desk, village: str, *words: object, **values: object) -> dict[str, Any]:
    sets = [w for name, value in values.items() for w in ("--set", f"{name}={value}")]
    return dict(desk.named(f"信息员{village}").do("report", "submit", village, "--incident", I, *sets, *words))


def _confirm(desk: Desk, uuid: str, *words: object) -> None:
    desk.named(REVIEWER).do("report", "confirm", uuid, "--incident", I, *words)


def _form(desk: Desk, folder: Path) -> tuple[list[str], dict[str, list[Any]], Any]:
    path = folder / "form.xlsx"
    desk.do("report", "form", "--incident", I, "--out", path)
    book = load_workbook(path)
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    return list(rows[0]), {str(r[0]): list(r) for r in rows[1:]}, book


def test_the_same_uuid_is_one_report_and_another_body_is_refused(told):
    village = _villages(told)[0]
    first = _submit(told, village, "--uuid", UUID, deaths=0, injured=2)
    again = _submit(told, village, "--uuid", UUID, deaths=0, injured=2)
    assert first["stored"] and not again["stored"] and again["values"] == first["values"]
    other = told.named(f"信息员{village}").refused(
        "report", "submit", village, "--incident", I, "--uuid", UUID, "--set", "injured=3"
    )
    assert other["error"] == "store.report_conflict"
    versions = told.do("report", "list", "--incident", I)
    assert len(versions) == 1 and versions[0]["values"] == {"deaths": 0, "injured": 2}


def test_no_change_repeats_the_last_one_and_stays_idempotent(told):
    village = _villages(told)[0]
    early = told.named(f"信息员{village}").refused("report", "submit", village, "--incident", I, "--no-change")
    assert early["error"] == "report.nothing_before"
    _submit(told, village, injured=2)
    same = _submit(told, village, "--no-change", "--uuid", UUID)
    assert same["values"] == {"injured": 2}
    _submit(told, village, injured=5)
    late = _submit(told, village, "--no-change", "--uuid", UUID)
    assert not late["stored"] and late["values"] == {"injured": 2}, "sent again, it says what it said"
    numbers = [(v["number"], v["values"]) for v in told.do("report", "list", "--incident", I, "--village", village)]
    assert numbers == [(1, {"injured": 2}), (2, {"injured": 2}), (3, {"injured": 5})]


def test_unknown_is_left_out_and_never_nought(told, tmp_path):
    village = _villages(told)[0]
    sent = _submit(told, village, deaths="null", missing=0)
    assert sent["values"] == {"missing": 0}
    _confirm(told, sent["uuid"])
    heads, rows, _ = _form(told, tmp_path)
    total = rows["合计"]
    assert total[heads.index("因灾失踪人口(人)")] == 0
    assert total[heads.index("因灾死亡人口(人)")] is None, "not known is an empty cell"


def test_only_confirmed_figures_enter_and_sums_are_sums(told, tmp_path):
    villages = _villages(told)[:4]
    sent = [_submit(told, v, deaths=k, injured=10 + k, collective_resettled_now=5, dispersed_resettled_now=7)
            for k, v in enumerate(villages)]  # fmt: skip
    for row in sent[:2]:
        _confirm(told, row["uuid"], "--reason", "已核对")
    told.named(REVIEWER).do("report", "return", sent[2]["uuid"], "--incident", I, "--reason", "请核对")
    heads, rows, book = _form(told, tmp_path)
    with HEADINGS.open(encoding="utf-8-sig", newline="") as file:
        wanted = [line[0] for line in csv.reader(file) if line]
    assert heads == wanted, "the official headings, verbatim and in order"
    for name, most in (("因灾死亡人口(人)", 1), ("因灾受伤人口(人)", 21), ("紧急转移安置人口(实时值)(人)", 24)):
        column = heads.index(name)
        cells = {town: row[column] for town, row in rows.items()}
        assert all(v is None or isinstance(v, int | float) for v in cells.values()), cells
        assert cells.pop("合计") == most == sum(v or 0 for v in cells.values())
    assert all("present." not in str(cell) for row in rows.values() for cell in row)
    assert len(book.worksheets) >= 2 and "估算" in book.worksheets[1].title
    by_town = defaultdict(int)
    for k in (0, 1):
        by_town[villages[k][:9]] += 10 + k
    assert len(rows) - 1 == len(by_town)


def test_a_later_version_counts_only_when_it_too_is_confirmed(told, tmp_path):
    village = _villages(told)[0]
    first = _submit(told, village, injured=3)
    _confirm(told, first["uuid"])
    second = _submit(told, village, injured=4)
    heads, rows, _ = _form(told, tmp_path)
    assert rows["合计"][heads.index("因灾受伤人口(人)")] == 3
    _confirm(told, second["uuid"])
    heads, rows, _ = _form(told, tmp_path)
    assert rows["合计"][heads.index("因灾受伤人口(人)")] == 4


def test_nobody_reviews_their_own_and_every_return_has_a_reason(told):
    village = _villages(told)[0]
    sent = _submit(told, village, injured=3)
    own = told.named(f"信息员{village}")
    assert own.refused("report", "confirm", sent["uuid"], "--incident", I)["error"] == "report.own_report"
    reviewer = told.named(REVIEWER)
    words = ("report", "return", sent["uuid"], "--incident", I)
    assert reviewer.refused(*words, "--reason", " ")["error"] == "store.no_reason"
    assert reviewer.run(*words).code == 2
    reviewer.do(*words, "--reason", "请补房屋")
    assert reviewer.refused("report", "confirm", sent["uuid"], "--incident", I)["error"] == "report.reviewed_already"
    assert reviewer.refused("report", "confirm", UUID, "--incident", I)["error"] == "report.no_version"
    shown = told.do("report", "list", "--incident", I)[0]
    assert (shown["state"], shown["reason"], shown["reviewer"]) == ("returned", "请补房屋", REVIEWER)


@pytest.mark.parametrize("word", [
    "deaths=-1", "deaths=1.5", "deaths=NaN", "deaths=1e400", "deaths=[1]", 'deaths={"a":1}', "deaths=true", "deaths=x",
    "deaths", "deaths=99999999999", "road_cut=1", "road_cut=maybe", "no_such_field=1", 'requests=["水"]',
])  # fmt: skip
def test_answers_that_are_none_are_refused(told, word):
    village = _villages(told)[0]
    answer = told.refused("report", "submit", village, "--incident", I, "--set", word)
    assert answer["error"] in {"report.bad_value", "report.unknown_field"}
    assert told.do("report", "list", "--incident", I) == []


def test_a_drills_reports_are_marked_as_such(told):
    told.do("incident", "declare", "演练", "--incident", "D1", "--exercise")
    village = _villages(told)[0]
    told.named("甲").do("report", "submit", village, "--incident", "D1", "--set", "injured=9")
    import sqlite3

    with sqlite3.connect(told.home / "district.gpkg") as store:
        found = dict(store.execute("select incident, exercise from report where incident in ('D1', '20260703-01')"))
    assert found == {"D1": 1, "20260703-01": 0}


def test_photos_are_kept_without_their_data_and_at_most_three(told, tmp_path):
    from PIL import Image

    village = _villages(told)[0]
    files = []
    for k in range(4):
        path = tmp_path / f"{k}.jpg"
        exif = Image.Exif()
        exif[0x010F] = "maker"
        Image.new("RGB", (40, 30), (k * 20, 0, 0)).save(path, exif=exif)
        files.append(path)
    words = [w for f in files for w in ("--photo", f)]
    told.refused("report", "submit", village, "--incident", I, *words)
    sent = _submit(told, village, *words[:6], injured=1)
    kept = list((told.home / "photos").glob("*.jpg"))
    assert len(kept) == 3
    assert len(told.do("report", "list", "--incident", I)[0]["photos"]) == 3
    for path in kept:
        with Image.open(path) as picture:
            assert not picture.getexif()
    (tmp_path / "no.jpg").write_text("text")
    for bad in ("no.jpg", "missing.jpg"):
        told.refused("report", "submit", village, "--incident", I, "--photo", tmp_path / bad)
    assert sent["stored"]
