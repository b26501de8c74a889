"""The command line: thin adapters over the same services as the pages."""

import signal
import sys
from importlib import import_module

INTERRUPTED = 130
STOPPED = "\n已中断，未完成的部分没有保存。 Stopped; what was not finished is not stored.\n"


was_interrupted: list[bool] = []


def _interrupt(*_: object) -> None:
    """Remember the interrupt: inside a database callback the exception would come out as an error of the database."""
    was_interrupted.append(True)
    raise KeyboardInterrupt


def main() -> None:
    """Run the command line; an interrupt ends it in one line, however early it comes."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        import_module("geo_minzheng.cli.lazy").install()
        import_module("geo_minzheng.cli.main").run()
    except KeyboardInterrupt:
        sys.stderr.write(STOPPED)
        sys.exit(INTERRUPTED)
    finally:
        # What is done is done: an interrupt while the process clears up changes nothing any more.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
