"""``demo``, ``serve``, ``verify``, ``bench``."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from geo_minzheng.cli import frame, rehearse
from geo_minzheng.cli.frame import REFUSED, bureau, refusals, show
from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.model.anchor import parse_anchor
from geo_minzheng.services import accounts, checks
from geo_minzheng.services import backup as backups
from geo_minzheng.settings import app_file, bench_file


def demo(
    out: Annotated[Path, typer.Option(help="输出目录 · output folder")] = Path("out/demo"),
    osm: Annotated[Path | None, typer.Option(help="用地图数据代替示范区 · an OpenStreetMap extract")] = None,
) -> None:
    """建示范区并演练两天：汛期与规划 · build the demo district and play both days."""
    with refusals():
        with frame.writing(out), frame.steps(rehearse.STEPS) as step:
            told = rehearse.rehearse(out, osm=osm, home=frame.options.home, now=frame.options.now, step=step)
        show(told, lambda: rehearse.lines(told, frame.reader_text()))


def serve(
    port: Annotated[int, typer.Option(help="端口 · port")] = 8501,
    address: Annotated[str, typer.Option(help="监听地址 · address")] = "127.0.0.1",
) -> None:
    """启动网页 · serve the app."""
    with refusals():
        office = bureau()
        with office.transaction() as (session, act):
            secret = accounts.first_admin(session, act, office.policy(), office.text("cli.user.first_admin"))
        if secret:
            name = office.text("cli.user.first_admin")
            frame.note([office.text("cli.user.set", name=name, secret=secret)])
        checks.run_app(app_file(), office.settings, address=address, port=port)


def verify(
    anchor: Annotated[str, typer.Option(help="纸上印的日志链尾，条数:校验值 · the chain head as printed")] = "",
    backup: Annotated[Path | None, typer.Option(help="与一份备份的链尾核对 · the chain head of a backup")] = None,
) -> None:
    """核验台账、日志链、文件完整性 · verify ledger, audit chain, integrity."""
    with refusals():
        office = bureau()
        if anchor and backup is not None:
            raise InputError("audit.two_anchors")
        printed = parse_anchor(anchor) if anchor else None
        wanted = (printed.count, printed.code) if printed else None
        if backup is not None:
            wanted = backups.anchor_of(backups.choose(backup))
        with office.whole().reading() as session:
            told = checks.verify(session, office.text, wanted)
        text = office.text
        lines = [
            text(
                "cli.verify.line",
                name=text(f"cli.verify.{name}") if text.has(f"cli.verify.{name}") else name,
                verdict=text("store.verify.ok") if verdict == "ok" else verdict,
            )
            for name, verdict in told.items()
        ]
        show(told, lambda: lines)
        if any(verdict != "ok" for verdict in told.values()):
            raise typer.Exit(REFUSED)


def bench(name: Annotated[str, typer.Argument(help="项目 · which benchmark")] = "") -> None:
    """性能对比（源码目录内）· benchmarks, from the source tree."""
    with refusals():
        file = bench_file()
        if not file.is_file():
            raise NotFoundError("bench.no_source_tree", file="bench/run.py")
        sys.argv = [str(file), *([name] if name else [])]
        try:
            runpy.run_path(str(file), run_name="__main__")
        except SystemExit as end:
            raise typer.Exit(end.code if isinstance(end.code, int) else int(end.code is not None)) from None
