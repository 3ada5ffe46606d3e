"""The log of a whole day: every event is in it, and no secret."""

import io

from flask import Flask

from app.auth import admin
from tests.support.app import services
from tests.support.client import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    Client,
    member,
    other_browser,
    program,
)
from tests.support.clock import SettableClock
from tests.support.databases import one_database
from tests.support.log import records
from tests.support.mail import mails, token_in

EVENTS = {
    "user_created",
    "registration_requested",
    "mail_sent",
    "registered",
    "logged_in",
    "log_in_refused",
    "session_replaced",
    "refresh_refused",
    "token_refused",
    "logged_out",
    "logged_out_everywhere",
    "session_ended",
    "password_changed",
    "password_change_refused",
    "reauthenticated",
    "reauthentication_refused",
    "sessions_revoked",
    "user_disabled",
    "user_enabled",
    "user_deleted",
}


def register(tab: Client, email: str) -> set[str]:
    """Open an account by the forms; return what is secret of them."""
    asking = tab.open_form("/register")
    tab.send_form("/register", email=email, csrf_token=asking)
    (link,) = [token_in(message) for message in mails(tab.app) if message["To"] == email]
    tab.ask("GET", f"/register/finish?token={link}")
    choosing = tab.open_form("/register/finish")
    fields = {"token": link, "password": PASSWORD, "csrf_token": choosing}
    assert tab.send_form("/register/finish", **fields).status_code == 303
    # Without the MAC, the rest of the link only names the message, and so does the log.
    return {asking, choosing, link.rpartition(".")[2]}


def test_no_secret_in_the_log(app: Flask, clock: SettableClock, log: io.StringIO) -> None:
    secrets = {PASSWORD, NEW_PASSWORD, "wrong wrong wrong"}
    ada, thief = member(app), program(app)

    def note(actor: Client) -> None:
        secrets.update({actor.access_token, *actor.cookies.values()})

    note(ada)
    spent = ada.refresh_token
    ada.refresh()
    note(ada)
    ada.log_in("wrong wrong wrong")
    phone = other_browser(ada)
    note(phone)
    thief.refresh(spent)
    thief.refresh(spent + "x")
    thief.me(ada.access_token)
    thief.ask("GET", f"/api/me?access_token={ada.access_token}")
    ada.log_in()
    note(ada)
    ada.change_password(NEW_PASSWORD, current="wrong wrong wrong")
    ada.change_password(NEW_PASSWORD)
    note(ada)
    ada.reauthenticate("wrong wrong wrong")
    ada.reauthenticate()
    note(ada)
    phone.log_in(NEW_PASSWORD)
    note(phone)
    ada.protected("DELETE", f"/auth/sessions/{phone.session_id}")
    ada.log_out()
    ada.log_in()
    note(ada)
    ada.log_in()
    ada.protected("POST", "/auth/logout-everywhere")
    secrets |= register(phone, "bob@example.com")
    note(phone)
    clock.forward(86400)
    phone.refresh()
    auth = services(app).auth
    bob = admin.find_user(auth, "bob@example.com")
    admin.revoke_sessions(auth, bob)
    admin.disable(auth, bob)
    admin.enable(auth, bob)
    admin.delete(auth, bob)

    text = log.getvalue()
    for secret in secrets - {""}:
        assert secret not in text
        # Neither the part that makes a token worth having, nor its payload.
        for part in secret.split(".")[1:]:
            assert part not in text
    events = {record["event"] for record in records(log)}
    assert events == EVENTS
    assert "argon2" not in text


def test_hostile_words_stay_in_their_line(app: Flask, log: io.StringIO) -> None:
    """Line breaks, escapes and quotes in an e-mail or a browser's name forge no record."""
    agent = 'x", "event": "user_deleted'
    eve = Client(app, 'a"\r\n{"event": "user_deleted"}\x1b[2J\u2028@example.com', agent=agent)
    eve.ask_for_account()
    eve.log_in()
    member(app, agent=agent + "\u00e9\x1b[2J")
    assert [record["event"] for record in records(log)] == [
        "log_in_refused",
        "user_created",
        "logged_in",
    ]
    assert "\x1b" not in log.getvalue()


def test_a_record_names_session_address_and_request(ada: Client, log: io.StringIO) -> None:
    answer = ada.log_out()
    (record,) = records(log)
    assert record["event"] == "logged_out"
    assert record["sid"] == ada.session_id
    assert record["ip"] == "127.0.0.1"
    assert record["request_id"] == answer.headers["X-Request-Id"]
    assert record["ts"].endswith("Z")


def refused(log: io.StringIO) -> list[tuple[str, str]]:
    return [(line["event"], line["reason"]) for line in records(log) if "reason" in line]


@one_database
def test_every_refusal_at_the_door_is_written(
    app: Flask, ada: Client, thief: Client, log: io.StringIO
) -> None:
    thief.me(ada.access_token[:-8] + "AAAAAAAA")
    thief.ask("GET", "/api/me")
    thief.ask("GET", "/api/me", headers={"Authorization": f"DPoP {ada.access_token}"})
    evil = {"Origin": "https://evil.example"}
    thief.ask("POST", "/auth/refresh", headers=evil)
    thief.ask("POST", "/auth/refresh", headers={"Sec-Fetch-Site": "cross-site"})
    ada.ask("POST", "/auth/refresh", headers={"DPoP": "rubbish"})
    Client(app).send_form("/login", email=EMAIL, password=PASSWORD, csrf_token="rubbish")
    assert refused(log) == [
        ("token_refused", "signature"),
        ("token_refused", "missing"),
        ("token_refused", "scheme"),
        ("cross_origin_refused", "origin"),
        ("cross_origin_refused", "sec_fetch_site"),
        ("proof_refused", "not_compact"),
        ("form_refused", "csrf"),
    ]
    log.truncate(0)
    log.seek(0)
    ada.log_out()
    thief.me(ada.access_token)
    assert refused(log) == [("token_refused", "denied")]


@one_database
def test_limits_are_written_wherever_they_are_met(app: Flask, log: io.StringIO) -> None:
    guesser = Client(app, password="wrong wrong wrong")
    for _ in range(6):
        guesser.log_in()
    form = Client(app).send_form("/login", email=EMAIL, password=PASSWORD)
    assert form.status_code == 429
    assert refused(log) == [("limited", "limit_account")] * 2


def test_a_theft_is_written_however_often_dead_tokens_are_shown(
    app: Flask, ada: Client, log: io.StringIO
) -> None:
    """Who has a spent token of their own can neither fill the disk nor hide what follows."""
    phone, thief = other_browser(ada), program(app)
    for actor in (ada, phone):
        spent = actor.refresh_token
        actor.refresh()
        for _ in range(35):
            thief.refresh(spent)
    refused = records(log, "refresh_refused")
    assert {line["reason"] for line in refused} == {"reuse"}
    # The two that ended a family, and of the 68 that came after sixty.
    assert len(refused) == 2 + 60
    assert {line["sid"] for line in refused} == {ada.session_id, phone.session_id}
