"""RELIABILITY.md's table of threats, row by row: one test each, named after the row."""

from __future__ import annotations

import ast
import csv
import io
import re
import shutil
import sqlite3
import sys
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import docx
import numpy as np
import openpyxl
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import desk as desks
import door
import raw_words
import spoilt
import threats
from naughty import door as naughty_door
from naughty import photos as naughty_photos

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.geo import gcj02_to_bd09, wgs84_to_gcj02
from geo_minzheng.layers import crs, detect
from geo_minzheng.model.ledger import LotLine, LotReceipt
from geo_minzheng.present.taken import TakenTable, table_bytes
from geo_minzheng.services.demo import APPROVER, COORDINATOR, INCIDENT
from geo_minzheng.settings import assets_dir, read_settings
from geo_minzheng.store import ledger
from geo_minzheng.store.verify import verify

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(demo_out, tmp_path_factory):
    base = tmp_path_factory.mktemp("threats")
    home = Path(shutil.copytree(demo_out / "home", base / "home"))
    with spoilt.served(home, base / "app.log", "--now", threats.NOW) as url:
        yield threats.Site(url, home)


def test_login(site):
    threats.check_login(site)


def test_session(site):
    threats.check_session(site)


def test_api_tokens(site):
    threats.check_api_tokens(site)


def test_side_api(site):
    threats.check_side_api(site)


# Where a statement is put together from parts: the tables' own definitions, and two formats that are databases. Each
# part is a name of ours, a number of ours, or a name that passed ``_quoted``.
COMPOSED = {
    "layers/geopackage.py", "present/tables_geo.py", "store/gpkg.py", "store/guard.py", "store/scrub.py",
    "store/policies.py", "store/session.py", "store/verify.py",
}  # fmt: skip
RUNS = {"exec_driver_sql", "execute", "executemany", "executescript", "scalar", "scalars", "read_sql"}


def composed_statements(source):
    """List the statements that are put together from parts: file, and the parts."""
    found = []
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source).as_posix()
        if name.startswith("store/migrations/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            is_text = called == "text" and getattr(getattr(node.func, "value", None), "id", "") in ("sa", "sqlalchemy")
            first = node.args[0]
            if (called in RUNS or is_text) and isinstance(first, ast.JoinedStr | ast.BinOp):
                parts = [ast.unparse(n.value) for n in ast.walk(first) if isinstance(n, ast.FormattedValue)]
                found.append((name, parts))
    return found


HOSTILE = (
    "'); DROP TABLE audit; --",
    '" OR 1=1; --',
    "x' UNION SELECT hash FROM audit --",
    "%' OR '1'='1",
    "a;b--c/**/",
)


def test_sql(site, demo_home, tmp_path):
    """Bound parameters only, identifiers from an allow-list."""
    found = composed_statements(ROOT / "src" / "geo_minzheng")
    assert len(found) >= 15, "void: the search sees nothing"
    assert {name for name, _ in found} <= COMPOSED, "a statement is put together somewhere else"
    for name, parts in found:
        if name in ("layers/geopackage.py", "present/tables_geo.py"):
            assert all(p.startswith("_quoted(") or p in ("name", "kind", "columns", "marks") for p in parts), (
                name,
                parts,
            )
    for word in HOSTILE:
        with site.client() as stranger:
            assert door.COOKIE not in threats.knock(stranger, word, word)[0].cookies
            assert stranger.get(f"/api/map/{quote(word, safe='')}").status_code == 401
    desk = desks.Desk(demo_home)
    codes = [row[0] for row in _rows(demo_home, "SELECT code FROM village ORDER BY code LIMIT 5")]
    file = tmp_path / "villages.csv"
    with file.open("w", encoding="utf-8", newline="") as sink:
        csv.writer(sink).writerows(
            [("代码", "村名", "常住人口", "总户数", "经度", "纬度")]
            + [(c, w, 100, 30, 114.7 + k / 1000, 30.4) for k, (c, w) in enumerate(zip(codes, HOSTILE, strict=True))]
        )
    tables = _rows(demo_home, "SELECT name FROM sqlite_master ORDER BY name")
    desk.named("管理员申").do("layer", "import", "village", file, "--crs", "EPSG:4490")
    kept = dict(_rows(demo_home, "SELECT code, name FROM village"))
    assert [kept[code] for code in codes] == list(HOSTILE), "what is stored is what was written"
    assert _rows(demo_home, "SELECT name FROM sqlite_master ORDER BY name") == tables
    for word in HOSTILE:
        assert desk.run("layer", "import", word, file).code != 0, "a table by a name from outside"
    assert desk.do("verify")["audit"] == "ok"


def _rows(home, query, *values):
    with closing(sqlite3.connect(home / "district.gpkg")) as base:
        return base.execute(query, values).fetchall()


class TornError(Exception):
    """The power fails here."""


KEPT = ("audit", "voucher", "movement", "plan", "approval", "order_event", "report", "report_version", "level_decision")


def test_ledger_and_audit(demo_home, demo_out):
    """Append-only by triggers; reversal rows; the audit row in the same transaction; a chain whose head is on paper."""
    with closing(sqlite3.connect(demo_home / "district.gpkg")) as base:
        for table in KEPT:
            (count,) = base.execute(f"SELECT count(*) FROM {table}").fetchone()
            assert count >= 1, f"void: {table} is empty"
            for order in (f"UPDATE {table} SET fid = fid", f"DELETE FROM {table}"):
                with pytest.raises(sqlite3.DatabaseError, match="append"):
                    base.execute(order)
    office = open_bureau(read_settings({}, home=demo_home, now=threats.NOW))
    lot = LotReceipt("", "L-TEST", "tent_12", "顶", 10, received_on=date(2026, 7, 1), releasing_authority="区应急局")
    warehouse = _rows(demo_home, "SELECT warehouse_id FROM warehouse LIMIT 1")[0][0]
    with office.transaction() as (session, act):
        ledger.receive(session, act, "入-T1", [replace(lot, warehouse=warehouse)])
        ledger.issue(session, act, "出-T1", [LotLine(warehouse, "L-TEST", 4)])
    before = _rows(demo_home, "SELECT * FROM movement"), _rows(demo_home, "SELECT * FROM voucher")
    with office.transaction() as (session, act):
        ledger.reverse(session, act, "红-T1", "出-T1", reason="误发")
    after = _rows(demo_home, "SELECT * FROM movement"), _rows(demo_home, "SELECT * FROM voucher")
    assert all(new[: len(old)] == old and len(new) == len(old) + 1 for old, new in zip(before, after, strict=True))

    audit = _rows(demo_home, "SELECT count(*), max(seq) FROM audit")
    with pytest.raises(TornError), office.transaction() as (session, act):
        ledger.issue(session, act, "出-T2", [LotLine(warehouse, "L-TEST", Decimal(1))])
        raise TornError
    assert _rows(demo_home, "SELECT count(*), max(seq) FROM audit") == audit
    assert not _rows(demo_home, "SELECT 1 FROM voucher WHERE number = '出-T2'"), "the change without its audit row"
    with office.reading() as session:
        assert all(verdict.is_ok for verdict in verify(session).values())
    _head_on_paper(demo_out)
    with closing(sqlite3.connect(demo_home / "district.gpkg")) as base:
        base.execute("DROP TRIGGER audit_no_update")
        base.execute("UPDATE audit SET who = '别人' WHERE seq = 7")
        base.commit()
    with office.reading() as session:
        assert not verify(session)["audit"].is_ok, "a changed row is not found"


def _head_on_paper(demo_out):
    paper = "".join(p.text for p in docx.Document(str(demo_out / "briefing.docx")).paragraphs)
    number, head = re.search(r"第(\d+)条 ([0-9a-f]{16})", paper).groups()
    (kept,) = _rows(demo_out / "home", "SELECT hash FROM audit WHERE seq = ?", int(number))
    assert kept[0].startswith(head), "the head on the briefing is not the chain's"


def test_plans(demo_out, tmp_path):
    """Two people; frozen inputs kept with the result; the same plan again gives the same hash."""
    desk = desks.desk_at(desks.fresh_home(demo_out), tmp_path / "home")
    made = desk.named(COORDINATOR).do("relief", "plan", "--incident", INCIDENT, "--reason", "再算一遍")
    own = desk.named(COORDINATOR).refused("relief", "approve", made["plan_id"])
    assert own["error"] in ("store.own_plan", "audit.may_not", "store.may_not"), own
    again = desk.named(COORDINATOR).do("relief", "plan", "--incident", INCIDENT, "--reason", "再算一遍")
    assert again["plan_hash"] == made["plan_hash"]
    query = "SELECT who, input_hash, policy_version, seed, document FROM plan WHERE plan_id = ?"
    ((who, *frozen),) = _rows(desk.home, query, made["plan_id"])
    assert who == COORDINATOR and all(str(value) for value in frozen) and len(frozen[0]) == 64
    with (
        closing(sqlite3.connect(desk.home / "district.gpkg")) as base,
        pytest.raises(sqlite3.DatabaseError, match="append"),
    ):
        base.execute("UPDATE plan SET document = '{}'")
    assert desk.named(APPROVER).refused("relief", "approve", made["plan_id"])["error"] == "store.plan_superseded"
    assert desk.named(APPROVER).do("relief", "approve", again["plan_id"])
    office = open_bureau(read_settings({}, home=desk.home, now=threats.NOW))
    (maker,) = _rows(desk.home, "SELECT who FROM approval ORDER BY fid DESC LIMIT 1")
    assert maker != (COORDINATOR,) and office.text is not None


def test_map_and_page_text():
    """Escaped by ``map_text`` only; raw HTML only from constants; R13 tries every field in a browser."""
    assert raw_words.found_in(ROOT / "src" / "geo_minzheng") == []
    from geo_minzheng.present.maps import map_text

    assert not set(map_text("<img src=x onerror=alert(1)>`${alert(1)}`\\")) & set("<>`${}\\")


DANGEROUS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "＝1+1", "＋1", "－1", "＠A1", "\u3000=1+1")


def test_exports():
    """Cells that begin like a formula are made harmless, full-width too; numbers stay numbers."""
    taken = TakenTable("表", [{"名称": word, "数": -1.5, "=头": 3} for word in DANGEROUS], ("=事实",))
    book = openpyxl.load_workbook(io.BytesIO(table_bytes(taken, "xlsx")))
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]
    assert not [c.value for c in cells if c.data_type == "f"]
    numbers = [c.value for c in cells if c.data_type == "n"]
    assert numbers.count(-1.5) == numbers.count(3) == len(DANGEROUS)
    lines = list(csv.reader(io.StringIO(table_bytes(taken, "csv").decode("utf-8-sig"), newline="")))
    texts = [cell for line in lines for cell in line if cell and not re.fullmatch(r"-?[\d.]+", cell)]
    texts += [str(c.value) for c in cells if c.data_type == "s"]
    assert len(texts) >= 2 * len(DANGEROUS)
    assert not [t for t in texts if t.lstrip("\u3000 ")[:1] in "=+-@\t\r＝＋－＠"]
    assert sum(line.count("-1.5") for line in lines) == len(DANGEROUS)


def test_photos(site, tmp_path):
    """Re-encoded to JPEG of at most 2048 px, EXIF dropped, place copied first, under a UUID outside the web root."""
    picture = Image.effect_noise((3000, 1500), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = "Maker-7f3e", "Name-7f3e"
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 24.0, 36.0), 3: "E", 4: (114.0, 42.0, 0.0)})
    picture.save(tmp_path / "a.jpg", exif=exif, comment=b"Comment-7f3e")
    desk = desks.Desk(site.home, now=threats.NOW)
    village = _rows(site.home, "SELECT code FROM village ORDER BY code LIMIT 1")[0][0]
    desk.do("report", "submit", village, "--incident", INCIDENT, "--photo", tmp_path / "a.jpg", "--set", "deaths=0")
    query = "SELECT uuid, width_px, height_px, lon, lat FROM photo ORDER BY fid DESC LIMIT 1"
    ((name, width, height, lon, lat),) = _rows(site.home, query)
    (kept,) = site.home.rglob(f"{name}.jpg")
    assert str(uuid.UUID(name)) == name and (width, height) == (2048, 1024)
    assert (round(lon, 3), round(lat, 3)) == (114.7, 30.41)
    with Image.open(kept) as again:
        assert (again.format, again.size, dict(again.getexif())) == ("JPEG", (2048, 1024), {})
    assert b"7f3e" not in kept.read_bytes() and b"Exif" not in kept.read_bytes()
    assert not kept.is_relative_to(assets_dir()) and not kept.is_relative_to(ROOT / "src")
    token, _ = site.seat("auditor")
    relative = kept.relative_to(site.home).as_posix()
    ways = (
        relative,
        f"assets/../{relative}",
        f"assets/..%2f..%2f{relative}",
        f"static/{relative}",
        f"media/{name}.jpg",
    )
    with site.client(token) as browser:
        for way in ways:
            answer = browser.get(f"/{way}")
            assert not answer.content.startswith(b"\xff\xd8"), f"served under {way}"


# Class of file -> its cases: what the row names, one or more of each.
IMPORTS = {
    "archives": ("slip.zip", "absolute.zip", "link.zip", "many.zip", "nested.zip", "bomb.zip", "huge.zip", "text.zip"),
    "markup": ("plain_dtd.kml", "laughs.kmz", "external_dtd_sheet1_xml.xlsx", "network_link.kml"),
    "databases": ("view.gpkg", "computed.gpkg", "layers.gpkg", "no_application.gpkg"),
    "coordinates": (
        "nan.csv", "infinite.csv", "swapped.csv", "far.csv", "zero.csv", "metres.csv", "unsaid.csv", "border.csv",
        "vertex_nan.geojson", "swapped.geojson",
    ),
    "sheets": ("headless.csv", "format_fault.csv", "sql_name.csv", "total.csv"),
}  # fmt: skip


@pytest.fixture(scope="module")
def tried(demo_out, tmp_path_factory, naughty):
    """Hand in the files that the rows name; give what came of each, and what was wrong."""
    folder = tmp_path_factory.mktemp("tried")
    office = naughty_door.Office(shutil.copytree(demo_out / "home", folder / "home"))
    office.furnish(naughty_photos.picture())
    told, before = {}, office.state()
    for case in naughty.write(folder / "corpus", 7):
        sheet = case.group == "sheets" and case.kind == "mistake" and case.name.endswith(".csv")
        if case.name not in IMPORTS.get(case.group, ()) and not sheet:
            continue
        with naughty_door.reading(confined=False):
            outcome = office.hand_in(case, folder / "corpus" / case.group / case.name)
            after = office.state()
            wrong = naughty_door.judge(case, before, outcome, after)
            if outcome.exit_code == 0 and (office.hand_in(case, folder / "corpus" / case.group / case.name).stored):
                wrong.append("the same file twice changes something")
        before = office.state()
        told[case.group, case.name] = case, outcome, wrong
    return told


def _all_right(tried, group):
    mine = {name: found for (of, name), found in tried.items() if of == group}
    assert set(mine) >= set(IMPORTS[group]), "void: a case is missing"
    assert not {name: wrong for name, (_, _, wrong) in mine.items() if wrong}
    return mine


def test_imports(tried):
    """Archives, markup and databases are looked into before they are opened; the worker has its limits."""
    refused = [found for group in ("archives", "markup", "databases") for found in _all_right(tried, group).values()]
    assert len(refused) >= 16 and all(outcome.is_refused for _, outcome, _ in refused)
    layers = tried["databases", "layers.gpkg"][1]
    assert "sheet_needed" in layers.codes and len(re.findall(r"[\w]+", str(layers.told))) > 10
    limits = detect.Limits()
    assert (limits.file_bytes, limits.unpacked_bytes) == (50 * detect.MB, 200 * detect.MB)
    assert (limits.entries, limits.ratio, limits.features, limits.vertices) == (50, 100, 200_000, 1_000_000)
    assert (limits.rss_bytes, limits.cpu_s, limits.wall_s) == (1_500 * detect.MB, 20, 30)


def test_coordinates(tried):
    """Finite, near the district, not swapped; GCJ-02, BD-09 and zone numbers are known; a missing CRS is asked for."""
    mine = _all_right(tried, "coordinates")
    assert len(mine) >= 10 and all(outcome.is_refused for _, outcome, _ in mine.values())
    assert "crs_missing" in mine["unsaid.csv"][1].codes, "a system that nobody declared is guessed"
    east, north = np.array([114.7, 114.8]), np.array([30.4, 30.5])
    gcj = wgs84_to_gcj02(east, north)
    for name, x, y in (("gcj02", *gcj), ("bd09", *gcj02_to_bd09(*gcj))):
        back = crs.to_store(x, y, crs.declared(name))
        assert np.abs(np.array(back) - np.array([east, north])).max() < 1e-6, f"{name} does not come back"
        assert np.abs(x - east).max() > 0.003, "void: nothing was shifted"
    mended, note = crs.mend_zone(np.array([38_512_345.0, 38_512_400.0]), crs.declared("EPSG:4547"))
    assert (note, mended[0]) == ("removed", 512_345.0)


def test_rows(tried):
    """Each error names file, row, column and value; nothing when anything is refused; sums; twice changes nothing."""
    mine = _all_right(tried, "sheets")
    faults = [
        fault for case, outcome, _ in mine.values() if case.kind == "mistake"
        for report in outcome.reports for fault in report["faults"] if fault["severity"] == "error"
    ]  # fmt: skip
    assert len(faults) >= 30, "void: too few mistakes were tried"
    named = [f for f in faults if f["file"] and f["row"] is not None and f["column"] and f["value"] is not None]
    assert len(named) >= len(faults) * 0.95, [f for f in faults if f not in named][:3]
    assert any(outcome.exit_code == 0 and outcome.stored for _, outcome, _ in mine.values()), "void: nothing is taken"


def test_logs(site):
    """Whatever is asked and whatever fails, no name and no number of a person comes into the log."""
    people = ("张三丰", "420703199001011234", "13800138000", "6217002870001234567")
    token, _ = site.seat("auditor")
    with site.client() as stranger, site.client(token) as browser:
        for word in people:
            threats.knock(stranger, word, word)
            stranger.get(f"/api/map/{quote(word)}", params={"q": word})
            browser.get(f"/audit?who={quote(word)}", headers=threats.HTML)
            browser.post("/door/unlock", json={"word": word, "name": word})
            browser.get(f"/media/{quote(word)}")
    files = [p for p in (site.home / "logs").rglob("*") if p.is_file()]
    assert files, "void: there is no log"
    told = "".join(p.read_text(encoding="utf-8") for p in [*files, site.home.parent / "app.log"])
    assert "log started" in told
    for word in people:
        assert word not in told and quote(word) not in told, f"the log names {word}"


def test_outside(site):
    """No page and no file of ours asks another machine for anything; R18 tries it without a network."""
    token, _ = site.seat("auditor")
    with site.client(token) as browser:
        texts = {
            path: browser.get(path, headers=threats.HTML).text
            for path in ("/", "/audit", "/door/sign-in?why=ended", "/door/device", "/assets/map.bundle.js")
        }
    for path in assets_dir().rglob("*"):
        if path.suffix in (".css", ".js"):
            texts[path.name] = path.read_text(encoding="utf-8")
    assert len(texts) >= 10
    asks = re.compile(
        r"""(?:src=|<link[^>]{0,80}href=)["'](?:https?:)?//|url\(["']?(?:https?:)?//|(?:fetch|import|open)\(["'](?:https?:)?//"""
    )
    assert not {name: found.group(0) for name, words in texts.items() if (found := asks.search(words))}
    told = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    assert "gatherUsageStats = false" in told
    outward = re.compile(r"^\s*(?:import|from) (?:requests|httpx|urllib\.request|aiohttp|authlib)\b", re.MULTILINE)
    asking = {p.name for p in (ROOT / "src").rglob("*.py") if outward.search(p.read_text(encoding="utf-8"))}
    assert asking == {"unified.py"}, "only the bureau's own identity provider is asked, where one is set up"
    assert asks.search('<img src="https://tile.example/1.png">'), "void: the search sees nothing"


# --- Planted bugs: each must turn its row red. ---
# Row and what is wrong -> file, what stands there, what stands there instead, and the check that must find it.
BUGS = {
    "login: who is unknown is refused at once": (
        "services/passwords.py", "bool(_hasher().verify(kept or _nobody(), password)) and kept is not None",
        "kept is not None and bool(_hasher().verify(kept, password))",
        lambda site: threats._same_answer(site, ["duty2", "command", "leader", "disaster"]), "told apart by the time",
    ),
    "login: nobody waits": (
        "engine/sitting.py", "0.0 if failures < 5 else", "0.0 if failures < 5000 else", threats._delay_by_account,
        "no delay after five failures of an account",
    ),
    "login: a flood waits for nothing": (
        "api/door.py", "_MOST_OF_ONE = 64, 8", "_MOST_OF_ONE = 640, 640", threats._flood,
        "a flood of guesses is answered",
    ),
    "session: a script reads the cookie": (
        "api/door.py", "httponly=True", "httponly=False", threats._token, "flags of the cookie",
    ),
    "session: the lock hides no data": (
        "api/gate.py", 'if signed_in.is_locked and scope["type"]', 'if False and scope["type"]', threats._limits,
        "a locked screen gives data",
    ),
    "session: a disabled user stays": (
        "services/accounts.py", "return not row.is_disabled and (", "return (", threats._disabled, "after all",
    ),
    "session: signed out by a link": (
        "api/door.py", 'sign_out, methods=["POST"]', 'sign_out, methods=["GET", "POST"]', threats._gets_change_nothing,
        "answers GET",
    ),
    "session: another site's page may send": (
        "api/gate.py", "return bool(origin) and urlsplit", "return False and urlsplit", threats._foreign,
        "takes a stranger's",
    ),
    "tokens: nobody counts": (
        "api/gate.py", "MOST_PER_MINUTE = 600", "MOST_PER_MINUTE = 10**9", threats.check_api_tokens,
        "no limit by device",
    ),
    "side API: anything more is let through": (
        "api/door.py", 'told.keys() != {"word"}', '"word" not in told', threats.check_side_api, "taken: ",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def bad_site(demo_out, tmp_path_factory):
    base = tmp_path_factory.mktemp("spoilt")
    home = Path(shutil.copytree(demo_out / "home", base / "home"))
    source = spoilt.plant(base / "tree", [bug[:3] for bug in BUGS.values()])
    with spoilt.served(home, base / "app.log", "--now", threats.NOW, source=source) as url:
        made = threats.Site(url, home)
        made.give_passwords("duty2", "command", "leader", "disaster", "keeper", "receiver", "inspector", "approver")
        yield made


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bad_site, bug):
    check, told = BUGS[bug][3:]
    with pytest.raises(AssertionError, match=told):
        check(bad_site)
