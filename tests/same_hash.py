"""Plan once in a fresh process and print the hashes: ``python tests/same_hash.py HOME [planted]``; nothing is stored.

``planted`` is the bug that R17 must see: rows reach the engine in the order of a set of their keys.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.services import housing, places, relief, welfare
from geo_minzheng.services.demo import INCIDENT
from geo_minzheng.settings import read_settings
from geo_minzheng.store import records
from geo_minzheng.store.session import store_session
from geo_minzheng.store.tables_housing import ProgrammeRun

NOW = "2026-07-03T22:30:00+08:00"
KEYS = {"village": "code", "candidate_site": "site_id", "renovation_application": "application_id"}


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


def plan(home: Path) -> dict[str, str]:
    """Make the relief plan, the programmes and the siting anew from what the home holds; give their hashes."""
    office = open_bureau(read_settings({}, home=home, now=NOW), who="应急指挥乙", role="duty")
    policy = office.policy()
    with store_session(office._engine()) as session:
        act = office.act(incident=INCIDENT)
        relief.plan_relief(session, act, policy, office.text, INCIDENT)
        housing.make_programmes(session, act, policy)
        welfare.site_homes(session, act, policy)
        made = relief.latest_plan(session, INCIDENT)
        run, siting = records.latest(session, ProgrammeRun), records.latest(session, welfare.SitingRun)
        assert made is not None and run is not None and siting is not None
        hashes = {
            "plan_inputs": made.input_hash, "plan": made.result_hash, "programme_inputs": run.input_hash,
            "programme": run.result_hash, "siting_inputs": siting.input_hash, "siting": siting.result_hash,
        }  # fmt: skip
        session.rollback()
    return hashes


if __name__ == "__main__":
    if "planted" in sys.argv[2:]:
        for name in ("table", "in_metres", "require_metres"):
            setattr(places, name, through_a_set(getattr(places, name)))
    print(json.dumps(plan(Path(sys.argv[1]))))
