"""The migration that bound sessions brought logs nobody out."""

from collections.abc import Iterator
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import insert, inspect, text

from app import create_app
from app.accounts.models import users
from app.attacks.prover import Prover
from config import Settings
from tests.support.app import close, family_of, services
from tests.support.bound import HOUR, present
from tests.support.client import cookie_of, member
from tests.support.clock import NOW, SettableClock
from tests.support.forger import REFRESH, Forger
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.valkey import ValkeyServer


@pytest.fixture(params=["sqlite", "postgresql"])
def unmigrated_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('unmigrated') / 'latchkey.db'}"
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.create()


@pytest.fixture
def old_app(
    unmigrated_url: str,
    base_environment: dict[str, str],
    valkey: ValkeyServer,
    clock: SettableClock,
) -> Iterator[Flask]:
    """The app on a database as it was before sessions could be bound."""
    servers = {"DATABASE_URL": unmigrated_url, "REDIS_URL": valkey.url}
    app = create_app(Settings.from_env(base_environment | servers), clock)
    with app.app_context():
        flask_migrate.upgrade(revision="0001")
    yield app
    close(app)


def migrate(app: Flask, revision: str) -> None:
    with app.app_context():
        if revision == "0001":
            flask_migrate.downgrade(revision=revision)
        else:
            flask_migrate.upgrade(revision=revision)


def rows(app: Flask) -> list[dict[str, Any]]:
    with services(app).database.autocommit() as connection:
        found = connection.execute(text("SELECT * FROM families ORDER BY family_id"))
        return [dict(one) for one in found.mappings()]


def shape(app: Flask) -> dict[str, Any]:
    look = inspect(services(app).database.engine)
    return {
        "columns": sorted((c["name"], c["nullable"]) for c in look.get_columns("families")),
        "indexes": sorted(str(i["name"]) for i in look.get_indexes("families")),
        "keys": [(k["name"], k["referred_table"]) for k in look.get_foreign_keys("families")],
    }


OLD_ROW = {
    "previous_jti": "before" * 3,
    "generation": 3,
    "created_at": NOW - 60,
    "rotated_at": NOW,
    "last_used_at": NOW,
    "idle_expires_at": NOW + 12 * HOUR,
    "absolute_expires_at": NOW + 24 * HOUR,
    "remembered": False,
    "ip": "192.0.2.1",
    "user_agent": "a browser",
    "revoked_at": None,
    "revoked_reason": None,
}


def old_session(app: Flask, number: int) -> str:
    name = f"{number:022}"
    person = {"id": name, "email": f"{number}@example.com", "password_hash": "x"}
    values = OLD_ROW | {"family_id": name, "user_id": name, "jti": name}
    names = ", ".join(values)
    marks = ", ".join(f":{column}" for column in values)
    with services(app).database.transaction() as connection:
        connection.execute(insert(users).values(**person, created_at=NOW, password_changed_at=NOW))
        connection.execute(text(f"INSERT INTO families ({names}) VALUES ({marks})"), values)  # noqa: S608 - names of ours
    return Forger(services(app).settings, REFRESH, NOW, name, name, name).forge()


def test_the_migration_logs_nobody_out(old_app: Flask) -> None:
    """Up: every family goes on, unbound, and may bind. Down and up again: it still goes on."""
    app, key = old_app, Prover()
    first, second = old_session(app, 1), old_session(app, 2)
    before, old_shape = rows(app), shape(app)
    migrate(app, "heads")
    new: dict[str, object] = {"jkt": None, "revoked_ip": None, "retries": 0}
    new |= {"burst_started_at": NOW, "auth_time": OLD_ROW["created_at"], "amr": "pwd"}
    new |= {"dismissed_at": None}
    assert rows(app) == [one | new for one in before]
    unbound, bound = present(app, first), present(app, second, key)
    assert [one.get_json()["token_type"] for one in (unbound, bound)] == ["Bearer", "DPoP"]
    assert [one["jkt"] for one in rows(app)] == [None, key.thumbprint]
    kept, new_shape = rows(app), shape(app)
    migrate(app, "0001")
    assert rows(app) == [{name: one[name] for name in one.keys() - new} for one in kept]
    assert shape(app) == old_shape
    migrate(app, "heads")
    assert shape(app) == new_shape
    for answer in (present(app, cookie_of(unbound)), present(app, cookie_of(bound), key)):
        assert answer.status_code == 200


def test_a_new_member_is_like_an_old_one(app: Flask) -> None:
    ada = member(app)
    family = family_of(app, ada.session_id)
    assert (family.jkt, family.revoked_ip, family.retries) == (None, None, 0)
