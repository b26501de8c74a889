"""From plan lines to dispatch orders: one per warehouse and receiver, a row per item and lot, villages broken down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_GRAIN = 3


@dataclass(frozen=True)
class DraftLine:
    """One row of an order to be [item unit].

    Parameters
    ----------
    assessed
        测算数: what the villages of the row need in whole packages; a village's shortage is counted on its largest
        delivery, so that over all orders the sum is the need of the villages served.
    approved
        核定数 as proposed.
    """

    item: str
    lot_no: str
    unit: str
    assessed: float
    approved: float
    villages: dict[str, float]


@dataclass(frozen=True)
class OrderDraft:
    """An order to be: from one warehouse to one receiver."""

    warehouse: str
    receiver: str
    lines: tuple[DraftLine, ...]


def group_orders(lines: Sequence[Mapping[str, Any]], coverage: Sequence[Mapping[str, Any]]) -> tuple[OrderDraft, ...]:
    """Group the lines of ``plan.json`` into orders, by warehouse, receiver, item and lot.

    Parameters
    ----------
    lines, coverage
        As in ``plan.json``.
    """
    short = {(c["village"], c["item"]): c["need_packed"] - c["got"] for c in coverage}
    largest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for line in lines:
        key = (line["village"], line["item"])
        if key not in largest or line["quantity"] > largest[key]["quantity"]:
            largest[key] = line
    groups: dict[tuple[str, str], dict[tuple[str, str, str], list[Mapping[str, Any]]]] = {}
    for line in lines:
        rows = groups.setdefault((line["warehouse"], line["receiver"]), {})
        rows.setdefault((line["item"], line["batch"], line["unit"]), []).append(line)
    return tuple(
        OrderDraft(warehouse, receiver, tuple(_row(key, rows[key], short, largest) for key in sorted(rows)))
        for (warehouse, receiver), rows in sorted(groups.items())
    )


def _row(
    key: tuple[str, str, str],
    lines: Sequence[Mapping[str, Any]],
    short: Mapping[tuple[str, str], float],
    largest: Mapping[tuple[str, str], Mapping[str, Any]],
) -> DraftLine:
    villages: dict[str, float] = {}
    missing = 0.0
    for line in lines:
        villages[line["village"]] = round(villages.get(line["village"], 0.0) + line["quantity"], _GRAIN)
        need = (line["village"], line["item"])
        if largest[need] is line:
            missing += short.get(need, 0.0)
    approved = round(sum(villages.values()), _GRAIN)
    assessed = round(approved + missing, _GRAIN)
    return DraftLine(key[0], key[1], key[2], assessed, approved, dict(sorted(villages.items())))
