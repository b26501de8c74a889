"""Cases a lawyer can read: tests/policy/cases/*.toml against the shipped policy."""

import tomllib
from pathlib import Path

import pandas as pd
import pytest

from geo_minzheng.engine import needs, respond, subsidise
from geo_minzheng.errors import MissingValueError, RefusedError
from geo_minzheng.present.text import Text
from geo_minzheng.settings import data_dir

CASES = Path(__file__).parent / "cases"


def read(stem):
    found = tomllib.loads((CASES / f"{stem}.toml").read_text(encoding="utf-8"))["case"]
    return [pytest.param(case, id=case["name"]) for case in found]


@pytest.mark.parametrize("case", read("subsidies"))
def test_subsidy(case, policies):
    facts = {k: v for k, v in case.items() if not k.startswith("expect") and k not in ("name", "profile")}
    rules = policies[case["profile"]].subsidies
    if "expect_missing" in case:
        with pytest.raises(MissingValueError) as caught:
            subsidise.subsidy(subsidise.SubsidyCase(**facts), rules)
        assert caught.value.facts["key"] == case["expect_missing"]
    elif "expect_refused" in case:
        with pytest.raises(RefusedError) as refused:
            subsidise.subsidy(subsidise.SubsidyCase(**facts), rules)
        assert refused.value.key == case["expect_refused"]
    else:
        answer = subsidise.subsidy(subsidise.SubsidyCase(**facts), rules)
        assert answer.amount_yuan == case["expect_yuan"]
        assert answer.rule
        assert answer.source


@pytest.mark.parametrize("case", read("response"))
def test_level(case, policies):
    values = {k: v for k, v in case.items() if not k.startswith("expect") and k != "name"}
    advice = respond.advise_level(values, policies["seed_reference"].response)
    assert (advice.level or "") == case["expect_level"]
    assert (advice.next_level or "") == case["expect_next"]
    if "expect_distance" in case:
        assert advice.next_condition.distance == case["expect_distance"]


@pytest.mark.parametrize("case", read("needs"))
def test_need(case, policies):
    policy, text = policies["seed_reference"], Text.load(data_dir("text"), "zh", strict=True)
    table = pd.DataFrame([case["indicators"]], index=["420703100001"])
    homes = pd.DataFrame({"code": "420703100001", "household_size": case["outdoor_sizes"]})
    result = needs.assess(table, policy.need_rules, season=case["season"], households=homes)
    sums = {part.item: part for part in needs.multiplicands(result)}
    assert {item: sums[item].raw for item in case["expect_raw"]} == case["expect_raw"]
    for item, sentence in case["expect_sentence"].items():
        assert text.multiplicand(sums[item], policy.items[item].name_zh) == sentence


def test_check_sums_of_the_founding_plan(policies):
    policy = policies["seed_reference"]
    amounts = [rule.amount_yuan for rule in policy.subsidies if rule.programme == "dibao_renovation"]
    text = Text.load(data_dir("text"), "zh", strict=True)
    assert text.wan_yuan(116 * min(amounts)) == "83.52 万元"
    assert text.wan_yuan(116 * max(amounts)) == "167.04 万元"
    clay = [r for r in policy.subsidies if r.programme == "adobe_elimination"]
    low, high = min(r.range_min_yuan for r in clay), max(r.range_max_yuan for r in clay)
    quota, stretch = policy.programme("adobe_elimination").quota, policy.programme("adobe_elimination").stretch_quota
    assert (quota * low, quota * high) == (300_000, 500_000)
    assert (stretch * low, stretch * high) == (450_000, 750_000)
