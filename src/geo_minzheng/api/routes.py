"""The route table: health, drawn maps and the vendored assets; pages are Streamlit's."""

from __future__ import annotations

import gzip
import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from geo_minzheng import __version__
from geo_minzheng.api import door
from geo_minzheng.api.gate import Gate
from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.model.account import audience_of
from geo_minzheng.present import maps_shelf
from geo_minzheng.present.assets import BUNDLE, bundle
from geo_minzheng.services import logs
from geo_minzheng.settings import assets_dir, read_settings

ASSETS = "/assets"
# Both addresses change with what they give, so that a browser asks once.
_KEPT = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
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


async def map_data(request: Request) -> Response:
    """Give a drawn map to those it was drawn for; anybody else finds none."""
    who = getattr(request.state, "signed_in", None)
    packed = maps_shelf.take(request.path_params["address"], audience_of(who.person)) if who else None
    if packed is None:
        return JSONResponse({"status": "gone"}, status_code=404)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(packed, media_type="application/json", headers=_KEPT | {"Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed), media_type="application/json", headers=_KEPT)


async def map_bundle(_: Request) -> Response:
    """Give the map's scripts and styles as one script."""
    return Response(bundle(ASSETS), media_type="text/javascript", headers=_KEPT)


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[None]:
    """Start the log and import the heavy libraries once, before the first page asks for them."""
    for name in _HEAVY:
        importlib.import_module(name)
    start_log()
    yield


def middleware() -> list[Middleware]:
    """List what every request passes first."""
    return [Middleware(Gate)]


def start_log() -> None:
    """Start the log of the served process; where there is no district yet there is nowhere to keep it."""
    office = open_bureau(read_settings())
    try:
        logs.start(office.settings.home, keep_days=int(office.policy().number("log.keep_days")))
    except (GeoMinzhengError, OSError) as error:
        logging.getLogger(__name__).warning("no log: %s", getattr(error, "key", error))
        return
    logs.join(("streamlit", "uvicorn"))


def routes() -> list[BaseRoute]:
    """List every route beside the pages."""
    return [
        *door.routes(),
        Route("/healthz", healthz, methods=["GET"]),
        Route("/api/map/{address}", map_data, methods=["GET"]),
        Route(f"{ASSETS}/{BUNDLE}", map_bundle, methods=["GET"]),
        Mount(ASSETS, StaticFiles(directory=assets_dir())),
    ]
