"""The other ways a bound session goes on or ends."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.accounts import queries as accounts
from app.attacks.prover import Prover
from app.auth import admin
from app.families import queries, revocation
from app.families.models import Reason
from app.infra import audit
from tests.support.app import family_of, services
from tests.support.bound import present
from tests.support.client import (
    EMAIL,
    NEW_PASSWORD,
    PASSWORD,
    Client,
    cookie_of,
    ended,
    member,
    problem,
)
from tests.support.clock import SettableClock
from tests.support.databases import one_database


def test_a_password_change_keeps_the_binding(holder: Client) -> None:
    former, first = holder.session_id, holder.refresh_token
    holder.refresh()
    answer = holder.change_password(NEW_PASSWORD)
    assert answer.get_json()["token_type"] == "DPoP"
    assert holder.session_id != former
    assert holder.family().jkt == holder.key.thumbprint
    ended(present(holder.app, first, holder.key))
    assert family_of(holder.app, former).revoked_reason == Reason.PASSWORD_CHANGED
    assert holder.alive()
    ended(present(holder.app, holder.refresh_token))
    assert holder.family().revoked_reason == Reason.NO_PROOF


def change_with(actor: Client, jkt: object) -> TestResponse:
    body = {"current_password": actor.password, "new_password": NEW_PASSWORD, "dpop_jkt": jkt}
    return actor.protected("POST", "/auth/password", body)


@pytest.mark.parametrize("bound", [True, False])
def test_a_password_change_takes_a_new_key(app: Flask, *, bound: bool) -> None:
    """A proof by the former key, which may have been planted, is a foreign key's from then on."""
    former, new = Prover(), Prover()
    answer = change_with(member(app, key=former if bound else None), new.thumbprint)
    assert (answer.status_code, answer.get_json()["token_type"]) == (200, "DPoP")
    sid, cookie = answer.get_json()["session"]["id"], cookie_of(answer)
    assert family_of(app, sid).jkt == new.thumbprint
    again = present(app, cookie, new)
    assert again.status_code == 200
    ended(present(app, cookie_of(again), former))
    assert family_of(app, sid).revoked_reason == Reason.FOREIGN_KEY


@one_database
@pytest.mark.parametrize(
    "jkt",
    ["", "A" * 42, "A" * 44, "A" * 42 + "B", "A" * 42 + "=", "A" * 43 + "\n", None, 7, ["A" * 43]],
)
def test_what_is_no_thumbprint_changes_nothing(holder: Client, jkt: object) -> None:
    """It is refused before the password is looked at, so nothing is counted."""
    problem(change_with(holder, jkt), 400, "invalid_request")
    assert holder.alive()
    assert holder.log_in(PASSWORD).status_code == 200


def test_a_disabled_user_is_out(holder: Client) -> None:
    """Neither the current token nor the retry works, and being shut out is no theft."""
    first = holder.refresh_token
    holder.refresh()
    auth = services(holder.app).auth
    user = admin.find_user(auth, EMAIL)
    admin.disable(auth, user)
    for token in (first, holder.refresh_token):
        for key in (holder.key, Prover(), None):
            ended(present(holder.app, token, key))
    problem(holder.me(), 401, "invalid_token")
    assert holder.family().revoked_reason == Reason.ADMIN
    admin.enable(auth, user)
    ended(present(holder.app, first, holder.key))
    assert holder.log_in().status_code == 200


def test_a_log_in_here_replaces_the_bound_session(holder: Client) -> None:
    former, token = holder.session_id, holder.refresh_token
    holder.key = Prover()
    assert holder.log_in().status_code == 200
    assert family_of(holder.app, former).revoked_reason == Reason.REPLACED
    ended(present(holder.app, token))
    assert family_of(holder.app, former).revoked_reason == Reason.REPLACED
    assert holder.alive()


def test_the_family_limit(holder: Client, clock: SettableClock) -> None:
    """The twenty-first session ends the one used least lately; a retry counts as use."""
    first = holder.refresh_token
    holder.refresh()
    clock.forward(1)
    own = services(holder.app)
    with own.database.transaction() as connection:
        user = accounts.find(connection, holder.user_id)
        assert user is not None
        for _ in range(revocation.MAX_FAMILIES - 1):
            family = own.auth.issuer.new_family(
                user.id, audit.Client(), clock.now(), remembered=False, jkt=holder.key.thumbprint
            )
            queries.insert(connection, family)
    clock.forward(1)
    assert present(holder.app, first, holder.key).status_code == 200
    assert Client(holder.app, key=Prover()).log_in().status_code == 200
    with own.database.autocommit() as connection:
        live = queries.active_families(connection, holder.user_id, clock.now())
    assert len(live) == revocation.MAX_FAMILIES
    assert holder.session_id in {family.family_id for family in live}
    assert holder.alive()
