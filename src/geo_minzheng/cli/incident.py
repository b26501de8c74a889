"""``incident``: declare, footprint, impact, response level."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli.frame import bureau, note, refusals, show
from geo_minzheng.engine import documents
from geo_minzheng.layers import options as reading
from geo_minzheng.services import impact, incidents, papers, response

FOOTPRINT_FIELDS = ("polygons", "duplicates", "repaired", "area_km2")
app = typer.Typer(no_args_is_help=True, help="灾情 · incidents")

IncidentId = Annotated[str, typer.Option("--incident", help="灾害过程编号 · incident id")]


@app.command()
def declare(
    name: Annotated[str, typer.Argument(help="名称 · name")],
    hazard: Annotated[str, typer.Option(help="灾种 · hazard")] = "flood",
    subtype: Annotated[str, typer.Option(help="亚灾种 · subtype")] = "",
    at: Annotated[str, typer.Option(help="发生时间 · when it occurred, ISO 8601")] = "",
    incident: Annotated[str, typer.Option("--incident", help="编号 · id")] = "",
    exercise: Annotated[bool, typer.Option("--exercise", help="演练 · a drill")] = False,
) -> None:
    """新建灾害过程 · declare an incident."""
    with refusals():
        office = bureau()
        occurred = bootstrap.parse_moment(at) if at else office.now()
        told = incidents.Declaration(name, hazard, occurred, subtype, exercise, incident)
        policy = office.policy()
        with office.transaction() as (session, act):
            found = incidents.declare_incident(session, act, policy, told)
        show({"incident": found.incident_id}, lambda: [found.incident_id])


@app.command("list")
def list_() -> None:
    """列出灾害过程 · list the incidents."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            found = incidents.list_incidents(session)
        show([documents.plain(i) for i in found], lambda: [f"{i.incident_id}  {i.name}  {i.hazard}" for i in found])


@app.command()
def footprint(
    file: Annotated[Path, typer.Argument(help="影响范围文件或水深栅格 · footprint or depth raster")],
    incident: IncidentId,
    crs: Annotated[str, typer.Option(help="坐标系 · EPSG:n | gcj02 | bd09")] = "",
    encoding: Annotated[str, typer.Option(help="文本编码 · encoding")] = "",
    sheet: Annotated[str, typer.Option(help="图层 · layer inside the file")] = "",
) -> None:
    """导入影响范围 · import the footprint."""
    with refusals():
        office = bureau()
        options = reading.ReadOptions(crs=crs, encoding=encoding, sheet=sheet)
        with office.transaction() as (session, act):
            told = incidents.add_footprint_file(session, act, office.policy(), incident, file, options)
        fields = {name: told[name] for name in FOOTPRINT_FIELDS}
        show(fields, lambda: [office.text("incident.footprint_done", **fields)])
        note(incidents.footprint_notes(told, office.text))


@app.command("impact")
def impact_(incident: IncidentId) -> None:
    """测算影响 · assess the impact."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.transaction() as (session, act):
            told = impact.assess_impact(session, act, policy, incident)
        show(told, lambda: impact.impact_lines(told, office.text))


@app.command()
def level(
    incident: IncidentId,
    decide: Annotated[str, typer.Option(help="I II III IV，或 none · the level decided")] = "",
    leader: Annotated[str, typer.Option(help="决定人 · who decided")] = "",
    reason: Annotated[str, typer.Option(help="与建议不同时的理由 · reason of a deviation")] = "",
    order_no: Annotated[str, typer.Option(help="文号 · order number")] = "",
) -> None:
    """响应级别：建议及差距；--decide 记录决定 · advice on the level; record a decision."""
    with refusals():
        office = bureau()
        policy = office.policy()
        if decide:
            chosen = response.Decision(None if decide == "none" else decide, leader or office.who, reason, order_no)
            with office.transaction() as (session, act):
                show(response.decide_level(session, act, policy, incident, chosen))
            return
        with office.reading() as session:
            advice, values = response.advise_level(session, policy, incident)
            decided = response.present_level(session, incident)
        show(
            {"advice": documents.plain(advice), "values": documents.plain(values), "decided": decided},
            lambda: papers.level_lines(office.text, advice),
        )
