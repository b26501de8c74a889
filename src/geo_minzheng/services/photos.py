"""Photos: re-encoded, stripped of what the camera wrote into them, kept under a UUID outside the web root."""

from __future__ import annotations

import uuid as uuids
from typing import TYPE_CHECKING

from geo_minzheng.engine import documents
from geo_minzheng.errors import InputError
from geo_minzheng.layers import photo as photo_reader
from geo_minzheng.store import files, records
from geo_minzheng.store.tables_report import Photo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.layers.photo import CleanPhoto
    from geo_minzheng.model.act import Act


def read_all(contents: Sequence[bytes]) -> list[CleanPhoto]:
    """Decode the photos of one report, all of them before any is kept; a refusal says which.

    Raises
    ------
    InputError
        ``photo.unreadable``, ``photo.too_large``.
    StoreError
        ``store.full``, ``store.unwritable``.
    """
    return [photo_reader.read_photo(content, str(number)) for number, content in enumerate(contents, 1)]


def keep(session: Session, act: Act, clean: CleanPhoto, *, folder: Path, version: str) -> str:
    """Store a photo of a report: JPEG of at most 2048 px, place and time copied to the row, the rest dropped."""
    name = str(uuids.uuid4())
    files.keep_file(session, clean.jpeg, folder / f"{name}.jpg")
    row = Photo(
        uuid=name, version_uuid=version, sha256=documents.digest_bytes(clean.jpeg), bytes=len(clean.jpeg),
        width_px=clean.width_px, height_px=clean.height_px, lon=clean.lon, lat=clean.lat, taken_at=clean.taken_at,
    )  # fmt: skip
    records.add(session, act, "report.photo", row)
    return name


def path_of(folder: Path, name: str) -> Path:
    """Say where a kept photo lies; its name is a UUID of ours.

    Raises
    ------
    InputError
        ``photo.unreadable``: no UUID.
    """
    try:
        return folder / f"{uuids.UUID(name)}.jpg"
    except ValueError as error:
        raise InputError("photo.unreadable", photo=name) from error
