"""How the program ends: misuse told in both languages, an interrupt in one line, a closed pipe in silence."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from geo_minzheng.cli import INTERRUPTED, STOPPED

MISUSE = 2
_MISUSE_ZH = {
    "NoSuchOption": "没有这个选项：{name}",
    "MissingParameter": "缺少 {name}",
    "BadParameter": "{name} 的值不对",
    "BadOptionUsage": "选项 {name} 用法不对",
}


class Program(TyperGroup):
    """The command line as a whole."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command line; leave with 0, 1 refused, 2 misuse, or 130 interrupted."""
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
            sys.stdout.flush()
        except typer.Abort:
            code = INTERRUPTED
        except SystemExit as end:
            # What prints the help leaves like this when nobody reads it any more.
            code = 0 if end.code == 1 else end.code
        except BrokenPipeError:
            code = 0
            _silence()
        except Exception as error:
            if getattr(error, "exit_code", None) != MISUSE:
                raise
            _tell_misuse(error)
            code = MISUSE
        if code == INTERRUPTED:
            sys.stderr.write(STOPPED)
        sys.exit(code if isinstance(code, int) else 0)


def _silence() -> None:
    """Nobody reads any more: what is left unsaid goes nowhere, and the end of the process does not complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell_misuse(error: Any) -> None:
    """Say what is wrong with the line, Chinese first, and where the help is."""
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(error.format_message() + "\n")
        return
    param = getattr(error, "param", None)
    name = getattr(error, "option_name", "") or (param.opts[0] if param is not None and param.opts else "")
    zh = _MISUSE_ZH.get(type(error).__name__, "{message}") if name else _unnamed(error.message)
    path = error.ctx.command_path if error.ctx is not None else "geo-minzheng"
    told = error.format_message().rstrip(".")
    sys.stderr.write(f"用法不对：{zh.format(name=name, message=told)}。用法见 {path} --help\n")
    sys.stderr.write(f"Misuse: {told}. See {path} --help\n")


def _unnamed(message: str) -> str:
    """Put what the library says without naming an option into Chinese; our own messages are in both languages."""
    return message.rstrip(".").replace("No such command", "没有这个命令").replace("Got unexpected extra", "多出来的")
