"""R12, the app's part: every page and every route x every role x {own, sibling, parent, other} district or village."""

from __future__ import annotations

import gzip
import importlib
import re
import shutil
import sqlite3
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import spoilt
from door import SEAT, enter
from sqlalchemy import select, update
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash
from tests.browser import screens
from tests.browser.conftest import start_app

from geo_minzheng.bootstrap import Bureau, open_bureau, text_of, watch
from geo_minzheng.model.account import COOKIE, Person, Role, audience_of
from geo_minzheng.pages import frame, work
from geo_minzheng.policy.load import load_policy
from geo_minzheng.present import maps_shelf
from geo_minzheng.services import accounts, passwords
from geo_minzheng.settings import data_dir, read_settings
from geo_minzheng.store import accounts as account_rows
from geo_minzheng.store import scope_rules
from geo_minzheng.store.tables import METADATA

MAIN = screens.ROOT / "src" / "geo_minzheng" / "pages" / "main.py"
# The pages everybody has; which others a role has stands in the policy.
EVERYBODY = ("home", "account")
PAGES = (*screens.page_names(), "account")
ROLES = sorted(load_policy(data_dir("policy"), profile="seed_reference", day=date(2026, 7, 3)).roles)
RELATIONS = ("own", "sibling", "parent", "other")
T = METADATA.tables


@dataclass(frozen=True)
class Row:
    """A row that not everybody sees: its mark, what class it is of, its village, the places it belongs to."""

    mark: str
    needs: str
    village: str = ""
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class World:
    home: Path
    rows: tuple[Row, ...]
    roles: dict[str, Role]
    people: dict[tuple[str, str], Person]
    tokens: dict[str, str] = field(default_factory=dict)


def _plant(home: Path) -> None:
    """Write a mark into what stands on pages in words: names of households and officers, notes of reports."""
    desk = open_bureau(read_settings({}, home=home))
    with sqlite3.connect(home / "district.gpkg") as link:
        for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            if not name.startswith(("rtree", "trigger_")):
                link.execute(f'DROP TRIGGER "{name}"')
    with desk.transaction() as (session, _):
        link = session.connection()
        for fid in link.execute(select(T["household"].c.fid)).scalars().all()[:3000]:
            named = update(T["household"]).where(T["household"].c.fid == fid)
            link.execute(named.values(head_of_household=f"MKH{fid:06d}"))
        for fid, code in link.execute(select(T["officer"].c.fid, T["officer"].c.village_code)).all():
            link.execute(update(T["officer"]).where(T["officer"].c.fid == fid).values(name=f"MKO{code}N{fid:04d}"))
        for fid in link.execute(select(T["facility_defect"].c.fid)).scalars().all():
            named = update(T["facility_defect"]).where(T["facility_defect"].c.fid == fid)
            link.execute(named.values(description=f"MKD{fid:06d}"))
        for fid, told in link.execute(select(T["report_version"].c.fid, T["report_version"].c.document)).all():
            noted = update(T["report_version"]).where(T["report_version"].c.fid == fid)
            link.execute(noted.values(document={**told, "note": f"MKR{fid:06d}"}))


def _rows(home: Path) -> list[Row]:
    """List every row of the demo that not everybody sees, by the mark it shows itself with."""
    desk = open_bureau(read_settings({}, home=home))
    with desk.reading() as session:
        link = session.connection()

        def read(table: str, *columns: str) -> list[Any]:
            return link.execute(select(*(T[table].c[c] for c in columns))).all()

        homes = dict(read("household", "household_id", "village_code"))
        sites = dict(read("site", "site_id", "village_code"))
        reports = dict(read("report", "fid", "village_code"))
        return [
            *(Row(k, "casework", v) for k, v in read("house", "house_id", "village_code")),
            *(Row(k, "casework", v) for k, v in homes.items()),
            *(Row(f"MKH{k:06d}", "nobody", v) for k, v in read("household", "fid", "village_code")),
            *(Row(k, "casework", homes[h]) for k, h in read("renovation_application", "case_id", "household_id")),
            *(Row(f"MKO{v}N{k:04d}", "bureau", v) for k, v in read("officer", "fid", "village_code")),
            *(Row(f"MKR{k:06d}", "wide", reports[r]) for k, r in read("report_version", "fid", "report_fid")),
            *(Row(k, "bureau", "", ("warehouse", h)) for k, h in read("stock_lot", "lot_no", "warehouse_id")),
            *(Row(f"MKD{k:06d}", "bureau", "", ("home", h)) for k, h in read("facility_defect", "fid", "home_id")),
            *(Row(k, "bureau", sites[r], ("warehouse", w, "site", r))
              for k, w, r in read("dispatch_order", "number", "warehouse", "receiver")),
        ]  # fmt: skip


def _people(home: Path, roles: dict[str, Role]) -> dict[tuple[str, str], Person]:
    """Make an account of every role for what is its own, what is beside it, above it, and far away.

    They are written past the checks of the accounts page: what a wrong account sees is asked too.
    """
    desk = open_bureau(read_settings({}, home=home))
    with desk.transaction() as (session, act):
        demo = {person.role: person for person in account_rows.list_people(session)}
        known = {kind: sorted(account_rows.place_names(session, kind)) for kind in ("warehouse", "site", "home")}
        village, town = demo["village_informant"].scope, demo["township_reviewer"].scope
        by_level = {
            "district": ("", "420704", "4207", "110101"),
            "township": (town, town[:6] + "101" if town[6:] != "101" else town[:6] + "100", town[:6], "110101001"),
            "village": (village, village[:9] + "998", village[:9], "110101001001"),
        }
        made = {}
        for role in roles.values():
            own = demo[role.role].place
            beside = next((one for one in known.get(role.place, ()) if one != own), "")
            scopes = by_level[role.level]
            if own and role.level == "district":  # a place beside one's own lies in the same district
                scopes = (scopes[0], scopes[0], *scopes[2:])
            for relation, scope in zip(RELATIONS, scopes, strict=True):
                place = {"sibling": beside, "other": "no_such_place"}.get(relation, own) if own else ""
                login = f"{role.role}.{relation}"
                made[role.role, relation] = person = Person(login, login, role.role, scope, place)
                row = account_rows.add_account(session, act, person)
                account_rows.change_account(session, act, "user.change", row, must_change=False)
    return made


@pytest.fixture(scope="module")
def world(demo_out, tmp_path_factory) -> World:
    home = Path(shutil.copytree(demo_out / "home", tmp_path_factory.mktemp("matrix") / "home"))
    roles = dict(open_bureau(read_settings({}, home=home)).policy().roles)
    people = _people(home, roles)
    _plant(home)
    return World(home, tuple(_rows(home)), roles, people)


MARK = re.compile(r"应急调〔\d+〕\d+号|[A-Z]{1,3}-?\d[0-9A-Z]*(?:-\d+)?")


def may_see(row: Row, role: Role, person: Person) -> bool:
    """Say whether somebody may see a row: the law in words of its own, beside the product's rules."""
    district = "420703"
    is_here = district.startswith(person.scope) or person.scope.startswith(district)
    if row.needs not in role.sees or not is_here or (row.village and not row.village.startswith(person.scope)):
        return False
    kept_at = dict(zip(row.places[::2], row.places[1::2], strict=True))
    if role.place == "none":
        return True
    return kept_at.get(role.place) == person.place if kept_at else True


def forbidden(world: World, role: Role, person: Person) -> set[str]:
    return {row.mark for row in world.rows if not may_see(row, role, person)}


def _walk(node: Any) -> Any:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from _walk(child)


def said_by(app: AppTest) -> str:
    """Give everything the run of a page has sent to the browser, as words."""
    said = []
    for node in _walk(app._tree):
        proto = getattr(node, "proto", None)
        if hasattr(proto, "SerializeToString"):
            said.append(proto.SerializeToString().decode("utf-8", errors="ignore"))
        if getattr(node, "type", "") in ("arrow_data_frame", "arrow_table", "dataframe"):
            said.append(node.value.to_csv())
    return "\n".join(said)


class Visit:
    """Open pages as somebody: in the app's own frame, as a browser would by the address."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world, self.drawn = world, []
        monkeypatch.setenv("GEO_MINZHENG_HOME", str(world.home))
        monkeypatch.setattr(frame, "token_here", lambda: SEAT["token"])
        monkeypatch.setattr(work, "GRACE_S", 120.0)
        lay = maps_shelf.lay

        def noted(address: str, packed: bytes, audience: str) -> None:
            self.drawn.append(gzip.decompress(packed).decode())
            lay(address, packed, audience)

        monkeypatch.setattr(maps_shelf, "lay", noted)

    def open(self, person: Person, page: str, query: tuple[tuple[str, str], ...] = ()) -> tuple[AppTest, str]:
        self.drawn.clear()
        if person.login not in self.world.tokens:
            self.world.tokens[person.login] = enter(self.world.home, person.login)
        SEAT["token"] = self.world.tokens[person.login]
        app = AppTest.from_file(str(MAIN), default_timeout=180)
        app.query_params.update({"lang": "zh", **dict(query)})
        app._page_hash = calc_hash("" if page == "home" else page)
        app.run()
        assert not app.exception, (person.login, page, app.exception)
        return app, "\n".join([said_by(app), *self.drawn])

    def leaks(self, role: Role, person: Person, page: str) -> tuple[list[str], str]:
        """Open every view of a page as somebody; give what they may not see, and the page's title."""
        queries = [view.query for view in screens.views() if view.page == page] or [()]
        hidden, found, title = forbidden(self.world, role, person), [], ""
        for query in queries:
            app, said = self.open(person, page, query)
            found += [f"{person.login} {page} {query}: {mark}" for mark in sorted(set(MARK.findall(said)) & hidden)]
            title = title or next((t.value for t in app.title), "")
        return found, title


@pytest.fixture
def visit(world, monkeypatch) -> Visit:
    return Visit(world, monkeypatch)


def test_the_marks_are_told_apart_and_are_there(world):
    marks = [row.mark for row in world.rows]
    assert all(MARK.fullmatch(mark) for mark in marks), [m for m in marks if not MARK.fullmatch(m)][:5]
    assert len(set(marks)) == len(marks)
    assert {row.needs for row in world.rows} == {"wide", "bureau", "casework", "nobody"}


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("role", ROLES)
def test_no_page_shows_a_role_what_is_not_its_own(world, visit, role, relation):
    one, person = world.roles[role], world.people[role, relation]
    mine = {*EVERYBODY, *one.pages}
    assert mine <= set(PAGES)
    found = []
    for page in PAGES:
        leaks, title = visit.leaks(one, person, page)
        found += leaks
        is_open = title == text_of("zh")(f"pages.{page}.title")
        if page != "home" and is_open != (page in mine):
            found.append(f"{person.login} {page}: {'open' if is_open else 'closed'}")
    assert found == []


@pytest.mark.parametrize(
    ("role", "page", "kind"),
    [("housing_officer", "housing", "XP"), ("warehouse_keeper", "relief", "PC"), ("receiver", "relief", "应急调"),
     ("county_disaster_officer", "review", "MKR"), ("inspector", "welfare", "MKD"),
     ("review_panel", "housing", ("XP", "WG"))],
)  # fmt: skip
def test_whoever_may_sees_the_marks(world, visit, role, page, kind):
    """Otherwise the matrix would be empty."""
    queries = [view.query for view in screens.views() if view.page == page]
    said = "".join(visit.open(world.people[role, "own"], page, query)[1] for query in queries)
    assert any(mark.startswith(kind) for mark in MARK.findall(said))


def test_a_rule_that_is_lost_turns_the_matrix_red(world, visit, monkeypatch):
    panel, person = world.roles["review_panel"], world.people["review_panel", "own"]
    assert visit.leaks(panel, person, "housing")[0] == []
    for table in ("household", "renovation_application", "house"):
        monkeypatch.setitem(scope_rules.RULES, table, replace(scope_rules.RULES[table], terms=()))
    frame._kept.clear()
    assert visit.leaks(panel, person, "housing")[0]
    frame._kept.clear()


def test_a_page_that_is_open_to_all_turns_the_matrix_red(world, visit, monkeypatch):
    real = world.roles["receiver"]
    wide = {**world.roles, "receiver": replace(real, pages=(*real.pages, "overview"))}
    policy = Bureau.policy
    monkeypatch.setattr(Bureau, "policy", lambda desk: replace(policy(desk), roles=wide))
    assert visit.leaks(real, world.people["receiver", "own"], "overview")[1] == text_of("zh")("pages.overview.title")


# Who gets an answer of each route: ``open`` tells nothing of a district; ``door`` is where one comes in; ``inside`` is
# for whoever is signed in; ``closed`` for nobody. A route without a row fails, but for those of Streamlit's core, which
# are closed where they have none.
ROUTES = {
    "/door/sign-in": "door", "/door/sign-out": "door", "/door/first": "door", "/door/unified": "door",
    "/door/unified/back": "door", "/door/device": "door", "/door/me": "door", "/door/seen": "door",
    "/door/lock": "door", "/door/unlock": "door", "/door/{rest:path}": "door", "/healthz": "open",
    "/assets/map.bundle.js": "open", "/assets": "open", "/component/{path:path}": "open", "/_stcore/health": "open",
    "/_stcore/host-config": "open", "/api/map/{address}": "inside", "/_stcore/metrics": "inside",
    "/media/{file_id:path}": "inside", "/_stcore/upload_file/{session_id}/{file_id}": "inside",
    "/_stcore/bidi-components/{path:path}": "inside", "/_stcore/stream": "inside", "/auth/login": "closed",
    "/auth/logout": "closed", "/oauth2callback": "closed", "": "inside",
}  # fmt: skip
FILLED = {"{rest:path}": "me2", "{file_id:path}": "nothing.pdf", "{path:path}": "nothing.js", "{session_id}": "1",
          "{file_id}": "2"}  # fmt: skip
# Asked last, each of a session of its own: they end or lock it.
ENDING = {"/door/lock", "/door/sign-out"}


def route_table() -> list[tuple[str, tuple[str, ...]]]:
    """Read the app's own table of routes: path, methods."""
    app = importlib.import_module("app").app
    app._runtime = app._create_runtime()
    found = app._build_starlette_app().routes
    return [(route.path, tuple(sorted(getattr(route, "methods", None) or ["GET"]))) for route in found]


def law_of(path: str) -> str:
    return ROUTES.get(path) or ("closed" if path.startswith("/_stcore/") else "")


def test_every_route_has_a_row(app_routes):
    assert [path for path, _ in app_routes if not law_of(path)] == []
    assert set(ROUTES) <= {path for path, _ in app_routes}


def address_of(path: str, drawn: str) -> str:
    for hole, value in FILLED.items():
        path = path.replace(hole, value)
    return {"": "/overview", "/assets": "/assets/door/watch.js"}.get(path, path.replace("{address}", drawn))


def is_told(answer: httpx.Response) -> bool:
    """Tell whether an answer comes from beyond the gate."""
    return answer.status_code not in (401, 423) and not answer.headers.get("location", "").startswith("/door/")


def wrong_answers(world: World, url: str, table: list[tuple[str, tuple[str, ...]]], who: str, token: str, *,
                  is_in: bool, hidden: set[str]) -> list[str]:  # fmt: skip
    """Ask every route by every method with a token; list what is answered that should not be, and the reverse."""
    found = []
    cookies = {COOKIE: token} if token else {}
    with httpx.Client(base_url=url, cookies=cookies, follow_redirects=False, timeout=60) as client:
        for path, methods in sorted(table, key=lambda one: one[0] in ENDING):
            for method in methods:
                answer = client.request(method, address_of(path, "no_such_map"))
                law, told = law_of(path), is_told(answer)
                if (law == "open" and not told) or (law == "inside" and told != is_in and method != "OPTIONS"):
                    found.append(f"{who} {method} {path}: {answer.status_code}")
                if law == "closed" and answer.status_code < 400 and method not in ("HEAD", "OPTIONS"):
                    found.append(f"{who} {method} {path}: {answer.status_code}")
                leaked = set(MARK.findall(answer.text)) & hidden
                if leaked or answer.status_code >= 500:
                    found.append(f"{who} {method} {path}: {answer.status_code} {sorted(leaked)[:3]}")
    return found


@pytest.fixture(scope="module")
def app_routes() -> list[tuple[str, tuple[str, ...]]]:
    return route_table()


@pytest.fixture(scope="module")
def site(world, tmp_path_factory):
    process, url = start_app(world.home, tmp_path_factory.mktemp("site") / "app.log")
    yield url
    process.terminate()
    process.wait(20)


@pytest.mark.parametrize("role", ROLES)
def test_no_route_tells_a_role_what_is_not_its_own(world, site, app_routes, role):
    found = []
    for relation in RELATIONS:
        person = world.people[role, relation]
        hidden = forbidden(world, world.roles[role], person)
        token = enter(world.home, person.login)
        found += wrong_answers(world, site, app_routes, person.login, token, is_in=True, hidden=hidden)
    assert found == []


def test_no_route_tells_anything_to_who_is_not_in(world, site, app_routes):
    everything = {row.mark for row in world.rows}
    ended, locked = enter(world.home, "duty"), enter(world.home, "duty2")
    desk = open_bureau(read_settings({}, home=world.home))
    with desk.transaction() as (session, act):
        signed_in, _ = accounts.who_is(session, desk.policy(), ended, watch())
        accounts.sign_out(session, act, signed_in, watch())
        signed_in, _ = accounts.who_is(session, desk.policy(), locked, watch())
        accounts.lock(session, signed_in)
    strangers = {"nobody": "", "wrong token": passwords.draw_token(), "signed out": ended, "locked": locked}
    for who, token in strangers.items():
        table = [(path, ways) for path, ways in app_routes if path not in ENDING]
        assert wrong_answers(world, site, table, who, token, is_in=False, hidden=everything) == []


def test_a_map_is_given_to_those_it_was_drawn_for_and_to_nobody_else(world):
    """Every audience against every other: a drawn map is asked for by an address that somebody else has passed on."""
    audiences = {key: audience_of(person) for key, person in world.people.items()}
    for key, audience in audiences.items():
        address, packed = maps_shelf.pack(f'{{"for":"{key}"}}')
        maps_shelf.lay(address, packed, audience)
        for other, theirs in audiences.items():
            assert (maps_shelf.take(address, theirs) is not None) == (theirs == audience), (key, other)


def test_a_gate_that_lets_everybody_in_turns_the_matrix_red(world, app_routes, tmp_path, monkeypatch):
    """The planted bug: a served app whose gate asks nobody."""
    bug = ("api/gate.py", "if path.startswith(OPEN):", "if path.startswith('/'):")
    source = spoilt.plant(tmp_path / "tree", [bug])
    with spoilt.served(world.home, tmp_path / "app.log", source=source) as url:
        found = wrong_answers(world, url, app_routes, "nobody", "", is_in=False, hidden=set())
    assert {line.split()[2].rstrip(":") for line in found} >= {"/media/{file_id:path}", "/api/map/{address}"}


def test_a_route_without_a_row_turns_the_matrix_red(app_routes):
    with pytest.raises(AssertionError):
        test_every_route_has_a_row([*app_routes, ("/api/everything", ("GET",))])
