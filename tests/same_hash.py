"""Plan once in a fresh process and print the hashes: ``python tests/same_hash.py HOME [plan] [planted]``.

Nothing is stored. ``plan`` leaves programmes and siting out. ``planted`` is the bug that R17 must see: rows reach the
engine, and lines the plan, in the order of a set.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.engine import relief as engine
from geo_minzheng.services import housing, places, relief, welfare
from geo_minzheng.services.demo import INCIDENT
from geo_minzheng.settings import read_settings
from geo_minzheng.store import records
from geo_minzheng.store.session import store_session
from geo_minzheng.store.tables_housing import ProgrammeRun

NOW = "2026-07-03T22:30:00+08:00"
KEYS = {"village": "code", "candidate_site": "candidate_id", "renovation_application": "case_id"}


def through_a_set(read: Any) -> Any:
    """Hand out rows as a careless reader would: by a set of their keys."""

    def careless(session: Any, layer: str, *more: Any, **named: Any) -> Any:
        frame = read(session, layer, *more, **named)
        key = KEYS.get(layer)
        if key not in frame:
            return frame
        order = {value: at for at, value in enumerate(set(frame[key].astype(str)))}
        return frame.iloc[frame[key].astype(str).map(order).argsort(kind="stable")].reset_index(drop=True)

    return careless


def plant() -> None:
    """Read rows and write lines through sets."""
    for name in ("table", "in_metres", "require_metres"):
        setattr(places, name, through_a_set(getattr(places, name)))
    lines = engine._lines
    engine._lines = lambda *given: tuple(set(lines(*given)))


def plan(home: Path, *, only_plan: bool) -> dict[str, Any]:
    """Make the relief plan, the programmes and the siting anew from what the home holds; give their hashes.

    Beside them ``lines``: how many lines the plan has, for a plan of nothing is the same on every day.
    """
    office = open_bureau(read_settings({}, home=home, now=NOW), who="应急指挥乙", role="duty")
    policy, act = office.policy(), office.act(incident=INCIDENT)
    made: dict[str, Any] = {}
    with store_session(office._engine()) as session:
        relief.plan_relief(session, act, policy, office.text, INCIDENT)
        made["plan"] = relief.latest_plan(session, INCIDENT)
        if not only_plan:
            housing.make_programmes(session, act, policy)
            made["programme"] = records.latest(session, ProgrammeRun)
            welfare.site_homes(session, act, policy)
            made["siting"] = records.latest(session, welfare.SitingRun)
        hashes: dict[str, Any] = {name: row.result_hash for name, row in made.items()}
        hashes |= {f"{name}_inputs": row.input_hash for name, row in made.items()}
        hashes["lines"] = len(made["plan"].document["lines"])
        session.rollback()
    return hashes


if __name__ == "__main__":
    if "planted" in sys.argv[2:]:
        plant()
    sys.stdout.write(json.dumps(plan(Path(sys.argv[1]), only_plan="plan" in sys.argv[2:])))
