"""Limits: what can be tried how often, by whom, and who is not kept out by it."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.accounts.known_browsers import LIFE_SECONDS
from app.auth import admin
from app.infra.buckets import REFRESHES, REGISTRATIONS
from app.infra.database import Database
from app.infra.throttle import Throttle
from app.web.cookies import DEVICE
from tests.support.app import services
from tests.support.busy import busy, strangers
from tests.support.client import EMAIL, NEW_PASSWORD, PASSWORD, Client, member, problem, program
from tests.support.clock import SettableClock
from tests.support.databases import one_database

pytestmark = one_database


@pytest.fixture
def environment(environment: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    """The environment, with proxies where a test asks for them."""
    return environment | getattr(request, "param", {})


def guess(app: Flask, email: str = EMAIL, times: int = 1, ip: str = "192.0.2.1") -> TestResponse:
    """Guess at an account from somewhere, in a browser that is not known; return the last."""
    for _ in range(times - 1):
        guess(app, email, ip=ip)
    return Client(app, email, "wrong wrong wrong", ip=ip).log_in()


def use_up(app: Flask, ip: str, times: int = 30) -> None:
    """Count that many guesses of an address, each at another account."""
    throttle = services(app).auth.throttle
    for number in range(times):
        throttle.log_in(f"{ip}-{number}@example.com", ip)


def throttled(answer: TestResponse) -> int:
    """Check that an answer is 429 and return when to come back."""
    problem(answer, 429, "too_many_attempts")
    assert "Set-Cookie" not in answer.headers
    seconds = int(answer.headers["Retry-After"])
    assert 0 < seconds <= 3600
    return seconds


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
    """Who knows the password in the end starts anew; the address is not charged for it."""
    for _ in range(3):
        problem(guess(app, times=4), 401, "invalid_credentials")
        assert Client(app, ip="192.0.2.1").log_in().status_code == 200
    assert ada.alive()


def test_guesses_from_one_address(app: Flask) -> None:
    """Thirty a minute over all accounts, then that address waits and another does not."""
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


def test_known_browser_is_limited_too(app: Flask, ada: Client) -> None:
    """Ten wrong ones; whoever stole the mark cannot guess for ever either."""
    for _ in range(10):
        problem(ada.log_in("wrong wrong wrong"), 401, "invalid_credentials")
    throttled(ada.log_in())
    assert Client(app).log_in().status_code == 200


def test_mark_of_a_browser_opens_one_account_only(app: Flask, ada: Client) -> None:
    """Neither another account's mark, nor a forged one, nor a refresh token counts apart."""
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
    """It opens nothing."""
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
    """Also where somebody kept a copy of the cookie beyond its Max-Age."""
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
    assert reborn.register().status_code == 201
    assert reborn.log_in().status_code == 200
    guess(app, times=6)
    ada.cookies[DEVICE] = former
    throttled(ada.log_in(NEW_PASSWORD))
    assert reborn.log_in().status_code == 200


def test_good_mark_is_kept(ada: Client) -> None:
    """A log-in in a known browser sends no other mark; so its count goes on."""
    former = ada.cookies[DEVICE]
    assert DEVICE not in ada.log_in().headers.get("Set-Cookie", "")
    assert ada.cookies[DEVICE] == former


def test_blocked_address_locks_nobody_out(app: Flask, ada: Client) -> None:
    """What is refused for where it comes from is no attempt at the account it names."""
    use_up(app, "192.0.2.1")
    for _ in range(7):
        throttled(guess(app))
    assert Client(app, ip="198.51.100.7").log_in().status_code == 200
    assert ada.alive()


def test_blocked_address_costs_no_look_at_the_database(
    app: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network of a stranger is counted first; the account is neither read nor counted."""

    def no(*_: object) -> None:
        raise AssertionError

    use_up(app, "192.0.2.1", 29)
    problem(guess(app), 401, "invalid_credentials")
    with monkeypatch.context() as patch:
        patch.setattr(Database, "read", no)
        patch.setattr(Throttle, "log_in", no)
        throttled(guess(app))
    assert ada.alive()


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
    """A stranger behind the same address does not keep the owner out."""
    use_up(app, "127.0.0.1")
    throttled(Client(app, "other@example.com", "wrong wrong wrong").log_in())
    assert ada.log_in().status_code == 200


def test_costly_texts_are_refused_and_counted(app: Flask, thief: Client) -> None:
    """A password beyond the limit never reaches the hash, and its network is charged for it."""
    use_up(app, "127.0.0.1", 29)
    marks = "a" + "\u0344" * 10_000
    answer = Client(app, EMAIL, marks).log_in()
    problem(answer, 400, "invalid_request")
    throttled(Client(app, EMAIL, marks).log_in())
    body = {"email": marks, "password": PASSWORD}
    problem(thief.ask("POST", "/auth/login", body=body), 400, "invalid_request")
    problem(thief.ask("POST", "/auth/register", body=body), 400, "invalid_request")
    body = {"email": EMAIL, "password": marks}
    problem(thief.ask("POST", "/auth/register", body=body), 422, "weak_password")


def test_busy_comes_before_everything(
    app: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal for want of a place reads neither address nor account, and moves no count."""

    def no(*_: object) -> None:
        raise AssertionError

    with busy(app), monkeypatch.context() as patch:
        patch.setattr("app.auth.login.account_key", no)
        patch.setattr(Throttle, "_count", no)
        patch.setattr(Database, "read", no)
        problem(ada.log_in(), 503, "busy")
        problem(Client(app, "new@example.com").register(), 503, "busy")
    assert ada.log_in().status_code == 200


def forwarded(app: Flask, chain: str) -> list[int]:
    """Guess twice, each time with another X-Forwarded-For; return the statuses."""
    thief = program(app)
    return [
        thief.ask(
            "POST",
            "/auth/login",
            headers={"X-Forwarded-For": chain.replace("#", str(number))},
            environ={"REMOTE_ADDR": "10.0.0.1"},
            body={"email": f"person{number}@example.com", "password": "wrong wrong wrong"},
        ).status_code
        for number in range(2)
    ]


@pytest.mark.parametrize(
    ("environment", "chain", "real"),
    [
        ({"TRUSTED_PROXIES": "0"}, "203.0.113.#", "10.0.0.1"),
        ({"TRUSTED_PROXIES": "1"}, "203.0.113.#, 192.0.2.1", "192.0.2.1"),
        ({"TRUSTED_PROXIES": "2"}, "203.0.113.#, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        # Fewer entries than proxies: the request came round them, so nothing is believed.
        ({"TRUSTED_PROXIES": "2"}, "203.0.113.#", "10.0.0.1"),
    ],
    indirect=["environment"],
)
def test_spoofed_addresses_are_one(app: Flask, chain: str, real: str) -> None:
    """What the client itself wrote into X-Forwarded-For makes no new visitor of it."""
    use_up(app, real, 29)
    assert forwarded(app, chain) == [401, 429]


@pytest.mark.parametrize("environment", [{"TRUSTED_PROXIES": "1"}], indirect=True)
@pytest.mark.parametrize(
    ("chain", "bucket"),
    [
        ("203.0.113.9:100#", "203.0.113.9"),
        ("[2001:db8::9]:100#", "2001:db8::9"),
        ("fe80::9%eth#", "fe80::9"),
        ("unknown-#", ""),
        ("_hidden#", "unknown"),
    ],
)
def test_what_a_proxy_adds_makes_no_new_visitor(app: Flask, chain: str, bucket: str) -> None:
    """A port is another one for each connection; what is no address is one visitor."""
    use_up(app, bucket, 29)
    assert forwarded(app, chain) == [401, 429]


@pytest.mark.parametrize("environment", [{"TRUSTED_PROXIES": "1"}], indirect=True)
def test_a_port_reaches_neither_log_nor_sessions(app: Flask, log: io.StringIO) -> None:
    """Audit record, list of sessions and limits name the same address."""
    ada = member(app)
    ada.headers["X-Forwarded-For"] = "[::ffff:203.0.113.9]:4711"
    assert ada.log_in().status_code == 200
    assert {session["ip"] for session in ada.sessions()} == {"203.0.113.9"}
    assert '"ip": "203.0.113.9"' in log.getvalue()
    assert "4711" not in log.getvalue()


@pytest.mark.parametrize(
    ("environment", "chain"),
    [
        ({"TRUSTED_PROXIES": "1"}, "192.0.2.1, 203.0.113.#"),
        ({"TRUSTED_PROXIES": "2"}, "192.0.2.1, 203.0.113.#, 10.0.0.2"),
    ],
    indirect=["environment"],
)
def test_visitors_behind_trusted_proxies_are_many(app: Flask, chain: str) -> None:
    """What the trusted proxy wrote down is who it was."""
    use_up(app, "10.0.0.1")
    use_up(app, "192.0.2.1")
    assert forwarded(app, chain) == [401, 401]


@pytest.mark.parametrize("environment", [{"TRUSTED_PROXIES": "1"}], indirect=True)
def test_address_that_is_none(app: Flask) -> None:
    """A proxy may write what it likes; it is kept short and breaks nothing."""
    thief = program(app)
    for address in ("unknown", "_hidden", "x" * 5000, "'; DROP TABLE users", "1.2.3.4:5678"):
        headers = {"X-Forwarded-For": address}
        body = {"email": EMAIL, "password": PASSWORD}
        assert thief.ask("POST", "/auth/register", headers=headers, body=body).status_code in {
            201,
            409,
        }
        answer = thief.ask("POST", "/auth/login", headers=headers, body=body)
        assert answer.status_code == 200


def test_registrations_are_limited(app: Flask) -> None:
    """Also those that fail: judging a password costs time, and nobody has paid for it yet."""
    thief = program(app)
    body = {"email": "new@example.com", "password": "short"}
    throttle = services(app).auth.throttle
    for _ in range(REGISTRATIONS[0].amount - 1):
        throttle.register("127.0.0.1")
    problem(thief.ask("POST", "/auth/register", body=body), 422, "weak_password")
    throttled(thief.ask("POST", "/auth/register", body=body))


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
