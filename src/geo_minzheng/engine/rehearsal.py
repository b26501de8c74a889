"""What the demo's officers report: figures near the estimates, some unknown, always the same."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

_MOST = 12
# Shares of the estimate the officers find on the ground, village by village.
_FOUND = (0.9, 1.1, 1.0, 0.8, 1.2, 0.95)


def village_reports(villages: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | bool | str]]:
    """Make the reports of the worst-hit villages, at most twelve, by village code.

    Parameters
    ----------
    villages
        ``by_village`` of a stored impact.
    """
    hit = [v for v in villages if v["code"] and v["affected_population"] > 0]
    worst = sorted(hit, key=lambda v: (-v["affected_population"], v["code"]))[:_MOST]
    return {v["code"]: _answers(v, _FOUND[k % len(_FOUND)], k) for k, v in enumerate(worst)}


def _answers(village: Mapping[str, Any], share: float, k: int) -> dict[str, float | bool | str]:
    def found(column: str) -> int:
        return round(float(village[column]) * share)

    answers: dict[str, float | bool | str] = {
        "deaths": 0,
        "injured": 1 if k == 0 else 0,
        "collective_resettled_now": found("collective"),
        "dispersed_resettled_now": found("dispersed"),
        "emergency_aid_needed_now": found("emergency_aid_mid"),
        "flooded_households": found("affected_households"),
        "road_cut": village["isolated_villages"] > 0,
    }
    if k % 3 != 2:  # every third officer does not yet know the houses: 未掌握 is left out, it is not 0
        answers |= {
            "missing": 0,
            "collapsed_dwelling_households": found("collapsed_households_mid"),
            "collapsed_rooms": found("collapsed_rooms_mid"),
            "severely_damaged_dwelling_households": found("severe_households_mid"),
            "severely_damaged_rooms": found("severe_rooms_mid"),
        }
    return answers


def requests(lines: Sequence[Mapping[str, Any]], coverage: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Make the requests of the receivers a plan delivers to: what the villages they serve need of each item.

    Parameters
    ----------
    lines, coverage
        As in ``plan.json``.
    """
    needs = {(c["village"], c["item"]): c["need_packed"] for c in coverage}
    wants: dict[str, dict[str, float]] = {}
    for receiver, village, item in sorted({(x["receiver"], x["village"], x["item"]) for x in lines}):
        items = wants.setdefault(receiver, {})
        items[item] = round(items.get(item, 0.0) + needs[village, item], 3)
    return wants


def busiest_town(reported: Sequence[str], villages: Sequence[str]) -> tuple[str, str]:
    """Find the town with the most reporting villages, the smallest code on a tie, and its last village of those.

    Returns
    -------
    The town's nine digits and the village's code; where nobody reported, those of the first village; empty without any.
    """
    known = sorted(reported) or sorted(villages)[:1]
    towns = [code[:9] for code in known]
    if not towns:
        return "", ""
    town = max(sorted(set(towns)), key=towns.count)
    return town, next(code for code in reversed(known) if code.startswith(town))


def officer_name(village: str) -> str:
    """Name the officer of a village by the village's code: nobody is meant."""
    return f"信息员{village}"


def uuid_of(incident: str, village: str) -> str:
    """Make the UUID of a rehearsed report, the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{incident}/{village}"))


def verdict_of(k: int, count: int) -> str:
    """Let the reviewer return the last but one report, leave the last open, and confirm the others."""
    if k == count - 1 and count > 1:
        return ""
    return "returned" if k == count - 2 and count > 2 else "confirmed"
