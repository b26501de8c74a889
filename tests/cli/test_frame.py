"""The frame of the command line: exit codes, JSON alone on stdout, options anywhere, two languages, one home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from desk import NIGHT, Desk, call, is_chinese, strict_json

from geo_minzheng.cli import frame
from geo_minzheng.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
INCIDENT = "20260703-01"


def _process(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
    return subprocess.run(
        [sys.executable, "-m", "geo_minzheng.cli", *words],
        capture_output=True, text=True, env=environ | (env or {}), cwd=ROOT, check=False,
    )  # fmt: skip


def _verbs() -> list[tuple[str, ...]]:
    group = typer.main.get_command(app)
    found = []
    for name, verb in group.commands.items():
        if hasattr(verb, "commands"):
            found += [(name, sub) for sub in verb.commands]
        else:
            found.append((name,))
    return found


def test_every_verb_has_help_in_both_languages():
    assert len(_verbs()) > 35
    for verb in _verbs():
        said = call([*verb, "--help"])
        assert said.code == 0, (verb, said)
        assert is_chinese(said.out) and any(word.isascii() and word.isalpha() for word in said.out.split()), verb


def test_the_real_command_in_its_own_process(fresh):
    home = str(fresh)
    done = _process("--json", "incident", "list", env={"GEO_MINZHENG_HOME": home, "GEO_MINZHENG_NOW": NIGHT})
    assert done.returncode == 0 and strict_json(done.stdout)[0]["incident_id"] == INCIDENT and not done.stderr
    assert done.stdout == call(["incident", "list", "--json", "--home", home]).out
    refused = _process("relief", "plan", "--incident", "no_such_incident", "--home", home)
    assert refused.returncode == 1 and not refused.stdout
    first, second = refused.stderr.splitlines()[:2]
    assert is_chinese(first) and not is_chinese(second)
    misuse = _process("no_such_verb", "--home", home)
    assert misuse.returncode == 2 and not misuse.stdout and misuse.stderr


@pytest.mark.parametrize("words", [
    ["no_such_verb"], ["relief", "no_such_verb"], ["relief", "plan"], ["incident", "list", "--no-such"],
    ["stock", "receive", "CK01", "rice", "ten"], ["layer", "import", "warehouse"], ["district", "create"],
    ["welfare", "site", "--p", "x"], ["relief", "plan", "--incident", INCIDENT, "--deadline", "soon"],
], ids=" ".join)  # fmt: skip
def test_misuse_is_told_on_stderr_and_leaves_with_2(fresh, words):
    said = call([*words, "--home", str(fresh), "--json"])
    assert (said.code, said.out) == (2, "") and said.err, said


def test_a_home_that_is_none_is_refused_and_not_made(tmp_path):
    said = call(["incident", "list", "--home", str(tmp_path / "none")])
    assert said.code == 1 and is_chinese(said.err) and not (tmp_path / "none").exists()


def test_output_survives_a_terminal_that_speaks_no_chinese(fresh):
    done = _process("incident", "list", "--home", str(fresh), env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("at", range(5))
def test_global_options_stand_anywhere(fresh, at):
    words = ["road", "list", "--incident", INCIDENT]
    extra = ["--json", "--home", str(fresh), "--as", "甲", f"--now={NIGHT}"]
    said = call([*words[:at], *extra, *words[at:]])
    assert said.code == 0 and said.json["vehicle"] and not said.err, said


def test_words_after_two_dashes_and_values_are_left_alone():
    assert frame.hoist(["a", "--", "--json", "--home", "x"]) == ["a", "--", "--json", "--home", "x"]
    assert frame.hoist(["a", "--as", "--json"]) == ["--as", "--json", "a"]
    assert frame.hoist(["a", "--home=x", "b", "--json"]) == ["--home=x", "--json", "a", "b"]
    assert frame.hoist(["a", "--as"]) == ["--as"]


def test_who_acts_is_on_every_act_and_the_clock_is_the_one_given(desk: Desk):
    late = "2026-07-03T23:30:00+08:00"
    desk.named("记录人壬").at(late).do("road", "close", "R00001", "--incident", INCIDENT, "--reason", "测试")
    row = desk.do("audit", "list", "--limit", 1)[0]
    assert (row["who"], row["action"], row["incident"]) == ("记录人壬", "road.closed", INCIDENT)
    from datetime import datetime

    assert datetime.fromisoformat(row["at"]) == datetime.fromisoformat(late)
    assert [r["who"] for r in desk.do("audit", "list", "--who", "记录人壬")] == ["记录人壬"]
    assert desk.refused("audit", "list", "--limit", 0, code=2) == {}


@pytest.mark.parametrize("verb", [
    ["district", "show"], ["layer", "list"], ["incident", "list"], ["incident", "level", "--incident", INCIDENT],
    ["road", "list", "--incident", INCIDENT], ["road", "critical"], ["report", "list", "--incident", INCIDENT],
    ["stock", "list"], ["relief", "need", "--incident", INCIDENT], ["relief", "show", "--incident", INCIDENT],
    ["relief", "orders", "--incident", INCIDENT], ["relief", "diff", f"{INCIDENT}/P1", f"{INCIDENT}/P2"],
    ["welfare", "homes"], ["policy", "check"], ["policy", "show", "dispatch."], ["verify"],
    ["audit", "list", "--limit", "5"],
], ids=" ".join)  # fmt: skip
def test_reading_verbs_speak_json_to_machines_and_words_to_people(fresh, verb):
    desk = Desk(fresh)
    said = desk.run(*verb)
    assert said.code == 0 and not said.err, said
    assert isinstance(said.json, dict | list) and said.out.count("\n") == 1
    plain = call([*verb, "--home", str(fresh), "--now", NIGHT])
    assert plain.code == 0 and plain.out.strip() and not plain.err
    with pytest.raises(json.JSONDecodeError):
        json.loads(plain.out)
    english = call([*verb, "--home", str(fresh), "--now", NIGHT, "--lang", "en"])
    assert english.code == 0 and "（" not in english.out.split("\n")[0][:1], english


@pytest.mark.parametrize("verb", [
    ["incident", "impact"], ["incident", "level"], ["relief", "need"], ["relief", "plan"], ["relief", "show"],
    ["relief", "orders"], ["road", "list"], ["report", "list"], ["report", "form"],
    ["road", "close", "R00001", "--reason", "x"], ["road", "open", "R00001", "--reason", "x"],
    ["relief", "request", "--receiver", "x", "--line", "rice=1"],
    ["relief", "why", "--village", "420703100212", "--item", "rice"], ["report", "submit", "420703100212"],
    ["report", "confirm", "x"], ["report", "return", "x", "--reason", "x"],
    ["incident", "footprint", str(ROOT / "layers" / "demo" / "flood_2026.geojson")],
], ids=" ".join)  # fmt: skip
def test_an_incident_nobody_knows_is_refused_by_every_verb(fresh, verb):
    told = Desk(fresh).refused(*verb, "--incident", "no_such_incident")
    assert told["error"] in {"store.not_found", "report.no_version"}


def test_bad_moments_and_languages_are_refused(fresh):
    said = call(["incident", "list", "--home", str(fresh), "--now", "yesterday"])
    assert said.code in (0, 1) and "Traceback" not in said.err
    made = call(["incident", "declare", "x", "--home", str(fresh), "--now", "yesterday"])
    assert made.code == 1 and is_chinese(made.err)
    said = call(["incident", "list", "--home", str(fresh), "--lang", "no_such_language"])
    assert said.code in (1, 2) and said.err and "Traceback" not in said.err


def test_every_error_key_has_its_sentence_in_both_languages():
    import re
    import tomllib

    keys = set()
    for file in (ROOT / "src").rglob("*.py"):
        keys |= set(re.findall(r'Error\(\s*"([a-z_]+(?:\.[a-z_]+)+)"', file.read_text(encoding="utf-8")))
    assert len(keys) > 100
    for language in ("zh", "en"):
        told = tomllib.loads((ROOT / "data" / "text" / f"{language}.toml").read_text(encoding="utf-8"))["error"]
        missing = []
        for key in sorted(keys):
            table = told
            for part in key.split("."):
                table = table.get(part, {}) if isinstance(table, dict) else {}
            if not isinstance(table, str):
                missing.append(key)
        assert not missing, (language, missing)
