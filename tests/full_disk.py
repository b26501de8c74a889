"""Work on a disk that is full, in this process and its own file system, and tell what came of it as JSON.

    unshare --mount python full_disk.py TEMPLATE MOUNT [photo]

TEMPLATE is a home with a district and an incident; MOUNT an empty folder that becomes a file system of a fixed size.
``photo`` plants a bug in how files are written, and tries photos only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from geo_minzheng.bootstrap import open_bureau, sentences
from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.services import backup, checks, imports, places, reports
from geo_minzheng.settings import data_dir, read_settings
from geo_minzheng.store import files, records
from geo_minzheng.store.tables import Photo

INCIDENT = "20260703-01"
# How much room is left [KiB]: from nothing to nearly enough, where half-done work would show.
SOAK = bool(os.environ.get("GEO_MINZHENG_SOAK"))
ROOM = (0, 4, 16, 48, 100, 200, 400, 1_000, 3_000, 9_000, 30_000) if SOAK else (0, 16, 100, 400, 1_000, 9_000)


class Desk:
    """One process at work on one disk, never restarted."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.home = place / "home"
        self.office = open_bureau(read_settings({}, home=self.home, now="2026-07-03T22:00:00+08:00"), who="值班员甲")
        with self.office.reading() as session:
            self.village = reports.list_versions(session, INCIDENT)[0].village

    def report(self, photos: tuple[bytes, ...] = ()) -> Callable[[], bool]:
        """Report; give what tells whether that report is there."""
        name = str(uuid.uuid4())
        told = reports.Submission(self.village, {"deaths": 0}, name, note="长" * 3000, photos=photos)
        with self.office.transaction(incident=INCIDENT) as (session, act):
            reports.submit_report(session, act, self.office.policy(), INCIDENT, told, photo_dir=self.home / "photos")

        def is_there() -> bool:
            with self.office.reading() as session:
                found = {v.uuid: v for v in reports.list_versions(session, INCIDENT, village=self.village)}
                return name in found and len(found[name].photos) == len(photos)

        return is_there

    def photo(self) -> Callable[[], bool]:
        out = io.BytesIO()
        Image.effect_noise((700, 500), 90).save(out, "JPEG", quality=90)
        return self.report((out.getvalue(),))

    def load(self) -> Callable[[], bool]:
        """Import a layer whose every row is changed."""
        mark = uuid.uuid4().hex[:8]
        source = (data_dir("demo") / "public_facility.csv").read_text(encoding="gbk")
        head, *rows = source.splitlines()
        file = self.place.parent / "facility.csv"
        changed = []
        for row in rows:
            cells = row.split(",")
            cells[1] += mark
            changed.append(",".join(cells))
        file.write_text("\n".join([head, *changed]), encoding="gbk")
        request = imports.Request(
            "public_facility", (file,), ReadOptions(crs="gcj02", encoding="gbk", coord_source="synthetic")
        )
        with self.office.transaction() as (session, act):
            ((found, told),) = imports.import_files(session, act, self.office.catalogue, self.office.policy(), request)
            if found.is_refused or not told["stored"]:
                raise AssertionError(f"the import itself is wrong: {found.faults[:2]} {told}")

        def is_there() -> bool:
            with self.office.reading() as session:
                names = list(places.table(session, "public_facility")["name"])
                return all(str(n).endswith(mark) for n in names if n) and len(names) == len(rows)

        return is_there

    def back_up(self) -> Callable[[], bool]:
        with self.office.reading() as session:
            made = backup.make_backup(
                session, self.office.act(), self.office.settings, out=self.place / "backups", code="420703"
            )
        return lambda: {b.file: b.state for b in backup.list_backups(made.file.parent)}.get(made.file) == "good"

    def half_files(self) -> list[str]:
        """What lies about that is neither whole nor known."""
        with self.office.reading() as session:
            known = {row.uuid: row.sha256 for row in records.find(session, Photo)}
        wrong = [p.name for p in self.home.rglob("*") if p.name.endswith((".part", "-journal"))]
        wrong += [p.name for p in self.home.glob(".backup-*")]
        for file in (self.home / "photos").glob("*"):
            if hashlib.sha256(file.read_bytes()).hexdigest() != known.get(file.stem):
                wrong.append(file.name)
        wrong += [n for n in known if not (self.home / "photos" / f"{n}.jpg").exists()]
        folder = self.place / "backups"
        wrong += [b.file.name for b in backup.list_backups(folder) if b.state != "good"]
        cards = {f"{b.file.name}.json" for b in backup.list_backups(folder)}
        wrong += [p.name for p in folder.iterdir() if not p.name.endswith(".age") and p.name not in cards]
        return wrong


def fill(place: Path, room_kib: int) -> None:
    """Fill the file system until so much room is left [KiB]."""
    with (place / "ballast").open("wb") as stream:
        free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
        os.posix_fallocate(stream.fileno(), 0, max(1, free - room_kib * 1024))


def work(desk: Desk, only: str = "") -> dict[str, Any]:
    acts = {"report": desk.report, "photo": desk.photo, "import": desk.load, "backup": desk.back_up}
    acts = {name: act for name, act in acts.items() if only in ("", name)}
    told: dict[str, Any] = {"refused": {}, "done": {}, "keys": [], "unclear": [], "lost": [], "half": [], "stuck": []}
    for name, act in acts.items():
        for room in ROOM:
            fill(desk.place, room)
            try:
                there = act()
                told["done"][name] = told["done"].get(name, 0) + 1
            except GeoMinzhengError as error:
                there = None
                told["refused"][name] = told["refused"].get(name, 0) + 1
                told["keys"].append(error.key)
                said = sentences(error)
                if "磁盘" not in said[0] or "{" in "".join(said):
                    told["unclear"].append(said[0])
            except Exception as error:
                there = None
                told["unclear"].append(f"{name} {room}: {type(error).__name__} {error}")
            (desk.place / "ballast").unlink()
            if there is not None and not there():
                told["lost"].append(f"{name} at {room}")
            told["half"] += [f"{name} at {room}: {n}" for n in desk.half_files()]
            try:
                if not act()():
                    told["lost"].append(f"{name} after {room}")
            except Exception as error:
                told["stuck"].append(f"{name} after {room}: {type(error).__name__} {error}")
            for made in backup.list_backups(desk.place / "backups")[:-1]:
                made.file.unlink()
                made.file.with_name(f"{made.file.name}.json").unlink()
    with desk.office.reading() as session:
        told["verify"] = checks.verify(session, desk.office.text)
    return told


def main() -> None:
    template, place, *plant = sys.argv[1:]
    size = sum(f.stat().st_size for f in Path(template).rglob("*") if f.is_file())
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={5 * size + (24 << 20)}", "none", place], check=True)
    shutil.copytree(template, Path(place) / "home")
    if plant:
        # The bug: a file is written straight under its name and left when the disk is full.
        def straight(session: Any, content: bytes, target: Path) -> None:
            target.parent.mkdir(exist_ok=True)
            try:
                target.write_bytes(content)
            except OSError as error:
                raise files.refusal(error, target) from error

        files.keep_file = straight
    Path(place, "backups").mkdir()
    backup.prepare(Path(place) / "home", Path(place) / "backups")
    sys.stdout.write(json.dumps(work(Desk(Path(place)), *plant), ensure_ascii=False))


if __name__ == "__main__":
    main()
