"""The nomenclature: every column of layers and frames, with type, unit and meaning.

A name means one thing everywhere. Types are those of the layer catalogue (``text``, ``int``, ``float``, ``bool``,
``date``, ``enum``, ``code``); units are written as printed; ids are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ColumnMeaning:
    """What a column of a given name holds."""

    name: str
    type: str
    unit: str
    meaning: str


def _parse(table: str) -> dict[str, ColumnMeaning]:
    columns = {}
    for line in table.strip().splitlines():
        name, kind, unit, meaning = (cell.strip() for cell in line.split("|"))
        columns[name] = ColumnMeaning(name, kind, unit, meaning)
    return columns


_LAYERS = _parse("""
acceptance_no            | text  |        | number of the acceptance sheet behind a lot 验收单
applied_at               | date  |        | day of the renovation application
area_m2                  | float | 平方米 | land area of a candidate site
assistance_tier          | enum  |        | assistance tier of a household 救助类别
bed_total                | int   | 张     | beds of a welfare home
built_year               | int   | 年     | year a house was built
candidate_id             | text  |        | id of a candidate site
capacity_persons         | int   | 人     | persons a site can take
care_staff               | int   | 人     | carers of a welfare home 护理员
case_id                  | text  |        | id of a renovation application
certificate_no           | text  |        | number of the safety certificate
children_14              | int   | 人     | persons under 14
closed_on                | date  |        | day a defect was closed 销号
code                     | code  |        | division code
condition                | enum  |        | condition of a lot: usable, repair, scrap
contact_name             | text  |        | contact person
contact_phone            | text  |        | phone of the contact person
contract_no              | text  |        | purchase contract behind a lot
counts_as_town           | bool  |        | whether a division counts for one town, one point 一镇一点
covered_persons          | int   | 人     | persons who receive the allowance
deadline_on              | date  |        | day by which a defect must be put right
defect_id                | text  |        | id of a facility defect
defect_kind              | enum  |        | kind of a facility defect
description              | text  |        | what is wrong
disabled                 | int   | 人     | disabled persons
door_plate               | text  |        | door plate or address
elderly_60               | int   | 人     | persons of 60 and over
estimated_cost_yuan      | float | 元     | estimated cost of a renovation
expiry_on                | date  |        | last day a lot may be used
facility_id              | text  |        | id of a public facility
facility_kind            | text  |        | kind of a welfare facility, code of the policy
floor_area_m2            | float | 平方米 | floor area of a building
former_use               | enum  |        | present use of a candidate site
found_on                 | date  |        | day a defect was found
grade_date               | date  |        | day of the safety certificate
has_basement_bedroom     | bool  |        | someone sleeps below ground
has_refuge_room          | bool  |        | refuge room 避难间 present
has_sick_labour          | bool  |        | labour of the household is sick or disabled
has_smoke_detector       | bool  |        | fire alarm present
has_sprinkler            | bool  |        | sprinkler present
hazard_grade             | enum  |        | grade of a defect: major, general
hazard_kind              | text  |        | hazard of a zone, code of the policy
hazard_resistance        | enum  |        | hazard-resisting measures of a house 防灾措施
head_of_household        | text  |        | head of household (personal)
home_id                  | text  |        | id of a welfare home
house_id                 | text  |        | id of a house
household_count          | int   | 户     | households of a village
household_id             | text  |        | id of a household
household_size           | int   | 人     | family members
id_no                    | text  |        | number of the identity document (personal)
id_type                  | enum  |        | kind of identity document
indoor_persons           | int   | 人     | persons a site can take indoors
is_admission_closed      | bool  |        | home admits nobody more 停止收住
is_backlog               | bool  |        | case belongs to the must-finish list 存量
is_bridge                | bool  |        | segment is a bridge
is_occupied              | bool  |        | someone lives in the house
is_on_duty               | bool  |        | officer is on duty
is_sole_residence        | bool  |        | only home of the household 唯一住所
is_solitary_elder        | bool  |        | an elder living alone
item                     | text  |        | relief item, code of the policy
kin_declared             | bool  |        | kinship with officials declared 近亲属备案
kmh                      | float | 千米/时 | speed of a road segment
land_use                 | text  |        | legal land use 用地性质
limit_t                  | float | 吨     | weight limit of a segment
lot_no                   | text  |        | lot number
means_checked            | bool  |        | means check passed 家庭经济状况核对
name                     | text  |        | name
needs_assistance         | int   | 人     | persons who need help to move
net_area_m2              | float | 平方米 | net refuge area of a site
non_resident_population  | int   | 人     | non-resident persons 非常住人口
nursing_beds             | int   | 张     | nursing beds of a welfare home
officer_id               | text  |        | id of an information officer
one_card_account         | text  |        | bank account 一卡通 (personal)
oneway                   | bool  |        | one way in the direction of the line
owner                    | enum  |        | owner of a lot 权属
parent_code              | code  |        | division above
persons                  | int   | 人     | persons living in a house, or members of a case's household
phone                    | text  |        | phone (personal)
post_role                | enum  |        | post of an officer: A, B
predecessor              | code  |        | code before a change of divisions
produced_on              | date  |        | day of production of a lot
programme                | enum  |        | renovation programme
public_kind              | enum  |        | kind of a public facility
quantity                 | float |        | quantity in the unit of the item
received_on              | date  |        | day a lot was received
releasing_authority      | text  |        | who may release a lot 动用权限
renovation_method        | enum  |        | way of renovation 改造方式
resident_count           | int   | 人     | residents of a welfare home
resident_population      | int   | 人     | resident persons 常住人口
review_rank              | int   |        | place in the villagers' review 村民评议
risk_level               | enum  |        | risk level of a hazard zone
road_class               | enum  |        | class of a road, code of the policy
road_id                  | text  |        | id of a road segment
room_count               | int   | 间     | rooms of a house 自然间
safety_grade             | enum  |        | safety grade A to D 房屋安全等级
self_care_partial_loss   | int   | 人     | residents with partial loss of self-care
self_care_total_loss     | int   | 人     | residents with total loss of self-care
self_help_ability        | enum  |        | self-help ability of a household 自救能力
site_id                  | text  |        | id of a resettlement site or receiver
site_kind                | enum  |        | resettlement site or town receiver
site_safety              | enum  |        | safety of a house's ground 场地安全性
storeys                  | int   | 层     | storeys
structure_id             | text  |        | id of a structure: both carriageways of a bridge share it
structure_type           | enum  |        | structure of a house 结构形式
subsidised_before        | bool  |        | house subsidised before
tekun_count              | int   | 人     | destitute persons supported in the home 集中供养
tenure                   | text  |        | tenure 权属
trained_on               | date  |        | day of the last training
unit                     | text  |        | counting unit of an item
unit_cost_yuan           | float | 元     | cost of one unit
valid_from               | date  |        | first day in force
valid_to                 | date  |        | last day in force
village_code             | code  |        | village a row belongs to, 12 digits
waiting_count            | int   | 人     | persons waiting for a bed
warehouse_id             | text  |        | id of a warehouse
warehouse_level          | enum  |        | level of a warehouse
water_id                 | text  |        | id of a water body
water_kind               | enum  |        | kind of a water body
zone_id                  | text  |        | id of a hazard zone
""")

_STORE = _parse("""
coord_source             | text  |        | where a coordinate comes from: synthetic, osm, survey
source_crs               | text  |        | coordinate system as handed in
source_file              | text  |        | file a row came from
imported_at              | text  |        | moment of import
""")

_NEED = _parse("""
rule                     | text  |        | need rule, or clause a subsidy rests on
base                     | float |        | counted persons, households or sites, in base_unit
base_unit                | text  |        | unit of the base
rate                     | float |        | item units per base unit (and day), or persons per piece
days                     | float | 天     | days supplied, empty for lasting goods
raw                      | float |        | need before deductions, item unit
on_site                  | float |        | usable quantity on site, item unit
in_transit               | float |        | quantity on the way, item unit
net                      | float |        | need after deductions, item unit
package_size             | float |        | item units in a whole package
packed                   | float |        | net need in whole packages, item unit
is_lower_bound           | bool  |        | household list missing: the least possible
unknown                  | text  |        | indicators nobody has reported, joined by blanks
layer                    | text  |        | need layer: survival, sustain
indicator                | text  |        | indicator of the reporting form
coefficient              | float | 1      | weight of an indicator in a base
value                    | float |        | value of an indicator, its unit
counted                  | float |        | coefficient times value
""")

_PLAN = _parse("""
warehouse                | text  |        | id of a warehouse in a plan
village                  | code  |        | village in a plan
receiver                 | text  |        | id of the receiver in a plan
batch                    | text  |        | lot number in a plan
movable                  | float |        | part of a lot a plan may move, item unit
reserved                 | float |        | part of a lot promised to orders, item unit
minutes                  | float | 分     | travel time, start of the plan to arrival where a line says arrive_min
arrive_min               | float | 分     | arrival after the start of the plan
need                     | float |        | need in a plan, item unit
need_packed              | float |        | need in whole packages, item unit
got                      | float |        | delivered, item unit
weight                   | float | 1      | vulnerability weight of a village in a plan
kg                       | float | 千克   | weight of a package
size                     | float |        | item units in a package
expiry                   | date  |        | last day a lot of a plan may be used
""")

_BANDS = ("low", "mid", "high")


def _impact() -> dict[str, ColumnMeaning]:
    columns = _parse("""
population               | int   | 人     | resident and non-resident persons
affected_population      | int   | 人     | persons inside the footprint
affected_elderly_60      | int   | 人     | persons of 60 and over inside the footprint
affected_children_14     | int   | 人     | persons under 14 inside the footprint
affected_disabled        | int   | 人     | disabled persons inside the footprint
affected_households      | int   | 户     | households inside the footprint
houses                   | int   | 幢     | houses of a village
houses_hit               | int   | 幢     | houses inside the footprint
households_hit           | int   | 户     | registered households inside the footprint
household_persons_hit    | int   | 人     | members of registered households inside the footprint
household_assisted       | int   | 人     | members of registered households hit who need help to move
households_unlocated     | int   | 户     | registered households without a known house
homes_hit                | int   | 处     | welfare homes inside the footprint
home_residents_hit       | int   | 人     | residents of welfare homes hit
home_assisted            | int   | 人     | residents of welfare homes hit who lost self-care
assisted_evacuation      | int   | 人     | persons who need assisted evacuation
collective               | int   | 人     | estimated persons in collective sites
dispersed                | int   | 人     | estimated persons with relatives
collective_sites         | int   | 个     | estimated collective sites
cut_roads                | int   | 段     | road segments cut
cut_road_m               | int   | 米     | length of road segments cut
isolated_villages        | int   | 个     | villages cut off 交通中断村
isolated_people          | int   | 人     | persons of villages cut off
flooded_m2               | int   | 平方米 | area under water
depth_m                  | float | 米     | water depth
length_m                 | float | 米     | length of a road segment
method                   | text  |        | how the affected were counted, or way of renovation
""")
    bands = {"displaced": ("人", "persons who must leave"), "emergency_aid": ("人", "persons who stay and need aid")}
    for kind in ("collapsed", "severe"):
        bands |= {f"{kind}_households": ("户", f"homes {kind}"), f"{kind}_rooms": ("间", f"rooms {kind}")}
    for stem, (unit, meaning) in bands.items():
        for end in _BANDS:
            columns[f"{stem}_{end}"] = ColumnMeaning(f"{stem}_{end}", "int", unit, f"estimated {meaning}, {end}")
    return columns


_RANKING = _parse("""
hazard_exposure          | float | 1      | weighted nearness to hazard zones
in_high_zone             | bool  |        | inside a zone of high risk
past_collapse_m          | float | 米     | distance to the nearest earlier collapse
tier                     | int   |        | tier of a case, 1 first, 0 none
score                    | float | 分     | score, sum of the parts
risk                     | float | 分     | part: risk of the house
hazard                   | float | 分     | part: exposure to hazards
self_help                | float | 分     | part: self-help ability
household                | float | 分     | part: household size
vulnerable               | float | 分     | part: vulnerable members
waiting                  | float | 分     | part: waiting time
gates                    | text  |        | gates that fail, joined by a bar
is_eligible              | bool  |        | every gate passed
act_now                  | bool  |        | people are moved first, whatever the rank
safety                   | float | 分     | part: safety of a home
pressure                 | float | 分     | part: pressure on beds
care                     | float | 分     | part: care
reach                    | float | 分     | part: reach
occupancy                | float | 1      | residents per bed
is_full                  | bool  |        | every bed taken or closed to admission
open_major               | int   | 项     | open major defects
open_general             | int   | 项     | open general defects
red_lines                | text  |        | red lines crossed, joined by a bar
rank                     | int   |        | place in a ranking, 1 first
case                     | text  |        | id of a case in a programme
town                     | code  |        | town, 9 digits
eligible                 | bool  |        | case may be chosen
gate_reason              | text  |        | gates that fail, joined by a bar, in a programme
subsidy_yuan             | float | 元     | subsidy of a case
subsidy_source           | text  |        | document or clause of the subsidy
missing_key              | text  |        | policy key the case waits for
approved_yuan            | float | 元     | amount set by an approver within the range
part_risk                | float | 分     | part of a case in a programme: risk of the house
part_hazard              | float | 分     | part of a case in a programme: exposure to hazards
part_self_help           | float | 分     | part of a case in a programme: self-help ability
part_household                | float | 分     | part of a case in a programme: household size
part_vulnerable          | float | 分     | part of a case in a programme: vulnerable members
part_waiting             | float | 分     | part of a case in a programme: waiting time
""")

GROUPS: Mapping[str, Mapping[str, ColumnMeaning]] = {
    "layers": _LAYERS,
    "store": _STORE,
    "need": _NEED,
    "plan": _PLAN,
    "impact": _impact(),
    "ranking": _RANKING,
}
COLUMNS: Mapping[str, ColumnMeaning] = {name: column for group in GROUPS.values() for name, column in group.items()}


def column(name: str) -> ColumnMeaning:
    """Return what a column means; ``KeyError`` for a name the product does not use."""
    return COLUMNS[name]
