"""``road``: what is cut, who is cut off, which bridges matter."""

from __future__ import annotations

from typing import Annotated

import typer

from geo_minzheng.cli import flood_lines
from geo_minzheng.cli.frame import bureau, plan_row, refusals, show
from geo_minzheng.cli.words import words_of
from geo_minzheng.services import relief, roads

app = typer.Typer(no_args_is_help=True, help="道路 · roads")

IncidentId = Annotated[str, typer.Option("--incident", help="灾害过程编号 · incident id")]
Road = Annotated[str, typer.Argument(help="道路编号 · road id")]
Reason = Annotated[str, typer.Option(help="原因 · reason")]
Source = Annotated[str, typer.Option(help="消息来源 · who told")]


@app.command()
def close(road: Road, incident: IncidentId, reason: Reason, source: Source = "") -> None:
    """登记道路中断 · report a road as cut."""
    with refusals():
        office = bureau()
        with office.transaction(incident=incident) as (session, act):
            roads.close_road(session, act, incident, road, reason=reason, source=source)
        show({"road": road, "state": "closed"}, lambda: [office.text("pages.roads.done_close", road=road)])


@app.command("open")
def open_(road: Road, incident: IncidentId, reason: Reason, source: Source = "") -> None:
    """登记道路恢复 · report a road as open again."""
    with refusals():
        office = bureau()
        with office.transaction(incident=incident) as (session, act):
            roads.open_road(session, act, incident, road, reason=reason, source=source)
        show({"road": road, "state": "open"}, lambda: [office.text("pages.roads.done_open", road=road)])


@app.command("list")
def list_(incident: IncidentId, vehicle: Annotated[str, typer.Option(help="车辆类别 · vehicle class")] = "") -> None:
    """中断道路与交通中断村 · cut roads and cut-off villages."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            told = roads.describe(session, policy, incident, vehicle=vehicle)
            told |= {"roads": roads.closed_list(session, policy, incident, vehicle=vehicle)}
            words = words_of(office, session)
        show(told, lambda: flood_lines.road_lines(words, told))


@app.command()
def carrying(
    incident: IncidentId,
    plan: Annotated[str, typer.Option(help="方案编号，不写为最新 · plan id, else the newest")] = "",
) -> None:
    """方案所经道路，载重大的在前 · the roads a plan's goods take, the most loaded first."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            row = plan_row(session, incident, plan)
            names = roads.road_names(session)
            found = [
                {"road": road, "name": names.get(road, "")}
                for road in relief.carrying_roads(session, policy, incident, row.document)
            ]
        head = office.text("cli.road.carrying", plan=row.plan_id, count=len(found))
        lines = (
            [head, *(f"  {r['road']}  {r['name']}" for r in found)] if found else [office.text("pages.relief.nothing")]
        )
        show(found, lambda: lines)


@app.command()
def at(
    lon: Annotated[float, typer.Argument(help="经度 · longitude", min=-180, max=180)],
    lat: Annotated[float, typer.Argument(help="纬度 · latitude", min=-90, max=90)],
) -> None:
    """某点所在的道路 · the road at a place on the map."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            road = roads.road_at(session, policy, lon, lat)
            name = roads.road_names(session).get(road, "")
        told = {"road": road or None, "name": name}
        show(told, lambda: [f"{road}  {name}" if road else office.text("cli.road.none_here")])


@app.command()
def critical() -> None:
    """关键桥路：中断后有村庄断路的桥梁和道路 · bridges and roads whose loss isolates someone."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            found = roads.critical_structures(session, policy)
            words = words_of(office, session)
        show(found, lambda: flood_lines.critical_lines(words, found))
