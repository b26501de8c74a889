"""The tables of relief, disaster and report forms, and the list of all tables. Declarations only."""

from __future__ import annotations

from geo_minzheng.policy.housing_tables import HOUSING, PLACES
from geo_minzheng.policy.schema import (
    BOOL,
    FLOAT,
    INT,
    LEVELS,
    LIST,
    ROW_UNIT,
    SEASON_WORDS,
    SEASONS,
    STRUCTURES,
    TASKS,
    Column,
    Table,
)

_NAMES = (Column("name_zh", required=True), Column("name_en", required=True))


def _share_band(name: str) -> tuple[Column, ...]:
    return tuple(Column(f"{name}_{end}", FLOAT, True, unit="1", low=0, high=1) for end in ("low", "mid", "high"))


RELIEF = (
    Table(
        "relief_items",
        "relief_items.csv",
        (
            Column("item", required=True),
            *_NAMES,
            Column("spec", required=True),
            Column("package_size", FLOAT, True, unit=ROW_UNIT, low=0.000001),
            Column("package_kg", FLOAT, True, unit="千克", low=0.000001),
            Column(
                "category",
                required=True,
                choices=("shelter", "bedding", "clothing", "food", "water", "light", "sanitation", "care", "equipment"),
            ),
            Column("season", required=True, choices=SEASON_WORDS),
            Column("is_night_one", BOOL, True),
            Column("is_reusable", BOOL, True),
            Column("min_shelf_days", INT, unit="天", low=0),
            Column("gb_code"),
            Column("need_rule", required=True, choices=("per_base", "per_household_ceil", "none")),
            Column("need_base", ref="needs.base"),
            Column("rate", FLOAT, low=0.000001),
            Column("rate_unit"),
            Column("days", FLOAT, unit="天", low=0.000001),
            Column("survival_days", FLOAT, unit="天", low=0),
            Column("survival_rank", INT, True, unit="1", low=1),
        ),
        ("item",),
    ),
    Table(
        "needs",
        "needs.csv",
        (
            Column("base", required=True),
            Column("season", required=True, choices=SEASON_WORDS),
            Column("indicator", required=True, ref="indicators.indicator"),
            Column("coefficient", FLOAT, True, unit="1", low=0),
        ),
        ("base", "season", "indicator"),
        group=("base",),
    ),
    Table(
        "seasons",
        "seasons.csv",
        (Column("month", INT, True, low=1, high=12), Column("season", required=True, choices=SEASONS)),
        ("month",),
    ),
)

DISASTER = (
    Table(
        "hazards",
        "hazards.toml",
        (Column("hazard", required=True), *_NAMES, Column("gb_code"), Column("form", required=True)),
        ("hazard",),
        array="hazard",
        needs_unit=False,
    ),
    Table(
        "hazard_subtypes",
        "hazards.toml",
        (
            Column("subtype", required=True),
            Column("hazard", required=True, ref="hazards.hazard"),
            *_NAMES,
            Column("gb_code"),
        ),
        ("subtype",),
        array="subtype",
        needs_unit=False,
    ),
    Table(
        "effects",
        "hazards.toml",
        (
            Column("hazard", required=True, ref="hazards.hazard"),
            *_share_band("aid"),
            Column("collective_share", FLOAT, True, unit="1", low=0, high=1),
            Column("persons_per_site", INT, True, unit="人", low=1),
            Column("unknown_depth_m", FLOAT, True, unit="米", low=0),
        ),
        ("hazard",),
        array="effect",
    ),
    Table(
        "depth_classes",
        "hazards.toml",
        (
            Column("hazard", required=True, ref="effects.hazard"),
            Column("depth_min_m", FLOAT, True, unit="米", low=0),
            Column("depth_max_m", FLOAT, unit="米", low=0),
            *_share_band("displaced"),
        ),
        ("hazard", "depth_min_m"),
        array="depth_class",
        group=("hazard",),
    ),
    Table(
        "damage",
        "hazards.toml",
        (
            Column("hazard", required=True, ref="effects.hazard"),
            Column("structure_type", choices=STRUCTURES),
            Column("depth_min_m", FLOAT, True, unit="米", low=0),
            Column("depth_max_m", FLOAT, unit="米", low=0),
            *_share_band("collapsed"),
            *_share_band("severe"),
        ),
        ("hazard", "structure_type", "depth_min_m"),
        array="damage",
        group=("hazard", "structure_type"),
    ),
    Table(
        "vehicles",
        "hazards.toml",
        (
            Column("vehicle", required=True),
            *_NAMES,
            Column("passable_depth_m", FLOAT, True, unit="米", low=0),
            Column("payload_kg", FLOAT, True, unit="千克", low=0),
            Column("gross_t", FLOAT, True, unit="吨", low=0),
            Column("speed_factor", FLOAT, True, unit="1", low=0.01, high=2),
        ),
        ("vehicle",),
        array="vehicle",
    ),
    Table(
        "response_levels",
        "response_levels.toml",
        (
            Column("level", required=True, choices=LEVELS),
            Column("rank", INT, True, low=1, high=4),
            *_NAMES,
            Column("decider", required=True),
        ),
        ("level",),
        array="level",
        needs_unit=False,
    ),
    Table(
        "response_terms",
        "response_levels.toml",
        (
            Column("condition", required=True),
            *_NAMES,
            Column("indicator", required=True, ref="indicators.indicator"),
            Column("coefficient", FLOAT, True, unit="1"),
        ),
        ("condition", "indicator"),
        array="term",
        group=("condition",),
    ),
    Table(
        "response_bounds",
        "response_levels.toml",
        (
            Column("condition", required=True, ref="response_terms.condition"),
            Column("level", required=True, ref="response_levels.level"),
            Column("lower", FLOAT, True, unit=ROW_UNIT),
            Column("upper", FLOAT, unit=ROW_UNIT),
        ),
        ("condition", "level"),
        array="bound",
        group=("condition",),
    ),
)

FORMS = (
    Table(
        "indicators",
        "report_forms/indicators.csv",
        (
            Column("form", required=True),
            Column("order", INT, True, low=1),
            Column("indicator", required=True),
            Column("heading", required=True),
            Column("kind", required=True, choices=("text", "time", "count", "number")),
            Column("group", required=True),
            Column("is_cumulative", BOOL, True),
            Column("is_shown", BOOL, True),
            Column("decimals", INT, True, low=0, high=6),
            Column("hazards", LIST, ref="hazards.hazard"),
        ),
        ("form", "indicator"),
        group=("form",),
    ),
    Table(
        "form_rules",
        "report_forms/rules.toml",
        (
            Column("rule", required=True),
            *_NAMES,
            Column("relation", required=True, choices=(">=", "=", "both_or_none")),
            Column("tolerance", FLOAT, True, unit=ROW_UNIT, low=0),
            Column("severity", required=True, choices=("error", "warning")),
            Column("stage", required=True, choices=("any", "verified")),
        ),
        ("rule",),
        array="rule",
    ),
    Table(
        "form_terms",
        "report_forms/rules.toml",
        (
            Column("rule", required=True, ref="form_rules.rule"),
            Column("indicator", required=True, ref="indicators.indicator"),
            Column("coefficient", FLOAT, True, unit="1"),
        ),
        ("rule", "indicator"),
        array="term",
        group=("rule",),
        needs_unit=False,
    ),
    Table(
        "questions",
        "report_forms/questions.csv",
        (
            Column("question", INT, True, low=1, high=5),
            Column("order", INT, True, low=1),
            Column("field", required=True),
            *_NAMES,
            Column("kind", required=True, choices=("count", "number", "flag", "text")),
            Column("indicator", ref="indicators.indicator"),
        ),
        ("field",),
    ),
)

ROLES = (
    Table(
        "roles",
        "roles.csv",
        (
            Column("role", required=True),
            *_NAMES,
            Column("level", required=True, choices=("district", "township", "village")),
            Column("place", required=True, choices=("none", "warehouse", "home", "site")),
            Column("sees", LIST, True, choices=("wide", "bureau", "casework")),
            Column("may", LIST),
            Column("pages", LIST, True),
            Column("is_command", BOOL, True),
        ),
        ("role",),
        needs_unit=False,
    ),
    Table(
        "tasks",
        "tasks.csv",
        (
            Column("task", required=True, choices=TASKS),
            Column("order", INT, True, unit="1", low=1),
            Column("act"),
            Column("table"),
            Column("roles", LIST, ref="roles.role"),
            Column("page", required=True),
            Column("address"),
        ),
        ("task",),
        needs_unit=False,
    ),
)

TABLES = (*PLACES, *FORMS, *RELIEF, *DISASTER, *HOUSING, *ROLES)
