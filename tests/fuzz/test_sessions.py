import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import and_

from app.families import revocation
from app.families.models import families
from app.infra import redis
from config import Settings
from tests.fuzz.checks import MAX_SESSIONS
from tests.fuzz.effort import SECONDS, effort
from tests.fuzz.machine import Sessions
from tests.support.servers.postgres import PostgresServer
from tests.support.servers.valkey import ValkeyServer

pytestmark = pytest.mark.timeout(SECONDS)


@pytest.fixture(autouse=True)
def quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach the limit of sessions in a few steps, and let the repair try often."""
    latest = revocation._latest.limit(MAX_SESSIONS - 1)  # noqa: SLF001 - the limit is in the statement
    others = and_(revocation._others, families.c.family_id.not_in(latest))  # noqa: SLF001
    monkeypatch.setattr(revocation, "REVOKE_EXCESS", revocation._revoke(others))  # noqa: SLF001
    monkeypatch.setattr(redis, "REDIS_BACKOFF_SECONDS", 0.02)


@pytest.fixture
def sessions(
    base_environment: dict[str, str], valkey_server: ValkeyServer
) -> Callable[[Callable[[], str]], type[Sessions]]:
    """The machine over databases that a function makes anew for each run."""

    def over(fresh: Callable[[], str]) -> type[Sessions]:
        class Over(Sessions):
            valkey = valkey_server

            def __init__(self) -> None:
                servers = {"DATABASE_URL": fresh(), "REDIS_URL": valkey_server.url}
                settings = Settings.from_env(base_environment | servers)
                # Below what an operator may choose: what passwords cost is not the point here.
                self.settings = replace(settings, argon2_memory_kib=8, argon2_time=1)
                super().__init__()

        return Over

    return over


def test_sqlite(
    sessions: Callable[[Callable[[], str]], type[Sessions]], migrated_sqlite: Path, tmp_path: Path
) -> None:
    path = tmp_path / "latchkey.db"

    def fresh() -> str:
        for old in tmp_path.glob("latchkey.db*"):
            old.unlink()
        return f"sqlite:///{shutil.copy(migrated_sqlite, path)}"

    run_state_machine_as_test(sessions(fresh), settings=effort(20, steps=25))


def test_postgresql(
    sessions: Callable[[Callable[[], str]], type[Sessions]],
    postgres: PostgresServer,
    migrated_postgres: str,
) -> None:
    """Fewer examples than on SQLite, because only the database differs."""

    def fresh() -> str:
        postgres.empty(migrated_postgres)
        return migrated_postgres

    run_state_machine_as_test(sessions(fresh), settings=effort(6, steps=25))
