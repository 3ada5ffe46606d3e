"""POST /auth/logout and /auth/logout-everywhere."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.client import (
    CLEARED,
    Client,
    cookie_lines,
    ended,
    member,
    other_browser,
    problem,
)
from tests.support.clock import SettableClock


def logged_out(answer: TestResponse) -> None:
    """Check that an answer says so: 204, the cookie taken back, the storage emptied."""
    assert answer.status_code == 204
    assert answer.get_data() == b""
    assert cookie_lines(answer) == [CLEARED]
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("shown", ["cookie", "access", "both"])
def test_either_credential_ends_the_family(ada: Client, thief: Client, shown: str) -> None:
    phone = other_browser(ada)
    access, refresh = ada.access_token, ada.refresh_token
    cookie = refresh if shown != "access" else None
    token = access if shown != "cookie" else None
    logged_out(thief.ask("POST", "/auth/logout", cookie=cookie, access=token))
    problem(thief.me(access), 401, "invalid_token")
    ended(thief.refresh(refresh))
    assert phone.alive()


def test_nothing_to_end_is_no_fault(thief: Client) -> None:
    logged_out(thief.ask("POST", "/auth/logout"))
    logged_out(thief.ask("POST", "/auth/logout", cookie="rubbish", access="rubbish"))


def test_logging_out_is_idempotent(ada: Client) -> None:
    logged_out(ada.log_out())
    logged_out(ada.log_out())
    assert ada.refresh_token == ""


def test_expired_access_token_ends_nothing(
    ada: Client, thief: Client, clock: SettableClock
) -> None:
    """It opens nothing, so it shuts nothing; its owner still logs out by the cookie."""
    clock.forward(3600)
    problem(ada.me(), 401, "invalid_token")
    logged_out(thief.ask("POST", "/auth/logout", access=ada.access_token))
    assert ada.refresh().status_code == 200
    clock.forward(3600)
    kept = ada.refresh_token
    logged_out(ada.log_out())
    ended(thief.refresh(kept))


def test_with_expired_or_spent_refresh_token(
    ada: Client, thief: Client, clock: SettableClock
) -> None:
    """A cookie that is out of date names the family all the same."""
    old = ada.refresh_token
    clock.forward(3 * 3600)
    ada.refresh()
    clock.forward(10 * 3600)
    logged_out(thief.ask("POST", "/auth/logout", cookie=old))
    ended(ada.refresh())


def test_two_families_at_once(app: Flask, ada: Client, thief: Client) -> None:
    """A cookie of one and an access token of another: both were shown, both end."""
    bob = member(app, "bob@example.com")
    shown = {"cookie": ada.refresh_token, "access": bob.access_token}
    logged_out(thief.ask("POST", "/auth/logout", **shown))  # type: ignore[arg-type]
    problem(ada.me(), 401, "invalid_token")
    problem(bob.me(), 401, "invalid_token")


def test_forged_credentials_end_nothing(ada: Client, thief: Client) -> None:
    cookie, access = (
        f"{token.rpartition('.')[0]}.{'A' * 43}" for token in (ada.refresh_token, ada.access_token)
    )
    logged_out(thief.ask("POST", "/auth/logout", cookie=cookie, access=access))
    assert ada.alive()


def test_everywhere_ends_every_family_of_the_user(app: Flask, ada: Client, thief: Client) -> None:
    bob = member(app, "bob@example.com")
    phone, laptop = other_browser(ada), other_browser(ada)
    laptop.log_in(remember=True)
    logged_out(ada.protected("POST", "/auth/logout-everywhere"))
    for actor in (ada, phone, laptop):
        problem(thief.me(actor.access_token), 401, "invalid_token")
    for actor in (phone, laptop):
        ended(thief.refresh(actor.refresh_token))
    assert bob.alive()
    assert ada.log_in().status_code == 200
