"""What features add to the file: any number of rows, and all of it or no file."""

import io
import json
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from flask import Flask
from sqlalchemy import Connection, text

from app.accounts.activity import Event
from app.auth.export import export
from app.infra.audit import Client as AuditClient
from app.web.export_views import VIEWS
from config import Settings
from tests.support.app import services
from tests.support.client import Client, member, problem
from tests.support.clock import SettableClock
from tests.support.features import product
from tests.support.full_disk import full_disk

PATH: Final = "/auth/export"
Run = Callable[..., Client]


@pytest.fixture
def run(settings: Settings, clock: SettableClock) -> Iterator[Run]:
    """A function that runs a product with these features, and logs somebody in."""
    opened = []

    def start(**exports: Callable[[Connection, str], object]) -> Client:
        opened.append(product(settings, clock, **exports))
        return member(opened[-1].__enter__())

    yield start
    for one in opened:
        one.__exit__(None, None, None)


def features_of(ada: Client) -> Any:  # noqa: ANN401 - any JSON
    answer = ada.protected("GET", PATH)
    assert answer.status_code == 200
    return answer.get_json()["features"]


def events(app: Flask) -> set[str]:
    with services(app).database.autocommit() as connection:
        return set(connection.scalars(text("SELECT event FROM activity")))


def test_each_has_its_part(run: Run) -> None:
    """A dict, a list, an iterator, or nothing; a feature that exports nothing has none."""

    def plan(connection: Connection, user_id: str) -> dict[str, str]:
        assert connection.in_transaction()
        return {"plan": "free", "of": user_id}

    def notes(connection: Connection, user_id: str) -> Iterator[dict[str, str]]:
        statement = text("SELECT email FROM users WHERE id = :user")
        for (email,) in connection.execute(statement, {"user": user_id}):
            yield {"text": f"Buy tea, {email}."}

    ada = run(plan=plan, notes=notes, tags=lambda *_: [1, 2], none=lambda *_: None)
    assert features_of(ada) == {
        "plan": {"plan": "free", "of": ada.user_id},
        "notes": [{"text": "Buy tea, ada@example.com."}],
        "tags": [1, 2],
        "none": None,
    }


def broken(_connection: Connection, _user_id: str) -> object:
    raise RuntimeError("secret of the product")


def half(_connection: Connection, _user_id: str) -> Iterator[int]:
    yield 1
    raise OSError("no such file")


@pytest.mark.parametrize(
    "fails",
    [broken, half, lambda *_: datetime.now(UTC), lambda *_: [{"when": {1}}]],
    ids=["raises", "raises-midway", "a-time", "a-set"],
)
def test_one_that_fails_fails_it_all(
    run: Run, log: io.StringIO, fails: Callable[[Connection, str], object]
) -> None:
    """The owner is told so, the operator which one it was, and nothing is written down as done."""
    ada = run(fine=lambda *_: [1], notes=fails)
    answer = problem(ada.protected("GET", PATH), 500, "export_failed")
    assert "ask whoever runs this site" in answer["detail"]
    assert "secret" not in json.dumps(answer)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    (line,) = [line for line in lines if line.get("logger") == "latchkey.export"]
    assert line["message"].startswith("the feature 'notes' was not exported")
    assert line["request_id"] == answer["request_id"]
    assert Event.DATA_EXPORTED not in events(ada.app)


def test_a_database_that_refuses_fails_it_too(run: Run) -> None:
    """What is written is refused, or undone."""

    def write(connection: Connection, user_id: str) -> object:
        statement = text("UPDATE users SET email = 'other' WHERE id = :user")
        return connection.execute(statement, {"user": user_id}).rowcount

    ada = run(notes=write)
    assert ada.protected("GET", PATH).status_code in {200, 500}
    assert ada.me().get_json()["email"] == ada.email


def test_a_database_that_fails_is_said(run: Run) -> None:
    """As an outage where it may be one, else as a fault of the feature."""

    def wrong(connection: Connection, _user_id: str) -> object:
        return connection.execute(text("SELECT 1 FROM no_such_table")).all()

    ada = run(notes=wrong)
    answer = ada.protected("GET", PATH)
    code = answer.get_json()["code"]
    assert (answer.status_code, code) in {(503, "unavailable"), (500, "export_failed")}
    assert ada.alive()


def test_an_account_that_is_deleted_meanwhile_gives_no_file(run: Run) -> None:
    """The file is ready; but who asked for it is not there any more."""

    def slow(_connection: Connection, _user_id: str) -> object:
        assert ada.protected("DELETE", "/auth/account").status_code == 204
        return []

    ada = run(notes=slow)
    problem(ada.protected("GET", PATH), 401, "invalid_token")
    assert events(ada.app) == set()


def many(_connection: Connection, _user_id: str) -> Iterator[dict[str, str]]:
    """Ten thousand notes of 2,000 letters."""
    for number in range(10_000):
        yield {"id": f"note {number}", "text": "\N{BALLOT X}" * 2000}


def test_its_size_is_no_matter_of_memory(run: Run) -> None:
    """60 MB: whoever has so much gets it, and others do not notice."""
    ada = run(notes=many)
    auth = services(ada.app).auth
    tracemalloc.start()
    with export(auth, ada.user_id, ada.session_id, AuditClient(), VIEWS) as file:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5_000_000
        assert sum(len(part) for part in iter(lambda: file.read(1 << 20), b"")) > 60_000_000
    assert len(features_of(ada)["notes"]) == 10_000


def test_a_full_disk_is_said(run: Run, log: io.StringIO) -> None:
    ada = run(notes=many)
    with full_disk(8_000_000):
        answer = ada.protected("GET", PATH)
    problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "the data was not exported: File too large" in log.getvalue()
    assert Event.DATA_EXPORTED not in events(ada.app)


def test_nothing_of_it_stays_on_the_disk(
    run: Run, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("exports")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))

    def look(connection: Connection, user_id: str) -> Iterator[object]:
        yield from many(connection, user_id)
        seen.append(list(folder.iterdir()))

    seen: list[object] = []
    ada = run(notes=look)
    assert ada.protected("GET", PATH).status_code == 200
    assert seen == [[]]
    assert list(folder.iterdir()) == []
