"""The web app of an installed package; in the source tree the ``app.py`` at the top does the same."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from geo_minzheng.api import lifespan, middleware, routes

app = st.App(Path(__file__).parent / "pages" / "main.py", routes=routes(), lifespan=lifespan, middleware=middleware())
