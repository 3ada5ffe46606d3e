from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import event

from app import create_app
from app.cli.migrations import newest_revisions
from app.infra.redis import ServerFacts
from app.web.guards import public
from config import Settings
from tests.support.app import close, services
from tests.support.clock import SettableClock
from tests.support.servers.valkey import ValkeyServer
from tests.unit.cli.conftest import Run, on

HEALTHY = [
    "ok    environment: testing, https://localhost",
    "ok    database",
    "ok    proxy",
    "ok    redis",
    "note  mail: MAIL_URL is none, so nobody can reset a password by themselves",
    "ok    mail",
    "ok    lifetimes",
    "ok    passwords",
    "ok    routes",
]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A deployment without mail; test_mail.py has one with."""
    return replace(settings, mail_url="none")


def sound_redis(now: int) -> ServerFacts:
    return ServerFacts(now, "noeviction", persistent=True, role="master", identity="a-server")


@pytest.fixture
def healthy_redis(clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Redis agree about the time, which stands still here."""
    facts = sound_redis(clock.now())
    monkeypatch.setattr("app.cli.doctor.server_facts", lambda _redis: facts)


def examine(settings: Settings) -> Result:
    """Run the doctor on a deployment with these settings and the machine's clock."""
    app = create_app(settings)
    done = on(app, "doctor")
    close(app)
    return done


def assert_fault(done: Result, fault: str) -> None:
    assert done.exit_code == 1
    assert f"FAULT {fault}" in done.output


def test_a_sound_deployment_is_well(settings: Settings) -> None:
    done = examine(settings)
    assert (done.exit_code, done.output.splitlines()) == (0, HEALTHY)


def test_a_database_that_is_not_migrated_is_a_fault(settings: Settings, tmp_path: object) -> None:
    done = examine(replace(settings, database_url=f"sqlite:///{tmp_path}/empty.db"))
    head = ", ".join(sorted(newest_revisions()))
    run = "run 'flask --app wsgi db upgrade'"
    assert_fault(done, f"database: is at migration none, not {head}; {run}")


def test_a_database_that_is_away_is_a_fault_without_its_url(settings: Settings) -> None:
    done = examine(replace(settings, database_url="sqlite:////nowhere/hunter2.db"))
    assert_fault(done, "database: cannot be opened: check that the folder of DATABASE_URL")
    assert "hunter2" not in done.output


def test_sqlite_without_a_write_ahead_log_is_a_fault(settings: Settings, sqlite_url: str) -> None:
    """Network disks cannot have one."""
    app = create_app(replace(settings, database_url=sqlite_url))

    def as_on_a_network_disk(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's
        connection.execute("PRAGMA journal_mode=DELETE")

    event.listen(services(app).database.engine, "connect", as_on_a_network_disk)
    done = on(app, "doctor")
    close(app)
    assert_fault(done, "database: has journal mode delete, not wal")


def test_writers_that_cannot_queue_are_a_fault(settings: Settings, sqlite_url: str) -> None:
    lock = Path(sqlite_url.removeprefix("sqlite:///") + ".lock")
    lock.symlink_to("elsewhere")
    done = examine(replace(settings, database_url=sqlite_url))
    assert_fault(done, f"database: writers cannot queue at {lock}")


def test_no_breached_passwords_in_production_is_a_note_and_no_fault(settings: Settings) -> None:
    note = "note  passwords: BREACHED_PASSWORDS is not set"
    assert note in examine(replace(settings, env="production")).output
    assert "FAULT passwords" not in examine(replace(settings, env="production")).output
    named = replace(settings, env="production", breached_passwords=Path("breached"))
    assert note not in examine(named).output


def test_sqlite_in_production_is_a_note_and_no_fault(settings: Settings, sqlite_url: str) -> None:
    deployed = replace(settings, env="production", trusted_proxies=1, database_url=sqlite_url)
    done = examine(deployed)
    assert done.exit_code == 0
    assert "note  database: SQLite serves one machine" in done.output


def test_sqlite_files_that_others_can_read_are_a_fault(
    settings: Settings, sqlite_url: str
) -> None:
    Path(sqlite_url.removeprefix("sqlite:///")).chmod(0o644)
    done = examine(replace(settings, database_url=sqlite_url))
    assert_fault(done, "database: latchkey.db can be read by others (0644); run 'chmod 600' on it")


@pytest.mark.parametrize(
    ("env", "url", "proxies", "well"),
    [
        ("production", "https://localhost", 0, False),
        ("staging", "https://localhost", 0, False),
        ("production", "https://localhost", 1, True),
        ("testing", "https://localhost", 0, True),
        ("testing", "http://localhost", 0, True),
    ],
)
def test_a_proxy_that_is_not_believed_is_a_fault(
    settings: Settings, env: str, url: str, proxies: int, *, well: bool
) -> None:
    """All clients would share its address, and one of them could use up all attempts."""
    done = examine(replace(settings, env=env, public_url=url, trusted_proxies=proxies))
    assert ("FAULT proxy: PUBLIC_URL is https and gunicorn speaks http" in done.output) != well
    assert ("ok    proxy" in done.output) == well


def test_a_redis_that_is_away_is_a_fault_and_the_rest_is_examined(
    settings: Settings, valkey: ValkeyServer
) -> None:
    valkey.stop()
    done = examine(settings)
    assert_fault(done, "redis: does not answer (ConnectionError); check REDIS_URL")
    assert done.output.splitlines()[-1] == "ok    routes"


@pytest.mark.parametrize(
    ("setting", "wrong", "right", "fault"),
    [
        ("maxmemory-policy", "allkeys-lru", "noeviction", "evicts keys (allkeys-lru)"),
        ("appendonly", "no", "yes", "loses its data in a restart; set appendonly to yes"),
    ],
    ids=["eviction", "persistence"],
)
def test_a_redis_that_forgets_is_a_fault(  # noqa: PLR0913, PLR0917 - its table
    settings: Settings, valkey: ValkeyServer, setting: str, wrong: str, right: str, fault: str
) -> None:
    valkey.client.config_set(setting, wrong)
    done = examine(settings)
    valkey.client.config_set(setting, right)
    assert_fault(done, f"redis: {fault}")


@pytest.mark.usefixtures("app")
def test_a_redis_that_does_not_say_is_a_fault(settings: Settings, valkey: ValkeyServer) -> None:
    valkey.client.acl_setuser("default", enabled=True, commands=["-info"])
    try:
        done = examine(settings)
    finally:
        valkey.client.acl_setuser("default", enabled=True, commands=["+info"])
    assert_fault(
        done, "redis: does not report its eviction policy and identity; allow the command INFO"
    )


def test_a_redis_that_is_a_replica_is_a_fault(settings: Settings, valkey: ValkeyServer) -> None:
    valkey.client.replicaof("127.0.0.1", 1)
    try:
        done = examine(settings)
    finally:
        valkey.client.replicaof("NO", "ONE")
    assert_fault(done, "redis: is not a primary (slave); name the primary in REDIS_URL")


@pytest.mark.parametrize(("skew", "well"), [(7, True), (-7, True), (8, False), (-8, False)])
def test_clocks_must_agree_within_the_leeway_and_two_seconds(
    flask: Run,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
    skew: int,
    *,
    well: bool,
) -> None:
    facts = sound_redis(clock.now() + skew)
    monkeypatch.setattr("app.cli.doctor.server_facts", lambda _redis: facts)
    done = flask("doctor")
    assert done.exit_code == (0 if well else 1)
    assert (
        "FAULT redis: has a clock that differs by more than CLOCK_LEEWAY" in done.output
    ) != well


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            {"refresh_idle_ttl": 90000},
            "REFRESH_IDLE_TTL is above REFRESH_ABSOLUTE_TTL and never takes effect",
        ),
        (
            {"remember_absolute_ttl": 3600},
            "REMEMBER_IDLE_TTL is above REMEMBER_ABSOLUTE_TTL and never takes effect",
        ),
        (
            {"refresh_idle_ttl": 599},
            "REFRESH_IDLE_TTL is below ACCESS_TOKEN_TTL; sessions end while in use",
        ),
    ],
    ids=["idle-above-absolute", "remembered-idle-above-absolute", "idle-below-access"],
)
def test_lifetimes_must_fit_together(
    settings: Settings, change: dict[str, int], fault: str
) -> None:
    done = examine(replace(settings, **change))  # type: ignore[arg-type]
    assert_fault(done, f"lifetimes: {fault}")


@pytest.mark.usefixtures("healthy_redis")
def test_a_route_without_a_mark_is_a_fault(app: Flask, flask: Run) -> None:
    app.add_url_rule("/open", "open", public(lambda: "open"))
    assert flask("doctor").exit_code == 0
    app.add_url_rule("/forgotten", "forgotten", lambda: "forgotten")
    done = flask("doctor")
    assert_fault(done, "routes: forgotten is neither @public nor @require_access")
