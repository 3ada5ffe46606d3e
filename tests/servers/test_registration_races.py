"""Many finish a registration at once, over four workers: one account, and no other link works."""

from collections.abc import Callable

from sqlalchemy import select
from werkzeug.test import TestResponse

from app.accounts.models import users
from app.auth.register import request_registration
from app.errors import EmailTaken
from app.infra.audit import Client as AuditClient
from app.infra.clock import Clock
from app.infra.database import Database
from app.mail.models import Mail, mails
from app.services import build
from tests.support.accounts import create_account
from tests.support.at_once import at_once
from tests.support.client import Client, program
from tests.support.servers.gunicorn import GunicornServer

MANY = 20


def links(server: GunicornServer, email: str, count: int) -> list[str]:
    """Have as many messages written to an address, and return the tokens of their links."""
    own = build(server.settings, Clock())
    for _ in range(count):
        request_registration(own.auth, email, AuditClient("127.0.0.1"))
    with own.database.autocommit() as connection:
        rows = connection.execute(select(mails).where(mails.c.address == email)).all()
    own.database.engine.dispose()
    own.redis.close()
    return [own.auth.links.token(Mail(*row), None, own.clock.now()) for row in rows]


def accounts(server: GunicornServer, email: str) -> int:
    database = Database(server.settings.database_url)
    with database.autocommit() as connection:
        found = connection.execute(select(users.c.id).where(users.c.email == email)).all()
    database.engine.dispose()
    return len(found)


def patiently(act: Callable[[], TestResponse]) -> TestResponse:
    """Repeat what found no place for hashing."""
    answer = act()
    while answer.status_code == 503:
        answer = act()
    return answer


def finish_all(server: GunicornServer, email: str, tokens: list[str]) -> None:
    """Finish with these links at once: one wins, and is logged in; the others are told."""
    people = [
        program(server, email, password=f"quarry lantern umbrella {number}")
        for number in range(len(tokens))
    ]
    answers = at_once(
        len(tokens),
        lambda number: patiently(lambda: people[number].finish_account(tokens[number])),
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * (len(tokens) - 1)
    refused = [answer for answer in answers if answer.status_code == 400]
    assert {answer.get_json()["code"] for answer in refused} == {"invalid_link"}
    assert accounts(server, email) == 1
    (winner,) = [n for n, answer in enumerate(answers) if answer.status_code == 201]
    assert people[winner].log_in().status_code == 200
    for token in tokens:
        assert people[winner].finish_account(token).status_code == 400


def test_one_link_many_times(server: GunicornServer) -> None:
    email = "one-link@example.com"
    finish_all(server, email, links(server, email, 1) * MANY)


def test_many_links_of_one_address(server: GunicornServer) -> None:
    """Whichever transaction is first; two that wait for each other would both fail."""
    email = "many-links@example.com"
    finish_all(server, email, links(server, email, MANY))


def test_an_operator_creates_the_account_meanwhile(server: GunicornServer) -> None:
    """Either the operator is told that the address is taken, or the link is dead."""
    for number in range(5):
        email = f"operator-{number}@example.com"
        (token,) = links(server, email, 1)
        newcomer = program(server, email)

        def act(which: int, token: str = token, newcomer: Client = newcomer) -> int:
            if which == 0:
                return patiently(lambda: newcomer.finish_account(token)).status_code
            try:
                create_account(server, newcomer.email, "another marble teapot")
            except EmailTaken:
                return 409
            return 201

        assert sorted(at_once(2, act)) in ([201, 400], [201, 409])
        assert accounts(server, email) == 1


def test_nothing_of_this_is_an_error_in_the_log(server: GunicornServer) -> None:
    assert "Traceback" not in server.log
    assert "internal_error" not in server.log
