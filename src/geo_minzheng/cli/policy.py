"""``policy``: what is in force, and whether the files are sound."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli import planning_lines
from geo_minzheng.cli.frame import REFUSED, bureau, refusals, show
from geo_minzheng.cli.words import Words
from geo_minzheng.services import rules

app = typer.Typer(no_args_is_help=True, help="政策 · policy")


@app.command()
def check(folder: Annotated[Path | None, typer.Option(help="政策目录 · policy folder")] = None) -> None:
    """检查政策文件，一次列出全部问题 · check the policy files."""
    with refusals():
        office = bureau()
        faults = rules.check(folder, office.text)
        show({"faults": faults}, lambda: faults or [office.text("policy.sound")])
        if faults:
            raise typer.Exit(REFUSED)


@app.command("show")
def show_(
    key: Annotated[str, typer.Argument(help="键的开头 · beginning of the keys")] = "",
    profile: Annotated[str, typer.Option(help="政策档，不写为本区的 · profile, else the district's")] = "",
    day: Annotated[str, typer.Option(help="日期 · day")] = "",
) -> None:
    """某日有效的数值及出处 · values in force on a day, with sources."""
    with refusals():
        office = bureau()
        on: date = bootstrap.parse_moment(day).date() if day else office.today()
        profile = profile or office.profile
        rows = rules.values(profile, on, key)
        words = Words(office.text, office.policy_for(profile))
        show(rows, lambda: planning_lines.policy_lines(words, rows, key))
