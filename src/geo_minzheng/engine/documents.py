"""Results as plain documents that can be stored, hashed and handed to machines."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from geo_minzheng.model.relief import StockLot

if TYPE_CHECKING:
    from geo_minzheng.model.impact import Impact
    from geo_minzheng.model.relief import ReliefPlan


_HOME_COLUMNS = ("home_id", "name", "village_code", "resident_count", "assisted", "depth_m")


def plain(value: Any) -> Any:
    """Turn numbers, days, enums, tuples and dataclasses into what JSON knows; NaN and infinity become ``None``."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(v) for v in value), key=str)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


def tidy(document: dict[str, Any]) -> dict[str, Any]:
    """Make a document of plain values."""
    return {str(key): plain(value) for key, value in document.items()}


def digest(document: Any) -> str:
    """Hash a document: SHA-256 of its canonical JSON."""
    text = json.dumps(plain(document), sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def rows(frame: pd.DataFrame, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """Turn a frame into one plain mapping per row, geometry left out."""
    kept = frame if columns is None else frame[columns]
    names = [c for c in kept.columns if c != "geometry"]
    cells = [kept[name].tolist() for name in names]
    return [dict(zip(names, map(plain, row), strict=True)) for row in zip(*cells, strict=True)]


def or_none(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Give ``None`` for an empty frame."""
    return None if frame.empty else frame


def impact_document(impact: Impact) -> dict[str, Any]:
    """Lay an impact out as a document: totals, towns, villages, kinds of houses, what is cut off."""
    return {
        "totals": plain(dict(impact.totals)),
        "by_village": rows(impact.by_village),
        "by_town": rows(impact.by_town),
        "by_district": rows(impact.by_district),
        "houses_by_kind": rows(impact.houses_by_kind),
        "cut_roads": rows(impact.roads),
        "homes": rows(impact.homes, [c for c in _HOME_COLUMNS if c in impact.homes.columns]),
        "household_sizes": plain({k: v for k, v in impact.household_sizes.items() if v}),
        "collective_sizes": plain(dict(impact.collective_sizes)),
        "isolated": list(impact.isolated),
        "area_km2": round(impact.area_km2, 6),
        "polygons": impact.polygons,
    }


def plan_document(plan: ReliefPlan) -> dict[str, Any]:
    """Lay a relief plan out as ``plan.json``."""
    return {
        "incident": plan.incident,
        "policy_version": plan.policy_version,
        "input_hash": plan.input_hash,
        "plan_hash": plan.plan_hash,
        "status": plan.status.value,
        "stages": plain(list(plan.stages)),
        "stock": [
            {
                "warehouse": lot.warehouse, "item": lot.item, "batch": lot.lot_no, "expiry": plain(lot.expiry_on),
                "quantity": lot.quantity, "movable": lot.movable, "reserved": lot.reserved, "owner": lot.owner,
                "releasing_authority": lot.releasing_authority,
            }
            for lot in plan.stock
        ],
        "packages": plain(list(plan.packages)),
        "travel": plain(list(plan.travel)),
        "coverage": [
            {
                "village": c.village, "item": c.item, "need": c.need, "need_packed": c.need_packed, "got": c.got,
                "rate": c.rate, "weight": c.weight, "layers": plain(list(c.layers)),
                "reason": {"code": c.reason_code, "text": c.reason_text} if c.reason_code else None,
            }
            for c in plan.coverage
        ],
        "lines": plain(list(plan.lines)),
        "isolated": list(plan.isolated),
        "limits": plain(plan.limits),
    }  # fmt: skip


def lots_of(stock: list[dict[str, Any]]) -> tuple[StockLot, ...]:
    """Read the lots of ``plan.json`` back as the plan saw them."""
    return tuple(
        StockLot(
            row["warehouse"], row["item"], row["batch"], row["quantity"], row["reserved"], row["movable"],
            date.fromisoformat(row["expiry"]) if row["expiry"] else None, row["owner"], row["releasing_authority"],
        )
        for row in stock
    )  # fmt: skip


def reason_of(coverage: list[dict[str, Any]], village: str, item: str) -> str:
    """Find the sentence in ``plan.json`` that says why a village did not get more of an item; empty without one."""
    row = next((r for r in coverage if (r["village"], r["item"]) == (village, item)), None)
    return str(row["reason"]["text"]) if row and row["reason"] else ""


def indicator_frame(villages: list[dict[str, Any]], columns: dict[str, str]) -> pd.DataFrame:
    """Build the table of indicators by village code from a stored impact; ``columns`` maps indicator to column."""
    frame = pd.DataFrame(villages, columns=["code", *dict.fromkeys(columns.values())])
    table = pd.DataFrame({indicator: frame[column].astype(float) for indicator, column in columns.items()})
    table.index = pd.Index(frame["code"].astype(str), name="code")
    return table[table.index != ""]


def with_confirmed(estimates: pd.DataFrame, confirmed: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Replace a village's estimates by its confirmed figures where a report was confirmed; the rest stays estimated.

    Parameters
    ----------
    estimates
        Indicators by village code.
    confirmed
        Indicator values by village code; an indicator that the report does not know keeps its estimate.
    """
    table = estimates.copy()
    for code, values in confirmed.items():
        for indicator, value in values.items():
            if indicator in table.columns and value is not None:
                table.loc[code, indicator] = float(value)
    return table.fillna(0.0)


def household_frame(sizes: dict[str, list[int]]) -> pd.DataFrame:
    """List households that need shelter: ``code, household_size``."""
    pairs = [(code, size) for code, members in sizes.items() for size in members]
    return pd.DataFrame(pairs, columns=["code", "household_size"])


def digest_bytes(content: bytes) -> str:
    """Hash a file's content: SHA-256."""
    return hashlib.sha256(content).hexdigest()


def with_sums(values: dict[str, float]) -> dict[str, float]:
    """Add the sums the form derives: resettled = collective + dispersed, when both parts are known."""
    parts = ("collective_resettled_now", "dispersed_resettled_now")
    if all(part in values for part in parts):
        return {**values, "evacuated_resettled_now": sum(values[part] for part in parts)}
    return values


def total_by_town(values: dict[str, dict[str, float]], digits: int = 9) -> dict[str, dict[str, float]]:
    """Sum village figures by town; an indicator that no village of the town knows stays out."""
    towns: dict[str, dict[str, float]] = {}
    for code, figures in sorted(values.items()):
        town = towns.setdefault(code[:digits], {})
        for indicator, value in figures.items():
            town[indicator] = town.get(indicator, 0.0) + value
    return towns


def sums_of(lists: dict[str, list[int]], table: pd.DataFrame) -> pd.Series[float]:
    """Sum a list per village code, aligned to the rows of a table; 0 where there is none."""
    sums = pd.Series({code: float(sum(values)) for code, values in lists.items()}, dtype=float)
    return sums.reindex(table.index, fill_value=0.0)


def sum_by_town(frame: pd.DataFrame, code: str, column: str, digits: int = 9) -> dict[str, int]:
    """Sum a column by town code."""
    towns = frame[code].astype(str).str[:digits]
    return {str(town): int(total) for town, total in frame[column].fillna(0).groupby(towns).sum().items()}


def words(value: Any) -> str:
    """Give a cell as text; an empty cell is an empty text."""
    return "" if pd.isna(value) else str(value)


def load_by_road(ways: list[Any], loads: list[float]) -> list[str]:
    """List the roads of some ways by the load that passes them, heaviest first (ties by id)."""
    sums: dict[str, float] = {}
    for ids, load in zip(ways, loads, strict=True):
        for road in {str(r) for r in ids}:
            sums[road] = sums.get(road, 0.0) + load
    return sorted(sums, key=lambda road: (-sums[road], road))


def officer_phones(officers: pd.DataFrame) -> dict[str, str]:
    """Give for each village the number to dial: the A officer's, else the B officer's, on duty first."""
    ordered = officers.sort_values(["is_on_duty", "post_role"], ascending=[False, True], kind="stable")
    first = ordered[ordered["phone"].notna()].drop_duplicates("village_code")
    return dict(zip(first["village_code"].astype(str), first["phone"].astype(str), strict=True))


def road_names(ids: Any, names: dict[Any, Any]) -> tuple[str, ...]:
    """Name the roads of a way in driving order, each stretch once; roads without a name go by their number."""
    told: list[str] = []
    for road in ids:
        name = words(names.get(road)) or str(road)
        if not told or told[-1] != name:
            told.append(name)
    return tuple(told)


def merge_sums(parts: dict[str, dict[str, float]]) -> dict[str, float]:
    """Add the figures of all parts."""
    total: dict[str, float] = {}
    for figures in parts.values():
        for name, value in figures.items():
            total[name] = total.get(name, 0.0) + value
    return total


def cover_by_item(coverage: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sum the coverage of ``plan.json`` by item, with the share covered and the worst village's share."""
    items: dict[str, dict[str, Any]] = {}
    for row in coverage:
        item = items.setdefault(row["item"], {"item": row["item"], "need_packed": 0.0, "got": 0.0, "worst": 1.0})
        item["need_packed"] = round(item["need_packed"] + row["need_packed"], 3)
        item["got"] = round(item["got"] + row["got"], 3)
        if row["rate"] is not None:
            item["worst"] = min(item["worst"], row["rate"])
    for item in items.values():
        item["rate"] = item["got"] / item["need_packed"] if item["need_packed"] else None
    return [items[name] for name in sorted(items)]
