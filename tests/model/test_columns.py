"""The nomenclature covers every column of layers and frames, each name once."""

import tomllib
from datetime import date

import pandas as pd
import pytest

from geo_minzheng.engine import needs, prioritise, subsidise
from geo_minzheng.model.columns import COLUMNS, GROUPS, column
from geo_minzheng.policy import load_policy
from geo_minzheng.settings import data_dir, layers_dir

TYPES = {"text", "int", "float", "bool", "date", "enum", "code"}


def layer_columns():
    for path in sorted(layers_dir().glob("*.toml")):
        for spec in tomllib.loads(path.read_text(encoding="utf-8"))["column"]:
            yield pytest.param(spec, id=f"{path.stem}.{spec['name']}")


@pytest.mark.parametrize("spec", layer_columns())
def test_every_layer_column_is_named_with_its_type_and_unit(spec):
    meaning = column(spec["name"])
    kind = "code" if spec["type"].startswith("code") else spec["type"]
    assert (meaning.type, meaning.unit) == (kind, spec.get("unit", ""))


def test_names_mean_one_thing():
    names = [name for group in GROUPS.values() for name in group]
    assert len(names) == len(set(names)) == len(COLUMNS)
    for meaning in COLUMNS.values():
        assert meaning.type in TYPES
        assert meaning.meaning


def test_no_needless_layer_names():
    used = {param.values[0]["name"] for param in layer_columns()}
    assert set(GROUPS["layers"]) == used


def test_frames_use_the_nomenclature():
    from geo_minzheng.engine.impact import COUNTS

    policy = load_policy(data_dir("policy"), profile="seed_reference", day=date(2026, 7, 3))
    table = pd.DataFrame({"collective_resettled_now": [10]}, index=["420703100001"])
    result = needs.assess(table, policy.need_rules, season="summer")
    cases = pd.DataFrame(
        {
            "case_id": ["c"],
            "programme": "dibao_renovation",
            "household_id": "h",
            "house_id": "b",
            "applied_at": [date(2026, 1, 1)],
            "assistance_tier": "dibao",
            "household_size": 3,
        }
    )
    scored = prioritise.score_houses(cases, policy.house_ranking, day=date(2026, 6, 20))
    paid = subsidise.subsidise(cases, policy.subsidies)
    homes = prioritise.score_homes(
        pd.DataFrame({"home_id": ["F"]}),
        pd.DataFrame(columns=["home_id", "hazard_grade", "defect_kind", "closed_on"]),
        policy.home_ranking,
    )
    frames = [
        result.lines,
        result.layers,
        result.terms,
        scored,
        paid,
        homes,
        prioritise.list_cases(cases, scored, paid),
    ]
    used = {name for frame in frames for name in frame.columns} | set(COUNTS)
    assert used - set(COLUMNS) == set()


def test_plan_json_uses_the_nomenclature():
    from dataclasses import fields

    from geo_minzheng.model.relief import Coverage, Package, PlanLine, StockLot, Travel

    used = {field.name for kind in (Coverage, Package, PlanLine, Travel) for field in fields(kind)}
    used |= {field.name for field in fields(StockLot)} - {"expiry_on"}
    assert used - set(COLUMNS) - {"layers", "reason_code", "reason_text"} == set()
