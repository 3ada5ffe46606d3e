"""POST /auth/register/finish: what a link opens, and what no link does."""

from typing import Any

import pytest
from flask import Flask

from app.accounts import queries as accounts
from app.accounts.password_login import PasswordLogin
from app.attacks.prover import Prover
from app.auth import admin
from app.infra.audit import Client as AuditClient
from app.mail import queries as mails_of
from app.mail.models import Kind
from tests.support.app import clock_of, services
from tests.support.at_once import at_once
from tests.support.busy import busy
from tests.support.client import (
    EMAIL,
    PASSWORD,
    SESSION_COOKIE,
    Client,
    claims,
    ended,
    member,
    problem,
    program,
    set_cookies,
)
from tests.support.databases import one_database
from tests.support.mail import mails, registration_token, token_in

DAY = 86400
BOB = "bob@example.com"


@pytest.fixture
def token(visitor: Client) -> str:
    return registration_token(visitor)


def account_of(app: Flask, email: str = EMAIL) -> str:
    found = services(app).database.read(accounts.find_by_email, email)
    return found.id if found else ""


def test_opens_the_account_and_logs_in(app: Flask, visitor: Client, token: str) -> None:
    answer = visitor.finish_account(token)
    assert answer.status_code == 201
    body = answer.get_json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "session", "user"}
    assert body["user"] == {"id": account_of(app), "email": EMAIL}
    assert body["token_type"] == "Bearer"
    assert set_cookies(answer)[0] == SESSION_COOKIE
    assert answer.headers["Cache-Control"] == "no-store"
    assert visitor.me().get_json()["email"] == EMAIL
    assert visitor.alive()
    assert mails(app) == []  # there is nothing to tell that the reader did not just do
    assert Client(app).log_in().status_code == 200


def test_the_owner_is_told(visitor: Client, token: str) -> None:
    visitor.finish_account(token)
    listed = visitor.protected("GET", "/auth/activity").get_json()["activity"]
    assert {item["event"] for item in listed} == {"registered", "logged_in"}
    assert {item["device"] for item in listed} == {"Firefox on Windows"}


def test_a_proof_binds_the_session(app: Flask, token: str) -> None:
    holder = Client(app, key=Prover())
    refused = holder.ask(
        "POST",
        "/auth/register/finish",
        {"token": token, "password": PASSWORD},
        {"DPoP": holder.proof("/auth/login")},
    )
    problem(refused, 400, "invalid_dpop_proof")
    stale = {"DPoP": holder.proof("/auth/register/finish", nonce="old")}
    body = {"token": token, "password": PASSWORD}
    problem(holder.ask("POST", "/auth/register/finish", body, stale), 400, "use_dpop_nonce")
    answer = holder.finish_account(token).get_json()
    assert answer["token_type"] == "DPoP"
    assert claims(answer["access_token"])["cnf"] == {"jkt": holder.key.thumbprint}
    assert holder.family().jkt == holder.key.thumbprint
    assert holder.alive()


def test_a_proof_works_once(app: Flask, visitor: Client, token: str) -> None:
    """The link stays usable, because nothing was opened."""
    visitor.email = BOB
    other = registration_token(visitor)
    holder = Client(app, key=Prover())
    proof = {"DPoP": holder.proof("/auth/register/finish")}
    path, body = "/auth/register/finish", {"token": token, "password": PASSWORD}
    assert holder.ask("POST", path, body, proof).status_code == 201
    again = holder.ask("POST", path, body | {"token": other}, proof)
    problem(again, 400, "invalid_dpop_proof")
    assert not account_of(app, BOB)
    assert holder.finish_account(other).status_code == 201


def test_this_browsers_former_session_ends(app: Flask, ada: Client) -> None:
    access, refresh = ada.access_token, ada.refresh_token
    newcomer = Client(app, BOB)
    newcomer.cookies = dict(ada.cookies)
    assert newcomer.finish_account(registration_token(newcomer)).status_code == 201
    problem(program(app).me(access), 401, "invalid_token")
    ended(program(app).refresh(refresh))
    assert newcomer.alive()


def test_a_link_works_once(app: Flask, visitor: Client, token: str) -> None:
    assert visitor.finish_account(token).status_code == 201
    problem(program(app).finish_account(token), 400, "invalid_link")
    problem(visitor.finish_account(token), 400, "invalid_link")
    assert visitor.alive()


def test_used_up_even_when_the_account_is_gone(app: Flask, visitor: Client, token: str) -> None:
    """A deleted address can register again, with a new link."""
    other = registration_token(visitor)
    visitor.finish_account(token)
    auth = services(app).auth
    admin.delete(auth, admin.find_user(auth, EMAIL))
    for old in (token, other):
        problem(visitor.finish_account(old), 400, "invalid_link")
    assert [message["Subject"] for message in mails(app)] == ["Your Latchkey account was deleted"]
    assert visitor.finish_account(registration_token(visitor)).status_code == 201


def test_used_up_while_the_password_was_hashed(
    app: Flask, visitor: Client, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another request, whose account is even gone again: the address is free, the link dead."""
    hash_new = PasswordLogin.hash_new

    def meanwhile(self: PasswordLogin, *args: Any) -> str:  # noqa: ANN401 - of the method
        monkeypatch.undo()
        assert program(app).finish_account(token).status_code == 201
        auth = services(app).auth
        admin.delete(auth, admin.find_user(auth, EMAIL))
        return hash_new(self, *args)

    monkeypatch.setattr(PasswordLogin, "hash_new", meanwhile)
    problem(visitor.finish_account(token), 400, "invalid_link")
    assert not account_of(app)
    assert not visitor.cookies


def test_the_first_finish_kills_every_other_link(app: Flask, visitor: Client, token: str) -> None:
    """Also one that has not been sent yet: its message is not sent any more."""
    second = registration_token(visitor)
    assert visitor.ask_for_account().status_code == 202
    assert visitor.finish_account(second).status_code == 201
    problem(
        program(app, password="another marble teapot").finish_account(token), 400, "invalid_link"
    )
    assert mails(app) == []
    assert visitor.alive()


def test_another_address_keeps_its_links(app: Flask, visitor: Client, token: str) -> None:
    bob = Client(app, BOB)
    other = registration_token(bob)
    assert visitor.finish_account(token).status_code == 201
    assert bob.finish_account(other).get_json()["user"]["email"] == BOB


@pytest.mark.parametrize("same_link", [True, False], ids=["one link", "two links"])
def test_twenty_at_once_open_one_account(
    app: Flask, visitor: Client, token: str, *, same_link: bool
) -> None:
    tokens = [token, token if same_link else registration_token(visitor)]
    people = [
        Client(app, password=f"quarry lantern umbrella {number}", ip=f"10.{number}.0.1")
        for number in range(20)
    ]
    answers = at_once(20, lambda number: people[number].finish_account(tokens[number % 2]))
    statuses = [answer.status_code for answer in answers]
    # Who finds no place for hashing is refused with 503 and may come again.
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 400, 503}
    assert {answer.get_json()["code"] for answer in answers if answer.status_code == 400} == {
        "invalid_link"
    }
    winner = people[statuses.index(201)]
    assert winner.alive()
    assert Client(app, password=winner.password).log_in().status_code == 200


@one_database
def test_no_place_for_hashing_leaves_the_link(app: Flask, visitor: Client, token: str) -> None:
    with busy(app):
        problem(visitor.finish_account(token), 503, "busy")
    assert visitor.finish_account(token).status_code == 201


@one_database
def test_without_a_link_nothing_is_hashed(app: Flask, visitor: Client) -> None:
    """A stranger finds no place to keep from others: the link is looked at first."""
    with busy(app):
        problem(visitor.finish_account("rubbish"), 400, "invalid_link")


@pytest.mark.parametrize("seconds", [DAY - 1, DAY])
def test_a_link_lives_for_a_day(app: Flask, visitor: Client, token: str, seconds: int) -> None:
    clock_of(app).forward(seconds)
    assert visitor.finish_account(token).status_code == (201 if seconds < DAY else 400)


def test_a_message_that_waited_has_a_fresh_link(app: Flask, visitor: Client) -> None:
    visitor.ask_for_account()
    clock_of(app).forward(80_000)
    token = token_in(mails(app)[0])
    clock_of(app).forward(DAY - 1)
    assert visitor.finish_account(token).status_code == 201


@one_database
def test_every_altered_character_is_noticed(app: Flask, visitor: Client, token: str) -> None:
    for at, char in enumerate(token):
        other = "1" if char != "1" else "2"
        altered = token[:at] + other + token[at + 1 :]
        problem(visitor.finish_account(altered), 400, "invalid_link")
    assert not account_of(app)
    assert visitor.finish_account(token).status_code == 201


@pytest.mark.parametrize("kind", [k for k in Kind if k != Kind.REGISTRATION])
@one_database
def test_a_link_of_another_kind_opens_no_account(app: Flask, ada: Client, kind: Kind) -> None:
    """Whatever a message to the same address is about."""
    auth = services(app).auth
    user = auth.database.read(accounts.find, ada.user_id)
    for about in (user, None):
        mail = auth.outbox.mail(kind, BOB, AuditClient(), about, suppressed=True)
        auth.database.write(mails_of.insert, mail)
        token = auth.links.token(mail, about, auth.clock.now())
        problem(Client(app, BOB).finish_account(token), 400, "invalid_link")
    assert not account_of(app, BOB)


@one_database
def test_a_registration_link_does_nothing_else(visitor: Client, token: str) -> None:
    for path, body in (
        ("/auth/reset/finish", {"token": token, "password": PASSWORD}),
        ("/auth/secure", {"token": token}),
    ):
        problem(visitor.ask("POST", path, body), 400, "invalid_link")
    assert visitor.finish_account(token).status_code == 201


@pytest.mark.parametrize("disabled", [False, True])
def test_an_account_made_meanwhile_is_not_touched(
    app: Flask, visitor: Client, token: str, *, disabled: bool
) -> None:
    """By an operator; also one that was disabled since: the address is not free."""
    ada = member(app)
    if disabled:
        auth = services(app).auth
        admin.disable(auth, admin.find_user(auth, EMAIL))
    visitor.password = "another marble teapot wanders"
    problem(visitor.finish_account(token), 400, "invalid_link")
    assert ada.log_in().status_code == (401 if disabled else 200)


def test_another_site_cannot_log_a_browser_in(app: Flask, token: str) -> None:
    """Login CSRF: the link of an attacker's account, sent by their page, begins no session."""
    victim = Client(app)
    body = {"token": token, "password": PASSWORD}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        answer = victim.ask("POST", "/auth/register/finish", body, headers)
        problem(answer, 403, "cross_origin")
        assert not victim.cookies
    assert victim.finish_account(token).status_code == 201


@one_database
def test_extra_fields_change_nothing(app: Flask, visitor: Client, token: str) -> None:
    """Mass assignment: what the caller may not set is not read."""
    extra = {"id": "A" * 22, "email": BOB, "disabled_at": 1, "is_admin": True, "remember": True}
    body = {"token": token, "password": PASSWORD, **extra}
    answer = visitor.ask("POST", "/auth/register/finish", body)
    assert answer.status_code == 201
    assert answer.get_json()["user"]["email"] == EMAIL
    assert answer.get_json()["user"]["id"] != "A" * 22
    assert not account_of(app, BOB)
    assert "Max-Age" not in answer.headers["Set-Cookie"]
