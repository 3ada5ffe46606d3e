"""Stronger Argon2id parameters reach old accounts when their owners log in."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from app.accounts import queries as accounts
from app.accounts.hash_queue import Place
from app.accounts.models import User
from app.accounts.password_login import PasswordLogin
from config import Settings
from tests.support.app import close, services
from tests.support.at_once import at_once
from tests.support.client import EMAIL, NEW_PASSWORD, Client, problem


@pytest.fixture
def stronger(settings: Settings, ada: Client) -> Iterator[Flask]:
    """The app with other parameters than those with which Ada registered."""
    assert ada.session_id
    app = create_app(replace(settings, argon2_memory_kib=16, argon2_time=2))
    yield app
    close(app)


def stored(app: Flask) -> str:
    user = services(app).database.read(accounts.find_by_email, EMAIL)
    assert user
    return str(user.password_hash)


def test_rehash_on_login(stronger: Flask) -> None:
    assert "m=8,t=1,p=1" in stored(stronger)
    problem(Client(stronger).log_in("wrong wrong wrong"), 401, "invalid_credentials")
    assert "m=8,t=1,p=1" in stored(stronger)
    assert Client(stronger).log_in().status_code == 200
    renewed = stored(stronger)
    assert "m=16,t=2,p=1" in renewed
    assert Client(stronger).log_in().status_code == 200
    assert stored(stronger) == renewed


def test_rehash_ends_no_session(stronger: Flask, ada: Client) -> None:
    assert Client(stronger).log_in().status_code == 200
    assert ada.alive()


def test_log_ins_at_once_succeed_while_one_writes_the_new_hash(stronger: Flask) -> None:
    answers = at_once(4, lambda _: Client(stronger).log_in())
    assert [answer.status_code for answer in answers] == [200] * 4


def test_password_changed_during_the_rehash(
    stronger: Flask, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change wins: neither the old password's hash nor its log-in comes after it."""
    rehash = PasswordLogin.upgrade_hash

    def slow(self: PasswordLogin, user: User, password: str, place: Place) -> User:
        assert ada.change_password(NEW_PASSWORD).status_code == 200
        return rehash(self, user, password, place)

    monkeypatch.setattr(PasswordLogin, "upgrade_hash", slow)
    problem(Client(stronger).log_in(), 401, "invalid_credentials")
    monkeypatch.undo()
    assert ada.alive()
    assert ada.log_in(NEW_PASSWORD).status_code == 200
    assert len(ada.sessions()) == 1
