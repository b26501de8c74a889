"""Is everything as it should be: the store's own checks, the audit log, and the web process."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from geo_minzheng.errors import InputError
from geo_minzheng.store import records
from geo_minzheng.store import verify as store_verify
from geo_minzheng.store.tables_trace import AuditRow

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.present.text import Text
    from geo_minzheng.settings import Settings

_ANCHOR = re.compile(r"(\d{1,15})[:：-]([0-9a-fA-F]{16,64})")


def verify(session: Session, text: Text, anchor: tuple[int, str] | None = None) -> dict[str, str]:
    """Check ledger, audit chain, file and map index: ``ok`` or the reason.

    Parameters
    ----------
    anchor
        Audit count and hash as printed on paper, or as they stand beside a backup.
    """
    verdicts = store_verify.verify(session, anchor)
    return {name: "ok" if v.is_ok else text(v.key, **v.facts) for name, v in verdicts.items()}


def parse_anchor(told: str) -> tuple[int, str]:
    """Read the chain head as it is printed: count, a colon or dash, and at least 16 digits of the hash.

    Raises
    ------
    InputError
        ``audit.bad_anchor``.
    """
    match = _ANCHOR.fullmatch(told.strip())
    if match is None:
        raise InputError("audit.bad_anchor", value=told)
    return int(match[1]), match[2].lower()


def audit_rows(session: Session, *, who: str, table: str, limit: int) -> list[dict[str, Any]]:
    """List the newest audit rows, filtered."""
    wanted = {name: value for name, value in (("who", who), ("table_name", table)) if value}
    rows = records.find(session, AuditRow, **wanted)[-limit:]
    return [
        {
            "seq": row.seq, "at": row.at, "who": row.who, "role": row.role, "incident": row.incident,
            "action": row.action, "table": row.table_name, "key": row.row_key, "hash": row.hash,
        }
        for row in reversed(rows)
    ]  # fmt: skip


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
