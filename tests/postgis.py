"""A private PostGIS cluster on 127.0.0.1 with a random port, stopped by its own process id."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from geo_minzheng.store.session import create_store

_NUMBERS = itertools.count(1)


def binaries() -> Path | None:
    """Where the server's programs are, newest first; ``None`` where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None


@dataclass(frozen=True)
class Cluster:
    """A running server; databases are copied from a template that holds an empty store."""

    port: int

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def run(self, statement: str, database: str = "postgres") -> None:
        where = {"host": "127.0.0.1", "port": self.port, "user": "postgres", "dbname": database}
        with psycopg.connect(**where, autocommit=True) as link:  # type: ignore[arg-type]
            link.execute(statement)  # type: ignore[arg-type]

    def empty_database(self) -> str:
        name = f"empty_{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def new_store(self) -> str:
        name = f"store_{next(_NUMBERS)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE empty_store")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.run(f"DROP DATABASE {url.rsplit('/', 1)[1]} WITH (FORCE)")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace"))
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="postgres", connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise RuntimeError("the private PostGIS cluster did not start")


def _run_cluster(folder: Path, programs: Path) -> Iterator[Cluster]:
    # initdb refuses to run as root; where we are root the server runs as the account its package made.
    other = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
    if other:
        shutil.chown(folder, "postgres", "postgres")
    data, log = folder / "data", folder / "log"
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **other)  # type: ignore[call-overload]
    port = _free_port()
    options = [
        "-c",
        "listen_addresses=127.0.0.1",
        "-c",
        f"unix_socket_directories={folder}",
        "-c",
        "max_connections=100",
    ]
    with log.open("wb") as out:
        command = [
            programs / "postgres",
            "-D",
            data,
            "-p",
            str(port),
            "-c",
            "fsync=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "autovacuum=off",
            "-c",
            "wal_level=minimal",
            "-c",
            "max_wal_senders=0",
            *options,
        ]
        server = subprocess.Popen(command, stdout=out, stderr=out, cwd=folder, **other)  # type: ignore[call-overload]
    try:
        _wait(port, server, log)
        cluster = Cluster(port)
        cluster.run("CREATE DATABASE empty_store")
        create_store(cluster.url("empty_store")).dispose()
        # A template of 25 MB is mostly reference systems nobody asks for.
        cluster.run("DELETE FROM spatial_ref_sys WHERE srid NOT IN (4326, 4490)", "empty_store")
        cluster.run("VACUUM FULL spatial_ref_sys", "empty_store")
        yield cluster
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(30)


@pytest.fixture
def server_url(postgis: Cluster) -> Iterator[str]:
    """An empty store on the cluster, gone after the test."""
    url = postgis.new_store()
    yield url
    postgis.drop(url)


@pytest.fixture(scope="session")
def postgis() -> Iterator[Cluster]:
    """The private cluster, started once per test process."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL with PostGIS is not installed: apt-get install postgresql postgresql-15-postgis-3")
    folder = Path(tempfile.mkdtemp(prefix="geo-minzheng-pg-"))
    try:
        yield from _run_cluster(folder, programs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
