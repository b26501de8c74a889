"""Work beside the page ends within the run that began it: a test reads the page that stands when it is done."""

import pytest

from geo_minzheng.pages import work


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    monkeypatch.setattr(work, "GRACE_S", 120.0)
