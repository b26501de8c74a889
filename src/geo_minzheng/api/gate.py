"""The gate before every page and route: who may pass, what foreign pages may not send, and how often one may ask."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, RedirectResponse, Response

from geo_minzheng import bootstrap
from geo_minzheng.errors import NotFoundError
from geo_minzheng.model.account import COOKIE
from geo_minzheng.services import accounts
from geo_minzheng.settings import read_settings

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.account import SignedIn

SIGN_IN = "/door/sign-in"
FIRST = "/door/first"
# What tells nothing of a district: the door itself, the product's and Streamlit's own files, signs of life.
OPEN = (
    "/door/", "/assets/", "/static/", "/component/", "/healthz", "/_stcore/health", "/_stcore/host-config",
    "/favicon", "/manifest.json", "/robots.txt", "/service-worker.js",
)  # fmt: skip
# What of Streamlit's own the app lives on; the rest of it, as driving the app by machine, is not there.
_CORE = "/_stcore/"
_USED = tuple(
    f"{_CORE}{name}" for name in ("health", "host-config", "stream", "metrics", "upload_file/", "bidi-components/")
)
_UNUSED = ("/auth/", "/oauth2callback")
# What a locked screen does not give, whatever the browser says that it takes.
_DATA = ("/api/", "/media/")
_HEAD = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=()",
    "Content-Security-Policy": "frame-ancestors 'self'; base-uri 'self'; form-action 'self'; object-src 'none'",
}
_SCRIPT = (
    b'<link rel="stylesheet" href="/assets/door/door-lock.css">'
    b'<script src="/assets/door/watch.js" defer></script></head>'
)
_SAFE = ("GET", "HEAD", "OPTIONS")
# A page asks for its map, its photos and the door; a person cannot click that fast.
MOST_PER_MINUTE = 600


class Counter:
    """Counts what one key did within a window; keys that were silent longest are forgotten first."""

    def __init__(self, window_s: float, most_keys: int = 10_000) -> None:
        self._window, self._most = window_s, most_keys
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def add(self, key: str) -> int:
        """Count one more; give how many there were within the window, this one included."""
        with self._lock:
            found = self._seen.setdefault(key, deque())
            self._seen.move_to_end(key)
            found.append(time.monotonic())
            while len(self._seen) > self._most:
                self._seen.popitem(last=False)
            return self._count(found)

    def count(self, key: str) -> int:
        """Give how many there were within the window."""
        with self._lock:
            return self._count(self._seen.get(key, deque()))

    def forget(self, key: str) -> None:
        """Start a key anew."""
        with self._lock:
            self._seen.pop(key, None)

    def take_back(self, key: str) -> None:
        """Take the last one back."""
        with self._lock:
            found = self._seen.get(key)
            if found:
                found.pop()

    def _count(self, found: deque[float]) -> int:
        oldest = time.monotonic() - self._window
        while found and found[0] < oldest:
            found.popleft()
        return len(found)


_asked = Counter(60)


def office() -> Bureau:
    """Open the bureau of this process."""
    return bootstrap.open_bureau(read_settings())


def address_of(scope: Scope) -> str:
    """Tell where a request comes from."""
    return str(scope["client"][0]) if scope.get("client") else ""


def token_of(headers: Headers) -> str:
    """Read the token of a request: a device's bearer header, else the browser's cookie."""
    kind, _, bearer = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return bearer.strip()
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def sitting(token: str) -> SignedIn | None:
    """Tell who sits behind a token; nobody where there is no district."""
    if not token:
        return None
    desk = office()
    try:
        with desk.reading() as session:
            found = accounts.who_is(session, desk.policy(), token, bootstrap.watch())
    except NotFoundError:
        return None
    return found[0] if found else None


def is_foreign(headers: Headers) -> bool:
    """Tell whether another site's page sent a request."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc != headers.get("host", "")


def local_path(wanted: str) -> str:
    """Keep a way back inside this site; anything else leads to the first page."""
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/door/"))
    return wanted if is_local and not parts.scheme and not parts.netloc and wanted.isprintable() else "/"


class Gate:
    """ASGI middleware: nothing of a district passes to who is not signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = await self._refusal(scope)
        if refusal is not None:
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await refusal(scope, receive, _headed(send))
            return
        if scope["type"] == "http" and _is_page(scope):
            await _serve_page(self._app, scope, receive, send)
            return
        await self._app(scope, receive, _headed(send) if scope["type"] == "http" else send)

    async def _refusal(self, scope: Scope) -> Response | None:
        headers, path = Headers(scope=scope), scope["path"]
        method = scope.get("method", "GET")
        if (method not in _SAFE or scope["type"] == "websocket") and is_foreign(headers):
            return JSONResponse({"status": "foreign"}, status_code=403)
        if path.startswith(_UNUSED) or (path.startswith(_CORE) and not path.startswith(_USED)):
            return JSONResponse({"status": "not found"}, status_code=404)
        if path.startswith(OPEN):
            return None
        signed_in = await run_in_threadpool(sitting, token_of(headers))
        # Who is in is counted by their session, wherever they sit; all others by where they come from.
        asks = f"session {signed_in.session}" if signed_in else f"address {address_of(scope)}"
        if scope["type"] == "http" and _asked.add(asks) > MOST_PER_MINUTE:
            return JSONResponse({"status": "slow down"}, status_code=429, headers={"Retry-After": "60"})
        if signed_in is None:
            return _to_door(scope, headers)
        if signed_in.must_change:
            return RedirectResponse(FIRST, status_code=303) if _wants_html(headers) else _closed(401)
        is_shell = _wants_html(headers) and not path.startswith(_DATA)
        if signed_in.is_locked and scope["type"] == "http" and not is_shell:
            return _closed(423)
        scope.setdefault("state", {})["signed_in"] = signed_in
        return None


def _wants_html(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")


def _is_page(scope: Scope) -> bool:
    return scope["method"] == "GET" and _wants_html(Headers(scope=scope)) and not scope["path"].startswith(OPEN)


def _closed(status: int) -> Response:
    return JSONResponse({"status": "locked" if status == 423 else "signed out"}, status_code=status)


def _to_door(scope: Scope, headers: Headers) -> Response:
    if scope["type"] == "http" and scope["method"] == "GET" and _wants_html(headers):
        query = scope.get("query_string", b"").decode("latin-1")
        wanted = quote(scope["path"], safe="/") + (f"?{query}" if query else "")
        way = f"?next={quote(wanted, safe='')}" if wanted != "/" else ""
        return RedirectResponse(f"{SIGN_IN}{way}", status_code=303)
    return _closed(401)


def _headed(send: Send, more: Callable[[MutableHeaders], None] | None = None) -> Send:
    async def headed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEAD.items():
                headers.setdefault(name, value)
            if more is not None:
                more(headers)
        await send(message)

    return headed


async def _serve_page(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a page with the script that tells the door whether somebody is there."""
    # Asked for as it is: what is packed cannot be added to.
    kept = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
    start: Message = {}
    body = bytearray()

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app({**scope, "headers": kept}, receive, collect)
    if not start:
        return
    headers = MutableHeaders(raw=list(start["headers"]))
    whole = bytes(body)
    if headers.get("content-type", "").startswith("text/html"):
        whole = whole.replace(b"</head>", _SCRIPT, 1)
        headers["Cache-Control"] = "no-store"
        headers["Content-Length"] = str(len(whole))
    start["headers"] = headers.raw
    head = _headed(send)
    await head(start)
    await send({"type": "http.response.body", "body": whole})
