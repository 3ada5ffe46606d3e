"""Bound sessions, many requests at once: whoever holds the key is served."""

from collections.abc import Callable
from typing import Any

import pytest

from app.attacks.prover import Prover
from app.families import rotation
from app.families.issuer import TokenIssuer
from app.families.models import Reason
from app.infra.database import Database
from tests.support.app import family_of
from tests.support.at_once import at_once
from tests.support.bound import new_keys, present
from tests.support.client import (
    NEW_PASSWORD,
    Client,
    claims,
    cookie_of,
    dpop,
    ended,
    problem,
    program,
)


@pytest.mark.parametrize("number", [2, 20])
def test_parallel_refreshes_get_one_successor(holder: Client, number: int) -> None:
    app, token = holder.app, holder.refresh_token
    answers = at_once(number, lambda _: present(app, token, holder.key))
    assert [answer.status_code for answer in answers] == [200] * number
    (successor,) = {cookie_of(answer) for answer in answers}
    family = holder.family()
    assert (family.generation, family.retries) == (1, number - 1)
    assert (family.jti, family.previous_jti) == (claims(successor)["jti"], claims(token)["jti"])
    assert present(app, successor, holder.key).status_code == 200


def test_parallel_thieves_get_nothing(holder: Client) -> None:
    token, foreign = holder.refresh_token, new_keys(20)
    answers = at_once(20, lambda index: present(holder.app, token, foreign[index]))
    assert [answer.status_code for answer in answers] == [401] * 20
    family = holder.family()
    assert (family.revoked_reason, family.generation) == (Reason.FOREIGN_KEY, 0)
    problem(holder.me(), 401, "invalid_token")


def test_the_owner_among_thieves(holder: Client) -> None:
    """Whoever is first: no thief is ever served, and in the end the family is over."""
    token, keys = holder.refresh_token, [holder.key, *new_keys(3), holder.key, *new_keys(3)]
    answers = at_once(8, lambda index: present(holder.app, token, keys[index]))
    served = [keys[index] for index, one in enumerate(answers) if one.status_code == 200]
    assert all(key is holder.key for key in served)
    assert holder.family().revoked_reason == Reason.FOREIGN_KEY
    for answer in answers:
        if answer.status_code == 200:
            token = answer.get_json()["access_token"]
            opened = program(holder.app, key=holder.key).me(token)
            problem(opened, 401, "invalid_token")


def test_one_proof_many_times_at_once(holder: Client) -> None:
    app, token = holder.app, holder.refresh_token
    headers = {"DPoP": holder.proof("/auth/refresh")}
    answers = at_once(
        8, lambda _: program(app).ask("POST", "/auth/refresh", cookie=token, headers=headers)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert (holder.family().generation, holder.family().retries) == (1, 0)
    proof = holder.proof("/api/me", "GET", holder.access_token)
    access = dpop(holder.access_token, proof)
    answers = at_once(8, lambda _: program(app).ask("GET", "/api/me", headers=access))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """A function that has something happen at one moment of the next refresh."""

    def arrange(moment: str, act: Callable[[], object]) -> None:
        owner: object = TokenIssuer if moment == "after" else Database
        name = "issue" if moment == "after" else "write"
        awaited = {"before": rotation.rotate, "between": rotation.retry}.get(moment)
        inner = getattr(owner, name)

        def then(*args: Any) -> Any:  # noqa: ANN401 - passed on
            if awaited in {None, args[1]}:
                monkeypatch.setattr(owner, name, inner)
                act()
            return inner(*args)

        monkeypatch.setattr(owner, name, then)

    return arrange


@pytest.mark.parametrize("moment", ["before", "between", "after"])
@pytest.mark.parametrize("how", ["log-out", "password"])
def test_it_ends_while_a_refresh_is_in_flight(
    holder: Client, meanwhile: Callable[..., None], moment: str, how: str
) -> None:
    """At whatever moment: nothing revives, and neither refresh is called a theft."""
    app, first, sid = holder.app, holder.refresh_token, holder.session_id
    other = Client(app, key=Prover())
    other.key, other.cookies = holder.key, holder.cookies
    other.access_token = holder.access_token
    if moment == "between":
        holder.refresh()
        other.access_token = holder.access_token

    def act() -> None:
        if how == "log-out":
            assert other.log_out().status_code == 204
        else:
            assert other.change_password(NEW_PASSWORD).status_code == 200

    meanwhile(moment, act)
    answer = present(app, first, holder.key)
    reason = Reason.LOGGED_OUT if how == "log-out" else Reason.PASSWORD_CHANGED
    assert family_of(app, sid).revoked_reason == reason
    if moment == "after":
        assert answer.status_code == 200
        token = answer.get_json()["access_token"]
        opened = program(app, key=holder.key).me(token)
        problem(opened, 401, "invalid_token")
        ended(present(app, cookie_of(answer), holder.key))
    else:
        ended(answer)
    ended(present(app, first, holder.key))
    assert family_of(app, sid).revoked_reason == reason
    if how == "password":
        assert other.alive()
