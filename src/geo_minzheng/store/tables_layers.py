"""One table per layer of the catalogue: its columns, geometry, and where each row came from."""

from __future__ import annotations

from datetime import date, datetime

from shapely.geometry.base import BaseGeometry as Shape
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from geo_minzheng.store.columns import Base
from geo_minzheng.store.geometry import Geometry


def shape(kind: str) -> MappedColumn[Shape | None]:
    """Declare a geometry column; it stands before the attributes, as map programs show it."""
    return mapped_column(Geometry(kind), sort_order=-10)


class LayerRow:
    """Where a row of a layer came from."""

    coord_source: Mapped[str] = mapped_column(sort_order=90, default="")
    source_crs: Mapped[str] = mapped_column(sort_order=91, default="")
    source_file: Mapped[str] = mapped_column(sort_order=92, default="")
    imported_at: Mapped[datetime] = mapped_column(sort_order=93)


class Boundary(LayerRow, Base):
    """District boundary 行政区界."""

    __tablename__ = "boundary"
    KEY = ("code",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("MULTIPOLYGON")
    code: Mapped[str]
    name: Mapped[str]


class TownArea(LayerRow, Base):
    """Township area 乡镇界."""

    __tablename__ = "town_area"
    KEY = ("code",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("MULTIPOLYGON")
    code: Mapped[str]
    name: Mapped[str]


class VillageArea(LayerRow, Base):
    """Village area 行政村界."""

    __tablename__ = "village_area"
    KEY = ("code",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("MULTIPOLYGON")
    code: Mapped[str]
    name: Mapped[str]


class Division(LayerRow, Base):
    """Division code with validity 行政区划代码."""

    __tablename__ = "division"
    KEY = ("code", "valid_from")
    __table_args__ = (UniqueConstraint(*KEY),)

    code: Mapped[str]
    name: Mapped[str]
    parent_code: Mapped[str | None]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    predecessor: Mapped[str | None]
    counts_as_town: Mapped[bool]


class Village(LayerRow, Base):
    """Village 行政村(社区)."""

    __tablename__ = "village"
    KEY = ("code",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("POINT")
    code: Mapped[str]
    name: Mapped[str]
    resident_population: Mapped[int]
    non_resident_population: Mapped[int]
    household_count: Mapped[int]
    elderly_60: Mapped[int]
    children_14: Mapped[int]
    disabled: Mapped[int]


class Road(LayerRow, Base):
    """Road segment 路段."""

    __tablename__ = "road"
    KEY = ("road_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("MULTILINESTRING")
    road_id: Mapped[str]
    name: Mapped[str | None]
    road_class: Mapped[str]
    kmh: Mapped[float | None]
    oneway: Mapped[bool]
    is_bridge: Mapped[bool]
    structure_id: Mapped[str | None]
    limit_t: Mapped[float | None]


class Water(LayerRow, Base):
    """Water body 水体."""

    __tablename__ = "water"
    KEY = ("water_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("MULTIPOLYGON")
    water_id: Mapped[str]
    name: Mapped[str | None]
    water_kind: Mapped[str]


class HazardZone(LayerRow, Base):
    """Hazard zone 灾害风险区."""

    __tablename__ = "hazard_zone"
    KEY = ("zone_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("MULTIPOLYGON")
    zone_id: Mapped[str]
    name: Mapped[str | None]
    hazard_kind: Mapped[str]
    risk_level: Mapped[str]


class House(LayerRow, Base):
    """House 房屋(幢)."""

    __tablename__ = "house"
    KEY = ("house_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("POINT")
    house_id: Mapped[str]
    village_code: Mapped[str]
    door_plate: Mapped[str | None]
    structure_type: Mapped[str]
    built_year: Mapped[int | None]
    storeys: Mapped[int]
    room_count: Mapped[int]
    floor_area_m2: Mapped[float | None]
    persons: Mapped[int]
    safety_grade: Mapped[str | None]
    grade_date: Mapped[date | None]
    certificate_no: Mapped[str | None]
    site_safety: Mapped[str]
    hazard_resistance: Mapped[str | None]
    is_sole_residence: Mapped[bool]
    is_occupied: Mapped[bool]


class Household(LayerRow, Base):
    """Household 家庭(户); its private columns are sealed, see :mod:`geo_minzheng.store.seal`."""

    __tablename__ = "household"
    KEY = ("household_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    household_id: Mapped[str]
    village_code: Mapped[str]
    house_id: Mapped[str | None]
    head_of_household: Mapped[str]
    id_type: Mapped[str]
    id_no: Mapped[str]
    phone: Mapped[str | None]
    one_card_account: Mapped[str | None]
    household_size: Mapped[int]
    covered_persons: Mapped[int]
    assistance_tier: Mapped[str]
    self_help_ability: Mapped[str]
    elderly_60: Mapped[int]
    children_14: Mapped[int]
    disabled: Mapped[int]
    needs_assistance: Mapped[int]
    is_solitary_elder: Mapped[bool]
    has_sick_labour: Mapped[bool]
    id_no_index: Mapped[str | None] = mapped_column(sort_order=95, index=True)
    phone_index: Mapped[str | None] = mapped_column(sort_order=96, index=True)
    one_card_account_index: Mapped[str | None] = mapped_column(sort_order=97, index=True)


class RenovationApplication(LayerRow, Base):
    """Renovation application 危改申请."""

    __tablename__ = "renovation_application"
    KEY = ("case_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    case_id: Mapped[str]
    programme: Mapped[str]
    household_id: Mapped[str]
    house_id: Mapped[str]
    applied_at: Mapped[date]
    is_backlog: Mapped[bool]
    renovation_method: Mapped[str]
    estimated_cost_yuan: Mapped[float | None]
    subsidised_before: Mapped[bool]
    kin_declared: Mapped[bool]
    means_checked: Mapped[bool]
    review_rank: Mapped[int | None]


class Officer(LayerRow, Base):
    """Information officer 灾害信息员."""

    __tablename__ = "officer"
    KEY = ("officer_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    officer_id: Mapped[str]
    name: Mapped[str]
    village_code: Mapped[str]
    post_role: Mapped[str]
    phone: Mapped[str | None]
    trained_on: Mapped[date | None]
    is_on_duty: Mapped[bool]


class Warehouse(LayerRow, Base):
    """Relief warehouse 救灾物资储备库(点)."""

    __tablename__ = "warehouse"
    KEY = ("warehouse_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("POINT")
    warehouse_id: Mapped[str]
    name: Mapped[str]
    warehouse_level: Mapped[str]
    village_code: Mapped[str]
    contact_name: Mapped[str | None]
    contact_phone: Mapped[str | None]


class Site(LayerRow, Base):
    """Resettlement site or town receiver 安置点、接收点."""

    __tablename__ = "site"
    KEY = ("site_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("POINT")
    site_id: Mapped[str]
    name: Mapped[str]
    site_kind: Mapped[str]
    village_code: Mapped[str]
    capacity_persons: Mapped[int]
    indoor_persons: Mapped[int]
    net_area_m2: Mapped[float | None]
    contact_name: Mapped[str | None]
    contact_phone: Mapped[str | None]


class StockLot(LayerRow, Base):
    """Stock lot 库存批次; ``quantity`` is what it was opened with, the ledger says what it holds."""

    __tablename__ = "stock_lot"
    KEY = ("warehouse_id", "lot_no")
    __table_args__ = (UniqueConstraint(*KEY),)

    warehouse_id: Mapped[str]
    lot_no: Mapped[str]
    item: Mapped[str]
    quantity: Mapped[float]
    unit: Mapped[str]
    owner: Mapped[str]
    releasing_authority: Mapped[str]
    produced_on: Mapped[date | None]
    expiry_on: Mapped[date | None]
    received_on: Mapped[date]
    condition: Mapped[str]
    unit_cost_yuan: Mapped[float | None]
    contract_no: Mapped[str | None]
    acceptance_no: Mapped[str | None]


class WelfareHome(LayerRow, Base):
    """Welfare home 福利院."""

    __tablename__ = "welfare_home"
    KEY = ("home_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("POINT")
    home_id: Mapped[str]
    name: Mapped[str]
    facility_kind: Mapped[str]
    village_code: Mapped[str]
    bed_total: Mapped[int]
    nursing_beds: Mapped[int]
    resident_count: Mapped[int]
    tekun_count: Mapped[int]
    self_care_total_loss: Mapped[int]
    self_care_partial_loss: Mapped[int]
    waiting_count: Mapped[int]
    care_staff: Mapped[int]
    is_admission_closed: Mapped[bool]
    floor_area_m2: Mapped[float | None]
    storeys: Mapped[int]
    safety_grade: Mapped[str | None]
    has_sprinkler: Mapped[bool]
    has_smoke_detector: Mapped[bool]
    has_refuge_room: Mapped[bool]
    has_basement_bedroom: Mapped[bool]
    contact_name: Mapped[str | None]
    contact_phone: Mapped[str | None]


class FacilityDefect(LayerRow, Base):
    """Defect of a welfare home 隐患."""

    __tablename__ = "facility_defect"
    KEY = ("defect_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    defect_id: Mapped[str]
    home_id: Mapped[str]
    hazard_grade: Mapped[str]
    defect_kind: Mapped[str]
    description: Mapped[str]
    found_on: Mapped[date]
    deadline_on: Mapped[date | None]
    closed_on: Mapped[date | None]


class PublicFacility(LayerRow, Base):
    """Public facility 公共设施."""

    __tablename__ = "public_facility"
    KEY = ("facility_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("POINT")
    facility_id: Mapped[str]
    name: Mapped[str | None]
    public_kind: Mapped[str]


class CandidateSite(LayerRow, Base):
    """Candidate site for a new home 备选地块."""

    __tablename__ = "candidate_site"
    KEY = ("candidate_id",)
    __table_args__ = (UniqueConstraint(*KEY),)

    geom: Mapped[Shape | None] = shape("POINT")
    candidate_id: Mapped[str]
    name: Mapped[str]
    village_code: Mapped[str]
    former_use: Mapped[str]
    land_use: Mapped[str | None]
    tenure: Mapped[str | None]
    area_m2: Mapped[float | None]


LAYERS: dict[str, type[Base]] = {
    table.__tablename__: table for table in LayerRow.__subclasses__() if issubclass(table, Base)
}
