import json
import logging
import sys

import pytest

from app.infra import logs


def a_record(name: str, message: str, **extra: object) -> logging.LogRecord:
    return logging.getLogger(name).makeRecord(
        name, logging.ERROR, "file.py", 1, message, (), None, extra=extra
    )


def a_failure(message: str) -> logging.LogRecord:
    def fail() -> None:
        raise ValueError(message)

    record = a_record("latchkey", "unhandled error")
    try:
        fail()
    except ValueError:
        record.exc_info = sys.exc_info()
    return record


def test_a_record_is_one_line_of_json() -> None:
    record = a_record("latchkey.denylist", "redis is back")
    record.created = 1_800_000_000.9
    assert json.loads(logs.JsonLines().format(record)) == {
        "ts": "2027-01-15T08:00:00Z",
        "level": "error",
        "logger": "latchkey.denylist",
        "message": "redis is back",
    }


def test_a_record_names_the_request_it_belongs_to() -> None:
    line = json.loads(logs.JsonLines().format(a_record("latchkey", "crash", request_id="00ff")))
    assert line["request_id"] == "00ff"


def test_a_trace_stays_on_its_line() -> None:
    text = logs.JsonLines().format(a_failure("one\ntwo\x1b[31m"))
    assert text.isprintable()
    assert "\nValueError: " in json.loads(text)["trace"]


@pytest.mark.parametrize("message", ["a\r\nb", "\x1b[2J", "\u2028"])
def test_control_characters_cannot_break_a_line(message: str) -> None:
    text = logs.JsonLines().format(a_record("latchkey", message))
    assert text.isprintable()
    assert json.loads(text)["message"] == message


def test_a_trace_has_a_limit() -> None:
    """Its beginning and its end are kept."""
    trace = json.loads(logs.JsonLines().format(a_failure("x" * 60_000 + " the end")))["trace"]
    assert len(trace) < logs.MAX_TRACE + 20
    assert trace.startswith("Traceback")
    assert trace.endswith(" the end")


def test_one_error_does_not_fill_the_log() -> None:
    """Sixty lines a minute are written of each kind; the next one counts the others."""
    bound = logs.ErrorLimit()

    def written(record: logging.LogRecord, after: float) -> bool:
        record.created = 1_800_000_000 + after
        return bool(bound.filter(record))

    assert sum(written(a_failure(f"no {number}"), number / 10) for number in range(500)) == 60
    assert written(a_record("latchkey", "another error"), 50)
    assert sum(written(a_record("latchkey", "database failed: %s"), 50) for _ in range(99)) == 60
    record = a_failure("again")
    assert written(record, 60)
    assert json.loads(logs.JsonLines().format(record))["left_out"] == 440
    warning = a_record("latchkey", "redis is away")
    warning.levelno = logging.WARNING
    assert all(written(warning, 61) for _ in range(99))


def test_an_audit_line_is_passed_on_as_it_is() -> None:
    line = '{"event": "logged_in"}'
    assert logs.JsonLines().format(a_record("latchkey.audit", line)) == line


def test_the_log_is_installed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "ROOT_LOGGER", "latchkey-installed-here")
    logger = logging.getLogger("latchkey-installed-here")
    logs.install()
    logs.install()
    assert len(logger.handlers) == 1
    assert [type(one) for one in logger.handlers[0].filters] == [logs.ErrorLimit]
    assert logger.level == logging.INFO
    assert not logger.propagate
