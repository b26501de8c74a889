"""Watch what is written: per transaction, which tables changed and which the audit rows of it name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, event

_WRITES = re.compile(r'^\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM|REPLACE\s+INTO)\s+"?(\w+)"?', re.I)
# The chain itself, and what the database keeps of its own files.
# Of a session only its beginning and its end are acts; that somebody was seen, or read, is none.
OWN = {"audit", "audit_head", "sign_in", "pairing", "seen"}
_FILE = ("gpkg_", "rtree_", "sqlite_", "alembic_")
# What is recorded under the name of the row it belongs to.
UNDER = {
    "movement": {"voucher"},
    "lot_balance": {"voucher", "reservation", "stock_lot"},
    "report": {"report_version"},
}


@dataclass
class Watch:
    """What was seen.

    Parameters
    ----------
    statements
        Writing statements by table, over all committed transactions.
    silent
        Tables changed in a committed transaction that no audit row of it names, with the statement.
    """

    statements: Counter[str] = field(default_factory=Counter)
    silent: list[tuple[str, str]] = field(default_factory=list)
    transactions: int = 0
    _open: dict[int, list[tuple[str, str, str]]] = field(default_factory=dict)
    _points: dict[int, list[int]] = field(default_factory=dict)

    def execute(self, link: Any, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool) -> None:
        found = _WRITES.match(statement)
        if found is None or found[1].startswith(_FILE):
            return
        seen = self._open.setdefault(id(link), [])
        if found[1] == "audit":
            rows = context.compiled_parameters if context is not None and context.compiled else []
            seen += [("audit", str(row.get("table_name")), "") for row in rows]
        elif found[1] not in OWN:
            seen.append(("write", found[1], statement[:90]))

    def commit(self, link: Any) -> None:
        seen = self._open.pop(id(link), [])
        told = {table for kind, table, _ in seen if kind == "audit"}
        written = [(table, statement) for kind, table, statement in seen if kind == "write"]
        self.transactions += bool(written)
        self.statements.update(table for table, _ in written)
        self.silent += [(t, s) for t, s in dict(written).items() if not told & (UNDER.get(t, set()) | {t})]

    def rollback(self, link: Any) -> None:
        self._open.pop(id(link), None)

    def savepoint(self, link: Any, _name: str) -> None:
        self._points.setdefault(id(link), []).append(len(self._open.get(id(link), [])))

    def back_to(self, link: Any, _name: str, _context: Any) -> None:
        del self._open.get(id(link), [])[self._points[id(link)].pop() :]

    def release(self, link: Any, _name: str, _context: Any) -> None:
        self._points[id(link)].pop()


@contextmanager
def watching() -> Iterator[Watch]:
    """Watch every engine of this process."""
    watch = Watch()
    heard = {
        "before_cursor_execute": watch.execute, "commit": watch.commit, "rollback": watch.rollback,
        "savepoint": watch.savepoint, "rollback_savepoint": watch.back_to, "release_savepoint": watch.release,
    }  # fmt: skip
    for name, hear in heard.items():
        event.listen(Engine, name, hear)
    try:
        yield watch
    finally:
        for name, hear in heard.items():
            event.remove(Engine, name, hear)
