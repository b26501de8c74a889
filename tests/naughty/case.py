"""What one file of the corpus is and what must become of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """One file with its expectation.

    ``attack`` and ``damage`` must be refused, ``mistake`` must be refused by its row, ``harmless`` is taken with
    ``rows`` rows whatever hides in it. Refusals give one of ``codes``, or any when there are none. ``route`` says
    through which door it comes in: ``layer footprint district photo cost weights cover``.
    """

    name: str
    data: bytes = field(repr=False)
    codes: frozenset = frozenset()
    kind: str = "attack"
    layer: str = "village_area"
    crs: str = ""
    rows: int = 0
    route: str = "layer"
    group: str = ""
    options: tuple = ()
    beside: tuple = ()


@dataclass(frozen=True)
class Bait:
    """What an attack would love to touch: a file and a server, both watched."""

    file: str = "/etc/passwd"
    port: int = 9

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/a.geojson"


def case(name, data, *codes, kind="attack", **more):
    data = data.encode() if isinstance(data, str) else data
    return Case(name, data, frozenset(codes), kind, **more)
