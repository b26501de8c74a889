"""Rows in force -> the plain parts of a policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from geo_minzheng.model import housing_rules, relief_rules, report_rules
from geo_minzheng.model import policy as parts
from geo_minzheng.model.account import Role
from geo_minzheng.model.duty import TaskRule
from geo_minzheng.model.impact import DamageShare, DepthShare, ImpactAssumptions
from geo_minzheng.model.incident import Band
from geo_minzheng.policy.read import Row

Rows = Mapping[str, list[Row]]
T = TypeVar("T")


def assemble(
    rows: Rows,
    *,
    profile: str,
    profile_name: str,
    day: date,
    digest: str,
    values: Mapping[str, parts.PolicyValue],
    files: Mapping[str, str],
) -> parts.Policy:
    """Build the policy from checked rows in force.

    Parameters
    ----------
    rows
        Rows in force by table, free of faults.
    """
    return parts.Policy(
        profile=profile,
        profile_name=profile_name,
        day=day,
        digest=digest,
        values=dict(values),
        items={row.text("item"): _item(row) for row in rows["relief_items"]},
        need_groups=tuple(_plain(relief_rules.NeedGroup, row) for row in rows["needs"]),
        hazards={row.text("hazard"): _plain(parts.HazardKind, row) for row in rows["hazards"]},
        subtypes={row.text("subtype"): _plain(parts.HazardSubtype, row) for row in rows["hazard_subtypes"]},
        impact={row.text("hazard"): _assumptions(row, rows) for row in rows["effects"]},
        vehicles={row.text("vehicle"): _plain(parts.VehicleClass, row) for row in rows["vehicles"]},
        response=_response(rows),
        subsidies=tuple(_subsidy(row) for row in rows["subsidies"]),
        programmes={row.text("programme"): _programme(row, values) for row in rows["programmes"]},
        house_ranking=_ranking("house", rows),
        home_ranking=_ranking("home", rows),
        facility_kinds={row.text("kind"): _plain(parts.FacilityKind, row) for row in rows["facility_kinds"]},
        roles={row.text("role"): _plain(Role, row) for row in rows["roles"]},
        tasks={row.text("task"): _plain(TaskRule, row) for row in sorted(rows["tasks"], key=_urgency)},
        roads={row.text("road_class"): _plain(parts.RoadClass, row) for row in rows["roads"]},
        seasons={int(row.number("month") or 0): row.text("season") for row in rows["seasons"]},
        indicators=tuple(sorted((_plain(report_rules.Indicator, row) for row in rows["indicators"]), key=_form_order)),
        form_rules=tuple(_form_rule(row, rows) for row in rows["form_rules"]),
        questions=tuple(
            sorted(
                (_plain(report_rules.Question, row) for row in rows["questions"]), key=lambda q: (q.question, q.order)
            )
        ),
        tiers={row.text("tier"): _plain(parts.AssistanceTier, row) for row in rows["assistance_tiers"]},
        entitlements=tuple(_plain(parts.Entitlement, row) for row in rows["entitlements"]),
        files=dict(files),
    )


def _plain(kind: type[T], row: Row, /, **more: Any) -> T:
    """Fill a dataclass from cells of the same name; empty cells are what the field's type calls empty."""
    known: dict[str, Any] = {}
    for name, annotation in kind.__annotations__.items():
        if name in row.cells:
            value = row.cells[name]
            known[name] = "" if value is None and annotation == "str" else value
    return kind(**(known | more))


def _urgency(row: Row) -> float:
    return row.number("order") or 0.0


def _form_order(indicator: report_rules.Indicator) -> tuple[str, int]:
    return indicator.form, indicator.order


def _item(row: Row) -> relief_rules.ReliefItem:
    return _plain(relief_rules.ReliefItem, row)


def _band(row: Row, name: str) -> Band:
    return Band(*(row.number(f"{name}_{end}") or 0.0 for end in ("low", "mid", "high")))


def _assumptions(effect: Row, rows: Rows) -> ImpactAssumptions:
    def of_hazard(table: str) -> list[Row]:
        mine = [row for row in rows[table] if row.text("hazard") == effect.text("hazard")]
        return sorted(mine, key=lambda row: (row.text("structure_type"), row.number("depth_min_m") or 0.0))

    return ImpactAssumptions(
        displaced=tuple(
            DepthShare(row.number("depth_min_m") or 0.0, _band(row, "displaced"), row.text("source"))
            for row in of_hazard("depth_classes")
        ),
        emergency_aid=_band(effect, "aid"),
        collective_share=effect.number("collective_share") or 0.0,
        persons_per_site=int(effect.number("persons_per_site") or 1),
        unknown_depth_m=effect.number("unknown_depth_m") or 0.0,
        damage=tuple(
            DamageShare(
                row.text("structure_type"),
                row.number("depth_min_m") or 0.0,
                _band(row, "collapsed"),
                _band(row, "severe"),
                row.text("source"),
            )
            for row in of_hazard("damage")
        ),
        source=effect.text("source"),
    )


def _response(rows: Rows) -> tuple[parts.LevelRule, ...]:
    levels = {row.text("level"): row for row in rows["response_levels"]}
    rules = []
    for row in rows["response_bounds"]:
        level = levels[row.text("level")]
        terms = [term for term in rows["response_terms"] if term.text("condition") == row.text("condition")]
        rule = _plain(
            parts.LevelRule,
            row,
            rank=int(level.number("rank") or 0),
            name_zh=terms[0].text("name_zh"),
            name_en=terms[0].text("name_en"),
            terms=tuple((term.text("indicator"), term.number("coefficient") or 0.0) for term in terms),
            decider=level.text("decider"),
        )
        rules.append(rule)
    return tuple(sorted(rules, key=lambda rule: (-rule.rank, rule.condition)))


def _subsidy(row: Row) -> housing_rules.SubsidyRule:
    return _plain(housing_rules.SubsidyRule, row, tier=row.text("tiers"))


def _programme(row: Row, values: Mapping[str, parts.PolicyValue]) -> parts.Programme:
    def figure(key: str) -> float | None:
        found = values.get(f"programmes.{row.text('programme')}.{key}")
        return None if found is None else float(found.value)  # type: ignore[arg-type]

    def whole(key: str) -> int | None:
        number = figure(key)
        return None if number is None else int(number)

    return _plain(
        parts.Programme,
        row,
        quota=whole("quota"),
        stretch_quota=whole("stretch_quota"),
        budget_yuan=figure("budget_yuan"),
        notice_days=whole("notice_days"),
        payment_days=whole("payment_days"),
    )


def _ranking(name: str, rows: Rows) -> housing_rules.Ranking:
    is_house = name == "house"
    tiers = [_plain(housing_rules.TierRule, row) for row in rows["ranking_tiers"]] if is_house else []
    return housing_rules.Ranking(
        ranking=name,
        parts=tuple(_plain(housing_rules.ScorePart, row) for row in rows["parts"] if row.text("ranking") == name),
        params={
            row.text("key"): row.number("value") or 0.0 for row in rows["parameters"] if row.text("ranking") == name
        },
        gates=tuple(_plain(housing_rules.Gate, row) for row in rows["gates"]) if is_house else (),
        tiers=tuple(sorted(tiers, key=lambda tier: (tier.programme, tier.rank))),
        red_lines=() if is_house else tuple(row.text("red_line") for row in rows["red_lines"]),
    )


def _form_rule(row: Row, rows: Rows) -> report_rules.FormRule:
    terms = [term for term in rows["form_terms"] if term.text("rule") == row.text("rule")]
    return _plain(
        report_rules.FormRule,
        row,
        terms=tuple((term.text("indicator"), term.number("coefficient") or 0.0) for term in terms),
    )
