"""Backups: made while others work, sealed, proven by restoring before they count; kept as long as the policy says."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_minzheng import __version__
from geo_minzheng.engine import retention
from geo_minzheng.errors import InputError, NotFoundError, RefusedError, StoreError
from geo_minzheng.model.backup import Backup, Card, Kept, Manifest
from geo_minzheng.settings import file_url
from geo_minzheng.store import archive, census, files, migrate, occupancy, snapshot
from geo_minzheng.store import session as sessions
from geo_minzheng.store import verify as store_verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.settings import Settings

SETTINGS = "backup.json"
_ENDING = ".tar.age"
_WORKSHOP = ".backup-"
PERIODS = ("daily", "weekly", "monthly")


@dataclass(frozen=True)
class Made:
    """A backup that was made and proven.

    Parameters
    ----------
    file
        The sealed archive.
    manifest
        What is in it.
    """

    file: Path
    manifest: Manifest


def prepare(home: Path, folder: Path, recipient: str = "") -> dict[str, str]:
    """Settle whom backups are sealed to and where they go; a new key pair where no recipient is named.

    Returns
    -------
    ``recipient``, ``folder`` and, once and never again, ``secret`` (empty where the recipient was brought along).

    Raises
    ------
    RefusedError
        ``backup.prepared``: there is a recipient already; ``backup.inside_home``.
    InputError
        ``backup.bad_recipient``.
    """
    if _settings(home):
        raise RefusedError("backup.prepared", file=str(home / SETTINGS))
    _check_folder(home, folder)
    secret = ""
    if recipient:
        recipient = archive.check_recipient(recipient)
    else:
        secret, recipient = archive.new_identity()
    _settle(home, recipient, folder)
    return {"recipient": recipient, "folder": str(folder), "secret": secret}


def _settings(home: Path) -> dict[str, str]:
    try:
        told = json.loads((home / SETTINGS).read_text(encoding="utf-8"))
        return {"recipient": str(told["recipient"]), "folder": str(told["folder"])}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError("backup.bad_settings", file=str(home / SETTINGS)) from error


def _settle(home: Path, recipient: str, folder: Path) -> None:
    told = json.dumps({"recipient": recipient, "folder": str(folder)}, ensure_ascii=False, indent=1)
    files.write_whole(told.encode(), home / SETTINGS)


def _check_folder(home: Path, folder: Path) -> None:
    if folder.resolve().is_relative_to(home.resolve()):
        raise RefusedError("backup.inside_home", folder=str(folder), home=str(home))


def folder_of(home: Path, named: Path | None) -> Path:
    """Say where the backups of a home are: the folder named, else the one of the last backup.

    Raises
    ------
    NotFoundError
        ``backup.not_prepared``.
    """
    if named is not None:
        return named.absolute()
    told = _settings(home)
    if not told:
        raise NotFoundError("backup.not_prepared", home=str(home))
    return Path(told["folder"])


def make_backup(session: Session, act: Act, settings: Settings, *, out: Path | None, code: str) -> Made:
    """Copy the store as one snapshot, with photos, papers and keys; seal it; restore it beside; then give it its name.

    The archive is sealed to the recipient and to a key that lives as long as this call: so the very bytes that were
    written are opened again and checked, on a machine that cannot open any backup afterwards.

    Parameters
    ----------
    session
        A reading session: its snapshot is what is backed up.
    out
        Folder for the archive; ``None`` means that of the last one.
    code
        Code of the district, for the name of the file.

    Raises
    ------
    NotFoundError
        ``backup.not_prepared``.
    RefusedError
        ``backup.inside_home``, ``backup.busy``.
    StoreError
        ``store.full``, ``store.unwritable``, ``backup.*``; the backups there were are untouched.
    """
    home = settings.home
    folder = folder_of(home, out)
    recipient = _settings(home).get("recipient", "")
    if not recipient:
        raise NotFoundError("backup.not_prepared", home=str(home))
    _check_folder(home, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with occupancy.one_at_a_time(folder):
            _clear(home, folder)
            with tempfile.TemporaryDirectory(prefix=_WORKSHOP, dir=home) as workshop:
                made = _make(session, act, settings, Path(workshop), folder / _free_name(folder, code, act.at))
    except OSError as error:
        raise files.refusal(error, folder) from error
    _settle(home, recipient, folder)
    return made


def _clear(home: Path, folder: Path) -> None:
    """Take away what a killed backup left; nobody else is at work now."""
    for left in home.glob(f"{_WORKSHOP}*"):
        shutil.rmtree(left, ignore_errors=True)
    for part in folder.glob(f".*{_ENDING}.part"):
        part.unlink()
    for card in folder.glob(f"*{_ENDING}.json"):
        if not card.with_suffix("").exists():
            card.unlink()


def _free_name(folder: Path, code: str, moment: datetime) -> str:
    stem = f"geo-minzheng-{code or 'district'}-{moment:%Y%m%d-%H%M%S}"
    number = 1
    while (folder / (name := f"{stem}{'' if number == 1 else f'-{number}'}{_ENDING}")).exists():
        number += 1
    return name


def _make(session: Session, act: Act, settings: Settings, workshop: Path, target: Path) -> Made:
    store, counted = snapshot.take(session, workshop)
    sources = {f"store/{store.name}": store, **_beside(settings)}
    kept = {name: archive.digest_file(path) for name, path in sources.items()}
    lost = _lost(session, kept)
    manifest = Manifest(__version__, act.at, f"store/{store.name}", counted, kept, lost)
    secret, passing = archive.new_identity()
    part = target.with_name(f".{target.name}.part")
    try:
        sealed = archive.seal(manifest, sources, part, [_settings(settings.home)["recipient"], passing])
        store.unlink()
        prove(part, secret, workshop)
        _lay_card(target, manifest, sealed)
        part.replace(target)
        files.sync_folder(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        if not target.exists():
            _card_of(target).unlink(missing_ok=True)
        raise
    return Made(target, manifest)


def places_of(settings: Settings) -> dict[str, Path]:
    """Say where the files are that belong to a store, by the folder they have in an archive and in a restored home."""
    return {name: settings.home / name for name in ("photos", "papers")} | {"keys": settings.keys}


def _beside(settings: Settings) -> dict[str, Path]:
    """List the files beside the store; what is being written now has no name yet."""
    found = {
        f"{name}/{path.relative_to(top).as_posix()}": path
        for name, top in places_of(settings).items()
        for path in sorted(top.rglob("*"))
        if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
    }
    return found | {SETTINGS: settings.home / SETTINGS}


def _lost(session: Session, kept: Mapping[str, Kept]) -> tuple[str, ...]:
    """Name the photos whose file is missing or is not the one that was taken in."""
    nothing = Kept(0, "")
    written = census.photos_written(session)
    return tuple(n for n, seal in sorted(written.items()) if kept.get(f"photos/{n}.jpg", nothing).sha256 != seal)


def prove(file: Path, secret: str, workshop: Path) -> Manifest:
    """Open an archive, restore its store beside and compare it with what was counted when it was made.

    Raises
    ------
    InputError
        ``backup.wrong_identity``.
    StoreError
        ``backup.damaged``, ``backup.differs``, ``store.newer``.
    """
    with tempfile.TemporaryDirectory(prefix="proof-", dir=workshop) as place:
        manifest = archive.unseal(file, secret, Path(place), only=("store/", "keys/"))
        prove_store(file, manifest, Path(place) / manifest.store, keys_in(Path(place)))
    return manifest


def keys_in(folder: Path) -> Path:
    """Give the keys that an archive was unpacked with, as narrow as keys must lie."""
    keys = folder / "keys"
    if keys.is_dir():
        keys.chmod(0o700)
        for path in keys.iterdir():
            path.chmod(0o600)
    return keys


def prove_store(file: Path, manifest: Manifest, store: Path, keys: Path) -> None:
    """Check a restored store: its rows, ledger and chain are those counted, and its own checks hold.

    Raises
    ------
    StoreError
        ``backup.differs``, ``store.newer``.
    """
    migrate.check_known(manifest.census.revision)
    if store.name == snapshot.DUMP:
        found = snapshot.rows_of_dump(store)
        _same(file, manifest.census.rows, {name: found.get(name) for name in manifest.census.rows})
        return
    prove_url(file, manifest, file_url(store), keys)


def prove_url(file: Path, manifest: Manifest, url: str, keys: Path) -> None:
    """Check the store behind a URL against a manifest.

    Raises
    ------
    StoreError
        ``backup.differs``.
    """
    engine = sessions.make_engine(url, keys=keys)
    try:
        with sessions.read_session(engine) as session:
            _same(file, asdict(manifest.census), asdict(census.take_census(session)))
            # An older store has not all tables yet: it is checked after it was brought to this version.
            found = store_verify.verify(session) if manifest.census.revision == migrate.HEAD else {}
    finally:
        engine.dispose()
    wrong = next((name for name, verdict in found.items() if not verdict.is_ok), None)
    if wrong is not None:
        raise StoreError("backup.differs", file=file.name, what=wrong)


def _same(file: Path, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    off = next((name for name in wanted if wanted[name] != found[name]), None)
    if off is not None:
        raise StoreError("backup.differs", file=file.name, what=off)


def _card_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _lay_card(target: Path, manifest: Manifest, sealed: Kept) -> None:
    told = Card(
        manifest.made_at, manifest.product, manifest.census.revision, sealed.bytes, sealed.sha256,
        manifest.census.audit_count, manifest.census.audit_head,
    )  # fmt: skip
    body = asdict(told) | {"made_at": told.made_at.isoformat()}
    files.write_whole(json.dumps(body, indent=1).encode(), _card_of(target))


def read_card(file: Path) -> Card | None:
    """Read what stands beside an archive; ``None`` where it is missing or no card."""
    try:
        told = json.loads(_card_of(file).read_text(encoding="utf-8"))
        return Card(**(told | {"made_at": datetime.fromisoformat(told["made_at"])}))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def list_backups(folder: Path, *, check: bool = True) -> list[Backup]:
    """List the archives of a folder, oldest first, each compared with the bytes that were written.

    Parameters
    ----------
    check
        Read every byte; else believe the size.
    """
    found = [_look(file, check) for file in folder.glob(f"*{_ENDING}") if not file.name.startswith(".")]
    return sorted(found, key=lambda b: (b.card.made_at.timestamp() if b.card else 0.0, len(b.file.name), b.file.name))


def _look(file: Path, check: bool) -> Backup:
    card = read_card(file)
    size = file.stat().st_size
    if card is None:
        return Backup(file, "unknown", size, None)
    good = size == card.bytes and (not check or archive.digest_file(file).sha256 == card.sha256)
    return Backup(file, "good" if good else "damaged", size, card)


def choose(place: Path) -> Path:
    """Give the archive meant: a file, or the newest good one of a folder.

    Raises
    ------
    NotFoundError
        ``backup.none``: there is none.
    StoreError
        ``backup.damaged``: not the bytes that were written.
    """
    if place.is_dir():
        good = [b for b in list_backups(place) if b.state == "good"]
        if not good:
            raise NotFoundError("backup.none", folder=str(place))
        return good[-1].file
    if not place.is_file():
        raise NotFoundError("backup.none", folder=str(place))
    if _look(place, True).state == "damaged":
        raise StoreError("backup.damaged", file=place.name, detail="sha256")
    return place


def prune(folder: Path, policy: Policy) -> tuple[list[Path], list[Path]]:
    """Take away the backups the policy no longer keeps; never the newest good one, and nothing while none is good.

    Returns
    -------
    What is kept, and what was removed.
    """
    found = [b for b in list_backups(folder) if b.card is not None]
    good = [b for b in found if b.state == "good"]
    if not good:
        return [b.file for b in found], []
    counts = {name: int(policy.number(f"backup.keep_{name}")) for name in PERIODS}
    moments = [b.card.made_at for b in good if b.card is not None]
    chosen = {good[k].file for k in retention.to_keep(moments, counts)}
    removed = [b.file for b in found if b.file not in chosen]
    for file in removed:
        file.unlink()
        _card_of(file).unlink(missing_ok=True)
    return sorted(chosen, key=_names(good).index), removed


def _names(found: Iterable[Backup]) -> list[Path]:
    return [b.file for b in found]


def anchor_of(file: Path) -> tuple[int, str]:
    """Give the audit count and hash that stand beside a backup.

    Raises
    ------
    NotFoundError
        ``backup.no_card``.
    """
    card = read_card(file)
    if card is None:
        raise NotFoundError("backup.no_card", file=str(file))
    return card.audit_count, card.audit_head
