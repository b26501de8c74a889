"""Interrupt the command line at its work, as Ctrl-C does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geo_minzheng.cli import INTERRUPTED, STOPPED

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
# How long an interpreter takes to reach our first line is the machine's business: the clock starts there.
AT_WORK = "from geo_minzheng.cli import main; print('at work', flush=True); main()"


@dataclass(frozen=True)
class Stopped:
    """What an interrupted command said after its start, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def in_one_line(self) -> bool:
        return (self.code, self.out, self.err.strip()) == (INTERRUPTED, "", STOPPED.strip())


def interrupt(*words: object, after_s: float = 0.0, once: Callable[[], bool] = lambda: True) -> Stopped:
    """Start a command, and interrupt it so many seconds after it began to work and something is the case."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
    running = subprocess.Popen(
        [sys.executable, "-c", AT_WORK, *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=ROOT,
    )  # fmt: skip
    assert running.stdout is not None and running.stdout.readline() == "at work\n"
    while running.poll() is None and not once():
        time.sleep(0.01)
    time.sleep(after_s)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    return Stopped(running.returncode, out, err)
