"""R10: a restore drill by the operator guide's own commands gives back counts, ledger, chain and photos."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from backup_home import contents, keep_photo, picture

from geo_minzheng.settings import file_url
from geo_minzheng.store import session

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "## 五、备份与恢复"
HOME = Path("districts/420799")
HOUSEHOLDS = 100_000 if os.environ.get("GEO_MINZHENG_SOAK") else 5_000


def drills() -> list[str]:
    """The shell blocks of the guide's chapter, in their order."""
    guide = (ROOT / "docs" / "guide" / "operator.md").read_text(encoding="utf-8")
    chapter = guide.partition(CHAPTER)[2].partition("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", chapter, flags=re.M | re.S)


@pytest.fixture(scope="module")
def place(demo_out, tmp_path_factory):
    """The folder an operator stands in: the demo district under the guide's name, with enough households and photos."""
    folder = tmp_path_factory.mktemp("r10")
    home = folder / HOME
    shutil.copytree(demo_out / "home", home)
    with closing(sqlite3.connect(home / "district.gpkg")) as link:
        columns = [row[1] for row in link.execute("PRAGMA table_info(household)") if row[1] != "fid"]
        others = ", ".join(c for c in columns if c != "household_id")
        (there,) = link.execute("SELECT count(*) FROM household").fetchone()
        for turn in range(1, HOUSEHOLDS // there + 1):
            link.execute(
                f"INSERT INTO household (household_id, {others}) SELECT household_id || '-{turn}', {others} "
                f"FROM household WHERE fid <= (SELECT max(fid) FROM household) LIMIT {there}"
            )
        link.commit()
        (there,) = link.execute("SELECT count(*) FROM household").fetchone()
    assert there >= HOUSEHOLDS
    engine = session.make_engine(file_url(home / "district.gpkg"))
    with session.store_session(engine) as work:
        for number in range(12):
            keep_photo(work, home, picture(number))
        work.commit()
    engine.dispose()
    (home / "keys").mkdir(exist_ok=True)
    (home / "keys" / f"{uuid.uuid4()}.json").write_text("{}", encoding="utf-8")
    return folder


def run(folder: Path, block: str) -> str:
    """Run a block as it stands, in a shell whose ``geo-minzheng`` is this product."""
    tools = folder / "bin"
    if not tools.exists():
        tools.mkdir()
        (tools / "geo-minzheng").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m geo_minzheng.cli "$@"\n')
        (tools / "geo-minzheng").chmod(0o755)
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
    environ["PATH"] = f"{tools}:{environ['PATH']}"
    done = subprocess.run(["sh", "-ec", block], cwd=folder, env=environ, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def told_by(home: Path) -> dict[str, object]:
    """What must be equal, read without the product."""
    with closing(sqlite3.connect(f"file:{home / 'district.gpkg'}?mode=ro", uri=True)) as link:
        tables = [
            n
            for (n,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if not n.startswith(("rtree_", "sqlite_"))
        ]
        counts = {n: link.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for n in tables}
        ledger = link.execute(
            "SELECT l.item, sum(m.quantity_milli) FROM movement m JOIN stock_lot l ON l.fid = m.lot_fid "
            "GROUP BY l.item ORDER BY l.item"
        ).fetchall()
        head = link.execute("SELECT count, hash FROM audit_head").fetchone()
        last = link.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    assert head == last and ledger and counts["household"]
    files = {name: contents(home / name) for name in ("photos", "papers", "keys")}
    return {"counts": counts, "ledger": ledger, "head": head, **files}


def differences(before: Path, after: Path) -> list[str]:
    one, other = told_by(before), told_by(after)
    return [name for name in one if one[name] != other[name]]


def test_the_guides_own_commands_bring_everything_back(place):
    blocks = drills()
    assert len(blocks) == 4, "set up, every day, rehearse, restore"
    setting_up, every_day, rehearse, restore = blocks
    for word in ("backup init", "backup ", "backup list", "backup check", "restore ", "verify ", "health"):
        assert f"geo-minzheng {word}" in "".join(blocks), word
    run(place, setting_up)
    run(place, every_day)
    started = time.monotonic()
    said = run(place, rehearse)
    took_s = time.monotonic() - started
    sys.stdout.write(f"\nrestore drill with {HOUSEHOLDS} households: {took_s:.1f} s (at most 600 s)\n")
    assert "有问题" not in said
    assert told_by(place / HOME)["counts"]["household"] >= HOUSEHOLDS
    assert len(contents(place / HOME / "photos")) == 12
    assert differences(place / HOME, place / "districts" / "演练") == []

    before = told_by(place / HOME)
    with (place / HOME / "district.gpkg").open("r+b") as live:
        live.seek(4096)
        live.write(b"ruined" * 1000)
    shutil.rmtree(place / HOME / "photos")
    run(place, restore)
    assert told_by(place / HOME) == before
    (aside,) = (place / "districts").glob("420799.before-restore-*")
    assert not (aside / "photos").exists(), "the ruined one is kept as it was"


@pytest.mark.parametrize("loss", ["row", "photo", "key", "movement", "head"])
def test_a_restore_that_loses_something_is_caught(place, tmp_path, loss):
    home = Path(shutil.copytree(place / HOME, tmp_path / "home"))
    assert differences(place / HOME, home) == []
    if loss in ("photo", "key"):
        min((home / f"{loss}s").iterdir()).unlink()
    else:
        with closing(sqlite3.connect(home / "district.gpkg")) as link:
            for (name,) in link.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                link.execute(f'DROP TRIGGER "{name}"')
            victim = {
                "row": "DELETE FROM household WHERE fid = (SELECT max(fid) FROM household)",
                "movement": "UPDATE movement SET quantity_milli = quantity_milli + 1 WHERE fid = 1",
                "head": "UPDATE audit SET hash = 'x' WHERE seq = (SELECT max(seq) FROM audit)",
            }[loss]
            link.execute(victim)
            if loss == "head":
                link.execute("UPDATE audit_head SET hash = 'x'")
            link.commit()
    assert differences(place / HOME, home)
