"""The honest retry: who holds the key gets the answer that was lost once more."""

import io
from dataclasses import replace

from app.families import rotation
from app.families.models import Reason
from tests.support.bound import HOUR, present
from tests.support.client import Client, claims, cookie_of, ended, problem, program
from tests.support.clock import NOW, SettableClock
from tests.support.log import records


def test_a_lost_answer_is_given_again(holder: Client, log: io.StringIO) -> None:
    app, first = holder.app, holder.refresh_token
    holder.refresh()
    successor, before = holder.refresh_token, holder.family()
    for number in range(1, 5):
        answer = present(app, first, holder.key)
        assert answer.status_code == 200
        assert cookie_of(answer) == successor
        assert holder.family() == replace(before, retries=number)
    assert len(records(log, "refresh_retried")) == 4
    assert records(log, "refresh_retried")[0]["sid"] == holder.session_id
    assert records(log, "refresh_refused") == []
    assert holder.alive()


def test_a_retry_after_hours_extends_nothing(holder: Client, clock: SettableClock) -> None:
    """The lid was shut during the refresh: eight hours later it is still the same session."""
    app, first = holder.app, holder.refresh_token
    holder.refresh()
    successor, before = holder.refresh_token, holder.family()
    for hours in (1, 7):
        clock.forward(hours * HOUR)
        answer = present(app, first, holder.key)
        assert (answer.status_code, cookie_of(answer)) == (200, successor)
        body = answer.get_json()
        assert claims(body["access_token"])["iat"] == clock.now()
        opened = program(app, key=holder.key).me(body["access_token"])
        assert opened.status_code == 200
    after = holder.family()
    assert after == replace(before, retries=2, last_used_at=clock.now())
    assert after.idle_expires_at == NOW + 12 * HOUR
    assert holder.refresh().status_code == 200


def test_a_retry_ends_with_the_predecessor(holder: Client, clock: SettableClock) -> None:
    """The predecessor's own end is the end of it, and ends nothing else."""
    first = holder.refresh_token
    clock.forward(HOUR)
    holder.refresh()
    clock.forward(11 * HOUR + 5)
    before = holder.family()
    ended(present(holder.app, first, holder.key))
    assert holder.family() == before
    assert holder.refresh().status_code == 200


def test_a_retry_does_not_outlive_the_family(holder: Client, clock: SettableClock) -> None:
    """Shortly before the absolute end both halves are shorter, and no retry moves that."""
    clock.forward(11 * HOUR)
    holder.refresh()
    former = holder.refresh_token
    clock.forward(11 * HOUR)
    holder.refresh()
    clock.forward(2 * HOUR - 120)
    assert holder.family().absolute_expires_at == NOW + 24 * HOUR
    ended(present(holder.app, former, holder.key))
    assert holder.family().revoked_at is None
    body = holder.refresh().get_json()
    assert body["expires_in"] == 120
    assert claims(holder.refresh_token)["exp"] == NOW + 24 * HOUR


def test_a_remembered_cookie_is_not_kept_longer_by_a_retry(
    holder: Client, clock: SettableClock
) -> None:
    """Its Max-Age is what is left, so that the cookie ends when its token does."""
    holder.log_in(remember=True)
    first = holder.refresh_token
    holder.refresh()
    clock.forward(24 * HOUR)
    answer = present(holder.app, first, holder.key)
    assert cookie_of(answer) == holder.refresh_token
    assert f"Max-Age={6 * 24 * HOUR};" in answer.headers["Set-Cookie"]


def test_an_overtaken_token_is_a_retry(holder: Client) -> None:
    """A request or a Set-Cookie that arrives after others went on twice throws nobody out."""
    first = holder.refresh_token
    for _ in range(3):
        assert holder.refresh().status_code == 200
    answer = present(holder.app, first, holder.key)
    assert (answer.status_code, cookie_of(answer)) == (200, holder.refresh_token)
    assert holder.family().retries == 1
    ended(present(holder.app, first))


def test_the_successor_was_presented(holder: Client, clock: SettableClock) -> None:
    """From then on, and after the burst, it is a spent token, and a proof does not help it."""
    first = holder.refresh_token
    clock.forward(rotation.IN_FLIGHT_SECONDS + 1)
    holder.refresh()
    assert present(holder.app, first, holder.key).status_code == 200
    clock.forward(rotation.IN_FLIGHT_SECONDS + 1)
    holder.refresh()
    ended(present(holder.app, first, holder.key))
    assert holder.family().revoked_reason == Reason.REUSE
    problem(holder.me(), 401, "invalid_token")
    ended(holder.refresh())


def test_retries_of_a_retried_token(holder: Client) -> None:
    """Answers may come in any order: each step has its own retry, until the next."""
    for generation in range(1, 6):
        spent = holder.refresh_token
        assert holder.refresh().status_code == 200
        late = present(holder.app, spent, holder.key)
        assert cookie_of(late) == holder.refresh_token
        family = holder.family()
        assert (family.generation, family.retries) == (generation, generation)
    assert holder.alive()


def test_a_retry_keeps_where_the_rotation_came_from(holder: Client) -> None:
    first = holder.refresh_token
    holder.refresh()
    present(holder.app, first, holder.key)
    assert (holder.family().ip, holder.family().retries) == ("127.0.0.1", 1)
