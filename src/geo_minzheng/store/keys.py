"""The key ring of a district: one small file outside the store, and the only place where keys are read or written."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from geo_minzheng.errors import RefusedError, StoreError

FILE = "ring.json"
_BYTES = 32
_OTHERS = 0o077


@dataclass(frozen=True)
class KeyRing:
    """Keys in memory; none of them is ever shown.

    Parameters
    ----------
    current
        Id of the data key that seals what is written now.
    keys
        Data keys by id; those that are not current only open.
    index_key
        Key of the blind index; it stays, so that the index of a value stays.
    """

    current: str
    keys: Mapping[str, bytes] = field(repr=False)
    index_key: bytes = field(repr=False)


def make_ring(folder: Path) -> KeyRing:
    """Make the ring of a new district; one that is there already is used.

    Raises
    ------
    StoreError
        ``keys.unwritable``; and as :func:`read_ring` for a ring that is there and cannot be used.
    """
    if (folder / FILE).exists():
        return read_ring(folder)
    name = _new_id({})
    ring = KeyRing(name, {name: secrets.token_bytes(_BYTES)}, secrets.token_bytes(_BYTES))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = _write_part(folder, ring)
        try:
            # A link refuses to take the place of a ring that another process has made meanwhile.
            with suppress(FileExistsError):
                os.link(part, folder / FILE)
        finally:
            part.unlink()
        _settle(folder)
    except OSError as error:
        raise StoreError("keys.unwritable", folder=str(folder), reason=error.strerror or str(error)) from error
    return read_ring(folder)


def read_ring(folder: Path) -> KeyRing:
    """Read the ring.

    Raises
    ------
    StoreError
        ``keys.missing``; ``keys.unreadable``; ``keys.damaged``; ``keys.too_open``: others may read the file.
    """
    path = folder / FILE
    try:
        told = path.read_text(encoding="utf-8")
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError("keys.missing", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise StoreError("keys.damaged", file=str(path)) from error
    except OSError as error:
        raise StoreError("keys.unreadable", file=str(path), reason=error.strerror or str(error)) from error
    if mode & _OTHERS:
        raise StoreError("keys.too_open", file=str(path))
    try:
        return _parse(told)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError("keys.damaged", file=str(path)) from error


def add_key(folder: Path) -> KeyRing:
    """Add a data key and make it the current one; the older ones stay and go on opening.

    Raises
    ------
    StoreError
        As :func:`read_ring`; ``keys.unwritable``.
    """
    ring = read_ring(folder)
    name = _new_id(ring.keys)
    return _replace(folder, KeyRing(name, {**ring.keys, name: secrets.token_bytes(_BYTES)}, ring.index_key))


def drop_keys(folder: Path, names: Collection[str]) -> KeyRing:
    """Take keys off the ring for ever.

    Raises
    ------
    RefusedError
        ``keys.current``: the current key stays.
    StoreError
        As :func:`read_ring`; ``keys.unwritable``.
    """
    ring = read_ring(folder)
    if ring.current in names:
        raise RefusedError("keys.current", name=ring.current)
    kept = {name: key for name, key in ring.keys.items() if name not in names}
    return _replace(folder, KeyRing(ring.current, kept, ring.index_key))


def _new_id(known: Mapping[str, bytes]) -> str:
    while (name := f"k{secrets.token_hex(4)}") in known:
        pass
    return name


def _check(told: Mapping[str, object]) -> str:
    """Tell a ring that was damaged or cut off from a good one."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _text(ring: KeyRing) -> str:
    told = {
        "version": 1,
        "current": ring.current,
        "keys": {name: b64encode(key).decode() for name, key in ring.keys.items()},
        "index": b64encode(ring.index_key).decode(),
    }
    return json.dumps({**told, "check": _check(told)}, indent=1) + "\n"


def _parse(text: str) -> KeyRing:
    told = json.loads(text)
    check = told.pop("check")
    ring = KeyRing(
        str(told["current"]),
        {str(name): b64decode(key, validate=True) for name, key in told["keys"].items()},
        b64decode(told["index"], validate=True),
    )
    if check != _check(told) or told["version"] != 1 or ring.current not in ring.keys:
        raise ValueError("check")
    if any(len(key) != _BYTES for key in (*ring.keys.values(), ring.index_key)):
        raise ValueError("length")
    return ring


def _replace(folder: Path, ring: KeyRing) -> KeyRing:
    try:
        part = _write_part(folder, ring)
        try:
            part.replace(folder / FILE)
        finally:
            part.unlink(missing_ok=True)
        _settle(folder)
    except OSError as error:
        raise StoreError("keys.unwritable", folder=str(folder), reason=error.strerror or str(error)) from error
    return ring


def _write_part(folder: Path, ring: KeyRing) -> Path:
    """Write the ring whole beside its place, readable by its owner alone from the first byte on."""
    part = folder / f".{FILE}.{secrets.token_hex(4)}"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(_text(ring))
        out.flush()
        os.fsync(out.fileno())
    return part


def _settle(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
