"""The routes beside the pages: drawn maps by an address that only the page has named, and the map's scripts."""

import asyncio
import gzip
import importlib
import logging
from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.requests import Request

from geo_minzheng.api import routes
from geo_minzheng.api.routes import map_bundle, map_data, start_log
from geo_minzheng.bootstrap import open_bureau
from geo_minzheng.model.account import Person, SessionKind, SignedIn, audience_of
from geo_minzheng.present import maps_shelf
from geo_minzheng.settings import read_settings

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


@pytest.fixture
def quiet_logging():
    root = logging.getLogger()
    kept = root.handlers[:], root.level, logging.getLogRecordFactory()
    yield
    for handler in [h for h in root.handlers if h not in kept[0]]:
        root.removeHandler(handler)
        handler.close()
        for logger in map(logging.getLogger, list(logging.Logger.manager.loggerDict)):
            logger.removeHandler(handler)
    root.setLevel(kept[1])
    logging.setLogRecordFactory(kept[2])


def test_the_served_process_logs_to_its_home_and_names_nobody(tmp_path, monkeypatch, quiet_logging):
    monkeypatch.setenv("GEO_MINZHENG_HOME", str(tmp_path / "home"))
    start_log()
    assert not (tmp_path / "home" / "logs").exists(), "no district, no log"
    open_bureau(read_settings()).create_store()
    importlib.import_module("streamlit.error_util")
    start_log()
    try:
        raise KeyError("张三")
    except KeyError as error:
        logging.getLogger("streamlit.error_util").error("Uncaught app execution", exc_info=error)
    told = (tmp_path / "home" / "logs" / "geo-minzheng.log").read_text(encoding="utf-8")
    assert "Uncaught app execution" in told and "KeyError" in told and "张三" not in told
