"""Keeping sessions alive after a password change: Ada changes hers because of a thief."""

from tests.support.client import NEW_PASSWORD, PASSWORD, Client, ended, other_browser, problem


def test_thief_is_out(ada: Client, thief: Client) -> None:
    """Whatever the thief held, stolen tokens or a log-in of his own, is dead at once."""
    stolen_access, stolen_refresh = ada.access_token, ada.refresh_token
    intruder = other_browser(ada, "Mozilla/5.0 the thief's")
    assert intruder.me().status_code == 200

    assert ada.change_password(NEW_PASSWORD).status_code == 200

    for token in (stolen_access, intruder.access_token):
        problem(thief.me(token), 401, "invalid_token")
    for token in (stolen_refresh, intruder.refresh_token):
        ended(thief.refresh(token))
    problem(intruder.log_in(PASSWORD), 401, "invalid_credentials")
    # Ada is where she was, in a session of its own, and it is the only one.
    assert ada.alive()
    assert [session["current"] for session in ada.sessions()] == [True]


def test_thief_cannot_change_it_first(ada: Client, thief: Client) -> None:
    """A stolen access token is not enough: the current password is asked for."""
    answer = thief.ask(
        "POST",
        "/auth/password",
        access=ada.access_token,
        body={"current_password": "a guess of the thief", "new_password": NEW_PASSWORD},
    )

    problem(answer, 403, "wrong_password")
    assert ada.log_in(PASSWORD).status_code == 200


def test_another_users_sessions_live(ada: Client) -> None:
    bob = Client(ada.app, "bob@example.com")
    bob.create_account()
    bob.log_in()
    ada.change_password(NEW_PASSWORD)
    assert bob.alive()
