"""R4, the short form: the ledger walks beside a model, and a planted bug is seen."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from store_machine import TWINS, machine

SHORT = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
    stateful_step_count=20,
    max_examples=15,
)


def test_the_ledger_walks_beside_its_model(template):
    run_state_machine_as_test(machine(template), settings=SHORT)


def _walk(walker):
    """The shortest walk that meets both planted bugs."""
    walker.open_stock()
    walker.the_store_holds_what_the_model_holds()
    for _ in range(2):
        walker.reserve("W1", "L1", 15_000)
        walker.the_store_holds_what_the_model_holds()
    walker.reverse(walker.take_stock("W1", "L2", 1_000))
    walker.the_store_holds_what_the_model_holds()


@pytest.mark.parametrize("parts", TWINS)
def test_a_planted_bug_is_seen_by_a_short_walk(template, parts):
    honest = machine(template)()
    _walk(honest)
    honest.teardown()
    twin = machine(template, **parts)()
    with pytest.raises(AssertionError):
        _walk(twin)
    twin.teardown()
