"""The route table: health and the vendored assets; pages are Streamlit's."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from geo_minzheng import __version__
from geo_minzheng.settings import assets_dir

# Not streamlit_folium: Streamlit serves a component only when a page was the first to import it.
_HEAVY = (
    "folium",
    "geopandas",
    "geo_minzheng.services.papers",
    "geo_minzheng.services.housing",
    "geo_minzheng.bootstrap",
)


async def healthz(_: Request) -> Response:
    """Say that the process serves."""
    return JSONResponse({"status": "ok", "version": __version__})


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Import the heavy libraries once, before the first page asks for them."""
    for name in _HEAVY:
        importlib.import_module(name)
    yield


def routes() -> list[BaseRoute]:
    """List every route beside the pages."""
    return [
        Route("/healthz", healthz, methods=["GET"]),
        Mount("/assets", StaticFiles(directory=assets_dir())),
    ]
