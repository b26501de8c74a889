"""``road``: what is cut, who is cut off, which bridges matter."""

from __future__ import annotations

from typing import Annotated

import typer

from geo_minzheng.cli.frame import bureau, refusals, show
from geo_minzheng.services import roads

app = typer.Typer(no_args_is_help=True, help="道路 · roads")

IncidentId = Annotated[str, typer.Option("--incident", help="灾害过程编号 · incident id")]
Road = Annotated[str, typer.Argument(help="道路编号 · road id")]
Reason = Annotated[str, typer.Option(help="原因 · reason")]
Source = Annotated[str, typer.Option(help="消息来源 · who told")]


@app.command()
def close(road: Road, incident: IncidentId, reason: Reason, source: Source = "") -> None:
    """登记道路中断 · report a road as cut."""
    with refusals():
        with bureau().transaction(incident=incident) as (session, act):
            roads.close_road(session, act, incident, road, reason=reason, source=source)
        show({"road": road, "state": "closed"}, lambda: [road])


@app.command("open")
def open_(road: Road, incident: IncidentId, reason: Reason, source: Source = "") -> None:
    """登记道路恢复 · report a road as open again."""
    with refusals():
        with bureau().transaction(incident=incident) as (session, act):
            roads.open_road(session, act, incident, road, reason=reason, source=source)
        show({"road": road, "state": "open"}, lambda: [road])


@app.command("list")
def list_(incident: IncidentId, vehicle: Annotated[str, typer.Option(help="车辆类别 · vehicle class")] = "") -> None:
    """中断道路与交通中断村 · cut roads and cut-off villages."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            told = roads.describe(session, policy, incident, vehicle=vehicle)
        show(told, lambda: [f"{k}: {v}" for k, v in told.items()])


@app.command()
def critical() -> None:
    """关键桥路：中断后有村庄断路的桥梁和道路 · bridges and roads whose loss isolates someone."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            found = roads.critical_structures(session, policy)
        show(
            found,
            lambda: [f"{s['structure']} {s['name']}  {'、'.join(v['name'] for v in s['villages'])}" for s in found],
        )
