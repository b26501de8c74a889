"""``backup``, ``restore``, ``health``: what an operator does so that nothing is ever lost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_minzheng.cli import frame
from geo_minzheng.cli.frame import REFUSED, bureau, refusals, show
from geo_minzheng.present.health import sign_line, sign_sentence
from geo_minzheng.services import backup as backups
from geo_minzheng.services import health as signs
from geo_minzheng.services import restore as restoring
from geo_minzheng.services import settings_of

if TYPE_CHECKING:
    from geo_minzheng.model.backup import Backup, Manifest, Sign
    from geo_minzheng.present.text import Text

app = typer.Typer(help="备份 · backup", invoke_without_command=True)

Out = Annotated[Path | None, typer.Option("--out", help="备份目录；不写为上次的 · folder of the backups")]
File = Annotated[Path, typer.Argument(help="备份文件；目录则取其中最新的完好备份 · archive, or a folder with some")]
Identity = Annotated[Path, typer.Option("--identity", help="存有备份私钥的文件 · file with the secret key")]


@app.callback()
def make(context: typer.Context, out: Out = None) -> None:
    """做一份备份并验证 · make a backup and prove it."""
    if context.invoked_subcommand is not None:
        return
    with refusals():
        office = bureau()
        with office.reading() as session:
            code = str(settings_of.read(session, "code", ""))
            made = backups.make_backup(session, office.act(), office.settings, out=out, code=code)
        told = {"file": str(made.file), **_told(made.manifest)}
        show(told, lambda: [office.text("cli.backup.made", file=made.file), *_lines(office.text, made.manifest)])


def _told(manifest: Manifest) -> dict[str, Any]:
    found = manifest.census
    return {
        "made_at": manifest.made_at, "product": manifest.product, "revision": found.revision,
        "rows": sum(found.rows.values()), "tables": found.rows, "ledger": found.stock,
        "audit": {"count": found.audit_count, "head": found.audit_head},
        "photos": sum(name.startswith("photos/") for name in manifest.files),
        "papers": sum(name.startswith("papers/") for name in manifest.files),
        "keys": sum(name.startswith("keys/") for name in manifest.files),
        "lost_photos": list(manifest.lost),
    }  # fmt: skip


def _lines(text: Text, manifest: Manifest) -> list[str]:
    told = _told(manifest)
    facts = {name: text.integer(told[name]) for name in ("rows", "photos", "papers", "keys")}
    lines = [
        text("cli.backup.holds", **facts),
        text("cli.backup.head", count=manifest.census.audit_count, head=manifest.census.audit_head[:16]),
    ]
    return lines + ([text("cli.backup.lost", count=len(manifest.lost))] if manifest.lost else [])


@app.command()
def init(
    out: Annotated[Path, typer.Option("--out", help="备份目录 · folder of the backups")],
    recipient: Annotated[str, typer.Option(help="已有的公钥 age1… · a public key you have")] = "",
) -> None:
    """生成备份密钥；私钥只显示一次 · make the key pair; the secret is shown once."""
    with refusals():
        office = bureau()
        with office.reading():
            pass
        told = backups.prepare(office.settings.home, out.absolute(), recipient)
        text = office.text
        if told["secret"]:
            frame.note([text("cli.backup.secret")])
        show(told, lambda: [f"# public key: {told['recipient']}", *([told["secret"]] if told["secret"] else [])])


@app.command("list")
def list_(out: Out = None) -> None:
    """列出备份，逐份核对校验值 · list the backups, each compared with what was written."""
    with refusals():
        office = bureau()
        found = backups.list_backups(backups.folder_of(office.settings.home, out))
        lines = [_line(office.text, b) for b in found]
        show([_row(b) for b in found], lambda: lines or [office.text("cli.backup.none")])


def _row(found: Backup) -> dict[str, Any]:
    card = found.card
    more = {} if card is None else {
        "made_at": card.made_at, "product": card.product, "revision": card.revision,
        "audit": {"count": card.audit_count, "head": card.audit_head},
    }  # fmt: skip
    return {"file": str(found.file), "state": found.state, "bytes": found.bytes, **more}


def _line(text: Text, found: Backup) -> str:
    head = "" if found.card is None else f"{found.card.audit_count}:{found.card.audit_head[:16]}"
    size = f"{found.bytes / 1e6:.1f} MB"
    return f"{found.file.name}  {text(f'cli.backup.state.{found.state}')}  {size}  {head}"


@app.command()
def check(file: File, identity: Identity) -> None:
    """演练：用私钥打开，恢复到临时目录并核验 · rehearse: open it with the secret, restore it aside, verify."""
    with refusals():
        office = bureau()
        found, manifest = restoring.check_backup(file, identity, office.settings.home)
        told = {"file": str(found), "state": "good", **_told(manifest)}
        show(told, lambda: [office.text("cli.backup.checked", file=found.name), *_lines(office.text, manifest)])


@app.command()
def prune(out: Out = None) -> None:
    """按政策清理旧备份，最新的完好备份总在 · remove what the policy no longer keeps."""
    with refusals():
        office = bureau()
        kept, removed = backups.prune(backups.folder_of(office.settings.home, out), office.policy())
        told = {"kept": [p.name for p in kept], "removed": [p.name for p in removed]}
        facts = {"kept": len(kept), "removed": len(removed)}
        show(told, lambda: [office.text("cli.backup.pruned", **facts), *told["removed"]])


def restore(file: File, identity: Identity) -> None:
    """从备份恢复到 --home；原目录改名保留 · restore into --home; the old home is kept aside."""
    with refusals():
        office = bureau()
        done = restoring.restore(file, identity, office.settings, office.wall_clock())
        told = {
            "file": str(done.file), "home": str(done.home), "aside": None if done.aside is None else str(done.aside),
            **_told(done.manifest),
        }  # fmt: skip
        text = office.text
        lines = [text("cli.backup.restored", file=done.file.name, home=done.home), *_lines(text, done.manifest)]
        if done.aside is not None:
            lines.append(text("cli.backup.aside", aside=done.aside))
        show(told, lambda: lines)


def health() -> None:
    """健康状况：库、磁盘、备份、日志链、时钟 · store, disk, last backup, audit chain, clock."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            found = signs.look(session, policy, office.settings, office.now())
        show([_sign(office.text, s) for s in found], lambda: [sign_line(s, office.text) for s in found])
        if not signs.is_well(found):
            raise typer.Exit(REFUSED)


def _sign(text: Text, sign: Sign) -> dict[str, Any]:
    facts = {name: value for name, value in sign.facts.items() if name != "verdict"}
    return {"name": sign.name, "state": sign.state, "told": sign_sentence(sign, text), **facts}
