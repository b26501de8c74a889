"""Sit at a desk of the bureau: run the command line in this process, and read what it says."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from once import copy_unwritten, once

from geo_minzheng.cli import frame
from geo_minzheng.cli.main import app

NIGHT = "2026-07-03T21:00:00+08:00"
DONE, REFUSED, MISUSE = 0, 1, 2


def _no_constant(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def strict_json(text: str) -> Any:
    """Read one JSON value and nothing else; NaN and Infinity are none."""
    return json.loads(text, parse_constant=_no_constant)


@dataclass(frozen=True)
class Said:
    """What a command said."""

    words: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return strict_json(self.out)


@dataclass(frozen=True)
class Desk:
    """A home, who sits there, and what the clock says."""

    home: Path
    who: str = "机房值守"
    now: str = NIGHT
    env: dict[str, str] = field(default_factory=dict)

    def named(self, who: str) -> Desk:
        return replace(self, who=who)

    def at(self, now: str) -> Desk:
        return replace(self, now=now)

    def run(self, *words: object) -> Said:
        """Run a command and take what comes."""
        told = tuple(str(w) for w in words)
        line = [*told, "--home", str(self.home), "--as", self.who, "--now", self.now, "--json"]
        return call(line, self.env)

    def do(self, *words: object) -> Any:
        """Run a command that must succeed; give its JSON."""
        said = self.run(*words)
        assert said.code == DONE, said
        return said.json

    def refused(self, *words: object, code: int = REFUSED) -> dict[str, Any]:
        """Run a command that must be refused: a Chinese sentence, then an English one, and JSON alone on stdout."""
        said = self.run(*words)
        assert said.code == code, said
        if code == MISUSE:
            assert said.err.strip(), said
            return {}
        told = said.json
        lines = said.err.splitlines()
        assert is_chinese(lines[0]), said
        assert not is_chinese(lines[1][:12]) or any(w.isascii() and w.isalpha() for w in lines[1].split()), said
        assert told["error"] and told["message"] == lines[0] and told["message_en"] == lines[1], said
        assert not re.search(r"\{[a-z_]+\}|error\.", lines[0] + lines[1]), said
        return dict(told)


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= sign <= "\u9fff" for sign in text)


def call(line: list[str], env: dict[str, str] | None = None) -> Said:
    """Run the command line in this process as a process of its own would."""
    out, err = io.StringIO(), io.StringIO()
    kept = dict(os.environ)
    for name in [n for n in os.environ if n.startswith("GEO_MINZHENG_")]:
        del os.environ[name]
    os.environ.update(env or {})
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                app(frame.hoist(line), prog_name="geo-minzheng")
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1 if end.code else 0
            except Exception:
                traceback.print_exc()
                code = 99
    finally:
        os.environ.clear()
        os.environ.update(kept)
    return Said(tuple(line), code, out.getvalue(), err.getvalue())


def fresh_home(demo_out: Path) -> Path:
    """A copy of the demo district whose goods are all free again, made once a run; read only."""
    return once(demo_out.parent / "fresh", lambda folder: _free_the_goods(demo_out, folder))


def _free_the_goods(demo_out: Path, folder: Path) -> None:
    copy_unwritten(demo_out / "home", folder)
    desk = Desk(folder)
    (incident,) = (i["incident_id"] for i in desk.do("incident", "list"))
    for order in desk.do("relief", "orders", "--incident", incident)["orders"]:
        if order["state"] != "picking":
            desk.do("relief", "order", order["order_id"], "--to", "cancelled", "--note", "测试")


def desk_at(home: Path, folder: Path) -> Desk:
    """Sit down at a copy of a home that may be changed."""
    return Desk(Path(shutil.copytree(home, folder)))


def flooded(desk: Desk, incident: str, footprint: Path, *more: str) -> None:
    """Declare an incident with a footprint and assess its impact."""
    desk.do("incident", "declare", f"测试{incident}", "--incident", incident, *more)
    desk.do("incident", "footprint", footprint, "--incident", incident)
    desk.do("incident", "impact", "--incident", incident)
