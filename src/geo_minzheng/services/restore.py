"""The way back: a backup becomes a new home, checked before it takes the place of the old one, which is kept aside."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geo_minzheng.errors import StoreError
from geo_minzheng.services import backup
from geo_minzheng.settings import file_url
from geo_minzheng.store import archive, files, migrate, occupancy, snapshot
from geo_minzheng.store import session as sessions
from geo_minzheng.store import verify as store_verify

if TYPE_CHECKING:
    from datetime import datetime

    from geo_minzheng.model.backup import Manifest
    from geo_minzheng.settings import Settings

_LOGS = "logs"
_CHECKING = ".check-"


@dataclass(frozen=True)
class Restored:
    """A home that was restored.

    Parameters
    ----------
    file
        The archive it came from.
    aside
        Where the old home is now; ``None`` where there was none.
    """

    file: Path
    home: Path
    aside: Path | None
    manifest: Manifest


def check_backup(place: Path, identity: Path, home: Path) -> tuple[Path, Manifest]:
    """Rehearse: open an archive with the key of the safe, restore it into a passing folder, check everything.

    Parameters
    ----------
    home
        Beside whose store the passing folder is: what is unsealed stays on a disk that holds it anyway.

    Raises
    ------
    NotFoundError, InputError, StoreError
        ``backup.*``.
    """
    file, secret = backup.choose(place), archive.read_identity(identity)
    for left in home.glob(f"{_CHECKING}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_CHECKING, dir=home if home.is_dir() else None) as passing:
        manifest = archive.unseal(file, secret, Path(passing))
        backup.prove_store(file, manifest, Path(passing) / manifest.store, backup.keys_in(Path(passing)))
    return file, manifest


def restore(place: Path, identity: Path, settings: Settings, moment: datetime) -> Restored:
    """Restore a backup into a new place, check it, and swap it in; the old home is moved aside, never deleted.

    A PostgreSQL dump goes into the database of the settings, which must be empty.

    Raises
    ------
    NotFoundError
        ``backup.none``.
    RefusedError
        ``backup.home_in_use``, ``backup.not_empty``.
    InputError
        ``backup.no_identity``, ``backup.wrong_identity``, ``backup.other_kind``.
    StoreError
        ``backup.damaged``, ``backup.differs``, ``store.newer``, ``store.full``; the home is what it was.
    """
    home = settings.home
    file, secret = backup.choose(place), archive.read_identity(identity)
    try:
        with occupancy.alone(home):
            home.parent.mkdir(parents=True, exist_ok=True)
            for left in home.parent.glob(f".{home.name}.restoring-*"):
                shutil.rmtree(left, ignore_errors=True)
            new = Path(tempfile.mkdtemp(prefix=f".{home.name}.restoring-", dir=home.parent))
            try:
                manifest = archive.unseal(file, secret, new)
                _furnish(file, manifest, new, settings)
                aside = _swap(new, home, moment)
            finally:
                shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise files.refusal(error, home) from error
    return Restored(file, home, aside, manifest)


def _furnish(file: Path, manifest: Manifest, new: Path, settings: Settings) -> None:
    """Turn the unpacked archive into a home: prove the store, put it in its place, bring it to this version."""
    store = new / manifest.store
    is_dump = store.name == snapshot.DUMP
    if is_dump != bool(settings.database_url):
        raise StoreError("backup.other_kind_dump" if is_dump else "backup.other_kind_file", file=file.name)
    keys = backup.keys_in(new)
    backup.prove_store(file, manifest, store, keys)
    if is_dump:
        snapshot.check_empty(settings.database_url)
        snapshot.put_back(store, settings.database_url)
        backup.prove_url(file, manifest, settings.database_url, keys)
        url = settings.database_url
        store.unlink()
    else:
        store.replace(new / store.name)
        url = file_url(new / store.name)
    store.parent.rmdir()
    if manifest.census.revision != migrate.HEAD:
        _verify(file, url, keys)
    # What was logged since the backup is evidence and stays with the home.
    if (settings.home / _LOGS).is_dir():
        shutil.copytree(settings.home / _LOGS, new / _LOGS)


def _verify(file: Path, url: str, keys: Path) -> None:
    engine = sessions.open_store(url, keys=keys)
    try:
        with sessions.read_session(engine) as session:
            found = store_verify.verify(session)
    finally:
        engine.dispose()
    wrong = next((name for name, verdict in found.items() if not verdict.is_ok), None)
    if wrong is not None:
        raise StoreError("backup.differs", file=file.name, what=wrong)


def _swap(new: Path, home: Path, moment: datetime) -> Path | None:
    new.chmod(home.stat().st_mode & 0o777 if home.is_dir() else 0o700)
    aside = None
    if home.is_dir():
        aside = _free(home.with_name(f"{home.name}.before-restore-{moment:%Y%m%d-%H%M%S}"))
        home.rename(aside)
    try:
        new.rename(home)
    except OSError:
        if aside is not None:
            aside.rename(home)
        raise
    files.sync_folder(home.parent)
    return aside


def _free(path: Path) -> Path:
    number, found = 2, path
    while found.exists():
        found, number = path.with_name(f"{path.name}-{number}"), number + 1
    return found
