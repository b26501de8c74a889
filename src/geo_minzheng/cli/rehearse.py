"""The demo as a command: create the home, play both days, write everything, say what happened."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_minzheng import bootstrap
from geo_minzheng.errors import RefusedError
from geo_minzheng.layers import options
from geo_minzheng.services import demo, demo_people, district, impact, incidents
from geo_minzheng.settings import data_dir, read_settings

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.present.text import Text

PROFILE = "seed_reference"
STEPS = ("read", "store", "planning", "impact", "reports", "plan", "papers", "done")
# What a home of ours holds; anything else in the folder belongs to somebody else and stays.
OURS = ("district*.gpkg*", "photos", "papers", "keys")

Step = Callable[[str], None]


@dataclass(frozen=True)
class Rehearsal:
    """What is played: where it goes, when, on which ground."""

    out: Path
    home: Path
    flood_at: datetime
    planning_day: date
    flood: str
    layers: dict[str, Any]


def rehearse(out: Path, *, osm: Path | None, home: Path | None, now: str, step: Step) -> dict[str, Any]:
    """Build a district and play the planning day and the flood day; an interrupt leaves what was there before.

    Returns
    -------
    What happened, for machines; :func:`lines` says it to people.

    Raises
    ------
    RefusedError
        ``demo.not_a_demo``: the home holds a district that is no demo.
    """
    out = out.absolute()
    home = (home or out / "home").absolute()
    out.mkdir(parents=True, exist_ok=True)
    _refuse_real(home)
    step("read")
    with _workshop(out) as building:
        told = _play(_rehearsal(building, osm, now), step)
        step("done")
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for old in (path for pattern in OURS for path in home.glob(pattern)):
            _remove(old)
        _move(building / "home", home, sorted(path.name for path in (building / "home").iterdir()))
        files = sorted(path.name for path in building.iterdir() if path.is_file())
        _move(building, out, files)
    return {
        "home": str(home),
        "out": str(out),
        "extract": str(osm or ""),
        **told,
        "files": [str(out / name) for name in files],
    }


def _refuse_real(home: Path) -> None:
    if (home / "district.gpkg").exists():
        with closing(bootstrap.open_bureau(read_settings(home=home))) as desk, desk.reading() as session:
            is_demo = district.describe_flag(session, "is_demo")
        if not is_demo:
            raise RefusedError("demo.not_a_demo", home=str(home))
    elif (home / "keys").exists():
        # Whose store these keys open is not here: it may be on a server, or about to be restored.
        raise RefusedError("demo.keys_here", folder=str(home / "keys"))


@contextmanager
def _workshop(out: Path) -> Iterator[Path]:
    """Work in a folder of its own, so that whatever ends the work leaves the place as it was."""
    folder = Path(tempfile.mkdtemp(prefix=".building-", dir=out))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _move(source: Path, target: Path, names: list[str]) -> None:
    for name in names:
        _remove(target / name)
        shutil.move(source / name, target / name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _rehearsal(building: Path, osm: Path | None, now: str) -> Rehearsal:
    home = building / "home"
    if osm is None:
        plan = demo.demo_manifest()
        return Rehearsal(
            building, home, bootstrap.parse_moment(now or plan.now), plan.planning_day, plan.breach, layers={}
        )
    raw = tomllib.loads((data_dir("demo") / "extract.toml").read_text(encoding="utf-8"))
    flood_at = bootstrap.parse_moment(now) if now else raw["now"].astimezone(bootstrap.CHINA)
    first = bootstrap.open_bureau(read_settings(home=home, now=flood_at.isoformat()))
    layers, _ = district.osm_layers(
        osm, data_dir("demo") / "extract.toml", first.policy_for(PROFILE), codes=None, catalogue=first.catalogue
    )
    return Rehearsal(building, home, flood_at, raw["planning_day"], raw["flood"]["name"], layers)


def _play(told: Rehearsal, step: Step) -> dict[str, Any]:
    settings = read_settings(home=told.home, now=told.flood_at.isoformat())
    flood_desk = bootstrap.open_bureau(settings, who=demo.COORDINATOR)
    day = told.planning_day
    planning = flood_desk.at(datetime(day.year, day.month, day.day, 9, 0, tzinfo=bootstrap.CHINA))
    step("store")
    flood_desk.create_store()
    done: dict[str, Any] = {"layers": _build(planning, told)}
    step("planning")
    done |= _planning_day(planning.named(demo.PLANNER), told)
    done |= _flood_day(flood_desk, told, step)
    with flood_desk.transaction() as (session, act):
        people, password = demo_people.add_demo_people(session, act, done["incident"])
        district.name_district(session, act, {"demo_clock": told.flood_at.isoformat()})
    roles = flood_desk.policy().roles
    done["accounts"] = {
        "password": password,
        "people": [asdict(p) | {"role_zh": roles[p.role].name_zh, "role_en": roles[p.role].name_en} for p in people],
    }
    flood_desk.close()
    return done


def _stage(desk: Bureau, told: Rehearsal) -> demo.Stage:
    chinese = bootstrap.text_of("zh")
    return demo.Stage(
        chinese, desk.catalogue, desk.policy_for(PROFILE), told.out, desk.settings.home, desk.settings.fonts
    )


def _build(desk: Bureau, told: Rehearsal) -> dict[str, int]:
    stage = _stage(desk, told)
    with desk.transaction() as (session, act):
        if not told.layers:
            return demo.import_demo_district(session, act, stage)
        district.name_district(session, act, {"policy_profile": PROFILE, "is_demo": True})
        return district.store_layers(session, act, stage.catalogue, stage.policy, told.layers)


def _planning_day(desk: Bureau, told: Rehearsal) -> dict[str, Any]:
    with desk.transaction() as (session, act):
        made = demo.play_planning_day(session, act, _stage(desk, told))
    return {
        "programmes": {p["programme"]: len(p["chosen"]) for p in made["programmes"]["programmes"]},
        "new_sites": made["siting"]["cover"]["new"],
    }


def _flood_day(desk: Bureau, told: Rehearsal, step: Step) -> dict[str, Any]:
    stage = _stage(desk, told)
    footprint = told.layers.get("flood")

    def at_desk(who: str) -> Any:
        return desk.named(who).act(incident=demo.INCIDENT)

    with desk.transaction() as (session, act):
        step("impact")
        incident = demo.declare_flood(session, act, stage, name=told.flood)
        if footprint is None:
            nothing = options.ReadOptions()
            incidents.add_footprint_file(session, act, stage.policy, incident, demo.demo_manifest().flood, nothing)
        else:
            incidents.add_footprint(session, act, incident, footprint, source="synthetic")
        assessed = impact.assess_impact(session, act, stage.policy, incident)
        level = demo.decide_flood_level(session, act, stage, incident)
        step("reports")
        counts = demo.report_from_villages(at_desk, session, stage, incident)
        step("plan")
        plan, approval = demo.plan_and_approve(at_desk, session, stage, incident)
        picked = demo.issue_first_order(at_desk, session, approval)
    step("papers")
    with desk.reading() as session:
        demo.write_papers(session, desk.act(incident=incident), stage, incident)
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
    }


def lines(told: dict[str, Any], text: Text) -> list[str]:
    """Say what happened."""
    level = text(f"names.level.{told['level']}") if told["level"] else text("papers.not_activated")
    accounts = told["accounts"]
    plan = told["plan"] | {"status": text(f"names.status.{told['plan']['status']}")}
    people = {name: text.integer(told[name]) for name in ("affected", "displaced")}
    programmes = list(told["programmes"].values())
    return [
        text(
            "demo.summary_extract" if told["extract"] else "demo.summary_district", layers=len(told["layers"]),
            rows=text.integer(sum(told["layers"].values())), file=Path(told["extract"]).name,
        ),
        text("demo.summary_planning", programmes=programmes, sites=told["new_sites"] or "—"),
        text("demo.summary_flood", **people, isolated=told["isolated"], level=level),
        text("demo.summary_reports", **told["reports"]),
        text("demo.summary_plan", orders=told["orders"], **plan),
        text(
            "demo.summary_files", out=told["out"], count=len(told["files"]),
            names=[Path(file).name for file in told["files"]],
        ),
        text("demo.accounts", password=accounts["password"], count=len(accounts["people"])),
        *(
            text("demo.account", login=p["login"], name=p["name"], role=p[f"role_{text.language}"])
            for p in accounts["people"]
        ),
    ]  # fmt: skip
