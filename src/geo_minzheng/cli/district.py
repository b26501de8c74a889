"""``district``: create and describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from geo_minzheng.cli import flood_lines, planning_lines
from geo_minzheng.cli.frame import bureau, refusals, show, show_files, steps, write_map, writing
from geo_minzheng.cli.words import words_of
from geo_minzheng.services import district, duty, incidents, keys, maps, tasks
from geo_minzheng.settings import data_dir

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau

app = typer.Typer(no_args_is_help=True, help="区县 · the district")


@app.command()
def create(
    osm: Annotated[Path | None, typer.Option(help="OpenStreetMap 数据 · .osm.pbf, .osm, .osm.gz")] = None,
    codes: Annotated[Path | None, typer.Option(help="区划代码表（按名称对应）· code list by name")] = None,
    name: Annotated[str, typer.Option(help="区县名称 · name")] = "",
    code: Annotated[str, typer.Option(help="6位区划代码 · division code")] = "",
    profile: Annotated[str, typer.Option(help="政策档 · policy profile")] = "seed_reference",
    empty: Annotated[bool, typer.Option("--empty", help="空白区县，图层另行导入 · layers follow by import")] = False,
) -> None:
    """新建区县：由地图数据生成，或先建空白库再逐层导入 · from an extract, or empty."""
    if (osm is None) == (not empty):
        raise typer.BadParameter("用 --osm 文件，或 --empty · give --osm FILE or --empty")
    with refusals(), steps(("read", "store", "done")) as step:
        office = bureau()
        policy = office.policy_for(profile)
        layers: dict[str, Any] = {}
        step("read")
        if osm is not None:
            layers, _ = district.osm_layers(
                osm, data_dir("demo") / "extract.toml", policy, codes=codes,
                catalogue=office.catalogue,
            )  # fmt: skip
        step("store")
        with writing(office.settings.home), office.founding(), office.transaction() as (session, act):
            values = {"policy_profile": profile, "name": name, "code": code}
            district.name_district(session, act, {k: v for k, v in values.items() if v})
            district.store_layers(session, act, office.catalogue, policy, layers)
        step("done")
    with refusals():
        _show(office)


@app.command("show")
def show_() -> None:
    """区县概况 · what the district holds."""
    with refusals():
        _show(bureau())


def _show(office: Bureau) -> None:
    with office.reading() as session:
        told = district.describe(session, office.catalogue)
    show(told, lambda: planning_lines.district_lines(office.text, told))


@app.command()
def todo() -> None:
    """现在要做什么：最急的在前，最多七条 · what to do now, worst first, at most seven lines."""
    with refusals():
        office = bureau()
        policy = office.policy()
        with office.reading() as session:
            waiting = tasks.list_waiting(session, office.act(), policy, place=office.place, settings=office.settings)
            numbers = duty.district_numbers(session, office.act(), policy)
            names = {i.incident_id: i.name for i in incidents.list_incidents(session)}
            words = words_of(office, session)
        facts = {name: office.text.count(value, digits=1) for name, value in numbers.items()}
        lines = [flood_lines.todo_line(words, one, names) for one in waiting] or [office.text("pages.overview.nothing")]
        lines += [
            f"{office.text(f'pages.overview.number.{n}')}  {office.text(f'pages.overview.value.{n}', **facts)}"
            for n in planning_lines.NUMBERS
        ]
        show({"todo": waiting, "numbers": numbers}, lambda: lines)


@app.command("map")
def map_(out: Annotated[Path, typer.Option(help="输出文件 · output")] = Path("map.html")) -> None:
    """全区一张图：一个离线可开的网页 · the district's map as one file that opens offline."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            content = maps.district_map(session, office.act(), office.catalogue, office.policy(), office.text)
        show_files([write_map(office, content, out)])


@app.command("keys")
def keys_() -> None:
    """密钥在哪里、各用于多少处；不显示密钥 · where the keys lie and what needs which."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            told = keys.describe_keys(session, office.act())
        show(told, lambda: planning_lines.key_lines(office.text, told))


@app.command("rotate-keys")
def rotate_keys() -> None:
    """更换密钥：新密钥重新加密全部住户，旧密钥留着 · a new key, every household sealed anew."""
    with refusals():
        office = bureau()
        with office.transaction() as (session, act):
            told = keys.rotate_keys(session, act)
        show(told, lambda: [office.text("keys.rotated", **told)])


@app.command("retire-keys")
def retire_keys() -> None:
    """停用已不需要的旧密钥 · take keys that no row needs off the ring."""
    with refusals():
        office = bureau()
        with office.transaction() as (session, act):
            told = keys.retire_keys(session, act)
        line = (
            office.text("keys.retired", names=told["retired"]) if told["retired"] else office.text("keys.retired_none")
        )
        show(told, lambda: [line])
