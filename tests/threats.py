"""The surfaces that are reached over HTTP, each with all that RELIABILITY.md's table of threats expects of it.

Every check talks to a served home as a stranger would, and raises AssertionError where one expectation does not hold;
the planted twins run the very same checks against an app that was spoilt on purpose.
"""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import door
import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from geo_minzheng.bootstrap import open_bureau, watch
from geo_minzheng.model.account import COOKIE, SessionKind
from geo_minzheng.services import accounts, passwords, response
from geo_minzheng.services.demo import APPROVER, INCIDENT
from geo_minzheng.settings import read_settings
from geo_minzheng.store import accounts as store

NOW = "2026-07-03T22:30"
HTML = {"Accept": "text/html"}
EVIL = "http://127.0.0.9:9"


@dataclass
class Site:
    """A served home, and people at as many addresses as are needed."""

    url: str
    home: Path
    _next: itertools.count = field(default_factory=lambda: itertools.count(1))

    def client(self, token="", *, bearer=False):
        """Sit down at an address of one's own."""
        n = next(self._next)
        way = httpx.HTTPTransport(local_address=f"127.0.{1 + n // 250}.{2 + n % 250}")
        headers = {"Authorization": f"Bearer {token}"} if bearer else {}
        cookies = {COOKIE: token} if token and not bearer else {}
        return httpx.Client(base_url=self.url, transport=way, headers=headers, cookies=cookies, timeout=30)

    @property
    def desk(self):
        return open_bureau(read_settings({}, home=self.home, now=NOW))

    def give_passwords(self, *logins):
        kept = passwords.hash_password(door.PASSWORD)
        with self.desk.transaction() as (session, act):
            for login in logins:
                row = store.get_account(session, login)
                store.change_account(session, act, "user.password", row, password_hash=kept, must_change=False)

    def rows(self, query, *values):
        with closing(sqlite3.connect(self.home / "district.gpkg")) as base:
            return base.execute(query, values).fetchall()

    def seat(self, login):
        """Give a token of somebody, and the number of the session behind it."""
        token = door.enter(self.home, login)
        with self.desk.reading() as session:
            found = store.find_sign_in(session, passwords.digest_token(token))
        return token, found[0].fid

    def age(self, fid, **back):
        """Let a session look older: ``opened_at``, ``seen_at`` so many minutes ago."""
        values = {name: watch() - timedelta(minutes=minutes) for name, minutes in back.items()}
        with self.desk.transaction() as (session, _):
            store.mark(session, fid, **values)


def knock(client, login, password, **more):
    """Try to sign in; give the answer and how long it took [s]."""
    start = time.perf_counter()
    answer = client.post("/door/sign-in", data={"login": login, "password": password}, **more)
    return answer, time.perf_counter() - start


def check_login(site):
    """Argon2id; 5 failures by account and by address, delay not lock-out; one message and time for all refused."""
    people = ["duty2", "command", "leader", "disaster"]
    site.give_passwords(*people, "keeper", "receiver", "inspector")
    with site.desk.transaction() as (session, act):
        accounts.disable(session, act, "consulting", watch())
    kept = [h for (h,) in site.rows("SELECT password_hash FROM account WHERE password_hash IS NOT NULL")]
    assert len(kept) >= 17 and all(h.startswith("$argon2id$v=19$m=") for h in kept)
    _same_answer(site, people)
    _delay_by_account(site)
    _delay_by_address(site)
    _flood(site)
    for login, word in (("admin", "admin"), ("admin", "password"), ("duty", ""), ("管理员", "123456"), ("", "")):
        with site.client() as stranger:
            assert COOKIE not in knock(stranger, login, word)[0].cookies, "a default account"


def _same_answer(site, people):
    times, said = {"known": [], "unknown": [], "disabled": []}, set()
    for k in range(12):
        for kind, login in (("known", people[k % 4]), ("unknown", f"没有此人{k}"), ("disabled", "consulting")):
            if kind == "disabled" and k >= 4:
                continue
            with site.client() as stranger:
                answer, took = knock(stranger, login, f"wrong-{k}-Word")
            times[kind].append(took)
            said.add((answer.status_code, re.sub(r' value="[^"]*"', "", answer.text, count=1)))
    assert len(said) == 1, "who is unknown, wrong or disabled is told apart by the answer"
    fast = {kind: min(took) for kind, took in times.items()}
    assert fast["known"] >= 0.01, f"void: nothing was hashed: {fast}"
    for kind in ("unknown", "disabled"):
        # A hash takes longer than all the rest by far: whoever is spared it answers in a small part of the time.
        assert 0.4 <= fast[kind] / fast["known"] <= 2.5, f"{kind} is told apart by the time: {fast}"


def _delay_by_account(site):
    took = []
    for _ in range(6):  # each from an address of its own
        with site.client() as stranger:
            took.append(knock(stranger, "keeper", "wrong-Word-1")[1])
    with site.client() as owner:
        answer, last = knock(owner, "keeper", door.PASSWORD)
    assert min(took[:5]) < 0.9 <= took[5], f"no delay after five failures of an account: {took}"
    assert last >= 1.5 and answer.status_code == 303 and COOKIE in answer.cookies, "a lock-out instead of a delay"
    with site.client() as owner:
        again = min(knock(owner, "keeper", door.PASSWORD)[1] for _ in range(3))
    assert again < 0.9, "the right password did not start the account anew"


def _delay_by_address(site):
    with site.client() as stranger:
        took = [knock(stranger, f"别人{k}", "wrong-Word-1")[1] for k in range(6)]
        answer, _ = knock(stranger, "receiver", door.PASSWORD)
    assert took[5] >= 0.9, f"no delay after five failures of an address: {took}"
    assert answer.status_code == 303, "a lock-out of an address"


def _flood(site):
    """Many at once get no more guesses than one after another, and do not keep the owner out."""
    with site.client() as stranger, ThreadPoolExecutor(32) as hands:
        told = list(hands.map(lambda k: knock(stranger, "inspector", f"wrong-{k}-Word")[0].status_code, range(32)))
        assert set(told) <= {403, 429} and told.count(429) >= 16, f"a flood of guesses is answered: {told}"
        hands.map(lambda k: knock(stranger, "inspector", f"wrong-{k}-Word"), range(8))
        with site.client() as owner:
            answer, took = knock(owner, "inspector", door.PASSWORD)
        assert answer.status_code == 303 and took < 15, (answer.status_code, took)


def check_session(site):
    """256-bit token, hashed, new at login; its flags; idle and absolute limits; disabled people are out at once."""
    site.give_passwords("approver")
    _token(site)
    _limits(site)
    _disabled(site)
    _gets_change_nothing(site)
    _foreign(site)


def _token(site):
    with site.client("attackers-choice") as browser:
        first = knock(browser, "approver", door.PASSWORD)[0]
    with site.client() as browser:
        second = knock(browser, "approver", door.PASSWORD, headers={"X-Forwarded-Proto": "https"})[0]
    tokens = [answer.cookies[COOKIE] for answer in (first, second)]
    flags = [{part.strip().lower() for part in answer.headers["set-cookie"].split(";")} for answer in (first, second)]
    assert len({*tokens, "attackers-choice"}) == 3, "the token is not new at login"
    assert all(re.fullmatch(r"[\w-]{43,}", token) for token in tokens), "no 256 bits"
    for flag in flags:
        assert {"httponly", "samesite=lax", "path=/"} <= flag, f"flags of the cookie: {flag}"
        assert not any(part.startswith(("domain", "max-age", "expires")) for part in flag), flag
    assert ("secure" in flags[0], "secure" in flags[1]) == (False, True), "Secure where there is HTTPS"
    raw = b"".join(p.read_bytes() for p in site.home.rglob("district.gpkg*"))
    hashes = {h for (h,) in site.rows("SELECT token_hash FROM sign_in")}
    for token in tokens:
        assert token.encode() not in raw and passwords.digest_token(token) in hashes, "kept in the clear"
        with site.client(token) as browser:
            assert browser.get("/door/me").status_code == 200
            assert browser.get("/", headers=HTML).headers["cache-control"] == "no-store"
    with site.client("attackers-choice") as browser:
        assert browser.get("/door/me").status_code == 401, "a token of somebody's own choice"
    with site.client(tokens[0]) as browser:
        assert browser.post("/door/sign-out").status_code == 303
    with site.client(tokens[0]) as browser:
        assert browser.get("/door/me").status_code == 401, "signed out, and still in"


def _limits(site):
    """During a response the screen locks and the session stays; in quiet times it ends."""
    token, fid = site.seat("duty")
    with site.client(token) as browser:
        site.age(fid, seen_at=11)
        me = browser.get("/door/me").json()
        assert (me["locked"], me["locks"], me["quiet_s"]) == (True, True, 600), me
        for path in ("/api/map/x", "/media/x"):
            for accept in ("*/*", "text/html"):
                assert browser.get(path, headers={"Accept": accept}).status_code == 423, "a locked screen gives data"
        assert browser.post("/door/seen").status_code == 423, "who is not there opens the lock"
        site.age(fid, opened_at=13 * 60, seen_at=1)
        assert browser.get("/door/me").status_code == 200, "thrown out during a response"
        _decide(site, None)
        try:
            assert browser.get("/door/me").status_code == 401, "in quiet times a session ends after 12 hours"
            site.age(fid, opened_at=40, seen_at=29)
            assert browser.get("/door/me").status_code == 200
            site.age(fid, seen_at=31)
            assert browser.get("/door/me").status_code == 401, "in quiet times a session ends after 30 idle minutes"
        finally:
            _decide(site, "IV")


def _decide(site, level):
    desk = site.desk.for_name("值班员甲")
    with desk.transaction() as (session, act):
        response.decide_level(session, act, desk.policy(), INCIDENT, response.Decision(level, APPROVER, "演练"))


@contextmanager
def stream(site, token="", **headers):
    """Open the app's WebSocket."""
    more = ({"Cookie": f"{COOKIE}={token}"} if token else {}) | headers
    way = site.url.replace("http:", "ws:") + "/_stcore/stream"
    with connect(way, additional_headers=more, subprotocols=["streamlit"], open_timeout=20, proxy=None) as socket:
        yield socket


def is_open(site, token="", **headers):
    """Tell whether the app's WebSocket opens."""
    try:
        with stream(site, token, **headers):
            return True
    except (InvalidStatus, ConnectionClosed):
        return False


def _disabled(site):
    site.give_passwords("housing")
    token, _ = site.seat("housing")
    device = pair(site, "housing")
    ways = [site.client(token), site.client(device, bearer=True), site.client(device)]
    for client in ways:
        assert client.get("/", headers=HTML).status_code == 200 and client.get("/api/map/x").status_code == 404
    assert is_open(site, token) and is_open(site, device), "void: the WebSocket does not open for who is in"
    assert not is_open(site), "a WebSocket for nobody"
    with site.desk.transaction() as (session, act):
        accounts.disable(session, act, "housing", watch())
    for client in ways:
        page = client.get("/", headers=HTML)
        assert (page.status_code, page.headers.get("location")) == (303, "/door/sign-in"), "a page after all"
        assert client.get("/api/map/x").status_code == 401, "a route after all"
        assert client.get("/door/me").status_code == 401
        client.close()
    assert not is_open(site, token) and not is_open(site, device), "a WebSocket after all"
    with site.client() as browser:
        assert knock(browser, "housing", door.PASSWORD)[0].status_code == 403, "a disabled account signs in after all"


def _dump(site):
    seen = "SELECT fid, opened_at, seen_at, is_locked, ended_at FROM sign_in"
    return site.rows("SELECT count(*), max(seq) FROM audit"), site.rows(seen), site.rows("SELECT count(*) FROM account")


def own_routes():
    """Read the app's own table of routes: path and methods."""
    from geo_minzheng.api.routes import routes

    return [(route.path, sorted(getattr(route, "methods", None) or ())) for route in routes()]


def _gets_change_nothing(site):
    token, _ = site.seat("leader")
    before, asked = _dump(site), 0
    changing, readable = ({p for p, methods in own_routes() if m in methods} for m in ("POST", "GET"))
    with site.client(token) as browser:
        for path, methods in own_routes():
            answer = browser.get(path.replace("{address}", "x") + ("/fonts" if path == "/assets" else ""))
            if "POST" in methods and path not in readable:
                assert answer.status_code in (404, 405), f"{path} answers GET"
            asked += 1
        assert browser.get("/door/me").status_code == 200, "a GET signed somebody out"
    assert asked == len(own_routes()) >= 14 and len(changing) >= 6
    assert _dump(site) == before, "a GET changed something"


def _foreign(site):
    token, _ = site.seat("planner")
    host = urlsplit(site.url).netloc
    marks = (
        {"Origin": EVIL}, {"Origin": "null"}, {"Origin": f"http://{host}.evil.test"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    )  # fmt: skip
    with site.client(token) as browser:
        for path, methods in own_routes():
            if "POST" in methods:
                for mark in marks:
                    assert browser.post(path, headers=mark).status_code == 403, f"{path} takes a stranger's {mark}"
        assert browser.get("/door/me").status_code == 200
        assert browser.post("/door/seen", headers={"Origin": site.url}).status_code == 200
    assert is_open(site, token, Origin=site.url)
    assert not is_open(site, token, Origin=EVIL), "a WebSocket from a stranger's page"


def pair(site, login, kind=SessionKind.PHONE):
    """Pair a device as its owner would, by the code; give its token."""
    desk = site.desk
    with desk.transaction() as (session, act):
        code, _ = accounts.pair(session, act, desk.policy(), login, kind, "试验手机", watch())
    with site.client() as phone:
        answer = phone.post("/door/device", data={"code": code})
        assert answer.status_code == 303, answer.text
        again = phone.post("/door/device", data={"code": code})
    assert again.status_code == 403, "a pairing code is good once"
    return answer.cookies[COOKIE]


def check_api_tokens(site):
    """By device, revocable, only the hash stored, never in a URL, rate-limited."""
    one, two = pair(site, "manager"), pair(site, "manager")
    found = site.rows("SELECT fid, token_hash, kind, label FROM sign_in WHERE kind = 'phone' AND ended_at IS NULL")
    assert {h for _, h, _, _ in found} >= {passwords.digest_token(one), passwords.digest_token(two)}
    raw = b"".join(p.read_bytes() for p in site.home.rglob("district.gpkg*"))
    assert one.encode() not in raw and two.encode() not in raw
    with site.client(one, bearer=True) as phone:
        assert phone.get("/door/me").json()["kind"] == "phone"
    with site.client() as stranger:
        for name in ("token", "access_token", "authorization", "bearer", COOKIE):
            assert stranger.get("/api/map/x", params={name: one}).status_code == 401, f"a token in the URL: {name}"
            assert stranger.get(f"/?{name}={one}", headers=HTML).status_code == 303
    revoked = next(fid for fid, h, _, _ in found if h == passwords.digest_token(one))
    with site.desk.transaction() as (session, act):
        assert accounts.end_session(session, act, "manager", watch(), only=revoked) == 1
    with site.client(one, bearer=True) as lost, site.client(two, bearer=True) as kept:
        assert (lost.get("/api/map/x").status_code, kept.get("/api/map/x").status_code) == (401, 404)
    told = "".join(f"{a}{b}" for a, b in site.rows("SELECT before, after FROM audit"))
    assert one not in told and passwords.digest_token(one) not in told
    _rate(site, two)


def _rate(site, token):
    """Six hundred a minute are enough for anybody; a flood hinders nobody else, and new tokens do not help."""
    with ThreadPoolExecutor(4) as hands, site.client(token, bearer=True) as phone, site.client() as stranger:
        told = list(hands.map(lambda _: phone.get("/api/map/x"), range(620)))
        codes = [answer.status_code for answer in told]
        assert codes.count(429) >= 15 and codes.count(404) >= 590, "no limit by device"
        assert next(a for a in told if a.status_code == 429).headers["retry-after"] == "60"

        def guess(k):
            return stranger.get("/api/map/x", headers={"Authorization": f"Bearer guess-{k:040d}"}).status_code

        guesses = list(hands.map(guess, range(620)))
        assert guesses.count(429) >= 15 and set(guesses) == {401, 429}, "no limit for who guesses tokens"
    other, _ = site.seat("reviewer")
    with site.client(other) as browser:
        assert browser.get("/api/map/x").status_code == 404, "a flood shuts out others"


# What may be asked, and what of it needs nobody to be signed in: a route beside these fails the check.
ROUTES = {
    "/door/sign-in": "open", "/door/sign-out": "open", "/door/first": "open", "/door/device": "open",
    "/door/unified": "open", "/door/unified/back": "open",
    "/door/me": "own", "/door/seen": "own", "/door/lock": "own", "/door/unlock": "own", "/door/{rest:path}": "open",
    "/healthz": "open", "/api/map/{address}": "closed", "/assets/map.bundle.js": "open", "/assets": "open",
}  # fmt: skip


def check_side_api(site):
    """Every route there is: closed to strangers, JSON only, nothing extra, who asks is told by the session alone."""
    assert {path for path, _ in own_routes()} == set(ROUTES), "a route nobody judged"
    token, _ = site.seat("auditor")
    with site.client() as stranger, site.client(token) as browser:
        for path, methods in own_routes():
            address = path.replace("{address}", "x")
            for method in set(methods) - {"HEAD"}:
                if ROUTES[path] != "open":
                    told = stranger.request(method, address)
                    assert told.status_code in ((401, 415) if method == "POST" else (401,)), (path, told.status_code)
            for method in ("PUT", "PATCH", "DELETE"):
                assert browser.request(method, address).status_code == 405, f"{method} {path}"
        good = {"word": "x"}
        for wrong in ({**good, "login": "duty"}, {**good, "scope": ""}, {}, [good], {"word": 1}, {"word": None}):
            assert browser.post("/door/unlock", json=wrong).status_code == 400, f"taken: {wrong}"
        assert browser.post("/door/unlock", data=good).status_code == 415, "a form instead of JSON"
        assert (
            browser.post("/door/unlock", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
        )
        assert browser.post("/door/unlock", json={"word": "x" * 20_000}).status_code == 413
        assert browser.post("/door/sign-in", json={"login": "a", "password": "b"}).status_code == 415
        many = "&".join(f"a{k}=1" for k in range(50))
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        assert browser.post("/door/sign-in", content=many, headers=kind).status_code == 400
        assert json.loads(browser.get("/door/me").text)["kind"] == "browser"
        head = browser.get("/door/me").headers
        assert head["x-content-type-options"] == "nosniff" and "frame-ancestors" in head["content-security-policy"]
        assert "access-control-allow-origin" not in browser.get("/door/me", headers={"Origin": EVIL}).headers
    with site.client(token, bearer=True) as device:
        assert device.get("/door/me").status_code == 200


HTTP_CHECKS = {
    "login": check_login, "session": check_session, "api_tokens": check_api_tokens, "side_api": check_side_api,
}  # fmt: skip
