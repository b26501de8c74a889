"""Sentences and formats."""

import shutil
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_minzheng.errors import InputError, ManyInputError, MissingValueError
from geo_minzheng.model.incident import Band
from geo_minzheng.model.needs import Multiplicand
from geo_minzheng.present.text import Text, grouped, languages, placeholders, plain, read_sentences, rounded
from geo_minzheng.settings import data_dir

FOLDER = data_dir("text")
NOT_ON_PAPER = ("影子价格", "对偶", "最优性证明", "公平的代价", "配给")


@pytest.fixture(scope="module")
def zh():
    return Text.load(FOLDER, "zh", strict=True)


@pytest.fixture(scope="module")
def en():
    return Text.load(FOLDER, "en", strict=True)


def test_every_language_has_the_same_keys_and_placeholders():
    source = read_sentences(FOLDER / "zh.toml")
    for language in languages(FOLDER):
        other = read_sentences(FOLDER / f"{language}.toml")
        mine = {key for key in other if not key.startswith("names.")}
        assert mine == {key for key in source if not key.startswith("names.")}, language
        differing = [key for key in source if placeholders(source[key]) != placeholders(other[key])]
        assert not differing, (language, differing)


def test_words_kept_off_screen_and_paper_do_not_occur(zh):
    for key, sentence in zh.sentences.items():
        assert not [word for word in NOT_ON_PAPER if word in sentence], key
        assert "！" not in sentence, key
        assert "\u2009" not in sentence, key
        assert "\u202f" not in sentence, key


def test_missing_keys_and_facts(zh):
    with pytest.raises(KeyError):
        zh("no.such.key")
    with pytest.raises(KeyError):
        zh("error.text.unknown_language", language="xx")
    lenient = Text.load(FOLDER, "en")
    assert lenient("no.such.key", place="村") == "no.such.key（place=村）"
    assert lenient("no.such.key") == "no.such.key"
    assert "—" in lenient("error.text.unknown_language", language="xx")
    assert not lenient.has("no.such.key")


def test_a_language_is_one_file_and_falls_back_to_the_source(tmp_path):
    folder = tmp_path / "text"
    shutil.copytree(FOLDER, folder)
    (folder / "fr.toml").write_text('[present.format]\nhours = "{hours} heures"\n', encoding="utf-8")
    assert set(languages(folder)) >= {"zh", "en", "fr"}
    assert languages(folder)[0] == "zh"
    french = Text.load(folder, "fr")
    assert french.duration(120) == "2 heures"
    assert french.duration(30) == "30分"
    with pytest.raises(InputError) as caught:
        Text.load(folder, "no_such_language")
    assert caught.value.key == "text.unknown_language"
    (folder / "fr.toml").write_text("[[[", encoding="utf-8")
    with pytest.raises(InputError) as broken:
        Text.load(folder, "fr")
    assert broken.value.key == "text.unreadable_file"


def test_braces_in_facts_are_data(zh):
    assert "{0.__class__}" in zh("error.text.unreadable_file", file="{0.__class__}", reason="{x}")


def test_signs_that_ring_or_turn_a_line_are_shown_as_unreadable(zh):
    said = zh("error.text.unreadable_file", file="a\x07\u202eb\x1b", reason=["c\x7f", "d\n"])
    assert "a\ufffd\ufffdb\ufffd" in said
    assert "c\ufffd、d\n" in said


def test_names_come_from_the_language_file_then_from_the_row(zh, en):
    class Row:
        name_zh, name_en = "大米", "Rice"

    assert zh.name("relief_items", "rice", Row()) == "大米"
    assert en.name("relief_items", "rice", Row()) == "Rice"
    assert zh.name("relief_items", "no_such_item") == "no_such_item"
    own = Text("fr", {"names.relief_items.rice": "Riz"}, {}, False)
    assert own.name("relief_items", "rice", Row()) == "Riz"
    assert own.name("relief_items", "water", Row()) == "大米"


def test_codes(zh):
    assert zh.codes("engine.prioritise.gate", "sole_residence|kin_declared") == "不是唯一住所；近亲属未备案"
    assert zh.codes("engine.prioritise.gate", "") == ""


def test_money(zh):
    assert zh.yuan(1670400) == "1670400.00 元"
    assert zh.wan_yuan(1670400) == "167.04 万元"
    assert zh.yuan(1670400, screen=True) == "1,670,400.00 元"
    assert zh.loss(29021.5) == "29021.5 万元"
    assert zh.loss(0.05) == "0.1 万元"
    assert zh.yuan(0.005) == "0.01 元"


def test_numbers_times_and_shares(zh, en):
    assert zh.integer(4750) == "4,750"
    assert zh.integer(4750, screen=False) == "4750"
    assert zh.number(0.5) == "0.5"
    assert zh.number(-12345.25) == "-12,345.25"
    assert zh.quantity(4750, "千克", screen=False) == "4750千克"
    assert zh.duration(80) == "1小时20分"
    assert zh.duration(60) == "1小时"
    assert zh.duration(0) == "0分"
    assert zh.duration(-80) == "-1小时20分"
    moment = datetime(2026, 7, 3, 21, 5)
    assert zh.day(date(2026, 7, 3)) == "2026年7月3日"
    assert zh.moment(moment, screen=True) == "2026年7月3日 21:05"
    assert zh.moment(moment) == "2026年7月3日21时05分"
    assert zh.clock(moment) == "21时05分"
    assert en.moment(moment) == "3 Jul 2026 21:05"
    assert zh.percent(0.444) == "44.4%"
    assert zh.percent(1.0) == "100%"
    assert zh.percent(None) == "—"
    assert zh.estimate(Band(900, 1240, 1500), "人") == "≈1,240人（900–1,500）"
    assert zh.estimate(Band(5, 5, 5), "人") == "≈5人"


def test_errors_name_each_fault(zh):
    faults = (
        InputError("policy.unit_missing", file="needs.csv", row=4, column="unit", value=""),
        MissingValueError("policy.missing_value", key="subsidies.x", file="subsidies.csv"),
    )
    lines = zh.error(ManyInputError("policy.many_faults", faults, folder="policy")).splitlines()
    assert lines[0] == "政策目录“policy”有2处错误，未启用："
    assert lines[1].startswith("needs.csv第4行缺少计量单位")
    assert "“subsidies.x”" in lines[2]


def part(**more):
    facts = {
        "item": "rice",
        "rule": "per_base",
        "base": 950,
        "base_unit": "人",
        "rate": 0.5,
        "days": 10,
        "unit": "千克",
        "raw": 4750,
        "on_site": 0,
        "in_transit": 0,
        "net": 4750,
        "packed": 4750,
    }
    return Multiplicand(**(facts | more))


def test_the_sum_behind_a_need(zh):
    assert zh.multiplicand(part(), "大米") == "大米 = 950人 × 0.5千克 × 10天 = 4750千克"
    sentence = zh.multiplicand(part(on_site=250, in_transit=2000, net=2500, packed=2500), "大米")
    assert sentence == "大米 = 950人 × 0.5千克 × 10天 = 4750千克；扣减现场可用250千克；扣减在途2000千克；净需2500千克"
    beds = part(base=400, rate=1, days=None, unit="床", raw=400, net=400, packed=405)
    assert zh.multiplicand(beds, "棉被") == "棉被 = 400人 × 1床 = 400床；按整件计405床"
    tents = part(rule="per_household_ceil", base=180, rate=4, days=None, unit="顶", raw=60, net=60, packed=60)
    assert zh.multiplicand(tents, "帐篷") == "帐篷 = 180人按每户人数逐户除以4人进整合计 = 60顶"
    least = part(
        rule="per_household_ceil",
        base=180,
        rate=4,
        days=None,
        unit="顶",
        raw=45,
        net=45,
        packed=45,
        is_lower_bound=True,
    )
    assert "为下限" in zh.multiplicand(least, "帐篷")


@given(st.decimals(-(10**12), 10**12, places=4, allow_nan=False, allow_infinity=False), st.integers(0, 3))
def test_rounding_is_half_up_and_never_minus_zero(value, digits):
    text = rounded(value, digits)
    assert abs(Decimal(text) - value) <= Decimal("0.5").scaleb(-digits)
    assert not text.startswith("-0") or Decimal(text) != 0
    assert grouped(text).replace(",", "") == text


@given(st.integers(-(10**9), 10**9))
def test_plain_numbers_read_back(number):
    assert float(plain(number / 1000)) == number / 1000
