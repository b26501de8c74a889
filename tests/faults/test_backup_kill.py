"""R9: a backup killed at 50 moments leaves the one before; damaged at 50 places it is refused, nothing is touched."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backup_home import back_up, contents, furnish, prepared, put_back

from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.services import backup, restore
from geo_minzheng.store import archive

TIMES = 500 if os.environ.get("GEO_MINZHENG_SOAK") else 50


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("r9")
    furnish(folder / "home", photos=20, vouchers=60)
    return folder, prepared(folder / "home", folder / "backups"), back_up(folder / "home")


@dataclass
class Killed:
    """What became of the backups when their maker was killed."""

    at_work: int = 0
    finished: int = 0
    wrong: list[str] = field(default_factory=list)


def kill_many(work: Callable[[Path, Path], object], home: Path, first: Path, safe: Path, times: int) -> Killed:
    """Kill the maker again and again, spread over the time it takes, and restore what is the newest good backup."""
    found, rng = Killed(), random.Random(9)
    started = time.monotonic()
    work(home, first)
    takes_s = time.monotonic() - started
    while found.at_work < times and found.finished < 4 * times:
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                work(home, first)
                os._exit(0)
            os._exit(1)
        time.sleep(rng.uniform(0, takes_s))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            found.at_work += 1
        else:
            found.finished += 1
            assert os.WEXITSTATUS(status) == 0, "the maker died by itself"
        found.wrong += _wrong(first, safe)
    return found


def _wrong(first: Path, safe: Path) -> list[str]:
    listed = backup.list_backups(first.parent)
    wrong = [f"{b.file.name} {b.state}" for b in listed if b.state != "good"]
    try:
        for file in {first, listed[-1].file}:
            restore.check_backup(file, safe, first.parent)
    except GeoMinzhengError as error:
        wrong.append(error.key)
    for b in listed:
        if b.file != first:
            b.file.unlink()
    return wrong


def test_killed_anywhere_the_previous_good_backup_restores(place, tmp_path):
    folder, safe, made = place
    before = contents(folder / "home" / "photos")
    found = kill_many(lambda home, _: back_up(home), folder / "home", made.file, safe, TIMES)
    assert found.at_work >= TIMES, "void: too few kills met a backup at work"
    assert found.wrong == []
    back_up(folder / "home")
    assert not list((folder / "home").glob(".backup-*")), "what the killed left is cleared"
    done = put_back(made.file, safe, tmp_path / "restored")
    assert contents(done.home / "photos") == before


def test_a_maker_that_writes_over_the_backup_it_has_is_caught(place, tmp_path):
    folder, safe, made = place
    shutil.copytree(folder / "backups", tmp_path / "backups")
    first = tmp_path / "backups" / made.file.name
    manifest = archive.unseal(first, safe.read_text().split()[-1], tmp_path / "plain")

    def hasty(home: Path, over: Path) -> None:
        sources = {name: tmp_path / "plain" / name for name in manifest.files}
        to = [word for word in safe.read_text().split() if word.startswith("age1")]
        with over.open("wb"):
            time.sleep(0.02)
        archive.seal(manifest, sources, over, to)
        sealed = archive.digest_file(over)
        backup._lay_card(over, manifest, sealed)

    found = kill_many(hasty, folder / "home", first, safe, 10)
    assert found.wrong


def damage_many(whole: bytes, attempt: Callable[[bytes], bool], times: int) -> tuple[int, list[str]]:
    """Flip, cut, drop and double bytes all over; how often it was refused, and what was believed."""
    rng = random.Random(50)
    refused, believed = 0, []
    for number in range(times):
        at = number * len(whole) // times + rng.randrange(max(1, len(whole) // times))
        kind = ("flip", "cut", "drop", "double", "zero")[number % 5]
        broken = {
            "flip": whole[:at] + bytes([whole[at] ^ (1 << rng.randrange(8))]) + whole[at + 1 :],
            "cut": whole[:at],
            "drop": whole[:at] + whole[at + 1 :],
            "double": whole[: at + 1] + whole[at:],
            "zero": whole[:at] + bytes(b ^ 255 for b in whole[at : at + 16]) + whole[at + 16 :],
        }[kind]
        if attempt(broken):
            believed.append(f"{kind} at {at}")
        else:
            refused += 1
    return refused, believed


@pytest.mark.parametrize("with_card", [True, False])
def test_damaged_anywhere_it_is_refused_and_the_live_home_is_what_it_was(place, tmp_path, with_card):
    folder, safe, made = place
    before = contents(folder / "home")
    names = {p.name for p in folder.iterdir()}
    file = tmp_path / made.file.name
    if with_card:
        shutil.copy(f"{made.file}.json", f"{file}.json")

    def attempt(broken: bytes) -> bool:
        file.write_bytes(broken)
        try:
            put_back(file, safe, folder / "home")
        except GeoMinzhengError as error:
            assert error.key in {"backup.damaged", "backup.wrong_identity"}, error
            return False
        return True

    refused, believed = damage_many(made.file.read_bytes(), attempt, TIMES)
    assert (refused, believed) == (TIMES, [])
    assert contents(folder / "home") == before
    assert {p.name for p in folder.iterdir()} == names, "nothing lies about"


def test_a_restore_that_believes_what_it_reads_is_caught(place, tmp_path):
    _, safe, made = place
    archive.unseal(made.file, safe.read_text().split()[-1], tmp_path / "plain")
    plain = tmp_path / "plain.tar"
    with tarfile.open(plain, "w") as tar:
        tar.add(tmp_path / "plain", "")

    def believing(broken: bytes) -> bool:
        (tmp_path / "broken.tar").write_bytes(broken)
        try:
            with tarfile.open(tmp_path / "broken.tar") as tar:
                tar.extractall(tmp_path / "out", filter="data")
        except (tarfile.TarError, OSError, EOFError, ValueError):
            return False
        return True

    assert damage_many(plain.read_bytes(), believing, 50)[1]
