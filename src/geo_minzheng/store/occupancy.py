"""Who is in a home: everybody who has its store open shares it, and who puts another in its place must be alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from geo_minzheng.errors import RefusedError


def move_in(home: Path) -> int | None:
    """Share a home until ``move_out`` or the end of the process; the kernel forgets whoever dies."""
    with suppress(OSError):
        door = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(door, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            os.close(door)
            raise
        return door
    return None


def move_out(door: int | None) -> None:
    """Leave a home."""
    if door is not None:
        os.close(door)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Have a home to oneself; a home that is not there is nobody's.

    Raises
    ------
    RefusedError
        ``backup.home_in_use``: the app, or a command, has it open.
    """
    if not home.is_dir():
        yield
        return
    door = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RefusedError("backup.home_in_use", home=str(home)) from error
        yield
    finally:
        os.close(door)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Be the only one who makes or removes backups in a folder.

    Raises
    ------
    RefusedError
        ``backup.busy``.
    """
    door = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(door, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RefusedError("backup.busy", folder=str(folder)) from error
        yield
    finally:
        os.close(door)
