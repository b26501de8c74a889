"""Long work says which step it is at; whoever listens may stop it there, before anything is kept."""

from __future__ import annotations

from collections.abc import Callable

# Called with a step's name as the step begins; it may raise StoppedError, and then nothing is stored.
Step = Callable[[str], None]


def quiet(_: str) -> None:
    """Tell nobody."""
