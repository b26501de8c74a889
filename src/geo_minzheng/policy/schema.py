"""What each policy file may hold: tables, columns, keys. Declarations only."""

from __future__ import annotations

from dataclasses import dataclass

TEXT, INT, FLOAT, BOOL, DATE, LIST = "text", "int", "float", "bool", "date", "list"
ROW_UNIT = "row"

SEASONS = ("spring", "summer", "autumn", "winter")
SEASON_WORDS = ("any", *SEASONS, *(f"not_{season}" for season in SEASONS))
LEVELS = ("I", "II", "III", "IV")
GRADES = ("A", "B", "C", "D")
METHODS = ("repair", "rebuild_in_place", "relocate", "replace_or_rent", "collective_build")
SHAPES = ("by_household_size", "by_tier", "by_grade_and_category", "per_m2_with_cap", "by_cost_with_cap")
GATES = (
    "sole_residence",
    "grade_in",
    "structure_in",
    "tier_in",
    "not_subsidised_before",
    "certificate_within",
    "kin_declared",
    "means_checked",
)
STRUCTURES = (
    "adobe",
    "adobe_timber",
    "brick_timber",
    "mixed_brick_adobe",
    "timber",
    "stone_timber",
    "brick_concrete",
    "concrete",
)
# What somebody may be told waits for them, as the duty desk finds it.
TASKS = (
    "health_bad",
    "chain_broken",
    "papers_overdue",
    "no_footprint",
    "no_impact",
    "level_differs",
    "no_plan",
    "plan_waiting",
    "orders_waiting",
    "orders_to_pick",
    "orders_to_ship",
    "orders_to_receive",
    "orders_to_hand_out",
    "returned",
    "reports_waiting",
    "silent",
    "papers_due",
    "first_sign_in",
    "health_warning",
    "chain_due",
    "no_programme",
    "reasons_missing",
    "defects_overdue",
    "near_expiry",
)


@dataclass(frozen=True)
class Column:
    """One column of a policy table.

    Parameters
    ----------
    kind
        ``text``, ``int``, ``float``, ``bool`` (yes/no), ``date`` or ``list`` (parts separated by ``|``).
    choices, ref
        Allowed codes, or ``table.column`` whose values are allowed.
    unit
        Unit of the number; ``row`` means the row's own ``unit`` cell.
    low, high
        Closed range.
    """

    name: str
    kind: str = TEXT
    required: bool = False
    choices: tuple[str, ...] = ()
    ref: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Table:
    """One table of one policy file.

    Parameters
    ----------
    name
        Table name: the first part of its values' dotted keys.
    file, array
        Path under ``data/policy``; name of the TOML array of tables, empty for CSV.
    key
        What makes two rows the same, within one profile and validity.
    group
        What is replaced as a whole by a more specific set of rows; a prefix of ``key``.
    explode
        List column whose parts become rows of their own before resolving.
    needs_unit
        Whether every row must state a unit.
    is_scalar
        Whether the row is one value in column ``value``: its dotted key then ends with the row key.
    prefix
        Prefix of the dotted keys; ``None`` means the table name, empty means none.
    """

    name: str
    file: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    array: str = ""
    group: tuple[str, ...] = ()
    explode: str = ""
    needs_unit: bool = True
    is_scalar: bool = False
    prefix: str | None = None

    @property
    def group_columns(self) -> tuple[str, ...]:
        """The columns that name a group; the key where none are declared."""
        return self.group or self.key


# On every row: when, whence, for which profile.
PROVENANCE = (
    Column("unit"),
    Column("valid_from", DATE),
    Column("valid_to", DATE),
    Column("source", required=True),
    Column("note"),
    Column("profile", ref="profiles.profile"),
)
