"""The QR code that pairs a phone or a wall."""

from __future__ import annotations

import io

import segno


def link(address: str, code: str) -> str:
    """Spell the address a device opens: the code stands behind ``#``, which no browser sends and no log keeps."""
    return f"{address.rstrip('/')}/door/device#{code}"


def picture(text: str) -> bytes:
    """Draw a text as a QR code: PNG bytes."""
    sink = io.BytesIO()
    segno.make(text, error="m").save(sink, kind="png", scale=8, border=4)
    return sink.getvalue()


def drawing(text: str) -> list[str]:
    """Draw a text as a QR code for a terminal, a line each."""
    sink = io.StringIO()
    segno.make(text, error="m").terminal(sink, compact=True)
    return sink.getvalue().splitlines()
