"""R1: kill -9 of the writer at random moments, at least a thousand acknowledged writes or the run is void."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from store_kill import forgetful_life, honest_life, kill_many, torn_life
from store_play import fresh_file

KILLS = 1_000 if os.environ.get("GEO_MINZHENG_SOAK") else 100


def test_what_was_acknowledged_survives(tmp_path):
    url = fresh_file(tmp_path / "template.gpkg", tmp_path / "district.gpkg")
    told, lost, wrong = kill_many(honest_life, url, kills=KILLS)
    assert told >= 1_000, "void: too few acknowledged writes"
    assert lost == []
    assert wrong == {}


def test_a_writer_that_tells_too_early_is_caught(tmp_path):
    _, lost, _ = kill_many(forgetful_life, fresh_file(tmp_path / "t.gpkg", tmp_path / "d.gpkg"), kills=30)
    assert lost


def test_a_writer_with_torn_transactions_is_caught(tmp_path):
    _, _, wrong = kill_many(torn_life, fresh_file(tmp_path / "t.gpkg", tmp_path / "d.gpkg"), kills=10)
    assert "ledger" in wrong
