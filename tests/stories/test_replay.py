"""Replay: a token that was valid once is captured and sent again."""

from tests.support.client import Client, ended, other_browser, problem
from tests.support.clock import SettableClock


def test_refresh_token_sent_again(ada: Client, thief: Client) -> None:
    """It worked once; the second time it ends the family, whoever sends it."""
    phone = other_browser(ada)
    captured = ada.refresh_token
    assert ada.refresh().status_code == 200

    ended(thief.refresh(captured))

    problem(ada.me(), 401, "invalid_token")
    ended(ada.refresh())
    # Ada logs in again; her phone never noticed.
    assert ada.log_in().status_code == 200
    assert phone.alive()


def test_refresh_token_sent_first_by_the_thief(ada: Client, thief: Client) -> None:
    """The thief is faster and gets a pair; Ada's next refresh takes it back."""
    won = thief.refresh(ada.refresh_token)
    assert won.status_code == 200
    loot = won.get_json()["access_token"]
    assert thief.me(loot).status_code == 200

    ended(ada.refresh())

    problem(thief.me(loot), 401, "invalid_token")
    assert ada.log_in().status_code == 200


def test_access_token_sent_after_logout(ada: Client, thief: Client) -> None:
    captured = ada.access_token
    assert thief.me(captured).status_code == 200

    assert ada.log_out().status_code == 204

    problem(thief.me(captured), 401, "invalid_token")


def test_access_token_sent_after_its_minutes(
    ada: Client, thief: Client, clock: SettableClock
) -> None:
    captured = ada.access_token
    clock.forward(600 + 6)

    problem(thief.me(captured), 401, "invalid_token")

    assert ada.refresh().status_code == 200
    assert ada.me().status_code == 200


def test_altered_spelling_of_a_revoked_token(ada: Client, thief: Client) -> None:
    """A denied token has no second spelling that walks around the denial."""
    captured = ada.access_token
    ada.log_out()
    head, body, signature = captured.split(".")
    for respelled in (
        captured + "=",
        captured + "==",
        f"{head}.{body}.{signature}=",
        f"{head}=.{body}.{signature}",
        f" {captured}",
        captured + ".",
        captured + "%3D",
    ):
        problem(thief.me(respelled), 401, "invalid_token")
