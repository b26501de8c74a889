"""The verbs of ``geo-minzheng``, grouped by capability."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from geo_minzheng import __version__
from geo_minzheng.cli import (
    audit,
    backup,
    district,
    frame,
    housing,
    incident,
    layer,
    policy,
    relief,
    report,
    road,
    stock,
    system,
    user,
    welfare,
)
from geo_minzheng.cli.program import Program

app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="民政应急一张图 · The working map of a district's civil-affairs and emergency bureau.\n\n"
    "--home --as --now --lang --json 可写在任意位置 · may stand anywhere on the line.",
)
for name, verbs in {
    "district": district.app,
    "layer": layer.app,
    "road": road.app,
    "policy": policy.app,
    "incident": incident.app,
    "report": report.app,
    "stock": stock.app,
    "relief": relief.app,
    "housing": housing.app,
    "welfare": welfare.app,
    "user": user.app,
    "audit": audit.app,
    "backup": backup.app,
}.items():
    app.add_typer(verbs, name=name)
app.command("demo")(system.demo)
app.command("serve")(system.serve)
app.command("verify")(system.verify)
app.command("restore")(backup.restore)
app.command("health")(backup.health)
app.command("bench")(system.bench)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"geo-minzheng {__version__}")
        raise typer.Exit


@app.callback()
def globals_(
    home: Annotated[
        Path | None, typer.Option(help="区县数据目录 · where the district lives", show_default=False)
    ] = None,
    who: Annotated[str, typer.Option("--as", help="经办人 · who acts")] = "",
    now: Annotated[str, typer.Option(help="固定时钟，ISO 8601 · fixed clock")] = "",
    lang: Annotated[str, typer.Option(help="zh | en")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="供程序读取 · for machines")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="版本 · the version", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that every verb shares."""
    frame.options = frame.Globals(home, who, now, lang, as_json)


def run() -> None:
    """Run the command line; a terminal that cannot write a sign gets its code, and one that is closed nothing."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  (open to the end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(frame.hoist(sys.argv[1:]), prog_name="geo-minzheng")
