"""The lock, pin by pin: what is locked, by which hashes, and which of it the product needs here."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
PRODUCT = "geo-minzheng"


@dataclass(frozen=True)
class Pin:
    """One line of the lock; a line that pins nothing has no version.

    Parameters
    ----------
    name, version
        The package; its name in the spelling that compares.
    marker
        For which Python and system; empty is for all.
    hashes
        SHA-256 of each file that may be installed.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def line(self) -> str:
        """The pin as a requirement, without its hashes."""
        return f"{self.name}=={self.version}" + (f" ; {self.marker}" if self.marker else "")

    @property
    def is_for_here(self) -> bool:
        """Whether this Python on this system installs it."""
        asked = Requirement(self.line).marker
        return asked is None or asked.evaluate()


def read_lock(path: Path = LOCK) -> list[Pin]:
    """Read every pin of a lock; what is neither a pin nor a comment comes back as a pin without a version."""
    text = re.sub(r"\\\n", " ", path.read_text(encoding="utf-8"))
    lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines()]
    return [_pin(line) for line in lines if line]


def _pin(line: str) -> Pin:
    words, *options = re.split(r"\s+--", line)
    hashes = tuple(o.removeprefix("hash=sha256:") for o in options if re.fullmatch(r"hash=sha256:[0-9a-f]{64}", o))
    try:
        asked = Requirement(words)
    except InvalidRequirement:
        return Pin(words, "", "", ())
    exact = [s.version for s in asked.specifier if s.operator == "==" and not s.version.endswith("*")]
    if len(exact) != 1 or len(asked.specifier) != 1 or asked.url:
        return Pin(words, "", "", ())
    marker = "" if asked.marker is None else str(asked.marker)
    return Pin(canonicalize_name(asked.name), exact[0], marker, hashes)


def needed(project: Path = ROOT / "pyproject.toml") -> set[str]:
    """Name every package the product needs here to run: its dependencies, and theirs, as installed."""
    asked = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["dependencies"]
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(line) for line in asked]
    while waiting:
        want = waiting.pop()
        name = canonicalize_name(want.name)
        for extra in ("", *want.extras):
            if (name, extra) not in found:
                found.add((name, extra))
                waiting += _of(metadata.requires(name) or [], extra)
    return {name for name, _ in found}


def _of(lines: Iterable[str], extra: str) -> list[Requirement]:
    wants = [Requirement(line) for line in lines]
    return [w for w in wants if w.marker is None or w.marker.evaluate({"extra": extra})]
