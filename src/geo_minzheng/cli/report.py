"""``report``: what villages report, reviewed; the official form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from geo_minzheng.cli.frame import bureau, refusals, show
from geo_minzheng.errors import InputError
from geo_minzheng.services import incidents, papers, reports

app = typer.Typer(no_args_is_help=True, help="报灾 · reports")

IncidentId = Annotated[str, typer.Option("--incident", help="灾害过程编号 · incident id")]


def _values(words: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return values


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError("photo.missing", file=str(path)) from error


@app.command()
def submit(
    village: Annotated[str, typer.Argument(help="行政村代码 · village code")],
    incident: IncidentId,
    value: Annotated[list[str] | None, typer.Option("--set", help="字段=数值；null 为未掌握 · FIELD=VALUE")] = None,
    photo: Annotated[list[Path] | None, typer.Option(help="照片 · photo")] = None,
    no_change: Annotated[bool, typer.Option("--no-change", help="无变化")] = False,
    uuid: Annotated[str, typer.Option(help="客户端编号 · client UUID")] = "",
    note: Annotated[str, typer.Option(help="说明 · note")] = "",
) -> None:
    """报送灾情 · report."""
    with refusals():
        office = bureau()
        policy = office.policy()
        photos = tuple(_bytes(path) for path in photo or ())
        told = reports.Submission(village, _values(value or []), uuid, no_change, note, photos=photos)
        with office.transaction(incident=incident) as (session, act):
            done = reports.submit_report(
                session, act, policy, incident, told, photo_dir=office.settings.home / "photos"
            )
        show(done, lambda: [done["uuid"]])


@app.command("list")
def list_(incident: IncidentId, village: Annotated[str, typer.Option(help="行政村代码")] = "") -> None:
    """列出各版报告 · list the versions."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            incidents.get_incident(session, incident)
            found = reports.list_versions(session, incident, village=village)
        show(
            list(found),
            lambda: [f"{v.uuid}  {v.village}  第{v.number}版  {v.state}" for v in found],
        )


@app.command()
def confirm(
    version: Annotated[str, typer.Argument(help="报告编号 · uuid")],
    incident: IncidentId,
    reason: Annotated[str, typer.Option(help="说明：变化较大时必填 · note on a sudden change")] = "",
) -> None:
    """核定 · confirm."""
    _review(version, incident, "confirmed", reason)


@app.command("return")
def return_(
    version: Annotated[str, typer.Argument(help="报告编号 · uuid")],
    incident: IncidentId,
    reason: Annotated[str, typer.Option(help="退回理由 · reason")],
) -> None:
    """退回 · return with a reason."""
    _review(version, incident, "returned", reason)


def _review(version: str, incident: str, verdict: str, reason: str) -> None:
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.transaction(incident=incident) as (session, act):
            reports.review_report(session, act, policy, incident, version, verdict=verdict, reason=reason)
        show({"uuid": version, "state": verdict}, lambda: [f"{version}  {verdict}"])


@app.command()
def form(
    incident: IncidentId, out: Annotated[Path, typer.Option(help="输出文件 · output")] = Path("form.xlsx")
) -> None:
    """生成统计表（只含核定数）· write the statistics form."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            path = papers.write_statistics_form(session, office.act(), policy, office.official_text, incident, out)
        show({"file": str(path)}, lambda: [str(path)])
