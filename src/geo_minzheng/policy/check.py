"""Faults between rows: duplicates, references, gaps and overlaps, incomplete rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from itertools import combinations, pairwise

from geo_minzheng.errors import InputError
from geo_minzheng.model.account import is_allowed
from geo_minzheng.policy.read import Reading, Row
from geo_minzheng.policy.resolve import explode, resolve, turning_days
from geo_minzheng.policy.schema import GRADES, PROVENANCE, STRUCTURES
from geo_minzheng.policy.tables import TABLES

Rows = Mapping[str, list[Row]]


def check_all(reading: Reading) -> list[InputError]:
    """Find every fault: those of reading, then those between rows, each once.

    Rules that span rows are checked for every profile on every day something changes, not only on today's. A rule waits
    only where a cell that it looks at, or the file, could not be read: half a table makes every band look broken.
    """
    rows, sound = reading.rows, {name: _sound(found) for name, found in reading.rows.items()}
    faults = [*reading.faults, *_duplicates(rows), *_references(rows, reading.broken), *_single_rows(sound)]
    is_clean = not faults
    rules = [rule for rule, looks_at in _RULES if not any(_is_half(reading, name, on) for name, on in looks_at.items())]
    profiles = [row.text("profile") for row in rows["profiles"]]
    for day in turning_days(rows):
        for profile in profiles:
            now = {name: resolve(r, profile=profile, day=day) for name, r in rows.items()}
            # A row may name another that exists, but not on this day or not in this profile.
            faults += _references(now, reading.broken) if is_clean else ()
            faults += [fault for rule in rules for fault in rule(now)]
    return list({(f.key, repr(sorted(f.facts.items(), key=str))): f for f in faults}.values())


def _tasks_for_somebody(rows: Rows) -> Iterable[InputError]:
    """Find tasks that nobody would be told of: no role with that page may do the act, or is named."""
    pages = {page for role in rows["roles"] for page in role.parts("pages")}
    for row in rows["tasks"]:
        if row.text("page") not in pages:
            yield row.fault("unknown_code", "page", value=row.text("page"), allowed=sorted(pages))
            continue
        told = [r for r in rows["roles"] if row.text("page") in r.parts("pages") and _is_told(r, row)]
        named = {r.text("role") for r in told}
        if not told or not set(row.parts("roles")) <= named:
            yield row.fault("task_for_nobody", "act", value=row.text("task"), page=row.text("page"))


def _is_told(role: Row, task: Row) -> bool:
    may = task.text("act") and is_allowed(role.parts("may"), task.text("act"), task.text("table"))
    return bool(may) or role.text("role") in task.parts("roles")


def _sound(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row.bad]


def _is_half(reading: Reading, name: str, columns: frozenset[str]) -> bool:
    """Whether a rule cannot trust a table: the file is broken, or a cell that it looks at was bad."""
    table = next(t for t in TABLES if t.name == name)
    looked_at = columns | {"profile", "valid_from", "valid_to", *table.group_columns}
    return table.file in reading.broken or any(row.bad & looked_at for row in reading.rows[name])


def _duplicates(rows: Rows) -> Iterable[InputError]:
    for table in TABLES:
        same: dict[tuple[object, ...], list[Row]] = defaultdict(list)
        for row in explode(rows[table.name]):
            if not row.bad & {"profile", "valid_from", "valid_to", *table.key}:
                same[(row.text("profile"), row.is_dated, *row.key_of(table.key))].append(row)
        for members in same.values():
            for first, second in combinations(members, 2):
                if _overlap(first, second):
                    key = "/".join(str(part) for part in second.key_of(table.key))
                    yield second.fault("duplicate_row", table.key[-1], value=key, other=first.line)


def _overlap(a: Row, b: Row) -> bool:
    first, last = date.min, date.max
    return max(a.valid_from or first, b.valid_from or first) <= min(a.valid_to or last, b.valid_to or last)


def _references(rows: Rows, broken: Collection[str]) -> Iterable[InputError]:
    for table in TABLES:
        for column in (*table.columns, *PROVENANCE):
            if not column.ref:
                continue
            target, name = column.ref.split(".")
            if any(t.file in broken for t in TABLES if t.name == target) or any(name in r.bad for r in rows[target]):
                continue  # what it would have held nobody knows
            known = {row.cells[name] for row in rows[target]}
            for row in rows[table.name]:
                value = row.cells.get(column.name)
                for code in value if isinstance(value, tuple) else () if value is None else (value,):
                    if code not in known:
                        yield row.fault("unknown_code", column.name, value=code, allowed=sorted(map(str, known)))


def _single_rows(rows: Rows) -> Iterable[InputError]:
    for row in rows["relief_items"]:
        yield from _item_faults(row, rows["needs"])
    for row in rows["needs"]:
        if row.text("indicator").endswith("_cum"):
            yield row.fault("cumulative_need", "indicator")
    for row in rows["subsidies"]:
        yield from _subsidy_faults(row)
    tiers = tuple(row.text("tier") for row in rows["assistance_tiers"])
    for row in rows["gates"]:
        allowed = {"grade_in": GRADES, "structure_in": STRUCTURES, "tier_in": tiers}.get(row.text("gate"), ())
        for code in row.parts("values"):
            if code not in allowed:
                yield row.fault("unknown_code", "values", value=code, allowed=allowed)
        needed = "values" if row.text("gate").endswith("_in") else "limit" if "within" in row.text("gate") else ""
        if needed and row.cells.get(needed) in (None, ()):
            yield row.fault("required_cell", needed)
        if needed == "limit" and not row.text("unit"):
            yield row.fault("unit_missing", "unit")
    for name, parts in (("effects", ("aid",)), ("depth_classes", ("displaced",)), ("damage", ("collapsed", "severe"))):
        for row in rows[name]:
            for part in parts:
                low, mid, high = (row.number(f"{part}_{end}") or 0.0 for end in ("low", "mid", "high"))
                if not low <= mid <= high:
                    yield row.fault("band_order", f"{part}_mid")


def _item_faults(row: Row, needs: list[Row]) -> Iterable[InputError]:
    rule = row.text("need_rule")
    if rule == "none":
        return
    for name in ("need_base", "rate", "rate_unit"):
        if row.cells.get(name) is None:
            yield row.fault("required_cell", name)
            return
    unit = row.text("unit")
    bases = {need.text("unit") for need in needs if need.text("base") == row.text("need_base")}
    if rule == "per_household_ceil":
        allowed = {f"人/{unit}"}
    else:
        allowed = {f"{unit}/{base}" + ("·天" if row.number("days") else "") for base in bases}
    if allowed and row.text("rate_unit") not in allowed:
        yield row.fault("rate_unit", "rate_unit", allowed=sorted(allowed))
    days, survival = row.number("days"), row.number("survival_days")
    if (days is None) != (survival is None) or not _fits_first_night(row, days or 0.0, survival or 0.0):
        yield row.fault("survival_days", "survival_days", days=days)


def _fits_first_night(row: Row, days: float, survival: float) -> bool:
    if days == 0:
        return True
    return 0 < survival <= days if row.cells["is_night_one"] is True else survival == 0


_AMOUNTS = {
    "by_household_size": (("amount_yuan",),),
    "by_tier": (("amount_yuan",), ("range_min_yuan", "range_max_yuan")),
    "by_grade_and_category": (("amount_yuan", "grades"),),
    "per_m2_with_cap": (("yuan_per_m2", "area_max_m2"), ("yuan_per_m2", "cap_yuan")),
    "by_cost_with_cap": (("cap_yuan",),),
}


def _subsidy_faults(row: Row) -> Iterable[InputError]:
    shape = row.text("shape")
    if not any(all(row.cells.get(name) not in (None, ()) for name in names) for names in _AMOUNTS[shape]):
        yield row.fault("subsidy_shape", "shape", needed=[" + ".join(names) for names in _AMOUNTS[shape]])
    low, high = row.number("persons_min"), row.number("persons_max")
    if low is not None and high is not None and low > high:
        yield row.fault("band_order", "persons_max")
    low, high = row.number("range_min_yuan"), row.number("range_max_yuan")
    if low is not None and high is not None and low > high:
        yield row.fault("band_order", "range_max_yuan")


def _depth_bands(rows: Rows) -> Iterable[InputError]:
    yield from _chains(rows["depth_classes"], ("hazard",), ("depth_min_m", "depth_max_m"), start=0.0)


def _damage_bands(rows: Rows) -> Iterable[InputError]:
    yield from _chains(rows["damage"], ("hazard", "structure_type"), ("depth_min_m", "depth_max_m"), start=0.0)


def _bound_bands(rows: Rows) -> Iterable[InputError]:
    yield from _chains(rows["response_bounds"], ("condition",), ("lower", "upper"), start=None)


def _weights(rows: Rows) -> Iterable[InputError]:
    totals: dict[str, float] = defaultdict(float)
    for row in rows["parts"]:
        totals[row.text("ranking")] += row.number("weight") or 0.0
    for row in {row.text("ranking"): row for row in rows["parts"]}.values():
        total = totals[row.text("ranking")]
        if abs(total - 100) > 1e-9:
            yield row.fault("weights_sum", "weight", ranking=row.text("ranking"), total=total)


def _months(rows: Rows) -> Iterable[InputError]:
    months = {row.cells["month"] for row in rows["seasons"]}
    if months != set(range(1, 13)):
        missing = [month for month in range(1, 13) if month not in months]
        yield InputError("policy.months_missing", file="seasons.csv", column="month", missing=missing)


def _form_rules(rows: Rows) -> Iterable[InputError]:
    for row in rows["form_rules"]:
        terms = sum(term.text("rule") == row.text("rule") for term in rows["form_terms"])
        if not terms or (row.text("relation") == "both_or_none" and terms != 2):
            yield row.fault("rule_terms", "relation", terms=terms)


def _person_bands(rows: Rows) -> Iterable[InputError]:
    """Household-size bands must start at 1, touch, end open, once for every grade and way of renovation."""
    groups: dict[tuple[str, str, str, str], list[Row]] = defaultdict(list)
    for row in rows["subsidies"]:
        for grade in row.parts("grades") or ("*",):
            for method in row.parts("methods") or ("*",):
                groups[row.text("programme"), row.text("tiers"), grade, method].append(row)
    for members in groups.values():
        members.sort(key=lambda row: (row.number("persons_min") or 0, row.line))
        expected: float = 1
        for row in members:
            low, high = row.number("persons_min") or 1, row.number("persons_max")
            if low > expected:
                yield row.fault("band_gap", "persons_min", expected=expected)
            elif low < expected:
                yield row.fault("band_overlap", "persons_min", expected=expected)
            expected = float("inf") if high is None else max(expected, high + 1)
        if expected != float("inf"):
            yield members[-1].fault("band_not_open", "persons_max")


def _chains(
    rows: list[Row], group: tuple[str, ...], ends: tuple[str, str], *, start: float | None
) -> Iterable[InputError]:
    """Half-open bands must touch and end open."""
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.key_of(group)].append(row)
    low_name, high_name = ends
    for members in groups.values():
        members.sort(key=lambda row: (row.number(low_name) or 0.0, row.line))
        expected = start if start is not None else members[0].number(low_name) or 0.0
        for row, following in [*pairwise(members), (members[-1], None)]:
            low, high = row.number(low_name) or 0.0, row.number(high_name)
            if low > expected:
                yield row.fault("band_gap", low_name, expected=expected)
            elif low < expected:
                yield row.fault("band_overlap", low_name, expected=expected)
            if high is None and following is not None:
                yield row.fault("band_overlap", high_name, expected=following.number(low_name))
            elif high is not None and high <= low:
                yield row.fault("band_order", high_name)
            expected = max(expected, high) if high is not None else float("inf")
        if members[-1].number(high_name) is not None:
            yield members[-1].fault("band_not_open", high_name)


def _level_order(rows: Rows) -> Iterable[InputError]:
    ranks = {row.text("level"): row.number("rank") or 0.0 for row in rows["response_levels"]}
    conditions: dict[str, list[Row]] = defaultdict(list)
    for row in rows["response_bounds"]:
        conditions[row.text("condition")].append(row)
    for members in conditions.values():
        members.sort(key=lambda row: row.number("lower") or 0.0)
        for milder, graver in pairwise(members):
            if ranks.get(graver.text("level"), 0) >= ranks.get(milder.text("level"), 9):
                yield graver.fault("level_order", "level", other=milder.text("level"))


# Each rule between rows with the cells it looks at.
_RULES: tuple[tuple[Callable[[Rows], Iterable[InputError]], dict[str, frozenset[str]]], ...] = (
    (
        _tasks_for_somebody,
        {
            "roles": frozenset({"role", "may", "pages"}),
            "tasks": frozenset({"task", "act", "table", "roles", "page"}),
        },
    ),
    (_form_rules, {"form_rules": frozenset({"rule", "relation"}), "form_terms": frozenset({"rule"})}),
    (
        _person_bands,
        {"subsidies": frozenset({"programme", "tiers", "grades", "methods", "persons_min", "persons_max"})},
    ),
    (_depth_bands, {"depth_classes": frozenset({"hazard", "depth_min_m", "depth_max_m"})}),
    (_damage_bands, {"damage": frozenset({"hazard", "structure_type", "depth_min_m", "depth_max_m"})}),
    (_bound_bands, {"response_bounds": frozenset({"condition", "lower", "upper"})}),
    (
        _level_order,
        {
            "response_bounds": frozenset({"condition", "lower", "level"}),
            "response_levels": frozenset({"level", "rank"}),
        },
    ),
    (_weights, {"parts": frozenset({"ranking", "weight"})}),
    (_months, {"seasons": frozenset({"month"})}),
)
