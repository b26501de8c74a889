"""``layer``: the catalogue, imports and conversions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from geo_minzheng.cli import planning_lines
from geo_minzheng.cli.frame import REFUSED, bureau, refusals, show, writing
from geo_minzheng.services import exports, imports

app = typer.Typer(no_args_is_help=True, help="图层 · layers")

Crs = Annotated[str, typer.Option(help="坐标系 · EPSG:n | gcj02 | bd09")]


@app.command("list")
def list_() -> None:
    """列出图层及行数 · list the layers and their rows."""
    with refusals():
        office = bureau()
        with office.reading() as session:
            rows = imports.list_layers(session, office.catalogue)
        show(rows, lambda: planning_lines.layer_lines(office.text, rows))


@app.command("import")
def import_(
    layer: Annotated[str, typer.Argument(help="图层名 · layer name")],
    files: Annotated[list[Path], typer.Argument(help="文件 · files")],
    mapping: Annotated[list[str] | None, typer.Option("--map", help="目标列=来源列 · TARGET=SOURCE")] = None,
    crs: Crs = "",
    encoding: Annotated[str, typer.Option(help="文本编码 · encoding")] = "",
    sheet: Annotated[str, typer.Option(help="工作表或图层 · sheet or layer inside the file")] = "",
    repair: Annotated[bool, typer.Option("--repair", help="按提示修复后导入 · mend what the dry run offered")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只检查不入库 · check only")] = False,
) -> None:
    """导入文件：一次列出全部问题，有一处不合格则全部不入库 · import files."""
    with refusals():
        office = bureau()
        options = imports.read_options(mapping or [], crs=crs, encoding=encoding, sheet=sheet, repair=repair)
        request = imports.Request(layer, tuple(files), options, is_dry=dry_run)
        policy = office.policy()
        with office.transaction() as (session, act):
            found = imports.import_files(session, act, office.catalogue, policy, request)
        reports = [imports.report(checked, counts, office.text) for checked, counts in found]
        show(reports, lambda: [line for r in reports for line in imports.report_lines(r, office.text)])
        if any(checked.is_refused for checked, _ in found):
            raise typer.Exit(REFUSED)


@app.command()
def export(
    layer: Annotated[str, typer.Argument(help="图层名 · layer name")],
    out: Annotated[Path, typer.Option(help="输出文件 · .xlsx .csv .gpkg .geojson")],
) -> None:
    """导出图层：单位在表头，公式已失效，数字仍为数字 · write a layer's rows to a file."""
    with refusals():
        office = bureau()
        with office.reading() as session, writing(out):
            done = exports.export_layer(
                session, office.act(), office.catalogue, office.policy(), office.text, layer=layer, out=out
            )
        show(done, lambda: [office.text("cli.layer.exported", **done)])


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="来源文件 · source")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="输出文件 · output")],
    crs: Annotated[str, typer.Option(help="来源坐标系 · gcj02 | bd09 | EPSG:n")],
) -> None:
    """把文件转换为入库坐标系（CGCS2000）· convert a file into the store's system."""
    with refusals():
        office = bureau()
        done = imports.convert(source, target, crs=crs)
        show(done, lambda: [office.text("cli.layer.converted", **done)])
