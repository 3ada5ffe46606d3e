"""The address of a deleted account registers again, and shares nothing with what was there."""

from collections.abc import Callable
from typing import Final

import pytest
from flask import Flask

from app.accounts import queries as accounts
from app.infra.audit import Client as AuditClient
from app.mail import queries as mails_of
from app.mail.models import Kind
from app.web.cookies import DEVICE
from tests.http.attempts import guess, throttled
from tests.support.app import services
from tests.support.client import EMAIL, NEW_PASSWORD, PASSWORD, Client, ended, member, problem
from tests.support.life import a_life
from tests.support.mail import mails, token_in
from tests.support.servers.valkey import ValkeyServer
from tests.support.traces import traces

ELSEWHERE: Final = "198.51.100.9"
Rebirth = Callable[[], Client]


@pytest.fixture
def rebirth(app: Flask, ada: Client) -> Rebirth:
    """A function that deletes the account and registers its address again, from elsewhere."""

    def begin_again() -> Client:
        assert ada.protected("DELETE", "/auth/account").status_code == 204
        return member(app, password=NEW_PASSWORD, ip=ELSEWHERE)

    return begin_again


def test_it_knows_nothing_of_the_former(
    app: Flask, ada: Client, thief: Client, rebirth: Rebirth
) -> None:
    """No activity, no notice of a theft, no session, no message, no id."""
    a_life(ada, thief)
    again = rebirth()
    assert again.user_id != ada.user_id
    assert again.session_id != ada.session_id
    assert again.protected("GET", "/auth/thefts").get_json() == {"thefts": []}
    happened = again.protected("GET", "/auth/activity").get_json()["activity"]
    assert [item["event"] for item in happened] == ["logged_in"]
    assert [session["id"] for session in again.sessions()] == [again.session_id]
    file = again.protected("GET", "/auth/export").get_json()
    # The last message about the former account waits at the address of this one.
    present = [one for one in file["messages"] if one["kind"] != Kind.ACCOUNT_DELETED]
    assert {message["ip"] for message in present} <= {ELSEWHERE}
    assert traces(services(app).database, ada.user_id) == []


def test_the_former_credentials_open_nothing(ada: Client, rebirth: Rebirth) -> None:
    access, refresh = ada.access_token, ada.refresh_token
    again = rebirth()
    problem(ada.ask("GET", "/auth/sessions", access=access), 401, "invalid_token")
    ended(ada.refresh(refresh))
    problem(ada.log_in(PASSWORD), 401, "invalid_credentials")
    assert again.alive()


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.PASSWORD_CHANGED])
def test_the_former_links_open_nothing(
    app: Flask, ada: Client, rebirth: Rebirth, kind: Kind
) -> None:
    """Neither as they were sent, nor with the row of their message written back."""
    own = services(app)
    user = own.auth.database.read(accounts.find, ada.user_id)
    mail = own.auth.outbox.mail(kind, EMAIL, AuditClient(), user, suppressed=True)
    own.auth.database.write(mails_of.insert, mail)
    token = own.auth.links.token(mail, user, own.auth.clock.now())
    again = rebirth()
    path, body = (
        ("/auth/reset/finish", {"token": token, "password": "a new one, long enough"})
        if kind == Kind.RESET
        else ("/auth/secure", {"token": token})
    )
    problem(ada.ask("POST", path, body), 400, "invalid_link")
    own.auth.database.write(
        mails_of.insert, mail
    )  # about an account that is not there: not stored
    problem(ada.ask("POST", path, body), 400, "invalid_link")
    assert traces(own.database, mail.id) == []
    assert again.alive()


def test_the_former_mark_is_a_strangers(app: Flask, ada: Client, rebirth: Rebirth) -> None:
    mark = ada.cookies[DEVICE]
    again = rebirth()
    guess(app, times=6)
    ada.cookies[DEVICE] = mark
    throttled(ada.log_in(NEW_PASSWORD))
    assert again.log_in().status_code == 200


def test_wrong_passwords_count_anew(app: Flask, ada: Client, rebirth: Rebirth) -> None:
    guess(app, times=6)
    throttled(Client(app, ip=ELSEWHERE).log_in())
    rebirth()
    assert Client(app, password=NEW_PASSWORD, ip=ELSEWHERE).log_in().status_code == 200
    assert ada.user_id


def test_exports_count_anew(ada: Client, rebirth: Rebirth) -> None:
    assert [ada.protected("GET", "/auth/export").status_code for _ in range(6)] == [200] * 5 + [
        429
    ]
    assert rebirth().protected("GET", "/auth/export").status_code == 200


def test_messages_to_the_address_count_on(
    app: Flask, ada: Client, thief: Client, rebirth: Rebirth, valkey: ValkeyServer
) -> None:
    """Otherwise a deletion would lift the limit, and somebody could fill a mailbox with them."""
    for _ in range(4):
        thief.ask("POST", "/auth/reset", {"email": EMAIL})
    assert len(mails(app)) == 3
    rebirth()
    mails(app)
    thief.ask("POST", "/auth/reset", {"email": EMAIL})
    assert mails(app) == []
    assert ada.user_id
    assert list(valkey.client.scan_iter("*mail_reset*"))
    assert not [key for key in valkey.client.scan_iter("*") if EMAIL in str(key)]


def test_a_link_to_the_next_account_is_not_the_formers(
    app: Flask, ada: Client, thief: Client, rebirth: Rebirth
) -> None:
    """Of two links, one from before and one from after, the later works."""
    thief.ask("POST", "/auth/reset", {"email": EMAIL})
    (former,) = mails(app)
    rebirth()
    mails(app)
    thief.ask("POST", "/auth/reset", {"email": EMAIL})
    (present,) = mails(app)
    for message, status in ((former, 400), (present, 204)):
        body = {"token": token_in(message), "password": PASSWORD}
        assert ada.ask("POST", "/auth/reset/finish", body).status_code == status
