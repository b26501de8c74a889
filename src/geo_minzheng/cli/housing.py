"""``housing``: this year's renovation programmes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli import planning_lines
from geo_minzheng.cli.frame import bureau, refusals, save_json, show, show_files, write_map, writing
from geo_minzheng.cli.words import Words
from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.services import households, housing, planning_maps, programme_book, village_review
from geo_minzheng.services import notice as notices

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.policy import Policy

app = typer.Typer(no_args_is_help=True, help="危房改造 · housing")


@app.command()
def programme(
    budget: Annotated[list[str] | None, typer.Option(help="项目=元 · PROGRAMME=YUAN")] = None,
    out: Annotated[Path | None, typer.Option(help="输出文件 · output")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="只试算，不存档 · work it out, keep nothing")] = False,
) -> None:
    """生成年度改造计划：正式顺位与比较方案 · the official order and the comparison."""
    with refusals():
        office = bureau()
        policy = office.policy()
        budgets = dict(_budget(word) for word in budget or ())
        if draft:
            with office.reading() as session:
                made = housing.draft_programmes(session, office.act(), policy, budgets=budgets)
                save_json(made, out)
        else:
            with office.transaction() as (session, act):
                made = housing.make_programmes(session, act, policy, budgets=budgets)
                save_json(made, out)
        notes = [office.text("pages.housing.draft")] if draft else []
        show(made, lambda: [*housing.programme_lines(made, policy, office.text), *notes])


@app.command("show")
def show_(out: Annotated[Path | None, typer.Option(help="另存 programme.json · also write it")] = None) -> None:
    """最近一次存档的改造计划 · the last programmes on record."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            made = _latest(session)
        save_json(made, out)
        show(made, lambda: housing.programme_lines(made, office.policy(), office.text))


@app.command()
def cases(
    find: Annotated[str, typer.Option(help="申请、房屋、家庭编号或村名的一部分 · part of an id or a village")] = "",
    programme: Annotated[str, typer.Option(help="只看一个项目 · one programme only")] = "",
) -> None:
    """各户列入与否及理由 · what became of every case, and why."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            policy, found, _ = _judged(office, session, _latest(session))
        found = [v for v in found if programme in ("", v["programme"])]
        rows = [
            dict(v) | {"told": housing.reason_of(v, policy, office.text)}
            for v in (housing.search(found, find) if find else found)
        ]
        words = Words(office.text, policy)
        none = [office.text("pages.housing.not_found", words=find)]
        show(rows, lambda: [planning_lines.case_line(words, row, row["told"]) for row in rows] or none)


@app.command()
def book(out: Annotated[Path, typer.Option(help="输出文件 · output")] = Path("programme.xlsx")) -> None:
    """改造计划表：正式名单、必完成名单、未列入及原因 · the programmes as a workbook."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            made = _latest(session)
            policy, found, _ = _judged(office, session, made)
            against = village_review.contradictions(session, made)
        with writing(out):
            file = programme_book.write_book(made, found, against, policy, office.official_text, out)
        show_files([file])


@app.command("map")
def map_(
    programme: Annotated[str, typer.Argument(help="项目 · programme")],
    out: Annotated[Path, typer.Option(help="输出文件 · output")] = Path("map.html"),
) -> None:
    """改造计划图：各村户数 · a programme's households by village, as one file that opens offline."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            policy, found, rows = _judged(office, session, _latest(session))
            mine = [v for v in found if v["programme"] == programme]
            if programme not in policy.programmes:
                allowed = sorted(policy.programmes)
                raise InputError("housing.unknown_programme", programme=programme, allowed=allowed)
            content = planning_maps.programme_map(
                session, office.act(), office.catalogue, policy, office.text, mine, rows=rows, points=False
            )
        show_files([write_map(office, content, out)])


def _latest(session: Session) -> dict[str, Any]:
    made = housing.latest_programmes(session)
    if made is None:
        raise NotFoundError("housing.no_programme")
    return made


def _judged(
    office: Bureau, session: Session, made: dict[str, Any]
) -> tuple[Policy, list[dict[str, Any]], list[dict[str, Any]]]:
    """Judge the cases as on the day the programmes were made."""
    then = office.at(bootstrap.parse_moment(f"{made.get('made_on', office.today().isoformat())}T09:00"))
    rows = housing.case_rows(session, then.act(), then.policy())
    return then.policy(), housing.verdicts(session, made, rows), rows


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


@app.command()
def find(
    id_no: Annotated[str, typer.Option("--id", help="证件号码（完整）· the whole id number")] = "",
    account: Annotated[str, typer.Option(help="一卡通账号（完整）· the whole account")] = "",
    phone: Annotated[str, typer.Option(help="联系电话（完整）· the whole phone number")] = "",
) -> None:
    """按完整的证件号、账号、电话查户；结果遮盖 · households by exact id, account or phone, masked."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            rows = households.find_households(
                session, office.act(), office.policy(), id_no=id_no, account=account, phone=phone
            )
        words = Words(office.text, office.policy())
        none = [office.text("households.none")]
        show(rows, lambda: [planning_lines.household_line(words, row) for row in rows] or none)


@app.command()
def repeated() -> None:
    """一证多户、一户账号多户共用的名单；结果遮盖 · one id in two households, one account for several, masked."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            found = households.repeated_values(session, office.act(), office.policy())
        words = Words(office.text, office.policy())
        none = [office.text("households.repeated_none")]
        show(found, lambda: planning_lines.repeated_lines(words, found) or none)


@app.command()
def reveal(
    household: Annotated[str, typer.Argument(help="户编号 · household")],
    reason: Annotated[str, typer.Option(help="因何事查看，记入操作日志 · what for; it goes on record")] = "",
) -> None:
    """打开一户的姓名、证件号、电话、账号，理由入日志 · open one household's private columns, by a logged reason."""
    with refusals():
        office = bureau()
        with office.transaction() as (session, act):
            values = households.reveal_household(session, act, household, reason)
        told = {"household": household} | values
        facts = {name: value or "—" for name, value in told.items()}
        show(told, lambda: [office.text("households.opened", **facts)])


@app.command()
def notice(
    programme: Annotated[str, typer.Option(help="项目 · programme")],
    out: Annotated[Path, typer.Option(help="输出文件 .docx .pdf .xlsx · output")] = Path("notice.docx"),
) -> None:
    """公示名单：户主（隐一字）、村组、类别、金额 · the public notice, with nothing but what may be public."""
    with refusals():
        office = bureau()
        notices.check_format(out)
        with office.transaction() as (session, act):
            made = notices.make_notice(session, act, office.policy(), office.official_text, programme)
            with writing(out):
                notices.write_notice(made, office.official_text, out, fonts=office.settings.fonts)
        show_files([out])


def _budget(word: str) -> tuple[str, float]:
    name, _, amount = word.partition("=")
    try:
        return name, float(amount)
    except ValueError as error:
        raise InputError("housing.bad_budget", value=word) from error
