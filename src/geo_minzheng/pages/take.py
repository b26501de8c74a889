"""Take a table along: one small control below it, the file made when asked for, exactly the rows shown."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.present.taken import TakenTable, file_name, table_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from geo_minzheng.present.text import Text

    Place = Callable[[], Sequence[Any]]

MIMES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
    "gpkg": "application/geopackage+sqlite3",
    "geojson": "application/geo+json",
}
PLAIN, PLACED = ("xlsx", "csv"), ("xlsx", "csv", "gpkg", "geojson")


def stand(page: str, facts: Sequence[str], moment: datetime) -> None:
    """Remember what every file of this page says of itself: the page, where and when its rows hold."""
    st.session_state["stand"] = {"page": page, "facts": tuple(facts), "moment": moment}


def control(text: Text, title: str, rows: Sequence[Mapping[str, Any]], place: Place | None = None) -> None:
    """Offer the rows of a table as files.

    Parameters
    ----------
    title
        Name of the table, its own on the page.
    place
        Gives the place of each row in CGCS2000 when somebody asks for geodata; ``None`` where rows have no place.
    """
    stood = st.session_state.get("stand")
    if not rows or stood is None:
        return
    whole = f"{stood['page']} {title}" if title != stood["page"] else title
    with st.popover(
        text("pages.take.open", count=len(rows)), type="tertiary", icon=":material/download:", key=f"take_{title}"
    ):
        st.caption(text("pages.take.why"))
        with st.container(horizontal=True):
            for ending in PLACED if place else PLAIN:
                st.download_button(
                    text(f"pages.take.{ending}"), partial(_bytes, whole, rows, stood["facts"], place, ending),
                    file_name=file_name(whole, stood["moment"], ending), mime=MIMES[ending], on_click="ignore",
                    key=f"take_{ending}_{title}",
                )  # fmt: skip


def _bytes(
    title: str, rows: Sequence[Mapping[str, Any]], facts: Sequence[str], place: Place | None, ending: str
) -> bytes:
    shapes = place() if place is not None and ending in {"gpkg", "geojson"} else ()
    return table_bytes(TakenTable(title, rows, facts, shapes), ending)
