"""The tables of housing, facilities, roads and standards. Declarations only."""

from __future__ import annotations

from geo_minzheng.policy.schema import (
    BOOL,
    FLOAT,
    GATES,
    GRADES,
    INT,
    LIST,
    METHODS,
    ROW_UNIT,
    SHAPES,
    Column,
    Table,
)

_NAMES = (Column("name_zh", required=True), Column("name_en", required=True))

HOUSING = (
    Table(
        "programmes",
        "programmes.toml",
        (
            Column("programme", required=True),
            *_NAMES,
            Column("order", INT, True, low=1),
            Column("has_must_finish", BOOL, True),
        ),
        ("programme",),
        array="programme",
        needs_unit=False,
    ),
    Table(
        "programme_figures",
        "programmes.toml",
        (
            Column("programme", required=True, ref="programmes.programme"),
            Column(
                "key", required=True, choices=("quota", "stretch_quota", "budget_yuan", "notice_days", "payment_days")
            ),
            Column("value", FLOAT, True, unit=ROW_UNIT, low=0),
        ),
        ("programme", "key"),
        array="figure",
        is_scalar=True,
        prefix="programmes",
    ),
    Table(
        "subsidies",
        "subsidies.csv",
        (
            Column("programme", required=True, ref="programmes.programme"),
            Column("rule", required=True),
            Column("shape", required=True, choices=SHAPES),
            Column("tiers", LIST, True, ref="assistance_tiers.tier"),
            Column("persons_min", INT, True, unit="人", low=1),
            Column("persons_max", INT, unit="人", low=1),
            Column("grades", LIST, choices=GRADES),
            Column("methods", LIST, choices=METHODS),
            Column("amount_yuan", FLOAT, unit="元", low=0),
            Column("range_min_yuan", FLOAT, unit="元", low=0),
            Column("range_max_yuan", FLOAT, unit="元", low=0),
            Column("yuan_per_m2", FLOAT, unit="元/平方米", low=0),
            Column("area_max_m2", FLOAT, unit="平方米", low=0),
            Column("cap_yuan", FLOAT, unit="元", low=0),
        ),
        ("programme", "tiers", "rule"),
        group=("programme", "tiers"),
        explode="tiers",
    ),
    Table(
        "gates",
        "priority.toml",
        (
            Column("programme", required=True, ref="programmes.programme"),
            Column("gate", required=True, choices=GATES),
            Column("values", LIST),
            Column("limit", FLOAT, unit=ROW_UNIT, low=0),
        ),
        ("programme", "gate"),
        array="gate",
        needs_unit=False,
    ),
    Table(
        "ranking_tiers",
        "priority.toml",
        (
            Column("programme", required=True, ref="programmes.programme"),
            Column("rank", INT, True, low=1),
            Column("tier", INT, True, low=1),
            *_NAMES,
            Column("categories", LIST, ref="assistance_tiers.tier"),
            Column("self_help", LIST, choices=("none", "partial", "full")),
        ),
        ("programme", "rank"),
        array="tier",
        group=("programme",),
        needs_unit=False,
    ),
    Table(
        "parts",
        "priority.toml",
        (
            Column("ranking", required=True, choices=("house", "home")),
            Column("part", required=True),
            *_NAMES,
            Column("weight", FLOAT, True, unit=ROW_UNIT, low=0, high=100),
        ),
        ("ranking", "part"),
        array="part",
        group=("ranking",),
    ),
    Table(
        "parameters",
        "priority.toml",
        (
            Column("ranking", required=True, choices=("house", "home")),
            Column("key", required=True),
            Column("value", FLOAT, True, unit=ROW_UNIT),
        ),
        ("ranking", "key"),
        array="parameter",
        is_scalar=True,
        prefix="priority",
    ),
    Table(
        "red_lines",
        "priority.toml",
        (
            Column("red_line", required=True, choices=("open_major_fire", "basement_bedroom", "grade_d")),
            *_NAMES,
        ),
        ("red_line",),
        array="red_line",
        needs_unit=False,
    ),
    Table(
        "assistance_tiers",
        "assistance_tiers.csv",
        (Column("tier", required=True), *_NAMES, Column("alias"), Column("lead_department", required=True)),
        ("tier",),
        needs_unit=False,
    ),
    Table(
        "entitlements",
        "entitlements.csv",
        (
            Column("tier", required=True, ref="assistance_tiers.tier"),
            Column("benefit", required=True),
            Column("level", required=True),
            Column("condition"),
        ),
        ("tier", "benefit"),
        needs_unit=False,
    ),
)

PLACES = (
    Table(
        "facility_kinds",
        "facility_kinds.csv",
        (
            Column("kind", required=True),
            *_NAMES,
            Column("heads", LIST),
            Column("is_residential", BOOL, True),
            Column("counts_as_point", BOOL, True),
            Column("service_mode", required=True, choices=("walk", "drive", "none")),
            Column("service_minutes", FLOAT, unit="分", low=0),
        ),
        ("kind",),
    ),
    Table(
        "roads",
        "roads.csv",
        (
            Column("road_class", required=True),
            *_NAMES,
            Column("kmh", FLOAT, True, unit=ROW_UNIT, low=1, high=130),
            Column("is_drivable", BOOL, True),
            Column("is_walkable", BOOL, True),
        ),
        ("road_class",),
    ),
    Table(
        "standards",
        "standards.csv",
        (Column("key", required=True), Column("value", FLOAT, True, unit=ROW_UNIT)),
        ("key",),
        is_scalar=True,
        prefix="",
    ),
    Table(
        "profiles",
        "profiles.csv",
        (Column("profile", required=True), *_NAMES),
        ("profile",),
        needs_unit=False,
    ),
)
