"""Start the limited worker on a copy of a foreign file and watch over it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import geo_minzheng
from geo_minzheng.errors import InputError
from geo_minzheng.layers import sandbox
from geo_minzheng.layers.detect import Limits

_TICK_S = 0.02
_START = (
    "import sys, json, pathlib; sys.path[:] = json.loads(sys.argv[1]); "
    "from geo_minzheng.layers.worker import main; sys.exit(main(pathlib.Path(sys.argv[2])))"
)
_MESSAGES = {-9: "worker_memory", -14: "worker_time", -24: "worker_time", -25: "worker_output"}


@dataclass(frozen=True)
class Job:
    """What the worker is asked to do.

    Parameters
    ----------
    task
        Name of a task of the worker.
    source
        Foreign file, or ``None`` for a drill.
    limits
        What the worker may take.
    beside
        Further files that belong to the source, copied with it.
    drivers
        GDAL drivers that the worker's GDAL knows.
    suffix
        Suffix of the copy; the source's own when empty.
    parameters
        Further words for the task.
    """

    task: str
    source: Path | None = None
    limits: Limits = field(default_factory=Limits)
    beside: tuple[Path, ...] = ()
    drivers: tuple[str, ...] = ()
    suffix: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


def _stage(job: Job, folder: Path) -> None:
    """Copy the file under a neutral name: no foreign name and no foreign neighbour reaches a library."""
    order: dict[str, Any] = {"task": job.task, "limits": asdict(job.limits), **job.parameters}
    if job.source is not None:
        order["input"] = "input" + (job.suffix or job.source.suffix.lower())
        try:
            shutil.copyfile(job.source, folder / order["input"])
            for part in job.beside:
                shutil.copyfile(part, folder / f"input{part.suffix.lower()}")
        except OSError as error:
            raise InputError("layers.file_unreadable", file=job.source.name) from error
    (folder / "job.json").write_text(json.dumps(order), encoding="utf-8")


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * 4096


def _watch(process: subprocess.Popen[bytes], limits: Limits) -> tuple[int, str]:
    """Wait for the end, or end it: returns the exit code and which limit was met."""
    ticks = int((limits.wall_s + 2) / _TICK_S)
    for _ in range(ticks):
        try:
            return process.wait(timeout=_TICK_S), ""
        except subprocess.TimeoutExpired:
            if _resident(process.pid) > limits.rss_bytes:
                process.kill()
                process.wait()
                return -9, "worker_memory"
    process.kill()
    process.wait()
    return -9, "worker_time"


def _start(job: Job, folder: Path, extra_drivers: tuple[str, ...]) -> dict[str, Any]:
    room = Path(geo_minzheng.__file__).resolve().parent.parent
    search = json.dumps([str(room), *(p for p in sys.path if p)])
    command = [sys.executable, "-I", "-S", "-c", _START, search, str(folder)]
    environment = sandbox.gdal_environment(job.drivers, extra_drivers)
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=True,
    ) as process:
        try:
            code, met = _watch(process, job.limits)
        except BaseException:
            process.kill()
            raise
    answer = folder / "answer.json"
    if code == 0 and answer.exists():
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return found
    facts = {"limit_mb": job.limits.rss_bytes // 1_000_000, "limit_s": job.limits.cpu_s, "code": code}
    return {"refusal": {"key": "layers." + (met or _MESSAGES.get(code, "worker_died")), "facts": facts}}


@contextmanager
def work(job: Job) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Do a job in the limited worker.

    Yields
    ------
    (folder, answer)
        Where the worker left its files, valid inside the block, and what it said.

    Raises
    ------
    InputError
        The worker refused the file, met a limit or died.
    """
    with tempfile.TemporaryDirectory(prefix="geo-minzheng-") as name:
        folder = Path(name)
        _stage(job, folder)
        answer = _start(job, folder, ())
        refusal = answer.get("refusal")
        if refusal and refusal["key"] == "layers.worker_drivers":
            # A newer GDAL brought a driver that the list does not know: start again without it.
            answer = _start(job, folder, tuple(refusal["facts"]["drivers"].split(",")))
            refusal = answer.get("refusal")
        if refusal:
            facts = {"file": job.source.name if job.source else "", **refusal["facts"]}
            raise InputError(refusal["key"], **facts)
        yield folder, answer["ok"]
