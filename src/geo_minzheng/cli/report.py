"""``report``: what villages report, reviewed; the official form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_minzheng.cli import flood_lines, frame
from geo_minzheng.cli.frame import bureau, refusals, show, writing
from geo_minzheng.cli.words import words_of
from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.present import write
from geo_minzheng.services import incidents, papers, photos, reports, review

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from geo_minzheng.bootstrap import Bureau

CHANNELS = ("phone", "wechat", "sms", "radio", "paper")
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
    behalf: Annotated[str, typer.Option(help="代报渠道 · on behalf, by phone | wechat | sms | radio | paper")] = "",
    caller: Annotated[str, typer.Option(help="代报：来电人 · who called")] = "",
    recorder: Annotated[str, typer.Option(help="代报：记录人，不写为经办人 · who wrote it down")] = "",
    local_units: Annotated[
        bool, typer.Option("--local-units", help="按填报单位（亩、斤）· figures in mu and jin")
    ] = False,
) -> None:
    """报送灾情，可代报 · report, also on behalf of a village."""
    with refusals():
        office = bureau()
        policy = office.policy()
        pictures = tuple(_bytes(path) for path in photo or ())
        values = _values(value or [])
        if local_units:
            values = reports.from_entry(policy, values)
        told = reports.Submission(
            village, values, uuid, no_change, note, photos=pictures, written_at=office.now(),
            on_behalf=_behalf(office, behalf, caller, recorder),
        )  # fmt: skip
        with office.transaction(incident=incident) as (session, act):
            done = reports.submit_report(
                session, act, policy, incident, told, photo_dir=office.settings.home / "photos"
            )
            versions = reports.list_versions(session, incident, village=village)
            words = words_of(office, session)
        sent = next(v for v in versions if v.uuid == done["uuid"])
        fields = flood_lines.fields_of(policy)
        again = [] if done["stored"] else [office.text("cli.report.again")]
        show(done, lambda: [*flood_lines.version_lines(words, sent, fields), *again])


def _behalf(office: Bureau, channel: str, caller: str, recorder: str) -> dict[str, str] | None:
    if not (channel or caller or recorder):
        return None
    if channel and not office.text.has(f"pages.report.channels.{channel}"):
        raise InputError("report.unknown_channel", channel=channel, allowed=list(CHANNELS))
    return {"channel": channel, "caller": caller, "recorder": recorder or office.who}


@app.command()
def fields() -> None:
    """填报项：名称和单位 · the fields a report may hold, with their units."""
    with refusals():
        office = bureau()
        found = flood_lines.fields_of(office.policy())
        with office.reading() as session:
            words = words_of(office, session)
        show(list(found.values()), lambda: [flood_lines.field_line(words, f) for f in found.values()])


@app.command()
def officers(village: Annotated[str, typer.Option(help="行政村代码 · village")] = "") -> None:
    """灾害信息员及电话 · the information officers and their numbers."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            found = [o for o in review.officers(session) if village in ("", o.village)]
            words = words_of(office, session)
        lines = [f"{o.village}  {o.town_name} {o.village_name}  {flood_lines.officer_line(words, o)}" for o in found]
        show(found, lambda: lines or [office.text("cli.report.no_officer")])


@app.command("list")
def list_(incident: IncidentId, village: Annotated[str, typer.Option(help="行政村代码")] = "") -> None:
    """列出各版报告 · list the versions."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            incidents.get_incident(session, incident)
            found = reports.list_versions(session, incident, village=village)
            if frame.options.as_json:
                show(found)
                return
            words = words_of(office, session)
        lines = [flood_lines.version_line(words, v) for v in found]
        show(None, lambda: lines or [office.text("cli.report.none")])


@app.command()
def waiting(incident: IncidentId) -> None:
    """待审报告，等得最久的在前 · the versions that wait for a review, the longest wait first."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            incidents.get_incident(session, incident)
            found = review.waiting(session, office.act(), policy, incident)
            words = words_of(office, session)
        lines = [flood_lines.waiting_line(words, w) for w in found]
        show(found, lambda: lines or [office.text("pages.review.nothing_waits")])


@app.command()
def compare(version: Annotated[str, typer.Argument(help="报告编号 · uuid")], incident: IncidentId) -> None:
    """与上次核定数对照，并校核 · a version beside the last confirmed one, and what it breaks."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            row = _version(session, incident, version)
            found = review.compare(session, policy, incident, row)
            words = words_of(office, session)
        known = flood_lines.fields_of(policy)
        show(found, lambda: flood_lines.comparison_lines(words, found, fields=known))


def _version(session: Session, incident: str, version: str) -> reports.Version:
    incidents.get_incident(session, incident)
    found = next((v for v in reports.list_versions(session, incident) if v.uuid == version), None)
    if found is None:
        raise NotFoundError("report.no_version", version=version)
    return found


@app.command("photos")
def photos_(
    version: Annotated[str, typer.Argument(help="报告编号 · uuid")],
    incident: IncidentId,
    out: Annotated[Path | None, typer.Option(help="复制到的目录 · folder to copy them to")] = None,
) -> None:
    """报告所附照片 · the photos of a version."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            names = _version(session, incident, version).photos
        kept = [photos.path_of(office.settings.home / "photos", name) for name in names]
        found = [path for path in kept if path.is_file()]
        if out is not None:
            with writing(out):
                found = [write.write_bytes(path.read_bytes(), out / path.name) for path in found]
        show(
            {"files": [str(f) for f in found]}, lambda: [str(f) for f in found] or [office.text("cli.report.no_photo")]
        )


@app.command()
def silent(incident: IncidentId) -> None:
    """未报村及联系电话，交通中断的在前 · the villages that are silent, and whom to call."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            incidents.get_incident(session, incident)
            found = review.silent(session, incident)
            words = words_of(office, session)
        lines = [flood_lines.silent_line(words, row) for row in found]
        show(found, lambda: lines or [office.text("pages.review.nobody_silent")])


@app.command()
def totals(incident: IncidentId) -> None:
    """各乡镇核定数合计，测算数另列 · the confirmed figures by town; estimates stand beside them."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            rows = review.town_figures(session, policy, incident)
            words = words_of(office, session)
        known = flood_lines.fields_of(policy)
        show(rows, lambda: flood_lines.totals_lines(words, rows, known))


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
            done = _version(session, incident, version)
            words = words_of(office, session)
        known = flood_lines.fields_of(policy)
        show({"uuid": version, "state": verdict}, lambda: flood_lines.version_lines(words, done, known))


@app.command()
def form(
    incident: IncidentId, out: Annotated[Path, typer.Option(help="输出文件 · output")] = Path("form.xlsx")
) -> None:
    """生成统计表（只含核定数）· write the statistics form."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session, writing(out):
            path = papers.write_statistics_form(session, office.act(), policy, office.official_text, incident, out)
        show({"file": str(path)}, lambda: [str(path)])
