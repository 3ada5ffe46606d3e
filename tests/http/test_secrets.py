"""Changing secrets without logging anybody out, and what another environment's are worth."""

from config import new_secret
from tests.support.app import clock_of, running
from tests.support.client import Client, ended, member, problem, program


def test_rotation_drill(environment: dict[str, str], ada: Client) -> None:
    """New secret in, old one kept to verify: nobody notices. Old one out: its tokens are over."""
    old, new = environment["JWT_SECRET"], new_secret()
    with running(environment, clock_of(ada.app), JWT_SECRET=new, JWT_SECRET_PREVIOUS=old) as app:
        thief = program(app)
        assert thief.me(ada.access_token).status_code == 200
        answer = thief.refresh(ada.refresh_token)
        assert answer.status_code == 200
        renewed = answer.get_json()["access_token"]
        bob = member(app, "bob@example.com")
    with running(environment, clock_of(ada.app), JWT_SECRET=new) as app:
        thief = program(app)
        problem(thief.me(ada.access_token), 401, "invalid_token")
        assert thief.me(renewed).status_code == 200
        assert thief.me(bob.access_token).status_code == 200
        assert thief.refresh(bob.refresh_token).status_code == 200
        spent = thief.refresh(ada.refresh_token)
        ended(spent)
        assert thief.me(renewed).status_code == 200


def test_leaked_secret_is_taken_out_at_once(environment: dict[str, str], ada: Client) -> None:
    """Without the grace: every token of it is over, accounts are not."""
    with running(environment, clock_of(ada.app), JWT_SECRET=new_secret()) as app:
        thief = program(app)
        problem(thief.me(ada.access_token), 401, "invalid_token")
        ended(thief.refresh(ada.refresh_token))
        assert Client(app).log_in().status_code == 200


def test_form_key_alone(environment: dict[str, str], ada: Client) -> None:
    with running(environment, clock_of(ada.app), SECRET_KEY=new_secret()) as app:
        assert program(app).me(ada.access_token).status_code == 200
        assert program(app).refresh(ada.refresh_token).status_code == 200


def test_shorter_lifetimes_hold_for_tokens_already_out(
    environment: dict[str, str], ada: Client
) -> None:
    with running(environment, clock_of(ada.app), ACCESS_TOKEN_TTL="300") as app:
        problem(program(app).me(ada.access_token), 401, "invalid_token")
        assert program(app).refresh(ada.refresh_token).get_json()["expires_in"] == 300
