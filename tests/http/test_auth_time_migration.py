"""The migration that brought `auth_time`: nobody is logged out, and former workers go on."""

import pytest
from flask import Flask
from sqlalchemy import text

from tests.support.app import clock_of, family_of, services
from tests.support.client import Client, claims, member
from tests.support.clock import NOW
from tests.support.forger import forge

NEW = {"auth_time", "amr"}


def as_a_former_worker(app: Flask, family_id: str) -> None:
    """Store the family once more as a worker inserts it that does not know the new columns."""
    with services(app).database.transaction() as connection:
        row = connection.execute(
            text("SELECT * FROM families WHERE family_id = :id"), {"id": family_id}
        )
        known = {name: value for name, value in row.mappings().one().items() if name not in NEW}
        connection.execute(text("DELETE FROM families WHERE family_id = :id"), {"id": family_id})
        names, marks = ", ".join(known), ", ".join(f":{name}" for name in known)
        connection.execute(text(f"INSERT INTO families ({names}) VALUES ({marks})"), known)  # noqa: S608 - names of ours


@pytest.fixture
def updated(ada: Client) -> Client:
    """Return somebody whom a worker of the former release logged in while the update ran."""
    as_a_former_worker(ada.app, ada.session_id)
    clock_of(ada.app).forward(60)
    return ada


def test_a_family_of_a_former_worker_was_proved_at_its_log_in(updated: Client) -> None:
    """The row has no time of its own, and the tokens after it have that of the log-in."""
    family = family_of(updated.app, updated.session_id)
    assert (family.created_at, family.auth_time, family.amr) == (NOW, 0, "pwd")
    assert updated.refresh().status_code == 200
    found = claims(updated.access_token)
    assert (found["auth_time"], found["amr"], found["iat"]) == (NOW, ["pwd"], NOW + 60)


def test_a_token_of_a_former_worker_is_accepted(ada: Client, thief: Client) -> None:
    """It has no `amr`; whoever was logged in when the update ran notices nothing."""
    assert thief.me(forge(ada, without="amr")).status_code == 200


def test_the_time_of_the_last_proof_is_in_the_tokens(app: Flask) -> None:
    """Not that of the log-in, and a refresh does not change it."""
    ada = member(app)
    with services(app).database.transaction() as connection:
        connection.execute(
            text("UPDATE families SET auth_time = :time, amr = 'pwd otp'"), {"time": NOW + 30}
        )
    for _ in range(2):
        clock_of(app).forward(60)
        assert ada.refresh().status_code == 200
        found = claims(ada.access_token)
        assert (found["auth_time"], found["amr"]) == (NOW + 30, ["pwd", "otp"])
