"""Refresh token theft: a thief copies the long-lived token and comes back days later."""

from tests.support.app import services
from tests.support.client import Client, ended, other_browser, problem
from tests.support.clock import SettableClock

DAY = 86400


def test_used_days_later(ada: Client, thief: Client, clock: SettableClock) -> None:
    """By then Ada's browser has rotated it. The thief gets nothing, and the theft is noticed."""
    ada.log_in(remember=True)
    phone = other_browser(ada)
    phone.log_in(remember=True)
    stolen = ada.refresh_token
    for _ in range(3):
        clock.forward(DAY)
        assert ada.refresh().status_code == 200

    ended(thief.refresh(stolen))

    # The whole family is over, Ada's side too: nobody can tell which of the two is the thief.
    problem(ada.me(), 401, "invalid_token")
    ended(ada.refresh())
    assert "reuse" in recorded_reasons(ada)
    # Ada logs in again; her phone, another family, was never in question.
    assert ada.log_in().status_code == 200
    assert ada.alive()
    assert phone.refresh().status_code == 200


def recorded_reasons(ada: Client) -> set[str]:
    with services(ada.app).database.autocommit() as connection:
        rows = connection.exec_driver_sql("SELECT revoked_reason FROM families").scalars()
        return {str(reason) for reason in rows}


def test_thief_comes_first(ada: Client, thief: Client, clock: SettableClock) -> None:
    """The thief rotates it unnoticed, until Ada's browser shows the token it still holds."""
    ada.log_in(remember=True)
    clock.forward(3 * DAY)
    won = thief.refresh(ada.refresh_token)
    assert won.status_code == 200
    (line,) = won.headers.getlist("Set-Cookie")
    successor = line.partition("=")[2].partition(";")[0]

    ended(ada.refresh())

    problem(thief.me(won.get_json()["access_token"]), 401, "invalid_token")
    ended(thief.refresh(successor))
    assert ada.log_in().status_code == 200


def test_never_used_again_by_anybody(ada: Client, thief: Client, clock: SettableClock) -> None:
    ada.log_in(remember=True)
    stolen = ada.refresh_token
    clock.forward(7 * DAY)

    ended(thief.refresh(stolen))


def test_kept_alive_by_the_thief(ada: Client, thief: Client, clock: SettableClock) -> None:
    ada.log_in(remember=True)
    held = ada.refresh_token
    for _ in range(5):
        clock.forward(6 * DAY - 60)
        answer = thief.refresh(held)
        assert answer.status_code == 200
        held = answer.headers["Set-Cookie"].partition("=")[2].partition(";")[0]
    clock.forward(5 * 60 + 1)

    ended(thief.refresh(held))


def test_taken_from_the_database(ada: Client, thief: Client) -> None:
    """Who reads the families table has ids, and no token: none can be made of them."""
    with services(ada.app).database.autocommit() as connection:
        row = connection.exec_driver_sql("SELECT * FROM families").one()
    assert ada.refresh_token not in str(row)
    for value in row:
        ended(thief.refresh(str(value)))
    assert ada.alive()
