"""The routes beside the pages: drawn maps by an address that only the page has named, and the map's scripts."""

import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request

from geo_minzheng.api import routes
from geo_minzheng.api.routes import map_bundle, map_data
from geo_minzheng.model.account import Person, SessionKind, SignedIn, audience_of
from geo_minzheng.present import maps_shelf

DUTY = SignedIn(Person("duty", "值班员甲", "emergency_coordinator"), 1, SessionKind.BROWSER)
PANEL = SignedIn(Person("panel", "评议组巳", "review_panel", "420703100200"), 2, SessionKind.BROWSER)


def ask(route, *, address="", encoding="gzip", who=DUTY):
    scope = {
        "type": "http", "method": "GET", "path": "/", "query_string": b"", "path_params": {"address": address},
        "headers": [(b"accept-encoding", encoding.encode())], "state": {"signed_in": who} if who else {},
    }  # fmt: skip
    with ThreadPoolExecutor(1) as own:  # a loop of its own, wherever a browser's is running
        return own.submit(lambda: asyncio.run(route(Request(scope)))).result()


def test_a_map_comes_packed_or_plain_and_may_be_kept():
    address, packed = maps_shelf.pack('{"map":"甲"}')
    maps_shelf.lay(address, packed, audience_of(DUTY.person))
    answer = ask(map_data, address=address)
    assert gzip.decompress(answer.body).decode() == '{"map":"甲"}'
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    plain = ask(map_data, address=address, encoding="identity")
    assert plain.body.decode() == '{"map":"甲"}'
    assert "content-encoding" not in plain.headers
    assert ask(map_data, address=address, who=PANEL).status_code == 404, "drawn for others"
    assert ask(map_data, address=address, who=None).status_code == 404


def test_an_address_nobody_named_is_not_found():
    assert ask(map_data, address="no_such_map").status_code == 404


def test_the_bundle_is_a_script_and_stands_before_the_assets():
    answer = ask(map_bundle)
    assert answer.media_type == "text/javascript"
    assert b"GeoMinzheng" in answer.body
    paths = [route.path for route in routes()]
    assert paths.index("/assets/map.bundle.js") < paths.index("/assets")
