"""A small home with stock, photos, papers and keys, and what an operator does with it, without the command line."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import uuid
from datetime import datetime
from pathlib import Path

from PIL import Image
from store_play import receipt

from geo_minzheng.model.act import Act
from geo_minzheng.model.ledger import LotLine
from geo_minzheng.services import backup, restore
from geo_minzheng.settings import Settings, file_url
from geo_minzheng.store import files, ledger, records, session
from geo_minzheng.store.tables import Photo

NOON = datetime.fromisoformat("2026-07-03T12:00:00+08:00")


def act(moment: datetime = NOON) -> Act:
    return Act("运维员", moment, role="admin")


def picture(number: int) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((160, 120), 40 + number).save(out, "JPEG")
    return out.getvalue()


def furnish(home: Path, *, photos: int = 6, vouchers: int = 20) -> Path:
    """Make a home from nothing."""
    engine = session.create_store(file_url(home / "district.gpkg"))
    with session.store_session(engine) as work:
        ledger.receive(work, act(), "入-0", [receipt("W1", "L1", 500), receipt("W1", "L2", 300)])
        for number in range(vouchers):
            ledger.issue(work, act(), f"出-{number}", [LotLine("W1", "L1", 1.5)])
        for number in range(photos):
            keep_photo(work, home, picture(number))
        work.commit()
    engine.dispose()
    (home / "papers").mkdir()
    (home / "papers" / "0a.pdf").write_bytes(b"%PDF-1.7 signed")
    (home / "keys").mkdir()
    (home / "keys" / "ring.json").write_text(json.dumps({"current": 1, "keys": {"1": "made up"}}), encoding="utf-8")
    return home


def keep_photo(work: object, home: Path, content: bytes) -> str:
    name = str(uuid.uuid4())
    files.keep_file(work, content, home / "photos" / f"{name}.jpg")
    seal = hashlib.sha256(content).hexdigest()
    row = Photo(uuid=name, version_uuid=None, sha256=seal, bytes=len(content), width_px=160, height_px=120,
                lon=None, lat=None, taken_at=None)  # fmt: skip
    records.add(work, act(), "report.photo", row)
    return name


def copy(template: Path, home: Path) -> Path:
    return Path(shutil.copytree(template, home))


def prepared(home: Path, out: Path) -> Path:
    """Set backups up; give the file that the safe would hold."""
    told = backup.prepare(home, out)
    safe = home.parent / "safe.txt"
    safe.write_text(f"# {told['recipient']}\n{told['secret']}\n", encoding="utf-8")
    return safe


def back_up(home: Path, out: Path | None = None, moment: datetime = NOON) -> backup.Made:
    engine = session.make_engine(file_url(home / "district.gpkg"))
    try:
        with session.read_session(engine) as reading:
            return backup.make_backup(reading, act(moment), Settings(home), out=out, code="420799")
    finally:
        engine.dispose()


def put_back(place: Path, safe: Path, home: Path, url: str = "") -> restore.Restored:
    return restore.restore(place, safe, Settings(home, url), NOON)


def contents(folder: Path) -> dict[str, str]:
    """Every file of a folder with its digest, but for what a reader of the store leaves beside it."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }
