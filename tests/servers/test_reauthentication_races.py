"""Reauthentication at the moment at which the session ends or is refreshed, on four workers."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import create_engine, text
from werkzeug.test import TestResponse

from tests.support.at_once import at_once
from tests.support.client import NEW_PASSWORD, PASSWORD, Client, claims, pair

MANY = 20
PATH = "/auth/reauthenticate"
AGO = 400


def old_session(wire: Client) -> tuple[str, str]:
    """Log in, let that be minutes ago, and return the tokens of the next refresh."""
    _, refresh = pair(wire.log_in())
    engine = create_engine(wire.server.settings.database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE families SET auth_time = auth_time - :ago"), {"ago": AGO})
    engine.dispose()
    access, refresh = pair(wire.refresh(refresh))
    assert is_old(access)
    return access, refresh


def is_old(access: str) -> bool:
    found = claims(access)
    return bool(found["iat"] - found["auth_time"] >= AGO - 60)


def reauthenticate(wire: Client, access: str) -> TestResponse:
    return wire.ask("POST", PATH, {"password": PASSWORD}, access=access)


def issued(answers: list[TestResponse]) -> list[str]:
    """Return the access tokens of the answers; a refusal is for load, or of an ended session."""
    assert {answer.status_code for answer in answers} <= {200, 401, 429, 503}
    return [answer.get_json()["access_token"] for answer in answers if answer.status_code == 200]


def test_twenty_at_once(wire: Client) -> None:
    """Each that has a turn is answered, and the session has the one refresh token that it had."""
    access, refresh = old_session(wire)
    answers = at_once(MANY, lambda _: reauthenticate(wire, access))
    assert 401 not in {answer.status_code for answer in answers}
    tokens = issued(answers)
    assert tokens
    for token in tokens:
        assert not is_old(token)
        assert wire.me(token).status_code == 200
    assert wire.me_everywhere(access) == {200}
    answer = wire.refresh(refresh)
    assert answer.status_code == 200
    assert not is_old(pair(answer)[0])


def test_it_races_with_refreshes(wire: Client) -> None:
    """No refresh is taken for reuse, and none brings the old time back."""
    access, refresh = old_session(wire)

    def rotate(refresh: str) -> list[str]:
        tokens = []
        for _ in range(30):
            answer = wire.refresh(refresh)
            assert answer.status_code == 200
            token, refresh = pair(answer)
            tokens.append(token)
        return [*tokens, refresh]

    with ThreadPoolExecutor(2) as pool:
        rotating = pool.submit(rotate, refresh)
        answers = [reauthenticate(wire, access) for _ in range(4)]
        *tokens, refresh = rotating.result()
    assert issued(answers)
    ages = [is_old(token) for token in tokens]
    assert ages == sorted(ages, reverse=True)
    assert not is_old(pair(wire.refresh(refresh))[0])


def test_it_races_with_a_log_out(wire: Client) -> None:
    """Whoever comes first: when the log-out is answered, nothing of the session opens anything."""
    for _ in range(6):
        access, refresh = old_session(wire)

        def act(number: int, access: str = access, refresh: str = refresh) -> TestResponse:
            if number == 0:
                return wire.ask("POST", "/auth/logout", cookie=refresh)
            return reauthenticate(wire, access)

        logged_out, *answers = at_once(5, act)
        assert logged_out.status_code == 204
        for token in (access, *issued(answers)):
            assert wire.me_everywhere(token) == {401}
        assert wire.refresh(refresh).status_code == 401
        assert reauthenticate(wire, access).status_code == 401


def test_it_races_with_a_password_change(wire: Client) -> None:
    """The former password proves nothing any more, and nothing that it proved is left."""
    access, refresh = old_session(wire)
    own, _ = pair(wire.log_in())

    def act(number: int) -> TestResponse:
        if number == 0:
            body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
            return wire.ask("POST", "/auth/password", body, access=own)
        return reauthenticate(wire, access)

    changed, *answers = at_once(5, act)
    assert changed.status_code == 200
    for token in (access, own, *issued(answers)):
        assert wire.me_everywhere(token) == {401}
    assert wire.refresh(refresh).status_code == 401
    assert wire.me_everywhere(pair(changed)[0]) == {200}
