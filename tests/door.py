"""Come in by the door, as the tests need it: a real account, a real session of it, its token."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from playwright.sync_api import Page

from geo_minzheng.bootstrap import open_bureau, watch
from geo_minzheng.model.account import COOKIE, Person, SessionKind
from geo_minzheng.policy.load import load_policy
from geo_minzheng.services import demo, demo_people, passwords
from geo_minzheng.settings import data_dir, read_settings
from geo_minzheng.store import accounts

# Which home is served at which address.
HOMES: dict[str, Path] = {}
# Whose session a page runs in that is run by itself.
SEAT = {"token": ""}
PASSWORD = "yangliu-Shuian-7"


def enter(
    home: Path, who: str, *, role: str = "emergency_coordinator", scope: str = "", place: str = "",
    kind: SessionKind = SessionKind.BROWSER,
) -> str:  # fmt: skip
    """Open a session for somebody, whose account is made where there is none yet; give its token."""
    desk = open_bureau(read_settings({}, home=home, now=os.environ.get("GEO_MINZHENG_NOW", "")))
    token = passwords.draw_token()
    with desk.transaction() as (session, act):
        row = accounts.find_account(session, who)
        if row is None:
            row = accounts.add_account(session, act, Person(who, who, role, scope, place))
            accounts.change_account(session, act, "user.change", row, must_change=False)
        accounts.open_sign_in(
            session, act, row, token_hash=passwords.digest_token(token), kind=kind, at=watch(), label=""
        )
    return token


def who_for(page: str) -> str:
    """Name an account of the demo whose role has a page."""
    roles = load_policy(data_dir("policy"), profile="seed_reference", day=date(2026, 7, 3)).roles
    return next(post.name for post in demo_people.POSTS if page in ("home", *roles[post.role].pages, "account"))


def sit(home: Path, who: str, **more: str) -> None:
    """Let the next page that is run by itself run in somebody's session."""
    SEAT["token"] = enter(home, who, **more)


def give_password(home: Path, who: str, password: str = PASSWORD) -> None:
    """Give an account a password that a test may type."""
    desk = open_bureau(read_settings({}, home=home))
    with desk.transaction() as (session, act):
        row = accounts.get_account(session, who)
        kept = passwords.hash_password(password)
        accounts.change_account(session, act, "user.password", row, password_hash=kept, must_change=False)


def let_in(page: Page, home: Path, url: str, who: str, **more: str) -> None:
    """Put somebody's session into a browser that looks at a served home."""
    base = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    page.context.add_cookies([{"name": COOKIE, "value": enter(home, who, **more), "url": base}])


def go(page: Page, url: str) -> None:
    """Open an address as who stands in its ``as``, a duty officer where nobody does."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    who = query.pop("as", demo.DUTY)
    base = f"{parts.scheme}://{parts.netloc}"
    if page.context.__dict__.get("_who") != who:
        let_in(page, HOMES[base], base, who)
        page.context.__dict__["_who"] = who
    page.goto(f"{base}{quote(parts.path)}" + (f"?{urlencode(query)}" if query else ""))
