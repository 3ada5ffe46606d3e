"""Changing secrets without logging anybody out, and what another environment's are worth."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from app import create_app
from config import Settings, new_secret
from tests.conftest import close
from tests.support.client import Actor, Thief, ended, member, problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask


@contextmanager
def deployed(environment: dict[str, str], **changed: str) -> Iterator[Flask]:
    """Give the same deployment after a restart with other settings."""
    app = create_app(Settings.from_env(environment | changed))
    yield app
    close(app)


def test_rotation_drill(environment: dict[str, str], ada: Actor) -> None:
    """New secret in, old one kept to verify: nobody notices. Old one out: its tokens are over."""
    old, new = environment["JWT_SECRET"], new_secret()
    with deployed(environment, JWT_SECRET=new, JWT_SECRET_PREVIOUS=old) as app:
        thief = Thief(app)
        assert thief.me(ada.access_token).status_code == 200
        answer = thief.refresh(ada.refresh_token)
        assert answer.status_code == 200
        renewed = answer.get_json()["access_token"]
        bob = member(app, "bob@example.com")
    with deployed(environment, JWT_SECRET=new) as app:
        thief = Thief(app)
        problem(thief.me(ada.access_token), 401, "invalid_token")
        assert thief.me(renewed).status_code == 200
        assert thief.me(bob.access_token).status_code == 200
        assert thief.refresh(bob.refresh_token).status_code == 200
        spent = thief.refresh(ada.refresh_token)
        ended(spent)
        assert thief.me(renewed).status_code == 200


def test_leaked_secret_is_taken_out_at_once(environment: dict[str, str], ada: Actor) -> None:
    """Without the grace: every token of it is over, accounts are not."""
    with deployed(environment, JWT_SECRET=new_secret()) as app:
        thief = Thief(app)
        problem(thief.me(ada.access_token), 401, "invalid_token")
        ended(thief.refresh(ada.refresh_token))
        assert Actor(app).log_in().status_code == 200


def test_form_key_alone(environment: dict[str, str], ada: Actor) -> None:
    """SECRET_KEY guards forms; changing it touches no session."""
    with deployed(environment, SECRET_KEY=new_secret()) as app:
        assert Thief(app).me(ada.access_token).status_code == 200
        assert Thief(app).refresh(ada.refresh_token).status_code == 200


def test_shorter_lifetimes_hold_for_tokens_already_out(
    environment: dict[str, str], ada: Actor
) -> None:
    """What was issued for longer than is allowed now is refused."""
    with deployed(environment, ACCESS_TOKEN_TTL="300") as app:
        problem(Thief(app).me(ada.access_token), 401, "invalid_token")
        assert Thief(app).refresh(ada.refresh_token).get_json()["expires_in"] == 300
