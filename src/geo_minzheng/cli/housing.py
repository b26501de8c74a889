"""``housing``: this year's renovation programmes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo_minzheng.cli.frame import bureau, refusals, show
from geo_minzheng.errors import InputError
from geo_minzheng.present import write
from geo_minzheng.services import housing, village_review

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
            write.write_json(made, out)
        show(made, lambda: housing.programme_lines(made, policy, office.text))


@app.command()
def review(
    case: Annotated[str, typer.Option(help="申请编号 · the case that stands first")] = "",
    reason: Annotated[str, typer.Option(help="书面理由 · the written reason")] = "",
) -> None:
    """与村民评议不一致的名单；--case --reason 写明理由 · contradictions to the villagers' review, and their reasons."""
    with refusals():
        office = bureau()
        text = office.text
        if case or reason:
            with office.transaction() as (session, act):
                village_review.give_reason(session, act, case, reason)
        with office.reading() as session:
            made = housing.latest_programmes(session) or {"against_review": []}
            pairs = village_review.contradictions(session, made)
        pairs = [p for p in pairs if case in ("", p["first"])]
        lines = [
            text("housing.review_line", **(p | {"reason": p["reason"] or text("housing.review_missing")}))
            for p in pairs
        ]
        show(pairs, lambda: lines or [text("housing.review_none")])


def _budget(word: str) -> tuple[str, float]:
    name, _, amount = word.partition("=")
    try:
        return name, float(amount)
    except ValueError as error:
        raise InputError("housing.bad_budget", value=word) from error
