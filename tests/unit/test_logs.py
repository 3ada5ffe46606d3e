from __future__ import annotations

import json
import logging
import sys

import pytest

from app import logs


def a_record(name: str, message: str, **extra: object) -> logging.LogRecord:
    """Build a record as a logger would."""
    return logging.getLogger(name).makeRecord(
        name, logging.ERROR, "file.py", 1, message, (), None, extra=extra
    )


def test_a_record_is_one_line_of_json() -> None:
    """Time, level, logger and message, by name."""
    record = a_record("latchkey.denylist", "redis is back")
    record.created = 1_800_000_000.9
    assert json.loads(logs.Lines().format(record)) == {
        "ts": "2027-01-15T08:00:00Z",
        "level": "error",
        "logger": "latchkey.denylist",
        "message": "redis is back",
    }


def test_a_record_names_the_request_it_belongs_to() -> None:
    """The number in a problem's body finds its line in the log."""
    line = json.loads(logs.Lines().format(a_record("latchkey", "crash", request_id="00ff")))
    assert line["request_id"] == "00ff"


def test_a_trace_stays_on_its_line() -> None:
    """An exception with line breaks in it makes no lines of its own."""
    record = a_record("latchkey", "unhandled error")
    try:
        int("one\ntwo\x1b[31m")
    except ValueError:
        record.exc_info = sys.exc_info()
    text = logs.Lines().format(record)
    assert text.isprintable()
    assert "\nValueError: " in json.loads(text)["trace"]


@pytest.mark.parametrize("message", ["a\r\nb", "\x1b[2J", "\u2028"])
def test_a_message_cannot_break_its_line(message: str) -> None:
    """Control characters in a message are escaped."""
    text = logs.Lines().format(a_record("latchkey", message))
    assert text.isprintable()
    assert json.loads(text)["message"] == message


def test_an_audit_line_is_passed_on_as_it_is() -> None:
    """It is JSON already."""
    line = '{"event": "logged_in"}'
    assert logs.Lines().format(a_record("latchkey.audit", line)) == line


def test_the_log_is_installed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many applications a process builds, a record is one line."""
    monkeypatch.setattr(logs, "ROOT_LOGGER", "latchkey-installed-here")
    logger = logging.getLogger("latchkey-installed-here")
    logs.install()
    logs.install()
    assert len(logger.handlers) == 1
    assert logger.level == logging.INFO
    assert not logger.propagate
