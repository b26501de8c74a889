"""RELIABILITY.md's table of threats, row by row: one test each, named after the row."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import spoilt
import threats

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
