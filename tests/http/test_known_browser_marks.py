"""The mark of a known browser: a place of its own, and no credential."""

from flask import Flask

from app.accounts.known_browsers import LIFE_SECONDS
from app.auth import admin
from app.web.cookies import DEVICE
from tests.http.attempts import guess, throttled, use_up
from tests.support.app import services
from tests.support.busy import strangers
from tests.support.client import EMAIL, NEW_PASSWORD, PASSWORD, Client, member, problem, program
from tests.support.clock import SettableClock
from tests.support.databases import one_database

pytestmark = one_database


def test_known_browser_is_limited_too(app: Flask, ada: Client) -> None:
    """Ten wrong ones; whoever stole the mark cannot guess for ever either."""
    for _ in range(10):
        problem(ada.log_in("wrong wrong wrong"), 401, "invalid_credentials")
    throttled(ada.log_in())
    assert Client(app).log_in().status_code == 200


def test_mark_of_a_browser_opens_one_account_only(app: Flask, ada: Client) -> None:
    eve = member(app, "eve@example.com")
    mark = eve.cookies[DEVICE]
    thief = program(app)
    guess(app, times=5)
    for value in (mark, mark + "x", "rubbish", "W10.x", ada.refresh_token, "\u00e9"):
        answer = thief.ask(
            "POST",
            "/auth/login",
            headers={"Cookie": f"{DEVICE}={value}"},
            body={"email": EMAIL, "password": PASSWORD},
        )
        throttled(answer)


def test_mark_alone_is_no_credential(app: Flask, ada: Client) -> None:
    mark = ada.cookies[DEVICE]
    thief = program(app)
    cookie = {"Cookie": f"{DEVICE}={mark}"}
    problem(thief.ask("POST", "/auth/refresh", headers=cookie), 401, "session_ended")
    problem(thief.ask("GET", "/api/me", headers=cookie), 401, "invalid_token")
    problem(thief.ask("GET", "/api/me", access=mark), 401, "invalid_token")


def test_mark_is_new_after_a_password_change(app: Flask, ada: Client) -> None:
    """The browser that changes it stays known; a mark from before is a stranger's."""
    former = ada.cookies[DEVICE]
    assert ada.change_password(NEW_PASSWORD).status_code == 200
    assert ada.cookies[DEVICE] != former
    guess(app, times=6)
    assert ada.log_in(NEW_PASSWORD).status_code == 200
    ada.cookies[DEVICE] = former
    throttled(ada.log_in(NEW_PASSWORD))


def test_mark_is_dead_after_half_a_year(app: Flask, ada: Client, clock: SettableClock) -> None:
    guess(app, times=6)
    assert ada.log_in().status_code == 200
    clock.forward(LIFE_SECONDS)
    throttled(ada.log_in())


def test_reborn_account_shares_nothing(app: Flask, ada: Client) -> None:
    """Neither marks nor attempts of a deleted account are those of its address's next owner."""
    former = ada.cookies[DEVICE]
    guess(app, times=6)
    throttled(guess(app))
    own = services(app)
    admin.delete(own.auth, admin.find_user(own.auth, EMAIL))
    reborn = Client(app, password=NEW_PASSWORD, ip="198.51.100.9")
    reborn.create_account()
    assert reborn.log_in().status_code == 200
    guess(app, times=6)
    ada.cookies[DEVICE] = former
    throttled(ada.log_in(NEW_PASSWORD))
    assert reborn.log_in().status_code == 200


def test_good_mark_is_kept(ada: Client) -> None:
    former = ada.cookies[DEVICE]
    assert DEVICE not in ada.log_in().headers.get("Set-Cookie", "")
    assert ada.cookies[DEVICE] == former


def test_mark_of_another_account_gives_no_place(app: Flask, ada: Client) -> None:
    """One account of one's own would give marks to any number of machines.

    Such a browser is a stranger: it waits in an open place, and its network is counted.
    """
    thief = member(app, "eve@example.com")
    assert thief.cookies[DEVICE]
    thief.email = ada.email
    thief.password = "wrong wrong wrong"
    with strangers(app):
        problem(Client(app, "eve@example.com").log_in(), 503, "busy")
        problem(thief.log_in(), 503, "busy")
        assert ada.log_in().status_code == 200
    problem(thief.log_in(), 401, "invalid_credentials")
    use_up(app, "127.0.0.1", 29)
    throttled(thief.log_in())
    assert ada.log_in().status_code == 200


def test_password_change_keeps_its_place(app: Flask, ada: Client) -> None:
    """Who has a session is no stranger, also without the mark, and while strangers wait."""
    del ada.cookies[DEVICE]
    with strangers(app):
        assert ada.change_password(NEW_PASSWORD).status_code == 200


def test_known_browser_at_a_blocked_address(app: Flask, ada: Client) -> None:
    use_up(app, "127.0.0.1")
    throttled(Client(app, "other@example.com", "wrong wrong wrong").log_in())
    assert ada.log_in().status_code == 200
