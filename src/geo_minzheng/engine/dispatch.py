"""From plan lines to dispatch orders: one per warehouse and receiver, a row per item and lot, villages broken down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

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


@dataclass(frozen=True)
class Promise:
    """What a line of an order that was not cancelled brings to villages [item unit].

    Parameters
    ----------
    villages
        Approved quantity by village code.
    approved, there
        Approved in all; signed for at the receiver, ``None`` while it is on the way.
    """

    item: str
    villages: Mapping[str, float]
    approved: float
    there: float | None


def promised(promises: Iterable[Promise]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sum what orders bring by village and item; a difference at the receipt is shared in proportion.

    Returns
    -------
    On site and on the way, each ``code, item, quantity`` [item unit].
    """
    here: dict[tuple[str, str], float] = {}
    coming: dict[tuple[str, str], float] = {}
    for told in promises:
        share = 1.0 if told.there is None or not told.approved else told.there / told.approved
        sums = coming if told.there is None else here
        for code, quantity in told.villages.items():
            sums[code, told.item] = sums.get((code, told.item), 0.0) + quantity * share
    columns = ["code", "item", "quantity"]
    first, second = (
        pd.DataFrame([(*key, round(q, _GRAIN)) for key, q in sorted(sums.items())], columns=columns)
        for sums in (here, coming)
    )
    return first, second


def share_requests(
    orders: Sequence[OrderDraft], asked: Mapping[tuple[str, str], float]
) -> dict[tuple[str, str, str, str], float]:
    """Share what a receiver asked for among the rows that serve it, so that the rows sum to the request.

    Each row takes what it brings while the request lasts; what is then left stands on the largest row.

    Parameters
    ----------
    asked
        申请数 by receiver and item [item unit].

    Returns
    -------
    申请数 by warehouse, receiver, item and lot; a receiver that asked for nothing has no entry.
    """
    rows: dict[tuple[str, str], list[tuple[tuple[str, str, str, str], float]]] = {}
    for order in orders:
        for line in order.lines:
            key = (order.warehouse, order.receiver, line.item, line.lot_no)
            rows.setdefault((order.receiver, line.item), []).append((key, line.approved))
    shared: dict[tuple[str, str, str, str], float] = {}
    for wanted, members in rows.items():
        if wanted not in asked:
            continue
        left = asked[wanted]
        for key, approved in members:
            shared[key] = min(approved, left)
            left -= shared[key]
        largest = max(members, key=lambda member: member[1])[0]
        shared[largest] += left
    return {key: round(quantity, _GRAIN) for key, quantity in shared.items()}


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
