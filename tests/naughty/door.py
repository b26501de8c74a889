"""Hand a file in through the product's own door, the command line, and see what became of it."""

import ctypes
import hashlib
import json
import os
import socket
import sqlite3
import threading
import time
import traceback
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from geo_minzheng.layers import launch, worker

from .case import Bait

INCIDENT, VILLAGE_CODE = "20260703-01", "420703100001"
SLOWEST_S, LARGEST_KB = 60.0, 1_600_000


@dataclass(frozen=True)
class Outcome:
    """What one command said and did."""

    exit_code: int
    told: object
    spoken: str
    seconds: float
    crash: str = ""
    left: tuple = ()
    stored: int = 0
    memory_kb: int = 0
    reports: tuple = field(default=())

    @property
    def is_refused(self):
        return self.exit_code == 1

    @property
    def codes(self):
        if isinstance(self.told, dict):
            inner = [f["code"] for f in self.told.get("faults", [])]
            return {c.rpartition(".")[2] for c in (self.told["error"], *inner)} if "error" in self.told else set()
        faults = (f for report in self.told or () for f in report["faults"])
        return {f["code"] for f in faults if f["severity"] == "error"}


class Office:
    """A district's home that files are handed to."""

    def __init__(self, home):
        self.home = Path(home)
        self.scratch = self.home.parent / "new-district"

    def state(self):
        """Everything that is stored: rows of every table, and every file."""
        files = {}
        for path in sorted(p for folder in (self.home, self.scratch) for p in folder.rglob("*") if p.is_file()):
            if path.suffix not in (".gpkg-wal", ".gpkg-shm", ".lock", ".log"):
                files[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest() if path.suffix != ".gpkg" else ""
        with closing(sqlite3.connect(self.home / "district.gpkg")) as base:
            names = [
                n
                for (n,) in base.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'rtree_%'"
                )
            ]
            files |= {n: base.execute(f'SELECT count(*), max(rowid) FROM "{n}"').fetchone() for n in names}
            files["version"] = (
                base.execute("SELECT count(*), max(rowid) FROM audit").fetchone() if "audit" in names else None
            )
        return files

    def words(self, case, path):
        home = ("--json", "--home", str(self.home))
        if case.route == "footprint":
            return ["incident", "footprint", str(path), "--incident", INCIDENT, *self._crs(case), *home]
        if case.route == "district":
            return [
                "district",
                "create",
                "--osm",
                str(path),
                "--code",
                "990101",
                "--name",
                "测区",
                "--json",
                "--home",
                str(self.scratch),
            ]
        if case.route == "photo":
            return [
                "report",
                "submit",
                VILLAGE_CODE,
                "--incident",
                INCIDENT,
                "--photo",
                str(self.good_photo),
                "--photo",
                str(path),
                *home,
            ]
        if case.route == "cost":
            return ["welfare", "site", "--cost", str(path), "--p", "1", *home]
        if case.route == "weights":
            return ["welfare", "site", "--cost", str(self.good_cost), "--p", "1", "--weights", str(path), *home]
        if case.route == "cover":
            return ["welfare", "cover", "--covers", str(path), "--p", "1", "--weights", str(self.good_weights), *home]
        return ["layer", "import", case.layer, str(path), *self._crs(case), *case.options, *home]

    @staticmethod
    def _crs(case):
        return ("--crs", case.crs) if case.crs else ()

    def furnish(self, photo):
        """Lay good companions beside the bad files."""
        folder = self.home.parent / "good"
        folder.mkdir(exist_ok=True)
        self.good_photo, self.good_cost, self.good_weights = folder / "a.jpg", folder / "a.npy", folder / "w.npy"
        self.good_photo.write_bytes(photo)
        np.save(self.good_cost, np.array([[1.0, 2, 3]] * 3))
        np.save(self.good_weights, np.ones(3))

    def hand_in(self, case, path):
        """Run the real command in this process; whatever it raises is a crash."""
        from geo_minzheng.cli import frame
        from geo_minzheng.cli.main import app

        start = time.perf_counter()
        done = CliRunner().invoke(app, frame.hoist(self.words(case, path)))
        seconds = time.perf_counter() - start
        crash = ""
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            crash = "".join(traceback.format_exception(done.exception))
        told = None
        for line in reversed(done.stdout.split("\n")):
            if line.startswith(("[", "{")):
                try:
                    told = json.loads(line)
                except ValueError as error:
                    crash = crash or f"speaks no JSON: {error}: {line[:200]!r}"
                break
        reports = tuple(told) if isinstance(told, list) else ()
        stored = sum(r["stored"] for r in reports) if reports else int(done.exit_code == 0)
        return Outcome(done.exit_code, told, done.output, seconds, crash, stored=stored, reports=reports)


def judge(case, before, outcome, after):
    """List everything that is wrong with what became of one file; empty when it is as it must be."""
    wrong = []
    if outcome.crash:
        wrong.append("crash: " + outcome.crash.strip().splitlines()[-1])
    if outcome.exit_code not in (0, 1):
        wrong.append(f"exit {outcome.exit_code}")
    if outcome.seconds > SLOWEST_S:
        wrong.append(f"took {outcome.seconds:.0f} s")
    if outcome.is_refused and after != before:
        changed = [k for k in after.keys() | before.keys() if after.get(k) != before.get(k)]
        wrong.append(f"refused, yet changed: {changed[:4]}")
    if outcome.exit_code == 0 and case.kind in ("attack", "damage", "mistake"):
        wrong.append(f"{case.kind} accepted: {outcome.stored}")
    if case.kind == "harmless" and outcome.is_refused:
        wrong.append(f"harmless refused: {sorted(outcome.codes)}")
    if (
        case.kind == "harmless"
        and outcome.reports
        and sum(r["accepted"] + r["unchanged"] for r in outcome.reports) != case.rows
    ):
        wrong.append(
            f"{case.rows} rows expected, told {[{k: v for k, v in r.items() if k != 'faults'} for r in outcome.reports]}"
        )
    for report in outcome.reports:
        wrong += _judge_report(case, report, outcome)
    if outcome.is_refused and case.kind != "any" and case.codes and not outcome.codes & case.codes:
        wrong.append(f"refused for {sorted(outcome.codes)}, expected {sorted(case.codes)}")
    if (
        outcome.is_refused
        and not outcome.reports
        and not (isinstance(outcome.told, dict) and _names(outcome.told, case))
    ):
        wrong.append(f"does not say which file: {outcome.spoken[-300:]}")
    return wrong


def _names(told, case):
    sentences = [told.get("message", ""), told.get("message_en", "")]
    return all(s and (case.name in s or (case.route == "photo" and "2" in s)) and "{" not in s for s in sentences)


def _judge_report(case, report, outcome):
    sums = report["accepted"] + report["refused"] + report["ignored"] + report["unchanged"]
    if report["rows"] != sums:
        yield f"rows do not add up: {report['rows']} != {sums}"
    errors = [f for f in report["faults"] if f["severity"] == "error"]
    if outcome.is_refused != bool(errors):
        yield f"exit {outcome.exit_code} with {len(errors)} errors"
    if errors and report["stored"]:
        yield f"refused, yet stored {report['stored']}"
    if case.kind == "mistake" and not any(f["row"] is not None for f in errors):
        yield f"names no row: {[f['code'] for f in errors]}"
    for fault in report["faults"]:
        if fault["file"] != case.name:
            yield f"fault of another file: {fault['file']}"


@contextmanager
def reading(*, confined):
    """Let the worker's own reader run in this process where its start is not what is tried."""
    if confined:
        yield
        return

    real = launch._start

    def read_here(job, folder, extra):
        order = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        if order["task"] != "sheets" or order["format"] in ("zip", "shp"):
            return real(job, folder, extra)  # GDAL and osmium never run in this process
        return worker.run(order, folder)

    launch._start = read_here
    try:
        yield
    finally:
        launch._start = real


_IN_ACCESS, _IN_OPEN = 0x1, 0x20


@contextmanager
def watched(folder):
    """Lay out a file and a server that nothing may touch; yields the bait and a list of touches, filled at the end."""
    folder.mkdir(exist_ok=True)
    secret = folder / "secret.csv"
    secret.write_text("CANARY-7f3e,1\n", encoding="utf-8")
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK)
    assert watch >= 0 and libc.inotify_add_watch(watch, str(secret).encode(), _IN_OPEN | _IN_ACCESS) >= 0
    touches, stop = [], threading.Event()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        server.settimeout(0.2)

        def listen():
            while not stop.is_set():
                try:
                    caller, _ = server.accept()
                except TimeoutError:
                    continue
                touches.append("network")
                caller.close()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield Bait(str(secret), server.getsockname()[1]), touches
        finally:
            stop.set()
            listener.join()
            try:
                if os.read(watch, 4096):
                    touches.append("file")
            except BlockingIOError:
                pass
            os.close(watch)
