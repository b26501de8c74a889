"""R7: a real file system that is full during report, photo, import and backup; each in one process, never restarted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from full_disk import ROOM  # noqa: E402

ACTS = ("report", "photo", "import", "backup")


def run(template: Path, place: Path, *plant: str) -> dict:
    """Work in a mount namespace of its own, so that nothing is left mounted whatever happens."""
    place.mkdir()
    own = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_") or k.endswith("_SOAK")}
    done = subprocess.run(
        [*own, sys.executable, TESTS / "full_disk.py", template, place, *plant],
        capture_output=True, text=True, env=environ, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def told(demo_out, tmp_path_factory):
    return run(demo_out / "home", tmp_path_factory.mktemp("r7") / "disk")


def test_every_act_met_a_full_disk_and_one_with_room(told):
    for act in ACTS:
        assert told["refused"].get(act, 0) + told["done"].get(act, 0) == len(ROOM), "void: not every room was tried"
        assert told["refused"].get(act, 0) >= 2, f"void: {act} hardly met a full disk"


def test_the_message_names_the_disk(told):
    assert told["unclear"] == []
    assert set(told["keys"]) == {"store.full"}


def test_what_was_acknowledged_is_there(told):
    assert told["lost"] == []


def test_it_works_again_without_a_restart(told):
    assert told["stuck"] == []
    assert set(told["verify"].values()) == {"ok"}


def test_no_half_file_is_left(told):
    assert told["half"] == []


def test_a_writer_of_half_files_is_caught(demo_out, tmp_path):
    assert run(demo_out / "home", tmp_path / "disk", "photo")["half"]
