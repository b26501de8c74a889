"""``incident``: declare, footprint, impact, response level."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo_minzheng import bootstrap
from geo_minzheng.cli import flood_lines
from geo_minzheng.cli.frame import bureau, note, refusals, show, show_files, write_map, writing
from geo_minzheng.cli.words import words_of
from geo_minzheng.engine import documents
from geo_minzheng.layers import options as reading
from geo_minzheng.services import duty, impact, incidents, maps, papers, relief, response

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
            words = words_of(office, session)
        show({"incident": found.incident_id}, lambda: [flood_lines.incident_line(words, found)])


@app.command("list")
def list_() -> None:
    """列出灾害过程 · list the incidents."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            found = incidents.list_incidents(session)
            words = words_of(office, session)
        show(found, lambda: [flood_lines.incident_line(words, i) for i in found] or [office.text("cli.incident.none")])


@app.command("show")
def show_(incident: IncidentId) -> None:
    """灾情现状：范围、最近一次测算、响应级别 · footprint, last impact and level of an incident."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            found = incidents.get_incident(session, incident)
            told = incidents.declared(session, incident)
            told |= {
                "impact": impact.find_impact(session, incident),
                "level": response.present_level(session, incident),
                "step": duty.next_step(session, incident),
            }
            words = words_of(office, session)
        show(told, lambda: flood_lines.state_lines(words, found, told))


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
            words = words_of(office, session)
        show(told, lambda: flood_lines.impact_lines(words, told))


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
            chosen = response.Decision(None if decide == "none" else decide, leader, reason, order_no)
            with office.transaction() as (session, act):
                made = response.decide_level(session, act, policy, incident, chosen)
                words = words_of(office, session)
            show(made, lambda: [flood_lines.decision_line(words, made)])
            return
        with office.reading() as session:
            advice, values = response.advise_level(session, policy, incident)
            decided = response.present_level(session, incident)
            words = words_of(office, session)
        show(
            {"advice": documents.plain(advice), "values": documents.plain(values), "decided": decided},
            lambda: flood_lines.level_lines(words, advice, decided),
        )


@app.command()
def briefing(incident: IncidentId, out: Annotated[Path, typer.Option(help="输出目录 · folder")] = Path("out")) -> None:
    """生成灾情专报（DOCX、PDF，附图）· write the briefing with its map."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session, writing(out):
            out.mkdir(parents=True, exist_ok=True)
            files = papers.write_briefing(
                session, office.act(incident=incident), office.catalogue, policy, office.official_text, incident, out,
                fonts=office.settings.fonts,
            )  # fmt: skip
        show_files(files)


@app.command("map")
def map_(incident: IncidentId, out: Annotated[Path, typer.Option(help="输出文件 · output")] = Path("map.html")) -> None:
    """灾情图：一个离线可开的网页 · the incident's map as one file that opens offline."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            plan = relief.latest_plan(session, incident)
            content = maps.incident_map(
                session, office.act(), office.catalogue, policy, office.text, incident,
                impact=impact.find_impact(session, incident), plan=None if plan is None else plan.document,
            )  # fmt: skip
        show_files([write_map(office, content, out)])
