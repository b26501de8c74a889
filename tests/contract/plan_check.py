"""Check a ``plan.json`` from the file alone, by definitions and solvers of our own: nothing of the product is used."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

NUMBER = (int, float)
TEXT = (str,)
FIELDS: dict[str, dict[str, tuple[type, ...]]] = {
    "stages": {"name": TEXT, "objective": NUMBER, "bound": NUMBER, "gap": NUMBER},
    "stock": {
        "warehouse": TEXT, "item": TEXT, "batch": TEXT, "expiry": (str, type(None)), "quantity": NUMBER,
        "movable": NUMBER,
    },
    "packages": {"item": TEXT, "size": NUMBER, "unit": TEXT, "kg": NUMBER},
    "travel": {"warehouse": TEXT, "village": TEXT, "minutes": NUMBER},
    "coverage": {
        "village": TEXT, "item": TEXT, "need": NUMBER, "need_packed": NUMBER, "got": NUMBER,
        "rate": (int, float, type(None)), "weight": NUMBER, "layers": (list,), "reason": (dict, type(None)),
    },
    "lines": {
        "warehouse": TEXT, "village": TEXT, "receiver": TEXT, "item": TEXT, "batch": TEXT, "quantity": NUMBER,
        "unit": TEXT, "arrive_min": NUMBER,
    },
}  # fmt: skip
HEAD = ("incident", "policy_version", "input_hash", "plan_hash", "status")
EPS = 1e-6


def faults(plan: dict[str, Any]) -> list[str]:
    """List everything about a plan that breaks the contract; empty when it is sound."""
    found = schema(plan)
    if found:
        return found
    checks = (stock, deliveries, coverage, isolation, near_expiry, reasons, proofs, fairness, minutes, hours, rival)
    return [fault for check in checks for fault in check(plan)]


def schema(plan: dict[str, Any]) -> list[str]:
    found = [f"{name} is no text" for name in HEAD if not isinstance(plan.get(name), str) or not plan[name]]
    for name, fields in FIELDS.items():
        if not isinstance(plan.get(name), list):
            found.append(f"{name} is no list")
            continue
        for k, row in enumerate(plan[name]):
            for field, kinds in fields.items():
                if field not in row:
                    found.append(f"{name}[{k}] lacks {field}")
                elif not isinstance(row[field], kinds) or isinstance(row[field], bool):
                    found.append(f"{name}[{k}].{field} is {row[field]!r}")
                elif isinstance(row[field], float) and not math.isfinite(row[field]):
                    found.append(f"{name}[{k}].{field} is not finite")
    if not isinstance(plan.get("isolated"), list) or not all(isinstance(v, str) for v in plan.get("isolated", [0])):
        found.append("isolated is no list of codes")
    limits = plan.get("limits")
    if not isinstance(limits, dict) or not {"lorry_hours", "deadline_min"} <= set(limits):
        return [*found, "limits lacks its fields"]
    for row in plan.get("coverage", []):
        for layer in row.get("layers", []):
            if not {"layer", "need_packed", "got"} <= set(layer):
                found.append(f"a layer of {row['village']} {row['item']} lacks a field")
        told = row.get("reason")
        if told is not None and not (isinstance(told.get("code"), str) and told["code"] and told.get("text")):
            found.append(f"the reason of {row['village']} {row['item']} is empty")
    return found


def _packages(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {p["item"]: p for p in plan["packages"]}


def _is_whole(quantity: float, size: float) -> bool:
    count = quantity / size
    return abs(count - round(count)) < EPS


def _reach(plan: dict[str, Any]) -> dict[tuple[str, str], float]:
    """Minutes of the pairs a delivery may use: reachable and in time."""
    limit = plan["limits"]["deadline_min"]
    return {
        (t["warehouse"], t["village"]): t["minutes"]
        for t in plan["travel"]
        if limit is None or t["minutes"] <= limit + EPS
    }


def stock(plan: dict[str, Any]) -> list[str]:
    """Sum of lines <= movable <= quantity, whole packages, every batch named once."""
    found, size = [], {i: p["size"] for i, p in _packages(plan).items()}
    keys = [(s["warehouse"], s["item"], s["batch"]) for s in plan["stock"]]
    if len(set(keys)) < len(keys):
        found.append("a batch stands twice in the stock")
    sums: dict[tuple[str, str, str], float] = defaultdict(float)
    for line in plan["lines"]:
        sums[line["warehouse"], line["item"], line["batch"]] += line["quantity"]
    for s in plan["stock"]:
        key = (s["warehouse"], s["item"], s["batch"])
        used = sums.pop(key, 0.0)
        if not (-EPS <= used <= s["movable"] + EPS and s["movable"] <= s["quantity"] + EPS):
            found.append(f"batch {key}: lines {used}, movable {s['movable']}, quantity {s['quantity']}")
        if s["item"] in size and not _is_whole(s["movable"], size[s["item"]]):
            found.append(f"batch {key}: movable {s['movable']} is not in whole packages")
    return found + [f"lines from a batch that is not in stock: {key}" for key in sums]


def deliveries(plan: dict[str, Any]) -> list[str]:
    """Each line is in travel, in time, in whole packages, in its item's unit and arrives when travel says."""
    found, packages, reach = [], _packages(plan), _reach(plan)
    seen = set()
    for line in plan["lines"]:
        pair, name = (line["warehouse"], line["village"]), f"line {line}"
        if pair not in reach:
            found.append(f"{name}: no open way in time")
        elif abs(line["arrive_min"] - reach[pair]) > EPS:
            found.append(f"{name}: travel says {reach[pair]}")
        package = packages[line["item"]]
        if line["quantity"] <= 0 or not _is_whole(line["quantity"], package["size"]):
            found.append(f"{name}: not in whole packages of {package['size']}")
        if line["unit"] != package["unit"] or not line["receiver"]:
            found.append(f"{name}: unit or receiver")
        key = (*pair, line["item"], line["batch"], line["receiver"])
        if key in seen:
            found.append(f"{name} stands twice")
        seen.add(key)
    return found


def coverage(plan: dict[str, Any]) -> list[str]:
    """Nobody over-served; got is the sum of the lines; needs packed once; layers sum."""
    found, packages = [], _packages(plan)
    got: dict[tuple[str, str], float] = defaultdict(float)
    for line in plan["lines"]:
        got[line["village"], line["item"]] += line["quantity"]
    for c in plan["coverage"]:
        key, size = (c["village"], c["item"]), packages[c["item"]]["size"]
        packed = math.ceil(round(c["need"] / size, 9)) * size
        if abs(c["need_packed"] - packed) > EPS:
            found.append(f"{key}: need {c['need']} packs to {packed}, not {c['need_packed']}")
        if abs(got.pop(key, 0.0) - c["got"]) > EPS or c["got"] > c["need_packed"] + EPS:
            found.append(f"{key}: got {c['got']} of {c['need_packed']} is not what the lines bring")
        rate = c["got"] / c["need_packed"] if c["need_packed"] else None
        if (rate is None) != (c["rate"] is None) or (rate is not None and abs(rate - c["rate"]) > EPS):
            found.append(f"{key}: rate {c['rate']}")
        for field in ("need_packed", "got"):
            if abs(sum(x[field] for x in c["layers"]) - c[field]) > EPS:
                found.append(f"{key}: layers do not sum to {field}")
        if any(x["got"] > x["need_packed"] + EPS or not _is_whole(x["got"], size) for x in c["layers"]):
            found.append(f"{key}: a layer is over-served or not in whole packages")
        if c["weight"] <= 0:
            found.append(f"{key}: weight {c['weight']}")
    names = [(c["village"], c["item"]) for c in plan["coverage"]]
    if len(set(names)) < len(names):
        found.append("a village and item stands twice in coverage")
    return found + [f"{key} gets {q} without a need" for key, q in got.items()]


def isolation(plan: dict[str, Any]) -> list[str]:
    stocked = {s["warehouse"] for s in plan["stock"] if s["movable"] > 0}
    reached = {t["village"] for t in plan["travel"] if t["warehouse"] in stocked}
    every = {c["village"] for c in plan["coverage"]} | {t["village"] for t in plan["travel"]} | set(plan["isolated"])
    wrong = (every - reached) ^ set(plan["isolated"])
    return (
        [f"isolated is wrong about {sorted(wrong)}"]
        if wrong or len(set(plan["isolated"])) < len(plan["isolated"])
        else []
    )


def near_expiry(plan: dict[str, Any]) -> list[str]:
    """No batch is touched while one of the same store and item that expires sooner has goods left."""
    used: dict[tuple[str, str, str], float] = defaultdict(float)
    for line in plan["lines"]:
        used[line["warehouse"], line["item"], line["batch"]] += line["quantity"]
    groups: dict[tuple[str, str], list[tuple[str, float, float]]] = defaultdict(list)
    for s in plan["stock"]:
        taken = used[s["warehouse"], s["item"], s["batch"]]
        groups[s["warehouse"], s["item"]].append((s["expiry"] or "9999-12-31", s["movable"] - taken, taken))
    return [
        f"{key}: a batch that expires {late} leaves before one that expires {soon}"
        for key, rows in groups.items()
        for soon, left, _ in rows
        for late, _, taken in rows
        if late > soon and taken > EPS and left > EPS
    ]


def reasons(plan: dict[str, Any]) -> list[str]:
    return [
        f"{c['village']} {c['item']}: reason {c['reason']} at {c['got']} of {c['need_packed']}"
        for c in plan["coverage"]
        if (c["reason"] is not None) != (c["got"] < c["need_packed"] - EPS)
    ]


def proofs(plan: dict[str, Any]) -> list[str]:
    found = [] if plan["status"] in {"optimal", "feasible"} else [f"status {plan['status']}"]
    if not plan["stages"]:
        found.append("no stages")
    for stage in plan["stages"]:
        apart = abs(stage["objective"] - stage["bound"])
        is_closed = apart <= 1e-6 * max(1.0, abs(stage["objective"]))
        if stage["gap"] < 0 or (stage["gap"] == 0 and not is_closed):
            found.append(f"stage {stage} states a gap that is not there")
        if plan["status"] == "optimal" and not (is_closed and stage["gap"] <= 1e-6):
            found.append(f"stage {stage} is not proven in an optimal plan")
    return found


def leximin(
    needs: dict[str, int],
    weights: dict[str, Fraction],
    reach: dict[str, frozenset[str]],
    stock_: dict[str, int],
    before: dict[str, int],
) -> dict[str, int]:
    """Give packages one by one to the lowest (got / need) / weight while the rest stays feasible.

    What villages hold can be delivered if, and only if, for every set of stores the villages that only these reach
    hold no more than lies there (Hall). Tie: smaller need times weight, then code.
    """
    stores = sorted(stock_)
    sets = [frozenset(c) for n in range(1, len(stores) + 1) for c in combinations(stores, n)]
    room = {s: sum(stock_[w] for w in s) for s in sets}
    bound: dict[frozenset[str], list[frozenset[str]]] = {}
    for r in set(reach.values()):
        bound[r] = [s for s in sets if r <= s]
    for village, count in before.items():
        for s in bound[reach[village]]:
            room[s] -= count
    got = dict.fromkeys(needs, 0)
    queue = [(Fraction(0), n * weights[v], v) for v, n in needs.items() if n and reach[v]]
    heapq.heapify(queue)
    while queue:
        _, size, v = heapq.heappop(queue)
        if got[v] == needs[v] or any(room[s] < 1 for s in bound[reach[v]]):
            continue
        got[v] += 1
        for s in bound[reach[v]]:
            room[s] -= 1
        heapq.heappush(queue, (Fraction(got[v]) / size, size, v))
    return got


def fairness(plan: dict[str, Any]) -> list[str]:
    """Without shared lorry hours the shares are the leximin ones, item by item and layer by layer."""
    if plan["limits"]["lorry_hours"] is not None:
        return []
    found, reach = [], _reach(plan)
    for item, package in _packages(plan).items():
        rows = [c for c in plan["coverage"] if c["item"] == item]
        stock_: dict[str, int] = defaultdict(int)
        for s in plan["stock"]:
            if s["item"] == item:
                stock_[s["warehouse"]] += round(s["movable"] / package["size"])
        stock_ = {w: n for w, n in stock_.items() if n}
        ways = {c["village"]: frozenset(w for w in stock_ if (w, c["village"]) in reach) for c in rows}
        weights = {c["village"]: Fraction(str(c["weight"])) for c in rows}
        before = dict.fromkeys(ways, 0)
        for layer in range(max((len(c["layers"]) for c in rows), default=0)):
            need = {c["village"]: round(c["layers"][layer]["need_packed"] / package["size"]) for c in rows}
            fair = leximin(need, weights, ways, stock_, before)
            for c in rows:
                told = round(c["layers"][layer]["got"] / package["size"])
                if told != fair[c["village"]]:
                    found.append(f"{c['village']} {item} layer {layer}: {told} packages, fair is {fair[c['village']]}")
                before[c["village"]] += told
    return found


def minutes(plan: dict[str, Any]) -> list[str]:
    """Ton-minutes are those of the lines, and no other way to bring the same shares needs less."""
    packages, reach = _packages(plan), _reach(plan)
    tons = {i: p["kg"] / p["size"] / 1000 for i, p in packages.items()}
    spent = sum(x["quantity"] * tons[x["item"]] * x["arrive_min"] for x in plan["lines"])
    told = plan["stages"][-1]
    found = []
    if abs(told["objective"] - spent) > 1e-6 * max(1.0, spent):
        found.append(f"ton-minutes are {spent}, the stage says {told['objective']}")
    if plan["limits"]["lorry_hours"] is not None:
        return found
    least = sum(_transport(plan, item, reach) * tons[item] for item in packages)
    if spent > least + 1e-6 * max(1.0, least):
        found.append(f"ton-minutes {spent}, an independent linear programme needs {least}")
    return found


def _transport(plan: dict[str, Any], item: str, reach: dict[tuple[str, str], float]) -> float:
    """Least unit-minutes that bring every village what it got of one item."""
    wants = {c["village"]: c["got"] for c in plan["coverage"] if c["item"] == item and c["got"] > 0}
    supply: dict[str, float] = defaultdict(float)
    for s in plan["stock"]:
        if s["item"] == item:
            supply[s["warehouse"]] += s["movable"]
    stores, villages = [w for w in supply if supply[w] > 0], list(wants)
    pairs = [(w, v) for w in stores for v in villages if (w, v) in reach]
    if not pairs:
        return 0.0
    columns = np.arange(len(pairs))
    at_v = np.array([villages.index(v) for _, v in pairs])
    at_w = np.array([stores.index(w) for w, _ in pairs])
    ones = np.ones(len(pairs))
    answer = linprog(
        [reach[pair] for pair in pairs],
        A_ub=coo_array((ones, (at_w, columns)), shape=(len(stores), len(pairs))), b_ub=[supply[w] for w in stores],
        A_eq=coo_array((ones, (at_v, columns)), shape=(len(villages), len(pairs))), b_eq=[wants[v] for v in villages],
        method="highs",
    )  # fmt: skip
    if answer.status != 0:
        return -math.inf
    return float(answer.fun)


def hours(plan: dict[str, Any]) -> list[str]:
    """Lorry hours are kept: loads are shared, there and back, with the time to load."""
    limit = plan["limits"]["lorry_hours"]
    if limit is None:
        return []
    lorry, kg = plan["lorry"], {p["item"]: p["kg"] / p["size"] for p in plan["packages"]}
    used: dict[str, float] = defaultdict(float)
    for x in plan["lines"]:
        loads = x["quantity"] * kg[x["item"]] / lorry["payload_kg"]
        used[x["warehouse"]] += loads * (2 * x["arrive_min"] + lorry["loading_min"]) / 60
    return [f"{w} uses {h} lorry hours of {limit.get(w, 0.0)}" for w, h in used.items() if h > limit.get(w, 0.0) + EPS]


def _profile(rows: list[dict[str, Any]], weight: dict[tuple[str, str], float], layer: int) -> list[float]:
    parts = [(r, r["layers"][layer]) for r in rows]
    return sorted(
        round(x["got"] / x["need_packed"] / weight[r["village"], r["item"]], 9) for r, x in parts if x["need_packed"]
    )


def rival(plan: dict[str, Any]) -> list[str]:
    """Sorted coverage is never below that of nearest-first, layer by layer."""
    if "comparison" not in plan:
        return []
    ours, theirs = plan["coverage"], plan["comparison"]["coverage"]
    weight = {(c["village"], c["item"]): c["weight"] for c in ours}
    if {(c["village"], c["item"]) for c in theirs} != set(weight):
        return ["the comparison is about other needs"]
    found = []
    shared = plan["limits"]["lorry_hours"] is not None
    groups = [None] if shared else sorted({c["item"] for c in ours})
    for item in groups:
        mine, other = ([c for c in rows if item in (None, c["item"])] for rows in (ours, theirs))
        layers = range(len(mine[0]["layers"])) if mine else range(0)
        a = [_profile(mine, weight, k) for k in layers]
        b = [_profile(other, weight, k) for k in layers]
        if a < b:
            found.append(f"{item}: nearest-first is fairer")
    return found
