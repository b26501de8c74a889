"""Write docs/layers.md from the catalogue: ``python tests/docs/layer_page.py > docs/layers.md``."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from geo_minzheng.layers.catalogue import load_catalogue
from geo_minzheng.model.columns import COLUMNS
from geo_minzheng.model.layer import ColumnSpec, LayerSpec
from geo_minzheng.settings import data_dir, layers_dir

SHAPES = {"Point": "点", "LineString": "线", "Polygon": "面", "none": "表格"}
TYPES = {
    "text": "文字", "int": "整数", "float": "数", "bool": "是/否", "date": "日期", "enum": "选项",
    "code": "区划代码", "code6": "6位代码", "code9": "9位代码", "code12": "12位代码",
}  # fmt: skip
SEEN_BY = {"wide": "公开范围", "bureau": "局内", "casework": "经办（逐户数据）"}
HEAD = """# 图层 · Layers

每个图层由 `layers/` 里的一个 TOML 文件定义，本页由它们生成（`python tests/docs/layer_page.py > docs/layers.md`），
测试核对两者一致。导入：`geo-minzheng layer import 图层名 文件`（[全部命令](commands.md)）。
标★的列必填；“可写作”是表头能认出的写法；“主键”相同即同一条记录。
除下列各列外，每条记录还带 `coord_source`（坐标来源，合成数据为 `synthetic`）、`source_crs`、`source_file`、
`imported_at`。

One TOML file in `layers/` defines a layer; this page is generated from them.
★ = required; 主键 = key; 可写作 = headings that are recognised.
What the keys of such a file mean: [The layer catalogue](decisions/layer-catalogue.md).
"""


def _range(column: ColumnSpec) -> str:
    if column.values:
        return "；".join(f"`{code}` {words[0]}" if words else f"`{code}`" for code, words in column.values.items())
    if column.ref:
        return f"须在 `{column.ref}` 中"
    if column.min is None and column.max is None:
        return ""
    low = "" if column.min is None else f"{column.min:g}"
    high = "" if column.max is None else f"{column.max:.10g}"
    return f"{low}–{high}"


def _row(column: ColumnSpec, names: Mapping[str, str]) -> str:
    meaning = COLUMNS[column.name].meaning
    marks = ("★" if column.required else "") + ("（个人信息）" if column.private else "")
    cells = [
        f"`{column.name}`{marks}", names[column.name], TYPES[column.type], column.unit, _range(column),
        "、".join(column.heads), meaning,
    ]  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _layer(spec: LayerSpec, words: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{spec.name}` {words['layer'][spec.name]}"
    yield ""
    facts = [
        SHAPES[spec.geometry], "主键 " + "、".join(f"`{k}`" for k in spec.key), SEEN_BY[spec.visibility],
        f"示范数据来源：{spec.source}", f"许可：{spec.licence}",
    ]  # fmt: skip
    yield " · ".join(facts)
    yield ""
    yield "| 列 | 名称 | 类型 | 单位 | 取值 | 可写作 | meaning |"
    yield "|---|---|---|---|---|---|---|"
    for column in spec.columns:
        yield _row(column, words["column"])
    yield ""


def _anchor(name: str, title: str) -> str:
    return re.sub(r"[^\w\- ]", "", f"{name} {title}").replace(" ", "-")


def page() -> str:
    """Put the page together."""
    words = tomllib.loads((Path(data_dir("text")) / "zh.toml").read_text(encoding="utf-8"))
    catalogue = load_catalogue(layers_dir())
    index = ["| 图层 | | 列数 |", "|---|---|---|"]
    index += [
        f"| [`{n}`](#{_anchor(n, words['layer'][n])}) | {words['layer'][n]} | {len(s.columns)} |"
        for n, s in catalogue.items()
    ]
    lines = [HEAD, *index, "", *(line for spec in catalogue.values() for line in _layer(spec, words))]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
