"""A deletion waits for what is under way at the account, and then deletes that too."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event

from app.accounts import activity
from app.accounts import queries as accounts
from app.accounts.activity import Activity, Event
from app.accounts.models import User
from app.auth import admin
from app.auth.dependencies import Auth
from app.auth.refresh import refresh
from app.errors import SessionEnded
from app.families import queries as families
from app.families import revocation
from app.families.issuer import PresentedCredentials, new_id
from app.families.models import Family, Reason
from app.infra.audit import Client
from app.mail.models import Kind
from tests.support.app import services
from tests.support.clock import NOW
from tests.support.factories import a_family, a_user
from tests.support.traces import traces

MOMENT = 0.3
Under = Callable[[Connection, Auth, User, Family], None]


@pytest.fixture
def auth(app: Flask) -> Auth:
    return services(app).auth


def tell(connection: Connection, user: User) -> None:
    activity.insert_rows(connection, [Activity(new_id(), user.id, NOW, Event.LOGGED_IN)])


def log_in(connection: Connection, auth: Auth, user: User, _family: Family) -> None:
    """Do in the database what a log-in does."""
    assert accounts.update_if_unchanged(connection, user)
    family = auth.issuer.new_family(user.id, Client(), NOW, remembered=False, jkt=None)
    families.insert(connection, family)
    tell(connection, user)


def log_out(connection: Connection, _auth: Auth, user: User, family: Family) -> None:
    """Do in the database what a log-out does."""
    assert revocation.revoke_family(connection, family.family_id, Reason.LOGGED_OUT, NOW)
    tell(connection, user)


def report(connection: Connection, auth: Auth, user: User, _family: Family) -> None:
    """Store a message about the account."""
    auth.outbox.put(connection, Kind.RESET, user.email, Client(), user)


def refuse(connection: Connection, _auth: Auth, user: User, _family: Family) -> None:
    """Count a wrong password."""
    activity.count_refusal(connection, Activity("", user.id, NOW, Event.LOG_IN_REFUSED), "")


def command(connection: Connection, _auth: Auth, user: User, _family: Family) -> None:
    """Tell what an operator did to all accounts."""
    assert accounts.hold(connection, [user.id]) == {user.id}
    tell(connection, user)


@pytest.mark.parametrize("under_way", [log_in, log_out, report, refuse, command])
def test_it_waits(auth: Auth, under_way: Under) -> None:
    user = a_user(auth.database)
    family = a_family(auth.database, user)
    with ThreadPoolExecutor(1) as pool:
        with auth.database.transaction() as connection:
            under_way(connection, auth, user, family)
            deletion: Future[tuple[int, bool]] = pool.submit(admin.delete, auth, user)
            with pytest.raises(NotYet):
                deletion.result(MOMENT)
        assert deletion.result()[1]
    assert traces(auth.database, user.id) == []


def test_a_theft_is_recorded_in_the_same_order(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise each would hold what the other waits for, until PostgreSQL breaks one."""
    user = a_user(auth.database)
    family = a_family(auth.database, user)
    token = auth.issuer.issue(family, user.email).refresh_token
    refresh(auth, PresentedCredentials(token), Client())
    put = auth.outbox.put
    errors: list[object] = []
    event.listen(auth.database.engine, "handle_error", errors.append)

    def late_put(*words: Any) -> None:  # noqa: ANN401 - those of `put`
        pool.submit(admin.delete, auth, user)
        time.sleep(MOMENT)
        put(*words)

    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(auth.outbox, "put", late_put)
        with pytest.raises(SessionEnded):
            refresh(auth, PresentedCredentials(token), Client())
        monkeypatch.undo()
    assert errors == []
    assert traces(auth.database, user.id) == []


@pytest.mark.parametrize("late", [report, refuse])
def test_what_comes_after_it_is_not_stored(auth: Auth, late: Under) -> None:
    user = a_user(auth.database)
    family = a_family(auth.database, user)
    admin.delete(auth, user)
    with auth.database.transaction() as connection:
        late(connection, auth, user, family)
    assert traces(auth.database, user.id) == []
