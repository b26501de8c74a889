"""R17: the same inputs in fresh processes, each with a hash seed of its own, give the same hashes."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from desk import fresh_home

TESTS = Path(__file__).resolve().parents[1]
PLANS = 20
# Programmes and siting take longer; with the plan they make the same twenty in the long form.
ALL_THREE = 20 if os.environ.get("GEO_MINZHENG_SOAK") else 6


@pytest.fixture(scope="module")
def homes(demo_out, tmp_path_factory):
    """The demo district whose goods are all free again, so that there is something to plan, twice: writers wait."""
    base = tmp_path_factory.mktemp("homes")
    return [Path(shutil.copytree(fresh_home(demo_out), base / name)) for name in ("one", "two")]


def hashes(home: Path, seed: int, *how: str) -> dict[str, Any]:
    """Plan in a fresh process."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
    done = subprocess.run(
        [sys.executable, str(TESTS / "same_hash.py"), str(home), *how],
        capture_output=True, text=True, check=False, env=environ | {"PYTHONHASHSEED": str(seed)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def found(homes: list[Path], seeds: list[int], *how: str) -> dict[str, set[Any]]:
    """Plan once for each seed, side by side on as many homes; give every hash that came out, by what it is of."""

    def lane(at: int) -> list[dict[str, Any]]:
        return [hashes(homes[at], seed, *how) for seed in seeds[at :: len(homes)]]

    with ThreadPoolExecutor(len(homes)) as lanes:
        told = [one for part in lanes.map(lane, range(len(homes))) for one in part]
    assert len(told) == len(seeds)
    return {name: {one[name] for one in told} for name in told[0]}


def test_twenty_hash_seeds_give_one_plan_one_programme_and_one_siting(homes):
    seeds = random.Random(17).sample(range(1, 2**32), PLANS)
    whole = found(homes, seeds[:ALL_THREE])
    (lines,) = whole.pop("lines")
    assert lines > 100, "void: there was nothing to plan"
    assert set(whole) == {f"{n}{of}" for n in ("plan", "programme", "siting") for of in ("", "_inputs")}
    told = found(homes, seeds[ALL_THREE:], "plan") if seeds[ALL_THREE:] else {}
    for name, values in whole.items():
        assert len(values | told.get(name, set())) == 1, (name, values, told.get(name))
        assert all(len(value) == 64 for value in values)


def test_rows_and_lines_in_the_order_of_a_set_are_caught(homes):
    told = found(homes, [1, 2, 3], "planted")
    for name in ("plan", "plan_inputs", "programme_inputs", "siting_inputs"):
        assert len(told[name]) > 1, name
