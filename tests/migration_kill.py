"""An older store, a migration with a planted bug, and what became of a store whose migration was killed."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from geo_minzheng.store import migrate

OLD = "0004"
KILLS = 200 if os.environ.get("GEO_MINZHENG_SOAK") else 20


def bring(connection: Connection, to: str, *, each: bool = False) -> None:
    """Migrate to a version; ``each`` plants a bug: every step stands for itself."""
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    steps = [f"{n:04d}" for n in range(int(migrate.revision(connection) or 0) + 1, int(to) + 1)] if each else [to]
    for step in steps:
        command.upgrade(config, step)
        if each:
            connection.commit()
            time.sleep(0.005)


@dataclass
class Killed:
    at_work: int = 0
    old: int = 0
    new: int = 0
    between: list[str] = field(default_factory=list)
