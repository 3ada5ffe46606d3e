"""POST /auth/register: the answer, the work and the message for any address."""

import io
import re
from typing import Any

import pytest
from flask import Flask
from redis.connection import Connection as RedisConnection
from werkzeug.test import TestResponse

from app.accounts.models import User
from app.accounts.passwords import Passwords
from app.auth import admin
from app.infra.buckets import REGISTRATIONS
from tests.support.app import running, services
from tests.support.client import EMAIL, PASSWORD, Client, member, problem, program
from tests.support.databases import one_database
from tests.support.mail import mail, mails, registration_token, text_of
from tests.support.statements import statements

LOOK = {"message": "Look in your mail."}
NOBODY = "nobody@example.com"
VARIES = {"X-Request-Id", "Date", "DPoP-Nonce"}


def users(app: Flask) -> list[User]:
    with services(app).database.autocommit() as connection:
        return [User(*row) for row in connection.exec_driver_sql("SELECT * FROM users")]


def shown(answer: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return all of an answer that a client can compare."""
    headers = [(name, value) for name, value in answer.headers if name not in VARIES]
    return answer.status_code, answer.data, headers


def test_no_account_before_the_link(app: Flask, visitor: Client) -> None:
    answer = visitor.ask_for_account()
    assert (answer.status_code, answer.json) == (202, LOOK)
    assert not visitor.cookies
    assert users(app) == []
    link = mail(app)
    assert link["To"] == EMAIL
    assert link["Subject"] == "Finish creating your Latchkey account"
    text = " ".join(text_of(link).split())
    assert f"{services(app).settings.public_url}/register/finish?token=" in text
    assert "Firefox on Windows, network address 127.0.0.1" in text
    assert "works once, for one day" in text


def test_a_known_address_is_told_by_mail_alone(app: Flask, ada: Client, visitor: Client) -> None:
    assert visitor.ask_for_account().json == LOOK
    note = mail(app)
    assert note["To"] == EMAIL
    assert note["Subject"] == "You already have a Latchkey account"
    text, url = text_of(note), services(app).settings.public_url
    assert re.findall(r"https?://\S+", text) == [f"{url}/login", f"{url}/reset", url]
    assert "token" not in text
    html = note.get_body(("html",))
    assert html
    assert f'<a href="{url}/reset">' in html.get_content()
    assert ada.alive()


def test_the_answers_are_the_same_bytes(app: Flask, ada: Client) -> None:
    """For an account, a stranger, and an account that was disabled; also beyond every limit."""
    disabled = member(app, "eve@example.com")
    auth = services(app).auth
    admin.disable(auth, admin.find_user(auth, disabled.email))
    asked = [
        shown(Client(app, email).ask_for_account())
        for _ in range(7)
        for email in (ada.email, NOBODY, disabled.email)
    ]
    assert all(answer == asked[0] for answer in asked)


def test_a_disabled_account_keeps_its_address(app: Flask, ada: Client, visitor: Client) -> None:
    """A link would lead to a form that can only be refused."""
    auth = services(app).auth
    admin.disable(auth, admin.find_user(auth, ada.email))
    visitor.ask_for_account()
    assert mail(app)["Subject"] == "You already have a Latchkey account"


def test_the_work_is_the_same(
    app: Flask, ada: Client, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same statements, as many commands to Redis, and no password is hashed."""
    visitor.ask_for_account(NOBODY)  # opens the connections
    commands: list[str] = []
    send = RedisConnection.send_packed_command

    def note(self: RedisConnection, command: Any, **more: Any) -> None:  # noqa: ANN401 - redis-py's own
        commands.append("command")
        send(self, command, **more)  # type: ignore[no-untyped-call]  # redis-py's own

    monkeypatch.setattr(RedisConnection, "send_packed_command", note)
    monkeypatch.setattr(Passwords, "hash", None)
    monkeypatch.setattr(Passwords, "verify", None)
    seen = []
    for email in (ada.email, "bob@example.com"):
        commands.clear()
        with statements(app) as sent:
            assert visitor.ask_for_account(email).status_code == 202
        seen.append((sent, len(commands)))
    assert seen[0] == seen[1]
    assert [one.split()[0] for one in seen[0][0]] == ["SELECT", "INSERT"]
    assert "INSERT INTO mails" in seen[0][0][1]


@pytest.mark.parametrize("email", [EMAIL, NOBODY])
@pytest.mark.usefixtures("ada")
def test_three_messages_an_hour(app: Flask, visitor: Client, email: str) -> None:
    """Over that the answer is the same, and nothing is sent."""
    for _ in range(5):
        assert visitor.ask_for_account(email).json == LOOK
    assert len(mails(app)) == 3


def test_spellings_of_an_address_share_its_limit(app: Flask, visitor: Client) -> None:
    for email in (NOBODY, NOBODY.upper(), " Nobody@Example.com ", "\uff4eobody@example.com"):
        visitor.ask_for_account(email)
    assert len(mails(app)) == 3


def test_six_messages_a_day(app: Flask, visitor: Client) -> None:
    """Redis counts by its own clock, so an hour passes when its window is deleted."""
    redis, sent = services(app).redis, []
    for _ in range(4):
        for _ in range(3):
            visitor.ask_for_account(NOBODY)
        sent.append(len(mails(app)))
        (window,) = redis.scan_iter("*mail_registration*hour")
        redis.delete(window)
    assert sent == [3, 3, 0, 0]


def test_a_limit_of_one_address_is_not_anothers(app: Flask, visitor: Client) -> None:
    for email in [NOBODY] * 4 + ["bob@example.com"]:
        visitor.ask_for_account(email)
    told = sorted(message["To"] for message in mails(app))
    assert told == ["bob@example.com", *[NOBODY] * 3]


def test_the_network_is_limited(app: Flask) -> None:
    thief, throttle = program(app), services(app).auth.throttle
    for _ in range(REGISTRATIONS[0].amount - 1):
        throttle.register("127.0.0.1")
    assert thief.ask_for_account(NOBODY).status_code == 202
    refused = thief.ask_for_account("bob@example.com")
    problem(refused, 429, "too_many_attempts")
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert [message["To"] for message in mails(app)] == [NOBODY]


@one_database
@pytest.mark.parametrize(
    "email",
    [
        "ada",
        "ada@",
        "@example.com",
        "ada@example",
        "ada@localhost",
        "a b@example.com",
        "ada@exa mple.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@@example.com",
        "ada@[127.0.0.1]",
        "Ada <ada@example.com>",
        "a" * 250 + "@example.com",
        # Three code points each once folded: longer than an address may be, and than the column.
        "\u0390" * 115 + "@example.com",
        "ada@" + "a." * 126 + "com",
        "a" * 60_000,
        "deleted:abc",
    ],
)
def test_what_is_no_address_gets_no_mail(app: Flask, visitor: Client, email: str) -> None:
    problem(visitor.ask_for_account(email), 400, "invalid_request")
    assert mails(app) == []


@pytest.mark.parametrize(
    "spelling",
    ["ADA@EXAMPLE.COM", "Ada@Example.Com", "  ada@example.com ", "\uff41da\uff20example.com"],
)
def test_one_account_per_address(app: Flask, ada: Client, spelling: str) -> None:
    """A spelling of a known address is that address."""
    twin = Client(app, spelling)
    twin.ask_for_account()
    assert mail(app)["Subject"] == "You already have a Latchkey account"
    assert twin.log_in().get_json()["user"]["email"] == ada.email


def test_unicode_addresses(app: Flask) -> None:
    jose = Client(app, "jos\u00e9@b\u00fccher.example")
    assert jose.finish_account(registration_token(jose)).status_code == 201
    for spelling in ("jose\u0301@bu\u0308cher.example", "JOS\u00c9@xn--bcher-kva.example"):
        assert Client(app, spelling).log_in().status_code == 200


def test_extra_fields_change_nothing(app: Flask, visitor: Client) -> None:
    """Mass assignment, and a client of the release before: what is not asked for is not read."""
    body = {"email": EMAIL, "password": PASSWORD, "id": "A" * 22, "kind": "reset", "user_id": "x"}
    assert visitor.ask("POST", "/auth/register", body).json == LOOK
    assert users(app) == []
    problem(visitor.log_in(), 401, "invalid_credentials")


@one_database
@pytest.mark.usefixtures("valkey")
def test_without_mail_it_is_closed(environment: dict[str, str]) -> None:
    with running(environment, MAIL_URL="none") as app:
        visitor = Client(app)
        refused = problem(visitor.ask_for_account(), 403, "mail_off")
        assert refused["detail"].startswith("This site sends no mail.")
        problem(visitor.finish_account("x"), 403, "mail_off")


def test_the_record_has_no_address(app: Flask, ada: Client, log: io.StringIO) -> None:
    for email in (ada.email, NOBODY):
        Client(app, email).ask_for_account()
    lines = log.getvalue()
    assert lines.count('"event": "registration_requested"') == 2
    assert ada.email not in lines
    assert NOBODY not in lines
