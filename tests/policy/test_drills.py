"""The newcomer's drills: a new thing is rows in one data file, and everything else follows."""

from datetime import date

import pandas as pd

from geo_minzheng.engine import needs, subsidise
from geo_minzheng.policy import check_policy, load_policy

DAY = date(2026, 7, 3)


def add(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def load(folder):
    assert check_policy(folder) == ()
    return load_policy(folder, profile="seed_reference", day=DAY)


def test_a_relief_item_is_one_row(folder):
    add(
        folder / "relief_items.csv",
        "raincoat,雨衣,Raincoat,成人通用,件,50,20,clothing,summer,no,no,,,per_base,resettled,1,件/人,,,6,,,本区目录2026,,\n",
    )
    policy = load(folder)
    table = pd.DataFrame({"collective_resettled_now": [120], "dispersed_resettled_now": [31]}, index=["420703100001"])
    result = needs.assess(table, policy.need_rules, season="summer")
    (part,) = (p for p in needs.multiplicands(result) if p.item == "raincoat")
    assert (part.raw, part.packed) == (151, 200)
    assert policy.packages["raincoat"].kg == 20


def test_a_hazard_is_rows_in_one_file(folder):
    add(
        folder / "hazards.toml",
        """
[[hazard]]
hazard = "dyke_breach"
name_zh = "溃堤"
name_en = "Dyke breach"
form = "mem_export"
source = "本区预案2026"
[[effect]]
hazard = "dyke_breach"
aid_low = 0.1
aid_mid = 0.2
aid_high = 0.3
collective_share = 0.8
persons_per_site = 200
unknown_depth_m = 1.5
unit = "1"
source = "本区预案2026"
[[depth_class]]
hazard = "dyke_breach"
depth_min_m = 0
displaced_low = 0.9
displaced_mid = 1
displaced_high = 1
unit = "1"
source = "本区预案2026"
""",
    )
    policy = load(folder)
    assert policy.hazards["dyke_breach"].name_zh == "溃堤"
    assert policy.impact_assumptions("dyke_breach").displaced[0].share.low == 0.9


def test_a_facility_kind_is_one_row(folder):
    add(
        folder / "facility_kinds.csv",
        "respite_home,喘息照护中心,Respite home,喘息服务,yes,no,drive,30,张,,,本区规划2026,,\n",
    )
    assert load(folder).facility_kinds["respite_home"].heads == ("喘息服务",)


def test_a_standard_is_one_row(folder):
    add(folder / "standards.csv", "access.bus_minutes,45,分,,,本区规划2026,,\n")
    assert load(folder).number("access.bus_minutes") == 45


def test_a_subsidy_band_is_one_row_and_fills_the_gap_of_the_founding_plan(folder):
    add(
        folder / "subsidies.csv",
        "dibao_renovation,低收入小额,by_household_size,low_income,1,,,,2500,,,,,,元/户,2026-01-01,,区府〔2026〕1号,,\n",
    )
    case = subsidise.SubsidyCase("dibao_renovation", "low_income", 3, "D")
    assert subsidise.subsidy(case, load(folder).subsidies).amount_yuan == 2500
