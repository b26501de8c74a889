"""R1, the short form: what was acknowledged survives kill -9, and a writer with a planted bug is caught."""

from __future__ import annotations

from store_kill import forgetful_life, honest_life, kill_many, torn_life


def test_what_was_acknowledged_survives(file_url):
    told, lost, wrong = kill_many(honest_life, file_url, kills=20)
    assert told >= 100
    assert lost == []
    assert wrong == {}


def test_a_writer_that_tells_too_early_is_caught(file_url):
    _, lost, _ = kill_many(forgetful_life, file_url, kills=10)
    assert lost


def test_a_writer_with_torn_transactions_is_caught(file_url):
    _, _, wrong = kill_many(torn_life, file_url, kills=3)
    assert wrong["ledger"] in {"store.verify.ledger_sum", "store.verify.ledger_prefix"}
