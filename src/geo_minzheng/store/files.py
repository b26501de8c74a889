"""Files that belong to rows: whole or not at all, and gone again when the row does not come to be."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from geo_minzheng.errors import StoreError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def refusal(error: OSError, place: Path) -> StoreError:
    """Say a disk's refusal in our words: full, or not to be written."""
    if error.errno in _FULL:
        return StoreError("store.full", detail=str(error))
    return StoreError("store.unwritable", place=str(place), reason=error.strerror or str(error))


def write_whole(content: bytes, target: Path) -> None:
    """Write a file and bring it to the disk before it gets its name.

    Raises
    ------
    StoreError
        ``store.full``, ``store.unwritable``; what was begun is taken away again.
    """
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise refusal(error, target) from error


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    door = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(door)
    finally:
        os.close(door)


def keep_file(session: Session, content: bytes, target: Path) -> None:
    """Write a file for a row of this transaction; where the transaction does not commit, the file goes too.

    Raises
    ------
    StoreError
        ``store.full``, ``store.unwritable``.
    """
    was_there = target.exists()
    write_whole(content, target)
    if was_there:
        return
    said: list[str] = []

    def commit(of: Session) -> None:
        if not said and not of.in_nested_transaction():
            said.append("committed")

    def end(_: Session, transaction: Any) -> None:
        if not said and transaction.parent is None:
            said.append("gone")
            target.unlink(missing_ok=True)

    event.listen(session, "after_commit", commit)
    event.listen(session, "after_transaction_end", end)
