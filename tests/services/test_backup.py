"""Backup and restore: what comes back is what was there; what is broken, foreign or in use is refused."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backup_home import NOON, act, back_up, contents, copy, furnish, keep_photo, picture, prepared, put_back
from migration_kill import bring
from store_play import receipt

from geo_minzheng.errors import InputError, NotFoundError, RefusedError, StoreError
from geo_minzheng.model.backup import Kept, Manifest
from geo_minzheng.policy import load_policy
from geo_minzheng.services import backup, restore
from geo_minzheng.settings import data_dir, file_url
from geo_minzheng.store import archive, ledger, migrate, occupancy, session
from geo_minzheng.store.census import take_census


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return furnish(tmp_path_factory.mktemp("template") / "home")


@pytest.fixture
def home(template, tmp_path):
    return copy(template, tmp_path / "home")


@pytest.fixture
def safe(home, tmp_path):
    return prepared(home, tmp_path / "backups")


def write(home, number):
    engine = session.make_engine(file_url(home / "district.gpkg"))
    with session.store_session(engine) as work:
        ledger.receive(work, act(), f"入-{number}", [receipt("W1", "L1", 1)])
        keep_photo(work, home, picture(number))
        work.commit()
    engine.dispose()


def count(home):
    engine = session.make_engine(file_url(home / "district.gpkg"))
    with session.read_session(engine) as reading:
        found = take_census(reading)
    engine.dispose()
    return found


def test_what_comes_back_is_what_was_there(home, safe, tmp_path):
    before, made = count(home), back_up(home)
    assert made.manifest.census == before and before.stock["tent_12"] == 770_000
    done = put_back(made.file, safe, tmp_path / "other")
    assert done.aside is None
    assert count(tmp_path / "other") == before
    assert contents(tmp_path / "other").keys() == contents(home).keys()
    for folder in ("photos", "papers", "keys"):
        assert contents(tmp_path / "other" / folder) == contents(home / folder)


def test_the_archive_and_what_lies_beside_it_give_nothing_away(home, safe):
    made = back_up(home)
    for file in made.file.parent.iterdir():
        for secret in (b"tent_12", "运维员".encode(), b"made up", b"JFIF", b"SQLite format", b"AGE-SECRET"):
            assert secret not in file.read_bytes(), (file.name, secret)
    secret = safe.read_text().split()[-1]
    assert not [f for f in home.rglob("*") if f.is_file() and secret.encode() in f.read_bytes()]


def test_it_is_one_moment_while_others_write(home, safe):
    stop = threading.Event()

    def busy():
        number = 1000
        while not stop.is_set():
            write(home, number)
            number += 1

    writer = threading.Thread(target=busy)
    writer.start()
    try:
        made = [back_up(home, moment=NOON + timedelta(seconds=k)) for k in range(5)]
    finally:
        stop.set()
        writer.join()
    rows = [m.manifest.census.rows["voucher"] for m in made]
    assert rows[-1] > rows[0], "nobody wrote meanwhile"
    for one in made:
        assert not one.manifest.lost
        assert one.manifest.census.rows["photo"] <= sum(n.startswith("photos/") for n in one.manifest.files)
        restore.check_backup(one.file, safe, home)


def test_the_old_home_is_kept_aside_with_its_logs_carried_over(home, safe):
    made = back_up(home)
    write(home, 2)
    (home / "logs").mkdir()
    (home / "logs" / "geo-minzheng.log").write_text("after the backup")
    before = contents(home)
    done = put_back(made.file.parent, safe, home)
    assert contents(done.aside) == before
    assert count(home) == made.manifest.census
    assert (home / "logs" / "geo-minzheng.log").read_text() == "after the backup"
    assert not list(home.parent.glob(".*restoring*"))


def test_a_home_in_use_is_not_touched(home, safe):
    made, before = back_up(home), contents(home)
    door = occupancy.move_in(home)
    with pytest.raises(RefusedError, match="home_in_use"):
        put_back(made.file, safe, home)
    occupancy.move_out(door)
    assert contents(home) == before
    put_back(made.file, safe, home)


def test_only_the_safes_key_opens_it(home, safe, tmp_path):
    made, before = back_up(home), contents(home)
    other = tmp_path / "other.txt"
    other.write_text(archive.new_identity()[0])
    with pytest.raises(InputError, match="wrong_identity"):
        put_back(made.file, other, home)
    other.write_text("nothing")
    for file in (other, tmp_path / "none.txt"):
        with pytest.raises(InputError, match="no_identity"):
            restore.check_backup(made.file, file, home)
    assert contents(home) == before


def test_a_damaged_one_is_refused_with_and_without_its_card(home, safe):
    made = back_up(home)
    whole, before = made.file.read_bytes(), contents(home)
    for card in (True, False):
        for broken in (whole[:-1], whole[: len(whole) // 2], whole[:3000] + b"?" + whole[3001:], b""):
            made.file.write_bytes(broken)
            with pytest.raises(StoreError, match="damaged"):
                put_back(made.file, safe, home)
        made.file.with_name(f"{made.file.name}.json").unlink(missing_ok=card is False)
        if card:
            made.file.write_bytes(whole)
    assert contents(home) == before


def sealed(file, told, members, to):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content, kind in [("manifest.json", json.dumps(told).encode(), tarfile.REGTYPE), *members]:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = len(content), kind, "/etc/passwd"
            tar.addfile(info, io.BytesIO(content))
    file.write_bytes(pyrage.encrypt(out.getvalue(), [pyrage.x25519.Recipient.from_str(to)]))


@pytest.mark.parametrize("attack", ["../outside", "/outside", "photos/../../outside", "link", "unlisted", "twice"])
def test_a_forged_archive_writes_nothing_outside(home, safe, tmp_path, attack):
    made = back_up(home)
    to = json.loads((home / "backup.json").read_text())["recipient"]
    folder = tmp_path / "plain"
    manifest = archive.unseal(made.file, safe.read_text().split()[-1], folder)
    store = (folder / manifest.store).read_bytes()
    members = [(manifest.store, store, tarfile.REGTYPE)]
    name, kind = {"link": ("photos/l", tarfile.SYMTYPE)}.get(attack, (attack, tarfile.REGTYPE))
    content = b"" if kind == tarfile.SYMTYPE else b"x"
    evil = archive.digest_file(tmp_path / "x") if (tmp_path / "x").write_bytes(content) else Kept(0, "e3b0c442")
    names = {manifest.store: manifest.files[manifest.store], **({} if attack == "unlisted" else {name: evil})}
    members += [(name, content, kind)] * (2 if attack == "twice" else 1)
    forged = tmp_path / "forged.tar.age"
    sealed(forged, replace(manifest, files=names).as_json(), members, to)
    before = {p for p in tmp_path.rglob("*") if not p.name.endswith(("-wal", "-shm"))}
    with pytest.raises(StoreError, match="damaged"):
        put_back(forged, safe, tmp_path / "target")
    assert {p for p in tmp_path.rglob("*") if not p.name.endswith(("-wal", "-shm"))} == before
    assert not Path("/outside").exists()


def test_a_count_that_does_not_come_back_is_refused(home, safe, tmp_path):
    made = back_up(home)
    to = json.loads((home / "backup.json").read_text())["recipient"]
    manifest = archive.unseal(made.file, safe.read_text().split()[-1], tmp_path / "plain")
    sources = {name: tmp_path / "plain" / name for name in manifest.files}
    lying = replace(manifest, census=replace(manifest.census, stock={"tent_12": 1}))
    archive.seal(lying, sources, tmp_path / "lying.tar.age", [to])
    with pytest.raises(StoreError, match="differs"):
        put_back(tmp_path / "lying.tar.age", safe, tmp_path / "target")
    assert not (tmp_path / "target").exists()


def test_an_older_store_is_checked_as_it_is_and_then_brought_to_this_version(safe, tmp_path):
    engine = session.make_engine(file_url(tmp_path / "district.gpkg"))
    with engine.begin() as connection:
        bring(connection, "0007")
    with session.read_session(engine) as reading:
        counted = take_census(reading)
    engine.dispose()
    name = "store/district.gpkg"
    kept = {name: archive.digest_file(tmp_path / "district.gpkg")}
    older = Manifest("0.0.9", NOON, name, counted, kept)
    to = next(word for word in safe.read_text().split() if word.startswith("age1"))
    archive.seal(older, {name: tmp_path / "district.gpkg"}, tmp_path / "older.tar.age", [to])
    restore.check_backup(tmp_path / "older.tar.age", safe, tmp_path)
    put_back(tmp_path / "older.tar.age", safe, tmp_path / "target")
    assert count(tmp_path / "target").revision == migrate.HEAD
    assert not list((tmp_path / "target").glob("district.*-*.gpkg")), "no copy that holds names in the clear is left"


def test_a_newer_store_is_refused(home, safe, tmp_path):
    made = back_up(home)
    to = json.loads((home / "backup.json").read_text())["recipient"]
    manifest = archive.unseal(made.file, safe.read_text().split()[-1], tmp_path / "plain")
    sources = {name: tmp_path / "plain" / name for name in manifest.files}
    newer = replace(manifest, census=replace(manifest.census, revision="9999"))
    archive.seal(newer, sources, tmp_path / "newer.tar.age", [to])
    with pytest.raises(StoreError, match="newer"):
        put_back(tmp_path / "newer.tar.age", safe, tmp_path / "target")


def test_the_backups_there_were_stay_when_one_fails(home, safe, monkeypatch):
    made, before = back_up(home), contents(home)
    kept = contents(made.file.parent)
    monkeypatch.setattr(
        backup, "prove", lambda *_: (_ for _ in ()).throw(StoreError("backup.differs", file="", what=""))
    )
    with pytest.raises(StoreError, match="differs"):
        back_up(home)
    assert contents(made.file.parent) == kept and contents(home) == before


def test_one_at_a_time_and_never_inside_the_home(home, safe, tmp_path):
    out = tmp_path / "backups"
    back_up(home)
    with occupancy.one_at_a_time(out), pytest.raises(RefusedError, match="busy"):
        back_up(home)
    with pytest.raises(RefusedError, match="inside_home"):
        back_up(home, home / "backups")
    with pytest.raises(RefusedError, match="prepared"):
        prepared(home, out)


def test_without_a_recipient_there_is_no_backup(home, tmp_path):
    with pytest.raises(NotFoundError, match="not_prepared"):
        back_up(home, tmp_path / "backups")
    with pytest.raises(InputError, match="bad_recipient"):
        backup.prepare(home, tmp_path / "backups", "age1nobody")
    _, to = archive.new_identity()
    assert backup.prepare(home, tmp_path / "backups", to)["secret"] == ""


def test_what_a_killed_backup_left_is_cleared(home, safe, tmp_path):
    made = back_up(home)
    (home / ".backup-dead").mkdir()
    (home / ".backup-dead" / "district.gpkg").write_text("half")
    (made.file.parent / ".x.tar.age.part").write_text("half")
    (made.file.parent / "gone.tar.age.json").write_text("{}")
    back_up(home)
    assert not list(home.glob(".backup-*"))
    assert len(list(made.file.parent.iterdir())) == 4


def test_lost_photos_are_named(home, safe):
    victim = min((home / "photos").iterdir())
    victim.unlink()
    assert back_up(home).manifest.lost == (victim.stem,)


def test_pruning_keeps_what_the_policy_says_and_the_last_good_one(home, safe):
    policy = load_policy(data_dir("policy"), profile="seed_reference", day=NOON.date())
    made = [back_up(home, moment=NOON + timedelta(hours=12 * k)) for k in range(4)]
    folder = made[0].file.parent
    made[3].file.write_bytes(b"damaged")
    kept, removed = backup.prune(folder, policy)
    # Of each day the last good one; the damaged one never counts, and never drives a good one out.
    assert set(kept) == {made[0].file, made[2].file}
    assert set(removed) == {made[1].file, made[3].file}
    assert {p.name for p in folder.iterdir()} == {n for k in kept for n in (k.name, f"{k.name}.json")}
    for file in kept:
        file.write_bytes(b"damaged")
    assert backup.prune(folder, policy)[1] == []
    with pytest.raises(NotFoundError, match="none"):
        backup.choose(folder)


def test_the_chain_head_stands_beside_the_backup(home, safe):
    made = back_up(home)
    assert backup.anchor_of(made.file) == (made.manifest.census.audit_count, made.manifest.census.audit_head)
    made.file.with_name(f"{made.file.name}.json").unlink()
    with pytest.raises(NotFoundError, match="no_card"):
        backup.anchor_of(made.file)


def test_this_version_is_the_last_migration():
    assert (
        max(p.stem[1:5] for p in (Path(migrate.__file__).parent / "migrations/versions").glob("r*.py")) == migrate.HEAD
    )
