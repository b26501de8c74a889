"""运行状况: is everything as it should be, and what is to be done when it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from geo_minzheng.pages import frame
from geo_minzheng.present.health import sign_sentence
from geo_minzheng.services import health

if TYPE_CHECKING:
    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.backup import Sign

# A sign is told by its shape as well as by its colour.
ICONS = {"ok": ":material/check_circle:", "warning": ":material/warning:", "bad": ":material/error:"}


def show(office: Bureau) -> None:
    """Show the signs of health, the bad ones first, and the remedy of each."""
    text = office.text
    frame.page_head(office, text("pages.health.title"), text("pages.health.question"))
    with frame.refusals(office):
        policy = office.policy()
        with office.reading() as session:
            signs = health.look(session, policy, office.settings, office.now())
        for state in ("bad", "warning", "ok"):
            for sign in (s for s in signs if s.state == state):
                _show_sign(office, sign)
        frame.note(text("pages.health.thorough"))


def _show_sign(office: Bureau, sign: Sign) -> None:
    text = office.text
    box = {"ok": st.success, "warning": st.warning, "bad": st.error}[sign.state]
    lines = [f"**{frame.plain(text(f'health.name.{sign.name}'))}**　{frame.plain(sign_sentence(sign, text))}"]
    if sign.state != "ok":
        lines.append(frame.plain(text(f"health.remedy.{sign.name}")))
    box("  \n".join(lines), icon=ICONS[sign.state])


show(frame.bureau())
