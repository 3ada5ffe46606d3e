"""POST /auth/refresh."""

import io

from flask import Flask

from tests.support.app import services
from tests.support.at_once import at_once
from tests.support.client import (
    SESSION_COOKIE,
    Client,
    claims,
    ended,
    member,
    problem,
    program,
    set_cookies,
)


def test_rotates(ada: Client) -> None:
    """A new pair in the same family; the first pair's access token lives to its end."""
    access, refresh = ada.access_token, ada.refresh_token
    answer = ada.refresh()
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert set_cookies(answer) == [SESSION_COOKIE]
    assert answer.get_json()["session"]["id"] == ada.session_id == claims(access)["sid"]
    assert ada.access_token != access
    assert ada.refresh_token != refresh
    assert claims(ada.access_token)["auth_time"] == claims(access)["auth_time"]
    assert ada.refresh_token not in answer.text


def test_rotates_many_times(ada: Client) -> None:
    seen = set()
    for _ in range(10):
        assert ada.refresh().status_code == 200
        seen.add(claims(ada.refresh_token)["jti"])
    assert len(seen) == 10


def test_any_ancestor_ends_the_family(ada: Client, thief: Client) -> None:
    first = ada.refresh_token
    for _ in range(4):
        ada.refresh()
    ended(thief.refresh(first))
    problem(ada.me(), 401, "invalid_token")


def test_all_refusals_look_alike(ada: Client, thief: Client) -> None:
    """Nothing in the answer tells reuse from revocation from rubbish from expiry."""
    spent = ada.refresh_token
    ada.refresh()
    answers = [thief.refresh("rubbish"), thief.ask("POST", "/auth/refresh")]
    answers += [thief.refresh(spent), thief.refresh(spent), thief.refresh(ada.refresh_token)]
    seen = set()
    for answer in answers:
        body = ended(answer)
        del body["request_id"]
        cookies = set_cookies(answer)
        del answer.headers["X-Request-Id"], answer.headers["Set-Cookie"]
        seen.add((str(sorted(body.items())), str(sorted(answer.headers)), str(cookies)))
    assert len(seen) == 1


def test_audit_record_tells_them_apart(ada: Client, thief: Client, log: io.StringIO) -> None:
    spent = ada.refresh_token
    ada.refresh()
    for token in ("rubbish", spent, ada.refresh_token):
        thief.refresh(token)
    thief.ask("POST", "/auth/refresh")
    reasons = [line.split('"reason": "')[1].split('"')[0] for line in log.getvalue().splitlines()]
    assert reasons == ["not_compact", "reuse", "reuse", "missing"]


def test_parallel_refreshes_have_one_winner(app: Flask, ada: Client) -> None:
    """Of many at once exactly one rotates; the others were reuse, so the family ends."""
    answers = at_once(6, lambda _: program(app).refresh(ada.refresh_token))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 5
    winner = next(answer for answer in answers if answer.status_code == 200)
    problem(program(app).me(winner.get_json()["access_token"]), 401, "invalid_token")


def test_token_of_another_account_stays_its_own(app: Flask, ada: Client) -> None:
    """A refresh answers for whom the token was made, whatever else is sent."""
    bob = member(app, "bob@example.com")
    headers = {"Authorization": f"Bearer {ada.access_token}"}
    answer = bob.ask("POST", "/auth/refresh", headers=headers)
    assert answer.get_json()["user"]["email"] == "bob@example.com"


def test_a_token_whose_family_was_pruned_is_of_no_use(app: Flask, ada: Client) -> None:
    with services(app).database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM families")
    ended(ada.refresh())
    problem(ada.me(), 401, "invalid_token")


def test_remembered_cookie_stays_remembered(ada: Client) -> None:
    ada.log_in(remember=True)
    assert "Max-Age=604800" in ada.refresh().headers["Set-Cookie"]
    ada.log_in()
    assert "Max-Age" not in ada.refresh().headers["Set-Cookie"]


def test_where_it_was_last_used(app: Flask, ada: Client) -> None:
    moved = Client(app, agent="curl/8.0", ip="192.0.2.7")
    moved.cookies = ada.cookies
    moved.refresh()
    (session,) = moved.sessions()
    assert (session["ip"], session["device"]) == ("192.0.2.7", "curl")
