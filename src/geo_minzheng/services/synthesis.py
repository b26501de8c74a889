"""Build the files of the demo district from its plan, and list them for the importer."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from geo_minzheng.engine import synthesise
from geo_minzheng.layers.catalogue import load_catalogue
from geo_minzheng.policy.load import load_policy
from geo_minzheng.present.tables import Form, write_footprint, write_layer
from geo_minzheng.settings import data_dir, layers_dir

MANIFEST = "manifest.toml"
FLOOD = "flood_2026.geojson"
_IMPORT_KEYS = ("layer", "file", "where", "crs", "encoding", "coord_source")


@dataclass(frozen=True)
class DemoFile:
    """One file of the demo district and how it is imported.

    Parameters
    ----------
    crs, encoding
        What the importer is told; empty where the file says it itself.
    coord_source
        Origin of the places in it, for rows that do not name one.
    """

    layer: str
    path: Path
    crs: str = ""
    encoding: str = ""
    coord_source: str = "synthetic"


@dataclass(frozen=True)
class DemoDistrict:
    """The demo district as handed over: its fixed clock, its flood, and its files in import order."""

    now: str
    planning_day: date
    flood: Path
    breach: str
    files: tuple[DemoFile, ...]


def read_demo_plan(path: Path | None = None) -> dict[str, Any]:
    """Read the plan of the demo district."""
    return tomllib.loads((path or data_dir("demo") / "plan.toml").read_text(encoding="utf-8"))


def _codes(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def synthesise_demo(plan: Mapping[str, Any], *, source: Path | None = None) -> synthesise.Layers:
    """Synthesise every layer of the demo district from its plan, its real boundary and its real codes."""
    source = source or data_dir("demo") / "source"
    boundary = json.loads((source / "boundary_420703.geojson").read_text(encoding="utf-8"))["features"][0]
    towns = [(r["code"], r["name"]) for r in _codes(source / "towns_420703_codes.csv")]
    villages = [(r["code"], r["name"], r["streetCode"]) for r in _codes(source / "villages_420703_codes.csv")]
    return synthesise.demo_district(plan, boundary, towns, villages, _packs(plan))


def _packs(plan: Mapping[str, Any]) -> dict[str, synthesise.ItemPack]:
    policy = load_policy(data_dir("policy"), profile=plan["profile"], day=plan["planning_day"])
    return {i.item: synthesise.ItemPack(i.unit, i.package_size) for i in policy.need_rules.items}


def write_demo_district(tables: Path, layers: Path, *, plan: Mapping[str, Any] | None = None) -> DemoDistrict:
    """Write the demo district as a bureau would hand it over; the same plan gives the same content, always.

    Parameters
    ----------
    tables, layers
        Folders for the registers (with the manifest) and for the geometry; as committed: ``data/demo`` and
        ``layers/demo``.
    """
    plan = plan or read_demo_plan()
    specs = load_catalogue(layers_dir())
    frames = synthesise_demo(plan)
    tables.mkdir(parents=True, exist_ok=True)
    layers.mkdir(parents=True, exist_ok=True)
    for entry in plan["file"]:
        frame = synthesise.pick_rows(frames[entry["layer"]], entry.get("select", {}), entry.get("reject", {}))
        if "coord_source" not in entry and not entry.get("real"):
            frame = frame.assign(coord_source="synthetic")
        write_layer(frame, specs[entry["layer"]], _place(entry, tables, layers), _form(entry))
    flood = frames["flood"].assign(coord_source="synthetic", name=plan["flood"]["name"])
    write_footprint(flood, layers / FLOOD)
    (tables / MANIFEST).write_text(_manifest(plan), encoding="utf-8")
    return read_demo_manifest(tables, layers)


def _place(entry: Mapping[str, Any], tables: Path, layers: Path) -> Path:
    return {"tables": tables, "layers": layers}[entry["where"]] / str(entry["file"])


def _form(entry: Mapping[str, Any]) -> Form:
    keys = ("title", "note", "groups", "totals", "crs", "encoding")
    return Form(**{k: entry[k] for k in keys if k in entry})


def _manifest(plan: Mapping[str, Any]) -> str:
    lines = [
        "# Written by the synthesiser from plan.toml: the demo district's files in import order.",
        f"now = {plan['now'].isoformat()}",
        f"planning_day = {plan['planning_day'].isoformat()}",
        f"flood = {json.dumps(FLOOD)}",
        f"flood_name = {json.dumps(plan['flood']['name'], ensure_ascii=False)}",
    ]
    for entry in plan["file"]:
        lines += ["", "[[file]]"]
        told = {"coord_source": "division_code" if entry.get("real") else "synthetic", **entry}
        lines += [f"{key} = {json.dumps(told[key])}" for key in _IMPORT_KEYS if key in told]
    return "\n".join(lines) + "\n"


def read_demo_manifest(tables: Path | None = None, layers: Path | None = None) -> DemoDistrict:
    """List the demo district's files in the order they are imported."""
    tables = tables or data_dir("demo")
    layers = layers or layers_dir() / "demo"
    raw = tomllib.loads((tables / MANIFEST).read_text(encoding="utf-8"))
    files = tuple(
        DemoFile(
            entry["layer"],
            _place(entry, tables, layers),
            entry.get("crs", ""),
            entry.get("encoding", ""),
            entry["coord_source"],
        )
        for entry in raw["file"]
    )
    return DemoDistrict(raw["now"].isoformat(), raw["planning_day"], layers / raw["flood"], raw["flood_name"], files)


if __name__ == "__main__":
    write_demo_district(data_dir("demo"), layers_dir() / "demo")
