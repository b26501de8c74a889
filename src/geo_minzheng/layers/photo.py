"""Photos of foreign origin: decoded within limits, re-encoded as JPEG, metadata dropped."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from PIL import Image, ImageOps

from geo_minzheng.errors import InputError

LONGEST_PX = 2048
MOST_BYTES = 20 * 1024 * 1024
MOST_PIXELS = 50_000_000
_FORMATS = ("JPEG", "PNG", "WEBP")
_CHINA = timezone(timedelta(hours=8))
_GPS, _EXIF = 0x8825, 0x8769


@dataclass(frozen=True)
class CleanPhoto:
    """A photo without anything hidden in it, and the place and time the camera had written.

    Parameters
    ----------
    lon, lat
        WGS-84 [deg], ``None`` where unknown.
    """

    jpeg: bytes
    width_px: int
    height_px: int
    lon: float | None = None
    lat: float | None = None
    taken_at: datetime | None = None


def read_photo(content: bytes, name: str = "") -> CleanPhoto:
    """Decode a JPEG, PNG or WebP, turn it upright, shrink it to 2048 px, write it anew.

    Parameters
    ----------
    name
        What a refusal calls the photo: its number among those of a report, or its file.

    Raises
    ------
    InputError
        ``photo.too_large``: more than 20 MB or 50 million pixels; ``photo.unreadable``: no photo, or a broken one.
    """
    if len(content) > MOST_BYTES:
        raise InputError("photo.too_large", photo=name, megabytes=round(len(content) / 1e6, 1))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a camera's broken notes are no reason to speak
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                if image.width * image.height > MOST_PIXELS:
                    raise InputError("photo.too_large", photo=name, megabytes=round(len(content) / 1e6, 1))
                exif = image.getexif()
                upright = ImageOps.exif_transpose(image).convert("RGB")
    except InputError:
        raise
    except Exception as error:  # the border: a decoder may raise anything on foreign bytes
        raise InputError("photo.unreadable", photo=name) from error
    upright.thumbnail((LONGEST_PX, LONGEST_PX))
    sink = io.BytesIO()
    clean = Image.new("RGB", upright.size)
    clean.paste(upright)
    clean.save(sink, "JPEG", quality=85, optimize=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a camera's broken notes are no reason to speak
        (lon, lat), taken_at = _place(exif), _moment(exif)
    return CleanPhoto(sink.getvalue(), upright.width, upright.height, lon, lat, taken_at)


def _place(exif: Any) -> tuple[float | None, float | None]:
    try:
        gps = exif.get_ifd(_GPS)
        lat, lon = _degrees(gps[2], gps[1] == "S"), _degrees(gps[4], gps[3] == "W")
    except Exception:  # noqa: BLE001  what a camera wrote may be anything
        return None, None
    if lon == 0 and lat == 0:
        return None, None  # a camera without a fix writes zeros
    known = math.isfinite(lon) and math.isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90
    return (lon, lat) if known else (None, None)


def _degrees(parts: Any, is_negative: bool) -> float:
    degrees, minutes, seconds = (float(p) for p in parts)
    value = degrees + minutes / 60 + seconds / 3600
    return -value if is_negative else value


def _moment(exif: Any) -> datetime | None:
    try:
        text = str(exif.get_ifd(_EXIF)[0x9003])
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=_CHINA)
    except Exception:  # noqa: BLE001  what a camera wrote may be anything
        return None
