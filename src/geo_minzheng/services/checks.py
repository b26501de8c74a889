"""Is everything as it should be: the store's own checks, and the web process."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from geo_minzheng.store import verify as store_verify

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.present.text import Text
    from geo_minzheng.settings import Settings


def verify(session: Session, text: Text, anchor: tuple[int, str] | None = None) -> dict[str, str]:
    """Check ledger, audit chain, file and map index: ``ok`` or the reason.

    Parameters
    ----------
    anchor
        Audit count and hash as printed on paper, or as they stand beside a backup.
    """
    verdicts = store_verify.verify(session, anchor)
    return {name: "ok" if v.is_ok else text(v.key, **v.facts) for name, v in verdicts.items()}


def run_app(app: Path, settings: Settings, *, address: str, port: int) -> NoReturn:
    """Become the web app's process, so that whoever ends this process ends the app."""
    environ = dict(os.environ) | settings.environment()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(app),
        "--server.port",
        str(port),
        "--server.address",
        address,
    ]
    os.chdir(app.parent)
    os.execve(sys.executable, command, environ)  # noqa: S606  (our own command, no shell wanted)
