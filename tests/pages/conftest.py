"""A page that is run by itself has no cookies: who looks is put in their place, with a real session behind it."""

import door
import pytest

from geo_minzheng.pages import frame


@pytest.fixture(autouse=True)
def seat(monkeypatch):
    door.SEAT["token"] = ""
    monkeypatch.setattr(frame, "token_here", lambda: door.SEAT["token"])
