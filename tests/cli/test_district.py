"""``district create``: empty and filled by import, or from an extract; never over another district."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk import Desk, call, is_chinese

ROOT = Path(__file__).resolve().parents[2]
HELSINKI = ROOT / "tests" / "fixtures" / "helsinki.osm.pbf"


def test_an_empty_district_is_filled_layer_by_layer(tmp_path):
    desk = Desk(tmp_path / "home")
    told = desk.do("district", "create", "--empty", "--name", "测试区", "--code", "420703")
    assert told["name"] == "测试区" and not any(told["layers"].values()) and told["incidents"] == []
    assert desk.do("verify")["integrity"] == "ok"
    assert desk.refused("road", "critical")["error"] in {"district.empty_layer", "district.not_made"}
    desk.do("incident", "declare", "雨", "--incident", "E1")
    assert desk.refused("incident", "footprint", ROOT / "layers" / "demo" / "flood_2026.geojson", "--incident", "E1")
    for layer, file in (("division", "data/demo/division.csv"), ("boundary", "layers/demo/boundary.geojson")):
        (told,) = desk.do("layer", "import", layer, ROOT / file)
        assert told["stored"] == told["accepted"] > 0
    told = desk.do("district", "show")
    assert told["metres"] == "EPSG:4547" and told["layers"]["division"] == 108
    assert desk.refused("district", "create", "--empty")["error"]
    assert desk.do("district", "show") == told, "a second create leaves the first alone"


@pytest.mark.parametrize("words", [(), ("--empty", "--osm", str(HELSINKI))])
def test_create_needs_one_of_its_two_ways(tmp_path, words):
    assert Desk(tmp_path / "home").run("district", "create", *words).code == 2
    assert not (tmp_path / "home").exists()


def test_an_extract_that_is_none_is_refused_and_nothing_is_made(tmp_path):
    fake = tmp_path / "fake.osm.pbf"
    fake.write_bytes(b"no extract" * 50)
    for file in (fake, tmp_path / "missing.osm.pbf"):
        told = Desk(tmp_path / "home").refused("district", "create", "--osm", file)
        assert is_chinese(told["message"])
    assert not (tmp_path / "home" / "district.gpkg").exists()
    assert Desk(tmp_path / "home").refused("district", "create", "--empty", "--profile", "no_such_profile")
    assert not (tmp_path / "home" / "district.gpkg").exists()


def test_a_new_district_has_keys_of_its_own_and_a_failed_one_leaves_none(tmp_path, monkeypatch):
    home, away = tmp_path / "home", tmp_path / "away"
    Desk(home).do("district", "create", "--empty")
    assert (home / "keys" / "ring.json").stat().st_mode & 0o777 == 0o600
    Desk(tmp_path / "two", env={"GEO_MINZHENG_KEYS": str(away)}).do("district", "create", "--empty")
    assert (away / "ring.json").exists() and not (tmp_path / "two" / "keys").exists()
    monkeypatch.setattr("geo_minzheng.services.district.name_district", lambda *_: 1 / 0)
    assert Desk(tmp_path / "three").run("district", "create", "--empty").code == 99
    assert list((tmp_path / "three").iterdir()) == []


def test_a_demo_never_eats_keys_that_stand_without_a_store(tmp_path):
    home = tmp_path / "home"
    Desk(home).do("district", "create", "--empty")
    for part in home.glob("district.gpkg*"):
        part.unlink()
    before = (home / "keys" / "ring.json").read_bytes()
    said = call(["demo", "--home", str(home), "--out", str(tmp_path / "out"), "--json"])
    assert said.code == 1 and said.json["error"] == "demo.keys_here"
    assert (home / "keys" / "ring.json").read_bytes() == before


def test_an_extract_becomes_a_district_with_roads_and_people(tmp_path):
    desk = Desk(tmp_path / "home")
    told = desk.do("district", "create", "--osm", HELSINKI, "--name", "Helsinki")
    assert told["is_synthetic"] and told["metres"]
    for layer in ("road", "village", "house", "warehouse", "site", "stock_lot"):
        assert told["layers"][layer] > 0, layer
    assert desk.do("stock", "list")
    assert set(desk.do("verify").values()) == {"ok"}
    said = call(["demo", "--home", str(tmp_path / "home"), "--out", str(tmp_path / "out"), "--json"])
    assert said.code == 1 and said.json["error"] == "demo.not_a_demo", "the demo never eats a real district"
