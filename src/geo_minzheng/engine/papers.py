"""Sums and shapes that papers need."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from geo_minzheng.model.relief import DispatchOrder

TOWN_DIGITS = 9
MARK = 16
_UNIT = re.compile(r"\([^()]*\)$|（[^（）]*）$")


def short_heading(heading: str) -> str:
    """Take the unit off an official heading, which stands in its own column: 受灾人口(人) becomes 受灾人口."""
    return _UNIT.sub("", heading).removeprefix("其中：")


def in_zone(order: DispatchOrder, zone: tzinfo | None) -> DispatchOrder:
    """Tell an order's moments in a time zone."""
    due = None if order.paper_due is None else order.paper_due.astimezone(zone)
    return replace(order, deadline=order.deadline.astimezone(zone), cutoff=order.cutoff.astimezone(zone), paper_due=due)


def relief_by_town(coverage: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], tuple[float, float, str]]:
    """Sum the coverage of ``plan.json`` by town and item: packed need, delivered, first reason code."""
    sums: dict[tuple[str, str], tuple[float, float, str]] = {}
    for row in coverage:
        key = (row["village"][:TOWN_DIGITS], row["item"])
        need, got, reason = sums.get(key, (0.0, 0.0, ""))
        told = reason or (row["reason"] or {}).get("code", "")
        sums[key] = (round(need + row["need_packed"], 3), round(got + row["got"], 3), told)
    return dict(sorted(sums.items()))
