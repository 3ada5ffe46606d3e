"""POST /auth/email tells nobody which addresses have accounts."""

from typing import Any

import pytest
from flask import Flask
from redis.connection import Connection as RedisConnection
from werkzeug.test import TestResponse

from app.auth import admin
from tests.support.app import services
from tests.support.client import EMAIL, Client, member
from tests.support.email_change import address_of, ask_for, letters
from tests.support.mail import mails, text_of
from tests.support.statements import statements

BOB, EVE, NOBODY = "bob@example.com", "eve@example.com", "nobody@example.com"
VARIES = {"X-Request-Id", "Date", "DPoP-Nonce"}


@pytest.fixture(autouse=True)
def others(app: Flask, ada: Client) -> None:
    """Two accounts, of which one is disabled."""
    assert ada.alive()
    for email in (BOB, EVE):
        member(app, email)
    auth = services(app).auth
    admin.disable(auth, admin.find_user(auth, EVE))
    mails(app)


def shown(answer: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return all of an answer that a client can compare."""
    headers = [(name, value) for name, value in answer.headers if name not in VARIES]
    return answer.status_code, answer.data, headers


def test_the_answers_are_the_same_bytes(ada: Client) -> None:
    asked = [shown(ask_for(ada, email)) for email in (BOB, NOBODY, EVE)]
    assert asked[0] == asked[1] == asked[2]
    assert asked[0][0] == 202


def test_the_work_is_the_same(ada: Client, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same statements, and as many commands to Redis."""
    ask_for(ada, "first@example.com")  # opens the connections
    commands: list[str] = []
    send = RedisConnection.send_packed_command

    def note(self: RedisConnection, command: Any, **more: Any) -> None:  # noqa: ANN401 - redis-py's own
        commands.append("command")
        send(self, command, **more)  # type: ignore[no-untyped-call]  # redis-py's own

    monkeypatch.setattr(RedisConnection, "send_packed_command", note)
    seen = []
    for email in (BOB, NOBODY):
        commands.clear()
        with statements(app) as sent:
            assert ask_for(ada, email).status_code == 202
        seen.append((sent, len(commands)))
    assert seen[0] == seen[1]


def test_what_is_stored_of_the_caller_is_the_same(app: Flask, ada: Client) -> None:
    """The caller can download it."""
    seen = []
    for email in (BOB, NOBODY, EVE):
        ask_for(ada, email)
        mails(app)
        exported = ada.protected("GET", "/auth/export").get_json()
        found = [one for one in exported["messages"] if one["address"] == email]
        assert len(found) == 1
        seen.append([{**one, "address": "", "id": ""} for one in found])
    assert seen[0] == seen[1] == seen[2]


def test_an_account_is_told_by_mail_alone(app: Flask, ada: Client) -> None:
    ask_for(ada, BOB)
    found = letters(app)
    assert found.keys() == {EMAIL, BOB}
    assert found[BOB]["Subject"] == "This address has a Latchkey account already"
    words = " ".join(text_of(found[BOB]).split())
    assert "nothing was changed" in words
    assert "/email/confirm" not in words
    assert "token" not in words
    assert EMAIL not in words
    assert address_of(app, ada) == EMAIL
