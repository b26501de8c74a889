"""What the district knows of itself: code, name, metric system, policy profile, people of the bureau."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.engine.extent import extent_of
from geo_minzheng.errors import NotFoundError
from geo_minzheng.store import district, frames

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.layer import LayerSpec


def read(session: Session, key: str, default: Any = None) -> Any:
    """Read a value of the district."""
    return district.read_values(session).get(key, default)


def require(session: Session, key: str) -> Any:
    """Read a value the district must have.

    Raises
    ------
    NotFoundError
        ``district.not_made``: no district was created here yet.
    """
    value = read(session, key)
    if value is None:
        raise NotFoundError("district.not_made", key=key)
    return value


def settle(session: Session, act: Act, spec: LayerSpec, frame: pd.DataFrame) -> None:
    """Set the district's box and metres from its boundary, or from the first shapes that come while there is none."""
    if spec.geometry == "none" or not len(frame):
        return
    if spec.name == "boundary" or read(session, "metres") is None:
        stored: Any = frames.read_layer(session, spec.name)
        found = extent_of(stored)
        if found is not None:
            district.write_values(session, act, found)
    if spec.name == "boundary" and read(session, "code") is None and len(frame) == 1:
        row = frame.iloc[0]
        district.write_values(session, act, {"code": str(row["code"]), "name": str(row["name"])})
