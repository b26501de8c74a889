"""What people need: base x rate x days per village and item, net of what is there, in whole packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_minzheng.errors import InputError
from geo_minzheng.model.needs import Multiplicand, NeedResult
from geo_minzheng.model.relief import NEED_LAYERS, SURVIVAL, SUSTAIN, Package
from geo_minzheng.model.relief_rules import NO_RULE, PER_HOUSEHOLD_CEIL, NeedGroup, NeedRules, ReliefItem

# Quantities are carried in whole millionths of a unit, so that sums and package counts are exact.
_MICRO = 1_000_000
Micro = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Base:
    """Counted base of one item: numbers by village, whether a lower bound, unknown indicators by village."""

    count: Floats
    pieces: Floats | None
    unit: str
    terms: pd.DataFrame
    unknown: list[str]


def assess(
    indicators: pd.DataFrame,
    rules: NeedRules,
    *,
    season: str,
    packages: Mapping[str, Package] | None = None,
    households: pd.DataFrame | None = None,
    on_site: pd.DataFrame | None = None,
    in_transit: pd.DataFrame | None = None,
) -> NeedResult:
    """Assess the need of every village for every item of the season.

    ``raw = sum(coefficient * indicator) * rate * days``; ``net = max(0, raw - on_site - in_transit)``;
    ``packed = ceil(net / package) * package``, rounded once at the end. ``per_household_ceil`` items:
    ``raw = sum over households of ceil(persons / rate)``; without the household list the least possible,
    ``ceil(persons / rate)`` per village, marked as a lower bound. What is on site serves the first night first.

    Parameters
    ----------
    indicators
        Present values by village code (index), one column per indicator [its unit]. NaN is 未掌握: counted as 0 and
        named in ``unknown``; a missing column is counted as 0 and named in ``absent``.
    rules
        Items and bases of the policy.
    season
        ``spring``, ``summer``, ``autumn`` or ``winter``.
    packages
        Package by item; the policy's own where not given.
    households
        ``code, household_size`` [persons]: one row per household that needs outdoor shelter.
    on_site, in_transit
        ``code, item, quantity`` [item unit].

    Raises
    ------
    InputError
        ``needs.bad_indicator``: negative or infinite value; ``needs.duplicate_village``;
        ``needs.bad_quantity``; ``needs.unknown_village``; ``needs.bad_household``.
    """
    _check(indicators, rules, households)
    codes = indicators.index.astype(str)
    there = {"on_site": _pivot(on_site, codes), "in_transit": _pivot(in_transit, codes)}
    lines, layers, terms = [], [], []
    for item in rules.items:
        if item.need_rule == NO_RULE or not in_season(item.season, season):
            continue
        groups = [g for g in rules.groups if g.base == item.need_base and in_season(g.season, season)]
        base = _count(indicators, item, groups, households)
        package = (packages or {}).get(item.item, item.package)
        line, layer = _item_need(codes, item, base, package, there)
        lines.append(line)
        layers.append(layer)
        terms.append(base.terms)
    named = {group.indicator for group in rules.groups}
    return NeedResult(
        lines=_stack(lines, _LINE_COLUMNS),
        layers=_stack(layers, ("code", "item", "layer", "raw", "net", "packed")),
        terms=_stack(terms, ("code", "item", "indicator", "coefficient", "value", "counted")),
        absent=tuple(sorted(named - set(indicators.columns))),
    )


_LINE_COLUMNS = (
    "code",
    "item",
    "rule",
    "unit",
    "base",
    "base_unit",
    "rate",
    "days",
    "raw",
    "on_site",
    "in_transit",
    "net",
    "package_size",
    "packed",
    "is_lower_bound",
    "unknown",
)


def in_season(word: str, season: str) -> bool:
    """Tell whether a season word (``any``, ``summer``, ``not_summer``) covers a season."""
    if word.startswith("not_"):
        return word.removeprefix("not_") != season
    return word in ("any", season)


def multiplicands(result: NeedResult, codes: Iterable[str] | None = None) -> tuple[Multiplicand, ...]:
    """Sum the need of some villages (all by default) into one sentence's parts per item, in the rules' order.

    ``packed`` is the sum of the villages' packed needs: rounding happens once per demand point.
    """
    lines = result.lines if codes is None else result.lines[result.lines["code"].isin(list(codes))]
    parts = []
    for item, rows in lines.groupby("item", sort=False):
        first = rows.iloc[0]
        unknown = sorted({name for names in rows["unknown"] for name in names.split()})
        sums = {name: _tidy(float(rows[name].sum())) for name in ("base", *_QUANTITIES)}
        parts.append(
            Multiplicand(
                item=str(item),
                rule=str(first["rule"]),
                base_unit=str(first["base_unit"]),
                rate=float(first["rate"]),
                days=None if pd.isna(first["days"]) else float(first["days"]),
                unit=str(first["unit"]),
                is_lower_bound=bool(rows["is_lower_bound"].any()),
                unknown=tuple(unknown),
                **sums,
            )
        )
    return tuple(parts)


def need_arrays(
    result: NeedResult, *, villages: Sequence[str], items: Sequence[str], column: str = "packed"
) -> dict[str, Floats]:
    """Lay the need out as one array per layer, shape (village, item) [item unit]; pairs without need are 0.

    Parameters
    ----------
    column
        ``raw``, ``net`` or ``packed``.
    """
    arrays = {}
    for layer in NEED_LAYERS:
        rows = result.layers[result.layers["layer"] == layer]
        wide = rows.pivot(index="code", columns="item", values=column)
        arrays[layer] = wide.reindex(index=list(villages), columns=list(items)).fillna(0.0).to_numpy(float)
    return arrays


_QUANTITIES = ("raw", "on_site", "in_transit", "net", "packed")


def _tidy(value: float) -> float:
    return round(value, 6)


def _stack(frames: list[pd.DataFrame], columns: Iterable[str]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(frames, ignore_index=True)


def _check(indicators: pd.DataFrame, rules: NeedRules, households: pd.DataFrame | None) -> None:
    codes = indicators.index.astype(str)
    if codes.has_duplicates:
        raise InputError("needs.duplicate_village", code=str(codes[codes.duplicated()][0]))
    for name in sorted({group.indicator for group in rules.groups} & set(indicators.columns)):
        values = pd.to_numeric(indicators[name], errors="coerce")
        wrong = (values < 0) | np.isinf(values) | (values.isna() & indicators[name].notna())
        if wrong.any():
            at = str(wrong.idxmax())
            raise InputError("needs.bad_indicator", indicator=name, code=at, value=str(indicators.loc[at, name]))
    if households is not None and len(households):
        unknown = set(households["code"].astype(str)) - set(codes)
        if unknown:
            raise InputError("needs.unknown_village", code=min(unknown))
        sizes = pd.to_numeric(households["household_size"], errors="coerce")
        if not (np.isfinite(sizes) & (sizes >= 0)).all():
            raise InputError("needs.bad_household")


def _count(
    indicators: pd.DataFrame, item: ReliefItem, groups: list[NeedGroup], households: pd.DataFrame | None
) -> _Base:
    codes = indicators.index.astype(str)
    total = np.zeros(len(codes))
    unknown: list[list[str]] = [[] for _ in codes]
    terms = []
    for group in groups:
        if group.indicator not in indicators.columns:
            continue
        values = pd.to_numeric(indicators[group.indicator]).to_numpy(float, na_value=np.nan)
        for place in np.flatnonzero(np.isnan(values)):
            unknown[place].append(group.indicator)
        counted = np.nan_to_num(values) * group.coefficient
        total += counted
        columns = {"indicator": group.indicator, "coefficient": group.coefficient, "value": values, "counted": counted}
        terms.append(pd.DataFrame({"code": codes, "item": item.item} | columns))
    pieces = None
    if item.need_rule == PER_HOUSEHOLD_CEIL and households is not None:
        total, pieces = _by_household(codes, households, float(item.rate or 1))
    frame = _stack(terms, ("code", "item", "indicator", "coefficient", "value", "counted"))
    unit = groups[0].unit if groups else ""
    return _Base(total, pieces, unit, frame, [" ".join(names) for names in unknown])


def _by_household(codes: pd.Index, households: pd.DataFrame, capacity: float) -> tuple[Floats, Floats]:
    sizes = pd.to_numeric(households["household_size"]).to_numpy(float)
    by = pd.DataFrame({"persons": sizes, "pieces": np.ceil(sizes / capacity)}).groupby(
        households["code"].astype(str).to_numpy()
    )
    sums = by.sum().reindex(codes, fill_value=0.0)
    return sums["persons"].to_numpy(float), sums["pieces"].to_numpy(float)


def _micro(values: Floats | float) -> Micro:
    return np.asarray(np.rint(np.asarray(values, float) * _MICRO), dtype=np.int64)


def _pack(quantity: Micro, size: int) -> Micro:
    return -(-quantity // size) * size


def _item_need(
    codes: pd.Index,
    item: ReliefItem,
    base: _Base,
    package: Package,
    there: Mapping[str, pd.DataFrame],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    rate, days = float(item.rate or 0.0), item.days
    is_lower_bound = False
    if item.need_rule == PER_HOUSEHOLD_CEIL:
        is_lower_bound = base.pieces is None
        fewest = np.asarray(np.ceil(base.count / rate - 1e-9), np.float64)
        pieces: Floats = np.asarray(fewest if base.pieces is None else base.pieces, np.float64)
        raw = _micro(pieces)
        survival = raw
    else:
        raw = _micro(base.count * rate * (days or 1.0))
        survival = np.minimum(raw, _micro(base.count * rate * (item.survival_days or 0.0 if days else 1.0)))
    if not item.is_night_one:
        survival = np.zeros_like(raw)
    have = {name: _have(table, item.item, codes) for name, table in there.items()}
    deducted = have["on_site"] + have["in_transit"]
    net = np.maximum(0, raw - deducted)
    net_survival = np.minimum(net, np.maximum(0, survival - deducted))
    size = int(_micro(package.size))
    packed = _pack(net, size)
    packed_survival = np.minimum(packed, _pack(net_survival, size))
    line = pd.DataFrame(
        {
            "code": codes,
            "item": item.item,
            "rule": item.need_rule,
            "unit": item.unit,
            "base": base.count,
            "base_unit": base.unit,
            "rate": rate,
            "days": np.nan if days is None else days,
            "raw": raw / _MICRO,
            "on_site": have["on_site"] / _MICRO,
            "in_transit": have["in_transit"] / _MICRO,
            "net": net / _MICRO,
            "package_size": package.size,
            "packed": packed / _MICRO,
            "is_lower_bound": is_lower_bound,
            "unknown": base.unknown,
        }
    )
    split = {
        SURVIVAL: (survival, net_survival, packed_survival),
        SUSTAIN: (raw - survival, net - net_survival, packed - packed_survival),
    }
    layer = pd.concat(
        [
            pd.DataFrame({"code": codes, "item": item.item, "layer": name} | _quantities(*split[name]))
            for name in NEED_LAYERS
        ],
        ignore_index=True,
    )
    return line, layer


def _have(table: pd.DataFrame, item: str, codes: pd.Index) -> Micro:
    return _micro(np.asarray(table[item], np.float64)) if item in table else np.zeros(len(codes), np.int64)


def _quantities(raw: Micro, net: Micro, packed: Micro) -> dict[str, Floats]:
    return {"raw": raw / _MICRO, "net": net / _MICRO, "packed": packed / _MICRO}


def _pivot(rows: pd.DataFrame | None, codes: pd.Index) -> pd.DataFrame:
    if rows is None or rows.empty:
        return pd.DataFrame(index=codes)
    quantity = pd.to_numeric(rows["quantity"], errors="coerce")
    if not (np.isfinite(quantity) & (quantity >= 0)).all():
        raise InputError("needs.bad_quantity")
    unknown = set(rows["code"].astype(str)) - set(codes)
    if unknown:
        raise InputError("needs.unknown_village", code=min(unknown))
    table = pd.DataFrame({"code": rows["code"].astype(str), "item": rows["item"].astype(str), "quantity": quantity})
    wide = table.pivot_table(index="code", columns="item", values="quantity", aggfunc="sum", fill_value=0.0)
    return wide.reindex(codes, fill_value=0.0)
