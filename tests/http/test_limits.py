"""Limits: what can be tried how often, by whom, and who is not kept out by it."""

import pytest
from flask import Flask

from app.infra.buckets import REFRESHES
from app.infra.database import Database
from app.infra.throttle import Throttle
from tests.http.attempts import guess, throttled, use_up
from tests.support.app import services
from tests.support.busy import busy
from tests.support.client import EMAIL, NEW_PASSWORD, PASSWORD, Client, member, problem
from tests.support.databases import one_database
from tests.support.mail import registration_token

pytestmark = one_database


def test_guesses_at_one_account(app: Flask, ada: Client) -> None:
    """Five, then 429; the right password too, since an answer would tell it."""
    problem(guess(app, times=5), 401, "invalid_credentials")
    throttled(guess(app))
    throttled(Client(app).log_in())
    throttled(Client(app, ip="198.51.100.9").log_in())
    assert ada.me().status_code == 200
    assert ada.refresh().status_code == 200


def test_unknown_account_is_limited_alike(app: Flask, ada: Client) -> None:
    """Same number of tries, same answer: nothing tells whether there is an account."""
    for email in (ada.email, "nobody@example.com"):
        problem(guess(app, email, times=5), 401, "invalid_credentials")
    known, unknown = guess(app), guess(app, "nobody@example.com")
    assert abs(throttled(known) - throttled(unknown)) <= 2
    body, other = known.get_json(force=True), unknown.get_json(force=True)
    assert body | {"request_id": ""} == other | {"request_id": ""}


@pytest.mark.parametrize(
    "spellings",
    [
        ("ADA@EXAMPLE.COM", " ada@example.com", "Ada@example.com ", "\uff41da@example.com"),
        ("", "x y", "X Y", "  x\u00a0Y "),
    ],
)
def test_spelling_does_not_start_anew(app: Flask, spellings: tuple[str, ...]) -> None:
    """Case, space and Unicode form are counted together, for addresses that are none too."""
    base, *others = (s or "x y" for s in spellings)
    problem(guess(app, base, times=2), 401, "invalid_credentials")
    for one in others:
        problem(guess(app, one), 401, "invalid_credentials")
    throttled(guess(app, base))


def test_success_forgives(app: Flask, ada: Client) -> None:
    for _ in range(3):
        problem(guess(app, times=4), 401, "invalid_credentials")
        assert Client(app, ip="192.0.2.1").log_in().status_code == 200
    assert ada.alive()


def test_guesses_from_one_address(app: Flask) -> None:
    use_up(app, "192.0.2.1", 28)
    for email in ("first@example.com", "second@example.com"):
        problem(guess(app, email), 401, "invalid_credentials")
    throttled(guess(app, "one-more@example.com"))
    problem(guess(app, "another@example.com", ip="192.0.2.2"), 401, "invalid_credentials")


def test_own_success_does_not_wash_an_address_clean(app: Flask) -> None:
    """An attacker's own account is no way to reset what the address has used up."""
    member(app, "eve@example.com", ip="192.0.2.1")
    for _ in range(3):
        use_up(app, "192.0.2.1", 10)
        if _ < 2:
            eve = Client(app, "eve@example.com", ip="192.0.2.1")
            assert eve.log_in().status_code == 200
    throttled(guess(app, "one-more@example.com"))


def test_addresses_of_one_network(app: Flask) -> None:
    """An IPv6 visitor has 2**64 addresses and one count; an IPv4 address in IPv6 is itself."""
    for number in range(30):
        use_up(app, f"2001:db8::{number:x}", 1)
    throttled(guess(app, "a@example.com", ip="2001:db8:0:0:ffff::1"))
    problem(guess(app, "b@example.com", ip="2001:db8:0:1::1"), 401, "invalid_credentials")
    use_up(app, "192.0.2.7")
    throttled(guess(app, "c@example.com", ip="::ffff:192.0.2.7"))


def test_a_peer_without_an_address(app: Flask) -> None:
    """A unix socket names nobody, and is limited as one."""
    use_up(app, "")
    throttled(guess(app, "one-more@example.com", ip=""))


def test_owner_is_not_locked_out_by_a_stranger(app: Flask, ada: Client) -> None:
    """A browser in which the owner once logged in is counted apart."""
    ada.log_out()
    guess(app, times=6)
    throttled(guess(app))
    assert ada.log_in().status_code == 200
    throttled(guess(app))
    throttled(Client(app).log_in())


def test_blocked_address_locks_nobody_out(app: Flask, ada: Client) -> None:
    """What is refused for where it comes from is no attempt at the account it names."""
    use_up(app, "192.0.2.1")
    for _ in range(7):
        throttled(guess(app))
    assert Client(app, ip="198.51.100.7").log_in().status_code == 200
    assert ada.alive()


def never(*_: object) -> None:
    raise AssertionError


def test_blocked_address_costs_no_look_at_the_database(
    app: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network of a stranger is counted first; the account is neither read nor counted."""
    use_up(app, "192.0.2.1", 29)
    problem(guess(app), 401, "invalid_credentials")
    with monkeypatch.context() as patch:
        patch.setattr(Database, "read", never)
        patch.setattr(Throttle, "log_in", never)
        throttled(guess(app))
    assert ada.alive()


def test_costly_texts_are_refused_and_counted(app: Flask, thief: Client) -> None:
    """A password beyond the limit never reaches the hash, and its network is charged for it."""
    use_up(app, "127.0.0.1", 29)
    marks = "a" + "\u0344" * 10_000
    answer = Client(app, EMAIL, marks).log_in()
    problem(answer, 400, "invalid_request")
    throttled(Client(app, EMAIL, marks).log_in())
    body = {"email": marks, "password": PASSWORD}
    problem(thief.ask("POST", "/auth/login", body=body), 400, "invalid_request")
    problem(thief.ask_for_account(marks), 400, "invalid_request")
    newcomer = Client(app)
    token = registration_token(newcomer)
    newcomer.password = marks
    problem(newcomer.finish_account(token), 422, "weak_password")


def test_busy_comes_before_everything(
    app: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal for want of a place reads neither address nor account, and moves no count."""
    with busy(app):
        with monkeypatch.context() as patch:
            patch.setattr("app.auth.login.account_key", never)
            patch.setattr(Throttle, "_count", never)
            patch.setattr(Database, "read", never)
            refused = [ada.log_in() for _ in range(12)]
        newcomer = Client(app, "new@example.com")
        refused.append(newcomer.finish_account(registration_token(newcomer)))
        refused.append(ada.change_password(NEW_PASSWORD))
    for answer in refused:
        problem(answer, 503, "busy")
        assert int(answer.headers["Retry-After"]) > 0
    assert ada.alive()
    assert ada.log_in().status_code == 200


def test_refreshes_are_limited(ada: Client) -> None:
    """A loop is stopped, and the session goes on afterwards: the cookie was not spent."""
    throttle = services(ada.app).auth.throttle
    for _ in range(REFRESHES[0].amount):
        throttle.refresh(ada.session_id)
    answer = ada.refresh()
    throttled(answer)
    assert int(answer.headers["Retry-After"]) <= 61
    assert ada.me().status_code == 200
    assert ada.refresh_token
