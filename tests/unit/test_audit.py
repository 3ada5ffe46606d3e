from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.audit import Audit, Client

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.parts import Log, SetClock

HOSTILE = {
    "line-breaks": 'x\r\n{"event":"logged_in"}',
    "unicode-line-breaks": "x\u2028y\u2029z\x85",
    "terminal-escapes": "\x1b[2J\x1b[31m",
    "quotes": '","event":"logged_in","x":"',
    "nul": "a\0b",
    "lone-surrogate": "\ud800",
    "right-to-left": "\u202egpj",
}


def test_an_event_is_one_line_of_json(clock: SetClock, log_of: Callable[[str], Log]) -> None:
    """The time, the event, its fields and who asked, by name."""
    log = log_of("latchkey.audit")
    client = Client("192.0.2.1", "Firefox", "00ff", "mark")
    Audit(clock).record("logged_in", client, user_id="u1", families=3)
    assert json.loads(log.lines()[0]) == {
        "ts": "2027-01-15T08:00:00Z",
        "event": "logged_in",
        "user_id": "u1",
        "families": 3,
        "request_id": "00ff",
        "ip": "192.0.2.1",
        "user_agent": "Firefox",
    }


def test_what_is_empty_is_left_out_and_zero_is_not(
    clock: SetClock, log_of: Callable[[str], Log]
) -> None:
    """A line has no empty fields; a count of none is a fact."""
    log = log_of("latchkey.audit")
    Audit(clock).record("user_disabled", user_id="", families=0)
    assert json.loads(log.lines()[0]) == {
        "ts": "2027-01-15T08:00:00Z",
        "event": "user_disabled",
        "families": 0,
    }


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_client_writes_a_line_of_its_own(
    text: str, clock: SetClock, log_of: Callable[[str], Log]
) -> None:
    """Whatever a User-Agent holds stays inside its field, on one line of printable ASCII."""
    log = log_of("latchkey.audit")
    Audit(clock).record("log_in_refused", Client("192.0.2.1", text))
    (line,) = log.lines()
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["event"] == "log_in_refused"
    assert json.loads(line)["user_agent"] == text


def test_the_mark_of_a_known_browser_is_not_written(
    clock: SetClock, log_of: Callable[[str], Log]
) -> None:
    """What a browser could be recognised by is no business of the log's readers."""
    log = log_of("latchkey.audit")
    Audit(clock).record("logged_in", Client(device="the-mark"))
    assert "the-mark" not in log.lines()[0]
