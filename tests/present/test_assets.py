from __future__ import annotations

import re

import pytest
from fontTools.ttLib import TTFont

from geo_minzheng.present import assets
from geo_minzheng.settings import assets_dir

MANIFEST = assets.read_manifest()


def test_manifest_lists_every_file_and_no_other() -> None:
    there = {p.relative_to(assets_dir()).as_posix() for p in assets_dir().rglob("*") if p.is_file()}
    assert {row["path"] for row in MANIFEST} == there - {"manifest.toml"}


@pytest.mark.parametrize("row", MANIFEST, ids=lambda row: row["path"])
def test_file_is_what_the_manifest_says(row: dict[str, str]) -> None:
    assert assets.digest(assets.asset(row["path"])) == row["sha256"]
    assert row["licence"] in {"BSD-2-Clause", "MIT", "OFL-1.1"}
    assert row["source"]
    if row["source"] != "our own" and not row["path"].endswith(".txt"):
        words = assets.asset(row["licence_file"]).read_text(encoding="utf-8")
        assert {"OFL-1.1": "SIL OPEN FONT LICENSE", "MIT": "Permission is hereby granted"}.get(
            row["licence"], "Redistribution and use in source and binary forms"
        ).casefold() in words.casefold()


@pytest.mark.parametrize("path", [*assets.STYLES, "door/door.css", "door/door-lock.css"])
def test_styles_point_at_vendored_files_only(path: str) -> None:
    for target in re.findall(r"url\(\s*['\"]?([^'\")]+)", assets.asset(path).read_text(encoding="utf-8")):
        assert target.startswith("#") or (assets.asset(path).parent / target).is_file(), target


@pytest.mark.parametrize("path", ["door/door.css", "door/door-lock.css"])
def test_the_door_brings_its_own_letters(path: str) -> None:
    faces = re.findall(r"@font-face \{([^}]+)\}", assets.asset(path).read_text(encoding="utf-8"))
    assert [re.search(r"font-weight: (\d+)", face)[1] for face in faces] == ["400", "700"]  # type: ignore[index]
    assert all("NotoSansSC-" in face and "woff2" in face for face in faces)


def test_inline_style_carries_every_image() -> None:
    targets = re.findall(r"url\(\s*['\"]?([^'\")]+)", assets.inline_style())
    assert targets
    assert all(t.startswith(("data:", "#")) for t in targets)


def test_bundle_carries_scripts_and_styles_and_points_at_vendored_files() -> None:
    bundle = assets.bundle("/assets")
    assert assets.inline_script() in bundle
    targets = re.findall(r"url\((/[^)]+)\)", bundle)
    assert targets
    assert all((assets_dir() / target.removeprefix("/assets/")).is_file() for target in targets)
    name, address = assets.bundle_link("/assets/")
    assert address.startswith(f"/assets/{assets.BUNDLE}?v=")
    assert name


def test_scripts_cannot_end_their_element() -> None:
    assert "</script" not in assets.inline_script().lower()
    assert "sourceMappingURL" not in assets.inline_script()


def test_every_letter_of_gb2312_is_in_every_face() -> None:
    letters = {bytes([hi, lo]).decode("gb2312") for hi in range(0xB0, 0xD7) for lo in range(0xA1, 0xFF)}
    for row in MANIFEST:
        if row["path"].endswith((".ttf",)):
            assert {ord(c) for c in letters} <= set(TTFont(assets.asset(row["path"])).getBestCmap()), row["path"]


def test_rare_letters_of_names_are_in_the_last_face() -> None:
    assert {ord(c) for c in "峣㳇垚燚龑喆堃"} <= set(TTFont(assets.asset(assets.SANS)).getBestCmap())


def test_font_subset_has_the_letters_asked_for() -> None:
    small = assets.font_subset(assets.asset(assets.SANS), "村水\U0001f600")
    assert small[:4] == b"\x00\x01\x00\x00"
    assert len(small) < 60_000
