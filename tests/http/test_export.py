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
# What the file says of each column of each table with something about a person. What is None is
# not in it: a secret, what leads to one, or the owner's own id.
COLUMNS: Final[dict[Any, dict[str, str | None]]] = {
    users: dict.fromkeys(("id", "email"), "")
    | dict.fromkeys(("created_at", "password_changed_at", "email_changed_at"), "")
    | dict.fromkeys(("password_hash", "disabled_at", "deleted_at")),
    families: {"family_id": "id", "auth_time": "authenticated_at", "amr": "authenticated_by"}
    | {"rotated_at": "refreshed_at", "generation": "refreshes", "retries": "repeated_refreshes"}
    | {"idle_expires_at": "idle_until", "absolute_expires_at": "expires_at"}
    | {"revoked_at": "ended_at", "revoked_reason": "ended_because", "revoked_ip": "ended_from"}
    | {"dismissed_at": "notice_dismissed_at"}
    | dict.fromkeys(("created_at", "last_used_at", "remembered", "ip", "user_agent"), "")
    | dict.fromkeys(("user_id", "jti", "previous_jti", "jkt", "burst_started_at")),
    activity: {"sid": "session_id", "session_user_agent": "ended_user_agent"}
    | dict.fromkeys(("id", "at", "event", "reason", "ip", "user_agent", "count"), "")
    | dict.fromkeys(("user_id",)),
    mails: {"failed_at": "given_up_at", "spent_at": "link_used_at"}
    | dict.fromkeys(("kind", "address", "ip", "user_agent", "created_at", "sent_at"), "")
    | dict.fromkeys(("next_try_at", "tries", "failure"), "")
    | dict.fromkeys(("id", "user_id", "password_epoch", "email_epoch")),
}
PARTS: Final = {families: "sessions", activity: "activity", mails: "messages"}


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


def spelled(row: dict[str, Any], columns: dict[str, str | None]) -> dict[str, Any]:
    """Return what the file says of a row."""
    times = {name for name in row if name == "at" or name.endswith("_at") or name == "auth_time"}
    row = row | ({"sid": row["sid"] or None} if "sid" in row else {})
    return {
        shown or name: (rfc3339(row[name]) if row[name] else None) if name in times else row[name]
        for name, shown in columns.items()
        if shown is not None
    }


def test_it_has_all_that_is_kept(app: Flask, ada: Client, thief: Client) -> None:
    """Each column of each row, but for those named above; nothing is in other tables."""
    a_life(ada, thief)
    found = traces(services(app).database, ada.user_id, EMAIL)
    assert {trace.partition(".")[0] for trace in found} == {table.name for table in COLUMNS}
    before = {table: rows(app, table) for table in COLUMNS}
    file = export(ada)
    for table, columns in COLUMNS.items():
        assert set(columns) == {column.name for column in table.columns}
        items = [file["account"]] if table is users else file[PARTS[table]]
        kept = [row for row in before[table] if ada.user_id in {row.get("user_id"), row.get("id")}]
        assert len(items) == len(kept)
        for row in kept:
            expected = spelled(row, columns)
            assert any(expected.items() <= item.items() for item in items), (expected, items)


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
