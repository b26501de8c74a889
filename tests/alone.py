"""Run a command in a network namespace of its own: loopback is there, and nothing else.

``alone`` starts this file inside the new namespace; it brings loopback up, sees that nothing else is there, and becomes
the command. Where no namespace can be had the command does not run, and the test that asked fails.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

_SET_FLAGS, _IS_UP = 0x8914, 0x1


def alone(*command: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a command with loopback only; output as text."""
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    line = [*unshare, "--", sys.executable, __file__, *map(str, command)]
    return subprocess.run(line, capture_output=True, text=True, check=False, **more)


def ways_out() -> int:
    """Count what anybody in this namespace tried to send outside by IPv4 so far, as the kernel does.

    Not by IPv6: Chromium feels for it once per window, whatever page it shows.
    """
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:"))
    return int(dict(zip(names, values, strict=True))["OutNoRoutes"])


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        fcntl.ioctl(wire, _SET_FLAGS, struct.pack("16sh14x", b"lo", _IS_UP))


if __name__ == "__main__":
    _loopback_up()
    there = [name for _, name in socket.if_nameindex()]
    if there != ["lo"]:
        raise SystemExit(f"not alone: {there}")
    os.execvp(sys.argv[1], sys.argv[1:])
