"""Which address a client is counted by, with and without proxies."""

import io

import pytest
from flask import Flask

from tests.http.attempts import use_up
from tests.support.client import Client, member
from tests.support.databases import one_database

pytestmark = one_database
one_proxy = pytest.mark.parametrize("environment", [{"TRUSTED_PROXIES": "1"}], indirect=True)


def forwarded(app: Flask, chain: str) -> list[int]:
    """Guess twice, each time with another X-Forwarded-For; return the statuses."""
    statuses = []
    for number in range(2):
        guesser = Client(app, f"person{number}@example.com", "wrong wrong wrong", ip="10.0.0.1")
        guesser.headers["X-Forwarded-For"] = chain.replace("#", str(number))
        statuses.append(guesser.log_in().status_code)
    return statuses


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


@one_proxy
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


@one_proxy
def test_a_port_reaches_neither_log_nor_sessions(app: Flask, log: io.StringIO) -> None:
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
    use_up(app, "10.0.0.1")
    use_up(app, "192.0.2.1")
    assert forwarded(app, chain) == [401, 401]


@one_proxy
@pytest.mark.parametrize(
    "address", ["unknown", "_hidden", "x" * 5000, "'; DROP TABLE users", "1.2.3.4:5678"]
)
def test_a_text_that_is_no_address_breaks_nothing(app: Flask, address: str) -> None:
    ada = Client(app)
    ada.headers["X-Forwarded-For"] = address
    ada.create_account()
    assert ada.log_in().status_code == 200
