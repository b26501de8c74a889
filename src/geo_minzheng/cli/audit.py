"""``audit``: who changed what, one record's life, the chain and its printed heads."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli import frame
from geo_minzheng.cli.frame import REFUSED, bureau, refusals, show
from geo_minzheng.model.anchor import parse_anchor
from geo_minzheng.model.trail import TrailFilter
from geo_minzheng.services import trail

if TYPE_CHECKING:
    from datetime import datetime

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.services.trail import LifeStep

app = typer.Typer(no_args_is_help=True, help="审计 · audit")

_DAY = 10


def _moment(told: str, *, is_end: bool = False) -> datetime | None:
    """Read a moment; a day alone is its beginning, or its end."""
    if not told:
        return None
    moment = bootstrap.parse_moment(told)
    return moment + timedelta(days=1, milliseconds=-1) if is_end and len(told) == _DAY else moment


@app.command("list")
def list_(
    who: Annotated[str, typer.Option(help="经办人 · who")] = "",
    role: Annotated[str, typer.Option(help="角色 · role")] = "",
    table: Annotated[str, typer.Option(help="数据表 · table")] = "",
    key: Annotated[str, typer.Option(help="编号 · key of the row")] = "",
    incident: Annotated[str, typer.Option(help="灾情编号 · incident")] = "",
    place: Annotated[str, typer.Option(help="村、镇、仓库、机构代码 · code of the place")] = "",
    action: Annotated[str, typer.Option(help="动作，如 relief.approve 或 relief · action, or a group of them")] = "",
    since: Annotated[str, typer.Option(help="起，日期或时间 · from, a day or a moment")] = "",
    until: Annotated[str, typer.Option(help="止，日期或时间 · to, a day or a moment")] = "",
    below: Annotated[int, typer.Option(help="只列条号更小的，接着上次往前看 · rows before this number", min=0)] = 0,
    limit: Annotated[int, typer.Option(help="最多行数 · rows", min=1, max=trail.EXPORTED)] = 100,
    out: Annotated[Path | None, typer.Option(help="写入 .xlsx 或 .csv · write to a file")] = None,
) -> None:
    """操作日志，新的在前 · the audit log, newest first."""
    with refusals():
        office = bureau()
        wanted = TrailFilter(
            who, role, table, key, incident, place, action, _moment(since), _moment(until, is_end=True)
        )
        zone = office.now().tzinfo
        if out is not None:
            with office.reading() as session, frame.writing(out):
                count = trail.write_trail(session, office.text, zone, wanted, out, office.policy().roles)
            show({"file": str(out), "rows": count}, lambda: [office.text("cli.audit.files", count=count, file=out)])
            return
        with office.reading() as session:
            rows = trail.list_trail(session, wanted, below=below, limit=limit)
        lines = [
            office.text("cli.audit.line", **trail.in_words(office.text, zone, row, office.policy().roles))
            for row in rows
        ]
        show([_plain(row) for row in rows], lambda: lines or [office.text("cli.audit.none")])


def _plain(row: Any) -> dict[str, Any]:
    names = ("seq", "at", "who", "role", "place", "incident", "exercise", "action", "table", "key", "hash")
    return {name: getattr(row, name) for name in names}


@app.command()
def life(
    table: Annotated[str, typer.Argument(help="数据表 · table")],
    key: Annotated[str, typer.Argument(help="编号 · key of the row")],
) -> None:
    """一条记录从头到尾的变化；户的隐私字段不显示 · one record's life; private fields are not shown."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            steps = trail.life_of(session, office.catalogue, office.text, office.now().tzinfo, table, key)
        told = [_plain(step.row) | {"changes": step.changes} for step in steps]
        for row in told:
            row["changes"] = [frame.plain(change) for change in row["changes"]]
        show(told, lambda: [line for step in steps for line in _lines(office, step)])


def _lines(office: Bureau, step: LifeStep) -> list[str]:
    text = office.text
    head = trail.in_words(text, office.now().tzinfo, step.row, office.policy().roles)
    head["role"] = head["role"] or text("pages.audit.no_role")
    return [text("pages.audit.step", **head), *(f"    {line}" for line in trail.change_lines(text, step))]


@app.command()
def verify(
    anchor: Annotated[str, typer.Option(help="文件上印的留痕校验 · a printed head, N:CODE")] = "",
) -> None:
    """核验整条链，并与印出的链尾对照 · verify the whole chain, and a printed head."""
    with refusals():
        office = bureau()
        text = office.text
        printed = parse_anchor(anchor) if anchor else None
        with office.whole().reading() as session:
            end, verdict = trail.verify(session, printed)
        at = text.moment(office.now(), screen=True)
        lines = [text("cli.audit.ok", count=end.count, at=at, head=trail.anchor_words(text, end))]
        if printed is not None:
            lines.append(text("cli.audit.anchored", head=trail.anchor_words(text, printed)))
        reason = "ok" if verdict.is_ok else text(verdict.key, **verdict.facts)
        told = {"audit": reason, "count": end.count, "head": f"{end.count}:{end.code}", "anchor": anchor}
        show(told, lambda: lines if verdict.is_ok else [text("cli.audit.broken", reason=reason)])
        if not verdict.is_ok:
            raise typer.Exit(REFUSED)


@app.command()
def head() -> None:
    """当前链尾，同简报、调拨单上所印 · the head of the chain, as papers print it."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            found = trail.head(session)
        told = {"count": found.count, "code": found.code, "word": found.word, "head": f"{found.count}:{found.code}"}
        show(told, lambda: [office.text("cli.audit.head", head=trail.anchor_words(office.text, found))])
