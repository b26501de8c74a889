"""R11, the hostile stranger: good files of every format, hurt at random; 2 000 of them in the long form."""

import collections
import os
import random
import shutil
from dataclasses import replace

import pytest
from naughty import door, mutations, photos

from geo_minzheng.layers import photo

COUNT = 2000 if os.environ.get("GEO_MINZHENG_SOAK") == "1" else 300
CONFINED = (".xlsx", ".xls", ".zip", ".tif", ".asc", ".osm", ".pbf")


def play(office, folder, count, seed):
    """Hand in mutated files; returns what was wrong, and how many were refused and taken by name."""
    rng = random.Random(seed)
    good = list(mutations.good_files(rng))
    cheap = [c for c in good if not c.name.endswith(CONFINED)]
    wrong, ran = {}, collections.Counter()
    before = office.state()
    for number in range(count):
        case = rng.choice(good if number % 8 == 0 else cheap)
        case = replace(case, name=f"m{number}-{case.name}", kind="any", data=mutations.hurt(case.data, rng))
        path = folder / case.name
        path.write_bytes(case.data)
        with door.reading(confined=case.name.endswith(CONFINED)):
            outcome = office.hand_in(case, path)
        after = office.state()
        faults = door.judge(case, before, outcome, after)
        before = after
        ran[case.name.partition("-")[2], outcome.exit_code] += 1
        path.unlink()
        if faults:
            wrong[case.name] = faults
    return wrong, ran


@pytest.fixture(scope="module")
def office(tmp_path_factory, demo_out):
    found = door.Office(shutil.copytree(demo_out / "home", tmp_path_factory.mktemp("office") / "home"))
    found.furnish(photos.picture())
    return found


def test_good_files_are_taken(office, tmp_path):
    for case in mutations.good_files(random.Random(1)):
        path = tmp_path / case.name
        path.write_bytes(case.data)
        with door.reading(confined=case.name.endswith(CONFINED)):
            outcome = office.hand_in(case, path)
        assert not outcome.crash, (case.name, outcome.crash)
        if case.route != "district":
            assert outcome.exit_code == 0, (case.name, outcome.spoken)


def test_no_mutation_crashes_hangs_or_is_stored_by_half(office, tmp_path):
    wrong, ran = play(office, tmp_path, COUNT, seed=11)
    assert sum(ran.values()) == COUNT
    assert sum(n for (_, code), n in ran.items() if code == 1) >= COUNT // 3
    assert not wrong, "\n".join(f"{name}: {faults}" for name, faults in wrong.items())


def test_a_decoder_that_lets_errors_through_is_found(office, tmp_path, monkeypatch):
    real = photo.ImageOps.exif_transpose

    def fragile(image):
        if image.size != (64, 48) or image.getexif():
            raise KeyError("planted")
        return real(image)

    monkeypatch.setattr(photo.ImageOps, "exif_transpose", fragile)
    monkeypatch.setattr(photo, "Exception", ZeroDivisionError, raising=False)
    wrong, _ = play(office, tmp_path, 120, seed=3)
    assert any("crash" in fault for faults in wrong.values() for fault in faults)
