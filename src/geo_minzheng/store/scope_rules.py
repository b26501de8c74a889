"""Which rows of which table belong to whom: one rule per table, read by the sessions and by PostgreSQL's policies."""

from __future__ import annotations

from dataclasses import dataclass, field

from geo_minzheng.model.scope import BUREAU, CASEWORK, WIDE


@dataclass(frozen=True)
class Code:
    """The column holds a division code, which must begin with the scope's prefix."""

    column: str


@dataclass(frozen=True)
class Place:
    """Who works at one place sees its rows only: the column that holds the id, by kind of place."""

    columns: dict[str, str]


@dataclass(frozen=True)
class Via:
    """The row belongs to a row of another table, which must be in scope.

    Parameters
    ----------
    column, table, key
        ``column`` names ``key`` of ``table``.
    by
        What must hold of that row besides its table's own rule.
    or_none
        Whether a row that names none yet is in scope.
    """

    column: str
    table: str
    key: str
    by: tuple[Term, ...] = ()
    or_none: bool = False


@dataclass(frozen=True)
class Here:
    """The scope has to do with this district: it lies in it, or holds it."""


@dataclass(frozen=True)
class District:
    """The scope holds the whole district and is not bound to a place: for results reckoned over all of it."""


Term = Code | Place | Via | Here | District


@dataclass(frozen=True)
class Rule:
    """Who sees a row: whose scope sees the class, and for whom every term holds.

    Parameters
    ----------
    sees
        Class of the table; empty where nobody needs one.
    terms
        What must hold to see and to change a row.
    adds
        What must hold to add one; the same where nothing else is said.
    second
        Terms of PostgreSQL's policy, where a row is written before what tells its place.
    """

    sees: str
    terms: tuple[Term, ...] = ()
    adds: tuple[Term, ...] | None = None
    second: tuple[Term, ...] | None = None
    adds_class: bool = field(default=True)

    @property
    def is_by_row(self) -> bool:
        """Whether two rows of the table can differ in who sees them."""
        return any(isinstance(term, Code | Place | Via) for term in self.terms)


_GROUND = Rule(WIDE, (Here(),))
_RECEIVER = Via("receiver", "site", "site_id", by=(Code("village_code"),))
_LOT = Via("lot_fid", "stock_lot", "fid")
_ORDER = Via("order_id", "dispatch_order", "order_id")
_VERSION = Via("version_uuid", "report_version", "uuid")

RULES: dict[str, Rule] = {
    # The ground everybody sees.
    "boundary": _GROUND,
    "town_area": _GROUND,
    "village_area": _GROUND,
    "division": _GROUND,
    "village": _GROUND,
    "road": _GROUND,
    "water": _GROUND,
    "hazard_zone": _GROUND,
    "public_facility": _GROUND,
    "candidate_site": _GROUND,
    "site": _GROUND,
    "welfare_home": _GROUND,
    # Households and their houses.
    "house": Rule(CASEWORK, (Code("village_code"),)),
    "household": Rule(CASEWORK, (Code("village_code"),)),
    "renovation_application": Rule(CASEWORK, (Via("household_id", "household", "household_id"),)),
    "review_reason": Rule(CASEWORK, (Via("application_id", "renovation_application", "case_id"),)),
    "programme_run": Rule(CASEWORK, (District(),)),
    # The bureau's own.
    "officer": Rule(BUREAU, (Code("village_code"),)),
    "facility_defect": Rule(BUREAU, (Here(), Place({"home": "home_id"}))),
    "siting_run": Rule(BUREAU, (District(),)),
    "decision": Rule(BUREAU, (District(),), adds=(Here(),)),
    # Goods.
    "warehouse": Rule(BUREAU, (Here(), Place({"warehouse": "warehouse_id"}))),
    "stock_lot": Rule(BUREAU, (Here(), Place({"warehouse": "warehouse_id"}))),
    "lot_balance": Rule(BUREAU, (_LOT,)),
    "movement": Rule(BUREAU, (_LOT,)),
    # A voucher is written before its lines, which tell the warehouse.
    "voucher": Rule(BUREAU, (Via("fid", "movement", "voucher_fid"),), adds=(Here(),), second=(Here(),)),
    "reservation": Rule(BUREAU, (_LOT,)),
    "dispatch_order": Rule(BUREAU, (Place({"warehouse": "warehouse", "site": "receiver"}), _RECEIVER)),
    "order_line": Rule(BUREAU, (_ORDER,)),
    "order_event": Rule(BUREAU, (_ORDER,)),
    "relief_request": Rule(BUREAU, (Place({"site": "receiver"}), _RECEIVER)),
    "plan": Rule(BUREAU, (District(),)),
    "approval": Rule(BUREAU, (District(),)),
    "approval_paper": Rule(BUREAU, (District(),)),
    # The incident, and what villages say.
    "incident": _GROUND,
    "footprint": _GROUND,
    "closure": _GROUND,
    "level_decision": Rule(BUREAU, (Here(),)),
    "assessment": Rule(BUREAU, (District(),)),
    "report": Rule(WIDE, (Code("village_code"),)),
    "report_version": Rule(WIDE, (Via("report_fid", "report", "fid"),)),
    "report_review": Rule(WIDE, (_VERSION,)),
    "photo": Rule(WIDE, (Via("version_uuid", "report_version", "uuid", or_none=True),)),
    # The store's own. What was before and after stands in the audit: it is read by whoever reads everything.
    "setting": Rule(""),
    # Who has an account stands on forms (who decides, who witnesses); their secrets are hashes.
    "account": Rule(""),
    "sign_in": Rule(""),
    "pairing": Rule(""),
    "seen": Rule(""),
    "audit": Rule(CASEWORK, (District(),), adds=(), adds_class=False),
    "audit_head": Rule(""),
}
