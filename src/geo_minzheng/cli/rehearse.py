"""The demo as a command: create the home, play both days, write everything, say what happened."""

from __future__ import annotations

import shutil
import tomllib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_minzheng import bootstrap
from geo_minzheng.errors import RefusedError
from geo_minzheng.layers import options
from geo_minzheng.services import demo, district, impact, incidents, staff
from geo_minzheng.settings import data_dir, read_settings

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau

PROFILE = "seed_reference"


def rehearse(out: Path, *, osm: Path | None, home: Path | None, now: str) -> tuple[dict[str, Any], list[str]]:
    """Build a district and play the planning day and the flood day.

    Returns
    -------
    What happened for machines, and as lines for people.

    Raises
    ------
    RefusedError
        ``demo.not_a_demo``: the home holds a district that is no demo.
    """
    out.mkdir(parents=True, exist_ok=True)
    home = (home or out / "home").absolute()
    _clear(home)
    if osm is None:
        plan = demo.demo_manifest()
        flood_at, planning_day, flood = bootstrap.parse_moment(now or plan.now), plan.planning_day, plan.breach
        osm_layers: dict[str, Any] = {}
    else:
        raw = tomllib.loads((data_dir("demo") / "extract.toml").read_text(encoding="utf-8"))
        flood_at = bootstrap.parse_moment(now) if now else raw["now"].astimezone(bootstrap.CHINA)
        planning_day, flood = raw["planning_day"], raw["flood"]["name"]
        first = bootstrap.open_bureau(read_settings(home=home, now=flood_at.isoformat()))
        osm_layers, _ = district.osm_layers(
            osm, data_dir("demo") / "extract.toml", first.policy_for(PROFILE), codes=None, catalogue=first.catalogue
        )
    flood_desk = bootstrap.open_bureau(read_settings(home=home, now=flood_at.isoformat()), who=demo.COORDINATOR)
    planning = flood_desk.at(
        datetime(planning_day.year, planning_day.month, planning_day.day, 9, 0, tzinfo=bootstrap.CHINA)
    )
    flood_desk.create_store()
    told: dict[str, Any] = {"home": str(home), "out": str(out)}
    told["layers"] = _build(planning, out, osm_layers)
    told |= _planning_day(planning.named(demo.PLANNER), out)
    told |= _flood_day(flood_desk, out, flood, osm_layers.get("flood"))
    with flood_desk.transaction() as (session, act):
        district.name_district(session, act, {"demo_clock": flood_at.isoformat()})
    return told, _lines(told)


def _clear(home: Path) -> None:
    if (home / "district.gpkg").exists():
        settings = read_settings(home=home)
        with bootstrap.open_bureau(settings).reading() as session:
            if not district.describe_flag(session, "is_demo"):
                raise RefusedError("demo.not_a_demo", home=str(home))
        shutil.rmtree(home)


def _stage(desk: Bureau, out: Path) -> demo.Stage:
    return demo.Stage(
        bootstrap.text_of("zh"), desk.catalogue, desk.policy_for(PROFILE), out, desk.settings.home, desk.settings.fonts
    )


def _build(desk: Bureau, out: Path, osm_layers: dict[str, Any]) -> dict[str, int]:
    stage = _stage(desk, out)
    with desk.transaction() as (session, act):
        if not osm_layers:
            return demo.import_demo_district(session, act, stage)
        district.name_district(session, act, {"policy_profile": PROFILE, "is_demo": True})
        staff.set_people(session, act, demo.PEOPLE)
        return district.store_layers(session, act, stage.catalogue, stage.policy, osm_layers)


def _planning_day(desk: Bureau, out: Path) -> dict[str, Any]:
    with desk.transaction() as (session, act):
        made = demo.play_planning_day(session, act, _stage(desk, out))
    return {
        "programmes": {p["programme"]: len(p["chosen"]) for p in made["programmes"]["programmes"]},
        "new_sites": made["siting"]["cover"]["new"],
    }


def _flood_day(desk: Bureau, out: Path, name: str, footprint: Any) -> dict[str, Any]:
    stage = _stage(desk, out)

    def at_desk(who: str) -> Any:
        return desk.named(who).act(incident=demo.INCIDENT)

    with desk.transaction() as (session, act):
        incident = demo.declare_flood(session, act, stage, name=name)
        if footprint is None:
            incidents.add_footprint_file(
                session, act, stage.policy, incident, demo.demo_manifest().flood, options.ReadOptions()
            )
        else:
            incidents.add_footprint(session, act, incident, footprint, source="synthetic")
        assessed = impact.assess_impact(session, act, stage.policy, incident)
        level = demo.decide_flood_level(session, act, stage, incident)
        counts = demo.report_from_villages(at_desk, session, stage, incident)
        plan, approval = demo.plan_and_approve(at_desk, session, stage, incident)
        picked = demo.issue_first_order(at_desk, session, approval)
    with desk.reading() as session:
        files = demo.write_papers(session, desk.act(incident=incident), stage, incident)
    return {
        "incident": incident,
        "affected": assessed["totals"]["affected_population"],
        "displaced": assessed["totals"]["displaced_mid"],
        "isolated": len(assessed["isolated"]),
        "level": level.get("level"),
        "reports": counts,
        "plan": {
            "id": plan["plan_id"],
            "status": plan["status"],
            "lines": len(plan["lines"]),
            "changes": plan.get("changes", 0),
        },
        "orders": len(approval["orders"]) if approval else 0,
        "picked": picked,
        "files": sorted(str(f) for f in files),
    }


def _lines(told: dict[str, Any]) -> list[str]:
    text = bootstrap.text_of("zh")
    return [
        text("demo.summary_district", rows=sum(told["layers"].values()), layers=len(told["layers"])),
        text("demo.summary_planning", programmes=list(told["programmes"].values()), sites=told["new_sites"]),
        text("demo.summary_flood", affected=told["affected"], displaced=told["displaced"], isolated=told["isolated"],
             level=told["level"] or "—"),
        text("demo.summary_reports", **told["reports"]),
        text("demo.summary_plan", orders=told["orders"], **told["plan"]),
        text("demo.summary_files", out=told["out"], count=len(told["files"])),
    ]  # fmt: skip
