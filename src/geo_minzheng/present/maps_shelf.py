"""Drawn maps on a shelf until a browser fetches them: one packed copy for all sessions and reruns."""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from threading import Lock

# A map may hold household points, so it stays in memory and its address cannot be guessed.
MOST = 64
_shelf: OrderedDict[str, tuple[bytes, set[str]]] = OrderedDict()
_reaching = Lock()


def pack(data: str) -> tuple[str, bytes]:
    """Pack a map's data; give its address (SHA-256 of the data) and the gzip bytes."""
    plain = data.encode("utf-8")
    return hashlib.sha256(plain).hexdigest(), gzip.compress(plain, 6, mtime=0)


def lay(address: str, packed: bytes, audience: str) -> None:
    """Lay a packed map on the shelf for an audience; the one not asked for longest makes room."""
    with _reaching:
        _, audiences = _shelf.get(address, (packed, set()))
        _shelf[address] = (packed, audiences | {audience})
        _shelf.move_to_end(address)
        while len(_shelf) > MOST:
            _shelf.popitem(last=False)


def take(address: str, audience: str) -> bytes | None:
    """Give a packed map, or ``None`` where it is no longer there or was drawn for others."""
    with _reaching:
        packed, audiences = _shelf.get(address, (None, set()))
        if audience not in audiences:
            return None
        _shelf.move_to_end(address)
        return packed
