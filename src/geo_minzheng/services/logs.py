"""The log of the served process: kept in the home, turned over at midnight, and free of people."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Mapping
from logging.handlers import TimedRotatingFileHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FOLDER, FILE = "logs", "geo-minzheng.log"
_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
# Our own log lines are English: Chinese in a line is data, which may be a name or a place. So are long numbers.
_PEOPLE = (
    (re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff·]+"), "[字]"),
    (re.compile(r"(?:\\u[3-9][0-9a-f]{3})+", re.I), "[字]"),
    (re.compile(r"(?:%[89a-f][0-9a-f])+", re.I), "[字]"),
    (re.compile(r"\bAGE-SECRET-KEY-1\w+", re.I), "[key]"),
    (re.compile(r"(?<![\w.])(?:\d[ -]?){16,18}[\dXx](?![\w])"), "[number]"),
    (re.compile(r"(?<![\w.])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\w)"), "[phone]"),
    (re.compile(r"(?<![\w.])0\d{2,3}[ -]?\d{7,8}(?!\w)"), "[phone]"),
)


def redact(line: str) -> str:
    """Take people out of a line: every Chinese word, id and account numbers, phones, keys."""
    for pattern, mark in _PEOPLE:
        line = pattern.sub(mark, line)
    return line


def _harmless(value: Any) -> Any:
    is_number = isinstance(value, int | float) and abs(value) < 10**9
    return value if is_number or value is None else redact(str(value))


def _record(*args: Any, **more: Any) -> logging.LogRecord:
    """Make the record of a line, of any library, with nobody in it."""
    record = logging.LogRecord(*args, **more)
    record.msg = redact(str(record.msg))
    if isinstance(record.args, Mapping):
        record.args = {name: _harmless(value) for name, value in record.args.items()}
    elif record.args:
        record.args = tuple(_harmless(value) for value in record.args)
    if record.exc_info and record.exc_info[0] is not None:
        record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
        record.exc_info = None
    return record


def start(home: Path, *, keep_days: int) -> Path:
    """Write every line of this process to the home's log, on the screen as in the file with nobody in it.

    Parameters
    ----------
    keep_days
        How many days of log are kept [d].
    """
    logging.setLogRecordFactory(_record)
    folder = home / FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / FILE
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h, TimedRotatingFileHandler)]:
        root.removeHandler(old)
        old.close()
    handler = TimedRotatingFileHandler(file, when="midnight", backupCount=keep_days, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("geo_minzheng").info("log started, kept %d days", keep_days)
    return file


def join(names: tuple[str, ...]) -> None:
    """Let loggers that keep to themselves, as the web framework's do, write to the same log."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, TimedRotatingFileHandler):
            for name in [n for n in logging.Logger.manager.loggerDict if n.startswith(names)]:
                logger = logging.getLogger(name)
                if not logger.propagate and handler not in logger.handlers:
                    logger.addHandler(handler)
