import pytest
from flask import Flask

from app.accounts import activity
from app.accounts.activity import Activity, Event
from app.accounts.activity_retention import KEPT_SECONDS
from app.auth.dependencies import Auth
from app.auth.history import activity_page
from app.families.issuer import new_id
from app.infra.database import Database
from tests.support.app import services
from tests.support.clock import NOW
from tests.support.factories import a_user

ADA, BOB = new_id(), new_id()


@pytest.fixture
def auth(app: Flask) -> Auth:
    return services(app).auth


@pytest.fixture
def database(auth: Auth) -> Database:
    return auth.database


def keep(
    database: Database, *times: int, user_id: str = ADA, event: str = Event.LOGGED_IN
) -> None:
    """Store a row for each time."""
    told = [Activity(new_id(), user_id, at, event) for at in times]
    database.transact(activity.insert_rows, told)


def pages(auth: Auth, limit: int, between: tuple[int, ...] = ()) -> list[list[Activity]]:
    """Read page after page; after each, insert rows with these times."""
    found, before = [], None
    while True:
        page = activity_page(auth, ADA, limit, before)
        found.append(page.rows)
        if page.older is None:
            return found
        before = page.older
        keep(auth.database, *between)


def test_the_newest_come_first(auth: Auth, database: Database) -> None:
    """And nobody else's."""
    keep(database, NOW - 2, NOW, NOW - 1)
    keep(database, NOW, user_id=BOB)
    page = activity_page(auth, ADA, 10)
    assert [row.at for row in page.rows] == [NOW, NOW - 1, NOW - 2]
    assert {row.user_id for row in page.rows} == {ADA}
    assert page.older is None


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 7])
def test_rows_of_one_second_are_on_one_page_each(
    auth: Auth, database: Database, limit: int
) -> None:
    """None twice and none lost, wherever a page ends; the last page says that it is the last."""
    keep(database, NOW - 1, *[NOW] * 4, NOW - 2)
    whole = activity_page(auth, ADA, 100).rows
    found = pages(auth, limit)
    assert [row for page in found for row in page] == whole
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert 0 < len(found[-1]) <= limit


def test_what_happens_meanwhile_changes_no_later_page(auth: Auth, database: Database) -> None:
    """New rows come before the first page, so that the later ones stay as they were."""
    keep(database, *range(NOW - 9, NOW))
    whole = activity_page(auth, ADA, 100).rows
    found = pages(auth, 2, between=(NOW + 1, NOW + 2))
    assert [row for page in found for row in page] == whole


def test_a_refusal_that_is_counted_meanwhile_keeps_its_place(
    auth: Auth, database: Database
) -> None:
    """Otherwise it would move to a page that was read already, and be on none of the next."""

    def refuse(at: int) -> None:
        row = Activity("", ADA, at, Event.LOG_IN_REFUSED)
        database.write(activity.count_refusal, row, "ada@example.com")

    a_user(database, id=ADA)
    hour = NOW - NOW % 3600
    refuse(hour)
    keep(database, hour + 1, hour + 2)
    first = activity_page(auth, ADA, 2)
    refuse(hour + 3)
    (row,) = activity_page(auth, ADA, 2, first.older).rows
    assert (row.at, row.count) == (hour, 2)


def test_nothing_older_than_ninety_days_is_shown(auth: Auth, database: Database) -> None:
    """Also where `prune` has not run."""
    keep(database, NOW - KEPT_SECONDS, NOW - KEPT_SECONDS - 1)
    assert [row.at for row in activity_page(auth, ADA, 10).rows] == [NOW - KEPT_SECONDS]


def test_events_of_a_newer_release_are_left_out(auth: Auth, database: Database) -> None:
    """This one has no words for them, and no page is short of a row because of them."""
    keep(database, NOW, NOW - 3)
    keep(database, NOW - 1, NOW - 2, event="moon_landed")
    page = activity_page(auth, ADA, 2)
    assert [row.at for row in page.rows] == [NOW, NOW - 3]
    assert page.older is None


@pytest.mark.parametrize("cursor", [f"{10**15 - 1}.{'z' * 22}", f"0.{'A' * 22}"])
def test_a_cursor_beyond_all_rows_is_an_end(auth: Auth, database: Database, cursor: str) -> None:
    """All rows or none; no number is too large for the database."""
    keep(database, NOW)
    assert len(activity_page(auth, ADA, 2, cursor).rows) == (not cursor.startswith("0."))
