"""Sign-in by the bureau's identity provider: who is bound comes in, every lie stays out, and the session is ours."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import httpx
import provider as idps
import pytest
import uvicorn
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.middleware import Middleware

from geo_minzheng.api import door, gate, unified
from geo_minzheng.bootstrap import open_bureau, watch
from geo_minzheng.errors import InputError, RefusedError, StoreError
from geo_minzheng.model.account import COOKIE, Person
from geo_minzheng.services import accounts, district
from geo_minzheng.settings import read_settings

BACK = "http://127.0.0.1:8501/door/unified/back"
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def idp():
    with idps.provider() as made:
        yield made


@pytest.fixture
def desk(tmp_path, monkeypatch, idp):
    idp.lie()
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(tmp_path))
    office = open_bureau(read_settings({}, home=tmp_path))
    office.create_store()
    with office.transaction() as (session, act):
        district.name_district(session, act, {"code": "420703", "name": "测试区", "policy_profile": "seed_reference"})
        accounts.add_person(session, act, office.policy(), Person("duty", "值班员甲", "emergency_coordinator"))
        accounts.bind_subject(session, act, "duty", f"{idp.url} {idp.sub}")
    write(office.settings.keys, idps.settings_of(idp, BACK))
    door._failures.forget("address 127.0.0.1")
    unified._known.clear()
    return office


def write(home, words, mode=0o600):
    path = home / unified.FILE
    path.write_text(words, encoding="utf-8")
    path.chmod(mode)


@pytest.fixture(scope="module")
def served():
    """Serve the door and its gate on a free port; whose home it is stands in the environment."""
    app = Starlette(routes=door.routes(), middleware=[Middleware(gate.Gate)])
    with socket.create_server(("127.0.0.1", 0)) as wire:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [wire]})
        thread.start()
        yield f"http://127.0.0.1:{wire.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@contextmanager
def sit(url):
    with httpx.Client(base_url=url, follow_redirects=False, timeout=30) as client:
        yield client


@pytest.fixture
def browser(desk, served):
    with sit(served) as client:
        yield client


def go_there(browser, wanted="/review?view=waiting"):
    """Click the link of the door, say who one is, and give the way back."""
    answer = browser.get("/door/unified", params={"next": wanted})
    assert answer.status_code == 303, answer.text
    there = httpx.get(answer.headers["location"])
    assert there.status_code == 302
    return urlsplit(there.headers["location"])


def come_in(browser, **more):
    back = go_there(browser, **more)
    return browser.get(f"{back.path}?{back.query}", headers=HTML)


def test_who_is_bound_comes_in_where_they_wanted_and_the_session_is_ours(browser, desk):
    answer = come_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/review?view=waiting")
    signed_in = gate.sitting(browser.cookies[COOKIE])
    assert signed_in.person.login == "duty"
    assert not signed_in.must_change, "whom the provider vouches for needs no one-time secret"
    with desk.transaction() as (session, act):
        accounts.disable(session, act, "duty", watch())
    assert gate.sitting(browser.cookies[COOKIE]) is None, "disabled here, out here"
    assert come_in(browser).status_code == 403


def test_the_way_back_leads_to_no_foreign_site(browser):
    assert come_in(browser, wanted="https://evil.example/").headers["location"] == "/"


def test_the_door_offers_it_only_where_it_is_set_up(browser, desk):
    link = 'href="/door/unified?'
    assert link in browser.get("/door/sign-in", headers=HTML).text
    (desk.settings.keys / unified.FILE).unlink()
    assert link not in browser.get("/door/sign-in", headers=HTML).text
    assert browser.get("/door/unified").status_code == 404
    assert browser.get("/door/unified/back?state=x&code=y").status_code == 404


LIES = {
    "somebody unbound": lambda i: {"claims": {"sub": "10087"}},
    "another issuer": lambda i: {"claims": {"iss": "https://evil.example"}},
    "for another client": lambda i: {"claims": {"aud": "other"}},
    "for two, given to the other": lambda i: {"claims": {"aud": [idps.CLIENT, "other"], "azp": "other"}},
    "for us, given to another": lambda i: {"claims": {"azp": "other"}},
    "an old one": lambda i: {"claims": {"exp": int(time.time()) - 3600}},
    "without an end": lambda i: {"claims": {"exp": None}},
    "another sign-in's": lambda i: {"claims": {"nonce": "of another"}},
    "without a nonce": lambda i: {"claims": {"nonce": None}},
    "without a subject": lambda i: {"claims": {"sub": None}},
    "a subject that is no word": lambda i: {"claims": {"sub": ["10086"]}},
    "signed by a stranger": lambda i: {"sign_with": i.foreign},
    "not signed": lambda i: {"alg": "none"},
    "signed with the shared secret": lambda i: {"sign_with": i.shared, "alg": "HS256"},
    "from tomorrow": lambda i: {"claims": {"iat": int(time.time()) + 86400}},
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_does_not_hold_opens_nothing(browser, idp, lie):
    idp.lie(**LIES[lie](idp))
    answer = come_in(browser)
    assert answer.status_code == 403
    assert COOKIE not in browser.cookies
    assert (f"{idp.url} 10087" in answer.text) == (lie == "somebody unbound"), "what the administrator has to bind"
    assert "role=alert" in answer.text
    assert 'name="password"' in answer.text, "the password is still a way in"


def test_one_return_counts_once_and_in_the_browser_that_began(browser, desk):
    back = go_there(browser)
    with sit(str(browser.base_url)) as other:
        assert other.get(f"{back.path}?{back.query}").status_code == 403, "a link that somebody else was sent"
    assert browser.get(f"{back.path}?{back.query}").status_code == 403, "it was spent"
    back = go_there(browser)
    assert browser.get(f"{back.path}?{back.query}").status_code == 303
    assert browser.get(f"{back.path}?{back.query}").status_code == 403
    state = parse_qs(back.query)["state"][0]
    assert browser.get(f"{back.path}?state={state}&code=guessed").status_code == 403
    assert browser.get(back.path).status_code == 403


def test_a_sign_in_that_waited_too_long_is_begun_anew():
    waiting = unified.Waiting()
    state, word, begun = waiting.begin("/", "zh")
    waiting._found[state] = unified.Begun(begun.browser, begun.nonce, begun.verifier, "/", "zh", time.monotonic() - 1)
    with pytest.raises(RefusedError, match="not_begun"):
        waiting.take(state, word)


def test_many_who_begin_and_never_come_back_fill_no_memory():
    waiting = unified.Waiting()
    for _ in range(unified._MOST_BEGUN + 50):
        waiting.begin("/", "zh")
    assert len(waiting._found) == unified._MOST_BEGUN


def test_a_provider_out_of_reach_leaves_the_password(browser, desk, idp):
    write(desk.settings.keys, idps.settings_of(idp, BACK).replace(idp.url, "http://127.0.0.1:9"))
    answer = browser.get("/door/unified", headers=HTML)
    assert answer.status_code == 502
    assert "连不上" in answer.text
    assert 'name="password"' in answer.text


@pytest.mark.parametrize(
    "broken", ["client_id", "client_secret", "server_metadata_url", "redirect_uri", "toml", "http", "table", "bracket"]
)
def test_settings_that_cannot_be_used_are_named(browser, desk, idp, broken):
    words = idps.settings_of(idp, BACK)
    changed = {"toml": words + "[", "http": words.replace(idp.url, "http://sso.example.gov.cn"),
               "table": 'auth = "x"', "bracket": words.replace(BACK, "https://[x")}  # fmt: skip
    lines = "\n".join(line for line in words.splitlines() if not line.startswith(broken))
    write(desk.settings.keys, changed.get(broken, lines))
    with pytest.raises(StoreError) as caught:
        unified.read_provider(desk.settings.keys)
    assert caught.value.key == "unified.damaged"
    answer = browser.get("/door/unified", headers=HTML)
    assert answer.status_code == 502
    assert str(desk.settings.keys) not in answer.text, "where the files lie is nobody's business outside"
    assert browser.get("/door/sign-in", headers=HTML).status_code == 200


def test_settings_that_others_may_read_are_refused(desk, idp):
    write(desk.settings.keys, idps.settings_of(idp, BACK), 0o644)
    with pytest.raises(StoreError) as caught:
        unified.read_provider(desk.settings.keys)
    assert caught.value.key == "unified.too_open"


def test_a_subject_is_bound_to_one_account_and_drops_the_unused_secret(desk, idp):
    with desk.transaction() as (session, act):
        secret = accounts.add_person(session, act, desk.policy(), Person("two", "第二人", "emergency_coordinator"))
        accounts.bind_subject(session, act, "two", f"{idp.url} 2")
    with desk.transaction() as (session, act), pytest.raises(RefusedError):
        accounts.sign_in(session, act, "two", secret, watch())
    with desk.transaction() as (session, act), pytest.raises(RefusedError, match="subject_taken"):
        accounts.bind_subject(session, act, "two", f"{idp.url} {idp.sub}")
    for bad in (
        "10086",
        "http://sso.example.gov.cn 10086",
        "https://sso.example.gov.cn",
        "https://sso.example.gov.cn ",
    ):
        with desk.transaction() as (session, act), pytest.raises(InputError, match="bad_subject"):
            accounts.bind_subject(session, act, "two", bad)
    with desk.transaction() as (session, act):
        accounts.bind_subject(session, act, "two", "")


def test_an_odd_way_back_and_odd_words_of_the_administrator_are_no_crash(browser, desk):
    assert come_in(browser, wanted="//[").headers["location"] == "/"
    with desk.transaction() as (session, act), pytest.raises(InputError, match="bad_subject"):
        accounts.bind_subject(session, act, "duty", "https://[x 1")


def test_a_key_that_nobody_can_read_keeps_nobody_out(browser, idp, monkeypatch):
    odd = [{"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA"}, {"kty": "RSA", "use": "enc", "n": "AA", "e": "AQAB"}]
    monkeypatch.setattr(idp, "more_keys", odd)
    assert come_in(browser).status_code == 303


@pytest.mark.parametrize("odd", [[], ["x"], "x", 7, {}, {"id_token": ["x"]}, {"access_token": "x"}])
def test_an_answer_of_another_shape_is_a_refusal(browser, idp, monkeypatch, odd):
    monkeypatch.setattr(idp, "odd_answer", odd)
    answer = come_in(browser)
    assert answer.status_code == 403
    assert 'name="password"' in answer.text


def test_the_secret_stands_in_no_repr(desk):
    assert idps.SECRET not in repr(unified.read_provider(desk.settings.keys))


def test_bound_to_somebody_else_the_open_sessions_end(browser, desk, idp):
    come_in(browser)
    assert gate.sitting(browser.cookies[COOKIE])
    with desk.transaction() as (session, act):
        accounts.bind_subject(session, act, "duty", f"{idp.url} another")
    assert gate.sitting(browser.cookies[COOKIE]) is None


def test_who_has_no_password_sets_a_pin_without_one_and_unlocks_by_it(browser, desk):
    come_in(browser)
    signed_in = gate.sitting(browser.cookies[COOKIE])
    with desk.transaction() as (session, act):
        accounts.set_pin(session, act, desk.policy(), signed_in, "", "390274")
    with desk.transaction() as (session, _):
        accounts.lock(session, signed_in)
    with desk.transaction() as (session, _), pytest.raises(RefusedError):
        accounts.unlock(session, signed_in, "390275", watch())
    with desk.transaction() as (session, _):
        accounts.unlock(session, signed_in, "390274", watch())


def test_a_provider_that_hangs_holds_nobody_else_up(browser, desk, idp, served):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = f"http://127.0.0.1:{silent.getsockname()[1]}"
        write(desk.settings.keys, idps.settings_of(idp, BACK).replace(idp.url, there))

        def knock():
            with sit(served) as stranger:
                answer = stranger.get("/door/unified", headers=HTML)
                return answer.status_code, "请10秒后再试" in answer.text

        with ThreadPoolExecutor(12) as crowd:
            asked = [crowd.submit(knock) for _ in range(12)]
            time.sleep(1)
            began = time.monotonic()
            assert browser.get("/door/sign-in", headers=HTML).status_code == 200
            assert time.monotonic() - began < 5, "the door waits with them"
            told = [one.result() for one in asked]
    expected = [(429, True)] * 8 + [(502, False)] * 4
    assert sorted(told) == expected, "only so many wait for it, nobody queues behind them, and all are told in words"


def test_the_keys_of_a_provider_may_change(browser, idp, monkeypatch):
    monkeypatch.setattr(idp, "key", RSAKey.generate_key(2048))
    idp.lie()
    assert come_in(browser).status_code == 303
