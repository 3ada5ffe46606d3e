"""One file of all that is kept about a person, for that person alone."""

import io
import json
from typing import Any, Final

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts.activity import Event, activity
from app.accounts.models import users
from app.attacks.prover import Prover
from app.auth import export as story
from app.families.models import families
from app.infra.clock import rfc3339
from app.infra.database import metadata
from app.mail.models import mails
from tests.support.app import clock_of, services
from tests.support.client import EMAIL, Client, member, other_browser, problem
from tests.support.life import a_life
from tests.support.traces import traces

PATH: Final = "/auth/export"
HOUR: Final = 3600
# Of each table with something about a person, what is not in the file: secrets, what leads to one,
# and what is said otherwise.
LEFT_OUT: Final = {
    users: {"password_hash", "disabled_at", "deleted_at"},
    families: {"user_id", "jti", "previous_jti", "jkt", "burst_started_at"},
    activity: {"user_id"},
    mails: {"id", "user_id", "password_epoch"},
}


def ask(client: Client) -> TestResponse:
    return client.protected("GET", PATH)


def export(client: Client) -> dict[str, Any]:
    answer = ask(client)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def rows(app: Flask, table: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a table
    with services(app).database.autocommit() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def test_it_is_a_file_to_keep(ada: Client) -> None:
    answer = ask(ada)
    assert (
        answer.headers["Content-Disposition"] == 'attachment; filename="your-data-2027-01-15.json"'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert answer.mimetype == "application/json"
    assert answer.text.startswith('{\n  "exported_at": "2027-01-15T08:00:00Z",\n  "account": {')


def test_it_has_all_that_is_kept(app: Flask, ada: Client, thief: Client) -> None:
    """Each value of each column, but for those named above; nothing is in other tables."""
    a_life(ada, thief)
    own = services(app)
    tables = {trace.partition(".")[0] for trace in traces(own.database, ada.user_id, EMAIL)}
    assert tables == {table.name for table in LEFT_OUT}
    before = {table: rows(app, table) for table in LEFT_OUT}
    text = ask(ada).text
    for table, left_out in LEFT_OUT.items():
        columns = {column.name for column in table.columns}
        assert left_out <= columns
        for row in before[table]:
            if row.get("user_id", ada.user_id) == ada.user_id:
                for name in columns - left_out - {None}:
                    value = row[name]
                    at = name == "at" or name.endswith("_at") or name == "auth_time"
                    spelled = rfc3339(value) if at and value else value
                    assert value in {None, ""} or json.dumps(spelled) in text, (table.name, name)


def test_it_has_no_secret(app: Flask, ada: Client, thief: Client) -> None:
    a_life(ada, thief)
    bound = Client(app, password=ada.password, key=Prover())
    bound.log_in()
    secrets = {ada.access_token, ada.refresh_token, bound.access_token, bound.refresh_token}
    secrets |= set(ada.cookies.values()) | set(bound.cookies.values())
    for table, names in (
        (users, ["password_hash"]),
        (families, ["jti", "previous_jti", "jkt"]),
        (mails, ["id"]),
    ):
        secrets |= {row[name] for row in rows(app, table) for name in names} - {None}
    assert len(secrets) > 15
    text = ask(bound).text
    assert [secret for secret in secrets if secret in text] == []
    assert '"bound": true' in text
    assert "argon2" not in text


def test_it_has_nothing_of_others(app: Flask, ada: Client, thief: Client) -> None:
    bob = member(app, "bob@example.com")
    thief.ask("POST", "/auth/reset", {"email": bob.email})
    thief.ask("POST", "/auth/reset", {"email": "nobody@example.com"})
    text = ask(ada).text
    for of_bob in (bob.user_id, bob.email, bob.session_id, "nobody@example.com"):
        assert of_bob not in text
    assert bob.email in ask(bob).text


def test_what_was_mailed_to_the_address_before_is_in_it(app: Flask, visitor: Client) -> None:
    visitor.ask("POST", "/auth/reset", {"email": EMAIL})
    found = export(member(app))["messages"]
    assert {message["kind"] for message in found} == {"no_account", "new_browser"}
    assert {message["address"] for message in found} == {EMAIL}


def test_it_is_told_of(app: Flask, ada: Client, log: io.StringIO) -> None:
    """In the activity, and so in the next file, and in the audit record."""
    clock_of(app).forward(1)
    assert Event.DATA_EXPORTED not in {item["event"] for item in export(ada)["activity"]}
    clock_of(app).forward(1)
    last = export(ada)["activity"][-1]
    assert (last["event"], last["session_id"]) == (Event.DATA_EXPORTED, ada.session_id)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    told = [line for line in lines if line.get("event") == "data_exported"]
    assert [(line["user_id"], line["sid"]) for line in told] == [(ada.user_id, ada.session_id)] * 2
    assert "Data downloaded" in ada.protected("GET", "/fragments/activity").text


@pytest.mark.parametrize("who", ["ada", "holder"])
def test_it_needs_a_recent_password(app: Flask, request: pytest.FixtureRequest, who: str) -> None:
    person: Client = request.getfixturevalue(who)
    clock_of(app).forward(400)
    assert problem(ask(person), 401, "insufficient_user_authentication")["max_age"] == 300
    assert person.reauthenticate().status_code == 200
    assert export(person)["account"]["id"] == person.user_id


def test_it_is_limited_for_each_account(app: Flask, ada: Client) -> None:
    bob = member(app, "bob@example.com")
    assert [ask(ada).status_code for _ in range(5)] == [200] * 5
    refused = ask(other_browser(ada))
    problem(refused, 429, "too_many_attempts")
    assert 0 < int(refused.headers["Retry-After"]) <= HOUR
    assert ask(bob).status_code == 200


def test_a_process_makes_a_few_at_a_time(ada: Client) -> None:
    with story._place(), story._place():  # noqa: SLF001 - as two exports hold them
        problem(ask(ada), 503, "busy")
    assert ask(ada).status_code == 200


def test_a_head_has_no_body(ada: Client) -> None:
    answer = ada.protected("HEAD", PATH)
    assert (answer.status_code, answer.data) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100


def test_an_account_that_is_gone_gives_no_file(
    app: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token was accepted a moment before."""
    own = services(app)
    monkeypatch.setattr(type(own.denylist), "denied", lambda *_, **__: False)
    assert ada.protected("DELETE", "/auth/account").status_code == 204
    problem(ask(ada), 401, "invalid_token")
    assert metadata.tables["activity"] is activity
    assert rows(app, activity) == []
