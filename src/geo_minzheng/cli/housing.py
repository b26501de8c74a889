"""``housing``: this year's renovation programmes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo_minzheng.cli.frame import bureau, refusals, show
from geo_minzheng.errors import InputError
from geo_minzheng.present.write import write_json
from geo_minzheng.services import housing

app = typer.Typer(no_args_is_help=True, help="危房改造 · housing")


@app.command()
def programme(
    budget: Annotated[list[str] | None, typer.Option(help="项目=元 · PROGRAMME=YUAN")] = None,
    out: Annotated[Path | None, typer.Option(help="输出文件 · output")] = None,
) -> None:
    """生成年度改造计划：正式顺位与比较方案 · the official order and the comparison."""
    with refusals():
        office = bureau()
        policy = office.policy()
        budgets = dict(_budget(word) for word in budget or ())
        with office.transaction() as (session, act):
            made = housing.make_programmes(session, act, policy, budgets=budgets)
        if out is not None:
            write_json(made, out)
        show(made, lambda: housing.programme_lines(made, policy, office.text))


def _budget(word: str) -> tuple[str, float]:
    name, _, amount = word.partition("=")
    try:
        return name, float(amount)
    except ValueError as error:
        raise InputError("housing.bad_budget", value=word) from error
