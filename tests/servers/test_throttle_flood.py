"""Floods of log-ins: some are turned away, and nobody else is kept out by them."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest

from tests.support.accounts import create_account, create_accounts
from tests.support.client import pair, program
from tests.support.log_in_flood import (
    PASSWORD,
    Person,
    flood,
    honest,
    own_accounts,
    people_of,
    wrong_passwords,
)
from tests.support.servers.gunicorn import GunicornServer
from tests.support.servers.valkey import ValkeyServer

FLOOD = 40


@pytest.fixture(scope="module")
def shared(
    deployed: Callable[..., AbstractContextManager[GunicornServer]],
) -> Iterator[GunicornServer]:
    """Two workers behind one proxy."""
    with deployed(TRUSTED_PROXIES="1") as server:
        yield server


@pytest.fixture
def server(shared: GunicornServer, valkey: ValkeyServer) -> GunicornServer:
    """The same with nothing counted yet."""
    assert valkey.client.dbsize() == 0
    return shared


def test_protected_routes_answer_during_a_flood(server: GunicornServer) -> None:
    """Too many at once get 503 `busy` and when to come back; a session goes on working."""
    wire = program(server)
    proxied = {"X-Forwarded-Host": f"localhost:{server.port}", "X-Forwarded-For": "192.0.2.1"}
    wire.headers |= proxied
    wire.create_account()
    access, refresh = pair(wire.log_in())
    over = threading.Event()

    def attack(number: int) -> list[tuple[int, str, str]]:
        seen = []
        for turn in range(1000):
            if over.is_set():
                break
            answer = wire.ask(
                "POST",
                "/auth/login",
                {"email": f"user{number}.{turn}@example.com", "password": "wrong wrong wrong"},
                headers={"X-Forwarded-For": f"10.{number}.{turn % 250}.1"},
            )
            code = answer.get_json()["code"]
            seen.append((answer.status_code, code, answer.headers.get("Retry-After", "")))
        return seen

    with ThreadPoolExecutor(FLOOD) as pool:
        attacks = [pool.submit(attack, number) for number in range(FLOOD)]
        time.sleep(0.5)
        meanwhile = [wire.me(access).status_code for _ in range(40)]
        over.set()
        answers = [one for each in attacks for one in each.result()]

    assert {status for status, _, _ in answers} == {401, 503}
    turned_away = {(code, after) for status, code, after in answers if status == 503}
    assert turned_away == {("busy", "2")}
    assert set(meanwhile) == {200}
    assert wire.refresh(refresh).status_code == 200
    assert wire.log_in().status_code == 200


@pytest.fixture
def people(server: GunicornServer) -> Iterator[list[Person]]:
    own = people_of(server, 5)
    yield own
    for person in own:
        person.close()


@pytest.mark.parametrize("kind", ["right passwords of its own", "wrong passwords"])
def test_one_address_starves_nobody(
    server: GunicornServer, people: list[Person], kind: str
) -> None:
    """Whatever one address sends, log-ins from elsewhere succeed, in browsers never seen too."""
    own = wrong_passwords(1)
    if kind.startswith("right"):
        emails = [f"own-{number}@example.com" for number in range(12)]
        create_accounts(server, emails, PASSWORD)
        own = own_accounts(emails, "203.0.113.1")
    seen = []
    begun = time.monotonic()
    with flood(server.port, 24, own) as answers:
        for _ in range(4):
            for person in people:
                person.mark = ""
            seen += [status for status, _ in honest(people, 1, 0.05)]
    refused = answers[503] + answers[429]
    assert refused > 0  # it was a flood
    # A connection gets no more than four refusals a second, however fast it asks.
    assert refused <= 24 * 4 * (time.monotonic() - begun + 1)
    assert seen.count(200) >= 0.95 * len(seen)


@pytest.mark.parametrize("marked", [False, True])
def test_a_flood_from_everywhere_keeps_no_known_browser_out(
    server: GunicornServer, people: list[Person], *, marked: bool
) -> None:
    """Wrong passwords from 200 networks at once; browsers with a mark log in all the same.

    So they do when all of the flood shows the mark of an account of its own.
    """
    mark = ""
    if marked:
        eve = Person(server.port, "203.0.113.1")
        create_account(server, eve.email, PASSWORD)
        assert eve.log_in() == 200
        eve.close()
        mark = eve.mark
    for person in people:
        assert person.log_in() == 200
        assert person.mark
    with flood(server.port, 40, wrong_passwords(200), mark) as answers:
        seen = [status for status, _ in honest(people, 4, 0.05)]
    assert answers[503] > 0
    assert seen.count(200) >= 0.95 * len(seen)
