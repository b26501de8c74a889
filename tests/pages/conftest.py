"""A page that is run by itself has no cookies and nobody to wait: both are put in their place."""

import door
import pytest

from geo_minzheng.pages import frame, work


@pytest.fixture(autouse=True)
def seat(monkeypatch):
    """Who looks has a real session, whose token the page is handed."""
    door.SEAT["token"] = ""
    monkeypatch.setattr(frame, "token_here", lambda: door.SEAT["token"])


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """Work beside the page ends within the run that began it: a test reads the page that stands when it is done."""
    monkeypatch.setattr(work, "GRACE_S", 120.0)
