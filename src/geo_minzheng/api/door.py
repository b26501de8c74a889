"""The door's routes: sign in and out, the first password, a device's pairing, the lock."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from anyio import CapacityLimiter, WouldBlock, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from geo_minzheng import bootstrap
from geo_minzheng.api import gate, unified
from geo_minzheng.engine.sitting import pause_after
from geo_minzheng.errors import GeoMinzhengError, NotFoundError, RefusedError, StoreError
from geo_minzheng.model.account import COOKIE
from geo_minzheng.present import door as pages
from geo_minzheng.services import accounts, responding

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.account import SignedIn
    from geo_minzheng.present.text import Text

_WINDOW_S = 15 * 60
_failures = gate.Counter(_WINDOW_S)
# So many wait at once for their turn, in all and from one address; more would be a flood, and are sent away.
_MOST_WAITING, _MOST_OF_ONE = 64, 8
_waiting: Counter[str] = Counter()
_NO_STORE = {"Cache-Control": "no-store"}
_SECRET_LIMIT = 200
_begun = unified.Waiting()
# So many ask the provider at once, in threads of their own: one that hangs holds nobody else up.
_at_provider = CapacityLimiter(4)
_log = logging.getLogger(__name__)
# Kept by the browser while somebody is at the bureau's identity provider.
_WORD, _WORD_PATH = "gm_unified", "/door/unified"
_MOST_BYTES = 16_384


@dataclass(frozen=True)
class Asked:
    """A form that came in: its fields, and the language it was filled in."""

    fields: dict[str, str]
    text: Text

    def __getitem__(self, name: str) -> str:
        return self.fields.get(name, "")[:_SECRET_LIMIT]


async def _body(request: Request, kind: str) -> str:
    """Read a small body of one kind; nothing else is read to its end."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise HTTPException(415)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            raise HTTPException(413)
    return body.decode("utf-8", errors="replace")


async def _form(request: Request) -> Asked:
    body = await _body(request, "application/x-www-form-urlencoded")
    try:
        fields = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=12))
    except ValueError as error:
        raise HTTPException(400) from error
    return Asked(fields, _text(fields.get("lang", "")))


async def _word(request: Request) -> str:
    """Read the word a locked screen sends: one text in a JSON object, and nothing beside it."""
    body = await _body(request, "application/json")
    try:
        told = json.loads(body)
    except ValueError as error:
        raise HTTPException(400) from error
    if not isinstance(told, dict) or told.keys() != {"word"} or not isinstance(told["word"], str):
        raise HTTPException(400)
    return told["word"][:_SECRET_LIMIT]


def _text(language: str) -> Text:
    return bootstrap.text_of(language if language in ("zh", "en") else "zh")


def _language(request: Request) -> str:
    return "en" if request.query_params.get("lang") == "en" else "zh"


def _keys(request: Request, login: str = "") -> tuple[str, ...]:
    """Name what failures are counted by: where they come from, and the account they knock at."""
    address = f"address {gate.address_of(request.scope)}"
    return (address, f"login {login.strip().lower()}") if login else (address,)


async def _knock(keys: tuple[str, ...], text: Text | None = None) -> Response | None:
    """Count an attempt as failed until it is known to be right, and let who failed often wait; many at once: leave.

    ``text`` speaks to who filled in a form; a script is told by the status alone.
    """
    seconds = pause_after(max(_failures.count(key) for key in keys))
    if not seconds:
        for key in keys:
            _failures.add(key)
        return None
    address = keys[0]
    if _waiting.total() >= _MOST_WAITING or _waiting[address] >= _MOST_OF_ONE:
        return _busy(text)
    for key in keys:
        _failures.add(key)
    _waiting[address] += 1
    try:
        await asyncio.sleep(seconds)
    finally:
        _waiting[address] -= 1
        if not _waiting[address]:
            del _waiting[address]
    return None


def _busy(text: Text | None) -> Response:
    """Send away who must come again in a moment: nothing was tried."""
    if text is None:
        answer: Response = JSONResponse({"status": "busy"}, status_code=429)
    else:
        links = [(f"{gate.SIGN_IN}?lang={text.language}", text("door.sign_in"))]
        notes = [("alarm", text("door.busy"))]
        answer = _page(pages.page(text, heading=text("door.sign_in"), notes=notes, links=links), 429)
    answer.headers["Retry-After"] = "10"
    return answer


def _was_right(keys: tuple[str, ...]) -> None:
    """Start an account anew, and count nothing against the address."""
    for key in keys[1:]:
        _failures.forget(key)
    _failures.take_back(keys[0])


def _let_in(request: Request, token: str, target: str, days: int = 0) -> Response:
    answer = RedirectResponse(target, status_code=303, headers=_NO_STORE)
    _set_cookie(request, answer, COOKIE, token, path="/", max_age=days * 86400 if days else None)
    return answer


def _set_cookie(request: Request, answer: Response, name: str, value: str, *, path: str, max_age: int | None) -> None:
    is_https = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    answer.set_cookie(name, value, httponly=True, samesite="lax", secure=is_https, path=path, max_age=max_age)


def _page(body: str, status: int = 200) -> Response:
    return HTMLResponse(body, status_code=status, headers=_NO_STORE)


def _sign_in_page(text: Text, *, wanted: str, login: str = "", alarm: str = "", status: int = 200) -> Response:
    other = "en" if text.language == "zh" else "zh"
    way = f"&next={quote(wanted, safe='')}" if wanted else ""
    form = pages.form(
        text, action=gate.SIGN_IN, fields=pages.SIGN_IN, button="sign_in_button",
        kept={"login": login, "next": wanted, "lang": text.language},
    )  # fmt: skip
    links = [
        *([(f"{_WORD_PATH}?lang={text.language}{way}", text("door.unified"))] if _has_provider() else []),
        (f"/door/device?lang={text.language}", text("door.other")),
        (f"{gate.SIGN_IN}?lang={other}{way}", bootstrap.text_of(other)("pages.frame.own_name")),
    ]
    notes = [("alarm", alarm)] if alarm else []
    return _page(pages.page(text, heading=text("door.sign_in"), notes=notes, form=form, links=links), status)


async def sign_in_page(request: Request) -> Response:
    """Show the form; who is in already goes on."""
    wanted = request.query_params.get("next", "")
    token = gate.token_of(request.headers)
    ended = request.query_params.get("why") == "ended"
    if not ended and await run_in_threadpool(gate.sitting, token) is not None:
        return RedirectResponse(gate.local_path(wanted), status_code=303, headers=_NO_STORE)
    text = _text(_language(request))
    return await run_in_threadpool(_entry_page, text, wanted, text("door.ended") if ended else "")


def _entry_page(text: Text, wanted: str, alarm: str) -> Response:
    return _sign_in_page(text, wanted=wanted, alarm=alarm)


async def sign_in(request: Request) -> Response:
    """Take login and password; a wrong one, an unknown and a disabled account get the same answer in the same time."""
    asked = await _form(request)
    login, wanted = asked["login"], asked.fields.get("next", "")
    keys = _keys(request, login or "-")
    busy = await _knock(keys, asked.text)
    if busy is not None:
        return busy
    try:
        opened = await run_in_threadpool(_open, login, asked["password"])
    except RefusedError:
        return _sign_in_page(asked.text, wanted=wanted, login=login, alarm=asked.text("door.failed"), status=403)
    except NotFoundError:
        _was_right(keys)
        return _sign_in_page(asked.text, wanted=wanted, login=login, alarm=asked.text("door.no_district"), status=404)
    _was_right(keys)
    target = gate.FIRST if opened.must_change else gate.local_path(wanted)
    return _let_in(request, opened.token, f"{target}{_with_language(target, asked.text)}")


def _with_language(target: str, text: Text) -> str:
    if text.language == "zh" or "lang=" in target:
        return ""
    return f"{'&' if '?' in target else '?'}lang={text.language}"


def _open(login: str, password: str) -> accounts.Opened:
    desk = gate.office()
    with desk.transaction() as (session, act):
        return accounts.sign_in(session, act, login, password, bootstrap.watch())


def _has_provider() -> bool:
    return (gate.office().settings.keys / unified.FILE).exists()


def _provider() -> unified.Provider:
    """Read the provider; what is wrong with its settings is told to the log, not to who stands outside."""
    try:
        found = unified.read_provider(gate.office().settings.keys)
    except StoreError as error:
        _log.warning("%s: %s", error.key, error.facts)
        raise RefusedError("unified.unreachable") from error
    if found is None:
        raise RefusedError("unified.unreachable")
    return found


async def to_provider(request: Request) -> Response:
    """Lead to the bureau's identity provider, where one is set up."""
    text, wanted = _text(_language(request)), request.query_params.get("next", "")
    if not await run_in_threadpool(_has_provider):
        return _answer(404)

    def address() -> tuple[str, str]:
        provider = _provider()
        told = unified.described(provider)
        state, word, begun = _begun.begin(wanted[:2000], text.language)
        return unified.way_out(provider, told, state, begun), word

    # The place is taken before anything is waited for: of many who knock at once none queues behind one that hangs.
    try:
        _at_provider.acquire_on_behalf_of_nowait(request)
    except WouldBlock:
        return _busy(text)
    try:
        target, word = await to_thread.run_sync(address, limiter=CapacityLimiter(1))
    except GeoMinzhengError as error:
        return await run_in_threadpool(_refused_page, text, wanted, error, 502)
    finally:
        _at_provider.release_on_behalf_of(request)
    answer = RedirectResponse(target, status_code=303, headers=_NO_STORE)
    _set_cookie(request, answer, _WORD, word, path=_WORD_PATH, max_age=600)
    return answer


async def from_provider(request: Request) -> Response:
    """Take somebody back from the identity provider; the session that opens is one of ours."""
    if not await run_in_threadpool(_has_provider):
        return _answer(404)
    keys, text, wanted = _keys(request), _text(_language(request)), ""
    busy = await _knock(keys, text)
    if busy is not None:
        return busy

    def open_by_code() -> accounts.Opened:
        desk = gate.office()
        subject = unified.subject_of(_provider(), begun, request.query_params.get("code", ""))
        try:
            with desk.transaction() as (session, act):
                return accounts.sign_in_subject(session, act, subject, bootstrap.watch())
        except RefusedError as error:
            raise RefusedError("unified.unbound", subject=subject) from error

    try:
        begun = _begun.take(request.query_params.get("state", ""), request.cookies.get(_WORD, ""))
        text, wanted = _text(begun.language), begun.wanted
        target = gate.local_path(wanted)
        opened = await to_thread.run_sync(open_by_code, limiter=_at_provider)
    except GeoMinzhengError as error:
        return await run_in_threadpool(_refused_page, text, wanted, error, 403)
    _was_right(keys)
    answer = _let_in(request, opened.token, f"{target}{_with_language(target, text)}")
    answer.delete_cookie(_WORD, path=_WORD_PATH)
    return answer


def _refused_page(text: Text, wanted: str, error: GeoMinzhengError, status: int) -> Response:
    return _sign_in_page(text, wanted=wanted, alarm=text.error(error), status=status)


async def sign_out(request: Request) -> Response:
    """End the session, here and in the store."""

    def end(token: str) -> None:
        signed_in = gate.sitting(token)
        if signed_in is not None:
            with gate.office().transaction() as (session, act):
                accounts.sign_out(session, act, signed_in, bootstrap.watch())

    await run_in_threadpool(end, gate.token_of(request.headers))
    answer = RedirectResponse(gate.SIGN_IN, status_code=303, headers=_NO_STORE)
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _first_page(text: Text, alarm: str = "", status: int = 200) -> Response:
    length = int(gate.office().policy().number("account.password_length"))
    form = pages.form(text, action=gate.FIRST, fields=pages.FIRST, button="first_button", kept={"lang": text.language})
    notes = [("note", text("door.first_hint", length=length)), *([("alarm", alarm)] if alarm else [])]
    return _page(pages.page(text, heading=text("door.first_title"), notes=notes, form=form), status)


async def first_page(request: Request) -> Response:
    """Show the form for one's own password."""
    if await run_in_threadpool(gate.sitting, gate.token_of(request.headers)) is None:
        return RedirectResponse(gate.SIGN_IN, status_code=303, headers=_NO_STORE)
    return await run_in_threadpool(_first_page, _text(_language(request)))


async def first(request: Request) -> Response:
    """Replace the one-time secret, or the password, by one's own."""
    asked = await _form(request)
    signed_in = await run_in_threadpool(gate.sitting, gate.token_of(request.headers))
    if signed_in is None:
        return RedirectResponse(gate.SIGN_IN, status_code=303, headers=_NO_STORE)
    if asked["new"] != asked["again"]:
        return await run_in_threadpool(_first_page, asked.text, asked.text("door.not_equal"), 400)
    keys = _keys(request, signed_in.person.login)
    busy = await _knock(keys, asked.text)
    if busy is not None:
        return busy

    def change() -> None:
        desk = gate.office()
        policy = desk.policy()
        with desk.transaction() as (session, act):
            accounts.change_password(session, act, policy, signed_in, asked["old"], asked["new"], bootstrap.watch())

    try:
        await run_in_threadpool(change)
    except RefusedError as error:
        return await run_in_threadpool(_first_page, asked.text, asked.text.error(error), 400)
    except GeoMinzhengError as error:
        _was_right(keys)
        return await run_in_threadpool(_first_page, asked.text, asked.text.error(error), 400)
    _was_right(keys)
    return RedirectResponse(f"/{_with_language('/', asked.text)}", status_code=303, headers=_NO_STORE)


def _device_page(text: Text, alarm: str = "", status: int = 200) -> Response:
    form = pages.form(
        text, action="/door/device", fields=pages.DEVICE, button="device_button", kept={"lang": text.language}
    )
    notes = [("note", text("door.device_hint")), *([("alarm", text(alarm))] if alarm else [])]
    links = [(f"{gate.SIGN_IN}?lang={text.language}", text("door.sign_in"))]
    heading = text("door.device_title")
    script = "/assets/door/device.js"
    return _page(pages.page(text, heading=heading, notes=notes, form=form, links=links, script=script), status)


async def device_page(request: Request) -> Response:
    """Show the form that a scanned code fills in by itself."""
    return _device_page(_text(_language(request)))


async def device(request: Request) -> Response:
    """Pair a phone or a wall by its code."""
    asked = await _form(request)
    keys = _keys(request)
    busy = await _knock(keys, asked.text)
    if busy is not None:
        return busy

    def pair() -> tuple[accounts.Opened, int]:
        desk = gate.office()
        with desk.transaction() as (session, act):
            opened = accounts.sign_in_device(session, act, asked["code"], bootstrap.watch())
        return opened, int(desk.policy().number("account.device_days"))

    try:
        opened, days = await run_in_threadpool(pair)
    except (RefusedError, NotFoundError):
        return _device_page(asked.text, "door.device_failed", 403)
    _was_right(keys)
    return _let_in(request, opened.token, "/", days)


def _me(desk: Bureau, signed_in: SignedIn) -> dict[str, Any]:
    limits = accounts.limits_of(desk.policy())
    with desk.reading() as session:
        locks = responding.is_active(session)
    quiet = limits.lock if locks else limits.idle
    words = {name: desk.text(f"door.{name}") for name in ("locked", "word", "unlock", "unlock_failed", "leave")}
    return {
        "kind": signed_in.kind.value, "locked": signed_in.is_locked, "locks": locks,
        "quiet_s": quiet.total_seconds(),
        "words": {**words, "locked_hint": desk.text("door.locked_hint", name=signed_in.person.name)},
    }  # fmt: skip


def _answer(status: int, **told: Any) -> Response:
    return JSONResponse({"status": status, **told}, status_code=status, headers=_NO_STORE)


async def me(request: Request) -> Response:
    """Tell a page how long it may be idle, and whether it is locked."""
    signed_in = await run_in_threadpool(gate.sitting, gate.token_of(request.headers))
    if signed_in is None:
        return _answer(401)
    return JSONResponse(await run_in_threadpool(lambda: _me(gate.office(), signed_in)), headers=_NO_STORE)


async def seen(request: Request) -> Response:
    """Note that somebody types or clicks."""
    return await _marked(request, lambda session, who: accounts.note_seen(session, who, bootstrap.watch()))


async def lock(request: Request) -> Response:
    """Lock the screen."""
    return await _marked(request, accounts.lock)


async def _marked(request: Request, do: Any) -> Response:
    def mark() -> int:
        signed_in = gate.sitting(gate.token_of(request.headers))
        if signed_in is None:
            return 401
        if signed_in.is_locked:
            return 423
        with gate.office().transaction() as (session, _):
            do(session, signed_in)
        return 200

    return _answer(await run_in_threadpool(mark))


async def unlock(request: Request) -> Response:
    """Open a locked screen by PIN or password."""
    signed_in = await run_in_threadpool(gate.sitting, gate.token_of(request.headers))
    if signed_in is None:
        return _answer(401)
    word = await _word(request)
    keys = _keys(request, signed_in.person.login)
    busy = await _knock(keys)
    if busy is not None:
        return busy

    def open_again() -> None:
        with gate.office().transaction() as (session, _):
            accounts.unlock(session, signed_in, word, bootstrap.watch())

    try:
        await run_in_threadpool(open_again)
    except RefusedError:
        return _answer(403)
    _was_right(keys)
    return _answer(200)


async def nowhere(_: Request) -> Response:
    """Say that there is nothing else at the door; beyond it the app's shell would answer."""
    return _answer(404)


def routes() -> list[BaseRoute]:
    """List the door's routes."""
    return [
        Route(gate.SIGN_IN, sign_in_page, methods=["GET"]),
        Route(gate.SIGN_IN, sign_in, methods=["POST"]),
        Route("/door/sign-out", sign_out, methods=["POST"]),
        Route(gate.FIRST, first_page, methods=["GET"]),
        Route(gate.FIRST, first, methods=["POST"]),
        Route(_WORD_PATH, to_provider, methods=["GET"]),
        Route(f"{_WORD_PATH}/back", from_provider, methods=["GET"]),
        Route("/door/device", device_page, methods=["GET"]),
        Route("/door/device", device, methods=["POST"]),
        Route("/door/me", me, methods=["GET"]),
        Route("/door/seen", seen, methods=["POST"]),
        Route("/door/lock", lock, methods=["POST"]),
        Route("/door/unlock", unlock, methods=["POST"]),
        Route("/door/{rest:path}", nowhere, methods=["GET"]),
    ]
