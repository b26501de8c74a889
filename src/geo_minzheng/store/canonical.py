"""One text per value, so that equal records have equal hashes on every database."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from shapely.geometry.base import BaseGeometry


def _plain(value: Any) -> Any:
    if value is None or (isinstance(value, bool | int) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            raise ValueError("a stored document holds no NaN and no infinity")
        return float(value)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return _plain_container(value)


def _plain_container(value: Any) -> Any:
    if isinstance(value, BaseGeometry):
        return {"geometry": value.geom_type, "sha256": hashlib.sha256(value.wkb).hexdigest()}
    if isinstance(value, bytes):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(_plain(k)): _plain(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(v) for v in value), key=repr)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    raise TypeError(f"cannot be stored in a document: {type(value).__name__}")


def moment_text(moment: datetime) -> str:
    """Write a moment as UTC with milliseconds, the form GeoPackage asks for; fixed width, so text order is time order.

    Raises
    ------
    ValueError
        The moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a stored moment needs a time zone")
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def to_json(value: Any) -> str:
    """Write a value as canonical JSON: sorted keys, no spaces, UTF-8 as it is, shortest float that reads back.

    Dataclasses, mappings, sequences, enums, dates, moments, decimals and numpy scalars are accepted; geometry and bytes
    are represented by their digest.

    Raises
    ------
    ValueError
        NaN or infinity inside.
    TypeError
        A type that has no canonical form.
    """
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(text: str) -> str:
    """Hash a text: SHA-256 of its UTF-8, as hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
