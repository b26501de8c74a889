"""A store with a row of every table for own village, sibling village, sibling town and another district."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import shapely
from sqlalchemy import Boolean, Date, Double, Table, Text
from sqlalchemy.orm import Session

from geo_minzheng.model.scope import Scope
from geo_minzheng.store.columns import Json, Moment
from geo_minzheng.store.geometry import Geometry
from geo_minzheng.store.tables import METADATA

DISTRICT, TOWN = "420703", "420703100"
# Own village, its sibling, one of the next town, one of the next district.
VILLAGES = {"own": "420703100001", "sibling": "420703100002", "town": "420703101001", "foreign": "420704100001"}
EVERYBODY = "everybody"
AT = datetime(2026, 7, 1, tzinfo=UTC)
_SHAPES = {
    "POINT": shapely.Point(115.0, 30.3),
    "MULTIPOLYGON": shapely.MultiPolygon([shapely.box(115, 30, 115.1, 30.1)]),
    "MULTILINESTRING": shapely.MultiLineString([[(115, 30), (115.1, 30.1)]]),
}


@dataclass
class World:
    """Which rows belong to whom: by table, the ``fid`` of each row and its village's name in ``VILLAGES``."""

    rows: dict[str, dict[int, str]] = field(default_factory=dict)

    def put(self, session: Session, table: str, owner: str, **values: Any) -> int:
        made: Table = METADATA.tables[table]
        session.connection().execute(made.insert().values(**(_filled(made) | values)))
        fid = int(session.connection().exec_driver_sql(f'SELECT max(fid) FROM "{table}"').scalar_one())
        self.rows.setdefault(table, {})[fid] = owner
        return fid


def _filled(table: Table) -> dict[str, Any]:
    """Fill what a row cannot do without."""
    plain = {Boolean: False, Date: date(2026, 1, 1), Double: 1.0, Moment: AT, Json: {}, Text: "x"}
    values: dict[str, Any] = {}
    for column in table.columns:
        if column.name == "geom" and isinstance(column.type, Geometry):
            values["geom"] = _SHAPES[column.type.kind]
        elif not column.nullable and not column.primary_key and not column.foreign_keys:
            values[column.name] = next((v for kind, v in plain.items() if isinstance(column.type, kind)), 1)
    return values


def build(session: Session) -> World:
    """Write the world; every table has at least one row, and one of each village where it knows villages."""
    world = World()
    _district(session, world)
    for owner, code in VILLAGES.items():
        _people(session, world, owner, code)
        lot = _goods(session, world, owner, code)
        _orders(session, world, owner, code, lot)
        _reports(session, world, owner, code)
    return world


def _district(session: Session, world: World) -> None:
    put = world.put
    put(session, "setting", EVERYBODY, key="code", value=DISTRICT)
    connection = session.connection()
    if not connection.exec_driver_sql("SELECT count(*) FROM audit_head").scalar():
        put(session, "audit_head", EVERYBODY, count=0, hash="")
    head = connection.exec_driver_sql("SELECT fid FROM audit_head").scalar_one()
    world.rows["audit_head"] = {int(head): EVERYBODY}
    for table, key in (("boundary", "code"), ("town_area", "code"), ("road", "road_id"), ("water", "water_id"),
                       ("hazard_zone", "zone_id"), ("public_facility", "facility_id")):  # fmt: skip
        put(session, table, EVERYBODY, **{key: f"{table}-1"})
    put(session, "incident", EVERYBODY, incident_id="I1", state="open")
    put(session, "footprint", EVERYBODY, footprint_id="F1", incident="I1")
    put(session, "closure", EVERYBODY, incident="I1", state="closed")
    put(session, "level_decision", EVERYBODY, decision_id="LD1", incident="I1", action="activate")
    put(session, "assessment", EVERYBODY, assessment_id="A1", incident="I1", kind="impact")
    put(session, "plan", EVERYBODY, plan_id="P1", incident="I1")
    put(session, "approval", EVERYBODY, plan_id="P1", mode="written", verdict="approved")
    put(session, "approval_paper", EVERYBODY, plan_id="P1")
    put(session, "programme_run", EVERYBODY, run_id="2026/1")
    put(session, "siting_run", EVERYBODY, run_id="2026/1")
    put(session, "decision", EVERYBODY, decision_id="D1")
    put(session, "audit", EVERYBODY, seq=10**6)
    account = put(session, "account", EVERYBODY, login="duty", name="duty")
    put(session, "sign_in", EVERYBODY, account_fid=account, kind="browser")
    put(session, "pairing", EVERYBODY, account_fid=account, kind="phone")
    put(session, "seen", EVERYBODY, account_fid=account)


def _people(session: Session, world: World, owner: str, code: str) -> None:
    put = world.put
    put(session, "division", EVERYBODY, code=code)
    put(session, "village", EVERYBODY, code=code)
    put(session, "village_area", EVERYBODY, code=code)
    put(session, "house", owner, house_id=f"H-{owner}", village_code=code)
    put(session, "household", owner, household_id=f"HH-{owner}", village_code=code)
    put(session, "renovation_application", owner, case_id=f"C-{owner}", household_id=f"HH-{owner}",
        house_id=f"H-{owner}")  # fmt: skip
    put(session, "review_reason", owner, reason_id=f"RR-{owner}", application_id=f"C-{owner}")
    put(session, "officer", owner, officer_id=f"O-{owner}", village_code=code)
    put(session, "welfare_home", EVERYBODY, home_id=f"WH-{owner}", village_code=code)
    put(session, "facility_defect", owner, defect_id=f"FD-{owner}", home_id=f"WH-{owner}")
    put(session, "site", EVERYBODY, site_id=f"S-{owner}", village_code=code)
    put(session, "candidate_site", EVERYBODY, candidate_id=f"CS-{owner}", village_code=code)


def _goods(session: Session, world: World, owner: str, code: str) -> int:
    put = world.put
    put(session, "warehouse", owner, warehouse_id=f"W-{owner}", village_code=code)
    lot = put(session, "stock_lot", owner, warehouse_id=f"W-{owner}", lot_no="L1")
    put(session, "lot_balance", owner, lot_fid=lot, quantity_milli=1000, reserved_milli=0)
    voucher = put(session, "voucher", owner, number=f"V-{owner}", kind="receipt")
    put(session, "movement", owner, voucher_fid=voucher, line_no=1, lot_fid=lot, kind="receipt", quantity_milli=1000,
        balance_milli=1000)  # fmt: skip
    return lot


def _orders(session: Session, world: World, owner: str, code: str, lot: int) -> None:
    put = world.put
    put(session, "dispatch_order", owner, order_id=f"OR-{owner}", number=f"N-{owner}", incident="I1",
        warehouse=f"W-{owner}", receiver=f"S-{owner}")  # fmt: skip
    put(session, "order_line", owner, order_id=f"OR-{owner}", line_no=1, approved_milli=1000)
    put(session, "order_event", owner, order_id=f"OR-{owner}", step_no=1)
    put(session, "reservation", owner, order_id=f"OR-{owner}", line_no=1, lot_fid=lot, quantity_milli=1, state="held")
    put(session, "relief_request", owner, request_id=f"RQ-{owner}", line_no=1, incident="I1", receiver=f"S-{owner}",
        village_code=code, quantity_milli=1)  # fmt: skip


def _reports(session: Session, world: World, owner: str, code: str) -> None:
    put = world.put
    report = put(session, "report", owner, incident="I1", village_code=code)
    put(session, "report_version", owner, uuid=f"RV-{owner}", report_fid=report)
    put(session, "report_review", owner, version_uuid=f"RV-{owner}", verdict="confirmed")
    put(session, "photo", owner, uuid=f"PH-{owner}", version_uuid=f"RV-{owner}")


CASEWORK = {"house", "household", "renovation_application", "review_reason", "programme_run", "audit"}
BUREAU = {
    "officer", "facility_defect", "siting_run", "decision", "warehouse", "stock_lot", "lot_balance", "movement",
    "voucher", "reservation", "dispatch_order", "order_line", "order_event", "relief_request", "plan", "approval",
    "approval_paper", "level_decision", "assessment",
}  # fmt: skip
# Results reckoned over the whole district.
DOCUMENTS = {"programme_run", "siting_run", "decision", "plan", "approval", "approval_paper", "assessment", "audit"}
# What is kept at a place, and which kinds of people work there.
AT_PLACES = {
    "facility_defect": {"home"}, "warehouse": {"warehouse"}, "stock_lot": {"warehouse"}, "lot_balance": {"warehouse"},
    "movement": {"warehouse"}, "voucher": {"warehouse"}, "reservation": {"warehouse"},
    "dispatch_order": {"warehouse", "site"}, "order_line": {"warehouse", "site"}, "order_event": {"warehouse", "site"},
    "relief_request": {"site"},
}  # fmt: skip
# These belong to the place that receives, which lies in this district.
ORDERS = {"dispatch_order", "order_line", "order_event", "relief_request"}
# Of these the division code decides; of the other places' tables it does not: the bureau's goods are the district's.
BY_CODE = {
    "house", "household", "renovation_application", "review_reason", "officer", "report", "report_version",
    "report_review", "photo", "dispatch_order", "order_line", "order_event", "relief_request",
}  # fmt: skip


# The store's own, and the door's: who signs in has no scope yet, and of a secret there is a hash only.
OWN = {"setting", "audit_head", "account", "sign_in", "pairing", "seen"}


def expected(world: World, table: str, scope: Scope) -> set[int]:
    """Say which rows of a table a scope may see: the law in words of its own, beside the product's rules."""
    needs = "casework" if table in CASEWORK else "bureau" if table in BUREAU else "wide"
    is_own = table in OWN
    if not is_own and needs not in scope.sees:
        return set()
    holds = DISTRICT.startswith(scope.prefix) and not scope.place_kind
    is_here = DISTRICT.startswith(scope.prefix) or scope.prefix.startswith(DISTRICT)
    if table in DOCUMENTS:
        return set(world.rows[table]) if holds else set()
    return {fid for fid, owner in world.rows[table].items() if is_own or _sees(table, owner, scope, is_here=is_here)}


def _sees(table: str, owner: str, scope: Scope, *, is_here: bool) -> bool:
    if table in AT_PLACES and scope.place_kind:
        mine = {"warehouse": f"W-{owner}", "site": f"S-{owner}", "home": f"WH-{owner}"}[scope.place_kind]
        if scope.place_kind not in AT_PLACES[table] or mine != scope.place:
            return False
    if table in ORDERS and not is_here:
        return False
    return VILLAGES[owner].startswith(scope.prefix) if table in BY_CODE else is_here


def scopes() -> dict[str, Scope]:
    """List the scopes of the matrix: how far by what, at which place."""
    prefixes = {"own": VILLAGES["own"], "sibling": VILLAGES["sibling"], "parent": TOWN, "town": "420703101",
                "district": DISTRICT, "city": "4207", "foreign": "420704", "all": ""}  # fmt: skip
    classes = {"wide": {"wide"}, "bureau": {"wide", "bureau"}, "casework": {"wide", "bureau", "casework"}}
    places = {"warehouse": "W-own", "site": "S-own", "home": "WH-own"}
    made = {
        f"{name}/{seen}/": Scope(prefix, sees=frozenset(sees))
        for name, prefix in prefixes.items()
        for seen, sees in classes.items()
    }
    return made | {
        f"{name}/bureau/{kind}": Scope(prefixes[name], kind, place, frozenset(classes["bureau"]))
        for name in ("parent", "district")
        for kind, place in places.items()
    }
