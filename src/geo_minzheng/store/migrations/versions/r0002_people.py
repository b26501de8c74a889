"""Houses, households, applications, information officers."""

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg
from geo_minzheng.store.columns import Moment, Whole
from geo_minzheng.store.geometry import Geometry

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _house()
    _household()
    _renovation_application()
    _officer()


def _house() -> None:
    op.create_table(
        "house",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("POINT")),
        sa.Column("house_id", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("door_plate", sa.Text()),
        sa.Column("structure_type", sa.Text(), nullable=False),
        sa.Column("built_year", Whole),
        sa.Column("storeys", Whole, nullable=False),
        sa.Column("room_count", Whole, nullable=False),
        sa.Column("floor_area_m2", sa.Double()),
        sa.Column("persons", Whole, nullable=False),
        sa.Column("safety_grade", sa.Text()),
        sa.Column("grade_date", sa.Date()),
        sa.Column("certificate_no", sa.Text()),
        sa.Column("site_safety", sa.Text(), nullable=False),
        sa.Column("hazard_resistance", sa.Text()),
        sa.Column("is_sole_residence", sa.Boolean(), nullable=False),
        sa.Column("is_occupied", sa.Boolean(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("house_id", name="uq_house_house_id"),
    )
    gpkg.register(op.get_bind(), "house", "POINT")


def _household() -> None:
    op.create_table(
        "household",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("house_id", sa.Text()),
        sa.Column("head_of_household", sa.Text(), nullable=False),
        sa.Column("id_type", sa.Text(), nullable=False),
        sa.Column("id_no", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text()),
        sa.Column("one_card_account", sa.Text()),
        sa.Column("household_size", Whole, nullable=False),
        sa.Column("covered_persons", Whole, nullable=False),
        sa.Column("assistance_tier", sa.Text(), nullable=False),
        sa.Column("self_help_ability", sa.Text(), nullable=False),
        sa.Column("elderly_60", Whole, nullable=False),
        sa.Column("children_14", Whole, nullable=False),
        sa.Column("disabled", Whole, nullable=False),
        sa.Column("needs_assistance", Whole, nullable=False),
        sa.Column("is_solitary_elder", sa.Boolean(), nullable=False),
        sa.Column("has_sick_labour", sa.Boolean(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("household_id", name="uq_household_household_id"),
    )
    gpkg.register(op.get_bind(), "household")


def _renovation_application() -> None:
    op.create_table(
        "renovation_application",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("household_id", sa.Text(), nullable=False),
        sa.Column("house_id", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.Date(), nullable=False),
        sa.Column("is_backlog", sa.Boolean(), nullable=False),
        sa.Column("renovation_method", sa.Text(), nullable=False),
        sa.Column("estimated_cost_yuan", sa.Double()),
        sa.Column("subsidised_before", sa.Boolean(), nullable=False),
        sa.Column("kin_declared", sa.Boolean(), nullable=False),
        sa.Column("means_checked", sa.Boolean(), nullable=False),
        sa.Column("review_rank", Whole),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("case_id", name="uq_renovation_application_case_id"),
    )
    gpkg.register(op.get_bind(), "renovation_application")


def _officer() -> None:
    op.create_table(
        "officer",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("officer_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("village_code", sa.Text(), nullable=False),
        sa.Column("post_role", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text()),
        sa.Column("trained_on", sa.Date()),
        sa.Column("is_on_duty", sa.Boolean(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("officer_id", name="uq_officer_officer_id"),
    )
    gpkg.register(op.get_bind(), "officer")
