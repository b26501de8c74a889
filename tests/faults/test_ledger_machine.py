"""R4: the ledger beside its model, long walks; the planted bugs must be seen within the same count."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from store_machine import TWINS, machine

WALKS = 5_000 if os.environ.get("GEO_MINZHENG_SOAK") else 200
LONG = settings(
    deadline=None, suppress_health_check=list(HealthCheck), database=None, max_examples=WALKS, stateful_step_count=50
)


def test_the_ledger_walks_beside_its_model(tmp_path):
    walks = []

    class Counted(machine(tmp_path / "template.gpkg")):
        def teardown(self):
            walks.append(self.number)
            super().teardown()

    run_state_machine_as_test(Counted, settings=LONG)
    assert len(walks) >= WALKS
    assert sum(walks) >= WALKS * 5


@pytest.mark.parametrize("parts", TWINS)
def test_a_planted_bug_is_seen(tmp_path, parts):
    quick = settings(LONG, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine(tmp_path / "template.gpkg", **parts), settings=quick)
