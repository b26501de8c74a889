"""``welfare``: homes, reach, and the next sites."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from geo_minzheng.cli import planning_lines
from geo_minzheng.cli.frame import bureau, reader_text, refusals, save_json, show, show_files, write_map
from geo_minzheng.cli.words import Words, words_of
from geo_minzheng.errors import NotFoundError
from geo_minzheng.services import planning_maps, welfare

app = typer.Typer(no_args_is_help=True, help="福利设施 · welfare facilities")


@app.command()
def homes() -> None:
    """机构排序：红线与改造优先 · red lines and upgrade ranking."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            rows = welfare.rank_homes(session, policy)
        words = Words(office.text, policy)
        show(rows, lambda: planning_lines.home_lines(words, rows))


@app.command()
def defects() -> None:
    """未销号隐患，超期的在前 · open defects, the longest overdue first."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            rows = welfare.open_defects(session, office.act())
        words = Words(office.text, office.policy())
        show(rows, lambda: planning_lines.defect_lines(words, rows))


@app.command()
def gaps() -> None:
    """一镇一点：没有养老服务点的乡镇 · towns without a point."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            rows = welfare.town_gaps(session, office.act(), policy)
        words = Words(office.text, policy)
        show(rows, lambda: [planning_lines.gap_line(words, rows)])


@app.command()
def reach() -> None:
    """服务圈：步行15分钟、行车30分钟 · who lives within reach."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            found = welfare.service_reach(session, policy, with_areas=False)
            words = words_of(office, session)
        told = {"totals": found.totals, "by_town": found.by_town, "beyond": found.beyond}
        show(told, lambda: planning_lines.reach_lines(words, told))


@app.command()
def site(
    cost: Annotated[Path | None, typer.Option(help="时间矩阵 .npy（需求×地点）· cost matrix")] = None,
    p: Annotated[int | None, typer.Option("--p", help="地点数 · number of sites")] = None,
    weights: Annotated[Path | None, typer.Option(help="权重 .npy · weights")] = None,
    out: Annotated[Path | None, typer.Option(help="输出文件 · output")] = None,
) -> None:
    """选址：本区下一批机构，或按矩阵文件 · the next homes, or from array files."""
    with refusals():
        if cost is not None:
            if p is None:
                raise typer.BadParameter("--cost 需要 --p · --cost needs --p")
            _show_arrays(_timed(lambda: welfare.site_from_files(cost, p=p, weights=weights)))
            return
        office = bureau()
        policy = office.policy()
        with office.transaction() as (session, act):
            made = welfare.site_homes(session, act, policy, new=p)
            save_json(made, out)
        words = Words(office.text, policy)
        show(made, lambda: planning_lines.siting_lines(words, made))


@app.command("show")
def show_() -> None:
    """最近一次选址结果 · the last siting on record."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            made = welfare.latest_siting(session)
        words = Words(office.text, office.policy())
        none = [office.text("cli.welfare.no_siting")]
        show(made, lambda: none if made is None else planning_lines.siting_lines(words, made))


@app.command("map")
def map_(
    of: Annotated[str, typer.Option(help="reach 服务圈 | cover 覆盖最多 | median 出行最省 · which map")] = "reach",
    out: Annotated[Path, typer.Option(help="输出文件 · output")] = Path("map.html"),
) -> None:
    """服务圈或选址图：一个离线可开的网页 · service areas or the next sites as one file that opens offline."""
    if of not in ("reach", "cover", "median"):
        raise typer.BadParameter("--of reach | cover | median")
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            here = (session, office.act(), office.catalogue, policy, office.text)
            if of == "reach":
                content = planning_maps.reach_map(*here, welfare.service_reach(session, policy))
            else:
                made = welfare.latest_siting(session)
                if made is None:
                    raise NotFoundError("welfare.no_siting")
                content = planning_maps.siting_map(*here, made[of]["new"])
        show_files([write_map(office, content, out)])


@app.command()
def cover(
    covers: Annotated[Path, typer.Option(help="覆盖矩阵 .npz · cover matrix")],
    p: Annotated[int, typer.Option("--p", help="地点数 · number of sites")],
    weights: Annotated[Path, typer.Option(help="权重 .npy · weights")],
) -> None:
    """最大覆盖（按矩阵文件）· maximal cover from array files."""
    with refusals():
        _show_arrays(_timed(lambda: welfare.cover_from_files(covers, p=p, weights=weights)))


def _timed(solve: Any) -> dict[str, Any]:
    start = time.perf_counter()
    answer: dict[str, Any] = solve()
    return answer | {"seconds": round(time.perf_counter() - start, 6)}


def _show_arrays(answer: dict[str, Any]) -> None:
    show(answer, lambda: planning_lines.array_lines(reader_text(), answer))
