"""Many at once, over four workers: exactly one wins, and what ended has ended everywhere."""

from concurrent.futures import ThreadPoolExecutor

from werkzeug.test import TestResponse

from app.web.cookies import DEVICE
from tests.support.at_once import at_once
from tests.support.client import NEW_PASSWORD, PASSWORD, Client, cookie_of, pair, program

MANY = 20


def test_one_refresh_token_many_refreshes(wire: Client) -> None:
    """One 200; then the family is revoked, and the winner's tokens are dead in every worker."""
    for _ in range(4):
        access, refresh = pair(wire.log_in())
        answers = at_once(MANY, lambda _, token=refresh: wire.refresh(token))  # type: ignore[misc]
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses == [200] + [401] * (MANY - 1)
        winner = next(answer for answer in answers if answer.status_code == 200)
        assert wire.me_everywhere(pair(winner)[0]) == {401}
        assert wire.me_everywhere(access) == {401}
        assert wire.refresh(pair(winner)[1]).status_code == 401


def test_many_families_refresh_at_once(wire: Client) -> None:
    """Honest browsers in parallel do not disturb each other, however often."""
    pairs = [pair(wire.log_in()) for _ in range(8)]

    def rotate(number: int) -> list[int]:
        refresh, statuses = pairs[number][1], []
        for _ in range(6):
            answer = wire.refresh(refresh)
            statuses.append(answer.status_code)
            refresh = pair(answer)[1]
        return statuses

    assert at_once(8, rotate) == [[200] * 6] * 8


def test_many_logins_beyond_the_family_limit(wire: Client) -> None:
    """Never more than twenty live families, and each that was pushed out is dead at once."""
    first = wire.log_in()
    wire.cookies[DEVICE] = cookie_of(first, DEVICE)
    pairs = [pair(first), *(pair(wire.log_in()) for _ in range(17))]
    answers = at_once(MANY, lambda _: wire.log_in())
    assert {answer.status_code for answer in answers} <= {200, 429, 503}
    pairs += [pair(answer) for answer in answers if answer.status_code == 200]
    assert len(pairs) > 20
    alive = [access for access, _ in pairs if wire.me(access).status_code == 200]
    assert len(alive) == 20
    listed = wire.ask("GET", "/auth/sessions", access=alive[0]).get_json()["sessions"]
    assert len(listed) == 20
    for access, refresh in pairs:
        if access not in alive:
            assert wire.refresh(refresh).status_code == 401


def test_parallel_guesses(wire: Client) -> None:
    """Twenty at once are five guesses, not twenty: counting comes before looking."""
    answers = at_once(MANY, lambda number: wire.log_in(password=f"wrong wrong wrong {number}"))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {401, 429, 503}
    assert 1 <= statuses.count(401) <= 5
    for answer in answers:
        if answer.status_code != 401:
            assert int(answer.headers["Retry-After"]) > 0
    for _ in range(5):
        wire.log_in(password="wrong wrong wrong")
    assert wire.log_in().status_code == 429


def test_logout_reaches_every_worker(wire: Client) -> None:
    """The access token is dead in all four as soon as the 204 is there."""
    other, _ = pair(wire.log_in())
    for how in ("cookie", "access"):
        access, refresh = pair(wire.log_in())
        assert wire.me_everywhere(access) == {200}
        shown = {"cookie": refresh} if how == "cookie" else {"access": access}
        assert wire.ask("POST", "/auth/logout", **shown).status_code == 204  # type: ignore[arg-type]
        assert wire.me_everywhere(access) == {401}
    assert wire.me_everywhere(other) == {200}


def test_password_change_races_with_refreshes(wire: Client) -> None:
    """Nothing old survives it: not a pair that was rotated in the very same moment."""
    own, _ = pair(wire.log_in())
    held = [pair(wire.log_in()) for _ in range(6)]
    collected: list[tuple[str, str]] = list(held)

    def rotate(held: tuple[str, str]) -> None:
        while True:
            answer = wire.refresh(held[1])
            if answer.status_code != 200:
                assert answer.status_code == 401
                return
            held = pair(answer)
            collected.append(held)

    def change() -> TestResponse:
        body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        return wire.ask("POST", "/auth/password", body, access=own)

    with ThreadPoolExecutor(7) as pool:
        rotating = [pool.submit(rotate, one) for one in held]
        changed = pool.submit(change).result()
        for each in rotating:
            each.result()
    assert changed.status_code == 200
    for access, _ in [*collected[-12:], (own, "")]:
        assert wire.me(access).status_code == 401
    access, refresh = pair(changed)
    assert wire.me_everywhere(access) == {200}
    assert wire.refresh(refresh).status_code == 200
    assert wire.log_in(PASSWORD).status_code == 401


def test_password_change_races_with_logins(wire: Client) -> None:
    """A log-in with the old password either came before, and is dead, or is refused."""
    first = wire.log_in()
    known = program(wire.server, wire.email)
    known.cookies[DEVICE] = cookie_of(first, DEVICE)

    def act(number: int) -> TestResponse:
        if number == 0:
            body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
            return known.ask("POST", "/auth/password", body, access=pair(first)[0])
        return wire.log_in()

    changed, *logins = at_once(5, act)
    assert changed.status_code == 200
    assert {answer.status_code for answer in logins} <= {200, 401, 429}
    for answer in logins:
        if answer.status_code == 200:
            assert wire.me_everywhere(pair(answer)[0]) == {401}
            assert wire.refresh(pair(answer)[1]).status_code == 401
    assert wire.me(pair(changed)[0]).status_code == 200
