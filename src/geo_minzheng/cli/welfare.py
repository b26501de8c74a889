"""``welfare``: homes, reach, and the next sites."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from geo_minzheng.cli.frame import bureau, refusals, show
from geo_minzheng.present import write
from geo_minzheng.services import welfare

app = typer.Typer(no_args_is_help=True, help="福利设施 · welfare facilities")


@app.command()
def homes() -> None:
    """机构排序：红线与改造优先 · red lines and upgrade ranking."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            rows = welfare.rank_homes(session, policy)
        show(
            rows, lambda: [f"{r['rank'] or '红线'}  {r['name']}  {r['score']:.2f}  {r['occupancy']:.0%}" for r in rows]
        )


@app.command()
def reach() -> None:
    """服务圈：步行15分钟、行车30分钟 · who lives within reach."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            found = welfare.service_reach(session, policy, with_areas=False)
        told = {"totals": found.totals, "by_town": found.by_town, "beyond": found.beyond}
        show(told, lambda: [f"{mode}: {row}" for mode, row in found.totals.items()])


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
            show(_timed(lambda: welfare.site_from_files(cost, p=p, weights=weights)))
            return
        office = bureau()
        policy = office.policy()
        with office.transaction() as (session, act):
            made = welfare.site_homes(session, act, policy, new=p)
        if out is not None:
            write.write_json(made, out)
        show(made)


@app.command()
def cover(
    covers: Annotated[Path, typer.Option(help="覆盖矩阵 .npz · cover matrix")],
    p: Annotated[int, typer.Option("--p", help="地点数 · number of sites")],
    weights: Annotated[Path, typer.Option(help="权重 .npy · weights")],
) -> None:
    """最大覆盖（按矩阵文件）· maximal cover from array files."""
    with refusals():
        show(_timed(lambda: welfare.cover_from_files(covers, p=p, weights=weights)))


def _timed(solve: Any) -> dict[str, Any]:
    start = time.perf_counter()
    answer: dict[str, Any] = solve()
    return answer | {"seconds": round(time.perf_counter() - start, 6)}
