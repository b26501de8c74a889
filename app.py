"""The web app: pages, routes and static files in one process on one port."""

import streamlit as st

from geo_minzheng.api import lifespan, middleware, routes

app = st.App("src/geo_minzheng/pages/main.py", routes=routes(), lifespan=lifespan, middleware=middleware())
