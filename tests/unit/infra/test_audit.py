import ast
import json
import re
from collections.abc import Callable, Iterator
from itertools import chain

import pytest

from app.accounts.activity import Event
from app.errors import Refusal
from app.infra.audit import MAX_REFUSALS_PER_MINUTE, Audit, Client
from config import ROOT
from tests.support.clock import SettableClock
from tests.support.log import Log

HOSTILE = {
    "line-breaks": 'x\r\n{"event":"logged_in"}',
    "unicode-line-breaks": "x\u2028y\u2029z\x85",
    "terminal-escapes": "\x1b[2J\x1b[31m",
    "quotes": '","event":"logged_in","x":"',
    "nul": "a\0b",
    "lone-surrogate": "\ud800",
    "right-to-left": "\u202egpj",
}


@pytest.fixture
def log(log_of: Callable[[str], Log]) -> Log:
    return log_of("latchkey.audit")


def test_an_event_is_one_line_of_json(clock: SettableClock, log: Log) -> None:
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


def test_what_is_empty_is_left_out_and_zero_is_not(clock: SettableClock, log: Log) -> None:
    Audit(clock).record("user_disabled", user_id="", families=0)
    assert json.loads(log.lines()[0]) == {
        "ts": "2027-01-15T08:00:00Z",
        "event": "user_disabled",
        "families": 0,
    }


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_client_writes_a_line_of_its_own(text: str, clock: SettableClock, log: Log) -> None:
    Audit(clock).record("log_in_refused", Client("192.0.2.1", text))
    (line,) = log.lines()
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["event"] == "log_in_refused"
    assert json.loads(line)["user_agent"] == text


def test_the_mark_of_a_known_browser_is_not_written(clock: SettableClock, log: Log) -> None:
    Audit(clock).record("logged_in", Client(device="the-mark"))
    assert "the-mark" not in log.lines()[0]


def test_refusals_do_not_fill_the_disk(clock: SettableClock, log: Log) -> None:
    """Sixty a minute are written of each kind; a later line counts the others."""
    audit = Audit(clock)

    def refuse(reason: str, times: int) -> list[dict[str, str | int]]:
        before = len(log.lines())
        for _ in range(times):
            audit.refused("token_refused", Client("192.0.2.1"), reason)
        return [json.loads(line) for line in log.lines()[before:]]

    assert len(refuse("signature", MAX_REFUSALS_PER_MINUTE + 40)) == MAX_REFUSALS_PER_MINUTE == 60
    # What somebody hides behind the noise is of another kind, and is written.
    (theft,) = refuse("denied", 1)
    said = (theft["event"], theft["reason"], theft["ip"])
    assert said == ("token_refused", "denied", "192.0.2.1")
    clock.forward(59)
    assert refuse("signature", 2) == []
    clock.forward(1)
    first, second = refuse("signature", 2)
    assert first["left_out"] == 42
    assert "left_out" not in second
    clock.forward(60)
    assert "left_out" not in refuse("signature", 1)[0]
    # A clock that was set back begins a minute anew, and hides nothing for long.
    clock.forward(-3600)
    assert len(refuse("signature", 1)) == 1


def events() -> Iterator[str]:
    """Name every event that the code records."""
    folders = (ROOT / "app" / name for name in ("auth", "mail", "web", "server"))
    for path in chain.from_iterable(folder.glob("*.py") for folder in folders):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name(id="Event"), attr=name):
                    yield Event[name]
                case ast.Call(
                    func=ast.Attribute(attr="record" | "refused"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    yield name
                case ast.Call(
                    func=ast.Name(id="_commit" | "_deny"),
                    args=[_, ast.Constant(value=str(name)), *_],
                ):
                    yield name
    kinds = [Refusal]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.event and kind.__module__ == "app.errors":
            yield kind.event


def test_operators_are_told_of_every_event_and_of_no_other() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", page.partition("## The log")[2], re.MULTILINE)
    told = re.findall(r"\w+", " ".join(rows))
    assert len(told) == len(set(told))
    assert set(told) == set(events())
