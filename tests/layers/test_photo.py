"""Photos: written anew, nothing hidden left, place and time kept apart, tricks refused."""

from __future__ import annotations

import io
import struct
import warnings
import zlib

import pytest
from PIL import Image

from geo_minzheng.errors import InputError
from geo_minzheng.layers.photo import LONGEST_PX, read_photo


def _jpeg(size: tuple[int, int] = (40, 30), *, exif: Image.Exif | None = None) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", size, (10, 120, 200)).save(sink, "JPEG", **({"exif": exif} if exif is not None else {}))
    return sink.getvalue()


def _camera_notes() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = "secret words"
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 30.0, 36.0), 3: "E", 4: (114.0, 45.0, 0.0)})
    exif.get_ifd(0x8769)[0x9003] = "2026:07:03 21:40:05"
    return exif


def test_notes_are_read_then_dropped_and_the_picture_stands_upright() -> None:
    clean = read_photo(_jpeg((40, 30), exif=_camera_notes()) + b"<?php echo 1; ?>")
    assert (clean.width_px, clean.height_px) == (30, 40)
    assert clean.lat == pytest.approx(30.51)
    assert clean.lon == pytest.approx(114.75)
    assert clean.taken_at is not None
    assert clean.taken_at.isoformat() == "2026-07-03T21:40:05+08:00"
    assert b"secret" not in clean.jpeg
    assert b"php" not in clean.jpeg
    with Image.open(io.BytesIO(clean.jpeg)) as image:
        assert image.format == "JPEG"
        assert not dict(image.getexif())


def test_large_pictures_are_shrunk() -> None:
    clean = read_photo(_jpeg((5000, 1000)))
    assert max(clean.width_px, clean.height_px) == LONGEST_PX


def _claims_to_be_huge() -> bytes:
    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "photo.unreadable"),
        (b"%PDF-1.7", "photo.unreadable"),
        (b"<svg onload='alert(1)'/>", "photo.unreadable"),
        (_jpeg((400, 300))[:300], "photo.unreadable"),
        (b"\xff" * (20 * 1024 * 1024 + 1), "photo.too_large"),
        (_claims_to_be_huge(), "photo"),
    ],
    ids=["empty", "pdf", "svg", "cut off", "too many bytes", "bomb"],
)
def test_what_is_no_photo_is_refused(content: bytes, key: str) -> None:
    with pytest.raises(InputError) as caught:
        read_photo(content)
    assert caught.value.key.startswith(key)


def test_broken_notes_do_not_spoil_the_picture() -> None:
    exif = _camera_notes()
    exif.get_ifd(0x8825)[2] = (99.0, 0.0, 0.0)
    clean = read_photo(_jpeg(exif=exif))
    assert clean.lat is None
    assert clean.lon is None


def test_notes_that_are_no_notes_do_not_spoil_the_picture_either() -> None:
    whole = _jpeg()
    body = b"Exif\0\0II*\0\xff\xff\xff\x7f"
    torn = whole[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + whole[2:]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_photo(torn).lat is None
