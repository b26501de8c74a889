"""The part of a result over the whole district that belongs to one town or village."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

_BY_CODE = ("by_town", "by_village", "houses_by_kind", "cut_roads")
_BY_VILLAGE = ("collective_sizes", "household_sizes")
M2_PER_KM2 = 1e6


def impact_part(document: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Cut an impact document down to the town or village with a division code.

    Parameters
    ----------
    prefix
        Division code of a town (9 digits) or a village (12).

    Returns
    -------
    The same keys with ``is_part``; ``by_district`` is empty, and ``totals`` and ``area_km2`` [km²] are the part's own.
    """
    part = dict(document) | {"is_part": True}
    for name in _BY_CODE:
        part[name] = [row for row in document[name] if str(row["code"]).startswith(prefix)]
    for name in _BY_VILLAGE:
        part[name] = {code: sizes for code, sizes in document[name].items() if code.startswith(prefix)}
    part["homes"] = [home for home in document["homes"] if str(home["village_code"]).startswith(prefix)]
    part["isolated"] = [code for code in document["isolated"] if str(code).startswith(prefix)]
    part["flooded_roads"] = [row["road_id"] for row in part["cut_roads"]]
    part["by_district"] = []
    own: Mapping[str, Any] = next(
        (row for row in (*document["by_town"], *document["by_village"]) if row["code"] == prefix), {}
    )
    part["totals"] = {name: own.get(name, 0) for name in document["totals"]}
    part["area_km2"] = part["totals"].get("flooded_m2", 0) / M2_PER_KM2
    return part


def programme_part(document: Mapping[str, Any], cases: Collection[str]) -> dict[str, Any]:
    """Cut the year's programmes down to some cases; each keeps its ``place`` in the whole order, from 1.

    Returns
    -------
    The same keys with ``is_part``; what compares cases with others of other villages is empty.
    """
    return {
        **document,
        "is_part": True,
        "programmes": [_own_programme(programme, cases) for programme in document["programmes"]],
        "act_now": [case for case in document["act_now"] if case in cases],
        "against_review": [p for p in document["against_review"] if {p["first"], p["second"]} <= set(cases)],
        "build_together": [c for c in document["build_together"] if set(c["cases"]) <= set(cases)],
    }


def _own_programme(programme: Mapping[str, Any], cases: Collection[str]) -> dict[str, Any]:
    chosen = [dict(entry) | {"place": place} for place, entry in enumerate(programme["chosen"], 1)]
    place, skipped = len(chosen), []
    for entry in programme["skipped"]:
        waits = entry["kind"] in ("budget", "quota")
        place += waits
        skipped.append(dict(entry) | {"place": place if waits else None})
    return {
        **programme,
        "chosen": [entry for entry in chosen if entry["case"] in cases],
        "skipped": [entry for entry in skipped if entry["case"] in cases],
        "spent_yuan": None,
        "stopped_by": None,
        "comparison": None,
        "must_finish": None,
        "next_unfunded": None,
    }
