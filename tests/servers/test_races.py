"""Many at once, over four workers: exactly one wins, and what ended has ended everywhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from app.web.cookies import DEVICE
from tests.support.client import NEW_PASSWORD, PASSWORD
from tests.support.servers.gunicorn import GunicornServer
from tests.support.wire import Wire, at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.servers.postgres import PostgresServer
    from tests.support.servers.valkey import ValkeyServer
    from tests.support.wire import Answer

MANY = 20


@pytest.fixture(scope="module", params=["sqlite", "postgresql", "serializable"])
def server(
    request: pytest.FixtureRequest,
    base_environment: dict[str, str],
    migrate: Callable[[str], None],
    valkey_server: ValkeyServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[GunicornServer]:
    """Give four workers on a database of their own."""
    folder = tmp_path_factory.mktemp("races")
    url = f"sqlite:///{folder}/latchkey.db"
    if request.param != "sqlite":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.create()
        if request.param == "serializable":
            postgres.isolate(url, "serializable")
    migrate(url)
    valkey_server.make_sound()
    servers = {"DATABASE_URL": url, "REDIS_URL": valkey_server.url}
    server = GunicornServer(base_environment | servers, folder / "gunicorn.log", workers=4)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def wire(server: GunicornServer, valkey: ValkeyServer, request: pytest.FixtureRequest) -> Wire:
    """Give a line to the four workers, and an account there."""
    assert valkey.answers()
    wire = Wire(server, email=f"{request.function.__name__}@example.com")
    wire.register()
    return wire


def test_one_refresh_token_many_refreshes(wire: Wire) -> None:
    """One 200; then the family is revoked, and the winner's tokens are dead in every worker."""
    for _ in range(4):
        access, refresh = wire.log_in().pair
        answers = at_once(MANY, lambda _, token=refresh: wire.refresh(token))  # type: ignore[misc]
        statuses = sorted(answer.status for answer in answers)
        assert statuses == [200] + [401] * (MANY - 1)
        winner = next(answer for answer in answers if answer.status == 200)
        assert wire.me_everywhere(winner.pair[0]) == {401}
        assert wire.me_everywhere(access) == {401}
        assert wire.refresh(winner.pair[1]).status == 401


def test_many_families_refresh_at_once(wire: Wire) -> None:
    """Honest browsers in parallel do not disturb each other, however often."""
    pairs = [wire.log_in().pair for _ in range(8)]

    def rotate(number: int) -> list[int]:
        refresh, statuses = pairs[number][1], []
        for _ in range(6):
            answer = wire.refresh(refresh)
            statuses.append(answer.status)
            refresh = answer.pair[1]
        return statuses

    assert at_once(8, rotate) == [[200] * 6] * 8


def test_many_logins_beyond_the_family_limit(wire: Wire) -> None:
    """Never more than twenty live families, and each that was pushed out is dead at once."""
    first = wire.log_in()
    device = first.cookies[DEVICE]
    pairs = [first.pair, *(wire.log_in(device=device).pair for _ in range(17))]
    answers = at_once(MANY, lambda _: wire.log_in(device=device))
    assert {answer.status for answer in answers} <= {200, 429, 503}
    pairs += [answer.pair for answer in answers if answer.status == 200]
    assert len(pairs) > 20
    alive = [access for access, _ in pairs if wire.me(access).status == 200]
    assert len(alive) == 20
    listed = wire.ask("GET", "/auth/sessions", access=alive[0]).body["sessions"]
    assert len(listed) == 20
    for access, refresh in pairs:
        if access not in alive:
            assert wire.refresh(refresh).status == 401


def test_parallel_guesses(wire: Wire) -> None:
    """Twenty at once are five guesses, not twenty: counting comes before looking."""
    answers = at_once(MANY, lambda number: wire.log_in(password=f"wrong wrong wrong {number}"))
    statuses = [answer.status for answer in answers]
    assert set(statuses) <= {401, 429, 503}
    assert 1 <= statuses.count(401) <= 5
    for answer in answers:
        if answer.status != 401:
            assert int(answer.headers["Retry-After"]) > 0
    for _ in range(5):
        wire.log_in(password="wrong wrong wrong")
    assert wire.log_in().status == 429


def test_logout_reaches_every_worker(wire: Wire) -> None:
    """The access token is dead in all four as soon as the 204 is there."""
    other, _ = wire.log_in().pair
    for how in ("cookie", "access"):
        access, refresh = wire.log_in().pair
        assert wire.me_everywhere(access) == {200}
        shown = {"cookie": refresh} if how == "cookie" else {"access": access}
        assert wire.ask("POST", "/auth/logout", **shown).status == 204  # type: ignore[arg-type]
        assert wire.me_everywhere(access) == {401}
    assert wire.me_everywhere(other) == {200}


def test_password_change_races_with_refreshes(wire: Wire) -> None:
    """Nothing old survives it: not a pair that was rotated in the very same moment."""
    own, _ = wire.log_in().pair
    held = [wire.log_in().pair for _ in range(6)]
    collected: list[tuple[str, str]] = list(held)

    def rotate(pair: tuple[str, str]) -> None:
        while True:
            answer = wire.refresh(pair[1])
            if answer.status != 200:
                assert answer.status == 401
                return
            pair = answer.pair
            collected.append(pair)

    def change() -> Answer:
        body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        return wire.ask("POST", "/auth/password", body, access=own)

    with ThreadPoolExecutor(7) as pool:
        rotating = [pool.submit(rotate, pair) for pair in held]
        changed = pool.submit(change).result()
        for each in rotating:
            each.result()
    assert changed.status == 200
    for access, _ in [*collected[-12:], (own, "")]:
        assert wire.me(access).status == 401
    access, refresh = changed.pair
    assert wire.me_everywhere(access) == {200}
    assert wire.refresh(refresh).status == 200
    assert wire.log_in(PASSWORD).status == 401


def test_password_change_races_with_logins(wire: Wire) -> None:
    """A log-in with the old password either came before, and is dead, or is refused."""
    first = wire.log_in()
    own, device = first.pair[0], first.cookies[DEVICE]

    def act(number: int) -> Answer:
        if number == 0:
            body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
            return wire.ask("POST", "/auth/password", body, access=own, device=device)
        return wire.log_in()

    changed, *logins = at_once(5, act)
    assert changed.status == 200
    assert {answer.status for answer in logins} <= {200, 401, 429}
    for answer in logins:
        if answer.status == 200:
            assert wire.me_everywhere(answer.pair[0]) == {401}
            assert wire.refresh(answer.pair[1]).status == 401
    assert wire.me(changed.pair[0]).status == 200
