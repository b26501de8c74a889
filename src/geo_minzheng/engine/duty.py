"""The duty desk: the district in a few numbers, clocks, goods that expire, and what is worst."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from geo_minzheng.model.relief import Package, StockLot

TOWN_DIGITS = 9
SURVIVAL = "survival"


def minutes_until(due: datetime, now: datetime) -> float:
    """Measure the time left until a moment [min]; negative when it has passed."""
    return (due - now).total_seconds() / 60


def district_numbers(
    villages: pd.DataFrame, households: pd.DataFrame, lots: Sequence[StockLot], packages: Mapping[str, Package]
) -> dict[str, float]:
    """Count the district: people, towns, villages, dibao households and persons covered, movable goods [t].

    Parameters
    ----------
    villages
        ``code, resident_population``.
    households
        ``assistance_tier, covered_persons``.
    """
    dibao = households[households["assistance_tier"] == "dibao"]
    weights = [lot.movable * packages[lot.item].kg / packages[lot.item].size for lot in lots if lot.item in packages]
    return {
        "people": int(villages["resident_population"].fillna(0).sum()),
        "villages": len(villages),
        "towns": int(villages["code"].astype(str).str[:TOWN_DIGITS].nunique()),
        "dibao_households": len(dibao),
        "dibao_persons": int(dibao["covered_persons"].fillna(0).sum()),
        "movable_t": round(sum(weights) / 1000, 1),
        "warehouses": len({lot.warehouse for lot in lots}),
    }


def rows_of(table: pd.DataFrame, key: str, value: str) -> pd.DataFrame:
    """Take the rows of one thing."""
    return table[table[key].astype(str) == value]


def within(table: pd.DataFrame, scope: str) -> pd.DataFrame:
    """Take the rows whose division code lies within a scope; all for an empty one."""
    return table[table["code"].astype(str).str.startswith(scope)]


def total(table: pd.DataFrame, column: str) -> int:
    """Sum a count; what is not known counts as nothing."""
    return int(table[column].fillna(0).sum())


def expiring(lots: Iterable[StockLot], today: date, days: float) -> list[StockLot]:
    """List usable goods on the shelf that expire within some days or have expired, the soonest first."""
    last = today + timedelta(days=days)
    near = [
        lot
        for lot in lots
        if lot.expiry_on is not None and lot.expiry_on <= last and lot.quantity > 0 and lot.condition == "usable"
    ]
    return sorted(near, key=lambda lot: (str(lot.expiry_on), lot.warehouse, lot.lot_no))


def houses_by_kind(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sum the houses hit over the villages, by structure and safety grade.

    Parameters
    ----------
    rows
        ``structure_type, safety_grade, houses, persons`` per village.
    """
    sums: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        total = sums.setdefault((row["structure_type"] or "", row["safety_grade"] or ""), [0, 0])
        total[0] += row["houses"]
        total[1] += row["persons"]
    return [
        {"structure_type": structure, "safety_grade": grade, "houses": houses, "persons": persons}
        for (structure, grade), (houses, persons) in sorted(sums.items(), key=lambda kv: (kv[0][0], kv[0][1]))
    ]


def percent(share: float | None) -> int | None:
    """Turn a share [1] into whole percent, rounded down, so that only what is full reads 100."""
    return None if share is None else int(share * 100 + 1e-9)


def cover_by_village(coverage: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sum up a plan by village, the worst covered first: night one counts before the rest.

    Returns
    -------
    ``village, first_night, mean, items, short_items, arrive_min``: the worst share of the survival goods and the mean
    share of all [%], the codes of the items that are short (worst first), when the last delivery arrives [min]
    (``None`` when nothing does).
    """
    arrival: dict[str, float] = {}
    for line in lines:
        arrival[line["village"]] = max(arrival.get(line["village"], 0.0), line["arrive_min"])
    villages: dict[str, list[Mapping[str, Any]]] = {}
    for row in coverage:
        if row["rate"] is not None:
            villages.setdefault(row["village"], []).append(row)
    rows = []
    for village, parts in villages.items():
        rates = [row["rate"] for row in parts]
        first = [s for row in parts if (s := _first_share(row)) is not None]
        short = sorted((row for row in parts if row["rate"] < 1), key=lambda row: (row["rate"], row["item"]))
        rows.append(
            {
                "village": village, "first_night": percent(min(first, default=None)),
                "mean": percent(sum(rates) / len(rates)), "items": len(parts),
                "short_items": [row["item"] for row in short], "arrive_min": arrival.get(village),
            }
        )  # fmt: skip
    return sorted(
        rows, key=lambda row: (row["arrive_min"] is not None, _or_full(row["first_night"]), row["mean"], row["village"])
    )


def _or_full(value: Any) -> int:
    return 100 if value is None else int(value)


def _first_share(row: Mapping[str, Any]) -> float | None:
    """Share of the survival need of one village and item that is met [1]; ``None`` without such need."""
    layer = next((part for part in row["layers"] if part["layer"] == SURVIVAL), None)
    return layer["got"] / layer["need_packed"] if layer and layer["need_packed"] else None


def plan_numbers(document: Mapping[str, Any]) -> dict[str, Any]:
    """Count a plan: villages with need and served, night one's worst share among those served [%], the load [t]."""
    rows = cover_by_village(document["coverage"], document["lines"])
    served = [row for row in rows if row["arrive_min"] is not None]
    kg = {p["item"]: p["kg"] / p["size"] for p in document["packages"]}
    return {
        "villages": len(rows),
        "served": len(served),
        "first_night": min((_or_full(row["first_night"]) for row in served), default=None),
        "tons": round(sum(line["quantity"] * kg[line["item"]] for line in document["lines"]) / 1000, 1),
        "lines": len(document["lines"]),
    }


def beside_rival(coverage: Sequence[Mapping[str, Any]], rival: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Set a plan's coverage beside another's, item by item: worst and mean share [%], villages that get nothing."""

    def summed(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int | None]]:
        parts: dict[str, list[float]] = {}
        for row in rows:
            if row["rate"] is not None:
                parts.setdefault(row["item"], []).append(row["rate"])
        return {
            item: {
                "worst": percent(min((r for r in rates if r > 0), default=0.0)),
                "mean": percent(sum(rates) / len(rates)),
                "none": sum(1 for r in rates if r == 0),
            }
            for item, rates in parts.items()
        }

    own, other = summed(coverage), summed(rival)
    nothing: dict[str, int | None] = {"worst": 0, "mean": 0, "none": 0}
    return [
        {"item": item, **own[item], **{f"rival_{name}": v for name, v in other.get(item, nothing).items()}}
        for item in sorted(own)
    ]


def arrivals(lines: Sequence[Mapping[str, Any]], village: str) -> dict[str, tuple[tuple[str, ...], float]]:
    """Say for each item of a village which warehouses send it and when the last of it arrives [min]."""
    found: dict[str, tuple[set[str], float]] = {}
    for line in lines:
        if line["village"] == village:
            stores, latest = found.get(line["item"], (set(), 0.0))
            found[line["item"]] = (stores | {line["warehouse"]}, max(latest, line["arrive_min"]))
    return {item: (tuple(sorted(stores)), latest) for item, (stores, latest) in found.items()}


def in_percent(coverage: Sequence[Mapping[str, Any]], village: str) -> list[dict[str, Any]]:
    """List one village's coverage with its share in whole percent."""
    return [{**row, "percent": percent(row["rate"])} for row in coverage if row["village"] == village]


def with_change(changes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add to each difference of two plans how much more (or less) goes, the largest loss first [item unit]."""
    rows = [{**c, "change": round(c["after"] - c["before"], 3)} for c in changes]
    return sorted(rows, key=lambda c: (c["change"], c["village"], c["item"], c["warehouse"]))
