"""Time passes: what ends when, and what never gets longer."""

from datetime import datetime

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.auth.pruning import REVOKED_KEPT_SECONDS, Pruned
from tests.support.app import clock_of, services
from tests.support.client import Client, claims, ended, member, other_browser, problem, program
from tests.support.clock import SettableClock

HOUR = 3600
DAY = 24 * HOUR


def absolute_end(answer: TestResponse) -> int:
    return int(datetime.fromisoformat(answer.get_json()["session"]["expires_at"]).timestamp())


def test_access_token_ends(ada: Client, clock: SettableClock) -> None:
    clock.forward(600)
    assert ada.me().status_code == 200
    clock.forward(6)
    problem(ada.me(), 401, "invalid_token")
    assert ada.refresh().status_code == 200
    assert ada.alive()


def test_a_token_from_the_future_is_refused_beyond_the_leeway(
    ada: Client, clock: SettableClock
) -> None:
    clock.forward(-3)
    assert ada.me().status_code == 200
    clock.forward(-30)
    problem(ada.me(), 401, "invalid_token")


def test_the_clock_of_another_machine_is_behind(ada: Client, clock: SettableClock) -> None:
    """What it hands out seconds after a log-in elsewhere opens, here and there."""
    clock.forward(-3)
    for _ in range(2):
        assert ada.refresh().status_code == 200
        assert ada.me().status_code == 200
    clock.forward(3)
    assert ada.alive()


@pytest.mark.parametrize(("remember", "idle"), [(False, 12 * HOUR), (True, 7 * DAY)])
def test_idle_session_ends(
    ada: Client, clock: SettableClock, *, remember: bool, idle: int
) -> None:
    ada.log_in(remember=remember)
    clock.forward(idle - 5)
    assert ada.refresh().status_code == 200
    clock.forward(idle + 1)
    ended(ada.refresh())


def test_expired_token_ends_nothing(ada: Client, clock: SettableClock) -> None:
    """An old spent token is only expired: refusing it must not be a way to log somebody out."""
    spent = ada.refresh_token
    for _ in range(2):
        clock.forward(10 * HOUR)
        ada.refresh()
    ended(program(ada.app).refresh(spent))
    assert ada.alive()


def test_absolute_end_never_moves(ada: Client, clock: SettableClock) -> None:
    first = ada.log_in()
    for _ in range(4):
        clock.forward(5 * HOUR)
        assert absolute_end(ada.refresh()) == absolute_end(first)
    clock.forward(4 * HOUR - 30)
    last = ada.refresh()
    assert absolute_end(last) == absolute_end(first)
    assert last.get_json()["expires_in"] <= 30
    assert claims(ada.access_token)["exp"] <= absolute_end(first)
    assert claims(ada.refresh_token)["exp"] <= absolute_end(first)
    clock.forward(31)
    ended(ada.refresh())
    clock.forward(10)
    problem(ada.me(), 401, "invalid_token")


def test_remembered_session_ends_after_thirty_days(ada: Client, clock: SettableClock) -> None:
    first = ada.log_in(remember=True)
    for week in range(4):
        clock.forward(7 * DAY - 10)
        assert "Max-Age=604800" in ada.refresh().headers["Set-Cookie"] or week == 3
    left = absolute_end(first) - clock.now()
    assert f"Max-Age={left}" in ada.refresh().headers["Set-Cookie"]
    clock.forward(left + 1)
    ended(ada.refresh())


def test_revoked_token_stays_dead_through_the_leeway(
    ada: Client, thief: Client, clock: SettableClock
) -> None:
    access = ada.access_token
    ada.log_out()
    for _ in range(61):
        clock.forward(10)
        problem(thief.me(access), 401, "invalid_token")


def test_denylist_entry_lives_as_long_as_the_token(
    app: Flask, ada: Client, clock: SettableClock
) -> None:
    redis = services(app).redis
    clock.forward(100)
    ada.log_out()
    (key,) = redis.keys("*deny:*")
    assert ada.session_id.encode() in key
    assert ada.access_token.encode() not in key
    assert 600 + 5 - 100 <= redis.ttl(key) <= 600 + 5 - 100 + 2


def test_expired_family_leaves_no_entry(app: Flask, ada: Client, clock: SettableClock) -> None:
    clock.forward(HOUR)
    ada.log_out()
    assert services(app).redis.keys("*deny:*") == []


def test_pruned_family_stays_dead(app: Flask, ada: Client, thief: Client) -> None:
    """Deleting old rows opens no door, not even for the leeway of the last access token."""
    own, clock = services(app), clock_of(app)
    clock.forward(12 * HOUR - 10)
    ada.refresh()
    clock.forward(12 * HOUR - 20)
    ada.refresh()
    access = ada.access_token
    ada.log_out()
    left = claims(access)["exp"] - clock.now()
    clock.forward(left + 2)
    own.auth.pruning.prune()
    own.redis.flushall()
    for _ in range(2):
        problem(thief.ask("GET", "/auth/sessions", access=access), 401, "invalid_token")


def test_prune_deletes_what_is_past_its_absolute_life(app: Flask, ada: Client) -> None:
    own = services(app)
    other_browser(member(app, "eve@example.com"))
    clock_of(app).forward(DAY + 100)
    assert ada.log_in().status_code == 200
    assert own.auth.pruning.prune() == Pruned(2, 0, 0, ())
    assert own.auth.pruning.prune() == Pruned(0, 0, 0, ())
    assert ada.alive()


def test_a_log_in_prunes_what_is_over_of_its_own_user(app: Flask, ada: Client) -> None:
    """However often a password is used, the table holds no more than a few rows of its user."""
    own = services(app)
    eve = member(app, "eve@example.com")
    for _ in range(10):
        clock_of(app).forward(REVOKED_KEPT_SECONDS + 1)
        before = own.clock.now()
        assert ada.log_in().status_code == 200
        with own.database.autocommit() as connection:
            rows = connection.exec_driver_sql("SELECT user_id, revoked_at FROM families").all()
        mine = [revoked for user_id, revoked in rows if user_id == ada.user_id]
        live, ended = sorted(mine, key=bool)
        assert live is None
        assert before <= ended <= own.clock.now()
        assert len(rows) - len(mine) == 1
    assert eve.refresh().status_code == 200
