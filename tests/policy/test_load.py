"""Loading: all faults in one pass, rows in force by day and profile, a stable version."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_minzheng.errors import InputError, ManyInputError, MissingValueError
from geo_minzheng.policy import check_policy, list_profiles, load_policy
from geo_minzheng.present.text import Text
from geo_minzheng.settings import data_dir

DAY = date(2026, 7, 3)
SEED = "seed_reference"


def edit(path, old, new, count=1):
    text = path.read_text(encoding="utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def append(path, line):
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")


def keys(folder):
    return [fault.key.removeprefix("policy.") for fault in check_policy(folder)]


def test_the_shipped_policy_is_clean():
    assert check_policy(data_dir("policy")) == ()
    assert list_profiles(data_dir("policy")) == ("seed_reference", "sample_2024")


def test_every_shipped_row_names_its_source_and_unit(policies):
    for policy in policies.values():
        for value in policy.values.values():
            assert value.source, value
            assert (
                value.unit
                or not isinstance(value.value, float)
                or value.key.split(".")[0]
                in {
                    "ranking_tiers",
                    "response_levels",
                    "form_terms",
                    "seasons",
                    "programmes",
                    "indicators",
                    "questions",
                }
            ), value


def test_official_headings_are_verbatim(policies):
    form = [i for i in policies[SEED].indicators if i.form == "mem_export"]
    assert len(form) == 70
    assert [i.order for i in form] == list(range(1, 71))
    assert form[0].heading == "区域"
    assert form[5].heading == "受灾人口(人)"
    assert form[-1].heading == "其他损失(万元)"
    assert {i.indicator for i in form} >= {"evacuated_resettled_cum", "collective_resettled_now", "deaths"}


def test_typed_accessors_and_provenance(policies):
    policy = policies[SEED]
    assert policy.number("programmes.adobe_elimination.quota") == 100
    assert policy.number("programmes.adobe_elimination.stretch_quota") == 150
    assert policy.number("dispatch.oral_order_paper_hours") == 48
    value = policy.get("relief_items.rice.rate")
    assert (value.value, value.unit, value.file) == (0.5, "千克/人·天", "relief_items.csv")
    assert value.row > 1
    assert policy.season_of(DAY) == "summer"
    assert policy.season_of(date(2026, 1, 15)) == "winter"
    assert policy.impact_assumptions("flood").displaced[0].from_m == 0


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("dispatch.no_such_standard", "standards.csv"),
        ("subsidies.dibao_renovation.low_income", "subsidies.csv"),
        ("programmes.dibao_renovation.quota", "programmes.toml"),
        ("aid.emergency_per_person", "standards.csv"),
        ("relief_items.no_such_item.rate", "relief_items.csv"),
    ],
)
def test_a_missing_value_names_key_and_file(policies, key, file):
    with pytest.raises(MissingValueError) as caught:
        policies[SEED].get(key)
    assert caught.value.facts["key"] == key
    assert caught.value.facts["file"] == file


def test_missing_parts_name_their_key(policies):
    policy = policies[SEED]
    for call, key in (
        (lambda: policy.impact_assumptions("sandstorm"), "effects.sandstorm"),
        (lambda: policy.programme("no_such_programme"), "programmes.no_such_programme"),
        (lambda: policy.house_ranking.param("no_such_parameter"), "priority.house.no_such_parameter"),
        (lambda: policy.number("relief_items.rice.name_zh"), "relief_items.rice.name_zh"),
    ):
        with pytest.raises(MissingValueError) as caught:
            call()
        assert caught.value.facts["key"] == key


def test_the_two_profiles_differ_where_they_should(policies):
    seed, sample = policies["seed_reference"], policies["sample_2024"]
    assert seed.number("assistance.low_income_multiplier") == 2.0
    assert sample.number("assistance.low_income_multiplier") == 1.5
    assert "示范" in sample.profile_name
    assert {r.shape for r in seed.subsidies} == {"by_household_size", "by_tier"}
    assert {r.shape for r in sample.subsidies} == {"by_grade_and_category", "per_m2_with_cap"}


def test_every_fault_of_every_file_in_one_pass(folder):
    edit(folder / "relief_items.csv", "件,10,25", ",10,25")  # no unit
    edit(folder / "needs.csv", "bedding,any,dispersed_resettled_now,0.5", "bedding,any,dispersed_resettled_now,half")
    edit(folder / "standards.csv", "dispatch.oral_order_paper_hours,48,小时", "dispatch.oral_order_paper_hours,48,")
    edit(folder / "roads.csv", "track,机耕路,", "track,")
    edit(folder / "programmes.toml", "value = 100\n", 'value = 100\nvalid_from = "2026-13-01"\n')
    (folder / "facility_kinds.csv").unlink()
    (folder / "needs (1).csv").write_text("x\n", encoding="utf-8")
    with pytest.raises(ManyInputError) as caught:
        load_policy(folder, profile=SEED, day=DAY)
    found = {(f.key.removeprefix("policy."), f.facts["file"]) for f in caught.value.faults}
    assert found >= {
        ("unit_missing", "relief_items.csv"),
        ("bad_number", "needs.csv"),
        ("unit_missing", "standards.csv"),
        ("ragged_row", "roads.csv"),
        ("bad_date", "programmes.toml"),
        ("missing_file", "facility_kinds.csv"),
        ("unknown_file", "needs (1).csv"),
    }
    assert caught.value.facts["count"] == len(caught.value.faults)


@pytest.mark.parametrize(
    ("file", "old", "new", "key"),
    [
        ("standards.csv", "key,value,unit", "key,worth,unit", "missing_column"),
        ("standards.csv", "key,value,unit", "key,value,unit,extra", "unknown_column"),
        ("standards.csv", "oral_order_paper_hours,48", "oral_order_paper_hours,nan", "bad_number"),
        ("standards.csv", "oral_order_paper_hours,48", "oral_order_paper_hours,1e999", "bad_number"),
        ("standards.csv", "paper_hours,48,小时,,", "paper_hours,48,小时,2026-02-01,2026-01-01", "dates_crossed"),
        ("standards.csv", "邹城2020调拨规程", "", "required_cell"),
        ("standards.csv", "care.points_per_town", "care.facility_min_beds", "duplicate_row"),
        ("seasons.csv", "7,summer", "7,monsoon", "unknown_code"),
        ("seasons.csv", "7,summer", "7.5,summer", "bad_integer"),
        ("seasons.csv", "7,summer", "13,summer", "out_of_range"),
        ("relief_items.csv", "per_base,fed", "per_base,no_such_base", "unknown_code"),
        ("relief_items.csv", "0.5,千克/人·天", "0.5,斤/人·天", "rate_unit"),
        ("relief_items.csv", "人/顶", "顶/户", "rate_unit"),
        ("relief_items.csv", "千克/人·天,10,0", "千克/人·天,10,2", "survival_days"),
        ("relief_items.csv", "升/人·天,3,1", "升/人·天,3,4", "survival_days"),
        ("relief_items.csv", "any,no,no,60,,per_base", "any,perhaps,no,60,,per_base", "bad_bool"),
        ("needs.csv", "fed,any,collective_resettled_now", "fed,any,collective_resettled_cum", "cumulative_need"),
        ("needs.csv", "fed,any,collective_resettled_now", "fed,any,no_such_indicator", "unknown_code"),
        ("subsidies.csv", "dibao|tekun_dispersed,3,5", "dibao|tekun_dispersed,4,5", "band_gap"),
        ("subsidies.csv", "dibao|tekun_dispersed,3,5", "dibao|tekun_dispersed,2,5", "band_overlap"),
        ("subsidies.csv", "dibao|tekun_dispersed,6,,", "dibao|tekun_dispersed,6,9,", "band_not_open"),
        ("subsidies.csv", "tekun_dispersed,1,2,,,7200", "tekun_dispersed,1,2,,,", "subsidy_shape"),
        ("subsidies.csv", "by_tier,low_income", "by_tier,no_such_tier", "unknown_code"),
        ("subsidies.csv", ",general,1,,,,3000,3000,5000", ",general,1,,,,3000,5000,3000", "band_order"),
        ("response_levels.toml", "upper = 600\n", "upper = 500\n", "band_gap"),
        ("response_levels.toml", "upper = 600\n", "upper = 700\n", "band_overlap"),
        ("response_levels.toml", "upper = 600\n", "", "band_overlap"),
        ("response_levels.toml", 'level = "IV"\nlower = 300', 'level = "I"\nlower = 300', "duplicate_row"),
        ("response_levels.toml", "[[bound]]", "[[bounds]]", "unknown_table"),
        ("hazards.toml", "displaced_mid = 0.25", "displaced_mid = 0.5", "band_order"),
        ("hazards.toml", "displaced_mid = 0.25", "displaced_mid = 1.5", "out_of_range"),
        ("hazards.toml", "depth_min_m = 0.3\n", "depth_min_m = 0.4\n", "band_gap"),
        ("priority.toml", "weight = 40\n", "weight = 41\n", "weights_sum"),
        ("priority.toml", 'values = ["C", "D"]', 'values = ["C", "E"]', "unknown_code"),
        ("priority.toml", 'values = ["C", "D"]\n', "", "required_cell"),
        ("priority.toml", 'limit = 60\nunit = "月"', "limit = 60", "unit_missing"),
        ("priority.toml", "weight = 40", "weight = = 40", "unreadable_file"),
        ("report_forms/rules.toml", 'indicator = "seriously_injured"', 'indicator = "no_such"', "unknown_code"),
        ("profiles.csv", "sample_2024,", "sample_2025,", "unknown_code"),
    ],
)
def test_each_fault_is_found_and_named(folder, file, old, new, key):
    edit(folder / file, old, new)
    faults = check_policy(folder)
    assert key in [fault.key.removeprefix("policy.") for fault in faults]
    for language in ("zh", "en"):
        text = Text.load(data_dir("text"), language, strict=True)
        for fault in faults:
            assert str(fault.facts["file"]) in text.error(fault)


def test_levels_out_of_order_and_a_month_without_season(folder):
    edit(folder / "response_levels.toml", 'level = "IV"\nlower = 1\n', 'level = "X"\nlower = 1\n')
    edit(folder / "response_levels.toml", 'level = "III"\nlower = 3\n', 'level = "IV"\nlower = 3\n')
    edit(folder / "response_levels.toml", 'level = "X"\nlower = 1\n', 'level = "III"\nlower = 1\n')
    edit(folder / "seasons.csv", "7,summer,月,,,长江中游气候常年值,待本地核实,\n", "")
    assert {"level_order", "months_missing"} <= set(keys(folder))


def test_a_rule_without_terms(folder):
    text = (folder / "report_forms/rules.toml").read_text(encoding="utf-8")
    assert text.count('rule = "injured_serious"') == 3
    first = text.index('rule = "injured_serious"') + 10
    cut = text[:first] + text[first:].replace('rule = "injured_serious"', 'rule = "loss_parts"')
    cut = cut.replace('indicator = "injured"', 'indicator = "flooded_town_count"', 1)
    (folder / "report_forms/rules.toml").write_text(cut, encoding="utf-8")
    assert "rule_terms" in keys(folder)


def test_a_row_must_not_rest_on_one_that_is_not_in_force(folder):
    edit(
        folder / "needs.csv",
        "sites,any,collective_site_count_now,1,个,,",
        "sites,any,collective_site_count_now,1,个,2030-01-01,",
    )
    faults = check_policy(folder)
    assert any(f.key == "policy.unknown_code" and f.facts["value"] == "sites" for f in faults)


def test_a_fault_tells_line_column_and_value(folder):
    edit(folder / "standards.csv", "dispatch.oral_order_paper_hours,48", "dispatch.oral_order_paper_hours,两天")
    (fault,) = check_policy(folder)
    assert (fault.facts["row"], fault.facts["column"], fault.facts["value"]) == (2, "value", "两天")
    edit(folder / "priority.toml", "weight = 40", 'weight = "lots"')
    toml = next(f for f in check_policy(folder) if f.facts["file"] == "priority.toml")
    line = (folder / "priority.toml").read_text(encoding="utf-8").splitlines()[toml.facts["row"] - 1]
    assert line == "[[part]]"


def test_gbk_and_bom_files_are_read(folder):
    path = folder / "standards.csv"
    text = path.read_text(encoding="utf-8")
    path.write_bytes(text.encode("gb18030").replace(b"\n", b"\r\n"))
    assert check_policy(folder) == ()
    assert load_policy(folder, profile=SEED, day=DAY).get("dispatch.oral_order_paper_hours").unit == "小时"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert check_policy(folder) == ()


def test_dated_rows_win_on_their_days_only(folder):
    before = load_policy(folder, profile=SEED, day=DAY)
    append(
        folder / "standards.csv", "dispatch.oral_order_paper_hours,24,小时,2026-07-01,2026-07-31,区应急〔2026〕7号,,\n"
    )
    append(folder / "standards.csv", "dispatch.oral_order_paper_hours,36,小时,2026-08-01,,区应急〔2026〕8号,,\n")
    hours = {
        day: load_policy(folder, profile=SEED, day=day).number("dispatch.oral_order_paper_hours")
        for day in (date(2026, 6, 30), date(2026, 7, 1), date(2026, 7, 31), date(2026, 8, 1))
    }
    assert list(hours.values()) == [48, 24, 24, 36]
    after = load_policy(folder, profile=SEED, day=date(2026, 6, 30))
    assert after.digest == before.digest
    assert after.version != before.version
    append(folder / "standards.csv", "dispatch.oral_order_paper_hours,12,小时,2026-07-15,,区应急〔2026〕9号,,\n")
    assert keys(folder).count("duplicate_row") == 2


def test_a_dated_rule_replaces_the_whole_band_group(folder):
    for low, high, yuan in ((1, 4, 9000), (5, "", 16000)):
        append(
            folder / "subsidies.csv",
            f"dibao_renovation,新标准{low},by_household_size,dibao,{low},{high},,,{yuan},,,,,,元/户,2026-01-01,,区府〔2026〕1号,,\n",
        )
    policy = load_policy(folder, profile=SEED, day=DAY)
    mine = [r for r in policy.subsidies if (r.programme, r.tier) == ("dibao_renovation", "dibao")]
    assert [r.amount_yuan for r in mine] == [9000, 16000]
    others = [r for r in policy.subsidies if (r.programme, r.tier) == ("dibao_renovation", "tekun_dispersed")]
    assert [r.amount_yuan for r in others] == [7200, 10800, 14400]
    old = load_policy(folder, profile=SEED, day=date(2025, 12, 31))
    assert len([r for r in old.subsidies if (r.programme, r.tier) == ("dibao_renovation", "dibao")]) == 3


def test_unknown_profile_and_folder(tmp_path):
    with pytest.raises(InputError) as caught:
        load_policy(data_dir("policy"), profile="no_such_profile", day=DAY)
    assert caught.value.key == "policy.unknown_profile"
    (fault,) = check_policy(tmp_path / "nowhere")[:1]
    assert fault.key == "policy.missing_folder"


def test_the_version_depends_on_content_only(folder):
    first = load_policy(data_dir("policy"), profile=SEED, day=DAY)
    path = folder / "standards.csv"
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([head, "", *reversed(lines)]) + "\n", encoding="utf-8")
    assert load_policy(folder, profile=SEED, day=DAY).version == first.version
    edit(path, "dispatch.oral_order_paper_hours,48", "dispatch.oral_order_paper_hours,47")
    assert load_policy(folder, profile=SEED, day=DAY).version != first.version
    assert first.version.startswith("seed_reference@2026-07-03:")


@settings(max_examples=25, deadline=None)
@given(st.dates(date(2000, 1, 1), date(2060, 12, 31)), st.sampled_from(["seed_reference", "sample_2024"]))
def test_any_day_has_a_policy(day, profile):
    policy = load_policy(data_dir("policy"), profile=profile, day=day)
    assert policy.seasons.keys() == set(range(1, 13))
    assert abs(sum(part.weight for part in policy.house_ranking.parts) - 100) < 1e-9


def test_a_row_at_fault_hides_no_fault_between_rows(folder):
    edit(
        folder / "subsidies.csv",
        "危改3—5人户,by_household_size,dibao|tekun_dispersed,3,",
        "危改3—5人户,by_household_size,dibao|tekun_dispersed,4,",
    )
    edit(folder / "subsidies.csv", ",14400,,,,,,元/户,", ",14400,,,,,,,")
    edit(folder / "relief_items.csv", "per_base,drinking,3,", "per_base,drinking,三,")
    assert keys(folder) == ["bad_number", "unit_missing", "band_gap"]


@pytest.mark.parametrize(
    ("file", "content", "key"),
    [
        ("needs.csv", None, "missing_file"),
        ("needs.csv", "base\n", "missing_column"),
        ("hazards.toml", "[[", "unreadable_file"),
    ],
)
def test_a_file_that_cannot_be_read_blames_no_other(folder, file, content, key):
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content, encoding="utf-8")
    assert set(keys(folder)) == {key}


def test_text_is_text_and_an_open_range_has_an_end(folder):
    edit(folder / "hazards.toml", 'hazard = "flood"', "hazard = 5")
    edit(folder / "relief_items.csv", "箱,升,13.2,", "箱,升,-1,")
    with pytest.raises(ManyInputError) as found:
        load_policy(folder, profile="seed_reference", day=date(2026, 7, 3))
    assert [f.key for f in found.value.faults] == ["policy.bad_text", "policy.out_of_range"]
    assert found.value.faults[1].facts["high"] == "∞"


def test_a_task_nobody_would_be_told_of_is_a_fault(folder):
    table = folder / "tasks.csv"
    edit(table, "relief.approve,approval,,relief,", "relief.approve,approval,,health,")
    edit(table, "report.post,report_version,,report,,", "nothing.known,report_version,,report,,", count=2)
    edit(table, ",,,auditor,audit,", ",,,auditor|inspector,audit,")
    faults = check_policy(folder)
    assert [fault.key for fault in faults] == ["policy.task_for_nobody"] * 4
    assert {fault.facts["value"] for fault in faults} == {"plan_waiting", "returned", "silent", "chain_broken"}


def test_a_task_on_a_page_there_is_none_of_or_of_a_kind_or_role_unknown_is_a_fault(folder):
    table = folder / "tasks.csv"
    edit(table, "order_event,,relief,tab=orders", "order_event,,no_such_page,tab=orders")
    assert keys(folder) == ["unknown_code"]
    edit(table, "no_such_page", "relief")
    edit(table, "near_expiry,200", "far_expiry,200")
    edit(table, "facility_manager,welfare", "no_such_role,welfare")
    assert sorted(keys(folder)) == ["unknown_code", "unknown_code"]


def test_tasks_come_in_their_order_and_a_bureau_may_change_it(folder):
    assert next(iter(load_policy(folder, profile=SEED, day=DAY).tasks)) == "health_bad"
    edit(folder / "tasks.csv", "near_expiry,200", "near_expiry,1")
    assert next(iter(load_policy(folder, profile=SEED, day=DAY).tasks)) == "near_expiry"
