"""Drawn maps on a shelf until a browser fetches them: one packed copy for all sessions and reruns."""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from threading import Lock

# A map may hold household points, so it stays in memory and its address cannot be guessed.
MOST = 64
_shelf: OrderedDict[str, bytes] = OrderedDict()
_reaching = Lock()


def pack(data: str) -> tuple[str, bytes]:
    """Pack a map's data; give its address (SHA-256 of the data) and the gzip bytes."""
    plain = data.encode("utf-8")
    return hashlib.sha256(plain).hexdigest(), gzip.compress(plain, 6, mtime=0)


def lay(address: str, packed: bytes) -> None:
    """Lay a packed map on the shelf; the one not asked for longest makes room."""
    with _reaching:
        _shelf[address] = packed
        _shelf.move_to_end(address)
        while len(_shelf) > MOST:
            _shelf.popitem(last=False)


def take(address: str) -> bytes | None:
    """Give a packed map, or ``None`` where it is no longer there."""
    with _reaching:
        found = _shelf.get(address)
        if found is not None:
            _shelf.move_to_end(address)
        return found
