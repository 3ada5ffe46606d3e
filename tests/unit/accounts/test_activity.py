from dataclasses import replace

import pytest
from sqlalchemy import select

from app.accounts import activity
from app.accounts import queries as accounts
from app.accounts.activity import REFUSALS, STRANGERS, Activity, Event
from app.families.issuer import new_id
from app.infra.database import Database
from tests.support.at_once import at_once
from tests.support.clock import NOW
from tests.support.factories import a_user

HOUR = 3600
ADA, BOB = new_id(), new_id()
REFUSED = Activity("", ADA, NOW, Event.LOG_IN_REFUSED, ip="192.0.2.1", user_agent="a browser")


def rows(database: Database) -> list[Activity]:
    with database.autocommit() as connection:
        found = connection.execute(select(activity.activity).order_by(activity.activity.c.at))
        return [Activity(*row) for row in found]


@pytest.fixture(autouse=True)
def _users(database: Database) -> None:
    for number, user_id in enumerate((ADA, BOB)):
        a_user(database, f"{number}@example.com", id=user_id)


def refuse(
    database: Database, *, email_key: str = "ada@example.com", **changes: str | int
) -> None:
    """Count one refusal, as a story does."""
    row = replace(REFUSED, id=new_id(), **changes)  # type: ignore[arg-type]
    database.write(activity.count_refusal, row, email_key)


def test_a_row_is_stored_whole(database: Database) -> None:
    told = [
        Activity(new_id(), ADA, NOW, Event.LOGGED_IN, "", new_id(), "192.0.2.1", "a browser"),
        Activity(new_id(), ADA, NOW + 1, Event.SESSION_ENDED, "why", new_id(), "", "", "its", 3),
    ]
    database.transact(activity.insert_rows, told)
    database.transact(activity.insert_rows, [])
    assert rows(database) == told


def test_refusals_of_an_hour_are_one_row(database: Database) -> None:
    """It has the time of the first, and the address, browser and session of the last."""
    refuse(database)
    refuse(database, at=NOW + 5, ip="192.0.2.2", user_agent="another", sid="its session")
    (counted,) = rows(database)
    assert counted == replace(
        REFUSED,
        id=counted.id,
        ip="192.0.2.2",
        user_agent="another",
        sid="its session",
        count=2,
    )
    assert len(counted.id) == len(new_id())


def test_the_next_hour_another_account_and_another_kind_have_rows_of_their_own(
    database: Database,
) -> None:
    for changes in (
        {},
        {"at": NOW - NOW % HOUR + HOUR},
        {"user_id": BOB},
        {"event": Event.PASSWORD_CHANGE_REFUSED},
        {},
    ):
        refuse(database, **changes)
    found = rows(database)
    assert sorted(row.count for row in found) == [1, 1, 1, 2]
    assert len({row.id for row in found}) == 4


def test_strangers_share_rows_without_a_name(database: Database) -> None:
    """Otherwise guessed addresses would fill the table."""
    for number in range(3 * STRANGERS):
        refuse(database, user_id="", email_key=f"{number}@example.com", at=NOW + number * HOUR)
    found = rows(database)
    assert len(found) <= STRANGERS
    assert sum(row.count for row in found) == 3 * STRANGERS
    assert {(row.user_id, row.ip, row.user_agent) for row in found} == {("", "", "")}


def test_an_address_that_no_database_stores_is_counted(database: Database) -> None:
    """It has half a surrogate pair."""
    refuse(database, user_id="", email_key="\udc80@example.com")
    assert [row.count for row in rows(database)] == [1]


def test_no_refusal_of_an_account_that_is_gone_is_stored(database: Database) -> None:
    refuse(database)
    database.write(accounts.delete, ADA)
    refuse(database, event=Event.PASSWORD_CHANGE_REFUSED)
    refuse(database)
    assert [row.event for row in rows(database)] == [Event.LOG_IN_REFUSED]


def test_refusals_at_the_same_moment_are_all_counted(database: Database) -> None:
    at_once(24, lambda number: refuse(database, ip=f"192.0.2.{number}"))
    (counted,) = rows(database)
    assert counted.count == 24


def test_the_rows_of_one_account_are_deleted(database: Database) -> None:
    told = [Activity(new_id(), user, NOW, Event.LOGGED_IN) for user in (ADA, BOB, ADA)]
    database.transact(activity.insert_rows, told)
    database.transact(activity.delete_of_user, ADA)
    assert rows(database) == [told[1]]


@pytest.mark.parametrize("event", REFUSALS)
def test_refusals_have_the_word_in_their_name(event: Event) -> None:
    assert event.endswith("_refused")
