"""Districts, towns, villages, roads, water, hazards."""

import sqlalchemy as sa
from alembic import op

from geo_minzheng.store import gpkg
from geo_minzheng.store.columns import Moment, Whole
from geo_minzheng.store.geometry import Geometry

revision = "0001"
down_revision = None


def upgrade() -> None:
    gpkg.prepare(op.get_bind())
    _boundary()
    _town_area()
    _village_area()
    _division()
    _village()
    _road()
    _water()
    _hazard_zone()


def _boundary() -> None:
    op.create_table(
        "boundary",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("MULTIPOLYGON")),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("code", name="uq_boundary_code"),
    )
    gpkg.register(op.get_bind(), "boundary", "MULTIPOLYGON")


def _town_area() -> None:
    op.create_table(
        "town_area",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("MULTIPOLYGON")),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("code", name="uq_town_area_code"),
    )
    gpkg.register(op.get_bind(), "town_area", "MULTIPOLYGON")


def _village_area() -> None:
    op.create_table(
        "village_area",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("MULTIPOLYGON")),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("code", name="uq_village_area_code"),
    )
    gpkg.register(op.get_bind(), "village_area", "MULTIPOLYGON")


def _division() -> None:
    op.create_table(
        "division",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text()),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date()),
        sa.Column("predecessor", sa.Text()),
        sa.Column("counts_as_town", sa.Boolean(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("code", "valid_from", name="uq_division_code_valid_from"),
    )
    gpkg.register(op.get_bind(), "division")


def _village() -> None:
    op.create_table(
        "village",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("POINT")),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resident_population", Whole, nullable=False),
        sa.Column("non_resident_population", Whole, nullable=False),
        sa.Column("household_count", Whole, nullable=False),
        sa.Column("elderly_60", Whole, nullable=False),
        sa.Column("children_14", Whole, nullable=False),
        sa.Column("disabled", Whole, nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("code", name="uq_village_code"),
    )
    gpkg.register(op.get_bind(), "village", "POINT")


def _road() -> None:
    op.create_table(
        "road",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("MULTILINESTRING")),
        sa.Column("road_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("road_class", sa.Text(), nullable=False),
        sa.Column("kmh", sa.Double()),
        sa.Column("oneway", sa.Boolean(), nullable=False),
        sa.Column("is_bridge", sa.Boolean(), nullable=False),
        sa.Column("structure_id", sa.Text()),
        sa.Column("limit_t", sa.Double()),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("road_id", name="uq_road_road_id"),
    )
    gpkg.register(op.get_bind(), "road", "MULTILINESTRING")


def _water() -> None:
    op.create_table(
        "water",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("MULTIPOLYGON")),
        sa.Column("water_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("water_kind", sa.Text(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("water_id", name="uq_water_water_id"),
    )
    gpkg.register(op.get_bind(), "water", "MULTIPOLYGON")


def _hazard_zone() -> None:
    op.create_table(
        "hazard_zone",
        sa.Column("fid", Whole, primary_key=True),
        sa.Column("geom", Geometry("MULTIPOLYGON")),
        sa.Column("zone_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("hazard_kind", sa.Text(), nullable=False),
        sa.Column("risk_level", sa.Text(), nullable=False),
        sa.Column("coord_source", sa.Text(), nullable=False),
        sa.Column("source_crs", sa.Text(), nullable=False),
        sa.Column("source_file", sa.Text(), nullable=False),
        sa.Column("imported_at", Moment(), nullable=False),
        sa.UniqueConstraint("zone_id", name="uq_hazard_zone_zone_id"),
    )
    gpkg.register(op.get_bind(), "hazard_zone", "MULTIPOLYGON")
