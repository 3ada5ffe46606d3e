from flask import Flask

from tests.support.client import Client, claims
from tests.support.databases import one_database

pytestmark = one_database


def test_says_who_the_caller_is(ada: Client) -> None:
    answer = ada.me()
    assert answer.status_code == 200
    body = answer.get_json()
    session = body.pop("session")
    assert body.keys() == {"id", "email", "created_at"}
    assert (body["id"], body["email"]) == (ada.user_id, ada.email)
    assert session.keys() == {"id", "created_at", "expires_at"}
    assert session["id"] == ada.session_id
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_user_id_is_opaque(app: Flask, ada: Client) -> None:
    bob = Client(app, "bob@example.com")
    bob.create_account()
    assert claims(ada.access_token)["sub"] == ada.user_id
    assert len(ada.user_id) == len(bob.user_id) == 22
    assert "ada" not in ada.user_id
