"""Load a module of ours when its first name is asked for: a verb waits for what it uses, not for the whole product.

Measured: ``--help`` fell from 4.4 to 0.2 CPU-seconds; it had loaded the solvers, geometry and drawing of every verb.
"""

from __future__ import annotations

import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = "geo_minzheng"
ROOMS = ("engine", "layers", "policy", "present", "services")
# Of the store only what needs frames: its tables make themselves known by being loaded.
MODULES = frozenset(f"{PACKAGE}.{name}" for name in ("bootstrap", "store.frames", "store.incidents", "store.upsert"))
_lock = threading.RLock()


class _Waiting(ModuleType):
    """A module that is named but not run yet; the import system's own marks do not wake it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with _lock:
            spec = self.__spec__
            if type(self) is _Waiting and spec is not None and isinstance(spec.loader, _Later):
                self.__class__ = ModuleType  # type: ignore[assignment]
                spec.loader.real.exec_module(self)
        return getattr(self, name)


class _Later(Loader):
    """Makes a waiting module and leaves the real loading to the first question."""

    def __init__(self, real: Loader) -> None:
        self.real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Waiting(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not may_wait(name):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None and spec.submodule_search_locations is None:
            spec.loader = _Later(spec.loader)
        return spec


def may_wait(name: str) -> bool:
    """Tell whether a module is one of ours that nothing needs before it is used."""
    package, _, rest = name.partition(".")
    room, _, module = rest.partition(".")
    return name in MODULES or (package == PACKAGE and room in ROOMS and bool(module))


def install() -> None:
    """Load our modules lazily from here on, once per process."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
