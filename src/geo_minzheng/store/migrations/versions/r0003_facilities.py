"""Warehouses, lots, sites, welfare homes and their defects, candidate sites."""

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg
from geo_minzheng.store.columns import Moment, Whole
from geo_minzheng.store.geometry import Geometry

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _warehouse()
    _stock_lot()
    _site()
    _welfare_home()
    _facility_defect()
    _public_facility()
    _candidate_site()


def _warehouse() -> None:
    op.create_table(
        "warehouse",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("POINT")),
        sa.Column("warehouse_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("warehouse_level", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text()),
        sa.Column("contact_phone", sa.Text()),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("warehouse_id", name="uq_warehouse_warehouse_id"),
    )
    gpkg.register(op.get_bind(), "warehouse", "POINT")


def _stock_lot() -> None:
    op.create_table(
        "stock_lot",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("warehouse_id", sa.Text(), nullable=False),
        sa.Column("lot_no", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Double(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("releasing_authority", sa.Text(), nullable=False),
        sa.Column("produced_on", sa.Date()),
        sa.Column("expiry_on", sa.Date()),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("condition", sa.Text(), nullable=False),
        sa.Column("unit_cost_yuan", sa.Double()),
        sa.Column("contract_no", sa.Text()),
        sa.Column("acceptance_no", sa.Text()),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("warehouse_id", "lot_no", name="uq_stock_lot_warehouse_id_lot_no"),
    )
    gpkg.register(op.get_bind(), "stock_lot")


def _site() -> None:
    op.create_table(
        "site",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("POINT")),
        sa.Column("site_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("site_kind", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("capacity_persons", Whole, nullable=False),
        sa.Column("indoor_persons", Whole, nullable=False),
        sa.Column("net_area_m2", sa.Double()),
        sa.Column("contact_name", sa.Text()),
        sa.Column("contact_phone", sa.Text()),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("site_id", name="uq_site_site_id"),
    )
    gpkg.register(op.get_bind(), "site", "POINT")


def _welfare_home() -> None:
    op.create_table(
        "welfare_home",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("POINT")),
        sa.Column("home_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("facility_kind", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("bed_total", Whole, nullable=False),
        sa.Column("nursing_beds", Whole, nullable=False),
        sa.Column("resident_count", Whole, nullable=False),
        sa.Column("tekun_count", Whole, nullable=False),
        sa.Column("self_care_total_loss", Whole, nullable=False),
        sa.Column("self_care_partial_loss", Whole, nullable=False),
        sa.Column("waiting_count", Whole, nullable=False),
        sa.Column("care_staff", Whole, nullable=False),
        sa.Column("is_admission_closed", sa.Boolean(), nullable=False),
        sa.Column("floor_area_m2", sa.Double()),
        sa.Column("storeys", Whole, nullable=False),
        sa.Column("safety_grade", sa.Text()),
        sa.Column("has_sprinkler", sa.Boolean(), nullable=False),
        sa.Column("has_smoke_detector", sa.Boolean(), nullable=False),
        sa.Column("has_refuge_room", sa.Boolean(), nullable=False),
        sa.Column("has_basement_bedroom", sa.Boolean(), nullable=False),
        sa.Column("contact_name", sa.Text()),
        sa.Column("contact_phone", sa.Text()),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("home_id", name="uq_welfare_home_home_id"),
    )
    gpkg.register(op.get_bind(), "welfare_home", "POINT")


def _facility_defect() -> None:
    op.create_table(
        "facility_defect",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("defect_id", sa.Text(), nullable=False),
        sa.Column("home_id", sa.Text(), nullable=False),
        sa.Column("hazard_grade", sa.Text(), nullable=False),
        sa.Column("defect_kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("deadline_on", sa.Date()),
        sa.Column("closed_on", sa.Date()),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("defect_id", name="uq_facility_defect_defect_id"),
    )
    gpkg.register(op.get_bind(), "facility_defect")


def _public_facility() -> None:
    op.create_table(
        "public_facility",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("POINT")),
        sa.Column("facility_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("public_kind", sa.Text(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("facility_id", name="uq_public_facility_facility_id"),
    )
    gpkg.register(op.get_bind(), "public_facility", "POINT")


def _candidate_site() -> None:
    op.create_table(
        "candidate_site",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("POINT")),
        sa.Column("candidate_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("former_use", sa.Text(), nullable=False),
        sa.Column("land_use", sa.Text()),
        sa.Column("tenure", sa.Text()),
        sa.Column("area_m2", sa.Double()),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("candidate_id", name="uq_candidate_site_candidate_id"),
    )
    gpkg.register(op.get_bind(), "candidate_site", "POINT")
