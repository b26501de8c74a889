"""The log of the served process: nobody is in it, on the screen neither, and it is kept as long as the policy says."""

from __future__ import annotations

import logging
import time

import pytest

from geo_minzheng.services import logs


@pytest.fixture
def log(tmp_path):
    root = logging.getLogger()
    kept = root.handlers[:], root.level, logging.getLogRecordFactory()
    yield logs.start(tmp_path, keep_days=3)
    for handler in [h for h in root.handlers if h not in kept[0]]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(kept[1])
    logging.setLogRecordFactory(kept[2])


PEOPLE = {
    "张三": "张三",
    "阿依古丽·买买提": "阿依古丽·买买提",
    "an id number": "420703199001011234",
    "an id number with X": "42070319900101123x",
    "a bank account": "6217 0028 7000 1234 567",
    "a phone": "13800138000",
    "a phone with its country": "+86 138 0013 8000",
    "a landline": "0711-3351234",
    "a name in an address": "%E5%BC%A0%E4%B8%89",
    "a name in a repr": "\\u5f20\\u4e09",
    "a secret": "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQ",
}


@pytest.mark.parametrize("what", PEOPLE.values(), ids=PEOPLE)
@pytest.mark.parametrize("way", ["message", "argument", "mapping", "object", "exception", "library"])
def test_no_person_comes_into_the_log_by_any_way(log, what, way, capsys):
    logger = logging.getLogger("library" if way == "library" else "geo_minzheng.test")
    screen = logging.StreamHandler()
    logger.addHandler(screen)
    try:
        if way == "message":
            logger.warning("report of " + what)
        elif way == "argument":
            logger.warning("report of %s at %d", what, 7)
        elif way == "mapping":
            logger.warning("report of %(who)s", {"who": what})
        elif way == "object":
            logger.warning("report of %s", ValueError({"who": what}))
        else:
            try:
                raise KeyError(what)
            except KeyError:
                logger.exception("failed")
    finally:
        logger.removeHandler(screen)
    told = log.read_text(encoding="utf-8") + capsys.readouterr().err
    assert what not in told and what.encode("unicode_escape").decode() not in told.replace("\\\\", "\\")
    assert "geo_minzheng" in told or "library" in told
    if way == "exception":
        assert "KeyError" in told and "test_logs.py" in told, "what a programmer needs is there"


def test_figures_and_codes_stay_readable():
    line = "audit 60123 head 0123456789abcdef in 420703100201 took 12.5 s, order 20260703-01/P2, 2026-07-03 22:30:00"
    assert logs.redact(line) == line


def test_a_planted_log_without_redaction_is_caught(tmp_path):
    record = logging.LogRecord("x", logging.INFO, "", 1, "report of %s", ("张三",), None)
    assert "张三" in logging.Formatter().format(record)


def test_it_turns_over_and_keeps_so_many(log):
    (handler,) = [h for h in logging.getLogger().handlers if getattr(h, "baseFilename", "") == str(log)]
    assert handler.when == "MIDNIGHT" and handler.backupCount == 3
    for day in range(6):
        logging.getLogger("geo_minzheng").info("day %d", day)
        handler.rolloverAt = int(time.time()) - 86_400 * (6 - day)
        handler.doRollover()
    logging.getLogger("geo_minzheng").info("today")
    kept = sorted(p.name for p in log.parent.iterdir())
    assert len(kept) == 4 and log.name in kept


def test_it_is_kept_for_six_months():
    from datetime import date

    from geo_minzheng.policy import load_policy
    from geo_minzheng.settings import data_dir

    for profile in ("seed_reference", "sample_2024"):
        policy = load_policy(data_dir("policy"), profile=profile, day=date(2026, 7, 3))
        assert policy.number("log.keep_days") >= 184


def test_a_framework_that_keeps_to_itself_joins(log):
    own = logging.getLogger("framework_of_pages.error_util")
    own.propagate = False
    logs.join(("framework_of_pages",))
    logs.join(("framework_of_pages",))
    own.error("Uncaught 张三")
    told = log.read_text(encoding="utf-8")
    assert told.count("Uncaught") == 1 and "张三" not in told
