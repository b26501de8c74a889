"""``user``: accounts, sessions and devices, all of it without the app."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli.frame import bureau, refusals, show, writing
from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.model.account import Person, SessionKind
from geo_minzheng.present import pairing
from geo_minzheng.services import accounts

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau

app = typer.Typer(no_args_is_help=True, help="账户 · accounts")

Name = Annotated[str, typer.Argument(help="登录名或姓名 · login or name")]


@app.command("list")
def list_() -> None:
    """列出账户 · list the accounts."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            accounts.require_manager(session, office.act())
            found = accounts.people(session)
            where = {person.login: accounts.where(session, person) for person in found}
        show(found, lambda: [_line(office, p, where[p.login]) for p in found] or [office.text("cli.user.none")])


def _line(office: Bureau, person: Person, where: str) -> str:
    marks = [("disabled_mark", person.is_disabled), ("demo_mark", person.is_demo)]
    return office.text(
        "cli.user.line", login=person.login, name=person.name, role=_role_name(office, person.role),
        scope=where or office.text("cli.user.whole"),
        state="".join(office.text(f"cli.user.{mark}") for mark, is_so in marks if is_so),
    )  # fmt: skip


def _role_name(office: Bureau, role: str) -> str:
    known = office.policy().roles
    return office.text.name("roles", role, known[role]) if role in known else role


@app.command()
def roles() -> None:
    """列出角色：能看什么、能做什么 · list the roles: what each may see and do."""
    with refusals():
        office = bureau()
        found = list(office.policy().roles.values())
        show(
            [asdict(role) for role in found],
            lambda: [
                office.text(
                    "cli.user.role", role=r.role, name=office.text.name("roles", r.role, r),
                    level=office.text(f"cli.user.level.{r.level}"),
                    pages=[office.text(f"pages.frame.page.{page}") for page in r.pages],
                )
                for r in found
            ],
        )  # fmt: skip


@app.command("set")
def set_(
    name: Name,
    role: Annotated[str, typer.Option(help="角色，见 user roles · role, see user roles")] = "",
    login: Annotated[str, typer.Option(help="登录名，不写同姓名 · login, the name where not given")] = "",
    scope: Annotated[str | None, typer.Option(help="所辖区划代码 · division code", show_default=False)] = None,
    place: Annotated[
        str | None, typer.Option(help="所在仓库、院或接收点编号 · place of work", show_default=False)
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="统一身份标识 · identity provider's subject", show_default=False)
    ] = None,
) -> None:
    """新增账户并给一次性口令，或更改已有账户 · add an account with a one-time secret, or change one."""
    with refusals():
        office = bureau()
        policy, secret = office.policy(), ""
        with office.transaction() as (session, act):
            known = next((p for p in accounts.people(session) if name in (p.login, p.name)), None)
            if known is None:
                person = Person(login or name, name, role, scope or "", place or "")
                secret = accounts.add_person(session, act, policy, person)
            elif login not in ("", known.login):
                raise InputError("account.login_stays", name=known.name, login=known.login)
            else:
                wanted = {"role": role or None, "scope": scope, "place": place}
                values = {key: value for key, value in wanted.items() if value is not None}
                person = accounts.change_person(session, act, policy, known.login, values)
            if subject is not None:
                accounts.bind_subject(session, act, person.login, subject)
        key = "cli.user.set" if secret else "cli.user.changed"
        told = asdict(person) | ({"secret": secret} if secret else {})
        show(told, lambda: [office.text(key, name=person.name, secret=secret)])


@app.command()
def secret(name: Name) -> None:
    """重发一次性口令；原有登录全部结束 · a new one-time secret; every session of the account ends."""
    with refusals():
        office = bureau()
        with office.transaction() as (session, act):
            drawn = accounts.new_secret(session, act, name, bootstrap.watch())
        show({"name": name, "secret": drawn}, lambda: [office.text("cli.user.secret", name=name, secret=drawn)])


@app.command()
def disable(name: Name) -> None:
    """停用账户；登录立即全部结束，记录不变 · disable an account; its sessions end at once."""
    with refusals():
        office = bureau()
        with office.transaction() as (session, act):
            count = accounts.disable(session, act, name, bootstrap.watch())
        show({"name": name, "ended": count}, lambda: [office.text("cli.user.disabled", name=name, count=count)])


@app.command()
def enable(name: Name) -> None:
    """恢复账户 · let an account be used again."""
    with refusals():
        office = bureau()
        with office.transaction() as (session, act):
            accounts.enable(session, act, name)
        show({"name": name}, lambda: [office.text("cli.user.enabled", name=name)])


@app.command()
def pair(
    name: Name,
    kind: Annotated[SessionKind, typer.Option(help="phone | wall")] = SessionKind.PHONE,
    label: Annotated[str, typer.Option(help="设备名称 · what the device is called")] = "",
    address: Annotated[
        str, typer.Option(help="手机能打开的网址 · address the device can open")
    ] = "http://127.0.0.1:8501",
    out: Annotated[Path | None, typer.Option(help="二维码存为 PNG · write the QR code as PNG")] = None,
) -> None:
    """给手机或大屏配对码和二维码 · a pairing code and its QR code for a phone or a wall."""
    with refusals():
        if not address.startswith(("https://", "http://")):
            raise InputError("account.bad_address", address=address)
        office = bureau()
        with office.transaction() as (session, act):
            code, until = accounts.pair(session, act, office.policy(), name, kind, label, bootstrap.watch())
        link = pairing.link(address, code)
        if out is not None:
            with writing(out):
                out.write_bytes(pairing.picture(link))
        told = {"name": name, "kind": kind.value, "code": code, "until": until, "link": link}
        minutes = office.policy().number("account.pairing_minutes")
        show(
            told,
            lambda: [
                office.text(
                    "cli.user.paired", name=name, kind=office.text(f"cli.user.kind.{kind.value}"), code=code,
                    minutes=office.text.integer(minutes),
                ),
                office.text("cli.user.pair_open", address=address),
                *pairing.drawing(link),
            ],
        )  # fmt: skip


@app.command()
def sessions(name: Annotated[str, typer.Argument(help="只看一人 · of one account")] = "") -> None:
    """列出现在的登录和设备 · list who is signed in, and on which device."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            accounts.require_manager(session, office.act())
            found = accounts.list_sessions(session, office.policy(), bootstrap.watch(), name)
        show(found, lambda: [_session_line(office, row) for row in found] or [office.text("cli.user.no_session")])


def _session_line(office: Bureau, row: dict[str, Any]) -> str:
    at = {
        key: office.text.moment(row[key].astimezone(bootstrap.CHINA), screen=True) for key in ("opened_at", "seen_at")
    }
    kind = office.text(f"cli.user.kind.{row['kind']}")
    told = {**row, "kind": kind, "opened": at["opened_at"], "seen": at["seen_at"]}
    return office.text("cli.user.session", **{k: told[k] for k in _SHOWN})


_SHOWN: Sequence[str] = ("session", "name", "kind", "label", "opened", "seen")


@app.command()
def end(
    name: Name,
    only: Annotated[
        int | None, typer.Option("--session", min=1, max=2**63 - 1, help="只结束这一个 · only this one")
    ] = None,
) -> None:
    """结束登录，或收回一台设备 · end the sessions of an account, or revoke one device."""
    with refusals():
        office = bureau()
        with office.transaction() as (session, act):
            count = accounts.end_session(session, act, name, bootstrap.watch(), only=only)
            if only is not None and not count:
                raise NotFoundError("account.no_session", session=only)
        show({"name": name, "ended": count}, lambda: [office.text("cli.user.ended", name=name, count=count)])
