"""R4, the short form: the ledger walks beside a model, and a planted bug is seen."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from store_machine import TWINS, machine

QUIET = settings(
    deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True, stateful_step_count=20
)


def test_the_ledger_walks_beside_its_model(template):
    run_state_machine_as_test(machine(template), settings=settings(QUIET, max_examples=20))


@pytest.mark.parametrize("parts", TWINS)
def test_a_planted_bug_is_seen(template, parts):
    quick = settings(QUIET, max_examples=200, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine(template, **parts), settings=quick)
